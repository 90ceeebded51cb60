"""
Optimisers of packs: pairs of pure functions, chained.

A transform turns gradients into what is to be added to the parameters, and a state into
the next one: optax's shape. States are packs too, so that they save like parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar, final

import numpy as np

from tapem_dsl.core.namespace import Array, namespace_of
from tapem_dsl.core.pack import flatten, map_pack
from tapem_dsl.core.value import as_value
from tapem_dsl.train.optim.adaptive import (
    BETA2,
    EPSILON,
    Adadelta,
    AdaGrad,
    Adam,
    AdamW,
    RmsProp,
)
from tapem_dsl.train.optim.rules import (
    Momentum,
    Real,
    Rule,
    Sgd,
    check_alike,
    settled,
)
from tapem_dsl.train.schedules import Schedule

S = TypeVar("S")
P = TypeVar("P")


@final
@dataclass(frozen=True, slots=True)
class Transform(Generic[S]):
    """
    ``init(parameters)`` and ``update(gradients, state, parameters)``.

    ``update`` gives a pack like the parameters, to be added to them, and the next
    state. A gradient that is ``None`` leaves its parameter and its part of the state
    as they are, and gives ``None``.

    Source:
        Lean: none; its ``step`` moves a table. JAX: optax's
        ``GradientTransformation``.

    >>> optimiser = sgd(0.1)
    >>> state = optimiser.init({"w": np.ones(2)})
    >>> updates, state = optimiser.update({"w": np.ones(2)}, state, {"w": np.ones(2)})
    >>> apply_updates({"w": np.ones(2)}, updates)
    {'w': array([0.9, 0.9])}
    """

    # Any: packs of arrays, of whatever structure.
    init: Callable[[Any], S]
    update: Callable[[Any, S, Any], tuple[Any, S]]

    def move(self, gradients: object, state: S, parameters: P) -> tuple[P, S]:
        """
        Update, and apply what that gives: the next parameters, and the next state.

        >>> optimiser = sgd(0.1)
        >>> optimiser.move([np.ones(1)], optimiser.init([np.ones(1)]), [np.ones(1)])[0]
        [array([0.9])]
        """
        updates, after = self.update(gradients, state, parameters)
        return apply_updates(parameters, updates), after


class Stepped(NamedTuple):
    """
    How many steps there have been, and the state of each leaf.

    >>> Stepped(0, ())
    Stepped(steps=0, leaves=())
    """

    steps: int
    leaves: tuple[Any, ...]  # Any: states of whatever rule


def by_leaf(rule: Rule[Any], rate: Real | Schedule) -> Transform[Stepped]:
    """
    Move each leaf of a pack by a rule.

    Args:
        rule: the equations.
        rate: the learning rate, or a schedule: a function of the step, which is
            counted from 0 and advances even where gradients are missing.

    >>> optimiser = by_leaf(Sgd(), lambda step: 1 / (1 + step))
    >>> optimiser.init(np.float64(1.0))
    Stepped(steps=0, leaves=(Nothing(),))
    """

    def init(parameters: object) -> Stepped:
        return Stepped(0, tuple(map(rule.init, flatten(parameters)[0])))

    def update(gradients: object, state: Stepped, parameters: object) -> Any:
        leaves, structure = flatten(parameters)
        now = rate(state.steps) if callable(rate) else rate
        changes, states = [], []
        rows = zip(structure.leaves_of(gradients), state.leaves, leaves, strict=True)
        for g, old, p in rows:
            change, new = (None, old) if g is None else rule.update(g, old, p, now)
            changes.append(change)
            states.append(new)
        return structure.rebuild(changes), Stepped(state.steps + 1, tuple(states))

    return Transform(init, update)


def chain(*transforms: Transform[Any]) -> Transform[tuple[Any, ...]]:
    """
    Apply transforms one after the other: each takes what the one before gave.

    Source:
        JAX: ``optax.chain``.

    >>> from tapem_dsl.train.optim.clipping import clip_by_value
    >>> chain(clip_by_value(0.5), sgd(1.0)).init(np.ones(1))
    (Nothing(), Stepped(steps=0, leaves=(Nothing(),)))
    """

    def init(parameters: object) -> tuple[Any, ...]:
        return tuple(transform.init(parameters) for transform in transforms)

    def update(gradients: object, state: tuple[Any, ...], parameters: object) -> Any:
        states = []
        for transform, old in zip(transforms, state, strict=True):
            gradients, new = transform.update(gradients, old, parameters)
            states.append(new)
        return gradients, tuple(states)

    return Transform(init, update)


def apply_updates(parameters: P, updates: object) -> P:
    """
    Add updates to parameters, in new read-only arrays; ``None`` adds nothing.

    Source:
        JAX: ``optax.apply_updates``.

    >>> apply_updates([np.float64(1), np.float64(2)], [np.float64(10), None])
    [np.float64(11.0), np.float64(2.0)]
    """
    return map_pack(_moved, parameters, updates)


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

    >>> momentum(0.1, nesterov=True).init(np.ones(1)).leaves[0].steps
    0
    """
    return by_leaf(Momentum(momentum, dampening, nesterov, weight_decay), rate)


def adagrad(
    rate: Real | Schedule, *, epsilon: Real = EPSILON, weight_decay: Real = 0
) -> Transform[Stepped]:
    """
    Follow :class:`AdaGrad`.

    >>> adagrad(0.1).init(np.ones(1)).leaves
    (Accumulated(squares=array([0.])),)
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
    (Accumulated(squares=array([0.])),)
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

    >>> adam(0.1).init(np.ones(1)).leaves[0].first
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

    >>> adamw(0.1).init(np.ones(1)).leaves[0].first
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

    >>> adadelta(1.0).init(np.ones(1)).leaves[0].changes
    array([0.])
    """
    return by_leaf(Adadelta(rho, epsilon, weight_decay), rate)
