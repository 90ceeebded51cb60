"""
Packs on disk: written whole or not at all, and read back whole or refused.

One file in the safetensors format: arrays as tensors, named by their paths in the pack;
numbers, texts and rationals as JSON in its metadata, with a digest of all of it. No
pickle: reading a file runs nothing.
"""

import hashlib
import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from returns.result import Failure, Result, Success

from tapem_dsl.core.errors import CheckpointError, TapeError
from tapem_dsl.core.value import frozen, rationals
from tapem_dsl.train.pack import flatten

P = TypeVar("P")

_KEY: Final = "tapem_dsl"
_VERSION: Final = 1


def save_checkpoint(path: str | os.PathLike[str], pack: object) -> None:
    """
    Write a pack to a file, in place of what the file was.

    The new file is written beside it and put in its place at once: whenever the process
    stops, the file is the old one or the new one, whole.

    Args:
        path: the file; its folder must be there.
        pack: arrays of floating-point, integer and truth values, exact arrays, and
            Python's numbers, texts and ``Fraction``: parameters, an optimiser's state
            and a place in a stream, all in one.

    Raises:
        ValueError: a leaf of another kind, or two leaves with one path.
        OSError: the file cannot be written.
        ModuleNotFoundError: safetensors is not installed.

    Source:
        Lean: ``toStateDict`` and ``snapshot``, in memory. PyTorch: ``torch.save``.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name) / "last.safetensors"
    >>> save_checkpoint(file, {"w": np.array([1.0, 2.0]), "step": 3})
    >>> load_checkpoint("demo", file, {"w": np.zeros(2), "step": 0})
    <Success: {'w': array([1., 2.]), 'step': 3}>
    >>> folder.cleanup()
    """
    from safetensors.numpy import save  # noqa: PLC0415 - an extra, asked for when used

    tensors, others = _parts(pack)
    header = {"version": _VERSION, "others": others, "digest": _digest(tensors, others)}
    written = save(tensors, {_KEY: json.dumps(header, sort_keys=True)})
    file = Path(path)
    beside = file.with_name(f".{file.name}.partial")
    with beside.open("wb") as out:
        out.write(written)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def load_checkpoint(
    tag: str, path: str | os.PathLike[str], like: P
) -> Result[P, TapeError]:
    """
    Read a pack back, bit for bit.

    Args:
        tag: names the call in errors.
        path: the file.
        like: a pack of the same structure, shapes and types: the one that a run starts
            with.

    Fails with:
        :class:`CheckpointError`: no such file, a truncated, changed or foreign one, or
        one that holds another pack; and what is wrong.

    Raises:
        ModuleNotFoundError: safetensors is not installed.

    Source:
        Lean: ``ofStateDict`` and ``restore``. PyTorch: ``torch.load``.

    >>> load_checkpoint("resume", "no such file", 1.0)
    <Failure: resume: no such file: no file is there>
    """

    def refused(what: str) -> Result[P, TapeError]:
        return Failure(CheckpointError(tag, what, path=os.fspath(path)))

    try:
        written = Path(path).read_bytes()
    except FileNotFoundError:
        return refused("no file is there")
    except OSError as error:
        return refused(f"the file cannot be read: {error.strerror}")
    try:
        tensors, header = _read(written)
    except ValueError as error:
        return refused(str(error))
    others = header["others"]
    if header["digest"] != _digest(tensors, others):
        return refused("the file was changed after it was written")
    leaves, structure = flatten(like)
    paths = list(structure.paths())
    missing = [name for name in paths if name not in tensors and name not in others]
    unknown = sorted({*tensors, *others} - set(paths))
    if missing or unknown:
        return refused(
            f"the file holds another pack: without {missing}, but with {unknown}"
        )
    found = []
    for name, leaf in zip(paths, leaves, strict=True):
        value = _decoded(others[name]) if name in others else tensors[name]
        value = frozen(value[()]) if isinstance(value, np.ndarray) else value
        if _kind(value) != _kind(leaf):
            return refused(f"{name or 'the leaf'} is {_kind(value)}, not {_kind(leaf)}")
        found.append(value)
    result: P = structure.rebuild(found)
    return Success(result)


# Any, from here on: leaves of a pack, and what JSON has for them.
def _parts(pack: object) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Split a pack's leaves, by path, into tensors and what JSON holds."""
    leaves, structure = flatten(pack)
    tensors: dict[str, NDArray[Any]] = {}
    others: dict[str, Any] = {}
    for name, leaf in zip(structure.paths(), leaves, strict=True):
        if name in tensors or name in others:
            raise ValueError(f"two leaves of the pack have the path {name!r}")
        array = isinstance(leaf, np.ndarray | np.generic)
        if array and leaf.dtype.kind in "fiub" and leaf.dtype.itemsize <= _WIDEST:
            tensors[name] = np.array(leaf, leaf.dtype.newbyteorder("="), order="C")
        else:
            others[name] = _encoded(name, leaf)
    return tensors, others


_WIDEST: Final = 8
"""Bytes of the widest scalar that the format knows."""


def _encoded(name: str, leaf: Any) -> dict[str, Any]:
    kind = type(leaf)
    if kind in (bool, str):
        return {"type": kind.__name__, "value": leaf}
    if kind in (int, Fraction):
        return {"type": kind.__name__, "value": str(leaf)}
    if kind is float:
        return {"type": "float", "value": leaf.hex()}
    if kind is np.ndarray and leaf.dtype == object:
        entries = [str(Fraction(entry)) for entry in leaf.flat]
        return {"type": "rationals", "shape": list(leaf.shape), "value": entries}
    what = leaf.dtype if isinstance(leaf, np.ndarray | np.generic) else kind.__name__
    raise ValueError(f"a checkpoint holds no {what}, as at {name!r}")


def _decoded(made: dict[str, Any]) -> Any:
    kind, value = made["type"], made["value"]
    if kind == "rationals":
        flat = rationals(value) if value else np.empty(0, object)
        return flat.reshape(made["shape"])
    known = {"bool": bool, "str": str, "int": int, "Fraction": Fraction}
    return float.fromhex(value) if kind == "float" else known[kind](value)


def _kind(value: Any) -> str:
    """Say what a leaf is: of two alike one may take the other's place."""
    if isinstance(value, np.ndarray | np.generic):
        return f"{value.dtype}{list(value.shape)}"
    return type(value).__name__


def _digest(tensors: dict[str, NDArray[Any]], others: dict[str, Any]) -> str:
    """Hash all that a file says."""
    digest = hashlib.sha256(json.dumps(others, sort_keys=True).encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(json.dumps([name, str(array.dtype), array.shape]).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _read(written: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """
    Take a file apart.

    Raises:
        ValueError: it is no whole checkpoint, and why.
    """
    from safetensors import SafetensorError  # noqa: PLC0415 - as in save_checkpoint
    from safetensors.numpy import load  # noqa: PLC0415 - likewise

    try:
        tensors = load(written)
        size = int.from_bytes(written[:8], "little")
        metadata = json.loads(written[8 : 8 + size]).get("__metadata__") or {}
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"the file is truncated or foreign: {error}") from None
    try:
        header = json.loads(metadata[_KEY])
        version, others, _ = (header[key] for key in ("version", "others", "digest"))
        dict(others)
    except (KeyError, ValueError, TypeError):
        raise ValueError("the file is no checkpoint of this library") from None
    if version != _VERSION:
        raise ValueError(f"the checkpoint is of version {version}, not {_VERSION}")
    return tensors, header
