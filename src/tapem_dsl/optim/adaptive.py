"""Adaptive rules: each entry's rate depends on the size of its past gradients."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar, Final, NamedTuple, TypeAlias, final

from typing_extensions import override

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.compiled.noting import power
from tapem_dsl.optim.rules import (
    NonNegative,
    Real,
    UpdateRule,
    canonical,
    constant,
    quotient,
    zeros,
)
from tapem_dsl.tape.equality import structural_tuple

EPSILON: Final = Fraction(1, 1_000_000)
"""TorchLean's default; PyTorch's is 1e-8, and 1e-10 for AdaGrad."""

BETA2: Final = 1 - 1 / 1000
"""Adam's default, as TorchLean writes it."""

Beta: TypeAlias = Annotated[Real, "[0, 1)"]


@structural_tuple
class Accumulated(NamedTuple):
    """A running sum of squares."""

    squares: Array


@final
@dataclass(frozen=True, slots=True)
class AdaGrad(UpdateRule[Accumulated]):
    """
    ``G = G + g**2``, then ``p - rate / (sqrt(G) + epsilon) * g``.

    Duchi et al., JMLR 12 (2011). Lean: ``Optim.AdaGrad``. PyTorch:
    ``torch.optim.Adagrad``.

    >>> import numpy as np
    >>> AdaGrad().init(np.float64(1.0))
    Accumulated(squares=np.float64(0.0))
    """

    state_type: ClassVar[type] = Accumulated

    epsilon: NonNegative = EPSILON
    weight_decay: NonNegative = 0

    @override
    def init(self, parameter: Array) -> Accumulated:
        return Accumulated(zeros(parameter))

    @override
    def equations(
        self, xp: Namespace, g: Array, state: Accumulated, p: Array, rate: Real
    ) -> tuple[Array, Accumulated]:
        g = self.decayed(xp, g, p)
        squares = state.squares + g * g
        change = -adaptive(xp, p, rate, self.epsilon, squares, g)
        return change, Accumulated(canonical(xp, squares))


@structural_tuple
class Averaged(NamedTuple):
    """A running mean of squares."""

    squares: Array


@final
@dataclass(frozen=True, slots=True)
class RmsProp(UpdateRule[Averaged]):
    """
    ``V = V * rho + g**2 * (1 - rho)``, then ``p - rate / (sqrt(V) + epsilon) * g``.

    Tieleman & Hinton, lecture 6.5 (2012). Lean: ``Optim.RMSProp``. PyTorch:
    ``torch.optim.RMSprop(alpha=rho)``.

    >>> RmsProp().rho
    0.9
    """

    state_type: ClassVar[type] = Averaged

    rho: Annotated[Real, "[0, 1]"] = 0.9
    epsilon: NonNegative = EPSILON
    weight_decay: NonNegative = 0

    @override
    def init(self, parameter: Array) -> Averaged:
        return Averaged(zeros(parameter))

    @override
    def equations(
        self, xp: Namespace, g: Array, state: Averaged, p: Array, rate: Real
    ) -> tuple[Array, Averaged]:
        g = self.decayed(xp, g, p)
        squares = running(xp, p, state.squares, g * g, self.rho)
        change = -adaptive(xp, p, rate, self.epsilon, squares, g)
        return change, Averaged(canonical(xp, squares))


@structural_tuple
class Moments(NamedTuple):
    """Running means of the gradients and of their squares, and how many there were."""

    steps: int
    first: Array
    second: Array


@dataclass(frozen=True, slots=True)
class Adam(UpdateRule[Moments]):
    """
    Adam: running means of ``g`` and ``g**2``, with bias correction.

    ``m = m * beta1 + g * (1 - beta1)``, ``v = v * beta2 + g**2 * (1 - beta2)``, then
    ``p - rate / (sqrt(v / (1 - beta2**t)) + epsilon) * m / (1 - beta1**t)``. ``t``
    counts the gradients of this tensor.

    Kingma & Ba, arXiv:1412.6980. Lean: ``Optim.Adam``. PyTorch:
    ``torch.optim.Adam``.

    >>> import numpy as np
    >>> change, _ = Adam().update(np.float64(5.0), Adam().init(1.0), np.float64(1), 0.1)
    >>> float(round(change, 6))
    -0.1
    """

    state_type: ClassVar[type[Moments]] = Moments

    beta1: Beta = 0.9
    beta2: Beta = BETA2
    epsilon: NonNegative = EPSILON
    weight_decay: NonNegative = 0

    @override
    def init(self, parameter: Array) -> Moments:
        return self.state_type(0, zeros(parameter), zeros(parameter))

    @override
    def equations(
        self, xp: Namespace, g: Array, state: Moments, p: Array, rate: Real
    ) -> tuple[Array, Moments]:
        return self.moments(xp, self.decayed(xp, g, p), state, p, rate)

    def moments(
        self, xp: Namespace, g: Array, state: Moments, p: Array, rate: Real
    ) -> tuple[Array, Moments]:
        """Return Adam's change without weight decay, and the next state."""
        t = state.steps + 1
        m = running(xp, p, state.first, g, self.beta1)
        v = running(xp, p, state.second, g * g, self.beta2)
        second = v * constant(xp, p, 1 / (1 - power(self.beta2, t)))
        faster = rate / (1 - power(self.beta1, t))  # dividing m instead might overflow
        change = -adaptive(xp, p, faster, self.epsilon, second, m)
        return change, self.state_type(t, canonical(xp, m), canonical(xp, v))


@final
class DecayedMoments(Moments):
    """The state of :class:`AdamW`, which :class:`Adam` refuses."""

    __slots__ = ()


@final
@dataclass(frozen=True, slots=True)
class AdamW(Adam):
    """
    :class:`Adam` with decoupled weight decay: ``p`` also shrinks by ``rate * decay``.

    Loshchilov & Hutter, arXiv:1711.05101. Lean: ``Optim.AdamW``. PyTorch:
    ``torch.optim.AdamW``, whose default decay is 0.01.

    >>> AdamW().weight_decay
    0.01
    """

    state_type: ClassVar[type[Moments]] = DecayedMoments

    weight_decay: NonNegative = 0.01

    @override
    def equations(
        self, xp: Namespace, g: Array, state: Moments, p: Array, rate: Real
    ) -> tuple[Array, Moments]:
        change, moments = self.moments(xp, g, state, p, rate)
        shrunk = p * constant(xp, p, rate * self.weight_decay)
        return change - shrunk, moments


@structural_tuple
class Deltas(NamedTuple):
    """Running means of the squared gradients and of the squared changes."""

    squares: Array
    changes: Array


@final
@dataclass(frozen=True, slots=True)
class Adadelta(UpdateRule[Deltas]):
    """
    ``d = sqrt(u + epsilon) / sqrt(v + epsilon) * g``, then ``p - d * rate``.

    ``v`` and ``u`` are the running means of ``g**2`` and of ``d**2``.

    Zeiler, arXiv:1212.5701. Lean: ``Optim.Adadelta``, of the later generations.
    PyTorch: ``torch.optim.Adadelta``.

    >>> import numpy as np
    >>> Adadelta().init(np.float64(0))
    Deltas(squares=np.float64(0.0), changes=np.float64(0.0))
    """

    state_type: ClassVar[type] = Deltas

    rho: Annotated[Real, "[0, 1]"] = 0.9
    epsilon: NonNegative = EPSILON
    weight_decay: NonNegative = 0

    @override
    def init(self, parameter: Array) -> Deltas:
        return Deltas(zeros(parameter), zeros(parameter))

    @override
    def equations(
        self, xp: Namespace, g: Array, state: Deltas, p: Array, rate: Real
    ) -> tuple[Array, Deltas]:
        g = self.decayed(xp, g, p)
        epsilon = constant(xp, p, self.epsilon)
        squares = running(xp, p, state.squares, g * g, self.rho)
        unit = quotient(xp, g, xp.sqrt(squares + epsilon))
        d = unit * xp.sqrt(state.changes + epsilon)
        changes = running(xp, p, state.changes, d * d, self.rho)
        kept = Deltas(canonical(xp, squares), canonical(xp, changes))
        return -(d * constant(xp, p, rate)), kept


def adaptive(
    xp: Namespace, p: Array, rate: Real, epsilon: Real, squares: Array, g: Array
) -> Array:
    """
    Return ``rate / (sqrt(max(squares, 0)) + epsilon) * g``.

    The gradient is divided first: the rate over a tiny epsilon may be infinite, and
    infinity times a gradient of 0 is NaN. A quotient by 0 is 0.

    Lean: ``adaptiveLR``, times ``g``.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> float(adaptive(NUMPY, np.float64(1), 0.5, 0.0, np.float64(4.0), np.float64(3)))
    0.75
    """
    root = xp.sqrt(xp.maximum(squares, 0))
    unit = quotient(xp, g, root + constant(xp, p, epsilon))
    return unit * constant(xp, p, rate)


def running(xp: Namespace, p: Array, mean: Array, new: Array, keep: Real) -> Array:
    """
    Return the next running mean, ``mean * keep + new * (1 - keep)``.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> float(running(NUMPY, np.float64(1), np.float64(2.0), np.float64(4.0), 0.5))
    3.0
    """
    if keep in (0, 1):  # infinity times the weight 0 would be NaN
        return mean if keep else new
    return mean * constant(xp, p, keep) + new * constant(xp, p, 1 - keep)
