"""Every derivative rule: the adjoint of the derivative, as in JAX, exact, and gated."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import DTypeLike

from tapem_dsl import Array, NodeId, Op, TapeM, backward, jvp, vjp_rules
from tapem_dsl.arrays import NUMPY
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.interpreters.forward.dual import tangent_at
from tapem_dsl.interpreters.reverse import Outer
from tests.oracles import (
    EXACT_DTYPE,
    Case,
    assert_close,
    assert_fractions,
    brief,
    cases,
    eighths,
    from_eighths,
    gradient,
    inner,
    jax_gradient,
    jax_gradient_along,
    real_cotangents,
    real_operands,
    reals,
    recorded,
    sample,
    thorough,
    usual,
    value,
)
from tests.specs.every import (
    both_samples,
    each_flagging,
    each_op,
    each_operand,
    each_rational_op,
    named,
)
from tests.specs.spec import Spec

# Any, throughout: arguments of rules.

both_floats = pytest.mark.parametrize("dtype", [np.float64, np.float32])

# -- <g, J v> = <J^T g, v>, operand by operand -----------------------------------------


def along(spec: Spec, xs: tuple[Array, ...], vs: tuple[Array | None, ...]) -> Array:
    """Differentiate by duals; an operand without a direction stays plain."""

    def program(ids: tuple[NodeId, ...], _: None) -> TapeM[NodeId, Any]:
        return spec.apply(*ids)

    _, tangent = jvp(program, xs, None, vs).unwrap()
    return tangent


def assert_adjoint(spec: Spec, operand: int, case: Case, dtype: DTypeLike) -> None:
    """Compare a rule with the derivative that duals compute without it."""
    xs, vs, g = case.of(dtype)
    alone = tuple(i == operand for i in range(spec.arity))
    v = vs[operand]
    jv = along(spec, xs, tuple(v if here else None for here in alone))
    jtg = gradient(spec, xs, g, alone)[operand]
    assert jtg is not None
    difference = inner(g, jv) - inner(jtg, v)
    if np.dtype(dtype) == EXACT_DTYPE:
        assert difference == 0
        return
    terms = inner(abs(g), abs(jv)) + inner(abs(jtg), abs(v))
    terms += float(np.sum(abs(g))) * float(np.sum(abs(v)))
    assert abs(difference) <= 16 * float(np.finfo(dtype).eps) * terms


@each_operand
@usual
@given(data=st.data())
def test_each_rule_is_the_adjoint_of_the_derivative(
    spec: Spec, operand: int, data: st.DataObject
) -> None:
    case = data.draw(cases(spec))
    assert_adjoint(spec, operand, case, np.float64)
    assert_adjoint(spec, operand, case, np.float32)
    if spec.rational:
        assert_adjoint(spec, operand, case, object)


def computed(cotangent: Array | None) -> Array | None:
    """Multiply what a rule left to the sweep."""
    return cotangent.computed(NUMPY) if isinstance(cotangent, Outer) else cotangent


def off_by_a_thousandth(kind: type[Op], operand: int) -> Callable[..., Any]:
    rule = vjp_rules.get(kind)
    assert rule is not None

    def wrong(*arguments: Any) -> tuple[Array | None, ...]:
        cotangents = [computed(cotangent) for cotangent in rule(*arguments)]
        cotangents[operand] = cotangents[operand] * 1.001  # type: ignore[operator] # flagged
        return tuple(cotangents)

    return wrong


@each_operand
@both_floats
def test_the_adjoint_test_notices_a_rule_that_is_off_by_a_thousandth(
    spec: Spec, operand: int, dtype: DTypeLike, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = sample(spec)
    assert_adjoint(spec, operand, case, dtype)
    kind = type(spec.op)
    monkeypatch.setitem(vjp_rules._rules, kind, off_by_a_thousandth(kind, operand))
    with pytest.raises(AssertionError):
        assert_adjoint(spec, operand, case, dtype)


# -- gradients against JAX -------------------------------------------------------------


@each_op
@thorough
@given(data=st.data())
def test_gradients_are_those_of_jax(spec: Spec, data: st.DataObject) -> None:
    xs = data.draw(real_operands(spec, 20))
    g = data.draw(real_cotangents(spec, xs, 20))
    theirs = jax_gradient(spec)(xs, g)
    for ours, their in zip(gradient(spec, xs, g), theirs, strict=True):
        assert_close(ours, their)


@each_op
@brief
@given(data=st.data())
def test_sweeping_duals_differentiates_the_gradient(
    spec: Spec, data: st.DataObject
) -> None:
    xs = data.draw(real_operands(spec, 2))
    vs = tuple(data.draw(reals(x.shape, 2))[()] for x in xs)
    g = data.draw(real_cotangents(spec, xs, 2))
    duals = tuple(Dual(x, v, 1) for x, v in zip(xs, vs, strict=True))
    theirs = jax_gradient_along(spec)(xs, vs, g)
    for ours, their in zip(gradient(spec, duals, g), theirs, strict=True):
        assert_close(tangent_at(ours, 1), their)


@each_rational_op
@brief
@given(data=st.data())
def test_sweeping_exact_duals_gives_exact_second_derivatives(
    spec: Spec, data: st.DataObject
) -> None:
    case = data.draw(cases(spec))
    xs, vs, g = case.of(object)
    us = tuple(from_eighths(data.draw(eighths(u.shape)), object) for u in case.vs)
    once = tuple(Dual(x, v, 1) for x, v in zip(xs, vs, strict=True))
    twice = tuple(Dual(x, u, 2) for x, u in zip(once, us, strict=True))
    along_u = tangent_at(value(spec, *twice), 2)
    along_both = tangent_at(along_u, 1)
    total = Fraction(0)
    for u, cotangent in zip(us, gradient(spec, once, g), strict=True):
        along_v = tangent_at(cotangent, 1)
        total += inner(along_v, u)
    assert total == inner(g, along_both)


# -- exact gradients -------------------------------------------------------------------


@each_rational_op
@usual
@given(data=st.data())
def test_over_rationals_every_partial_derivative_is_exact(
    spec: Spec, data: st.DataObject
) -> None:
    xs, _, g = data.draw(cases(spec)).of(object)
    for operand, cotangent in enumerate(gradient(spec, xs, g)):
        assert_fractions(cotangent)
        for index in np.ndindex(xs[operand].shape):
            unit = np.full(xs[operand].shape, Fraction(0))
            unit[index] = Fraction(1)
            directions: list[Array | None] = [None] * spec.arity
            directions[operand] = unit
            partial = along(spec, xs, tuple(directions))
            assert np.asarray(cotangent)[index] == inner(g, partial)


# -- scalar types, and what is kept ----------------------------------------------------


@each_op
@both_samples
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_cotangents_keep_the_scalar_type(
    spec: Spec, which: int, dtype: DTypeLike
) -> None:
    xs, _, g = sample(spec, which).of(dtype)
    for x, cotangent in zip(xs, gradient(spec, xs, g), strict=True):
        assert cotangent is not None
        assert type(cotangent) is type(x)
        assert cotangent.dtype == x.dtype == dtype
        assert cotangent.shape == x.shape


@each_op
@both_samples
@pytest.mark.parametrize("dtype", [np.float64, object])
def test_cotangents_are_read_only(spec: Spec, which: int, dtype: DTypeLike) -> None:
    if dtype is object and not spec.rational:
        dtype = np.float64
    xs, _, g = sample(spec, which).of(dtype)
    for cotangent in gradient(spec, xs, g):
        assert cotangent is not None
        assert not cotangent.flags.writeable


# -- flags -----------------------------------------------------------------------------


@each_flagging
def test_flagged_operands_and_no_others_receive_their_gradient(
    spec: Spec, flags: tuple[int, ...]
) -> None:
    xs, _, g = sample(spec).of(np.float64)
    everything = gradient(spec, xs, g)
    some = gradient(spec, xs, g, tuple(map(bool, flags)))
    for flag, ours, full in zip(flags, some, everything, strict=True):
        if flag:
            np.testing.assert_array_equal(ours, full, strict=True)
        else:
            assert ours is None


@each_op
def test_with_frozen_operands_no_rule_runs(
    spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vjp_rules._rules, type(spec.op), pytest.fail)
    xs, _, g = sample(spec).of(np.float64)
    out, tape = recorded(spec, xs, (False,) * spec.arity)
    assert set(backward(tape, out, g).unwrap()) == {out}


@each_flagging
def test_rules_are_told_which_operands_are_flagged(
    spec: Spec, flags: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    def spy(*arguments: Any) -> tuple[None, ...]:
        told.append(arguments[-1])
        return (None,) * spec.arity

    monkeypatch.setitem(vjp_rules._rules, type(spec.op), spy)
    xs, _, g = sample(spec).of(np.float64)
    need = tuple(map(bool, flags))
    gradient(spec, xs, g, need)
    assert told == [need] * any(need)


class Counting(np.ndarray[Any, np.dtype[np.float64]]):
    """An array that writes down what is computed with it."""

    work: ClassVar[list[str]] = []

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: Any, *inputs: Any, **options: Any
    ) -> Any:
        self.work.append(ufunc.__name__)
        plain = [x.view(np.ndarray) if isinstance(x, Counting) else x for x in inputs]
        return np.asarray(getattr(ufunc, method)(*plain, **options)).view(Counting)

    def dot(self, other: Any, out: Any = None) -> Any:
        self.work.append("dot")
        return super().dot(other).view(Counting)


@pytest.mark.parametrize(
    ("name", "need", "work"),
    [
        ("add", (True, False), []),
        ("sub", (True, False), []),
        ("sub", (False, True), ["subtract"]),
        ("mul", (True, False), ["multiply"]),
        ("mul", (False, True), ["multiply"]),
        ("div", (True, False), ["divide"]),
        ("div", (False, True), ["divide", "multiply", "subtract"]),
        ("mse_loss", (True, False), ["subtract", "multiply", "multiply"]),
        ("linear", (True, False, False), ["multiply"]),
        ("linear", (False, True, False), []),
        ("linear", (False, False, True), ["dot"]),
        ("matmul", (True, False), ["dot"]),
        ("matmul", (False, True), ["dot"]),
        ("dot", (True, False), ["multiply"]),
        ("dot", (False, True), ["multiply"]),
    ],
)
def test_frozen_operands_cost_no_work(
    name: str, need: tuple[bool, ...], work: list[str]
) -> None:
    spec = named(name)
    rule = vjp_rules.get(type(spec.op))
    assert rule is not None
    xs, _, g = sample(spec).of(np.float64)
    out, tape = recorded(spec, xs)
    counted = [np.asarray(x).view(Counting) for x in (g, *xs, tape[out].value)]
    Counting.work.clear()
    operands = tuple(counted[1:-1])
    given = rule(spec.op, NUMPY, counted[0], operands, counted[-1], need)
    cotangents = [computed(cotangent) for cotangent in given]
    assert Counting.work == work
    for needed, cotangent in zip(need, cotangents, strict=True):
        assert needed or cotangent is None or cotangent is counted[0]


# -- one node in several places --------------------------------------------------------


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "mse_loss", "matmul"])
@pytest.mark.parametrize("dtype", [np.float64, object])
def test_an_operand_used_twice_receives_both_contributions(
    name: str, dtype: DTypeLike
) -> None:
    spec = named(name)
    xs, _, g = sample(spec, 2).of(dtype)
    shared = xs[0]
    first, second = gradient(spec, (shared, shared), g)
    _, tape = recorded(spec, (shared, shared))
    out, tape = spec.apply(NodeId(0), NodeId(0)).run(tape).unwrap()
    slots = backward(tape, out, g).unwrap()
    assert first is not None
    np.testing.assert_array_equal(slots[NodeId(0)], first + second)
