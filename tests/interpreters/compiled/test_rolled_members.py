"""Members of the namespace, called in each step on what it has of its own or shares."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from tapem_dsl.arrays import namespace_of
from tests.interpreters.compiled.rolled import assert_rolled, is_rolled

# Any, throughout: arrays of any scalar type, the namespace, and indices.

STEPS = 9
Member = Callable[..., Any]
MATMUL = [
    *(((2,), (2,)), ((2,), (2, 3)), ((3, 2), (2,)), ((3, 2), (2, 4))),
    *(((2,), (4, 2, 3)), ((4, 3, 2), (2,)), ((3, 2), (4, 2, 1)), ((4, 3, 2), (2, 3))),
    *(((4, 3, 2), (4, 2, 5)), ((4, 3, 2), (1, 2, 5)), ((5, 4, 3, 2), (4, 2, 1))),
]
PAIRS = [
    *([(2,), (3,)], [(2,), (2,), (3,), (3,)], [(4, 2), (4, 3)]),
    *([(4, 2), (2,), (4, 3), (3,)], [(2,), (4, 2), (3,), (4, 3)]),
    [(4, 2), (5, 2), (4, 3), (5, 3)],
]
SUMS: list[tuple[Any, dict[str, Any]]] = [
    *((shape, {}) for shape in ((), (3,), (2, 3), (2, 3, 4))),
    *((shape, {"keepdims": True}) for shape in ((), (3,), (2, 3))),
    *(((2, 3, 4), {"axis": axis}) for axis in (0, 1, 2, -1, -2, -3)),
    *(((2, 3), {"axis": axis, "keepdims": True}) for axis in (0, 1, -1)),
]
ALIKE = ["add", "subtract", "multiply", "divide", "maximum", "minimum"]
ENTRIES = ["negative", "abs", "exp", "tanh", "sech2", "sigmoid", "softplus", "sin"]
ENTRIES += ["cos", "zeros_like", "ones_like"]
ROWS = ["detached_max", "softmax", "log_softmax", "logsumexp"]
CASES: dict[str, tuple[Any, Member]] = {
    **{f"matmul {a} {b}": ([a, b], lambda xp, *x: xp.matmul(*x)) for a, b in MATMUL},
    **{f"outer_sum {s}": (s, lambda xp, *x: xp.outer_sum(*x)) for s in PAIRS},
    **{
        f"sum {shape} {options}": (
            [shape],
            lambda xp, x, options=options: xp.sum(x, **options),
        )
        for shape, options in SUMS
    },
    **{
        f"{name} {a} {b}": ([a, b], lambda xp, *x, name=name: getattr(xp, name)(*x))
        for name in ALIKE
        for a, b in [((2, 3), (2, 3)), ((), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3))]
    },
    **{
        name: ([(2, 3)], lambda xp, x, name=name: getattr(xp, name)(x))
        for name in (*ENTRIES, *ROWS)
    },
    **{
        f"{name} of a row": (
            [(3,)],
            lambda xp, x, name=name: xp.add(getattr(xp, name)(x), 1),
        )
        for name in ROWS
    },
    "where": (
        [(3,), (2, 1), (2, 3)],
        lambda xp, a, b, c: xp.where(xp.less(a, b), c, xp.add(a, 1)),
    ),
    "where of a shared number": (
        [(3,), ()],
        lambda xp, a, b: xp.where(xp.less_equal(a, b), b, 0),
    ),
    "multiply_no_nan": ([(2, 3), (3,)], lambda xp, a, b: xp.multiply_no_nan(a, b)),
    "logical": (
        [(3,), (2, 3)],
        lambda xp, a, b: xp.where(
            xp.logical_or(xp.equal(a, b), xp.logical_not(xp.greater(a, 0))), a, b
        ),
    ),
    "argmax": ([(2, 3)], lambda xp, x: xp.argmax(x)),
    "argmax is taken": ([(2, 3), (5, 2)], lambda xp, x, y: xp.take(y, xp.argmax(x), 0)),
    "argmax is taken across": (
        [(2, 3), (2, 5)],
        lambda xp, x, y: xp.take(y, xp.argmax(x), 1),
    ),
    "argmax is picked": ([(2, 3), (2, 4)], lambda xp, x, y: xp.pick(y, xp.argmax(x))),
    "argmax is hot": ([(2, 3), (2, 4)], lambda xp, x, y: xp.one_hot(y, xp.argmax(x))),
    "argmax is added to": (
        [(2, 3), (5, 2), (2, 2)],
        lambda xp, x, y, z: xp.index_add(y, z, xp.argmax(x), 0),
    ),
    "take": ([(4, 3)], lambda xp, x: xp.take(x, np.array([2, 0, -1]), 1)),
    "take from the end": ([(4, 3)], lambda xp, x: xp.take(x, np.array([3, 3]), -2)),
    "index_add": (
        [(4, 3), (4, 2)],
        lambda xp, x, y: xp.index_add(x, y, np.array([2, 2]), 1),
    ),
    "permute_dims": ([(2, 3, 4)], lambda xp, x: xp.permute_dims(x, (2, 0, 1))),
    "reshape": ([(2, 6)], lambda xp, x: xp.reshape(x, (3, 4))),
    "reshape to a number": ([(1, 1)], lambda xp, x: xp.add(xp.reshape(x, ()), 1)),
    "broadcast_to": ([(3,)], lambda xp, x: xp.broadcast_to(x, (2, 3))),
    "broadcast_to of a number": ([()], lambda xp, x: xp.broadcast_to(x, (2, 3))),
    "concat": ([(2, 3), (2, 1)], lambda xp, *x: xp.concat(*x, axis=1)),
    "concat from the end": ([(2, 3), (1, 3)], lambda xp, *x: xp.concat(*x, axis=-2)),
    "embed": ([(2, 3)], lambda xp, x: xp.embed(x, (2, 7), 1, 2)),
    "embed from the end": ([(2, 3)], lambda xp, x: xp.embed(x, (5, 3), -2, 1)),
    "windows": ([(2, 6)], lambda xp, x: xp.windows(x, (3,), (2,), (1,))),
    "fold": ([(2, 3, 3)], lambda xp, x: xp.fold(x, (6,), (2,), (1,))),
    "an entry": ([(4, 3)], lambda xp, x: x[1]),
    "entries": ([(4, 3)], lambda xp, x: x[1:3, -1]),
    "every other": ([(4, 3)], lambda xp, x: x[::2, ::-1]),
    "a new axis": ([(4, 3)], lambda xp, x: x[:, None, 1:]),
    "astype": ([(4, 3)], lambda xp, x: x.astype(np.float32)),
    "a number of Python": ([(4, 3)], lambda xp, x: 3 - x * 2.5),
}
INDEXED = ("argmax is taken", "argmax is taken across", "argmax is added to")
"""By indices of each step: only rows of an array that all share are batched."""

STEPWISE: dict[str, Member] = {
    "a row": lambda x, k: x[k],
    "from the end": lambda x, k: x[-1 - k],
    "every other": lambda x, k: x[2 * k],
    "in no order": lambda x, k: x[(5 * k) % 11],
    "one row": lambda x, k: x[k // 5],
    "a column": lambda x, k: x[:, k],
    "the last axis": lambda x, k: x[:, :, k],
    "part of a column": lambda x, k: x[1:4, k],
    "a column's part": lambda x, k: x[:, k, 1:3],
    "an entry of it": lambda x, k: x[2, k],
    "an entry of each": lambda x, k: x[k, :, 2],
    "two": lambda x, k: x[k, k],
    "a slice": lambda x, k: x[k : k + 3],
    "a slice and an entry": lambda x, k: x[k : k + 3, 1],
    "a new axis": lambda x, k: x[None, k],
    "all before": lambda x, k: x[..., k],
    "a factor": lambda x, k: x[0] * (k + 1),
    "a fraction": lambda x, k: 1 / (k + 1) - x[0],
    "a large factor": lambda x, k: x[0] * float(10**k),
    "a factor of its own": lambda x, k: x[k] * (0.5 + k),
    "a comparison": lambda x, k: namespace_of(x).where(x[k] < k / 4, x[k], -1.0),
    "an integer beyond 64 bits": lambda x, k: x[k] * (2**70 + k),
}


def drawn(shapes: list[Any], own: tuple[bool, ...], seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [
        rng.normal(size=(STEPS, *shape) if is_own else shape)
        for shape, is_own in zip(shapes, own, strict=True)
    ]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CASES)
def test_each_step_has_its_own_or_shares(name: str, dtype: Any) -> None:
    shapes, member = CASES[name]
    for own in product([True, False], repeat=len(shapes)):
        if not any(own) or (len(own) > 3 and sum(own) not in (1, 3, 4)):
            continue

        def looped(xs: Any, own: Any = own) -> Any:
            xp, found = namespace_of(*xs), []
            for k in range(STEPS):
                given = [
                    x[k] if is_own else x for x, is_own in zip(xs, own, strict=True)
                ]
                found.append(member(xp, *given))
            total = found[0]
            for x in found[1:]:
                total = xp.add(total, x)
            return found, total, [xp.multiply(x, 2) for x in reversed(found)]

        calls = [([x.astype(dtype) for x in drawn(shapes, own, s)],) for s in range(2)]
        report = assert_rolled(looped, *calls)
        assert is_rolled(report)
        if name not in INDEXED or (name == "argmax is taken" and not own[1]):
            assert "step by step" not in report.replace("step by step (getitem)", "")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", STEPWISE)
def test_what_is_static_differs_from_step_to_step(name: str, dtype: Any) -> None:
    def looped(x: Any) -> Any:
        found = [STEPWISE[name](x, k) for k in range(STEPS)]
        xp = namespace_of(x)
        return [xp.tanh(y) for y in found], [xp.negative(y) for y in reversed(found)]

    rng = np.random.default_rng(1)
    calls = [(rng.normal(size=(22, 21, 20)).astype(dtype),) for _ in range(2)]
    assert is_rolled(assert_rolled(looped, *calls))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_literals_and_rows_are_not_computed_step_by_step(dtype: Any) -> None:
    def looped(x: Any) -> Any:
        total = x[0]
        for k in range(STEPS):
            total = total + (x[k] * (k + 1) - 1 / (k + 2)) * 0.5
        return total

    rng = np.random.default_rng(1)
    report = assert_rolled(looped, *[(rng.normal(size=(9, 4)).astype(dtype),)] * 2)
    assert is_rolled(report)
    assert "step by step" not in report
