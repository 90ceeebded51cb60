"""An instance of each op of the vocabulary, for random programs."""

from dataclasses import fields
from fractions import Fraction
from typing import Any, Final

from tapem_dsl import ops
from tapem_dsl.tape.op import Op

# Any: the static parameters of any op.
_PARAMETERS: Final[dict[str, tuple[Any, ...]]] = {
    "scale": (Fraction(-3, 4),),
    "shift_by": (Fraction(1, 2),),
    "clamp": (-1, Fraction(3, 2)),
    "safe_log": (Fraction(1, 1_000_000),),
    "softmax": (0,),
    "log_softmax": (0,),
    "huber_loss": (Fraction(3, 2),),
    "multi_head_attention": (2, None),
    "layer_norm": (Fraction(1, 2),),
    "batch_norm": (Fraction(1, 2),),
    "reduce_sum": (0,),
    "reduce_mean": (-1,),
    "reshape": ((3, 2),),
    "permute": ((1, 0),),
    "swapAdjacentAtDepth": (0,),
    "broadcastTo": ((2, 3),),
    "concat_leading_axis": (0,),
    "slice": (0, 1, -1),
    "embed": (1, 4, 0),
    "select": (-1, 0),
    "index_select": ((1, 0, 1), 0),
    "scatter_add": ((1, 0), 0),
    "gather": (0,),
    "index_add": (0,),
    "windows": ((2,), 1, 0),
    "fold": ((3,), 1, 0),
    "conv": (1, 1),
    "conv_transpose": (1, 0),
    "max_pool": (2, 1, 0),
    "avg_pool": (2, 1, 0),
    "smooth_max_pool": (2, 1, 0, Fraction(3, 2)),
}
"""The parameters of the ops that have some, by TorchLean's names."""

SAMPLE_OPS: Final[tuple[Op, ...]] = tuple(
    kind(*_PARAMETERS[kind.name] if fields(kind) else ())  # type: ignore[arg-type] # a dataclass
    for kind in ops.ALL
)
"""
One op of each class of the vocabulary, in the order of ``ops.ALL``.

>>> SAMPLE_OPS[0]
Add()
"""
