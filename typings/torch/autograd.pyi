from collections.abc import Sequence
from typing import Any

from torch import Tensor

def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Sequence[Tensor],
    grad_outputs: Sequence[Tensor] | None = None,
    *,
    create_graph: bool = False,
) -> tuple[Tensor, ...]: ...

class Function:
    # Any: what the function takes beside tensors
    @classmethod
    def apply(cls, *args: Any) -> Any: ...
