"""Batching rules: one call for all steps, over arrays with one more first axis."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Final, TypeAlias

import numpy as np

from tapem_dsl.arrays import AnyDType
from tapem_dsl.interpreters.compiled.functions import ELEMENTWISE
from tapem_dsl.interpreters.compiled.plan import Call, Slot
from tapem_dsl.interpreters.compiled.rolling.batch import Batch, Operand
from tapem_dsl.interpreters.compiled.rolling.indexing import (
    embed,
    getitem,
    index_add,
    take,
)

# Any: an operand or what is static.
Rule: TypeAlias = Callable[..., Slot | None]


def _elementwise(batch: Batch, call: Call, *operands: Any) -> Slot:
    rank = len(call.shape)
    given = tuple(batch.widened(x, rank) if type(x) is Operand else x for x in operands)
    return batch.plan.add(call.function, given, (batch.times, *call.shape), call.dtype)


def _rowwise(batch: Batch, call: Call, x: Operand, *static: Any) -> Slot:
    """Batch what reads the last axes only: the function is the same."""
    given = (x.slot, *static)
    return batch.plan.add(call.function, given, (batch.times, *call.shape), call.dtype)


def _sum(
    batch: Batch, call: Call, x: Operand, *, axis: Any = None, keepdims: bool = False
) -> Slot:
    shape = (batch.times, *call.shape)
    if axis is not None:
        axis = axis % x.rank + 1
        return batch.plan.add(
            "sum", (x.slot,), shape, call.dtype, axis=axis, keepdims=keepdims
        )
    if x.rank == 0:
        return x.slot
    flat = x.slot
    if x.rank > 1:
        rows = (batch.times, prod(x.shape))
        flat = batch.plan.add("reshape", (x.slot, rows), rows, x.dtype)
    total = batch.plan.add(
        "sum", (flat,), shape[:1], call.dtype, axis=1, keepdims=False
    )
    if not keepdims:
        return total
    return batch.plan.add("reshape", (total, shape), shape, call.dtype)


def _all(batch: Batch, call: Call, x: Operand) -> Slot:
    return batch.plan.add("all_of_each", (x.slot,), (batch.times,), call.dtype)


def _astype(batch: Batch, call: Call, x: Operand, dtype: Any) -> Slot:
    shape = (batch.times, *call.shape)
    return batch.plan.add("astype", (x.slot, dtype), shape, call.dtype)


def _as_value(batch: Batch, call: Call, x: Operand) -> Slot:
    if x.dtype == call.dtype:
        return x.slot
    return _astype(batch, call, x, call.dtype)


def _reshape(batch: Batch, call: Call, x: Operand, shape: Any) -> Slot:
    shape = (batch.times, *call.shape)
    return batch.plan.add("reshape", (x.slot, shape), shape, call.dtype)


def _permute_dims(batch: Batch, call: Call, x: Operand, axes: Any) -> Slot:
    given = (x.slot, (0, *[axis % x.rank + 1 for axis in axes]))
    return batch.plan.add("permute_dims", given, (batch.times, *call.shape), call.dtype)


def _broadcast_to(batch: Batch, call: Call, x: Operand, shape: Any) -> Slot:
    shape = (batch.times, *call.shape)
    wide = batch.widened(x, len(call.shape))
    return batch.plan.add("broadcast_to", (wide, shape), shape, call.dtype)


def _concat(batch: Batch, call: Call, *operands: Operand, axis: int) -> Slot:
    axis = axis % len(call.shape) + 1
    given = tuple(batch.whole(x) for x in operands)
    shape = (batch.times, *call.shape)
    return batch.plan.add("concat", given, shape, call.dtype, axis=axis)


def _of_labels(batch: Batch, call: Call, x: Operand, labels: Any) -> Slot | None:
    if type(labels) is not Operand or type(x) is not Operand:
        return None
    given = (batch.whole(x), batch.whole(labels))
    return batch.plan.add(call.function, given, (batch.times, *call.shape), call.dtype)


def _matmul(batch: Batch, call: Call, a: Operand, b: Operand) -> Slot | None:
    n, shape = batch.times, (batch.times, *call.shape)
    if not a.is_batched and b.rank == 1 and a.rank <= _MATRIX:  # a matrix, or a vector
        across = a.slot
        if a.rank == _MATRIX:
            turned = (a.slot, (1, 0))
            across = batch.plan.add("permute_dims", turned, a.shape[::-1], a.dtype)
        return batch.plan.add("matmul", (b.slot, across), shape, call.dtype)
    if not b.is_batched and b.rank <= _MATRIX and a.rank <= _MATRIX:
        rows = a.slot
        if a.rank == _MATRIX:
            joined = (n * a.shape[0], a.shape[1])
            rows = batch.plan.add("reshape", (a.slot, joined), joined, a.dtype)
            flat = (n * a.shape[0], *b.shape[1:])
            found = batch.plan.add("matmul", (rows, b.slot), flat, call.dtype)
            return batch.plan.add("reshape", (found, shape), shape, call.dtype)
        return batch.plan.add("matmul", (rows, b.slot), shape, call.dtype)
    left, right = a.slot, b.slot
    rank = max(a.rank, b.rank, _MATRIX)
    m, p = a.shape[-2:-1] or (1,), b.shape[-1:] if b.rank > 1 else (1,)
    if a.rank == 1:
        row = (n, 1, *a.shape) if a.is_batched else (1, *a.shape)
        left = batch.plan.add("reshape", (left, row), row, a.dtype)
        a = Operand(left, a.is_batched, (1, *a.shape), a.dtype)
    if b.rank == 1:
        column = (n, *b.shape, 1) if b.is_batched else (*b.shape, 1)
        right = batch.plan.add("reshape", (right, column), column, b.dtype)
        b = Operand(right, b.is_batched, (*b.shape, 1), b.dtype)
    left, right = batch.widened(a, rank), batch.widened(b, rank)
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    product = batch.plan.add("matmul", (left, right), (n, *stack, *m, *p), call.dtype)
    if (n, *stack, *m, *p) == shape:
        return product
    return batch.plan.add("reshape", (product, shape), shape, call.dtype)


_MATRIX: Final = 2


def _outer_sum(batch: Batch, call: Call, *operands: Operand) -> Slot:
    """Batch sums of outer products: join the terms of each step, and multiply."""
    half = len(operands) // 2
    if half == 1 and operands[0].rank == 1:
        a, b = operands
        column = (batch.times, *a.shape, 1) if a.is_batched else (*a.shape, 1)
        left = batch.plan.add("reshape", (a.slot, column), column, a.dtype)
        given = (left, batch.widened(b, _MATRIX))
        return batch.plan.add("multiply", given, (batch.times, *call.shape), call.dtype)
    lefts = _joined_rows(batch, operands[:half])
    rights = _joined_rows(batch, operands[half:])
    n, (k, m) = batch.times, lefts.shape
    turned = batch.plan.add(
        "permute_dims", (lefts.slot, (0, 2, 1)), (n, m, k), lefts.dtype
    )
    given = (turned, rights.slot)
    return batch.plan.add("matmul", given, (n, *call.shape), call.dtype)


def _joined_rows(batch: Batch, operands: Sequence[Operand]) -> Operand:
    """Join vectors and matrices of each step to a matrix."""
    width, dtype = operands[0].shape[-1], operands[0].dtype
    parts, rows = [], 0
    for x in operands:
        count = prod(x.shape[:-1])
        shape = (batch.times, count, width)
        whole = batch.whole(x)
        if x.rank != _MATRIX:
            whole = batch.plan.add("reshape", (whole, shape), shape, dtype)
        parts.append(whole)
        rows += count
    (slot, *more) = parts
    if more:
        shape = (batch.times, rows, width)
        slot = batch.plan.add("concat", tuple(parts), shape, dtype, axis=1)
    return Operand(slot, True, (rows, width), dtype)  # noqa: FBT003 - its second field


def batched(
    batch: Batch, call: Call, arguments: Sequence[Any], options: dict[str, Any]
) -> Slot | None:
    """
    Add the call for all steps, and return its value: an array of one a step.

    Args:
        batch: where it is added.
        call: of one step.
        arguments: those of the call, with an :class:`Operand` for each slot.
        options: those of the call, with an :class:`Operand` for each slot.

    Returns:
        ``None`` if there is no rule for such operands.

    >>> from tapem_dsl.interpreters.compiled.plan import Plan
    >>> plan = Plan()
    >>> rows = Operand(plan.input(np.ones((5, 3))), True, (3,), np.dtype(np.float64))
    >>> total = Call("sum", (Slot(7),), (), (), np.dtype(np.float64))
    >>> plan.calls[batched(Batch(plan, 5), total, [rows], {})]
    sum(%0, axis=1, keepdims=False) -> float64[5]
    """
    rule = RULES.get(call.function)  # type: ignore[arg-type] # a function has none
    operands = [x for x in arguments if type(x) is Operand]
    if rule is None or call.weak or call.dtype.hasobject:
        return None
    if any(x.dtype.hasobject for x in operands):
        return None
    if any(x.weak and x.is_batched for x in operands):
        kinds = {x.dtype for x in operands if not x.weak}
        if call.function not in _STRONG or len(kinds) > 1:
            return None
        arguments = [_strong(batch, x, kinds) for x in arguments]
    return rule(batch, call, *arguments, **options)


def _strong(batch: Batch, x: Any, kinds: set[AnyDType]) -> Any:
    """Give numbers of Python the dtype that they take beside the others."""
    if type(x) is not Operand or not (x.weak and x.is_batched):
        return x
    number = x.dtype.type(0).item()
    dtype = np.result_type(*kinds, number) if kinds else x.dtype
    if dtype == x.dtype:
        return x._replace(weak=False)
    if x.slot in batch.plan.constants:
        slot = batch.constant(batch.plan.constants[x.slot].astype(dtype))
        return x._replace(slot=slot, dtype=dtype, weak=False)
    slot = batch.plan.add("astype", (x.slot, dtype), (batch.times, *x.shape), dtype)
    return x._replace(slot=slot, dtype=dtype, weak=False)


_STRONG: Final = ELEMENTWISE | {"as_value", "astype"}

_ROWWISE: Final = frozenset(
    {"detached_max", "argmax", "softmax", "log_softmax", "logsumexp"}
    | {"windows", "fold"}
)

RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(_ROWWISE, _rowwise),
    "all": _all,
    "as_value": _as_value,
    "astype": _astype,
    "broadcast_to": _broadcast_to,
    "concat": _concat,
    "embed": embed,
    "getitem": getitem,
    "index_add": index_add,
    "matmul": _matmul,
    "one_hot": _of_labels,
    "outer_sum": _outer_sum,
    "permute_dims": _permute_dims,
    "pick": _of_labels,
    "reshape": _reshape,
    "sum": _sum,
    "take": take,
}
"""For each member of the namespace that has one: its batching rule."""
