"""The table of vector-Jacobian products, and what a rule is."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar, final, overload

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.rules import RuleTable
from tapem_dsl.messages import short_repr
from tapem_dsl.tape.op import Op

Operands: TypeAlias = tuple[Array, ...]
"""The values of an op's parents, in order."""

Need: TypeAlias = tuple[bool, ...]
"""Which parents want a cotangent, in order."""

Cotangents: TypeAlias = tuple[Array | None, ...]
"""One for each parent, in order: an array, an ``Outer``, or ``None`` if not needed."""

# Any: each rule is defined for its own class of op.
Rule: TypeAlias = Callable[[Any, Namespace, Array, Operands, Array, Need], Cotangents]
"""
``rule(op, xp, g, xs, y, need)``: what the parents receive when the result receives
``g``.

``xp`` is the namespace to compute with (a rule never imports NumPy), ``g`` is the
cotangent of the result, ``xs`` are the operands, and ``y`` is the result, so that a
rule need not compute it again. It may return new arrays, its arguments or views of
them; the sweep makes what it returns read-only.
"""

P = TypeVar("P", bound=Op)

ToX: TypeAlias = Callable[[P, Namespace, Array, Array, Array], Array] | None
"""``f(op, xp, g, x, y)``: what the one operand receives."""

ToPair: TypeAlias = Callable[[P, Namespace, Array, Array, Array, Array], Array] | None
"""``f(op, xp, g, a, b, y)``: what one of two operands receives."""

ToTriple: TypeAlias = (
    Callable[[P, Namespace, Array, Array, Array, Array, Array], Array] | None
)
"""``f(op, xp, g, a, b, c, y)``: what one of three operands receives."""

# Any: the functions of an op of any class, with one argument for each operand.
Part: TypeAlias = Callable[..., Any]


@final
class VjpRules(RuleTable[Rule]):
    """
    The rules of reverse mode, in a short form and a long one.

    :meth:`each` takes a function for each operand. :meth:`define` decorates one
    function for all operands, which may share work between them or take any number of
    them, and is told which of them need a cotangent.

    >>> from tapem_dsl import Op, apply_op, backward_scalar, do, leaf
    >>> class Hypot(Op):
    ...     name = "hypot"
    ...
    ...     def shape(self, *inputs):
    ...         return inputs[0]
    ...
    ...     def evaluate(self, xp, *inputs):
    ...         a, b = inputs
    ...         return xp.sqrt(a * a + b * b)
    >>> vjp_rules.each(
    ...     Hypot,
    ...     lambda op, xp, g, a, b, y: g * a / y,
    ...     lambda op, xp, g, a, b, y: g * b / y,
    ... )
    >>> @do
    ... def gradient():
    ...     a = yield from leaf(3.0)
    ...     b = yield from leaf(4.0)
    ...     c = yield from apply_op(Hypot(), a, b)
    ...     return (yield from backward_scalar(c, wrt=[a, b]))
    >>> gradient().eval()
    <Success: {0: np.float64(0.6), 1: np.float64(0.8)}>
    """

    __slots__ = ()

    @overload
    def each(self, kind: type[P], to_x: ToX[P], /) -> None: ...
    @overload
    def each(self, kind: type[P], to_a: ToPair[P], to_b: ToPair[P], /) -> None: ...
    @overload
    def each(
        self, kind: type[P], to_a: ToTriple[P], to_b: ToTriple[P], to_c: ToTriple[P], /
    ) -> None: ...
    def each(self, kind: type[Op], /, *parts: Part | None) -> None:
        """
        Define a rule by a function for each operand, called if the operand needs it.

        A function is called with the arguments of a rule, the operands one by one and
        without ``need``: ``(op, xp, g, x, y)`` for an op of one operand, ``(op, xp, g,
        a, b, y)`` for one of two. It returns what the operand receives. Pass ``None``
        in place of a function for an operand without a gradient, such as labels.

        Raises:
            TypeError: not a class of op, or a part that is no function.
            ValueError: the class has a rule already.
        """
        order = getattr(kind, "contribution_order", None)
        if order is not None and len(order) != len(parts):
            raise TypeError(
                f"vjp_rules.each takes a function an operand: {kind.__name__} has "
                f"{len(order)} by its contribution_order, not {len(parts)}"
            )
        made = _RULES.get(len(parts))
        if made is None or not all(part is None or callable(part) for part in parts):
            raise TypeError(
                "vjp_rules.each takes a function or None for each operand, of one to "
                f"three, not {short_repr(parts)}; define a rule for more with "
                "@vjp_rules.define"
            )
        enter = self.define(kind)
        rule = made(*[_nothing if part is None else part for part in parts])
        if kind.contribution_order is not None and isinstance(rule, Single | Pair):
            rule = rule.__call__  # the sweep orders what it gives, and takes it whole
        enter(rule)


@final
class Single:
    """
    The rule made of one function, which the sweep also calls by itself.

    >>> rule = Single(lambda *_: 1.0)
    >>> rule(None, None, None, (3.0,), None, (True,))
    (1.0,)
    """

    __slots__ = ("to_x",)

    def __init__(self, to_x: Part) -> None:
        self.to_x = to_x

    def __call__(
        self, op: Op, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
    ) -> Cotangents:
        """Call the function if the operand needs it."""
        if len(xs) != 1:
            return (None,)  # the sweep says what is wrong
        return (self.to_x(op, xp, g, xs[0], y) if need[0] else None,)


@final
class Pair:
    """
    The rule made of two functions, which the sweep also calls one by one.

    >>> rule = Pair(lambda *_: 1.0, lambda *_: 2.0)
    >>> rule(None, None, None, (3.0, 4.0), None, (False, True))
    (None, 2.0)
    """

    __slots__ = ("to_a", "to_b")

    def __init__(self, to_a: Part, to_b: Part) -> None:
        self.to_a = to_a
        self.to_b = to_b

    def __call__(
        self, op: Op, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
    ) -> Cotangents:
        """Call the functions of those operands that need it."""
        if len(xs) != 2:
            return None, None  # the sweep says what is wrong
        a, b = xs
        return (
            self.to_a(op, xp, g, a, b, y) if need[0] else None,
            self.to_b(op, xp, g, a, b, y) if need[1] else None,
        )


def _of_three(to_a: Part, to_b: Part, to_c: Part) -> Rule:
    def rule(
        op: Op, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
    ) -> Cotangents:
        if len(xs) != 3:
            return None, None, None  # the sweep says what is wrong
        a, b, c = xs
        return (
            to_a(op, xp, g, a, b, c, y) if need[0] else None,
            to_b(op, xp, g, a, b, c, y) if need[1] else None,
            to_c(op, xp, g, a, b, c, y) if need[2] else None,
        )

    return rule


_RULES: Final[dict[int, Callable[..., Rule]]] = {1: Single, 2: Pair, 3: _of_three}


def _nothing(*_: object) -> None:
    """Return no cotangent, even if the operand's node has ``requires_grad``."""


vjp_rules: Final = VjpRules("vjp")
"""
The rules of reverse mode; add one for an op of your own with ``vjp_rules.each``, or
with ``@vjp_rules.define``.

>>> from tapem_dsl.ops.arithmetic import Mul
>>> Mul in vjp_rules
True
"""
