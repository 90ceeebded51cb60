"""Functions of recorded arrays: their values are NumPy's, and they have gradients."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest

from tapem_dsl import Array, Node, NodeId, backward, rationals
from tapem_dsl.arrays import EXACT, NUMPY, Namespace, namespace_of
from tapem_dsl.arrays.dispatch import DISPATCHING
from tapem_dsl.interpreters.recorded.namespace import RECORDING
from tapem_dsl.interpreters.recorded.recorder import Recorded, Recorder
from tapem_dsl.interpreters.tracer import align_levels
from tapem_dsl.tape.tape import snapshot

ROW: Final = np.array([0.5, -1.5, 2.0])
MATRIX: Final = np.array([[0.5, -1.0, 2.0], [4.0, 3.0, -0.25]])
CUBE: Final = np.arange(24.0).reshape(2, 3, 4)

# Any: a function of a namespace and arrays, as rules are written.
Function = Callable[..., Any]


def recorded(*arrays: Array) -> list[Recorded]:
    recorder = Recorder([Node(None, (), x) for x in arrays])
    return [recorder.at(NodeId(i)) for i in range(len(arrays))]


@pytest.mark.parametrize(
    ("function", "arrays"),
    [
        (lambda xp, x: xp.exp(x), (MATRIX,)),
        (lambda xp, x: xp.log(x), (abs(MATRIX),)),
        (lambda xp, x: xp.log1p(x), (abs(MATRIX),)),
        (lambda xp, x: xp.sqrt(x), (abs(MATRIX),)),
        (lambda xp, x: xp.tanh(x), (MATRIX,)),
        (lambda xp, x: xp.sin(x), (MATRIX,)),
        (lambda xp, x: xp.cos(x), (MATRIX,)),
        (lambda xp, x: xp.abs(x), (MATRIX,)),
        (lambda xp, x, y: xp.maximum(x, y), (MATRIX, ROW)),
        (lambda xp, x, y: xp.minimum(x, y), (MATRIX, ROW)),
        (lambda xp, x: xp.maximum(1, x), (MATRIX,)),
        (lambda xp, x: xp.minimum(x, 1), (MATRIX,)),
        (lambda xp, x: xp.maximum(x, 0), (np.array([np.nan, -0.5]),)),
        (lambda xp, x: xp.where(x > 0, x, 0), (MATRIX,)),
        (lambda xp, x, y: xp.where(~(x > y), y, x / 2), (MATRIX, ROW)),
        (lambda xp, x: xp.sum(x), (MATRIX,)),
        (lambda xp, x: xp.sum(x, keepdims=True), (MATRIX,)),
        (lambda xp, x: xp.sum(x, axis=-1, keepdims=True), (MATRIX,)),
        (lambda xp, x: xp.sum(x, axis=0), (MATRIX,)),
        (lambda xp, x: xp.sech2(x), (MATRIX,)),
        (lambda xp, x: xp.sigmoid(x), (MATRIX,)),
        (lambda xp, x: xp.softplus(x), (MATRIX,)),
        (lambda xp, x: xp.multiply_no_nan(x, ROW), (MATRIX,)),
        (
            lambda xp, x, y: xp.multiply_no_nan(x, y),
            (np.array([np.nan, 3]), ROW[:2] * 0),
        ),
        (lambda xp, x: xp.detached_max(x), (MATRIX,)),
        (lambda xp, x: xp.softmax(x), (MATRIX,)),
        (lambda xp, x: xp.log_softmax(x), (MATRIX,)),
        (lambda xp, x: xp.logsumexp(x), (CUBE,)),
        (lambda xp, x, i: xp.pick(x, i), (MATRIX, np.array([2, 0]))),
        (lambda xp, x, i: xp.pick(x, i), (ROW, np.int64(1))),
        (lambda xp, x, i: xp.one_hot(x, i), (MATRIX, np.array([2, 0]))),
        (lambda xp, x: xp.take(x, (2, 0, 2), 1), (MATRIX,)),
        (lambda xp, x, i: xp.take(x, i, 0), (MATRIX, np.array([[1, 5], [0, 1]]))),
        (lambda xp, x, y: xp.index_add(x, y, (0, 0), 0), (ROW, ROW[:2])),
        (
            lambda xp, x, y, i: xp.index_add(x, y, i, 0),
            (ROW, ROW[:2], np.array([1, 9])),
        ),
        (lambda xp, x: xp.windows(x, (2,), (1,), (1,)), (MATRIX,)),
        (lambda xp, x: xp.fold(x, (4,), (1,), (0,)), (MATRIX,)),
        (lambda xp, x, y: xp.matmul(x, y), (MATRIX, ROW)),
        (lambda xp, x, y: xp.matmul(y, x), (MATRIX.T, ROW)),
        (lambda xp, x, y: xp.matmul(x, y), (ROW, ROW)),
        (lambda xp, x, y: xp.matmul(x, y), (MATRIX, MATRIX.T)),
        (lambda xp, x, y: xp.matmul(x, y), (CUBE, CUBE[0].T)),
        (lambda xp, x, y: xp.matmul(x, y), (CUBE, np.ones(4))),
        (lambda xp, x, y: xp.matmul(y, x), (CUBE, np.ones(3))),
        (lambda xp, x: xp.permute_dims(x, (2, 0, 1)), (CUBE,)),
        (
            lambda xp, x: xp.permute_dims(xp.permute_dims(x, (2, 0, 1)), (1, 2, 0)),
            (CUBE,),
        ),
        (
            lambda xp, x: xp.permute_dims(xp.permute_dims(x, (2, 0, 1)), (2, 0, 1)),
            (CUBE,),
        ),
        (lambda xp, x: xp.reshape(x, (3, 2)), (MATRIX,)),
        (lambda xp, x, y: xp.concat(x, y, x, axis=0), (MATRIX, MATRIX)),
        (lambda xp, x: xp.embed(x, (2, 7), 1, 3), (MATRIX,)),
        (lambda xp, x: xp.broadcast_to(x, (4, 3)), (ROW,)),
        (lambda xp, x: xp.zeros_like(x), (MATRIX,)),
        (lambda xp, x: xp.ones_like(x), (MATRIX,)),
        (lambda xp, x: xp.constant(x), (MATRIX,)),
        (lambda xp, x: x + 1 - 3, (MATRIX,)),
        (lambda xp, x: 1 - x, (MATRIX,)),
        (lambda xp, x: 2 * x * 3, (MATRIX,)),
        (lambda xp, x: 1 / x / 3, (MATRIX,)),
        (lambda xp, x: -x, (MATRIX,)),
        (lambda xp, x, y: y - x * y / (x + y), (MATRIX, ROW)),
        (lambda xp, x: x * ROW + ROW, (MATRIX,)),
        (lambda xp, x: ROW - ROW / x, (MATRIX,)),
        (lambda xp, x, y: xp.outer_sum(x, y, x, y), (ROW, MATRIX)),
        (lambda xp, x: x[0], (MATRIX,)),
        (lambda xp, x: x[:, -1], (MATRIX,)),
        (lambda xp, x: x[..., 1], (CUBE,)),
        (lambda xp, x: x[1, ..., ::2], (CUBE,)),
        (lambda xp, x: x[:, 1:, 0:4:2], (CUBE,)),
        (lambda xp, x: x[1:, ::-1], (CUBE,)),
        (lambda xp, x, y: (x < y) | (x >= 2), (MATRIX, ROW)),
        (lambda xp, x, y: (x <= y) & (x != y), (MATRIX, ROW)),
        (lambda xp, x, y: x == y, (MATRIX, ROW)),
        (lambda xp, x: x * xp.literal(x, 0.1), (MATRIX.astype(np.float32),)),
    ],
)
def test_the_numbers_are_those_of_numpy(
    function: Function, arrays: tuple[Array, ...]
) -> None:
    result = function(DISPATCHING, *recorded(*arrays))
    expected = NUMPY.canonical(function(NUMPY, *arrays))
    assert isinstance(result, Recorded)
    assert (result.shape, result.ndim) == (expected.shape, expected.ndim)
    np.testing.assert_array_equal(result.value, expected, strict=True)
    assert result.recorder.nodes[result.id].value is result.value


def test_the_recording_namespace_has_every_function() -> None:
    members = {name for name in vars(Namespace) if name[0] != "_"}
    made_of_others = {"outer_sum", "require"}
    assert members - made_of_others <= vars(type(RECORDING)).keys()


@pytest.mark.parametrize(
    ("function", "slopes"),
    [
        (lambda xp, x: xp.maximum(x, 1), [0, 0, 1]),
        (lambda xp, x: xp.minimum(x, 1), [1, 0, 0]),
        (lambda xp, x: xp.maximum(x, 1 + 0 * x), [0, 0.5, 1]),
        (lambda xp, x: xp.constant(x), [0, 0, 0]),
        (lambda xp, x: xp.detached_max(x), [0, 0, 0]),
    ],
)
def test_extrema_share_a_tie_and_constants_pass_nothing_back(
    function: Function, slopes: list[float]
) -> None:
    """At a tie with a number the node gets nothing, with a node it gets half."""
    (x,) = recorded(np.array([0.0, 1.0, 2.0]))
    y = DISPATCHING.sum(function(DISPATCHING, x))
    tape: Any = snapshot(x.recorder.nodes, len(x.recorder.nodes))
    found: Any = backward(tape, y.id, 1).unwrap().get(x.id, np.zeros(3))
    assert found.tolist() == slopes


def test_numbers_are_recorded_once() -> None:
    x, y = recorded(MATRIX, ROW)
    before = len(x.recorder.nodes)
    for _ in range(3):
        _ = 1 - x
    _ = 1 - y
    added = x.recorder.nodes[before:]
    assert [node.op is None for node in added] == [
        True,
        False,
        False,
        False,
        True,
        False,
    ]
    assert not added[0].requires_grad


def test_rationals_stay_exact() -> None:
    x, y = recorded(rationals([[1, 2]]), rationals([3, 4]))
    result = (1 / x - y) * DISPATCHING.literal(x, 3) / 7
    assert namespace_of(result.value) is EXACT
    assert [str(entry) for entry in result.value.flat] == ["-6/7", "-3/2"]


def test_what_does_not_broadcast_is_the_rules_own_mistake() -> None:
    x, y = recorded(MATRIX, np.ones(2))
    with pytest.raises(ValueError, match="do not broadcast"):
        _ = x + y


def test_logarithms_outside_their_domain_are_nan_until_chosen() -> None:
    """The namespace checks no domain: an op or a rule does that."""
    (x,) = recorded(np.array([-2.0, 1.0]))
    with np.errstate(all="ignore"):
        for function in (DISPATCHING.log, DISPATCHING.log1p):
            assert np.isnan(function(x).value[0])
        chosen = DISPATCHING.where(x > 0, DISPATCHING.log(x), 0)
    assert chosen.value.tolist() == [0, 0]
    slopes: Any = backward(
        snapshot(x.recorder.nodes, len(x.recorder.nodes)), chosen.id, np.ones(2)
    ).unwrap()
    assert slopes[x.id].tolist() == [0, 1]


def test_numpy_numbers_become_python_numbers() -> None:
    (x,) = recorded(np.ones(2, np.float32))
    for number in (np.float64(0.5), np.float32(0.5), np.int64(2), True):
        y = x * DISPATCHING.literal(x, number)
        assert y.dtype == np.float32
        assert y.value.tolist() == [number, number]


def test_zeros_keep_their_signs() -> None:
    (x,) = recorded(np.ones(2))
    for zero in (0.0, -0.0, 0):
        signs = np.signbit((zero - 0 * x).value), np.signbit((x / zero).value)
        assert signs[1].tolist() == [np.signbit(zero)] * 2


def test_an_entry_that_is_not_there_is_an_index_error() -> None:
    (x,) = recorded(np.ones(2))
    for index in (2, -3):
        with pytest.raises(IndexError, match="of 2"):
            _ = x[index]


def test_recorded_values_belong_to_their_sweep() -> None:
    x, y = recorded(ROW, ROW)
    assert align_levels(y, x, frozenset()) is y
    for plain in (ROW, MATRIX):  # a sweep refuses another shape
        lifted = x.lift(plain)
        assert isinstance(lifted, Recorded)
        assert lifted.value.tolist() == plain.tolist()
    assert repr(x) == "Recorded(0, array([ 0.5, -1.5,  2. ]))"
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)
