"""HTML for notebooks: small, foldable, without scripts and without colours."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import islice
from typing import Any, Final

from tapem_dsl import tree
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
        return f"<pre><code>{escaped(show(shown), LARGEST // 10)}</code></pre>"
    if type(shown) is Tape:
        check_gradients_by_id(gradients, "to_html")
        title = f"Tape of {len(shown):,} {_plural(len(shown), 'node')}"
        return smallest(title, lambda most: _of_tape(title, shown, gradients, most))
    if isinstance(shown, Node):
        cells = cells_of_node(0, shown, None).texts[1:-1]
        return table("Node", COLUMNS[1:-1], [cells])
    if isinstance(shown, Reached):
        title = f"Gradients of {len(shown):,} {_plural(len(shown), 'node')}"
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
    title = f"{kind} of {count:,} {_plural(count, 'sample')}"

    def made(most: int) -> str:
        rows = [(str(at), one_line(get(at))) for at in range(min(count, most))]
        return table(title, ("", "sample"), rows, count - len(rows))

    return smallest(title, made, _SIZES[3:])


def part_to_html(x: object) -> str | None:
    """
    Return the HTML of what has one, or of a pytree of arrays; ``None`` of all else.

    >>> import numpy as np
    >>> part_to_html({"w": np.zeros(2), "b": np.float64(3)})[:50]
    '<details open><summary>dict of 2 leaves</summary><'
    >>> part_to_html([1, 2])
    """
    own: Callable[[object], str] | None = getattr(type(x), "_repr_html_", None)
    if own is not None:
        return own(x)
    leaves, structure = tree.flatten(x)
    if structure.kind is None or not any(map(_shape, leaves)):
        return None
    title = f"{type(x).__name__} of {len(leaves):,} {_plural(len(leaves), 'leaf')}"

    def made(most: int) -> str:
        shown = islice(zip(structure.paths(), leaves, strict=True), most)
        rows = [(path, *_array(leaf)) for path, leaf in shown]
        return table(title, ("leaf", *_ARRAY), rows, len(leaves) - len(rows))

    return smallest(title, made)


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
    return f"<p>{escaped(title)}</p>"


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
    return folded(title, _table(columns, body), opened=True)


def _of_tape(
    title: str, tape: Tape[Any], gradients: GradientMap | None, most: int
) -> str:
    columns = COLUMNS if gradients is not None else COLUMNS[:-1]
    rows = (_line(tape, x, gradients, columns) for x in lines_of(tape, most))
    return folded(title, _table(columns, "".join(rows)), opened=True)


def _line(
    tape: Tape[Any], line: Line, gradients: GradientMap | None, columns: Sequence[str]
) -> str:
    if not isinstance(line, Fold):
        ((texts, node),) = cells_of(tape, line, gradients)
        if node is None:
            return _wide(f"<i>{escaped(' '.join(texts))}</i>", columns)
        return _row(texts[: len(columns)])
    rows = (_line(tape, x, gradients, columns) for x in line.body)
    title = f"{line.start:,} to {line.stop - 1:,}: {told(line)}"
    return _wide(folded(title, _table(columns, "".join(rows))), columns)


def _of_gradients(title: str, gradients: Reached[Any], most: int) -> str:
    shown = list(gradients.items())[:most]
    rows = [(str(id), *_array(g)) for id, g in shown]
    return table(title, ("id", *_ARRAY), rows, len(gradients) - len(rows))


_ARRAY: Final = ("shape", "dtype", "value")


def _array(x: object) -> tuple[str, str, str]:
    return _shape(x), _dtype(x), describe_value(x)


def one_line(x: object) -> str:
    """
    Return the dtype, the shape and the value of an array, or a short ``repr``.

    >>> import numpy as np
    >>> one_line(np.zeros(2)), one_line("a")
    ('float64 (2,): [0 0]', "'a'")
    """
    shape = _shape(x)
    return f"{_dtype(x)} {shape}: {describe_value(x)}" if shape else short_repr(x)


def _shape(x: object) -> str:
    shape = getattr(x, "shape", None)
    return str(shape) if type(shape) is tuple else ""


def _dtype(x: object) -> str:
    return str(getattr(x, "dtype", type(x).__name__))


def _plural(count: int, noun: str) -> str:
    plurals = {"leaf": "leaves"}
    return noun if count == 1 else plurals.get(noun, f"{noun}s")


def folded(title: str, content: str, *, opened: bool = False) -> str:
    """
    Return HTML below a title, by which it is folded and unfolded.

    >>> folded("<t>", "<p>1</p>")
    '<details><summary>&lt;t&gt;</summary><p>1</p></details>'
    """
    state = " open" if opened else ""
    return f"<details{state}><summary>{escaped(title)}</summary>{content}</details>"


def _table(columns: Sequence[str], rows: str) -> str:
    heads = "".join(f"<th>{escaped(name)}</th>" for name in columns)
    return f"<table><tr>{heads}</tr>{rows}</table>"


def _row(texts: Sequence[str]) -> str:
    cells = "".join(f"<td>{escaped(text)}</td>" for text in texts)
    return f"<tr>{cells}</tr>"


def _wide(content: str, columns: Sequence[str]) -> str:
    """Return a row of one cell; notebooks would align it to the right."""
    span = f'colspan="{len(columns)}" style="text-align:left"'
    return f"<tr><td {span}>{content}</td></tr>"


def escaped(text: str, width: int = 120) -> str:
    """
    Return a text as HTML on one line, cut to a width.

    >>> escaped("<w>"), escaped("abcdefgh", 6)
    ('&lt;w&gt;', 'abcde…')
    """
    return escape(clipped(text, width))
