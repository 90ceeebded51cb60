"""Operands for the tests of ops and rules, and what results are compared with."""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, Final

import jax
import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import DTypeLike, NDArray

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    Shape,
    Tape,
    TapeM,
    backward,
    backward_m,
    const,
    do,
    leaf,
    map_m,
    mul,
    sum_,
)
from tapem_dsl.interpreters.forward.dual import primal_at, tangent_at
from tests.specs.spec import ANY, NONZERO, POSITIVE, Domain, Shapes, Spec

# Any, throughout: compiled functions of JAX, and numbers of any scalar type.

EXACT_DTYPE: Final = np.dtype(object)
thorough: Final = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

usual: Final = settings(thorough, max_examples=50)
brief: Final = settings(thorough, max_examples=25)


def from_eighths(eighths: NDArray[np.int64], dtype: DTypeLike) -> Array:
    """Give the numbers in a scalar type, as a tape would hold them."""
    if np.dtype(dtype) == EXACT_DTYPE:
        entries = np.empty(eighths.shape, dtype=object)
        entries.reshape(-1)[:] = [Fraction(int(n), 8) for n in eighths.flat]
        return entries
    return (np.asarray(eighths, dtype=dtype) / 8)[()]


@dataclass(frozen=True)
class Case:
    """Operands, a direction for each, and a cotangent; in eighths."""

    xs: tuple[NDArray[np.int64], ...]
    vs: tuple[NDArray[np.int64], ...]
    g: NDArray[np.int64]

    def of(
        self, dtype: DTypeLike
    ) -> tuple[tuple[Array, ...], tuple[Array, ...], Array]:
        """Give all of them in a scalar type."""
        return (
            tuple(from_eighths(x, dtype) for x in self.xs),
            tuple(from_eighths(v, dtype) for v in self.vs),
            from_eighths(self.g, dtype),
        )


@cache
def eighths(shape: Shape, domain: Domain = ANY) -> st.SearchStrategy[NDArray[np.int64]]:
    """Any entries of a domain."""
    return hnp.arrays(np.int64, shape, elements=domain)


@st.composite
def operands(draw: st.DrawFn, spec: Spec, dtype: DTypeLike) -> tuple[Array, ...]:
    """Any operands that the op takes."""
    shapes = draw(spec.shapes)
    return tuple(
        from_eighths(draw(eighths(shape, domain)), dtype)
        for shape, domain in zip(shapes, spec.domains, strict=True)
    )


@st.composite
def cases(draw: st.DrawFn, spec: Spec) -> Case:
    """Any operands, directions and cotangent."""
    shapes = draw(spec.shapes)
    domains = zip(shapes, spec.domains, strict=True)
    return Case(
        tuple(draw(eighths(shape, domain)) for shape, domain in domains),
        tuple(draw(eighths(shape)) for shape in shapes),
        draw(eighths(result_shape(spec, shapes))),
    )


def sample(spec: Spec, which: int = 0) -> Case:
    """One fixed case without zeros, of the op's first shapes unless told otherwise."""
    rng = np.random.default_rng(7)
    shapes = spec.few[which]
    most = int(min(24, 8 * spec.limit))

    def entries(shape: Shape) -> NDArray[np.int64]:
        return np.asarray(rng.integers(1, most, size=shape))

    xs = tuple(entries(shape) for shape in shapes)
    vs = tuple(entries(shape) for shape in shapes)
    return Case(xs, vs, entries(result_shape(spec, shapes)))


def result_shape(spec: Spec, shapes: Shapes) -> Shape:
    return spec.op.shape(*shapes)


# -- runs ------------------------------------------------------------------------------


def program(
    spec: Spec,
    xs: tuple[Array, ...],
    flags: tuple[bool, ...] | None = None,
    names: tuple[str | None, ...] | None = None,
) -> TapeM[NodeId, Any]:
    """Record the operands, trainable unless told otherwise, and the op."""
    flags = flags or (True,) * len(xs)
    names = names or (None,) * len(xs)
    leaves: TapeM[tuple[NodeId, ...], Any] = map_m(
        lambda fact: leaf(fact[0], requires_grad=fact[1], name=fact[2]),
        zip(xs, flags, names, strict=True),
    )
    return leaves.bind(lambda ids: spec.apply(*ids))


def recorded(
    spec: Spec, xs: tuple[Array, ...], flags: tuple[bool, ...] | None = None
) -> tuple[NodeId, Tape[Any]]:
    """Run that program."""
    return program(spec, xs, flags).run().unwrap()


def value(spec: Spec, *xs: Array) -> Array:
    """Give the op's result."""
    out, tape = recorded(spec, xs)
    return tape[out].value


def gradient(
    spec: Spec,
    xs: tuple[Array, ...],
    g: Array,
    flags: tuple[bool, ...] | None = None,
) -> tuple[Array | None, ...]:
    """Give the cotangent of each operand."""
    out, tape = recorded(spec, xs, flags)
    slots = backward(tape, out, g).unwrap()
    return tuple(slots.get(NodeId(i)) for i in range(len(xs)))


@do
def weighed(spec: Spec, xs: tuple[NodeId, ...], g: Array) -> Do[NodeId, Any]:
    """Sum all entries of the op's result, each times its weight."""
    y = yield from spec.apply(*xs)
    weights = yield from const(g)
    products = yield from mul(y, weights)
    return (yield from sum_(products))


def recorded_gradient(
    spec: Spec, xs: tuple[Array, ...], g: Array
) -> tuple[tuple[NodeId, ...], Tape[Any]]:
    """Record an op and its sweep, and give the nodes of the gradients."""
    out, tape = recorded(spec, xs)
    seed, tape = const(g).run(tape).unwrap()
    wanted = [NodeId(i) for i in range(spec.arity)]
    ids, tape = backward_m(out, seed=seed, wrt=wanted).run(tape).unwrap()
    assert list(ids) == wanted
    return tuple(ids.values()), tape


def both_parts(x: Array) -> tuple[Array, Array]:
    """Give primal and tangent at the level 1."""
    return primal_at(x, 1), tangent_at(x, 1)


def plain(*scalars: Array) -> list[Any]:
    """Give numbers; a dual, which may equal one, has no ``tolist``."""
    return [x.tolist() for x in scalars]


# -- comparisons -----------------------------------------------------------------------


def inner(a: Array, b: Array) -> Any:
    """Multiply and add, in double precision or exactly."""
    if a.dtype == EXACT_DTYPE:
        return sum(
            (p * q for p, q in zip(a.flat, b.flat, strict=True)), start=Fraction(0)
        )
    return math.fsum((np.asarray(a, np.float64) * np.asarray(b, np.float64)).flat)


def assert_fractions(array: Array) -> None:
    """Assert an array, 0-d at shape (), whose entries are fractions of Python ints."""
    assert type(array) is np.ndarray
    assert array.dtype == EXACT_DTYPE
    for entry in array.flat:
        assert type(entry) is Fraction
        assert type(entry.numerator) is type(entry.denominator) is int


def assert_close(ours: Array, theirs: Any) -> None:
    """Assert ten digits, and next to 0 twelve places."""
    theirs = np.asarray(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12, strict=True)


def assert_same_numbers(array: Array, number: float) -> None:
    """Assert that all entries are a number to the last digits, with its sign at 0."""
    np.testing.assert_allclose(array, np.full(array.shape, number), rtol=1e-15, atol=0)
    if not math.isnan(number):
        np.testing.assert_array_equal(np.signbit(array), math.copysign(1, number) < 0)


# -- the oracle ------------------------------------------------------------------------


@cache
def reals(
    shape: Shape, limit: float, domain: Domain = ANY
) -> st.SearchStrategy[NDArray[np.float64]]:
    """Any entries of a domain up to a limit, and as far from 0 if 0 is not in it."""
    numbers = st.floats(-limit, limit, allow_subnormal=False)  # XLA makes them 0
    if domain in (POSITIVE, NONZERO):
        numbers = st.floats(1 / limit, limit)
    if domain is NONZERO:
        numbers |= numbers.map(lambda x: -x)
    return hnp.arrays(np.float64, shape, elements=numbers)


@st.composite
def real_operands(draw: st.DrawFn, spec: Spec, limit: float) -> tuple[Array, ...]:
    """Any operands of few shapes: JAX compiles for each."""
    limit = min(limit, spec.limit)
    shapes = draw(st.sampled_from(spec.few))
    domains = zip(shapes, spec.domains, strict=True)
    return tuple(draw(reals(shape, limit, domain))[()] for shape, domain in domains)


@st.composite
def real_cotangents(
    draw: st.DrawFn, spec: Spec, xs: tuple[Array, ...], limit: float
) -> Array:
    """Any cotangent of what the op makes of operands."""
    return draw(reals(result_shape(spec, tuple(x.shape for x in xs)), limit))[()]


@cache
def jax_value(spec: Spec) -> Any:
    """Compile the op as JAX has it."""
    return jax.jit(spec.oracle)


@cache
def jax_gradient(spec: Spec) -> Any:
    """Compile its vector-Jacobian product."""

    def pulled(xs: tuple[Array, ...], g: Array) -> Any:
        _, pull = jax.vjp(spec.oracle, *xs)
        return pull(g)

    return jax.jit(pulled)


@cache
def jax_gradient_along(spec: Spec) -> Any:
    """Compile the derivative of that along directions of the operands."""

    def along(xs: tuple[Array, ...], vs: tuple[Array, ...], g: Array) -> Any:
        _, tangents = jax.jvp(lambda *xs: jax_gradient(spec)(xs, g), xs, vs)
        return tangents

    return jax.jit(along)
