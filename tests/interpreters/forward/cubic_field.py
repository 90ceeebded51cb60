"""TorchLean's golden field, and its derivatives by hand."""

from typing import Any, Final, NamedTuple

from tapem_dsl import Array, Do, NodeId, add, const, do, mul, rationals, sum_


class Field(NamedTuple):
    a: Any
    b: Any
    c: Any


@do
def cubic(p: Field, x: NodeId) -> Do[NodeId, Any]:
    """TorchLean's golden field ``(a * x0 + b * x1 + c) ** 3``."""
    first = yield from const(rationals([1, 0]))
    last = yield from const(rationals([0, 1]))
    x0 = yield from mul(x, first)
    x1 = yield from mul(x, last)
    left = yield from sum_(x0)
    right = yield from sum_(x1)
    ax = yield from mul(p.a, left)
    by = yield from mul(p.b, right)
    inner = yield from add(ax, by)
    inner = yield from add(inner, p.c)
    square = yield from mul(inner, inner)
    return (yield from mul(square, inner))


FIELD = Field(rationals(2), rationals(3), rationals(1))
AT, ALONG = rationals([1, 2]), rationals([2, -1])
DX, DY = rationals([1, 0]), rationals([0, 1])

# With u = a x0 + b x1 + c, which is 9 here, by hand:
OF_THE_FIELD: Final[list[tuple[list[Array], int]]] = [
    ([], 729),  # u ** 3
    ([DX], 486),  # 3 u**2 a
    ([DX, DY], 324),  # 6 u a b
    ([DX, DX, DY], 72),  # 6 a**2 b
    ([DX, DY, DX, DY], 0),  # a cubic has no fourth derivative
    ([ALONG, ALONG], 54),  # 6 u (2a - b)**2
    ([ALONG] * 3, 6),  # 6 (2a - b)**3
    ([ALONG] * 4, 0),
]

# What a, b, c and x receive from some of them.
FROM_THE_FIELD: Final[list[tuple[list[Array], list[int], list[int]]]] = [
    # 6 (x0 ab + ub), 6 (x1 ab + ua), 6 ab; 6 a ab, 6 b ab
    ([DX, DY], [198, 180, 36], [72, 108]),
    # 12 ab, 6 a**2, 0; it does not depend on x
    ([DX, DX, DY], [72, 24, 0], [0, 0]),
    # with s = 2a - b: 6 (x0 s**2 + 4 us), 6 (x1 s**2 - 2 us), 6 s**2; 6 a s**2 ...
    ([ALONG, ALONG], [6 + 216, 12 - 108, 6], [12, 18]),
]

GOLDEN: Final = [*FROM_THE_FIELD[-1][1], *FROM_THE_FIELD[-1][2]]
