"""What the tests of ops and rules try, and what they compare with."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any, Final, TypeAlias

import jax
import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jax import numpy as jnp
from numpy.typing import DTypeLike, NDArray

from tapem_dsl import (
    Array,
    NodeId,
    Op,
    Shape,
    Tape,
    TapeM,
    abs_,
    add,
    backward,
    bce_with_logits,
    bmm,
    broadcast_to,
    clamp,
    concat,
    cos,
    div,
    dot,
    embed,
    exp,
    flatten,
    gelu,
    huber_loss,
    index_select,
    inv,
    l1_loss,
    leaf,
    linear,
    log,
    log_softmax,
    log_softmax_last,
    map_m,
    matmul,
    max_,
    min_,
    mse_loss,
    mul,
    outer,
    permute,
    reduce_mean,
    reduce_sum,
    relu,
    reshape,
    safe_log,
    scale,
    scatter_add,
    select,
    shift_by,
    sigmoid,
    sin,
    slice_,
    softmax,
    softmax_last,
    softplus,
    sqrt,
    sub,
    sum_,
    swap_adjacent_at_depth,
    tanh,
    transpose,
)
from tapem_dsl.ops.arithmetic import Add, Div, Mul, Scale, ShiftBy, Sub
from tapem_dsl.ops.corners import Abs, Clamp, Inv, Max, Min, Sqrt
from tapem_dsl.ops.elementwise import Cos, Exp, Log, Relu, Sigmoid, Sin, Tanh
from tapem_dsl.ops.indexing import IndexSelect, ScatterAdd, Select
from tapem_dsl.ops.linalg import Bmm, Dot, Linear, Matmul, OuterProduct
from tapem_dsl.ops.losses import BceWithLogits, HuberLoss, L1Loss, MseLoss
from tapem_dsl.ops.ranges import Concat, Embed, Slice
from tapem_dsl.ops.reductions import ReduceMean, ReduceSum, Sum
from tapem_dsl.ops.shapes import (
    BroadcastTo,
    Flatten,
    Permute,
    Reshape,
    SwapAdjacentAtDepth,
    Transpose,
)
from tapem_dsl.ops.smooth import Gelu, SafeLog, Softplus
from tapem_dsl.ops.softmax import LogSoftmax, LogSoftmaxLast, Softmax, SoftmaxLast

jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call] # of jax

Shapes: TypeAlias = tuple[Shape, ...]
Domain: TypeAlias = st.SearchStrategy[int]

EXACT_DTYPE: Final = np.dtype(object)
FACTOR: Final = Fraction(-3, 4)
BOUNDS: Final = (Fraction(-17, 16), Fraction(37, 16))  # between the eighths
EPSILON: Final = Fraction(1, 1_000_000)

thorough: Final = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
usual: Final = settings(thorough, max_examples=50)
brief: Final = settings(thorough, max_examples=25)

# Entries are counted in eighths: every scalar type holds them exactly.
ANY: Final = st.integers(-24, 24)
POSITIVE: Final = st.integers(1, 24)
NONZERO: Final = POSITIVE | st.integers(-24, -1)


@dataclass(frozen=True, eq=False)
class Spec:
    """An op as the tests see it: what it takes, and what JAX makes of that."""

    op: Op
    apply: Callable[..., TapeM[NodeId, Any]]
    oracle: Callable[..., jax.Array]
    shapes: st.SearchStrategy[Shapes]
    few: tuple[Shapes, ...]
    domains: tuple[Domain, ...]
    rational: bool = False

    @property
    def arity(self) -> int:
        return len(self.domains)

    def __str__(self) -> str:
        return self.op.label


extents: Final = st.integers(0, 4)
BATCHES: Final[tuple[tuple[Shape, Shape], ...]] = (
    *(((), ()), ((), ()), ((2,), (2,)), ((), (3,))),
    *(((2, 1), (3,)), ((1,), (0,)), ((2, 3), ())),
)
any_shape: Final = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
alike: Final[tuple[Shape, ...]] = ((2, 3), (), (1,), (4,))


def unary(
    op: Op,
    apply: Callable[..., TapeM[NodeId, Any]],
    oracle: Callable[..., jax.Array],
    domain: Domain = ANY,
    *,
    rational: bool = False,
) -> Spec:
    shapes = any_shape.map(lambda x: (x,))
    few = tuple((x,) for x in alike)
    return Spec(op, apply, oracle, shapes, few, (domain,), rational)


def binary(
    op: Op,
    apply: Callable[..., TapeM[NodeId, Any]],
    oracle: Callable[..., jax.Array],
    second: Domain = ANY,
) -> Spec:
    shapes = any_shape.map(lambda x: (x, x))
    few = tuple((x, x) for x in alike)
    return Spec(op, apply, oracle, shapes, few, (ANY, second), rational=True)


ELEMENTWISE: Final = (
    binary(Add(), add, jnp.add),
    binary(Sub(), sub, jnp.subtract),
    binary(Mul(), mul, jnp.multiply),
    binary(Div(), div, jnp.divide, NONZERO),
    unary(
        Scale(FACTOR),
        lambda x, **options: scale(x, FACTOR, **options),
        lambda x: x * float(FACTOR),
        rational=True,
    ),
    unary(
        ShiftBy(FACTOR),
        lambda x, **options: shift_by(x, FACTOR, **options),
        lambda x: x + float(FACTOR),
        rational=True,
    ),
    unary(Relu(), relu, jax.nn.relu, rational=True),
    unary(Tanh(), tanh, jnp.tanh),
    unary(Sigmoid(), sigmoid, jax.nn.sigmoid),
    unary(Exp(), exp, jnp.exp),
    unary(Log(), log, jnp.log, POSITIVE),
    unary(Sin(), sin, jnp.sin),
    unary(Cos(), cos, jnp.cos),
    unary(Abs(), abs_, lambda x: x * jnp.sign(x), rational=True),  # flat at 0
    unary(Sqrt(), sqrt, jnp.sqrt, POSITIVE),
    unary(Inv(), inv, jnp.reciprocal, NONZERO, rational=True),
    unary(
        Clamp(*BOUNDS),
        lambda x, **options: clamp(x, *BOUNDS, **options),
        lambda x: jnp.clip(x, *map(float, BOUNDS)),
        rational=True,
    ),
    binary(Max(), max_, jnp.maximum),
    binary(Min(), min_, jnp.minimum),
    unary(Softplus(), softplus, jax.nn.softplus),
    unary(
        SafeLog(EPSILON),
        safe_log,
        lambda x: jnp.log(jax.nn.softplus(x) + float(EPSILON)),
    ),
    unary(Gelu(), gelu, jax.nn.gelu),
)


def moved(
    op: Op,
    apply: Callable[..., TapeM[NodeId, Any]],
    oracle: Callable[..., jax.Array],
    shapes: st.SearchStrategy[Shapes],
    *few: Shapes,
) -> Spec:
    """An op that only adds and moves entries, of shapes of its own."""
    return Spec(op, apply, oracle, shapes, few, (ANY,) * len(few[0]), rational=True)


def of_rank(least: int, most: int, least_side: int = 0) -> st.SearchStrategy[Shapes]:
    shape = hnp.array_shapes(
        min_dims=least, max_dims=most, min_side=least_side, max_side=4
    )
    return shape.map(lambda x: (x,))


REDUCTIONS: Final = (
    unary(Sum(), sum_, jnp.sum, rational=True),
    moved(
        ReduceSum(1),
        lambda x: reduce_sum(x, axis=1),
        lambda x: jnp.sum(x, axis=1),
        of_rank(2, 3),
        ((2, 3),),
        ((1, 1),),
        ((2, 3, 2),),
    ),
    moved(
        ReduceMean(-2),
        lambda x: reduce_mean(x, axis=-2),
        lambda x: jnp.mean(x, axis=-2),
        of_rank(2, 3, 1),
        ((2, 3),),
        ((1, 1),),
        ((2, 3, 2),),
    ),
)
SHAPES: Final = (
    moved(
        Reshape((3, 2)),
        lambda x: reshape(x, (3, 2)),
        lambda x: jnp.reshape(x, (3, 2)),
        st.sampled_from([((6,),), ((2, 3),), ((1, 6, 1),)]),
        ((2, 3),),
        ((6,),),
    ),
    unary(Flatten(), flatten, jnp.ravel, rational=True),
    moved(
        Permute((1, 2, 0)),
        lambda x: permute(x, (1, 2, 0)),
        lambda x: jnp.transpose(x, (1, 2, 0)),
        of_rank(3, 3),
        ((2, 3, 4),),
        ((1, 1, 2),),
    ),
    moved(
        Transpose(),
        transpose,
        lambda x: jnp.swapaxes(x, -1, -2),
        of_rank(2, 3),
        ((2, 3),),
        ((1, 1),),
        ((2, 3, 2),),
    ),
    moved(
        SwapAdjacentAtDepth(1),
        lambda x: swap_adjacent_at_depth(x, 1),
        lambda x: jnp.swapaxes(x, 1, 2) if x.ndim > 2 else x,
        of_rank(1, 4),
        ((2, 3, 4),),
        ((2, 3),),
        ((2,),),
    ),
    moved(
        BroadcastTo((2, 3, 2)),
        lambda x: broadcast_to(x, (2, 3, 2)),
        lambda x: jnp.broadcast_to(x, (2, 3, 2)),
        st.sampled_from([((),), ((1,),), ((3, 1),), ((2, 1, 2),), ((2, 3, 2),)]),
        ((3, 1),),
        ((),),
        ((2, 1, 2),),
        ((2, 3, 2),),
    ),
)
TAKEN: Final = (2, 0, 2)
INDEXING: Final = (
    moved(
        Select(1, -1),
        lambda x: select(x, 1, axis=-1),
        lambda x: x[..., 1],
        of_rank(1, 3, 2),
        ((2, 3),),
        ((2,),),
        ((3, 1, 2),),
    ),
    moved(
        IndexSelect(TAKEN, 0),
        lambda x: index_select(x, TAKEN),
        lambda x: x[jnp.array(TAKEN)],
        of_rank(1, 3, 3),
        ((3, 2),),
        ((3,),),
        ((4, 1, 2),),
    ),
    moved(
        ScatterAdd(TAKEN, 1),
        lambda base, source: scatter_add(base, source, TAKEN, axis=1),
        lambda base, source: base.at[:, jnp.array(TAKEN)].add(source),
        st.integers(0, 3).map(lambda n: ((n, 4), (n, 3))),
        ((2, 3), (2, 3)),
        ((1, 4), (1, 3)),
    ),
)
RANGES: Final = (
    moved(
        Concat(1),
        lambda *ids: concat(*ids, axis=1),
        lambda *xs: jnp.concatenate(xs, axis=1),
        st.tuples(extents, extents, extents).map(
            lambda n: ((2, n[0]), (2, n[1]), (2, n[2]))
        ),
        ((2, 3), (2, 1), (2, 2)),
        ((1, 1), (1, 1), (1, 1)),
    ),
    moved(
        Slice(1, 2, -1),
        lambda x: slice_(x, 1, 2, axis=-1),
        lambda x: x[..., 1:3],
        of_rank(1, 3, 3),
        ((2, 3),),
        ((3,),),
        ((4, 4),),
    ),
    moved(
        Embed(1, 6, 0),
        lambda x: embed(x, 1, 6),
        lambda x: jnp.zeros((6, *x.shape[1:])).at[1 : 1 + len(x)].set(x),
        of_rank(1, 3),
        ((2, 3),),
        ((1,),),
        ((4, 1),),
    ),
)
DELTA: Final = Fraction(25, 16)  # between the eighths


def mean(x: Any) -> Any:
    """Take the mean as PyTorch does, but 0 of nothing."""
    return jnp.sum(x) / max(x.size, 1)


def huber(p: Any, t: Any) -> Any:
    d, delta = jnp.abs(p - t), float(DELTA)
    return mean(jnp.where(d <= delta, d * d / 2, delta * (d - delta / 2)))


LOSSES: Final = (
    binary(MseLoss(), mse_loss, lambda p, t: jnp.mean((p - t) ** 2)),
    binary(L1Loss(), l1_loss, lambda p, t: mean((p - t) * jnp.sign(p - t))),
    binary(HuberLoss(DELTA), lambda p, t: huber_loss(p, t, DELTA), huber),
    replace(
        binary(
            BceWithLogits(),
            bce_with_logits,
            lambda x, t: mean(jax.nn.softplus(x) - x * t),
        ),
        rational=False,
    ),
)
SOFTMAX: Final = (
    unary(
        SoftmaxLast(),
        softmax_last,
        lambda x: jax.nn.softmax(x) if x.ndim else jnp.ones_like(x),
    ),
    unary(
        LogSoftmaxLast(),
        log_softmax_last,
        lambda x: jax.nn.log_softmax(x) if x.ndim else jnp.zeros_like(x),
    ),
)
SOFTMAX_OF_AXES: Final = (
    replace(
        moved(
            Softmax(0),
            lambda x: softmax(x, axis=0),
            lambda x: jax.nn.softmax(x, axis=0),
            of_rank(1, 3),
            ((3, 2),),
            ((3,),),
            ((1, 2, 2),),
        ),
        rational=False,
    ),
    replace(
        moved(
            LogSoftmax(-2),
            lambda x: log_softmax(x, axis=-2),
            lambda x: jax.nn.log_softmax(x, axis=-2),
            of_rank(2, 3),
            ((3, 2),),
            ((1, 3),),
            ((2, 2, 2),),
        ),
        rational=False,
    ),
)
LINALG: Final = (
    moved(
        Bmm(),
        bmm,
        jnp.matmul,
        st.tuples(extents, extents, extents, extents).map(
            lambda s: ((s[0], s[1], s[2]), (s[0], s[2], s[3]))
        ),
        ((2, 2, 3), (2, 3, 2)),
        ((1, 1, 1), (1, 1, 1)),
    ),
    moved(
        OuterProduct(),
        outer,
        jnp.outer,
        st.tuples(extents, extents).map(lambda s: ((s[0],), (s[1],))),
        ((2,), (3,)),
        ((1,), (1,)),
    ),
    Spec(
        Linear(),
        linear,
        lambda w, b, x: w @ x + b,
        st.tuples(extents, extents).map(lambda s: (s, (s[0],), (s[1],))),
        few=(((2, 3), (2,), (3,)), ((1, 4), (1,), (4,)), ((3, 3), (3,), (3,))),
        domains=(ANY, ANY, ANY),
        rational=True,
    ),
    Spec(
        Matmul(),
        matmul,
        jnp.matmul,
        st.tuples(extents, extents, extents, st.sampled_from(BATCHES)).map(
            lambda s: ((*s[3][0], *s[:2]), (*s[3][1], *s[1:3]))
        ),
        few=(
            ((2, 3), (3, 4)),
            ((1, 1), (1, 1)),
            ((3, 3), (3, 3)),
            ((2, 3), (4, 3, 2)),
            ((2, 1, 1, 4), (3, 4, 1)),
        ),
        domains=(ANY, ANY),
        rational=True,
    ),
    Spec(
        Dot(),
        dot,
        jnp.dot,
        extents.map(lambda n: ((n,), (n,))),
        few=(((3,), (3,)), ((1,), (1,)), ((4,), (4,))),
        domains=(ANY, ANY),
        rational=True,
    ),
)
ALL: Final = (
    *ELEMENTWISE,
    *REDUCTIONS,
    *SHAPES,
    *RANGES,
    *INDEXING,
    *LOSSES,
    *SOFTMAX,
    *SOFTMAX_OF_AXES,
    *LINALG,
)
RATIONAL: Final = tuple(spec for spec in ALL if spec.rational)
OPERANDS: Final = tuple((spec, i) for spec in ALL for i in range(spec.arity))


def named(name: str) -> Spec:
    """Find an op by TorchLean's name of its node."""
    (spec,) = [spec for spec in ALL if spec.op.label == name]
    return spec


# -- operands --------------------------------------------------------------------------


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

    def entries(shape: Shape) -> NDArray[np.int64]:
        return np.asarray(rng.integers(1, 24, size=shape))

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


# -- comparisons -----------------------------------------------------------------------


def inner(a: Array, b: Array) -> Any:  # Any: a float or a Fraction
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


def assert_close(ours: Array, theirs: Any) -> None:  # Any: whatever NumPy reads
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
    if domain is not ANY:
        numbers = st.floats(1 / limit, limit)
    if domain is NONZERO:
        numbers |= numbers.map(lambda x: -x)
    return hnp.arrays(np.float64, shape, elements=numbers)


@st.composite
def real_operands(draw: st.DrawFn, spec: Spec, limit: float) -> tuple[Array, ...]:
    """Any operands of few shapes: JAX compiles for each."""
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
def jax_value(spec: Spec) -> Any:  # Any: a compiled function
    """Compile the op as JAX has it."""
    return jax.jit(spec.oracle)


@cache
def jax_gradient(spec: Spec) -> Any:  # Any: a compiled function
    """Compile its vector-Jacobian product."""

    def pulled(xs: tuple[Array, ...], g: Array) -> Any:
        _, pull = jax.vjp(spec.oracle, *xs)
        return pull(g)

    return jax.jit(pulled)


@cache
def jax_gradient_along(spec: Spec) -> Any:  # Any: a compiled function
    """Compile the derivative of that along directions of the operands."""

    def along(xs: tuple[Array, ...], vs: tuple[Array, ...], g: Array) -> Any:
        _, tangents = jax.jvp(lambda *xs: jax_gradient(spec)(xs, g), xs, vs)
        return tangents

    return jax.jit(along)
