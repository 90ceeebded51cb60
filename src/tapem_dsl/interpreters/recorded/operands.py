"""
Operands of a recorded op: numbers and plain arrays become nodes beside nodes.

>>> import numpy as np
>>> from tapem_dsl import Node, NodeId
>>> from tapem_dsl.interpreters.recorded.recorder import Recorder
>>> from tapem_dsl.ops.arithmetic import Sub
>>> from tapem_dsl.ops.elementwise import Exp
>>> x = Recorder([Node(None, (), np.zeros(2))]).at(NodeId(0))
>>> record(Exp(), x)
Recorded(1, array([1., 1.]))
>>> record_binary(Sub(), 1, x)
Recorded(3, array([1., 1.]))
>>> as_nodes(x, np.array([1]))
[Recorded(0, array([0., 0.])), Recorded(4, array([1]))]
>>> as_nodes_of_one_shape(x, 7)
[Recorded(0, array([0., 0.])), Recorded(5, array([7., 7.]))]
"""

from tapem_dsl.arrays import Array
from tapem_dsl.interpreters.recorded.recorder import NUMBERS, Recorded, common_shape
from tapem_dsl.tape.op import Op


def record(op: Op, *operands: Recorded) -> Recorded:
    """Append the node of an op to the tape of its first operand."""
    return operands[0].recorder.record(op, *operands)


def record_binary(op: Op, a: Array, b: Array) -> Recorded:
    """Append the node of an op of two operands, which are broadcast to one shape."""
    if type(a) is type(b) is Recorded and a.value.shape == b.value.shape:
        return a.recorder.record(op, a, b)
    return record(op, *as_nodes_of_one_shape(a, b))


def as_nodes(*operands: Array) -> list[Recorded]:
    """Make nodes from plain arrays beside recorded ones; each keeps its shape."""
    first = next(x for x in operands if type(x) is Recorded)
    return [first.recorder.as_node(x, first.value, x.shape) for x in operands]


def as_nodes_of_one_shape(*operands: Array) -> list[Recorded]:
    """Make nodes of one shape; numbers get the dtype of the other operands."""
    arrays = [x for x in operands if type(x) not in NUMBERS]
    shape = common_shape(arrays)
    recorded = [x for x in arrays if type(x) is Recorded]
    real = [x for x in recorded if x.dtype.kind in "fO"]  # a condition decides nothing
    like = (real or recorded)[0].value
    return [recorded[0].recorder.as_node(x, like, shape) for x in operands]
