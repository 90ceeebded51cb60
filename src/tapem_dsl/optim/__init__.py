"""
Optimisers and schedules: rules for one array, transforms of pytrees, a table.

>>> from tapem_dsl import optim
>>> optim.adamw(optim.WarmupCosine(1e-3, 100, 1000)).init({"w": 0.0}).steps
0
"""

from tapem_dsl.optim.adaptive import Adadelta as Adadelta
from tapem_dsl.optim.adaptive import AdaGrad as AdaGrad
from tapem_dsl.optim.adaptive import Adam as Adam
from tapem_dsl.optim.adaptive import AdamW as AdamW
from tapem_dsl.optim.adaptive import RmsProp as RmsProp
from tapem_dsl.optim.clipping import clip_by_norm as clip_by_norm
from tapem_dsl.optim.clipping import clip_by_percentile as clip_by_percentile
from tapem_dsl.optim.clipping import clip_by_value as clip_by_value
from tapem_dsl.optim.clipping import l2_norm as l2_norm
from tapem_dsl.optim.cycles import CosineAnnealingLR as CosineAnnealingLR
from tapem_dsl.optim.cycles import Cyclic as Cyclic
from tapem_dsl.optim.cycles import OneCycle as OneCycle
from tapem_dsl.optim.cycles import OneCycleLR as OneCycleLR
from tapem_dsl.optim.rules import Momentum as Momentum
from tapem_dsl.optim.rules import Sgd as Sgd
from tapem_dsl.optim.rules import UpdateRule as UpdateRule
from tapem_dsl.optim.schedules import Constant as Constant
from tapem_dsl.optim.schedules import CosineAnnealing as CosineAnnealing
from tapem_dsl.optim.schedules import Exponential as Exponential
from tapem_dsl.optim.schedules import LinearWarmup as LinearWarmup
from tapem_dsl.optim.schedules import LRFinder as LRFinder
from tapem_dsl.optim.schedules import StepDecay as StepDecay
from tapem_dsl.optim.schedules import WarmupCosine as WarmupCosine
from tapem_dsl.optim.schedules import WarmupCosineLR as WarmupCosineLR
from tapem_dsl.optim.table import Optimizer as Optimizer
from tapem_dsl.optim.table import ParamEntry as ParamEntry
from tapem_dsl.optim.table import ParamGroup as ParamGroup
from tapem_dsl.optim.table import ParamTable as ParamTable
from tapem_dsl.optim.transforms import Stepped as Stepped
from tapem_dsl.optim.transforms import Transform as Transform
from tapem_dsl.optim.transforms import adadelta as adadelta
from tapem_dsl.optim.transforms import adagrad as adagrad
from tapem_dsl.optim.transforms import adam as adam
from tapem_dsl.optim.transforms import adamw as adamw
from tapem_dsl.optim.transforms import apply_updates as apply_updates
from tapem_dsl.optim.transforms import by_leaf as by_leaf
from tapem_dsl.optim.transforms import chain as chain
from tapem_dsl.optim.transforms import momentum as momentum
from tapem_dsl.optim.transforms import rmsprop as rmsprop
from tapem_dsl.optim.transforms import sgd as sgd
