"""Recording one op: from the ids of its operands to the new node."""

from collections.abc import Sequence
from dataclasses import replace
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
        TypeError: the op evaluates to another shape than its shape rule gives, or to
            another real scalar type than its operands'.

    >>> from tapem_dsl.ops.arithmetic import Add
    >>> leaf = Node(None, (), np.float64(2))
    >>> record(Add(), (NodeId(0), NodeId(0)), [leaf], 1)
    Node(add(0, 0), value=4.0, requires_grad=True)
    """
    xp: Namespace = NUMPY
    try:
        if len(ids) == 2:  # two scalars that this op has met before: most of long tapes
            i, j = ids
            if 0 <= i < size and 0 <= j < size:
                first, second = nodes[i], nodes[j]
                a, b = first.value, second.value
                kind = type(a)
                if (type(op), kind, type(b)) in _SCALAR_OPS and not wanted:
                    value = op.evaluate(NUMPY, a, b)
                    if type(value) is kind:
                        flag = first.requires_grad or second.requires_grad
                        return Node(op, ids, value, flag)
        requires_grad = False
        values = []
        for id in ids:
            if not 0 <= id < size:
                raise Refused(InvalidNodeId(op.name, id=id, size=size))
            node = nodes[id]
            values.append(node.value)
            requires_grad = requires_grad or node.requires_grad
        xp = namespace_of(*values)
        op.check_dtypes(*[value.dtype for value in values])
        shape = op.shape(*[value.shape for value in values])
        if wanted is not None and shape != wanted:
            wants = f"the shape asked for, {wanted}"
            raise Refused(ShapeMismatch(op.name, shapes=(shape,), wants=wants))
        value = _settled(op, xp, op.evaluate(xp, *values), shape, values)
        if _decides_by_class(op, values):
            _SCALAR_OPS.add((type(op), *map(type, values)))
    except Refused as refusal:
        raise Refused(located(refusal.error, op, ids, nodes)) from None
    except ZeroDivisionError:
        if xp is NUMPY:  # floats divide by zero; whoever raised this is the user's op
            raise
        error = OutsideDomain(op.name, "division by zero")
        raise Refused(located(error, op, ids, nodes)) from None
    except (FloatingPointError, RuntimeWarning):
        if set(np.geterr().values()) == {"ignore"}:
            raise  # the user's op raised it
        # a user's own np.errstate spans a yield; an op is pure, so evaluate it again
        with np.errstate(all="ignore"):
            return record(op, ids, nodes, size, wanted)
    # nothing passes back through conditions and labels
    requires_grad = requires_grad and value.dtype.kind not in "iub"
    return Node(op, ids, value, requires_grad)


_SCALAR_OPS: Final[set[tuple[type, ...]]] = set()
"""
Classes of an op without parameters and of two NumPy scalars: they decide the namespace,
the scalar type and the shape, so these are checked once for each combination.
"""


def _decides_by_class(op: Op, values: list[Array]) -> bool:
    own_fields = vars(type(op)).get("__dataclass_fields__", {"unknown": None})
    without_parameters = not own_fields and not getattr(op, "__dict__", None)
    scalars = [type(value) in SCALARS for value in values]
    return without_parameters and scalars == [True, True]


def _settled(
    op: Op, xp: Namespace, value: Array, shape: Shape, values: list[Array]
) -> Array:
    """Give a result in its one form and frozen, if the op kept its own promises."""
    settled = frozen(xp.normal(value))
    if settled.shape != shape:
        raise TypeError(
            f"{op!r} evaluates to shape {settled.shape}, but its shape rule gives "
            f"{shape}; mend one of the two"
        )
    real = [x.dtype for x in (*values, settled) if x.dtype.kind in "fO"]
    if any(dtype != real[0] for dtype in real):
        raise TypeError(
            f"{op!r} evaluates to {settled.dtype} over {real[0]}; "
            "write its constants as Python integers or with xp.lit"
        )
    return settled


def located(
    error: TapeError, op: Op, ids: tuple[NodeId, ...], nodes: Sequence[Node[Any]]
) -> TapeError:
    """
    Add to a refusal which op refused which nodes.

    >>> from tapem_dsl.ops.arithmetic import Add
    >>> leaf = Node(None, (), np.float64(2), True, "x")
    >>> located(OutsideDomain("exp", "no"), Add(), (NodeId(0),), [leaf])
    OutsideDomain(op='add', ids=(0,), names=('x',), reason='no', entry=None, index=None)
    """
    if not isinstance(error, OpError):
        return error
    names = tuple(nodes[id].name for id in ids)
    return replace(error, op=op.name, ids=ids, names=names if any(names) else ())
