"""The digits network trains under jit as without: bit for bit if not rolled up."""

from typing import Any

from examples import digits
from tapem_dsl import jit, optim, train
from tapem_dsl.tape.equality import same


def test_three_hundred_steps() -> None:
    _, rest = digits.load(0)
    batches = train.Stream(train.DataLoader(rest, 32, shuffle=True, seed=0))
    optimiser = optim.adamw(optim.WarmupCosine(3e-3, 30, 300))
    eager: Any = train.step_of(digits.loss_of, optimiser)  # Any: takes states of both
    step = jit(eager, roll=False)
    net = digits.initial_network(0)
    here: Any = (net, optimiser.init(net))
    there = here
    for _ in range(300):
        batches, batch = batches.next("digits").unwrap()
        loss, *here = eager(*here, batch).unwrap()
        other, *there = step(*there, batch).unwrap()
        assert same((other, there), (loss, here))
    assert "as it is" not in step.report()
