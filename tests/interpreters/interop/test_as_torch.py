"""Programs as functions of PyTorch."""

from typing import Any

import numpy as np
import pytest
import torch

from tapem_dsl import (
    Do,
    NodeId,
    as_torch,
    const,
    cross_entropy,
    do,
    log,
    matmul,
    mul,
    scale,
    tanh,
)

# Any, throughout: tensors, of which our stub knows little.
checks: Any = torch.autograd

each_engine = pytest.mark.parametrize("engine", ["numpy", "xla"])


@do
def network(p: Any, x: Any, labels: Any) -> Do[NodeId, Any]:
    rows = yield from const(x)
    targets = yield from const(labels)
    hidden = yield from tanh((yield from matmul(rows, p["w"])))
    return (yield from cross_entropy(hidden, targets))


def drawn() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    w: Any = torch.tensor(rng.normal(size=(3, 4)))
    x = torch.tensor(rng.normal(size=(5, 3)))
    return w.requires_grad_(True), x, torch.tensor([0, 1, 2, 3, 0])


@each_engine
def test_pytorchs_own_checks_of_gradients(engine: Any) -> None:
    w, x, labels = drawn()
    loss = as_torch(network, engine=engine)
    assert checks.gradcheck(lambda w: loss({"w": w}, x, labels), w)
    assert checks.gradgradcheck(lambda w: loss({"w": w}, x, labels), w)


@each_engine
def test_results_that_are_no_scalars_and_shared_parameters(engine: Any) -> None:
    product = as_torch(lambda p: mul(p[0], p[1]), engine=engine)
    a: Any = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    a.requires_grad_(True)
    assert checks.gradcheck(lambda a: product((a, a)), a)
    assert checks.gradgradcheck(lambda a: product((a, a)), a)


def test_the_value_is_that_of_pytorch() -> None:
    w, x, labels = drawn()
    functional: Any = __import__("torch.nn.functional", fromlist=["_"])
    expected = functional.cross_entropy(torch.tanh(x @ w), labels)
    found: Any = as_torch(network)({"w": w}, x, labels)
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=1e-12)
    found.backward()
    ours = w.grad.clone()
    w.grad = None
    expected.backward()
    np.testing.assert_allclose(ours, w.grad, rtol=1e-12)


def test_float32_stays_float32() -> None:
    x: Any = torch.tensor(2.0)
    y = as_torch(lambda x: mul(x, x))(x.requires_grad_(True))
    slope: Any
    (slope,) = torch.autograd.grad(y, [x])
    assert (str(y.dtype), str(slope.dtype)) == ("torch.float32",) * 2


@each_engine
def test_static_inputs_stay_static(engine: Any) -> None:
    @do
    def program(x: Any, times: int, factor: float, more: Any) -> Do[NodeId, Any]:
        shift, is_on, nothing = more
        for _ in range(times):
            x = yield from mul(x, (yield from const(shift)))
        return (yield from scale(x, factor)) if is_on and nothing is None else x

    function = as_torch(program, engine=engine)
    shift: Any = torch.tensor([2.0, 3.0])
    x: Any = torch.tensor([1.0, 1.0])
    for times in (2, 3):
        y: Any = function(x.requires_grad_(True), times, 0.5, (shift, True, None))
        assert y.tolist() == [2**times / 2, 3**times / 2]
        slope: Any = torch.autograd.grad(y.sum(), [x])[0]
        assert slope.tolist() == y.tolist()


def test_what_is_refused() -> None:
    w, x, labels = drawn()
    other: Any = x
    with pytest.raises(TypeError, match="by its first argument only"):
        as_torch(network)({"w": w}, other.requires_grad_(True), labels)
    with pytest.raises(ValueError, match="'numpy' or 'xla'"):
        as_torch(network, engine="cuda")  # type: ignore[arg-type] # a mistake
    with pytest.raises(Exception, match="values <= 0"):
        as_torch(log)(torch.tensor(-1.0))
