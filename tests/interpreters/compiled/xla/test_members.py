"""Each function of a plan means the same in JAX as in NumPy, at special values, too."""

from typing import Any, Final

import jax
import numpy as np
import pytest

from tapem_dsl.interpreters.compiled.functions import FUNCTIONS
from tapem_dsl.interpreters.compiled.xla.members import MEMBERS

# Any, throughout: arrays of any scalar type, and static arguments.

SPECIAL: Final = np.array(
    [0.0, -0.0, 0.5, -2.0, 30.0, -800.0, 1e200, -1e-200, np.inf, -np.inf, np.nan]
)
ROWS: Final = np.array(
    [[1.0, 2, 3], [1000, 0, -1000], [np.inf, 0, 1], [np.inf, np.inf, 0], [np.nan, 0, 1]]
)
PAIRS: Final = (np.repeat(SPECIAL, 11), np.tile(SPECIAL, 11))
TRUTH: Final = (np.array([True, True, False]), np.array([True, False, False]))
GRID: Final = np.arange(24.0).reshape(2, 3, 4)
OUT: Final = np.array([2, -1, 0, 3, 2])
ARGUMENTS: Final[dict[str, tuple[Any, ...] | list[Any]]] = {
    **dict.fromkeys(["add", "subtract", "multiply", "divide", "equal"], PAIRS),
    **dict.fromkeys(["less", "less_equal", "greater", "greater_equal"], PAIRS),
    **dict.fromkeys(["not_equal", "maximum", "minimum", "multiply_no_nan"], PAIRS),
    **dict.fromkeys(["logical_and", "logical_or"], TRUTH),
    "logical_not": TRUTH[:1],
    **dict.fromkeys(["negative", "exp", "log", "log1p", "sqrt", "tanh"], (SPECIAL,)),
    **dict.fromkeys(["sech2", "sigmoid", "softplus", "abs"], (SPECIAL,)),
    **dict.fromkeys(["sin", "cos"], (SPECIAL[:6],)),  # beyond that, of no digit
    "where": [TRUTH[0], np.ones(3), 0],
    "sum": [GRID],
    **dict.fromkeys(["detached_max", "argmax", "softmax"], (ROWS,)),
    **dict.fromkeys(["log_softmax", "logsumexp"], (ROWS,)),
    "pick": [GRID[0], np.array([3, 0, 1])],
    "one_hot": [GRID[0], np.array([3, 0, 1])],
    "take": [GRID, OUT, 1],
    "index_add": [GRID, np.full((2, 5, 4), 0.5), OUT, 1],
    "windows": [GRID, (2, 2), (1, 2), (1, 0)],
    "fold": [np.arange(32.0).reshape(1, 2, 2, 4, 2), (3, 4), (1, 2), (1, 0)],
    "embed": [GRID, (2, 5, 4), 1, 1],
    "matmul": [GRID, GRID.transpose(0, 2, 1)],
    "outer_sum": [GRID[0], GRID[0, 0], GRID[0], GRID[0, 1]],
    "permute_dims": [GRID, (2, 0, 1)],
    "reshape": [GRID, (6, 4)],
    "broadcast_to": [GRID, (5, 2, 3, 4)],
    "getitem": [GRID, (slice(None, None, -1), 1, Ellipsis)],
    **dict.fromkeys(["zeros_like", "ones_like"], (SPECIAL,)),
    "all": TRUTH[:1],
    "astype": [SPECIAL[:6], np.dtype(np.float32)],
    **dict.fromkeys(["accumulate_sum", "accumulate_product"], (GRID,)),
    "all_of_each": [GRID > 3],
    **dict.fromkeys(["stack", "sum_of"], (GRID, GRID + 1, GRID)),
    "sum_of_rows": [GRID],
    "concat": [GRID, GRID + 1],
}
OPTIONS: Final[dict[str, Any]] = {"concat": {"axis": 1}}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_is_that_of_numpy(name: str) -> None:
    given, options = ARGUMENTS[name], OPTIONS.get(name, {})
    with np.errstate(all="ignore"):
        expected = np.asarray(FUNCTIONS[name](*given, **options))
    with jax.enable_x64(True):
        found = np.asarray(MEMBERS[name](*map(there, given), **options))
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-307)


def there(x: Any) -> Any:
    return jax.numpy.asarray(x) if isinstance(x, np.ndarray) else x


def test_rows_without_entries() -> None:
    empty = np.ones((2, 0))
    for name in ("detached_max", "sum"):
        expected = np.asarray(FUNCTIONS[name](empty))
        found = np.asarray(MEMBERS[name](jax.numpy.asarray(empty)))
        assert found.tolist() == expected.tolist()
    nothing = jax.numpy.ones((2, 0))
    assert MEMBERS["take"](nothing, (0, 5), 1).tolist() == [[0, 0], [0, 0]]
    assert MEMBERS["index_add"](nothing, nothing[:, :0], (), 1).shape == (2, 0)
