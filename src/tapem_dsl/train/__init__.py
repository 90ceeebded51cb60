"""
Training scripts: data, training loops, evaluation, logs, checkpoints.

>>> from tapem_dsl import train
>>> train.Dataset.of_list([1.0, 2.0]).size()
2
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
from tapem_dsl.train.loop.evaluation import eval_batches as eval_batches
from tapem_dsl.train.loop.evaluation import eval_dataset as eval_dataset
from tapem_dsl.train.loop.evaluation import eval_dataset_batches as eval_dataset_batches
from tapem_dsl.train.loop.evaluation import eval_list as eval_list
from tapem_dsl.train.loop.fit import fit as fit
from tapem_dsl.train.loop.fitted import EpochReport as EpochReport
from tapem_dsl.train.loop.fitted import Fitted as Fitted
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
from tapem_dsl.train.loop.plots import plot_history as plot_history
from tapem_dsl.train.loop.reports import Metric as Metric
from tapem_dsl.train.loop.reports import ReportSum as ReportSum
from tapem_dsl.train.loop.reports import StepReport as StepReport
from tapem_dsl.train.loop.reports import add_metrics as add_metrics
from tapem_dsl.train.loop.reports import render_metrics as render_metrics
from tapem_dsl.train.loop.reports import render_number as render_number
from tapem_dsl.train.loop.reports import render_reports as render_reports
from tapem_dsl.train.loop.reports import scale_metrics as scale_metrics
from tapem_dsl.train.loop.step import sgd_update_tensor as sgd_update_tensor
from tapem_dsl.train.loop.trainer import Trainer as Trainer
from tapem_dsl.train.loop.trainer import no_log as no_log
from tapem_dsl.train.loop.trainer import run_steps as run_steps
from tapem_dsl.train.loop.trainer import run_steps_m as run_steps_m
from tapem_dsl.train.loop.training_step import step_of as step_of
