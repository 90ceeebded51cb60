"""The sweep: its order, which nodes it visits, and what it gives back."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from returns.result import Success

from tapem_dsl import (
    Array,
    Do,
    Namespace,
    NodeId,
    Op,
    Shape,
    add,
    apply_op,
    backward,
    backward_dense,
    backward_dense_all,
    backward_dense_from,
    backward_scalar,
    const,
    div,
    do,
    mul,
    param,
    rationals,
    scale,
    sum_,
    tanh,
    throw,
    vjp_rules,
)
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.tape.equality import same
from tests.interpreters.reverse.probe import SEEN, Probe, ids, mixed, run
from tests.untyped import LOOSE

# -- order and contents ----------------------------------------------------------------


@do
def diamond() -> Do[NodeId]:
    x = yield from param(2.0)  # 0
    left = yield from apply_op(Probe("left"), x)  # 1
    right = yield from apply_op(Probe("right"), x)  # 2
    both = yield from mul(left, right)  # 3
    yield from apply_op(Probe("after"), both)  # 4: above the output
    yield from apply_op(Probe("aside"), x)  # 5
    return both


def test_nodes_are_visited_downwards_and_only_where_reached() -> None:
    out, tape = run(diamond())
    grads: Any = backward_dense(tape, out, 1.0).unwrap()
    assert [tag for tag, _ in SEEN] == ["right", "left"]
    assert grads == (4.0, 2.0, 2.0, 1.0, None, None)
    assert len(grads) == len(tape)


def test_interior_nodes_are_in_the_map_in_increasing_order() -> None:
    out, tape = run(diamond())
    grads = backward_scalar(tape, out).unwrap()
    assert list(grads) == [0, 1, 2, 3]
    assert {type(id).__name__ for id in grads} == {"int"}


def test_contributions_are_added_in_order_of_arrival_the_earlier_on_the_left() -> None:
    big = 1e16

    @do
    def program() -> Do[NodeId]:
        x = yield from param(1.0)
        first = yield from scale(x, big)
        second = yield from scale(x, -big)
        third = yield from scale(x, 1.0)
        total = yield from add(first, second)
        return (yield from add(total, third))

    out, tape = run(program())
    # arriving from the higher ids first: (1 - big) + big, where 1 - big rounds to -big
    assert backward_scalar(tape, out).unwrap()[NodeId(0)] == (1.0 - big) + big == 0.0


def test_one_operand_twice_contributes_twice() -> None:
    out, tape = run(param(3.0).bind(lambda x: add(x, x)))
    grads: Any = backward_dense(tape, out, 1.0).unwrap()
    assert grads == (2.0, 1.0)


def test_a_reached_node_runs_its_rule_though_its_cotangent_is_zero() -> None:
    @do
    def program() -> Do[NodeId]:
        x = yield from param(0.0)
        infinite = yield from div((yield from const(1.0)), x)
        return (yield from scale(infinite, 0.0))

    out, tape = run(program())
    assert np.isnan(backward_scalar(tape, out).unwrap()[NodeId(0)])


def test_an_unreached_singular_node_poisons_nothing() -> None:
    @do
    def program() -> Do[NodeId]:
        x = yield from param(0.0)
        out = yield from param(5.0)
        yield from div((yield from const(1.0)), x)
        return out

    out, tape = run(program())
    grads: Any = backward_dense_all(tape, out, 1.0).unwrap()
    assert grads == (0.0, 1.0, 0.0, 0.0)
    everything = backward_dense_from(tape, [0.0, 1.0, 0.0, 0.0]).unwrap()
    assert np.isnan(everything[0])


# -- gating ----------------------------------------------------------------------------


def test_frozen_nodes_get_no_entry_and_frozen_subgraphs_run_no_rule() -> None:
    out, tape = run(mixed())
    assert [node.requires_grad for node in tape] == [False] * 3 + [True] * 3
    assert backward_scalar(tape, out).unwrap() == {3: 24.0, 4: 2.0, 5: 1.0}
    grads: Any = backward_dense_all(tape, out, 1.0).unwrap()
    assert grads == (0, 0, 0, 24.0, 2.0, 1.0)


def test_a_frozen_output_gives_its_seed_and_nothing_else() -> None:
    out, tape = run(const(3.0).bind(lambda x: apply_op(Probe(), x)))
    assert backward_scalar(tape, out).unwrap() == {out: 1.0}
    assert SEEN == []
    leaf_only = run(const(3.0))
    assert backward_scalar(leaf_only[1], leaf_only[0]).unwrap() == {0: 1.0}


def test_a_rule_is_told_which_operands_want_a_cotangent() -> None:
    @do
    def program() -> Do[NodeId]:
        a = yield from const(1.0)
        b = yield from param(1.0)
        c = yield from const(1.0)
        return (yield from apply_op(Probe("three"), a, b, c))

    out, tape = run(program())
    assert backward_scalar(tape, out).unwrap() == {1: 1.0, 3: 1.0}
    assert SEEN == [("three", (False, True, False))]


def test_a_wrong_contribution_to_a_frozen_parent_is_dropped_unseen() -> None:
    @do
    def program() -> Do[NodeId]:
        a = yield from const(1.0)
        b = yield from param(1.0)
        wrong = yield from apply_op(Probe("wrong", gives="shape"), a)
        return (yield from add(wrong, b))

    out, tape = run(program())
    assert backward_scalar(tape, out).unwrap() == {1: 1.0, 3: 1.0}


def test_a_rule_may_give_none_for_no_contribution() -> None:
    out, tape = run(param(1.0).bind(lambda x: apply_op(Probe(gives="none"), x)))
    assert backward_scalar(tape, out).unwrap() == {1: 1.0}


# -- what is given back ----------------------------------------------------------------


def test_gradients_are_readonly_and_independent_of_another_call() -> None:
    out, tape = run(param(np.ones(3)).bind(lambda x: mul(x, x)).bind(sum_))
    first, second = (backward_scalar(tape, out).unwrap() for _ in range(2))
    assert same(first, second)
    assert not first[NodeId(0)].flags.writeable
    three = run(param(np.ones(3)).bind(lambda x: add(x, x)).bind(lambda y: add(y, y)))
    for g in backward(three[1], three[0], np.ones(3)).unwrap().values():
        assert not g.flags.writeable
    exact = run(param(rationals(3)).bind(lambda x: add(x, x)))
    assert not backward_scalar(*reversed(exact)).unwrap()[NodeId(0)].flags.writeable


def test_the_program_reads_the_tape_and_leaves_it_alone() -> None:
    @do
    def program() -> Do[tuple[Any, Any]]:
        x = yield from param(3.0)
        y = yield from mul(x, x)
        first = yield from backward_scalar(y)
        second = yield from backward_scalar(y, wrt=(x,))
        return first, second

    (first, second), tape = program().run().unwrap()
    assert first == {0: 6.0, 1: 1.0}
    assert second == {0: 6.0}
    assert [node.label for node in tape] == ["leaf", "mul"]
    assert backward_scalar(NodeId(1)) == backward_scalar(NodeId(1))
    assert backward_scalar(NodeId(1)) != backward_scalar(NodeId(1), wrt=ids(0))


def test_a_failed_sweep_in_a_program_is_its_failure() -> None:
    program = param(1.0).bind(lambda _: backward_scalar(NodeId(7)))
    assert program.run().failure().message == "autograd: invalid output id"
    assert program.lash(lambda _: throw("recovered")).run() == throw("recovered").run()


def test_a_sweep_hides_numpys_warnings_and_keeps_its_error_state() -> None:
    out, tape = run(param(1e308).bind(lambda x: scale(x, 1e308)).bind(tanh))
    with np.errstate(all="raise"):
        assert isinstance(backward_scalar(tape, out), Success)


# -- an order of an op's own -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Backwards(Op):
    """Hands 1e16 to its first operand and 1 to its last, the last one first."""

    name = "backwards"
    contribution_order = (1, 0)

    def shape(self, *inputs: Shape) -> Shape:
        return ()

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return inputs[0] * 1


@vjp_rules.define(Backwards)
def _backwards(
    op: Backwards, xp: Any, g: Array, xs: Any, y: Array, need: Any
) -> tuple[Array | None, ...]:
    return (g * 1e16, *[None] * (len(xs) - 2), g)


def test_an_op_says_in_which_order_its_operands_receive() -> None:
    @do
    def program() -> Do[NodeId]:
        x = yield from param(1.0)
        both = yield from apply_op(Backwards(), x, x)
        less = yield from scale(x, -1e16)
        return (yield from add(both, less))

    out, tape = run(program())
    received = backward_scalar(tape, out).unwrap()[NodeId(0)]
    assert received == (-1e16 + 1.0) + 1e16 == 0.0  # from left to right it is 1


@pytest.mark.parametrize("count", [1, 3])
def test_an_order_of_another_length_is_a_type_error(count: int) -> None:
    @do
    def program() -> Do[NodeId]:
        x = yield from param(1.0)
        return (yield from apply_op(Backwards(), *[x] * count))

    out, tape = run(program())
    with pytest.raises(TypeError, match=rf"has {count} operands, but its"):
        backward_scalar(tape, out)


def test_later_contributions_are_added_beside_a_dual_one() -> None:
    """Plain, plain, dual, plain: the sum of the first two is no array to add to."""

    @do
    def program() -> Do[NodeId, Any]:
        x = yield from param(np.ones(2))
        c = yield from LOOSE.const(Dual(np.ones(2), np.ones(2), 1))
        last = yield from scale(x, 1)
        dual = yield from mul(x, c)
        plain = [(yield from scale(x, 10)), (yield from scale(x, 100))]
        total = yield from add(last, dual)
        for y in plain:
            total = yield from add(total, y)
        return (yield from sum_(total))

    out, tape = program().run().unwrap()
    slope: Any = backward_scalar(tape, out).unwrap()[NodeId(0)]
    assert slope.primal.tolist() == [112, 112]
    assert slope.tangent.tolist() == [1, 1]
