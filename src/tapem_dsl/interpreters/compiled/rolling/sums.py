"""Places that only add or multiply: what they come to after all steps, at once."""

from math import prod

import numpy as np

from tapem_dsl.interpreters.compiled.plan import Call, Slot
from tapem_dsl.interpreters.compiled.rolling.batch import Operand
from tapem_dsl.interpreters.compiled.rolling.indexing import (
    as_addition,
    summed_index_add,
)
from tapem_dsl.interpreters.compiled.rolling.loops import Carried, Local, term_of
from tapem_dsl.interpreters.compiled.rolling.schedule import BATCHED, SUMMED
from tapem_dsl.interpreters.compiled.rolling.steps import Steps


def add_sum(steps: Steps, group: list[int]) -> bool:
    """Add a sum; return whether there is a way to do so without a loop."""
    if _is_needed_early(steps, group):
        return len(group) == 1 and add_running(steps, group[0], "accumulate_sum")
    call = steps.example(group[0])
    terms = []
    for place in group:
        carried = steps.loop.ways[place][1 - term_of(steps.loop, place)]
        if isinstance(carried, Carried) and carried.first is not None:
            terms.append(steps.schedule.value(carried.first))
        terms.append(_total(steps, place))
    total, *others = terms
    for term in others:
        total = steps.plan.add("add", (total, term), call.shape, call.dtype)
    for place in group:
        steps.put(place, SUMMED, total)
    return True


def _is_needed_early(steps: Steps, group: list[int]) -> bool:
    """Return whether more is needed of a cycle than its value after the last step."""
    members = set(group)
    last = {
        way.place
        for place in group
        for way in steps.loop.ways[place]
        if isinstance(way, Carried) and way.place in members
    }
    schedule, i = steps.schedule, steps.i
    return any(
        schedule.is_needed_early(i, place, members, steps.readers[place])
        or (place not in last and schedule.is_asked(i, place))
        for place in group
    )


def _total(steps: Steps, place: int) -> Slot:
    """Add the sum of the terms of all steps."""
    call, index = steps.example(place), term_of(steps.loop, place)
    way = steps.loop.ways[place][index]
    if isinstance(way, Local):
        product = _sum_of_products(steps, way.place)
        if product is not None:
            return product
    term = steps.operand(place, index)
    if call.dtype.kind == "f" and not term.is_batched:
        factor = float(steps.times)
        return steps.plan.add("multiply", (term.slot, factor), call.shape, call.dtype)
    if call.dtype.kind == "f" and call.shape:
        ones = steps.batch.constant(np.ones(steps.times, call.dtype))
        return _weighted(steps, ones, term)
    whole = steps.batch.whole(term)
    return steps.plan.add("sum_of_rows", (whole,), call.shape, call.dtype)


def _sum_of_products(steps: Steps, place: int) -> Slot | None:
    """Add the sum of what a place multiplies as one product, if that is possible."""
    call = steps.example(place)
    if place in steps.scanned or call.dtype.kind != "f" or call.options:
        return None  # what a cycle reads may not have been kept
    if call.function in ("index_add", "embed"):
        return _sum_of_additions(steps, place, call)
    if all(type(x) is Slot for x in call.arguments):
        return _one_product(steps, place, call)
    return None


def _one_product(steps: Steps, place: int, call: Call) -> Slot | None:
    """Add the sum of products of all steps as one product."""
    if call.function == "outer_sum":
        operands = steps.operands(place)
        if not all(x.is_batched for x in operands):
            return None
        given = tuple(_matrix(steps, x) for x in operands)
        return steps.plan.add("outer_sum", given, call.shape, call.dtype)
    if call.function == "matmul":
        a, b = steps.operands(place)
        if a.rank != 1 or len(b.shape) != 2 or a.is_batched or not b.is_batched:
            return None
        shape = (steps.times * b.shape[0],)
        row = steps.plan.add("reshape", (steps.batch.whole(a), shape), shape, a.dtype)
        given = (row, _matrix(steps, b))
        return steps.plan.add("matmul", given, call.shape, call.dtype)
    if call.function == "multiply":
        a, b = steps.operands(place)
        if a.rank:
            a, b = b, a
        if (
            a.rank
            or not (a.is_batched and b.is_batched)
            or a.weak
            or a.dtype != b.dtype
        ):
            return None
        return _weighted(steps, a.slot, b)
    return None


def _sum_of_additions(steps: Steps, place: int, call: Call) -> Slot | None:
    """Add what all steps add to zeros at their indices, at once."""
    given = steps.arguments(place)
    if given is None:
        return None
    if call.function == "index_add":
        return summed_index_add(steps.batch, call, *given)
    x, shape, axis, start = given
    if type(start) is not Operand:
        return None  # all is put at one place
    added = as_addition(steps.batch, x, shape, axis, start)
    return summed_index_add(steps.batch, call, *added)


def _weighted(steps: Steps, weights: Slot, x: Operand) -> Slot:
    """Add the sum of arrays, each times a number, as the product of a row by them."""
    matrix, flat = x.slot, x.shape
    if x.rank > 1:
        flat = (prod(x.shape),)
        rows = (steps.times, *flat)
        matrix = steps.plan.add("reshape", (matrix, rows), rows, x.dtype)
    found = steps.plan.add("matmul", (weights, matrix), flat, x.dtype)
    if flat == x.shape:
        return found
    return steps.plan.add("reshape", (found, x.shape), x.shape, x.dtype)


def _matrix(steps: Steps, x: Operand) -> Slot:
    """Return the rows of all steps as one matrix."""
    if x.rank == 1:
        return x.slot
    shape = (steps.times * x.shape[0], x.shape[1])
    return steps.plan.add("reshape", (x.slot, shape), shape, x.dtype)


def add_product(steps: Steps, place: int) -> bool:
    """Add a running product; return whether the place is one."""
    is_product = steps.example(place).function == "multiply"
    return is_product and add_running(steps, place, "accumulate_product")


def add_running(steps: Steps, place: int, function: str) -> bool:
    """Add an array of all values of a running sum or product, if it is one."""
    call, ways = steps.example(place), steps.loop.ways[place]
    own = [
        at
        for at, way in enumerate(ways)
        if isinstance(way, Carried) and way.place == place
    ]
    if len(own) != 1 or len(ways) != 2 or call.weak:
        return False
    term = steps.operand(place, 1 - own[0])
    if (term.shape, term.dtype, term.weak) != (call.shape, call.dtype, False):
        return False
    batch, n = steps.batch, steps.times
    terms = steps.schedule.rows(batch.whole(term), steps.in_order(np.arange(n)), 0)
    carried, skip = ways[own[0]], 0
    if isinstance(carried, Carried) and carried.first is not None:
        skip, shape = 1, (1, *call.shape)
        first = steps.schedule.value(carried.first)
        first = steps.plan.add("reshape", (first, shape), shape, call.dtype)
        terms = steps.schedule.joined([first, terms])
    found = steps.plan.add(function, (terms,), (n + skip, *call.shape), call.dtype)
    kept = steps.in_order(np.arange(skip, n + skip))
    steps.put(place, BATCHED, steps.schedule.rows(found, kept, 0))
    return True
