"""Short texts about ops, values and names, safe to print in a terminal."""

from collections.abc import Callable
from fractions import Fraction
from itertools import accumulate
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.arrays import Tracer
from tapem_dsl.messages import cell_width, printable, short_repr
from tapem_dsl.program.spine import parameters
from tapem_dsl.tape.op import Op

# Any, throughout: values of any scalar type.

_FEW: Final = 6
_LONGEST: Final = 60
_EXACT_BITS: Final = 40


def clipped(text: object, width: int = _LONGEST) -> str:
    """
    Return a printable text that takes at most some cells of a terminal.

    >>> clipped("abcdefgh", 6), clipped("日本語", 4)
    ('abcde…', '日…')
    """
    plain = str(text) if isinstance(text, str | tuple) else short_repr(text)
    shown = printable(plain[: width + 1])
    if cell_width(shown) <= width and len(plain) <= width + 1:
        return shown
    ends = accumulate(map(cell_width, shown))
    return f"{shown[: sum(end < width for end in ends)]}…"


def describe_op(op: Op | None) -> str:
    """
    Return the name of an op with its static parameters.

    >>> from tapem_dsl.ops.arithmetic import Scale
    >>> describe_op(Scale(2)), describe_op(None)
    ('scale(factor=2)', 'leaf')
    """
    if op is None:
        return "leaf"
    try:
        given = ", ".join(parameters(op, short_repr))
        return clipped(f"{op.name}({given})" if given else op.name)
    except Exception:  # noqa: BLE001 - what is no op, or a property of a user's
        return clipped(short_repr(op))


def describe_value(value: object) -> str:
    """
    Return the numbers of a small array; of a large one the range and the mean.

    Entries that are not finite are counted, and left out of the mean.

    >>> describe_value(np.array([1.0, 2.5])), describe_value(Fraction(1, 3))
    ('[1 2.5]', '1/3')
    >>> describe_value(np.arange(100.0))
    '0 to 99, mean 49.5'
    >>> describe_value(np.array([1.0, np.nan] * 10))
    '1 to 1, mean 1, 10 nan'
    """
    if isinstance(value, Tracer):
        return clipped(short_repr(value))
    if type(value) in (bool, int, float, Fraction):
        return _number(value)
    if not isinstance(value, np.ndarray | np.generic):
        return clipped(short_repr(value))
    if value.size <= _FEW:
        return clipped(_entries(np.asarray(value)))
    with np.errstate(all="ignore"):
        return _statistics(np.asarray(value))


def _entries(array: NDArray[Any]) -> str:
    if array.ndim == 0:
        return _number(array[()])
    if array.size == 0:
        return "empty"
    return f"[{' '.join(_entries(np.asarray(part)) for part in array)}]"


def _number(x: Any) -> str:
    if isinstance(x, Fraction):
        return _fraction(x)
    if isinstance(x, bool | np.bool_):
        return str(bool(x))
    if isinstance(x, int | np.integer):
        return f"{int(x)}" if abs(int(x)) < 10**12 else _fraction(Fraction(int(x)))
    return f"{x:.4g}"


def _fraction(x: Fraction) -> str:
    bits = x.numerator.bit_length(), x.denominator.bit_length()
    if sum(bits) <= _EXACT_BITS:
        return str(x)
    try:
        return f"~{float(x):.4g}"
    except OverflowError:
        return f"~{'-' if x < 0 else ''}2**{bits[0] - bits[1]}"


def _statistics(array: NDArray[Any]) -> str:
    if array.dtype.kind == "b":
        return f"{np.count_nonzero(array):,} of {array.size:,} true"
    if array.dtype.hasobject:
        return f"{_number(array.min())} to {_number(array.max())}"
    finite = array
    counts: list[str] = []
    if array.dtype.kind == "f":
        is_finite = np.isfinite(array)
        if not is_finite.all():
            finite = array[is_finite]
            counts = _counts(array, {"nan": np.isnan, "inf": np.isinf})
    if finite.size:
        wide = np.result_type(array.dtype, np.float64)
        mean = np.mean(finite, dtype=wide)
        least, most = _number(finite.min()), _number(finite.max())
        counts.insert(0, f"{least} to {most}, mean {_number(mean)}")
    return ", ".join(counts)


def _counts(
    array: NDArray[Any], kinds: dict[str, Callable[[NDArray[Any]], Any]]
) -> list[str]:
    found = {name: int(np.count_nonzero(test(array))) for name, test in kinds.items()}
    return [f"{count:,} {name}" for name, count in found.items() if count]
