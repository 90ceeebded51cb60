"""What do-notation costs beside other forms of one program, and where time goes."""

from collections.abc import Callable, Generator
from typing import Any, Final

import numpy as np

from benchmarks.harness import Contender, Effort, loop, timed
from benchmarks.scalar_chain import START, chain, hand_written_tape
from tapem_dsl import (
    Node,
    NodeId,
    Tape,
    TapeM,
    add,
    backward_scalar,
    fold_m,
    map_m,
    mul,
    param,
)
from tapem_dsl.arrays import NUMPY
from tapem_dsl.interpreters.reverse import vjp_rules
from tapem_dsl.ops.arithmetic import Add, Mul
from tapem_dsl.tape.record import record

OPS: Final = 10_000
MUL, ADD = Mul(), Add()
# Any: a NumPy scalar is an array here, for which NumPy has no type
VALUES: Final[tuple[Any, ...]] = tuple(np.float64(x) for x in START)
X, A, B = NodeId(0), NodeId(1), NodeId(2)


def leaves() -> list[Node[np.float64]]:
    return [Node(None, (), value) for value in VALUES]


# -- one program, in several forms -----------------------------------------------------


def by_do() -> Tape:
    return chain(OPS).exec().unwrap()


def by_bind() -> Tape:
    """Nest binds to the left, as does a loop that extends a program."""
    program: TapeM[NodeId, Any] = map_m(param, START).map(lambda ids: ids[0])
    for _ in range(OPS // 2):
        program = program.bind(times_a).bind(plus_b)
    return program.exec().unwrap()


def by_fold() -> Tape:
    program = map_m(param, START).bind(
        lambda ids: fold_m(lambda x, op: op(x), ids[0], (times_a, plus_b) * (OPS // 2))
    )
    return program.exec().unwrap()


def times_a(x: NodeId) -> TapeM[NodeId, Any]:
    return mul(x, A)


def plus_b(x: NodeId) -> TapeM[NodeId, Any]:
    return add(x, B)


def by_append() -> Tape:
    """Append nodes in a loop, without a program, a check or the machine."""
    tape: Tape = Tape(leaves())
    x, (value, a, b) = X, VALUES
    for _ in range(OPS // 2):
        value = value * a
        tape, x = tape.append(Node(MUL, (x, A), value))
        value = value + b
        tape, x = tape.append(Node(ADD, (x, B), value))
    return tape


FORMS: Final[dict[str, Callable[[], Any]]] = {
    "do-notation": by_do,
    "`bind`": by_bind,
    "`fold_m`": by_fold,
    "a loop over `Tape.append`": by_append,
}

# -- parts -----------------------------------------------------------------------------


def built() -> None:
    for _ in range(OPS // 2):
        mul(X, A)
        add(X, B)


def ops_of_a_block() -> Generator[TapeM[Any, Any], object, None]:
    for _ in range(OPS // 2):
        yield from mul(X, A)
        yield from add(X, B)


def driven() -> None:
    """Drive a generator as the machine does, and do nothing else."""
    block = ops_of_a_block()
    block.send(None)
    try:
        while True:
            block.send(X)
    except StopIteration:
        pass


def evaluated() -> None:
    value = np.float64(0.5)
    for _ in range(OPS // 2):
        MUL.evaluate(NUMPY, value, value)
        ADD.evaluate(NUMPY, value, value)


def recorded() -> None:
    nodes = leaves()
    for _ in range(OPS // 2):
        record(MUL, (X, A), nodes, 3)
        record(ADD, (X, B), nodes, 3)


def rules_run() -> None:
    g = np.float64(1)
    xs, need = (g, g), (True, True)
    of_mul, of_add = vjp_rules.get(Mul), vjp_rules.get(Add)
    assert of_mul is not None
    assert of_add is not None
    for _ in range(OPS // 2):
        of_mul(MUL, NUMPY, g, xs, g, need)
        of_add(ADD, NUMPY, g, xs, g, need)


def measured(effort: Effort) -> tuple[dict[str, float], dict[str, float]]:
    """Return microseconds per op of each form, and of each part of the first."""
    tape = by_do()
    if not all(form() == tape for form in FORMS.values()):
        raise AssertionError("the forms of one program record different tapes")
    out = tape.ids()[-1]
    runs = FORMS | {
        "built": built,
        "driven": driven,
        "evaluated": evaluated,
        "recorded": recorded,
        "rules": rules_run,
        "swept": lambda: backward_scalar(tape, out),
        "hand-written tape": hand_written_tape(OPS).run,
    }
    contenders = {name: Contender(run) for name, run in runs.items()}
    timings = timed(contenders, effort, loop)
    cost = {name: timing.median / OPS * 1e6 for name, timing in timings.items()}
    forms = {name: cost[name] for name in FORMS}
    parts = {
        "forward: building the program of each op": cost["built"],
        "forward: `yield from`": cost["driven"] - cost["built"],
        "forward: loop of the machine": (
            cost["do-notation"] - cost["driven"] - cost["recorded"]
        ),
        "forward: `record` without evaluation": cost["recorded"] - cost["evaluated"],
        "forward: evaluation": cost["evaluated"],
        "backward: loop of the sweep": cost["swept"] - cost["rules"],
        "backward: rules": cost["rules"],
        "for comparison: hand-written tape, both ways": cost["hand-written tape"],
    }
    return forms, parts
