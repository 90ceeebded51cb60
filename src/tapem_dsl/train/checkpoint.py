"""
Packs on disk: written whole or not at all, and read back whole or refused.

One file in the safetensors format: arrays as tensors, named by their paths in the tree;
numbers, texts and rationals as JSON in its metadata, with a digest of all of it. No
pickle: reading a file runs nothing.
"""

import errno
import hashlib
import json
import os
import secrets
import stat
from contextlib import suppress
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from returns.result import Failure, Result, Success

from tapem_dsl import tree
from tapem_dsl.errors import CheckpointError, TapeError
from tapem_dsl.program.arguments import tag_argument
from tapem_dsl.tape.value import frozen
from tapem_dsl.train.data.files import check_path

P = TypeVar("P")

_KEY: Final = "tapem_dsl"
_PARTIAL: Final = ".tapem_dsl-"
"""How the names of files begin that a stopped process has left half written."""

_VERSION: Final = 1


def save_checkpoint(path: str | os.PathLike[str], pytree: object) -> None:
    """
    Write a pytree to a file, in place of what the file was.

    The new file is written beside it and put in its place at once: whenever the process
    stops, the file is the old one or the new one, whole. (A process that is killed may
    leave a ``.tapem_dsl-...`` beside it, which nothing needs.) Of several writers at
    once the last one wins. Mode, owner and group of the old file stay where the system
    lets them, and a link still leads to it; a new file has the umask's mode.

    Args:
        path: the file; its folder must be there.
        pytree: arrays of floating-point, integer and truth values, exact arrays, and
            Python's numbers, texts and ``Fraction``: parameters, an optimiser's state
            and a place in a stream, all in one.

    Raises:
        TypeError: no path.
        ValueError: an empty path; a leaf of another kind, or two leaves with one path.
        OSError: the file cannot be written; ``filename`` is the path given.
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
    check_path("save_checkpoint", path)
    if not os.fspath(path):
        raise ValueError("save_checkpoint takes the path of a file for path, not ''")
    from safetensors.numpy import save  # noqa: PLC0415 - an extra, asked for when used

    tensors, others = _parts(pytree)
    header = {"version": _VERSION, "others": others, "digest": _digest(tensors, others)}
    written = save(tensors, {_KEY: json.dumps(header, sort_keys=True)})
    try:
        # of a link, what it leads to; Path.resolve raises RuntimeError of some
        _replace(Path(os.path.realpath(path)), written)
    except OSError as error:  # it may name the file beside
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def load_checkpoint(
    tag: str, path: str | os.PathLike[str], like: P
) -> Result[P, TapeError]:
    """
    Read a pytree back, bit for bit.

    Args:
        tag: names the call in errors.
        path: the file.
        like: a pytree of the same structure, shapes and types: what a run starts
            with.

    Fails with:
        :class:`CheckpointError`: no such file, a truncated, changed or foreign one, or
        one that holds another pytree; and what is wrong.

    Raises:
        ModuleNotFoundError: safetensors is not installed.

    Source:
        Lean: ``ofStateDict`` and ``restore``. PyTorch: ``torch.load``.

    >>> load_checkpoint("resume", "no such file", 1.0)
    <Failure: resume: no such file: no file is there>
    """
    tag_argument(tag, "load_checkpoint")
    check_path("load_checkpoint", path)

    def refused(what: str) -> Result[P, TapeError]:
        return Failure(CheckpointError(tag, what, path=os.fspath(path)))

    try:
        tensors, header = _read(_content(path))
    except ValueError as error:
        return refused(str(error))
    others = header["others"]
    if header["digest"] != _digest(tensors, others):
        return refused("the file was changed after it was written")
    leaves, structure = tree.flatten(like)
    paths = list(structure.paths())
    tensors = {name[1:]: array for name, array in tensors.items()}
    missing = [name for name in paths if name not in tensors and name not in others]
    unknown = sorted({*tensors, *others} - set(paths))
    if missing or unknown:
        return refused(
            f"the file holds another pytree: without {missing}, but with {unknown}"
        )
    found = []
    for name, leaf in zip(paths, leaves, strict=True):
        value = _value(name, tensors, others)
        if _kind(value) != _kind(leaf):
            return refused(f"{name or 'the leaf'} is {_kind(value)}, not {_kind(leaf)}")
        found.append(value)
    result: P = structure.unflatten(found)
    return Success(result)


def _replace(file: Path, written: bytes) -> None:
    """
    Put a new file in the place of one that may be there, with its mode and owner.

    Raises:
        OSError: that cannot be.
    """
    try:
        old = file.stat()
    except FileNotFoundError:
        old = None
    if old and not stat.S_ISREG(old.st_mode):  # a folder, a device, a pipe
        raise OSError(
            errno.EISDIR if stat.S_ISDIR(old.st_mode) else errno.EINVAL,
            "not a regular file",
        )
    mode = stat.S_IMODE(old.st_mode) if old else 0o666  # of which umask takes its part
    beside = file.with_name(f"{_PARTIAL}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        # Path.open takes no opener; and a mode set later leaves a moment to look in
        with open(beside, "xb", opener=partial(os.open, mode=mode)) as out:
            if old:
                _resemble(out.fileno(), old)
            out.write(written)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _resemble(descriptor: int, old: os.stat_result) -> None:
    """Give an open file the group, owner and mode of another, each where allowed."""
    if hasattr(os, "fchown"):
        for change in (
            partial(os.fchown, descriptor, -1, old.st_gid),
            partial(os.fchown, descriptor, old.st_uid, -1),
            partial(os.fchmod, descriptor, stat.S_IMODE(old.st_mode)),
        ):
            with suppress(OSError):
                change()


# Any, from here on: leaves of a pytree, and what JSON has for them.
def _parts(pytree: object) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Split a pytree's leaves, by path, into tensors and what JSON holds."""
    leaves, structure = tree.flatten(pytree)
    tensors: dict[str, NDArray[Any]] = {}
    others: dict[str, Any] = {}
    for name, leaf in zip(structure.paths(), leaves, strict=True):
        if f"/{name}" in tensors or name in others:
            raise ValueError(f"two leaves of the pytree have the path {name!r}")
        if isinstance(leaf, np.ma.MaskedArray):
            raise ValueError(f"a file loses the mask of {name!r}")  # noqa: TRY004
        array = isinstance(leaf, np.ndarray | np.generic)
        if array and leaf.dtype.kind in "fiub" and leaf.dtype.itemsize <= _WIDEST:
            tensors[f"/{name}"] = np.array(
                leaf, leaf.dtype.newbyteorder("="), order="C"
            )
        else:
            others[name] = _encoded(name, leaf)
    return tensors, others


_WIDEST: Final = 8
"""Bytes of the widest scalar that the format knows."""


def _encoded(name: str, leaf: Any) -> dict[str, Any]:
    kind = type(leaf)
    if kind in (bool, str):
        return {"type": kind.__name__, "value": leaf}
    if kind is int:
        return {"type": "int", "value": hex(leaf)}
    if kind is Fraction:
        return {"type": "Fraction", "value": _written(leaf)}
    if kind is float:
        bits = np.array(leaf, "<f8").tobytes()  # of NaN, too, all 64 count
        return {"type": "float", "value": bits.hex()}
    if kind is np.ndarray and leaf.dtype == object:
        entries = [_written(Fraction(entry)) for entry in leaf.flat]
        return {"type": "rationals", "shape": list(leaf.shape), "value": entries}
    what = leaf.dtype if isinstance(leaf, np.ndarray | np.generic) else kind.__name__
    raise ValueError(f"a checkpoint holds no {what}, as at {name!r}")


def _written(number: Fraction) -> list[str]:
    """Write in hexadecimal, of which Python reads any number of digits."""
    return [hex(number.numerator), hex(number.denominator)]


def _decoded(made: Any) -> Any:
    """
    Read one leaf.

    Raises:
        KeyError, TypeError, ValueError, ArithmeticError: nobody has written this.
    """
    kind, value = made["type"], made["value"]
    if kind in ("bool", "str"):
        if type(value).__name__ != kind:
            raise TypeError(kind)
        return value
    if kind == "rationals":
        array = np.empty(len(value), object)
        array[:] = [_fraction(entry) for entry in value]
        return array.reshape([_extent(n) for n in made["shape"]])
    read = {"int": _integer, "Fraction": _fraction, "float": _float}
    return read[kind](value)


def _value(name: str, tensors: dict[str, NDArray[Any]], others: dict[str, Any]) -> Any:
    """Give a leaf as a tape would keep it, or the ``None`` of what cannot be read."""
    try:
        value = _decoded(others[name]) if name in others else tensors[name]
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    if isinstance(value, np.ndarray):
        return frozen(value if value.dtype == object else value[()])
    return value


def _integer(text: Any) -> int:
    return int(text, 16)


def _float(text: Any) -> Any:
    return np.frombuffer(bytes.fromhex(text), "<f8").item()


def _fraction(pair: Any) -> Fraction:
    above, below = pair
    return Fraction(int(above, 16), int(below, 16))


def _extent(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError(number)
    return number


def _kind(value: Any) -> str:
    """Say what a leaf is: of two alike one may take the other's place."""
    if isinstance(value, np.ndarray | np.generic):
        return f"{value.dtype.newbyteorder('=')}{list(value.shape)}"
    return "unreadable" if value is None else type(value).__name__


def _digest(tensors: dict[str, NDArray[Any]], others: dict[str, Any]) -> str:
    """Hash all that a file says."""
    digest = hashlib.sha256(json.dumps(others, sort_keys=True).encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(json.dumps([name, str(array.dtype), array.shape]).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _content(path: str | os.PathLike[str]) -> bytes:
    """
    Read a file.

    Raises:
        ValueError: that is not possible, and why.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise ValueError("no file is there") from None
    except (OSError, ValueError) as error:  # of the file, of its name
        raise ValueError(f"the file cannot be read: {error}") from None


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
    except (SafetensorError, ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(f"the file is truncated or foreign: {error}") from None
    try:
        header = json.loads(metadata[_KEY])
        version, others, _ = (header[key] for key in ("version", "others", "digest"))
    except (KeyError, ValueError, TypeError, RecursionError):
        raise ValueError("the file is no checkpoint of this library") from None
    if version != _VERSION or not isinstance(others, dict):
        raise ValueError(f"the checkpoint is of version {version!r}, not {_VERSION}")
    return tensors, header
