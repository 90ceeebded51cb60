"""A tape as a drawing: Graphviz DOT, Mermaid, and SVG."""

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

from tapem_dsl.arguments import check_argument
from tapem_dsl.errors import InvalidOutputId
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.render.cells import check_tape
from tapem_dsl.interpreters.render.texts import clipped, describe_op
from tapem_dsl.messages import short_repr
from tapem_dsl.tape.ancestors import is_id_below, with_ancestors
from tapem_dsl.tape.node import Node, operands
from tapem_dsl.tape.tape import Tape

# Any, throughout: tapes of any scalar type.


def to_dot(tape: Tape[Any], out: NodeId | None = None) -> str:
    r"""
    Return a tape as a graph in the DOT language of Graphviz.

    An edge leads from each operand to the node of the op, in the order of the operands.
    Leaves are boxes, bold if they require a gradient; a node that requires none is
    dashed.

    Args:
        tape: the tape.
        out: if given, only this node and what it is computed from are drawn.

    Raises:
        TypeError: the argument is no tape.
        ValueError: the tape has no node ``out``.

    Lean: none. PyTorch: ``torchviz.make_dot``.

    >>> from tapem_dsl import mul, param
    >>> out, tape = param(3.0, "x").bind(lambda x: mul(x, x)).run().unwrap()
    >>> print(to_dot(tape))
    digraph tape {
      ordering=in
      n0 [label="x\n() float64", shape=box, style=bold]
      n1 [label="1: mul\n() float64", shape=ellipse]
      n0 -> n1
      n0 -> n1
    }
    """
    graph = _graph(tape, out, "to_dot")
    lines = ["digraph tape {", "  ordering=in"]
    for id, lines_of_label, look in graph.nodes:
        label = r"\n".join(map(_in_dot, lines_of_label))
        lines.append(f'  {id} [label="{label}", {_DOT[look]}]')
    lines += [f"  {parent} -> {id}" for parent, id in graph.edges]
    return "\n".join([*lines, "}"])


def to_mermaid(tape: Tape[Any], out: NodeId | None = None) -> str:
    """
    Return a tape as a flowchart in the language of Mermaid, which Markdown pages draw.

    Nodes and edges are those of :func:`to_dot`.

    Args:
        tape: the tape.
        out: if given, only this node and what it is computed from are drawn.

    Raises:
        TypeError: the argument is no tape.
        ValueError: the tape has no node ``out``.

    Lean: none.

    >>> from tapem_dsl import mul, param
    >>> out, tape = param(3.0, "x").bind(lambda x: mul(x, x)).run().unwrap()
    >>> print(to_mermaid(tape))
    flowchart TB
      n0["x<br>() float64"]:::trained
      n1(["1: mul<br>() float64"])
      n0 --> n1
      n0 --> n1
      classDef trained stroke-width:3px
      classDef frozen stroke-dasharray:4
      classDef missing stroke:#f00,stroke-dasharray:2
    """
    graph = _graph(tape, out, "to_mermaid")
    lines = ["flowchart TB"]
    for id, lines_of_label, look in graph.nodes:
        opening, closing, style = _MERMAID[look]
        label = "<br>".join(map(_in_mermaid, lines_of_label))
        lines.append(f'  {id}{opening}"{label}"{closing}{style}')
    lines += [f"  {parent} --> {id}" for parent, id in graph.edges]
    return "\n".join([*lines, *_MERMAID_CLASSES])


def to_svg(tape: Tape[Any], out: NodeId | None = None, *, most: int = 500) -> str:
    """
    Return the drawing of :func:`to_dot` as SVG, laid out by Graphviz.

    Args:
        tape: the tape.
        out: if given, only this node and what it is computed from are drawn.
        most: how many nodes are drawn at most. The time grows steeply: of a mean over
            samples, 86 nodes take 20 ms and 600 nodes 12 s.

    Raises:
        ImportError: the Python package ``graphviz`` is not installed.
        RuntimeError: the program ``dot`` of Graphviz is not installed.
        TypeError: the argument is no tape.
        ValueError: the tape has no node ``out``, or more nodes than ``most``.

    Lean: none. PyTorch: ``torchviz.make_dot(...).pipe("svg")``.

    >>> from tapem_dsl import leaf
    >>> to_svg(leaf(1.0).exec().unwrap(), most=0)
    Traceback (most recent call last):
    ...
    ValueError: to_svg draws at most 0 nodes, not 1; draw a part with out=, or pass a
    greater most=
    """
    check_argument("to_svg", "most", most, "count")
    count = len(_ids(tape, out, "to_svg"))
    if count > most:
        raise ValueError(
            f"to_svg draws at most {most:,} nodes, not {count:,}; "
            "draw a part with out=, or pass a greater most="
        )
    try:
        from graphviz import ExecutableNotFound, Source  # noqa: PLC0415 # pyright: ignore[reportMissingModuleSource] # an extra
    except ImportError as missing:
        raise ImportError(
            "to_svg needs the package graphviz: pip install 'tapem_dsl[render]'; "
            "to_dot needs no other package"
        ) from missing
    try:
        return Source(to_dot(tape, out)).pipe(format="svg", encoding="utf-8")
    except ExecutableNotFound as missing:
        raise RuntimeError(
            "to_svg needs the program dot of Graphviz: install it with the system's "
            "packages (apt install graphviz, brew install graphviz); to_dot needs no "
            "program"
        ) from missing


def ancestors(tape: Tape[Any], out: NodeId) -> list[NodeId]:
    """
    List a node and all nodes that it is computed from, in order.

    Raises:
        TypeError: the first argument is no tape, or the id no ``int``.
        ValueError: the tape has no node ``out``.

    Cost:
        Linear in the number of nodes up to ``out``.

    Lean: none. JAX: dead-code elimination of a ``jaxpr`` keeps these.

    >>> from tapem_dsl import leaf, relu
    >>> tape = leaf(1.0).bind(lambda x: leaf(2.0).bind(relu)).exec().unwrap()
    >>> ancestors(tape, tape.ids()[-1])
    [1, 2]
    """
    return _ids(tape, out, "ancestors")


class _Graph(NamedTuple):
    """Nodes as identifier, lines of the label and look; edges as two identifiers."""

    nodes: list[tuple[str, tuple[str, str], str]]
    edges: list[tuple[str, str]]


def _graph(tape: Tape[Any], out: NodeId | None, function: str) -> _Graph:
    graph = _Graph([], [])
    missing: dict[object, str] = {}
    ids = _ids(tape, out, function)
    nodes = tape.nodes()
    for id in ids:
        node = nodes[index_of(id)]
        graph.nodes.append((f"n{id}", _label(id, node), _look(node)))
        for parent in operands(node):
            if is_id_below(parent, len(nodes) if out is None else index_of(id)):
                graph.edges.append((f"n{parent}", f"n{id}"))
                continue
            key = clipped(short_repr(parent))
            if key not in missing:
                missing[key] = f"missing{len(missing)}"
                graph.nodes.append((missing[key], (key, "no such node"), "missing"))
            graph.edges.append((missing[key], f"n{id}"))
    return graph


def _ids(tape: Tape[Any], out: NodeId | None, function: str) -> list[NodeId]:
    check_tape(tape, function)
    if out is None:
        return list(tape.ids())
    top = index_of(out, function)
    if not 0 <= top < len(tape):
        raise ValueError(f"{function}: {InvalidOutputId(id=out, size=len(tape))}")
    return [NodeId(id) for id in with_ancestors(tape.nodes(), [top])]


def _label(id: NodeId, node: Node[Any]) -> tuple[str, str]:
    array = _array(node.value.shape, node.value.dtype)
    if node.op is None and node.name is not None:
        return clipped(node.name), array
    return f"{id}: {describe_op(node.op)}", array


@lru_cache(maxsize=1024)  # drawings of 100,000 nodes have few kinds of arrays
def _array(shape: object, dtype: object) -> str:
    return clipped(f"{shape} {dtype}")


def _look(node: Node[Any]) -> str:
    if node.op is None:
        return "trained leaf" if node.requires_grad else "frozen leaf"
    return "trained op" if node.requires_grad else "frozen op"


_DOT: Final = {
    "trained leaf": "shape=box, style=bold",
    "frozen leaf": "shape=box, style=dashed",
    "trained op": "shape=ellipse",
    "frozen op": "shape=ellipse, style=dashed",
    "missing": "shape=plaintext, fontcolor=red",
}
_MERMAID: Final = {
    "trained leaf": ("[", "]", ":::trained"),
    "frozen leaf": ("[", "]", ":::frozen"),
    "trained op": ("([", "])", ""),
    "frozen op": ("([", "])", ":::frozen"),
    "missing": ("[", "]", ":::missing"),
}
_MERMAID_CLASSES: Final = (
    "  classDef trained stroke-width:3px",
    "  classDef frozen stroke-dasharray:4",
    "  classDef missing stroke:#f00,stroke-dasharray:2",
)


def _in_dot(text: str) -> str:
    r"""
    Escape a printable text for a label in quotes, in which Graphviz reads entities.

    >>> print(_in_dot('a"b\\c&lt;'))
    a\"b\\c&amp;lt;
    """
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return escaped.replace("&", "&amp;")


def _in_mermaid(text: str) -> str:
    """
    Escape a printable text for a label in quotes: all but plain characters as codes.

    >>> _in_mermaid('<b>"')
    '#60;b#62;#34;'
    """
    return _SPECIAL.sub(lambda match: f"#{ord(match[0])};", text)


_SPECIAL: Final = re.compile(r"[^\w ()\[\]{}.,:=+\-*/'…]")
