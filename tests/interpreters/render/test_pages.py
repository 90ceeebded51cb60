"""HTML for notebooks: well-formed, escaped, small, without scripts and colours."""

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from typing_extensions import override

from tapem_dsl import (
    Node,
    NodeId,
    Tape,
    backward,
    fold_m,
    leaf,
    param,
    scale,
    sum_,
    tanh,
    to_html,
)
from tapem_dsl.testing.strategies import tapes
from tapem_dsl.train import ArrayDataset, Dataset
from tests.interpreters.render.hostile import HOSTILE, ZERO, hostile_tapes

TAGS = {"details", "summary", "table", "tr", "th", "td", "i", "p", "pre", "code"}
LARGEST = 20_000


class Page(HTMLParser):
    """A parser that checks that tags are those we write, and closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.text = ""
        self.rows = 0
        self.feed(html)
        self.close()
        assert not self.stack

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        assert {name for name, _ in attrs} <= {"open", "colspan", "style"}
        assert dict(attrs).get("style") in (None, "text-align:left")
        self.stack.append(tag)
        self.rows += tag == "tr"

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        lines = data.split("\n") if self.stack[-1:] == ["code"] else [data]
        assert all(line.isprintable() for line in lines)
        self.text += f"{data} "


def html_of(shown: Any) -> str:
    html: str = shown._repr_html_()
    assert len(html) <= LARGEST
    return html


@settings(deadline=None)  # the machine may be busy
@given(tapes())
def test_random_tapes(tape: Tape[Any]) -> None:
    page = Page(html_of(tape))
    assert page.text.startswith(f"Tape of {len(tape)} node")
    for node in tape:
        assert "Node" in Page(html_of(node)).text


@settings(deadline=None)  # the machine may be busy
@given(hostile_tapes())
def test_hostile_names_are_text(tape: Tape[Any]) -> None:
    Page(html_of(tape))
    for node in tape:
        Page(html_of(node))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_samples_and_programs_are_text(text: str) -> None:
    Page(html_of(Dataset.of_list([text] * 1000)))
    Page(html_of(leaf(1.0, name=text)))


def test_a_script_in_a_name_is_shown_and_not_run() -> None:
    tape = param(1.0, "<script>alert(1)</script>").exec().unwrap()
    html = html_of(tape)
    assert "<script" not in html
    assert "<script>alert(1)</script>" in Page(html).text


def test_gradients() -> None:
    x = param(np.arange(3.0), "x")
    out, tape = x.bind(tanh).bind(sum_).run().unwrap()
    gradients = backward(tape, out, 1.0).unwrap()
    page = Page(html_of(gradients))
    assert page.text.startswith("Gradients of 3 nodes")
    assert page.rows == 4
    assert "gradient" in Page(to_html(tape, gradients)).text


def test_a_long_loop_is_one_fold() -> None:
    out = leaf(np.zeros(9)).bind(lambda x: fold_m(scale, x, [2.0] * 1000))
    page = Page(html_of(out.exec().unwrap()))
    assert "1 to 1,000: x 1,000" in page.text
    assert page.rows == 5


def test_long_names_on_a_long_tape_stay_small() -> None:
    nodes = [Node(None, (), ZERO, True, f"{at}{'<' * 500}") for at in range(5000)]
    page = Page(html_of(Tape(nodes)))
    assert "more" in page.text


def test_many_gradients_and_samples_stay_small() -> None:
    nodes: list[Node[Any]] = [Node(None, (), ZERO)] * 5000
    tape = Tape(nodes)
    for _ in range(5000):
        tape = tanh(NodeId(len(tape) - 1)).exec(tape).unwrap()
    out = NodeId(len(tape) - 1)
    Page(html_of(backward(tape, out, 1.0).unwrap()))
    samples = Dataset.of_list([np.zeros((8, 8)) for _ in range(1797)])
    assert "Dataset of 1,797 samples" in Page(html_of(samples)).text
    assert len(repr(samples)) < 500


def test_a_data_set_of_arrays_shows_its_first_rows_in_their_order() -> None:
    rows = {"x": np.arange(12000.0).reshape(-1, 2), "<y>": np.arange(6000)}
    data = ArrayDataset.of_tree("t", rows).unwrap().split_at(5000)[0]
    page = Page(html_of(data))
    assert "ArrayDataset of 5,000 samples" in page.text
    assert "array([2., 3.])" in page.text
    assert "<y>" in page.text  # escaped in the source
    assert "4,988 more" in page.text
    _, shuffled = data.shuffle(0)
    assert html_of(shuffled) != html_of(data)
    assert "ArrayDataset of 1 sample<" in html_of(data.split_at(1)[0])


def test_a_data_set_prints_its_first_samples() -> None:
    assert repr(Dataset.of_list([])) == "Dataset(data=())"
    assert repr(Dataset.of_list([1])) == "Dataset(data=(1,))"
    expected = "Dataset(data=(0, 1, 2, 3, 4, 5, ... 1,994 more))"
    assert repr(Dataset.of_list(range(2000))) == expected


def test_other_things_are_refused() -> None:
    shown: Any = {0: 1.0}
    with pytest.raises(TypeError, match=r"to_html takes a Tape.*not \{0: 1\.0\}"):
        to_html(shown)
