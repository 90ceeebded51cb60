"""
Write docs/ops.md: every op, from its docstring.

``make docs`` runs it; a test fails while the page is not what it would write.
"""

import inspect
import re
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Final

import tapem_dsl
from tapem_dsl import Op, ops
from tapem_dsl.interpreters.forward import dual_ops

PAGE: Final = Path(__file__).with_name("ops.md")

FAMILIES: Final = (*ops.FAMILIES, dual_ops)
"""The vocabulary, and the ops that an interpreter defines."""

SECTIONS: Final = ("Shapes", "Fails with", "Gradient", "Source")
"""Sections that the docstring of every op has."""

_BEFORE: Final = """\
# The ops

Written by `make docs` from the docstrings. Each op has a page of its own on the site:
shapes, failures, gradient, costs and an example. Every op has a rule for reverse mode.
Forward mode and recorded sweeps need none: they evaluate the op, and its rule, over
dual numbers and recorded arrays.
"""

_AFTER: Final = """\
Over float16 an op and its rule compute in float32 and
round once, as in PyTorch; a result beyond 65,504 is inf. [How sums
round](architecture.md#how-sums-round) bounds the error of sums of many entries.

[An op of your own](guides/own_ops.md) says how to add one outside the package.
"""

_ODD_NAMES: Final = {"OuterProduct": "outer"}
"""Functions whose names do not follow from those of their ops."""


def function_of(kind: type[Op]) -> FunctionType:
    """Find the public function that records an op."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.__name__).lower()
    names = [_ODD_NAMES.get(kind.__name__, snake), f"{snake}_"]
    (found,) = [getattr(tapem_dsl, name) for name in names if hasattr(tapem_dsl, name)]
    assert isinstance(found, FunctionType)
    assert found.__module__ == kind.__module__
    return found


def sections_of(function: FunctionType) -> dict[str, str]:
    """
    Split a docstring into its sections, each on one line; the first is ''.

    A section stands below its title, indented, or begins beside it. The counterparts
    belong to the source.
    """
    doc = (inspect.getdoc(function) or "").partition("\n>>>")[0]
    parts = re.split(_TITLE, doc, flags=re.MULTILINE)
    titles = ["", *parts[1::2]]
    found = {
        title: " ".join(text.split())
        for title, text in zip(titles, parts[::2], strict=True)
    }
    if "Lean" in found:
        source = found.get("Source", ""), f"Lean: {found.pop('Lean')}"
        found["Source"] = " ".join(source).strip()
    return found


_TITLE: Final = (
    r"^(Args|Shapes|Fails with|Raises|Rounding|Gradient|Cost|Source|Lean):(?:$| )"
)


def page() -> str:
    """Return the text of docs/ops.md."""
    conventions = f"{_markdown(_beneath(ops))}\n"
    return "\n".join([_BEFORE, conventions, _AFTER, *map(_family, FAMILIES)])


def _beneath(module: ModuleType) -> str:
    """Return a module's docstring without its first line."""
    return (inspect.getdoc(module) or "").partition("\n")[2].strip()


def _family(module: ModuleType) -> str:
    title = (module.__doc__ or "").strip().partition("\n")[0].removesuffix(".")
    kinds = ops.ops_of(module)
    head = "| op | what | Lean | PyTorch | JAX |"
    rule = "|---|---|---|---|---|"
    below = [f"{_markdown(text)}\n"] if (text := _beneath(module)) else []
    return "\n".join([f"## {title}\n", *below, head, rule, *map(_row, kinds), ""])


def _row(kind: type[Op]) -> str:
    function = function_of(kind)
    first = (inspect.getdoc(function) or "").partition("\n")[0]
    cells = (f"`{function.__name__}`", first, *_counterparts(function))
    return f"| {' | '.join(map(_markdown, cells))} |"


def _counterparts(function: FunctionType) -> tuple[str, str, str]:
    """Return what an op is in Lean, in PyTorch and in JAX."""
    source = sections_of(function)["Source"]
    found = re.search(r"Lean: (.*?)\.? PyTorch: (.*?)\.? JAX: (.*?)\.?$", source)
    assert found, source
    return found[1], found[2], found[3]


def _markdown(text: str) -> str:
    """Turn reStructuredText markup into Markdown."""
    text = re.sub(r":\w+:`([^`]+)`", r"`\1`", text).replace("``", "`")
    return text.replace("|", r"\|")


if __name__ == "__main__":
    PAGE.write_text(page())
