"""Programs of one instruction, and functions that run many programs in order."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any, Never, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from returns.result import Result, Success

from tapem_dsl.arguments import items_of
from tapem_dsl.errors import DTypeMismatch, OpError, Refused, TapeError
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.messages import short_repr
from tapem_dsl.program.checks import (
    checked_program,
    function_argument,
)
from tapem_dsl.program.do import Do, do
from tapem_dsl.program.instruction import FoldM, Leaf, Pure, Read
from tapem_dsl.program.tapem import TapeM, failing, program, record_op
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.tape import Tape
from tapem_dsl.tape.value import ForeignArray, as_value

C = TypeVar("C")
D = TypeVar("D")
X = TypeVar("X")
F = TypeVar("F", bound=np.generic)
S = TypeVar("S", bound=np.generic)

L = TypeVar("L", bound=np.integer[Any] | np.bool_)  # Any: of any width
"""
The scalar types of labels and conditions, which a tape of any scalar type can hold.

This is a type variable and no union: with a union, mypy would infer the union as the
type of an argument written ``np.zeros(2, np.float32)``.
"""

# Any, as the scalar in a result type: such a program runs on a tape of any scalar type.
# A type variable there, free or with a default, would reject float32 do-blocks.


def pure(value: C) -> TapeM[C, Any]:
    """
    Return a value and leave the tape unchanged.

    Lean: ``pure``; ``returns``: ``TapeM.from_value``.

    >>> pure(3).run()
    <Success: (3, <Tape: empty>)>
    """
    return program(Pure(value))


def throw(error: TapeError | str) -> TapeM[Never, Any]:
    """
    Fail, with a :class:`TapeError` or a message of the user's.

    Lean: ``throw``.

    >>> throw("no labels").run()
    <Failure: no labels>
    """
    return failing(error, "throw")


def from_result(result: Result[C, TapeError]) -> TapeM[C, Any]:
    """
    Return the value of a ``Success``, or fail with the error of a ``Failure``.

    Lean: ``liftExcept``; ``returns``: ``from_result``.

    >>> from tapem_dsl.train import require_grad_tensor
    >>> from_result(require_grad_tensor("sgd", {}, NodeId(3), ())).run()
    <Failure: sgd: missing gradient for node id 3>
    """
    return TapeM.from_result(result)


def get_tape() -> TapeM[Tape[Any], Any]:
    """
    Return the tape as it is at this step.

    Lean: ``getTape``.

    >>> get_tape().eval()
    <Success: <Tape: empty>>
    """
    return program(Read(_get_tape, ()))


def value_of(id: NodeId) -> TapeM[NDArray[Any], Any]:
    """
    Return the value of a node: an array, or a NumPy scalar if its shape is ``()``.

    It is read-only and not a node, so no gradient flows through it.

    Fails with:
        :class:`InvalidNodeId`, with ``op='require_value'``, its name in TorchLean.

    Lean: ``getValue?``; PyTorch: ``Tensor.detach``.

    >>> leaf(3.0).bind(value_of).eval()
    <Success: 3.0>
    """
    index_of(id, "value_of, id")
    return program(Read(_value_of, (id,)))


@overload
def leaf(
    value: float, name: str | None = None, *, requires_grad: bool = True
) -> TapeM[NodeId, np.float64]: ...
@overload
def leaf(
    value: NDArray[L] | L, name: str | None = None, *, requires_grad: bool = True
) -> TapeM[NodeId, Any]: ...
@overload
def leaf(
    value: Fraction, name: str | None = None, *, requires_grad: bool = True
) -> TapeM[NodeId, np.object_]: ...
@overload
def leaf(
    value: NDArray[S] | S, name: str | None = None, *, requires_grad: bool = True
) -> TapeM[NodeId, S]: ...
@overload
def leaf(
    value: ForeignArray, name: str | None = None, *, requires_grad: bool = True
) -> TapeM[NodeId, Any]: ...
def leaf(
    value: object, name: str | None = None, *, requires_grad: bool = True
) -> TapeM[NodeId, Any]:
    """
    Append a node without parents and return its id.

    Args:
        value: a number or an array. Python numbers become ``np.float64``; rationals
            stay exact. An array is copied when the program is built, unless it and
            every array that it is a view of are read-only.
        name: the name that errors and listings show.
        requires_grad: whether the reverse sweep computes its gradient.

    Fails with:
        :class:`DTypeMismatch`: a gradient is required of integers or booleans;
        :class:`OutsideDomain`: the value is an int that float64 cannot hold.

    Raises:
        TypeError: the value is neither a number nor an array of numbers.

    Lean: ``TapeM.leaf``; PyTorch: ``torch.tensor(value, requires_grad=True)``.

    >>> leaf(3.0, name="x").run()
    <Success: (0, <Tape: leaf 'x'>)>
    >>> leaf(np.array([1, 2])).run()
    <Failure: autograd: dtype mismatch (op='leaf', dtypes=('int64',), ...)>
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"a leaf's name is a string, not {short_repr(name)}")
    if name is not None:
        name = str.__str__(name)  # of a subclass, its characters
    if type(requires_grad) not in (bool, np.bool_):
        raise TypeError(
            f"requires_grad of a leaf is True or False, not {short_repr(requires_grad)}"
        )
    names = () if name is None else (name,)
    try:
        array = as_value(value)
    except Refused as refusal:
        error = refusal.error
        if isinstance(error, OpError):
            error = replace(error, names=names)
        return throw(error)
    except TypeError as wrong:
        if name is None:
            raise
        raise TypeError(f"leaf {short_repr(name)}: {wrong}") from None
    if requires_grad and array.dtype.kind in "iub":
        wants = (
            "a floating-point or rational value where requires_grad: "
            "const records labels and conditions, x.astype(np.float64) makes numbers"
        )
        dtypes = (str(array.dtype),)
        return throw(DTypeMismatch("leaf", dtypes=dtypes, wants=wants, names=names))
    return program(Leaf(array, name, bool(requires_grad)))


@overload
def param(value: float, name: str | None = None) -> TapeM[NodeId, np.float64]: ...
@overload
def param(value: Fraction, name: str | None = None) -> TapeM[NodeId, np.object_]: ...
@overload
def param(value: NDArray[S] | S, name: str | None = None) -> TapeM[NodeId, S]: ...
@overload
def param(value: ForeignArray, name: str | None = None) -> TapeM[NodeId, Any]: ...
def param(value: Any, name: str | None = None) -> TapeM[NodeId, Any]:
    """
    Append a trainable leaf: :func:`leaf` with ``requires_grad=True``.

    Lean: ``TapeM.param``; PyTorch: ``torch.nn.Parameter``.

    >>> param(3.0, name="w").exec().map(list)
    <Success: [Node(leaf 'w', value=3.0, requires_grad=True)]>
    """
    return leaf(value, name=name, requires_grad=True)


@overload
def const(value: float, name: str | None = None) -> TapeM[NodeId, np.float64]: ...
@overload
def const(value: NDArray[L] | L, name: str | None = None) -> TapeM[NodeId, Any]: ...
@overload
def const(value: Fraction, name: str | None = None) -> TapeM[NodeId, np.object_]: ...
@overload
def const(value: NDArray[S] | S, name: str | None = None) -> TapeM[NodeId, S]: ...
@overload
def const(value: ForeignArray, name: str | None = None) -> TapeM[NodeId, Any]: ...
def const(value: Any, name: str | None = None) -> TapeM[NodeId, Any]:
    """
    Append a frozen leaf: :func:`leaf` with ``requires_grad=False``.

    Lean: ``TapeM.const``; PyTorch: a plain ``torch.tensor``.

    >>> const(3.0).exec().map(list)
    <Success: [Node(leaf, value=3.0, requires_grad=False)]>
    """
    return leaf(value, name=name, requires_grad=False)


def apply_op(op: Op, *ids: NodeId) -> TapeM[NodeId, Any]:
    """
    Append the node of an op over other nodes; use it for an op that you define.

    Fails with:
        :class:`InvalidNodeId`, and the errors with which the op refuses operands.

    Raises:
        TypeError: the first argument is not an op, or an id is not an ``int``. If an id
            is a program, ``yield from`` was forgotten.

    Lean: ``TapeM.Internal.record``.

    >>> from tapem_dsl.ops.arithmetic import Mul
    >>> leaf(3.0).bind(lambda x: apply_op(Mul(), x, x)).bind(value_of).eval()
    <Success: 9.0>
    """
    if not isinstance(op, Op):
        raise TypeError(f"apply_op takes an op, such as Scale(2), not {short_repr(op)}")
    if not isinstance(getattr(op, "name", None), str):
        kind = type(op).__name__
        raise TypeError(
            f"{kind} has no name; write one in the class, as in name = {kind.lower()!r}"
        )
    return record_op(op, ids)


def fold_m(
    step: Callable[[C, X], TapeM[C, F]], init: C, items: Iterable[X]
) -> TapeM[C, F]:
    """
    Fold a collection from the left with a step that is a program.

    ``fold_m(f, z, [a, b])`` runs ``f(z, a)``, then ``f(_, b)`` with its value. The
    first failure ends the fold.

    Args:
        step: ``(accumulator, item) -> program``, called once for each item, in order.
        init: the first accumulator; also the result if there are no items.
        items: the collection. It is copied into a tuple when the program is built, so
            that the program can run again.

    Laws:
        - ``fold_m(f, z, [])`` behaves as ``pure(z)``
        - ``fold_m(f, z, xs + ys)`` behaves as
          ``fold_m(f, z, xs).bind(lambda a: fold_m(f, a, ys))``

    Cost:
        A loop; the depth of the Python stack does not grow with the items.

    Lean: ``List.foldlM``.

    >>> fold_m(lambda total, x: pure(total + x), 0, [1, 2, 3]).eval()
    <Success: 6>
    """
    checked = function_argument(step, "fold_m", "step")
    return program(FoldM(checked, init, items_of("fold_m", "items", items)))


def map_m(
    function: Callable[[X], TapeM[C, F]], items: Iterable[X]
) -> TapeM[tuple[C, ...], F]:
    """
    Run a program for each item, in order, and return the tuple of their values.

    Laws:
        ``map_m(pure, xs)`` behaves as ``pure(tuple(xs))``.

    Lean: ``List.mapM``.

    >>> map_m(leaf, [1.0, 2.0]).run()
    <Success: ((0, 1), <Tape: leaf, leaf>)>
    """
    checked = function_argument(function, "map_m", "function")
    return _map_m(checked, items_of("map_m", "items", items))


def for_m(
    items: Iterable[X], function: Callable[[X], TapeM[object, F]]
) -> TapeM[None, F]:
    """
    Run a program for each item, in order, and ignore the values.

    Lean: ``List.forM``.

    >>> for_m([1.0, 2.0], leaf).run()
    <Success: (None, <Tape: leaf, leaf>)>
    """
    checked = function_argument(function, "for_m", "function")
    return _for_m(items_of("for_m", "items", items), checked)


def when_m(condition: bool, then: TapeM[object, F]) -> TapeM[None, F]:  # noqa: FBT001
    """
    Run a program if a condition is true, and ignore its value.

    Lean: ``if c then m``; Haskell: ``when``.

    >>> when_m(True, leaf(1.0)).exec(), when_m(False, leaf(1.0)).exec()
    (<Success: <Tape: leaf>>, <Success: <Tape: empty>>)
    """
    if type(then) is not TapeM:
        raise TypeError(f"when_m guards a program, not {short_repr(then)}")
    _decided(condition)
    return then.map(_nothing) if condition else pure(None)


@do
def _map_m(
    function: Callable[[X], TapeM[C, F]], items: tuple[X, ...]
) -> Do[tuple[C, ...], F]:
    values = []
    remaining = iter(items)  # by these names a failure finds its item
    for item in remaining:
        value = yield from checked_program(function(item), function)
        values.append(value)
    return tuple(values)


@do
def _for_m(
    items: tuple[X, ...], function: Callable[[X], TapeM[object, F]]
) -> Do[None, F]:
    remaining = iter(items)  # as in `_map_m`
    for item in remaining:
        yield from checked_program(function(item), function)


def _decided(condition: object) -> None:
    """Refuse a program as a condition: its truth value is always ``True``."""
    if type(condition) is TapeM:
        raise TypeError(
            "when_m decides by a value, not by a program; did you forget `yield from`?"
        )


def _nothing(_: object) -> None:
    return None


def _get_tape(tape: Tape[Any]) -> Result[Tape[Any], TapeError]:
    return Success(tape)


def _value_of(tape: Tape[Any], id: NodeId) -> Result[NDArray[Any], TapeError]:
    return tape.require_value(id)
