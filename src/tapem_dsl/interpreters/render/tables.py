"""A tape as a table of text, plain or coloured by ``rich``."""

import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tapem_dsl.arguments import check_argument
from tapem_dsl.interpreters.render.cells import (
    COLUMNS,
    Cells,
    GradientMap,
    cells_of,
    check_gradients_by_id,
    check_tape,
)
from tapem_dsl.interpreters.render.folding import lines_of
from tapem_dsl.interpreters.render.texts import clipped
from tapem_dsl.messages import cell_width, padded
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.tape import Tape

if TYPE_CHECKING:
    from rich.text import Text

# Any, throughout: tapes of any scalar type.

_GAP: Final = "  "
_ASIDE: Final = "italic dim"
_NARROW: Final = 4


def to_text(
    tape: Tape[Any],
    gradients: GradientMap | None = None,
    *,
    most: int = 40,
    width: int = 80,
) -> str:
    """
    Return a tape as a table of plain text.

    A line shows a node: its id, its op with the static parameters, its parents, the
    shape and dtype of its value, its flag (``grad`` if it requires a gradient), its
    name, its value and its gradient. A large value is shown by its range and its mean.
    Repetitions are folded: ``x 1,000`` stands above the first one. A column without
    entries is left out.

    Args:
        tape: the tape.
        gradients: gradients by id, as ``backward`` returns them.
        most: how many lines are shown at most, or a few more.
        width: of the table, in cells of a terminal; longer cells end in ``…``.

    Cost:
        Linear in the number of nodes, some 2 us each. Only values that are shown are
        read.

    Raises:
        TypeError: the argument is no tape.

    Lean: none. JAX: printing a ``jaxpr``; Keras: ``Model.summary``.

    >>> from tapem_dsl import backward_scalar, fold_m, param, scale
    >>> x = param(3.0, "x")
    >>> power = x.bind(lambda x: fold_m(scale, x, [2.0] * 100))
    >>> out, tape = power.run().unwrap()
    >>> print(to_text(tape))
    id     op                 parents  shape  dtype    flag  name  value
    0      leaf                        ()     float64  grad  x     3
    1-100  x 100
    | 1    scale(factor=2.0)  0        ()     float64  grad        6
    """
    lines = _laid_out(tape, gradients, most, width, "to_text")
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def to_rich(
    tape: Tape[Any],
    gradients: GradientMap | None = None,
    *,
    most: int = 40,
    width: int = 80,
) -> "Text":
    """
    Return the table of :func:`to_text` in colours, for ``rich.print``.

    Raises:
        ImportError: ``rich`` is not installed.
        TypeError: the argument is no tape.

    Lean: none.

    >>> from tapem_dsl import leaf
    >>> to_rich(leaf(1.0).exec().unwrap()).plain.split()[:2]
    ['id', 'op']
    """
    lines = _laid_out(tape, gradients, most, width, "to_rich")
    try:
        from rich.text import Text  # noqa: PLC0415 - an extra
    except ImportError as missing:
        raise ImportError(
            "to_rich needs rich: pip install 'tapem_dsl[render]'; "
            "to_text needs no other package"
        ) from missing
    pieces = [piece for line in lines for piece in (*line, ("\n", ""))]
    return Text.assemble(*pieces[:-1], no_wrap=True, overflow="ellipsis")


def print_tape(
    tape: Tape[Any], gradients: GradientMap | None = None, *, most: int = 40
) -> None:
    """
    Print a tape as a table: by :func:`to_rich`, or plain if ``rich`` is missing.

    Raises:
        TypeError: the argument is no tape.

    >>> from tapem_dsl import leaf, relu
    >>> print_tape(leaf(1.0).bind(relu).exec().unwrap())
    id  op    parents  shape  dtype    flag  value
    0   leaf           ()     float64  grad  1
    1   relu  0        ()     float64  grad  1
    """
    check_argument("print_tape", "most", most, "count")
    width = shutil.get_terminal_size().columns
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra
    except ImportError:
        sys.stdout.write(f"{to_text(tape, gradients, most=most, width=width)}\n")
        return
    Console(width=width).print(to_rich(tape, gradients, most=most, width=width))


_Styled: TypeAlias = tuple[str, str]
"""A text, and the style in which ``rich`` shows it."""


def _laid_out(
    tape: Tape[Any], gradients: GradientMap | None, most: int, width: int, function: str
) -> list[list[_Styled]]:
    """Lay out the lines of the table, each as pieces of text."""
    check_tape(tape, function)
    check_gradients_by_id(gradients, function)
    check_argument(function, "most", most, "count")
    check_argument(function, "width", width, "count")
    rows = [
        cells
        for line in lines_of(tape, most)
        for cells in cells_of(tape, line, gradients)
    ]
    columns = [
        at for at in range(len(COLUMNS)) if at < 2 or any(row.texts[at] for row in rows)
    ]
    widths = _widths(columns, rows, width)
    header = [(padded(COLUMNS[at], widths[at]), "bold") for at in columns]
    lines = [_spaced(header)]
    for row in rows:
        first, second, *_ = row.texts
        if row.node is None:  # its text reaches over all columns
            aside = [(padded(first, widths[0]), _ASIDE), (second, _ASIDE)]
            lines.append(_spaced(aside))
            continue
        lines.append(
            _spaced(
                (
                    padded(clipped(row.texts[at], widths[at]), widths[at]),
                    _style(COLUMNS[at], row.texts[at], row.node),
                )
                for at in columns
            )
        )
    return lines


def _spaced(pieces: Iterable[_Styled]) -> list[_Styled]:
    return [part for piece in pieces for part in (piece, (_GAP, ""))]


def _widths(columns: list[int], rows: list[Cells], width: int) -> dict[int, int]:
    """Return the widths of columns: the widest give way until the table fits."""
    widths = {
        at: max(
            (cell_width(row.texts[at]) for row in rows if row.node or not at), default=0
        )
        for at in columns
    }
    widths = {at: max(n, len(COLUMNS[at])) for at, n in widths.items()}
    room = width - len(_GAP) * (len(widths) - 1)
    while sum(widths.values()) > room and max(widths.values()) > _NARROW:
        widths[max(widths, key=lambda at: widths[at])] -= 1
    return widths


def _style(column: str, text: str, node: Node[Any]) -> str:
    if column in ("value", "gradient"):
        return "bold red" if "nan" in text or "inf" in text else ""
    if not node.requires_grad:
        return "dim"
    return {"op": "cyan", "name": "bold green"}.get(column, "")
