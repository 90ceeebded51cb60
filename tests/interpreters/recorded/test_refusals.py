"""What ``backward_m`` refuses: ids, seeds, and what rules give."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Final

import numpy as np
import pytest

import tapem_dsl
from tapem_dsl import (
    Do,
    NodeId,
    Op,
    TapeM,
    apply_op,
    backward_m,
    backward_scalar,
    const,
    do,
    leaf,
    mul,
    sum_,
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
from tests.untyped import LOOSE

X: Final = NodeId(0)


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
