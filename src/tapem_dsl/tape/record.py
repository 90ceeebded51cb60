"""Recording one op: from the ids of its operands to the new node."""

from collections.abc import Sequence
from dataclasses import replace
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
from tapem_dsl.arrays.shape import REDUCE, Shape
from tapem_dsl.errors import (
    InvalidNodeId,
    OpError,
    OutsideDomain,
    Refused,
    ShapeMismatch,
    TapeError,
)
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.value import SCALARS, frozen


# Any: the scalar is the tape's, which the caller knows.
def record(  # noqa: C901, PLR0912, PLR0915 - a call less an op
    op: Op,
    ids: tuple[NodeId, ...],
    nodes: list[Node[Any]],
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
    meaning: Op | _InSingle = op
    count = len(ids)
    i: Any  # ids are ints, which the checkers are not told
    j: Any
    id: Any
    values: Sequence[Array] = ()
    a: Array = None
    b: Array = None
    try:
        if count == 2:  # the same without a loop: a third of the cost of a short op
            i, j = ids
            if not (0 <= i < size and 0 <= j < size):
                raise _invalid_id(op, ids, size)
            first, second = nodes[i], nodes[j]
            a, b = first.value, second.value
            requires_grad = first.requires_grad or second.requires_grad
            kind, other = type(a), type(b)
            key: Key = (
                type(op),
                a.dtype if kind is _ndarray else kind,
                b.dtype if other is _ndarray else other,
            )
        else:
            requires_grad = False
            values = found = []
            key = (type(op),)
            for id in ids:
                if not 0 <= id < size:
                    raise _invalid_id(op, ids, size)
                node = nodes[id]
                a = node.value
                found.append(a)
                kind = type(a)
                if count <= _FEW:
                    key += (a.dtype if kind is _ndarray else kind,)
                if node.requires_grad:
                    requires_grad = True
        known = _KNOWN.get(key)
        if known is None:
            if count == 2:
                values = [a, b]
            xp = namespace_of(*values)
            half = _is_half(op, values)
            if half:
                meaning = _InSingle(op)
            if half or (xp is not NUMPY and xp is not EXACT):
                # a tracer's class says no dtype, and of float16 more is to be known
                key = (type(op), *[(type(x), x.dtype) for x in values])
                known = _KNOWN.get(key)
            if known is None:
                known = _learned(key, op, xp, values)
        xp, shape, dtype, scalar = known
        if shape is None:
            if count == 2:  # a call with a star costs as much again
                shape = op.shape(a.shape, b.shape)
            else:
                shape = op.shape(*[value.shape for value in values])
        if wanted is not None and shape != wanted:
            wants = f"the shape asked for, {wanted}"
            if not wanted:
                wants += f": {REDUCE}"
            raise Refused(ShapeMismatch(op.name, shapes=(shape,), wants=wants))
        if count == 2:
            value = meaning.evaluate(xp, a, b)
        elif count == 1:
            value = meaning.evaluate(xp, a)
        else:
            value = meaning.evaluate(xp, *values)
        kind = type(value)
        if kind is scalar and not shape:
            return Node(op, ids, value, requires_grad)
        if kind is _ndarray and shape and value.dtype is dtype and value.shape == shape:
            value.setflags(write=False)
            return Node(op, ids, value, requires_grad)
        value = _settled(op, xp, value, shape, [a, b] if count == 2 else values)
    except Refused as refusal:
        raise Refused(located(refusal.error, op, ids, nodes)) from None
    except TypeError as slip:
        better = explained(slip, op.name, (a, b, *values))
        if better is slip:
            raise
        raise better from slip
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
    passes_back = op.differentiable and value.dtype.kind not in "iub"
    return Node(op, ids, value, requires_grad and passes_back)


_ndarray: Final = np.ndarray

# Any: dtypes of whatever scalar.
Key: TypeAlias = tuple[type | np.dtype[Any] | tuple[type, np.dtype[Any]], ...]
"""
The class of an op, and of each operand the NumPy scalar type or an array's dtype; where
there are tracers, both.
"""

Known: TypeAlias = tuple[Namespace, Shape | None, np.dtype[Any] | None, type | None]
"""
What a key decides: the namespace; the shape, where all operands are scalars; the dtype
of a result that needs no more than freezing, and the type of one that needs nothing.
"""

_KNOWN: Final[dict[Key, Known]] = {}
"""What has been checked once for a key; there are few, and no check is made twice."""


def _learned(key: Key, op: Op, xp: Namespace, values: Sequence[Array]) -> Known:
    """Check what a key decides, and remember it if no parameter of the op has a say."""
    dtypes = [value.dtype for value in values]
    op.check_dtypes(*dtypes)
    alone = _without_parameters(type(op))
    of_scalars = bool(values) and all(type(value) in SCALARS for value in values)
    shape = op.shape(*[()] * len(values)) if alone and of_scalars else None
    real = {dtype.type for dtype in dtypes if dtype.kind == "f"}
    usual = xp is NUMPY and op.differentiable and len(real) == 1
    scalar = real.pop() if usual else None
    known = xp, shape, np.dtype(scalar) if scalar else None, scalar
    by_class = alone or type(op).check_dtypes is Op.check_dtypes
    if by_class and 0 < len(values) <= _FEW:  # a key says them all
        _KNOWN[key] = known
    return known


_FEW: Final = 8
"""Up to how many operands are remembered; an op of many takes long anyhow."""


def _is_half(op: Op, values: Sequence[Array]) -> bool:
    """Whether the real operands are float16, so that float32 is computed with."""
    real = [x.dtype for x in values if x.dtype.kind in "fO"]
    return bool(real) and not op.casts and all(dtype == HALF for dtype in real)


class _InSingle:
    """The meaning of an op over float16: float32 throughout, rounded once."""

    __slots__ = ("op",)

    def __init__(self, op: Op) -> None:
        self.op = op

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return narrowed(self.op.evaluate(xp, *map(widened, inputs)))


def _without_parameters(kind: type[Op]) -> bool:
    """Whether instances can hold nothing: each class down to ``Op`` has empty slots."""
    above = kind.__mro__[: kind.__mro__.index(Op)]
    return all(vars(base).get("__slots__", None) == () for base in above)


def _invalid_id(op: Op, ids: tuple[NodeId, ...], size: int) -> Refused:
    id = next(id for id in ids if not 0 <= index_of(id) < size)
    return Refused(InvalidNodeId(op.name, id=id, size=size))


def _settled(
    op: Op, xp: Namespace, value: Array, shape: Shape, values: Sequence[Array]
) -> Array:
    """Give a result in its one form and frozen, if the op kept its own promises."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "iub":
        xp = NUMPY  # conditions and labels are plain, whatever they were made from
    elif isinstance(value, Tracer):
        xp = value.namespace  # also where plain operands entered a new level
        carried: Array = value
        if carried.shape == shape:
            dtype = carried.dtype
            for x in values:
                if x.dtype is not dtype:
                    break  # what follows says what is wrong, if anything is
            else:
                return carried
    settled = frozen(xp.canonical(value))
    if settled.shape != shape:
        raise TypeError(
            f"{op!r} evaluates to shape {settled.shape}, but its shape rule gives "
            f"{shape}; fix one of the two"
        )
    real = [x.dtype for x in (*values, settled) if x.dtype.kind in "fO"]
    if any(dtype != real[0] for dtype in real) and not op.casts:
        raise TypeError(
            f"{op!r} evaluates to {settled.dtype} over {real[0]}; "
            "write its constants as Python integers or with xp.literal"
        )
    return settled


def located(
    error: TapeError, op: Op, ids: tuple[NodeId, ...], nodes: list[Node[Any]]
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
