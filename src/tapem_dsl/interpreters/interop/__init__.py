"""Programs as functions of other libraries: JAX, PyTorch, and StableHLO files."""

from tapem_dsl.interpreters.interop.as_jax import as_jax as as_jax
from tapem_dsl.interpreters.interop.as_torch import as_torch as as_torch
from tapem_dsl.interpreters.interop.export import to_stablehlo as to_stablehlo
from tapem_dsl.interpreters.interop.meshes import replicate as replicate
from tapem_dsl.interpreters.interop.meshes import shard_rows as shard_rows
