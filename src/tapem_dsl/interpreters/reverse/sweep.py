"""The reverse sweep: one loop over descending ids."""

from collections.abc import Collection, Iterable
from typing import Any, Final, NoReturn

import numpy as np

from tapem_dsl.arrays import (
    EXACT,
    HALF,
    NUMPY,
    Array,
    Namespace,
    explain_type_error,
    namespace_of,
    narrowed,
    widened,
)
from tapem_dsl.errors import InvalidParentId, OutsideDomain, Refused
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.reverse.accumulate import Accumulator, Slots
from tapem_dsl.interpreters.reverse.table import (
    Cotangents,
    Need,
    Operands,
    Pair,
    Rule,
    Single,
    vjp_rules,
)
from tapem_dsl.messages import written
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.record import is_exact, with_operands
from tapem_dsl.tape.value import SCALARS, frozen


# Any: the scalar is the tape's, which the caller knows.
def sweep(  # noqa: C901, PLR0912, PLR0915 - one loop; a call in it costs a tenth
    nodes: list[Node[Any]],
    slots: Slots,
    ids: Iterable[int],
    live: list[bool],
    keep: Collection[NodeId] | None = None,
    ambient: frozenset[int] = frozenset(),
) -> None:
    """
    Visit ids in descending order and pass each one's cotangent on to its parents.

    A node that has no cotangent or is not live is skipped. What a rule returns for a
    parent that is not live is ignored, without a check of its shape. The cotangents
    left in ``slots`` are read-only.

    Args:
        nodes: the tape.
        slots: the cotangent of each node, ``None`` before the first; updated in place.
        ids: which nodes to visit, descending.
        live: for each node whether it is to receive a cotangent: see ``visits``.
        keep: which visited nodes keep their cotangent; the others' memory is freed once
            it is passed on. All keep it if ``None``.
        ambient: the dual levels of the output and of its seed, which all cotangents
            keep: see ``align_levels``.

    Raises:
        Refused: a missing rule, a bad parent, a contribution that does not fit.
    """
    size = len(nodes)
    rule_of = vjp_rules.get
    space_of: Any = _SPACES.get  # what it returns is a namespace where it is used
    sums = Accumulator(slots, ambient)
    receive, pending, owned = sums.receive, sums.pending, sums.owned
    for id in ids:
        if pending and id in pending:
            sums.settle(id)
        g, node = slots[id], nodes[id]
        op = node.op
        if g is None or op is None or not live[id]:
            continue
        if owned and id in owned:  # nothing more arrives, and a rule must not write
            frozen(g)
        y = node.value
        parents: Any = node.parents  # ids are ints, which the checkers are not told
        rule: Any = rule_of(type(op))  # a union that `form` tells apart
        kind = type(y)
        xp = space_of(y.dtype if kind is _ndarray else kind)
        form = type(rule) if xp is not None and kind is type(g) else None
        if form is Single and len(parents) == 1:  # as _visit does, in half the time
            (i,) = parents
            if not 0 <= i < size:
                _check_parents(op, id, parents, size)
            if live[i]:
                a = nodes[i].value
                try:
                    to_a = rule.to_x(op, xp, g, a, y)
                except _FROM_RULES as error:
                    _raise_located(error, op, parents, nodes, xp, (g, a, y))
                if to_a is not None:
                    receive(to_a, i, a, op, id, xp)
        elif form is Pair and len(parents) == 2:
            i, j = parents
            if not (0 <= i < size and 0 <= j < size):
                _check_parents(op, id, parents, size)
            a, b = nodes[i].value, nodes[j].value
            try:
                to_a = rule.to_a(op, xp, g, a, b, y) if live[i] else None
                to_b = rule.to_b(op, xp, g, a, b, y) if live[j] else None
            except _FROM_RULES as error:
                _raise_located(error, op, parents, nodes, xp, (g, a, b, y))
            if type(to_a) is type(a) and type(to_a) in SCALARS:
                existing = slots[i]
                slots[i] = to_a if existing is None else existing + to_a
            elif to_a is not None:
                receive(to_a, i, a, op, id, xp)
            if type(to_b) is type(b) and type(to_b) in SCALARS:
                existing = slots[j]
                slots[j] = to_b if existing is None else existing + to_b
            elif to_b is not None:
                receive(to_b, j, b, op, id, xp)
        else:
            _visit(nodes, live, sums, rule, xp, id)
        if keep is not None and id not in keep:
            slots[id] = None
    sums.finish()


_ndarray: Final = np.ndarray

_WIDE: Final = (np.float64, np.float32, np.longdouble)

_SPACES: Final[dict[object, Namespace]] = {
    **dict.fromkeys(_WIDE, NUMPY),
    **dict.fromkeys(map(np.dtype, _WIDE), NUMPY),
    np.dtype(object): EXACT,
}
"""What computes with a value, by its type, or its dtype if that is an array."""


# Any: as above.
def _visit(
    nodes: list[Node[Any]],
    live: list[bool],
    sums: Accumulator,
    rule: Rule | None,
    xp: Namespace | None,
    id: int,
) -> None:
    """Visit a node of any number of operands, at any level."""
    node, g = nodes[id], sums.slots[id]
    op: Any = node.op  # there is one: a leaf is not visited
    y, parents = node.value, node.parents
    _check_parents(op, id, parents, len(nodes))
    order: Iterable[int] = range(len(parents))
    if op.contribution_order is not None:
        order = _order_of(op, len(parents))
    if rule is None:
        raise vjp_rules.missing(op, NodeId(id))
    xs = tuple([nodes[parent].value for parent in parents])
    need = tuple([live[parent] for parent in parents])
    if xp is None or type(y) is not type(g):  # of a level, or below that of g
        xp = namespace_of(g, y)
        if y.dtype == HALF and not op.casts:
            rule = _in_single(rule)
    try:
        contributions = rule(op, xp, g, xs, y, need)
    except _FROM_RULES as error:
        _raise_located(error, op, parents, nodes, xp, (g, *xs, y))
    if type(contributions) is not tuple or len(contributions) != len(parents):
        raise _miscounted(op, len(parents), contributions)
    for at in order:
        if contributions[at] is not None and need[at]:
            sums.receive(contributions[at], parents[at], xs[at], op, id, xp)


def _in_single(rule: Rule) -> Rule:
    """Make the rule over float16: float32 throughout, each cotangent rounded once."""

    # Any: an op of any class.
    def wide(
        op: Any, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
    ) -> Cotangents:
        xs = tuple(map(widened, xs))
        contributions = rule(op, xp, widened(g), xs, widened(y), need)
        if type(contributions) is not tuple:
            return contributions  # the sweep says what is wrong
        return tuple(map(narrowed, contributions))

    return wide


_FROM_RULES: Final = (TypeError, ZeroDivisionError, Refused)


def _raise_located(
    error: Exception,
    op: Op,
    parents: tuple[NodeId, ...],
    nodes: list[Node[Any]],
    xp: Namespace | None,
    values: Operands,
) -> NoReturn:
    """Raise what a rule raised, or what says more about it."""
    if isinstance(error, TypeError):
        better = explain_type_error(error, f"the vjp rule of {op.name!r}", values)
        if better is not error:
            raise better from error
    elif isinstance(error, Refused):
        raise Refused(with_operands(error.error, op, parents, nodes)) from None
    elif any(map(is_exact, values)):  # floats divide by zero: this is the user's error
        division = OutsideDomain(op.name, "division by zero")
        raise Refused(with_operands(division, op, parents, nodes)) from None
    raise error


# Any: ids are ints, which the checkers are not told.
def _check_parents(op: Op, id: int, parents: tuple[Any, ...], size: int) -> None:
    for parent in parents:
        if not 0 <= parent < size:
            raise Refused(
                InvalidParentId(op.name, id=NodeId(id), parent=parent, size=size)
            )


def _order_of(op: Op, count: int) -> tuple[int, ...]:
    order = op.contribution_order or ()
    if len(order) != count:
        raise TypeError(
            f"{written(op)} has {count} operands, "
            f"but its contribution_order names {order}"
        )
    return order


def _miscounted(op: Op, expected: int, found: object) -> TypeError:
    gave = f"{len(found)} cotangents" if isinstance(found, tuple) else "no tuple"
    return TypeError(
        f"the vjp rule of {op.name!r} gave {gave} for {expected} parents; "
        "give a tuple with one for each, None where none is needed"
    )
