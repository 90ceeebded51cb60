"""Custom ops: what they may raise, and which of their mistakes are named."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest

from tapem_dsl import Array, Namespace, NodeId, Op, Shape, apply_op, leaf, throw
from tapem_dsl.errors import Refused
from tapem_dsl.ops.arithmetic import Add
from tests.untyped import LOOSE


@pytest.mark.parametrize("error", [FloatingPointError, RuntimeWarning])
def test_what_a_users_op_raises_passes_through(error: type[Exception]) -> None:
    @dataclass(frozen=True, slots=True)
    class Raising(Op):
        name = "raising"

        def shape(self, *inputs: Shape) -> Shape:
            return ()

        def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
            raise error("mine")

    program = leaf(1.0).bind(lambda x: apply_op(Raising(), x))
    with pytest.raises(error, match="mine"):
        program.run()
    with np.errstate(all="raise"), pytest.raises(error, match="mine"):
        program.run()


@dataclass(frozen=True, slots=True)
class Giving(Op):
    """Evaluates to whatever it is told to."""

    name = "giving"

    function: Any

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return self.function(*inputs)


@pytest.mark.parametrize("value", [1.0, np.ones(2)])
def test_conditions_and_labels_carry_no_gradient(value: Any) -> None:
    for function in (lambda x: x > 0, lambda x: np.sign(x).astype(np.int8)):
        program = leaf(value).bind(partial(apply_op, Giving(function)))
        assert [n.requires_grad for n in program.exec().unwrap()] == [True, False]


@pytest.mark.parametrize("value", [np.float32(1), np.ones(2, np.float32)])
def test_an_op_that_widens_its_operands_is_a_mistake_in_its_text(value: Any) -> None:
    op = Giving(lambda x: x * np.float64(2))
    with pytest.raises(TypeError, match="evaluates to float64 over float32"):
        leaf(value).bind(lambda x: apply_op(op, x)).run()


def test_a_custom_op_may_refuse_with_a_text() -> None:
    def refuse(_: Array) -> Array:
        raise Refused("not today")

    program = leaf(1.0).bind(lambda x: apply_op(Giving(refuse), x))
    assert program.run() == throw("not today").run()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_wrong_number_of_operands_is_a_mistake_in_the_text(count: int) -> None:
    tape = leaf(1.0).exec().unwrap()
    with pytest.raises(TypeError, match=f"add takes 2 operands, not {count}"):
        apply_op(Add(), *[NodeId(0)] * count).run(tape)


@pytest.mark.parametrize("gives", [1.0, [1.0], None, np.zeros(2)])
def test_an_op_that_breaks_its_own_rules_is_a_mistake_in_its_text(gives: Any) -> None:
    @dataclass(frozen=True, slots=True)
    class Broken(Op):
        name = "broken"

        def shape(self, *inputs: Shape) -> Shape:
            return ()

        def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
            return gives

    with pytest.raises(TypeError, match=r"expected a NumPy array|shape rule returns"):
        leaf(1.0).bind(lambda x: apply_op(Broken(), x)).run()


def test_a_division_by_zero_in_a_users_op_over_floats_passes_through() -> None:
    @dataclass(frozen=True, slots=True)
    class Dividing(Op):
        name = "dividing"

        def shape(self, *inputs: Shape) -> Shape:
            return ()

        def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
            return 1 / int(inputs[0] * 0)

    program = leaf(1.0).bind(lambda x: apply_op(Dividing(), x))
    with pytest.raises(ZeroDivisionError):
        program.run()
    exact = leaf(Fraction(1)).bind(lambda x: apply_op(Dividing(), x))
    assert exact.run().failure().message == "autograd: dividing: division by zero"


# -- ops and rules written with NumPy --------------------------------------------------


@dataclass(frozen=True)
class Nameless(Op):
    def shape(self, *inputs: Shape) -> Shape:
        return ()

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return inputs[0]


def test_an_op_without_a_name_is_refused_at_the_call() -> None:
    with pytest.raises(TypeError, match="Nameless has no name; write one in the class"):
        LOOSE.apply_op(Nameless(), NodeId(0))


def own(function: Callable[[Any], Any]) -> Op:
    @dataclass(frozen=True)
    class Own(Op):
        name = "own"

        def shape(self, *inputs: Shape) -> Shape:
            return inputs[0]

        def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
            return function(inputs[0])

    return Own()


@pytest.mark.parametrize(
    "function",
    [
        np.sinh,
        lambda x: np.where(x > 0, x, 0 * x),
        lambda x: np.concatenate([x[:1], x[1:]]),
        lambda x: np.add(x, 1),
        lambda x: np.asarray(x) + 1,
        lambda x: x**2,
    ],
)
def test_an_op_that_calls_numpy_is_told_to_use_xp(function: Any) -> None:
    op = own(function)
    x = np.array([1.0, 2.0])
    assert leaf(x).bind(lambda i: LOOSE.apply_op(op, i)).run().unwrap()
    with pytest.raises(TypeError, match="write it with xp"):
        LOOSE.jvp(lambda _, i: LOOSE.apply_op(op, i), None, x, None, x)


TRACING: dict[str, Callable[[Any], Any]] = {
    "duals": lambda f: LOOSE.jvp(lambda _, x: f(x), None, 2.0, None, 1.0),
    "a plan": lambda f: LOOSE.jit(LOOSE.grad(f))(2.0),
    "JAX": lambda f: LOOSE.as_jax(f)(2.0),
}

EVALUATING: dict[str, Callable[[Any], Any]] = TRACING | {
    "floats": lambda f: LOOSE.grad(f)(2.0),
    "rationals": lambda f: LOOSE.grad(f)(Fraction(2)),
}


@pytest.mark.parametrize("trace", TRACING.values(), ids=TRACING)
def test_a_power_is_told_to_be_a_product(trace: Callable[[Any], Any]) -> None:
    op = own(lambda x: x**2)
    with pytest.raises(TypeError, match=r"\+ - \* / .*x\*\*2 as x \* x"):
        trace(lambda x: LOOSE.apply_op(op, x))


@pytest.mark.parametrize("trace", EVALUATING.values(), ids=EVALUATING)
def test_a_function_that_xp_lacks_is_answered_with_those_it_has(trace: Any) -> None:
    @dataclass(frozen=True)
    class Arctan(Op):
        name = "arctan"

        def shape(self, *inputs: Shape) -> Shape:
            return inputs[0]

        def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
            return getattr(xp, self.name)(*inputs)

    def f(x: NodeId) -> Any:
        return LOOSE.apply_op(Arctan(), x)

    with pytest.raises(AttributeError, match=r"no 'arctan'; it has .*cos"):
        trace(f)


def test_a_method_of_arrays_is_told_to_use_xp() -> None:
    op = own(lambda x: x.clip(0, 1))
    x = np.array([1.0, 2.0])
    with pytest.raises(AttributeError, match=r"no 'clip'; .*write it with xp"):
        LOOSE.jvp(lambda _, i: LOOSE.apply_op(op, i), None, x, None, x)


def test_a_rule_that_calls_numpy_is_told_to_use_xp() -> None:
    op = own(lambda x: x * 1)
    LOOSE.vjp_rules.define(type(op))(lambda op, xp, g, xs, y, need: (np.cosh(xs[0]),))
    gradient = leaf(1.0).bind(lambda i: LOOSE.apply_op(op, i))
    assert gradient.bind(LOOSE.backward_scalar).run().unwrap()
    with pytest.raises(TypeError, match=r"rule of 'own'.*write it with xp"):
        gradient.bind(LOOSE.backward_m).run()


def test_the_users_own_type_errors_pass_through() -> None:
    def wrong(x: Any) -> Any:
        raise TypeError("of the user's own")

    op, x = own(wrong), np.ones(2)
    with pytest.raises(TypeError, match=r"^of the user's own$"):
        LOOSE.jvp(lambda _, i: LOOSE.apply_op(op, i), None, x, None, x)
