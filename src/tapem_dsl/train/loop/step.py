"""One step of stochastic gradient descent on one tensor."""

from fractions import Fraction
from numbers import Real
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.arguments import check_argument, check_array
from tapem_dsl.optim.rules import EmptyState, Sgd
from tapem_dsl.optim.transforms import apply_updates

S = TypeVar("S", bound=np.generic)


def sgd_update_tensor(
    param: NDArray[S], grad: NDArray[S], learning_rate: float | Fraction
) -> NDArray[S]:
    """
    Return ``param - grad * learning_rate``, read-only.

    Args:
        param: an array of any shape and real dtype, which the result has too.
        grad: an array of the same shape and dtype.
        learning_rate: a real number; a ``Fraction`` over rationals.

    Raises:
        TypeError: the learning rate is not a real number.
        ValueError: shapes or dtypes differ; a dtype is not real; the learning rate is
            infinite in the dtype.

    Lean: ``sgdUpdateTensor``. PyTorch: ``torch.optim.SGD``, in place.

    >>> sgd_update_tensor(np.array([1.0, 2.0]), np.array([10.0, 0.0]), 0.1)
    array([0., 2.])
    """
    given: dict[str, object] = {"param": param, "grad": grad}
    for name, x in given.items():
        if not isinstance(x, float | Fraction):
            check_array("sgd_update_tensor", name, x)
    check_argument("sgd_update_tensor", "learning_rate", learning_rate, Real)
    change, _ = Sgd().update(grad, EmptyState(), param, learning_rate)
    return apply_updates(param, change)
