"""How what is rolled up is compared with eager evaluation."""

from typing import Any, Final

import numpy as np
from returns.result import Failure

from tapem_dsl import jit, tree
from tapem_dsl.tape.equality import same

# Any, throughout: functions of any arguments, arrays of any scalar type.

BOUNDS: Final = {8: 1e-10, 4: 1e-4}
"""By the bytes of a float: by how much of the largest entry a result may differ."""


def assert_close(found: Any, expected: Any) -> None:
    """
    Assert equal results but for rounding: what is no float is the same.

    A sum of n terms in another order differs by at most n ulp of the sum of their
    absolute values. The programs here have some hundred calls on entries of one size,
    so that what a result is the sum of is about as large as the largest entry of all
    results. 1e-10 of it is 450,000 ulp in float64, and 1e-4 is 840 ulp in float32; a
    wrong term, step or operand is off by far more.
    """
    if isinstance(expected, Failure):
        assert same(found, expected), f"{found} instead of {expected}"
        return
    assert type(found) is type(expected), f"{found} instead of {expected}"
    ours, structure = tree.flatten(_value(found))
    theirs, other = tree.flatten(_value(expected))
    assert structure == other
    largest = max([_largest(x) for x in theirs], default=0.0)
    for ours_one, theirs_one in zip(ours, theirs, strict=True):
        a, b = np.asarray(ours_one), np.asarray(theirs_one)
        assert (type(ours_one), a.dtype, a.shape) == (
            type(theirs_one),
            b.dtype,
            b.shape,
        )
        if b.dtype.kind == "f":
            bound = BOUNDS[b.dtype.itemsize]
            np.testing.assert_allclose(a, b, rtol=bound, atol=bound * largest)
        else:
            assert same(ours_one, theirs_one)


def _value(x: Any) -> Any:
    return x.unwrap() if hasattr(x, "unwrap") else x


def _largest(x: Any) -> float:
    x = np.asarray(x)
    if x.dtype.kind != "f":
        return 0.0
    return float(np.max(np.abs(x), where=np.isfinite(x), initial=0))


def assert_rolled(function: Any, *calls: tuple[Any, ...], **options: Any) -> str:
    """Compare calls with those of the function itself; return the report."""
    step = jit(function, roll=True, **options)
    results = [step(*arguments) for arguments in calls]  # which later calls leave alone
    for found, arguments in zip(results, calls, strict=True):
        assert_close(found, function(*arguments))
    report = step.report()
    assert "as it is" not in report, report
    assert "not rolled up" not in report, report  # an exception while rolling up
    return report


def is_rolled(report: str) -> bool:
    """Return whether a report says that a plan has fewer calls than were noted."""
    return "instead of" in report
