"""What a sweep says of gradients that are not there."""

import pickle
from typing import Any

import pytest

from tapem_dsl import Do, NodeId, const, do, leaf
from tests.untyped import LOOSE


@pytest.mark.parametrize("recorded", [False, True])
def test_a_missing_gradient_raises_a_key_error_that_says_why(recorded: bool) -> None:
    @do
    def program() -> Do[Any]:
        x = yield from leaf(1.0)
        c = yield from const(2.0)
        y = yield from LOOSE.mul(x, c)
        sweep: Any = LOOSE.backward_m if recorded else LOOSE.backward_scalar
        return (yield from sweep(y))

    gradients = program().eval().unwrap()
    assert NodeId(1) not in gradients
    assert gradients.get(NodeId(1)) is None
    with pytest.raises(KeyError, match=r"no gradient for node 1: it is frozen"):
        gradients[NodeId(1)]
    with pytest.raises(TypeError, match=r"a gradient's key: .*'w'"):
        gradients["w"]
    assert dict(gradients) == gradients
    assert pickle.loads(pickle.dumps(gradients)) == gradients
