"""TorchLean's optimiser over a table of parameters."""

from typing import Any

import numpy as np
import pytest

from tapem_dsl import Array, NodeId, rationals
from tapem_dsl.errors import ParameterError
from tapem_dsl.optim import (
    Adam,
    LinearWarmup,
    Momentum,
    Optimizer,
    ParamEntry,
    ParamGroup,
    ParamTable,
    Sgd,
    adam,
    apply_updates,
)
from tapem_dsl.tape.equality import same


def table(*values: Any) -> ParamTable:
    entries = [ParamEntry(NodeId(i), f"p{i}", x) for i, x in enumerate(values)]
    return ParamTable(tuple(entries))


def group(*ids: int, rule: Any = None, **options: Any) -> ParamGroup:
    rule = Sgd() if rule is None else rule
    return ParamGroup(tuple(map(NodeId, ids)), rule, **{"rate": 0.5, **options})


def grads(**by_id: Any) -> dict[NodeId, Array]:
    return {NodeId(int(key[1:])): g for key, g in by_id.items()}


ONE = np.float64(1)


def test_each_parameter_moves_by_its_group() -> None:
    optimiser = Optimizer((group(0), group(1, rule=Momentum(), rate=0.1)))
    after, moved = optimiser.step(table(ONE, ONE), grads(i0=ONE, i1=ONE)).unwrap()
    assert [entry.value for entry in moved.entries] == [0.5, 0.9]
    assert [entry.name for entry in moved.entries] == ["p0", "p1"]
    assert after.steps == 1
    assert optimiser == Optimizer(optimiser.groups)  # nothing of it changed


def test_what_has_no_gradient_stays_with_its_state_and_its_count() -> None:
    optimiser = Optimizer((group(0, 1, rule=Adam(epsilon=1e-8), rate=0.1),))
    after, moved = optimiser.step(table(ONE, ONE), grads(i0=ONE)).unwrap()
    after, moved = after.step(moved, grads(i1=ONE)).unwrap()
    values = [entry.value for entry in moved.entries]
    assert values == pytest.approx([0.9, 0.9], abs=1e-5)
    assert [after.states[NodeId(i)].steps for i in (0, 1)] == [1, 1]
    assert after.steps == 2


def test_a_table_and_a_pytree_move_alike() -> None:
    rng = np.random.default_rng(0)
    p, transform = rng.normal(size=3), adam(0.1)
    optimiser, moved = Optimizer((group(0, rule=Adam(), rate=0.1),)), table(p)
    state = transform.init(p)
    for _ in range(5):
        g = rng.normal(size=3)
        updates, state = transform.update(g, state, p)
        p = apply_updates(p, updates)
        optimiser, moved = optimiser.step(moved, grads(i0=g)).unwrap()
    np.testing.assert_array_equal(moved.entries[0].value, p)


def test_schedules_count_steps_from_0() -> None:
    optimiser = Optimizer((group(0, schedule=LinearWarmup(1.0, 2)),))
    values, moved = [], table(ONE)
    for _ in range(3):
        optimiser, moved = optimiser.step(moved, grads(i0=ONE)).unwrap()
        values.append(float(moved.entries[0].value))
    assert values == [1.0, 0.5, -0.5]


def test_a_table_finds_and_replaces_parameters_by_id() -> None:
    two = table(np.ones(2), ONE)
    assert same(two.get_tensor("t", NodeId(1), ()).unwrap(), ONE)
    missing = two.get_tensor("t", NodeId(7), ()).failure()
    assert missing.message == "t: missing param id 7"
    other = two.get_tensor("t", NodeId(0), (3,)).failure()
    assert other.message == "t: param shape mismatch for id 0"
    assert two.set(NodeId(1), np.float64(5)).entries[1].value == 5
    assert two.set(NodeId(9), np.float64(5)) == two


TWICE = ParamTable(table(ONE).entries * 2)


@pytest.mark.parametrize(
    ("optimiser", "given", "gradients", "text"),
    [
        (Optimizer((group(0),)), TWICE, {}, "duplicate parameter id 0"),
        (
            Optimizer((group(0), group(0))),
            table(ONE),
            {},
            "param id 0 appears in multiple groups",
        ),
        (
            Optimizer((group(0, 0),)),
            TWICE,
            {},
            "duplicate parameter id 0",
        ),
        (
            Optimizer((group(0, 3),)),
            table(ONE),
            {},
            "parameter group references unknown id 3",
        ),
        (Optimizer(()), table(ONE), {}, "no parameter group for id 0"),
        (
            Optimizer((group(0),)),
            table(ONE),
            grads(i0=np.ones(2)),
            "gradient shape mismatch for id 0",
        ),
        (
            Optimizer(
                (group(0, rule=Momentum()),),
                states={NodeId(0): Momentum().init(np.ones(2))},
            ),
            table(ONE),
            grads(i0=ONE),
            "state shape mismatch for id 0",
        ),
    ],
)
def test_what_does_not_go_together_is_a_failure(
    optimiser: Optimizer, given: ParamTable, gradients: Any, text: str
) -> None:
    error = optimiser.step(given, gradients).failure()
    assert isinstance(error, ParameterError)
    assert error.message == f"optim: {text}"


def test_a_step_of_a_table_is_exact_over_rationals() -> None:
    optimiser = Optimizer((group(0),))
    third = rationals(["1/3"])
    _, moved = optimiser.step(table(third), grads(i0=third)).unwrap()
    assert moved.entries[0].value.tolist() == rationals(["1/6"]).tolist()
