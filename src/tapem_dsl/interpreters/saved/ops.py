"""Ops as JSON: the name of the class, and its fields."""

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any, Final, final

import numpy as np

from tapem_dsl import ops
from tapem_dsl.arguments import items_of
from tapem_dsl.arrays import AnyArray
from tapem_dsl.files import decoded, encoded
from tapem_dsl.interpreters.recorded.ops import RECORDED
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.value import frozen

# Any, throughout: fields of ops, and their JSON.

_SAFE: Final = 2**53
"""Integers of smaller size are numbers in JSON, as in every reader of it."""


def known_ops(more: Iterable[type[Op]], owner: str) -> dict[str, type[Op]]:
    """
    Return the classes of ops that a file may name, by name.

    Raises:
        TypeError: one of ``more`` is no class of op.
        ValueError: two classes have one name.

    >>> known_ops((), "load_tape")["Add"].name
    'add'
    """
    found = {kind.__name__: kind for kind in (*ops.ALL, *RECORDED)}
    given: Any  # whatever the user passed
    for given in items_of(owner, "ops", more):
        if not (isinstance(given, type) and issubclass(given, Op)):
            raise TypeError(f"{owner} takes classes of ops for ops, not {given!r}")
        if found.setdefault(given.__name__, given) is not given:
            raise ValueError(f"{owner} knows another op of the name {given.__name__}")
    return found


@final
class Arrays:
    """
    The arrays among the fields of ops, each once, as tensors of a file.

    >>> arrays = Arrays()
    >>> arrays.add(np.zeros(2)), arrays.add(np.zeros(2)), list(arrays.tensors)
    (0, 0, ['fields/0'])
    """

    def __init__(self) -> None:
        self.tensors: dict[str, AnyArray] = {}
        self._places: dict[tuple[str, tuple[int, ...], bytes], int] = {}

    def add(self, array: AnyArray) -> int:
        """
        Return the place of an array.

        Raises:
            TypeError: the format has no such dtype, or only in the machine's order of
                bytes; the message is the dtype.
        """
        dtype = array.dtype
        if dtype.kind not in "fiub" or dtype.itemsize > 8 or not dtype.isnative:
            raise TypeError(str(dtype))
        native = np.array(array, order="C")
        key = native.dtype.str, native.shape, native.tobytes()
        place = self._places.setdefault(key, len(self._places))
        self.tensors[f"fields/{place}"] = native
        return place


def encoded_op(op: Any, known: dict[str, type[Op]], arrays: Arrays) -> str:
    """
    Return an op as JSON text.

    Raises:
        TypeError: it is of no known class, or a field cannot be stored.

    >>> from tapem_dsl.ops.reductions import ReduceSum
    >>> encoded_op(ReduceSum(1), {"ReduceSum": ReduceSum}, Arrays())
    '{"class": "ReduceSum", "fields": {"axis": {"type": "int", "value": "0x1"}}}'
    """
    kind = type(op)
    if known.get(kind.__name__) is not kind:
        raise TypeError(
            f"the op {kind.__name__} is not of tapem_dsl.ops; pass its class in ops="
        )
    if not is_dataclass(op):
        raise TypeError(f"the op {kind.__name__} is no dataclass")
    found = {}
    for field in fields(op):
        try:
            found[field.name] = _encoded(getattr(op, field.name), arrays)
        except TypeError as error:
            what = f"the {error} that is {kind.__name__}.{field.name}"
            raise TypeError(f"a file of a tape cannot hold {what}") from None
    return json.dumps({"class": kind.__name__, "fields": found}, sort_keys=True)


def _encoded(value: Any, arrays: Arrays) -> Any:
    if value is None:
        return {"type": "None"}
    if type(value) is tuple:
        if all(type(part) is int and abs(part) < _SAFE for part in value):
            return {"type": "ints", "value": list(value)}
        return {"type": "tuple", "value": [_encoded(part, arrays) for part in value]}
    if type(value) is np.ndarray and value.dtype != object:
        return {"type": "array", "value": arrays.add(value)}
    if isinstance(value, np.generic):
        return {"type": "scalar", "value": arrays.add(np.asarray(value))}
    return encoded(value)


def decoded_op(
    made: Any, known: dict[str, type[Op]], tensors: dict[str, AnyArray]
) -> Op:
    """
    Return the op of a JSON object.

    Raises:
        ValueError: it is no op, or of no known class; the message says which.

    >>> from tapem_dsl.ops.arithmetic import Add
    >>> decoded_op({"class": "Add", "fields": {}}, {"Add": Add}, {})
    Add()
    """
    if not isinstance(made, dict) or not isinstance(made.get("class"), str):
        raise ValueError("an op in the file has no class")  # noqa: TRY004 - of data
    kind, given = known.get(made["class"]), made.get("fields")
    if kind is None:
        what = f"the op {made['class']} is not of tapem_dsl.ops"
        raise ValueError(f"{what}; pass its class in ops=")
    try:
        names = [field.name for field in fields(kind)]  # type: ignore[arg-type] # or TypeError
        if not isinstance(given, dict) or sorted(names) != sorted(given):
            raise ValueError(given)
        return kind(**{name: _decoded(given[name], tensors) for name in names})
    except Exception:  # noqa: BLE001 - a user's constructor may raise anything
        what = f"the fields of the op {kind.__name__} in the file are not its own"
        raise ValueError(what) from None


def _decoded(made: Any, tensors: dict[str, AnyArray]) -> Any:
    match made["type"]:
        case "None":
            return None
        case "ints":
            return tuple([_integer(part) for part in made["value"]])
        case "tuple":
            return tuple([_decoded(part, tensors) for part in made["value"]])
        case "array" | "scalar" as kind:
            array = tensors[f"fields/{_integer(made['value'])}"]
            if kind == "scalar":
                return array[()]
            return frozen(array.view(np.dtype(array.dtype.type)))
        case _:
            value = decoded(made)
            return frozen(value) if isinstance(value, np.ndarray) else value


def _integer(number: Any) -> int:
    if type(number) is not int:
        raise ValueError(number)
    return number
