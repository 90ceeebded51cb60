"""
Windows that slide over the last axes, and the sum of windows where they overlap.

Convolution and pooling take ``kernel``, ``stride`` and ``padding`` as :func:`windows`
does. They are of one sample: there is no batch axis.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias, final

from typing_extensions import override

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import (
    MOST_AXES,
    Shape,
    check_int,
    check_shape,
    operands,
    window_counts,
    wrong_shapes,
)
from tapem_dsl.errors import Refused, RequirementNotMet
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.base import checked_result
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import ANY_SCALAR, Op

Extents: TypeAlias = int | tuple[int, ...]
"""One number for every spatial axis, or a tuple with one for each."""


@final
@dataclass(frozen=True, slots=True)
class Windows(Op):
    """All windows over the last axes."""

    name = "windows"
    scalar_kinds = ANY_SCALAR

    kernel: tuple[int, ...]
    stride: Extents
    padding: Extents

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        at = len(x) - len(self.kernel)
        if at < 0:
            wants = f"at least {len(self.kernel)} axes"
            raise wrong_shapes(self.name, x, wants=wants)
        stride, padding = self.per_axis(x)
        counts = positions(self.name, x[at:], self.kernel, stride, padding, x)
        return checked_result(self.name, (*x[:at], *self.kernel, *counts), x)

    def per_axis(self, *inputs: Shape) -> tuple[Shape, Shape]:
        """Return stride and padding for each spatial axis."""
        return strides_and_pads(self, len(self.kernel), *inputs)

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return xp.windows(x, self.kernel, *self.per_axis(x.shape))


def windows(
    x: NodeId, kernel: tuple[int, ...], *, stride: Extents = 1, padding: Extents = 0
) -> TapeM[NodeId, Any]:
    """
    Take all windows over the last axes: PyTorch's ``unfold``, which also flattens.

    Args:
        x: what the windows are taken of.
        kernel: the extents of a window.
        stride: the distance from one window to the next, for all axes or each.
        padding: how many zeros stand at either end, for all axes or each.

    Shapes: ``x``: ``(..., *spatial)``, of any scalar type, with a spatial axis for each
        entry of ``kernel``; result: ``(..., *kernel, *positions)``, with
        ``(n + 2 * p - k) // s + 1`` positions on an axis.
    Fails with: as every op; :class:`ShapeMismatch` also where no window fits;
        :class:`RequirementNotMet` for a kernel or a stride of 0.
    Raises: ValueError: a number is negative, or larger than any array.
    Gradient: :func:`fold` of ``g``: added up where windows overlap, dropped at padding.
    Lean: the sums of ``Tape.conv``. PyTorch: ``torch.nn.functional.unfold``, which
        flattens each window with the channels, and the positions. JAX:
        ``jax.lax.conv_general_dilated_patches``, which flattens each window with the
        channels.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> pairs = leaf(np.array([1.0, 2.0, 3.0])).bind(lambda x: windows(x, (2,)))
    >>> pairs.bind(value_of).eval().unwrap().tolist()
    [[1.0, 2.0], [2.0, 3.0]]
    """
    check_shape(kernel, "windows, kernel")
    check_extents("windows", stride=stride, padding=padding)
    return record_op(Windows(kernel, stride, padding), (x,))


@final
@dataclass(frozen=True, slots=True)
class Fold(Op):
    """Windows added up where they came from."""

    name = "fold"

    spatial: tuple[int, ...]
    stride: Extents
    padding: Extents

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        rank = len(self.spatial)
        at = len(x) - 2 * rank
        stride, padding = self.per_axis(x)
        kernel, counts = x[at:][:rank], x[at:][rank:]
        geometry = self.spatial, kernel, stride, padding
        if at < 0 or counts != positions(self.name, *geometry, x):
            wants = f"(..., *kernel, *positions), all that fit over {self.spatial}"
            raise wrong_shapes(self.name, x, wants=wants)
        return (*x[:at], *self.spatial)

    def per_axis(self, *inputs: Shape) -> tuple[Shape, Shape]:
        """Return stride and padding for each spatial axis."""
        return strides_and_pads(self, len(self.spatial), *inputs)

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return xp.fold(x, self.spatial, *self.per_axis(x.shape))


def fold(
    x: NodeId, spatial: tuple[int, ...], *, stride: Extents = 1, padding: Extents = 0
) -> TapeM[NodeId, Any]:
    """
    Add windows up where :func:`windows` takes them from axes of extents ``spatial``.

    For ``stride`` and ``padding`` see :func:`windows`.

    Shapes: ``x``: ``(..., *kernel, *positions)``, with all positions that fit; result:
        ``(..., *spatial)``.
    Fails with: as :func:`windows`.
    Raises: as :func:`windows`.
    Gradient: :func:`windows` of ``g``.
    Lean: the sums of ``Tape.convTranspose``. PyTorch: ``torch.nn.functional.fold``, of
        flattened windows and positions. JAX: the transpose of
        ``jax.lax.conv_general_dilated_patches``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> total = leaf(np.ones((2, 2))).bind(lambda x: fold(x, (3,)))
    >>> total.bind(value_of).eval()
    <Success: [1. 2. 1.]>
    """
    check_shape(spatial, "fold, spatial")
    check_extents("fold", stride=stride, padding=padding)
    return record_op(Fold(spatial, stride, padding), (x,))


def positions(
    op: str, spatial: Shape, kernel: Shape, stride: Shape, padding: Shape, *xs: Shape
) -> Shape:
    """
    Count a window's positions, and refuse operands where it has none, as PyTorch does.

    >>> positions("windows", (5, 5), (3, 3), (2, 1), (0, 1), (5, 5))
    (2, 5)
    """
    check_positive(op, kernel, stride)
    counts = window_counts(spatial, kernel, stride, padding)
    if 0 in spatial or 0 in counts:
        pairs = zip(kernel, padding, strict=True)
        least = tuple(max(k - 2 * p, 1) for k, p in pairs)
        raise wrong_shapes(op, *xs, wants=f"spatial extents of at least {least}")
    return counts


def check_positive(op: str, kernel: Shape, stride: Shape) -> None:
    """
    Refuse a kernel or a stride of 0.

    >>> check_positive("conv", (3, 3), (1, 1))
    """
    for what, extents in (("kernel_size", kernel), ("stride", stride)):
        if 0 in extents:
            requirement = f"{what} > 0 on every spatial axis"
            raise Refused(RequirementNotMet(op, requirement))


# Any: an op with a stride and a padding, whatever else.
def strides_and_pads(op: Any, rank: int, *inputs: Shape) -> tuple[Shape, Shape]:
    """
    Return an op's stride and padding for each of its spatial axes.

    >>> strides_and_pads(Windows((2, 2), 1, (0, 1)), 2, (5, 5))
    ((1, 1), (0, 1))
    """
    return (
        per_axis(op.name, "stride", op.stride, rank, *inputs),
        per_axis(op.name, "padding", op.padding, rank, *inputs),
    )


def per_axis(op: str, what: str, extents: Extents, rank: int, *inputs: Shape) -> Shape:
    """
    Return one number for each spatial axis, refusing a tuple of another length.

    >>> per_axis("conv", "stride", 2, 3)
    (2, 2, 2)
    """
    if 2 * rank >= MOST_AXES:  # windows have two axes for each
        wants = f"less than {MOST_AXES // 2} spatial axes"
        raise wrong_shapes(op, *inputs, wants=wants)
    if isinstance(extents, int):
        return (extents,) * rank
    if len(extents) != rank:
        wants = f"{len(extents)} spatial axes, for {what} {extents}"
        raise wrong_shapes(op, *inputs, wants=wants)
    return extents


def check_extents(op: str, **numbers: Extents) -> None:
    """
    Check parameters that are one number for all spatial axes, or a tuple of them.

    >>> check_extents("conv", stride=1, padding=(0, 2))
    >>> check_extents("conv", stride=-1)
    Traceback (most recent call last):
    ...
    ValueError: conv takes a non-negative number for stride, not -1
    """
    for what, extents in numbers.items():
        for number in extents if isinstance(extents, tuple) else (extents,):
            check_int(op, what, number)
            if number < 0:
                raise ValueError(
                    f"{op} takes a non-negative number for {what}, not {number}"
                )
            check_shape((number,))
