"""A saved tape loads bit for bit, or is refused: nothing else comes of any file."""

import copy
import pickle
import re
import tracemalloc
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from returns.result import Failure, Success

from tapem_dsl import (
    Array,
    NodeId,
    Op,
    SavedTape,
    Tape,
    apply_op,
    attention,
    backward,
    backward_m,
    backward_scalar,
    check,
    const,
    exp,
    leaf,
    load_tape,
    make_dual,
    mul,
    ops,
    save_tape,
    scale,
    sum_,
    value_of,
)
from tapem_dsl.arrays import Namespace
from tapem_dsl.errors import CheckpointError, UnsoundTape
from tapem_dsl.tape.equality import same
from tests.interpreters.saved.damage import FORMAT, contents, damaged
from tests.mixed_tapes import mixed_tape, others
from tests.oracles import recorded, sample
from tests.specs.every import ALL, both_samples, each_op
from tests.specs.spec import Spec

# Any, throughout: tapes of any scalar type.


def bits(tape: Tape[Any]) -> list[bytes]:
    """Give what ``==`` does not compare: the bits of NaNs too."""
    return [
        repr(node.value.tolist()).encode()
        if node.value.dtype.hasobject
        else np.asarray(node.value).tobytes()
        for node in tape
        if node.value.dtype != np.longdouble  # of which 6 bytes are not part
    ]


def round_trip(tape: Tape[Any], file: Path, gradients: Any = None) -> SavedTape:
    """Save, load, compare; save what was loaded, and compare the bytes."""
    save_tape(file, tape, gradients)
    written = file.read_bytes()
    loaded = load_tape("t", file).unwrap()
    assert loaded.tape == tape
    assert bits(loaded.tape) == bits(tape)
    assert loaded.tape.values_read == tape.values_read
    assert same(loaded.gradients, dict(gradients or {}))
    save_tape(file, loaded.tape, loaded.gradients)
    assert file.read_bytes() == written
    return loaded


@each_op
@both_samples
@pytest.mark.parametrize(
    "dtype", [np.float16, np.float32, np.float64, np.longdouble, object]
)
def test_every_op_comes_back_with_its_gradients(
    spec: Spec, which: int, dtype: Any, tmp_path: Path
) -> None:
    if dtype is object and not spec.rational:
        return
    xs, _, g = sample(spec, which).of(dtype)
    out, tape = recorded(spec, xs)
    round_trip(tape, tmp_path / "a", backward(tape, out, g).unwrap())


def test_the_tapes_below_have_every_op() -> None:
    rng = np.random.default_rng(0)
    found = {type(node.op) for node in others(rng).exec().unwrap()}
    assert found | {type(spec.op) for spec in ALL} >= set(ops.ALL)


@pytest.mark.parametrize("start", range(0, 400, 50))
def test_random_tapes_of_every_dtype_come_back(start: int, tmp_path: Path) -> None:
    for seed in range(start, start + 50):
        round_trip(mixed_tape(seed), tmp_path / "a")


def test_what_is_loaded_cannot_change_and_is_as_a_program_records_it(
    tmp_path: Path,
) -> None:
    tape = round_trip(mixed_tape(7), tmp_path / "a").tape
    assert check(tape, recompute=True) == ()
    for node in tape:
        assert not node.value.flags.writeable
    assert pickle.loads(pickle.dumps(tape)) == copy.deepcopy(tape) == tape


def test_a_recorded_sweep_and_what_was_read_come_back(tmp_path: Path) -> None:
    program = leaf(np.float16(2)).bind(exp).bind(sum_).bind(backward_m)
    tape = program.exec().unwrap()
    assert round_trip(tape, tmp_path / "a").tape.values_read
    plain = const(1.0).bind(lambda x: mul(x, x)).exec().unwrap()
    assert not round_trip(plain, tmp_path / "a").tape.values_read


@pytest.mark.parametrize(
    "factor", [2, 2**70, 0.1, -0.0, Fraction(1, 3), np.float64(0.1), 5e-324]
)
def test_parameters_of_ops_keep_type_and_bits(factor: Any, tmp_path: Path) -> None:
    tape = const(1.0).bind(lambda x: scale(x, factor)).exec().unwrap()
    (_, node) = round_trip(tape, tmp_path / "a").tape
    op: Any = node.op
    assert same(op.factor, tape[NodeId(1)].op.factor)  # type: ignore[union-attr] # an op


def test_a_mask_comes_back_read_only(tmp_path: Path) -> None:
    one = const(np.eye(2))
    mask = np.array([[True, False], [True, True]])
    program = one.bind(lambda a: attention(a, a, a, a, a, heads=1, mask=mask))
    op: Any = round_trip(program.exec().unwrap(), tmp_path / "a").tape[NodeId(1)].op
    assert op.mask.tolist() == mask.tolist()
    assert not op.mask.flags.writeable


# -- ops of users ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mine(Op):
    """A user's op, whose fields are of every kind that a file holds."""

    name = "mine"

    number: float
    whole: int
    text: str
    flag: bool
    ratio: Fraction
    nothing: None
    array: NDArray[np.int8]
    scalar: np.float32
    nested: tuple[Any, ...]

    def shape(self, *inputs: Any) -> Any:
        return inputs[0]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return inputs[0]


MINE = Mine(
    *(0.1, 10**5000, "ü", True, Fraction(1, 3), None),
    *(np.zeros((2, 0), np.int8), np.float32(0.1), (1, (2.0, "x", ()), (10**20,))),
)


def test_an_op_of_a_user_needs_its_class(tmp_path: Path) -> None:
    file, tape = tmp_path / "a", const(1.0).bind(lambda x: apply_op(MINE, x)).exec()
    with pytest.raises(TypeError, match=r"the op Mine is not of tapem_dsl\.ops; pass"):
        save_tape(file, tape.unwrap())
    save_tape(file, tape.unwrap(), ops=[Mine])
    assert load_tape("t", file, ops=[Mine]).map(lambda saved: saved.tape) == tape
    error = load_tape("t", file).failure()
    what = "the op Mine is not of tapem_dsl.ops; pass its class in ops="
    assert error == CheckpointError("t", what, path=str(file))


def test_classes_that_are_no_ops_or_of_one_name_are_mistakes(tmp_path: Path) -> None:
    wrong: Any = int
    with pytest.raises(TypeError, match="takes classes of ops for ops, not <class 'in"):
        load_tape("t", tmp_path / "a", ops=[wrong])
    another: Any = dataclass(frozen=True)(type("Add", (Mine,), {}))
    with pytest.raises(ValueError, match="knows another op of the name Add"):
        save_tape(tmp_path / "a", Tape(), ops=[another])


def test_a_field_that_no_file_holds_is_named(tmp_path: Path) -> None:
    parts: Any = (*(getattr(MINE, name) for name in Mine.__slots__[:-1]), (object(),))
    op = Mine(*parts)
    tape = const(1.0).bind(lambda x: apply_op(op, x)).exec().unwrap()
    with pytest.raises(TypeError, match=r"cannot hold the object that is Mine\.nested"):
        save_tape(tmp_path / "a", tape, ops=[Mine])


@pytest.mark.parametrize("code", ["f2", "f4", "f8", "i2", "u8"])
def test_a_field_in_another_order_of_bytes_is_refused_by_name(
    code: str, tmp_path: Path
) -> None:
    foreign = np.arange(3).astype(np.dtype(code).newbyteorder("S"))
    names = Mine.__slots__[:-1]
    for nested in ((foreign,), (1, (foreign,))):
        parts: Any = (*(getattr(MINE, name) for name in names), nested)
        tape = const(1.0).bind(partial(apply_op, Mine(*parts)))
        what = rf"cannot hold the {re.escape(str(foreign.dtype))} that is Mine\.nested"
        with pytest.raises(TypeError, match=what):
            save_tape(tmp_path / "a", tape.exec().unwrap(), ops=[Mine])


# -- what cannot be saved --------------------------------------------------------------


def test_unsound_tapes_tracers_and_gradients_that_do_not_fit_are_mistakes(
    tmp_path: Path,
) -> None:
    file, tape = tmp_path / "a", leaf(2.0).bind(exp).exec().unwrap()
    unsound: Any = Tape([tape[NodeId(1)]])
    with pytest.raises(ValueError, match="node 0, parents: 0 is no id before 0"):
        save_tape(file, unsound)
    dual = leaf(2.0).bind(lambda x: make_dual(x, x)).exec().unwrap()
    with pytest.raises(TypeError, match="a file of a tape cannot hold the"):
        save_tape(file, dual)
    with pytest.raises(
        ValueError, match=r"of node 1 is float64\[2\], and its value fl"
    ):
        save_tape(file, tape, {NodeId(1): np.zeros(2)})
    with pytest.raises(ValueError, match="a gradient of node 7, and no such node"):
        save_tape(file, tape, {NodeId(7): np.float64(2)})
    with pytest.raises(ValueError, match="the path of a file"):
        save_tape("", tape)
    assert not file.exists()


def test_what_is_no_tape_and_no_path_is_a_mistake(tmp_path: Path) -> None:
    wrong: Any = [1]
    with pytest.raises(TypeError, match="save_tape takes a Tape for tape"):
        save_tape(tmp_path / "a", wrong)
    with pytest.raises(TypeError, match="load_tape takes a text or a Path for path"):
        load_tape("t", wrong)


# -- damaged files ---------------------------------------------------------------------


def load_damaged(seed: int, file: Path) -> tuple[bool, int]:
    """Damage a file and load it: whether it loads, and memory over twice its size."""
    rng = np.random.default_rng(seed)
    tape = mixed_tape(int(rng.integers(10**6)))
    if seed % 4 == 0:
        tape = const(rng.normal(size=(100, 200))).exec(tape).unwrap()
    save_tape(file, tape)
    file.write_bytes(written := damaged(file.read_bytes(), rng))
    tracemalloc.start()
    try:
        result = load_tape("t", file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if isinstance(result, Success):
        assert check(result.unwrap().tape) == ()
        return True, 0
    assert isinstance(result, Failure)
    assert isinstance(result.failure(), CheckpointError | UnsoundTape)
    return False, peak - 2 * len(written)


@pytest.mark.parametrize("start", range(0, 400, 50))
def test_a_damaged_file_is_refused_or_sound(start: int, tmp_path: Path) -> None:
    found = [load_damaged(seed, tmp_path / "a") for seed in range(start, start + 50)]
    assert sum(loaded for loaded, _ in found) < 25
    assert max(beyond for _, beyond in found) < 100_000  # what Python's objects take


@pytest.mark.parametrize("kind", ["flipped", "cut", "forged"])
def test_a_refused_file_takes_no_more_than_twice_its_size(
    kind: str, tmp_path: Path
) -> None:
    file = tmp_path / "a"
    x = leaf(np.random.default_rng(0).normal(size=(500, 500)))
    save_tape(file, x.bind(lambda x: mul(x, x)).exec().unwrap())
    whole = bytearray(file.read_bytes())
    if kind == "flipped":
        whole[-1] ^= 1
    elif kind == "cut":
        del whole[-8:]
    else:
        tensors, header = contents(bytes(whole))
        header["values"]["shapes"].append([10**6, 10**6])
        tensors["values/shapes"] = np.array([0, 1], np.uint32)
        whole = bytearray(FORMAT.pack(tensors, header))
        del tensors, header
    file.write_bytes(whole)
    tracemalloc.start()
    assert isinstance(load_tape("t", file), Failure)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= 2 * len(whole) + 100_000


def test_a_tape_of_large_arrays_loads_in_twice_its_size(tmp_path: Path) -> None:
    file = tmp_path / "a"
    x = leaf(np.random.default_rng(0).normal(size=(500, 500)))
    tape = x.bind(lambda x: mul(x, x)).exec().unwrap()
    save_tape(file, tape)
    tracemalloc.start()
    loaded = load_tape("t", file).unwrap()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert loaded.tape == tape
    assert peak <= 2 * file.stat().st_size + 100_000


def test_a_checkpoint_is_no_tape(tmp_path: Path) -> None:
    from tapem_dsl.train import load_checkpoint, save_checkpoint  # noqa: PLC0415

    save_checkpoint(tmp_path / "a", 1)
    error = load_tape("t", tmp_path / "a").failure()
    assert error.message.endswith("the file is no tape of this library")
    save_tape(tmp_path / "b", const(1.0).bind(value_of).exec().unwrap())
    error = load_checkpoint("t", tmp_path / "b", 1).failure()
    assert error.message.endswith("the file is no checkpoint of this library")


def test_long_doubles_of_another_machine_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "a"
    save_tape(file, const(np.longdouble(1)).exec().unwrap())
    tensors, header = contents(file.read_bytes())
    header["long_doubles"] = "112-big"
    file.write_bytes(FORMAT.pack(tensors, header))
    error = load_tape("t", file).failure()
    assert "long doubles of another machine" in error.message


def test_gradients_of_a_loss_come_back(tmp_path: Path) -> None:
    out, tape = leaf(np.ones(3), "x").bind(exp).bind(sum_).run().unwrap()
    gradients = backward_scalar(tape, out).unwrap()
    loaded = round_trip(tape, tmp_path / "a", gradients)
    assert list(loaded.gradients) == list(gradients)
