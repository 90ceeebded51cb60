"""
Every argument of every function, given what it cannot take.

What types would refuse is what is tried here: hence ``Any``.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from types import FunctionType
from typing import Any, get_origin, get_type_hints

import numpy as np
import pytest
from returns.result import Result, Success

import tapem_dsl
from tapem_dsl import EMPTY, NodeId, Op, Tape, TapeM, const, leaf, pure
from tapem_dsl.ops.arithmetic import Mul
from tapem_dsl.train import Dataset
from tests.kinds import Kind
from tests.untyped import GRADIENT, LOOSE

PROGRAM = const(1.0)
TAPE = leaf(1.0).exec().unwrap()
FUNCTIONS: dict[str, Any] = {
    name: value
    for name, value in vars(tapem_dsl).items()
    if isinstance(value, FunctionType) and name[0] != "_"
} | {f"tree.{name}": getattr(LOOSE.tree, name) for name in ("map", "param", "const")}

FUNCTIONS |= {
    f"{type(value).__name__}.{name}": getattr(value, name)
    for value in (PROGRAM, TAPE, Dataset.of_list([1.0]))
    for name, method in vars(type(value)).items()
    if name[0] != "_" and callable(getattr(value, name))
}


NO_ID = (2.0, "x", None, True, PROGRAM, [0], np.ones(2), np.int64(0), Fraction(1, 2))
NO_TEXT = (3, None, b"t", PROGRAM)
NO_INT = ("1", 1.5, True, [1], PROGRAM, np.ones(2))
NO_SHAPE = ([1], "1", 1.5, (0.5,), (True,), ("1",), PROGRAM)
NO_NUMBER = ("1", 1j, True, [1.0], PROGRAM, np.ones(2))
NO_FUNCTION = (3, "f", PROGRAM, [len])
NO_ITEMS = (3, None, PROGRAM, {1.0, 2.0}, frozenset((1.0, 2.0)))
SHAPE = Kind((1,), *NO_SHAPE)
FUNCTION = Kind(lambda *_: PROGRAM, *NO_FUNCTION)
BY_TYPE: dict[Any, Kind] = {
    NodeId: Kind(NodeId(0), *NO_ID),
    NodeId | None: Kind(NodeId(0), *[x for x in NO_ID if x is not None]),
    int: Kind(1, *NO_INT),
    str: Kind("t", *NO_TEXT),
    str | None: Kind("t", *[x for x in NO_TEXT if x is not None]),
    bool: Kind(True, PROGRAM),
    tuple[int, ...]: SHAPE,
    tuple[int, ...] | None: SHAPE,
    int | tuple[int, ...]: Kind(1, "1", 1.5, True, [1], (0.5,), (True,), PROGRAM),
    int | tuple[int, ...] | None: Kind(1, "1", 1.5, True, [1], (0.5,), PROGRAM),
    float | Fraction: Kind(1.0, *NO_NUMBER),
    Op: Kind(Mul(), 3, "mul", Mul, LOOSE.mul, PROGRAM),
    Iterable[NodeId] | None: Kind((NodeId(0),), 3, "x", (1.5,), PROGRAM, [PROGRAM]),
}

BY_ORIGIN: dict[Any, Kind] = {
    Tape: Kind(TAPE, 3, None, PROGRAM, [EMPTY]),
    TapeM: Kind(PROGRAM, 3, None, NodeId(0), len),
    Dataset: Kind(Dataset.of_list([1.0]), [1.0], None, np.ones(2), PROGRAM, "ab"),
    Result: Kind(EMPTY, 3, None, PROGRAM, ValueError("no")),
    Callable: FUNCTION,
    Iterable: Kind([1.0], *NO_ITEMS),
}

NO_VALUE = ([1.0], None, "x", PROGRAM, True, 1j, {1.0})
BY_NAME: dict[str, Kind] = {
    "value": Kind(1.0, *NO_VALUE),
    "seed": Kind(1.0, *NO_VALUE),
    "error": Kind("no", 3, None, ValueError("no"), PROGRAM),
    "directions": Kind([], 3, None, PROGRAM, np.float64(1)),
    "mask": Kind(None, [[True]], 3, np.ones((2, 2)), PROGRAM),
    "xs": Kind([1.0], 3, None, PROGRAM, {1.0}, "ab", np.ones(2), iter([1.0])),
    "mean_scalar_over_array.xs": Kind(
        [1.0], 3, None, PROGRAM, {1.0}, "ab", b"ab", {"a": 1.0}
    ),
    "mean_scalar_over_dataset.xs": Kind(
        Dataset.of_list([1.0]), [1.0], None, np.ones(2), PROGRAM, "ab"
    ),
    "tape": Kind(TAPE, 3, None, PROGRAM, [EMPTY]),
    "grads": Kind([1.0], 3, None, PROGRAM),
    "state": Kind(0, *NO_INT),
    "permute.axes": Kind((0,), *NO_SHAPE),
    "backward_scalar.tape": Kind(NodeId(0), *NO_ID),
    "other": Kind(Dataset.of_list([1.0]), [1.0], None, PROGRAM),
    "container": Kind(pure(str), 3, None, str),
    "node": Kind(TAPE[NodeId(0)], 3, None, PROGRAM),
    "TapeM.from_failure.inner_value": Kind("no", 3, None, ValueError("no"), PROGRAM),
    "TapeM.from_result.inner_value": Kind(Success(1), 3, None, PROGRAM),
    "deps": Kind(TAPE, 3, PROGRAM, [TAPE]),
    "TapeM.run.tape": Kind(TAPE, 3, PROGRAM, [TAPE]),
    "TapeM.eval.tape": Kind(TAPE, 3, PROGRAM, [TAPE]),
    "TapeM.exec.tape": Kind(TAPE, 3, PROGRAM, [TAPE]),
    "into": Kind(float, 3, None, "float", PROGRAM),
    "path": Kind("no such folder/a", 3, None, b"a", PROGRAM),
    "ops": Kind((), *NO_ITEMS, (int,), ("add",), (Mul(),)),
    "leaves": Kind({}, 3, None, [1.0], PROGRAM),
    "gradients": Kind({}, 3, [1.0], PROGRAM),
    "to_text.gradients": Kind({}, 3, PROGRAM),  # a list is of all nodes
    "print_tape.gradients": Kind({}, 3, PROGRAM),
    "gradients_to_text.tape": Kind(TAPE, 3, PROGRAM, [TAPE]),
    "outputs": Kind([NodeId(0)], *NO_ITEMS, [1.5], ["x"]),
    "how": Kind("lcg", 3, None, "fast"),
    "samples": Kind([1.0], *NO_ITEMS),
    "jit.function": FUNCTION,
    "jit.engine": Kind("numpy", 3, None, "fast", PROGRAM),
    "jit.static_argnames": Kind((), 3, None, PROGRAM, (1,)),
}
"""What annotations leave open."""
ANYTHING = {
    *("pure.value", "fold_m.init", "rationals.entries", "do.function"),
    *("tag_error.tag", "tag_error.message", "throw.error_"),
    *("backward_scalar.out", "gradients_to_text.gradients"),
    *("require_grad_tensor.grads", "require_grad_tensor.tag"),
    *("require_value_tensor.tag", "require_scalar_value.tag"),
}
"""What takes any value, or is tried in a test of its own."""


def kind_of(name: str, parameter: str, hint: Any) -> Kind | None:
    if f"{name}.{parameter}" in ANYTHING:
        return None
    known = BY_NAME.get(f"{name}.{parameter}")
    known = known or next((kind for of, kind in BY_TYPE.items() if of == hint), None)
    known = known or BY_NAME.get(parameter)
    origin = get_origin(hint)
    return known or next((k for of, k in BY_ORIGIN.items() if of is origin), None)


def parameters_of(function: Any) -> dict[str, tuple[inspect.Parameter, Any]]:
    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters
    return {name: (x, hints[name]) for name, x in parameters.items()}


def mistakes() -> Iterator[Any]:
    for name, function in FUNCTIONS.items():
        for parameter, (_, hint) in parameters_of(function).items():
            kind = kind_of(name, parameter, hint)
            for bad in () if kind is None else kind.bad:
                id = f"{name}-{parameter}-{type(bad).__name__}"
                yield pytest.param(function, name, parameter, bad, id=id)


def called(function: Any, name: str, wrong: str, bad: Any) -> None:
    """Call with good values for all but one parameter."""
    positional, by_name = [], {}
    for parameter, (x, hint) in parameters_of(function).items():
        if parameter == wrong:
            value = bad
        elif x.default is not x.empty:
            continue
        else:
            kind = kind_of(name, parameter, hint)
            value = 1.0 if kind is None else kind.good
        if x.kind is x.KEYWORD_ONLY:
            by_name[parameter] = value
        else:
            positional.append(value)
    function(*positional, **by_name)


@pytest.mark.parametrize(("function", "name", "parameter", "bad"), list(mistakes()))
def test_a_wrong_argument_raises_at_the_call_and_is_named(
    function: Any, name: str, parameter: str, bad: Any
) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        called(function, name, parameter, bad)
    assert caught.traceback[-1].frame.code.path != "<string>"
    said = str(caught.value)
    spoken = said.replace("_", "").lower()
    named = {name.rpartition(".")[2], parameter, "a leaf", "operand"}
    assert any(word.replace("_", "").lower() in spoken for word in named), said
    given = {repr(bad), str(bad), type(bad).__name__, "program"}
    given |= {repr(entry) for entry in bad} if isinstance(bad, tuple | list) else set()
    assert any(text in said for text in given), said
    assert re.search(r"[;:,]|such as|takes|yield from| not ", said), said


# -- what only a run can meet ----------------------------------------------------------


def rows(_: object) -> Any:
    return 1.5


@pytest.mark.parametrize(
    "run",
    [
        lambda: LOOSE.mean_scalar_over("t", [1.0], rows).run(),
        lambda: LOOSE.mean_scalar_over("t", [1.0, 2.0], first_only(rows)).run(),
        lambda: LOOSE.mean_scalar_over_array("t", [1.0], rows).run(),
        lambda: LOOSE.map_m(rows, [1.0]).run(),
        lambda: LOOSE.for_m([1.0], rows).run(),
        lambda: LOOSE.fold_m(lambda _, x: rows(x), 0, [1.0]).run(),
        lambda: leaf(1.0).bind(rows).run(),
        lambda: leaf(1.0).bind(lambda x: LOOSE.jvp_m(rows, x, x)).run(),
        lambda: GRADIENT(rows)(1.0),
        lambda: LOOSE.jvp(lambda p, x: rows(x), None, 1.0),
        lambda: LOOSE.vjp(lambda p, x: rows(x), None, 1.0, 1.0),
        lambda: LOOSE.hvp_params(lambda p, x: rows(x), 1.0, None, 1.0),
        lambda: LOOSE.hvp_inputs(lambda p, x: rows(x), None, 1.0, 1.0),
        lambda: LOOSE.jacrev_params(lambda p, x: rows(x), 1.0, None),
        lambda: LOOSE.jacrev_inputs(lambda p, x: rows(x), None, 1.0),
        lambda: LOOSE.jacfwd_input(rows, np.float64(1)),
        lambda: LOOSE.hessian_input(rows, np.float64(1)),
        lambda: LOOSE.derivative(lambda p, x: rows(x), None, 1.0, []),
    ],
)
def test_a_function_that_gives_no_program_is_named(run: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match=r"(rows|lambda).* returned 1.5.*pure\(value\)"):
        run()


def first_only(rest: Callable[[object], Any]) -> Callable[[float], Any]:
    def rows_after(x: float) -> Any:
        return const(x) if x == 1.0 else rest(x)

    return rows_after


def test_an_id_for_a_program_is_named_by_value_and_grad() -> None:
    with pytest.raises(TypeError, match=r"returned 0, which is no program"):
        GRADIENT(lambda p: p["x"])({"x": np.float64(1)})
