"""From the arguments of an entry point to the slots of a sweep."""

from collections.abc import Iterable
from typing import Any

from returns.result import Result

from tapem_dsl.errors import InvalidOutputId, TapeError, failed
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.results import as_result
from tapem_dsl.interpreters.reverse.accumulate import Slots
from tapem_dsl.interpreters.reverse.seeds import Seed, check_seed, in_scalar_of
from tapem_dsl.interpreters.reverse.sweep import sweep
from tapem_dsl.interpreters.reverse.wanted import check_wanted, ids_of, visits
from tapem_dsl.interpreters.tracer import levels_of, raised
from tapem_dsl.tape.node import A, Node
from tapem_dsl.tape.tape import Tape


def run_sweep(
    tape: Tape[Any], out: NodeId, seed: Seed, wrt: Iterable[NodeId] | None
) -> Result[Slots, TapeError]:
    """
    Check the arguments and sweep; the slots end at the output.

    >>> from tapem_dsl import EMPTY
    >>> run_sweep(EMPTY, NodeId(0), 1.0, None)
    <Failure: autograd: invalid output id (id=0, size=0)>
    """
    nodes = nodes_of(tape)
    top = index_of(out, "out")
    if not 0 <= top < len(nodes):
        return failed(InvalidOutputId(id=out, size=len(nodes)))
    keep = None if wrt is None else frozenset(ids_of(wrt))

    def run() -> Slots:
        if keep is not None:
            check_wanted(nodes, keep, out)
        del nodes[top + 1 :]
        node = nodes[top]
        g = in_scalar_of(node, seed, "seed")
        check_seed(node, out, g)
        g = raised(g, node.value)
        ids, live = visits(nodes, keep)
        slots: Slots = [None] * len(nodes)
        slots[top] = g
        sweep(nodes, slots, ids, live, keep, levels_of(g))
        if keep is not None and out not in keep:
            slots[top] = None
        return slots

    return as_result(run, nodes)


def nodes_of(tape: Tape[A]) -> list[Node[A]]:
    """
    List the nodes of what must be a tape.

    >>> nodes_of((0, 1))
    Traceback (most recent call last):
    ...
    TypeError: reverse mode sweeps a Tape, not a tuple; ...
    """
    if type(tape) is not Tape:
        raise TypeError(
            f"reverse mode sweeps a Tape, not a {type(tape).__name__}; "
            "run the program first: out, tape = program.run().unwrap()"
        )
    return tape.nodes()
