"""
Pytrees: parameters in nested records, lists and dicts.

A pytree is a tuple, a NamedTuple, a list, a dict or a dataclass of pytrees; ``None`` is
an empty one; everything else is a leaf. ``Network[NDArray]`` becomes
``Network[NodeId]`` inside a program: the same record with other leaves.

>>> from tapem_dsl import tree
>>> tree.leaves({"w": 1.0, "bias": (2.0, None)})
[1.0, 2.0]
"""

import builtins
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, TypeVar, final

from tapem_dsl.ids import NodeId
from tapem_dsl.messages import short_repr
from tapem_dsl.program import combinators
from tapem_dsl.program.checks import function_argument
from tapem_dsl.program.tapem import TapeM

__all__ = [
    "Structure",
    "const",
    "flatten",
    "leaves",
    "map",
    "named_param",
    "param",
]

P = TypeVar("P")
Q = TypeVar("Q")

# Any, throughout: leaves of any type, and records of any fields.


@final
@dataclass(frozen=True, slots=True)
class Structure:
    """
    A pytree without its leaves: its type and its parts, by name.

    JAX: ``PyTreeDef``.

    >>> leaves, structure = flatten({"w": 1.0, "bias": (2.0, None)})
    >>> leaves, list(structure.paths())
    ([1.0, 2.0], ['w', 'bias.0'])
    >>> structure.unflatten("ab")
    {'w': 'a', 'bias': ('b', None)}
    """

    kind: type | None
    """``None`` for a leaf, ``NoneType`` for an empty pytree."""

    names: tuple[Any, ...] = ()
    parts: "tuple[Structure, ...]" = ()

    def paths(self) -> Iterator[str]:
        """Return the path of each leaf from the root."""
        if self.kind is None:
            yield ""
        for name, part in zip(self.names, self.parts, strict=True):
            for path in part.paths():
                yield f"{name}.{path}" if path else str(name)

    def size(self) -> int:
        """Return the number of leaves."""
        return 1 if self.kind is None else sum(part.size() for part in self.parts)

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """Return the pytree with these leaves, in order."""
        given = list(leaves)
        if len(given) != self.size():
            raise ValueError(f"the pytree has {self.size()} leaves, not {len(given)}")
        return self.filled(iter(given))

    def filled(self, leaves: Iterator[Any]) -> Any:
        """Return the pytree with leaves of which there are enough."""
        if self.kind is None:
            return next(leaves)
        parts = [
            next(leaves) if part.kind is None else part.filled(leaves)
            for part in self.parts
        ]
        if self.kind in (list, tuple):
            return self.kind(parts)
        if self.kind is dict:
            return dict(zip(self.names, parts, strict=True))
        if self.kind is type(None):
            return None
        return self.kind(**dict(zip(self.names, parts, strict=True)))

    def leaves_of(self, other: object, path: str = "") -> list[Any]:
        """
        Return the parts of another pytree at the places of this one's leaves.

        Raises:
            ValueError: the structures differ; the message says where.
        """
        if self.kind is None:
            return [other]
        kind, names, parts = _children(other)
        if kind is dict and set(names) == set(self.names):  # in any order
            names, parts = self.names, [other[name] for name in self.names]  # type: ignore[index] # it is a dict
        if kind is not self.kind or names != self.names:
            where = f"at {path.rstrip('.')!r}" if path else "at the top"
            raise ValueError(
                f"pytrees differ {where}: {_kind_and_names(self.kind, self.names)} "
                f"is not {_kind_and_names(kind, names)}"
            )
        children = zip(self.parts, parts, names, strict=True)
        return [
            leaf
            for child, part, name in children
            for leaf in child.leaves_of(part, f"{path}{name}.")
        ]


def _children(pytree: Any) -> tuple[type | None, tuple[Any, ...], list[Any]]:
    """Return the type of a pytree, the names of its parts, and its parts."""
    kind = type(pytree)
    if pytree is None:
        return kind, (), []
    if isinstance(pytree, dict):
        return dict, tuple(pytree), list(pytree.values())
    if kind in (list, tuple):
        return kind, tuple(range(len(pytree))), list(pytree)
    if isinstance(pytree, tuple) and hasattr(kind, "_fields"):
        return kind, kind._fields, list(pytree)
    if is_dataclass(pytree) and kind is not type:
        names = tuple(field.name for field in fields(pytree) if field.init)
        return kind, names, [getattr(pytree, name) for name in names]
    return None, (), []


def _kind_and_names(kind: type | None, names: tuple[Any, ...]) -> str:
    if kind is None:
        return "a leaf"
    return f"{kind.__name__}({', '.join(builtins.map(str, names))})"


def flatten(pytree: object) -> tuple[list[Any], Structure]:
    """
    Split a pytree into its leaves, in order, and its structure.

    Lean: none; a ``ParamTable`` is flat. JAX: ``jax.tree.flatten``.

    >>> flatten([1.0, (2.0, 3.0)])[0]
    [1.0, 2.0, 3.0]
    """
    kind, names, parts = _children(pytree)
    if kind is None:
        return [pytree], _LEAF
    flat = [flatten(part) for part in parts]
    return (
        [leaf for some, _ in flat for leaf in some],
        Structure(kind, names, tuple(structure for _, structure in flat)),
    )


_LEAF: Final = Structure(None)


def leaves(pytree: object) -> list[Any]:
    """
    Return the leaves of a pytree, in order.

    JAX: ``jax.tree.leaves``.

    >>> leaves({"w": 1.0, "bias": (2.0, None)})
    [1.0, 2.0]
    """
    return flatten(pytree)[0]


def map(function: Callable[..., Any], pytree: P, *others: object) -> P:
    """
    Apply a function to the leaves of one or more pytrees.

    Args:
        function: takes a leaf of each pytree, and returns the new leaf.
        pytree: has the structure of the result.
        others: pytrees of that structure; at a leaf of the first they may have a
            subtree, which the function takes whole.

    Raises:
        ValueError: the structures differ.

    JAX: ``jax.tree.map``.

    >>> from tapem_dsl import tree
    >>> tree.map(lambda a, b: a + b, {"w": 1.0}, {"w": 2.0})
    {'w': 3.0}
    """
    function_argument(function, "tree.map", "function")
    first, structure = flatten(pytree)
    rows = [structure.leaves_of(other) for other in others]
    result: P = structure.unflatten(builtins.map(function, first, *rows))
    return result


def param(pytree: object, into: type[Q]) -> TapeM[Q, Any]:
    """
    Record a pytree of arrays as trainable leaves, named by their paths.

    Args:
        pytree: a pytree of arrays.
        into: the type of the pytree of their ids, such as ``Network[NodeId]``.

    Fails with:
        As :func:`tapem_dsl.param`.

    Raises:
        TypeError: the pytree is not of the type ``into``.

    Lean: ``param`` for each entry of a pack. PyTorch: ``Module.parameters``.

    >>> import numpy as np
    >>> from tapem_dsl import tree
    >>> program = tree.param({"w": np.ones(2), "b": 0.0}, dict[str, NodeId])
    >>> program.run()
    <Success: ({'w': 0, 'b': 1}, <Tape: leaf 'w', leaf 'b'>)>
    """
    return _recorded(named_param, pytree, into)


def const(pytree: object, into: type[Q]) -> TapeM[Q, Any]:
    """
    Record a pytree of arrays as constant leaves, named by their paths.

    Args:
        pytree: a pytree of arrays.
        into: the type of the pytree of their ids, such as ``Network[NodeId]``.

    Fails with:
        As :func:`tapem_dsl.const`.

    Raises:
        TypeError: the pytree is not of the type ``into``.

    Lean: ``const`` for each entry of a pack.

    >>> from tapem_dsl import tree
    >>> tree.const([1.0, 2.0], list[NodeId]).eval()
    <Success: [0, 1]>
    """
    return _recorded(_named_const, pytree, into)


def _recorded(record: Any, pytree: object, into: type[Q]) -> TapeM[Q, Any]:
    origin = getattr(into, "__origin__", into)
    if not isinstance(origin, type):
        raise TypeError(
            "into is the type of the pytree of ids, such as Network[NodeId], "
            f"not {short_repr(into)}"
        )
    if not isinstance(pytree, origin):
        raise TypeError(
            f"the pytree is a {type(pytree).__name__}, not a {origin.__name__}"
        )
    arrays, structure = flatten(pytree)
    named = zip(arrays, structure.paths(), strict=True)
    return combinators.map_m(record, named).map(structure.unflatten)


def named_param(leaf: tuple[Any, str]) -> TapeM[NodeId, Any]:
    """
    Record one leaf of a pytree as trainable, named by its path.

    >>> named_param((1.0, "w")).exec()
    <Success: <Tape: leaf 'w'>>
    """
    array, path = leaf
    return combinators.param(array, name=path or None)


def _named_const(leaf: tuple[Any, str]) -> TapeM[NodeId, Any]:
    array, path = leaf
    return combinators.const(array, name=path or None)
