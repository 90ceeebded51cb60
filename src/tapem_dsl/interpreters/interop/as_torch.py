"""A program as a differentiable function of PyTorch."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np

from tapem_dsl import tree
from tapem_dsl.arguments import check_argument
from tapem_dsl.arrays import Tracer
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.compiled import jit
from tapem_dsl.interpreters.interop.cotangents import (
    Flat,
    Many,
    cotangents_of,
    run_many,
)
from tapem_dsl.program.checks import function_argument
from tapem_dsl.program.tapem import TapeM

# Any, throughout: PyTorch is imported where it is used, if it is there.


def as_torch(
    program_of: Callable[..., TapeM[NodeId, Any]],
    *,
    engine: Literal["numpy", "xla"] = "numpy",
) -> Callable[..., Any]:
    """
    Make a function of PyTorch's tensors from a program.

    PyTorch differentiates it by our reverse rules, at each order.

    Args:
        program_of: as :func:`value_and_grad` takes it: of a pytree of node ids, and of
            inputs, to the program of a result. Tensors and arrays among the inputs may
            differ from call to call; a number is static, and another one is compiled
            anew.
        engine: what runs it, as in :func:`jit`.

    Returns:
        A function of a pytree of tensors, and of inputs, to a tensor on their device.

    Raises:
        TypeError: an input requires a gradient: pass it among the parameters.
        UnwrapFailedError: what the program fails with.

    Cost:
        That of :func:`jit`; tensors of the CPU are read where they are, others copied.

    Source:
        Lean: none. PyTorch: ``torch.autograd.Function``.

    >>> import torch
    >>> from tapem_dsl import mul
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> y = as_torch(lambda x: mul(x, x))(x)
    >>> torch.autograd.grad(y, x)
    (tensor(6.),)
    """
    import torch  # noqa: PLC0415 - only who has it calls this

    function_argument(program_of, "as_torch", "program_of")
    check_argument("as_torch", "engine", engine, ("numpy", "xla"))
    levels = _Levels(program_of, engine)

    class Step(torch.autograd.Function):
        """One level of derivatives; PyTorch differentiates it by the next one."""

        @staticmethod
        def forward(ctx: Any, k: int, static: Any, inputs: Any, *arrays: Any) -> Any:
            ctx.level, ctx.static, ctx.inputs = k, static, inputs
            ctx.save_for_backward(*arrays)
            values = [x.numpy(force=True) for x in arrays]
            found = levels[k](static, inputs, values).unwrap()
            return tuple(torch.tensor(x, device=arrays[0].device) for x in found)

        @staticmethod
        def backward(ctx: Any, *seeds: Any) -> Any:
            arrays = *ctx.saved_tensors, *seeds
            found = Step.apply(ctx.level + 1, ctx.static, ctx.inputs, *arrays)
            return None, None, None, *found

    def function(parameters: Any, /, *inputs: Any) -> Any:
        leaves, structure = tree.flatten(parameters)
        if any(getattr(x, "requires_grad", False) for x in tree.flatten(inputs)[0]):
            raise TypeError(
                "as_torch: a program is differentiated by its first argument only; "
                "pass what else requires a gradient there, too"
            )
        given, around = tree.flatten(tree.map(_numpy, inputs))
        fixed = tuple((_is_array(x), None if _is_array(x) else x) for x in given)
        moving = [x for x in given if _is_array(x)]
        arrays = [torch.as_tensor(x) for x in leaves]
        (result,) = Step.apply(0, (structure, around, fixed), moving, *arrays)
        return result

    return function


class _Levels:
    """The functions of a program's derivatives by order, each compiled once."""

    def __init__(self, program_of: Callable[..., Any], engine: Any) -> None:
        self._program_of = program_of
        self._engine = engine
        self._made: list[Callable[..., Any]] = []

    def __getitem__(self, order: int) -> Callable[..., Any]:
        while order >= len(self._made):
            function = partial(_level, self._program_of, len(self._made))
            compiled = jit(function, engine=self._engine, static_argnames="static")
            self._made.append(compiled)
        return self._made[order]


def _level(
    program_of: Callable[..., Any], order: int, static: Any, inputs: Any, values: Any
) -> Any:
    """Compute cotangents of cotangents: arrays stand first, then seeds by order."""
    structure, around, fixed = static
    count = structure.size()
    moving = iter(inputs)
    given = around.unflatten([next(moving) if moves else x for moves, x in fixed])
    call = Flat(program_of, structure.unflatten(values[:count]), given, _is_array)
    program: Many = call.program
    results = 1
    for _ in range(order):
        program = cotangents_of(program, count)
        count, results = count + results, count
    return run_many(program, list(values), call.inputs).eval()


def _numpy(x: Any) -> Any:
    return x.numpy(force=True) if hasattr(x, "requires_grad") else x


def _is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic | Tracer)
