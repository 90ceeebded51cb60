"""Sweeps that record themselves: the same numbers, as nodes that have derivatives."""

import pickle
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Final, NamedTuple

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import numpy as jnp

import tapem_dsl
from tapem_dsl import (
    Array,
    Do,
    Node,
    NodeId,
    Op,
    Tape,
    TapeM,
    add,
    apply_op,
    backward,
    backward_m,
    backward_scalar,
    clamp,
    const,
    cross_entropy,
    do,
    dot,
    fold_m,
    gather,
    huber_loss,
    index_add,
    jvp,
    leaf,
    linear,
    make_dual,
    map_m,
    mse_loss,
    mul,
    nll,
    pure,
    relu,
    safe_log,
    scale,
    sqrt,
    sub,
    sum_,
    tangent,
    tanh,
    throw,
    value_of,
    vjp,
)
from tapem_dsl.errors import (
    ContributionShapeMismatch,
    GradientDTypeMismatch,
    InvalidNodeId,
    InvalidOutputId,
    MissingRule,
    OutsideDomain,
    SeedShapeMismatch,
)
from tapem_dsl.interpreters.recorded.ops import DetachedMax, OneHot
from tapem_dsl.interpreters.recorded.recorder import Recorder
from tests.interpreters.forward.test_every_op import weighed
from tests.oracles import (
    assert_close,
    assert_fractions,
    brief,
    cases,
    gradient,
    jax_gradient_along,
    real_cotangents,
    real_operands,
    reals,
    recorded,
    sample,
)
from tests.specs.every import ALL, RATIONAL
from tests.specs.spec import Spec
from tests.toy_dual import Dual, split

LOOSE: Any = tapem_dsl  # Any: the mistakes are those that types would show
X: Final = NodeId(0)
each_op = pytest.mark.parametrize("spec", ALL, ids=str)
each_rational_op = pytest.mark.parametrize("spec", RATIONAL, ids=str)


# Any, below: tapes of every scalar.
def run_sweep(
    spec: Spec, xs: tuple[Array, ...], g: Array
) -> tuple[tuple[NodeId, ...], Tape[Any]]:
    """Record an op and its sweep, and give the nodes of the gradients."""
    out, tape = recorded(spec, xs)
    seed, tape = const(g).run(tape).unwrap()
    wanted = [NodeId(i) for i in range(spec.arity)]
    ids, tape = backward_m(out, seed=seed, wrt=wanted).run(tape).unwrap()
    assert list(ids) == wanted
    return tuple(ids.values()), tape


@do
def product(ids: tuple[NodeId, ...], vs: tuple[Array, ...]) -> Do[NodeId, Any]:
    """The gradients times directions, summed."""
    total = yield from sum_(ids[0])
    total = yield from scale(total, 0)
    for id, v in zip(ids, vs, strict=True):
        direction = yield from const(v)
        products = yield from mul(id, direction)
        part = yield from sum_(products)
        total = yield from add(total, part)
    return total


def along(
    spec: Spec, xs: tuple[Array, ...], vs: tuple[Array, ...], g: Array
) -> list[Array]:
    """Differentiate the gradient along directions, by a sweep over the recorded one."""
    ids, tape = run_sweep(spec, xs, g)
    out, tape = product(ids, vs).run(tape).unwrap()
    slots = backward(tape, out, 1).unwrap()
    return [np.asarray(slots.get(NodeId(i), 0 * x)) for i, x in enumerate(xs)]


# -- every op --------------------------------------------------------------------------


@each_op
@brief
@given(data=st.data())
def test_recorded_gradients_are_the_numeric_ones_to_the_last_bit(
    spec: Spec, data: st.DataObject
) -> None:
    case = data.draw(cases(spec))
    for dtype in (np.float64, np.float32, *[object] * spec.rational):
        xs, _, g = case.of(dtype)
        ids, tape = run_sweep(spec, xs, g)
        for id, numeric in zip(ids, gradient(spec, xs, g), strict=True):
            value = tape[id].value
            np.testing.assert_array_equal(value, numeric, strict=True)
            assert not value.flags.writeable
            if dtype is object:
                assert_fractions(value)


@each_op
@brief
@given(data=st.data())
def test_they_can_be_differentiated(spec: Spec, data: st.DataObject) -> None:
    xs = data.draw(real_operands(spec, 2))
    vs = tuple(data.draw(reals(x.shape, 2))[()] for x in xs)
    g = data.draw(real_cotangents(spec, xs, 2))
    theirs = jax_gradient_along(spec)(xs, vs, g)
    for ours, their in zip(along(spec, xs, vs, g), theirs, strict=True):
        np.testing.assert_allclose(ours, their, rtol=1e-9, atol=1e-9)


@each_rational_op
@brief
@given(data=st.data())
def test_over_rationals_recorded_and_dual_roads_are_equal(
    spec: Spec, data: st.DataObject
) -> None:
    xs, vs, g = data.draw(cases(spec)).of(object)
    duals = tuple(Dual(x, v) for x, v in zip(xs, vs, strict=True))
    by_duals = [split(slot, 1)[1] for slot in gradient(spec, duals, g)]
    for ours, theirs in zip(along(spec, xs, vs, g), by_duals, strict=True):
        assert ours.tolist() == theirs.tolist()


@each_op
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_recorded_node_has_the_scalar_type(spec: Spec, dtype: Any) -> None:
    xs, _, g = sample(spec).of(dtype)
    _, tape = run_sweep(spec, xs, g)
    assert {node.value.dtype for node in tape} <= {
        *map(np.dtype, (dtype, np.bool_, np.int64))
    }


@each_op
def test_three_times(spec: Spec) -> None:
    """The sweep over a sweep over a sweep: recorded thrice, and by three levels."""
    xs, vs, g = sample(spec).of(np.float64)
    g = np.asarray(g)[()]

    @do
    def slope(ids: tuple[NodeId, ...], order: int) -> Do[NodeId, Any]:
        if not order:
            return (yield from weighed(spec, ids, g))
        inner = yield from slope(ids, order - 1)
        found = yield from backward_m(inner, wrt=ids)
        parts = tuple(found[id] for id in ids if id in found)
        if not parts:
            return (yield from scale(inner, 0))
        there = tuple(v for id, v in zip(ids, vs, strict=True) if id in found)
        return (yield from product(parts, there))

    leaves: TapeM[tuple[NodeId, ...], Any] = map_m(leaf, xs)
    third = leaves.bind(lambda ids: slope(ids, 3)).bind(value_of).eval().unwrap()
    nested = xs
    for level in (1, 2, 3):
        nested = tuple(Dual(x, v, level) for x, v in zip(nested, vs, strict=True))
    of_duals: TapeM[tuple[NodeId, ...], Any] = map_m(leaf, nested)
    value = of_duals.bind(lambda ids: weighed(spec, ids, g)).bind(value_of)
    expected: Any = value.eval().unwrap()
    for level in (3, 2, 1):
        expected = split(expected, level)[1]
    assert third == pytest.approx(float(expected), rel=1e-9, abs=1e-9)


# -- labels and indices that are data --------------------------------------------------

LOGITS: Final = np.array([[0.5, -1.0, 2.0], [0.0, 1.5, -0.5]])
LABELS: Final = np.array([2, 0])


@pytest.mark.parametrize(
    ("op", "oracle"),
    [
        (cross_entropy, lambda x: -jax.nn.log_softmax(x)[jnp.arange(2), LABELS].mean()),
        (nll, lambda x: -x[jnp.arange(2), LABELS].mean()),
    ],
)
def test_losses_of_labels(op: Any, oracle: Any) -> None:
    @do
    def squared_slope(x: NodeId, labels: NodeId) -> Do[NodeId, Any]:
        loss = yield from op(x, labels)
        found = yield from backward_m(loss, wrt=[x])
        return (yield from mul(found[x], found[x]).bind(sum_))

    @do
    def program() -> Do[Any, Any]:
        x, labels = (yield from leaf(LOGITS)), (yield from const(LABELS))
        penalty = yield from squared_slope(x, labels)
        return x, penalty

    (x, penalty), tape = program().run().unwrap()
    slope = jax.grad(oracle)
    theirs = jax.grad(lambda z: (slope(z) ** 2).sum())(LOGITS)
    assert_close(tape[penalty].value, (slope(LOGITS) ** 2).sum())
    if op is nll:  # its slope is a constant
        assert penalty not in backward(tape, penalty, 1, wrt=[x]).unwrap()
        assert not np.any(theirs)
        return
    assert_close(backward(tape, penalty, 1, wrt=[x]).unwrap()[x], theirs)


def test_a_table_of_rows() -> None:
    """The gradient of a gradient through a look-up, and through what adds back."""
    table, words = np.arange(6.0).reshape(3, 2), np.array([2, 0, 2, 9])

    @do
    def squares(x: NodeId, at: NodeId) -> Do[NodeId, Any]:
        rows = yield from gather(x, at)
        bent = yield from tanh(rows)
        again = yield from index_add(x, bent, at)
        return (yield from mul(again, again).bind(sum_))

    @do
    def program() -> Do[Any, Any]:
        x, at = (yield from leaf(table)), (yield from const(words))
        loss = yield from squares(x, at)
        found = yield from backward_m(loss, wrt=[x])
        penalty = yield from mul(found[x], found[x]).bind(sum_)
        return x, penalty

    (x, penalty), tape = program().run().unwrap()
    inside = words[:3]

    def oracle(z: Any) -> Any:
        return (z.at[inside].add(jnp.tanh(z[inside])) ** 2).sum()

    theirs = jax.grad(lambda z: (jax.grad(oracle)(z) ** 2).sum())(jnp.array(table))
    assert_close(backward(tape, penalty, 1, wrt=[x]).unwrap()[x], theirs)


# -- what it is for --------------------------------------------------------------------


class Net(NamedTuple):
    w: Any  # Any: arrays outside, ids inside
    b: Any
    v: Any


def drawn(seed: int) -> tuple[Net, Array, Array]:
    rng = np.random.default_rng(seed)
    net = Net(rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=4))
    return net, rng.normal(size=3), rng.normal(size=())[()]


@do
def output(net: Net, x: NodeId) -> Do[NodeId]:
    hidden = yield from linear(net.w, net.b, x)
    bent = yield from tanh(hidden)
    return (yield from dot(net.v, bent))


def jax_output(net: Any, x: Any) -> Any:
    return net.v @ jnp.tanh(net.w @ x + net.b)


@pytest.mark.parametrize("seed", range(5))
def test_a_gradient_penalty_trains_as_in_jax(seed: int) -> None:
    """``(D(x) - y) ** 2 + (|dD/dx| ** 2 - 1) ** 2``, by all parameters."""
    net, point, label = drawn(seed)

    @do
    def penalised(net: Net, x: NodeId, y: NodeId) -> Do[NodeId]:
        score = yield from output(net, x)
        fit = yield from mse_loss(score, y)
        slopes = yield from backward_m(score, wrt=[x])
        size = yield from dot(slopes[x], slopes[x])
        one = yield from const(1.0)
        off = yield from sub(size, one)
        penalty = yield from mul(off, off)
        return (yield from add(fit, penalty))

    @do
    def program() -> Do[Any]:
        ids = yield from map_m(leaf, net)
        x, y = (yield from leaf(point)), (yield from const(label))
        return ids, (yield from penalised(Net(*ids), x, y))

    (ids, loss), tape = program().run().unwrap()
    slots = backward(tape, loss, 1, wrt=ids).unwrap()

    def jax_loss(net: Any) -> Any:
        slope = jax.grad(jax_output, 1)(net, point)
        return (jax_output(net, point) - label) ** 2 + (slope @ slope - 1) ** 2

    theirs = jax.grad(jax_loss)(net)
    assert_close(tape[loss].value, jax_loss(net))
    for id, their in zip(ids, theirs, strict=True):
        np.testing.assert_allclose(slots[id], their, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_one_step_of_maml_trains_as_in_jax(seed: int) -> None:
    """The loss after one step of gradient descent on another sample."""
    net, train_x, train_y = drawn(seed)
    _, test_x, test_y = drawn(seed + 100)
    rate = Fraction(1, 8)

    @do
    def loss_at(net: Net, x: Array, y: Array) -> Do[NodeId]:
        sample, label = (yield from const(x)), (yield from const(y))
        score = yield from output(net, sample)
        return (yield from mse_loss(score, label))

    @do
    def adapted(net: Net) -> Do[Net]:
        loss = yield from loss_at(net, train_x, train_y)
        slopes = yield from backward_m(loss, wrt=net)
        moved = []
        for id in net:
            step = yield from scale(slopes[id], rate)
            moved.append((yield from sub(id, step)))
        return Net(*moved)

    @do
    def program() -> Do[Any]:
        ids = yield from map_m(leaf, net)
        inner = yield from adapted(Net(*ids))
        twice = yield from adapted(inner)
        return ids, (yield from loss_at(twice, test_x, test_y))

    (ids, loss), tape = program().run().unwrap()
    slots = backward(tape, loss, 1, wrt=ids).unwrap()

    def jax_loss(net: Any, x: Any, y: Any) -> Any:
        return (jax_output(net, x) - y) ** 2

    def jax_adapted(net: Any) -> Any:
        slopes = jax.grad(jax_loss)(net, train_x, train_y)
        return jax.tree.map(lambda p, g: p - g * float(rate), net, slopes)

    def outer(net: Any) -> Any:
        return jax_loss(jax_adapted(jax_adapted(net)), test_x, test_y)

    theirs = jax.grad(outer)(net)
    for id, their in zip(ids, theirs, strict=True):
        np.testing.assert_allclose(slots[id], their, rtol=1e-9, atol=1e-10)


# -- levels around and inside the sweep ------------------------------------------------


def test_a_seed_may_carry_a_level_that_the_output_does_not() -> None:
    """The gradient is linear in the seed: its tangent is that of the seed, pulled."""

    @do
    def program() -> Do[Any, Any]:
        x = yield from leaf(Fraction(3))
        square = yield from mul(x, x)
        s, ds = (yield from leaf(Fraction(5))), (yield from leaf(Fraction(7)))
        seed = yield from make_dual(s, ds)
        found = yield from backward_m(square, seed=seed, wrt=[x])
        return (yield from tangent(found[x], seed).bind(value_of))

    assert program().eval().unwrap().tolist() == 2 * 3 * 7


def test_what_surrounds_a_sweep_reaches_also_the_parts_of_a_dual() -> None:
    """``y = (p + t e) ** 3`` by ``p`` and ``t``, inside its own level."""

    @do
    def program() -> Do[Any, Any]:
        p, t = (yield from leaf(Fraction(2))), (yield from leaf(Fraction(5)))
        dual = yield from make_dual(p, t)
        square = yield from mul(dual, dual)
        cube = yield from mul(square, dual)
        found = yield from backward_m(cube, wrt=[p, t])
        parts = []
        for id in (found[p], found[t]):
            parts.append((yield from tangent(id, dual)))
            parts.append((yield from LOOSE.primal(id, dual)))
        return (yield from map_m(value_of, parts))

    # y = p^3 + 3 p^2 t e: by p it is 3 p^2 + 6 p t e, by t it is 3 p^2 e
    found = [value.tolist() for value in program().eval().unwrap()]
    assert found == [6 * 2 * 5, 12, 12, 0]


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_a_sweep_goes_back_into_a_level_that_was_left(dtype: Any) -> None:
    """``t`` is ``2 * w * x``, the slope of ``w * x * x``; its square is swept."""

    @do
    def program() -> Do[tuple[Any, Any], Any]:
        x, w = (yield from leaf(dtype(3))), (yield from leaf(dtype(2)))
        dual = yield from make_dual(x, (yield from const(dtype(1))))
        once = yield from mul(w, dual)
        slope = yield from tangent((yield from mul(once, dual)), dual)
        found = yield from backward_m((yield from mul(slope, slope)), wrt=[w, x])
        return (yield from value_of(found[w])), (yield from value_of(found[x]))

    gradients = program().eval().unwrap()
    assert gradients == (144, 96)
    assert all(type(gradient) is dtype for gradient in gradients)


def test_over_float16_each_node_is_widened_once_and_casts_do_not_pile_up() -> None:
    @do
    def program() -> Do[tuple[NodeId, NodeId], Any]:
        x = yield from leaf(np.float16(3))
        square = yield from mul(x, x)
        both = yield from add(square, x)
        seed = yield from const(np.float16(1))
        found = yield from backward_m(both, seed=seed)
        return seed, found[square]

    (seed, at_square), tape = program().run().unwrap()
    assert at_square == seed  # what add passes on is not rounded again
    widened = [node.parents for node in tape if node.label == "widen"]
    assert len(widened) == len(set(widened))
    assert sum(node.label == "narrow" for node in tape) == 2  # to x, from either side


@pytest.mark.parametrize("leave", [LOOSE.primal, tangent])
def test_a_sweep_does_not_go_back_out_of_a_level_that_the_output_carries(
    leave: Any,
) -> None:
    @do
    def program() -> Do[Any, Any]:
        x = yield from leaf(3.0)
        dual = yield from make_dual(x, x)
        left = yield from leave(dual, dual)
        out = yield from mul(left, dual)
        return (yield from backward_m(out, wrt=[x]))

    error = program().run().failure()
    assert isinstance(error, OutsideDomain)
    assert "sweep from its primal or its tangent" in error.message


def test_a_dual_output_with_a_plain_seed_keeps_its_level() -> None:
    """``d/dx (d/dw (w * w * x))`` is ``2 * w``."""

    @do
    def slope(w: NodeId, x: NodeId) -> Do[NodeId, Any]:
        square = yield from mul(w, w)
        y = yield from mul(square, x)
        seed = yield from const(1.0)
        found = yield from backward_m(y, seed=seed, wrt=[w])
        return found[w]

    three, two, one = np.float64(3), np.float64(2), np.float64(1)
    found = jvp(slope, three, two, None, one).unwrap()
    assert [x.tolist() for x in found] == [12, 6]


def test_at_a_kink_all_roads_meet() -> None:
    """The root of 0 has no slope; so nor has its slope, whoever asks."""

    @do
    def slope(x: NodeId, z: NodeId) -> Do[NodeId, Any]:
        root = yield from sqrt(x)
        loss = yield from mul(root, z)
        return (yield from backward_m(loss, wrt=[x]))[x]

    zero, three, one = np.float64(0), np.float64(3), np.float64(1)
    for found in (
        vjp(slope, zero, three, 1.0),
        jvp(slope, zero, three, one, None),
        jvp(slope, zero, three, None, one),
    ):
        assert [x.tolist() for x in found.unwrap()] == [0, 0]


# -- what is recorded, and what is left alone ------------------------------------------


def test_only_what_leads_to_the_wanted_nodes_is_recorded() -> None:
    @do
    def program() -> Do[Any]:
        w, x = (yield from leaf(np.ones((3, 3)))), (yield from leaf(np.ones(3)))
        b = yield from const(np.zeros(3))
        y = yield from linear(w, b, x)
        z = yield from tanh(x)
        total = yield from dot(y, z)
        return w, x, total

    (w, _, total), tape = program().run().unwrap()
    everything, long = backward_m(total).run(tape).unwrap()
    some, short = backward_m(total, wrt=[w]).run(tape).unwrap()
    assert set(everything) == set(backward(tape, total, 1).unwrap())
    assert list(some) == [w]
    assert len(short) < len(long) - 5
    assert not any(
        node.op is not None and node.op.name == "tanh" for node in short.nodes()[6:]
    )
    reached = {parent for node in short.nodes()[len(tape) :] for parent in node.parents}
    assert NodeId(4) in reached  # what the weight is multiplied with: tanh's result
    assert list(backward_m(total, wrt=[]).eval(tape).unwrap()) == []


def test_a_frozen_output_has_its_seed_and_nothing_else() -> None:
    out, tape = const(3.0).bind(lambda x: mul(x, x)).run().unwrap()
    ids, longer = backward_m(out).run(tape).unwrap()
    assert list(ids) == [out]
    assert longer[ids[out]].value == 1


def test_a_run_is_pure() -> None:
    program = leaf(3.0).bind(lambda x: mul(x, x)).bind(backward_m)
    (first, tape), (again, same) = program.run().unwrap(), program.run().unwrap()
    assert (first, tape) == (again, same)
    entry = leaf(3.0).exec().unwrap()
    before = entry.nodes()
    backward_m(X).run(entry).unwrap()
    assert entry.nodes() == before
    rolled_back = program.bind(lambda _: throw("no")).lash(lambda _: pure(None))
    assert len(rolled_back.exec(entry).unwrap()) == 1
    snapshots = leaf(3.0).bind(
        lambda x: tapem_dsl.get_tape().bind(
            lambda early: backward_m(x).bind(lambda _: pure(early))
        )
    )
    assert len(snapshots.eval().unwrap()) == 1


def test_programs_are_values() -> None:
    one = backward_m(X, wrt=[X])
    assert one == backward_m(X, wrt=(X,))
    assert one != backward_m(X)
    assert one != backward_m(X, seed=X, wrt=[X])
    assert pickle.loads(pickle.dumps(one)) == one
    assert repr(one) == "<TapeM: backward_m(0, None, (0,))>"


def test_tapes_with_sweeps_pickle_and_are_equal_to_their_copies() -> None:
    spec = next(spec for spec in ALL if str(spec) == "softmax")
    xs, _, g = sample(spec).of(np.float64)
    _, tape = run_sweep(spec, xs, g)
    assert pickle.loads(pickle.dumps(tape)) == tape


def test_a_long_chain_needs_no_stack() -> None:
    size = 20_000
    program = leaf(1.0).bind(
        lambda x: fold_m(lambda y, _: scale(y, 1), x, range(size)).bind(
            lambda y: mul(y, y).bind(lambda z: backward_m(z, wrt=[x]))
        )
    )
    assert size > sys.getrecursionlimit()
    found, tape = program.run().unwrap()
    assert tape[found[X]].value == 2


def test_threads_record_side_by_side() -> None:
    entry = leaf(3.0).bind(lambda x: mul(x, x)).exec().unwrap()
    found: list[Any] = [None] * 8

    def work(i: int) -> None:
        for _ in range(50):
            found[i] = backward_m(NodeId(1), wrt=[X]).run(entry).unwrap()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for ids, tape in found:
        assert tape[ids[X]].value == 6
        assert tape == found[0][1]


def test_flags_say_what_a_gradient_depends_on() -> None:
    """The slope of ``c * x`` is a constant; that of ``x * x`` is not."""

    @do
    def program(constant: bool) -> Do[Any]:
        x = yield from leaf(3.0)
        other = (yield from const(2.0)) if constant else x
        y = yield from mul(x, other)
        return (yield from backward_m(y, wrt=[x]))[x]

    for constant in (True, False):
        slope, tape = program(constant).run().unwrap()
        assert tape[slope].requires_grad is not constant


def test_conditions_are_recorded_not_fixed() -> None:
    """The choice of a sweep is a node: it can be made anew from other leaves."""
    out, tape = leaf(np.array([-1.0, 2.0])).bind(relu).bind(sum_).run().unwrap()
    _, longer = backward_m(out, wrt=[X]).run(tape).unwrap()
    names = {node.op.name for node in longer if node.op is not None}
    assert {"greater", "where"} <= names
    boolean = [node for node in longer if node.value.dtype == np.bool_]
    assert boolean
    assert not any(node.requires_grad for node in boolean)


def test_constants_of_the_data_pass_nothing_on() -> None:
    x, labels = leaf(LOGITS), const(LABELS)
    shift = x.bind(lambda i: apply_op(DetachedMax(), i))
    hot = x.bind(lambda i: labels.bind(lambda j: apply_op(OneHot(), i, j)))
    for program in (shift, hot):
        out, tape = program.run().unwrap()
        assert not tape[out].requires_grad
        assert backward(tape, out, tape[out].value).unwrap().keys() == {out}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize(
    "number", [np.float64(0.5), np.float32(0.5), np.float16(0.5), np.int64(2)]
)
def test_parameters_of_ops_may_be_numbers_of_numpy(dtype: Any, number: Any) -> None:
    x = np.array([0.25, 1.0, 4.0], dtype)
    layers: list[Callable[[NodeId], TapeM[NodeId, Any]]] = [
        lambda i: scale(i, number),
        lambda i: clamp(i, -number, number),
        lambda i: safe_log(i, epsilon=number),
        lambda i: mul(i, i).bind(lambda j: huber_loss(i, j, delta=number)),
    ]
    for layer in layers:
        out, tape = leaf(x).bind(layer).bind(sum_).run().unwrap()
        ids, longer = backward_m(out, wrt=[X]).run(tape).unwrap()
        numeric = backward(tape, out, 1, wrt=[X]).unwrap()[X]
        np.testing.assert_array_equal(longer[ids[X]].value, numeric, strict=True)
        computed_with = np.float32 if dtype is np.float16 else dtype
        assert {node.value.dtype for node in longer} <= {
            np.dtype(dtype),
            np.dtype(computed_with),
            np.dtype(bool),
        }


@pytest.mark.parametrize("x", [np.nan, -np.inf, np.inf, -1e300])
def test_what_a_sweep_computes_is_recorded_whatever_it_is(x: float) -> None:
    out, tape = leaf(x).bind(safe_log).run().unwrap()
    ids, longer = backward_m(out, wrt=[X]).run(tape).unwrap()
    numeric = backward(tape, out, 1, wrt=[X]).unwrap()[X]
    np.testing.assert_array_equal(longer[ids[X]].value, numeric)


def test_a_short_sweep_on_a_long_tape_looks_at_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nodes that the output does not depend on are not even looked at."""
    entry: Any = leaf(1.0).bind(lambda x: fold_m(add, x, [x] * 10)).exec().unwrap()
    out, tape = leaf(3.0).bind(lambda x: mul(x, x)).run(entry).unwrap()
    met: list[NodeId] = []
    node = Recorder.node

    def noted(self: Recorder, id: NodeId) -> Node[Any]:
        met.append(id)
        return node(self, id)

    monkeypatch.setattr(Recorder, "node", noted)
    ids, longer = backward_m(out).run(tape).unwrap()
    assert met == [NodeId(11), out]
    assert set(ids) == {NodeId(11), out}
    assert len(longer) - len(tape) == 4  # the seed, two products and their sum


# -- refusals --------------------------------------------------------------------------


def test_outputs_and_seeds_are_checked() -> None:
    row = leaf(np.ones(2))
    assert isinstance(backward_m(X).run().failure(), InvalidOutputId)
    assert isinstance(row.bind(backward_m).run().failure(), SeedShapeMismatch)
    one = row.bind(lambda x: const(1.0).bind(lambda s: backward_m(x, seed=s)))
    assert isinstance(one.run().failure(), SeedShapeMismatch)
    single = row.bind(
        lambda x: LOOSE.const(np.ones(2, np.float32)).bind(
            lambda s: backward_m(x, seed=s)
        )
    )
    assert isinstance(single.run().failure(), GradientDTypeMismatch)
    for wrong in (
        row.bind(lambda x: backward_m(x, seed=NodeId(7))),
        leaf(1.0).bind(lambda x: backward_m(x, wrt=[NodeId(7)])),
    ):
        assert isinstance(wrong.run().failure(), InvalidNodeId)


def test_mistakes_in_the_text_are_type_errors() -> None:
    mistakes: list[Callable[[], object]] = [
        lambda: LOOSE.backward_m(1.5),
        lambda: LOOSE.backward_m(leaf(1.0)),
        lambda: LOOSE.backward_m(X, seed=1.0),
        lambda: LOOSE.backward_m(X, wrt=X),
    ]
    for mistake in mistakes:
        with pytest.raises(TypeError):
            mistake()


@dataclass(frozen=True, slots=True)
class Unknown(Op):
    """An op without a rule."""

    name: ClassVar[str] = "unknown"

    def shape(self, *inputs: Any) -> Any:
        return inputs[0]

    def evaluate(self, xp: Any, *inputs: Any) -> Any:
        return inputs[0] * 1


def test_what_rules_refuse_is_a_failure() -> None:
    missing = leaf(1.0).bind(lambda x: apply_op(Unknown(), x)).bind(backward_m)
    assert isinstance(missing.run().failure(), MissingRule)

    @do
    def pole() -> Do[Any, Any]:
        x, zero = (yield from leaf(Fraction(1))), (yield from leaf(Fraction(0)))
        flat = yield from mul(x, zero)
        half = yield from apply_op(Brittle(), flat)
        return (yield from backward_m(half))

    error = pole().run().failure()
    assert isinstance(error, OutsideDomain)
    assert "division by zero" in error.message


@dataclass(frozen=True, slots=True)
class Through(Op):
    """An op that drops every level, and whose rule brings them back."""

    name: ClassVar[str] = "through"

    def shape(self, *inputs: Any) -> Any:
        return inputs[0]

    def evaluate(self, xp: Any, *inputs: Any) -> Any:
        return xp.constant(inputs[0]) * 1


@tapem_dsl.vjp_rules.define(Through)
def _through(op: Any, xp: Any, g: Any, xs: Any, y: Any, need: Any) -> Any:
    return (g * xs[0],)


def test_an_op_of_ones_own_may_bring_back_a_level_that_nobody_left() -> None:
    @do
    def program() -> Do[Any, Any]:
        x, p = (yield from leaf(2.0)), (yield from leaf(5.0))
        dual = yield from make_dual(x, x)
        product = yield from mul(dual, p)
        out = yield from apply_op(Through(), product)
        return p, out, (yield from backward_m(out, wrt=[p]))

    (p, out, ids), tape = program().run().unwrap()
    numeric = backward(tape, out, 1, wrt=[p]).unwrap()[p]
    assert tape[ids[p]].value.tolist() == numeric.tolist() == 2 * 2 * 5 * 2


@dataclass(frozen=True, slots=True)
class Careless(Op):
    """An op whose rule gives a plain array of another shape."""

    name: ClassVar[str] = "careless"
    entries: int

    def shape(self, *inputs: Any) -> Any:
        return inputs[0]

    def evaluate(self, xp: Any, *inputs: Any) -> Any:
        return inputs[0] * 1


@tapem_dsl.vjp_rules.define(Careless)
def _careless(op: Any, xp: Any, g: Any, xs: Any, y: Any, need: Any) -> Any:
    return (np.full(op.entries, 7.0),)


@pytest.mark.parametrize("entries", [1, 3])
def test_a_contribution_of_another_shape_is_refused(entries: int) -> None:
    program = leaf(np.ones(2)).bind(lambda x: apply_op(Careless(entries), x)).bind(sum_)
    sweeps: list[Callable[[NodeId], TapeM[Any, Any]]] = [backward_scalar, backward_m]
    for sweep in sweeps:
        error = program.bind(sweep).run().failure()
        assert isinstance(error, ContributionShapeMismatch)
        assert error.found == (entries,)
    fitting = leaf(np.ones(2)).bind(lambda x: apply_op(Careless(2), x)).bind(sum_)
    ids, tape = fitting.bind(backward_m).run().unwrap()
    assert tape[ids[X]].value.tolist() == [7, 7]


@dataclass(frozen=True, slots=True)
class Brittle(Op):
    """An op whose rule divides by its operand."""

    name: ClassVar[str] = "brittle"

    def shape(self, *inputs: Any) -> Any:
        return inputs[0]

    def evaluate(self, xp: Any, *inputs: Any) -> Any:
        return inputs[0] * 1


@tapem_dsl.vjp_rules.define(Brittle)
def _brittle(op: Any, xp: Any, g: Any, xs: Any, y: Any, need: Any) -> Any:
    return (g / xs[0],)
