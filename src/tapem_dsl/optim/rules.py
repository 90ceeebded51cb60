"""
How one tensor moves along its gradient: the equations, one class each.

A rule is data. Its state is a NamedTuple of arrays and counts, explicit and immutable:
``init`` makes it, ``update`` gives the change of the parameter and the next state.
Equations hold over rationals too where they are rational.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypeAlias, TypeVar, final

import numpy as np

from tapem_dsl import tree
from tapem_dsl.arguments import check_fields, said
from tapem_dsl.arrays import Array, Namespace, namespace_of, widened
from tapem_dsl.errors import Refused
from tapem_dsl.tape.equality import structural_tuple
from tapem_dsl.tape.value import as_value, frozen

Real: TypeAlias = float | Fraction
"""A hyperparameter; a ``Fraction`` is exact over rationals."""

S = TypeVar("S")


class Rule(ABC, Generic[S]):
    """
    One optimiser's equations for one tensor; ``S`` is its state.

    A parameter of float16 moves in float32, in which its state is kept: squares of
    ordinary gradients are beyond float16. The change is rounded once.

    Hyperparameters are checked when a rule is made: ``TypeError`` for what is no
    number, ``ValueError`` for one that is outside of its range.

    No equation makes NaN of finite numbers, however large or small: a quotient by 0 is
    0, and so is a change at a rate of 0.

    >>> Sgd().update(np.array([2.0]), EmptyState(), np.array([1.0]), 0.1)
    (array([-0.2]), EmptyState())
    """

    __slots__ = ()

    weight_decay: Real

    state_type: ClassVar[type] = object
    """The type of its states, and of no other rule's, for :meth:`update` to check."""

    @abstractmethod
    def init(self, parameter: Array) -> S:
        """Make the state before the first step."""

    def update(
        self, gradient: Array, state: S, parameter: Array, rate: Real
    ) -> tuple[Array, S]:
        """
        Give what is to be added to the parameter, and the next state; both read-only.

        Raises:
            TypeError: the state of another kind of rule.
            ValueError: shapes or scalar types differ or are not real; a constant that
                the scalar type cannot say.
        """
        parameter, gradient = as_value(parameter), as_value(gradient)
        check_alike(parameter, gradient)
        if self.state_type not in (object, type(state)):
            raise TypeError(
                f"{type(self).__name__} takes a state of type "
                f"{self.state_type.__name__}, not {said(state)}; "
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
            step = constant(xp, wide, rate)  # refuses what is none, whatever the rule
            change, state = self.moved(xp, widened(gradient), state, wide, rate)
            if wide.dtype.type(step) == 0:  # also where the direction is infinite
                change = xp.zeros_like(wide)
            change = change if wide is parameter else change.astype(parameter.dtype)
        return settled(xp, change), state

    @abstractmethod
    def moved(
        self, xp: Namespace, g: Array, state: S, p: Array, rate: Real
    ) -> tuple[Array, S]:
        """State the equations."""

    def decayed(self, xp: Namespace, g: Array, p: Array) -> Array:
        """
        Add the gradient of half the squared parameter: coupled weight decay.

        A sum of finite numbers that overflows is the largest number.
        """
        if self.weight_decay == 0:
            return g
        total = g + p * constant(xp, p, self.weight_decay)
        if p.dtype.kind == "f" and not np.isfinite(total).all():
            most = np.finfo(p.dtype).max
            bounded = xp.minimum(xp.maximum(total, -most), most)
            total = xp.where(np.isfinite(g) & np.isfinite(p), bounded, total)
        return total


# Any: a number for arithmetic with an array of whatever scalar.
def constant(xp: Namespace, p: Array, number: Real) -> Any:
    """
    Give a constant of an equation, for arithmetic with a parameter.

    Raises:
        ValueError: infinite or NaN in the parameter's scalar type.

    >>> from tapem_dsl.arrays import NUMPY
    >>> with computing():
    ...     constant(NUMPY, np.float32(1), 1e39)
    Traceback (most recent call last):
    ...
    ValueError: no finite float32 is 1e+39 (float), a constant of the optimiser
    """
    given = xp.literal(p, number)
    if -_ORDINARY < given < _ORDINARY:
        return given
    if p.dtype.kind == "f" and not isfinite(p.dtype.type(given)):
        what = f"no finite {p.dtype} is {said(number)}, a constant of the optimiser"
        raise ValueError(what)
    return given


_ORDINARY: Final = 1e38
"""Below the largest number of every type that is computed with."""


def quotient(xp: Namespace, a: Array, b: Array) -> Array:
    """
    Give ``a / b``, and 0 where ``b`` is 0: what has no size is not moved.

    >>> from tapem_dsl.arrays import NUMPY
    >>> with computing():
    ...     quotient(NUMPY, np.array([1.0, 1.0, 0.0]), np.array([2.0, 0.0, 0.0]))
    array([0.5, 0. , 0. ])
    """
    known, ratio = b != 0, a / b
    return ratio if known.all() else xp.where(known, ratio, 0)


def check_rule(owner: str, rule: object) -> None:
    """
    Check that an argument is a rule.

    Raises:
        TypeError: it is none.

    >>> check_rule("by_leaf", Sgd)
    Traceback (most recent call last):
    ...
    TypeError: by_leaf takes a rule, such as Adam(), not the class Sgd
    """
    if not isinstance(rule, Rule):
        raise TypeError(f"{owner} takes a rule, such as Adam(), not {said(rule)}")


@contextmanager
def computing() -> Iterator[None]:
    """
    Compute without NumPy's warnings, and raise a refusal as a ``ValueError``.

    >>> with computing():
    ...     print(np.float64(1) / np.float64(0))
    inf
    """
    try:
        with np.errstate(all="ignore"):
            yield
    except Refused as refusal:
        raise ValueError(str(refusal.error)) from None


# Any: the state of whatever rule.
def fits(state: Any, parameter: Array) -> bool:
    """
    Tell whether every array of a state is like the parameter; counts are no arrays.

    Of a float16 parameter they are float32.

    >>> state = Buffered(3, np.ones(2))
    >>> fits(state, np.ones(2)), fits(state, np.ones(1))
    (True, False)
    """
    kind = np.dtype(np.float32) if parameter.dtype == np.float16 else parameter.dtype
    return all(
        np.shape(x) == parameter.shape and x.dtype == kind
        for x in tree.leaves(state)
        if not isinstance(x, int)
    )


# Any: an array of whatever scalar.
def settled(xp: Namespace, x: Array) -> Any:
    """
    Give an array in its one form, read-only.

    >>> from tapem_dsl.arrays import NUMPY
    >>> settled(NUMPY, np.array(1.0))
    np.float64(1.0)
    """
    return frozen(xp.canonical(x))


def check_alike(parameter: Array, gradient: Array) -> None:
    """
    Check that a gradient fits its parameter.

    Raises:
        ValueError: shapes or scalar types differ, or are not real.

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
        raise ValueError(
            f"only real parameters move along gradients, not {parameter.dtype}"
        )


def zeros(parameter: Array) -> Array:
    """
    Make a read-only array of zeros of the parameter's shape and scalar type.

    For float16 they are float32.

    >>> zeros(np.float32(3)), zeros(np.float16(3))
    (np.float32(0.0), np.float32(0.0))
    """
    array = widened(as_value(parameter))
    xp = namespace_of(array)
    return settled(xp, xp.zeros_like(array))


@structural_tuple
class EmptyState(NamedTuple):
    """
    The state of what needs none.

    >>> EmptyState()
    EmptyState()
    """


@final
@dataclass(frozen=True, slots=True)
class Sgd(Rule[EmptyState]):
    """
    ``p - g * rate``.

    Source:
        Lean: ``Optim.SGD``. PyTorch: ``torch.optim.SGD``.

    >>> Sgd(weight_decay=Fraction(1, 2))
    Sgd(weight_decay=Fraction(1, 2))
    """

    state_type: ClassVar[type] = EmptyState

    weight_decay: Real = 0

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self, weight_decay="[0, inf)")

    def init(self, parameter: Array) -> EmptyState:
        """Need nothing."""
        return EmptyState()

    def moved(
        self, xp: Namespace, g: Array, state: EmptyState, p: Array, rate: Real
    ) -> tuple[Array, EmptyState]:
        """As above."""
        return -(self.decayed(xp, g, p) * constant(xp, p, rate)), state


@structural_tuple
class Buffered(NamedTuple):
    """
    A running sum of gradients, and of how many.

    >>> Buffered(0, np.zeros(1))
    Buffered(steps=0, buffer=array([0.]))
    """

    steps: int
    buffer: Array


@final
@dataclass(frozen=True, slots=True)
class Momentum(Rule[Buffered]):
    """
    ``b = b * momentum + g * (1 - dampening)``, then ``p - b * rate``.

    The first gradient is not dampened. With ``nesterov`` the direction is ``g +
    momentum * b``; that needs a momentum, and no dampening.

    Source:
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

    momentum: Real = 0.9
    dampening: Real = 0
    nesterov: bool = False
    weight_decay: Real = 0

    def __post_init__(self) -> None:
        """Check the fields, and that they go together."""
        check_fields(
            self,
            momentum="[0, inf)",
            dampening="(-inf, inf)",
            nesterov=(False, True),
            weight_decay="[0, inf)",
        )
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError(
                "Momentum with nesterov takes a momentum above 0 and no dampening, not "
                f"{self.momentum!r} and {self.dampening!r}"
            )

    def init(self, parameter: Array) -> Buffered:
        """Start from zeros."""
        return Buffered(0, zeros(parameter))

    def moved(
        self, xp: Namespace, g: Array, state: Buffered, p: Array, rate: Real
    ) -> tuple[Array, Buffered]:
        """As above."""
        g = self.decayed(xp, g, p)
        mu = constant(xp, p, self.momentum)
        b = g
        if state.steps:
            b = state.buffer * mu + g * constant(xp, p, 1 - self.dampening)
        direction = g + b * mu if self.nesterov else b
        kept = Buffered(state.steps + 1, settled(xp, b))
        return -(direction * constant(xp, p, rate)), kept
