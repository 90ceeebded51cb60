"""Many samples in one entry of a key."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import jit, tree
from tapem_dsl.interpreters.compiled.columns import expanded
from tapem_dsl.interpreters.compiled.forms import PARTS, static_form
from tapem_dsl.interpreters.compiled.keys import (
    Eager,
    Key,
    differences,
    is_fixed,
    key_of,
    with_inputs,
)
from tapem_dsl.tape.equality import same
from tapem_dsl.tape.value import SCALARS
from tapem_dsl.train import Dataset
from tests.oracles import brief

# Any, throughout: arguments of any type.


class Pair(NamedTuple):
    x: Any
    y: Any


@dataclass(frozen=True)
class Sample:
    x: Any
    y: Any


@dataclass(frozen=True, slots=True)
class Slotted:
    x: Any
    y: Any


@dataclass
class Single:
    x: Any
    """One field, whose default is the class's attribute."""

    y: Any = 2.0


class Color(Enum):
    RED = 1
    BLUE = 2


def reference(x: Any) -> tuple[list[Any], list[Any]]:
    """Return the entries of each leaf by itself, and the inputs."""
    kind = type(x)
    entry: tuple[Any, ...]
    if kind is np.ndarray:
        if x.dtype.kind not in "fiub":
            raise Eager(str(x.dtype))
        dtype = x.dtype.newbyteorder("=")
        array = np.ascontiguousarray(x, dtype).reshape(x.shape)
        return [(x.shape, dtype)], [array if x.ndim else array[()]]
    if kind is float or kind in SCALARS or (kind is int and abs(x) < 2**53):
        return [kind], [x]
    if is_fixed(x):
        return [static_form(x)], []
    if kind in (list, tuple):
        entry, parts = (PARTS, kind, len(x)), list(x)
    elif kind is dict:
        names = tuple((type(name), name) for name in x)
        entry, parts = (PARTS, dict, names), list(x.values())
    elif kind in (Pair, Sample, Slotted, Single):
        entry, parts = (PARTS, kind), [x.x, x.y]
    elif kind is Dataset:
        entry, parts = (PARTS, kind), [x.data]
    else:
        raise Eager(str(kind))
    found = [reference(part) for part in parts]
    entries = [entry, *(one for some, _ in found for one in some)]
    return entries, [one for _, some in found for one in some]


ROW = np.arange(3.0)
NUMBERS = st.floats(-2, 2)
LEAVES: list[st.SearchStrategy[Any]] = [
    NUMBERS.map(lambda x: np.array([x, 1.0])),
    NUMBERS.map(lambda x: np.array([x, 1.0, 2.0])),
    NUMBERS.map(lambda x: np.array([x, 0.0, 1.0, 0.0])[::2]),
    NUMBERS.map(lambda x: np.array([x, 1.0], ">f8")),
    NUMBERS.map(lambda x: np.array([x, 1.0], np.float32)),
    NUMBERS.map(np.array),
    NUMBERS,
    NUMBERS.map(np.float64),
    st.sampled_from([0, 1, -7, 2**53 - 1]),
    st.sampled_from([1 - 2**53, 2**53, -(2**60)]),
    st.sampled_from([-0.0, 0.0, float("nan")]),
    st.booleans(),
    st.none(),
    st.sampled_from(["a", "b"]),
    st.sampled_from(list(Color)),
    st.sampled_from([len, float, np.add]),
    st.sampled_from([1j, -0.0j, 0j]),
    st.just(np.array(["a"])),
]


ARRAYS = LEAVES[:6]
INTEGERS = LEAVES[8:10]
NAMES = st.sampled_from([("x", "y"), ("y", "x"), (1, "y"), (True, "y"), (1.0, "y")])
NAMED = st.builds(lambda names: dict.fromkeys(names, 1.0), NAMES)
SAMPLES = [
    *LEAVES,
    st.one_of(ARRAYS),
    st.one_of(INTEGERS),
    st.one_of(LEAVES),
    st.lists(NUMBERS, max_size=2),
    st.lists(NUMBERS, min_size=5, max_size=5),
    NAMED,
    st.sampled_from([("x", "y"), ("y", "x")]).map(lambda x: dict.fromkeys(x, 1.0)),
    st.sampled_from([1, True, 1.0]).map(lambda name: {name: 1.0}),
]
"""Samples of one structure; and some that differ, in shape, type, size or names."""


def repeated(sample: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return lists of many samples; two columns of them pay for some lists only."""
    sizes = st.sampled_from([7, 8, 9, 16, 17, 30])
    return sizes.flatmap(lambda n: st.lists(sample, min_size=n, max_size=n))


def samples_of(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return containers of two parts, of some kind."""
    records = [st.builds(kind, part, part) for kind in (Pair, Sample, Slotted, Single)]
    return st.one_of(
        *records,
        st.tuples(part, part),
        st.lists(part, max_size=3),
        st.builds(
            lambda names, *xs: dict(zip(names, xs, strict=True)), NAMES, part, part
        ),
    )


@st.composite
def columns(draw: st.DrawFn, first: st.SearchStrategy[Any]) -> Any:
    """Draw a container of many samples; one of them may be another."""
    second = draw(st.sampled_from(SAMPLES))
    kind: Any = draw(
        st.sampled_from([Pair, Sample, Slotted, Single, dict, tuple, list])
    )
    pair: st.SearchStrategy[Any] = st.tuples(first, second)
    if draw(st.booleans()):
        pair = st.tuples(st.lists(second, max_size=0), first)
    sample: st.SearchStrategy[Any]
    if kind is dict:
        sample = pair.map(lambda x: {"x": x[0], "y": x[1]})
    elif kind is list:
        sample = first
    else:
        sample = pair if kind is tuple else pair.map(lambda x: kind(*x))
    drawn = draw(repeated(sample))
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(drawn) - 1))
        drawn[at] = draw(st.one_of(*LEAVES, samples_of(st.one_of(LEAVES))))
    make: Any = draw(
        st.sampled_from([list, tuple, Dataset.of_list, lambda x: {"x": x}])
    )
    return make(drawn)


COLUMNS = st.sampled_from(SAMPLES).flatmap(columns)
TREES = st.recursive(
    st.one_of(*LEAVES, COLUMNS),
    lambda part: st.one_of(samples_of(part), repeated(part)),
    max_leaves=6,
)
EACH = [*map(columns, SAMPLES), TREES]
each = pytest.mark.parametrize("trees", EACH, ids=range(len(EACH)))


def found(x: Any) -> tuple[Key, list[Any]] | None:
    """Return the key and the inputs of one argument, if it has them."""
    try:
        return key_of((x,), {}, frozenset())
    except Eager:
        return None


def expected(x: Any) -> tuple[list[Any], list[Any]] | None:
    """Return what the reference says of one argument."""
    try:
        return reference(x)
    except Eager:
        return None


@each
@brief
@given(data=st.data())
def test_a_key_holds_what_the_walk_of_each_leaf_says(
    trees: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    x = data.draw(trees)
    mine, other = found(x), expected(x)
    assert (mine is None) == (other is None)
    if mine is None or other is None:
        return
    assert list(expanded(mine[0].parts))[2:] == other[0]
    assert len(mine[1]) == len(other[1])
    for a, b in zip(mine[1], other[1], strict=True):
        assert same(a, b)
        assert type(a) is type(b)
        if isinstance(a, np.ndarray):
            assert a.flags.c_contiguous
            assert a.dtype.isnative


@each
@brief
@given(data=st.data())
def test_keys_are_equal_where_those_of_each_leaf_are(
    trees: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    x = data.draw(trees)
    leaves, structure = tree.flatten(x)
    changed = list(leaves)
    if leaves:
        changed[data.draw(st.integers(0, len(leaves) - 1))] = data.draw(
            st.one_of(st.sampled_from(leaves), *LEAVES)
        )
    for y in (structure.unflatten(changed), structure.unflatten(leaves)):
        mine, its = found(x), found(y)
        slow, its_slow = expected(x), expected(y)
        if mine is None or its is None or slow is None or its_slow is None:
            continue
        assert (mine[0] == its[0]) == (slow[0] == its_slow[0])
        if mine[0] == its[0]:
            assert hash(mine[0]) == hash(its[0])
            assert "equal arguments" in differences(mine[0], its[0])
        else:
            assert " and " in differences(mine[0], its[0])


@each
@brief
@given(data=st.data())
def test_inputs_come_in_the_order_in_which_they_are_replaced(
    trees: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    x = data.draw(trees)
    mine = found(x)
    if mine is None:
        return
    inputs = iter(mine[1])
    replaced: list[tuple[Any, Any]] = []

    def replace(old: Any) -> Any:
        replaced.append((old, next(inputs)))
        return old

    with_inputs((x,), {}, frozenset(), replace)
    assert next(inputs, None) is None
    assert all(same(float(np.sum(a)), float(np.sum(b))) for a, b in replaced)


def with_more(x: Any, name: str) -> Any:
    sample = Single(x)
    setattr(sample, name, 3.0)
    return sample


def test_a_record_of_many_that_holds_more_runs_as_it_is() -> None:
    step = jit(lambda samples: [x.x * getattr(x, "more", 1.0) for x in samples])
    samples = [Single(ROW) for _ in range(40)]
    assert same(step(samples), [ROW] * 40)
    samples[7] = with_more(ROW, "more")
    assert same(step(samples)[7], ROW * 3.0)
    assert "attributes beside its fields" in step.report()


def test_a_field_that_was_deleted_is_the_default_of_the_class() -> None:
    samples = [Single(1.0, 3.0) for _ in range(40)]
    whole = found(samples)
    del samples[3].y
    part = found(samples)
    assert whole is not None
    assert part is not None
    assert whole[0] == part[0]
    assert part[1][6:8] == [1.0, 2.0]
    samples[3].more = 1.0  # type: ignore[attr-defined] # of another name
    assert found(samples) is None


class Halved:
    """A descriptor that gives half of what it was given."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, x: Any, owner: type) -> Any:
        return 1.0 if x is None else x.__dict__[self.name] / 2.0

    def __set__(self, x: Any, given: Any) -> None:
        x.__dict__[self.name] = given


@dataclass
class Described:
    x: Any = Halved()


def test_a_field_is_what_its_descriptor_gives() -> None:
    samples = [Described(float(i)) for i in range(10)]
    _, inputs = key_of((samples,), {}, frozenset())
    assert inputs == [i / 2.0 for i in range(10)]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ([ROW] * 9, [*[ROW] * 8, ROW.astype("f4")], "float64[3] and float32[3]"),
        ([ROW] * 9, [ROW] * 10, "a list of 9 and a list of 10"),
        ([(ROW, "a")] * 16, [*[(ROW, "a")] * 15, (ROW, "b")], "'a' and 'b'"),
        ([ROW] * 9, Dataset.of_list([ROW] * 9), "a list of 9 and a Dataset"),
        ([Pair(ROW, 1.0)] * 16, [Sample(ROW, 1.0)] * 16, "a Pair and a Sample"),
        ([{"x": 1.0}] * 9, [{"y": 1.0}] * 9, "a dict of ['x'] and a dict of ['y']"),
    ],
)
def test_differences_of_many_samples_are_said(
    first: Any, second: Any, said: str
) -> None:
    a, b = (key_of((x,), {}, frozenset())[0] for x in (first, second))
    assert differences(a, b) == said


def test_the_key_of_many_samples_is_short() -> None:
    sizes = [
        len(key_of(([make(ROW, 1.0)] * 1000,), {}, frozenset())[0].parts)
        for make in (lambda *xs: xs, Pair, Sample, Slotted, lambda x, _: x)
    ]
    assert sizes == [3] * 5
