"""Batching rules of taking entries, and of adding where they are taken."""

from math import prod
from typing import Any

import numpy as np

from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.compiled.plan import Call, Slot
from tapem_dsl.interpreters.compiled.rolling.batch import Batch, Operand

# Any, throughout: an operand, or static indices.


def getitem(batch: Batch, call: Call, x: Operand, index: Any) -> Slot:
    """Take the same entries in each step."""
    index = index if type(index) is tuple else (index,)
    given = (x.slot, (slice(None), *index))
    return batch.plan.add("getitem", given, (batch.times, *call.shape), call.dtype)


def embed(
    batch: Batch, call: Call, x: Operand, shape: Any, axis: Any, start: Any
) -> Slot:
    """Put into zeros; a start that is an operand is another one in each step."""
    if type(start) is Operand:
        return index_add(batch, call, *as_addition(batch, x, shape, axis, start))
    shape = (batch.times, *call.shape)
    given = (x.slot, shape, axis % x.rank + 1, start)
    return batch.plan.add("embed", given, shape, call.dtype)


def as_addition(
    batch: Batch, x: Operand, shape: Any, axis: Any, start: Operand
) -> tuple[Operand, Operand, Operand, int]:
    """Return what :func:`index_add` takes to put arrays into zeros."""
    axis = axis % x.rank
    zeros = batch.constant(np.zeros(shape, x.dtype))
    base = Operand(zeros, False, shape, x.dtype)  # noqa: FBT003 - one for all steps
    starts = batch.plan.constants[start.slot][:, None]
    return base, x, batch.indices(starts + np.arange(x.shape[axis])), axis


def take(batch: Batch, call: Call, x: Operand, indices: Any, axis: Any) -> Slot:
    """Take entries; where indices differ, from the rows of all steps."""
    shape = (batch.times, *call.shape)
    axis = axis % x.rank
    if type(indices) is not Operand or not indices.is_batched:
        at = indices.slot if type(indices) is Operand else indices
        return batch.plan.add("take", (x.slot, at, axis + 1), shape, call.dtype)
    left, right = x.shape[:axis], x.shape[axis + 1 :]
    if not x.is_batched:
        found = (*left, batch.times, *indices.shape, *right)
        given = (x.slot, indices.slot, axis)
        taken = batch.plan.add("take", given, found, call.dtype)
        return axis_moved(batch, taken, axis, 0)
    rows = _rows(batch, x, axis)
    at = _rows_of(batch, indices, x.shape[axis])
    found = (batch.times, *indices.shape, *left, *right)
    taken = batch.plan.add("take", (rows, at, 0), found, call.dtype)
    order = [*range(1, 1 + indices.rank)]
    places = range(1 + indices.rank, 1 + indices.rank + len(left))
    rest = range(1 + indices.rank + len(left), len(found))
    return _permuted(batch, taken, (0, *places, *order, *rest))


def index_add(
    batch: Batch, call: Call, base: Operand, source: Operand, indices: Any, axis: Any
) -> Slot:
    """Add where entries are taken; the steps' arrays are rows of one array."""
    shape = (batch.times, *call.shape)
    axis = axis % base.rank
    if type(indices) is not Operand or not indices.is_batched:
        at = indices.slot if type(indices) is Operand else indices
        given = (batch.whole(base), batch.whole(source), at, axis + 1)
        return batch.plan.add("index_add", given, shape, call.dtype)
    rank = indices.rank
    rows = _rows(batch, base._replace(slot=batch.whole(base)), axis)
    added = _permuted(
        batch,
        batch.whole(source),
        (
            0,
            *range(1 + axis, 1 + axis + rank),
            *range(1, 1 + axis),
            *range(1 + axis + rank, 1 + source.rank),
        ),
    )
    at = _rows_of(batch, indices, base.shape[axis])
    flat = batch.plan.calls[rows].shape
    found = batch.plan.add("index_add", (rows, added, at, 0), flat, call.dtype)
    whole = (batch.times, base.shape[axis], *flat[1:])
    found = batch.plan.add("reshape", (found, whole), whole, call.dtype)
    return axis_moved(batch, found, 1, axis + 1)


def summed_index_add(
    batch: Batch, call: Call, base: Operand, source: Operand, indices: Any, axis: int
) -> Slot | None:
    """Add what all steps add to zeros, at once; the result is that of one step."""
    start = batch.plan.constants.get(base.slot)
    if base.is_batched or start is None or start.any():
        return None
    if type(indices) is not Operand:
        indices = batch.indices(np.array([indices] * batch.times, np.intp))
    axis = axis % base.rank
    added = axis_moved(batch, batch.whole(source), 0, axis)
    given = (base.slot, added, batch.whole(indices), axis)
    return batch.plan.add("index_add", given, call.shape, call.dtype)


def _rows(batch: Batch, x: Operand, axis: int) -> Slot:
    """Join the steps' entries of an axis to one first axis."""
    first = axis_moved(batch, x.slot, axis + 1, 1)
    shape: Shape = batch.plan.calls[first].shape
    joined = (prod(shape[:2]), *shape[2:])
    return batch.plan.add("reshape", (first, joined), joined, x.dtype)


def _rows_of(batch: Batch, indices: Operand, extent: int) -> Slot:
    """Return at which of these rows the indices are; -1 for those out of range."""
    plan, shape = batch.plan, (batch.times, *indices.shape)
    truth, whole = np.dtype(np.bool_), np.dtype(np.intp)
    at = indices.slot
    if indices.dtype != whole:
        at = plan.add("astype", (at, whole), shape, whole)
    low = plan.add("greater_equal", (at, 0), shape, truth)
    high = plan.add("less", (at, extent), shape, truth)
    inside = plan.add("logical_and", (low, high), shape, truth)
    before = np.arange(batch.times, dtype=np.intp) * extent
    offsets = batch.constant(before.reshape(-1, *(1,) * indices.rank))
    row = plan.add("add", (at, offsets), shape, whole)
    return plan.add("where", (inside, row, -1), shape, whole)


def axis_moved(batch: Batch, x: Slot, axis: int, to: int) -> Slot:
    """Move one axis to another place."""
    order = [i for i in range(len(batch.plan.calls[x].shape)) if i != axis]
    order.insert(to, axis)
    return _permuted(batch, x, tuple(order))


def _permuted(batch: Batch, x: Slot, axes: tuple[int, ...]) -> Slot:
    call = batch.plan.calls[x]
    if axes == tuple(range(len(axes))):
        return x
    shape = tuple(call.shape[axis] for axis in axes)
    return batch.plan.add("permute_dims", (x, axes), shape, call.dtype)
