"""Plans on XLA, through JAX: the engine of ``jit(f, engine="xla")``."""

from tapem_dsl.interpreters.compiled.xla.engine import XlaEngine as XlaEngine
