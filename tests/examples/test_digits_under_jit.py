"""The digits network trains under jit as without: bit for bit if not rolled up."""

from functools import partial
from typing import Any

from examples import digits
from tapem_dsl import jit, optim, train
from tapem_dsl.tape.equality import same


def test_three_hundred_steps() -> None:
    _, rest = digits.load(0)
    batches = train.Stream(train.DataLoader(rest, 32, shuffle=True, seed=0))
    optimiser = optim.adamw(optim.WarmupCosine(3e-3, 30, 300))
    eager = partial(digits.update, optimiser)
    step: Any = jit(eager, roll=False)  # Any: called with the states of both
    net = digits.initial_network(0)
    here = there = (net, optimiser.init(net))
    for _ in range(300):
        batches, batch = batches.next("digits").unwrap()
        loss, here = eager(here, batch).unwrap()
        other, there = step(there, batch).unwrap()
        assert same((other, there), (loss, here))
    assert "as it is" not in step.report()
