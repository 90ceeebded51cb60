"""
What a training script needs: data, gradients, optimisers, evaluation, checkpoints.

>>> from tapem_dsl import train
>>> train.adamw(train.WarmupCosine(1e-3, 100, 1000)).init({"w": 0.0}).steps
0
"""

from tapem_dsl.train.checkpoint import load_checkpoint as load_checkpoint
from tapem_dsl.train.checkpoint import save_checkpoint as save_checkpoint
from tapem_dsl.train.data.arrays import ArrayDataset as ArrayDataset
from tapem_dsl.train.data.arrays import Batches as Batches
from tapem_dsl.train.data.csv_files import CsvOptions as CsvOptions
from tapem_dsl.train.data.csv_files import Pair as Pair
from tapem_dsl.train.data.csv_files import csv_matrix as csv_matrix
from tapem_dsl.train.data.csv_files import csv_pairs as csv_pairs
from tapem_dsl.train.data.csv_files import csv_vectors as csv_vectors
from tapem_dsl.train.data.csv_files import load_csv as load_csv
from tapem_dsl.train.data.csv_files import parse_csv as parse_csv
from tapem_dsl.train.data.dataset import Dataset as Dataset
from tapem_dsl.train.data.dataset import lcg_next as lcg_next
from tapem_dsl.train.data.dataset import shuffle_pairs as shuffle_pairs
from tapem_dsl.train.data.loader import DataLoader as DataLoader
from tapem_dsl.train.data.npy_files import NpyArray as NpyArray
from tapem_dsl.train.data.npy_files import load_npy as load_npy
from tapem_dsl.train.data.npy_files import npy_bytes as npy_bytes
from tapem_dsl.train.data.npy_files import npy_matrix as npy_matrix
from tapem_dsl.train.data.npy_files import npy_prefix as npy_prefix
from tapem_dsl.train.data.npy_files import npy_vector as npy_vector
from tapem_dsl.train.data.npy_files import parse_npy as parse_npy
from tapem_dsl.train.data.stream import Position as Position
from tapem_dsl.train.data.stream import Stream as Stream
from tapem_dsl.train.data.tensors import (
    dataset_of_list_vectors as dataset_of_list_vectors,
)
from tapem_dsl.train.data.tensors import dataset_of_pairs as dataset_of_pairs
from tapem_dsl.train.data.tensors import matrix_of_lists as matrix_of_lists
from tapem_dsl.train.data.tensors import vector_of_list as vector_of_list
from tapem_dsl.train.loop.checks import require_grad_tensor as require_grad_tensor
from tapem_dsl.train.loop.checks import require_scalar_value as require_scalar_value
from tapem_dsl.train.loop.checks import require_value_tensor as require_value_tensor
from tapem_dsl.train.loop.evaluation import Metric as Metric
from tapem_dsl.train.loop.evaluation import ReportSum as ReportSum
from tapem_dsl.train.loop.evaluation import StepReport as StepReport
from tapem_dsl.train.loop.evaluation import add_metrics as add_metrics
from tapem_dsl.train.loop.evaluation import eval_batches as eval_batches
from tapem_dsl.train.loop.evaluation import eval_dataset as eval_dataset
from tapem_dsl.train.loop.evaluation import eval_dataset_batches as eval_dataset_batches
from tapem_dsl.train.loop.evaluation import eval_list as eval_list
from tapem_dsl.train.loop.evaluation import render_metrics as render_metrics
from tapem_dsl.train.loop.evaluation import render_number as render_number
from tapem_dsl.train.loop.evaluation import render_reports as render_reports
from tapem_dsl.train.loop.evaluation import scale_metrics as scale_metrics
from tapem_dsl.train.loop.gradient import ValueAndGrad as ValueAndGrad
from tapem_dsl.train.loop.gradient import value_and_grad as value_and_grad
from tapem_dsl.train.loop.loggers import Level as Level
from tapem_dsl.train.loop.loggers import LineFormatter as LineFormatter
from tapem_dsl.train.loop.loggers import LogEntry as LogEntry
from tapem_dsl.train.loop.loggers import log_entry as log_entry
from tapem_dsl.train.loop.loggers import stdout_logger as stdout_logger
from tapem_dsl.train.loop.mean_loss import mean_scalar_over as mean_scalar_over
from tapem_dsl.train.loop.mean_loss import (
    mean_scalar_over_array as mean_scalar_over_array,
)
from tapem_dsl.train.loop.mean_loss import (
    mean_scalar_over_dataset as mean_scalar_over_dataset,
)
from tapem_dsl.train.loop.step import sgd_update_tensor as sgd_update_tensor
from tapem_dsl.train.loop.trainer import Trainer as Trainer
from tapem_dsl.train.loop.trainer import no_log as no_log
from tapem_dsl.train.loop.trainer import run_steps as run_steps
from tapem_dsl.train.loop.trainer import run_steps_m as run_steps_m
from tapem_dsl.train.optim.adaptive import Adadelta as Adadelta
from tapem_dsl.train.optim.adaptive import AdaGrad as AdaGrad
from tapem_dsl.train.optim.adaptive import Adam as Adam
from tapem_dsl.train.optim.adaptive import AdamW as AdamW
from tapem_dsl.train.optim.adaptive import RmsProp as RmsProp
from tapem_dsl.train.optim.clipping import clip_by_norm as clip_by_norm
from tapem_dsl.train.optim.clipping import clip_by_percentile as clip_by_percentile
from tapem_dsl.train.optim.clipping import clip_by_value as clip_by_value
from tapem_dsl.train.optim.clipping import l2_norm as l2_norm
from tapem_dsl.train.optim.cycles import CosineAnnealingLR as CosineAnnealingLR
from tapem_dsl.train.optim.cycles import Cyclic as Cyclic
from tapem_dsl.train.optim.cycles import OneCycle as OneCycle
from tapem_dsl.train.optim.cycles import OneCycleLR as OneCycleLR
from tapem_dsl.train.optim.rules import Momentum as Momentum
from tapem_dsl.train.optim.rules import Rule as Rule
from tapem_dsl.train.optim.rules import Sgd as Sgd
from tapem_dsl.train.optim.schedules import Constant as Constant
from tapem_dsl.train.optim.schedules import CosineAnnealing as CosineAnnealing
from tapem_dsl.train.optim.schedules import Exponential as Exponential
from tapem_dsl.train.optim.schedules import LinearWarmup as LinearWarmup
from tapem_dsl.train.optim.schedules import LRFinder as LRFinder
from tapem_dsl.train.optim.schedules import StepDecay as StepDecay
from tapem_dsl.train.optim.schedules import WarmupCosine as WarmupCosine
from tapem_dsl.train.optim.schedules import WarmupCosineLR as WarmupCosineLR
from tapem_dsl.train.optim.table import Optimizer as Optimizer
from tapem_dsl.train.optim.table import ParamEntry as ParamEntry
from tapem_dsl.train.optim.table import ParamGroup as ParamGroup
from tapem_dsl.train.optim.table import ParamTable as ParamTable
from tapem_dsl.train.optim.transforms import Stepped as Stepped
from tapem_dsl.train.optim.transforms import Transform as Transform
from tapem_dsl.train.optim.transforms import adadelta as adadelta
from tapem_dsl.train.optim.transforms import adagrad as adagrad
from tapem_dsl.train.optim.transforms import adam as adam
from tapem_dsl.train.optim.transforms import adamw as adamw
from tapem_dsl.train.optim.transforms import apply_updates as apply_updates
from tapem_dsl.train.optim.transforms import by_leaf as by_leaf
from tapem_dsl.train.optim.transforms import chain as chain
from tapem_dsl.train.optim.transforms import momentum as momentum
from tapem_dsl.train.optim.transforms import rmsprop as rmsprop
from tapem_dsl.train.optim.transforms import sgd as sgd
from tapem_dsl.tree import const_pack as const_pack
from tapem_dsl.tree import flatten as flatten
from tapem_dsl.tree import map_pack as map_pack
from tapem_dsl.tree import param_pack as param_pack
