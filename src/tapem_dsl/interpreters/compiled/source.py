"""Source of a function over bare arrays: one line for each call of a plan."""

from collections.abc import Callable, Collection, Iterable, Sequence
from math import prod
from typing import Any, Final

import numpy as np

from tapem_dsl.arrays import AnyArray, AnyDType
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.arrays.sums import FEW, LONG
from tapem_dsl.interpreters.compiled.functions import FILLED, FUNCTIONS, OPERATORS
from tapem_dsl.interpreters.compiled.plan import (
    Argument,
    Call,
    Plan,
    Scan,
    Slot,
    slice_of,
)

DOUBLE: Final = np.dtype(np.float64)


class Lines:
    """Source of one function, a line a call, and what its names mean."""

    def __init__(self, plan: Plan, same: list[Slot], *, packed: bool = False) -> None:
        self.plan = plan
        self.same = same
        self.packed = {slot: i for i, slot in enumerate(plan.inputs) if packed}
        # a line: the value that it makes if any, its text, the values that it reads
        self.lines: list[tuple[Slot | None, str, list[Slot]]] = []
        self.names: dict[str, Any] = {"_f64": np.float64, "_stacked": stacked}
        self.bound: dict[object, str] = {}
        self.floats: set[Slot] = set()  # those that are Python floats

    def bind(self, key: object, value: object) -> str:
        """Name a constant of the source."""
        if key not in self.bound:
            self.bound[key] = f"_{len(self.bound)}"
            self.names[self.bound[key]] = value
        return self.bound[key]

    def call(self, slot: Slot, scanned: Callable[[Scan], Any]) -> None:
        """Write the line of one call, and compile those of a loop."""
        call = self.plan.calls[slot]
        name = call.function
        if isinstance(name, Scan):
            call = call._replace(function=scanned(name))
        if slot in self.packed:
            text = f"A[{self.packed[slot]}]"
            if is_double(call):
                self.floats.add(slot)
                text = f"float({text})"
            self.lines.append((slot, text, []))
            return
        if name == "input":
            if is_double(call):
                self.floats.add(slot)
            return
        if name == "constant" or name in FILLED:
            self.constant(slot, call)
            return
        text = self.text(slot, call)
        if is_double(call) and slot not in self.floats:
            self.floats.add(slot)
            text = f"float({text})"
        read = [self.same[x] for x in call.slots()]
        if name == "stack" and self.step_of_packed(call):
            read = []
        self.lines.append((slot, text, read))

    def into(self, slot: Slot, place: str) -> None:
        """Let a value be computed in an array that is there."""
        at = next(i for i, line in enumerate(self.lines) if line[0] == slot)
        call = self.plan.calls[slot]
        _, text, read = self.lines[at]
        name = call.function
        if name in OPERATORS or name in _UFUNCS:
            function = self.bind(("into", name), getattr(np, str(name)))
            given = ", ".join(map(self.array, call.arguments))
            self.lines[at] = slot, f"{function}({given}, out={place})", read
        elif name == "matmul" and text.endswith(")") and ".dot(" in text:
            self.lines[at] = slot, f"{text[:-1]}, {place})", read
        else:
            self.lines.insert(at + 1, (None, f"{place}[...] = {{{int(slot)}}}", [slot]))

    def constant(self, slot: Slot, call: Call) -> None:
        """Write the line of a constant, or of what depends on a shape only."""
        value: Any
        if call.function == "constant":
            value = self.plan.constants[slot]
        else:
            value = FILLED[call.function](call.shape, call.dtype)  # type: ignore[index] # a name
            value.setflags(write=False)
        if is_double(call):
            self.floats.add(slot)
            value = float(value)
        elif call.shape == ():
            value = value[()]
        self.lines.append((slot, self.bind(("constant", slot), value), []))

    def text(self, slot: Slot, call: Call) -> str:
        """Write the expression of a call; values stand in braces."""
        name, arguments = call.function, call.arguments
        if name == "stack":
            values = ", ".join(map(self.operand, arguments))
            values = self.step_of_packed(call) or f"({values},)"
            kind = self.bind(("dtype", call.dtype), call.dtype)
            return f"_stacked({values}, {call.shape}, {kind})"
        if not isinstance(name, str):
            function = self.bind(("host", id(name)), name)
            return f"{function}({', '.join(map(self.array, arguments))})"
        if name in _SAFE and self.all_floats(name, arguments):
            if not call.weak:
                self.floats.add(slot)
            texts = [self.operand(x) for x in arguments]
            return f"-{texts[0]}" if name == "negative" else OPERATORS[name].join(texts)
        if name in OPERATORS:
            write = self.operand if any(map(self.is_wide, arguments)) else self.array
            return OPERATORS[name].join(map(write, arguments))
        if name in _UFUNCS:
            function = self.bind(("function", name), FUNCTIONS[name])
            write = self.operand if all(map(self.is_double, arguments)) else self.array
            return f"{function}({', '.join(map(write, arguments))})"
        return self.function_text(name, call, [self.array(x) for x in arguments])

    def function_text(self, name: str, call: Call, texts: list[str]) -> str:
        """Write the expression of a function of NumPy, in the shortest form it has."""
        if name in ("negative", "logical_not"):
            return f"{'-' if name == 'negative' else '~'}{texts[0]}"
        if name == "getitem":
            return f"{texts[0]}[{texts[1]}]"
        if name in _METHODS and not call.options:
            return f"{texts[0]}.{_METHODS[name]}({texts[1]})"
        if name == "matmul" and self.is_short_product(call.arguments):
            return f"{texts[0]}.dot({texts[1]})"
        if name == "sum" and (of := self.short_sum(call)):
            return f"{self.bind('reduce', np.add.reduce)}({texts[0]}, {of})"
        function = self.bind(("function", name), FUNCTIONS[name])
        options = [f"{k}={self.array(x)}" for k, x in call.options]
        return f"{function}({', '.join([*texts, *options])})"

    def step_of_packed(self, call: Call) -> str:
        """Return the text of the inputs that a stack is of, if they are in order."""
        if not self.packed or any(x not in self.packed for x in call.arguments):
            return ""
        numbers = [self.packed[x] for x in call.arguments]
        part = slice_of(np.array(numbers), -1)
        if part is None:
            return ""
        stop = "" if part.stop is None else part.stop
        return f"A[{part.start}:{stop}:{part.step or 1}]"

    def of(self, x: Argument) -> Call | None:
        """Return the call that made an argument, if it is a value."""
        return self.plan.calls[x] if type(x) is Slot else None

    def is_double(self, x: Argument) -> bool:
        """Return whether an argument is of float64, or takes the dtype beside it."""
        call = self.of(x)
        return call is None or call.dtype == DOUBLE or call.weak

    def is_wide(self, x: Argument) -> bool:
        """Return whether an argument is a float64 array, beside which floats may be."""
        call = self.of(x)
        return call is not None and call.dtype == DOUBLE and call.shape != ()

    def is_short_product(self, arguments: tuple[Argument, ...]) -> bool:
        """Return whether NumPy's namespace calls ``dot``, whatever the values are."""
        a, b = map(self.of, arguments)
        if a is None or b is None or not 0 < len(a.shape) <= 2 or len(b.shape) > 2:
            return False
        short: bool = a.shape[-1] < LONG
        return short

    def short_sum(self, call: Call) -> str:
        """Return the arguments of ``np.add.reduce``, if NumPy's namespace calls it."""
        x = self.of(call.arguments[0])
        options = {"axis": None, "keepdims": False, **dict(call.options)}
        axis, keepdims = options["axis"], options["keepdims"]
        if x is None or len(call.arguments) != 1 or x.shape == ():
            return ""
        terms = prod(x.shape) if axis is None else x.shape[axis]
        return f"{axis}, None, None, {keepdims}" if terms <= FEW else ""

    def all_floats(self, name: str, arguments: tuple[Argument, ...]) -> bool:
        """Return whether Python's floats give the bits that NumPy would give."""
        for x in arguments:
            if type(x) is Slot:
                if self.same[x] not in self.floats and not self.plan.calls[x].weak:
                    return False
            elif type(x) is int:
                if abs(x) > 2**53:
                    return False
            elif type(x) is not float:
                return False
        return name != "divide" or (
            type(arguments[1]) is not Slot and arguments[1] != 0
        )

    def operand(self, x: Argument) -> str:
        """Write an operand of arithmetic."""
        if type(x) is Slot:
            return f"{{{int(self.same[x])}}}"
        if type(x) in (int, bool) or (type(x) is float and abs(x) < np.inf):
            return f"({x!r})"
        return self.bind(("static", type(x), repr(x)), x)

    def array(self, x: Argument) -> str:
        """Write an operand of a function of NumPy."""
        if type(x) is Slot and self.same[x] in self.floats:
            return f"_f64({self.operand(x)})"
        return self.operand(x)

    def check(self, slot: Slot, number: int, *, expected: bool) -> None:
        """Write the line that ends the run where a truth value has changed."""
        test = "not " if expected else ""
        line = f"if {test}{{{int(slot)}}}: return {number}"
        self.lines.append((None, line, [slot]))

    def body(
        self,
        outputs: Sequence[Slot],
        variables: dict[Slot, str],
        kept: Collection[Slot] = (),
    ) -> list[str]:
        """
        Write the lines in order; a variable is used again once nothing needs its value.

        Args:
            outputs: values that are needed behind the last line.
            variables: the names of the inputs; those of the outputs are added.
            kept: inputs whose variables must stay what they are.
        """
        last = {slot: i for i, (_, _, read) in enumerate(self.lines) for slot in read}
        last |= dict.fromkeys((*outputs, *kept), len(self.lines))
        dying: dict[int, list[Slot]] = {}
        for slot, i in last.items():
            dying.setdefault(i, []).append(slot)
        count = len(variables)
        free: list[str] = []
        written = []
        for i, (target, text, read) in enumerate(self.lines):
            line = filled(text, read, variables)
            free += [variables.pop(dead) for dead in dying.get(i, ())]
            if target is not None:
                if target in self.packed and target not in last:
                    continue
                if not free:
                    free.append(f"v{count}")
                    count += 1
                variables[target] = free.pop() if target in last else "_"
                line = f"{variables[target]} = {line}"
            written.append(line)
        return written

    def floats_among(self, slots: Iterable[Slot], variables: dict[Slot, str]) -> str:
        """Write what makes Python floats of float64 scalars."""
        return "; ".join(
            f"{variables[slot]} = float({variables[slot]})"
            for slot in slots
            if slot in self.floats
        )

    def compiled(self, name: str, lines: Sequence[str]) -> Callable[..., Any]:
        """Compile a function of these lines, the first of which is its head."""
        head, *rest = lines
        source = "\n    ".join([head, *[line for line in rest if line]]) + "\n"
        exec(compile(source, "<plan>", "exec"), self.names)  # noqa: S102 - our own text
        function: Callable[..., Any] = self.names[name]
        return function


_SAFE: Final = frozenset({"add", "subtract", "multiply", "divide", "negative"})
"""Arithmetic that rounds alike in Python and NumPy, but for division by 0."""

_UFUNCS: Final = frozenset(
    {"exp", "log", "log1p", "sqrt", "tanh", "sin", "cos", "abs", "maximum", "minimum"}
)
"""Functions that take a Python float for a float64 scalar."""

_METHODS: Final = {"reshape": "reshape", "permute_dims": "transpose"}


def filled(text: str, read: Sequence[Slot], variables: dict[Slot, str]) -> str:
    """
    Write variables for the values of a line.

    >>> filled("{3} + {3}", [Slot(3)], {Slot(3): "v0"})
    'v0 + v0'
    """
    for slot in set(read):
        text = text.replace(f"{{{int(slot)}}}", variables[slot])
    return text


def is_double(call: Call) -> bool:
    """Return whether a value is a float64 scalar of NumPy."""
    return call.shape == () and call.dtype == DOUBLE and not call.weak


def stacked(values: Sequence[AnyArray], shape: Shape, dtype: AnyDType) -> AnyArray:
    """
    Return numbers or arrays of one shape as one array.

    >>> stacked([np.ones(2), np.zeros(2)], (2, 2), DOUBLE)
    array([[1., 1.],
           [0., 0.]])
    """
    if len(shape) == 1:
        return np.array(values, dtype)
    return np.concatenate(values, axis=None, dtype=dtype).reshape(shape)
