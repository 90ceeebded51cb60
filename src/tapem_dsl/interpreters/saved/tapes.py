"""
Tapes in files of the safetensors format, without pickle.

Each node is one place in a few tensors: ``ops`` (0 for a leaf, else 1 and the place in
the header's table of ops), ``arities``, ``parents`` one after the other, ``flags``, and
``values`` as :class:`Packing` has them. The header's JSON holds the tables and names.
"""

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from returns.result import Result

from tapem_dsl.arguments import check_argument, check_path
from tapem_dsl.arrays import AnyArray, Array
from tapem_dsl.errors import CheckpointError, TapeError, failed
from tapem_dsl.files import Format, content, write_whole
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.check import check, checked
from tapem_dsl.interpreters.saved.columns import (
    LONG_DOUBLES,
    Packing,
    column,
    unpack,
)
from tapem_dsl.interpreters.saved.ops import (
    Arrays,
    decoded_op,
    encoded_op,
    known_ops,
)
from tapem_dsl.tape.equality import structural_tuple
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.tape import Tape, snapshot

# Any, throughout: tapes of any scalar type, and JSON.

_FORMAT: Final = Format("tapem_dsl.tape", "tape", 1)


@structural_tuple
class SavedTape(NamedTuple):
    """
    What a file holds: a tape, and gradients by id, which may be none.

    >>> SavedTape(Tape(), {})
    SavedTape(tape=<Tape: empty>, gradients={})
    """

    tape: Tape[Any]
    gradients: dict[NodeId, Array]


def save_tape(
    path: str | os.PathLike[str],
    tape: Tape[Any],
    gradients: Mapping[NodeId, Array] | None = None,
    *,
    ops: Iterable[type[Op]] = (),
) -> None:
    """
    Write a tape to a file, replacing the old file as :func:`save_checkpoint` does.

    Equal tapes give equal bytes, except that NaNs of different bits differ.

    Args:
        path: the file, in a folder that exists.
        tape: the tape; its values are of any dtype, or exact rationals.
        gradients: what ``backward`` returned for it.
        ops: the classes of ops that are not of ``tapem_dsl.ops``: dataclasses whose
            fields are numbers, texts, ``Fraction``, ``None``, arrays in the machine's
            order of bytes, and tuples of these.

    Raises:
        TypeError: ``path`` is not a path; a node has another op, or a value of a
            tracer, such as a dual number.
        ValueError: an empty path; :func:`check` finds violations; two classes of one
            name; a gradient is not of its node's shape and dtype.
        OSError: the file cannot be written; ``filename`` is ``path``.
        ModuleNotFoundError: safetensors is not installed.

    Lean: none, a tape holds closures. PyTorch: ``torch.export.save``.

    >>> import tempfile
    >>> from tapem_dsl import leaf, mul
    >>> tape = leaf(3.0, "x").bind(lambda x: mul(x, x)).exec().unwrap()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_tape(f"{folder}/a.safetensors", tape)
    ...     load_tape("demo", f"{folder}/a.safetensors").unwrap().tape == tape
    True
    """
    check_path("save_tape", path)
    check_argument("save_tape", "tape", tape, Tape)
    if not os.fspath(path):
        raise ValueError("save_tape takes the path of a file for path, not ''")
    known = known_ops(ops, "save_tape")
    if found := check(tape):
        raise ValueError(f"save_tape takes a tape that check accepts: {found[0]}")
    if gradients is not None:
        check_argument("save_tape", "gradients", gradients, Mapping)
    gradients = dict(gradients or {})
    if wrong := _wrong_gradient(tape, gradients):
        raise ValueError(f"save_tape: {wrong}")
    write_whole(path, _FORMAT.pack(*_packed(tape, gradients, known)))


def load_tape(
    tag: str, path: str | os.PathLike[str], *, ops: Iterable[type[Op]] = ()
) -> Result[SavedTape, TapeError]:
    """
    Return the tape and the gradients in a file, bit for bit; no code in it is run.

    Args:
        tag: names the call in errors.
        path: the file.
        ops: the classes of ops that are not of ``tapem_dsl.ops``.

    Fails with:
        :class:`CheckpointError`: there is no such file, it is truncated, changed or
        foreign, or names an op that is not known;
        :class:`UnsoundTape`: :func:`check` finds violations.

    Raises:
        TypeError: ``path`` is not a path, or one of ``ops`` is no class of op.
        ModuleNotFoundError: safetensors is not installed.

    Cost:
        Twice the file's size, besides the tape. A node of a scalar takes 30 bytes in
        the file and 200 in memory: a tape of these takes nine times the file's size
        while it is loaded, one of large arrays twice. A file that is damaged is refused
        within twice its size.

    Lean: none. PyTorch: ``torch.export.load``.

    >>> load_tape("show", "no such file")
    <Failure: show: no such file: no file is there>
    """
    check_argument("load_tape", "tag", tag, str)
    check_path("load_tape", path)
    known = known_ops(ops, "load_tape")
    try:
        saved = _unpacked(*_FORMAT.unpack(content(path)), known)
    except ValueError as error:
        return failed(CheckpointError(tag, str(error), path=os.fspath(path)))
    return checked(saved.tape).map(lambda _: saved)


def _wrong_gradient(tape: Tape[Any], gradients: Mapping[NodeId, Array]) -> str:
    """Say which gradient does not fit its node; an empty text if all do."""
    for id, gradient in gradients.items():
        node = tape.get_node(id)
        if node is None:
            return f"there is a gradient of node {id}, and no such node"
        ours, theirs = _kind(node.value), _kind(gradient)
        if ours != theirs:
            return f"the gradient of node {id} is {theirs}, and its value {ours}"
    return ""


def _kind(value: Any) -> str:
    if not isinstance(value, np.ndarray | np.generic):
        return type(value).__name__
    return f"{value.dtype}{list(value.shape)}"


def _packed(
    tape: Tape[Any], gradients: dict[NodeId, Array], known: dict[str, type[Op]]
) -> tuple[dict[str, AnyArray], dict[str, Any]]:
    """
    Return a tape as tensors and JSON.

    Raises:
        TypeError: a file cannot hold an op or a value; the message says which.
    """
    arrays, values, cotangents = Arrays(), Packing(), Packing()
    table: dict[str, int] = {}
    texts: dict[int, str] = {}  # of the ops met, by identity
    places: list[int] = []
    parents: list[NodeId] = []
    for id, node in zip(tape.ids(), tape, strict=True):
        _add(values, node.value, id)
        place = 0
        if node.op is not None:
            text = texts.get(id_of(node.op))
            if text is None:
                text = texts[id_of(node.op)] = encoded_op(node.op, known, arrays)
            place = 1 + table.setdefault(text, len(table))
        places.append(place)
        parents += node.parents
    order = sorted(gradients)
    for id in order:
        _add(cotangents, gradients[id], id)
    tensors = {
        "ops": np.array(places, np.uint32),
        "arities": np.array([len(node.parents) for node in tape], np.uint32),
        "parents": np.array(parents, np.uint32),
        "flags": np.array([node.requires_grad for node in tape], np.bool_),
        "gradients/ids": np.array(order, np.uint32),
        **values.tensors("values"),
        **cotangents.tensors("gradients"),
        **arrays.tensors,
    }
    names = [
        [id, node.name]
        for id, node in zip(tape.ids(), tape, strict=True)
        if node.name is not None
    ]
    others = {
        "ops": [json.loads(text) for text in table],
        "values": values.tables(),
        "gradients": cotangents.tables(),
        "names": names,
        "values_read": tape.values_read,
        "long_doubles": LONG_DOUBLES if _has_long(values, cotangents) else "",
    }
    return tensors, others


id_of: Final = id
"""Python's ``id``: the identity of an object, not of a node."""


def _has_long(*packings: Packing) -> bool:
    return any("longdouble" in packing.tables()["types"] for packing in packings)


def _add(packing: Packing, value: Any, id: NodeId) -> None:
    try:
        packing.add(value)
    except TypeError as error:
        what = f"the {error} of node {id}"
        raise TypeError(f"a file of a tape cannot hold {what}") from None


def _unpacked(
    tensors: dict[str, AnyArray], others: dict[str, Any], known: dict[str, type[Op]]
) -> SavedTape:
    """
    Return what :func:`_packed` packed; the tape is not checked.

    Raises:
        ValueError: they are not such; the message says why.
    """
    try:
        long = others["long_doubles"]
        table = others["ops"]
        read = others["values_read"]
        if not isinstance(table, list) or type(read) is not bool:
            raise TypeError(table)
    except (KeyError, TypeError):
        raise ValueError("the header of the file is not one of a tape") from None
    if long not in ("", LONG_DOUBLES):
        raise ValueError(
            f"the file holds long doubles of another machine ({long}, not "
            f"{LONG_DOUBLES})"
        )
    ops = [None, *[decoded_op(made, known, tensors) for made in table]]
    try:
        nodes = _nodes(tensors, others, ops)
        tape = snapshot(nodes, len(nodes), read)
        ids = column(tensors["gradients/ids"], np.uint32).tolist()
        cotangents = unpack("gradients", others["gradients"], tensors)
        gradients = dict(zip(map(NodeId, ids), cotangents, strict=True))
        wrong = len(gradients) != len(ids) or _wrong_gradient(tape, gradients)
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError):
        raise ValueError("the tensors of the file are not those of a tape") from None
    if wrong:
        raise ValueError(f"the gradients in the file are wrong: {wrong}")
    return SavedTape(tape, gradients)


def _nodes(
    tensors: dict[str, AnyArray], others: dict[str, Any], ops: list[Op | None]
) -> list[Node[Any]]:
    values = unpack("values", others["values"], tensors)
    size = len(values)
    places = column(tensors["ops"], np.uint32, size).tolist()
    arities = column(tensors["arities"], np.uint32, size).tolist()
    parents = column(tensors["parents"], np.uint32, sum(arities)).tolist()
    flags = column(tensors["flags"], np.bool_, size)
    if flags.view(np.uint8).max(initial=0) > 1:
        raise ValueError("a truth value is 0 or 1")
    names = {index_of(id): name for id, name in others["names"]}
    if len(names) != len(others["names"]) or any(i >= size for i in names):
        raise ValueError("names of no nodes")
    nodes: list[Node[Any]] = []
    start = 0
    for index, flag in enumerate(flags.tolist()):
        end = start + arities[index]
        ids = tuple(parents[start:end])
        op = ops[places[index]]
        nodes.append(Node(op, ids, values[index], flag, names.get(index)))
        start = end
    return nodes
