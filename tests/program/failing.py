"""Programs that fail, each in a line of its own that is marked with a name."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from tapem_dsl import (
    Do,
    NodeId,
    TapeError,
    TapeM,
    add,
    backward_scalar,
    const,
    do,
    dot,
    gather,
    log,
    matmul,
    mul,
    reduce_mean,
    relu,
    sub,
    throw,
    value_of,
)

MARK: Final = "# here:"

# Any: programs of any value and scalar type.


@do
def _shape() -> Do[Any, Any]:
    x = yield from const(np.zeros(2))
    y = yield from const(np.zeros(3))
    return (yield from add(x, y))  # here: shape


@do
def _dtype() -> Do[Any, Any]:
    x: Any = yield from const(np.zeros(2, np.float32))
    y: Any = yield from const(np.zeros(2))
    return (yield from mul(x, y))  # here: dtype


@do
def _domain() -> Do[Any, Any]:
    x = yield from const(np.array([1.0, -1.0]))
    z = yield from log(x)  # here: domain
    return (yield from relu(z))


@do
def _id() -> Do[Any, Any]:
    yield from const(1.0)
    return (yield from relu(NodeId(10**6)))  # here: id


@do
def _value() -> Do[Any, Any]:
    return (yield from value_of(NodeId(10**6)))  # here: value


@do
def _thrown() -> Do[Any, Any]:
    yield from const(1.0)
    return (yield from throw("mine"))  # here: thrown


@do
def _vector() -> Do[Any, Any]:
    x = yield from const(np.zeros(2))
    return (yield from backward_scalar(x))  # here: vector


@do
def _empty() -> Do[Any, Any]:
    x = yield from const(np.zeros((2, 0)))
    return (yield from reduce_mean(x, axis=1))  # here: empty


@do
def _matrix() -> Do[Any, Any]:
    x = yield from const(np.zeros((2, 3)))
    return (yield from matmul(x, x))  # here: matrix


@do
def _long() -> Do[Any, Any]:
    x = yield from const(np.zeros(2))
    y = yield from const(np.zeros(3))
    return (  # what is yielded stands in a line of its own
        yield from dot(x, y)  # here: long
    )


@do
def _label() -> Do[Any, Any]:
    x = yield from const(np.zeros(2))
    y = yield from const(np.zeros((1, 1)))
    a = yield from sub(x, x)
    return (yield from gather(a, y))  # here: label


@do
def raised(error: TapeError) -> Do[Any, Any]:
    yield from const(1.0)
    return (yield from TapeM.from_failure(error))  # here: raised


CAUSES: Final[dict[str, Callable[[], TapeM[Any, Any]]]] = {
    "shape": _shape,
    "dtype": _dtype,
    "domain": _domain,
    "id": _id,
    "value": _value,
    "thrown": _thrown,
    "vector": _vector,
    "empty": _empty,
    "matrix": _matrix,
    "long": _long,
    "label": _label,
}
