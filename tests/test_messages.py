"""
What a message tells to write is right, complete and short.

What types would refuse is what is tried here: hence ``Any``.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from returns.maybe import Some
from returns.result import Result, Success

import tapem_dsl
from tapem_dsl import Array, NodeId, TapeM, const, leaf, ops, pure
from tapem_dsl.arrays import NUMPY
from tapem_dsl.ops.slicing import Concat
from tests.untyped import GRADIENT, LOOSE

# Any, throughout: what types would refuse is what is tried here.


PROGRAM = const(1.0)
TAPE = leaf(1.0).exec().unwrap()


@pytest.mark.parametrize(
    ("call", "fix"),
    [
        (lambda x: LOOSE.add(x, 2.0), "operand 2.*shift_by(x, 2.0), or.*const"),
        (lambda x: LOOSE.add(0.5, x), "operand 1.*shift_by(x, 0.5)"),
        (lambda x: LOOSE.sub(x, 2.0), "shift_by(x, -2.0)"),
        (lambda x: LOOSE.sub(2.0, x), "scale(x, -1).bind(lambda y: shift_by(y, 2.0))"),
        (lambda x: LOOSE.mul(x, 2.0), "scale(x, 2.0)"),
        (lambda x: LOOSE.mul(np.float32(2), x), "scale(x, 2.0)"),
        (lambda x: LOOSE.div(x, Fraction(1, 2)), "scale(x, Fraction(2, 1))"),
        (lambda x: LOOSE.div(2.0, x), "inv(x).bind(lambda y: scale(y, 2.0))"),
        (lambda x: LOOSE.max_(x, 0.0), "clamp(x, 0.0, float('inf'))"),
        (lambda x: LOOSE.min_(x, 0.0), "clamp(x, float('-inf'), 0.0)"),
        (lambda x: LOOSE.less(x, 0.0), "record it with const"),
        (
            lambda x: LOOSE.mul(x, np.int64(0)),
            "write scale(x, 0), or write int(0) if it is an id",
        ),
        (lambda x: LOOSE.matmul(np.ones((2, 2)), x), "with leaf or const"),
    ],
)
def test_a_number_for_an_id_says_what_to_write(call: Any, fix: str) -> None:
    pattern = re.escape(fix).replace(r"\.\*", ".*")
    with pytest.raises(TypeError, match=pattern):
        call(NodeId(0))


@pytest.mark.parametrize(
    ("xs", "op", "fix"),
    [
        ((np.ones((5, 3)), np.ones(3)), LOOSE.add, "broadcast_to(x, (5, 3))"),
        ((np.ones((5, 1)), np.ones(5)), LOOSE.mse_loss, "reshape(x, (5, 1))"),
        ((np.ones(3), np.ones(3, int)), LOOSE.mse_loss, "x.astype(np.float64)"),
        ((np.ones(3, int), np.ones(3, "f")), LOOSE.add, "x.astype(np.float32)"),
        ((np.ones(3), np.ones(3, "f")), LOOSE.mul, "x.astype(np.float64)"),
        ((np.ones(3, bool), np.ones(3, bool)), LOOSE.mul, "x.astype(np.float64)"),
        ((np.ones((1, 3)), np.ones(1)), LOOSE.cross_entropy, "labels.astype(np.int64)"),
        ((np.ones(3), np.ones(1)), LOOSE.gather, "indices.astype(np.int64)"),
    ],
)
def test_failures_of_shapes_and_scalar_types_say_what_to_write(
    xs: tuple[Array, ...], op: Any, fix: str
) -> None:
    both: TapeM[tuple[NodeId, ...], Any] = LOOSE.map_m(const, xs)
    assert fix in str(both.bind(lambda ids: op(*ids)).run().failure())


def vectors() -> Iterator[Result[object, Any]]:
    row = np.ones(3)
    yield leaf(row).bind(LOOSE.backward_scalar).run()
    tape = leaf(row).exec().unwrap()
    yield LOOSE.backward_scalar(tape, NodeId(0))
    yield leaf(row).bind(LOOSE.backward_m).run()
    yield GRADIENT(LOOSE.relu)(row)
    yield LOOSE.hvp_params(lambda p, _: LOOSE.relu(p), row, None, row)
    yield LOOSE.hvp_inputs(lambda _, x: LOOSE.relu(x), None, row, row)
    yield LOOSE.hessian_input(LOOSE.relu, row)


@pytest.mark.parametrize("failed", list(vectors()))
def test_a_vector_for_a_loss_says_to_reduce_it(failed: Result[object, Any]) -> None:
    error = failed.failure()
    assert error.message == "autograd: seed gradient shape mismatch for output"
    assert "reduce it first, with sum_ or reduce_mean" in str(error)


def test_a_seed_of_another_shape_is_not_told_to_reduce() -> None:
    error = LOOSE.backward(TAPE, NodeId(0), np.ones(2)).failure()
    assert str(error).endswith("(id=0, expected=(), found=(2,))")


def test_a_loss_of_samples_that_is_no_scalar_is_to_be_reduced_when_asked() -> None:
    losses = LOOSE.mean_scalar_over("t", [np.ones(2)], const)
    assert "reduce it first, with sum_ or reduce_mean" in str(losses.run().failure())


@pytest.mark.parametrize("constant", ["0.1", None, 1j, [1.0], PROGRAM])
def test_a_literal_is_a_real_number(constant: Any) -> None:
    with pytest.raises(TypeError, match="a constant is a real number, not"):
        NUMPY.literal(np.float64(1), constant)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LOOSE.apply_op(Concat(0)).run(), "concat takes at least one operand"),
        (lambda: LOOSE.attention(*[0] * 5, heads=0), "at least one head, not 0"),
        (lambda: LOOSE.attention(*[0] * 5, heads=-1), "at least one head, not -1"),
        (lambda: LOOSE.clamp(0, float("nan"), 1.0), "a real number for low, not NaN"),
        (
            lambda: LOOSE.clamp(0, 0.0, np.float32("nan")),
            "a real number for high, not NaN",
        ),
    ],
)
def test_what_has_the_type_and_no_meaning_raises(call: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        call()


NAN, INF = float("nan"), float("inf")
BY_NUMBER = [op for op in ops.ALL if any(op.with_numbers)]
NUMBERS = [
    *(2, -3, 2.0, -2.0, 0.1, -0.0, INF, -INF, np.float32(0.1), np.longdouble(-0.5)),
    *(Fraction(1, 2), Fraction(-1, 3), np.int64(-3), np.uint8(2), np.float64(-0.25)),
]


def value_at(program: TapeM[NodeId, Any]) -> Array:
    out, tape = const(np.array([0.5, -3.0, 2.0])).bind(lambda _: program).run().unwrap()
    return tape[out].value


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
@pytest.mark.parametrize("op", BY_NUMBER, ids=lambda op: op.name)
@pytest.mark.parametrize("place", [0, 1])
def test_what_is_suggested_for_a_number_computes_it(
    op: Any, place: int, number: Any
) -> None:
    ids: list[Any] = [NodeId(0), NodeId(0)]
    # an int of Python passes for an id: its text is that of the rational
    ids[place] = Fraction(number) if type(number) is int else number
    with pytest.raises(TypeError) as caught:
        LOOSE.apply_op(op(), *ids)
    (text,) = re.findall(r"; write (.*?\)), or ", str(caught.value))
    known = {**vars(tapem_dsl), "x": NodeId(0), "np": np, "Fraction": Fraction}
    ours = value_at(eval(text, known))
    full = const(np.full(3, float(number)))
    first = place == 0
    theirs = value_at(
        full.bind(lambda i: LOOSE.apply_op(op(), i if first else 0, 0 if first else i))
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-15)


def test_a_rational_stays_exact_in_what_is_suggested() -> None:
    for op, text in ((LOOSE.mul, "Fraction(1, 3)"), (LOOSE.div, "Fraction(3, 1)")):
        with pytest.raises(TypeError, match=re.escape(f"write scale(x, {text})")):
            op(NodeId(0), Fraction(1, 3))


@pytest.mark.parametrize("number", [NAN, Fraction(2**2000), Fraction(10**5000)])
def test_what_no_text_can_give_is_not_suggested(number: Any) -> None:
    with pytest.raises(TypeError, match="; record it with const") as caught:
        LOOSE.max_(NodeId(0), number)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("call", "told", "untold"),
    [
        (lambda: LOOSE.concat([0, 1]), "concat(*ids)", "leading_axis"),
        (lambda: LOOSE.concat(0, 2.0), "concat, operand 2", "leading_axis"),
        (lambda: LOOSE.add([0, 1], 0), "one by one", "const"),
        (lambda: LOOSE.scale(0, None), "real number for factor, not None", "const"),
        (lambda: LOOSE.scale(0, "x"), "real number for factor, not 'x'", "const"),
        (lambda: LOOSE.scale(0, True), "real number for factor, not True", "const"),
        (lambda: LOOSE.scale(0, np.ones(2)), "const and write mul(x, factor)", "add"),
        (
            lambda: LOOSE.shift_by(0, np.ones(2)),
            "const and write add(x, offset)",
            "mul",
        ),
        (lambda: LOOSE.shift_by(0, pure(1)), "did you forget `yield from`?", "const"),
        (lambda: LOOSE.clamp(0, "a", 1), "real number for low, not 'a'", "high"),
        (lambda: LOOSE.clamp(0, 1, "a"), "real number for high, not 'a'", "low"),
        (lambda: LOOSE.fold_m(3, 0, []), "a function for step, not 3", "pure"),
        (lambda: LOOSE.jvp(3, None, 1.0), "a function for program, not 3", "pure"),
        (lambda: LOOSE.hvp_params(3, 1.0, None, 1.0), "a function for loss", "pure"),
        (lambda: LOOSE.add(0, Success(1)), "from_result", "a program was passed"),
        (lambda: LOOSE.add(0, Some(1)), "not Some", "program"),
        (lambda: LOOSE.const(Some(1)), "pass a float", "yield from"),
        (
            lambda: LOOSE.map_m(const, 3),
            "a collection for items, not 3 (int)",
            "yield from",
        ),
        (
            lambda: LOOSE.map_m(const, list),
            "a collection for items, not the class list",
            "type",
        ),
        (
            lambda: LOOSE.map_m(const, np.array(1.0)),
            "a collection for items, not array(1.)",
            "iteration",
        ),
        (
            lambda: LOOSE.const(1.0).apply(pure(3)).run(),
            "apply takes.*returned 3",
            "callable",
        ),
    ],
)
def test_a_message_tells_what_works_and_nothing_else(
    call: Any, told: str, untold: str
) -> None:
    pattern = re.escape(told).replace(r"\.\*", ".*")
    with pytest.raises(TypeError, match=pattern) as caught:
        call()
    assert untold not in str(caught.value)


def undecorated(x: Any) -> Any:
    return (yield from LOOSE.relu(x))


def forgetful(x: Any) -> Any:
    pure(x)


@pytest.mark.parametrize(
    "run_with",
    [
        lambda f: const(1.0).bind(f).run(),
        lambda f: LOOSE.throw("no").lash(f).run(),
        lambda f: LOOSE.fold_m(lambda _, x: f(x), 0, [1.0]).run(),
        lambda f: LOOSE.map_m(f, [1.0]).run(),
        lambda f: LOOSE.for_m([1.0], f).run(),
        lambda f: GRADIENT(f)(1.0),
        lambda f: LOOSE.jvp(lambda _, x: f(x), None, 1.0, None, 1.0),
        lambda f: LOOSE.hessian_input(f, np.float64(1)),
    ],
)
def test_a_forgotten_do_and_a_forgotten_return_are_named(run_with: Any) -> None:
    with pytest.raises(TypeError, match="no program; write @do above undecorated"):
        run_with(undecorated)
    with pytest.raises(TypeError, match=r"no program; did you forget `return`"):
        run_with(forgetful)
    with pytest.raises(TypeError, match=r"no program; write from_result\(...\) around"):
        run_with(Success)


LONG = ([1] * 100_000, "x" * 100_000, {i: i for i in range(100_000)})


@pytest.mark.parametrize("long", LONG, ids=lambda x: type(x).__name__)
@pytest.mark.parametrize(
    "call",
    [
        LOOSE.relu,
        lambda x: LOOSE.scale(0, x),
        lambda x: LOOSE.fold_m(x, 0, []),
        lambda x: LOOSE.pure(1).apply(x),
        lambda x: LOOSE.broadcast_to(0, [x]),
        lambda x: LOOSE.permute(0, [x]),
        lambda x: LOOSE.reduce_sum(0, axis=x),
        lambda x: LOOSE.leaf(1.0, name=[x]),
        LOOSE.apply_op,
        lambda x: LOOSE.pure(x).bind(lambda y: y).run(),
        lambda x: LOOSE.layer_norm(0, 0, 0, epsilon=x),
    ],
)
def test_messages_are_short_whatever_was_given(call: Any, long: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        call(long)
    assert len(str(caught.value)) < 400
