"""Results and errors as HTML in notebooks, by an extension of IPython."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from returns.result import Failure, Result, Success

from tapem_dsl.errors import Line, TapeError
from tapem_dsl.interpreters.render.html import (
    escaped,
    folded,
    one_line,
    part_to_html,
)

_PARTS: Final = 6
"""How many parts of a tuple are shown."""

_LONGEST: Final = 2000


# Any: an InteractiveShell; IPython is imported by who uses notebooks only
def load_ipython_extension(ipython: Any) -> None:
    """
    Show results and errors as HTML; IPython calls it at ``%load_ext tapem_dsl``.

    Tapes, programs, gradients and data sets have HTML of their own. ``Success`` and
    ``Failure`` are classes of ``returns``, so that notebooks show them as text. With
    the extension a success is shown as the HTML of what is inside: each part of a
    tuple, and the leaves of a pytree of arrays. A failure is shown with its place,
    in which cells are called as notebooks call them: ``Cell In[3]``.

    A success without tapes, arrays and the like, and a failure that is no
    :class:`TapeError`, are shown as text.

    Lean: none. IPython: ``load_ipython_extension``.

    >>> from types import SimpleNamespace
    >>> from IPython.core.formatters import DisplayFormatter
    >>> from tapem_dsl import leaf
    >>> shell = SimpleNamespace(display_formatter=DisplayFormatter())
    >>> load_ipython_extension(shell)
    >>> shown, _ = shell.display_formatter.format(leaf(1.0).run())
    >>> shown["text/html"][:48]
    '<details open><summary>Success</summary><p>0</p>'
    """

    def file_of(name: str) -> str:
        return " ".join(ipython.compile.format_code_name(name) or (name,))

    formatter: Any = ipython.display_formatter  # of a type that checkers disagree about
    html = formatter.formatters["text/html"]
    html.for_type(Success, result_to_html)
    for kind in (Failure, TapeError):
        html.for_type(kind, lambda shown: result_to_html(shown, file_of))


# Any: of values and errors of any type.
def result_to_html(
    result: Result[Any, Any] | TapeError, file_of: Callable[[str], str] = str
) -> str | None:
    """
    Return a result or an error as HTML, or ``None`` if its text says as much.

    Args:
        result: what to show.
        file_of: returns how a file of source code is called.

    >>> from tapem_dsl import throw
    >>> result_to_html(throw("no data").run())
    '<details open><summary>Failure</summary><p>no data</p></details>'
    >>> result_to_html(Success(3))
    """
    if isinstance(result, TapeError):
        return _of_error(type(result).__name__, result, file_of)
    if isinstance(result, Failure):
        error = result.failure()
        known = isinstance(error, TapeError)
        return _of_error("Failure", error, file_of) if known else None
    value = result.unwrap()
    parts = value if type(value) is tuple else (value,)
    shown = [part_to_html(part) for part in parts[:_PARTS]]
    if not any(shown):
        return None
    pairs = zip(parts, shown, strict=False)
    body = "".join(html or f"<p>{escaped(one_line(x))}</p>" for x, html in pairs)
    if len(parts) > _PARTS:
        body += f"<p><i>{len(parts) - _PARTS:,} more</i></p>"
    return folded("Success", body, opened=True)


def _of_error(title: str, error: TapeError, file_of: Callable[[str], str]) -> str:
    chain = tuple(
        replace(where, file=file_of(where.file)) if isinstance(where, Line) else where
        for where in error.place.chain
    )
    body = f"<p>{escaped(str(error), _LONGEST)}</p>"
    if error.place:
        lines = str(replace(error.place, chain=chain)).splitlines()
        place = "\n".join(escaped(line, _LONGEST) for line in lines)
        body += f"<pre><code>{place}</code></pre>"
    return folded(title, body, opened=True)
