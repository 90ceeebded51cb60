"""Artefacts of StableHLO, run in a process that has no tapem_dsl."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from tapem_dsl import (
    Do,
    NodeId,
    add,
    broadcast_to,
    const,
    do,
    index_select,
    matmul,
    mul,
    softmax_last,
    tanh,
    to_stablehlo,
    value_of,
)

# Any, throughout: arrays, and programs of any scalar type.


@do
def predict(p: Any, x: Any) -> Do[NodeId, Any]:
    rows = yield from const(x)
    products = yield from matmul(rows, p["w"])
    bias = yield from broadcast_to(p["b"], (x.shape[0], 4))
    hidden = yield from tanh((yield from add(products, bias)))
    return (yield from softmax_last(hidden))


READER = """
import sys
sys.modules["tapem_dsl"] = None
import jax, numpy as np
jax.config.update("jax_enable_x64", True)
artefact = jax.export.deserialize(bytearray(open(sys.argv[1], "rb").read()))
assert artefact.platforms == ("cpu", "cuda", "tpu"), artefact.platforms
given = np.load(sys.argv[2])
for rows in (7, 1, 20):
    x = given["x"][:rows]
    np.save(f"{sys.argv[3]}/{rows}.npy", artefact.call(given["w"], given["b"], x))
"""


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_artefact_runs_without_this_library(tmp_path: Path, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    w, b = rng.normal(size=(3, 4)).astype(dtype), rng.normal(size=4).astype(dtype)
    p = {"w": w, "b": b}
    x = rng.normal(size=(20, 3)).astype(dtype)
    artefact = to_stablehlo(predict, p, x[:2], batch="rows")
    (tmp_path / "artefact").write_bytes(artefact)
    np.savez(tmp_path / "given.npz", x=x, w=w, b=b)
    files = [str(tmp_path / name) for name in ("artefact", "given.npz", "")]
    subprocess.run([sys.executable, "-c", READER, *files], check=True)

    @do
    def whole(rows: int) -> Do[Any, Any]:
        w = yield from const(p["w"])
        b = yield from const(p["b"])
        return (yield from value_of((yield from predict({"w": w, "b": b}, x[:rows]))))

    for rows in (7, 1, 20):
        found = np.load(tmp_path / f"{rows}.npy")
        assert found.dtype == dtype
        bound = 1e-12 if dtype is np.float64 else 1e-6
        np.testing.assert_allclose(found, whole(rows).eval().unwrap(), rtol=bound)


def test_inputs_that_are_no_arrays_are_static() -> None:
    @do
    def program(x: NodeId, times: int, how: Any, shift: Any) -> Do[NodeId, Any]:
        for _ in range(times if how == ("add", True, None) else 0):
            x = yield from add(x, (yield from const(shift)))
        return x

    inputs = 3, ("add", True, None), np.float32(2)
    artefact = to_stablehlo(program, np.float32(1), *inputs, platforms=["cpu"])
    exported: Any = jax.export.deserialize(bytearray(artefact))
    found = exported.call(np.float32(1), np.float32(2))
    assert found == 7


def test_rows_are_taken_of_a_batch_of_any_size() -> None:
    @do
    def program(scale: NodeId, x: Any) -> Do[NodeId, Any]:
        ends = yield from index_select((yield from const(x)), (0, -1))
        return (yield from mul(ends, scale))

    x = np.arange(5, dtype=np.float32)
    artefact = to_stablehlo(program, np.ones(2, np.float32), x, batch="rows")
    exported: Any = jax.export.deserialize(bytearray(artefact))
    for rows in (5, 3):
        found = exported.call(np.ones(2, np.float32), x[:rows])
        assert found.tolist() == [0, rows - 1]


def test_mistakes_are_said() -> None:
    with pytest.raises(ValueError, match="'cpu'"):
        to_stablehlo(predict, {}, platforms=["gpu"])
    odd: Any
    for odd in ("cpu", []):
        with pytest.raises(TypeError, match=r"such as \('cpu',\)"):
            to_stablehlo(predict, {}, platforms=odd)
    with pytest.raises(TypeError, match="platforms"):
        to_stablehlo(predict, {}, platforms=3)  # type: ignore[arg-type] # a mistake
