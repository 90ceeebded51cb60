"""Ops entry by entry."""

from dataclasses import replace
from fractions import Fraction
from typing import Final

import jax
from jax import numpy as jnp

from tapem_dsl import (
    abs_,
    add,
    clamp,
    cos,
    div,
    exp,
    gelu,
    inv,
    log,
    log1p,
    max_,
    min_,
    mul,
    relu,
    safe_log,
    scale,
    shift_by,
    sigmoid,
    sin,
    softplus,
    sqrt,
    sub,
    tanh,
)
from tapem_dsl.ops.activations import Gelu, Relu, Sigmoid, Softplus, Tanh
from tapem_dsl.ops.arithmetic import (
    Add,
    Clamp,
    Div,
    Inv,
    Max,
    Min,
    Mul,
    Scale,
    ShiftBy,
    Sub,
)
from tapem_dsl.ops.elementwise import Abs, Cos, Exp, Log, Log1p, SafeLog, Sin, Sqrt
from tests.specs.spec import NONZERO, POSITIVE, binary, unary

FACTOR: Final = Fraction(-3, 4)
BOUNDS: Final = (Fraction(-17, 16), Fraction(37, 16))  # between the eighths
EPSILON: Final = Fraction(1, 1_000_000)
ELEMENTWISE: Final = (
    binary(Add(), add, jnp.add),
    binary(Sub(), sub, jnp.subtract),
    binary(Mul(), mul, jnp.multiply),
    binary(Div(), div, jnp.divide, NONZERO),
    unary(
        Scale(FACTOR),
        lambda x, **options: scale(x, FACTOR, **options),
        lambda x: x * float(FACTOR),
        rational=True,
    ),
    unary(
        ShiftBy(FACTOR),
        lambda x, **options: shift_by(x, FACTOR, **options),
        lambda x: x + float(FACTOR),
        rational=True,
    ),
    unary(Relu(), relu, jax.nn.relu, rational=True),
    unary(Tanh(), tanh, jnp.tanh),
    unary(Sigmoid(), sigmoid, jax.nn.sigmoid),
    unary(Exp(), exp, jnp.exp),
    unary(Log(), log, jnp.log, POSITIVE),
    unary(Log1p(), log1p, jnp.log1p, POSITIVE),
    unary(Sin(), sin, jnp.sin),
    unary(Cos(), cos, jnp.cos),
    unary(Abs(), abs_, lambda x: x * jnp.sign(x), rational=True),  # flat at 0
    unary(Sqrt(), sqrt, jnp.sqrt, POSITIVE),
    unary(Inv(), inv, jnp.reciprocal, NONZERO, rational=True),
    unary(
        Clamp(*BOUNDS),
        lambda x, **options: clamp(x, *BOUNDS, **options),
        lambda x: jnp.clip(x, *map(float, BOUNDS)),
        rational=True,
    ),
    binary(Max(), max_, jnp.maximum),
    binary(Min(), min_, jnp.minimum),
    unary(Softplus(), softplus, jax.nn.softplus),
    replace(
        unary(
            SafeLog(EPSILON),
            safe_log,
            lambda x: jnp.log(jax.nn.softplus(x) + float(EPSILON)),
        ),
        slack=100,
    ),
    unary(Gelu(), gelu, jax.nn.gelu),
)
