"""Vector-Jacobian products of convolution and its transpose."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.rules.linalg import transposed
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.convolution import Conv, ConvTranspose, columns_of, matrix_of
from tapem_dsl.ops.windows import strides_and_pads


@vjp_rules.define(Conv)
def _conv(
    op: Conv, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """To the kernel ``g`` by the windows; to ``x`` the windows of kernels by ``g``."""
    kernel, _, x = xs
    rows = matrix_of(xp, g)
    to_kernel = to_x = None
    if need[0]:
        columns = columns_of(op, xp, kernel, x)
        to_kernel = xp.reshape(xp.matmul(rows, transposed(xp, columns)), kernel.shape)
    if need[2]:
        parts = xp.matmul(transposed(xp, matrix_of(xp, kernel)), rows)
        parts = xp.reshape(parts, (*kernel.shape[1:], *y.shape[1:]))
        at = strides_and_pads(op, x.ndim - 1, x.shape)
        to_x = xp.fold(parts, x.shape[1:], *at)
    return to_kernel, xp.sum(rows, axis=1) if need[1] else None, to_x


@vjp_rules.define(ConvTranspose)
def _conv_transpose(
    op: ConvTranspose, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """To the kernel ``x`` by the windows of ``g``; to ``x`` the kernels by those."""
    kernel, _, x = xs
    to_kernel = to_x = None
    if need[0] or need[2]:
        columns = columns_of(op, xp, kernel, g)
        if need[0]:
            by_window = xp.matmul(matrix_of(xp, x), transposed(xp, columns))
            to_kernel = xp.reshape(by_window, kernel.shape)
        if need[2]:
            to_x = xp.reshape(xp.matmul(matrix_of(xp, kernel), columns), x.shape)
    to_bias = xp.sum(matrix_of(xp, g), axis=1) if need[1] else None
    return to_kernel, to_bias, to_x
