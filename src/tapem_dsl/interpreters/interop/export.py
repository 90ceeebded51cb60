"""A program as a file of StableHLO, which runs where this library is not."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from tapem_dsl.arguments import check_argument, items_of
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.compiled.engines import check_jax
from tapem_dsl.program.checks import function_argument
from tapem_dsl.program.tapem import TapeM

# Any, throughout: pytrees of arrays, and programs of any scalar type.

PLATFORMS: Final = ("cpu", "cuda", "rocm", "tpu")
"""Where an artefact can run."""


def to_stablehlo(
    program_of: Callable[..., TapeM[NodeId, Any]],
    parameters: Any,
    /,
    *inputs: Any,
    platforms: Sequence[str] = ("cpu", "cuda", "tpu"),
    batch: str | None = None,
) -> bytes:
    """
    Export a program as an artefact of ``jax.export``: StableHLO for several platforms.

    ``jax.export.deserialize(artefact).call(*leaves)`` runs it, in a process without
    this library: the leaves are those of the parameters, then the arrays among the
    inputs, in the order of :func:`tapem_dsl.tree.flatten`. Precision is that of the
    arrays here.

    Args:
        program_of: as :func:`as_jax` takes it.
        parameters: a pytree of arrays, of which shapes and dtypes count.
        inputs: pytrees; what is no array among them, such as a count, is static.
        platforms: where it shall run: of ``cpu``, ``cuda``, ``rocm`` and ``tpu``.
        batch: the name of an extent that may differ from call to call: the first axis
            of each input. The program takes it from a shape, for ``len`` needs a
            number.

    Fails with:
        As :func:`as_jax`: NaN where a precondition fails.

    Raises:
        TypeError: the program needs a number where the extent is not known.
        UnwrapFailedError: what the program fails with.
        ModuleNotFoundError: the extra ``xla`` is not installed.

    Source:
        Lean: none. JAX: ``jax.export.export``. PyTorch: ``torch.export``.

    >>> import numpy as np
    >>> from tapem_dsl import mul
    >>> artefact = to_stablehlo(lambda x: mul(x, x), np.ones(3), platforms=["cpu"])
    >>> type(artefact)
    <class 'bytes'>
    """
    function_argument(program_of, "to_stablehlo", "program_of")
    chosen = items_of("to_stablehlo", "platforms", platforms, str)
    if isinstance(platforms, str) or not chosen:
        raise TypeError(
            "to_stablehlo takes names for platforms, such as ('cpu',), "
            f"not {platforms!r}"
        )
    for name in chosen:
        check_argument("to_stablehlo", "platforms", name, PLATFORMS)
    if batch is not None:
        check_argument("to_stablehlo", "batch", batch, str)
    check_jax("to_stablehlo")
    from tapem_dsl.interpreters.interop import artefacts  # noqa: PLC0415 - an extra

    return artefacts.exported(program_of, parameters, inputs, chosen, batch)
