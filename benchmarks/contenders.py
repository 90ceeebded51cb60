"""Contenders of each library, each made from a loss and its weights."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from benchmarks.harness import Contender, FirstCall, flat
from tapem_dsl import TapeM, backward_scalar, jit, tree

# Any, throughout: each library has its own kind of array.
Loss: TypeAlias = Callable[[Any], Any]
"""Maps weights to a scalar."""

Engine: TypeAlias = Literal["numpy", "xla"]


def of_tapem_dsl(
    program: Callable[[], TapeM[Any, Any]], read: Callable[[Any], list[Any]] = flat
) -> Contender:
    """Build and run a program that returns a loss and its weights, then sweep."""

    def run() -> Any:
        (loss, weights), tape = program().run().unwrap()
        return tape[loss].value, backward_scalar(tape, loss, wrt=weights).unwrap()

    return Contender(run, read)


def of_jit(
    program: Callable[..., TapeM[Any, Any]],
    *arguments: Any,
    read: Callable[[Any], list[Any]] = flat,
    engine: Engine = "numpy",
) -> Contender:
    """Compile the same, as :func:`compiled` does."""

    def gradient(*arguments: Any) -> Any:
        (loss, weights), tape = program(*arguments).run().unwrap()
        gradients = backward_scalar(tape, loss, wrt=weights).unwrap()
        # a list: jit returns no mapping of a class of its own
        return tape[loss].value, [gradients[id] for id in weights]

    return compiled(gradient, *arguments, read=read, engine=engine)


def compiled(
    function: Callable[..., Any],
    *arguments: Any,
    read: Callable[[Any], list[Any]] = flat,
    engine: Engine = "numpy",
) -> Contender:
    """Compile once; what is timed makes the key and returns the result."""
    if engine == "xla":
        return on_xla(function, arguments, read)
    step, as_noted = jit(function), jit(function, roll=False)
    as_noted(*arguments)
    (plan,) = as_noted.plan(*arguments)  # what runs without a plan is no contender
    step(*arguments)
    first = FirstCall(lambda: jit(function)(*arguments), plan.count())
    return Contender(lambda: step(*arguments), read, first)


def on_xla(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    read: Callable[[Any], list[Any]],
) -> Contender:
    """Compile with XLA; arguments and results stay on the device, as those of JAX."""
    import jax

    def on_device(x: Any) -> Any:
        return jax.numpy.asarray(x) if isinstance(x, np.ndarray) else x

    with jax.enable_x64(True):
        there = tree.map(on_device, arguments)
    as_noted = jit(function, roll=False)
    as_noted(*arguments)
    (plan,) = as_noted.plan(*arguments)
    step = jit(function, engine="xla")
    finished(step(*there))
    first = FirstCall(
        lambda: finished(jit(function, engine="xla")(*there)), plan.count()
    )
    return Contender(lambda: finished(step(*there)), read, first)


def of_torch(loss: Loss, weights: Sequence[Any]) -> Contender:
    import torch

    leaves = [torch.tensor(w).requires_grad_(True) for w in weights]

    def run() -> Any:
        value = loss(leaves)
        return value, torch.autograd.grad(value, leaves)

    return Contender(run)


def of_torch_by_sample(
    loss: Callable[..., Any], xs: Any, ys: Any, weights: Sequence[Any]
) -> Contender:
    """Average ``loss(weights, x, y)`` over the rows of two arrays, one by one."""
    import torch

    rows, targets = list(torch.tensor(xs)), list(torch.tensor(ys))
    return of_torch(mean_over(loss, rows, targets), weights)


def of_torch_batched(
    loss: Callable[..., Any], xs: Any, ys: Any, weights: Sequence[Any]
) -> Contender:
    """Pass both arrays to a loss that averages over their rows."""
    import torch

    rows, targets = torch.tensor(xs), torch.tensor(ys)
    return of_torch(lambda leaves: loss(leaves, rows, targets), weights)


def of_jax(loss: Loss, weights: Any, *, jit: bool) -> Contender:
    import jax

    gradient = jax.value_and_grad(loss)
    function = jax.jit(gradient) if jit else gradient
    again = FirstCall(lambda: finished(jax.jit(jax.value_and_grad(loss))(weights)), 0)
    first = again if jit else None
    return Contender(lambda: finished(function(weights)), first_call=first)


def of_jax_vmap(loss: Callable[..., Any], xs: Any, ys: Any, weights: Any) -> Contender:
    """Compile the mean of ``loss(weights, x, y)``, mapped over all rows."""
    import jax

    losses = jax.vmap(loss, (None, 0, 0))
    return of_jax(lambda w: losses(w, xs, ys).mean(), weights, jit=True)


def of_autograd(loss: Loss, weights: Any) -> Contender:
    import autograd

    gradient = autograd.value_and_grad(loss)
    return Contender(lambda: gradient(weights))


def finished(result: Any) -> Any:
    """Wait for JAX, which returns before it has computed."""
    import jax

    return jax.block_until_ready(result)  # type: ignore[no-untyped-call] # of jax


def mean_over(loss: Callable[..., Any], xs: Sequence[Any], ys: Sequence[Any]) -> Loss:
    """Return the mean of ``loss(weights, x, y)``, added up sample by sample."""

    def mean(weights: Any) -> Any:
        total = loss(weights, xs[0], ys[0])
        for x, y in zip(xs[1:], ys[1:], strict=True):
            total = total + loss(weights, x, y)
        return total * (1 / len(ys))

    return mean
