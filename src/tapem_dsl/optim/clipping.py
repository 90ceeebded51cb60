"""Gradient clipping: transforms that stand before an optimiser in a chain."""

import sys
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import frexp, hypot, inf, isfinite
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from tapem_dsl import tree
from tapem_dsl.arguments import check_argument
from tapem_dsl.arrays import Array, namespace_of, widened
from tapem_dsl.interpreters.compiled.noting import Noted, host_arrays
from tapem_dsl.optim.rules import EmptyState, Real, canonical, computing
from tapem_dsl.optim.transforms import Transform, check_state
from tapem_dsl.tape.value import as_value

# Any, throughout: pytrees of arrays, and arrays of any scalar.


def l2_norm(gradients: object) -> float:
    """
    Return the Euclidean norm of all entries of a pytree, in float64.

    No square overflows or underflows. The norm is NaN if an entry is NaN, else infinity
    if an entry is infinite.

    Raises:
        ValueError: a leaf that is not real, or a rational beyond float64.

    Lean: ``GradientUtils.l2Norm`` of one tensor. PyTorch:
    ``torch.nn.utils.get_total_norm``.

    >>> l2_norm([np.array([3.0]), np.array([4.0]), None])
    5.0
    """
    largest, rest = _norm([_real(g) for g in tree.leaves(gradients)])
    return largest * rest


def _norm(leaves: Sequence[Array]) -> tuple[float, float]:
    """Return two numbers whose product is the norm, which may itself overflow."""
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
"""Squares from here to its inverse neither underflow nor overflow in float64."""


class _Clip(Transform[EmptyState]):
    """A transform of gradients alone, without a state."""

    __slots__ = ()

    @override
    def init(self, parameters: object, /) -> EmptyState:
        return EmptyState()

    @override
    def update(
        self, gradients: object, state: EmptyState, parameters: object, /
    ) -> tuple[Any, EmptyState]:
        check_state(state, EmptyState)
        leaves, structure = tree.flatten(gradients)
        arrays = [_real(g) for g in leaves]
        if any(isinstance(g, Noted) for g in arrays):
            return structure.unflatten(host_arrays(self._every, *arrays)), state
        clipped = self.clipped(arrays)
        return gradients if clipped is None else structure.unflatten(clipped), state

    def _every(self, *leaves: Any) -> list[Any]:
        clipped = self.clipped(list(leaves))
        return list(leaves) if clipped is None else clipped

    @abstractmethod
    def clipped(self, leaves: list[Any]) -> list[Any] | None:
        """Return all leaves of a pytree clipped, or ``None`` for no change."""


@final
@dataclass(frozen=True, slots=True)
class ClipByNorm(_Clip):
    """The transform that :func:`clip_by_norm` returns."""

    most: Real
    error_if_nonfinite: bool

    def __post_init__(self) -> None:
        check_argument("clip_by_norm", "most", self.most, "(0, inf]")
        flag = self.error_if_nonfinite
        check_argument("clip_by_norm", "error_if_nonfinite", flag, (False, True))

    @override
    def clipped(self, leaves: list[Any]) -> list[Any] | None:
        largest, rest = _norm(leaves)
        most = float(min(self.most, sys.float_info.max))
        if not isfinite(largest):
            if self.error_if_nonfinite:
                raise ValueError(
                    f"clip_by_norm: the gradients have the norm {largest}; find the "
                    "entry that is not finite, or pass error_if_nonfinite=False, which "
                    "turns entries into 0 and NaN"
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
    Scale gradients so that the norm of the whole pytree is at most ``most``.

    The factor neither overflows nor underflows, however far apart the two norms are.

    Args:
        most: the largest norm: a real number greater than 0, or infinity.
        error_if_nonfinite: whether ``update`` raises a ``ValueError`` for a gradient
            that is infinite or NaN. If false, it follows PyTorch: with an infinite
            entry, finite entries become 0 and infinite ones NaN; with a NaN, all become
            NaN.

    Raises:
        TypeError, ValueError: ``most`` is not such a number; in ``update``, a leaf that
            is not real, and as ``error_if_nonfinite`` says.

    Lean: ``GradientUtils.clipByNorm`` of one tensor. PyTorch:
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
    """The transform that :func:`clip_by_value` returns."""

    most: Real

    def __post_init__(self) -> None:
        check_argument("clip_by_value", "most", self.most, "[0, inf]")

    @override
    def clipped(self, leaves: list[Any]) -> list[Any]:
        return [_bounded(g, self.most) for g in leaves]


def clip_by_value(most: Real) -> Transform[EmptyState]:
    """
    Clip each entry to between ``-most`` and ``most``; NaN stays NaN.

    Args:
        most: a real number of at least 0, or infinity.

    Raises:
        TypeError, ValueError: ``most`` is not such a number; in ``update``, a leaf that
            is not real.

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
    """The transform that :func:`clip_by_percentile` returns."""

    percent: float

    def __post_init__(self) -> None:
        check_argument("clip_by_percentile", "percent", self.percent, "[0, 100]")

    @override
    def clipped(self, leaves: list[Any]) -> list[Any]:
        with computing():
            bounds = [_percentile(g, self.percent) for g in leaves]
        return [_bounded(g, bound) for g, bound in zip(leaves, bounds, strict=True)]


def clip_by_percentile(percent: float) -> Transform[EmptyState]:
    """
    Clip the entries of each leaf to a percentile of the leaf's absolute values.

    The percentile is a float64, also over rationals, and is interpolated as
    ``np.percentile`` does. NaN stays NaN and is left out of the percentile.

    Args:
        percent: from 0 to 100.

    Raises:
        TypeError, ValueError: ``percent`` is not such a number; in ``update``, a leaf
            that is not real.

    Lean: ``GradientUtils.clipByPercentile``. PyTorch: none.

    >>> clip = clip_by_percentile(50)
    >>> clip.update([np.array([1.0, 2.0, -9.0])], clip.init(None), None)[0]
    [array([ 1.,  2., -2.])]
    """
    return ClipByPercentile(percent)


def _percentile(g: Array, percent: float) -> float:
    """Return the percentile of absolute values; infinity if there are none."""
    sizes = np.abs(_doubles(g))
    if np.isnan(np.max(sizes, initial=0)):
        sizes = sizes[~np.isnan(sizes)]
    if not sizes.size:
        return inf
    bound = float(np.percentile(sizes, percent))
    if np.isnan(bound):  # NumPy interpolates towards infinity
        bound = float(np.percentile(sizes, percent, method="higher"))
    return bound


def _real(g: object) -> Any:
    """Return a leaf of gradients as an array, which must be real."""
    array = g if type(g) is np.ndarray else as_value(g)
    if array.dtype.kind not in "fO":
        raise ValueError(f"only real gradients are clipped, not {array.dtype}")
    return array


def _doubles(g: Array) -> NDArray[np.float64]:
    try:
        return np.asarray(g, np.float64)
    except OverflowError:
        what = "norms and percentiles are float64, and a gradient here is beyond it"
        raise ValueError(what) from None


def _scaled(g: Array, factor: float, exponent: int) -> Array:
    """Return ``g * factor * 2**exponent``, in two steps where one might underflow."""
    wide = widened(g)
    xp = namespace_of(wide)
    half = exponent // 2 if exponent < _DEEP else exponent
    with computing():
        wide = wide * xp.literal(wide, factor * 2.0**half)
        if half != exponent:
            wide = wide * xp.literal(wide, 2.0 ** (exponent - half))
        return canonical(xp, wide if g.dtype != np.float16 else wide.astype(g.dtype))


_DEEP: Final = -100
"""An exponent from which on float32 has its full precision."""


def _bounded(g: Array, most: Real) -> Array:
    xp = namespace_of(g)
    with computing():
        bound = xp.literal(g, most)
        return canonical(xp, xp.minimum(xp.maximum(g, -bound), bound))
