"""An estimate of how long calls take, which tells whether rolling them up pays."""

from math import prod
from typing import Final

import numpy as np

from tapem_dsl.interpreters.compiled.plan import Call, Scan

# Microseconds, as measured with NumPy 2.4; only their ratios matter.
_OF_COMPILING: Final = 0.1  # 10 us, over a hundred runs
_OF_FLOATS: Final = 0.03
_OF_A_VIEW: Final = 0.3
_OF_A_CALL: Final = 0.8
_OF_A_STEP: Final = 0.03
_OF_A_BYTE: Final = 0.0002
_OF_A_LISTED: Final = 0.1

_VIEWS: Final = frozenset({"reshape", "permute_dims", "broadcast_to", "getitem"})
_FLOATS: Final = frozenset({"add", "subtract", "multiply", "divide", "negative"})
_DOUBLE: Final = np.dtype(np.float64)


def cost_of(call: Call) -> float:
    """
    Return some microseconds for one call; of its result only what it must write.

    >>> x = Call("exp", (), (), (1000,), np.dtype(np.float64))
    >>> cost_of(x) > cost_of(x._replace(shape=()))
    True
    """
    name = call.function
    if isinstance(name, Scan):
        steps = name.times * (1 + name.stacked + len(name.kept)) * _OF_A_STEP
        return steps + name.times * _of_body(name)
    if name in ("input", "constant"):
        return 0
    return _OF_COMPILING + _of_run(call)


def _of_run(call: Call) -> float:
    name = call.function
    if name in _VIEWS:
        return _OF_A_VIEW
    if name in _FLOATS and call.shape == () and call.dtype == _DOUBLE:
        return _OF_FLOATS
    listed = _OF_A_LISTED * len(call.arguments) if name == "stack" else 0
    written = _OF_A_BYTE * prod(call.shape) * call.dtype.itemsize
    return _OF_A_CALL + listed + written


def _of_body(scan: Scan) -> float:
    """Return the cost of one step; its calls are compiled once."""
    calls = [call for call in scan.body.calls if call.function != "input"]
    return float(
        sum(
            cost_of(call) if isinstance(call.function, Scan) else _of_run(call)
            for call in calls
        )
    )
