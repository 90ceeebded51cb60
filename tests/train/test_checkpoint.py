"""Checkpoints: what comes back bit for bit, and what is refused."""

import hashlib
import json
import random
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from returns.result import Success
from safetensors.numpy import save, save_file

from tapem_dsl import rationals, tree
from tapem_dsl.errors import CheckpointError
from tapem_dsl.tape.equality import same
from tapem_dsl.train import load_checkpoint, save_checkpoint
from tests.oracles import usual

dtypes = st.sampled_from(
    [np.float64, np.float32, np.float16, np.int64, np.int8, np.uint32, np.bool_]
)


# Any, in both: of whatever scalar
def array_of(dtype: Any, shape: Any, seed: int) -> Any:
    numbers = np.random.default_rng(seed).normal(size=shape) * 100
    return np.asarray(numbers).astype(dtype)[()]


arrays: st.SearchStrategy[Any] = st.builds(
    array_of,
    dtypes,
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    st.integers(0, 99),
)

leaves = (
    arrays
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.text(max_size=5)
    | st.fractions()
    | st.lists(st.fractions(), max_size=3).map(rationals)
    | st.fractions().map(rationals)
    | st.integers(4000, 6000).map(lambda n: rationals([Fraction(1, 10**n)]))
)


@usual
@given(
    pytree=st.dictionaries(
        st.text("ab.", min_size=1, max_size=3), leaves | st.lists(leaves)
    )
)
def test_a_pytree_comes_back_bit_for_bit(
    pytree: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("round") / "pytree"
    paths = list(tree.flatten(pytree)[1].paths())
    if len(set(paths)) < len(paths):  # "a.0" and ["a"][0]
        with pytest.raises(ValueError, match="two leaves of the pytree have the path"):
            save_checkpoint(file, pytree)
        return
    save_checkpoint(file, pytree)
    found = load_checkpoint("t", file, pytree).unwrap()
    assert same(found, pytree)
    for leaf in tree.flatten(found)[0]:
        assert not (isinstance(leaf, np.ndarray) and leaf.flags.writeable)
    before = file.read_bytes()
    save_checkpoint(file, found)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["pytree"]


@pytest.mark.parametrize(
    "leaf",
    [
        object(),
        np.longdouble(1),
        np.array(["a"]),
        1j,
        b"bytes",
        np.array([object()]),
        np.ma.array([1.0]),
    ],
)
def test_what_no_file_can_hold_is_refused_and_nothing_is_written(
    leaf: object, tmp_path: Path
) -> None:
    with pytest.raises((ValueError, TypeError)):
        save_checkpoint(tmp_path / "a", {"x": leaf})
    assert list(tmp_path.iterdir()) == []


PYTREE: Any = {
    "w": np.arange(12.0).reshape(3, 4),
    "b": np.float32(1.5),
    "step": 7,
    "rate": 0.1,
}


def refusal(file: Path, like: Any = PYTREE) -> str:
    error = load_checkpoint("resume", file, like).failure()
    assert isinstance(error, CheckpointError)
    assert error.path == str(file)
    return error.message.removeprefix(f"resume: {file}: ")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == "no file is there"
    assert refusal(tmp_path).startswith("the file cannot be read")


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a"
    save_checkpoint(file, PYTREE)
    whole = file.read_bytes()
    for size in range(len(whole)):
        file.write_bytes(whole[:size])
        assert refusal(file).startswith("the file is truncated or foreign")


def test_every_flipped_bit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a"
    save_checkpoint(file, PYTREE)
    whole, refused = file.read_bytes(), 0
    for at in range(len(whole)):
        for bit in random.Random(at).sample(range(8), 2):
            flipped = bytearray(whole)
            flipped[at] ^= 1 << bit
            file.write_bytes(flipped)
            result = load_checkpoint("resume", file, PYTREE)
            if isinstance(result, Success):  # nothing that counts was flipped
                assert same(result.unwrap(), PYTREE), (at, bit)
            else:
                assert isinstance(result.failure(), CheckpointError)
                refused += 1
    assert refused > len(whole)  # of two for each byte


def forged(others: object, **more: object) -> bytes:
    """Write what another tool might, with the digest right."""
    digest = hashlib.sha256(json.dumps(others, sort_keys=True).encode()).hexdigest()
    header = {"version": 1, "others": others, "digest": digest, **more}
    return save({}, {"tapem_dsl": json.dumps(header)})


@pytest.mark.parametrize(
    "others",
    [
        [["a", "b"]],
        None,
        {"": {}},
        {"": None},
        {"": {"type": "what", "value": 1}},
        {"": {"type": "int", "value": "x"}},
        {"": {"type": "int", "value": 1.5}},
        {"": {"type": "Fraction", "value": ["1", "0"]}},
        {"": {"type": "Fraction", "value": ["1"]}},
        {"": {"type": "float", "value": "0x1p99999"}},
        {"": {"type": "float", "value": "00"}},
        {"": {"type": "float", "value": "00" * 16}},
        {"": {"type": "float", "value": 1.0}},
        {"": {"type": "bool", "value": "False"}},
        {"": {"type": "rationals", "shape": [2], "value": []}},
        {"": {"type": "rationals", "shape": [-1], "value": [["1", "1"]]}},
        {"": {"type": "rationals", "shape": [True], "value": [["1", "1"]]}},
    ],
)
def test_whatever_a_file_says_it_is_refused_and_not_raised(
    others: object, tmp_path: Path
) -> None:
    file = tmp_path / "a"
    file.write_bytes(forged(others))
    assert refusal(file, 1)
    file.write_bytes(save({}, {"tapem_dsl": "[" * 100_000}))
    assert refusal(file, 1) == "the file is no checkpoint of this library"
    assert "cannot be read" in refusal(Path("a\0b"), 1)


def test_byte_orders_and_names_of_the_format_do_not_matter(tmp_path: Path) -> None:
    file, pytree = tmp_path / "a", {"__metadata__": np.arange(3.0).astype(">f8")}
    save_checkpoint(file, pytree)
    found = load_checkpoint("t", file, pytree).unwrap()
    assert found["__metadata__"].tolist() == [0, 1, 2]
    assert found["__metadata__"].dtype == np.float64


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"PK\3\4 something else entirely" * 10)
    assert refusal(file).startswith("the file is truncated or foreign")
    save_file({"w": np.ones(2)}, file)
    assert refusal(file) == "the file is no checkpoint of this library"
    file.write_bytes(save({"w": np.ones(2)}, {"tapem_dsl": "[1]"}))
    assert refusal(file) == "the file is no checkpoint of this library"
    newer = json.dumps({"version": 2, "others": {}, "digest": ""})
    file.write_bytes(save({"w": np.ones(2)}, {"tapem_dsl": newer}))
    assert refusal(file) == "the checkpoint is of version 2, not 1"


@pytest.mark.parametrize(
    ("like", "what"),
    [
        ({"w": PYTREE["w"]}, "the file holds another pytree: without [], but with"),
        ({**PYTREE, "more": 1}, "the file holds another pytree: without ['more']"),
        ({**PYTREE, "w": np.zeros((4, 3))}, "w is float64[3, 4], not float64[4, 3]"),
        ({**PYTREE, "b": np.float64(0)}, "b is float32[], not float64[]"),
        ({**PYTREE, "step": 1.0}, "step is int, not float"),
    ],
)
def test_another_pytree_is_refused(like: Any, what: str, tmp_path: Path) -> None:
    file = tmp_path / "a"
    save_checkpoint(file, PYTREE)
    assert refusal(file, like).startswith(what)


def test_every_bit_of_a_float_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "a"
    for bits in (1, 0x7FF8_0000_0000_0001, 0xFFF8_0000_0000_0000, 1 << 63):
        number = struct.unpack("<d", struct.pack("<Q", bits))[0]
        save_checkpoint(file, number)
        found = load_checkpoint("t", file, 0.0).unwrap()
        assert type(found) is float
        assert struct.pack("<d", found) == struct.pack("<Q", bits)
