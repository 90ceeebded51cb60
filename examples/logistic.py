"""Tell benign tumours from malignant ones: a logistic regression, trained in a call."""

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer

from tapem_dsl import Do, NodeId, add, bce_with_logits, const, do, dot, optim, train

Sample = tuple[NDArray[np.float64], np.float64]


@do
def loss_of(p: dict[str, NodeId], sample: Sample) -> Do[NodeId]:
    x = yield from const(sample[0])
    logit = yield from add((yield from dot(p["w"], x)), p["b"])
    return (yield from bce_with_logits(logit, (yield from const(sample[1]))))


data = load_breast_cancer()
x = (data.data - data.data.mean(0)) / data.data.std(0)
pairs = train.Dataset.of_list(zip(x, data.target.astype(float), strict=True))
held_out, rest = pairs.shuffle(0)[1].split_at(99)
loader = train.DataLoader(rest, batch_size=32, shuffle=True)
start = {"w": np.zeros(30), "b": np.float64(0)}
p = train.fit(loss_of, start, loader, optim.adam(0.01), epochs=20).unwrap().params
right = [(x @ p["w"] + p["b"] > 0) == (y == 1) for x, y in held_out]
print(f"{np.mean(right):.1%} of {len(right)} held-out tumours are told right")
