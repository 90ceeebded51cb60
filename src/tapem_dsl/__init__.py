"""
Programs over an autodiff tape, after TorchLean's ``TapeM``.

A loss is a program, a program run over a tape is data, and reverse mode is an
interpreter of that data.
"""

from tapem_dsl import errors as errors
from tapem_dsl import ops as ops
from tapem_dsl import optim as optim
from tapem_dsl import testing as testing
from tapem_dsl import train as train
from tapem_dsl import tree as tree
from tapem_dsl.arrays import Array as Array
from tapem_dsl.arrays import Namespace as Namespace
from tapem_dsl.arrays.shape import Shape as Shape
from tapem_dsl.errors import Refused as Refused
from tapem_dsl.errors import TapeError as TapeError
from tapem_dsl.ids import NodeId as NodeId
from tapem_dsl.interpreters.check import check as check
from tapem_dsl.interpreters.check import checked as checked
from tapem_dsl.interpreters.compiled import jit as jit
from tapem_dsl.interpreters.forward import derivative as derivative
from tapem_dsl.interpreters.forward import derivative_vjp as derivative_vjp
from tapem_dsl.interpreters.forward import hessian_input as hessian_input
from tapem_dsl.interpreters.forward import hvp_inputs as hvp_inputs
from tapem_dsl.interpreters.forward import hvp_params as hvp_params
from tapem_dsl.interpreters.forward import jacfwd_input as jacfwd_input
from tapem_dsl.interpreters.forward import jacrev_inputs as jacrev_inputs
from tapem_dsl.interpreters.forward import jacrev_params as jacrev_params
from tapem_dsl.interpreters.forward import jvp as jvp
from tapem_dsl.interpreters.forward import jvp_m as jvp_m
from tapem_dsl.interpreters.forward import make_dual as make_dual
from tapem_dsl.interpreters.forward import primal as primal
from tapem_dsl.interpreters.forward import tangent as tangent
from tapem_dsl.interpreters.forward import vjp as vjp
from tapem_dsl.interpreters.interop import as_jax as as_jax
from tapem_dsl.interpreters.interop import as_torch as as_torch
from tapem_dsl.interpreters.interop import replicate as replicate
from tapem_dsl.interpreters.interop import shard_rows as shard_rows
from tapem_dsl.interpreters.interop import to_stablehlo as to_stablehlo
from tapem_dsl.interpreters.nonfinite import NonFinite as NonFinite
from tapem_dsl.interpreters.nonfinite import first_nonfinite as first_nonfinite
from tapem_dsl.interpreters.recorded import GradientIds as GradientIds
from tapem_dsl.interpreters.recorded import backward_m as backward_m
from tapem_dsl.interpreters.render import gradients_to_text as gradients_to_text
from tapem_dsl.interpreters.render import (
    load_ipython_extension as load_ipython_extension,
)
from tapem_dsl.interpreters.render import print_tape as print_tape
from tapem_dsl.interpreters.render import to_dot as to_dot
from tapem_dsl.interpreters.render import to_html as to_html
from tapem_dsl.interpreters.render import to_mermaid as to_mermaid
from tapem_dsl.interpreters.render import to_svg as to_svg
from tapem_dsl.interpreters.render import to_text as to_text
from tapem_dsl.interpreters.replay import replay as replay
from tapem_dsl.interpreters.reverse import Gradients as Gradients
from tapem_dsl.interpreters.reverse import backward as backward
from tapem_dsl.interpreters.reverse import backward_dense as backward_dense
from tapem_dsl.interpreters.reverse import backward_dense_all as backward_dense_all
from tapem_dsl.interpreters.reverse import backward_dense_from as backward_dense_from
from tapem_dsl.interpreters.reverse import backward_dense_step as backward_dense_step
from tapem_dsl.interpreters.reverse import backward_scalar as backward_scalar
from tapem_dsl.interpreters.reverse import grad as grad
from tapem_dsl.interpreters.reverse import value_and_grad as value_and_grad
from tapem_dsl.interpreters.reverse import vjp_rules as vjp_rules
from tapem_dsl.interpreters.saved import SavedTape as SavedTape
from tapem_dsl.interpreters.saved import load_tape as load_tape
from tapem_dsl.interpreters.saved import save_tape as save_tape
from tapem_dsl.interpreters.torchlean import to_torchlean as to_torchlean
from tapem_dsl.ops.activations import gelu as gelu
from tapem_dsl.ops.activations import log_softmax as log_softmax
from tapem_dsl.ops.activations import log_softmax_last as log_softmax_last
from tapem_dsl.ops.activations import relu as relu
from tapem_dsl.ops.activations import sigmoid as sigmoid
from tapem_dsl.ops.activations import softmax as softmax
from tapem_dsl.ops.activations import softmax_last as softmax_last
from tapem_dsl.ops.activations import softplus as softplus
from tapem_dsl.ops.activations import tanh as tanh
from tapem_dsl.ops.arithmetic import add as add
from tapem_dsl.ops.arithmetic import clamp as clamp
from tapem_dsl.ops.arithmetic import div as div
from tapem_dsl.ops.arithmetic import inv as inv
from tapem_dsl.ops.arithmetic import max_ as max_
from tapem_dsl.ops.arithmetic import min_ as min_
from tapem_dsl.ops.arithmetic import mul as mul
from tapem_dsl.ops.arithmetic import scale as scale
from tapem_dsl.ops.arithmetic import shift_by as shift_by
from tapem_dsl.ops.arithmetic import sub as sub
from tapem_dsl.ops.attention import attention as attention
from tapem_dsl.ops.conditions import equal as equal
from tapem_dsl.ops.conditions import greater as greater
from tapem_dsl.ops.conditions import greater_equal as greater_equal
from tapem_dsl.ops.conditions import less as less
from tapem_dsl.ops.conditions import less_equal as less_equal
from tapem_dsl.ops.conditions import logical_and as logical_and
from tapem_dsl.ops.conditions import logical_not as logical_not
from tapem_dsl.ops.conditions import logical_or as logical_or
from tapem_dsl.ops.conditions import not_equal as not_equal
from tapem_dsl.ops.conditions import where as where
from tapem_dsl.ops.convolution import conv as conv
from tapem_dsl.ops.convolution import conv_transpose as conv_transpose
from tapem_dsl.ops.elementwise import abs_ as abs_
from tapem_dsl.ops.elementwise import cos as cos
from tapem_dsl.ops.elementwise import detach as detach
from tapem_dsl.ops.elementwise import exp as exp
from tapem_dsl.ops.elementwise import log as log
from tapem_dsl.ops.elementwise import log1p as log1p
from tapem_dsl.ops.elementwise import safe_log as safe_log
from tapem_dsl.ops.elementwise import sin as sin
from tapem_dsl.ops.elementwise import sqrt as sqrt
from tapem_dsl.ops.indexing import gather as gather
from tapem_dsl.ops.indexing import index_add as index_add
from tapem_dsl.ops.indexing import index_select as index_select
from tapem_dsl.ops.indexing import scatter_add as scatter_add
from tapem_dsl.ops.indexing import select as select
from tapem_dsl.ops.linalg import bmm as bmm
from tapem_dsl.ops.linalg import dot as dot
from tapem_dsl.ops.linalg import linear as linear
from tapem_dsl.ops.linalg import matmul as matmul
from tapem_dsl.ops.linalg import outer as outer
from tapem_dsl.ops.losses import bce_with_logits as bce_with_logits
from tapem_dsl.ops.losses import cross_entropy as cross_entropy
from tapem_dsl.ops.losses import huber_loss as huber_loss
from tapem_dsl.ops.losses import l1_loss as l1_loss
from tapem_dsl.ops.losses import mse_loss as mse_loss
from tapem_dsl.ops.losses import nll as nll
from tapem_dsl.ops.norms import batch_norm as batch_norm
from tapem_dsl.ops.norms import layer_norm as layer_norm
from tapem_dsl.ops.pooling import avg_pool as avg_pool
from tapem_dsl.ops.pooling import max_pool as max_pool
from tapem_dsl.ops.pooling import smooth_max_pool as smooth_max_pool
from tapem_dsl.ops.reductions import reduce_mean as reduce_mean
from tapem_dsl.ops.reductions import reduce_sum as reduce_sum
from tapem_dsl.ops.reductions import sum_ as sum_
from tapem_dsl.ops.shapes import broadcast_to as broadcast_to
from tapem_dsl.ops.shapes import flatten as flatten
from tapem_dsl.ops.shapes import permute as permute
from tapem_dsl.ops.shapes import reshape as reshape
from tapem_dsl.ops.shapes import swap_adjacent_at_depth as swap_adjacent_at_depth
from tapem_dsl.ops.shapes import transpose as transpose
from tapem_dsl.ops.slicing import concat as concat
from tapem_dsl.ops.slicing import embed as embed
from tapem_dsl.ops.slicing import slice_ as slice_
from tapem_dsl.ops.windows import fold as fold
from tapem_dsl.ops.windows import windows as windows
from tapem_dsl.program.combinators import apply_op as apply_op
from tapem_dsl.program.combinators import const as const
from tapem_dsl.program.combinators import fold_m as fold_m
from tapem_dsl.program.combinators import for_m as for_m
from tapem_dsl.program.combinators import from_result as from_result
from tapem_dsl.program.combinators import get_tape as get_tape
from tapem_dsl.program.combinators import leaf as leaf
from tapem_dsl.program.combinators import map_m as map_m
from tapem_dsl.program.combinators import param as param
from tapem_dsl.program.combinators import pure as pure
from tapem_dsl.program.combinators import throw as throw
from tapem_dsl.program.combinators import value_of as value_of
from tapem_dsl.program.combinators import when_m as when_m
from tapem_dsl.program.do import Do as Do
from tapem_dsl.program.do import do as do
from tapem_dsl.program.tapem import TapeM as TapeM
from tapem_dsl.tape.node import Node as Node
from tapem_dsl.tape.op import Op as Op
from tapem_dsl.tape.tape import EMPTY as EMPTY
from tapem_dsl.tape.tape import Tape as Tape
from tapem_dsl.tape.value import rationals as rationals
from tapem_dsl.train.loop.mean_loss import mean_scalar_over as mean_scalar_over
from tapem_dsl.train.loop.mean_loss import (
    mean_scalar_over_array as mean_scalar_over_array,
)
from tapem_dsl.train.loop.mean_loss import (
    mean_scalar_over_dataset as mean_scalar_over_dataset,
)

__version__ = "0.1.0"
