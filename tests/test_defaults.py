"""The defaults of parameters are PyTorch's or TorchLean's."""

# Any, throughout: parameters of whatever type.

import inspect
from fractions import Fraction
from types import FunctionType
from typing import Any

import pytest

import tapem_dsl
from tapem_dsl import NodeId

OPS: dict[str, tuple[Any, ...]] = {
    "conv": (0, 1, 2),
    "conv_transpose": (0, 1, 2),
    "avg_pool": (0, 2),
    "max_pool": (0, 2),
    "smooth_max_pool": (0, 2),
    "windows": (0, (2,)),
    "fold": (0, (3,)),
    "huber_loss": (0, 1),
    "layer_norm": (0, 1, 2),
    "batch_norm": (0, 1, 2),
    "safe_log": (0,),
    "attention": (0, 1, 2, 3, 4),
    "gather": (0, 1),
    "index_add": (0, 1, 2),
    "index_select": (0, (0,)),
    "scatter_add": (0, 1, (0,)),
    "select": (0, 1),
    "concat": (0, 1),
    "embed": (0, 0, 3),
    "slice_": (0, 0, 1),
}
"""Ops with optional parameters, and what they take besides."""

REQUIRED: dict[str, Any] = {
    "attention": {"heads": 2},
    "smooth_max_pool": {"beta": 1.0},
}
WINDOWS = {"stride": 1, "padding": 0}
POOLS = {"stride": 2, "padding": 0}  # the kernel's
AXIS = {"axis": 0}
DEFAULTS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("conv", "conv_transpose", "windows", "fold"), WINDOWS),
    **dict.fromkeys(("avg_pool", "max_pool", "smooth_max_pool"), POOLS),
    **dict.fromkeys(("gather", "index_add", "index_select", "scatter_add"), AXIS),
    **dict.fromkeys(("select", "concat", "embed", "slice_"), AXIS),
    "huber_loss": {"delta": 1},
    "layer_norm": {"epsilon": Fraction(1, 100_000)},
    "batch_norm": {"epsilon": Fraction(1, 100_000)},
    "safe_log": {"epsilon": Fraction(1, 1_000_000)},  # TorchLean's
    "attention": {"mask": None},
}


def called(name: str, **options: Any) -> Any:
    ids = [NodeId(x) if type(x) is int else x for x in OPS[name]]
    return getattr(tapem_dsl, name)(*ids, **REQUIRED.get(name, {}), **options)


def test_every_op_with_an_optional_parameter_is_here() -> None:
    optional = {
        name: {
            parameter.name
            for parameter in inspect.signature(function).parameters.values()
            if parameter.default is not parameter.empty and parameter.name != "shape"
        }
        for name, function in vars(tapem_dsl).items()
        if isinstance(function, FunctionType)
        and function.__module__.startswith("tapem_dsl.ops.")
    }
    ours = {name: set(parameters) for name, parameters in DEFAULTS.items()}
    assert {name: of for name, of in optional.items() if of} == ours


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_is_not_given_is_the_default(name: str) -> None:
    for parameter, default in DEFAULTS[name].items():
        assert called(name) == called(name, **{parameter: default})
        if isinstance(default, int | Fraction):
            assert called(name) != called(name, **{parameter: default + 1})


def test_a_leaf_is_trainable_and_nameless_unless_told_otherwise() -> None:
    assert tapem_dsl.leaf(1.0) == tapem_dsl.leaf(1.0, name=None, requires_grad=True)
    assert tapem_dsl.leaf(1.0) == tapem_dsl.param(1.0)
    assert tapem_dsl.leaf(1.0) != tapem_dsl.const(1.0)
