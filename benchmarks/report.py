"""Write the results: docs/benchmarks.md and its plots."""

import datetime as dt
import os
import platform
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

from benchmarks.graph_growth import Size, bytes_per_op, exponent
from benchmarks.harness import HAND_BATCHED, HAND_WRITTEN, JITTED, LISTED, OURS, XLA

# Upper bounds of the time of tapem_dsl over that of a peer: (workload, peer, ratio).
# They are aims, not promises of speed on another machine.
BUDGETS: Final = (
    ("scalar chain", "PyTorch", 0.30),
    ("scalar chain", "autograd", 0.07),
    ("scalar chain", "micrograd", 0.6),
    ("per-sample regression", "PyTorch", 0.35),
    ("per-sample regression", "autograd", 0.08),
    ("per-sample MLP", "PyTorch", 0.35),
    ("Hessian-vector product, network", "PyTorch", 0.9),
    ("elementwise", "PyTorch", 1.1),
    ("elementwise", HAND_WRITTEN, 1.15),
    ("convolution", "PyTorch", 3),
    ("max pool", "PyTorch", 3),
    ("max pool, overlapping", "PyTorch", 4),
    ("average pool", "PyTorch", 3),
    ("average pool, overlapping", "PyTorch", 4),
    ("layer norm", "PyTorch", 3),
    ("attention", "PyTorch", 3),
)
# Upper bounds of the time under jit over that of another contender.
JIT_BUDGETS: Final = (
    ("scalar chain", "PyTorch", 0.01),
    ("scalar chain", HAND_WRITTEN, 1.3),
    ("per-sample regression", "PyTorch batched", 0.5),
    ("per-sample regression", HAND_BATCHED, 4),
    ("batched regression", "PyTorch", 0.4),
    ("batched regression", HAND_WRITTEN, 3.5),
    ("per-sample MLP", "PyTorch batched", 1.1),
    ("per-sample MLP", HAND_BATCHED, 1.3),
    ("batched MLP", HAND_WRITTEN, 1.2),
    ("per-sample RNN", "PyTorch batched", 0.4),
    ("per-sample RNN", HAND_WRITTEN, 1.6),
    ("per-sample conv net", "PyTorch batched", 1.6),
    ("Hessian-vector product, network", "PyTorch", 0.5),
    ("Hessian-vector product, network", HAND_WRITTEN, 2),
)
# The same where the samples are a list of records.
LISTED_BUDGETS: Final = (("per-sample regression", "PyTorch", 0.02),)
# The same on XLA, over hand-written JAX.
XLA_BUDGETS: Final = (
    ("scalar chain", "JAX (jit, scan)", 1.8),
    ("per-sample regression", "JAX (jit, vmap)", 1.3),
    ("batched regression", "JAX (jit, vmap)", 1.35),
    ("large batched regression", "JAX (jit, vmap)", 1.15),
    ("per-sample MLP", "JAX (jit, vmap)", 1.3),
    ("per-sample RNN", "JAX (jit, vmap, scan)", 1.5),
    ("Hessian-vector product, network", "JAX (jit)", 1.3),
    ("elementwise", "PyTorch", 1.1),
    ("transformer", HAND_WRITTEN, 1.1),
    ("deep transformer", HAND_WRITTEN, 1.1),
)
BUDGETS_OF: Final = (
    (OURS, "", BUDGETS),
    (JITTED, ", jit", JIT_BUDGETS),
    (LISTED, ", jit of a list", LISTED_BUDGETS),
    (XLA, ", XLA", XLA_BUDGETS),
)
# Upper bound of the microseconds of a first call under jit over the calls that it
# notes, where they are so many that what is spent but once does not count.
FIRST_CALL: Final = 40
# Upper bound of the seconds that a first call takes on XLA longer than one of JAX.
XLA_FIRST_CALL: Final = 2
MANY: Final = 1_000
# Upper bounds of one time of tapem_dsl over another: (program, time, other, ratio).
DERIVATIVE_BUDGETS: Final = (
    ("tanh network", "Hessian-vector product by duals", "gradient", 4),
    ("chain of 10-vectors", "Hessian-vector product by duals", "gradient", 4),
    ("chain of scalars", "Hessian-vector product by duals", "gradient", 4),
    ("tanh network", "recorded sweep", "numeric sweep", 3),
    ("chain of 10-vectors", "recorded sweep", "numeric sweep", 6),
)
GROWTH_EXPONENT: Final = 1.05
BYTES_PER_OP: Final = 400


# Any, throughout: results by number of threads, as read from the JSON of the workers.
def text(results: Mapping[int, Any], *, quick: bool) -> str:
    parts = [introduction(results[1], quick=quick)]
    parts += [budgets(results[1])]
    parts += [workloads(results), first_calls(results[1])]
    parts += [growth(results[1]["growth"]), do_notation(*results[1]["do_notation"])]
    parts += [second_derivatives(results[1]["second_derivatives"])]
    return "\n\n".join(parts) + "\n"


def of_some(results: Any) -> str:
    """Write of some workloads, measured on one thread: the ratio of all to each."""
    parts = []
    for key, one in results["workloads"].items():
        times = {name: timing[0] for name, timing in one["timings"].items()}
        del times["calibration"]
        ours = [name for name in times if name.startswith(OURS)]
        rows = [
            [name, milliseconds(time), *(f"{times[x] / time:.3g}" for x in ours)]
            for name, time in times.items()
        ]
        header = [key, "ms", *(f"{name} / this" for name in ours)]
        parts.append(table(header, rows))
    parts.append(first_calls(results))
    header = ["workload", "compared with", "tapem_dsl", "at most", ""]
    parts.append(table(header, budgets_of_workloads(results)))
    return "\n\n".join(parts)


def introduction(results: Any, *, quick: bool) -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    cpus = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    cpu = cpus[0] if cpus else platform.processor() or platform.machine()
    versions = ", ".join(f"{name} {v}" for name, v in results["versions"].items())
    size = (
        "Small sizes and few rounds: they show that all works, not how fast. " * quick
    )
    return "# Benchmarks\n\n" + prose(
        f"{size}Measured {dt.datetime.now(tz=dt.UTC).date()} by `make bench` on {cpu}, "
        f"{os.cpu_count()} cores; Python {platform.python_version()}, {versions}. "
        "Every result was checked against hand-written NumPy before it was timed. All "
        "contenders of a workload took turns within one run, with the garbage "
        "collector on. Times are medians. Compare ratios within one run: absolute "
        "figures depend on the machine. For comparing machines, the column "
        "`calibrations` divides a time by that of a fixed task in the same rounds: a "
        "loop in the interpreter, or passes over arrays."
    )


def budgets(results: Any) -> str:
    rows = budgets_of_workloads(results)
    for key, what, other, most in DERIVATIVE_BUDGETS:
        costs = results["second_derivatives"][key]
        found = costs[what] / costs[other]
        rows.append(compared(f"{key}: {what}", other, found, most))
    for key, contenders in results["growth"].items():
        what, sizes = f"{key}: growth", sizes_of(contenders[OURS])
        rows.append(compared(what, "exponent", exponent(sizes), GROWTH_EXPONENT))
        held = bytes_per_op(sizes)
        rows.append(compared(what, "bytes per op", held, BYTES_PER_OP, digits=0))
    header = ["workload", "compared with", "tapem_dsl", "at most", ""]
    why = "[ADR 7](adr/0007-what-an-op-costs.md) says what the missed ones spend."
    return f"## Budgets, one thread\n\n{table(header, rows)}\n\n{why}"


def budgets_of_workloads(results: Any) -> list[list[str]]:
    rows = []
    measured = results["workloads"]
    for who, form, bounds in BUDGETS_OF:
        for key, peer, most in bounds:
            timings = measured[key]["timings"] if key in measured else {}
            if {who, peer} <= timings.keys():
                found = timings[who][0] / timings[peer][0]
                digits = 3 if most < 0.1 else 2
                rows.append(compared(f"{key}{form}", peer, found, most, digits))
    forms = {who: form for who, form, _ in BUDGETS_OF}
    for key, one in measured.items():
        first = one["first_calls"]
        peers = [seconds for name, (_, seconds) in first.items() if "JAX (" in name]
        if XLA in first and peers:
            found = first[XLA][1] - peers[0]
            what = f"{key}{forms[XLA]}: first call"
            rows.append(compared(what, "seconds over JAX", found, XLA_FIRST_CALL))
        for name, (noted, seconds) in first.items():
            if noted >= MANY and name != XLA:
                what, found = f"{key}{forms[name]}: first call", seconds / noted * 1e6
                rows.append(compared(what, "µs a noted call", found, FIRST_CALL))
    return rows


def compared(
    what: str, other: str, found: float, most: float, digits: int = 2
) -> list[str]:
    verdict = "met" if found <= most else "missed"
    return [what, other, f"{found:.{digits}f}", f"{most:.{digits}f}", verdict]


def workloads(results: Mapping[int, Any]) -> str:
    parts = ["## Workloads"]
    for key, one in results[1]["workloads"].items():
        two = results[2]["workloads"][key]["timings"]
        timings = one["timings"]
        rows = [
            [
                name,
                milliseconds(median),
                f"{median / timings['calibration'][0]:.3g}",
                ratio(timings, OURS, name),
                ratio(timings, name, HAND_WRITTEN),
                milliseconds(two[name][0]) if name in two else "",
                ratio(two, OURS, name),
            ]
            for name, (median, _, _) in timings.items()
            if name != "calibration"
        ]
        header = [
            "one thread",
            "ms",
            "calibrations",
            "tapem_dsl / this",
            "this / hand-written",
        ]
        header += ["ms, two threads", "tapem_dsl / this"]
        calibration = milliseconds(timings["calibration"][0])
        parts.append(f"### {key}: {one['title']}")
        parts.append(f"Calibration: {calibration} ms.")
        parts.append(table(header, rows))
    return "\n\n".join(parts)


def ratio(timings: Any, one: str, other: str) -> str:
    """Write one time over another; nothing if one of them was not measured."""
    if not {one, other} <= timings.keys():
        return ""
    return f"{timings[one][0] / timings[other][0]:.2f}"


def first_calls(results: Any) -> str:
    rows = [
        [
            *(key, name, f"{noted:,}" if noted else ""),
            *(milliseconds(seconds), f"{seconds / noted * 1e6:.1f}" if noted else ""),
        ]
        for key, one in results["workloads"].items()
        for name, (noted, seconds) in one["first_calls"].items()
    ]
    header = ["workload", "contender", "calls of the plan", "ms", "µs a call"]
    why = prose(
        "A first call runs the program, notes its calls of the array namespace, and "
        "compiles the plan of them. Later calls, which the other tables time, run it. "
        "Each is the median of three, every one of a function compiled anew, on one "
        "thread."
    )
    return f"## First calls under jit\n\n{why}\n\n{table(header, rows)}"


def growth(grown: Any) -> str:
    parts = [
        "## Growth",
        prose(
            "Microseconds per op by number of ops. k is that of a fit of time ~ ops^k "
            "over all sizes: 1 is linear. Bytes per op are those at the peak of the "
            "process, from the two longest runs. A contender stops where the next "
            "size would take too long. A sample of the regression counts as five ops."
        ),
    ]
    for key, contenders in grown.items():
        by_name = {name: sizes_of(sizes) for name, sizes in contenders.items()}
        every = [size.ops for size in by_name[OURS]]
        rows = [
            [
                name,
                *cells(sizes, every),
                f"{exponent(sizes):.2f}" if len(sizes) > 1 else "",
                f"{bytes_per_op(sizes):,.0f}" if len(sizes) > 1 else "",
            ]
            for name, sizes in by_name.items()
        ]
        header = [key, *(f"{ops:,}" for ops in every), "k", "bytes per op"]
        parts.append(table(header, rows))
    parts.append("![time and peak memory by number of ops](benchmarks-growth.png)")
    return "\n\n".join(parts)


def cells(sizes: Sequence[Size], every: Sequence[int]) -> Iterator[str]:
    times = {size.ops: size.seconds / size.ops * 1e6 for size in sizes}
    for ops in every:
        yield f"{times[ops]:.2f}" if ops in times else ""


def do_notation(costs: Mapping[str, float], parts: Mapping[str, float]) -> str:
    first = next(iter(costs.values()))
    rows = [[name, f"{c:.2f}", f"{first / c:.2f}"] for name, c in costs.items()]
    where = [[name, f"{c:.2f}"] for name, c in parts.items()]
    return "\n\n".join(
        [
            "## Do-notation",
            prose(
                "The scalar chain of 10,000 ops, forward only, in several forms that "
                "record equal tapes. The second table has the parts of what an op "
                "in do-notation costs, each measured alone."
            ),
            table(["form", "µs per op", "do-notation / this"], rows),
            table(["part", "µs per op"], where),
        ]
    )


def second_derivatives(costs: Mapping[str, Mapping[str, float]]) -> str:
    rows = [
        [title, name, f"{cost:,.0f}", f"{cost / of_one['gradient']:.2f}"]
        for title, of_one in costs.items()
        for name, cost in of_one.items()
    ]
    return "\n\n".join(
        [
            "## Second derivatives",
            prose(
                "A gradient runs the program and sweeps its tape. A Hessian-vector "
                "product sweeps a tape of duals, or the tape of a recorded sweep. The "
                "two sweeps alone start from the same tape."
            ),
            table(["program", "what", "µs", "this / gradient"], rows),
        ]
    )


# -- plots -----------------------------------------------------------------------------


def write(page: str, results: Mapping[int, Any], folder: Path) -> None:
    """Write the page and both plots."""
    chart = "![cost against hand-written NumPy](benchmarks.png)"
    page = page.replace("## Workloads", f"## Workloads\n\n{chart}")
    (folder / "benchmarks.md").write_text(page)
    growth = plot_of_growth(results[1]["growth"])
    growth.savefig(folder / "benchmarks-growth.png", dpi=110)
    costs = plot_of_costs(results[1]["workloads"])
    costs.savefig(folder / "benchmarks.png", dpi=110)


def plot_of_growth(grown: Any) -> Figure:
    figure = Figure(figsize=(11, 7), layout="constrained")
    for row, (key, contenders) in zip(
        figure.subplots(2, 2), grown.items(), strict=True
    ):
        for name, given in contenders.items():
            sizes = sizes_of(given)
            style: dict[str, Any] = {"marker": ".", "zorder": 3 if name == OURS else 2}
            style["linewidth"] = 2.5 if name == OURS else 1
            ops = [size.ops for size in sizes]
            row[0].loglog(ops, [size.seconds for size in sizes], label=name, **style)
            held = [max(size.peak, 1) for size in sizes]
            row[1].loglog(ops, held, label=name, **style)
        row[0].set(title=f"{key}: time", xlabel="ops", ylabel="seconds")
        row[1].set(title=f"{key}: peak memory", xlabel="ops", ylabel="bytes")
        row[0].legend(fontsize="x-small", loc="upper left")
        for axes in row:
            axes.grid(alpha=0.3)
    return figure


def plot_of_costs(measured: Any) -> Figure:
    """Plot the time of each contender over that of hand-written NumPy, by workload."""
    names = {n: None for one in measured.values() for n in one["timings"]}
    figure = Figure(figsize=(11, 6), layout="constrained")
    axes = figure.subplots()
    for at, name in enumerate(name for name in names if name != "calibration"):
        points = [
            (row, one["timings"][name][0] / one["timings"][HAND_WRITTEN][0])
            for row, one in enumerate(measured.values())
            if name in one["timings"]
        ]
        rows, ratios = zip(*points, strict=True)
        marker = "o" if name == OURS else "DsP^v<>X*d"[at % 10]
        size = 110 if name == OURS else 45
        axes.scatter(ratios, rows, label=name, marker=marker, s=size)
    axes.set_yticks(range(len(measured)), list(measured))
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="time / time of hand-written NumPy, one thread")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


# -- text ------------------------------------------------------------------------------


def sizes_of(rows: Sequence[Sequence[float]]) -> list[Size]:
    return [Size(int(ops), seconds, peak) for ops, seconds, peak in rows]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g}" if seconds < 1 else f"{seconds * 1e3:,.0f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = [f"{'':->{width - 1}}:" if width > 1 else "-" for width in widths]
    return "\n".join(
        f"| {' | '.join(map(str.rjust, row, widths))} |"
        for row in (header, rule, *rows)
    )


def prose(paragraph: str) -> str:
    return textwrap.fill(paragraph, width=88)
