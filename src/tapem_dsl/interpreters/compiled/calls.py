"""Which calls of a plan are needed, which are equal, and how they are moved."""

from collections.abc import Sequence

from tapem_dsl.interpreters.compiled.plan import Argument, Call, Plan, Slot


def moved(call: Call, operands: Sequence[Slot]) -> Call:
    """
    Return a call on other operands.

    >>> import numpy as np
    >>> call = Call("add", (Slot(0), 2), (), (), np.dtype(np.float64))
    >>> moved(call, [Slot(7)])
    add(%7, 2) -> float64[]
    """
    given = iter(operands)
    arguments = tuple([next(given) if type(x) is Slot else x for x in call.arguments])
    options = tuple(
        [(name, next(given) if type(x) is Slot else x) for name, x in call.options]
    )
    return call._replace(arguments=arguments, options=options)


def exact(x: Argument) -> object:
    """
    Make a static argument part of a key, in which ``1`` and ``1.0`` differ.

    >>> exact(1) == exact(1.0), exact((slice(2),)) == exact((slice(2),))
    (False, True)
    """
    kind = type(x)
    if kind is tuple:
        return tuple([exact(part) for part in x])
    if kind is slice:
        return slice, exact(x.start), exact(x.stop), exact(x.step)
    return kind, repr(x) if kind is float else x


def needed(
    plan: Plan, wanted: Sequence[Slot], same: Sequence[Slot] | None = None
) -> list[Slot]:
    """
    List the values that the wanted ones need, and all inputs, in order.

    Args:
        plan: that computes them.
        wanted: values of it.
        same: for each value the one that stands for it, if there are such.

    >>> import numpy as np
    >>> plan = Plan()
    >>> x, y = plan.input(1.0), plan.input(2.0)
    >>> z, unused = [plan.call("exp", (x,), (), np.float64(1)) for _ in range(2)]
    >>> needed(plan, [z])
    [%0, %1, %2]
    """
    is_needed = bytearray(len(plan.calls))
    pending = list(wanted)
    while pending:
        slot = pending.pop()
        if not is_needed[slot]:
            is_needed[slot] = True
            slots = plan.calls[slot].slots()
            pending.extend(slots if same is None else [same[x] for x in slots])
    for slot in plan.inputs:
        is_needed[slot] = True
    return [Slot(at) for at, found in enumerate(is_needed) if found]


def joined(plan: Plan) -> list[Slot]:
    """
    Map each value to the first one that an equal call computes.

    >>> import numpy as np
    >>> plan = Plan()
    >>> x = plan.input(1.0)
    >>> y, z = [plan.call("exp", (x,), (), np.float64(1)) for _ in range(2)]
    >>> joined(plan)
    [%0, %1, %1]
    """
    same: list[Slot] = []
    first: dict[object, Slot] = {}
    for at, call in enumerate(plan.calls):
        slot = Slot(at)
        if call.function not in ("input", "constant"):
            arguments = tuple(_form_of(x, same) for x in call.arguments)
            options = tuple((name, _form_of(x, same)) for name, x in call.options)
            slot = first.setdefault((call.function, arguments, options), slot)
        same.append(slot)
    return same


def _form_of(x: Argument, same: list[Slot]) -> object:
    """Make an argument part of a key, in which ``1`` and ``%1`` differ."""
    return (Slot, int(same[x])) if type(x) is Slot else exact(x)
