"""
Draw docs/_static/picture.svg: a program, its tape, and what interpreters make of them.

The code in the picture is that of ``loss`` below, and each number is computed from it.
A test fails while the picture is not what this script draws.
"""

import inspect
import re
from fractions import Fraction
from pathlib import Path
from typing import Final

import tapem_dsl as td
from tapem_dsl import Do, NodeId, do, mul, sub

PICTURE: Final = Path(__file__).parent / "_static" / "picture.svg"

AT: Final = {"w": 2.0, "x": 4.0, "t": 5.0}
ALONG_W: Final = {"w": 1.0, "x": 0.0, "t": 0.0}
EXACT: Final = {"w": Fraction(4, 3), "x": Fraction(4), "t": Fraction(5)}
ROW: Final = 34

SCENE: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 488" role="img">
<title>A program runs to a tape; five interpreters read the two</title>
<style>
text { font: 25px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }
.sans { font: 600 25px system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
.sans.big { font-size: 29px } .sans.grey { font-size: 23px; font-weight: 400 }
.middle { text-anchor: middle } .end { text-anchor: end }
path { fill: none; stroke-width: 2.5; stroke-linecap: round; stroke: #1f6f78 }
.page { fill: #eaf2f2 } .card { fill: #fff }
.ink { fill: #1b2a2d } .grey { fill: #5b6f73 } .teal { fill: #1f6f78 }
@media (prefers-color-scheme: dark) {
.page { fill: #101b1d } .card { fill: #1b2a2d } path { stroke: #6fc6cf }
.ink { fill: #e6eff0 } .grey { fill: #9bb0b4 } .teal { fill: #6fc6cf }
}
</style>
<rect width="900" height="488" rx="16" class="page"/>
<rect x="28" y="64" width="436" height="222" rx="14" class="card"/>
<rect x="540" y="64" width="332" height="222" rx="14" class="card"/>
<text x="30" y="48" class="sans teal">program</text>
<text x="502" y="152" class="sans teal middle">run</text>
<text x="542" y="48" class="sans teal">tape</text>
<text x="450" y="318" class="sans teal middle">interpreters</text>
<path d="M477 169H526m-11-9l11 9l-11 9"/>
<path d="M246 286V310M40 330V320q0-10 10-10H350"/>
<path d="M706 286V310M860 330V320q0-10-10-10H550"/>"""


@do
def loss(w: NodeId, x: NodeId, t: NodeId) -> Do[NodeId]:
    y = yield from mul(w, x)
    e = yield from sub(y, t)
    s = yield from mul(e, e)
    return s


@do
def recorded(values: dict[str, float]) -> Do[NodeId]:
    ids = yield from td.map_m(lambda name: td.leaf(values[name], name), values)
    return (yield from loss(*ids))


def of(parameters: dict[str, NodeId]) -> td.TapeM[NodeId]:
    return loss(**parameters)


@do
def slope(parameters: dict[str, NodeId]) -> Do[NodeId]:
    w = parameters["w"]
    gradients = yield from td.backward_m((yield from of(parameters)), wrt=[w])
    return gradients[w]


def results() -> list[tuple[str, str, str]]:
    """Return the name of each interpreter, what it computes, and what that is."""
    out, tape = recorded(AT).run().unwrap()
    gradients = td.backward_scalar(tape, out).unwrap()
    parts = [f"{gradients[id]:g}" for id in sorted(gradients) if not tape[id].op]
    value, along = td.jvp(lambda p, _: of(p), AT, None, ALONG_W).unwrap()
    second = td.grad(slope)(AT).unwrap()
    exact, _ = td.value_and_grad(of)(EXACT).unwrap()
    compiled = td.jit(td.value_and_grad(of))
    compiled(AT).unwrap()
    (plan,) = compiled.plan(AT)
    return [
        ("reverse", " ".join(parts).replace("-", "\N{MINUS SIGN}"), "gradients"),
        ("duals", f"{value:g} + {along:g}ε", "along w"),
        ("recorded", f"{second['w']:g}", "∂²loss/∂w²"),
        ("rationals", f"{exact}", f"w = {EXACT['w']}"),
        ("compiled", f"{plan.count()} calls", "NumPy, XLA"),
    ]


def text(x: int, y: int, content: object, style: str = "ink") -> str:
    return f'<text x="{x}" y="{y}" class="{style}">{content}</text>'


def code(x: int, y: int) -> list[str]:
    """Write the program, without its type hints."""
    source = re.sub(r": NodeId| -> Do\[NodeId]", "", inspect.getsource(loss))
    source = source.replace("    ", "\N{NO-BREAK SPACE}" * 2)
    words = r"@do|\bdef|yield from|return"
    marked = re.sub(words, r'<tspan class="teal">\g<0></tspan>', source)
    return [text(x, y + ROW * i, row) for i, row in enumerate(marked.splitlines())]


def entry(x: int, y: int, id: int, node: td.Node) -> list[str]:
    """Draw a node of the tape: id, name or op, value, and an arc from each parent."""
    arcs = []
    for distance in {id - int(parent) for parent in node.parents}:
        down, out = ROW * distance, 28 * distance + 20
        arc = f"M{x + 172} {y - 8 - down}c{out} 0 {out} {down} 0 {down}"
        arcs.append(f'<path d="{arc}"/>')
    return [
        text(x, y, id, "grey"),
        text(x + 40, y, node.op.name if node.op else node.name),
        text(x + 138, y, f"{node.value:g}", "ink end"),
        f'<circle cx="{x + 172}" cy="{y - 8}" r="5" class="teal"/>',
        *arcs,
    ]


def result(x: int, y: int, name: str, value: str, what: str) -> list[str]:
    return [
        f'<rect x="{x}" y="{y}" width="160" height="128" rx="14" class="card"/>',
        text(x + 80, y + 34, name, "sans teal middle"),
        text(x + 80, y + 74, value, "sans big ink middle"),
        text(x + 80, y + 109, what, "sans grey middle"),
    ]


def picture() -> str:
    """Return the text of docs/_static/picture.svg."""
    parts = [SCENE, *code(51, 101)]
    for id, node in enumerate(recorded(AT).exec().unwrap().nodes()):
        parts += entry(566, 101 + ROW * id, id, node)
    for i, found in enumerate(results()):
        parts += result(28 + 171 * i, 330, *found)
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    PICTURE.write_text(picture())
