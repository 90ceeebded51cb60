"""What loops read of other loops, running and last sums, and numbers of Python."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from tapem_dsl.arrays import namespace_of
from tests.interpreters.compiled.rolled import assert_rolled, is_rolled

# Any, throughout: arrays of any scalar type, and lists of them.

COUNT = 13
ORDERS: dict[str, Callable[[list[Any], list[Any]], list[Any]]] = {
    "all": lambda a, b: a,
    "reversed": lambda a, b: a[::-1],
    "the first": lambda a, b: a[:5],
    "the last": lambda a, b: a[-5:],
    "every other": lambda a, b: a[::2],
    "every third from the end": lambda a, b: a[::-3],
    "inner ones": lambda a, b: a[3:-2],
    "each twice": lambda a, b: [y for y in a for _ in range(2)],
    "all twice": lambda a, b: a + a,
    "one behind the other": lambda a, b: a + b,
    "one against the other": lambda a, b: a + b[::-1],
    "in turns": lambda a, b: [y for both in zip(a, b, strict=True) for y in both],
    "in threes": lambda a, b: a[:3] + b[3:6] + a[6:9] + b[9:12],
    "moved": lambda a, b: a[-1:] + a[:-1],
    "in no order": lambda a, b: [a[5 * k % COUNT] for k in range(COUNT)],
    "in no order, of both": lambda a, b: [
        (a if k % 3 else b)[5 * k % COUNT] for k in range(COUNT)
    ],
    "one for all": lambda a, b: [a[3]] * 6,
}


def rows(seed: int, *shape: int, dtype: Any = np.float64) -> Any:
    return np.random.default_rng(seed).normal(size=(COUNT, *shape)).astype(dtype)


@pytest.mark.parametrize("is_carried", [False, True])
@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("order", ORDERS)
def test_a_loop_reads_values_of_another(
    order: str, is_carried: bool, is_reversed: bool
) -> None:
    def looped(x: Any, y: Any) -> Any:
        xp, first, second = namespace_of(x), [], []
        h = y[0]
        for row in reversed(list(x)) if is_reversed else x:
            h = xp.tanh(xp.add(h if is_carried else y[0], row))
            first.append(h)
            second.append(xp.multiply(h, y[1]))
        found, z = [], y[2]
        for v in ORDERS[order](first, second):
            z = xp.sigmoid(xp.subtract(v, z if is_carried else y[3]))
            found.append(z)
        return found, [xp.negative(v) for v in ORDERS[order](second, first)]

    calls = [(rows(seed, 3), rows(9 + seed, 3)) for seed in range(2)]
    assert is_rolled(assert_rolled(looped, *calls))


@pytest.mark.parametrize("is_carried", [False, True])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_loop_against_another_has_rows_and_literals_of_its_own(
    shape: tuple[int, ...], is_carried: bool
) -> None:
    def looped(x: Any, y: Any) -> Any:
        xp, found = namespace_of(x), []
        first = [xp.tanh(row) for row in x]
        second = [xp.sin(row) for row in x]
        h = y[0]
        for k, (a, b) in enumerate(zip(first[::-1], second[::-1], strict=True)):
            z = a * y[k] + b * (k + 1) - y[-1 - k]
            h = xp.tanh(h + z) if is_carried else z / (k + 0.5)
            found.append(h)
        return found, h

    calls = [(rows(seed, *shape), rows(9 + seed, *shape)) for seed in range(2)]
    assert is_rolled(assert_rolled(looped, *calls))


def assert_batched(report: str) -> None:
    """Assert that nothing is computed step by step, but for entries of results."""
    assert "batched" in report
    assert "carried" not in report
    assert "step by step" not in report.replace("step by step (getitem)", "")


def test_differences_of_neighbours_need_no_loop() -> None:
    def looped(x: Any, y: Any) -> Any:
        before, total = y[0], y[1]
        for row in x:
            now = row * 2.0
            total = total + (now - before) * (now - before)
            before = now
        return total

    calls = [(rows(seed, 3), rows(9 + seed, 3)) for seed in range(2)]
    report = assert_rolled(looped, *calls)
    assert_batched(report)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("name", ["add", "multiply"])
def test_running_values_need_no_loop(
    name: str, shape: tuple[int, ...], is_reversed: bool, dtype: Any
) -> None:
    def looped(x: Any, y: Any) -> Any:
        xp, found = namespace_of(x), []
        total = y[0]
        for row in reversed(list(x)) if is_reversed else x:
            term = xp.sigmoid(row)
            total = getattr(xp, name)(
                *((total, term) if y.shape[1:] else (term, total))
            )
            found.append(xp.tanh(total))
        return found, total

    calls = [
        (rows(seed, *shape, dtype=dtype), rows(9 + seed, *shape, dtype=dtype))
        for seed in range(2)
    ]
    report = assert_rolled(looped, *calls)
    assert_batched(report)


TERMS: dict[str, tuple[list[Any], Callable[..., Any]]] = {
    "a number by an array": ([(), (2, 3)], lambda xp, *x: xp.multiply(*x)),
    "an array by a number": ([(3,), ()], lambda xp, *x: xp.multiply(*x)),
    "arrays": ([(2, 3), (2, 3)], lambda xp, *x: xp.multiply(*x)),
    "numbers": ([(), ()], lambda xp, *x: xp.multiply(*x)),
    "a row by a matrix": ([(2,), (2, 3)], lambda xp, *x: xp.matmul(*x)),
    "a matrix by a row": ([(3, 2), (2,)], lambda xp, *x: xp.matmul(*x)),
    "matrices": ([(3, 2), (2, 4)], lambda xp, *x: xp.matmul(*x)),
    "a row by matrices": ([(2,), (4, 2, 3)], lambda xp, *x: xp.matmul(*x)),
    "rows": ([(2,), (2,)], lambda xp, *x: xp.matmul(*x)),
    "outer": ([(2,), (3,)], lambda xp, *x: xp.outer_sum(*x)),
    "outer of matrices": ([(4, 2), (4, 3)], lambda xp, *x: xp.outer_sum(*x)),
    "outer of both": (
        [(4, 2), (2,), (4, 3), (3,)],
        lambda xp, *x: xp.outer_sum(*x),
    ),
    "three": ([(2, 3)], lambda xp, x: xp.sum(x, axis=-2)),
    "of itself": ([(2, 3)], lambda xp, x: xp.multiply(x, x)),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("begins", ["with a term", "with a number"])
@pytest.mark.parametrize("name", TERMS)
def test_sums_of_products(name: str, begins: str, dtype: Any) -> None:
    shapes, term = TERMS[name]
    for own in product([True, False], repeat=len(shapes)):

        def looped(xs: Any, own: Any = own) -> Any:
            xp = namespace_of(*xs)
            total = None if begins == "with a term" else xp.sum(xs[0])
            for k in range(COUNT):
                pairs = zip(xs, own, strict=True)
                given = [xp.negative(x[k]) if is_own else x for x, is_own in pairs]
                found = term(xp, *given)
                total = found if total is None else xp.add(total, found)
            return total

        calls = []
        for seed in range(2):
            rng = np.random.default_rng(seed)
            xs = [
                rng.normal(size=(COUNT, *shape) if is_own else shape).astype(dtype)[()]
                for shape, is_own in zip(shapes, own, strict=True)
            ]
            calls.append((xs,))
        report = assert_rolled(looped, *calls)
        assert is_rolled(report) or not any(own)


NUMBERS: dict[str, Callable[[Any], list[Any]]] = {
    "floats": lambda x: [*map(float, x)],
    "integers": lambda x: [round(9 * v) for v in x],
    "both": lambda x: [round(9 * v) if k % 2 else float(v) for k, v in enumerate(x)],
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_of_python_take_the_dtype_beside_them(kind: str, dtype: Any) -> None:
    def looped(x: Any, numbers: Any) -> Any:
        found, total = [], x[0]
        for row, n in zip(x, numbers, strict=True):
            found += [row * n, n - row, n * 2, n * 0.5 + row]
            total = total + row * n
        return found, total

    calls = [
        ((9 * rows(seed, 3)).astype(dtype), NUMBERS[kind](rows(9 + seed)))
        for seed in range(2)
    ]
    assert_rolled(looped, *calls)


NARROW = [np.int8, np.uint8, np.int32, np.bool_]


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("name", ["add", "multiply"])
def test_sums_of_narrow_integers_stay_narrow(name: str, dtype: Any) -> None:
    def looped(x: Any) -> Any:
        xp, last, running, found = namespace_of(x), x[0], x[0], []
        alike = x[1]
        for row in x:
            last = getattr(xp, name)(last, row)
            running = getattr(xp, name)(running, row)
            alike = getattr(xp, name)(alike, x[2])
            found.append(xp.equal(running, row))
        return found, running, last, alike

    rng = np.random.default_rng(1)
    calls = [(rng.integers(0, 9, (COUNT, 3)).astype(dtype),) for _ in range(2)]
    assert_rolled(looped, *calls)


@pytest.mark.parametrize("kind", NUMBERS)
def test_loops_over_numbers_of_python_alone(kind: str) -> None:
    def looped(numbers: Any) -> Any:
        total, moved, found = numbers[0], numbers[1], []
        for n in numbers:
            total = total + n
            moved = (moved + n) * 0.5
            found += [moved, n * 2, 1 - n]
        return total, moved, found

    calls = [(NUMBERS[kind](rows(seed)),) for seed in range(2)]
    assert_rolled(looped, *calls)


@pytest.mark.parametrize("order", ORDERS)
def test_one_sum_of_outer_products_of_many_values(order: str) -> None:
    """Of two loops, forwards and backwards, and of what no loop computes."""

    def looped(x: Any, y: Any, others: Any) -> Any:
        xp = namespace_of(x)
        a, b = [xp.tanh(row) for row in x], [xp.sin(row) for row in y]
        c, d = [xp.cos(row) for row in x], [xp.sigmoid(row) for row in y]
        lefts, rights = ORDERS[order](a, c), ORDERS[order](b[::-1], d)
        more_lefts = [xp.negative(left) for left, _ in others]
        more_rights = [xp.abs(right) for _, right in others]
        return xp.outer_sum(
            *(*lefts, *more_lefts, *c, *(left for left, _ in others)),
            *(*rights, *more_rights, *d[::-1], *(right for _, right in others)),
        )

    calls = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        others = [
            (rng.normal(size=(*n, 2)), rng.normal(size=(*n, 3)))
            for n in ((), (4,), (1,), (), (5,), (4,))
        ]
        calls.append((rows(seed, 2), rows(9 + seed, 3), others))
    assert is_rolled(assert_rolled(looped, *calls))


@pytest.mark.parametrize("read", ["never", "at first", "in the middle", "at last"])
@pytest.mark.parametrize("begins", ["with a term", "with a number"])
@pytest.mark.parametrize("terms", [1, 2, 3])
def test_sums_of_several_terms_a_step(read: str, begins: str, terms: int) -> None:
    def looped(x: Any, y: Any) -> Any:
        xp, found = namespace_of(x), []
        total = None if begins == "with a term" else y[0]
        for row in x:
            parts = [xp.tanh(row), xp.sin(row), xp.cos(row)][:terms]
            for at, part in enumerate(parts):
                total = part if total is None else xp.add(total, part)
                places = {
                    "at first": 0,
                    "in the middle": terms // 2,
                    "at last": terms - 1,
                }
                if at == places.get(read):
                    found.append(xp.sigmoid(total))
        return total, found

    calls = [(rows(seed, 3), rows(9 + seed, 3)) for seed in range(2)]
    assert is_rolled(assert_rolled(looped, *calls))


@pytest.mark.parametrize("count", [4, 5, 13])
def test_more_inputs_than_calls(count: int) -> None:
    def looped(xs: Any) -> Any:
        xp = namespace_of(*xs)
        return [xp.exp(x) for x in xs[-count:]]

    calls = [([*rows(seed, 3), *rows(9 + seed, 3)],) for seed in range(2)]
    assert is_rolled(assert_rolled(looped, *calls))
