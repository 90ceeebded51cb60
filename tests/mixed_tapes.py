"""Tapes of every op and every dtype, from a seed."""

from typing import Any, Final

import numpy as np

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    Tape,
    TapeM,
    const,
    cross_entropy,
    detach,
    do,
    equal,
    gather,
    greater,
    greater_equal,
    index_add,
    leaf,
    less,
    less_equal,
    log_softmax_last,
    logical_and,
    logical_not,
    logical_or,
    nll,
    not_equal,
    rationals,
    where,
)
from tests.oracles import program
from tests.specs.every import ALL
from tests.specs.spec import Spec

# Any, throughout: tapes of any scalar type.

FLOATS: Final = (np.float16, np.float32, np.float64, np.longdouble)
WHOLE: Final = (np.bool_, np.int8, np.uint16, np.int64, np.longlong, np.uint64)
NAMES: Final = (None, None, "x", "", "wéight", "\ud800", "a\nb")


def mixed_tape(seed: int, most: int = 3) -> Tape[Any]:
    """Record up to three ops of any kind and dtype, and now and then the others."""
    rng = np.random.default_rng(seed)
    tape: Tape[Any] = Tape()
    for _ in range(rng.integers(0, most + 1)):
        tape = _one_op(rng, ALL[rng.integers(len(ALL))]).exec(tape).unwrap()
    if rng.random() < 0.3:
        tape = others(rng).exec(tape).unwrap()
    return tape


def _one_op(rng: np.random.Generator, spec: Spec) -> TapeM[Any, Any]:
    dtype: Any = FLOATS[rng.integers(len(FLOATS))]
    exact = spec.rational and rng.random() < 0.2
    most = min(24.0, 8 * spec.limit) / 8

    def entries(shape: tuple[int, ...]) -> Array:
        if exact:
            eighths = rng.integers(1, 9, size=(2, *shape))
            return rationals(eighths[0]) / rationals(eighths[1])
        return rng.uniform(0.125, most, size=shape).astype(dtype)[()]

    shapes = spec.few[rng.integers(len(spec.few))]
    xs = tuple(entries(shape) for shape in shapes)
    flags = tuple(bool(flag) for flag in rng.integers(0, 2, size=len(xs)))
    names = tuple(NAMES[i] for i in rng.integers(len(NAMES), size=len(xs)))
    return program(spec, xs, flags, names)


@do
def others(rng: np.random.Generator) -> Do[NodeId, Any]:
    """Record the ops that no spec has: conditions, labels and what takes them."""
    odd = [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324]
    x = yield from leaf(rng.choice(odd, size=3), "odd")
    y = yield from leaf(rng.normal(size=3))
    for kind in WHOLE:
        yield from const(rng.integers(0, 2, size=rng.integers(0, 3)).astype(kind))
        yield from const(kind(1))
    a = yield from less(x, y)
    b = yield from less_equal(x, y)
    c = yield from greater(x, y)
    d = yield from greater_equal(x, y)
    e = yield from equal(x, y)
    f = yield from not_equal(x, y)
    g = yield from logical_and(a, b)
    h = yield from logical_or(c, d)
    yield from logical_not(e)
    yield from logical_or(f, g)
    z = yield from where(h, x, y)
    yield from detach(z)
    rows = yield from leaf(rng.normal(size=(2, 3)).astype(np.float32))
    labels = yield from const(rng.integers(0, 3, size=2))
    yield from cross_entropy(rows, labels)
    logs = yield from log_softmax_last(rows)
    yield from nll(logs, labels)
    taken = yield from gather(rows, labels, axis=1)
    return (yield from index_add(rows, taken, labels, axis=1))
