"""CSV and NPY: arguments that are no contents, and broken contents."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from returns.result import Failure, Success

from tapem_dsl.train import (
    CsvOptions,
    csv_pairs,
    npy_bytes,
    npy_vector,
    parse_csv,
    parse_npy,
)
from tests.train.data.npy_contents import COLUMNS, GOOD, of_numpy


def test_csv_takes_no_bytes_and_npy_takes_no_texts() -> None:
    wrong: Any
    for wrong in (b"1,2", None, Path("a.csv")):
        with pytest.raises(TypeError, match="CSV is read from a text, not from a"):
            csv_pairs(wrong)
    for wrong in ("a.npy", None, np.ones(2)):
        with pytest.raises(TypeError, match="NPY is read from bytes, not from a"):
            npy_vector(wrong, 2)


def test_five_thousand_broken_inputs_fail_or_load() -> None:
    """Contents that are flipped, cut and pasted at random fail or give an array."""
    rng = random.Random(0)
    texts = [
        "1,2\n3,4\n",
        "-1e5;+.5\n\n",
        "a,b\n1,\t2\r\n",
        "nan,inf\n\x00,\ud800"[:12],
    ]
    failed = {"csv": 0, "npy": 0}
    for _ in range(2500):
        text = list(rng.choice(texts))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(text) + 1)
            text[at : at + rng.randint(0, 2)] = rng.choice('019.,;eE+-\n\r\t "x\x00٣')
        options = CsvOptions(rng.choice(",;"), *(rng.random() < 0.5 for _ in range(3)))
        failed["csv"] += isinstance(parse_csv("".join(text), options), Failure)

        content = bytearray(
            rng.choice([GOOD, COLUMNS, npy_bytes(np.array([1, 2], np.float32))])
        )
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(min(len(content), 100) if content else 1)
            kind = rng.random()
            if kind < 0.6 and content:
                content[at : at + 1] = bytes([rng.randrange(256)])
            elif kind < 0.8:
                del content[rng.randrange(len(content) + 1) :]
            else:
                content[at:at] = rng.choice([b"'", b"(", b"9", b"-", b"\n", b"{}"])
        array = parse_npy(bytes(content))
        failed["npy"] += isinstance(array, Failure)
        if isinstance(array, Success):
            expected = of_numpy(bytes(content)).astype(np.float64)
            np.testing.assert_array_equal(array.unwrap().data, expected, strict=True)
    assert all(1000 < count < 2500 for count in failed.values()), failed
