"""The NumPy engine: from a plan to a Python function over bare arrays."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Final, TypeAlias

import numpy as np

from tapem_dsl.arrays import AnyArray
from tapem_dsl.arrays.sums import FEW, LONG
from tapem_dsl.interpreters.compiled.plan import (
    FUNCTIONS,
    OPERATORS,
    PYTHON,
    Argument,
    Call,
    Plan,
    Slot,
)

# Any: arrays, and Python floats in the place of float64 scalars.
Runner: TypeAlias = Callable[..., list[Any] | int]
"""From inputs to outputs, or to the number of the first check that failed."""

DOUBLE: Final = np.dtype(np.float64)
MOST: Final = 50_000
"""Up to how many calls a plan becomes source; compiling takes 25 us a call."""


def lowered(plan: Plan, outputs: Sequence[Slot]) -> Runner:
    """
    Make the function that runs a plan.

    Calls that no output or check needs are removed, and equal calls are made once. Each
    remaining call is the one that was noted, so that every bit is as it was.

    >>> plan = Plan()
    >>> x = plan.input(np.float64(2))
    >>> y = plan.call("multiply", (x, x), (), np.float64(4))
    >>> lowered(plan, [y])(np.float64(3))
    [np.float64(9.0)]
    """
    same = _joined(plan)
    outputs = [same[slot] for slot in outputs]
    checks = {same[check.slot]: check.expected for check in reversed(plan.checks)}
    numbers = {same[check.slot]: i for i, check in reversed([*enumerate(plan.checks)])}
    live = _live(plan, [*outputs, *checks], same)
    if len(live) > MOST:
        return _interpreted(plan, live, same, outputs, checks, numbers)
    lines = _Lines(plan, same)
    for slot in live:
        lines.call(slot)
        if slot in checks:
            lines.check(slot, numbers[slot], expected=checks[slot])
    return lines.build(outputs)


def _joined(plan: Plan) -> list[Slot]:
    """Map each value to the first one that an equal call computes."""
    same: list[Slot] = []
    first: dict[object, Slot] = {}
    for at, call in enumerate(plan.calls):
        slot = Slot(at)
        if call.function not in ("input", "constant"):
            arguments = tuple(_hashable(x, same) for x in call.arguments)
            options = tuple((name, _hashable(x, same)) for name, x in call.options)
            slot = first.setdefault((call.function, arguments, options), slot)
        same.append(slot)
    return same


def _hashable(x: Argument, same: list[Slot]) -> object:
    """Make an argument part of a key, in which ``1``, ``1.0`` and ``%1`` differ."""
    kind = type(x)
    if kind is Slot:
        return kind, int(same[x])
    if kind is tuple:
        return tuple(_hashable(part, same) for part in x)
    return kind, repr(x) if kind in (float, slice) else x


def _live(plan: Plan, wanted: Sequence[Slot], same: list[Slot]) -> list[Slot]:
    """List the values that the wanted ones need, and all inputs, in order."""
    needed = bytearray(len(plan.calls))
    pending = list(wanted)
    while pending:
        slot = pending.pop()
        if not needed[slot]:
            needed[slot] = True
            pending.extend(same[x] for x in plan.calls[slot].slots())
    for slot in plan.inputs:
        needed[slot] = True
    return [Slot(at) for at, is_needed in enumerate(needed) if is_needed]


class _Lines:
    """Source of one function, a line a call, and what its names mean."""

    def __init__(self, plan: Plan, same: list[Slot]) -> None:
        self.plan = plan
        self.same = same
        # a line: the value that it makes if any, its text, the values that it reads
        self.lines: list[tuple[Slot | None, str, list[Slot]]] = []
        self.names: dict[str, Any] = {"_f64": np.float64, "owned": owned}
        self.bound: dict[object, str] = {}
        self.floats: set[Slot] = set()  # those that are Python floats

    def bind(self, key: object, value: object) -> str:
        """Name a constant of the source."""
        if key not in self.bound:
            self.bound[key] = f"_{len(self.bound)}"
            self.names[self.bound[key]] = value
        return self.bound[key]

    def call(self, slot: Slot) -> None:
        """Write the line of one call."""
        call = self.plan.calls[slot]
        name = call.function
        if name == "input":
            if _is_double(call):
                self.floats.add(slot)
            return
        if name == "constant" or name in _FILLED:
            self.constant(slot, call)
            return
        text = self.text(slot, call)
        if _is_double(call) and slot not in self.floats:
            self.floats.add(slot)
            text = f"float({text})"
        self.lines.append((slot, text, [self.same[x] for x in call.slots()]))

    def constant(self, slot: Slot, call: Call) -> None:
        """Write the line of a constant, or of what depends on a shape only."""
        value: Any
        if call.function == "constant":
            value = self.plan.constants[slot]
        else:
            value = _FILLED[call.function](call.shape, call.dtype)  # type: ignore[index] # a name
            value.setflags(write=False)
        if _is_double(call):
            self.floats.add(slot)
            value = float(value)
        elif call.shape == ():
            value = value[()]
        self.lines.append((slot, self.bind(("constant", slot), value), []))

    def text(self, slot: Slot, call: Call) -> str:
        """Write the expression of a call; values stand in braces."""
        name, arguments = call.function, call.arguments
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

    def results(self, outputs: Sequence[Slot]) -> list[str]:
        """Write each output as a tape keeps it; none shares memory with an input."""
        texts = []
        for slot in outputs:
            call = self.plan.calls[slot]
            if call.weak:
                texts.append(f"{{{int(slot)}}}")
            elif call.shape == ():
                kind = self.bind(("type", call.dtype), call.dtype.type)
                texts.append(f"{kind}({{{int(slot)}}})")
            else:
                texts.append(f"owned({{{int(slot)}}}, {call.function in _SHARED})")
        return texts

    def build(self, outputs: Sequence[Slot]) -> Runner:
        """Compile; a variable is used again once its value is not needed any more."""
        results = self.results(outputs)
        last = {slot: i for i, (_, _, read) in enumerate(self.lines) for slot in read}
        last |= dict.fromkeys(outputs, len(self.lines))
        dying: dict[int, list[Slot]] = {}
        for slot, i in last.items():
            dying.setdefault(i, []).append(slot)
        variables = {slot: f"v{i}" for i, slot in enumerate(self.plan.inputs)}
        count = len(variables)
        formals = ", ".join(variables.values())
        free: list[str] = []
        body = [
            f"{variables[slot]} = float({variables[slot]})"
            for slot in self.plan.inputs
            if slot in self.floats
        ]
        for i, (target, text, read) in enumerate(self.lines):
            line = _filled(text, read, variables)
            free += [variables.pop(dead) for dead in dying.get(i, ())]
            if target is not None:
                if not free:
                    free.append(f"v{count}")
                    count += 1
                variables[target] = free.pop() if target in last else "_"
                line = f"{variables[target]} = {line}"
            body.append(line)
        values = [
            _filled(text, [slot], variables)
            for slot, text in zip(outputs, results, strict=True)
        ]
        lines = "\n    ".join([*body, f"return [{', '.join(values)}]"])
        source = f"def run({formals}):\n    {lines}\n"
        exec(compile(source, "<plan>", "exec"), self.names)  # noqa: S102 - our own text
        run: Runner = self.names["run"]
        return run


_SAFE: Final = frozenset({"add", "subtract", "multiply", "divide", "negative"})
"""Arithmetic that rounds alike in Python and NumPy, but for division by 0."""

_FILLED: Final = {"ones_like": np.ones, "zeros_like": np.zeros}
"""What depends on the shape and the dtype of its argument only."""

_UFUNCS: Final = frozenset(
    {"exp", "log", "log1p", "sqrt", "tanh", "sin", "cos", "abs", "maximum", "minimum"}
)
"""Functions that take a Python float for a float64 scalar."""

_METHODS: Final = {"reshape": "reshape", "permute_dims": "transpose"}


def _interpreted(
    plan: Plan,
    live: Sequence[Slot],
    same: Sequence[Slot],
    outputs: Sequence[Slot],
    checks: dict[Slot, bool],
    numbers: dict[Slot, int],
) -> Runner:
    """Make a loop over calls: for plans whose source would take long to compile."""
    calls = [slot for slot in live if plan.calls[slot].function not in _GIVEN]
    reads = [[same[x] for x in plan.calls[slot].slots()] for slot in calls]
    last = {slot: i for i, read in enumerate(reads) for slot in read}
    for slot in outputs:
        last.pop(slot, None)
    steps = []
    for i, (slot, read) in enumerate(zip(calls, reads, strict=True)):
        call = plan.calls[slot]
        name = call.function
        dead = [x for x in dict.fromkeys(read) if last.get(x) == i]
        steps.append((slot, FUNCTIONS[name] if isinstance(name, str) else name, dead))

    given_checks = [
        (slot, expected)
        for slot, expected in checks.items()
        if plan.calls[slot].function in _GIVEN
    ]

    def value_of(x: Argument, values: dict[Slot, Any]) -> Any:
        return values[same[x]] if type(x) is Slot else x

    def run(*inputs: AnyArray) -> list[Any] | int:
        values: dict[Slot, Any] = dict(zip(plan.inputs, inputs, strict=True))
        values |= plan.constants
        for slot, expected in given_checks:
            if bool(values[slot]) is not expected:
                return numbers[slot]
        for slot, function, dead in steps:
            call = plan.calls[slot]
            given = [value_of(x, values) for x in call.arguments]
            options = {name: value_of(x, values) for name, x in call.options}
            value = values[slot] = function(*given, **options)
            if slot in checks and bool(value) is not checks[slot]:
                return numbers[slot]
            for x in dead:
                del values[x]
        shared = {slot: plan.calls[slot].function in _SHARED for slot in outputs}
        return [owned(values[slot], shared[slot]) for slot in outputs]

    return run


_GIVEN: Final = ("input", "constant")
_SHARED: Final = (*_GIVEN, "getitem")
"""What may be an array of somebody else: an entry of a list may be an input."""


def _filled(text: str, read: Sequence[Slot], variables: dict[Slot, str]) -> str:
    for slot in set(read):
        text = text.replace(f"{{{int(slot)}}}", variables[slot])
    return text


def _is_double(call: Call) -> bool:
    """Return whether a value is a float64 scalar of NumPy."""
    return call.shape == () and call.dtype == DOUBLE and not call.weak


def owned(x: Any, foreign: bool) -> Any:  # noqa: FBT001 - generated code
    """
    Copy what may be a view, or belongs to someone else, and make it read-only.

    >>> x = np.ones(2)
    >>> owned(x, foreign=True) is x
    False
    """
    if type(x) in PYTHON:
        return x
    if x.shape == ():
        return x.dtype.type(x)
    if foreign or x.base is not None:
        x = x.copy()
    x.setflags(write=False)
    return x
