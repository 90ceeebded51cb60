"""Calls in the order of their depth: those of one kind become neighbours."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from tapem_dsl.interpreters.compiled.calls import moved
from tapem_dsl.interpreters.compiled.plan import Plan, Slot
from tapem_dsl.interpreters.compiled.rolling.table import Table
from tapem_dsl.interpreters.periods import LEAST


def by_depth(plan: Plan, outputs: Sequence[Slot]) -> tuple[Plan, list[Slot]] | None:
    """
    Return a plan of the same calls: first those that read inputs only, and so on.

    Samples of different structure have no period. But the calls of one kind at one
    depth do not depend on each other, and become neighbours here: loops of one call.
    Long sums, which would chain the samples together, become one call each.

    Returns:
        ``None`` if few calls would have a neighbour of their kind.

    Source:
        Neubig, Goldberg & Dyer, On-the-fly Operation Batching in Dynamic Computation
        Graphs (2017), section 3.2: batching by depth.

    >>> plan = Plan()
    >>> xs = [plan.input(np.float64(1)) for _ in range(2)]
    >>> one = np.float64(1)
    >>> y = plan.call("exp", (xs[0],), (), one)
    >>> z = plan.call("tanh", (y,), (), one)
    >>> w = plan.call("exp", (xs[1],), (), one)
    >>> v = plan.call("tanh", (w,), (), one)
    >>> by_depth(plan, [z, v])[0].calls[2:]
    [exp(%0) -> float64[], exp(%1) -> float64[], \
tanh(%2) -> float64[], tanh(%3) -> float64[]]
    """
    table = Table(plan, outputs)
    terms = _long_sums(table)
    inner = {at for sums in terms.values() for at in sums[1]}
    n = len(table.calls)
    depths = np.zeros(n, np.intp)
    for at in range(n):
        read = terms[at][0] if at in terms else table.read_by(at)
        depths[at] = 1 + max((int(depths[x]) for x in read if x >= 0), default=-1)
    kept = np.ones(n, np.bool_)
    kept[list(inner)] = False
    if 2 * len(np.unique((depths * n + table.kinds)[kept])) > n:
        return None  # most have no neighbours of their kind
    order = np.lexsort((np.arange(n), table.kinds, depths))
    found = Plan()
    made: dict[int, Slot] = {}
    for i, slot in enumerate(table.given):
        made[-1 - i] = found.append(plan.calls[slot])
        if plan.calls[slot].function == "input":
            found.inputs.append(made[-1 - i])
        else:
            found.constants[made[-1 - i]] = plan.constants[slot]
    for at in order.tolist():
        if at in inner:
            continue
        call = table.calls[at]
        if at in terms:
            given = tuple(made[x] for x in terms[at][0])
            call = call._replace(function="sum_of", arguments=given)
        else:
            call = moved(call, [made[x] for x in table.read_by(at)])
        made[at] = found.append(call)
        if at in table.checks:
            found.checks.append(table.checks[at]._replace(slot=made[at]))
    return found, [made[at] for at in table.outputs]


def _long_sums(table: Table) -> dict[int, tuple[list[int], list[int]]]:
    """
    Find sums of many terms.

    Returns:
        for the last addition of each sum its terms, and the additions before.
    """
    readers = np.bincount(
        table.operands[table.operands >= 0], minlength=len(table.calls)
    )
    for at in (*table.outputs, *table.checks):
        if at >= 0:
            readers[at] += 1
    sums: dict[int, tuple[list[int], list[int]]] = {}
    for at, call in enumerate(table.calls):
        read = table.read_by(at)
        if call.function != "add" or len(read) != 2 or call.weak:
            continue
        operands = [table.plan.calls[x] for x in call.slots()]
        if any((x.shape, x.dtype) != (call.shape, call.dtype) for x in operands):
            continue
        terms: list[int] = []
        before: list[int] = []
        for x in read:
            if x in sums and readers[x] == 1:
                more, additions = sums.pop(x)
                if len(more) > len(terms):  # keep the longer list: time stays linear
                    terms, more = more, terms
                    before, additions = additions, before
                terms += more
                before += [*additions, x]
            else:
                terms.append(x)
        sums[at] = terms, before
    return {at: found for at, found in sums.items() if len(found[0]) >= _MANY}


_MANY: Final = 2 * LEAST
"""How many terms a long sum has at least."""
