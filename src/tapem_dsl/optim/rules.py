"""
Update rules for one tensor: each class holds the equations of one optimiser.

A rule is immutable data. Its state is a NamedTuple of arrays and counts: ``init`` makes
it, and ``update`` returns the change of the parameter and the next state. A rule
without a square root also works on exact rationals.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import inf, isfinite
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Generic,
    NamedTuple,
    TypeAlias,
    TypeVar,
    final,
)

import numpy as np
from typing_extensions import override

from tapem_dsl import tree
from tapem_dsl.arguments import check_fields, describe
from tapem_dsl.arrays import AnyDType, Array, Namespace, namespace_of, widened
from tapem_dsl.errors import Refused, Thrown
from tapem_dsl.interpreters.compiled.noting import Noted, host
from tapem_dsl.tape.equality import structural_tuple
from tapem_dsl.tape.value import as_value, frozen, zeros_like

Real: TypeAlias = float | Fraction
"""A hyperparameter; a ``Fraction`` is exact over rationals."""

NonNegative: TypeAlias = Annotated[Real, "[0, inf)"]

S = TypeVar("S")


class UpdateRule(ABC, Generic[S]):
    """
    The equations of one optimiser for one tensor; ``S`` is the type of its state.

    A float16 parameter is updated in float32, and its state is float32: the squares of
    ordinary gradients overflow float16. The change is rounded to float16 once.

    Hyperparameters are checked when a rule is made: a ``TypeError`` for what is not a
    number, a ``ValueError`` for a number outside of its range.

    Finite inputs, however large or small, never give NaN: a quotient by 0 counts as 0,
    and so does every change at the rate 0.

    >>> Sgd().update(np.array([2.0]), EmptyState(), np.array([1.0]), 0.1)
    (array([-0.2]), EmptyState())
    """

    __slots__ = ()

    weight_decay: NonNegative

    state_type: ClassVar[type] = object
    """The type of its states, which no other rule has; :meth:`update` checks it."""

    def __post_init__(self) -> None:
        check_fields(self)

    @abstractmethod
    def init(self, parameter: Array) -> S:
        """Return the state before the first step."""

    def update(
        self, gradient: Array, state: S, parameter: Array, rate: Real
    ) -> tuple[Array, S]:
        """
        Return the change to add to the parameter, and the next state; both read-only.

        Raises:
            TypeError: the state of another rule.
            ValueError: shapes or dtypes differ; a dtype is not real; the rate or a
                hyperparameter is infinite in the parameter's dtype.
        """
        parameter, gradient = as_value(parameter), as_value(gradient)
        check_alike(parameter, gradient)
        if self.state_type not in (object, type(state)):
            raise TypeError(
                f"{type(self).__name__} takes a state of type "
                f"{self.state_type.__name__}, not {describe(state)}; "
                "make one by init of the same optimiser"
            )
        if not fits(state, parameter):
            raise ValueError(
                f"the state is of another parameter than "
                f"{parameter.dtype}{list(parameter.shape)}"
            )
        wide = widened(parameter)
        xp = namespace_of(wide)
        with computing():
            step = constant(xp, wide, rate)  # checks the rate for every rule
            change, state = self.equations(xp, widened(gradient), state, wide, rate)
            # also where the direction is infinite
            if xp.holds(lambda step: wide.dtype.type(0) + step == 0, step):
                change = xp.zeros_like(wide)
            change = change if wide is parameter else change.astype(parameter.dtype)
        return canonical(xp, change), state

    @abstractmethod
    def equations(
        self, xp: Namespace, g: Array, state: S, p: Array, rate: Real
    ) -> tuple[Array, S]:
        """Return the change to add to ``p``, and the next state."""

    def decayed(self, xp: Namespace, g: Array, p: Array) -> Array:
        """
        Return ``g + p * weight_decay``: coupled weight decay.

        A sum of finite numbers that overflows becomes the largest finite number.
        """
        if self.weight_decay == 0:
            return g
        total = g + p * constant(xp, p, self.weight_decay)
        if p.dtype.kind == "f" and not xp.holds(_finite, total):
            most = np.finfo(p.dtype).max
            bounded = xp.minimum(xp.maximum(total, -most), most)
            total = xp.where(_finite(g) & _finite(p), bounded, total)
        return total


# Any: a real number, which jit may note.
def constant(xp: Namespace, p: Array, number: Any) -> Array:
    """
    Return a number in a form for arithmetic with a parameter.

    Raises:
        ValueError: it is infinite or NaN in the parameter's dtype.

    >>> from tapem_dsl.arrays import NUMPY
    >>> with computing():
    ...     constant(NUMPY, np.float32(1), 1e39)
    Traceback (most recent call last):
    ...
    ValueError: 1e+39 (float), a constant of the optimiser, is not finite in float32
    """
    if isinstance(number, Noted):
        return _noted_constant(p, number)
    given = xp.literal(p, number)
    if -_ORDINARY < given < _ORDINARY:
        return given
    if p.dtype.kind == "f" and not isfinite(p.dtype.type(given)):
        what = f"{describe(number)}, a constant of the optimiser, is not finite in"
        raise ValueError(f"{what} {p.dtype}")
    return given


def _noted_constant(p: Array, number: Noted) -> Array:
    given: Noted = number.namespace.literal(p, number)
    finite = host(partial(_is_finite_in, p.dtype), given)
    number.namespace.require(lambda x: x, finite, lambda entry, _: Thrown(entry))
    return given


def _is_finite_in(dtype: AnyDType, number: Any) -> bool:
    return dtype.kind != "f" or isfinite(dtype.type(number))


def _finite(x: Array) -> Array:
    return abs(x) < inf


_ORDINARY: Final = 1e38
"""Below the largest number of float32 and float64."""


def quotient(xp: Namespace, a: Array, b: Array) -> Array:
    """
    Return ``a / b``, and 0 where ``b`` is 0.

    >>> from tapem_dsl.arrays import NUMPY
    >>> with computing():
    ...     quotient(NUMPY, np.array([1.0, 1.0, 0.0]), np.array([2.0, 0.0, 0.0]))
    array([0.5, 0. , 0. ])
    """
    ratio = a / b
    return ratio if xp.holds(_nonzero, b) else xp.where(_nonzero(b), ratio, 0)


def _nonzero(x: Array) -> Array:
    return x != 0


def check_rule(owner: str, rule: object) -> None:
    """
    Check that an argument is a rule.

    Raises:
        TypeError: it is not a rule.

    >>> check_rule("by_leaf", Sgd)
    Traceback (most recent call last):
    ...
    TypeError: by_leaf takes a rule, such as Adam(), not the class Sgd
    """
    if not isinstance(rule, UpdateRule):
        raise TypeError(f"{owner} takes a rule, such as Adam(), not {describe(rule)}")


@contextmanager
def computing() -> Iterator[None]:
    """
    Silence NumPy's warnings, and turn a :class:`Refused` into a ``ValueError``.

    >>> with computing():
    ...     print(np.float64(1) / np.float64(0))
    inf
    """
    try:
        with np.errstate(all="ignore"):
            yield
    except Refused as refusal:
        raise ValueError(str(refusal.error)) from None


# Any: the state of any rule.
def fits(state: Any, parameter: Array) -> bool:
    """
    Return whether every array of a state has the parameter's shape and dtype.

    For a float16 parameter the state's arrays are float32. Counts are ignored.

    >>> state = Buffered(3, np.ones(2))
    >>> fits(state, np.ones(2)), fits(state, np.ones(1))
    (True, False)
    """
    kind = np.dtype(np.float32) if parameter.dtype == np.float16 else parameter.dtype
    return all(
        x.shape == parameter.shape and x.dtype == kind
        for x in tree.leaves(state)
        if not isinstance(x, int) and type(getattr(x, "value", None)) is not int
    )


def canonical(xp: Namespace, x: Array) -> Array:
    """
    Return an array in its canonical form, read-only.

    >>> from tapem_dsl.arrays import NUMPY
    >>> canonical(NUMPY, np.array(1.0))
    np.float64(1.0)
    """
    return frozen(xp.canonical(x))


def check_alike(parameter: Array, gradient: Array) -> None:
    """
    Check that a gradient has the shape and the real dtype of its parameter.

    Raises:
        ValueError: shapes or dtypes differ, or the dtype is not real.

    >>> check_alike(np.ones(2), np.ones(3))
    Traceback (most recent call last):
    ...
    ValueError: a gradient float64[3] does not fit a parameter float64[2]
    """
    if parameter.shape != gradient.shape or parameter.dtype != gradient.dtype:
        raise ValueError(
            f"a gradient {gradient.dtype}{list(gradient.shape)} does not fit "
            f"a parameter {parameter.dtype}{list(parameter.shape)}"
        )
    if parameter.dtype.kind not in "fO":
        raise ValueError(f"only real parameters can be updated, not {parameter.dtype}")


def zeros(parameter: Array) -> Array:
    """
    Return read-only zeros of the parameter's shape and dtype; float32 for float16.

    >>> zeros(np.float32(3)), zeros(np.float16(3))
    (np.float32(0.0), np.float32(0.0))
    """
    return zeros_like(widened(as_value(parameter)))


@structural_tuple
class EmptyState(NamedTuple):
    """The state of a rule or transform that needs none."""


@final
@dataclass(frozen=True, slots=True)
class Sgd(UpdateRule[EmptyState]):
    """
    ``p - (g + p * weight_decay) * rate``.

    Lean: ``Optim.SGD``. PyTorch: ``torch.optim.SGD``.

    >>> Sgd(weight_decay=Fraction(1, 2))
    Sgd(weight_decay=Fraction(1, 2))
    """

    state_type: ClassVar[type] = EmptyState

    weight_decay: NonNegative = 0

    @override
    def init(self, parameter: Array) -> EmptyState:
        return EmptyState()

    @override
    def equations(
        self, xp: Namespace, g: Array, state: EmptyState, p: Array, rate: Real
    ) -> tuple[Array, EmptyState]:
        return -(self.decayed(xp, g, p) * constant(xp, p, rate)), state


@structural_tuple
class Buffered(NamedTuple):
    """The momentum buffer, and how many gradients it has seen."""

    steps: int
    buffer: Array


@final
@dataclass(frozen=True, slots=True)
class Momentum(UpdateRule[Buffered]):
    """
    ``b = b * momentum + g * (1 - dampening)``, then ``p - b * rate``.

    The first gradient is not dampened. With ``nesterov`` the direction is ``g +
    momentum * b``; this needs ``momentum > 0`` and ``dampening == 0``.

    Lean: ``Optim.Momentum``, of the later generations. PyTorch: ``torch.optim.SGD``
    with ``momentum``.

    >>> rule = Momentum(dampening=0.5)
    >>> p, state = np.float64(1.0), rule.init(np.float64(1.0))
    >>> for _ in range(2):
    ...     change, state = rule.update(np.float64(2.0), state, p, 0.1)
    ...     p = p + change
    >>> float(round(p, 12))
    0.52
    """

    state_type: ClassVar[type] = Buffered

    momentum: NonNegative = 0.9
    dampening: Annotated[Real, "(-inf, inf)"] = 0
    nesterov: bool = False
    weight_decay: NonNegative = 0

    @override
    def __post_init__(self) -> None:
        check_fields(self)
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError(
                "Momentum with nesterov takes a momentum above 0 and no dampening, not "
                f"{self.momentum!r} and {self.dampening!r}"
            )

    @override
    def init(self, parameter: Array) -> Buffered:
        return Buffered(0, zeros(parameter))

    @override
    def equations(
        self, xp: Namespace, g: Array, state: Buffered, p: Array, rate: Real
    ) -> tuple[Array, Buffered]:
        g = self.decayed(xp, g, p)
        mu = constant(xp, p, self.momentum)
        b = g
        if xp.holds(lambda steps: steps > 0, state.steps):
            b = state.buffer * mu + g * constant(xp, p, 1 - self.dampening)
        direction = g + b * mu if self.nesterov else b
        kept = Buffered(state.steps + 1, canonical(xp, b))
        return -(direction * constant(xp, p, rate)), kept
