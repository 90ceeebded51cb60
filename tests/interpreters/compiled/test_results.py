"""What becomes of arguments, closures and results of a function under jit."""

from collections import OrderedDict
from functools import partial
from typing import Any

import numpy as np
import pytest

from tapem_dsl import jit, leaf, optim
from tapem_dsl.tape.equality import same

# Any, throughout: arguments of any type.

ROW = np.arange(3.0)


class Holder:
    """An object that holds a value."""

    def __init__(self, x: Any) -> None:
        self.x = x


def test_results_are_read_only_and_share_nothing_with_arguments() -> None:
    kept = np.ones(3)

    def views(x: Any) -> Any:
        return x, x[:2], x * 1.0, kept, kept[1:], np.float64(1), 7

    step = jit(views)
    for _ in range(3):
        x = np.arange(3.0)
        found = step(x)
        assert same(found[:3], (np.arange(3.0), np.arange(2.0), np.arange(3.0)))
        for array in found[:3]:
            assert not array.flags.writeable
            assert not np.shares_memory(array, x)
        x[:] = 9
        assert found[0].tolist() == [0, 1, 2]


def test_arguments_and_closures_that_change_later_change_no_plan() -> None:
    x, kept = np.arange(3.0), np.ones(3)
    step = jit(lambda x: x + kept)
    assert step(x).tolist() == [1, 2, 3]
    x[:] = 5
    assert step(x).tolist() == [6, 6, 6]
    kept[:] = 100
    assert step(x).tolist() == [6, 6, 6]  # a closure is frozen


def test_a_read_only_view_of_what_changes_is_frozen_too() -> None:
    owner = np.ones(3)
    view = owner[:]
    view.flags.writeable = False
    step = jit(lambda x: x + view)
    assert step(ROW).tolist() == [1, 2, 3]
    owner[:] = 100
    assert step(ROW).tolist() == [1, 2, 3]


def test_an_array_that_changes_during_the_call_is_two_constants() -> None:
    counter = np.zeros(3)

    def counting(x: Any) -> Any:
        a = x + counter
        counter[:] += 1.0
        return a, x + counter

    found = jit(counting)(ROW)
    assert same(found, (ROW, ROW + 1.0))


def test_two_equal_results_are_one_value_each_time() -> None:
    step = jit(lambda x: (x * 2.0, x * 2.0))
    for _ in range(2):
        assert same(step(ROW), (ROW * 2.0, ROW * 2.0))


def test_a_value_that_was_kept_says_so() -> None:
    kept: list[Any] = []

    def leaking(x: Any) -> Any:
        kept.append(x * 2.0)
        return x

    jit(leaking)(ROW)
    with pytest.raises(TypeError, match="used after the call ended; return it"):
        kept[0] + 1.0
    other = jit(lambda x: x + kept[0])
    with pytest.raises(TypeError):
        other(ROW)
    with pytest.raises(TypeError, match="used after the call ended; return it"):
        jit(lambda x: (x, kept[0]))(ROW)


def test_values_of_two_functions_do_not_meet() -> None:
    kept: list[Any] = []

    def outer(x: Any) -> Any:
        kept.append(x)
        return jit(lambda y: y + kept[0], cache=1)(ROW)

    assert jit(outer)(ROW).tolist() == [0, 2, 4]


def test_a_value_of_the_caller_is_no_result_of_a_plan() -> None:
    inner: list[Any] = []

    def outer(x: Any) -> Any:
        inner.append(jit(lambda y: (y, x)))
        return inner[-1](ROW)

    step = jit(outer)
    for x in (ROW, ROW + 5.0):
        assert same(step(x), (ROW, x))
    assert "it uses a value of a function under jit that calls it" in inner[0].report()


def test_a_function_under_jit_may_be_called_under_jit() -> None:
    inner = jit(lambda x: x * 2.0)
    outer = jit(lambda x: inner(x) + 1.0)
    for x in (ROW, ROW + 5.0):
        assert same(outer(x), x * 2.0 + 1.0)
    assert outer.report().splitlines()[0].endswith("1 plan, 1 run of a plan")


@pytest.mark.parametrize(
    "made",
    [
        leaf,
        lambda x: leaf(x).exec().unwrap(),
        lambda x: (x, Holder(x)),
        lambda x: (y for y in (x,)),
        lambda x: {1.0},
        lambda x: lambda: x,
        lambda x: partial(pow, x),
        lambda x: OrderedDict(a=x),
    ],
)
def test_results_that_may_hide_values_are_made_each_time(made: Any) -> None:
    step = jit(made)
    for x in (ROW, ROW + 1.0):
        assert type(step(x)) is type(made(x))
    assert "as it is, 2 times: it returns a " in step.report()


def test_what_a_clip_passes_on_stays_the_callers_own() -> None:
    clip = optim.clip_by_norm(10.0)
    step = jit(lambda g: clip.update(g, clip.init(None), None)[0])
    for _ in range(3):
        given = np.ones(2)
        assert same(step([given]), [np.ones(2)])
        assert not np.shares_memory(step([given])[0], given)
        given[0] = 2.0


def test_a_constant_of_no_dimension_is_not_shared_with_the_caller() -> None:
    step = jit(lambda x: (x, np.array(1.0)))
    for _ in range(3):
        assert not step(ROW)[1].flags.writeable


def test_a_tape_that_comes_back_holds_arrays() -> None:
    step = jit(lambda x: leaf(x).exec().unwrap())
    assert same(step(ROW), leaf(ROW).exec().unwrap())
    assert same(step(ROW + 1.0), leaf(ROW + 1.0).exec().unwrap())
