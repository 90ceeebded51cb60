"""
Optimisers of pytrees: two pure functions each, chained.

A transform turns gradients into what is to be added to the parameters, and a state into
the next one: optax's shape. States are pytrees too, so that they save like parameters.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeVar, final

import numpy as np

from tapem_dsl import tree
from tapem_dsl.arguments import said
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
    Rule,
    Sgd,
    check_alike,
    check_rule,
    settled,
)
from tapem_dsl.optim.schedules import Schedule, check_rate, rate_at
from tapem_dsl.tape.equality import structural_tuple
from tapem_dsl.tape.value import as_value

S = TypeVar("S")
P = TypeVar("P")


class Transform(ABC, Generic[S]):
    """
    ``init(parameters)`` and ``update(gradients, state, parameters)``.

    ``update`` gives a pytree like the parameters, to be added to them, and the next
    state. A gradient that is ``None`` leaves its parameter and its part of the state
    as they are, and gives ``None``.

    Transforms are values: those of this library are frozen records, with ``==`` and
    pickle. One of your own is a subclass with the two methods.

    Source:
        Lean: none; its ``step`` moves a table. JAX: optax's
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

    # Any, below: pytrees of arrays, of whatever structure.

    @abstractmethod
    def init(self, parameters: Any, /) -> S:
        """Make the state before the first step."""

    @abstractmethod
    def update(self, gradients: Any, state: S, parameters: Any, /) -> tuple[Any, S]:
        """Give what is to be added to the parameters, and the next state."""

    def move(self, gradients: object, state: S, parameters: P) -> tuple[P, S]:
        """
        Update, and apply what that gives: the next parameters, and the next state.

        >>> optimiser = sgd(0.1)
        >>> optimiser.move([np.ones(1)], optimiser.init([np.ones(1)]), [np.ones(1)])[0]
        [array([0.9])]
        """
        updates, after = self.update(gradients, state, parameters)
        return apply_updates(parameters, updates), after


@structural_tuple
class Stepped(NamedTuple):
    """
    How many steps there have been, and a pytree of the states of the leaves.

    >>> sgd(0.1).init({"w": np.ones(2)})
    Stepped(steps=0, leaves={'w': EmptyState()})
    """

    steps: int
    leaves: Any  # Any: a pytree like the parameters, of states of whatever rule


@final
@dataclass(frozen=True, slots=True)
class ByLeaf(Transform[Stepped]):
    """
    Each leaf of a pytree moves by a rule: what :func:`by_leaf` gives.

    >>> ByLeaf(Sgd(), 0.1).init(np.float64(1.0))
    Stepped(steps=0, leaves=EmptyState())
    """

    rule: Rule[Any]
    rate: Real | Schedule

    def __post_init__(self) -> None:
        """Check the fields."""
        check_rule("by_leaf", self.rule)
        check_rate(type(self.rule).__name__, self.rate)

    def init(self, parameters: object, /) -> Stepped:
        """Make the state of each leaf."""
        return Stepped(0, tree.map(self.rule.init, parameters))

    # Any: the updates, a pytree like the parameters
    def update(
        self, gradients: object, state: Stepped, parameters: object, /
    ) -> tuple[Any, Stepped]:
        """Move each leaf."""
        leaves, structure = tree.flatten(parameters)
        check_state(state, Stepped)
        try:
            olds = structure.leaves_of(state.leaves)
        except ValueError as error:
            what = f"the optimiser takes a state of the same pytree: {error}; {_MEND}"
            raise ValueError(what) from None
        now = rate_at(self.rate, state.steps)
        changes, states = [], []
        rows = zip(structure.leaves_of(gradients), olds, leaves, strict=True)
        for g, old, p in rows:
            change, new = (None, old) if g is None else self.rule.update(g, old, p, now)
            changes.append(change)
            states.append(new)
        after = Stepped(state.steps + 1, structure.unflatten(states))
        return structure.unflatten(changes), after


_MEND: Final = "make one by init(parameters)"


def check_state(state: object, kind: type) -> None:
    """
    Refuse the state of another optimiser.

    >>> check_state(3, Stepped)
    Traceback (most recent call last):
    ...
    TypeError: the optimiser takes a state of type Stepped, not 3 (int); make one by \
init(parameters)
    """
    if type(state) is not kind:
        raise TypeError(
            f"the optimiser takes a state of type {kind.__name__}, not {said(state)}; "
            f"{_MEND}"
        )


def by_leaf(rule: Rule[Any], rate: Real | Schedule) -> Transform[Stepped]:
    """
    Move each leaf of a pytree by a rule.

    Args:
        rule: the equations.
        rate: the learning rate, from 0, or a schedule: a function of the step, which is
            counted from 0 and advances even where gradients are missing.

    Raises:
        TypeError: no rule, or neither a number nor a schedule; when it updates, a state
            of another rule or optimiser.
        ValueError: a rate that is negative, infinite or NaN, now or when a schedule
            gives it; when it updates, a state of another pytree.

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
    """
    Transforms one after the other: what :func:`chain` gives.

    >>> Chain((sgd(1.0),)).init(np.ones(1))
    (Stepped(steps=0, leaves=EmptyState()),)
    """

    transforms: tuple[Transform[Any], ...]

    def __post_init__(self) -> None:
        """Check the fields."""
        given: tuple[object, ...] = self.transforms
        for transform in given:
            if not isinstance(transform, Transform):
                what = (
                    f"chain takes transforms, such as sgd(0.1), not {said(transform)}"
                )
                raise TypeError(what)

    def init(self, parameters: object, /) -> tuple[Any, ...]:
        """Make the state of each."""
        return tuple(transform.init(parameters) for transform in self.transforms)

    # Any: the updates, a pytree like the parameters
    def update(
        self, gradients: object, state: tuple[Any, ...], parameters: object, /
    ) -> tuple[Any, tuple[Any, ...]]:
        """Pass the gradients through all."""
        check_state(state, tuple)
        if len(state) != len(self.transforms):
            raise ValueError(
                f"the optimiser takes a state of {len(self.transforms)} transforms, "
                f"not of {len(state)}; {_MEND}"
            )
        states = []
        for transform, old in zip(self.transforms, state, strict=True):
            gradients, new = transform.update(gradients, old, parameters)
            states.append(new)
        return gradients, tuple(states)


def chain(*transforms: Transform[Any]) -> Transform[tuple[Any, ...]]:
    """
    Apply transforms one after the other: each takes what the one before gave.

    Raises:
        TypeError: no transform.

    Source:
        JAX: ``optax.chain``.

    >>> from tapem_dsl.optim.clipping import clip_by_value
    >>> chain(clip_by_value(0.5), sgd(1.0)).init(np.ones(1))
    (EmptyState(), Stepped(steps=0, leaves=EmptyState()))
    """
    return Chain(transforms)


def apply_updates(parameters: P, updates: object) -> P:
    """
    Add updates to parameters, in new read-only arrays; ``None`` adds nothing.

    Source:
        JAX: ``optax.apply_updates``.

    >>> apply_updates([np.float64(1), np.float64(2)], [np.float64(10), None])
    [np.float64(11.0), np.float64(2.0)]
    """
    return tree.map(_moved, parameters, updates)


def _moved(p: Array, change: Array | None) -> Array:
    if change is None:
        return p
    p, change = as_value(p), as_value(change)
    check_alike(p, change)
    with np.errstate(all="ignore"):
        return settled(namespace_of(p), p + change)


# -- optimisers ------------------------------------------------------------------------


def sgd(rate: Real | Schedule, *, weight_decay: Real = 0) -> Transform[Stepped]:
    """
    Follow :class:`Sgd`.

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
    Follow :class:`Momentum`.

    >>> momentum(0.1, nesterov=True).init(np.ones(1)).leaves.steps
    0
    """
    return by_leaf(Momentum(momentum, dampening, nesterov, weight_decay), rate)


def adagrad(
    rate: Real | Schedule, *, epsilon: Real = EPSILON, weight_decay: Real = 0
) -> Transform[Stepped]:
    """
    Follow :class:`AdaGrad`.

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
    Follow :class:`RmsProp`.

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
    Follow :class:`Adam`.

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
    Follow :class:`AdamW`.

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
    Follow :class:`Adadelta`.

    >>> adadelta(1.0).init(np.ones(1)).leaves.changes
    array([0.])
    """
    return by_leaf(Adadelta(rho, epsilon, weight_decay), rate)
