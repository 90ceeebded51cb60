"""Plain stochastic gradient descent, one tensor at a time."""

from fractions import Fraction
from numbers import Real
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.arguments import check_array, check_type
from tapem_dsl.optim.rules import EmptyState, Sgd
from tapem_dsl.optim.transforms import apply_updates

S = TypeVar("S", bound=np.generic)


def sgd_update_tensor(
    param: NDArray[S], grad: NDArray[S], learning_rate: float | Fraction
) -> NDArray[S]:
    """
    Take one step against the gradient: ``param - grad * learning_rate``.

    The result is read-only, so that a leaf takes it without a copy.

    Args:
        param: of any shape and scalar type, which the result keeps.
        grad: alike.
        learning_rate: a real number; a ``Fraction`` over rationals.

    Raises:
        TypeError: the learning rate is no real number.
        ValueError: shapes or scalar types differ or are not real; a learning rate that
            the scalar type cannot say.

    Lean: ``sgdUpdateTensor``. PyTorch: ``torch.optim.SGD``, in place.

    >>> sgd_update_tensor(np.array([1.0, 2.0]), np.array([10.0, 0.0]), 0.1)
    array([0., 2.])
    """
    given: dict[str, object] = {"param": param, "grad": grad}
    for name, x in given.items():
        if not isinstance(x, float | Fraction):
            check_array("sgd_update_tensor", name, x)
    check_type("sgd_update_tensor", "learning_rate", learning_rate, Real)
    change, _ = Sgd().update(grad, EmptyState(), param, learning_rate)
    return apply_updates(param, change)
