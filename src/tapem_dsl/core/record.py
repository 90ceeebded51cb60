"""Recording one op: from the ids of its operands to the new node."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

import numpy as np

from tapem_dsl.core.errors import (
    InvalidNodeId,
    OpError,
    OutsideDomain,
    Refused,
    ShapeMismatch,
    TapeError,
)
from tapem_dsl.core.namespace import NUMPY, Array, Namespace, namespace_of
from tapem_dsl.core.node import Node, NodeId
from tapem_dsl.core.op import Op
from tapem_dsl.core.shape import Shape
from tapem_dsl.core.value import SCALARS, frozen


# Any: the scalar is the tape's, which the caller knows.
def record(  # noqa: C901, PLR0912 - a call less an op
    op: Op,
    ids: tuple[NodeId, ...],
    nodes: Sequence[Node[Any]],
    size: int,
    wanted: Shape | None = None,
) -> Node[Any]:
    """
    Make the node of an op over the first ``size`` nodes; append nothing.

    Ids are checked first, in order, then dtypes, then shapes, the wanted one last, then
    values.

    Raises:
        Refused: bad ids, or operands that the op refuses; its error says which.
        TypeError: the op evaluates to another shape than its shape rule gives.

    >>> from tapem_dsl.ops.arithmetic import Add
    >>> leaf = Node(None, (), np.float64(2))
    >>> record(Add(), (NodeId(0), NodeId(0)), [leaf], 1)
    Node(add(0, 0), value=4.0, requires_grad=True)
    """
    xp: Namespace = NUMPY
    try:
        if len(ids) == 2:  # the same steps without a list: half the cost of most ops
            i, j = ids
            if not (0 <= i < size and 0 <= j < size):
                raise _unknown(op, ids, size)
            first, second = nodes[i], nodes[j]
            a, b = first.value, second.value
            requires_grad = first.requires_grad or second.requires_grad
            xp, shape = _PLANS.get((type(op), type(a), type(b))) or _dispatch(op, a, b)
            if wanted is not None and shape != wanted:
                raise _unwanted(op, shape, wanted)
            value = op.evaluate(xp, a, b)
        else:
            requires_grad = False
            values = []
            for id in ids:
                if not 0 <= id < size:
                    raise _unknown(op, ids, size)
                node = nodes[id]
                values.append(node.value)
                requires_grad = requires_grad or node.requires_grad
            xp, shape = _dispatch(op, *values)
            if wanted is not None and shape != wanted:
                raise _unwanted(op, shape, wanted)
            value = op.evaluate(xp, *values)
        if type(value) not in SCALARS:
            value = frozen(xp.normal(value))
            if value.shape != shape:
                raise _broken(op, value, shape)
        elif shape:
            raise _broken(op, value, shape)
    except Refused as refusal:
        raise Refused(_located(refusal.error, op, ids, nodes)) from None
    except ZeroDivisionError:
        if xp is NUMPY:  # floats divide by zero; whoever raised this is the user's op
            raise
        error = OutsideDomain(op.name, "division by zero")
        raise Refused(_located(error, op, ids, nodes)) from None
    except (FloatingPointError, RuntimeWarning):
        if set(np.geterr().values()) == {"ignore"}:
            raise  # the user's op raised it
        # a user's own np.errstate spans a yield; an op is pure, so evaluate it again
        with np.errstate(all="ignore"):
            return record(op, ids, nodes, size, wanted)
    return Node(op, ids, value, requires_grad)


_PLANS: Final[dict[tuple[type, ...], tuple[Namespace, Shape]]] = {}
"""
Plans of ops without parameters over NumPy scalars: there the classes decide everything,
so each combination is checked once and looked up later.
"""


def _dispatch(op: Op, *values: Array) -> tuple[Namespace, Shape]:
    """Find the namespace and the result's shape, or refuse the operands."""
    kinds = tuple(map(type, values))
    xp = namespace_of(*values)
    op.check_dtypes(*[value.dtype for value in values])
    plan = (xp, op.shape(*[value.shape for value in values]))
    if SCALARS.issuperset(kinds) and _has_no_parameters(op):
        _PLANS[(type(op), *kinds)] = plan
    return plan


def _has_no_parameters(op: object) -> bool:
    return is_dataclass(op) and not fields(op)


def _unwanted(op: Op, shape: Shape, wanted: Shape) -> Refused:
    wants = f"the shape asked for, {wanted}"
    return Refused(ShapeMismatch(op.name, shapes=(shape,), wants=wants))


def _broken(op: Op, value: Array, shape: Shape) -> TypeError:
    return TypeError(
        f"{op!r} evaluates to shape {value.shape}, but its shape rule gives {shape}; "
        "mend one of the two"
    )


def _unknown(op: Op, ids: tuple[NodeId, ...], size: int) -> Refused:
    bad = next(id for id in ids if not 0 <= id < size)
    return Refused(InvalidNodeId(op.name, id=bad, size=size))


def _located(
    error: TapeError, op: Op, ids: tuple[NodeId, ...], nodes: Sequence[Node[Any]]
) -> TapeError:
    """Add to an op's refusal which nodes it refused."""
    if not isinstance(error, OpError):
        return error
    names = tuple(nodes[id].name for id in ids)
    return replace(error, op=op.name, ids=ids, names=names if any(names) else ())
