"""Recording: what is checked once for a class of op is checked for every op."""

import pickle
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Array,
    Do,
    Namespace,
    NodeId,
    Op,
    Shape,
    TapeM,
    apply_op,
    const,
    do,
    leaf,
    map_m,
    mul,
    rationals,
    relu,
    value_of,
)
from tapem_dsl.errors import DTypeMismatch, OutsideDomain, Refused
from tapem_dsl.ops.arithmetic import Mul
from tapem_dsl.tape.record import _KERNELS


class Strict(Op):
    """The operand, if no instance says otherwise; parameters where none are seen."""

    __slots__ = ()

    name = "strict"

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def check_dtypes(self, *inputs: np.dtype[Any]) -> None:
        if getattr(self, "strict", False):
            raise Refused(DTypeMismatch(self.name, dtypes=(), wants="nothing"))

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return inputs[0] + 0


@dataclass(frozen=True)
class WithDict(Strict):
    """An instance attribute that is no field."""


class WithSlot(Strict):
    __slots__ = ("strict",)


@dataclass(frozen=True, init=False)
class BelowSlot(WithSlot):
    """No field of its own, and no slot of its own."""

    __slots__ = ()


@pytest.mark.parametrize("kind", [WithDict, WithSlot, BelowSlot])
@pytest.mark.parametrize("value", [np.ones(2), np.float64(1)])
def test_a_parameter_that_is_no_field_takes_part_in_checks(
    kind: type[Strict], value: Array
) -> None:
    lax, strict = kind(), kind()
    object.__setattr__(strict, "strict", True)
    for _ in range(2):
        assert const(value).bind(lambda x: apply_op(lax, x)).run().unwrap()
        error = const(value).bind(lambda x: apply_op(strict, x)).run().failure()
        assert isinstance(error, DTypeMismatch)


def test_operands_of_many_kinds_are_told_apart() -> None:
    """Checks that are skipped for float64 are made for float32 and labels."""
    for value, dtype in [
        (np.ones(2), np.float64),
        (np.ones(2, np.float32), np.float32),
        (rationals([1, 2]), np.object_),
        (np.float32(1), np.float32),
        (np.float64(1), np.float64),
    ]:
        program: TapeM[NodeId, Any] = const(value)
        (_, node) = program.bind(relu).exec().unwrap()
        assert node.value.dtype == dtype
    error = const(np.array([1])).bind(relu).run().failure()
    assert isinstance(error, DTypeMismatch)


@dataclass(frozen=True, slots=True)
class Total(Op):
    """The sum of any number of operands."""

    name = "total"

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0] if inputs else ()

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return sum(inputs[1:], start=inputs[0]) if inputs else np.float64(0)


def test_an_op_of_many_operands_is_recorded_and_not_remembered() -> None:
    many: TapeM[tuple[NodeId, ...], Any] = map_m(const, [np.ones(2)] * 3000)
    before = len(_KERNELS)
    (*_, last) = many.bind(lambda ids: apply_op(Total(), *ids)).exec().unwrap()
    assert last.value.tolist() == [3000, 3000]
    assert len(_KERNELS) == before


def test_an_op_of_no_operand_is_recorded_and_says_nothing_of_many() -> None:
    assert apply_op(Total()).exec().unwrap().nodes()[0].value == 0
    mixed = [*[np.ones(2)] * 9, np.ones(2, np.float32)]
    many: TapeM[tuple[NodeId, ...], Any] = map_m(const, mixed)
    error = many.bind(lambda ids: apply_op(Total(), *ids)).run().failure()
    assert isinstance(error, DTypeMismatch)


@pytest.mark.parametrize("writeable", [True, False])
def test_arrays_share_one_object_for_each_dtype(writeable: bool) -> None:
    """An unpickled array has a dtype of its own, equal but not the same object."""
    x = pickle.loads(pickle.dumps(np.ones(3)))
    assert x.dtype is not np.dtype(np.float64)
    x.flags.writeable = writeable
    program = leaf(x)
    for again in (program, pickle.loads(pickle.dumps(program))):
        tape = again.exec().unwrap()
        for nodes in (tape, pickle.loads(pickle.dumps(tape))):
            (node,) = nodes
            assert node.value.dtype is np.dtype(np.float64)
            assert not node.value.flags.writeable
    if not writeable:
        assert np.shares_memory(program.exec().unwrap().nodes()[0].value, x)


class DividesByZero(Total):
    __slots__ = ()

    def check_dtypes(self, *inputs: np.dtype[Any]) -> None:
        Fraction(1, 0)


def test_a_division_by_zero_of_rationals_is_a_failure_wherever_it_happens() -> None:
    exact = const(Fraction(1)).bind(lambda x: apply_op(DividesByZero(), x))
    assert isinstance(exact.run().failure(), OutsideDomain)
    plain = const(1.0).bind(lambda x: apply_op(DividesByZero(), x))
    with pytest.raises(ZeroDivisionError):
        plain.run()


@pytest.mark.parametrize(
    "shape",
    [[], [2], 5, np.int64(5), np.array([]), np.array([2]), np.array([2, 3]), ""],
)
def test_what_is_no_shape_is_refused_at_the_call(shape: Any) -> None:
    with pytest.raises(TypeError, match="a shape is a tuple of extents"):
        relu(NodeId(0), shape=shape)


class Twice(Mul):  # type: ignore[misc] # final to checkers only
    """``2 * a * b``: its own meaning, not the operator that it inherits."""

    __slots__ = ()

    name = "twice"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        a, b = inputs
        return a * b * 2


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_an_op_that_overrides_evaluate_inherits_no_operator(dtype: Any) -> None:
    three = const(dtype(3))
    found = three.bind(lambda a: apply_op(Twice(), a, a)).bind(value_of).eval()
    assert found.unwrap() == 18


def test_an_op_is_evaluated_again_where_a_block_made_warnings_errors() -> None:
    @do
    def strict() -> Do[NodeId]:
        big = yield from const(1e308)
        with np.errstate(all="raise"):
            return (yield from mul(big, big))

    tape = strict().exec().unwrap()
    assert tape[NodeId(1)].value == np.inf


def test_a_users_division_by_zero_is_theirs_unless_over_rationals() -> None:
    class Divides(Strict):
        __slots__ = ()

        name = "divides"

        def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
            return inputs[0] * (1 // 0)

    with pytest.raises(ZeroDivisionError):
        const(1.0).bind(lambda a: apply_op(Divides(), a)).run()
    exact = const(Fraction(1)).bind(lambda a: apply_op(Divides(), a)).run()
    assert isinstance(exact.failure(), OutsideDomain)
