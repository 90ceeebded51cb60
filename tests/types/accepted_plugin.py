"""What mypy must infer with the plugin of ``returns``; each function is one promise."""

from collections.abc import Callable
from typing import Any, TypeVar, assert_type

import numpy as np
from numpy.typing import NDArray
from returns.converters import flatten
from returns.interfaces.bindable import BindableN
from returns.iterables import Fold
from returns.methods import cond
from returns.pipeline import flow
from returns.pointfree import apply, bind, map_
from returns.primitives.hkt import KindN, kinded

from tapem_dsl import NodeId, TapeM, leaf, mul, pure, relu, value_of
from tapem_dsl.errors import Thrown

M = TypeVar("M", bound=BindableN[Any, Any, Any])
S = TypeVar("S")
T = TypeVar("T")

ROW32 = np.ones(2, np.float32)


def pointfree_bind_infers() -> None:
    assert_type(bind(doubled)(leaf(ROW32)), TapeM[NodeId, np.float32])
    assert_type(bind(relu)(leaf(ROW32)), TapeM[NodeId, Any])


def pointfree_map_infers() -> None:
    assert_type(map_(shown)(leaf(ROW32)), TapeM[str, np.float32])


def pointfree_apply_infers() -> None:
    assert_type(apply(pure(shown))(leaf(ROW32)), TapeM[str, Any])


def a_flow_infers_through_every_step() -> None:
    shown_double = flow(leaf(ROW32), bind(doubled), map_(shown))
    assert_type(shown_double, TapeM[str, np.float32])
    value = flow(1.0, leaf, bind(relu), bind(value_of))
    assert_type(value, TapeM[NDArray[Any], Any])


def flatten_and_collect_infer() -> None:
    assert_type(flatten(pure(leaf(1.0))), TapeM[NodeId, Any])
    collected = Fold.collect([leaf(1.0), leaf(2.0)], pure(()))
    assert_type(collected, TapeM[tuple[NodeId, ...], Any])


def collect_all_infers() -> None:
    start: TapeM[tuple[NodeId, ...], np.float32] = pure(())
    collected = Fold.collect_all([leaf(ROW32), leaf(ROW32)], start)
    assert_type(collected, TapeM[tuple[NodeId, ...], np.float32])


def cond_takes_a_failure_of_any_type() -> None:
    error: Any = Thrown("no")  # Any: returns types it where programs have the scalar
    chosen: TapeM[int, np.float32] = cond(TapeM, True, 1, error)
    assert_type(cond(TapeM, True, 1, error), TapeM[int, Any])
    assert_type(chosen, TapeM[int, np.float32])


def a_function_for_every_monad_infers() -> None:
    assert_type(thrice(leaf(ROW32), doubled), TapeM[NodeId, np.float32])


@kinded
def thrice(
    container: KindN[M, NodeId, S, T],
    function: Callable[[NodeId], KindN[M, NodeId, S, T]],
) -> KindN[M, NodeId, S, T]:
    return container.bind(function).bind(function).bind(function)


def doubled(x: NodeId) -> TapeM[NodeId, np.float32]:
    return leaf(ROW32).bind(lambda y: mul(x, y))


def shown(x: NodeId) -> str:
    return str(x)
