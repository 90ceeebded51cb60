"""What a program can say: what ``TapeM`` wraps and the machine runs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, final

from tapem_dsl.arrays import Array
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.errors import TapeError
from tapem_dsl.ids import NodeId
from tapem_dsl.messages import Description
from tapem_dsl.tape.op import Op

if TYPE_CHECKING:
    from tapem_dsl.program.tapem import TapeM

# Any, throughout: an instruction is the untyped inside of a program; the types stand on
# TapeM and on the functions that build programs.


class Instruction(Description, frozen=True, eq=False):
    """
    A description, compared part by part and never a bare closure.

    The garbage collector does walk instructions, unlike nodes: they nest, and freeing a
    deep nest of structs that it does not track overflows the C stack.

    >>> Pure(3)
    Pure(3)
    """

    def __repr__(self) -> str:
        parts = (repr(getattr(self, name)) for name in self.__struct_fields__)
        return f"{type(self).__name__}({', '.join(parts)})"


@final
class Pure(Instruction, frozen=True, eq=False):
    """Give a value; leave the tape alone."""

    value: Any


@final
class Leaf(Instruction, frozen=True, eq=False, gc=False):
    """Append a node without parents."""

    value: Array
    name: str | None
    requires_grad: bool


@final
class Record(Instruction, frozen=True, eq=False, gc=False):
    """Append the node that an op makes from other nodes, of a shape if one is given."""

    op: Op
    ids: tuple[NodeId, ...]
    shape: Shape | None


@final
class Read(Instruction, frozen=True, eq=False):
    """Compute ``function(tape, *args)``, a ``Result``, from the tape so far."""

    function: Callable[..., Any]
    args: tuple[Any, ...]


@final
class Extend(Instruction, frozen=True, eq=False):
    """Compute ``function(tape, *args)``, a ``Result`` of a value and a longer tape."""

    function: Callable[..., Any]
    args: tuple[Any, ...]


@final
class Throw(Instruction, frozen=True, eq=False):
    """Fail."""

    error: TapeError


@final
class Map(Instruction, frozen=True, eq=False):
    """Run a program, then a function of its value."""

    program: "TapeM[Any, Any]"
    function: Callable[[Any], Any]


@final
class Ap(Instruction, frozen=True, eq=False):
    """Run a program, then the program of a function; apply the one to the other."""

    program: "TapeM[Any, Any]"
    function: "TapeM[Any, Any]"


@final
class Bind(Instruction, frozen=True, eq=False):
    """Run a program, then the program that a function makes of its value."""

    program: "TapeM[Any, Any]"
    function: Callable[[Any], "TapeM[Any, Any]"]


@final
class Block(Instruction, frozen=True, eq=False):
    """Run a do-block: the decorated function, so that a block pickles by its name."""

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
    """Run a program; if it fails, run the handler's program on the tape at entry."""

    program: "TapeM[Any, Any]"
    handler: Callable[[TapeError], "TapeM[Any, Any]"]
