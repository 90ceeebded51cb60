from collections.abc import Sequence
from typing import Any

from torch import Tensor

class Optimizer:
    param_groups: list[dict[str, Any]]
    def step(self) -> None: ...

class SGD(Optimizer):
    def __init__(
        self,
        params: Sequence[Tensor],
        lr: float,
        momentum: float = ...,
        dampening: float = ...,
        weight_decay: float = ...,
        nesterov: bool = ...,
    ) -> None: ...

class Adagrad(Optimizer):
    def __init__(
        self,
        params: Sequence[Tensor],
        lr: float,
        *,
        eps: float,
        weight_decay: float = ...,
    ) -> None: ...

class RMSprop(Optimizer):
    def __init__(
        self,
        params: Sequence[Tensor],
        lr: float,
        alpha: float,
        eps: float,
        weight_decay: float = ...,
    ) -> None: ...

class Adam(Optimizer):
    def __init__(
        self,
        params: Sequence[Tensor],
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float = ...,
    ) -> None: ...

class AdamW(Adam): ...

class Adadelta(Optimizer):
    def __init__(
        self,
        params: Sequence[Tensor],
        lr: float,
        rho: float,
        eps: float,
        weight_decay: float = ...,
    ) -> None: ...
