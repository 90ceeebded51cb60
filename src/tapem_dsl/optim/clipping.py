"""Transforms that keep gradients small, to be chained before an optimiser."""

import sys
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import frexp, hypot, inf, isfinite
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from tapem_dsl import tree
from tapem_dsl.arguments import check_choice, check_number
from tapem_dsl.arrays import Array, namespace_of, widened
from tapem_dsl.optim.rules import EmptyState, Real, computing, settled
from tapem_dsl.optim.transforms import Transform, check_state
from tapem_dsl.tape.value import as_value


def l2_norm(gradients: object) -> float:
    """
    Give the root of the sum of all squares of a pytree, in double precision.

    No square overflows or vanishes. NaN if an entry is NaN, else infinity if one is
    infinite.

    Raises:
        ValueError: a leaf of no real numbers, or of rationals beyond double precision.

    Lean: ``GradientUtils.l2Norm``, of one tensor. PyTorch:
    ``torch.nn.utils.get_total_norm``.

    >>> l2_norm([np.array([3.0]), np.array([4.0]), None])
    5.0
    """
    largest, rest = _norm([_real(g) for g in tree.leaves(gradients)])
    return largest * rest


def _norm(leaves: Sequence[Array]) -> tuple[float, float]:
    """Give two numbers whose product is the norm, which may be no double itself."""
    rows = [_doubles(g).reshape(-1) for g in leaves]
    plain = _of_rows(rows)
    if _SAFE < plain < 1 / _SAFE:
        return plain, 1.0
    largest = float(np.max([np.max(np.abs(x), initial=0) for x in rows], initial=0))
    if largest == 0 or not isfinite(largest):
        return largest, 1.0
    return largest, _of_rows([x / largest for x in rows])


def _of_rows(rows: list[NDArray[np.float64]]) -> float:
    with computing():
        return hypot(*[float(np.linalg.norm(x)) for x in rows])


_SAFE: Final = 1e-100
"""Far from where squares of doubles vanish; its inverse, from where they overflow."""


class _Clip(Transform[EmptyState]):
    """A transform of gradients alone, without a state."""

    __slots__ = ()

    def init(self, parameters: object, /) -> EmptyState:
        """Need nothing."""
        return EmptyState()

    # Any, in both: pytrees of arrays.
    def update(
        self, gradients: object, state: EmptyState, parameters: object, /
    ) -> tuple[Any, EmptyState]:
        """Clip the gradients."""
        check_state(state, EmptyState)
        leaves, structure = tree.flatten(gradients)
        clipped = self.clipped([_real(g) for g in leaves])
        return gradients if clipped is None else structure.unflatten(clipped), state

    @abstractmethod
    def clipped(self, leaves: list[Any]) -> list[Any] | None:
        """Clip all leaves of a pytree; ``None`` leaves them as they are."""


@final
@dataclass(frozen=True, slots=True)
class ClipByNorm(_Clip):
    """
    What :func:`clip_by_norm` gives.

    >>> ClipByNorm(1.0, error_if_nonfinite=True) == clip_by_norm(1.0)
    True
    """

    most: Real
    error_if_nonfinite: bool

    def __post_init__(self) -> None:
        """Check the fields."""
        check_number("clip_by_norm", "most", self.most, "(0, inf]")
        flag = self.error_if_nonfinite
        check_choice("clip_by_norm", "error_if_nonfinite", flag, (False, True))

    def clipped(self, leaves: list[Any]) -> list[Any] | None:
        """Scale all by one factor."""
        largest, rest = _norm(leaves)
        most = float(min(self.most, sys.float_info.max))
        if not isfinite(largest):
            if self.error_if_nonfinite:
                raise ValueError(
                    f"clip_by_norm: the gradients have the norm {largest}; find out "
                    "where they left the finite numbers, or pass "
                    "error_if_nonfinite=False, which makes them 0 and NaN"
                )
            return [_scaled(g, most / largest, 0) for g in leaves]
        if not largest * rest > self.most:
            return None
        (a, i), (b, j) = frexp(most), frexp(largest)
        return [_scaled(g, a / (b * rest), i - j) for g in leaves]


def clip_by_norm(
    most: Real, *, error_if_nonfinite: bool = True
) -> Transform[EmptyState]:
    """
    Scale the whole pytree down to a norm where it is longer.

    The factor neither overflows nor vanishes, however far apart the two norms are.

    Args:
        most: the norm that remains: a real number greater than 0, or infinity.
        error_if_nonfinite: whether a gradient that is infinite or NaN is an error, when
            the transform updates. If not, it is as in PyTorch: beside an infinite entry
            finite ones become 0 and infinite ones NaN; beside NaN all become NaN.

    Raises:
        TypeError, ValueError: ``most`` is no such number; when it updates, a leaf of no
            real numbers, and as ``error_if_nonfinite`` says.

    Lean: ``GradientUtils.clipByNorm``, of one tensor. PyTorch:
    ``torch.nn.utils.clip_grad_norm_``, which divides by the norm plus 1e-6, and whose
    ``error_if_nonfinite`` is false by default.

    >>> clip = clip_by_norm(1.0)
    >>> clip.update([np.array([3.0, 4.0])], clip.init(None), None)[0]
    [array([0.6, 0.8])]
    """
    return ClipByNorm(most, error_if_nonfinite)


@final
@dataclass(frozen=True, slots=True)
class ClipByValue(_Clip):
    """
    What :func:`clip_by_value` gives.

    >>> ClipByValue(1.0) == clip_by_value(1.0)
    True
    """

    most: Real

    def __post_init__(self) -> None:
        """Check the fields."""
        check_number("clip_by_value", "most", self.most, "[0, inf]")

    def clipped(self, leaves: list[Any]) -> list[Any]:
        """Bound all by one number."""
        return [_bounded(g, self.most) for g in leaves]


def clip_by_value(most: Real) -> Transform[EmptyState]:
    """
    Keep each entry between ``-most`` and ``most``; NaN stays.

    Args:
        most: a real number, not negative, or infinity.

    Raises:
        TypeError, ValueError: ``most`` is no such number; when it updates, a leaf of no
            real numbers.

    Lean: ``GradientUtils.clipByValue``. PyTorch:
    ``torch.nn.utils.clip_grad_value_``.

    >>> clip = clip_by_value(1)
    >>> clip.update([np.array([3.0, -0.5])], clip.init(None), None)[0]
    [array([ 1. , -0.5])]
    """
    return ClipByValue(most)


@final
@dataclass(frozen=True, slots=True)
class ClipByPercentile(_Clip):
    """
    What :func:`clip_by_percentile` gives.

    >>> ClipByPercentile(50) == clip_by_percentile(50)
    True
    """

    percent: float

    def __post_init__(self) -> None:
        """Check the fields."""
        check_number("clip_by_percentile", "percent", self.percent, "[0, 100]")

    def clipped(self, leaves: list[Any]) -> list[Any]:
        """Bound each by a number of its own."""
        with computing():
            bounds = [_percentile(g, self.percent) for g in leaves]
        return [_bounded(g, bound) for g, bound in zip(leaves, bounds, strict=True)]


def clip_by_percentile(percent: float) -> Transform[EmptyState]:
    """
    Keep the entries of each leaf within a percentile of its absolute values.

    The percentile is a double, also over rationals, and lies between two entries as
    NumPy has it. NaN stays, and counts for nothing; an infinite entry is larger than
    all others.

    Args:
        percent: from 0 to 100.

    Raises:
        TypeError, ValueError: ``percent`` is no such number; when it updates, a leaf of
            no real numbers.

    Lean: ``GradientUtils.clipByPercentile``. PyTorch: none.

    >>> clip = clip_by_percentile(50)
    >>> clip.update([np.array([1.0, 2.0, -9.0])], clip.init(None), None)[0]
    [array([ 1.,  2., -2.])]
    """
    return ClipByPercentile(percent)


def _percentile(g: Array, percent: float) -> float:
    """Give the percentile of sizes; infinity of none."""
    sizes = np.abs(_doubles(g))
    if np.isnan(np.max(sizes, initial=0)):
        sizes = sizes[~np.isnan(sizes)]
    if not sizes.size:
        return inf
    bound = float(np.percentile(sizes, percent))
    if np.isnan(bound):  # it lies beside infinity, which NumPy cannot weigh
        bound = float(np.percentile(sizes, percent, method="higher"))
    return bound


# Any: an array of whatever scalar.
def _real(g: object) -> Any:
    """Take a leaf of gradients as an array of real numbers."""
    array = g if type(g) is np.ndarray else as_value(g)
    if array.dtype.kind not in "fO":
        raise ValueError(
            f"only gradients of real numbers are clipped, not {array.dtype}"
        )
    return array


def _doubles(g: Array) -> NDArray[np.float64]:
    try:
        return np.asarray(g, np.float64)
    except OverflowError:
        what = "a norm and a percentile are doubles; a gradient here is beyond them"
        raise ValueError(what) from None


def _scaled(g: Array, factor: float, exponent: int) -> Array:
    """Multiply by ``factor * 2**exponent``: in two steps where that might vanish."""
    wide = widened(g)
    xp = namespace_of(wide)
    half = exponent // 2 if exponent < _DEEP else exponent
    with computing():
        wide = wide * xp.literal(wide, factor * 2.0**half)
        if half != exponent:
            wide = wide * xp.literal(wide, 2.0 ** (exponent - half))
        return settled(xp, wide if g.dtype != np.float16 else wide.astype(g.dtype))


_DEEP: Final = -100
"""An exponent from which on float32 has all its digits."""


def _bounded(g: Array, most: Real) -> Array:
    xp = namespace_of(g)
    with computing():
        bound = xp.literal(g, most)
        return settled(xp, xp.minimum(xp.maximum(g, -bound), bound))
