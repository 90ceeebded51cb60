"""Recording one op: from the ids of its operands to the new node."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NoReturn, TypeAlias

import numpy as np

from tapem_dsl.arrays import (
    HALF,
    NUMPY,
    Array,
    Namespace,
    Tracer,
    explain_type_error,
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
from tapem_dsl.messages import written
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.value import SCALARS, frozen


# Any: a tape of any scalar type.
def record(  # noqa: C901, PLR0912, PLR0915 - each call in it costs a tenth
    op: Op,
    ids: tuple[NodeId, ...],
    nodes: list[Node[Any]],
    size: int,
    wanted: Shape | None = None,
) -> Node[Any]:
    """
    Return the node of an op over the first ``size`` nodes, without appending it.

    The checks come in this order: ids, dtypes, shapes, the wanted shape, values.

    Args:
        op: the op.
        ids: its operands, in order.
        nodes: the tape.
        size: how many of the nodes exist for this run.
        wanted: the shape that the result must have; any if ``None``.

    Raises:
        Refused: an id is not on the tape, or the op refuses its operands.
        TypeError: the result does not have the shape of the op's shape rule, or the
            real scalar type of its operands.

    >>> from tapem_dsl.ops.arithmetic import Add
    >>> leaf = Node(None, (), np.float64(2))
    >>> record(Add(), (NodeId(0), NodeId(0)), [leaf], 1)
    Node(add(0, 0), value=4.0, requires_grad=True)
    """
    count = len(ids)
    a: Array = None
    b: Array = None
    i: Any  # an id is an int at run time
    j: Any
    id: Any
    values: Sequence[Array] = ()
    try:
        if count == 2:  # the loop below would take a short op 1.28 times as long
            i, j = ids
            if not (0 <= i < size and 0 <= j < size):
                raise _invalid_id(op, ids, size)
            first, second = nodes[i], nodes[j]
            a, b = values = first.value, second.value
            requires_grad = first.requires_grad or second.requires_grad
            left = a.dtype if type(a) is _ndarray else type(a)
            right = b.dtype if type(b) is _ndarray else type(b)
            last_left, last_right, kernel = _LAST.get(type(op), _NONE)
            if left is not last_left or right is not last_right:
                kernel = _kernel(op, values)
        else:
            requires_grad = False
            key: list[Kind] = [type(op)]
            values = found = []
            for id in ids:
                if not 0 <= id < size:
                    raise _invalid_id(op, ids, size)
                node = nodes[id]
                a = node.value
                found.append(a)
                key.append(a.dtype if type(a) is _ndarray else type(a))
                if node.requires_grad:
                    requires_grad = True
            kernel = _KERNELS.get(tuple(key)) or _kernel(op, values)
        xp, shape, dtype, scalar, operator, half = kernel
        if shape is None:
            if count == 2:
                shape = op.shape(a.shape, b.shape)
            else:
                shape = op.shape(*[value.shape for value in values])
        if wanted is not None and shape != wanted:
            raise _unwanted_shape(op, shape, wanted)
        if operator is not None:
            value = operator(a, b)
        elif half:
            value = narrowed(op.evaluate(xp, *map(widened, values)))
        elif count == 2:
            value = op.evaluate(xp, a, b)
        elif count == 1:
            value = op.evaluate(xp, a)
        else:
            value = op.evaluate(xp, *values)
        kind = type(value)
        if kind is scalar and not shape:
            return Node(op, ids, value, requires_grad)
        if kind is _ndarray and shape and value.dtype is dtype and value.shape == shape:
            value.setflags(False)  # noqa: FBT003 - by keyword 2.6 times as slow
            return Node(op, ids, value, requires_grad)
        value = _canonical(op, xp, value, shape, values)
    except (Refused, TypeError, ZeroDivisionError) as error:
        raise_explained(error, op, ids, nodes, values)
    except (FloatingPointError, RuntimeWarning):
        if set(np.geterr().values()) == {"ignore"}:
            raise  # the op itself raised it
        # A do-block set np.errstate and yielded within it. Ops are pure: start again.
        with np.errstate(all="ignore"):
            return record(op, ids, nodes, size, wanted)
    differentiable = op.differentiable and value.dtype.kind not in "iub"
    return Node(op, ids, value, requires_grad and differentiable)


_ndarray: Final = np.ndarray

# Any, below: dtypes of any scalar type.
Kind: TypeAlias = type | np.dtype[Any] | tuple[type, np.dtype[Any]]
"""The type of a NumPy scalar; the dtype of an array; the two of a tracer."""


Kernel: TypeAlias = tuple[
    Namespace,
    Shape | None,
    np.dtype[Any] | None,
    type | None,
    Callable[[Array, Array], Array] | None,
    bool,
]
"""
How to run one class of op on one combination of dtypes; a cache entry, not a window.

- the namespace that computes;
- the result's shape, if the operands are scalars and the op has no parameters;
- the result's dtype, if an array of it needs no conversion, only freezing;
- the result's NumPy scalar type, if such a scalar can be stored as it is;
- the Python operator to call in place of ``evaluate``, if there is one;
- whether the operands are float16, so that the op is computed in float32.
"""

_KERNELS: Final[dict[tuple[Kind, ...], Kernel]] = {}
"""By the class of the op and the kinds of its operands: dtypes are checked once."""

_NONE: Final[tuple[Kind | None, Kind | None, Kernel]] = (
    None,
    None,
    (NUMPY, None, None, None, None, False),
)
_LAST: Final[dict[type[Op], tuple[Kind | None, Kind | None, Kernel]]] = {}
"""For each op of two NumPy operands its last kernel: twice as fast as ``_KERNELS``."""

_FEW: Final = 8
"""Kernels of ops of more operands are made anew: that costs little beside the op."""


def _kernel(op: Op, values: Sequence[Array]) -> Kernel:
    """Return the kernel for these operands; check their dtypes if it is a new one."""
    kinds = [_kind(value) for value in values]
    key = (type(op), *kinds)
    kernel = _KERNELS.get(key)
    if kernel is None:
        xp = namespace_of(*values)
        dtypes = [value.dtype for value in values]
        op.check_dtypes(*dtypes)
        no_parameters = _without_parameters(type(op))
        scalars = bool(values) and all(kind in SCALARS for kind in kinds)
        shape = op.shape(*[()] * len(values)) if no_parameters and scalars else None
        floats = {x.type for x in dtypes if x.kind == "f"}
        usual = xp is NUMPY and op.differentiable and len(floats) == 1
        scalar = floats.pop() if usual else None
        real = [x for x in dtypes if x.kind in "fO"]
        half = bool(real) and not op.casts and all(x == HALF for x in real)
        dtype = np.dtype(scalar) if scalar else None
        operator = _operator(type(op)) if no_parameters and not half else None
        kernel = xp, shape, dtype, scalar, operator, half
        by_class = no_parameters or type(op).check_dtypes is Op.check_dtypes
        if not by_class or not 0 < len(values) <= _FEW:
            return kernel
        _KERNELS[key] = kernel
    if len(kinds) == 2 and not any(isinstance(value, Tracer) for value in values):
        _LAST[type(op)] = (kinds[0], kinds[1], kernel)
    return kernel


def _kind(value: Array) -> Kind:
    if isinstance(value, Tracer):
        return type(value), value.dtype
    return value.dtype if type(value) is _ndarray else type(value)


def _without_parameters(kind: type[Op]) -> bool:
    """Whether an op class has no fields: it and its bases up to Op have empty slots."""
    above = kind.__mro__[: kind.__mro__.index(Op)]
    return all(vars(base).get("__slots__", None) == () for base in above)


def _invalid_id(op: Op, ids: tuple[NodeId, ...], size: int) -> Refused:
    id = next(id for id in ids if not 0 <= index_of(id) < size)
    return Refused(InvalidNodeId(op.name, id=id, size=size))


def _canonical(
    op: Op, xp: Namespace, value: Array, shape: Shape, values: Sequence[Array]
) -> Array:
    """Check the shape and dtype of a result; return it in canonical form, read-only."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "iub":
        xp = NUMPY  # conditions and labels are NumPy's, whatever the operands are
    elif isinstance(value, Tracer):
        xp = value.namespace
        traced: Array = value
        if traced.shape == shape and all(x.dtype is traced.dtype for x in values):
            return traced
    checked = frozen(xp.canonical(value))
    if checked.shape != shape:
        raise TypeError(
            f"{written(op)} evaluates to shape {checked.shape}, "
            f"but its shape rule returns {shape}; fix one of the two"
        )
    real = [x.dtype for x in (*values, checked) if x.dtype.kind in "fO"]
    if any(dtype != real[0] for dtype in real) and not op.casts:
        raise TypeError(
            f"{written(op)} evaluates to {checked.dtype} over {real[0]}; "
            "write its constants as Python integers or with xp.literal"
        )
    return checked


def _unwanted_shape(op: Op, shape: Shape, wanted: Shape) -> Refused:
    reduce = "" if wanted else f": {REDUCE}"
    wants = f"the shape asked for, {wanted}{reduce}"
    return Refused(ShapeMismatch(op.name, shapes=(shape,), wants=wants))


def with_operands(
    error: TapeError, op: Op, ids: tuple[NodeId, ...], nodes: list[Node[Any]]
) -> TapeError:
    """
    Add to an op's error the name of the op and the operands' ids and names.

    >>> from tapem_dsl.ops.arithmetic import Add
    >>> leaf = Node(None, (), np.float64(2), True, "x")
    >>> with_operands(OutsideDomain("exp", "no"), Add(), (NodeId(0),), [leaf])
    OutsideDomain(op='add', ids=(0,), names=('x',), reason='no', entry=None, index=None)
    """
    if not isinstance(error, OpError):
        return error
    names = tuple(nodes[id].name for id in ids)
    return replace(error, op=op.name, ids=ids, names=names if any(names) else ())


def is_exact(x: Array) -> bool:
    """
    Return whether an array is of rationals, which raise where they divide by zero.

    >>> is_exact(np.float64(1))
    False
    """
    return bool(x.dtype.hasobject)


def _operator(kind: type[Op]) -> Callable[[Array, Array], Array] | None:
    """Return a class's operator, unless a class below that overrides ``evaluate``."""
    for base in kind.__mro__:
        if "operator" in vars(base):
            return kind.operator
        if "evaluate" in vars(base):
            return None
    return None


def raise_explained(
    error: Exception,
    op: Op,
    ids: tuple[NodeId, ...],
    nodes: list[Node[Any]],
    operands: Sequence[Array],
) -> NoReturn:
    """Raise an op's exception again, with its operands or the fix if they are known."""
    if isinstance(error, ZeroDivisionError) and any(map(is_exact, operands)):
        error = Refused(OutsideDomain(op.name, "division by zero"))
    if isinstance(error, Refused):
        raise Refused(with_operands(error.error, op, ids, nodes)) from None
    if isinstance(error, TypeError):
        better = explain_type_error(error, op.name, operands)
        if better is not error:
            raise better from error
    raise error
