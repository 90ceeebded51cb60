"""Shapes, and the shape rules that several families of ops share."""

import sys
from math import prod
from typing import Any, Final, TypeAlias, TypeVar

from tapem_dsl.errors import AxisOutOfRange, Refused, ShapeMismatch
from tapem_dsl.messages import short_repr

Shape: TypeAlias = tuple[int, ...]
"""
Extents, outermost first: ``()`` is a scalar and is not ``(1,)``; an extent may be 0.

Lean: ``Spec.Shape`` (``scalar`` or ``dim n rest``).
"""


def equal_shapes(op: str, a: Shape, b: Shape) -> Shape:
    """
    Shape rule of elementwise ops in two operands: equal, never broadcast.

    >>> equal_shapes("add", (2, 3), (2, 3))
    (2, 3)
    >>> equal_shapes("add", (2, 3), (3,))
    Traceback (most recent call last):
    ...
    tapem_dsl.errors.base.Refused: autograd: shape mismatch (op='add', ...)
    """
    if a != b:
        raise wrong_shapes(op, a, b, wants=wants_equal(a, b))
    return a


def wants_equal(*shapes: Shape) -> str:
    """
    Say that shapes must be equal, and which op makes them equal, if one does.

    >>> wants_equal((5, 3), (3,))
    'equal shapes: broadcast_to(x, (5, 3)) repeats entries'
    >>> wants_equal((5, 1), (5,))
    'equal shapes: reshape(x, (5, 1)) keeps all entries'
    >>> wants_equal((5,), (3,))
    'equal shapes'
    """
    first, *rest = shapes
    if all(prod(shape) == prod(first) for shape in rest):
        return f"equal shapes: reshape(x, {first}) keeps all entries"
    common: Shape | None = first
    for shape in rest:
        common = None if common is None else broadcast(common, shape)
    if common is None:
        return "equal shapes"
    return f"equal shapes: broadcast_to(x, {common}) repeats entries"


REDUCE: Final = "reduce it first, with sum_ or reduce_mean"
"""What to do with an array where a scalar is wanted."""

T = TypeVar("T")

MOST_AXES: Final = 64
"""How many an array of NumPy can have."""

_MOST_ENTRIES: Final = sys.maxsize // 16  # of the widest scalar


def operands(op: str, inputs: tuple[T, ...], count: int) -> tuple[T, ...]:
    """
    Check how many operands an op was given, by their shapes or dtypes.

    Raises:
        TypeError: more, or fewer.

    >>> operands("add", ((2,),), 2)
    Traceback (most recent call last):
    ...
    TypeError: add takes 2 operands, not 1
    """
    if len(inputs) != count:
        raise TypeError(f"{op} takes {count} operands, not {len(inputs)}")
    return inputs


def wrong_shapes(op: str, *shapes: Shape, wants: str) -> Refused:
    """
    Refuse operands of these shapes, saying what the op wants.

    >>> wrong_shapes("matmul", (3,), wants="(m, n) and (n, p)").error.message
    'autograd: shape mismatch'
    """
    return Refused(ShapeMismatch(op, shapes=shapes, wants=wants))


EXTENTS: Final[set[type]] = {int}
"""The types of extents: that of one which is not known yet joins if such are used."""


def check_shape(shape: object, of: str = "") -> None:
    """
    Check that a value is a shape; ``of`` names the argument in the error.

    Raises:
        TypeError: no tuple of integers that are at least 0.
        ValueError: more axes or entries than an array can have.

    >>> check_shape((2, 0))
    >>> check_shape([2])
    Traceback (most recent call last):
    ...
    TypeError: a shape is a tuple of extents, such as (2, 3) or (), not [2]
    """
    # Any: of whatever is given
    extents: tuple[Any, ...] = shape if isinstance(shape, tuple) else (None,)
    if not all(type(extent) in EXTENTS and extent >= 0 for extent in extents):
        raise TypeError(
            f"{of and f'{of}: '}a shape is a tuple of extents, "
            f"such as (2, 3) or (), not {short_repr(shape)}"
        )
    if not possible(extents):
        raise ValueError(f"no array has the shape {short_repr(shape)}")


def possible(shape: Shape) -> bool:
    """
    Return whether an array can have a shape, if there is memory for it.

    >>> possible((2, 0)), possible((2**62,)), possible((1,) * 65)
    (True, False, False)
    """
    known = [n for n in shape if type(n) is int and n > 0]
    return len(shape) <= MOST_AXES and prod(known) <= _MOST_ENTRIES


def axis_of(op: str, shape: Shape, axis: int) -> int:
    """
    Count an axis from the left, refusing one that the shape does not have.

    >>> axis_of("reduce_sum", (2, 3), -1)
    1
    """
    if not -len(shape) <= axis < len(shape):
        raise Refused(AxisOutOfRange(op, f"axis {axis}", shape))
    return axis % len(shape)


def from_left(position: int, extent: int) -> int:
    """
    Count a position from the left; -1 is the last. The result may be out of range.

    >>> from_left(-1, 3), from_left(2, 3), from_left(-4, 3)
    (2, 2, -1)
    """
    return position + extent if position < 0 else position


def check_int(op: str, what: str, number: object) -> None:
    """
    Check that a static parameter is an integer.

    Raises:
        TypeError: it is not, or is a truth value.

    >>> check_int("reduce_sum", "axis", [0])
    Traceback (most recent call last):
    ...
    TypeError: reduce_sum takes one integer for axis, not [0]
    """
    if type(number) is not int:
        raise TypeError(f"{op} takes one integer for {what}, not {short_repr(number)}")


def broadcast(a: Shape, b: Shape) -> Shape | None:
    """
    Return the shape to which two shapes broadcast, or ``None``.

    >>> broadcast((4, 1, 3), (2, 1)), broadcast((2,), (3,))
    ((4, 2, 3), None)
    """
    rank = max(len(a), len(b))
    pairs = list(zip(_padded(a, rank), _padded(b, rank), strict=True))
    if any(m != n and 1 not in (m, n) for m, n in pairs):
        return None
    return tuple(n if m == 1 else m for m, n in pairs)


def _padded(shape: Shape, rank: int) -> Shape:
    return (1,) * (rank - len(shape)) + shape


def window_counts(
    spatial: Shape, kernel: Shape, stride: Shape, padding: Shape
) -> Shape:
    """
    Count the positions of a window along each axis; 0 where none fits.

    As in TorchLean, which has no error where none fits; the ops here refuse that.

    >>> window_counts((5, 5, 2), (3, 3, 3), (2, 1, 1), (0, 1, 0))
    (2, 5, 0)
    """
    axes = zip(spatial, kernel, stride, padding, strict=True)
    return tuple(
        (n + 2 * p - k) // s + 1 if k and s and n + 2 * p >= k else 0
        for n, k, s, p in axes
    )
