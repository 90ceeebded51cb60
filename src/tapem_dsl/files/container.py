"""Arrays and JSON in one file of the safetensors format, with a digest of all."""

import hashlib
import json
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final, final

import numpy as np

from tapem_dsl.arrays import AnyArray

# Any, throughout: JSON.

_FROM_JSON: Final = (KeyError, ValueError, TypeError, AttributeError, RecursionError)
"""What reading something other than the expected JSON raises."""


@final
@dataclass(frozen=True, slots=True)
class Format:
    """
    One kind of file: arrays by name, and JSON in the metadata.

    Args:
        key: the entry of the metadata that holds the JSON.
        noun: what messages call such a file.
        version: the version that is written, the only one that is read.

    >>> notes = Format("notes", "note", 1)
    >>> notes.unpack(notes.pack({"x": np.ones(2)}, {"a": 1}))
    ({'x': array([1., 1.])}, {'a': 1})
    """

    key: str
    noun: str
    version: int

    def pack(self, tensors: dict[str, AnyArray], others: dict[str, Any]) -> bytes:
        """
        Return the bytes of a file; equal contents have equal bytes.

        Raises:
            ModuleNotFoundError: safetensors is not installed.
        """
        _check_safetensors(self.noun)
        from safetensors.numpy import save  # noqa: PLC0415 - an optional extra

        digest = _digest(tensors, others)
        header = {"version": self.version, "others": others, "digest": digest}
        return save(tensors, {self.key: json.dumps(header, sort_keys=True)})

    def unpack(self, written: bytes) -> tuple[dict[str, AnyArray], dict[str, Any]]:
        """
        Return the arrays, read-only, and the JSON in the bytes of a file.

        The memory that this takes is about that of the bytes.

        Raises:
            ValueError: they are not a whole file of this kind; the message says why.
            ModuleNotFoundError: safetensors is not installed.
        """
        _check_safetensors(self.noun)
        from safetensors import SafetensorError  # noqa: PLC0415 - as in pack
        from safetensors.numpy import load  # noqa: PLC0415 - as in pack

        try:
            tensors = load(written)
            size = int.from_bytes(written[:8], "little")
            metadata = json.loads(written[8 : 8 + size]).get("__metadata__") or {}
        except (SafetensorError, *_FROM_JSON, ArithmeticError) as error:
            raise ValueError(f"the file is truncated or foreign: {error}") from None
        try:
            header = json.loads(metadata[self.key])
            found = [header[key] for key in ("version", "others", "digest")]
        except _FROM_JSON:
            raise ValueError(f"the file is no {self.noun} of this library") from None
        version, others, digest = found
        if version != self.version or not isinstance(others, dict):
            raise ValueError(
                f"the {self.noun} is of version {version!r}, not {self.version}"
            )
        if digest != _digest(tensors, others):
            raise ValueError("the file was changed after it was written")
        for array in tensors.values():
            _freeze(array)
        return tensors, others


def _check_safetensors(noun: str) -> None:
    if find_spec("safetensors") is None:
        raise ModuleNotFoundError(
            f"the file of a {noun} needs safetensors: "
            "pip install 'tapem_dsl[checkpoints]'"
        )


def _freeze(array: AnyArray) -> None:
    """Make an array read-only, and all that it is a view of."""
    part: object = array
    while isinstance(part, np.ndarray):
        part.setflags(write=False)
        part = part.base


def _digest(tensors: dict[str, AnyArray], others: dict[str, Any]) -> str:
    """Return a hash of all leaves."""
    digest = hashlib.sha256(json.dumps(others, sort_keys=True).encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(json.dumps([name, str(array.dtype), array.shape]).encode())
        digest.update(np.ascontiguousarray(array).data)  # without a copy
    return digest.hexdigest()
