"""The table of vector-Jacobian products, and what a rule is."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.rules import RuleTable

Operands: TypeAlias = tuple[Array, ...]
"""The values of an op's parents, in order."""

Need: TypeAlias = tuple[bool, ...]
"""Which parents want a cotangent, in order."""

Cotangents: TypeAlias = tuple[Array | None, ...]
"""One for each parent, in order; ``None`` where none is needed, or an ``Outer``."""

# Any: each rule is defined for its own class of op.
Rule: TypeAlias = Callable[[Any, Namespace, Array, Operands, Array, Need], Cotangents]
"""
``rule(op, xp, g, xs, y, need)``: what the parents receive when the result receives
``g``.

``xp`` is the namespace to compute with (a rule never imports NumPy), ``xs`` are the
operands, ``y`` is the result, to be used again where that is stable. What it gives are
new arrays, or what it was given, or views of these: they become read-only.
"""

vjp_rules: Final[RuleTable[Rule]] = RuleTable("vjp")
"""
The rules of reverse mode; ``@vjp_rules.define(MyOp)`` adds one for an op of your own.

>>> from tapem_dsl.ops.arithmetic import Mul
>>> Mul in vjp_rules
True
"""
