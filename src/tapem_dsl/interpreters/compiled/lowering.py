"""The NumPy engine: from a plan to a Python function over bare arrays."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from tapem_dsl.arrays import AnyArray
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.compiled.calls import joined, needed
from tapem_dsl.interpreters.compiled.functions import ELEMENTWISE, FUNCTIONS
from tapem_dsl.interpreters.compiled.plan import PYTHON, Argument, Plan, Scan, Slot
from tapem_dsl.interpreters.compiled.source import Lines, filled, is_double

# Any: arrays, and Python floats in the place of float64 scalars.
Runner: TypeAlias = Callable[..., list[Any] | int]
"""From inputs to outputs, or to the number of the first check that failed."""

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
    same = joined(plan)
    outputs = [same[slot] for slot in outputs]
    checks = {same[check.slot]: check.expected for check in reversed(plan.checks)}
    numbers = {same[check.slot]: i for i, check in reversed([*enumerate(plan.checks)])}
    live = needed(plan, [*outputs, *checks], same)
    if len(live) > MOST:
        return _interpreted(plan, live, same, outputs, checks, numbers)
    lines = Lines(plan, same, packed=len(plan.inputs) > _FEW_INPUTS)
    lines.names["owned"] = owned
    for slot in live:
        lines.call(slot, scanned)
        if slot in checks:
            lines.check(slot, numbers[slot], expected=checks[slot])
    results = _results(lines, outputs)
    variables = {slot: f"v{i}" for i, slot in enumerate(plan.inputs)}
    formals = ", ".join(variables.values())
    if lines.packed:
        variables, formals = {}, "*A"
    head = f"def run({formals}):"
    converted = lines.floats_among(variables, variables)
    body = lines.body(outputs, variables)
    values = [
        filled(text, [slot], variables)
        for slot, text in zip(outputs, results, strict=True)
    ]
    last = f"return [{', '.join(values)}]"
    return lines.compiled("run", [head, converted, *body, last])


_FEW_INPUTS: Final = 64
"""Up to how many inputs are arguments by name."""


def _results(lines: Lines, outputs: Sequence[Slot]) -> list[str]:
    """Write each output as a tape keeps it; none shares memory with an input."""
    texts = []
    for slot in outputs:
        call = lines.plan.calls[slot]
        if call.weak:
            texts.append(f"{{{int(slot)}}}")
        elif call.shape == ():
            kind = lines.bind(("type", call.dtype), call.dtype.type)
            texts.append(f"{kind}({{{int(slot)}}})")
        else:
            texts.append(f"owned({{{int(slot)}}}, {call.function in _SHARED})")
    return texts


def scanned(scan: Scan) -> Callable[..., tuple[Any, ...]]:
    """
    Make the function of a loop: its body is written out once.

    >>> body = Plan()
    >>> x, a = body.input(np.float64(1)), body.input(np.float64(1))
    >>> y = body.call("multiply", (x, a), (), np.float64(1))
    >>> loop = scanned(Scan(body, (y,), (y,), 0, 3, reverse=False))
    >>> loop(np.float64(1), np.float64(2))
    (array([2., 4., 8.]), 8.0)
    """
    plan = scan.body
    same = joined(plan)
    carried = [same[slot] for slot in scan.carried]
    kept = [same[slot] for slot in scan.kept]
    lines = Lines(plan, same)
    for slot in needed(plan, [*carried, *kept], same):
        lines.call(slot, scanned)
    variables = {slot: f"v{i}" for i, slot in enumerate(plan.inputs)}
    count = len(carried)
    firsts, rows = plan.inputs[:count], plan.inputs[count : count + scan.stacked]
    fixed = plan.inputs[count + scan.stacked :]
    head = f"def run({', '.join(variables.values())}):"
    once = "; ".join(
        text
        for text in (
            lines.floats_among((*firsts, *fixed), variables),
            *[_laid_out(lines, slot, variables[slot]) for slot in fixed],
        )
        if text
    )
    begin: list[str] = []
    adding: list[tuple[str, Slot]] = []
    arrays: list[str] = []
    places: dict[str, Slot] = {}  # entries of arrays that are there
    for i, slot in enumerate(kept):
        call = plan.calls[slot]
        kind = lines.bind(("dtype", call.dtype), call.dtype)
        shape = (scan.times, *call.shape)
        if call.shape and slot not in places.values() and slot not in plan.inputs:
            places[f"p{i}"] = slot
            begin.append(f"l{i} = _empty({shape}, {kind})")
            arrays.append(f"l{i}")
            lines.into(slot, f"p{i}")
        else:
            begin.append(f"l{i} = []")
            adding.append((f"l{i}.append({{{int(slot)}}})", slot))
            backwards = "[::-1]" if scan.reverse else ""
            arrays.append(f"_stacked(l{i}{backwards}, {shape}, {kind})")
    lines.names |= {"_empty": np.empty, "_wide": _wide}
    backwards = "[::-1]" if scan.reverse else ""
    each = [*[variables[slot] for slot in rows], *places]
    entries = [
        *[_entries(lines, slot, variables[slot], scan) for slot in rows],
        *[f"l{name[1:]}{backwards}" for name in places],
    ]
    comma = "," if len(each) == 1 else ""
    loop = f"for {', '.join(each)}{comma} in zip({', '.join(entries)}):"
    if not each:
        loop = f"for _ in range({scan.times}):"
    names = [variables[slot] for slot in firsts]
    body = lines.body([*carried, *kept], variables, fixed)
    last = [filled(text, [slot], variables) for text, slot in adding]
    moved = ", ".join(variables[slot] for slot in carried)
    step = [*body, *last, f"{', '.join(names)} = {moved}" if names else ""]
    results = f"return ({''.join(f'{x}, ' for x in (*arrays, *names))})"
    inner = [f"    {line}" for line in step if line]
    return lines.compiled("run", [head, once, *begin, loop, *inner, results])


def _laid_out(lines: Lines, slot: Slot, name: str) -> str:
    """Write what lays an array out as each step reads it fastest: once for all."""
    plan = lines.plan
    shape = plan.calls[slot].shape
    readers = [call for call in plan.calls if slot in call.slots()]
    shapes = {call.shape for call in readers if call.function in ELEMENTWISE}
    if shape and len(shapes) == 1 and len(shapes) == len({c.shape for c in readers}):
        (wide,) = shapes
        if all(call.function in ELEMENTWISE for call in readers) and wide != shape:
            return f"{name} = _wide({name}, {wide})"
    if len(shape) == 2 and any(call.function == "matmul" for call in readers):
        return f"{name} = _wide({name}, {shape})"
    return ""


def _wide(x: AnyArray, shape: Shape) -> AnyArray:
    return np.ascontiguousarray(np.broadcast_to(x, shape))


def _entries(lines: Lines, slot: Slot, name: str, scan: Scan) -> str:
    """Write the entries of an array in the order of steps."""
    call = lines.plan.calls[slot]
    backwards = "[::-1]" if scan.reverse else ""
    is_python = is_double(call) or call.weak
    return f"{name}{backwards}{'.tolist()' if is_python else ''}"


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
        steps.append((slot, _function(name), dead))

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


def _function(name: Any) -> Callable[..., Any]:
    if isinstance(name, Scan):
        return scanned(name)
    return FUNCTIONS[name] if isinstance(name, str) else name


_GIVEN: Final = ("input", "constant")
_SHARED: Final = (*_GIVEN, "getitem")
"""What may be an array of somebody else: an entry of a list may be an input."""


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
