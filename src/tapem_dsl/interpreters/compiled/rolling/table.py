"""The calls of a plan as arrays, in which repetitions can be searched."""

from collections.abc import Sequence
from typing import Any, Final, final

import numpy as np

from tapem_dsl.interpreters.compiled.calls import exact, needed
from tapem_dsl.interpreters.compiled.plan import Call, Check, Plan, Slot
from tapem_dsl.interpreters.periods import Numbers

GIVEN: Final = ("input", "constant")


@final
class Table:
    """
    The calls that outputs and checks need, each with a number for its kind.

    Calls of one kind have the same function, and operands and results of the same
    shapes and dtypes. Numbers among their arguments may differ. A position is the place
    of a call in this table; inputs and constants have negative ones.

    Args:
        plan: whose calls these are.
        outputs: the values that are wanted.

    >>> plan = Plan()
    >>> x = plan.input(np.float64(1))
    >>> y = plan.call("exp", (x,), (), np.float64(2.7))
    >>> z = plan.call("exp", (y,), (), np.float64(15.1))
    >>> table = Table(plan, [z])
    >>> table.kinds.tolist(), table.operands.tolist(), table.outputs
    ([0, 0], [-1, 0], [1])
    """

    __slots__ = (
        *("calls", "checks", "given", "kinds", "offsets", "operands", "outputs"),
        "plan",
    )

    def __init__(self, plan: Plan, outputs: Sequence[Slot]) -> None:
        self.plan = plan
        self.calls: list[Call] = []
        self.given: list[Slot] = []  # position -1 - i is given[i]
        checks = {check.slot: check for check in reversed(plan.checks)}
        operands: list[int] = []
        offsets = [0]
        kinds: list[int] = []
        positions = [0] * len(plan.calls)
        forms = [0] * len(plan.calls)
        known_forms: dict[Any, int] = {}  # Any: keys of shapes and dtypes
        known_kinds: dict[Any, int] = {}
        alike = _Constants(plan)
        for slot in needed(plan, [*outputs, *checks]):
            call = plan.calls[slot]
            name = call.function
            form = (call.shape, call.dtype, call.weak)
            forms[slot] = known_forms.setdefault(form, len(known_forms))
            if name in GIVEN:
                first = alike.first(slot) if name == "constant" else slot
                if first == slot:
                    self.given.append(slot)
                    positions[slot] = -len(self.given)
                else:
                    positions[slot] = positions[first]
                continue
            key: list[Any] = [name, forms[slot]]
            if slot in checks:
                key.append(checks[slot][1:])
            for x in call.arguments:
                if type(x) is Slot:
                    operands.append(positions[x])
                    key.append(forms[x])
                else:
                    key.append(_pattern(x))
            for option, x in call.options:
                if type(x) is Slot:
                    operands.append(positions[x])
                    key += [option, forms[x]]
                else:
                    key += [option, exact(x)]
            positions[slot] = len(self.calls)
            self.calls.append(call)
            offsets.append(len(operands))
            kinds.append(known_kinds.setdefault(tuple(key), len(known_kinds)))
        self.kinds: Numbers = np.array(kinds, np.intp)
        self.operands: Numbers = np.array(operands, np.intp)
        self.offsets: Numbers = np.array(offsets, np.intp)
        self.outputs = [positions[slot] for slot in outputs]
        self.checks: dict[int, Check] = {
            positions[slot]: check for slot, check in checks.items()
        }

    def read_by(self, position: int) -> list[int]:
        """Return the positions of the operands of a call."""
        first, last = self.offsets[position : position + 2]
        found: list[int] = self.operands[first:last].tolist()
        return found


class _Constants:
    """Finds constants of equal bits, of which one is enough."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.known: dict[Any, Slot] = {}  # Any: bits and types

    def first(self, slot: Slot) -> Slot:
        value = self.plan.constants[slot]
        if value.dtype.hasobject or value.size > _SMALL:
            return self.known.setdefault(id(value), slot)
        key = (value.tobytes(), value.dtype, value.shape, type(value))
        return self.known.setdefault(key, slot)


_SMALL: Final = 2**16


# Any, below: what a member of the namespace takes beside arrays.
def _pattern(x: Any) -> Any:
    """Return what an argument has in common with those of calls of its kind."""
    kind = type(x)
    if kind is int or kind is float:
        return kind
    if kind is slice:
        return slice, _pattern(x.start), _pattern(x.stop), _pattern(x.step)
    return tuple(map(_pattern, x)) if kind is tuple else exact(x)


def same_static(a: Any, b: Any) -> bool:
    """
    Return whether static arguments are the same, also in type and sign of zero.

    >>> same_static(1, 1.0), same_static((0, slice(2)), (0, slice(2)))
    (False, True)
    """
    return a is b or exact(a) == exact(b)
