"""
Packs: parameters in typed records, lists and dicts, taken apart and put together.

A pack is a tuple, a NamedTuple, a list, a dict or a dataclass of packs; ``None`` is an
empty one; everything else is a leaf. ``Network[NDArray]`` becomes ``Network[NodeId]``
inside a program and comes back, the same record around other leaves.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, TypeVar, final

from tapem_dsl.ids import NodeId
from tapem_dsl.messages import said
from tapem_dsl.program.arguments import function_argument
from tapem_dsl.program.combinators import const, map_m, param
from tapem_dsl.program.tapem import TapeM

P = TypeVar("P")
Q = TypeVar("Q")


@final
@dataclass(frozen=True, slots=True)
class Structure:
    """
    What a pack is without its leaves: its type and, by name, its parts.

    >>> leaves, structure = flatten({"w": 1.0, "bias": (2.0, None)})
    >>> leaves, list(structure.paths())
    ([1.0, 2.0], ['w', 'bias.0'])
    >>> structure.rebuild("ab")
    {'w': 'a', 'bias': ('b', None)}
    """

    kind: type | None
    """``None`` for a leaf, ``NoneType`` for an empty pack."""

    names: tuple[Any, ...] = ()  # Any: the keys of a dict
    parts: "tuple[Structure, ...]" = ()

    def paths(self) -> Iterator[str]:
        """Name each leaf by the way to it."""
        for name, part in zip(self.names, self.parts, strict=True):
            if part.kind is None:
                yield str(name)
                continue
            for path in part.paths():
                yield f"{name}.{path}"
        if self.kind is None:
            yield ""

    def size(self) -> int:
        """Count the leaves."""
        return 1 if self.kind is None else sum(part.size() for part in self.parts)

    # Any, in the three: leaves of whatever type, and the record around them.
    def rebuild(self, leaves: Any) -> Any:
        """Put leaves together, in order."""
        given = list(leaves)
        if len(given) != self.size():
            raise ValueError(f"the pack has {self.size()} leaves, not {len(given)}")
        return self.filled(iter(given))

    def filled(self, leaves: Iterator[Any]) -> Any:
        """Take as many leaves as there are places, in order."""
        if self.kind is None:
            return next(leaves)
        parts = [part.filled(leaves) for part in self.parts]
        if self.kind in (list, tuple):
            return self.kind(parts)
        if self.kind is dict:
            return dict(zip(self.names, parts, strict=True))
        if self.kind is type(None):
            return None
        return self.kind(**dict(zip(self.names, parts, strict=True)))

    def leaves_of(self, pack: object, path: str = "") -> list[Any]:
        """
        Take the parts of another pack that stand where this structure has leaves.

        Raises:
            ValueError: it has another structure, and where.
        """
        if self.kind is None:
            return [pack]
        kind, names, parts = _apart(pack)
        if kind is dict and set(names) == set(self.names):  # in whatever order
            names, parts = self.names, [pack[name] for name in self.names]  # type: ignore[index] # it is a dict
        if kind is not self.kind or names != self.names:
            where = f"at {path.rstrip('.')!r}" if path else "at the top"
            raise ValueError(
                f"packs differ {where}: {_said(self.kind, self.names)} "
                f"is not {_said(kind, names)}"
            )
        children = zip(self.parts, parts, names, strict=True)
        return [
            leaf
            for child, part, name in children
            for leaf in child.leaves_of(part, f"{path}{name}.")
        ]


# Any: the parts of a pack.
def _apart(pack: Any) -> tuple[type | None, tuple[Any, ...], list[Any]]:
    """Give a pack's type, the names of its parts, and the parts; a leaf has no type."""
    kind = type(pack)
    if pack is None:
        return kind, (), []
    if isinstance(pack, dict):
        return dict, tuple(pack), list(pack.values())
    if kind in (list, tuple):
        return kind, tuple(range(len(pack))), list(pack)
    if isinstance(pack, tuple) and hasattr(kind, "_fields"):
        return kind, kind._fields, list(pack)
    if is_dataclass(pack) and kind is not type:
        names = tuple(field.name for field in fields(pack) if field.init)
        return kind, names, [getattr(pack, name) for name in names]
    return None, (), []


def _said(kind: type | None, names: tuple[Any, ...]) -> str:
    if kind is None:
        return "a leaf"
    return f"{kind.__name__}({', '.join(map(str, names))})"


# Any: leaves of whatever type.
def flatten(pack: object) -> tuple[list[Any], Structure]:
    """
    Take a pack apart into its leaves, in order, and what it is without them.

    Source:
        Lean: none; a ``ParamTable`` is flat. JAX: ``jax.tree.flatten``.

    >>> flatten([1.0, (2.0, 3.0)])[0]
    [1.0, 2.0, 3.0]
    """
    kind, names, parts = _apart(pack)
    if kind is None:
        return [pack], _LEAF
    flat = [flatten(part) for part in parts]
    leaves = [leaf for some, _ in flat for leaf in some]
    return leaves, Structure(kind, names, tuple(structure for _, structure in flat))


_LEAF: Final = Structure(None)


# Any: leaves of whatever type.
def map_pack(function: Callable[..., Any], pack: P, *others: object) -> P:
    """
    Apply a function to each leaf, and to what stands there in other packs.

    Args:
        function: takes a leaf of each pack; what it gives takes the leaf's place.
        pack: decides the structure.
        others: packs of that structure, or with packs where it has leaves.

    Raises:
        ValueError: a pack of another structure.

    Source:
        JAX: ``jax.tree.map``.

    >>> map_pack(lambda a, b: a + b, {"w": 1.0}, {"w": 2.0})
    {'w': 3.0}
    """
    function_argument(function, "map_pack", "function")
    leaves, structure = flatten(pack)
    rows = [structure.leaves_of(other) for other in others]
    result: P = structure.rebuild(map(function, leaves, *rows))
    return result


def param_pack(pack: object, into: type[Q]) -> TapeM[Q, Any]:
    """
    Record a pack of arrays as trainable leaves, named by their paths.

    Args:
        pack: a pack of arrays.
        into: what the pack of their ids is called: ``Network[NodeId]``.

    Fails with:
        As :func:`param`.

    Raises:
        TypeError: the pack is no ``into``.

    >>> import numpy as np
    >>> program = param_pack({"w": np.ones(2), "b": 0.0}, dict[str, NodeId])
    >>> program.run()
    <Success: ({'w': 0, 'b': 1}, <Tape: leaf 'w', leaf 'b'>)>
    """
    return _recorded(named_params, pack, into)


def const_pack(pack: object, into: type[Q]) -> TapeM[Q, Any]:
    """
    Record a pack of arrays as frozen leaves, named by their paths.

    Args:
        pack: a pack of arrays.
        into: what the pack of their ids is called: ``Network[NodeId]``.

    Fails with:
        As :func:`const`.

    Raises:
        TypeError: the pack is no ``into``.

    >>> const_pack([1.0, 2.0], list[NodeId]).eval()
    <Success: [0, 1]>
    """
    return _recorded(_named_consts, pack, into)


# Any: from a leaf and its path to the program that records it.
def _recorded(record: Any, pack: object, into: type[Q]) -> TapeM[Q, Any]:
    origin = getattr(into, "__origin__", into)
    if not isinstance(origin, type):
        raise TypeError(
            "into is the type of the pack of ids, such as Network[NodeId], "
            f"not {said(into)}"
        )
    if not isinstance(pack, origin):
        raise TypeError(f"the pack is a {type(pack).__name__}, not a {origin.__name__}")
    leaves, structure = flatten(pack)
    named = zip(leaves, structure.paths(), strict=True)
    return map_m(record, named).map(structure.rebuild)


# Any, in both: an array of whatever scalar.
def named_params(pair: tuple[Any, str]) -> TapeM[NodeId, Any]:
    """
    Record one leaf of a pack as trainable, named by its path.

    >>> named_params((1.0, "w")).exec()
    <Success: <Tape: leaf 'w'>>
    """
    leaf, path = pair
    return param(leaf, name=path or None)


def _named_consts(pair: tuple[Any, str]) -> TapeM[NodeId, Any]:
    leaf, path = pair
    return const(leaf, name=path or None)
