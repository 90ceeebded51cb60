"""TorchLean's lemmas of loaders and optimisers."""

import inspect
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from tapem_dsl import Array, NodeId, optim, rationals, train, tree
from tapem_dsl.errors import LoadError
from tapem_dsl.tape.equality import same
from tapem_dsl.tape.value import zeros_like
from tapem_dsl.testing.strategies import DTYPES, SHAPES, tensors
from tapem_dsl.train import Dataset, sgd_update_tensor
from tests.oracles import brief, usual

# -- loaders ---------------------------------------------------------------------------

FRACTIONS: Final = st.fractions(max_denominator=9)


@usual
@given(xs=st.lists(FRACTIONS, max_size=5), n=st.integers(0, 5))
def test_vector_of_an_array_is_that_of_its_list(xs: list[Fraction], n: int) -> None:
    array = rationals(xs)
    vector = train.vector_of_list("t", n, list(array))
    assert same(train.vector_of_list("t", n, array), vector)
    if len(xs) == n:
        assert vector.unwrap().tolist() == [float(x) for x in xs]
    else:
        text = f"t: expected {n} entries, got {len(xs)}"
        assert vector.failure().message == text


@usual
@given(
    extents=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    m=st.integers(0, 3),
    n=st.integers(0, 3),
)
def test_matrix_of_arrays_is_that_of_their_lists(
    extents: tuple[int, int], m: int, n: int
) -> None:
    rows = np.arange(extents[0] * extents[1], dtype=float).reshape(extents)
    matrix = train.matrix_of_lists("t", m, n, [list(row) for row in rows])
    assert same(train.matrix_of_lists("t", m, n, rows), matrix)
    if extents[0] != m:
        text = f"t: expected {m} rows, got {extents[0]}"
        assert matrix.failure().message == text
    elif m and extents[1] != n:
        text = f"t: row 1: expected {n} entries, got {extents[1]}"
        assert matrix.failure().message == text
    else:
        assert matrix.unwrap().shape == (m, n)
        assert matrix.unwrap().tolist() == rows.tolist()


@usual
@given(xs=st.lists(FRACTIONS, max_size=4), ys=st.lists(st.text(), max_size=4))
def test_dataset_of_pairs_succeeds_exactly_where_the_lengths_are_equal(
    xs: list[Fraction], ys: list[str]
) -> None:
    short = min(len(xs), len(ys))
    for a, b in ((xs, ys), (xs[:short], ys[:short])):
        pairs = train.dataset_of_pairs("t", a, b)
        if len(a) == len(b):
            assert pairs == Success(Dataset.of_list(zip(a, b, strict=True)))
        else:
            text = f": length mismatch: {len(a)} vs {len(b)}"
            assert pairs == Failure(LoadError("t", text))


# -- plain descent ---------------------------------------------------------------------


@st.composite
def moving(draw: st.DrawFn, dtype: Any = object) -> tuple[Array, Array]:
    """A parameter and a gradient like it."""
    shape = draw(st.sampled_from(SHAPES))
    return draw(tensors(shape, dtype)), draw(tensors(shape, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@brief
@given(data=st.data(), rate=st.fractions(0, 2, max_denominator=8))
def test_sgd_update_tensor_is_the_update_of_sgd(
    dtype: Any, data: st.DataObject, rate: Fraction
) -> None:
    p, g = data.draw(moving(dtype))
    moved = sgd_update_tensor(p, g, rate)
    change, state = optim.Sgd().update(g, optim.Sgd().init(p), p, rate)
    assert same(moved, optim.apply_updates(p, change))
    assert state == optim.Sgd().init(p)
    transform = optim.sgd(rate)
    assert same(moved, transform.move(g, transform.init(p), p)[0])
    entry = optim.ParamEntry(NodeId(0), "p", p)
    optimiser = optim.Optimizer((optim.ParamGroup((entry.id,), optim.Sgd(), rate),))
    _, table = optimiser.step(optim.ParamTable((entry,)), {entry.id: g}).unwrap()
    assert same(moved, table.entries[0].value)
    if dtype is object:  # index by index, without an array's arithmetic
        expected = [a - b * rate for a, b in zip(p.flat, g.flat, strict=True)]
        assert list(moved.flat) == expected


# -- states ----------------------------------------------------------------------------

RULES: Final[list[Any]] = [
    rule
    for rule in vars(optim).values()
    if inspect.isclass(rule)
    and issubclass(rule, optim.UpdateRule)
    and rule != optim.UpdateRule
]
COUNTING: Final = (optim.Momentum, optim.Adam)


def test_every_rule_is_there() -> None:
    names = {rule.__name__ for rule in RULES}
    assert names >= {"Sgd", "Momentum", "AdaGrad", "RmsProp", "Adam", "AdamW"}
    assert names >= {"Adadelta"}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", RULES)
@brief
@given(data=st.data())
def test_a_state_begins_with_zeros_and_at_step_0(
    rule: Any, dtype: Any, data: st.DataObject
) -> None:
    p, _ = data.draw(moving(dtype))
    state = rule().init(p)
    for part in state:
        expected = 0 if isinstance(part, int) else zeros_like(p)
        assert same(part, expected)
    assert ("steps" in state._fields) == issubclass(rule, COUNTING)


@pytest.mark.parametrize("name", ["sgd", "momentum", "adagrad", "rmsprop", "adam"])
def test_a_transform_begins_so_for_each_leaf(name: str) -> None:
    pytree = {"w": rationals([[1, 2]]), "b": rationals(3)}
    state = getattr(optim, name)(Fraction(1, 2)).init(pytree)
    assert state.steps == 0
    leaves, _ = tree.flatten(state)
    for leaf in leaves:
        assert not np.any(leaf)


@pytest.mark.parametrize("rule", RULES)
@brief
@given(data=st.data(), steps=st.integers(1, 4))
def test_a_counter_grows_by_one_with_every_gradient(
    rule: Any, data: st.DataObject, steps: int
) -> None:
    """Zero gradients count as well, and a step counts once for all leaves."""
    p, g = data.draw(moving(np.float64))
    state = rule().init(p)
    for step in range(steps):
        if issubclass(rule, COUNTING):
            assert state.steps == step
        _, state = rule().update(g, state, p, 0.1)
    if issubclass(rule, COUNTING):
        assert state.steps == steps
    transform = optim.by_leaf(rule(), 0.1)
    stepped = transform.init([p, p])
    for _ in range(steps):
        _, stepped = transform.update([g, None], stepped, [p, p])
    assert stepped.steps == steps


@brief
@given(data=st.data(), steps=st.integers(1, 4))
def test_over_rationals_momentum_counts_and_remembers_exactly(
    data: st.DataObject, steps: int
) -> None:
    p, g = data.draw(moving())
    rule = optim.Momentum(momentum=Fraction(1, 2))
    state = rule.init(p)
    for _ in range(steps):
        _, state = rule.update(g, state, p, Fraction(1, 10))
    assert state.steps == steps
    whole = sum((Fraction(1, 2**k) for k in range(steps)), start=Fraction(0))
    assert [*state.buffer.flat] == [x * whole for x in g.flat]
