"""What an op is: a name, a shape rule and a meaning; nothing of derivatives."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Final

import numpy as np

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.errors import DTypeMismatch, Refused
from tapem_dsl.tape.equality import same, structural

ANY_SCALAR: Final = "fOiub"
"""Floating-point numbers, rationals, integers of either kind and truth values."""


class Op(ABC):
    """
    An operation as plain data: a frozen dataclass of its static parameters.

    ``==`` is structural and type-strict (``Scale(1) != Scale(True)``) however the
    subclass is decorated. Derivative rules live in a table of the interpreter that
    needs them, keyed by the class.

    >>> from dataclasses import dataclass
    >>> from tapem_dsl import apply_op, const, value_of
    >>> @dataclass(frozen=True, slots=True)
    ... class Cube(Op):
    ...     name = "cube"
    ...
    ...     def shape(self, *inputs):
    ...         (x,) = inputs
    ...         return x
    ...
    ...     def evaluate(self, xp, *inputs):
    ...         (x,) = inputs
    ...         return x * x * x
    >>> const(2.0).bind(lambda x: apply_op(Cube(), x)).bind(value_of).eval()
    <Success: 8.0>
    """

    __slots__ = ()

    name: ClassVar[str]
    """TorchLean's string for the op; what errors and listings call it."""

    differentiable: ClassVar[bool] = True
    """Whether anything passes back; else the node's ``requires_grad`` is false."""

    casts: ClassVar[bool] = False
    """Whether the result may be of another real scalar type than the operands."""

    scalar_kinds: ClassVar[str] = "fO"
    """The kinds of scalar types that the operands may be of, as NumPy writes them; with
    ``ANY_SCALAR`` the op moves entries of any type, also conditions and labels."""

    operator: ClassVar[Callable[[Array, Array], Array] | None] = None
    """For an op of two operands that only applies an operator of Python: that operator.
    Recording the op calls it in place of :meth:`evaluate`, which is slower."""

    with_numbers: ClassVar[tuple[str, ...]] = ()
    """What to write where an operand is a number, operand by operand: ``{}`` is it,
    ``{negative}`` and ``{inverse}`` are its negative and its inverse."""

    contribution_order: ClassVar[tuple[int, ...] | None] = None
    """The order in which operands receive their cotangents, if not from left to right;
    it decides how sums round where one node is several operands."""

    def __init_subclass__(cls) -> None:
        """Give each class its own ``==``, which ``dataclass`` then leaves alone."""
        super().__init_subclass__()
        order = cls.contribution_order
        if order is not None and sorted(order) != list(range(len(order))):
            raise TypeError(
                f"{cls.__name__}.contribution_order is {order!r}; "
                "it names each operand once, counted from 0"
            )
        if vars(cls).get("__eq__", Op.__eq__) is not Op.__eq__:
            raise TypeError(f"{cls.__name__} defines ==, but ops compare by parameters")
        cls.__eq__ = Op.__eq__  # type: ignore[method-assign] # see above
        cls.__hash__ = Op.__hash__  # type: ignore[method-assign] # see above

    @abstractmethod
    def shape(self, *inputs: Shape) -> Shape:
        """Give the result's shape, or raise :class:`Refused`: the one such place."""

    @abstractmethod
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """
        Compute the result, of the shape that :meth:`shape` gives.

        Give a new array, an operand or a view of one: it becomes read-only, and a tape
        promises that it does not change.
        """

    def check_dtypes(self, *inputs: np.dtype[Any]) -> None:  # Any: of whatever scalar
        """
        Refuse operands that do not all have one scalar type, of those the op takes.

        An op that takes conditions or labels beside numbers overrides this.
        """
        first, *rest = inputs or (None,)
        if first is None:
            return
        if first.kind not in self.scalar_kinds:
            wants = "floating-point or rational operands"
        elif any(other != first for other in rest):
            wants = "operands of one scalar type"
        else:
            return
        raise Refused(
            DTypeMismatch(
                self.name,
                dtypes=tuple(map(str, inputs)),
                wants=f"{wants}: {converted(inputs)}",
            )
        )

    @property
    def label(self) -> str:
        """TorchLean's node name: ``name``, with parameters where TorchLean has them."""
        return self.name

    @structural
    def __eq__(self, other: object) -> bool:
        return same(self, other)

    def __hash__(self) -> int:
        """Shallow: parameters may be arrays."""
        return hash(type(self))


def converted(dtypes: tuple[np.dtype[Any], ...]) -> str:  # Any: of whatever scalar
    """
    Say how to bring arrays to one scalar type: that of the first real one among them.

    >>> converted((np.dtype(np.int64), np.dtype(np.float32)))
    'record x.astype(np.float32)'
    """
    real = [dtype for dtype in dtypes if dtype.kind in "fO"]
    if real and real[0].hasobject:
        return "record rationals(x)"
    return f"record x.astype(np.{real[0] if real else 'float64'})"
