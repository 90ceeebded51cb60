"""Plain stochastic gradient descent, one tensor at a time."""

from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.core.errors import Refused
from tapem_dsl.core.namespace import namespace_of
from tapem_dsl.core.value import frozen

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
        ValueError: shapes or scalar types differ or are not real; a learning rate that
            the scalar type cannot say.

    Lean: ``sgdUpdateTensor``. PyTorch: ``torch.optim.SGD``, in place.

    >>> sgd_update_tensor(np.array([1.0, 2.0]), np.array([10.0, 0.0]), 0.1)
    array([0., 2.])
    """
    if param.shape != grad.shape or param.dtype != grad.dtype:
        raise ValueError(
            f"a gradient {grad.dtype}{list(grad.shape)} does not fit "
            f"a parameter {param.dtype}{list(param.shape)}"
        )
    if param.dtype.kind not in "fO":
        raise ValueError(
            f"only real parameters move along gradients, not {param.dtype}"
        )
    xp = namespace_of(param)
    try:
        rate = xp.lit(param, learning_rate)
    except Refused as refusal:
        raise ValueError(str(refusal.error)) from None
    with np.errstate(all="ignore"):
        updated: NDArray[S] = frozen(xp.normal(param - grad * rate))
    return updated
