"""The command ``python -m tapem_dsl show FILE``, which shows a saved tape."""

import argparse
import sys
from collections.abc import Sequence

from returns.result import Failure

from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.render import (
    print_tape,
    to_dot,
    to_html,
    to_mermaid,
    to_svg,
)
from tapem_dsl.interpreters.saved import load_tape
from tapem_dsl.messages import printable

DRAWN = {"dot": to_dot, "mermaid": to_mermaid, "svg": to_svg}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments; return the exit status."""
    given = _parser().parse_args(arguments)
    if given.lines < 0:
        return _failed(f"--lines takes a number from 0, not {given.lines}")
    try:
        loaded = load_tape("show", given.file)
    except ModuleNotFoundError as error:
        return _failed(error)
    if isinstance(loaded, Failure):
        return _failed(loaded.failure())
    tape, gradients = loaded.unwrap()
    laid = gradients or None
    if given.format == "table":
        print_tape(tape, laid, most=given.lines)
        return 0
    try:
        if given.format == "html":
            text = to_html(tape, laid)
        else:
            out = None if given.out is None else NodeId(given.out)
            text = DRAWN[given.format](tape, out)
    except (ImportError, RuntimeError, ValueError) as error:
        return _failed(error)
    sys.stdout.write(f"{text}\n")
    return 0


def _failed(error: object) -> int:
    sys.stderr.write(f"{printable(error)}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tapem_dsl")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    show = commands.add_parser("show", help="show a tape that save_tape wrote")
    show.add_argument("file", metavar="FILE", help="the file")
    show.add_argument(
        *("--format", "-f"),
        choices=("table", "html", *DRAWN),
        default="table",
        help="what to print (default: %(default)s)",
    )
    show.add_argument(
        *("--out", "-o"),
        type=int,
        metavar="ID",
        help="draw only this node and what it is computed from",
    )
    show.add_argument(
        *("--lines", "-n"),
        type=int,
        default=40,
        metavar="N",
        help="how many lines a table has at most (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
