"""The base class of ops: a name, a shape rule and how to evaluate; no derivatives."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Final

import numpy as np

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.errors import DTypeMismatch, Refused
from tapem_dsl.tape.equality import same, structural

ANY_SCALAR: Final = "fOiub"
"""Every kind that a tape holds: floats, rationals, integers and booleans."""


class Op(ABC):
    """
    An operation as plain data: a frozen dataclass whose fields are static parameters.

    ``==`` compares parameters and their types: ``Scale(1) != Scale(True)``. A decorator
    of the subclass does not change that. An op has no derivative rule; each interpreter
    has a table of rules, whose keys are the classes of ops.

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
    """TorchLean's string for the op. Errors and listings use it."""

    recorded_by: ClassVar[str] = ""
    """The function that records the op, if its name is not :attr:`name`."""

    differentiable: ClassVar[bool] = True
    """Whether the op has a gradient. If not, its node's ``requires_grad`` is false."""

    casts: ClassVar[bool] = False
    """Whether the result may have another real scalar type than the operands."""

    scalar_kinds: ClassVar[str] = "fO"
    """The dtype kinds of the operands, as in NumPy's ``dtype.kind``. An op that only
    moves entries takes ``ANY_SCALAR``, which includes conditions and labels."""

    operator: ClassVar[Callable[[Array, Array], Array] | None] = None
    """For an op of two operands that only applies an operator of Python: that operator.
    Recording the op calls it in place of :meth:`evaluate`, which is slower."""

    with_numbers: ClassVar[tuple[str, ...]] = ()
    """For each operand, what to write if it is a number; for error messages. ``{}``
    stands for the number, ``{negative}`` and ``{inverse}`` for ``-n`` and ``1 / n``."""

    contribution_order: ClassVar[tuple[int, ...] | None] = None
    """The order in which operands receive their cotangents; ``None`` is left to right.
    It decides the rounding if one node is several operands."""

    def __init_subclass__(cls) -> None:
        """Set ``==`` on each class, so that ``dataclass`` does not generate one."""
        super().__init_subclass__()
        order = cls.contribution_order
        if order is not None and sorted(order) != list(range(len(order))):
            raise TypeError(
                f"{cls.__name__}.contribution_order is {order!r}; "
                "it names each operand once, counted from 0"
            )
        if vars(cls).get("__eq__", Op.__eq__) is not Op.__eq__:
            raise TypeError(f"{cls.__name__} defines ==, but ops compare by parameters")
        cls.__eq__ = Op.__eq__  # type: ignore[method-assign] # as the docstring says
        cls.__hash__ = Op.__hash__  # type: ignore[method-assign] # as the docstring says

    @abstractmethod
    def shape(self, *inputs: Shape) -> Shape:
        """Return the result's shape, or raise :class:`Refused` for wrong shapes."""

    @abstractmethod
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """
        Compute the result, which has the shape that :meth:`shape` returns.

        Return a new array, an operand, or a view of an operand. The tape makes it
        read-only, so nothing else may write to it.
        """

    def check_dtypes(self, *inputs: np.dtype[Any]) -> None:  # Any: of any scalar type
        """
        Refuse operands of different scalar types, or of a kind the op does not take.

        An op that takes conditions or labels together with numbers overrides this.
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
        """TorchLean's label: ``name``, with the parameters if TorchLean has them."""
        return self.name

    @structural
    def __eq__(self, other: object) -> bool:
        return same(self, other)

    def __hash__(self) -> int:
        """Hash the class only: parameters may be arrays, which have no hash."""
        return hash(type(self))


def converted(dtypes: tuple[np.dtype[Any], ...]) -> str:  # Any: of any scalar type
    """
    Return advice on how to convert arrays to the scalar type of the first real one.

    >>> converted((np.dtype(np.int64), np.dtype(np.float32)))
    'record x.astype(np.float32)'
    """
    real = [dtype for dtype in dtypes if dtype.kind in "fO"]
    if real and real[0].hasobject:
        return "record rationals(x)"
    return f"record x.astype(np.{real[0] if real else 'float64'})"
