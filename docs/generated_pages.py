"""Write the pages that are not in docs/: the reference, and the list of decisions."""

import ast
import inspect
import re
import shutil
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from types import GenericAlias, ModuleType
from typing import Final

from sphinx.pycode import ModuleAnalyzer

import tapem_dsl
from docs.ops_page import FAMILIES, function_of
from docs.search_entries import OF_OPS
from tapem_dsl import errors, ops, optim, testing, train, tree

ROOT: Final = Path(__file__).parents[1]

TITLES: Final = {
    "program": "Programs",
    "interpreters.reverse": "Reverse mode",
    "interpreters.forward": "Duals: forward mode",
    "interpreters.recorded": "Recorded sweeps",
    "interpreters.compiled": "Compiled plans",
    "interpreters.interop": "JAX, PyTorch and files",
    "interpreters.render": "Tapes shown",
    "interpreters.check": "Checks",
    "interpreters.replay": "Replay",
    "interpreters.nonfinite": "Where a NaN came from",
    "interpreters.saved": "Tapes in files",
    "interpreters.torchlean": "TorchLean's graphs",
    "train": "The mean over samples",
    "tape": "Tapes, nodes and ops of your own",
    "arrays": "Arrays",
    "errors": "Refusals",
    "ids": "Node ids",
}
"""Where the names of the package come from, and what the page of them is called."""

MODULES: Final = {
    "Errors": errors,
    "Optimisers and schedules": optim,
    "Training": train,
    "Pytrees": tree,
    "Tests of your own": testing,
}


def write_reference(folder: Path) -> None:
    """Write a page for each op, room and module, and the list of the last two."""
    shutil.rmtree(folder, ignore_errors=True)  # pages of earlier layouts
    (folder / "ops").mkdir(parents=True)
    functions = [function_of(kind) for room in FAMILIES for kind in ops.ops_of(room)]
    for function in functions:
        write_op(folder / "ops", function.__name__)
    by_room: dict[str, list[str]] = {room: [] for room in TITLES}
    seen: list[object] = [*functions]
    for name in sorted(vars(tapem_dsl), key=str.lower):
        value = getattr(tapem_dsl, name)
        if name.startswith("_") or isinstance(value, ModuleType) or value in seen:
            continue
        by_room[room_of(value)].append(name)
        seen.append(value)
    pages = []
    for room, names in by_room.items():
        if names:
            pages.append(room.replace(".", "-"))
            write(folder / f"{pages[-1]}.md", TITLES[room], "tapem_dsl", names)
    for title, module in MODULES.items():
        pages.append(f"module-{module.__name__.rsplit('.', 1)[-1]}")
        names = [
            name
            for name, value in sorted(vars(module).items())
            if name in getattr(module, "__all__", vars(module))
            and not name.startswith("_")
            and not isinstance(value, ModuleType)
            and not any(value is other for other in seen)
        ]
        write(folder / f"{pages[-1]}.md", title, module.__name__, names)
    listed = "\n".join(pages)
    index = f"# Reference\n\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n"
    (folder / "index.md").write_text(index)


def room_of(value: object) -> str:
    """Return the room that defines a public object."""
    home = getattr(value, "__module__", "") or ""
    parts = home.split(".")[1:] or ["arrays"]
    room = ".".join(parts[:2]) if parts[0] == "interpreters" else parts[0]
    return room if room in TITLES else "arrays"


def write(page: Path, title: str, module: str, names: list[str]) -> None:
    """Write one page."""
    parts = [f"# {title}", *(described(module, name) for name in names)]
    page.write_text("\n\n".join(parts) + "\n")


def write_op(folder: Path, name: str) -> None:
    """Write the page of an op. The table of ops leads to it, not the menu."""
    link = "[All ops, and what holds for every op](../../ops.md)"
    top = f"---\norphan: true\n---\n\n# {name}\n\n{link}\n\n"
    (folder / f"{name}.md").write_text(top + described("tapem_dsl", name) + "\n")


def described(module: str, name: str) -> str:
    """Return the directives that describe a name, found by its names elsewhere, too."""
    value = getattr(import_module(module), name)
    lines = [f".. currentmodule:: {module}", ""]
    entries = [name, *names_elsewhere(value), *OF_OPS.get(name, ())]
    lines += [".. index::", *(f"   ! single: {entry}" for entry in entries), ""]
    if inspect.isclass(value) and not isinstance(value, GenericAlias):
        lines += [f".. autoclass:: {module}.{name}", "   :members:"]
    elif inspect.isroutine(value):
        lines.append(f".. autofunction:: {module}.{name}")
    else:  # an alias of types, or a constant
        lines += [f".. py:data:: {module}.{name}", ""]
        lines += [f"   {line}" for line in data_docs()[name]]
    return "\n".join(["```{eval-rst}", *lines, "```"])


@cache
def data_docs() -> dict[str, list[str]]:
    """Return the docstrings that stand below constants and aliases, by name."""
    return {
        name: lines
        for module in sorted(sys.modules)
        if module.startswith("tapem_dsl")
        for (owner, name), lines in ModuleAnalyzer.for_module(module)
        .find_attr_docs()
        .items()
        if not owner
    }


def names_elsewhere(value: object) -> list[str]:
    """
    Return the names that a docstring gives from other libraries, whole and short.

    A short name that is ours stays out: who searches for it wants ours.
    """
    code = " ".join(re.findall(r"``([^`]+)``", inspect.getdoc(value) or ""))
    libraries = "torch|jax|optax|numpy|scipy|Tensor|TapeM|Tape"
    whole = re.findall(rf"\b(?:{libraries})(?:\.\w+)+", code)
    short = (name.rpartition(".")[2] for name in whole)
    ours = {name.lower().rstrip("_") for name in vars(tapem_dsl)}
    others = [name for name in short if name.lower() not in ours]
    return list(dict.fromkeys([*whole, *others]))


def write_files(folder: Path) -> None:
    """Write a page for each example, and for files that pages link to."""
    examples = {path.stem: path for path in sorted(ROOT.glob("examples/*.py"))}
    files = {name: ROOT / name for name in ("LICENSE", "CITATION.cff")}
    for room, paths in (("examples", examples), ("files", files)):
        (folder / room).mkdir()
        for name, path in paths.items():
            language = "python" if path.suffix == ".py" else "text"
            shown = f"```{{literalinclude}} /../{path.relative_to(ROOT)}\n:language: "
            top = "---\norphan: true\n---\n\n"
            page = f"{top}# {path.name}\n\n{shown}{language}\n```\n"
            (folder / room / f"{name}.md").write_text(page)
    rows = [
        f"| [{name}.py]({name}.md) | {described_in(path)} |"
        for name, path in examples.items()
    ]
    listed = "\n".join(["| example | what it does |", "|---|---|", *rows])
    (folder / "examples" / "index.md").write_text(f"# Examples\n\n{listed}\n")


def described_in(example: Path) -> str:
    """Return the first line of the docstring of a module."""
    return (ast.get_docstring(ast.parse(example.read_text())) or "").partition("\n")[0]


def write_decisions(folder: Path) -> None:
    """Write the table of the decision records."""
    rows, pages = [], []
    for page in sorted(folder.glob("0*.md")):
        found = re.match(
            r"# \d+\. (.*)\n\nStatus: (.*), (\d{4}-\d\d-\d\d)\.\n", page.read_text()
        )
        assert found, f"{page.name} does not begin with its title, status and date"
        pages.append(page.stem)
        title, status, date = found.groups()
        rows.append(
            f"| {int(page.stem[:4])} | [{title}]({page.name}) | {status} | {date} |"
        )
    table = "\n".join(["| | decision | status | date |", "|---|---|---|---|", *rows])
    tree = "\n".join(["```{toctree}", ":hidden:", "", *pages, "```"])
    (folder / "index.md").write_text(f"# Decisions\n\n{table}\n\n{tree}\n")
