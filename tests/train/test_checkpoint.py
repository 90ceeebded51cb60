"""Checkpoints: bit for bit, whole or refused, and a run that goes on where it was."""

import errno
import hashlib
import json
import os
import random
import signal
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from returns.result import Success
from safetensors.numpy import save, save_file

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    const,
    do,
    linear,
    mse_loss,
    rationals,
    tanh,
    tree,
    value_and_grad,
)
from tapem_dsl.errors import CheckpointError
from tapem_dsl.optim import (
    Adam,
    Optimizer,
    ParamEntry,
    ParamGroup,
    ParamTable,
    WarmupCosine,
    adamw,
    chain,
    clip_by_norm,
)
from tapem_dsl.tape.equality import same
from tapem_dsl.train import (
    ArrayDataset,
    DataLoader,
    Position,
    Stream,
    load_checkpoint,
    save_checkpoint,
)
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
    whole = file.read_bytes()
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


def test_writers_at_once_leave_a_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "a"

    def write(number: int) -> None:
        for _ in range(30):
            save_checkpoint(file, {"w": np.full(5_000, float(number))})

    threads = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if file.exists():
            found: Any = load_checkpoint("t", file, {"w": np.zeros(5_000)}).unwrap()
            assert len(set(found["w"].tolist())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_link_leads_to_the_file_that_is_written(tmp_path: Path) -> None:
    target, link = tmp_path / "run-7", tmp_path / "last"
    save_checkpoint(target, 1)
    link.symlink_to(target)
    save_checkpoint(link, 2)
    assert link.is_symlink()
    assert load_checkpoint("t", target, 0).unwrap() == 2


def test_byte_orders_and_names_of_the_format_do_not_matter(tmp_path: Path) -> None:
    file, pytree = tmp_path / "a", {"__metadata__": np.arange(3.0).astype(">f8")}
    save_checkpoint(file, pytree)
    found = load_checkpoint("t", file, pytree).unwrap()
    assert found["__metadata__"].tolist() == [0, 1, 2]
    assert found["__metadata__"].dtype == np.float64


def test_an_optimiser_over_a_table_goes_on(tmp_path: Path) -> None:
    table = ParamTable((ParamEntry(NodeId(0), "w", np.float64(1)),))
    start = Optimizer((ParamGroup((NodeId(0),), Adam(), 0.1),)).init(table)
    after, _ = start.step(table, {NodeId(0): np.float64(2)}).unwrap()
    file = tmp_path / "a"
    save_checkpoint(file, (after.steps, after.states))
    like = (start.steps, start.states)
    steps, states = load_checkpoint("t", file, like).unwrap()
    assert Optimizer(start.groups, steps, states) == after
    assert after != start
    assert hash(after) != hash(start)


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


def test_the_old_file_stays_where_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "a"
    save_checkpoint(file, PYTREE)
    with pytest.raises(ValueError, match="cannot hold the object"):
        save_checkpoint(file, {"x": object()})
    assert same(load_checkpoint("t", file, PYTREE).unwrap(), PYTREE)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("name", "kind", "number"),
    [
        ("missing/a", FileNotFoundError, errno.ENOENT),
        ("file/a", NotADirectoryError, errno.ENOTDIR),
        ("dangling/a", FileNotFoundError, errno.ENOENT),
        ("folder", IsADirectoryError, errno.EISDIR),
        ("to-folder", IsADirectoryError, errno.EISDIR),
        ("loop", OSError, errno.ELOOP),
        ("pipe", OSError, errno.EINVAL),
        ("n" * 300, OSError, errno.ENAMETOOLONG),
    ],
)
def test_a_file_that_cannot_be_is_named_as_it_was_given(
    name: str, kind: type[OSError], number: int, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("old")
    (tmp_path / "to-folder").symlink_to("folder")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(kind) as caught:
        save_checkpoint(tmp_path / name, PYTREE)
    assert caught.value.filename == str(tmp_path / name)
    assert caught.value.filename2 is None
    assert caught.value.errno == number
    assert ".tapem_dsl-" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_disk_that_is_full_is_no_error_of_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a"
    save_checkpoint(file, 1)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        save_checkpoint(file, 2)
    assert caught.value.filename == str(file)
    assert load_checkpoint("t", file, 0) == Success(1)
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_cannot_be_read_is_no_error_after_the_file_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, opened = tmp_path / "a", os.open

    def writable_only(path: Any, *args: Any, **options: Any) -> int:
        if Path(path) == tmp_path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(path, *args, **options)

    monkeypatch.setattr(os, "open", writable_only)
    save_checkpoint(file, 1)
    assert load_checkpoint("t", file, 0) == Success(1)


@pytest.fixture
def umask() -> Iterator[int]:
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o444, 0o400, 0o777, 0o000])
def test_a_file_keeps_its_mode_and_a_new_one_has_the_umasks(
    mode: int, tmp_path: Path, umask: int
) -> None:
    file, link = tmp_path / "a", tmp_path / "link"
    link.symlink_to(file)
    save_checkpoint(link, 1)
    assert mode_of(file) == 0o666 & ~umask
    file.chmod(mode)
    for number in (2, 3):
        save_checkpoint(link, number)
        assert mode_of(file) == mode
        assert link.is_symlink()
    file.chmod(0o600)
    assert load_checkpoint("t", file, 0) == Success(3)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_file_keeps_its_owner_where_it_may_and_is_never_open_to_more(
    allowed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, asked = tmp_path / "a", []
    save_checkpoint(file, 1)
    file.chmod(0o600)
    old = file.stat()

    def fchown(descriptor: int, user: int, group: int) -> None:
        assert stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077 == 0
        assert os.fstat(descriptor).st_size == 0
        asked.append((user, group))
        if not allowed:
            raise PermissionError(errno.EPERM, "no")

    monkeypatch.setattr(os, "fchown", fchown)
    before = os.umask(0)
    try:
        save_checkpoint(file, 2)
    finally:
        os.umask(before)
    assert asked == [(-1, old.st_gid), (old.st_uid, -1)]
    assert mode_of(file) == 0o600
    assert load_checkpoint("t", file, 0) == Success(2)


def test_every_bit_of_a_float_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "a"
    for bits in (1, 0x7FF8_0000_0000_0001, 0xFFF8_0000_0000_0000, 1 << 63):
        number = struct.unpack("<d", struct.pack("<Q", bits))[0]
        save_checkpoint(file, number)
        found = load_checkpoint("t", file, 0.0).unwrap()
        assert type(found) is float
        assert struct.pack("<d", found) == struct.pack("<Q", bits)


# -- a process that is killed while it writes ------------------------------------------

WRITER = """
import sys
import numpy as np
from tapem_dsl.train import save_checkpoint
step = 0
while True:
    pytree = {"w": np.full(50_000, float(step)), "step": step}
    save_checkpoint(sys.argv[1], pytree)
    step += 1
    if step == 1:
        print("ready", flush=True)
"""


def test_after_a_kill_the_last_whole_checkpoint_loads(tmp_path: Path) -> None:
    file, rng = tmp_path / "last", random.Random(0)
    like: Any = {"w": np.zeros(50_000), "step": 0}
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        found = load_checkpoint("t", file, like).unwrap()
        assert set(found["w"].tolist()) == {float(found["step"])}
    others = [path.name for path in tmp_path.iterdir() if path != file]
    assert all(name.startswith(".tapem_dsl-") for name in others)


# -- stopping and going on -------------------------------------------------------------


class Model(NamedTuple):
    w: Any  # Any: arrays outside, ids inside
    b: Any


class Run(NamedTuple):
    """All that a run is between two steps."""

    model: Model
    state: Any  # Any: of a chain
    place: Position


@do
def loss_of(model: Model, x: Array, y: Array) -> Do[NodeId]:
    inputs = yield from const(x)
    target = yield from const(y)
    hidden = yield from linear(model.w, model.b, inputs)
    prediction = yield from tanh(hidden)
    return (yield from mse_loss(prediction, target))


OPTIMISER = chain(clip_by_norm(0.5), adamw(WarmupCosine(0.1, 5, 60)))


def loader(how: Any) -> DataLoader[Any]:
    rng = np.random.default_rng(3)
    pytree = (rng.normal(size=(23, 3)), rng.normal(size=(23, 2)))
    return DataLoader(ArrayDataset.of_tree("t", pytree).unwrap(), 1, how, seed=5)


def first() -> Run:
    rng = np.random.default_rng(4)
    model = Model(rng.normal(size=(2, 3)), np.zeros(2))
    return Run(model, OPTIMISER.init(model), Position(0, 0, 5))


def go_on(run: Run, how: Any, steps: int) -> Run:
    stream = Stream.at("t", loader(how), run.place).unwrap()
    model, state = run.model, run.state
    for _ in range(steps):
        stream, (x, y) = stream.next("t").unwrap()
        _, gradients = value_and_grad(loss_of)(model, x[0], y[0]).unwrap()
        model, state = OPTIMISER.move(gradients, state, model)
    return Run(model, state, stream.position)


@usual
@given(
    stops=st.lists(st.integers(0, 50), max_size=3).map(sorted),
    how=st.sampled_from([False, "lcg", "numpy"]),
)
def test_a_run_that_stops_and_goes_on_ends_where_one_does_that_never_stops(
    stops: list[int], how: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("resume") / "run"
    expected = go_on(first(), how, 50)
    run, done = first(), 0
    for stop in [*stops, 50]:
        run = go_on(run, how, stop - done)
        save_checkpoint(file, run)
        run, done = load_checkpoint("t", file, first()).unwrap(), stop
    assert same(run, expected)


# -- memory ----------------------------------------------------------------------------

STREAMER = """
import resource, sys
import numpy as np
from tapem_dsl import const, dot, mse_loss
from tapem_dsl.train import ArrayDataset, DataLoader, Stream
from tapem_dsl import value_and_grad
from tapem_dsl.optim import sgd
import tapem_dsl as t

rows = np.load(sys.argv[1], mmap_mode="r")
data = ArrayDataset.of_tree("big", rows).unwrap()
stream = Stream(DataLoader(data, 256, "numpy"))

@t.do
def loss_of(w, batch):
    x = yield from const(batch)
    y = yield from const(np.ones(len(batch), np.float32))
    column = yield from t.reshape(w, (w_size, 1))
    product = yield from t.matmul(x, column)
    prediction = yield from t.reshape(product, (len(batch),))
    return (yield from mse_loss(prediction, y))

w_size = rows.shape[1]
w, optimiser = np.zeros(w_size, np.float32), sgd(1e-3)
state = optimiser.init(w)
step = value_and_grad(loss_of)
for _ in range(int(sys.argv[2])):
    stream, batch = stream.next("big").unwrap()
    loss, g = step(w, batch).unwrap()
    w, state = optimiser.move(g, state, w)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["RssAnon"].split()[0]) // 1024)
"""


def test_a_gigabyte_on_disk_trains_in_a_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "big.npy"
    rows = np.lib.format.open_memmap(file, "w+", np.float32, (262_144, 1024))
    rows[::1024] = 1.0  # a hole is as large as what is written
    rows.flush()
    assert file.stat().st_size > 10**9
    finished = subprocess.run(
        [sys.executable, "-c", STREAMER, str(file), "1100"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert int(finished.stdout) < 300
