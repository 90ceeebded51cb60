"""The sweep: order, gating, contents of the result, and every error text."""

import tracemalloc
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Success

from tapem_dsl import (
    Array,
    Do,
    Namespace,
    Node,
    NodeId,
    Op,
    Shape,
    Tape,
    add,
    apply_op,
    backward,
    backward_dense,
    backward_dense_all,
    backward_dense_from,
    backward_dense_step,
    backward_scalar,
    const,
    div,
    do,
    leaf,
    linear,
    mul,
    param,
    rationals,
    scale,
    sum_,
    tanh,
    throw,
    vjp_rules,
)
from tapem_dsl.errors import (
    GradientDTypeMismatch,
    Refused,
    RequirementNotMet,
    ShapeMismatch,
)
from tapem_dsl.ops.arithmetic import Add, Mul
from tapem_dsl.tape.equality import same
from tests.oracles import usual
from tests.random_tapes import DTYPES, arrays, ids_of, tapes, zeros_like

# Any, throughout: tapes of several scalars go through the same checks.
ONE: Any = np.float64(1)
SEEN: list[tuple[str, Any]] = []


@dataclass(frozen=True, slots=True)
class Probe(Op):
    """The identity of one operand, or the sum of several; its rule reports."""

    name = "probe"

    tag: str = ""
    gives: str = "right"

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return sum(inputs[1:], start=inputs[0])


@vjp_rules.define(Probe)
def _probe(
    op: Probe,
    xp: Namespace,
    g: Array,
    xs: tuple[Array, ...],
    y: Array,
    need: tuple[bool, ...],
) -> tuple[Array | None, ...]:
    SEEN.append((op.tag, need))
    wrong: dict[str, Any] = {
        "shape": np.zeros((7,)),
        "dtype": np.float32(1),
        "list": [1.0],
        "few": (),
        "none": (None,) * len(xs),
    }
    if op.gives in ("few", "none"):
        few: tuple[Array | None, ...] = wrong[op.gives]
        return few
    if op.gives == "overwrites":
        g *= 2
        return tuple(g for _ in xs)
    if op.gives == "bare":
        bare: Any = g
        return bare  # type: ignore[no-any-return] # the mistake
    if op.gives == "refuses":
        raise Refused(ShapeMismatch("probe", shapes=(), wants="no gradient"))
    if op.gives == "division":
        return tuple(x / (x - x) for x in xs)
    return tuple(wrong.get(op.gives, g) for _ in xs)


@dataclass(frozen=True, slots=True)
class Ruleless(Op):
    name = "ruleless"

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return inputs[0]


def run(program: Any) -> tuple[NodeId, Tape[Any]]:
    pair: tuple[NodeId, Tape[Any]] = program.run().unwrap()
    return pair


def ids(*numbers: int) -> tuple[NodeId, ...]:
    return tuple(map(NodeId, numbers))


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    SEEN.clear()


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


@do
def mixed() -> Do[NodeId]:
    """Golden: a frozen 2 and a trainable 5; ``2 * (scale(2, 3) * 5)`` in two halves."""
    frozen = yield from const(2.0)  # 0
    tripled = yield from scale(frozen, 3.0)  # 1
    squared = yield from mul(frozen, tripled)  # 2
    trainable = yield from param(5.0)  # 3
    product = yield from mul(squared, trainable)  # 4
    return (yield from add(product, product))  # 5


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


# -- wrt -------------------------------------------------------------------------------


def test_wrt_keeps_and_computes_only_what_is_wanted() -> None:
    @do
    def program() -> Do[NodeId]:
        a = yield from param(2.0)  # 0
        b = yield from param(3.0)  # 1
        left = yield from apply_op(Probe("left"), a)  # 2
        right = yield from apply_op(Probe("right"), b)  # 3
        return (yield from mul(left, right))  # 4

    out, tape = run(program())
    assert backward_scalar(tape, out, wrt=ids(0)).unwrap() == {0: 3.0}
    assert [tag for tag, _ in SEEN] == ["left"]
    assert backward_scalar(tape, out, wrt=ids(3)).unwrap() == {3: 2.0}
    assert [tag for tag, _ in SEEN] == ["left"]
    assert backward_scalar(tape, out, wrt=ids(1, 0, 1)).unwrap() == {0: 3.0, 1: 2.0}
    assert backward_scalar(tape, out, wrt=()).unwrap() == {}
    assert backward_scalar(tape, out, wrt=(out,)).unwrap() == {out: 1.0}
    grads: Any = backward_dense(tape, out, 1.0, wrt=ids(0)).unwrap()
    assert grads == (3.0, None, None, None, None)
    assert tape == run(program())[1]


def test_wrt_of_a_frozen_node_and_of_no_node_fails() -> None:
    out, tape = run(mixed())
    frozen = backward_scalar(tape, out, wrt=ids(0, 3)).failure()
    assert isinstance(frozen, RequirementNotMet)
    assert frozen.ids == (NodeId(0),)
    assert backward_scalar(tape, out, wrt=ids(3)).unwrap() == {3: 24.0}
    for id in (-1, 6):
        error = backward_scalar(tape, out, wrt=ids(id)).failure()
        assert error.message == "autograd: invalid node id"
    inner = NodeId(4)
    assert backward_scalar(tape, inner, wrt=(out,)).unwrap() == {}


@pytest.mark.parametrize("wrt", [3, leaf(1.0), None.__class__, [1.0], [True]])
def test_wrt_that_is_no_collection_of_ids_is_refused(wrt: Any) -> None:
    out, tape = run(mixed())
    with pytest.raises(TypeError, match=r"wrt takes a collection|a node id is the int"):
        backward(tape, out, 1.0, wrt=wrt)


def test_a_sweep_with_wrt_holds_few_cotangents_at_a_time() -> None:
    @do
    def program(depth: int) -> Do[NodeId]:
        x = yield from param(np.ones(10_000))
        for _ in range(depth):
            x = yield from scale(x, 1.0)
        return (yield from sum_(x))

    out, tape = run(program(200))

    def peak(**options: Any) -> int:
        tracemalloc.start()
        try:
            backward_scalar(tape, out, **options).unwrap()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(wrt=ids(0)) < 10 * 80_000 < 200 * 80_000 < peak()


# -- entry errors ----------------------------------------------------------------------


def test_an_output_that_is_no_node_is_refused_first() -> None:
    _, tape = run(mixed())
    for id in (-1, 6, 2**70):
        error = backward_dense(tape, NodeId(id), np.zeros(9)).failure()
        assert error.message == "autograd: invalid output id"
        assert error.facts() == {"id": id, "size": 6}


@pytest.mark.parametrize("seed", [np.zeros(1), np.zeros((1, 1)), np.zeros(3)])
def test_a_seed_of_another_shape_is_refused(seed: Any) -> None:
    out, tape = run(mixed())
    for sweep in (backward_dense, backward_dense_all, backward):
        error = sweep(tape, out, seed).failure()
        assert error.message == "autograd: seed gradient shape mismatch for output"
        assert error.facts() == {
            "id": 5,
            "expected": (),
            "found": seed.shape,
            "fix": "",
        }


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 2), (0,)])
def test_backward_scalar_wants_a_scalar(shape: Shape) -> None:
    out, tape = run(param(np.ones(shape)))
    error = backward_scalar(tape, out).failure()
    assert error.message == "autograd: seed gradient shape mismatch for output"


@pytest.mark.parametrize("seed", [np.float32(1), np.int64(1), np.bool_(True)])
def test_a_seed_of_another_scalar_type_is_refused(seed: Any) -> None:
    out, tape = run(mixed())
    error = backward(tape, out, seed).failure()
    assert error.message == "autograd: seed dtype mismatch"


def test_a_python_number_as_seed_takes_the_tapes_scalar_type() -> None:
    out, tape = run(param(np.float32(2)).bind(lambda x: mul(x, x)))
    assert same(backward(tape, out, 0.5).unwrap()[NodeId(0)], np.float32(2))
    out, tape = run(param(rationals(2)).bind(lambda x: mul(x, x)))
    exact = backward(tape, out, 0.5).unwrap()[NodeId(0)]
    assert same(exact, rationals(2))


def test_what_is_no_tape_no_id_and_no_seed_is_refused() -> None:
    out, tape = run(mixed())
    wrong: Any = param(1.0)
    with pytest.raises(TypeError, match=r"sweeps a Tape, not a TapeM.*run the program"):
        backward(wrong, out, 1.0)
    with pytest.raises(TypeError, match="did you forget `yield from`"):
        backward(tape, wrong, 1.0)
    with pytest.raises(TypeError, match="a str is no value"):
        backward(tape, out, "1")  # type: ignore[arg-type] # the mistake
    with pytest.raises(TypeError, match="needs the id of the output"):
        backward_scalar(tape)  # type: ignore[call-overload] # the mistake
    with pytest.raises(TypeError, match="sweeps a Tape, not 3"):
        backward_scalar(3, out)  # type: ignore[call-overload] # the mistake
    with pytest.raises(TypeError, match="did you forget `yield from`"):
        backward_scalar(wrong)


# -- errors of rules and of hand-made nodes --------------------------------------------


def test_an_op_without_a_rule_is_named() -> None:
    out, tape = run(param(1.0).bind(lambda x: apply_op(Ruleless(), x)))
    error = backward_scalar(tape, out).failure()
    assert error.message == "autograd: no vjp rule for op 'ruleless'"
    frozen = run(const(1.0).bind(lambda x: apply_op(Ruleless(), x)))
    assert backward_scalar(frozen[1], frozen[0]) == Success({1: 1.0})


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        ("shape", "autograd: gradient contribution has wrong shape for parent"),
        ("dtype", "autograd: contribution dtype mismatch"),
        ("refuses", "autograd: shape mismatch"),
    ],
)
def test_a_rule_that_goes_wrong_is_a_failure(gives: str, message: str) -> None:
    out, tape = run(param(1.0).bind(lambda x: apply_op(Probe(gives=gives), x)))
    assert backward_scalar(tape, out).failure().message == message


def test_a_rule_that_divides_a_rational_by_zero_is_a_failure() -> None:
    out, tape = run(
        param(rationals(1)).bind(lambda x: apply_op(Probe(gives="division"), x))
    )
    error = backward_scalar(tape, out).failure()
    assert error.message == "autograd: probe: division by zero"


def test_a_refusal_of_a_rule_says_which_op_and_nodes() -> None:
    program = param(1.0, name="x").bind(lambda x: apply_op(Probe(gives="refuses"), x))
    out, tape = run(program)
    facts = backward_scalar(tape, out).failure().facts()
    assert (facts["op"], facts["ids"], facts["names"]) == ("probe", (0,), ("x",))


@pytest.mark.parametrize("uses", [1, 2, 3])
def test_a_rule_cannot_write_to_the_cotangent_it_is_given(uses: int) -> None:
    @do
    def program() -> Do[NodeId]:
        x = yield from param(np.ones(2))
        y = yield from apply_op(Probe(gives="overwrites"), x)
        total = y
        for _ in range(uses - 1):
            total = yield from add(total, y)
        return (yield from sum_(total))

    out, tape = run(program())
    with pytest.raises(ValueError, match="read-only"):
        backward_scalar(tape, out)


@pytest.mark.parametrize("gives", ["few", "list", "bare"])
def test_a_rule_of_the_wrong_form_is_a_mistake_in_its_text(gives: str) -> None:
    out, tape = run(param(1.0).bind(lambda x: apply_op(Probe(gives=gives), x)))
    with pytest.raises(
        TypeError, match=r"gave (0 cotangents|no tuple) for 1|expected a NumPy array"
    ):
        backward_scalar(tape, out)


@pytest.mark.parametrize("parents", [(0, 9), (-1, 0), (0, -9), (5,), (0, 0, 9)])
def test_a_parent_that_is_no_node_is_a_failure(parents: tuple[int, ...]) -> None:
    nodes = [Node(None, (), ONE), Node(Add(), ids(*parents), ONE)]
    tape: Tape[Any] = Tape(nodes)
    error = backward_scalar(tape, NodeId(1)).failure()
    assert error.message == "autograd: invalid parent id during backward"


@pytest.mark.parametrize("parent", [1, 2])
def test_a_hand_made_cycle_ends(parent: int) -> None:
    nodes: list[Any] = [Node(None, (), np.ones(2), True)]
    nodes += [Node(Mul(), ids(0, parent), np.ones(2), True) for _ in range(2)]
    tape: Tape[Any] = Tape(nodes)
    assert isinstance(backward(tape, NodeId(2), np.ones(2)), Success)
    assert isinstance(backward(tape, NodeId(2), np.ones(2), wrt=ids(0)), Success)


def test_a_hand_made_value_of_the_wrong_shape_is_a_failure() -> None:
    nodes: list[Any] = [
        Node(None, (), ONE),
        Node(Add(), ids(0, 0), np.ones(3)),
    ]
    error = backward(Tape(nodes), NodeId(1), np.ones(3)).failure()
    assert error.message == "autograd: gradient contribution has wrong shape for parent"


# -- total arrays and single steps -----------------------------------------------------


def test_backward_dense_from_wants_a_slot_for_each_node() -> None:
    _, tape = run(mixed())
    error = backward_dense_from(tape, [0.0] * 5).failure()
    assert error.message == "autograd: initial dense gradient array has wrong length"
    assert error.facts() == {"expected": 6, "found": 5}


@pytest.mark.parametrize("slot", [3, 4, 5])
def test_backward_dense_from_wants_each_slot_of_its_nodes_shape(slot: int) -> None:
    _, tape = run(mixed())
    slots: list[Any] = [0.0] * 6
    slots[slot] = np.zeros(2)
    error = backward_dense_from(tape, slots).failure()
    assert error.message == "autograd: gradient array has wrong shape for node"
    assert error.facts() == {"id": slot, "expected": (), "found": (2,)}
    slots[slot] = np.float32(0)
    assert "dtype mismatch" in backward_dense_from(tape, slots).failure().message


def test_backward_dense_from_does_not_look_at_the_slots_of_frozen_nodes() -> None:
    _, tape = run(mixed())
    slots: list[Any] = [np.zeros(7), 0.0, 0.0, 0.0, 0.0, 1.0]
    assert backward_dense_from(tape, slots).unwrap()[3] == 24.0


def test_a_step_out_of_bounds_says_so() -> None:
    _, tape = run(mixed())
    beyond = backward_dense_step(tape, [None] * 6, NodeId(6)).failure()
    assert beyond.message == "autograd: internal error (gradient array out of bounds)"
    missing = backward_dense_step(tape, [None] * 6 + [1.0], NodeId(6)).failure()
    assert missing.message == "autograd: internal error (node missing)"
    assert isinstance(backward_dense_step(tape, [None] * 7, NodeId(6)), Success)
    short = [None] * 5 + [1.0]
    assert isinstance(backward_dense_step(tape, short, NodeId(5)), Success)
    strange = Tape([Node(Add(), ids(1, 1), ONE), Node(None, (), ONE)])
    parent = backward_dense_step(strange, [1.0], NodeId(0)).failure()
    assert parent.message == "autograd: internal error (gradient array out of bounds)"


def test_a_step_wants_slots_of_their_nodes_shapes() -> None:
    _, tape = run(mixed())
    upstream = [None] * 5 + [np.zeros(2)]
    error = backward_dense_step(tape, upstream, NodeId(5)).failure()
    assert error.message == "autograd: upstream gradient shape mismatch"
    existing: list[Any] = [None] * 4 + [np.zeros(2), 1.0]
    error = backward_dense_step(tape, existing, NodeId(5)).failure()
    assert error.message == "autograd: gradient shape mismatch during accumulation"


def test_a_step_wants_slots_of_their_nodes_scalar_types() -> None:
    @do
    def program() -> Do[NodeId]:
        w = yield from param(np.ones((2, 2)))
        b = yield from param(np.ones(2))
        return (yield from linear(w, b, b))

    out, tape = program().run().unwrap()
    exact = rationals([[1, 1], [1, 1]])
    error = backward_dense_step(tape, [exact, None, np.ones(2)], out).failure()
    assert isinstance(error, GradientDTypeMismatch)
    assert (error.id, error.expected, error.found) == (NodeId(0), "float64", "object")


def test_a_step_at_a_leaf_looks_at_nothing() -> None:
    _, tape = run(mixed())
    odd: list[Any] = [None, None, None, np.zeros(7), None, None]
    assert same(backward_dense_step(tape, odd, NodeId(3)).unwrap(), tuple(odd))


def test_a_step_at_an_empty_or_frozen_node_changes_nothing() -> None:
    _, tape = run(mixed())
    assert backward_dense_step(tape, [None] * 6, NodeId(5)).unwrap() == (None,) * 6
    slots = [None, None, 1.0, None, None, None]
    assert backward_dense_step(tape, slots, NodeId(2)).unwrap() == tuple(slots)


# -- properties on random tapes --------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@usual
@given(data=st.data())
def test_backward_dense_is_the_fold_of_its_step(
    dtype: Any, data: st.DataObject
) -> None:
    tape = data.draw(tapes(dtype))
    out = data.draw(ids_of(tape))
    seed = data.draw(arrays(tape[out].value.shape, dtype))
    folded: Any = Success(tuple(seed if id == out else None for id in tape.ids()))
    for id in reversed(tape.ids()):
        folded = folded.bind(partial(backward_dense_step, tape, id=id))
    assert same(folded.unwrap(), backward_dense(tape, out, seed).unwrap())


@pytest.mark.parametrize("dtype", DTYPES)
@usual
@given(data=st.data())
def test_backward_dense_all_is_backward_dense_from_a_one_hot(
    dtype: Any, data: st.DataObject
) -> None:
    """Every rule here takes zero cotangents to zero contributions: then they agree."""
    tape = data.draw(tapes(dtype))
    out = data.draw(ids_of(tape))
    seed = data.draw(arrays(tape[out].value.shape, dtype))
    one_hot = [zeros_like(node.value) for node in tape]
    one_hot[out] = seed
    swept = backward_dense_all(tape, out, seed).unwrap()
    from_one_hot = backward_dense_from(tape, one_hot).unwrap()
    assert len(swept) == len(from_one_hot) == len(tape)
    for ours, theirs in zip(swept, from_one_hot, strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)  # 0.0 and -0.0 are one


@given(tapes(), st.data())
def test_wrt_gives_the_entries_of_the_whole_sweep(
    tape: Tape[Any], data: st.DataObject
) -> None:
    out = data.draw(ids_of(tape))
    flagged = [id for id in tape.ids() if tape[id].requires_grad or id == out]
    wanted = data.draw(st.sets(st.sampled_from(flagged)))
    seed = data.draw(arrays(tape[out].value.shape))
    whole = backward(tape, out, seed).unwrap()
    some = backward(tape, out, seed, wrt=wanted).unwrap()
    assert same(dict(some), {id: g for id, g in whole.items() if id in wanted})


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
    assert received == (-1e16 + 1.0) + 1e16 == 0.0
    assert (-1e16 + 1e16) + 1.0 == 1.0  # from left to right


@pytest.mark.parametrize("count", [1, 3])
def test_an_order_of_another_length_is_a_type_error(count: int) -> None:
    @do
    def program() -> Do[NodeId]:
        x = yield from param(1.0)
        return (yield from apply_op(Backwards(), *[x] * count))

    out, tape = run(program())
    with pytest.raises(TypeError, match=rf"has {count} operands, but its"):
        backward_scalar(tape, out)
