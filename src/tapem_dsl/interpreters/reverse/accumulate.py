"""How contributions are added up: one slot for each node of a tape."""

from typing import Any, Final, TypeAlias, final

import numpy as np

from tapem_dsl.arrays import EXACT, NUMPY, Array, Namespace, Tracer, namespace_of
from tapem_dsl.errors import (
    ContributionShapeMismatch,
    GradientDTypeMismatch,
    Refused,
)
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.reverse.deferred import Outer, Pending, worth_keeping
from tapem_dsl.interpreters.tracer import Layer, Leveled, align_levels, raised
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.value import SCALARS, frozen

Slots: TypeAlias = list[Array | None]
"""One cotangent for each node, ``None`` where no contribution has arrived."""


@final
class Accumulator:
    """
    The slots of one sweep, and what it knows of the arrays in them.

    A node's contributions are added in the order in which they arrive, the earlier on
    the left: the second one allocates, later ones are added in place. Deferred products
    are kept until the node's cotangent is needed, and then summed by one matrix
    product.

    Args:
        slots: the cotangents so far, updated in place.
        ambient: the levels that the output or its seed carries: cotangents keep them.

    >>> from tapem_dsl.ops.arithmetic import Add
    >>> sums = Accumulator([None, None], frozenset())
    >>> for g in (1.0, 2.0):
    ...     sums.receive(np.float64(g), 0, np.float64(7), Add(), 1, NUMPY)
    >>> sums.slots
    [np.float64(3.0), None]
    """

    __slots__ = ("ambient", "owned", "pending", "slots")

    def __init__(self, slots: Slots, ambient: frozenset[int]) -> None:
        self.slots = slots
        self.ambient = ambient
        self.pending: dict[int, Pending] = {}  # products still to compute and add
        self.owned: set[int] = set()  # slots with a sum of ours: `+=` may write to it

    # Any: an id is an int, and a namespace is there, which the checkers are not told.
    def receive(
        self, g: Array, parent: Any, x: Array, op: Op, id: int, xp: Any
    ) -> None:
        """
        Add what a parent of value ``x`` receives from the op of a node.

        Raises:
            Refused: a contribution that has not its node's shape and scalar type.
        """
        slots = self.slots
        kind = type(g)
        if kind is Outer:
            if xp is not EXACT and parent < id and worth_keeping(g, x):
                self._defer(g, parent, x)  # the parent is still to be visited
                return
            g = g.computed(xp)
            kind = type(g)
        if (
            kind is type(x) is _ndarray
            and xp is NUMPY
            and g.dtype is x.dtype
            and g.shape == x.shape
        ):
            g.setflags(False)  # noqa: FBT003 - by keyword it costs 2.6 times
        elif kind is not type(x) or not (
            kind in SCALARS or (isinstance(x, Leveled) and x.receives(g))
        ):
            g = _aligned(xp, x, g, self.ambient)
            _check_contribution(op, id, parent, x, g)
        existing = slots[parent]
        if existing is None:
            slots[parent] = g
        elif parent in self.owned and parent < id and type(g) is _ndarray:
            existing += g
        else:
            self._put(parent, _added(xp, existing, g))

    def _defer(self, product: Outer, parent: int, x: Array) -> None:
        if parent not in self.pending:
            self.pending[parent] = Pending(x.shape)
        if not self.pending[parent].keep(product):
            self.settle(parent)

    def settle(self, id: int) -> None:
        """Compute the deferred products of a node, and add them to its cotangent."""
        total = self.pending.pop(id).total()
        existing = self.slots[id]
        if existing is not None:
            total = _added(NUMPY, existing, total)
        self._put(id, total)

    def _put(self, id: int, total: Array) -> None:
        """Store a sum made here; it may be added to if it is an array."""
        self.slots[id] = total
        if type(total) is _ndarray and total.ndim:
            self.owned.add(id)
        else:
            self.owned.discard(id)
            frozen(total)

    def finish(self) -> None:
        """Add all products that slots lack, and make all arrays read-only."""
        for id in list(self.pending):
            self.settle(id)
        for id in self.owned:
            frozen(self.slots[id])


_ndarray: Final = np.ndarray


def _added(xp: Namespace, existing: Array, contribution: Array) -> Array:
    """Add in a new array; the sum is a tracer's if one of the two is."""
    total = existing + contribution
    return (namespace_of(total) if isinstance(total, Tracer) else xp).canonical(total)


def _aligned(xp: Namespace, x: Array, g: Array, ambient: frozenset[int]) -> Array:
    """Convert a contribution to canonical form and to the dual levels of its node."""
    if not isinstance(g, Leveled):
        g = frozen(xp.canonical(g))
        if isinstance(x, Leveled) and not isinstance(x, Layer):
            return x.lift(g)
    return raised(align_levels(g, x, ambient), x)


def _check_contribution(op: Op, id: int, parent: int, x: Array, g: Array) -> None:
    """Refuse a contribution that has not its node's shape and scalar type."""
    if g.shape != x.shape:
        error = ContributionShapeMismatch(
            op.name,
            id=NodeId(id),
            parent=NodeId(parent),
            expected=x.shape,
            found=g.shape,
        )
        raise Refused(error)
    if g.dtype != x.dtype:
        found, expected = str(g.dtype), str(x.dtype)
        raise Refused(
            GradientDTypeMismatch("contribution", NodeId(parent), expected, found)
        )
