"""Drawings: each node and edge, labels that cannot break out, SVG and its refusals."""

import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapem_dsl import Node, NodeId, Tape, leaf, mul, relu, to_dot, to_mermaid, to_svg
from tapem_dsl.interpreters.render import ancestors
from tapem_dsl.testing.strategies import ids_of, tapes
from tests.interpreters.render.hostile import ZERO, hostile_tapes

DOT_NODE = re.compile(r'  (\w+) \[label="((?:[^"\\]|\\.)*)", [a-z=, ]+\]')
DOT_EDGE = re.compile(r"  (\w+) -> (\w+)")
MERMAID_NODE = re.compile(r'  (\w+)(?:\[|\(\[)"([^"]*)"(?:\]|\]\))(?::::\w+)?')
MERMAID_EDGE = re.compile(r"  (\w+) --> (\w+)")


def parsed(
    text: str, node: re.Pattern[str], edge: re.Pattern[str]
) -> tuple[dict[str, str], list[tuple[str, ...]]]:
    """Read labels and edges; any other line is an error."""
    nodes: dict[str, str] = {}
    edges: list[tuple[str, ...]] = []
    for line in text.split("\n"):
        assert line.isprintable()
        if found := node.fullmatch(line):
            assert found[1] not in nodes
            nodes[found[1]] = found[2]
        elif found := edge.fullmatch(line):
            edges.append(found.groups())
        else:
            assert line in {"digraph tape {", "  ordering=in", "}", "flowchart TB"} or (
                line.startswith("  classDef ")
            )
    return nodes, edges


def dot(tape: Tape[Any], out: NodeId | None = None) -> Any:
    return parsed(to_dot(tape, out), DOT_NODE, DOT_EDGE)


def mermaid(tape: Tape[Any], out: NodeId | None = None) -> Any:
    return parsed(to_mermaid(tape, out), MERMAID_NODE, MERMAID_EDGE)


@settings(deadline=None)  # the machine may be busy
@given(tapes(), st.data())
def test_nodes_and_edges_are_those_of_the_tape(tape: Tape[Any], data: Any) -> None:
    expected = [(f"n{p}", f"n{id}") for id in tape.ids() for p in tape[id].parents]
    for nodes, edges in (dot(tape), mermaid(tape)):
        assert list(nodes) == [f"n{id}" for id in tape.ids()]
        assert edges == expected
    out = data.draw(ids_of(tape))
    reached = {out}
    for id in reversed(tape.ids()[: out.__index__() + 1]):
        reached |= set(tape[id].parents) if id in reached else set()
    assert ancestors(tape, out) == sorted(reached)
    for nodes, edges in (dot(tape, out), mermaid(tape, out)):
        assert set(nodes) == {f"n{id}" for id in reached}
        assert edges == [pair for pair in expected if pair[1] in nodes]


@settings(deadline=None)  # the machine may be busy
@given(hostile_tapes())
def test_hostile_names_stay_in_their_labels(tape: Tape[Any]) -> None:
    for nodes, edges in (dot(tape), mermaid(tape), dot(tape, NodeId(len(tape) - 1))):
        assert {end for edge in edges for end in edge} <= set(nodes)
    for label in mermaid(tape)[0].values():
        inner = label.replace("<br>", "")
        assert not set(inner) & set('<>&"`\\')
        assert re.fullmatch(r"([^#]|#\d+;)*", inner)
    for label in dot(tape)[0].values():
        assert re.fullmatch(r"([^&]|&amp;)*", label)
        assert not re.search(r"(?<!\\)(\\\\)*\\[^n\\\"]", label)


def test_an_operand_that_is_no_node_is_drawn_as_missing() -> None:
    tape = Tape([Node(None, (NodeId(7),), ZERO)])
    nodes, edges = dot(tape)
    assert nodes["missing0"] == r"7\nno such node"
    assert edges == [("missing0", "n0")]


def test_an_output_that_is_no_node_is_refused() -> None:
    for function in (to_dot, to_mermaid, to_svg):
        with pytest.raises(ValueError, match=f"{function.__name__}: .*id=3, size=0"):
            function(Tape(), NodeId(3))


def test_svg_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    tape = leaf(1.0).bind(relu).exec().unwrap()
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError, match=r"pip install 'tapem_dsl\[render\]'"):
        to_svg(tape)

    class ExecutableNotFound(RuntimeError):
        pass

    class Source:
        def __init__(self, source: str) -> None:
            self.source = source

        def pipe(self, *, format: str, encoding: str) -> str:
            if broken:
                raise ExecutableNotFound
            return f"<svg>{format} {encoding} {self.source}</svg>"

    fake: Any = SimpleNamespace(ExecutableNotFound=ExecutableNotFound, Source=Source)
    monkeypatch.setitem(sys.modules, "graphviz", fake)
    broken = False
    assert to_svg(tape) == f"<svg>svg utf-8 {to_dot(tape)}</svg>"
    broken = True
    with pytest.raises(RuntimeError, match="apt install graphviz"):
        to_svg(tape)


def test_a_large_drawing_is_refused_with_the_fix() -> None:
    tape = Tape([Node(None, (), ZERO)] * 501)
    with pytest.raises(ValueError, match=r"at most 500 nodes, not 501; .* out="):
        to_svg(tape)


def test_an_operand_twice_is_two_edges() -> None:
    tape = leaf(1.0).bind(lambda x: mul(x, x)).exec().unwrap()
    assert dot(tape)[1] == [("n0", "n1")] * 2
