"""The instructions that ``TapeM`` wraps and the machine runs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, final

from tapem_dsl.arrays import Array
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.errors import TapeError
from tapem_dsl.ids import NodeId
from tapem_dsl.messages import Description, written
from tapem_dsl.tape.op import Op

if TYPE_CHECKING:
    from tapem_dsl.program.tapem import TapeM

# Any, throughout: instructions are untyped; TapeM and the functions that build programs
# have the types.


class Instruction(Description, frozen=True, eq=False):
    """
    The base of instructions: plain data, which is compared field by field.

    The garbage collector tracks instructions whose fields hold programs: without it,
    freeing a deeply nested program would overflow the C stack. It does not track
    ``Leaf`` and ``Record``.

    >>> Pure(3)
    Pure(3)
    """

    def __repr__(self) -> str:
        parts = (written(getattr(self, name)) for name in self.__struct_fields__)
        return f"{type(self).__name__}({', '.join(parts)})"


@final
class Pure(Instruction, frozen=True, eq=False):
    """Return a value; leave the tape unchanged."""

    value: Any


@final
class Leaf(Instruction, frozen=True, eq=False, gc=False):
    """Append a node without parents."""

    value: Array
    name: str | None
    requires_grad: bool


@final
class Record(Instruction, frozen=True, eq=False, gc=False):
    """Append the node of an op over other nodes; check its shape if one is given."""

    op: Op
    ids: tuple[NodeId, ...]
    shape: Shape | None


@final
class Read(Instruction, frozen=True, eq=False):
    """
    Call ``function(tape, *args)``, which returns a ``Result`` of a value.

    ``values`` is false if the function reads no value of a node.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    values: bool = True


@final
class Extend(Instruction, frozen=True, eq=False):
    """Call ``function(tape, *args)``, a ``Result`` of a value and a longer tape."""

    function: Callable[..., Any]
    args: tuple[Any, ...]


@final
class Throw(Instruction, frozen=True, eq=False):
    """Fail."""

    error: TapeError


@final
class Map(Instruction, frozen=True, eq=False):
    """Run a program, then apply a function to its value."""

    program: "TapeM[Any, Any]"
    function: Callable[[Any], Any]


@final
class Ap(Instruction, frozen=True, eq=False):
    """Run a program, then that of a function; apply the function to the value."""

    program: "TapeM[Any, Any]"
    function: "TapeM[Any, Any]"


@final
class Bind(Instruction, frozen=True, eq=False):
    """Run a program, then the program that a function returns for its value."""

    program: "TapeM[Any, Any]"
    function: Callable[[Any], "TapeM[Any, Any]"]


@final
class Block(Instruction, frozen=True, eq=False):
    """Run a do-block. ``function`` is the decorated one, so that it pickles by name."""

    function: Callable[..., "TapeM[Any, Any]"]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@final
class FoldM(Instruction, frozen=True, eq=False):
    """Run ``step(accumulator, item)`` for each item from the left."""

    step: Callable[[Any, Any], "TapeM[Any, Any]"]
    init: Any
    items: tuple[Any, ...]


@final
class Lash(Instruction, frozen=True, eq=False):
    """Run a program; if it fails, run the handler's program on the tape before it."""

    program: "TapeM[Any, Any]"
    handler: Callable[[TapeError], "TapeM[Any, Any]"]
