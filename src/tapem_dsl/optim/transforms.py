"""
Optimisers of pytrees, as optax has them: two pure functions, ``init`` and ``update``.

``update`` turns gradients into updates, which are added to the parameters, and a state
into the next state. States are pytrees, so a checkpoint holds them like parameters.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeVar, final

import numpy as np
from typing_extensions import override

from tapem_dsl import tree
from tapem_dsl.arguments import describe
from tapem_dsl.arrays import Array, namespace_of
from tapem_dsl.optim.adaptive import (
    BETA2,
    EPSILON,
    Adadelta,
    AdaGrad,
    Adam,
    AdamW,
    RmsProp,
)
from tapem_dsl.optim.rules import (
    Momentum,
    Real,
    Sgd,
    UpdateRule,
    canonical,
    check_alike,
    check_rule,
)
from tapem_dsl.optim.schedules import Schedule, check_rate, rate_at
from tapem_dsl.tape.equality import structural_tuple
from tapem_dsl.tape.value import as_value

# Any, throughout: pytrees of arrays, and the states of any rule or transform.

S = TypeVar("S")
P = TypeVar("P")


class Transform(ABC, Generic[S]):
    """
    ``init(parameters)`` and ``update(gradients, state, parameters)``.

    ``update`` returns updates, a pytree like the parameters that is added to them, and
    the next state. Where a gradient is ``None``, the update is ``None``, and the
    parameter and its part of the state stay as they are.

    The transforms of this library are frozen records, with ``==`` and pickle. A user's
    own transform is a subclass with the two methods.

    Lean: none; its ``step`` updates a table. JAX: optax's
    ``GradientTransformation``.

    >>> optimiser = sgd(0.1)
    >>> state = optimiser.init({"w": np.ones(2)})
    >>> updates, state = optimiser.update({"w": np.ones(2)}, state, {"w": np.ones(2)})
    >>> apply_updates({"w": np.ones(2)}, updates)
    {'w': array([0.9, 0.9])}
    >>> sgd(0.1) == sgd(0.1)
    True
    """

    __slots__ = ()

    @abstractmethod
    def init(self, parameters: Any, /) -> S:
        """Return the state before the first step."""

    @abstractmethod
    def update(self, gradients: Any, state: S, parameters: Any, /) -> tuple[Any, S]:
        """Return what is added to the parameters, and the next state."""

    def move(self, gradients: object, state: S, parameters: P) -> tuple[P, S]:
        """
        Update and apply the updates; return the next parameters and the next state.

        >>> optimiser = sgd(0.1)
        >>> optimiser.move([np.ones(1)], optimiser.init([np.ones(1)]), [np.ones(1)])[0]
        [array([0.9])]
        """
        updates, after = self.update(gradients, state, parameters)
        return apply_updates(parameters, updates), after


@structural_tuple
class Stepped(NamedTuple):
    """
    The count of past steps, and a pytree of the states of the leaves.

    >>> sgd(0.1).init({"w": np.ones(2)})
    Stepped(steps=0, leaves={'w': EmptyState()})
    """

    steps: int
    leaves: Any


@final
@dataclass(frozen=True, slots=True)
class ByLeaf(Transform[Stepped]):
    """The transform that :func:`by_leaf` returns."""

    rule: UpdateRule[Any]
    rate: Real | Schedule

    def __post_init__(self) -> None:
        check_rule("by_leaf", self.rule)
        check_rate(type(self.rule).__name__, self.rate)

    @override
    def init(self, parameters: object, /) -> Stepped:
        return Stepped(0, tree.map(self.rule.init, parameters))

    @override
    def update(
        self, gradients: object, state: Stepped, parameters: object, /
    ) -> tuple[Any, Stepped]:
        leaves, structure = tree.flatten(parameters)
        check_state(state, Stepped)
        try:
            olds = structure.leaves_of(state.leaves)
        except ValueError as error:
            what = f"the optimiser takes a state of the same pytree: {error}"
            raise ValueError(f"{what}; {_FIX}") from None
        now = rate_at(self.rate, state.steps)
        changes, states = [], []
        rows = zip(structure.leaves_of(gradients), olds, leaves, strict=True)
        for g, old, p in rows:
            change, new = (None, old) if g is None else self.rule.update(g, old, p, now)
            changes.append(change)
            states.append(new)
        after = Stepped(state.steps + 1, structure.unflatten(states))
        return structure.unflatten(changes), after


_FIX: Final = "make one by init(parameters)"


def check_state(state: object, kind: type) -> None:
    """
    Check that a state has the type of the optimiser's states.

    Raises:
        TypeError: it has another type.

    >>> check_state(3, Stepped)
    Traceback (most recent call last):
    ...
    TypeError: the optimiser takes a state of type Stepped, not 3 (int); make one by \
init(parameters)
    """
    if type(state) is not kind:
        what = f"the optimiser takes a state of type {kind.__name__}"
        raise TypeError(f"{what}, not {describe(state)}; {_FIX}")


def by_leaf(rule: UpdateRule[Any], rate: Real | Schedule) -> Transform[Stepped]:
    """
    Return the optimiser that updates each leaf of a pytree by a rule.

    Args:
        rule: the equations.
        rate: the learning rate, a number of at least 0, or a schedule: a function of
            the step. Steps are counted from 0, also those without a gradient.

    Raises:
        TypeError: not a rule, or neither a number nor a schedule; in ``update``, a
            state of another rule or optimiser.
        ValueError: a rate that is negative, infinite or NaN; in ``update``, such a rate
            from a schedule, or a state of another pytree.

    >>> optimiser = by_leaf(Sgd(), lambda step: 1 / (1 + step))
    >>> optimiser.init(np.float64(1.0))
    Stepped(steps=0, leaves=EmptyState())
    >>> by_leaf(Adam(), 0.1) == adam(0.1)
    True
    """
    return ByLeaf(rule, rate)


@final
@dataclass(frozen=True, slots=True)
class Chain(Transform[tuple[Any, ...]]):
    """The transform that :func:`chain` returns."""

    transforms: tuple[Transform[Any], ...]

    def __post_init__(self) -> None:
        given: tuple[object, ...] = self.transforms
        for x in given:
            if not isinstance(x, Transform):
                what = f"chain takes transforms, such as sgd(0.1), not {describe(x)}"
                raise TypeError(what)

    @override
    def init(self, parameters: object, /) -> tuple[Any, ...]:
        return tuple(transform.init(parameters) for transform in self.transforms)

    @override
    def update(
        self, gradients: object, state: tuple[Any, ...], parameters: object, /
    ) -> tuple[Any, tuple[Any, ...]]:
        check_state(state, tuple)
        if len(state) != len(self.transforms):
            raise ValueError(
                f"the optimiser takes a state of {len(self.transforms)} transforms, "
                f"not of {len(state)}; {_FIX}"
            )
        states = []
        for transform, old in zip(self.transforms, state, strict=True):
            gradients, new = transform.update(gradients, old, parameters)
            states.append(new)
        return gradients, tuple(states)


def chain(*transforms: Transform[Any]) -> Transform[tuple[Any, ...]]:
    """
    Return the transform that passes gradients through transforms, in order.

    Raises:
        TypeError: an argument is not a transform.

    JAX: ``optax.chain``.

    >>> from tapem_dsl.optim.clipping import clip_by_value
    >>> chain(clip_by_value(0.5), sgd(1.0)).init(np.ones(1))
    (EmptyState(), Stepped(steps=0, leaves=EmptyState()))
    """
    return Chain(transforms)


def apply_updates(parameters: P, updates: object) -> P:
    """
    Return parameters plus updates, as read-only arrays; ``None`` adds nothing.

    JAX: ``optax.apply_updates``.

    >>> apply_updates([np.float64(1), np.float64(2)], [np.float64(10), None])
    [np.float64(11.0), np.float64(2.0)]
    """
    return tree.map(_add, parameters, updates)


def _add(p: Array, change: Array | None) -> Array:
    if change is None:
        return p
    p, change = as_value(p), as_value(change)
    check_alike(p, change)
    with np.errstate(all="ignore"):
        return canonical(namespace_of(p), p + change)


# -- optimisers: by_leaf of a rule, whose defaults and checks they share ---------------


def sgd(rate: Real | Schedule, *, weight_decay: Real = 0) -> Transform[Stepped]:
    """
    Return ``by_leaf(Sgd(...), rate)``; see :class:`Sgd`.

    >>> sgd(0.1).init(np.ones(1)).steps
    0
    """
    return by_leaf(Sgd(weight_decay), rate)


def momentum(
    rate: Real | Schedule,
    *,
    momentum: Real = 0.9,
    dampening: Real = 0,
    nesterov: bool = False,
    weight_decay: Real = 0,
) -> Transform[Stepped]:
    """
    Return ``by_leaf(Momentum(...), rate)``; see :class:`Momentum`.

    >>> momentum(0.1, nesterov=True).init(np.ones(1)).leaves.steps
    0
    """
    return by_leaf(Momentum(momentum, dampening, nesterov, weight_decay), rate)


def adagrad(
    rate: Real | Schedule, *, epsilon: Real = EPSILON, weight_decay: Real = 0
) -> Transform[Stepped]:
    """
    Return ``by_leaf(AdaGrad(...), rate)``; see :class:`AdaGrad`.

    >>> adagrad(0.1).init(np.ones(1)).leaves
    Accumulated(squares=array([0.]))
    """
    return by_leaf(AdaGrad(epsilon, weight_decay), rate)


def rmsprop(
    rate: Real | Schedule,
    *,
    rho: Real = 0.9,
    epsilon: Real = EPSILON,
    weight_decay: Real = 0,
) -> Transform[Stepped]:
    """
    Return ``by_leaf(RmsProp(...), rate)``; see :class:`RmsProp`.

    >>> rmsprop(0.1).init(np.ones(1)).leaves
    Averaged(squares=array([0.]))
    """
    return by_leaf(RmsProp(rho, epsilon, weight_decay), rate)


def adam(
    rate: Real | Schedule,
    *,
    beta1: Real = 0.9,
    beta2: Real = BETA2,
    epsilon: Real = EPSILON,
    weight_decay: Real = 0,
) -> Transform[Stepped]:
    """
    Return ``by_leaf(Adam(...), rate)``; see :class:`Adam`.

    >>> adam(0.1).init(np.ones(1)).leaves.first
    array([0.])
    """
    return by_leaf(Adam(beta1, beta2, epsilon, weight_decay), rate)


def adamw(
    rate: Real | Schedule,
    *,
    beta1: Real = 0.9,
    beta2: Real = BETA2,
    epsilon: Real = EPSILON,
    weight_decay: Real = 0.01,
) -> Transform[Stepped]:
    """
    Return ``by_leaf(AdamW(...), rate)``; see :class:`AdamW`.

    >>> adamw(0.1).init(np.ones(1)).leaves.first
    array([0.])
    """
    return by_leaf(AdamW(beta1, beta2, epsilon, weight_decay), rate)


def adadelta(
    rate: Real | Schedule,
    *,
    rho: Real = 0.9,
    epsilon: Real = EPSILON,
    weight_decay: Real = 0,
) -> Transform[Stepped]:
    """
    Return ``by_leaf(Adadelta(...), rate)``; see :class:`Adadelta`.

    >>> adadelta(1.0).init(np.ones(1)).leaves.changes
    array([0.])
    """
    return by_leaf(Adadelta(rho, epsilon, weight_decay), rate)
