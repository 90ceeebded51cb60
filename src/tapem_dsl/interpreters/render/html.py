"""HTML for notebooks: small, foldable, without scripts and without colours."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any, Final

from tapem_dsl.interpreters.render.cells import (
    COLUMNS,
    GradientMap,
    cells_of,
    cells_of_node,
    check_gradients_by_id,
    told,
)
from tapem_dsl.interpreters.render.folding import Fold, Line, lines_of
from tapem_dsl.interpreters.render.texts import clipped, describe_value
from tapem_dsl.interpreters.reverse.sparse import Reached
from tapem_dsl.messages import short_repr
from tapem_dsl.program.spine import show
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.tape import Tape

# Any, throughout: tapes, programs and samples of any type.

LARGEST: Final = 20_000
"""How many characters of HTML are made at most."""

_SIZES: Final = (100, 50, 25, 12, 6, 3)
"""How many lines are tried, until the HTML is small enough."""


def to_html(
    shown: Tape[Any] | Node[Any] | TapeM[Any, Any] | Reached[Any],
    gradients: GradientMap | None = None,
) -> str:
    """
    Return a tape, a node, a program or gradients by id as HTML; notebooks call it.

    The HTML is of at most 20,000 characters, can be folded, and has no script. It sets
    no colours, so that light and dark pages can show it. All names are escaped.

    Args:
        shown: what to show.
        gradients: of a tape: gradients by id, as ``backward`` returns them.

    Raises:
        TypeError: the argument is none of these.

    Lean: none.

    >>> from tapem_dsl import leaf
    >>> to_html(leaf(1.0, name="<x>"))
    '<pre><code>leaf(1.0, name=&#x27;&lt;x&gt;&#x27;)</code></pre>'
    """
    if type(shown) is TapeM:
        return f"<pre><code>{_text(show(shown), LARGEST // 10)}</code></pre>"
    if type(shown) is Tape:
        check_gradients_by_id(gradients, "to_html")
        title = f"Tape of {len(shown):,} {_nodes(len(shown))}"
        return smallest(title, lambda most: _of_tape(title, shown, gradients, most))
    if isinstance(shown, Node):
        cells = cells_of_node(0, shown, None).texts[1:-1]
        return table("Node", COLUMNS[1:-1], [cells])
    if isinstance(shown, Reached):
        title = f"Gradients of {len(shown):,} {_nodes(len(shown))}"
        return smallest(title, lambda most: _of_gradients(title, shown, most))
    raise TypeError(
        f"to_html takes a Tape, a Node, a program or gradients, not {short_repr(shown)}"
    )


def samples_to_html(kind: str, count: int, get: Callable[[int], object]) -> str:
    """
    Return the samples of a data set as HTML: how many, and the first ones.

    Args:
        kind: the name of the data set's class.
        count: how many samples there are.
        get: returns the sample at an index; it is called for those that are shown.

    >>> samples_to_html("Dataset", 2, [1, 2].__getitem__)[:50]
    '<details open><summary>Dataset of 2 samples</summa'
    """
    title = f"{kind} of {count:,} sample{'' if count == 1 else 's'}"

    def made(most: int) -> str:
        rows = [(str(at), _sample(get(at))) for at in range(min(count, most))]
        return table(title, ("", "sample"), rows, count - len(rows))

    return smallest(title, made, _SIZES[3:])


def smallest(
    title: str, make: Callable[[int], str], sizes: Sequence[int] = _SIZES
) -> str:
    """
    Return the HTML of as many lines as are small enough together, or the title only.

    >>> len(smallest("title", lambda most: "x" * 1000 * most))
    12000
    """
    for most in sizes:
        made = make(most)
        if len(made) <= LARGEST:
            return made
    return f"<p>{_text(title)}</p>"


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    hidden: int = 0,
) -> str:
    """
    Return a table that can be folded; ``hidden`` rows more are mentioned below it.

    >>> table("t", ["a"], [["1"], ["2"]], 7)[-42:]
    '><i>7 more</i></td></tr></table></details>'
    """
    body = "".join(map(_row, rows))
    if hidden:
        body += _wide(f"<i>{hidden:,} more</i>", columns)
    return _folded(title, _table(columns, body), opened=True)


def _of_tape(
    title: str, tape: Tape[Any], gradients: GradientMap | None, most: int
) -> str:
    columns = COLUMNS if gradients is not None else COLUMNS[:-1]
    rows = (_line(tape, x, gradients, columns) for x in lines_of(tape, most))
    return _folded(title, _table(columns, "".join(rows)), opened=True)


def _line(
    tape: Tape[Any], line: Line, gradients: GradientMap | None, columns: Sequence[str]
) -> str:
    if not isinstance(line, Fold):
        ((texts, node),) = cells_of(tape, line, gradients)
        if node is None:
            return _wide(f"<i>{_text(' '.join(texts))}</i>", columns)
        return _row(texts[: len(columns)])
    rows = (_line(tape, x, gradients, columns) for x in line.body)
    title = f"{line.start:,} to {line.stop - 1:,}: {told(line)}"
    return _wide(_folded(title, _table(columns, "".join(rows))), columns)


def _of_gradients(title: str, gradients: Reached[Any], most: int) -> str:
    shown = list(gradients.items())[:most]
    rows = [(str(id), _shape(g), _dtype(g), describe_value(g)) for id, g in shown]
    columns = ("id", "shape", "dtype", "value")
    return table(title, columns, rows, len(gradients) - len(rows))


def _sample(x: object) -> str:
    shape = _shape(x)
    return f"{_dtype(x)} {shape}: {describe_value(x)}" if shape else short_repr(x)


def _shape(x: object) -> str:
    shape = getattr(x, "shape", None)
    return str(shape) if type(shape) is tuple else ""


def _dtype(x: object) -> str:
    return str(getattr(x, "dtype", type(x).__name__))


def _nodes(count: int) -> str:
    return "node" if count == 1 else "nodes"


def _folded(title: str, content: str, *, opened: bool = False) -> str:
    state = " open" if opened else ""
    return f"<details{state}><summary>{_text(title)}</summary>{content}</details>"


def _table(columns: Sequence[str], rows: str) -> str:
    heads = "".join(f"<th>{_text(name)}</th>" for name in columns)
    return f"<table><tr>{heads}</tr>{rows}</table>"


def _row(texts: Sequence[str]) -> str:
    cells = "".join(f"<td>{_text(text)}</td>" for text in texts)
    return f"<tr>{cells}</tr>"


def _wide(content: str, columns: Sequence[str]) -> str:
    """Return a row of one cell; notebooks would align it to the right."""
    span = f'colspan="{len(columns)}" style="text-align:left"'
    return f"<tr><td {span}>{content}</td></tr>"


def _text(text: str, width: int = 120) -> str:
    return escape(clipped(text, width))
