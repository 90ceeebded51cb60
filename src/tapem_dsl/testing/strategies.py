"""
Hypothesis strategies of shapes, tensors, tapes and programs.

They need the extra: ``pip install "tapem_dsl[testing]"``. Numbers are small integers
unless told otherwise, which every scalar type adds and multiplies exactly.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np

from tapem_dsl.arrays import Array
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.errors import Refused
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.activations import relu
from tapem_dsl.ops.arithmetic import Add, Mul, Sub, add, max_, mul, scale, sub
from tapem_dsl.ops.elementwise import abs_, detach
from tapem_dsl.ops.reductions import reduce_sum, sum_
from tapem_dsl.ops.shapes import broadcast_to, transpose
from tapem_dsl.program.combinators import apply_op, get_tape, leaf, throw
from tapem_dsl.program.do import Do, do
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.tape import Tape
from tapem_dsl.tape.value import rationals
from tapem_dsl.testing.sample_ops import SAMPLE_OPS

try:
    from hypothesis import strategies as st
except ImportError as missing:
    raise ImportError(
        "tapem_dsl.testing.strategies needs Hypothesis: "
        'pip install "tapem_dsl[testing]"'
    ) from missing

T = TypeVar("T")

# Any, throughout: tapes and programs of any scalar type.

EVERY_DTYPE: Final = (
    *(object, np.float16, np.float32, np.float64, np.longdouble),
    *(np.int8, np.int64, np.uint8, np.bool_),
)
"""A dtype of each kind that a node may hold; ``object`` stands for exact rationals."""

DTYPES: Final = (object, np.float64, np.float32)
"""Exact rationals and floats: small integers and halves are exact in all of them."""

SHAPES: Final[tuple[Shape, ...]] = ((), (2,), (2, 3), (3, 2), (0, 2))
"""The shapes of leaves of random tapes: a scalar, few ones that fit, an empty one."""


def shapes(
    *, max_dims: int = 3, min_side: int = 0, max_side: int = 3
) -> st.SearchStrategy[Shape]:
    """
    Return a strategy of shapes.

    >>> isinstance(shapes(max_dims=2), st.SearchStrategy)
    True
    """
    sides = st.integers(min_side, max_side)
    return st.lists(sides, max_size=max_dims).map(tuple)


def tensors(
    shape: Shape,
    dtype: Any = object,
    *,
    elements: st.SearchStrategy[Any] | None = None,
) -> st.SearchStrategy[Array]:
    """
    Return a strategy of values of one shape and dtype, in the form a tape keeps.

    Args:
        dtype: a NumPy scalar type; ``object`` for exact rationals.
        elements: what the entries are made of; integers from -2 to 2 unless given,
            which unsigned types wrap around.

    >>> isinstance(tensors((2, 3), np.float32), st.SearchStrategy)
    True
    """
    count = int(np.prod(shape, dtype=int))
    entries = st.integers(-2, 2) if elements is None else elements
    numbers = st.lists(entries, min_size=count, max_size=count)
    return numbers.map(lambda found: _of_dtype(found, shape, dtype))


def _of_dtype(entries: list[Any], shape: Shape, dtype: Any) -> Array:
    if np.dtype(dtype).hasobject:
        return rationals(np.array(entries, object).reshape(shape))
    return np.array(entries).astype(dtype).reshape(shape)[()]


# -- tapes -----------------------------------------------------------------------------


@st.composite
def tapes(
    draw: st.DrawFn, dtype: Any = object, shapes: tuple[Shape, ...] = SHAPES
) -> Tape[Any]:
    """
    Draw a tape of one to three leaves, trainable and frozen, and of ops of them.

    The ops are exact over rationals, and over floats as long as the numbers stay small.

    >>> isinstance(tapes(np.float64), st.SearchStrategy)
    True
    """
    tape: Tape[Any] = Tape()
    for _ in range(draw(st.integers(1, 3))):
        value = draw(tensors(draw(st.sampled_from(shapes)), dtype))
        flag = draw(st.sampled_from((True, True, True, False)))
        tape = leaf(value, requires_grad=flag).exec(tape).unwrap()
    # six at most, as float32 ends at 2 ** 128; integers would be drawn small
    for _ in range(draw(st.sampled_from((0, 3, 4, 5, 6)))):
        a = draw(st.sampled_from(tape.ids()))
        program = draw(st.sampled_from(_applicable(tape, a)))
        tape = program.exec(tape).unwrap()
    return tape


def ids_of(tape: Tape[Any]) -> st.SearchStrategy[NodeId]:
    """
    Return a strategy of the ids of a tape.

    >>> isinstance(ids_of(leaf(1.0).exec().unwrap()), st.SearchStrategy)
    True
    """
    return st.sampled_from(tape.ids())


def _applicable(tape: Tape[Any], a: NodeId) -> list[TapeM[NodeId, Any]]:
    """Return every program of one exact op that goes on from a node."""
    shape = tape[a].value.shape
    alike = [b for b in tape.ids() if tape[b].value.shape == shape]
    found = [relu(a), abs_(a), sum_(a), detach(a)]
    found += [scale(a, factor) for factor in (-1, 2, Fraction(1, 2))]
    if len(shape) < 2:
        found.append(broadcast_to(a, (2, *shape)))
    if shape:
        found.append(reduce_sum(a, axis=0))
    if len(shape) == 2:
        found.append(transpose(a))
    return found + [op(a, b) for b in alike for op in (add, sub, mul, max_)]


# -- programs --------------------------------------------------------------------------

Leaf: TypeAlias = tuple[Array, bool]
"""A value, and whether a gradient is required of it."""

Step: TypeAlias = tuple[Op, tuple[int, ...]]
"""An op, and the places of its operands among the program's nodes."""


@do
def recorded(leaves: tuple[Leaf, ...], steps: tuple[Step, ...]) -> Do[NodeId, Any]:
    """
    Record leaves and then ops of them, and return the last node.

    >>> from tapem_dsl.ops.arithmetic import Mul
    >>> recorded(((np.float64(3.0), True),), ((Mul(), (0, 0)),)).exec()
    <Success: <Tape: leaf, mul(0, 0)>>
    """
    ids: list[NodeId] = []
    for value, flag in leaves:
        ids.append((yield from leaf(value, requires_grad=flag)))
    for op, places in steps:
        operands = [ids[k] if k < len(ids) else NodeId(k) for k in places]
        ids.append((yield from apply_op(op, *operands)))
    return ids[-1]


@st.composite
def programs(
    draw: st.DrawFn,
    ops: Sequence[Op] = SAMPLE_OPS,
    *,
    dtype: Any = np.float64,
    max_ops: int = 6,
    ill_formed: bool = False,
) -> TapeM[NodeId, Any]:
    """
    Draw a program of leaves and ops, which returns the id of its last node.

    Args:
        ops: what is drawn from, also ops of your own; unless given, an op of each class
            of the vocabulary. The number of operands is found from the shape rule.
        dtype: of the leaves; ``object`` for exact rationals. Labels and conditions come
            in besides.
        max_ops: how many ops at most.
        ill_formed: end with an op of an unknown id, or of operands whose shapes or
            dtypes it refuses: the program fails with :class:`InvalidNodeId`,
            :class:`ShapeMismatch` or :class:`DTypeMismatch`.

    A well-formed program succeeds from every tape; values may be infinite or NaN.

    >>> isinstance(programs([SAMPLE_OPS[0]]), st.SearchStrategy)
    True
    """
    leaves: list[Leaf] = []
    for _ in range(draw(st.integers(1, 4))):
        value = draw(tensors(draw(st.sampled_from(_SHAPES)), dtype))
        leaves.append((value, value.dtype.kind in "fO" and draw(st.booleans())))
    if draw(st.booleans()):
        leaves.append((np.array([1, 0]), False))  # labels
    wrong: list[Step] = []
    if ill_formed:
        operands = draw(st.sampled_from(_faults(len(leaves))))
        leaves += [(draw(tensors((7,), dtype)), False), (np.int8(1), False)]
        wrong.append((draw(st.sampled_from(_BINARY)), operands))
    tape = recorded(tuple(leaves), ()).exec().unwrap()
    steps: list[Step] = []
    for op in draw(st.lists(st.sampled_from(list(ops)), max_size=max_ops)):
        choices = operands_of(op, tape)
        if choices:
            step = op, draw(st.sampled_from(choices))
            longer = apply_op(op, *map(NodeId, step[1])).exec(tape).value_or(None)
            if longer is not None:
                tape = longer
                steps.append(step)
    return recorded(tuple(leaves), (*steps, *wrong))


_SHAPES: Final[tuple[Shape, ...]] = ((), (2,), (3,), (2, 2), (2, 3), (2, 2, 3))
_BINARY: Final[tuple[Op, ...]] = (Add(), Sub(), Mul())
_UNKNOWN: Final = 10**9


def _faults(count: int) -> list[tuple[int, ...]]:
    """Return operands that no binary op takes, where leaves (7,) and int8 follow."""
    return [(0, _UNKNOWN), (0, count), (count + 1, count + 1)]


def operands_of(op: Op, tape: Tape[Any]) -> list[tuple[int, ...]]:
    """
    Return operands that an op takes: of nodes of like shape and dtype, the last two.

    >>> operands_of(Add(), leaf(1.0).exec().unwrap())
    [(0, 0)]
    """
    kinds: dict[tuple[Any, Shape], list[int]] = {}
    for id, node in enumerate(tape):
        kinds.setdefault((node.value.dtype, node.value.shape), []).append(id)
    for count in range(1, _MOST_OPERANDS + 1):
        choices = list(product(kinds, repeat=count))
        taken = [_takes(op, choice) for choice in choices]
        if True in taken:
            return [
                ids
                for choice, takes in zip(choices, taken, strict=True)
                if takes
                for ids in product(*(kinds[kind][-2:] for kind in choice))
            ]
        if False in taken and count >= _MANY:
            break  # it has had its number of operands, and more would take long
    return []


_MOST_OPERANDS: Final = 5
_MANY: Final = 3


def _takes(op: Op, operands: tuple[tuple[Any, Shape], ...]) -> bool | None:
    """Return whether an op takes operands, ``None`` if it is not of that many."""
    try:
        op.shape(*(shape for _, shape in operands))
        op.check_dtypes(*(dtype for dtype, _ in operands))
    except Refused:
        return False
    except (TypeError, ValueError, IndexError):
        return None
    return True


# -- programs for laws -----------------------------------------------------------------


def programs_returning(values: st.SearchStrategy[T]) -> st.SearchStrategy[TapeM[T]]:
    """
    Return a strategy of programs that extend the tape, read it, or fail.

    A program that does not fail returns one of the values. The programs append
    different nodes, so a law test notices a dropped tape and a changed order. None is
    built with ``bind``, ``map`` or ``apply``, the methods under test.

    Pass it to ``check_all_laws`` as ``container_strategy``: by default that function
    tries ``pure`` programs only, and no wrong ``bind`` fails on these.

    >>> isinstance(programs_returning(st.integers()), st.SearchStrategy)
    True
    """
    numbers = st.floats(-2, 2)
    some = st.lists(values, min_size=1, max_size=4).map(tuple)
    extending: st.SearchStrategy[TapeM[T]] = st.builds(_extending, numbers, values)
    reading: Any = st.builds(_reading, some)  # Any: pyright loses T on the way
    failing = st.builds(_failing, numbers, st.sampled_from(["no", "never"]))
    return st.one_of(extending, reading, failing)


@do
def _extending(number: float, value: T) -> Do[T]:
    x = yield from leaf(number)
    y = yield from mul(x, x)
    yield from add(y, x)
    return value


@do
def _reading(values: tuple[T, ...]) -> Do[T]:
    tape = yield from get_tape()
    yield from leaf(float(len(tape)))
    return values[len(tape) % len(values)]


@do
def _failing(number: float, text: str) -> Do[Any]:  # Any: it never returns
    yield from leaf(number)
    return (yield from throw(text))
