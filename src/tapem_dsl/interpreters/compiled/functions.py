"""What the functions of a plan's calls mean, by name."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from tapem_dsl.arrays import NUMPY, AnyArray, AnyDType, Namespace
from tapem_dsl.arrays.sums import summed
from tapem_dsl.tape.value import as_value


def _all(x: AnyArray) -> Any:
    return np.logical_and.reduce(x, None)


def _astype(x: AnyArray, dtype: AnyDType) -> AnyArray:
    return x.astype(dtype)


def _accumulate_sum(x: AnyArray) -> AnyArray:
    return np.add.accumulate(x, 0, x.dtype)


def _accumulate_product(x: AnyArray) -> AnyArray:
    return np.multiply.accumulate(x, 0, x.dtype)


def _sum_of_rows(x: AnyArray) -> AnyArray:
    total: AnyArray = summed(x, axis=0)
    return total.astype(x.dtype, copy=False)  # of narrow integers NumPy's is wide


def _all_of_each(x: AnyArray) -> AnyArray:
    found: AnyArray = np.logical_and.reduce(x.reshape(len(x), -1), 1)
    return found


def _stack(*values: AnyArray) -> AnyArray:
    return np.stack(values)


def _sum_of(*terms: AnyArray) -> AnyArray:
    total, *others = terms
    for term in others:
        total = total + term
    return total


ELEMENTWISE: Final = frozenset(
    {
        *("add", "subtract", "multiply", "divide", "negative", "abs"),
        *("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
        *("logical_and", "logical_or", "logical_not", "where", "multiply_no_nan"),
        *("exp", "log", "log1p", "sqrt", "tanh", "sech2", "sigmoid", "softplus"),
        *("sin", "cos", "maximum", "minimum"),
    }
)
"""The members of the namespace that treat each entry alike."""

OPERATORS: Final[dict[str, str]] = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "equal": "==",
    "not_equal": "!=",
    "logical_and": "&",
    "logical_or": "|",
}
"""The members of the namespace that Python writes between their operands."""

FILLED: Final[dict[str, Callable[..., AnyArray]]] = {
    "ones_like": np.ones,
    "zeros_like": np.zeros,
}
"""What depends on the shape and the dtype of its argument only."""

FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    name: getattr(NUMPY, name) for name in Namespace.__abstractmethods__
} | {
    "all": _all,
    "astype": _astype,
    "as_value": as_value,
    "outer_sum": NUMPY.outer_sum,
    # what only rolled plans call
    "accumulate_product": _accumulate_product,
    "accumulate_sum": _accumulate_sum,
    "all_of_each": _all_of_each,
    "stack": _stack,
    "sum_of": _sum_of,
    "sum_of_rows": _sum_of_rows,
}
"""What the name of a call means: the members of NumPy's namespace, and a few more."""
