"""The reverse sweep: one loop over descending ids."""

from collections.abc import Collection, Iterable
from typing import Any, Final, TypeAlias

import numpy as np

from tapem_dsl.arrays import (
    EXACT,
    HALF,
    NUMPY,
    Array,
    Namespace,
    Tracer,
    explained,
    namespace_of,
    narrowed,
    widened,
)
from tapem_dsl.errors import (
    ContributionShapeMismatch,
    GradientDTypeMismatch,
    InvalidParentId,
    OutsideDomain,
    Refused,
)
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.reverse.deferred import Outer, Pending, worth_keeping
from tapem_dsl.interpreters.reverse.table import (
    Cotangents,
    Need,
    Operands,
    Rule,
    vjp_rules,
)
from tapem_dsl.interpreters.tracer import Layer, Leveled, align_levels, raised
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.record import located
from tapem_dsl.tape.value import SCALARS, frozen

Slots: TypeAlias = list[Array | None]
"""One cotangent for each node, ``None`` where no contribution has arrived."""


# Any: the scalar is the tape's, which the caller knows.
def sweep(  # noqa: C901, PLR0912, PLR0915 - one loop; each call in it costs a tenth
    nodes: list[Node[Any]],
    slots: Slots,
    ids: range,
    keep: Collection[NodeId] | None = None,
    ambient: frozenset[int] = frozenset(),
) -> None:
    """
    Visit ids in descending order and pass each one's cotangent on to its parents.

    A node without a cotangent or without its flag is passed over; contributions to
    parents without their flag are dropped, unseen. A parent's contributions are added
    in the order in which they arrive, the earlier on the left: the second one
    allocates, later ones are added in place. Deferred products are kept until the
    parent's cotangent is needed, and then summed by one matrix product. The arrays left
    in the slots are read-only.

    Args:
        nodes: the tape.
        slots: the cotangents so far, updated in place.
        ids: which nodes to visit, descending.
        keep: of which nodes to keep the cotangent; of all if ``None``.
        ambient: the levels that the output or its seed carries: cotangents keep them.

    Raises:
        Refused: a missing rule, a bad parent, a contribution that does not fit.
    """
    size = len(nodes)
    rule_of = vjp_rules.get
    pending: dict[int, Pending] = {}  # products to add to a slot
    owned: set[int] = set()  # slots whose array this sweep made and may add to
    for id in ids:
        if pending and id in pending:
            _settle(id, slots, pending, owned)
        g = slots[id]
        if g is None:
            continue
        node = nodes[id]
        op = node.op
        if op is None or not node.requires_grad:
            continue
        if owned and id in owned:  # nothing more arrives, and a rule must not write
            frozen(g)
        y = node.value
        parents: Any = node.parents  # ids are ints, which the checkers are not told
        if len(parents) == 2:  # the same without lists: a third of the loop's cost
            i, j = parents
            if not (0 <= i < size and 0 <= j < size):
                raise _invalid_id(op, id, parents, size)
            first, second = nodes[i], nodes[j]
            xs: tuple[Array, ...] = (first.value, second.value)
            need: tuple[bool, ...] = (first.requires_grad, second.requires_grad)
            positions: Iterable[int] = (0, 1)
        else:
            if not all(0 <= parent < size for parent in parents):
                raise _invalid_id(op, id, parents, size)
            xs = tuple([nodes[parent].value for parent in parents])
            need = tuple([nodes[parent].requires_grad for parent in parents])
            positions = range(len(parents))
        if op.contribution_order is not None:
            positions = _in_order(op, len(parents))
        rule = rule_of(type(op))
        if rule is None:
            raise vjp_rules.missing(op, NodeId(id))
        kind = type(y)
        xp = _SPACES.get(y.dtype if kind is _ndarray else kind)
        if xp is None or kind is not type(g):  # of a level, or below that of g
            xp = namespace_of(g, y)
            if y.dtype == HALF and not op.casts:
                rule = _in_single(rule)
        try:
            contributions = rule(op, xp, g, xs, y, need)
        except TypeError as slip:
            better = explained(slip, f"the vjp rule of {op.name!r}", (g, *xs, y))
            if better is slip:
                raise
            raise better from slip
        except ZeroDivisionError:
            if xp is NUMPY:  # floats divide by zero; whoever raised this is the user's
                raise
            error = OutsideDomain(op.name, "division by zero")
            raise Refused(located(error, op, parents, nodes)) from None
        except Refused as refusal:
            raise Refused(located(refusal.error, op, parents, nodes)) from None
        if type(contributions) is not tuple or len(contributions) != len(parents):
            raise _miscounted(op, len(parents), contributions)
        for position in positions:
            contribution = contributions[position]
            if contribution is None or not need[position]:
                continue
            parent, x = parents[position], xs[position]
            existing = slots[parent]
            kind = type(contribution)
            if kind is type(x) and kind in SCALARS:
                slots[parent] = (
                    contribution if existing is None else existing + contribution
                )
                continue
            if kind is Outer:
                if (
                    xp is NUMPY
                    and parent < id  # it is still to be visited
                    and worth_keeping(contribution, x)
                ):
                    if parent not in pending:
                        pending[parent] = Pending(x.shape)
                    if not pending[parent].keep(contribution):
                        _settle(parent, slots, pending, owned)
                    continue
                contribution = contribution.computed(xp)
                kind = type(contribution)
            if (
                kind is type(x) is _ndarray
                and xp is NUMPY
                and contribution.dtype is x.dtype
                and contribution.shape == x.shape
            ):
                contribution.setflags(write=False)
            elif not (
                isinstance(x, Leveled) and kind is type(x) and x.receives(contribution)
            ):
                contribution = _aligned(xp, x, contribution, ambient)
                _check_contribution(op, id, parent, x, contribution)
            if existing is None:
                slots[parent] = contribution
            elif parent in owned and parent < id and type(contribution) is _ndarray:
                existing += contribution
            else:
                _put(parent, _added(xp, existing, contribution), slots, owned)
        if keep is not None and id not in keep:
            slots[id] = None
    for slot in list(pending):
        _settle(slot, slots, pending, owned)
    for slot in owned:
        frozen(slots[slot])


_ndarray: Final = np.ndarray

_WIDE: Final = (np.float64, np.float32, np.longdouble)

_SPACES: Final[dict[object, Namespace]] = {
    **dict.fromkeys(_WIDE, NUMPY),
    **dict.fromkeys(map(np.dtype, _WIDE), NUMPY),
    np.dtype(object): EXACT,
}
"""What computes with a value, by its type, or its dtype if that is an array."""


def _in_single(rule: Rule) -> Rule:
    """Make the rule over float16: float32 throughout, each cotangent rounded once."""

    # Any: an op of whatever class.
    def wide(
        op: Any, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
    ) -> Cotangents:
        xs = tuple(map(widened, xs))
        contributions = rule(op, xp, widened(g), xs, widened(y), need)
        if type(contributions) is not tuple:
            return contributions  # the sweep says what is wrong
        return tuple(map(narrowed, contributions))

    return wide


def _settle(
    slot: int, slots: Slots, pending: dict[int, Pending], owned: set[int]
) -> None:
    """Add the products that a slot lacks."""
    total = pending.pop(slot).total()
    existing = slots[slot]
    if existing is not None:
        total = _added(NUMPY, existing, total)
    _put(slot, total, slots, owned)


def _added(xp: Namespace, existing: Array, contribution: Array) -> Array:
    """Add in a new array; the sum is a tracer's if one of the two is."""
    total = existing + contribution
    return (namespace_of(total) if isinstance(total, Tracer) else xp).canonical(total)


def _put(slot: int, total: Array, slots: Slots, owned: set[int]) -> None:
    """Store a sum that this sweep made; it may add to an array, and to that only."""
    slots[slot] = total
    if type(total) is _ndarray and total.ndim:
        owned.add(slot)
    else:
        owned.discard(slot)
        frozen(total)


def _aligned(xp: Namespace, x: Array, g: Array, ambient: frozenset[int]) -> Array:
    """Give a contribution in its one form, at the levels of the node it is for."""
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


def _invalid_id(op: Op, id: int, parents: tuple[NodeId, ...], size: int) -> Refused:
    parent = next(parent for parent in parents if not 0 <= index_of(parent) < size)
    return Refused(InvalidParentId(op.name, id=NodeId(id), parent=parent, size=size))


def _in_order(op: Op, count: int) -> tuple[int, ...]:
    order = op.contribution_order or ()
    if len(order) != count:
        raise TypeError(
            f"{op!r} has {count} operands, but its contribution_order names {order}"
        )
    return order


def _miscounted(op: Op, expected: int, found: object) -> TypeError:
    gave = f"{len(found)} cotangents" if isinstance(found, tuple) else "no tuple"
    return TypeError(
        f"the vjp rule of {op.name!r} gave {gave} for {expected} parents; "
        "give a tuple with one for each, None where none is needed"
    )
