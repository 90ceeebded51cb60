"""Checks of gradients: both modes against each other and against differences."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from returns.result import Result, Success

from tapem_dsl import tree
from tapem_dsl.arrays import Array, Tracer
from tapem_dsl.errors import TapeError, WrongGradient, failed
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.forward.dual import primal_at, tangent_at
from tapem_dsl.interpreters.forward.functions import hvp_params, jvp, vjp
from tapem_dsl.interpreters.forward.runs import Run, all_of, duals_along, run_on
from tapem_dsl.interpreters.recorded import backward_m
from tapem_dsl.interpreters.results import as_result
from tapem_dsl.interpreters.reverse import backward
from tapem_dsl.interpreters.tracer import fresh_level
from tapem_dsl.messages import short_repr
from tapem_dsl.ops.arithmetic import Scale, add, mul
from tapem_dsl.ops.reductions import sum_
from tapem_dsl.program.checks import checked_program, function_argument
from tapem_dsl.program.combinators import apply_op, const
from tapem_dsl.program.do import Do, do
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.record import record
from tapem_dsl.tape.tape import Tape
from tapem_dsl.tape.value import as_value
from tapem_dsl.testing.extrapolation import slope_at_zero
from tapem_dsl.testing.report import GradientReport, LeafCheck, Numbers, judged

# Any, throughout: pytrees of arrays and of ids, as in ``jvp``.


def check_gradients(
    program: Callable[[Any], TapeM[NodeId, Any]],
    params: Any,
    *,
    second_order: bool = False,
) -> Result[GradientReport, TapeError]:
    """
    Check the derivatives of a program in each leaf of its parameters, in float64.

    Three numbers are compared for each leaf, along random directions ``v`` of the leaf
    and ``u`` of the result: ``<Jv, u>`` by duals (:func:`jvp`), ``<v, J'u>`` by a sweep
    (:func:`vjp`), and the slope of the value by extrapolated central differences.

    Args:
        program: takes a pytree of ids and returns the program of a result of any shape.
        params: a pytree of arrays; floats and rationals are converted to float64.
            Integers and truth values are constants.
        second_order: also check the product of the Hessian and ``v``: duals over a
            sweep, against differences of gradients, and against its own transpose.

    Returns:
        ``Success`` of a report with a row for each leaf, or ``Failure`` of
        :class:`WrongGradient`, which has the report. A leaf is *undecided* if the value
        has a kink at or very near the point, if the differences do not converge, or if
        a number underflows and the differences deny both modes; there both modes are
        only compared with each other.

    Fails with:
        :class:`WrongGradient`; whatever the program and its derivatives fail with.

    Tolerances:
        1e-8 ``S`` between the modes, where only rounding differs. ``S`` is the largest
        sum, over the nodes and their uses as operands, of absolute products of tangents
        and cotangents, of the second order in a recorded sweep; rounding is
        proportional to it. Between a mode and the
        differences: 1e-7 of the absolute terms of the inner product, or ten times the
        estimated error of the differences. A slope whose error may exceed 1e-4 of these
        terms is not compared. A rule that is wrong by 0.1 % is beyond all of them,
        unless it contributes less than 1e-5 of ``S``, or cancels.

    Steps:
        The differences take steps of 0.09 to 6e-5 of the values. If their estimated
        error is larger than 1e-9, the steps go down to 4e-10, and the extrapolation
        with the least estimated error is taken. Differences that bend within the
        smallest step, as of ``sin`` at 1e9, do not converge: the leaf is undecided.

    Cost:
        About 40 to 100 runs and five derivatives for each leaf; of the second order as
        many sweeps, and one that is recorded.

    A gradient that differs from that of the value on purpose, as with :func:`detach`
    and :func:`value_of`, is reported as wrong.

    Source:
        Griewank and Walther, Evaluating Derivatives, 2008, for the adjoint identity.
        JAX: ``jax.test_util.check_grads``. PyTorch: ``torch.autograd.gradcheck``.

    >>> from tapem_dsl import dot, tanh
    >>> def loss(p: dict[str, NodeId]) -> TapeM[NodeId]:
    ...     return tanh(p["w"]).bind(lambda y: dot(y, p["x"]))
    >>> params = {"w": np.array([0.5, -1.0]), "x": np.array([2.0, 3.0])}
    >>> check_gradients(loss, params).unwrap().leaves[0].verdict
    'right'
    """
    function_argument(program, "check_gradients", "program")
    leaves, structure = tree.flatten(params)
    converted = as_result(lambda: [_as_float64(leaf) for leaf in leaves])

    def check(xs: list[Array]) -> Result[GradientReport, TapeError]:
        point = _Point(
            lambda ids, _: checked_program(program(ids), program), structure, xs
        )
        return run_on(point.program, structure.unflatten(xs), None).bind(
            lambda run: _report(
                point._replace(underflows=_underflows(run.tape)),
                run.value,
                second_order=second_order,
            )
        )

    with np.errstate(all="ignore"):  # what is not finite is reported
        return converted.bind(check)


def check_op(
    op: Op, *operands: Any, second_order: bool = False
) -> Result[GradientReport, TapeError]:
    """
    Check the derivative rules of one op at some operands, as :func:`check_gradients`.

    The duals of an op come from its ``evaluate``, the sweep from its rule in
    ``vjp_rules``. The rows are named by the places of the operands, from 0.

    Fails with:
        As :func:`check_gradients`; :class:`MissingRule` for an op without a rule.

    >>> from tapem_dsl.ops.arithmetic import Mul
    >>> print(check_op(Mul(), np.array([1.0, 2.0]), np.array([3.0, 5.0])).unwrap())
    leaf  order  forward ...
    0     1st ...  right
    1     1st ...  right
    """
    if not isinstance(op, Op):
        raise TypeError(f"check_op takes an op and its operands, not {short_repr(op)}")

    def applied(ids: tuple[NodeId, ...]) -> TapeM[NodeId, Any]:
        return apply_op(op, *ids)

    return check_gradients(applied, operands, second_order=second_order)


class _Point(NamedTuple):
    """A program and where to differentiate it."""

    program: Callable[[Any, Any], TapeM[NodeId, Any]]
    structure: tree.Structure
    xs: list[Array]
    underflows: bool = False
    """Whether a number is too small to be kept."""

    def moved(self, index: int, direction: Array, step: float) -> Any:
        """Return the parameters with one leaf moved along a direction."""
        xs = list(self.xs)
        xs[index] = as_value(np.asarray(xs[index] + step * direction))
        return self.structure.unflatten(xs)

    def along(self, index: int, direction: Array) -> Any:
        """Return the pytree of a direction of one leaf."""
        directions: list[Any] = [None] * len(self.xs)
        directions[index] = direction
        return self.structure.unflatten(directions)


def _as_float64(leaf: Any) -> Array:
    x = as_value(leaf)
    return as_value(x.astype(np.float64)) if x.dtype.kind in "fO" else x


def _report(
    point: _Point, value: Array, *, second_order: bool
) -> Result[GradientReport, TapeError]:
    rng = np.random.default_rng(_SEED)
    rows: list[LeafCheck] = []
    orders = (_first_order, _second_order) if second_order else (_first_order,)
    paths = list(point.structure.paths())
    for order, check in enumerate(orders, 1):
        for index, x in enumerate(point.xs):
            if x.dtype.kind in "iub":
                continue
            found: list[LeafCheck] = []
            for _ in range(_DIRECTIONS):
                v, u = _random_like(rng, x), _random(rng, value.shape)
                match check(point, index, v, u):
                    case Success(numbers):
                        found.append(judged(paths[index], order, numbers))
                    case failure:
                        return failed(failure.failure())
            rows.append(max(found, key=lambda row: row.severity))
    report = GradientReport(tuple(rows))
    if report.wrong:
        return failed(WrongGradient(report))
    return Success(report)


_SEED: Final = 20
_DIRECTIONS: Final = 2
"""How many directions a leaf is checked along: one alone may be near a zero slope."""


def _underflows(tape: Tape[Any]) -> bool:
    """Return whether an op of a tape computes a number too small to be kept."""
    found: list[int] = []
    nodes = tape.nodes()
    with np.errstate(under="call", call=lambda _, flag: found.append(flag)):
        for index, node in enumerate(nodes):
            if node.op is not None:
                record(node.op, node.parents, nodes, index)
    return bool(found)


def _random(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return entries between 1/2 and 1, of either sign."""
    signs = rng.choice([-1.0, 1.0], size=shape)
    return as_value(np.asarray(signs * rng.uniform(0.5, 1.0, size=shape)))


def _random_like(rng: np.random.Generator, x: Array) -> Array:
    """Return a direction whose entries are as large as those of a point over 2^n."""
    unit = abs(x) / _reach(x)
    size = float(np.sqrt(np.mean(np.square(unit)))) if x.size else 1.0
    return as_value(np.asarray(_random(rng, x.shape) * np.maximum(unit, size or 1.0)))


def _reach(x: Array) -> float:
    """Return the power of two above the largest entry; 1 if there is none but 0."""
    largest = float(np.max(abs(x), initial=0.0))
    return float(np.ldexp(1.0, min(np.frexp(largest)[1], _MOST))) if largest else 1.0


_MOST: Final = 1023


Terms: TypeAlias = NDArray[np.float64]


def _first_order(
    point: _Point, index: int, v: Array, u: Array
) -> Result[Numbers, TapeError]:
    params = point.structure.unflatten(point.xs)

    def terms_at(step: float) -> Result[Terms, TapeError]:
        moved = point.moved(index, v, step)
        return run_on(point.program, moved, None).map(lambda run: u * run.value)

    forward = jvp(point.program, params, None, point.along(index, v))
    reverse = vjp(point.program, params, None, u)
    size = _size(point, index, v, u)
    results: list[Result[Any, TapeError]] = [forward, reverse, size]
    return all_of(results).map(
        lambda found: Numbers(
            u * found[0][1],
            v * point.structure.leaves_of(found[1][0])[index],
            slope_at_zero(terms_at, _reach(point.xs[index])),
            found[2],
            point.underflows,
        )
    )


def _size(point: _Point, index: int, v: Array, u: Array) -> Result[float, TapeError]:
    """Return the largest sum, over nodes and uses, of tangents times cotangents."""
    level = fresh_level()
    params = point.structure.unflatten(point.xs)
    duals = duals_along("check_gradients", params, point.along(index, v), level)

    def largest(run: Run[Any, None]) -> Result[float, TapeError]:
        tape, out = _with_uses(run.tape, run.out)
        return backward(tape, out, u).map(
            lambda slots: max(
                (
                    _absolute_product(tangent_at(tape[id].value, level), g, level)
                    for id, g in slots.items()
                ),
                default=0.0,
            )
        )

    return duals.bind(lambda moved: run_on(point.program, moved, None)).bind(largest)


def _with_uses(tape: Tape[Any], out: NodeId) -> tuple[Tape[Any], NodeId]:
    """
    Give each use of a node a node of its own, which takes the cotangent of the use.

    Those of several uses may cancel, as of ``div(x, x)``, and leave their rounding.
    """
    nodes: list[Node[Any]] = []
    moved: list[NodeId] = []

    def append(op: Op, operands: tuple[NodeId, ...]) -> NodeId:
        nodes.append(record(op, operands, nodes, len(nodes)))
        return NodeId(len(nodes) - 1)

    for node in tape:
        if node.op is None:
            nodes.append(node)
            moved.append(NodeId(len(nodes) - 1))
            continue
        ids = [moved[index_of(id)] for id in node.parents]
        used = [
            append(_USE, (id,)) if nodes[index_of(id)].requires_grad else id
            for id in ids
        ]
        moved.append(append(node.op, tuple(used)))
    return Tape(nodes), moved[index_of(out)]


_USE: Final = Scale(1)


def _absolute_product(tangent: Array, cotangent: Array, level: int) -> float:
    plain = primal_at(cotangent, level)
    if isinstance(tangent, Tracer) or isinstance(plain, Tracer):
        return 0.0  # inside another derivative, which has sums of its own
    return float(np.sum(np.abs(tangent * plain)))


def _second_order(
    point: _Point, index: int, v: Array, u: Array
) -> Result[Numbers, TapeError]:
    params = point.structure.unflatten(point.xs)
    loss = partial(_weighed, point.program, u)
    rng = np.random.default_rng(_SEED)
    ws = [None if x.dtype.kind in "iub" else _random_like(rng, x) for x in point.xs]

    def against_ws(gradients: Any) -> Terms:
        found = zip(ws, point.structure.leaves_of(gradients), strict=True)
        terms = [np.ravel(w * g) for w, g in found if w is not None]
        return np.concatenate(terms)

    def terms_at(step: float) -> Result[Terms, TapeError]:
        swept = vjp(loss, point.moved(index, v, step), None, 1.0)
        return swept.map(lambda both: against_ws(both[0]))

    product = hvp_params(loss, params, None, point.along(index, v))
    transposed = hvp_params(loss, params, None, point.structure.unflatten(ws))
    swept = partial(_slope_along, point, u, ws)
    size = _size(point._replace(program=swept), index, v, as_value(np.float64(1)))
    results: list[Result[Any, TapeError]] = [product, transposed, size]
    return all_of(results).map(
        lambda found: Numbers(
            against_ws(found[0]),
            v * point.structure.leaves_of(found[1])[index],
            slope_at_zero(terms_at, _reach(point.xs[index])),
            found[2],
            point.underflows,
        )
    )


@do
def _weighed(
    program: Callable[[Any, Any], TapeM[NodeId, Any]], u: Array, ids: Any, _: None
) -> Do[NodeId, Any]:
    """Return the sum of a result's entries, each times its weight."""
    y = yield from program(ids, None)
    weights = yield from const(u)
    products = yield from mul(y, weights)
    return (yield from sum_(products))


@do
def _slope_along(
    point: _Point, u: Array, ws: list[Array | None], ids: Any, _: None
) -> Do[NodeId, Any]:
    """Return the slope of the weighed result along directions, by a recorded sweep."""
    loss = yield from _weighed(point.program, u, ids, None)
    gradients = yield from backward_m(loss)
    slope = yield from const(0.0)
    for id, w in zip(point.structure.leaves_of(ids), ws, strict=True):
        if w is not None and id in gradients:
            direction = yield from const(w)
            products = yield from mul(gradients[id], direction)
            part = yield from sum_(products)
            slope = yield from add(slope, part)
    return slope
