"""The combinators: their laws, and what they refuse."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from tapem_dsl import (
    EMPTY,
    NodeId,
    TapeM,
    add,
    apply_op,
    const,
    div,
    exp,
    fold_m,
    for_m,
    from_result,
    get_tape,
    leaf,
    log_softmax_last,
    map_m,
    mean_scalar_over_array,
    mul,
    param,
    pure,
    rationals,
    relu,
    scale,
    sigmoid,
    softmax_last,
    sub,
    sum_,
    tanh,
    throw,
    value_of,
    when_m,
)
from tapem_dsl.errors import DTypeMismatch, InvalidNodeId, Thrown
from tapem_dsl.testing import assert_equivalent
from tapem_dsl.testing.strategies import programs_returning
from tapem_dsl.train import Dataset


class Subclass(np.ndarray[Any, Any]):
    """An array type of someone else."""


PROGRAMS = st.lists(programs_returning(st.integers(-3, 3)), max_size=4)


def add_value(total: int, program: TapeM[int]) -> TapeM[int]:
    return program.map(lambda n: 2 * total + n)


@given(PROGRAMS, PROGRAMS)
def test_fold_m_splits_at_any_point(xs: list[TapeM[int]], ys: list[TapeM[int]]) -> None:
    whole = fold_m(add_value, 1, xs + ys)
    halves = fold_m(add_value, 1, xs).bind(lambda a: fold_m(add_value, a, ys))
    assert_equivalent(whole, halves)


@given(PROGRAMS)
def test_fold_m_is_nested_binds(xs: list[TapeM[int]]) -> None:
    nested: TapeM[int] = pure(1)
    for x in xs:
        nested = nested.bind(partial(add_value, program=x))
    assert_equivalent(fold_m(add_value, 1, xs), nested)


@given(PROGRAMS)
def test_map_m_and_for_m_run_the_same_programs(xs: list[TapeM[int]]) -> None:
    assert_equivalent(
        map_m(lambda m: m, xs).map(lambda _: None), for_m(xs, lambda m: m)
    )


@given(st.lists(st.integers()))
def test_map_m_of_pure_is_pure(xs: list[int]) -> None:
    assert_equivalent(map_m(pure, xs), pure(tuple(xs)))


@given(programs_returning(st.integers()))
def test_when_m_runs_the_program_where_the_condition_holds(m: TapeM[int]) -> None:
    assert_equivalent(when_m(True, m), m.map(lambda _: None))
    assert_equivalent(when_m(False, m), pure(None))


def test_items_are_taken_at_the_call_so_that_a_program_runs_twice() -> None:
    programs_over_iterators = [
        fold_m(lambda total, x: pure(total + x), 0, iter([1, 2])),
        map_m(pure, iter([1, 2])).map(sum),
    ]
    for program in programs_over_iterators:
        assert program.eval() == program.eval() == Success(3)


def test_throw_takes_a_text_or_a_record() -> None:
    assert throw("no").run() == Failure(Thrown("no"))
    error = InvalidNodeId("mine", id=NodeId(1), size=0)
    assert throw(error).run() == Failure(error)


def test_a_shape_asked_for_is_checked_and_is_part_of_the_program() -> None:
    tape = leaf(np.zeros(2)).exec().unwrap()
    x = NodeId(0)
    for make in (add, mul, sub, div):
        assert isinstance(make(x, x, shape=(2,)).run(tape), Success)
        error = make(x, x, shape=()).run(tape).failure()
        assert error.message == "autograd: shape mismatch"
        assert make(x, x, shape=(2,)) != make(x, x)
    for unary in (relu, tanh, sigmoid, exp, softmax_last, log_softmax_last):
        assert isinstance(unary(x, shape=(2,)).run(tape), Success)
        assert isinstance(unary(x, shape=(3,)).run(tape), Failure)
    assert repr(scale(x, 2, shape=())) == "<TapeM: scale(0, factor=2, shape=())>"


def test_a_result_is_a_step_of_a_program() -> None:
    assert from_result(Success(1)).run() == pure(1).run()
    assert from_result(Failure(Thrown("no"))).run() == throw("no").run()
    with pytest.raises(TypeError, match="takes a Result"):
        from_result(1)  # type: ignore[arg-type] # the mistake


def test_get_tape_gives_the_tape_so_far() -> None:
    tape = leaf(1.0).bind(lambda _: get_tape()).eval().unwrap()
    assert tape == leaf(1.0).exec().unwrap()
    assert get_tape().eval(tape) == Success(tape)


# -- leaves ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (2, np.float64),
        (2.5, np.float64),
        (np.float32(2), np.float32),
        (np.array(2.0), np.float64),
        (np.array(2, dtype=">f4"), np.float32),
        (np.zeros(3, dtype=np.float16), np.ndarray),
        (np.zeros(3, dtype=">f8"), np.ndarray),
        (Fraction(1, 3), np.ndarray),
        (rationals([1, 2]), np.ndarray),
        (np.zeros(3).view(Subclass), np.ndarray),
    ],
)
def test_a_leaf_holds_arrays_and_scalars_of_numpy(value: Any, kind: type) -> None:
    held = leaf(value).exec().unwrap()[NodeId(0)].value
    assert type(held) is kind
    assert held.dtype.isnative


def test_object_arrays_become_fractions() -> None:
    entries = np.array([1, Fraction(1, 2), np.int64(3)], dtype=object)
    held = leaf(entries).exec().unwrap()[NodeId(0)].value
    assert [type(entry) for entry in held.flat] == [Fraction] * 3
    scalar = leaf(Fraction(1, 3)).exec().unwrap()[NodeId(0)].value
    assert scalar.shape == ()
    assert [str(type(entry)) for entry in scalar.flat] == [str(Fraction)]


@pytest.mark.parametrize(
    ("value", "fix"),
    [
        (True, "np.bool_"),
        ([1.0], "np.array"),
        ((1.0,), "np.array"),
        ("1", "pass a float"),
        (1j, "pass a float"),
        (None, "pass a float"),
        (np.array(["a"]), "astype"),
        (np.array([1j]), "astype"),
        (np.array(["2020"], dtype="datetime64"), "astype"),
        (np.array([0.5], dtype=object), "Fraction"),
        (np.array([None]), "Fraction"),
        (np.array([True], dtype=object), "Fraction"),
        (np.ma.masked_array([1.0], [True]), "filled"),
        (np.complex128(1j), "pass a float"),
        (np.timedelta64(3, "D"), "pass a float"),
        (leaf(1.0), "did you forget `yield from`"),
        (Success(1.0), "unwrap it, or write `yield from from_result"),
    ],
)
def test_what_no_leaf_can_hold_is_refused_at_the_call(value: Any, fix: str) -> None:
    with pytest.raises(TypeError, match=fix):
        leaf(value)


@pytest.mark.parametrize("value", [np.array([1]), np.bool_(True), np.array([False])])
def test_integers_and_truth_values_can_be_constants_only(value: Any) -> None:
    assert len(const(value).exec().unwrap()) == 1
    error = param(value).run().failure()
    assert isinstance(error, DTypeMismatch)
    assert error.op == "leaf"
    assert error.dtypes == (str(value.dtype),)


def test_an_integer_beyond_double_precision_is_a_failure() -> None:
    for make in (leaf, const):
        error = make(10**400).run().failure()
        assert (
            error.message
            == "autograd: literal: the constant is beyond double precision"
        )
    assert leaf(2**1000).exec().unwrap()[NodeId(0)].value == 2.0**1000


@pytest.mark.parametrize("name", [3, ["x"], np.array([1, 2]), True])
@pytest.mark.parametrize("make", [leaf, param, const])
def test_a_name_is_a_text(make: Any, name: Any) -> None:
    with pytest.raises(TypeError, match="a leaf's name is a string"):
        make(1.0, name)


@pytest.mark.parametrize("make", [leaf, param, const])
def test_a_name_may_stand_second_as_in_lean(make: Any) -> None:
    assert make(1.0, "w") == make(1.0, name="w")
    assert make(1.0, "w").exec().unwrap()[NodeId(0)].name == "w"


def test_a_readonly_array_of_another_layout_is_made_contiguous() -> None:
    """Sums depend on the layout in their last digits, and equal programs agree."""
    rng = np.random.default_rng(0)
    array = rng.normal(size=(301, 77))
    fortran = np.asfortranarray(array)
    for x in (array, fortran):
        x.setflags(write=False)
    assert leaf(array) == leaf(fortran)
    assert leaf(array).bind(sum_).run() == leaf(fortran).bind(sum_).run()


# -- ids -------------------------------------------------------------------------------


USES: list[Callable[[NodeId], TapeM[Any, Any]]] = [
    lambda x: add(x, x),
    lambda x: scale(x, 2.0),
    value_of,
]


@pytest.mark.parametrize("id", [-1, 1, 2**70])
def test_an_id_of_no_node_is_a_failure(id: int) -> None:
    for use in USES:
        error = use(NodeId(id)).run(leaf(1.0).exec().unwrap()).failure()
        assert isinstance(error, InvalidNodeId)
        assert (error.id, error.size) == (NodeId(id), 1)
        assert error.message == "autograd: invalid node id"


@pytest.mark.parametrize("id", [True, 1.0, np.int64(0), "0", None, [0]])
def test_what_can_be_no_id_is_refused_at_the_call(id: Any) -> None:
    for use in USES:
        with pytest.raises(TypeError, match="a node id is the int"):
            use(id)


# -- misuse ----------------------------------------------------------------------------


def test_programs_are_refused_where_functions_and_items_belong() -> None:
    program = pure(1)
    wrong: Any = program
    for refused in (
        lambda: program.bind(wrong),
        lambda: program.map(wrong),
        lambda: program.lash(wrong),
        lambda: fold_m(wrong, 0, [1]),
        lambda: map_m(wrong, [1]),
        lambda: for_m([1], wrong),
    ):
        with pytest.raises(TypeError, match=r"takes a function for \w+, not a program"):
            refused()
    collections: list[Callable[[], object]] = [
        lambda: fold_m(lambda a, b: pure(a), 0, wrong),
        lambda: map_m(pure, wrong),
        lambda: for_m(wrong, pure),
        lambda: mean_scalar_over_array("t", wrong, const),
        lambda: Dataset.of_list(wrong),
    ]
    for refuse in collections:
        with pytest.raises(TypeError, match=r"takes a collection for .*yield from"):
            refuse()


def test_values_are_refused_where_programs_and_functions_belong() -> None:
    wrong: Any = 3
    with pytest.raises(TypeError, match="apply takes a program of a function"):
        pure(1).apply(wrong)
    with pytest.raises(TypeError, match="when_m guards a program"):
        when_m(True, wrong)
    condition: Any = pure(False)
    with pytest.raises(TypeError, match="when_m decides by a value"):
        when_m(condition, pure(1))
    with pytest.raises(TypeError, match="which is no program; use pure"):
        TapeM(wrong).run()
    with pytest.raises(TypeError, match="bind takes a function for function, not 3"):
        pure(1).bind(wrong)
    with pytest.raises(TypeError, match="apply_op takes an op"):
        apply_op(wrong)
    with pytest.raises(TypeError, match="throw takes"):
        throw(wrong)


@pytest.mark.parametrize("place", ["bind", "fold", "lash"])
def test_a_function_that_gives_no_program_is_named(place: str) -> None:
    def careless(*_: object) -> Any:
        return 3

    made: dict[str, TapeM[Any]] = {
        "bind": pure(1).bind(careless),
        "fold": fold_m(careless, 0, [1]),
        "lash": throw("no").lash(careless),
    }
    with pytest.raises(TypeError, match=r"careless returned 3.*pure\(value\)"):
        made[place].run(EMPTY)


@pytest.mark.parametrize("factor", ["2", None, 1j, True, np.ones(2), leaf(1.0)])
def test_scale_refuses_what_is_no_real_number(factor: Any) -> None:
    with pytest.raises(TypeError, match="scale takes a real number for factor"):
        scale(NodeId(0), factor)


class Title(str):
    """A text of another type, with other characters as ``str()``."""

    __slots__ = ()

    def __str__(self) -> str:
        return "other"


def test_the_name_of_a_leaf_is_a_plain_text() -> None:
    (node,) = leaf(1.0, Title("x")).exec().unwrap().nodes()
    assert type(node.name) is str
    assert leaf(1.0, Title("x")) == leaf(1.0, "x")
    failure = leaf(np.array([1]), Title("x")).run().failure()
    assert failure == leaf(np.array([1]), "x").run().failure()
