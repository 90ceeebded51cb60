"""The mean of losses: its program, its tape, its lemmas, and golden numbers."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from returns.result import Success

from tapem_dsl import (
    Do,
    NodeId,
    Tape,
    TapeM,
    add,
    backward_scalar,
    const,
    do,
    linear,
    matmul,
    mean_scalar_over,
    mean_scalar_over_array,
    mean_scalar_over_dataset,
    mse_loss,
    mul,
    param,
    rationals,
    relu,
    scale,
    sum_,
    throw,
    value_of,
)
from tapem_dsl.tape.equality import same
from tapem_dsl.testing import assert_equivalent
from tapem_dsl.testing.strategies import EVERY_DTYPE, tensors
from tapem_dsl.train import Dataset, require_scalar_value, sgd_update_tensor
from tests.oracles import brief

SAMPLES = [([1, 2], [5]), ([0, 1], [2]), ([3, -1], [1]), ([2, 2], [7])]


@do
def four_samples(
    number: Callable[[Any], NDArray[Any]], samples: list[tuple[list[int], list[int]]]
) -> Do[NodeId, Any]:
    w = yield from param(number([[1, 1]]), name="W")
    b = yield from param(number([1]), name="b")

    @do
    def loss_of(sample: tuple[list[int], list[int]]) -> Do[NodeId, Any]:
        x = yield from const(number(sample[0]))
        y = yield from const(number(sample[1]))
        prediction = yield from linear(w, b, x)
        return (yield from mse_loss(prediction, y))

    return (yield from mean_scalar_over("golden", samples, loss_of))


def doubles(entries: Any) -> NDArray[np.float64]:
    return np.array(entries, dtype=np.float64)


def singles(entries: Any) -> NDArray[np.float32]:
    return np.array(entries, dtype=np.float32)


# -- the golden tape, node by node -----------------------------------------------------

ONE_LOSS = ["leaf", "leaf", "linear", "mse_loss"]
LABELS = ["W", "b", *ONE_LOSS, *[*ONE_LOSS, "add"] * 3, "scale"]
PARENTS: dict[int, tuple[int, ...]] = {
    4: (0, 1, 2),
    5: (4, 3),
    8: (0, 1, 6),
    9: (8, 7),
    10: (5, 9),
    13: (0, 1, 11),
    14: (13, 12),
    15: (10, 14),
    18: (0, 1, 16),
    19: (18, 17),
    20: (15, 19),
    21: (20,),
}
FLAGGED = {0, 1, 4, 5, 8, 9, 10, 13, 14, 15, 18, 19, 20, 21}


@pytest.mark.parametrize("number", [rationals, doubles, singles])
def test_the_tape_of_four_samples_is_torchleans_node_by_node(number: Any) -> None:
    out, tape = four_samples(number, SAMPLES).run().unwrap()
    assert out == 21
    assert len(tape) == 22
    assert [node.label for node in tape] == LABELS
    assert [node.parents for node in tape] == [PARENTS.get(i, ()) for i in range(22)]
    assert {i for i, node in enumerate(tape) if node.requires_grad} == FLAGGED
    kinds = {node.value.dtype for node in tape}
    assert kinds == {number([1]).dtype}


def test_the_loss_and_gradients_of_four_samples_are_exact_over_rationals() -> None:
    out, tape = four_samples(rationals, SAMPLES).run().unwrap()
    # predictions 4, 2, 3, 5 against 5, 2, 1, 7: differences -1, 0, 2, -2
    assert same(tape[out].value, rationals("9/4"))
    grads = backward_scalar(tape, out).unwrap()
    assert set(grads) == FLAGGED
    # dW = mean of 2 d x, db = mean of 2 d
    dw = [[Fraction(2 * (-1 + 6 - 4), 4), Fraction(2 * (-2 - 2 - 4), 4)]]
    assert same(grads[NodeId(0)], rationals(dw))
    assert same(grads[NodeId(1)], rationals(["-1/2"]))
    assert same(grads[NodeId(20)], rationals("1/4"))
    assert all(type(x) is Fraction for g in grads.values() for x in g.flat)


def test_the_mean_is_the_sum_times_one_over_n_rounded_once() -> None:
    program = mean_scalar_over("t", [0.1, 0.2, 0.4], const)
    out, tape = program.run().unwrap()
    assert tape[out].value == ((0.1 + 0.2) + 0.4) * float(Fraction(1, 3))
    single = mean_scalar_over("t", [np.float32(0.1)] * 3, const)
    out32, tape32 = single.run().unwrap()
    third = np.float32(1) / np.float32(3)
    tenth = np.float32(0.1)
    assert same(tape32[out32].value, ((tenth + tenth) + tenth) * third)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8))
def test_mean_scalar_over_appends_the_losses_then_adds_and_one_scale(
    xs: list[float],
) -> None:
    tape = mean_scalar_over("t", xs, const).exec().unwrap()
    labels = ["leaf"] + ["leaf", "add"] * (len(xs) - 1) + ["scale"]
    assert [node.label for node in tape] == labels


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=6))
def test_mean_scalar_over_behaves_as_the_lean_definition_by_bind(xs: list[int]) -> None:
    def exact(x: int) -> TapeM[NodeId, Any]:
        return const(Fraction(x))

    def step(program: TapeM[NodeId, Any], x: int) -> TapeM[NodeId, Any]:
        return program.bind(lambda acc: exact(x).bind(lambda loss: add(acc, loss)))

    total: TapeM[NodeId, Any] = exact(xs[0])
    for x in xs[1:]:
        total = step(total, x)
    written_out = total.bind(lambda acc: scale(acc, Fraction(1, len(xs))))
    assert_equivalent(mean_scalar_over("t", xs, exact), written_out)


def test_unfolding_with_a_float_is_another_program() -> None:
    """``Fraction(1, n)`` is Lean's ``1 / n`` of any scalar; ``1 / n`` is a double."""
    x0, *xs = (rationals(n) for n in (1, 2, 4))

    @do
    def unfolded(inv_n: float | Fraction) -> Do[NodeId, Any]:
        acc = yield from const(x0)
        for x in xs:
            loss = yield from const(x)
            acc = yield from add(acc, loss, shape=())
        return (yield from scale(acc, inv_n, shape=()))

    mean = mean_scalar_over("t", [x0, *xs], const)
    assert_equivalent(mean, unfolded(Fraction(1, 3)))
    assert mean.bind(value_of).eval().unwrap() == Fraction(7, 3)
    assert unfolded(1 / 3).exec() != mean.exec()
    assert unfolded(1 / 3).bind(value_of).eval().unwrap() == 7 * Fraction(1 / 3)


def test_lists_of_numpy_scalars_are_not_lists_of_floats() -> None:
    """Lean's ``toList`` is ``list(xs)``; ``xs.tolist()`` makes other samples."""
    xs = np.array([1, 2], np.float32)
    over = mean_scalar_over_array("t", xs, const)
    assert over == mean_scalar_over("t", list(xs), const)
    assert over != mean_scalar_over("t", xs.tolist(), const)
    assert over.bind(value_of).eval().unwrap().dtype == np.float32


# -- the simp lemmas, as equalities between programs -----------------------------------


def loss(x: float) -> TapeM[NodeId]:
    return const(x)


def other_loss(x: float) -> TapeM[NodeId]:
    return const(x)


ROWS: Final = ((0,), (3,), (2, 3), (3, 0))


@pytest.mark.parametrize("dtype", EVERY_DTYPE)
@brief
@given(data=st.data())
def test_over_array_is_over_list(dtype: Any, data: st.DataObject) -> None:
    """Arrays of numbers and of rows: samples are NumPy scalars, fractions or rows."""
    xs = data.draw(tensors(data.draw(st.sampled_from(ROWS)), dtype))
    program = mean_scalar_over_array("t", xs, const)
    assert program == mean_scalar_over("t", list(xs), const)
    assert program == mean_scalar_over_array("t", iter(xs), const)


@pytest.mark.parametrize("dtype", EVERY_DTYPE)
@brief
@given(data=st.data())
def test_over_dataset_is_over_list(dtype: Any, data: st.DataObject) -> None:
    xs = data.draw(tensors(data.draw(st.sampled_from(ROWS)), dtype))
    dataset = Dataset.of_list(xs)
    program = mean_scalar_over_dataset("t", dataset, const)
    assert program == mean_scalar_over("t", dataset.to_list(), const)
    assert program == mean_scalar_over("t", list(xs), const)


@pytest.mark.parametrize(
    "other",
    [
        mean_scalar_over("u", [1.0, 2.0], loss),
        mean_scalar_over("t", [2.0, 1.0], loss),
        mean_scalar_over("t", [1.0, 3.0], loss),
        mean_scalar_over("t", [1.0], loss),
        mean_scalar_over("t", (1.0, 2.0), loss),
        mean_scalar_over("t", [1, 2], loss),
        mean_scalar_over("t", [1.0, 2.0], other_loss),
        mean_scalar_over("t", [1.0, 2.0], loss).map(str),
    ],
)
def test_another_tag_sample_order_or_loss_is_another_program(other: Any) -> None:
    assert mean_scalar_over("t", [1.0, 2.0], loss) != other


# -- failures --------------------------------------------------------------------------


def test_an_empty_dataset_fails_before_anything_is_recorded() -> None:
    def never(_: object) -> TapeM[NodeId]:
        raise AssertionError("no sample, no loss")

    empties: list[TapeM[NodeId]] = [
        mean_scalar_over("train", [], never),
        mean_scalar_over_array("train", np.zeros((0, 3)), never),
        mean_scalar_over_dataset("train", Dataset.of_list([]), never),
    ]
    for program in empties:
        assert program.run().failure().message == "train: empty dataset"


@pytest.mark.parametrize(
    ("samples", "op"),
    [
        ([0.0, np.zeros(2)], "add"),
        ([np.zeros(2), 0.0], "add"),
        ([np.zeros(2), np.zeros(2)], "add"),
        ([np.zeros(1), np.zeros(1), np.zeros(1)], "add"),
        ([np.zeros(1)], "scale"),
    ],
)
def test_a_loss_that_is_no_scalar_fails_in_add_or_for_one_in_scale(
    samples: list[Any], op: str
) -> None:
    error = mean_scalar_over("t", samples, const).run().failure()
    assert error.message == "autograd: shape mismatch"
    assert error.facts()["op"] == op


def test_the_first_failing_loss_is_the_failure() -> None:
    def picky(x: float) -> TapeM[NodeId]:
        return throw(f"sample {x}") if x > 1 else const(x)

    error = mean_scalar_over("t", [1.0, 2.0, 3.0], picky).run().failure()
    assert error.message == "sample 2.0"


@pytest.mark.parametrize("xs", [np.zeros(3), iter([1.0]), {1.0}, const(1.0), "abc"])
def test_what_is_no_list_of_samples_is_refused(xs: Any) -> None:
    with pytest.raises(TypeError, match="takes a list of samples"):
        mean_scalar_over("t", xs, const).run()


# -- golden numbers of other small programs --------------------------------------------


def values(program: TapeM[NodeId, Any]) -> tuple[Tape[Any], NodeId, dict[Any, Any]]:
    out, tape = program.run().unwrap()
    return tape, out, backward_scalar(tape, out).unwrap()


def test_mul_and_scale_are_exact_over_rationals() -> None:
    @do
    def program() -> Do[NodeId, np.object_]:
        a = yield from param(rationals([2, 3]))
        b = yield from param(rationals([5, 7]))
        product = yield from mul(a, b)
        return (yield from scale(product, 4))

    out, tape = program().run().unwrap()
    assert same(tape[out].value, rationals([40, 84]))


@pytest.mark.parametrize("trainable", ["L", "R"])
def test_a_product_with_one_trainable_factor_has_exact_gradients(
    trainable: str,
) -> None:
    @do
    def program() -> Do[NodeId, np.object_]:
        left = yield from (param if trainable == "L" else const)(
            rationals([[1, 2], [3, 4]])
        )
        right = yield from (param if trainable == "R" else const)(rationals([[5], [6]]))
        doubled = yield from scale(left, 2)
        tripled = yield from scale(right, 3)
        product = yield from matmul(doubled, tripled)
        return (yield from sum_(product))

    _, _, grads = values(program())
    expected = [[30, 36], [30, 36]] if trainable == "L" else [[24], [36]]
    leaf_id, frozen_id = (0, 1) if trainable == "L" else (1, 0)
    assert same(grads[leaf_id], rationals(expected))
    assert frozen_id not in grads


def test_one_step_of_sgd_moves_what_is_trainable() -> None:
    @do
    def program() -> Do[NodeId]:
        p = yield from const(2.0)
        q = yield from param(3.0)
        total = yield from add(p, q)
        return (yield from mul(total, total))

    tape, _, grads = values(program())
    assert 0 not in grads
    assert grads[1] == 10.0
    assert sgd_update_tensor(tape[NodeId(1)].value, grads[1], 0.1) == 2.0


def test_an_mlp_of_two_layers_is_exact_over_rationals() -> None:
    @do
    def program() -> Do[NodeId, np.object_]:
        w1 = yield from param(
            rationals([["1/10", "1/5"], ["3/10", "2/5"], ["1/2", "3/5"]])
        )
        b1 = yield from param(rationals(["1/10", "1/5", "3/10"]))
        w2 = yield from param(rationals([["7/10", "4/5", "9/10"]]))
        b2 = yield from param(rationals(["2/5"]))
        x = yield from param(rationals(["1/2", "4/5"]))
        hidden = yield from linear(w1, b1, x)
        active = yield from relu(hidden)
        y = yield from linear(w2, b2, active)
        return (yield from sum_(y))

    tape, _, grads = values(program())
    assert same(tape[NodeId(5)].value, rationals(["31/100", "67/100", "103/100"]))
    assert same(tape[NodeId(7)].value, rationals(["52/25"]))
    dw1 = [["7/20", "14/25"], ["2/5", "16/25"], ["9/20", "18/25"]]
    assert same(grads[0], rationals(dw1))
    assert same(grads[1], rationals(["7/10", "4/5", "9/10"]))
    assert same(grads[2], rationals([["31/100", "67/100", "103/100"]]))
    assert same(grads[3], rationals([1]))
    assert same(grads[4], rationals(["19/25", 1]))


def test_the_scalar_value_of_the_loss_is_a_number() -> None:
    out, tape = four_samples(rationals, SAMPLES).run().unwrap()
    assert require_scalar_value("report", tape, out) == Success(Fraction(9, 4))
