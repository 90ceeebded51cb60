"""Leaves of trees that are refused are named by their paths."""

from typing import Any

import numpy as np
import pytest

from tapem_dsl import const
from tests.untyped import GRADIENT, LOOSE

# Any, throughout: what types would refuse is what is tried here.


PROGRAM = const(1.0)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (np.arange(3), "dtype mismatch"),
        (np.array([True]), "dtype mismatch"),
        (10**400, "beyond double precision"),
    ],
)
def test_a_leaf_that_is_refused_is_named_by_its_path(bad: Any, said: str) -> None:
    pytree = {"layer": ({"w": np.float64(1), "b": bad},)}
    outcome: Any = GRADIENT(lambda p: LOOSE.sum_(p["layer"][0]["w"]))(pytree)
    assert said in outcome.failure().message
    assert outcome.failure().names == ("layer.0.b",)


@pytest.mark.parametrize("bad", ["x", 1j, True, np.array(["a"]), PROGRAM])
def test_a_leaf_that_is_no_number_is_named_by_its_path(bad: Any) -> None:
    loss: Any = GRADIENT(lambda p: LOOSE.sum_(p["w"]))
    with pytest.raises(TypeError, match=r"leaf 'b\.0': .*(no|not)"):
        loss({"w": np.float64(1), "b": [bad]})


def test_a_direction_that_does_not_fit_is_named_by_its_path() -> None:
    point, along = {"w": np.ones(2), "b": np.ones(3)}, {"w": np.ones(2), "b": 1.0}
    program: Any = lambda p, _: LOOSE.sum_(p["w"])  # noqa: E731
    outcome: Any = LOOSE.jvp(program, point, None, along)
    assert outcome.failure().names == ("b",)
