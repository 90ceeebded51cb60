"""Multi-head self-attention."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, check_int, operands, possible, wrong_shapes
from tapem_dsl.errors import EmptyAxis, Refused
from tapem_dsl.ids import NodeId
from tapem_dsl.messages import short_repr
from tapem_dsl.ops.shapes import exchanged
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op


@final
@dataclass(frozen=True, slots=True)
class Attention(Op):
    """Each token's mean of all tokens' values, weighted by the softmax of scores."""

    name = "multi_head_attention"
    recorded_by = "attention"

    contribution_order = (4, 0, 1, 2, 3)

    heads: int
    mask: NDArray[np.bool_] | None

    @override
    def shape(self, *inputs: Shape) -> Shape:
        wq, wk, wv, wo, x = operands(self.name, inputs, 5)
        match x, wq:
            case (n, model), (rows, width) if (
                rows == model
                and wq == wk == wv
                and wo == (width, model)
                and width % self.heads == 0
                and (self.mask is None or self.mask.shape == (n, n))
                and possible((self.heads, n, max(n, model)))
            ):
                if n == 0:
                    raise Refused(EmptyAxis(self.name, 0, x))
                return x
        wants = f"(d, w) three times, (w, d) and (n, d), where {self.heads} divides w"
        if self.mask is not None:
            wants += f", and a mask of shape (n, n), not {self.mask.shape}"
        raise wrong_shapes(self.name, *inputs, wants=wants)

    def __post_init__(self) -> None:
        """Keep a read-only copy of the mask."""
        if self.mask is not None and self.mask.flags.writeable:
            mask = np.array(self.mask)
            mask.setflags(write=False)
            object.__setattr__(self, "mask", mask)

    # Any: as pickle has it.
    def __reduce__(self) -> tuple[Any, ...]:
        """Copy by the constructor, so that the copy's mask is read-only too."""
        return Attention, (self.heads, self.mask)

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        _, _, wv, wo, x = inputs
        weights = scored(self, xp, inputs).weights
        values = by_head(self, xp, xp.matmul(x, wv), x, wv)
        return xp.matmul(together(xp, xp.matmul(weights, values), x, wv), wo)


class Scored(NamedTuple):
    """What attention computes of queries and keys, by head."""

    queries: Array
    """Already divided by the root of the head's width."""

    keys: Array
    weights: Array


def scored(op: Attention, xp: Namespace, inputs: tuple[Array, ...]) -> Scored:
    """
    Compute queries, keys and the weights that each token gives to all tokens.

    >>> from tapem_dsl.arrays import NUMPY
    >>> one = np.ones((1, 1))
    >>> scored(Attention(1, None), NUMPY, (one,) * 5).weights.tolist()
    [[[1.0]]]
    """
    wq, wk, _, _, x = inputs
    queries, keys = (by_head(op, xp, xp.matmul(x, w), x, w) for w in (wq, wk))
    queries = queries * xp.literal(x, shrinkage(op, wq))
    scores = xp.matmul(queries, exchanged(xp, keys, 1))
    return Scored(queries, keys, weights_of(xp, scores, op.mask))


def shrinkage(op: Attention, w: Array) -> float:
    """
    Return one over the root of a head's width, or 1 if that width is 0.

    >>> shrinkage(Attention(2, None), np.ones((3, 8)))
    0.5
    """
    return 1 / math.sqrt(w.shape[1] // op.heads or 1)


def by_head(op: Attention, xp: Namespace, columns: Array, x: Array, w: Array) -> Array:
    """
    Split the columns of ``x @ w`` into heads, which become the first axis.

    >>> from tapem_dsl.arrays import NUMPY
    >>> columns = np.array([[1, 2], [3, 4]])
    >>> by_head(Attention(2, None), NUMPY, columns, columns, columns).tolist()
    [[[1], [3]], [[2], [4]]]
    """
    apart = (x.shape[0], op.heads, w.shape[1] // op.heads)
    return xp.permute_dims(xp.reshape(columns, apart), (1, 0, 2))


def together(xp: Namespace, heads: Array, x: Array, w: Array) -> Array:
    """
    Put heads side by side again, as columns of ``x @ w``.

    >>> from tapem_dsl.arrays import NUMPY
    >>> x = np.ones((2, 2))
    >>> together(NUMPY, np.array([[[1], [3]], [[2], [4]]]), x, x).tolist()
    [[1, 2], [3, 4]]
    """
    return xp.reshape(xp.permute_dims(heads, (1, 0, 2)), (x.shape[0], w.shape[1]))


def weights_of(xp: Namespace, scores: Array, mask: NDArray[np.bool_] | None) -> Array:
    """
    Compute the softmax of each row over what the mask allows; 0 if it allows nothing.

    >>> from tapem_dsl.arrays import NUMPY
    >>> mask = np.array([[True, False], [False, False]])
    >>> weights_of(NUMPY, np.ones((2, 2)), mask).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    if mask is None:
        return xp.softmax(scores)
    some = mask.any(axis=-1, keepdims=True)
    allowed = xp.where(mask | ~some, scores, xp.literal(scores, -math.inf))
    return xp.where(mask, xp.softmax(allowed), 0)


def attention(  # noqa: PLR0913 - Lean's five operands, and two parameters
    wq: NodeId,
    wk: NodeId,
    wv: NodeId,
    wo: NodeId,
    x: NodeId,
    *,
    heads: int,
    mask: NDArray[np.bool_] | None = None,
) -> TapeM[NodeId, Any]:
    r"""
    Multi-head self-attention over the tokens of one sequence, without biases.

    .. math:: y = \mathrm{concat}_h(\mathrm{softmax}(Q_h K_h^T / \sqrt{d_h}) V_h) W_o

    Args:
        wq: makes the queries ``x @ wq``.
        wk: makes the keys ``x @ wk``.
        wv: makes the values ``x @ wv``.
        wo: makes the result of all heads' means of values.
        x: the tokens, one a row.
        heads: how many heads share the columns, in order.
        mask: truth values for all heads: row ``i`` says which tokens token ``i`` may
            attend to. If that is none, its result is 0.

    Shapes: ``wq``, ``wk`` and ``wv``: ``(d, heads * dh)``; ``wo``: ``(heads * dh, d)``;
        ``x``: ``(n, d)`` with ``n > 0``; ``mask``: ``(n, n)``; result: ``(n, d)``.
    Fails with: as every op; :class:`ShapeMismatch` also for a mask; :class:`EmptyAxis`
        without tokens; :class:`OutsideDomain` over rationals.
    Raises: ValueError: ``heads`` is less than 1.
    Gradient: through both products and the softmax; a node that is several operands at
        once receives its parts in the order ``x wq wk wv wo``.
    Cost: the rule computes the weights again, ``heads * n * n`` of them.
    Source: Vaswani et al., arXiv:1706.03762.
    Lean: ``TapeM.attention``. PyTorch:
        ``torch.nn.functional.scaled_dot_product_attention`` between four products; a
        boolean ``attn_mask`` has the same meaning, and recent versions also give 0 for
        a row that allows nothing. JAX: ``jax.nn.dot_product_attention`` between four
        products.

    >>> from tapem_dsl import leaf, value_of
    >>> one = leaf(np.array([[1.0]]))
    >>> one.bind(lambda a: attention(a, a, a, a, a, heads=1)).bind(value_of).eval()
    <Success: [[1.]]>
    """
    check_int("attention", "heads", heads)
    if heads < 1:
        raise ValueError(f"attention takes at least one head, not {heads}")
    if mask is not None:
        if getattr(mask, "dtype", None) != np.bool_ or hasattr(mask, "mask"):
            raise TypeError(
                "attention takes a NumPy array of truth values for mask, "
                f"not {short_repr(mask)}"
            )
        mask = np.array(mask)
    return record_op(Attention(heads, mask), (wq, wk, wv, wo, x))
