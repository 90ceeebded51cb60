"""
What a scalar op costs, against the least tape that Python allows.

The chain is ``x = x * a`` and ``x = x + b`` in turn. The reference is a list of tuples
and a function for each op; "inlined" is the reference with the functions written out in
one loop. Its reverse sweep is the reference's.
"""

import argparse
import datetime as dt
import gc
import inspect
import os
import platform
import textwrap
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tapem_dsl import Do, NodeId, Tape, backward_scalar, do, param
from tapem_dsl import add as tapem_add
from tapem_dsl import mul as tapem_mul

START: Final = (0.5, 0.9995, 0.0003)  # x0, a, b; the leaves 0, 1, 2 of each tape
PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"

# -- tapem_dsl -------------------------------------------------------------------------


@do
def chain(ops: int) -> Do[NodeId]:
    x = yield from param(START[0])
    a = yield from param(START[1])
    b = yield from param(START[2])
    for _ in range(ops // 2):
        x = yield from tapem_mul(x, a)
        x = yield from tapem_add(x, b)
    return x


def tapem_forward(ops: int) -> Tape:
    return chain(ops).exec().unwrap()


def tapem_backward(tape: Tape) -> dict[NodeId, Any]:
    return backward_scalar(tape, tape.ids()[-1]).unwrap()


# -- the reference ---------------------------------------------------------------------

Entry: TypeAlias = tuple[str, int, int, np.float64]


def leaves() -> list[Entry]:
    return [("leaf", -1, -1, np.float64(x)) for x in START]


def mul(tape: list[Entry], i: int, j: int) -> int:
    tape.append(("mul", i, j, tape[i][3] * tape[j][3]))
    return len(tape) - 1


def add(tape: list[Entry], i: int, j: int) -> int:
    tape.append(("add", i, j, tape[i][3] + tape[j][3]))
    return len(tape) - 1


def reference_forward(ops: int) -> list[Entry]:
    tape, x = leaves(), 0
    for _ in range(ops // 2):
        x = mul(tape, x, 1)
        x = add(tape, x, 2)
    return tape


def inlined_forward(ops: int) -> list[Entry]:
    tape, x = leaves(), 0
    for _ in range(ops // 2):
        tape.append(("mul", x, 1, tape[x][3] * tape[1][3]))
        x = len(tape) - 1
        tape.append(("add", x, 2, tape[x][3] + tape[2][3]))
        x = len(tape) - 1
    return tape


def reference_backward(tape: list[Entry]) -> list[np.float64]:
    gradients = [np.float64(0)] * len(tape)
    gradients[-1] = np.float64(1)
    for id in range(len(tape) - 1, -1, -1):
        op, i, j, _ = tape[id]
        g = gradients[id]
        if op == "mul":
            gradients[i] += g * tape[j][3]
            gradients[j] += g * tape[i][3]
        elif op == "add":
            gradients[i] += g
            gradients[j] += g
    return gradients


# -- measuring -------------------------------------------------------------------------


class Contender(NamedTuple):
    name: str
    forward: Callable[[int], Any]  # Any: each contender has a tape of its own
    backward: Callable[[Any], Any]


TAPEM: Final = Contender("tapem_dsl", tapem_forward, tapem_backward)
REFERENCE: Final = Contender("reference", reference_forward, reference_backward)
INLINED: Final = Contender("inlined", inlined_forward, reference_backward)


def same_results(ops: int) -> bool:
    """Whether all values and all gradients are equal, to the last bit."""
    tape, reference = tapem_forward(ops), reference_forward(ops)
    gradients = tapem_backward(tape)
    return (
        reference == inlined_forward(ops)
        and [node.value for node in tape] == [entry[3] for entry in reference]
        and list(gradients) == list(tape.ids())
        and list(gradients.values()) == reference_backward(reference)
    )


def measured(
    contenders: Sequence[Contender], ops: int, rounds: int
) -> NDArray[np.float64]:
    """
    Time the contenders in turn, so that a busy moment of the machine hits them all.

    Gives microseconds an op: a row a contender with its forward, backward and both, in
    each of the rounds.
    """
    seconds = np.empty((rounds, len(contenders), 2))
    for r in range(rounds):
        for c, contender in enumerate(contenders):
            gc.collect()  # nobody pays for another's garbage
            start = time.perf_counter()
            tape = contender.forward(ops)
            between = time.perf_counter()
            gradients = contender.backward(tape)
            end = time.perf_counter()
            del tape, gradients  # here, where no clock runs
            seconds[r, c] = between - start, end - between
    both = seconds.sum(axis=-1, keepdims=True)
    return np.concatenate((seconds, both), axis=-1) / ops * 1e6


def peak(contender: Contender, ops: int, *, sweep: bool) -> int:
    gc.collect()
    tracemalloc.start()
    tape = contender.forward(ops)
    if sweep:
        contender.backward(tape)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def bytes_a_node(contender: Contender, ops: int, *, sweep: bool) -> float:
    """Compare two lengths, so that what does not grow with the chain cancels out."""
    longer, shorter = (peak(contender, n, sweep=sweep) for n in (2 * ops, ops))
    return (longer - shorter) / ops


# -- reporting -------------------------------------------------------------------------


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = [f"{'':->{width - 1}}:" for width in widths]
    return "\n".join(
        f"| {' | '.join(map(str.rjust, row, widths))} |"
        for row in (header, rule, *rows)
    )


def prose(text: str) -> str:
    return textwrap.fill(text, width=88)


def section(title: str, text: str, body: str) -> str:
    return f"## {title}\n\n{prose(text)}\n\n{body}"


def time_of_an_op(ops: int, rounds: int) -> str:
    times = measured((TAPEM, REFERENCE, INLINED), ops, rounds)
    middle, least = np.median(times, axis=0), np.min(times, axis=0)
    compared = {
        "tapem_dsl": (middle[0], least[0]),
        "reference": (middle[1], least[1]),
        "inlined": (middle[2], least[2]),
        "tapem_dsl / reference": (middle[0] / middle[1], least[0] / least[1]),
        "tapem_dsl / inlined": (middle[0] / middle[2], least[0] / least[2]),
    }
    rows = [
        [name, *(f"{m:.2f} ({n:.2f})" for m, n in zip(*pair, strict=True))]
        for name, pair in compared.items()
    ]
    return section(
        "Time of an op",
        f"Microseconds an op in a chain of {ops:,} ops, and their ratios: the median "
        f"and, in brackets, the minimum of {rounds} rounds.",
        table(("", "forward", "backward", "both"), rows),
    )


def growth(lengths: Sequence[int], budget: int) -> str:
    least = [
        np.min(measured((TAPEM, REFERENCE), ops, max(3, budget // ops)), axis=0).ravel()
        for ops in lengths
    ]
    rows = [
        [f"{ops:,}", *(f"{t:.2f}" for t in times)]
        for ops, times in zip(lengths, least, strict=True)
    ]
    totals = np.log(np.array(least) * np.array(lengths)[:, None])
    slopes = np.polyfit(np.log(lengths), totals, 1)[0]
    rows.append(["exponent", *(f"{slope:.3f}" for slope in slopes)])
    names = ("forward", "backward", "both")
    header = ["ops", *names, *(f"reference {name}" for name in names)]
    return section(
        "Growth",
        "Microseconds an op, the minimum of at least three rounds, and the exponent k "
        "of a fit of time ~ ops^k, where 1 is linear.",
        table(header, rows),
    )


def memory(ops: int) -> str:
    rows = [
        [
            contender.name,
            f"{bytes_a_node(contender, ops, sweep=False):.0f}",
            f"{bytes_a_node(contender, ops, sweep=True):.0f}",
        ]
        for contender in (TAPEM, REFERENCE)
    ]
    return section(
        "Memory",
        f"Bytes a node at the peak, from the difference between chains of {2 * ops:,} "
        f"and {ops:,} ops.",
        table(("", "forward", "forward and backward"), rows),
    )


def machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    cpus = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    cpu = cpus[0] if cpus else platform.processor() or platform.machine()
    today = dt.datetime.now(tz=dt.UTC).date()
    return (
        f"{today}: Python {platform.python_version()}, NumPy {np.__version__}, "
        f"{cpu}, {os.cpu_count()} cores."
    )


def introduction() -> str:
    outcome = "the same" if same_results(1000) else "DIFFERENT"
    facts = (
        f"{machine()} The garbage collector is on. All three give {outcome} values and "
        "gradients, compared to the last bit. `make bench` measures anew, "
        "`benchmarks/chain.py --write` also writes this page."
    )
    return f"# Benchmarks\n\n{inspect.cleandoc(__doc__ or '')}\n\n{prose(facts)}"


def sections(*, quick: bool) -> Iterator[str]:
    yield introduction()
    if quick:
        yield time_of_an_op(100, 3)
        yield growth((100, 200, 400), 0)
        yield memory(1000)
    else:
        yield time_of_an_op(10_000, 100)
        yield growth((1_000, 10_000, 100_000, 1_000_000), 200_000)
        yield memory(100_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny chains, a second")
    parser.add_argument(
        "--write", action="store_true", help=f"write {PAGE.name} as well"
    )
    options = parser.parse_args()
    page = []
    for part in sections(quick=options.quick):
        print(part, end="\n\n", flush=True)
        page.append(part)
    if options.write:
        PAGE.write_text("\n\n".join(page) + "\n")


if __name__ == "__main__":
    main()
