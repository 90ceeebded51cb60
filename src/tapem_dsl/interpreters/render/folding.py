"""Which nodes of a tape are shown: repetitions are folded, long parts shortened."""

from bisect import bisect, insort
from collections.abc import Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from tapem_dsl.interpreters.periods import LEAST, Numbers, Run, run_of, runs_in
from tapem_dsl.interpreters.render.texts import describe_op
from tapem_dsl.messages import short_repr
from tapem_dsl.tape.node import Node, operands
from tapem_dsl.tape.tape import Tape

# Any, throughout: nodes of any scalar type.


class Row(NamedTuple):
    """One node."""

    id: int


class Gap(NamedTuple):
    """The nodes from ``start`` to before ``stop``, which are not shown."""

    start: int
    stop: int


class Fold(NamedTuple):
    """
    ``times`` repetitions of ``period`` nodes, of which the first is shown.

    All repetitions have the same ops, shapes, dtypes, flags and names, and each operand
    moves by the same distance from one repetition to the next.
    """

    start: int
    period: int
    times: int
    body: "tuple[Line, ...]"

    @property
    def stop(self) -> int:
        """The id behind the last node."""
        return self.start + self.period * self.times


Line: TypeAlias = Row | Gap | Fold


class _Stretch(NamedTuple):
    """Consecutive nodes that are not folded."""

    start: int
    stop: int


class _Repeat(NamedTuple):
    """A :class:`Fold` before it is shortened."""

    start: int
    period: int
    times: int
    body: "list[_Stretch | _Repeat]"


_Piece: TypeAlias = _Stretch | _Repeat


def lines_of(tape: Tape[Any], most: int) -> list[Line]:
    """
    List what is shown of a tape, in at most ``most`` lines or a few more.

    Cost:
        Linear in the number of nodes; no value is read.

    >>> from tapem_dsl import fold_m, leaf, scale
    >>> out = leaf(1.0).bind(lambda x: fold_m(scale, x, [2.0] * 100))
    >>> lines_of(out.exec().unwrap(), 40)
    [Row(id=0), Fold(start=1, period=1, times=100, body=(Row(id=1),))]
    """
    pieces = _pieces(_Table(tape.nodes()), 0, len(tape))
    kept = max(most, _LEAST_LINES)
    while True:
        shown = _shortened(pieces, kept)
        if kept == _LEAST_LINES or _count(shown) <= most:
            return shown
        kept = max(kept // 2, _LEAST_LINES)


_LEAST_LINES: Final = 3


def _count(shown: Sequence[Line]) -> int:
    return sum(1 + (_count(x.body) if isinstance(x, Fold) else 0) for x in shown)


def _shortened(pieces: list[_Piece], most: int) -> list[Line]:
    """List the lines of pieces; of more than ``most``, only the first and last."""
    if sum(1 if isinstance(x, _Repeat) else x.stop - x.start for x in pieces) <= most:
        return [_line(unit, most) for unit in _units(pieces)]
    before = most // 2
    head = [_line(x, most) for x in islice(_units(pieces), before)]
    backwards = islice(_units(pieces, backwards=True), most - before - 1)
    tail = [_line(x, most) for x in backwards][::-1]
    return [*head, Gap(_stop(head[-1]), _start(tail[0])), *tail]


def _units(pieces: list[_Piece], *, backwards: bool = False) -> Iterator[Row | _Repeat]:
    for piece in reversed(pieces) if backwards else pieces:
        if isinstance(piece, _Repeat):
            yield piece
        else:
            ids = range(*piece)
            yield from map(Row, reversed(ids) if backwards else ids)


def _line(unit: Row | _Repeat, most: int) -> Line:
    if isinstance(unit, Row):
        return unit
    return Fold(*unit[:3], tuple(_shortened(unit.body, most)))


def _start(line: Line) -> int:
    return line.id if isinstance(line, Row) else line.start


def _stop(line: Line) -> int:
    return line.id + 1 if isinstance(line, Row) else line.stop


# -- finding repetitions ---------------------------------------------------------------


class _Table:
    """The nodes of a tape as arrays: a number for each kind, and the operands."""

    def __init__(self, nodes: list[Node[Any]]) -> None:
        kinds: dict[tuple[object, ...], int] = {}
        texts: dict[int, str] = {}  # by the identity of an op, which a node keeps alive
        numbers = []
        for node in nodes:
            op, value = node.op, node.value
            text = texts.get(id(op))
            if text is None:
                text = texts[id(op)] = describe_op(op)
            key = (
                *(text, len(operands(node)), value.shape, value.dtype),
                *(bool(node.requires_grad), _name_of(node.name)),
            )
            numbers.append(kinds.setdefault(key, len(kinds)))
        self.kinds: Numbers = np.array(numbers, np.intp)
        counts = [len(operands(node)) for node in nodes]
        self.offsets: Numbers = np.cumsum([0, *counts], dtype=np.intp)
        parents = list(chain.from_iterable(operands(node) for node in nodes))
        self.parents: Numbers = np.array(list(map(_index, parents)), np.intp)

    def parts_of(self, run: Run) -> Iterator[tuple[int, int]]:
        """Give where each part of a run starts, and how often it repeats in fact."""
        times = run.length // run.period
        first, last = self.offsets[[run.start, run.start + times * run.period]]
        operands = self.parents[first:last].reshape(times, -1)
        moves = np.diff(operands, axis=0)
        changes = np.flatnonzero((moves[1:] != moves[:-1]).any(axis=1)) + 1
        edges = [0, *changes.tolist(), len(moves)]
        for begin, end in pairwise(edges):
            # the moves of a part lead from its first repetition to its last
            if end - begin + 1 >= LEAST:
                yield run.start + begin * run.period, end - begin + 1


def _name_of(name: object) -> object:
    return name if name is None or isinstance(name, str) else short_repr(name)


def _index(parent: object) -> int:
    """Return an id; -1 for what cannot be one, on a tape made by hand."""
    return parent if type(parent) is int and abs(parent) < _MOST_NODES else -1


_MOST_NODES: Final = 2**62


def _pieces(table: _Table, start: int, stop: int) -> list[_Piece]:
    """Fold the repetitions among the nodes from ``start`` to before ``stop``."""
    taken: list[tuple[int, int, int]] = []  # start, period and times, in order
    for run in runs_in(table.kinds[start:stop]) if stop - start >= LEAST else ():
        moved = run_of(run.start + start, run.length, run.period)
        free = _free_part(taken, moved)
        if free is not None:
            for at, times in table.parts_of(free):
                insort(taken, (at, run.period, times))
    pieces: list[_Piece] = []
    done = start
    for at, period, times in taken:
        if done < at:
            pieces.append(_Stretch(done, at))
        body = _pieces(table, at, at + period)
        pieces.append(_Repeat(at, period, times, body))
        done = at + period * times
    if done < stop:
        pieces.append(_Stretch(done, stop))
    return pieces


def _free_part(taken: list[tuple[int, int, int]], run: Run) -> Run | None:
    """Return the part of a run that no better one has; ``None`` if it is too short."""
    start, stop = run.start, run.stop
    place = bisect(taken, (start, stop, 0))
    if place:
        at, period, times = taken[place - 1]
        start = max(start, at + period * times)
    if place < len(taken):
        stop = min(stop, taken[place][0])
    part = run_of(start, stop - start, run.period)
    return part if part.is_long() else None
