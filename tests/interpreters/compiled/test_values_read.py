"""Python code that reads a value: an error with the fix or, with guards, both ways."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tapem_dsl import jit
from tapem_dsl.tape.equality import same

# Any, throughout: functions of arrays of any kind.

UP, DOWN = np.float64(2.5), np.float64(-1.5)
ROW = np.array([1.0, -2.0, 3.0])


def _halved(x: Any) -> Any:
    while x > 1:
        x = x * 0.5
    return x


def _asserted(x: Any) -> Any:
    assert x > -5
    return x * 2.0


def _first_if_larger(a: Any, b: Any, c: Any) -> Any:
    return a if a > b else c


# Each reads a number of an argument, in Python or through NumPy.
READS: dict[str, Callable[[Any], Any]] = {
    "if": lambda x: x * 2.0 if x > 0 else x * 3.0,
    "if of a sum": lambda x: x if x + 1.0 > 0.5 else -x,
    "elif": lambda x: x if x > 2 else (x * 2.0 if x > 1 else x * 3.0),
    "and": lambda x: (x > 0 and x < 3) and x,
    "or": lambda x: x > 9 or x,
    "not": lambda x: x * 2.0 if not x > 0 else x,
    "while": _halved,
    "assert": _asserted,
    "bool": lambda x: x * (2.0 if bool(x > 0) else 3.0),
    "float": lambda x: x * float(x),
    "int": lambda x: x * int(x),
    "round": lambda x: x * round(x),
    "min": lambda x: min(x, x * 0.0),
    "max": lambda x: max(x, x * 0.0),
    "sorted": lambda x: sorted([x, x * 0.0, x * 2.0])[1],
    "math.exp": lambda x: x * math.exp(x),
    "math.isnan": lambda x: -x if math.isnan(x) else x,
    "range": lambda x: sum([x for _ in range(int(x) + 3)], 0.0),
    "format of a float": lambda x: x * len(f"{float(x):.3f}"),
    "comparison chain": lambda x: x if -1 < x < 1 else x * 0.5,
    "any": lambda x: x if any([x > 3, x > 2]) else -x,
    "all": lambda x: x if all([x > -9, x > 0]) else -x,
    "in": lambda x: x if x in (2.5, 1.0) else -x,
    "list index": lambda x: x * [1.0, 2.0, 3.0, 4.0][int(x) % 4],
    "dictionary": lambda x: x * {True: 2.0, False: 3.0}[bool(x > 0)],
}
OF_ROWS: dict[str, Callable[[Any], Any]] = {
    "if of an entry": lambda x: x * 2.0 if x[0] > 0 else x,
    "index": lambda x: x[int(x[0]) % 3],
    "index without int": lambda x: x[x[0] > 0],
    "np.exp": lambda x: np.exp(x) + 1.0,
    "np.sum": lambda x: np.sum(x) * 2.0,
    "np.where": lambda x: np.where(x > 0, x, 0.0),
    "np.max": lambda x: x * np.max(x),
    "np.any": lambda x: x if np.any(x > 0) else -x,
    "np.asarray": lambda x: np.asarray(x) * 2.0,
    "np.array": lambda x: np.array([x, x]),
    "np.stack": lambda x: np.stack([x, x]),
    "np.concatenate": lambda x: np.concatenate([x, x]),
    "np.linalg.norm": lambda x: x / np.linalg.norm(x),
    "np.isfinite": lambda x: x if np.isfinite(x).all() else -x,
    "np.zeros_like": lambda x: np.zeros_like(x) + x,
    "np.dot": lambda x: np.dot(x, x),
    "out of NumPy": lambda x: np.add(x, 1.0),
    ".max()": lambda x: x * x.max(),
    ".sum()": lambda x: x * x.sum(),
    ".any()": lambda x: x if (x > 0).any() else -x,
    ".item()": lambda x: x * x[0].item(),
    ".tolist()": lambda x: x * x.tolist()[0],
    ".copy()": lambda x: x.copy() * 2.0,
    ".T": lambda x: x.T * 2.0,
    ".flat": lambda x: x * next(iter(x.flat)),
    ".mean()": lambda x: x - x.mean(),
    ".argmax()": lambda x: x[x.argmax()],
    ".dot()": lambda x: x.dot(x),
    "float of an entry": lambda x: x * float(x[1]),
    "truth of a row": lambda x: x if (x > 0)[2] else -x,
    "iteration": lambda x: sum([y if y > 0 else 0.0 * y for y in x], 0.0),
    "list in an array": lambda x: np.array([float(y) for y in x]) * 2.0,
    "set of entries": lambda x: x * len({float(y) for y in x}),
    "enumerate": lambda x: sum([y * i if y > 0 else y for i, y in enumerate(x)], 0.0),
    "unpacking": lambda x: _first_if_larger(*x),
}


def test_there_are_sixty() -> None:
    assert len(READS) + len(OF_ROWS) == 60


FIX = r"choose with `where`.*static_argnames.*outside of jit.*guards=True"


@pytest.mark.parametrize("name", READS)
def test_a_number_that_is_read_is_an_error_with_the_fix(name: str) -> None:
    with pytest.raises(TypeError, match=FIX):
        jit(READS[name])(UP)


@pytest.mark.parametrize("name", OF_ROWS)
def test_an_array_that_is_read_is_an_error_with_the_fix(name: str) -> None:
    with pytest.raises(TypeError, match=FIX):
        jit(OF_ROWS[name])(ROW)


@pytest.mark.parametrize("name", READS)
def test_with_guards_each_outcome_has_its_plan(name: str) -> None:
    function = READS[name]
    step = jit(function, guards=True)
    for x in (UP, DOWN, UP, DOWN, np.float64(7.0), UP):
        assert same(step(x), function(x)), x
    assert "as it is" not in step.report()


PYTHON_ONLY = [
    *("if of an entry", "index", "float of an entry", "truth of a row", "iteration"),
    *("enumerate", "unpacking", "set of entries"),
]


@pytest.mark.parametrize("name", PYTHON_ONLY)
def test_with_guards_each_outcome_of_rows_has_its_plan(name: str) -> None:
    function = OF_ROWS[name]
    step = jit(function, guards=True)
    for x in (ROW, ROW[::-1].copy(), ROW * 0.5, ROW):
        assert same(step(x), function(x)), x


def test_a_static_argument_may_be_read() -> None:
    def power(x: Any, *, n: int) -> Any:
        for _ in range(n):
            x = x * x
        return x

    step = jit(power, static_argnames="n")
    for n in (1, 2, 3, 2):
        assert same(step(UP, n=n), power(UP, n=n))
    assert "3 plans" in step.report()
    with pytest.raises(TypeError, match="static_argnames"):
        jit(power)(UP, n=2)


def test_a_static_argument_may_stand_at_its_place() -> None:
    def power(x: Any, n: int, y: Any) -> Any:
        for _ in range(n):
            x = x * y
        return x

    step = jit(power, static_argnames=["n"])
    for n in (1, 2, 3, 2):
        assert same(step(UP, n, DOWN), power(UP, n, DOWN))
        assert same(step(UP, y=DOWN, n=n), power(UP, n, DOWN))
    with pytest.raises(ValueError, match=r"names 'm', and the function takes \(x, n"):
        jit(power, static_argnames="m")


@pytest.mark.parametrize(
    ("first", "second"), [(1, True), (0.0, -0.0), ((1,), (1.0,)), (1, np.int64(1))]
)
def test_static_arguments_that_only_compare_equal_are_two(
    first: Any, second: Any
) -> None:
    def shown(x: Any, n: Any) -> Any:
        return x * len(repr(n))

    step = jit(shown, static_argnames="n")
    for n in (first, second, first):
        assert same(step(UP, n), shown(UP, n))
    assert "2 plans" in step.report()


def test_the_error_of_the_function_itself_comes_first() -> None:
    def wrong(x: Any) -> Any:
        raise KeyError(f"of the function, {x.shape}")

    with pytest.raises(KeyError, match="of the function"):
        jit(wrong)(ROW)
