"""Check the gradients of a thousand random programs: ``python -m`` this module."""

import sys
from collections import Counter
from typing import Any

from returns.result import Failure, Success

from tapem_dsl import NodeId, TapeM
from tapem_dsl.testing import check_gradients
from tests.interpreters.compiled.random_programs import random_loss, vectors


def verdicts(seed: int, *, second_order: bool) -> list[str]:
    """Check one program; a false alarm is printed."""
    xs, constant = vectors(seed)

    # Any: the scalar type is that of the leaves.
    def program(ids: list[NodeId]) -> TapeM[NodeId, Any]:
        return random_loss(seed, ids, constant, 4 + seed % 17)

    match check_gradients(program, xs, second_order=second_order):
        case Success(report):
            return [f"{row.verdict} {row.reason}".strip() for row in report.leaves]
        case Failure(error):
            print(seed, error)
    return ["false alarm"]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    found: Counter[str] = Counter()
    for seed in range(count):
        found.update(verdicts(seed, second_order=seed % 4 == 0))
    print(count, "programs:", dict(found))


if __name__ == "__main__":
    main()
