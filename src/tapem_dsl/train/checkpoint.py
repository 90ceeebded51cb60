"""
Pytrees on disk: a file is written whole or not at all, and loaded whole or refused.

A file has the safetensors format. Arrays are tensors, named by their paths in the
pytree; numbers, texts and rationals are JSON in its metadata, with a digest of all.
Loading a file runs no code: there is no pickle.
"""

import os
from typing import Any, Final, TypeVar

import numpy as np
from returns.result import Result, Success

from tapem_dsl import tree
from tapem_dsl.arguments import check_argument, check_path
from tapem_dsl.arrays import AnyArray
from tapem_dsl.errors import CheckpointError, TapeError, failed
from tapem_dsl.files import (
    Format,
    check_writable,
    content,
    decoded,
    encoded,
    write_whole,
)
from tapem_dsl.tape.value import frozen

# Any, throughout: leaves of a pytree, and their JSON.

P = TypeVar("P")

_FORMAT: Final = Format("tapem_dsl", "checkpoint", 1)


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
    >>> from pathlib import Path
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name) / "last.safetensors"
    >>> save_checkpoint(file, {"w": np.array([1.0, 2.0]), "step": 3})
    >>> load_checkpoint("demo", file, {"w": np.zeros(2), "step": 0})
    <Success: {'w': array([1., 2.]), 'step': 3}>
    >>> folder.cleanup()
    """
    write_whole(path, _packed(path, pytree))


def check_savable(path: str | os.PathLike[str], pytree: object) -> None:
    """
    Check that :func:`save_checkpoint` can write a pytree, and write nothing.

    Raises:
        As :func:`save_checkpoint`.

    >>> check_savable("last.safetensors", {"w": 1j})
    Traceback (most recent call last):
    ...
    ValueError: a checkpoint cannot hold the complex at 'w'
    """
    _packed(path, pytree)
    check_writable(path)


def _packed(path: str | os.PathLike[str], pytree: object) -> bytes:
    """Return the contents of the file."""
    check_path("save_checkpoint", path)
    if not os.fspath(path):
        raise ValueError("save_checkpoint takes the path of a file for path, not ''")
    return _FORMAT.pack(*_parts(pytree))


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
        tensors, others = _FORMAT.unpack(content(path))
    except ValueError as error:
        return refused(str(error))
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
            try:
                others[name] = encoded(leaf)
            except TypeError as error:
                what = f"a checkpoint cannot hold the {error} at {name!r}"
                raise ValueError(what) from None
    return tensors, others


_WIDEST: Final = 8
"""The bytes of the widest scalar of the format."""


def _value(name: str, tensors: dict[str, AnyArray], others: dict[str, Any]) -> Any:
    """Return a leaf, frozen as on a tape; ``None`` if it cannot be decoded."""
    try:
        value = decoded(others[name]) if name in others else tensors[name]
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    if isinstance(value, np.ndarray):
        return frozen(value if value.dtype == object else value[()])
    return value


def _kind(value: Any) -> str:
    """Return the type of a leaf, with an array's dtype and shape."""
    if isinstance(value, np.ndarray | np.generic):
        return f"{value.dtype.newbyteorder('=')}{list(value.shape)}"
    return "unreadable" if value is None else type(value).__name__
