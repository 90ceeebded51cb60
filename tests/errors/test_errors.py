"""Failures are records: their facts can be matched on, and their texts differ."""

import pickle
from typing import Any

import numpy as np
import pytest

import tapem_dsl
from tapem_dsl import EMPTY, NodeId, TapeError, add, do, leaf, mean_scalar_over, throw
from tapem_dsl.errors import (
    EmptyDataset,
    OutsideDomain,
    Refused,
    ShapeMismatch,
    Thrown,
    tag_error,
)
from tapem_dsl.program.do import Do


def test_a_failure_can_be_matched_on() -> None:
    match mean_scalar_over("train", [], leaf).run().failure():
        case EmptyDataset(tag=tag):
            assert tag == "train"
        case other:
            raise AssertionError(other)


def test_facts_name_ops_ids_names_and_shapes() -> None:
    @do
    def program() -> Do[NodeId]:
        w = yield from leaf(np.zeros(2), name="w")
        b = yield from leaf(0.0)
        return (yield from add(w, b))

    error = program().run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.facts() == {
        "op": "add",
        "ids": (0, 1),
        "names": ("w", None),
        "shapes": ((2,), ()),
        "wants": "equal shapes: broadcast_to(x, (2,)) repeats entries",
    }
    assert str(error) == (
        "autograd: shape mismatch (op='add', ids=(0, 1), names=('w', None), "
        "shapes=((2,), ()), "
        "wants='equal shapes: broadcast_to(x, (2,)) repeats entries')"
    )


def test_str_shows_what_the_message_does_not() -> None:
    assert str(Thrown("no")) == "no"
    assert str(EmptyDataset("t")) == "t: empty dataset"
    domain = OutsideDomain("log", "bad", entry="-1.0", index=(0,))
    assert str(domain) == "autograd: log: bad (entry='-1.0', index=(0,))"
    seed = tapem_dsl.errors.SeedShapeMismatch(NodeId(1), expected=(3,), found=())
    assert "expected=(3,), found=()" in str(seed)


def test_a_tag_with_braces_is_kept() -> None:
    assert EmptyDataset("{tag}").message == "{tag}: empty dataset"
    assert tag_error("a", "b") == "a: b"


def test_records_are_frozen_values() -> None:
    error = EmptyDataset("t")
    assert error == EmptyDataset("t")
    assert hash(error) == hash(EmptyDataset("t"))
    assert error != EmptyDataset("u")
    assert pickle.loads(pickle.dumps(error)) == error
    with pytest.raises(AttributeError):
        error.tag = "u"  # type: ignore[misc] # the mistake


def test_refused_is_an_exception_like_any_other_in_a_block() -> None:
    @do
    def careless() -> Do[Any]:
        yield from leaf(1.0)
        raise Refused(Thrown("raised in a block"))

    with pytest.raises(Refused, match="raised in a block"):
        careless().run()


def test_no_two_failures_have_one_text() -> None:
    kinds = [kind for kind in vars(tapem_dsl.errors).values() if is_failure(kind)]
    texts = [kind._text for kind in kinds if kind._text]
    assert len(texts) == len(set(texts)) > 15


def is_failure(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, TapeError)


def test_failures_of_programs_compare() -> None:
    assert throw("no").run() == throw("no").run(EMPTY)
    assert throw("no").run() != throw("yes").run()
