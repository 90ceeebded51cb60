"""Files of tapes that a disk or another tool spoilt, from a seed."""

import json
from typing import Any, Final

import numpy as np
from safetensors.numpy import load

from tapem_dsl.files import Format

# Any, throughout: JSON and arrays of any dtype.

FORMAT: Final = Format("tapem_dsl.tape", "tape", 1)
JUNK: Final[tuple[Any, ...]] = (
    *(None, True, -1, 0, 1, 2, 255, 2**31, 2**64, -(10**30), 1.5, float("nan")),
    *("", "Add", "float64", "0x1", "1/0", [], {}, [0], [[]], [2**40, 2**40]),
    {"type": "ints", "value": [9]},
    {"class": "Add", "fields": {}},
)


def damaged(whole: bytes, rng: np.random.Generator) -> bytes:
    """Flip bits, cut the end off, or change what the file says and its digest."""
    match int(rng.integers(5)):
        case 0:
            return whole[: rng.integers(len(whole))]
        case 1:
            flipped = np.frombuffer(whole, np.uint8).copy()
            places = rng.integers(len(whole), size=rng.integers(1, 4))
            bits = rng.integers(8, size=places.size, dtype=np.uint8)
            flipped[places] ^= np.uint8(1) << bits
            return flipped.tobytes()
        case 2:
            at = int(rng.integers(len(whole)))
            return whole[:at] + rng.bytes(int(rng.integers(20))) + whole[at:]
        case 3:
            tensors, others = contents(whole)
            return FORMAT.pack(tensors, edited(others, rng))
        case _:
            tensors, others = contents(whole)
            return FORMAT.pack(respelled(tensors, rng), others)


def contents(whole: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take a file apart."""
    size = int.from_bytes(whole[:8], "little")
    metadata = json.loads(whole[8 : 8 + size])["__metadata__"]
    return load(whole), json.loads(metadata[FORMAT.key])["others"]


def edited(made: Any, rng: np.random.Generator) -> Any:
    """Replace one part of a JSON value, at any depth, or take it away."""
    if isinstance(made, dict) and made and rng.random() < 0.9:
        key = list(made)[rng.integers(len(made))]
        if rng.random() < 0.1:
            return {name: part for name, part in made.items() if name != key}
        return {**made, key: edited(made[key], rng)}
    if isinstance(made, list) and made and rng.random() < 0.9:
        at = int(rng.integers(len(made)))
        if rng.random() < 0.1:
            return made[:at] + made[at + 1 :] * int(rng.integers(3))
        return [*made[:at], edited(made[at], rng), *made[at + 1 :]]
    if isinstance(made, int) and rng.random() < 0.5:
        return made + int(rng.integers(-2, 3))
    return JUNK[rng.integers(len(JUNK))]


def respelled(tensors: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Change one tensor: an entry, its length, its dtype or its name."""
    name = sorted(tensors)[rng.integers(len(tensors))]
    tensor = np.array(tensors[name])
    changed: dict[str, Any] = {k: v for k, v in tensors.items() if k != name}
    match int(rng.integers(5)):
        case 0 if tensor.size:
            at = tuple(int(rng.integers(extent)) for extent in tensor.shape)
            tensor.view(np.uint8).reshape(-1)[rng.integers(tensor.nbytes)] ^= 1
            if tensor.dtype.kind in "iu" and rng.random() < 0.5:
                tensor[at] = rng.integers(0, min(2**62, np.iinfo(tensor.dtype).max))
        case 1:
            tensor = np.concatenate([tensor, tensor[:1]]) if tensor.ndim else tensor
        case 2:
            tensor = tensor[:-1] if tensor.ndim else tensor
        case 3:
            with np.errstate(all="ignore"):
                tensor = tensor.astype(rng.choice(["f4", "u1", "i8", "u4"]))
        case _:
            return changed
    return {**changed, name: tensor}
