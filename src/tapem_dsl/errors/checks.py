"""The error of a check of gradients."""

from dataclasses import dataclass
from typing import Any, ClassVar, final

from tapem_dsl.errors.base import TapeError


@final
@dataclass(frozen=True, slots=True)
class WrongGradient(TapeError):
    """
    A derivative is not that of the program's value.

    Args:
        report: the ``testing.GradientReport``, with a row for each leaf.

    Lean: none. PyTorch: ``torch.autograd.gradcheck.GradcheckError``.

    >>> print(WrongGradient("a table").message)
    autograd: a gradient is wrong
    a table
    """

    _text: ClassVar[str] = "autograd: a gradient is wrong\n{report}"

    report: Any  # Any: its class stands in a later room
