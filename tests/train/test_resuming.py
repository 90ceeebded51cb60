"""Runs that go on from a checkpoint, and a run over more data than memory holds."""

import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import NodeId, value_and_grad
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
from tests.train.tanh_layer import loss_of


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


class Model(NamedTuple):
    w: Any  # Any: arrays outside, ids inside
    b: Any


class Run(NamedTuple):
    """All that a run is between two steps."""

    model: Model
    state: Any  # Any: of a chain
    place: Position


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
