"""Packs: taken apart and put together."""

from collections import namedtuple
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tapem_dsl
from tapem_dsl import NodeId, backward_scalar, leaf, param, tree
from tapem_dsl.tape.equality import same

T = TypeVar("T")
LOOSE: Any = tapem_dsl  # Any: the mistakes are those that types would show


class Layer(NamedTuple, Generic[T]):
    w: T
    b: T


@dataclass(frozen=True)
class Network(Generic[T]):
    layers: list[Layer[T]]
    scale: T
    extra: dict[str, T] | None = None


def network() -> Network[float]:
    return Network([Layer(1.0, 2.0), Layer(3.0, 4.0)], 5.0, {"a": 6.0})


leaves_of_pytrees = st.integers() | st.floats() | st.text(max_size=2) | st.booleans()
pytrees = st.recursive(
    leaves_of_pytrees | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        | st.builds(Layer, inner, inner)
        | st.builds(lambda a, b: Network([], a, {"b": b}), inner, inner)
    ),
)


@given(pytree=pytrees)
def test_taking_apart_and_putting_together_gives_the_same(pytree: object) -> None:
    leaves, structure = tree.flatten(pytree)
    assert same(structure.unflatten(leaves), pytree)
    assert structure.size() == len(leaves) == len(list(structure.paths()))
    assert tree.flatten(structure.unflatten(leaves))[1] == structure


@given(pytree=pytrees)
def test_mapping_the_identity_changes_nothing(pytree: object) -> None:
    assert same(tree.map(lambda leaf: leaf, pytree), pytree)
    pairs = tree.map(lambda a, b: (a, b), pytree, pytree)
    assert tree.flatten(pytree)[1].leaves_of(pairs) == [
        (x, x) for x in tree.flatten(pytree)[0]
    ]


def test_leaves_come_in_order_with_the_way_to_them() -> None:
    leaves, structure = tree.flatten(network())
    assert leaves == [1, 2, 3, 4, 5, 6]
    assert list(structure.paths()) == [
        *("layers.0.w", "layers.0.b", "layers.1.w", "layers.1.b"),
        *("scale", "extra.a"),
    ]


def test_a_pytree_becomes_one_of_ids_and_keeps_its_type() -> None:
    @tapem_dsl.do
    def program() -> tapem_dsl.Do[Network[NodeId]]:
        return (yield from tree.param(network(), Network[NodeId]))

    ids, tape = program().run().unwrap()
    a, b, c, d, e, f = tape.ids()
    assert ids == Network([Layer(a, b), Layer(c, d)], e, {"a": f})
    assert [node.name for node in tape][:2] == ["layers.0.w", "layers.0.b"]
    assert all(node.requires_grad for node in tape)
    frozen = tree.const(network(), Network[NodeId]).exec().unwrap()
    assert not any(node.requires_grad for node in frozen)


def test_a_leaf_alone_is_a_pytree() -> None:
    program: Any = tree.param(np.ones(2), np.ndarray)  # Any: an id, not an array
    assert program.run() == param(np.ones(2)).run()


def test_gradients_may_be_missing_and_stay_in_their_places() -> None:
    pytree = {"a": 1.0, "b": 2.0}
    given = tree.flatten(pytree)[1].leaves_of({"a": None, "b": 3.0})
    assert given == [None, 3.0]


def test_what_a_sweep_gives_is_a_dict_of_gradients() -> None:
    gradients: Any = leaf(3.0).bind(backward_scalar).eval().unwrap()
    assert tree.map(lambda g: 2 * g, gradients) == {0: 2.0}
    assert tree.map(lambda a, b: a + b, {0: 1.0}, gradients) == {0: 2.0}


def test_the_order_of_a_dict_does_not_matter() -> None:
    a, b = {"a": 1, "b": 2}, {"b": 20, "a": 10}
    pairs: Any = tree.map(lambda x, y: (x, y), a, b)  # Any: of pairs
    assert list(pairs.items()) == [("a", (1, 10)), ("b", (2, 20))]


def test_a_class_is_a_leaf() -> None:
    assert tree.flatten([Network])[0] == [Network]


@pytest.mark.parametrize(
    ("a", "b", "where"),
    [
        ({"a": 1}, {"b": 1}, "at the top"),
        ({"a": [1]}, {"a": (1,)}, "at 'a'"),
        ({"a": [1, 2]}, {"a": [1]}, "at 'a'"),
        ([Layer(1, [2])], [Layer(1, 2)], "at '0.b'"),
        (None, 1, "at the top"),
        ([1], None, "at the top"),
    ],
)
def test_pytrees_of_two_structures_do_not_go_together(
    a: object, b: object, where: str
) -> None:
    with pytest.raises(ValueError, match=where):
        tree.map(lambda x, y: x, a, b)


def test_the_wrong_number_of_leaves_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="has 2 leaves, not 3"):
        tree.flatten([1, 2])[1].unflatten([1, 2, 3])


def test_the_pytree_must_be_what_it_is_called() -> None:
    with pytest.raises(TypeError, match="the pytree is a dict, not a Network"):
        tree.param({"a": 1.0}, Network[NodeId])


def test_old_named_tuples_are_pytrees_too() -> None:
    pair = namedtuple("pair", "left right")  # noqa: PYI024 - as old code has it
    assert tree.map(lambda x: -x, pair(1, 2)) == pair(-1, -2)
