"""Arrays of JAX whose values are not known yet, as values of a tape."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Never, cast, final

import jax
import numpy as np
from jax import numpy as jnp
from typing_extensions import override

from tapem_dsl.arrays import (
    NO_OPERATOR,
    NUMPY,
    AnyDType,
    Array,
    Namespace,
    Tracer,
    no_function,
)
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.compiled.functions import FUNCTIONS
from tapem_dsl.interpreters.compiled.innermost import Innermost
from tapem_dsl.interpreters.compiled.xla.members import MEMBERS, PROMOTING, promoted

# Any, throughout: arrays of JAX or NumPy, and static arguments.

UNKNOWN: Final = (
    "JAX traces this function, so that its numbers are not known yet: Python code and "
    "NumPy functions may not read them; choose with `where`, or pass what decides the "
    "structure as a static argument"
)


class ValueUnknown(TypeError):
    """Python code reads a value that JAX traces."""

    def __init__(self, message: str = UNKNOWN) -> None:
        super().__init__(message)


@final
class Traced(Tracer):
    """
    An array of JAX as a value of a tape: ops and rules compute with it in JAX.

    Its level is 0: it is inside of every dual and every recorded value.

    >>> x = Traced(jnp.float32(2))
    >>> 3 * x + 1
    Traced(Array(7., dtype=float32))
    """

    __slots__ = ("array",)

    level = 0

    def __init__(self, array: Any) -> None:
        self.array = array

    @property
    @override
    def shape(self) -> Shape:
        return cast(Shape, self.array.shape)

    @property
    @override
    def dtype(self) -> AnyDType:
        dtype: AnyDType = np.dtype(self.array.dtype)
        return dtype

    @property
    def size(self) -> int:
        """The number of entries."""
        size: int = self.array.size
        return size

    @override
    def parts(self) -> tuple[object, ...]:
        return (self.array,)

    @override
    def astype(self, dtype: AnyDType) -> "Traced":
        return Traced(jnp.asarray(self.array, dtype))

    def __repr__(self) -> str:
        return f"Traced({self.array!r})"

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        return (self[i] for i in range(len(self)))

    def _unknown(self, *_: object) -> Never:
        raise ValueUnknown

    def _no_operator(self, *_: object) -> Never:
        raise ValueUnknown(NO_OPERATOR)

    __bool__ = __float__ = __int__ = __index__ = __round__ = _unknown
    __pow__ = __rpow__ = __mod__ = __rmod__ = _no_operator
    __floordiv__ = __rfloordiv__ = __divmod__ = __rdivmod__ = _no_operator
    __matmul__ = __rmatmul__ = __setitem__ = _no_operator

    @override
    def __array__(self, *args: Any, **kwargs: Any) -> Never:
        raise ValueUnknown

    @override
    def __array_function__(
        self, function: Any, types: Any, args: Any, kwargs: Any
    ) -> Never:
        raise ValueUnknown


def raw(x: Any) -> Any:
    """
    Return the array of JAX inside, if it is one.

    >>> raw(Traced(jnp.float32(2))), raw(3)
    (Array(2., dtype=float32), 3)
    """
    return x.array if type(x) is Traced else x


_CONDITIONS: Final[ContextVar[list[Any] | None]] = ContextVar(
    "conditions", default=None
)


@contextmanager
def collecting() -> Iterator[list[Any]]:
    """
    Collect the preconditions of ops, which are not known while JAX traces.

    >>> with collecting() as conditions:
    ...     Traced.namespace.require(lambda x: x > 0, Traced(jnp.ones(2)), print)
    >>> conditions
    [Array(True, dtype=bool)]
    """
    conditions: list[Any] = []
    token = _CONDITIONS.set(conditions)
    try:
        yield conditions
    finally:
        _CONDITIONS.reset(token)


class _Tracing(Innermost):
    """The functions of JAX; what depends on values is what it is of ordinary ones."""

    def __getattr__(self, name: str) -> Callable[..., Traced]:
        if name not in FUNCTIONS:
            raise no_function(name)
        member, promotes = MEMBERS[name], name in PROMOTING

        def call(*operands: Array, **options: Any) -> Traced:
            arrays = [raw(x) for x in operands]
            if promotes:
                arrays = promoted(arrays, [_kind(x) for x in arrays])
            given = {key: raw(x) for key, x in options.items()}
            return Traced(member(*arrays, **given))

        setattr(self, name, call)  # the next time no search is needed
        return call

    def where(self, condition: Array, a: Array, b: Array, /) -> Array:
        arrays = [raw(a), raw(b)]
        arrays = promoted(arrays, [_kind(x) for x in arrays])
        return Traced(jnp.where(raw(condition), *arrays))

    def getitem(self, x: Array, index: Any, /) -> Array:
        _check_index(x, index if isinstance(index, tuple) else (index,))
        return Traced(raw(x)[index])

    def literal(self, x: Array, constant: object, /) -> Array:
        return NUMPY.literal(x, constant)  # it asks for the dtype only

    def holds(self, predicate: Callable[..., Array], /, *arrays: Array) -> bool:
        """Take the ordinary formula; the other is for rows that are almost constant."""
        return True

    def require(self, predicate: Callable[..., Array], x: Array, /, error: Any) -> None:
        conditions = _CONDITIONS.get()
        if conditions is not None:
            conditions.append(jnp.all(raw(predicate(x))))


def _kind(x: Any) -> Any:
    """Return a dtype, or a number of Python if it takes the dtype beside it."""
    if isinstance(x, jax.Array) and x.weak_type:
        return {"f": 1.0, "i": 1, "b": True}[x.dtype.kind]
    return np.dtype(x.dtype) if hasattr(x, "dtype") else x


def _check_index(x: Array, index: tuple[Any, ...]) -> None:
    """Refuse an index out of range, which JAX would clamp."""
    if any(type(part) is Traced for part in index):
        raise ValueUnknown
    before = index[: index.index(Ellipsis)] if Ellipsis in index else index
    axis = 0
    for part in before:
        if isinstance(part, int | np.integer):
            extent = x.shape[axis]
            if not -extent <= part < extent:
                raise IndexError(f"no entry {part} of {extent}")
        axis += part is not None


Traced.namespace = cast(Namespace, _Tracing())
