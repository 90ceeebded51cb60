"""Texts that would break a page, a drawing or a terminal if they were not escaped."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from hypothesis import strategies as st

from tapem_dsl import Node, NodeId, Op, Shape, Tape

ZERO: Final[Any] = np.float64(0)  # Any: the value of a node made by hand
HOSTILE: Final = (
    *("<script>alert(1)</script>", '"', "'", "a\nb", "\x1b[31mred", "\\", "\\N"),
    *("</details>", "&lt;", "%%", "]", '"]; click n0 href "x"', "`", "#quot;", "\0"),
    *("\u202eright to left", "[bold]x[/bold]", "\ud800", "x" * 10_000, "", "-->"),
)


@dataclass(frozen=True, slots=True)
class Hostile(Op):
    """An op whose name and parameter are what a test wants."""

    name = '<script>"op"\n\x1b[2J'

    text: str

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def evaluate(self, xp: Any, *inputs: Any) -> Any:
        return inputs[0]


@st.composite
def hostile_tapes(draw: st.DrawFn) -> Tape[Any]:
    """A tape of leaves with bad names, bad ops and operands that are no ids."""
    texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20))
    nodes: list[Node[Any]] = []
    for at in range(draw(st.integers(1, 12))):
        value: Any = draw(st.sampled_from((np.float64(np.nan), np.zeros((2, 3)))))
        flag = draw(st.booleans())
        if draw(st.booleans()):
            nodes.append(Node(None, (), value, flag, draw(texts)))
        else:
            strange: Any = draw(st.sampled_from((at + 5, -1, '<b>"\n\x1b', 10**30)))
            parents = draw(st.sampled_from(((), (strange,), (NodeId(0), strange))))
            nodes.append(Node(Hostile(draw(texts)), parents, value, flag))
    return Tape(nodes)
