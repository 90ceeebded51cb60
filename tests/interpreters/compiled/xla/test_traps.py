"""What goes wrong silently where JAX runs a program as it is, and does not here."""

import math
import warnings
from fractions import Fraction
from typing import Any

import jax
import numpy as np
import pytest
from jax import numpy as jnp

from tapem_dsl import (
    Do,
    NodeId,
    const,
    cross_entropy,
    do,
    exp,
    index_select,
    jit,
    leaf,
    log,
    matmul,
    mul,
    optim,
    scale,
    select,
    shard_rows,
    sum_,
    tree,
    value_and_grad,
    value_of,
)
from tapem_dsl.program.machine import LashRefused
from tapem_dsl.tape.equality import same
from tests.interpreters.compiled.rolled import assert_close

# Any, throughout: arrays of any scalar type.


@do
def logits_loss(p: dict[str, NodeId], x: Any, labels: Any) -> Do[NodeId, Any]:
    rows = yield from const(x)
    targets = yield from const(labels)
    logits = yield from matmul(rows, p["w"])
    return (yield from cross_entropy(logits, targets))


def drawn(dtype: Any = np.float64) -> tuple[dict[str, Any], Any, Any]:
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(3, 4)).astype(dtype), rng.normal(size=(5, 3)).astype(dtype)
    return {"w": w}, x, np.array([0, 1, 2, 3, 0])


EAGER = value_and_grad(logits_loss)


def of_jax(x: Any) -> Any:
    with jax.enable_x64(True):
        return jnp.asarray(x)


def squared_sum(x: Any) -> Any:
    @do
    def loss(id: NodeId) -> Do[NodeId, Any]:
        return (yield from sum_((yield from mul(id, id))))

    return value_and_grad(loss)(x)


# -- precision -------------------------------------------------------------------------


def test_float64_is_computed_while_the_flag_is_off_and_stays_off() -> None:
    assert not jax.config.jax_enable_x64  # type: ignore[attr-defined] # JAX's stub lacks it
    third = np.float64(1) / 3
    value, gradient = jit(squared_sum, engine="xla")(third).unwrap()
    assert value == third * third
    assert gradient == 2 * third
    assert not jax.config.jax_enable_x64  # type: ignore[attr-defined] # as above
    assert jnp.asarray(1.0).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_types_stay_what_they_are(dtype: Any) -> None:
    x = np.linspace(-1, 1, 5).astype(dtype)
    found, expected = jit(squared_sum, engine="xla")(x), squared_sum(x)
    assert same(found, expected)


def test_numbers_of_python_stay_numbers_of_python() -> None:
    step = jit(lambda n, x: (n + 1, x * 2, n * 0.5), engine="xla")
    for n, x in [(3, 0.5), (4, 1.5)]:
        found = step(n, x)
        assert found == (n + 1, x * 2, n * 0.5)
        assert [type(y) for y in found] == [int, float, float]
    assert "1 plan, 1 run" in step.report()  # an integer is an input


def test_integers_do_not_overflow() -> None:
    step = jit(lambda n, x: x * (n * n), engine="xla")
    for n in (3, 2**40):
        assert step(n, np.float64(2)) == np.float64(2) * float(n * n)


def test_integers_beside_float32_are_computed_in_float64() -> None:
    def mixed(n: Any, x: Any) -> Any:
        return n * x

    n, x = np.array([2**25 + 1]), np.array([1.5], np.float32)
    assert same(jit(mixed, engine="xla")(n, x), mixed(n, x))


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "?"])
def test_quotients_of_integers_are_computed_in_float64(dtype: str) -> None:
    def divided(a: Any, b: Any) -> Any:
        return a / b, a / 3, 7 / b, a.astype(np.float32) / b

    a, b = np.array([1, 7, 100]).astype(dtype), np.array([3, 3, 7]).astype(dtype)
    assert_close(jit(divided, engine="xla")(a, b), divided(a, b))


@pytest.mark.parametrize("dtype", ["i1", "u1", "u4", "u8"])
def test_integers_out_of_range_of_an_array_do_not_wrap_around(dtype: str) -> None:
    def compared(x: Any, n: int) -> Any:
        return x < n, x < -(2**40), x / n, x * 2

    step, x = jit(compared, engine="xla"), np.array([1, 7, 100]).astype(dtype)
    for n in (2, -300, 3):
        assert_close(step(x, n), compared(x, n))
    added = jit(lambda x, n: x + n, engine="xla")
    assert_close(added(x, 2), x + 2)
    with pytest.raises(OverflowError, match="out of bounds"):
        added(x, -(2**40))

    def looped(x: Any, n: int) -> Any:
        for _ in range(300):
            x = x * 1 + n
        return x

    rolled = jit(looped, engine="xla", roll=True)
    assert same(rolled(x, 0), x)
    with pytest.raises(OverflowError, match="out of bounds"):
        rolled(x, -(2**40))


def test_bfloat16_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="not bfloat16"):
        jit(squared_sum, engine="xla")(jnp.ones(2, jnp.bfloat16))


MANY = (0,) * 100_000


def test_sums_of_many_indices_are_exact_to_float32() -> None:
    @do
    def loss(x: NodeId) -> Do[NodeId, Any]:
        taken = yield from index_select(x, MANY)
        return (yield from sum_((yield from scale(taken, 0.1))))

    both = value_and_grad(loss)
    x = np.array([0.1, 0.2], np.float32)
    found = jit(both, engine="xla")(x).unwrap()[1]
    np.testing.assert_allclose(found, [10_000, 0], rtol=1e-6)


def test_exact_rationals_run_as_they_are() -> None:
    third = Fraction(1, 3)
    step = jit(squared_sum, engine="xla")
    assert step(third) == squared_sum(third)
    assert "a Fraction is computed with as it is" in step.report()


# -- what is checked -------------------------------------------------------------------


@pytest.mark.parametrize("label", [4, -1, 99])
@pytest.mark.parametrize("is_on_device", [False, True])
def test_a_label_out_of_range_is_the_failure_of_the_program(
    label: int, *, is_on_device: bool
) -> None:
    p, x, labels = drawn()
    bad = labels.copy()
    bad[3] = label
    step = jit(EAGER, engine="xla")
    put = of_jax if is_on_device else np.asarray
    assert step({"w": put(p["w"])}, put(x), put(labels)).unwrap()
    found = step({"w": put(p["w"])}, put(x), put(bad))
    assert found == EAGER(p, x, bad)
    assert "index=(3,)" in str(found.failure())


def logarithm(x: Any) -> Any:
    return value_and_grad(lambda x: log(x).bind(sum_))(x)


@pytest.mark.parametrize("entry", [0.0, -1.0, math.nan])
def test_log_of_what_is_not_positive_fails(entry: float) -> None:
    step = jit(logarithm, engine="xla")
    assert step(np.ones(3)).unwrap()
    bad = np.array([1, entry, 2])
    assert step(bad) == logarithm(bad)


def recovering(x: Any) -> Any:
    """The logarithm of all entries, and else the exponential."""
    return value_and_grad(lambda x: log(x).lash(lambda _: exp(x)).bind(sum_))(x)


def test_lash_recovers() -> None:
    step = jit(recovering, engine="xla")
    for x in (np.array([1.0, 2.0]), np.array([1.0, -2.0]), np.array([3.0, 4.0])):
        assert_close(step(x), recovering(x))


def test_what_the_program_itself_returns_lies_where_its_arguments_do() -> None:
    mesh = jax.make_mesh((1,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    x = shard_rows(np.array([1.0, -2.0]), mesh)
    value, gradient = jit(recovering, engine="xla")(x).unwrap()
    for found in (value, gradient):
        assert isinstance(found, jax.Array)
        assert found.sharding.mesh == mesh  # type: ignore[attr-defined] # a NamedSharding
        assert found.dtype == np.float64


def test_a_wider_float_runs_as_it_is() -> None:
    x = np.array([np.longdouble(1) / 3])
    step = jit(lambda x: x * x, engine="xla")
    assert same(step(x), x * x)
    assert "no float of more than 64 bits" in step.report()


def test_lash_is_refused_where_nothing_is_checked() -> None:
    with pytest.raises(LashRefused, match="checked=True"):
        jit(recovering, engine="xla", checked=False)(np.ones(2))


def test_guards_choose_the_plan() -> None:
    def halved(x: Any) -> Any:
        return x * 2 if x > 0 else x / 2

    step = jit(halved, engine="xla", guards=True)
    for x in (3.0, -3.0, 5.0, -1.0):
        assert step(np.float64(x)) == halved(x)
    assert "2 plans, 2 runs" in step.report()


def test_an_index_out_of_range_is_not_clamped() -> None:
    def last(x: Any) -> Any:
        return x[7]

    with pytest.raises(IndexError):
        jit(last, engine="xla")(np.ones(3))
    pick: Any = value_and_grad(lambda x: select(x, 7))
    assert jit(pick, engine="xla")(np.ones(3)) == pick(np.ones(3))


# -- what is read ----------------------------------------------------------------------

READERS: dict[str, Any] = {
    "if": lambda x: x if x > 0 else -x,
    "float": lambda x: x * float(x),
    "index": lambda x: [1.0, 2.0][x],
    "NumPy": lambda x: np.exp(x),  # noqa: PLW0108 - np.exp itself is a function of C
    "math": lambda x: math.exp(x),  # noqa: PLW0108 - as above
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_values_are_not_read(reader: Any) -> None:
    with pytest.raises(TypeError, match="static_argnames"):
        jit(reader, engine="xla")(
            np.float64(1) if reader is not READERS["index"] else 1
        )


# -- arguments and results -------------------------------------------------------------


def test_numpy_in_numpy_out_and_jax_in_jax_out() -> None:
    step = jit(squared_sum, engine="xla")
    value, gradient = step(np.ones(3)).unwrap()
    assert (type(value), type(gradient)) == (np.float64, np.ndarray)
    assert not gradient.flags.writeable
    value, gradient = step(of_jax(np.ones(3))).unwrap()
    assert isinstance(value, jax.Array)
    assert isinstance(gradient, jax.Array)
    assert gradient.dtype == np.float64
    narrow = step(jnp.ones(3)).unwrap()[1]
    assert narrow.dtype == np.float32


@pytest.mark.parametrize("checked", [False, True])
def test_an_array_may_be_changed_after_a_call(*, checked: bool) -> None:
    """A call on arrays of JAX returns before XLA has read those of NumPy."""
    step = jit(lambda x, y: x + x * 2 + x * 3 + y, engine="xla", checked=checked)
    x, y = np.zeros(1 << 20), of_jax(np.zeros(1))
    found = []
    for i in range(20):
        x[:] = i
        found.append(step(x, y))
        x[:] = -1
    assert [np.asarray(z).min() for z in found] == [6 * i for i in range(20)]


def test_the_numpy_engine_leaves_arrays_of_jax_to_the_program() -> None:
    found = jit(squared_sum)(of_jax(np.ones(3))).unwrap()
    assert type(found[1]) is np.ndarray


def test_dictionaries_keep_their_order() -> None:
    step = jit(lambda p: {"z": p["b"] * 2, "a": p["z"] * 3}, engine="xla")
    for _ in range(2):
        found = step({"z": np.float64(1), "b": np.float64(2)})
        assert list(found.items()) == [("z", 4), ("a", 3)]


def test_donated_arrays_are_given_away() -> None:
    step = jit(lambda x, y: x * 2 + y, engine="xla", checked=False, donate_argnames="x")
    x, y = of_jax(np.ones(64)), of_jax(np.ones(64))
    step(x, y)
    x = of_jax(np.ones(64))
    assert (np.asarray(step(x, y)) == 3).all()
    assert x.is_deleted()
    assert not y.is_deleted()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"engine": "cuda"}, "'numpy' or 'xla'"),
        ({"checked": False}, "for engine='xla'"),
        ({"donate_argnames": "x"}, "for engine='xla'"),
        ({"engine": "xla", "donate_argnames": "x"}, "needs checked=False"),
        (
            {"engine": "xla", "checked": False, "donate_argnames": "q"},
            "donate_argnames",
        ),
        ({"engine": "xla", "checked": 1}, "checked"),
        ({"engine": "xla", "checked": False, "guards": True}, "guards=True needs"),
    ],
)
def test_mistakes_are_said(options: Any, what: str) -> None:
    with pytest.raises((TypeError, ValueError), match=what):
        jit(lambda x: x, **options)


def test_a_jitted_function_is_pickled_without_its_plans() -> None:
    import pickle  # noqa: PLC0415

    step = jit(squared_sum, engine="xla")
    step(np.ones(2))
    again = pickle.loads(pickle.dumps(step))
    assert same(again(np.ones(2)), step(np.ones(2)))


# -- functions of Python in a plan -----------------------------------------------------


def test_a_schedule_and_a_clip_are_those_of_numpy() -> None:
    rule = optim.chain(optim.clip_by_norm(0.5), optim.sgd(optim.Exponential(0.1, 0.5)))

    def trained(w: Any, state: Any) -> Any:
        _, gradient = squared_sum(w).unwrap()
        changes, state = rule.update(gradient, state, w)
        return optim.apply_updates(w, changes), state

    step = jit(trained, engine="xla")
    w = other = np.array([3.0, 4.0])
    state = others = rule.init(w)
    for _ in range(3):
        w, state = step(w, state)
        other, others = trained(other, others)
        np.testing.assert_allclose(w, other, rtol=1e-15)
    assert state == others
    assert "as it is" not in step.report()


def test_numbers_stay_numbers_beside_arrays_of_jax() -> None:
    """A count that became an array would make another plan."""
    rule = optim.adam(0.1)

    def trained(w: Any, state: Any, rate: float) -> Any:
        _, gradient = squared_sum(w).unwrap()
        changes, state = rule.update(gradient, state, w)
        return optim.apply_updates(w, changes), state, rate, rate * 2

    step = jit(trained, engine="xla")
    w = of_jax(np.array([3.0, 4.0]))
    state: Any = tree.map(
        lambda x: of_jax(x) if isinstance(x, np.ndarray) else x, rule.init(np.ones(2))
    )
    for i in range(3):
        w, state, rate, doubled = step(w, state, 0.5)
        assert (state.steps, rate, doubled) == (i + 1, 0.5, 1.0)
        assert [type(x) for x in (state.steps, rate, doubled)] == [int, float, float]
        assert isinstance(w, jax.Array)
    assert "1 plan, 2 runs" in step.report(), step.report()


def test_what_python_raises_in_a_plan_is_raised() -> None:
    rule = optim.clip_by_norm(1.0)

    def clipped(g: Any) -> Any:
        return rule.update(g, rule.init(g), g)[0]

    step = jit(clipped, engine="xla")
    assert (step(np.ones(2)) == np.ones(2) / 2**0.5).all()
    with pytest.raises(ValueError, match="clip_by_norm: the gradients have the norm"):
        step(np.array([np.inf, 1.0]))


def test_what_python_raises_is_said_where_its_arguments_were_given_away() -> None:
    rule = optim.clip_by_norm(1.0)

    def clipped(g: Any) -> Any:
        return rule.update(g, rule.init(g), g)[0]

    step = jit(clipped, engine="xla", checked=False, donate_argnames="g")
    step(of_jax(np.ones(2)))
    with pytest.raises((ValueError, RuntimeError), match="clip_by_norm: the gr"):
        step(of_jax(np.array([np.inf, 1.0])))


# -- leaves ----------------------------------------------------------------------------


def test_leaves_of_other_libraries() -> None:
    torch = pytest.importorskip("torch")
    for x in (torch.arange(3.0, dtype=torch.float64), of_jax(np.arange(3.0))):
        value = leaf(x).bind(exp).bind(value_of).eval().unwrap()
        assert same(value, np.exp(np.arange(3.0)))
    narrow = torch.ones(3)
    found: Any = (
        leaf(narrow).bind(lambda a: const(np.ones(3)).bind(lambda b: mul(a, b))).run()
    )
    assert "dtype" in str(found.failure())


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (lambda torch: torch.ones(2, requires_grad=True), "detach"),
        (lambda torch: torch.ones(2, dtype=torch.bfloat16), "convert its dtype"),
        (lambda torch: torch.ones(2, dtype=torch.complex64), "complex64"),
        (lambda _: jnp.ones(2, jnp.bfloat16), "convert its dtype"),
    ],
)
def test_leaves_that_are_refused(made: Any, what: str) -> None:
    with pytest.raises(TypeError, match=what):
        leaf(made(pytest.importorskip("torch")))


def test_a_value_that_jax_traces_is_no_leaf() -> None:
    with pytest.raises(TypeError, match="as_jax"):
        jax.jit(const)(1.0)


def test_nothing_warns() -> None:
    p, x, labels = drawn(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step = jit(EAGER, engine="xla")
        step(p, x, labels)
        step({"w": jnp.asarray(p["w"])}, jnp.asarray(x), jnp.asarray(labels))
