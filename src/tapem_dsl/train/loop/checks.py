"""Values and gradients of nodes, checked; the caller's tag is in the errors."""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from returns.result import Result, Success

from tapem_dsl.arguments import describe
from tapem_dsl.arrays.shape import Shape, check_shape
from tapem_dsl.errors import (
    GradientShapeMismatch,
    MissingGradient,
    MissingValue,
    TapeError,
    ValueShapeMismatch,
    failed,
)
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.tape.tape import Tape

S = TypeVar("S", bound=np.generic)


def require_grad_tensor(
    tag: str, grads: Mapping[NodeId, NDArray[S]], id: NodeId, shape: Shape
) -> Result[NDArray[S], TapeError]:
    """
    Return a node's gradient, which must have a shape.

    Fails with:
        :class:`MissingGradient`: the node does not require a gradient, or the output
        does not depend on it;
        :class:`GradientShapeMismatch`.

    Lean: ``requireGradTensor``.

    >>> require_grad_tensor("sgd", {}, NodeId(3), ())
    <Failure: sgd: missing gradient for node id 3>
    """
    index_of(id)
    check_shape(shape)
    grad = grads.get(id)
    if grad is None:
        return failed(MissingGradient(tag, id=id))
    if grad.shape != shape:
        return failed(
            GradientShapeMismatch(tag, id=id, expected=shape, found=grad.shape)
        )
    return Success(grad)


def require_value_tensor(
    tag: str, tape: Tape[S], id: NodeId, shape: Shape
) -> Result[NDArray[S], TapeError]:
    """
    Return a node's value, which must have a shape.

    Fails with:
        :class:`MissingValue`, :class:`ValueShapeMismatch`.

    Lean: ``requireValueTensor``.

    >>> from tapem_dsl import EMPTY
    >>> require_value_tensor("report", EMPTY, NodeId(3), ())
    <Failure: report: missing value for node id 3>
    """
    if not isinstance(tape, Tape):
        raise TypeError(f"{tag}: tape must be a Tape, not {describe(tape)}")
    check_shape(shape)
    value = tape.get_value(id)
    if value is None:
        return failed(MissingValue(tag, id=id))
    if value.shape != shape:
        return failed(ValueShapeMismatch(tag, id=id, expected=shape, found=value.shape))
    return Success(value)


def require_scalar_value(tag: str, tape: Tape[S], id: NodeId) -> Result[S, TapeError]:
    """
    Return the value of a scalar node, as a number; a ``Fraction`` over rationals.

    Fails with:
        :class:`MissingValue`, :class:`ValueShapeMismatch`.

    Lean: ``requireScalarValue``.

    >>> from tapem_dsl import leaf
    >>> loss, tape = leaf(3.0).run().unwrap()
    >>> require_scalar_value("report", tape, loss)
    <Success: 3.0>
    """
    return require_value_tensor(tag, tape, id, ()).map(_number)


def _number(value: NDArray[S]) -> S:
    number: S = value[()]  # type: ignore[assignment] # of shape (): the scalar
    return number
