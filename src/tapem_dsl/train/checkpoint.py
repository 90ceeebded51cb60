"""
Pytrees on disk: a file is written whole or not at all, and loaded whole or refused.

A file has the safetensors format. Arrays are tensors, named by their paths in the
pytree; numbers, texts and rationals are JSON in its metadata, with a digest of all.
Loading a file runs no code: there is no pickle.
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
from returns.result import Result, Success

from tapem_dsl import tree
from tapem_dsl.arguments import check_argument
from tapem_dsl.arrays import AnyArray
from tapem_dsl.errors import CheckpointError, TapeError, failed
from tapem_dsl.tape.value import frozen
from tapem_dsl.train.data.files import check_path

# Any, throughout: leaves of a pytree, and their JSON.

P = TypeVar("P")

_KEY: Final = "tapem_dsl"
_PARTIAL: Final = ".tapem_dsl-"
"""The prefix of temporary files; a killed process may leave one."""

_VERSION: Final = 1


def save_checkpoint(path: str | os.PathLike[str], pytree: object) -> None:
    """
    Write a pytree to a file, replacing the old file.

    The new file is written beside the old one, then renamed: whenever the process
    stops, the path holds the old or the new file, whole. (A killed process may leave a
    file ``.tapem_dsl-...`` there, which can be deleted.) Of several writers at once the
    last one wins. The new file has the old one's mode, owner and group where the system
    permits, else the umask's mode. A symbolic link is followed.

    Args:
        path: the file, in a folder that exists.
        pytree: leaves are arrays of floats, integers and truth values, exact arrays,
            and Python numbers, texts and ``Fraction``: parameters, an optimiser's state
            and a stream's position together.

    Raises:
        TypeError: ``path`` is not a path.
        ValueError: an empty path; a leaf of another type, or two leaves with one path.
        OSError: the file cannot be written; ``filename`` is ``path``.
        ModuleNotFoundError: safetensors is not installed.

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
    from safetensors.numpy import save  # noqa: PLC0415 - an optional extra

    tensors, others = _parts(pytree)
    header = {"version": _VERSION, "others": others, "digest": _digest(tensors, others)}
    written = save(tensors, {_KEY: json.dumps(header, sort_keys=True)})
    try:
        # realpath follows a link; Path.resolve raises RuntimeError for a loop of links
        _replace(Path(os.path.realpath(path)), written)
    except OSError as error:  # it may name the temporary file
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def load_checkpoint(
    tag: str, path: str | os.PathLike[str], like: P
) -> Result[P, TapeError]:
    """
    Return the pytree in a file, bit for bit.

    Args:
        tag: names the call in errors.
        path: the file.
        like: a pytree with the same structure, shapes and types, such as the initial
            parameters.

    Fails with:
        :class:`CheckpointError`: there is no such file, it is truncated, changed or
        foreign, or it holds another pytree; the message says which.

    Raises:
        ModuleNotFoundError: safetensors is not installed.

    Lean: ``ofStateDict`` and ``restore``. PyTorch: ``torch.load``.

    >>> load_checkpoint("resume", "no such file", 1.0)
    <Failure: resume: no such file: no file is there>
    """
    check_argument("load_checkpoint", "tag", tag, str)
    check_path("load_checkpoint", path)

    def refused(what: str) -> Result[P, TapeError]:
        return failed(CheckpointError(tag, what, path=os.fspath(path)))

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
    Write a file beside another, with the other's mode and owner, and replace it.

    Raises:
        OSError: the file cannot be written.
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
    mode = stat.S_IMODE(old.st_mode) if old else 0o666  # less the umask
    beside = file.with_name(f"{_PARTIAL}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        # Path.open takes no opener, and a mode set after opening would be too late
        with open(beside, "xb", opener=partial(os.open, mode=mode)) as out:
            if old:
                _copy_owner_and_mode(out.fileno(), old)
            out.write(written)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    """
    Make the new file's name durable, where the system permits.

    The file is in place already, so a folder that cannot be opened, such as one that
    may be written to but not read, is no error.
    """
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _copy_owner_and_mode(descriptor: int, old: os.stat_result) -> None:
    """Set an open file's group, owner and mode to another's, each where permitted."""
    if hasattr(os, "fchown"):
        for change in (
            partial(os.fchown, descriptor, -1, old.st_gid),
            partial(os.fchown, descriptor, old.st_uid, -1),
            partial(os.fchmod, descriptor, stat.S_IMODE(old.st_mode)),
        ):
            with suppress(OSError):
                change()


def _parts(pytree: object) -> tuple[dict[str, AnyArray], dict[str, Any]]:
    """Return the leaves of a pytree, by path: tensors, and those stored as JSON."""
    leaves, structure = tree.flatten(pytree)
    tensors: dict[str, AnyArray] = {}
    others: dict[str, Any] = {}
    for name, leaf in zip(structure.paths(), leaves, strict=True):
        if f"/{name}" in tensors or name in others:
            raise ValueError(f"two leaves of the pytree have the path {name!r}")
        if isinstance(leaf, np.ma.MaskedArray):
            raise ValueError(f"a checkpoint would lose the mask of {name!r}")  # noqa: TRY004
        array = isinstance(leaf, np.ndarray | np.generic)
        if array and leaf.dtype.kind in "fiub" and leaf.dtype.itemsize <= _WIDEST:
            native = leaf.dtype.newbyteorder("=")
            tensors[f"/{name}"] = np.array(leaf, native, order="C")
        else:
            others[name] = _encoded(name, leaf)
    return tensors, others


_WIDEST: Final = 8
"""The bytes of the widest scalar of the format."""


def _encoded(name: str, leaf: Any) -> dict[str, Any]:
    kind = type(leaf)
    if kind in (bool, str):
        return {"type": kind.__name__, "value": leaf}
    if kind is int:
        return {"type": "int", "value": hex(leaf)}
    if kind is Fraction:
        return {"type": "Fraction", "value": _hex(leaf)}
    if kind is float:
        bits = np.array(leaf, "<f8").tobytes()  # all 64 bits, also of NaN
        return {"type": "float", "value": bits.hex()}
    if kind is np.ndarray and leaf.dtype == object:
        entries = [_hex(Fraction(entry)) for entry in leaf.flat]
        return {"type": "rationals", "shape": list(leaf.shape), "value": entries}
    what = leaf.dtype if isinstance(leaf, np.ndarray | np.generic) else kind.__name__
    raise ValueError(f"a checkpoint cannot hold the {what} at {name!r}")


def _hex(number: Fraction) -> list[str]:
    """Return hexadecimal texts, whose length Python does not limit."""
    return [hex(number.numerator), hex(number.denominator)]


def _decoded(made: Any) -> Any:
    """
    Return the leaf that :func:`_encoded` encoded.

    Raises:
        KeyError, TypeError, ValueError, ArithmeticError: it is not such an encoding.
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
    if kind == "int":
        return int(value, 16)
    if kind == "float":
        return np.frombuffer(bytes.fromhex(value), "<f8").item()
    if kind == "Fraction":
        return _fraction(value)
    raise ValueError(kind)


def _value(name: str, tensors: dict[str, AnyArray], others: dict[str, Any]) -> Any:
    """Return a leaf, frozen as on a tape; ``None`` if it cannot be decoded."""
    try:
        value = _decoded(others[name]) if name in others else tensors[name]
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    if isinstance(value, np.ndarray):
        return frozen(value if value.dtype == object else value[()])
    return value


def _fraction(pair: Any) -> Fraction:
    above, below = pair
    return Fraction(int(above, 16), int(below, 16))


def _extent(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError(number)
    return number


def _kind(value: Any) -> str:
    """Return the type of a leaf, with an array's dtype and shape."""
    if isinstance(value, np.ndarray | np.generic):
        return f"{value.dtype.newbyteorder('=')}{list(value.shape)}"
    return "unreadable" if value is None else type(value).__name__


def _digest(tensors: dict[str, AnyArray], others: dict[str, Any]) -> str:
    """Return a hash of all leaves."""
    digest = hashlib.sha256(json.dumps(others, sort_keys=True).encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(json.dumps([name, str(array.dtype), array.shape]).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _content(path: str | os.PathLike[str]) -> bytes:
    """
    Return the bytes of a file.

    Raises:
        ValueError: the file cannot be read; the message says why.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise ValueError("no file is there") from None
    except (OSError, ValueError) as error:  # a bad file, a bad name
        raise ValueError(f"the file cannot be read: {error}") from None


def _read(written: bytes) -> tuple[dict[str, AnyArray], dict[str, Any]]:
    """
    Return the tensors and the header in the bytes of a file.

    Raises:
        ValueError: they are not a whole checkpoint; the message says why.
    """
    from safetensors import SafetensorError  # noqa: PLC0415 - as in save_checkpoint
    from safetensors.numpy import load  # noqa: PLC0415 - as in save_checkpoint

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
