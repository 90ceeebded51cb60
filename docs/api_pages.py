"""Write the pages of the reference: every public name, by what it is for."""

import inspect
from importlib import import_module
from pathlib import Path
from types import GenericAlias, ModuleType
from typing import Final

import tapem_dsl
from tapem_dsl import errors, optim, testing, train, tree

TITLES: Final = {
    "program": "Programs",
    "ops": "Ops",
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


def write_pages(folder: Path) -> None:
    """Write a page for each room and module, and the list of them."""
    folder.mkdir(exist_ok=True)
    by_room: dict[str, list[str]] = {room: [] for room in TITLES}
    seen: list[object] = []
    for name in sorted(vars(tapem_dsl), key=str.lower):
        value = getattr(tapem_dsl, name)
        if name.startswith("_") or isinstance(value, ModuleType):
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
            if not name.startswith("_")
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
    parts = [f"# {title}"]
    for name in names:
        value = getattr(import_module(module), name)
        lines = [f".. currentmodule:: {module}", ""]
        if inspect.isclass(value) and not isinstance(value, GenericAlias):
            lines += [f".. autoclass:: {module}.{name}", "   :members:"]
        elif inspect.isroutine(value):
            lines.append(f".. autofunction:: {module}.{name}")
        else:  # an alias of types, or a constant: its docstring is that of its type
            lines += [f".. py:data:: {module}.{name}", "", f"   ``{value!r}``"]
        parts.append("\n".join(["```{eval-rst}", *lines, "```"]))
    page.write_text("\n\n".join(parts) + "\n")
