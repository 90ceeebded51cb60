"""The page of results: tables, and the plots beside them."""

import datetime as dt
import os
import platform
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.growth import Size, bytes_an_op, exponent
from benchmarks.harness import LIMIT, US

# The most that each may cost: (workload, peer, ratio). None is a promise of speed on
# your machine; together they say what we try to stay below.
BUDGETS: Final = (
    ("W1", "PyTorch", 0.30),
    ("W1", "autograd", 0.07),
    ("W1", "micrograd", 0.6),
    ("W2 loop", "PyTorch", 0.35),
    ("W2 loop", "autograd", 0.08),
    ("W3 loop", "PyTorch", 0.35),
    ("W5 network", "PyTorch", 0.9),
    ("W6", "PyTorch", 1.1),
    ("W6", LIMIT, 1.15),
    ("W7 conv", "PyTorch", 3),
    ("W7 max", "PyTorch", 3),
    ("W7 max, overlapping", "PyTorch", 4),
    ("W7 mean", "PyTorch", 3),
    ("W7 mean, overlapping", "PyTorch", 4),
    ("W7 layer norm", "PyTorch", 3),
    ("W7 attention", "PyTorch", 3),
)
# Of our own: (program, what, in what, ratio).
ORDERS: Final = (
    ("W5 network", "product by duals", "gradient", 4),
    ("chain of 10-vectors", "product by duals", "gradient", 4),
    ("chain of scalars", "product by duals", "gradient", 4),
    ("W5 network", "recorded sweep", "numeric sweep", 3),
    ("chain of 10-vectors", "recorded sweep", "numeric sweep", 6),
)
MOST_EXPONENT: Final = 1.05
MOST_BYTES: Final = 400


# Any, throughout: what the workers measured, as JSON has it, by number of threads.
def text(results: Mapping[int, Any], *, quick: bool) -> str:
    parts = [introduction(results[1], quick=quick)]
    parts += [budgets(results[1])]
    parts += [workloads(results)]
    parts += [growth(results[1]["growth"]), forms(*results[1]["forms"])]
    parts += [orders(results[1]["orders"])]
    return "\n\n".join(parts) + "\n"


def introduction(results: Any, *, quick: bool) -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    cpus = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    cpu = cpus[0] if cpus else platform.processor() or platform.machine()
    versions = ", ".join(f"{name} {v}" for name, v in results["versions"].items())
    size = "Small sizes and few rounds: see whether it works, not how fast. " * quick
    return "# Benchmarks\n\n" + prose(
        f"{size}Measured {dt.datetime.now(tz=dt.UTC).date()} by `make bench` on {cpu}, "
        f"{os.cpu_count()} cores; Python {platform.python_version()}, {versions}. "
        "Every result was checked against the hand-written one (`limit`) before it was "
        "timed; then all contenders of a workload took turns within one run, with the "
        "garbage collector on. Times are medians. Compare ratios within one run: "
        "absolute figures move with the machine. `units` is a time divided by that of "
        "a fixed calibration task in the same rounds (a loop of the interpreter, or "
        "passes over arrays), for comparing runs on different machines."
    )


def budgets(results: Any) -> str:
    rows = []
    for key, peer, most in BUDGETS:
        timings = results["workloads"][key]["timings"]
        if peer in timings:
            ratio = timings[US][0] / timings[peer][0]
            rows.append(
                [key, peer, f"{ratio:.2f}", f"{most:.2f}", verdict(ratio, most)]
            )
    for key, what, unit, most in ORDERS:
        ratio = results["orders"][key][what] / results["orders"][key][unit]
        shown = f"{ratio:.2f}", f"{most:.2f}", verdict(ratio, most)
        rows.append([f"{key}: {what}", unit, *shown])
    for key in ("W1", "W2"):
        sizes = sizes_of(results["growth"][key][US])
        grown, held = exponent(sizes), bytes_an_op(sizes)
        for what, found, most, digits in (
            ("exponent", grown, MOST_EXPONENT, 2),
            ("bytes an op", held, MOST_BYTES, 0),
        ):
            shown = f"{found:.{digits}f}", f"{most:.{digits}f}", verdict(found, most)
            rows.append([f"{key}, growth", what, *shown])
    header = ["workload", "against", "ours", "at most", ""]
    why = "What holds back the others: [ADR 7](adr/0007-what-an-op-costs.md)."
    return f"## Budgets, one thread\n\n{table(header, rows)}\n\n{why}"


def verdict(found: float, most: float) -> str:
    return "met" if found <= most else "missed"


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
                f"{timings[US][0] / median:.2f}",
                f"{median / timings[LIMIT][0]:.2f}",
                milliseconds(two[name][0]) if name in two else "",
                f"{two[US][0] / two[name][0]:.2f}" if name in two else "",
            ]
            for name, (median, _, _) in timings.items()
            if name != "calibration"
        ]
        header = ["one thread", "ms", "units", "ours / it", "it / limit"]
        header += ["two threads, ms", "ours / it"]
        calibration = milliseconds(timings["calibration"][0])
        parts.append(f"### {key}: {one['title']}")
        parts.append(f"Calibration: {calibration} ms.")
        parts.append(table(header, rows))
    return "\n\n".join(parts)


def growth(grown: Any) -> str:
    parts = [
        "## W4: growth",
        prose(
            "Microseconds an op by number of ops; k of a fit of time ~ ops^k over all "
            "sizes, where 1 is linear; bytes an op at the peak of the process, from "
            "the two longest runs. A contender stops where the next size would take "
            "too long. In W2 a sample counts as five ops."
        ),
    ]
    for key, contenders in grown.items():
        by_name = {name: sizes_of(sizes) for name, sizes in contenders.items()}
        every = [size.ops for size in by_name[US]]
        rows = [
            [
                name,
                *cells(sizes, every),
                f"{exponent(sizes):.2f}" if len(sizes) > 1 else "",
                f"{bytes_an_op(sizes):,.0f}" if len(sizes) > 1 else "",
            ]
            for name, sizes in by_name.items()
        ]
        header = [key, *(f"{ops:,}" for ops in every), "k", "bytes an op"]
        parts.append(table(header, rows))
    parts.append("![time and peak memory by number of ops](benchmarks-growth.png)")
    return "\n\n".join(parts)


def cells(sizes: Sequence[Size], every: Sequence[int]) -> Iterator[str]:
    times = {size.ops: size.seconds / size.ops * 1e6 for size in sizes}
    for ops in every:
        yield f"{times[ops]:.2f}" if ops in times else ""


def forms(costs: Mapping[str, float], parts: Mapping[str, float]) -> str:
    first = next(iter(costs.values()))
    rows = [[name, f"{c:.2f}", f"{first / c:.2f}"] for name, c in costs.items()]
    where = [[name, f"{c:.2f}"] for name, c in parts.items()]
    return "\n\n".join(
        [
            "## Forms of one program, and where the time goes",
            prose(
                "The chain of W1, 10,000 ops, forward only: one program in several "
                "forms, all of which record equal tapes; and what an op in "
                "do-notation costs, part by part, each measured alone."
            ),
            table(["form", "µs an op", "do-notation / it"], rows),
            table(["part", "µs an op"], where),
        ]
    )


def orders(costs: Mapping[str, Mapping[str, float]]) -> str:
    rows = [
        [title, name, f"{cost:,.0f}", f"{cost / of_one['gradient']:.2f}"]
        for title, of_one in costs.items()
        for name, cost in of_one.items()
    ]
    return "\n\n".join(
        [
            "## Orders of derivatives",
            prose(
                "A gradient runs the program and sweeps; a product is that of the "
                "Hessian and a direction, by a sweep of duals, or by a sweep over one "
                "that records itself; the two sweeps alone start from the same tape."
            ),
            table(["program", "what", "µs", "/ gradient"], rows),
        ]
    )


# -- plots -----------------------------------------------------------------------------


def write(page: str, results: Mapping[int, Any], folder: Path) -> None:
    """Write the page, the growth, and every workload's costs against the limit's."""
    from matplotlib.figure import Figure

    chart = "![cost against hand-written NumPy](benchmarks.png)"
    page = page.replace("## Workloads", f"## Workloads\n\n{chart}")
    (folder / "benchmarks.md").write_text(page)
    figure = Figure(figsize=(11, 7), layout="constrained")
    for row, (key, contenders) in zip(
        figure.subplots(2, 2), results[1]["growth"].items(), strict=True
    ):
        for name, given in contenders.items():
            sizes = sizes_of(given)
            style: dict[str, Any] = {"marker": ".", "zorder": 3 if name == US else 2}
            style["linewidth"] = 2.5 if name == US else 1
            ops = [size.ops for size in sizes]
            row[0].loglog(ops, [size.seconds for size in sizes], label=name, **style)
            held = [max(size.peak, 1) for size in sizes]
            row[1].loglog(ops, held, label=name, **style)
        row[0].set(title=f"{key}: time", xlabel="ops", ylabel="seconds")
        row[1].set(title=f"{key}: peak memory", xlabel="ops", ylabel="bytes")
        row[0].legend(fontsize="x-small", loc="upper left")
        for axes in row:
            axes.grid(alpha=0.3)
    figure.savefig(folder / "benchmarks-growth.png", dpi=110)

    measured = results[1]["workloads"]
    names = [n for n in measured["W1"]["timings"] if n != "calibration"]
    for one in measured.values():
        names += [n for n in one["timings"] if n not in (*names, "calibration")]
    figure = Figure(figsize=(11, 6), layout="constrained")
    axes = figure.subplots()
    for at, name in enumerate(names):
        points = [
            (row, one["timings"][name][0] / one["timings"][LIMIT][0])
            for row, one in enumerate(measured.values())
            if name in one["timings"]
        ]
        rows, ratios = zip(*points, strict=True)
        marker = "o" if name == US else "DsP^v<>X*d"[at % 10]
        size = 110 if name == US else 45
        axes.scatter(ratios, rows, label=name, marker=marker, s=size)
    axes.set_yticks(range(len(measured)), list(measured))
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="time / time of the hand-written limit, one thread")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(folder / "benchmarks.png", dpi=110)


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
