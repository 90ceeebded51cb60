"""What runs the plans of ``jit``: NumPy, or XLA."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import Any, ClassVar, TypeAlias, final

import numpy as np
from typing_extensions import override

from tapem_dsl.interpreters.compiled.lowering import lowered, owned
from tapem_dsl.interpreters.compiled.plan import Plan, Slot

# Any, throughout: arrays of NumPy or of another library, and functions of them.

SafeRunner: TypeAlias = Callable[..., list[Any] | int | str]
"""From inputs to outputs, the number of a check that failed, or what was raised."""


def check_jax(who: str) -> None:
    """
    Check that JAX is installed.

    Raises:
        ModuleNotFoundError: it is not; the message says how to get it.

    >>> check_jax("as_jax")
    """
    if find_spec("jax") is None:
        raise ModuleNotFoundError(f"{who} needs JAX: pip install 'tapem_dsl[xla]'")


class Engine(ABC):
    """
    An engine of :func:`~tapem_dsl.jit`; unless it says otherwise, over NumPy's arrays.

    >>> NumpyEngine().name
    'numpy'
    """

    name: ClassVar[str]

    gives_noted_bits: ClassVar[bool]
    """Whether a plan that is not rolled up computes the bits that were noted."""

    @property
    def arrays(self) -> frozenset[type]:
        """The types of arrays that it takes beside NumPy's."""
        return frozenset()

    @abstractmethod
    def lowered(
        self,
        plan: Plan,
        outputs: Sequence[Slot],
        inputs: Sequence[Any],
        donated: Collection[Slot],
    ) -> SafeRunner:
        """Make the function that runs a plan on inputs like these."""

    def to_numpy(self, x: Any) -> Any:
        """Return the values of an input, for a plan to note."""
        return x

    def from_noted(self, value: Any, inputs: Sequence[Any]) -> Any:
        """Return a value that was noted as a plan on such inputs returns it."""
        return owned(value, foreign=True)

    def noting(self) -> AbstractContextManager[object]:
        """Enter what holds while a plan is noted."""
        return nullcontext()

    def run_eagerly(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Run a function as it is."""
        return function(*args, **kwargs)


@final
class NumpyEngine(Engine):
    """
    Generated Python over NumPy's functions.

    >>> NumpyEngine().arrays
    frozenset()
    """

    name = "numpy"
    gives_noted_bits = True

    @override
    def lowered(
        self,
        plan: Plan,
        outputs: Sequence[Slot],
        inputs: Sequence[Any],
        donated: Collection[Slot],
    ) -> SafeRunner:
        run = lowered(plan, outputs)

        def safely(*given: Any) -> list[Any] | int | str:
            with np.errstate(all="ignore"):
                try:
                    return run(*given)
                except Exception as error:  # noqa: BLE001 - the function says what is wrong
                    return f"the plan raised {type(error).__name__}"

        return safely
