"""Programs as values: ``==``, ``hash``, ``repr`` and pickling, at any depth."""

import copy
import operator
import pickle
import subprocess
import sys
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from returns.result import Success

from tapem_dsl import (
    Array,
    Do,
    Namespace,
    Node,
    NodeId,
    Op,
    Shape,
    TapeError,
    TapeM,
    add,
    apply_op,
    const,
    do,
    fold_m,
    for_m,
    get_tape,
    leaf,
    map_m,
    mul,
    pure,
    rationals,
    relu,
    scale,
    throw,
    value_of,
    when_m,
)
from tapem_dsl.ops.activations import Relu
from tapem_dsl.ops.arithmetic import Add, Scale
from tapem_dsl.tape.equality import same
from tapem_dsl.testing import assert_equivalent


@dataclass(frozen=True)
class Sample:
    x: NDArray[np.float64]
    y: float


class Pair(NamedTuple):
    x: NDArray[np.float64]
    y: float


class Model:
    @do
    def loss(self, x: float) -> Do[NodeId]:
        return (yield from leaf(x))


MODEL = Model()


@do
def loss_of(sample: "Sample | Pair") -> Do[NodeId]:
    return (yield from const(sample.x))


def step(total: int, x: int) -> TapeM[int]:
    return pure(total + x)


def increment(n: int) -> int:
    return n + 1


def go_on(n: int) -> TapeM[int]:
    return pure(n)


def recover(n: int, error: TapeError) -> TapeM[int]:
    return pure(n + len(error.message))


def sample(value: float = 1.0) -> Sample:
    return Sample(np.array([value, 2.0]), 1.0)


# Pairs: two constructions of one program, then programs that differ from it.
CASES: list[tuple[Any, Any, list[Any]]] = [
    (lambda: pure(1), "pure(1)", [pure(2), pure(True), pure(1.0)]),
    (lambda: pure(float("nan")), "pure(nan)", [pure(1.0)]),
    (lambda: pure([1, (2,)]), "pure([1, (2,)])", [pure([1, [2]]), pure((1, (2,)))]),
    (lambda: pure({"a": 1}), "pure({'a': 1})", [pure({"a": 2}), pure({"b": 1})]),
    (lambda: pure({1, 2}), "pure({1, 2})", [pure({1, 3}), pure({1.0, 2})]),
    (
        lambda: leaf(np.array([1.0, 2.0]), name="w"),
        "leaf(float64[2], name='w')",
        [
            leaf(np.array([1.0, 3.0]), name="w"),
            leaf(np.array([1.0, 2.0])),
            const(np.array([1.0, 2.0]), name="w"),
            leaf(np.array([1.0, 2.0], dtype=np.float32), name="w"),
        ],
    ),
    (lambda: const(0.0), "const(0.0)", [const(-0.0), const(Fraction(0))]),
    (
        lambda: leaf(rationals([1, "1/3"])),
        "leaf(object[2])",
        [leaf(rationals([1, "2/3"]))],
    ),
    (
        lambda: add(NodeId(0), NodeId(1)),
        "add(0, 1)",
        [add(NodeId(1), NodeId(0)), mul(NodeId(0), NodeId(1))],
    ),
    (
        lambda: scale(NodeId(0), Fraction(1, 2)),
        "scale(0, factor=Fraction(1, 2))",
        [scale(NodeId(0), 0.5), scale(NodeId(0), Fraction(1, 3))],
    ),
    (lambda: throw("no"), "throw(Thrown(text='no'))", [throw("yes"), pure("no")]),
    (get_tape, "get_tape()", [value_of(NodeId(0))]),
    (lambda: value_of(NodeId(2)), "value_of(2)", [value_of(NodeId(1))]),
    (lambda: pure(1).map(increment), "pure(1).map(increment)", [pure(1).map(str)]),
    (lambda: pure(1).bind(go_on), "pure(1).bind(go_on)", [pure(2).bind(go_on)]),
    (
        lambda: pure(1).apply(pure(increment)),
        "pure(1).apply(<TapeM: pure(increment)>)",
        [pure(1).apply(pure(str)), pure(1).map(increment)],
    ),
    (
        lambda: throw("no").lash(partial(recover, 1)),
        None,
        [throw("no").lash(partial(recover, 2)), throw("no").lash(pure)],
    ),
    (
        lambda: fold_m(step, 0, [1, 2]),
        "fold_m(step, 0, (1, 2))",
        [
            fold_m(step, 0, [2, 1]),
            fold_m(step, 1, [1, 2]),
            fold_m(operator.add, 0, [1]),
        ],
    ),
    (
        lambda: loss_of(sample()),
        None,
        [loss_of(sample(9.0)), loss_of(Pair(np.array([1.0, 2.0]), 1.0))],
    ),
    (lambda: loss_of(Pair(np.array([1.0]), 1.0)), None, [loss_of(sample())]),
    (lambda: map_m(go_on, [1, 2]), None, [map_m(go_on, [1]), map_m(go_on, [2, 1])]),
    (lambda: for_m([1.0], leaf), None, [for_m([2.0], leaf), for_m([1.0], const)]),
    (lambda: when_m(True, leaf(1.0)), None, [when_m(False, leaf(1.0))]),
    (lambda: MODEL.loss(1.0), None, [Model().loss(1.0), MODEL.loss(2.0)]),
    (lambda: pure(MODEL.loss), None, [pure(Model().loss)]),
]


@pytest.mark.parametrize(("make", "text", "others"), CASES)
def test_equality_hash_and_repr(make: Any, text: str | None, others: list[Any]) -> None:
    first, second = make(), make()
    assert first == second
    assert hash(first) == hash(second)
    assert repr(first) == repr(second)
    assert text is None or repr(first) == f"<TapeM: {text}>"
    for other in others:
        assert first != other
        assert other != first


PICKLED = [case for case in CASES if "MODEL" not in str(case[0].__code__.co_names)]


@pytest.mark.parametrize(("make", "text", "others"), PICKLED)
def test_pickling_gives_an_equal_program(
    make: Any, text: str | None, others: list[Any]
) -> None:
    again = pickle.loads(pickle.dumps(make()))
    assert again == make()
    assert all(again != other for other in others)
    assert_equivalent(again, make())


def test_an_unpickled_leaf_is_frozen() -> None:
    again = pickle.loads(pickle.dumps(leaf(np.zeros(3))))
    value = again.exec().unwrap().nodes()[0].value
    assert not value.flags.writeable


def test_a_program_pickles_into_another_process() -> None:
    program = leaf(2.0).bind(relu).bind(value_of)
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer).eval())"
    result = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(program),
        capture_output=True,
        check=True,
    )
    assert result.stdout.decode().strip() == "<Success: 2.0>"


def test_a_program_is_immutable_and_its_own_copy() -> None:
    program = pure([1])
    assert copy.copy(program) is program
    assert copy.deepcopy(program) is program
    with pytest.raises(AttributeError):
        program.other = 1


def test_an_op_compares_by_class_and_parameters_however_it_is_decorated() -> None:
    assert Add() == Add()
    assert hash(Add()) == hash(Add())
    assert Scale(1) != Scale(True)
    assert Scale(0.0) != Scale(-0.0)
    assert Scale(Fraction(1, 2)) != Scale(0.5)
    assert Scale(1.0) != "scale"
    assert apply_op(Scale(1.0), NodeId(0)) == scale(NodeId(0), 1.0)


@dataclass(frozen=True, eq=False)
class WithoutEq(Relu):  # type: ignore[misc] # a final op, here only to be decorated
    factor: float


class ByHand(Op):
    name = "by_hand"

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return inputs[0]


@dataclass(frozen=True)
class Slotless(ByHand):
    factor: float


class Extended(Slotless):
    """An undecorated subclass with one parameter more."""

    def __init__(self, factor: float, more: float) -> None:
        super().__init__(factor)
        object.__setattr__(self, "more", more)


@pytest.mark.parametrize("make", [WithoutEq, ByHand, Slotless])
def test_so_does_an_op_decorated_otherwise_or_not_at_all(make: Any) -> None:
    assert make(2.0) == make(2.0)
    assert make(2.0) != make(3.0)
    assert make(1) != make(True)
    assert make(np.zeros(2)) == make(np.zeros(2))


def test_an_ops_every_attribute_counts_and_its_own_equality_is_refused() -> None:
    assert Extended(1.0, 2.0) == Extended(1.0, 2.0)
    assert Extended(1.0, 2.0) != Extended(1.0, 3.0)
    with pytest.raises(TypeError, match="ops compare by parameters"):
        type("Mine", (ByHand,), {"__eq__": lambda self, other: True})


def test_ops_that_differ_by_hand_are_planned_apart() -> None:
    @dataclass(frozen=True)
    class Repeat(Op):
        name = "repeat"

        def shape(self, *inputs: Shape) -> Shape:
            return (self.times,)

        def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
            return np.full(self.times, inputs[0] + inputs[1])

        times = 1

    class Twice(Repeat):
        def __init__(self, times: int) -> None:
            object.__setattr__(self, "times", times)

    tape = leaf(1.0).exec().unwrap()
    x = NodeId(0)
    for times in (2, 3):
        made = apply_op(Twice(times), x, x).exec(tape).unwrap()
        assert made.nodes()[-1].value.shape == (times,)


# -- same, on what programs may hold ---------------------------------------------------


class Loose:
    """Equal to everything, like a mock."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


class Hostile:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("do not compare me")

    __hash__ = None  # type: ignore[assignment] # how Python says so


@dataclass(eq=False)
class ByIdentity:
    x: int


@dataclass
class Never:
    """A dataclass with a will of its own."""

    x: int

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment] # how Python says so


class Loosened(Sample):
    """An undecorated subclass: its fields are not all there is."""

    def __init__(self, x: Any, extra: int) -> None:
        super().__init__(np.zeros(1), x)
        object.__setattr__(self, "extra", extra)


class Tagged(list[int]):
    def __init__(self, items: list[int], tag: str) -> None:
        super().__init__(items)
        self.tag = tag


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1, True, False),
        (0.0, -0.0, False),
        (np.float32(1), np.float64(1), False),
        (np.zeros(2), np.zeros(2), True),
        (np.zeros(2), np.zeros(3), False),
        (np.zeros(2), np.zeros(2, dtype=np.float32), False),
        (np.array([1, 2]), np.array([1, 2]), True),
        (np.array(["a"]), np.array(["b"]), False),
        (np.array([1 + 2j]), np.array([1 + 2j]), True),
        (np.array([0.0 + 0j]), np.array([complex(-0.0, 0.0)]), False),
        (np.array([1, 2.0], dtype=object), np.array([1, 2], dtype=object), False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),  # iteration tells them apart
        (frozenset({1}), frozenset({1}), True),
        (frozenset({0.0}), frozenset({False}), False),
        (range(3), range(3), True),
        (Loose(), Loose(), True),
        (Loose(), 1, False),
        (Hostile(), Hostile(), False),
        (ByIdentity(1), ByIdentity(1), False),
        (Never(1), Never(1), False),
        (Loosened(1, 2), Loosened(1, 2), True),
        (Loosened(1, 2), Loosened(1, 3), False),
        (defaultdict(int, a=1), defaultdict(int, a=1), True),
        (defaultdict(int, a=1), defaultdict(bool, a=1), False),
        (Tagged([1], "a"), Tagged([1], "a"), True),
        (Tagged([1], "a"), Tagged([1], "b"), False),
        (OrderedDict(a=1), OrderedDict(a=1), True),
        (np.ma.masked_array([1.0], [True]), np.ma.masked_array([1.0], [False]), False),
        (frozenset({(1,)}), frozenset({(True,)}), False),
        ({0.0}, {-0.0}, False),
        (0j, complex(0.0, -0.0), False),
        (1 + 2j, 1 + 2j, True),
        (Pair(np.zeros(2), 1.0), Pair(np.zeros(2), 1.0), True),
        (Pair(np.zeros(2), 1.0), Pair(np.zeros(2), 1), False),
        (partial(pow, 2), partial(pow, 2), True),
        (partial(pow, 2), partial(pow, 3), False),
        ([1].append, [1].append, False),
        (int, int, True),
        (Success([1.0]), Success([1.0]), True),
        (Success([1.0]), Success([1]), False),
        (Node(None, (), np.float64(1)), Node(None, (), np.float64(1)), True),  # type: ignore[arg-type] # a scalar is an array of shape ()
    ],
)
def test_same_is_structural_and_strict(a: object, b: object, expected: bool) -> None:
    assert same(a, b) is expected
    assert same(b, a) is expected
    hostile = Hostile()
    assert same([hostile], [hostile])


def test_same_ends_on_cycles_and_on_shared_parts() -> None:
    first: list[Any] = [1]
    first.append(first)
    second: list[Any] = [1]
    second.append(second)
    assert same(first, second)
    second[0] = 2
    assert not same(first, second)
    ours: Any = (1.0,)
    theirs: Any = (1.0,)
    for _ in range(200):  # 2**200 leaves without sharing
        ours, theirs = (ours, ours), (theirs, theirs)
    assert same(ours, theirs)


# -- 200,000 binds ---------------------------------------------------------------------


def deep(kind: str, count: int) -> TapeM[int]:
    program: TapeM[int] = pure(0)
    for _ in range(count):
        match kind:
            case "bind":
                program = program.bind(go_on)
            case "map":
                program = program.map(increment)
            case "lash":
                program = program.lash(throw)
            case _:
                program = pure(0).apply(program.map(lambda_free))
    return program


def lambda_free(_: object) -> Any:
    return increment


@pytest.mark.parametrize(
    ("kind", "count"),
    [("bind", 200_000), ("map", 50_000), ("lash", 50_000), ("apply", 20_000)],
)
def test_a_deep_program_is_a_value_like_any_other(kind: str, count: int) -> None:
    program, again = deep(kind, count), deep(kind, count)
    assert program == again
    assert hash(program) == hash(again)
    assert len(repr(program)) < 400
    assert pickle.loads(pickle.dumps(program)) == again
    assert program != again.map(str)
    assert program.eval() == again.eval()
    del program, again


def test_repr_shortens_chains_collections_and_nests() -> None:
    chain = repr(deep("bind", 1000))
    assert chain.startswith("<TapeM: pure(0) ... 994 more ... .bind(go_on)")
    wide = repr(fold_m(step, 0, range(10_000)))
    assert wide == "<TapeM: fold_m(step, 0, (0, 1, 2, 3, 4, 5, ...))>"
    nested: Any = pure(0)
    for _ in range(50):
        nested = pure(nested)
    assert "..." in repr(nested)
    assert len(repr(nested)) < 200
