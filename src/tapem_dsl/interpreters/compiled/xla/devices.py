"""Arrays of JAX: what they hold, and how they lie on devices."""

from functools import partial
from typing import Any, Final

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, NamedSharding, PartitionSpec

# Any, throughout: arrays of JAX or NumPy.

float64: Final = partial(jax.enable_x64, True)  # noqa: FBT003 - as JAX has it
"""Within ``with float64():`` JAX computes in float64; the user's flag stays."""

with float64():
    JAX_ARRAYS: Final = frozenset({type(jax.numpy.zeros(()))})
    """The type of an array of JAX that holds values."""

EXPLICIT: Final = (
    "an argument lies on a mesh with explicit axes, over which not every function is "
    "defined; make the mesh with axis_types=(jax.sharding.AxisType.Auto, ...)"
)


def to_numpy(x: Any) -> Any:
    """
    Return the values of an array; of one that other processes hold parts of, too.

    >>> to_numpy(jax.numpy.float32(2))
    np.float32(2.0)
    """
    if type(x) not in JAX_ARRAYS:
        return x
    if not (x.is_fully_addressable or x.is_fully_replicated):
        x = multihost_utils.process_allgather(x, tiled=True)
    values = np.asarray(x)
    return values if values.ndim else values[()]


def place_of_results(x: Any) -> Any:
    """
    Return where results lie beside an array: each in whole on all of its devices.

    >>> place_of_results(jax.numpy.float32(2)).device_set == {jax.devices()[0]}
    True
    """
    if isinstance(x.sharding, NamedSharding):
        return NamedSharding(x.sharding.mesh, PartitionSpec())  # type: ignore[no-untyped-call] # of JAX
    return x.sharding


def has_explicit_axes(x: Any) -> bool:
    """
    Return whether an array lies on a mesh whose axes are part of its type.

    >>> has_explicit_axes(jax.numpy.float32(2))
    False
    """
    sharding = getattr(x, "sharding", None)
    return isinstance(sharding, NamedSharding) and is_explicit(sharding.mesh)


def is_explicit(mesh: Any) -> bool:
    """
    Return whether axes of a mesh are part of the types of its arrays.

    >>> is_explicit(jax.make_mesh((1,), ("data",)))
    True
    """
    return AxisType.Explicit in mesh.axis_types
