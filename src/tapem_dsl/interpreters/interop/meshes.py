"""Arrays on many devices: parameters on each, and rows of a batch shared out."""

from typing import Any, TypeVar

import numpy as np

from tapem_dsl import tree
from tapem_dsl.arguments import check_argument
from tapem_dsl.interpreters.compiled.engines import check_jax

# Any, throughout: arrays of NumPy or JAX, and jax.sharding.Mesh: JAX is an extra.
T = TypeVar("T")


def replicate(values: T, mesh: Any) -> T:
    """
    Put all arrays of a pytree on each device of a mesh, such as parameters.

    What ``jit(..., engine="xla")`` computes of them and of :func:`shard_rows` is
    computed on all devices. Arrays keep their dtype, also float64; numbers of Python
    stay what they are.

    Args:
        values: a pytree; in several processes the same in each.
        mesh: of ``jax.make_mesh``, with axes of the type ``Auto``.

    Raises:
        TypeError: the mesh has explicit axes.

    Source:
        Lean: none. JAX: ``jax.device_put`` with ``PartitionSpec()``.

    >>> import jax, numpy as np
    >>> auto = jax.sharding.AxisType.Auto
    >>> mesh = jax.make_mesh((1,), ("data",), axis_types=(auto,))
    >>> replicate({"w": np.ones(2)}, mesh)["w"].sharding.spec
    P()
    """
    check_jax("replicate")
    _check_mesh("replicate", mesh)
    return _placed(values, mesh, None)


def shard_rows(values: T, mesh: Any, axis: str = "data") -> T:
    """
    Share the rows of all arrays of a pytree out among the devices of a mesh.

    Laws:
        - the mean over all rows is the one that a single device computes, up to the
          order of sums.

    Args:
        values: a pytree of arrays, such as a batch; in several processes the rows of
            this one, and all of them have as many.
        mesh: of ``jax.make_mesh``, with axes of the type ``Auto``.
        axis: the name of the axis of the mesh.

    Raises:
        TypeError: the mesh has explicit axes; a number, which has no rows.
        ValueError: the mesh has no such axis; the rows do not divide among its devices.

    Source:
        Lean: none. JAX: ``jax.device_put`` with ``PartitionSpec("data")``.

    >>> import jax, numpy as np
    >>> auto = jax.sharding.AxisType.Auto
    >>> mesh = jax.make_mesh((1,), ("data",), axis_types=(auto,))
    >>> shard_rows(np.ones((4, 2)), mesh).sharding.spec
    P('data',)
    """
    check_jax("shard_rows")
    check_argument("shard_rows", "axis", axis, str)
    _check_mesh("shard_rows", mesh)
    if axis not in mesh.shape:
        raise ValueError(
            f"shard_rows: the mesh has the axes {', '.join(mesh.shape)}, not {axis!r}"
        )
    return _placed(values, mesh, axis)


def _placed(values: T, mesh: Any, axis: str | None) -> T:
    import jax  # noqa: PLC0415 - an extra
    from jax.sharding import NamedSharding, PartitionSpec  # noqa: PLC0415 - an extra

    from tapem_dsl.interpreters.compiled.xla.devices import (  # noqa: PLC0415 - an extra
        EXPLICIT,
        float64,
        is_explicit,
    )

    if is_explicit(mesh):
        raise TypeError(EXPLICIT)
    spec = PartitionSpec(*([] if axis is None else [axis]))  # type: ignore[no-untyped-call] # of JAX
    sharding = NamedSharding(mesh, spec)

    def leaf(x: Any) -> Any:
        if type(x) in (int, float, bool):
            return x
        if axis is not None:
            _check_rows(x, mesh.local_mesh.shape[axis], axis)
        copy = np.array(x)  # of NumPy's memory a CPU makes no copy
        return jax.make_array_from_process_local_data(sharding, copy)  # type: ignore[no-untyped-call] # of JAX

    with float64():
        return tree.map(leaf, values)


def _check_mesh(owner: str, mesh: object) -> None:
    from jax.sharding import Mesh  # noqa: PLC0415 - an extra

    check_argument(owner, "mesh", mesh, Mesh)


def _check_rows(x: Any, devices: int, axis: str) -> None:
    shape = getattr(x, "shape", ())
    if not shape:
        raise TypeError(
            "shard_rows: a number has no rows; replicate it, or make an array of it"
        )
    if shape[0] % devices:
        raise ValueError(
            f"shard_rows: {shape[0]} rows do not divide among the {devices} devices of "
            f"the axis {axis!r}; leave {shape[0] % devices} out, or add "
            f"{-shape[0] % devices}"
        )
