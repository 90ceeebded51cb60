"""Results in notebooks: well-formed HTML of what is inside, by an extension."""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from IPython.core.compilerop import CachingCompiler
from IPython.core.formatters import DisplayFormatter
from returns.result import Failure, Success

from tapem_dsl import (
    Do,
    NodeId,
    add,
    backward_scalar,
    do,
    fold_m,
    leaf,
    load_ipython_extension,
    map_m,
    mul,
    param,
    relu,
    scale,
    throw,
    value_and_grad,
)
from tapem_dsl.errors import Thrown
from tapem_dsl.train import Dataset
from tests.interpreters.render.hostile import HOSTILE
from tests.interpreters.render.test_pages import Page

LARGEST = 20_000


def shell() -> Any:
    compiler = CachingCompiler()  # type: ignore[no-untyped-call] # IPython's
    made: Any = SimpleNamespace(display_formatter=DisplayFormatter(), compile=compiler)
    load_ipython_extension(made)
    return made


def html_of(shown: object) -> str | None:
    data, _ = shell().display_formatter.format(shown)
    assert "text/plain" in data
    html: str | None = data.get("text/html")
    return html


def page_of(shown: object) -> Page:
    html = html_of(shown)
    assert html is not None
    assert len(html) < LARGEST
    return Page(html)


def test_a_run_is_its_value_and_its_tape() -> None:
    run = leaf(1.0, name="w").bind(lambda x: fold_m(scale, x, [2.0] * 1000)).run()
    page = page_of(run)
    assert page.text.startswith("Success 1000 Tape of 1,001 nodes ")
    assert "1 to 1,000: x 1,000" in page.text
    assert " w " in page.text


def test_gradients_by_id() -> None:
    out, tape = param(3.0, "w").bind(lambda w: mul(w, w)).run().unwrap()
    page = page_of(backward_scalar(tape, out))
    assert page.text.startswith("Success Gradients of 2 nodes ")


def test_the_gradients_of_a_pytree_are_named_by_their_paths() -> None:
    def squared(p: dict[str, NodeId]) -> Any:
        return mul(p["slope<"], p["slope<"])

    start: dict[str, Any] = {"slope<": np.float64(3), "unused": np.zeros((2, 50))}
    page = page_of(value_and_grad(squared)(start))
    assert page.text.startswith("Success float64 (): 9 dict of 2 leaves ")
    assert "slope< () float64 6" in page.text
    assert "unused (2, 50) float64 0 to 0, mean 0" in page.text
    assert page.rows == 3


def test_programs_and_data_sets() -> None:
    page = page_of(Success((leaf(1.0), Dataset.of_list([1, 2]))))
    assert page.text.startswith("Success leaf(1.0) Dataset of 2 samples ")


def test_an_array_alone_and_plain_values_are_text() -> None:
    for value in (3, None, "x", [1, 2], (1, {"a": 2}), np.zeros(3), Fraction(1, 3)):
        assert html_of(Success(value)) is None
    assert html_of(Failure("no error of ours")) is None


@do
def first_is_wrong(x: NodeId) -> Do[NodeId]:
    return (yield from add(x, NodeId(77)))


def test_a_failure_is_its_text_and_its_place() -> None:
    result = leaf(1.0, name="<w>").bind(lambda x: map_m(first_is_wrong, [x])).run()
    text = page_of(result).text
    message = "autograd: invalid node id (op='add', id=77, size=1)"
    assert text.startswith(f"Failure {message}")
    line = first_is_wrong.__wrapped__.__code__.co_firstlineno + 2  # type: ignore[attr-defined] # of functools.wraps
    assert f"at {__file__}, line {line}, in first_is_wrong" in text
    assert "at item 0 of 1" in text
    error = page_of(result.failure()).text
    assert error.startswith(f"InvalidNodeId {message}")
    assert error.partition(" ")[2] == text.partition(" ")[2]


def test_lines_of_cells_are_called_as_the_notebook_calls_them() -> None:
    notebook = shell()
    source = "@do\ndef late(x):\n    return (yield from throw('<no>'))\n"
    names: dict[str, Any] = {"do": do, "throw": throw}
    cell = notebook.compile.cache(source, 7)
    exec(compile(source, cell, "exec"), names)
    data, _ = notebook.display_formatter.format(names["late"](1).run())
    text = Page(data["text/html"]).text
    assert "Failure <no>" in text
    assert "at Cell In[7], line 3, in late" in text
    assert cell not in text


def test_a_failure_without_a_place_is_its_text() -> None:
    assert page_of(Failure(Thrown("no data"))).text == "Failure no data "


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_text(text: str) -> None:
    page_of(throw(text).run())
    page_of(Success(({text: np.zeros(3)}, text)))


def test_many_and_large_parts_stay_small() -> None:
    page_of(Success({f"{at}{'<' * 500}": np.zeros(3) for at in range(5000)}))
    page_of(throw("<" * 100_000).run())
    page = page_of(Success(tuple(relu(NodeId(at)) for at in range(1000))))
    assert "relu(5) 994 more" in page.text
    assert "relu(6)" not in page.text
