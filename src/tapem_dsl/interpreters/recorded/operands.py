"""Bringing operands together: recorded arrays, plain ones and numbers, for an op."""

from tapem_dsl.arrays import Array
from tapem_dsl.interpreters.recorded.recorder import NUMBERS, Recorded, common_shape
from tapem_dsl.tape.op import Op


def record(op: Op, *operands: Recorded) -> Recorded:
    """
    Append an op's node where its first operand is.

    >>> import numpy as np
    >>> from tapem_dsl import Node, NodeId
    >>> from tapem_dsl.interpreters.recorded.recorder import Recorder
    >>> x = Recorder([Node(None, (), np.float64(0))]).at(NodeId(0))
    >>> from tapem_dsl.ops.elementwise import Exp
    >>> record(Exp(), x)
    Recorded(1, np.float64(1.0))
    """
    return operands[0].recorder.record(op, *operands)


def binary(op: Op, a: Array, b: Array) -> Recorded:
    """
    Append an op's node of two operands, which are brought to one shape.

    >>> import numpy as np
    >>> from tapem_dsl import Node, NodeId
    >>> from tapem_dsl.interpreters.recorded.recorder import Recorder
    >>> x = Recorder([Node(None, (), np.float64(3))]).at(NodeId(0))
    >>> from tapem_dsl.ops.arithmetic import Sub
    >>> binary(Sub(), 1, x)
    Recorded(2, np.float64(-2.0))
    """
    if type(a) is type(b) is Recorded and a.value.shape == b.value.shape:
        return a.recorder.record(op, a, b)
    return record(op, *alike(a, b))


def taken(*operands: Array) -> list[Recorded]:
    """
    Make nodes of plain arrays beside recorded ones, each of its own shape.

    >>> import numpy as np
    >>> from tapem_dsl import Node, NodeId
    >>> from tapem_dsl.interpreters.recorded.recorder import Recorder
    >>> x = Recorder([Node(None, (), np.float64(0))]).at(NodeId(0))
    >>> taken(x, np.array([1]))
    [Recorded(0, np.float64(0.0)), Recorded(1, array([1]))]
    """
    first = next(x for x in operands if type(x) is Recorded)
    return [first.recorder.taken(x, first.value, x.shape) for x in operands]


def alike(*operands: Array) -> list[Recorded]:
    """
    Make nodes of one shape, and of numbers what goes with the others.

    >>> import numpy as np
    >>> from tapem_dsl import Node, NodeId
    >>> from tapem_dsl.interpreters.recorded.recorder import Recorder
    >>> x = Recorder([Node(None, (), np.zeros(2))]).at(NodeId(0))
    >>> alike(x, 7)
    [Recorded(0, array([0., 0.])), Recorded(1, array([7., 7.]))]
    """
    arrays = [x for x in operands if type(x) not in NUMBERS]
    shape = common_shape(arrays)
    recorded = [x for x in arrays if type(x) is Recorded]
    real = [x for x in recorded if x.dtype.kind in "fO"]  # a condition decides nothing
    like = (real or recorded)[0].value
    return [recorded[0].recorder.taken(x, like, shape) for x in operands]
