"""Programs as values: ``==``, ``hash``, ``repr`` and pickling, at any depth."""

import copy
import operator
import pickle
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import tapem_dsl
from tapem_dsl import (
    Do,
    Node,
    NodeId,
    Tape,
    TapeError,
    TapeM,
    add,
    apply_op,
    backward,
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
from tapem_dsl.testing import (
    assert_equivalent,
    check_gradients,
    explain_difference,
)
from tapem_dsl.testing.sample_ops import SAMPLE_OPS
from tests.interpreters.render.hostile import ZERO, Hostile


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
ZEROS = np.zeros(2)
ONE: Any = pure(1)  # Any: also of functions that it does not take
FAILING: Any = throw("a")


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
    (lambda: pure(float("nan")), "pure(float('nan'))", [pure(1.0)]),
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
        "pure(1).apply(pure(increment))",
        [pure(1).apply(pure(str)), pure(1).map(increment)],
    ),
    (
        lambda: throw("no").lash(partial(recover, 1)),
        "throw(Thrown(text='no')).lash(partial(recover, 1))",
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
def test_equal_programs_have_one_hash_and_one_repr(
    make: Any, text: str | None, others: list[Any]
) -> None:
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
    swaps: Any = pure(0)
    for _ in range(1000):
        swaps = swaps.swap()
    assert repr(swaps).startswith("<TapeM: pure(0) ... 994 more ... .swap()")
    nested: Any = pure(0)
    for _ in range(50):
        nested = pure(nested)
    assert "..." in repr(nested)
    assert len(repr(nested)) < 200


def _helper(n: int) -> TapeM[int]:
    return pure(n)


@pytest.mark.parametrize(
    ("program", "text"),
    [
        (pure(1).map(partial(operator.add, 2)), "pure(1).map(partial(add, 2))"),
        (
            leaf(1.0).bind(partial(scale, factor=2)),
            "leaf(1.0).bind(partial(scale, factor=2))",
        ),
        (
            fold_m(partial(partial(recover), 1), 0, [1]),
            "fold_m(partial(recover, 1), 0, (1,))",
        ),
        (
            pure(1).map(partial(np.full, (2,), np.zeros(3))),
            "pure(1).map(partial(full, (2,), float64[3]))",
        ),
        (pure(1).map(lambda n: n + 1), "pure(1).map(lambda n: ...)"),
        (
            ONE.map(lambda n, *, k=ZEROS, s="=": (n, k, s)),
            "pure(1).map(lambda n, *, k=float64[2], s='=': ...)",
        ),
        (pure(lambda: 0), "pure(lambda: ...)"),
        (pure(1).map(str), "pure(1).map(str)"),
        (pure(1.0).map(np.exp), "pure(1.0).map(np.exp)"),
        (pure(1).bind(_helper), "pure(1).bind(_helper)"),
        (map_m(_helper, [1]), "map_m(_helper, (1,))"),
        (throw("a").swap(), "throw(Thrown(text='a')).swap()"),
        (FAILING.alt(increment), "throw(Thrown(text='a')).alt(increment)"),
        (ONE.bind_result(increment), "pure(1).bind_result(increment)"),
        (pure(leaf(1.0)), "pure(leaf(1.0))"),
        (leaf(1.0, name="\x1b[31m"), "leaf(1.0, name='\\x1b[31m')"),
    ],
)
def test_repr_reads_as_code(program: Any, text: str) -> None:
    assert repr(program) == f"<TapeM: {text}>"


KINDS = (np.float16, np.float32, np.float64, np.longdouble)
BAD = [kind(x) for kind in KINDS for x in (np.nan, np.inf, -np.inf)]


@pytest.mark.parametrize("x", BAD, ids=repr)
def test_a_program_of_what_is_not_finite_is_the_value_of_its_repr(x: Any) -> None:
    for program in (
        leaf(x),
        const(x, "c"),
        pure(float(x)),
        pure((1, [float(x)])),
        map_m(pure, [float(x)]),
        leaf(1.0).bind(partial(scale, factor=float(x))),
    ):
        text = repr(program).removeprefix("<TapeM: ").removesuffix(">")
        assert eval(text, globals()) == program


def test_rationals_are_the_values_of_their_reprs() -> None:
    program = leaf(Fraction(1, 3), "x").bind(partial(scale, factor=Fraction(2, 7)))
    text = repr(program).removeprefix("<TapeM: ").removesuffix(">")
    assert "Fraction(1, 3)" in text
    assert eval(text, globals()) == program


class Rude:
    """Its text would clear a terminal."""

    def __repr__(self) -> str:
        return "\x1b[2J\nrude\x07"


def test_control_characters_of_users_reach_no_terminal() -> None:
    rude: Any = Rude()
    name = "\x1b[31m\nw"
    frozen = const(1.0, name).exec().unwrap()
    id = frozen.ids()[0]
    swapped = pure(rude).swap().run().failure()
    texts = [
        repr(pure(rude)),
        repr(pure([rude])),
        repr(leaf(1.0, name)),
        repr(frozen),
        repr(frozen[id]),
        str(swapped),
        *backward(frozen, id, np.zeros(2)).failure().place.nodes,
        explain_difference(pure({rude: 1}), pure({rude: 2})).replace("\n", ""),
        str(check_gradients(lambda p: scale(p[name], 2), {name: 1.0}).unwrap()).replace(
            "\n", ""
        ),
    ]
    for function, given in ((apply_op, (rude, id)), (scale, (id, rude))):
        with pytest.raises(TypeError) as raised:
            function(*given)
        texts.append(str(raised.value))
    for text in texts:
        assert text.isprintable(), text
        assert "31m" in text or "rude" in text, text


def test_control_characters_in_names_of_ops_reach_no_terminal() -> None:
    op = Hostile("text")
    tape: Tape[Any] = Tape([Node(op, (), ZERO)])
    for shown in (tape, tape[tape.ids()[0]], apply_op(op)):
        text = repr(shown)
        assert text.isprintable(), text
        assert "x1b[2J" in text


@pytest.mark.parametrize(
    "text",
    [
        "backward_m(0)",
        "backward_m(0, wrt=(1,))",
        "backward_m(0, seed=2)",
        "backward_m(0, seed=2, wrt=(1, 3))",
        "backward_scalar(0)",
        "backward_scalar(0, wrt=(1,))",
        "value_of(0)",
        "get_tape()",
        "pure(np.float32(1.5))",
        "pure(np.float64(1.5))",
        "pure(np.float64('inf'))",
        "pure(np.int8(3))",
        "pure(np.True_)",
        "scale(0, factor=np.float32(1.5))",
    ],
)
def test_a_repr_is_the_code_of_an_equal_program(text: str) -> None:
    names = {**vars(tapem_dsl), "np": np}
    assert repr(eval(text, names)) == f"<TapeM: {text}>"


def operands_of(function: Any) -> int:
    """Count the nodes that a function of an op takes."""
    known = signature(function, eval_str=True).parameters.values()
    return sum(x.annotation == NodeId for x in known)


@pytest.mark.parametrize("op", SAMPLE_OPS, ids=[op.label for op in SAMPLE_OPS])
def test_the_repr_of_an_op_is_the_code_of_an_equal_program(op: Any) -> None:
    names = {**vars(tapem_dsl), "Fraction": Fraction}
    function = names[op.recorded_by or op.name]
    program = apply_op(op, *map(NodeId, range(operands_of(function))))
    text = repr(program).removeprefix("<TapeM: ").removesuffix(">")
    assert text.startswith(f"{function.__name__}(")
    assert eval(text, names) == program
