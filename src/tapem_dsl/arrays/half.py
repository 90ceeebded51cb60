"""Half precision: float16 is kept, float32 computed with, as PyTorch does."""

from typing import Final

import numpy as np

from tapem_dsl.arrays.namespace import Array

HALF: Final = np.dtype(np.float16)
SINGLE: Final = np.dtype(np.float32)


def widened(x: Array) -> Array:
    """
    Return what an op or a rule computes with: float32 in place of float16.

    >>> widened(np.float16(0.5)), widened(np.int64(3))
    (np.float32(0.5), np.int64(3))
    """
    return x.astype(SINGLE) if x.dtype == HALF else x


def narrowed(x: Array) -> Array:
    """
    Round what came of it, once; beyond 65,504 that is inf.

    >>> narrowed(np.float32(0.1)), narrowed(np.bool_(True))
    (np.float16(0.1), np.True_)
    """
    return x.astype(HALF) if getattr(x, "dtype", None) == SINGLE else x
