"""Numbers of Python stay numbers of Python: NumPy keeps the dtype beside them."""

import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tapem_dsl import jit, leaf, log, mul, optim, scale, sum_, value_and_grad, value_of
from tapem_dsl.interpreters.compiled.plan import SameBits
from tapem_dsl.tape.equality import same

# Any, throughout: numbers of any kind.

ROW = np.array([0.5, -2.0, 3.0])
BESIDE: list[Any] = [
    *(ROW, ROW.astype(np.float32), np.arange(3), np.float64(0.5), np.float32(0.5)),
    *(np.int64(3), 0.25, 7, np.array(0.5, np.float32)),
]
NUMBERS: list[Any] = [1e-3, -0.0, 1e300, 3, -7, 2**40]
ARITHMETIC: list[Callable[[Any, Any], Any]] = [
    lambda x, n: x * n,
    lambda x, n: n + x,
    lambda x, n: x - n,
    lambda x, n: n - x,
    lambda x, n: n / (x + x),
    lambda x, n: -n * x,
    lambda x, n: n * n + x,
    lambda x, n: (n, n * 2, n + 0.5, -n),
    lambda x, n: x * (n * 0.3 - 0.1),
    lambda x, n: x * (n > 1) + n,
    lambda x, n: abs(n) * x + abs(x),
]


def outcome(function: Callable[..., Any], *given: Any) -> Any:
    """Return what it returns, or the text of what it raises."""
    try:
        return function(*given)
    except (ArithmeticError, ValueError) as error:
        return repr(error)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("x", BESIDE, ids=lambda x: f"{getattr(x, 'dtype', type(x))}")
@pytest.mark.parametrize("at", range(len(ARITHMETIC)))
def test_arithmetic_has_the_bits_and_types_of_eager_evaluation(at: int, x: Any) -> None:
    function = ARITHMETIC[at]
    step = jit(function)
    for n in NUMBERS:
        expected = outcome(function, x, n)
        for _ in range(2):
            found = outcome(step, x, n)
            assert same(found, expected), n
            for a, b in zip(_parts(found), _parts(expected), strict=True):
                assert type(a) is type(b)


def _parts(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


@pytest.mark.parametrize("x", BESIDE[:6], ids=lambda x: str(x.dtype))
@pytest.mark.parametrize("number", [0.1, 3], ids=["float", "int"])
def test_programs_take_a_number_as_leaf(x: Any, number: Any) -> None:
    def shifted(w: Any, c: Any) -> Any:
        return value_and_grad(lambda w: leaf(c).bind(lambda k: mul(w, k)).bind(sum_))(w)

    step = jit(shifted)
    for c in (number, number * 2):
        for _ in range(2):
            assert same(step(x, c), shifted(x, c))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("last", [0.1, 1e39, np.inf, np.nan])
def test_a_rate_of_a_schedule_is_what_it_is_without_jit(dtype: Any, last: Any) -> None:
    rule = optim.sgd(lambda n: 0.5 if n < 2 else last)

    def step(w: Any, g: Any, state: Any) -> Any:
        changes, state = rule.update(g, state, w)
        return optim.apply_updates(w, changes), state

    jitted = jit(step)
    w, state = ROW.astype(dtype), rule.init(ROW.astype(dtype))
    for _ in range(4):
        expected = outcome(step, w, w, state)
        assert same(outcome(jitted, w, w, state), expected)
        if isinstance(expected, tuple):
            assert expected[0].dtype == dtype
            w, state = expected


def test_what_a_check_of_types_refuses_is_an_error_with_the_fix() -> None:
    with pytest.raises(TypeError, match="static_argnames"):
        jit(lambda x, c: leaf(x).bind(lambda n: scale(n, c)).exec())(ROW, 2.0)
    step = jit(
        lambda w, c: value_and_grad(lambda w: scale(w, c))(w), static_argnames="c"
    )
    for c in (2.0, 3.0):
        assert step(np.float64(5.0), c).unwrap()[0] == 5.0 * c


def test_zero_and_minus_zero_are_two_outcomes_and_nan_is_one() -> None:
    step = jit(lambda x: x * len(f"{x:+.1f}".strip("+")), guards=True)
    for number in (0.0, -0.0, 0.0):
        x = np.float64(number)
        assert same(step(x), x * len(f"{x:+.1f}".strip("+")))
    assert "2 plans" in step.report()
    assert SameBits(np.nan)(np.nan)
    assert not SameBits(0.0)(-0.0)


def test_raising_a_number_to_a_count_is_that_of_python() -> None:
    step = jit(lambda x, n: x * (1.0 - 0.9**n))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in (1, 2, 1000):
            assert same(step(ROW, n), ROW * (1.0 - 0.9**n))
    assert "1 plan" in step.report()
    with pytest.raises(TypeError, match="static_argnames"):
        jit(lambda x: 0.9**x)(ROW)


@pytest.mark.parametrize(
    "beta", [0.9, Fraction(9, 10), np.float64(0.9), np.float32(0.9)]
)
def test_a_decay_of_any_type_gives_the_same_bits(beta: Any) -> None:
    rule = optim.adam(0.1, beta1=beta, beta2=beta)
    step = jit(rule.update)
    p, g = np.float64(0.5), np.float64(0.3)
    state = rule.init(p)
    for _ in range(4):
        expected = rule.update(g, state, p)
        assert same(step(g, state, p), expected)
        state = expected[1]


def test_a_schedule_may_change_its_type() -> None:
    def schedule(n: int) -> Any:
        return np.float64(0.5) if n < 2 else np.float32(0.1)

    rule = optim.adam(schedule)
    step = jit(rule.update)
    p, g = np.float64(0.5), np.float64(0.3)
    state = rule.init(p)
    for _ in range(4):
        expected = rule.update(g, state, p)
        assert same(step(g, state, p), expected)
        state = expected[1]
    assert "the plan raised TypeError" in step.report()


def test_an_array_is_not_changed_in_place() -> None:
    def changing(x: Any) -> Any:
        x += 1.0
        return x

    given = ROW.copy()
    with pytest.raises(TypeError, match="static_argnames"):
        jit(changing)(given)
    for x in (1.5, np.float64(2.5), 3):
        assert same(jit(changing)(x), changing(x))


def test_an_error_that_is_caught_is_an_error_still() -> None:
    def guessing(x: Any) -> Any:
        try:
            positive = bool(x > 0)
        except TypeError:
            positive = False
        return x if positive else -x

    with pytest.raises(TypeError, match="static_argnames"):
        jit(guessing)(np.float64(1.0))

    def asking(x: Any) -> Any:
        return x.max() if hasattr(x, "max") else x

    with pytest.raises(TypeError, match="static_argnames"):
        jit(asking)(ROW)

    def squared(x: Any) -> Any:
        try:
            return x**2
        except TypeError:
            return x

    with pytest.raises(TypeError, match="static_argnames"):
        jit(squared)(3.0)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x[np.array([0, 1])],
        lambda x: leaf(x).bind(log).bind(value_of).eval().unwrap(),
    ],
)
def test_what_ends_noting_ends_it_also_where_it_is_caught(
    function: Callable[[Any], Any],
) -> None:
    def catching(x: Any) -> Any:
        try:
            return function(x)
        except Exception:  # noqa: BLE001 - too much, as people write it
            return x * 0.5

    step = jit(catching)
    for x in (ROW, np.abs(ROW)):
        assert same(step(x), catching(x))
