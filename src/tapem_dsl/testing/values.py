"""Two values that differ, in texts that show the difference, to the last bit."""

from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.messages import short_repr
from tapem_dsl.program.instruction import Instruction
from tapem_dsl.program.spine import show
from tapem_dsl.program.tapem import TapeM, program
from tapem_dsl.tape.equality import same
from tapem_dsl.tape.node import Node, summary, summary_of_value
from tapem_dsl.testing.difference import NOTHING, Call

# Any, throughout: values of any type, and arrays of any scalar type.


def side_by_side(left: object, right: object) -> str:
    """
    Return the texts of two values below each other, and what differs between them.

    >>> print(side_by_side(0.1 + 0.2, 0.3))
      left:  0.30000000000000004 = 0x1.3333333333334p-2
      right: 0.3 = 0x1.3333333333333p-2
      the numbers are 1 ulp apart
    """
    texts = text_of(left), text_of(right)
    note = _note(left, right)
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        texts, note = _texts_of_arrays(left, right)
    elif texts[0] == texts[1] and type(left) is not type(right):
        texts = _with_type(left, texts[0]), _with_type(right, texts[1])
    lines = [f"  left:  {texts[0]}", f"  right: {texts[1]}"]
    return "\n".join(lines + [f"  {note}"] * bool(note))


def text_of(x: object) -> str:
    """
    Return the text of one value; of floats also the bits, of functions the place.

    >>> text_of(1.5), text_of(None)
    ('1.5 = 0x1.8000000000000p+0', 'None')
    """
    if isinstance(x, (float, np.floating)):
        return _text_of_float(x)
    if isinstance(x, TapeM):
        return show(x)
    if isinstance(x, Call):
        return f".{x.method}({_text_of_part(x.argument)})"
    if isinstance(x, Instruction):
        return show(program(x))
    if isinstance(x, Node):
        flag = "" if x.requires_grad else ", frozen"
        return f"{summary(x)} of value {summary_of_value(x.value)}{flag}"
    return _text_of_part(x)


def _text_of_part(x: object) -> str:
    if isinstance(x, TapeM):
        return show(x)
    if isinstance(x, partial):
        parts = [f"{name}={short_repr(value)}" for name, value in x.keywords.items()]
        parts = [text_of(x.func), *map(short_repr, x.args), *parts]
        return f"partial({', '.join(parts)})"
    name, place = getattr(x, "__qualname__", None), _place(x)
    if isinstance(name, str) and callable(x):
        return name.rpartition("<locals>.")[2] + place
    return short_repr(x)


def _text_of_float(x: Any) -> str:
    """Write a float so that no other float of its type has this text."""
    kind = "" if type(x) is float else f"{type(x).__name__} "
    if type(x) is np.longdouble:
        return f"{kind}{x!s}"
    return f"{kind}{x!s} = {float(x).hex()}"


def _with_type(x: object, text: str) -> str:
    kind = type(x)
    return f"{text} of type {kind.__module__}.{kind.__qualname__}"


def _place(x: Any) -> str:
    """Return the file and line of a function that has no name of its own."""
    code = getattr(getattr(x, "__wrapped__", x), "__code__", None)
    if code is None or not _is_inner(x):
        return ""
    return f" ({code.co_filename.rpartition('/')[2]}, line {code.co_firstlineno})"


def _is_inner(function: Any) -> bool:
    """Whether a function is a lambda, or made by a call of another one."""
    name = function.__qualname__
    return "<lambda>" in name or "<locals>" in name


# -- arrays ----------------------------------------------------------------------------


def _texts_of_arrays(a: NDArray[Any], b: NDArray[Any]) -> tuple[tuple[str, str], str]:
    if a.shape != b.shape:
        return (f"shape {a.shape}", f"shape {b.shape}"), "the shapes differ"
    if a.dtype != b.dtype:
        texts = f"dtype {a.dtype}: {short_repr(a)}", f"dtype {b.dtype}: {short_repr(b)}"
        return texts, "the dtypes differ"
    differing = [i for i in np.ndindex(a.shape) if not same(a[i], b[i])]
    if not differing:  # the types of the arrays differ
        return (short_repr(a), short_repr(b)), "the types of the arrays differ"
    at = differing[0]
    entry = f"entry {list(at)}: " if at else ""
    texts = entry + text_of(a[at]), entry + text_of(b[at])
    count = f"{len(differing)} of {a.size} entries differ"
    note = _note(a[at], b[at])
    if not at:
        return texts, note
    return texts, f"{count}; at the first {note}" if note else count


# -- what differs ----------------------------------------------------------------------


def _note(a: Any, b: Any) -> str:
    """Return a sentence about how two values differ that their texts do not show."""
    if a is NOTHING or b is NOTHING:
        side = "left" if a is NOTHING else "right"
        return f"the {side} side ends here"
    if isinstance(a, Call) and isinstance(b, Call) and a.method == b.method:
        return _note(a.argument, b.argument)
    if type(a) is not type(b):
        return _note_on_types(a, b)
    if isinstance(a, (float, np.floating)):
        return _note_on_floats(a, b)
    return _note_on_functions(a, b) if callable(a) and not isinstance(a, type) else ""


def _note_on_types(a: Any, b: Any) -> str:
    if isinstance(a, np.generic) and isinstance(b, np.generic):
        return f"the dtypes differ: {a.dtype} and {b.dtype}"
    if callable(a) and callable(b):
        return f"the types differ: {type(a).__name__} and {type(b).__name__}"
    try:
        equal = bool(a == b)
    except Exception:  # noqa: BLE001 - user code may raise anything
        equal = False
    types = f"{type(a).__name__} and {type(b).__name__}"
    return f"equal by Python's ==, of different types: {types}" if equal else ""


def _note_on_floats(a: Any, b: Any) -> str:
    if a == b:
        return "the numbers are equal, the signs of zero differ"
    if not (np.isfinite(a) and np.isfinite(b)):
        return ""
    with np.errstate(all="ignore"):
        ulps = abs(a - b) / np.spacing(min(abs(a), abs(b)))
    if ulps > _FEW_ULPS:
        return ""
    return f"the numbers are {round(float(ulps))} ulp apart"


_FEW_ULPS: Final = 1000

BY_IDENTITY: Final = (
    "functions are compared by identity, and each evaluation of a lambda or def makes\n"
    "  another one; write functools.partial(f, x) of one function f instead"
)
"""What to write in place of closures, so that equal programs are ``==``."""


def _note_on_functions(a: Any, b: Any) -> str:
    """Return why two functions differ, and which captured variables do."""
    code, other = getattr(a, "__code__", None), getattr(b, "__code__", None)
    if code is None or other is None or not (_is_inner(a) or _is_inner(b)):
        return ""
    if code is not other:
        same_text = code.co_code == other.co_code and code.co_consts == other.co_consts
        head = "two functions of one text" if same_text else "two functions"
        return f"{head};\n  {BY_IDENTITY}"
    captured = [
        f"{name} = {short_repr(_content(x))} and {short_repr(_content(y))}"
        for name, x, y in zip(
            code.co_freevars, a.__closure__ or (), b.__closure__ or (), strict=True
        )
        if not same(_content(x), _content(y))
    ]
    alike = "one text evaluated twice, with equal captured variables"
    unlike = f"one text evaluated twice, with {', '.join(captured)}"
    return f"{unlike if captured else alike};\n  {BY_IDENTITY}"


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return NOTHING
