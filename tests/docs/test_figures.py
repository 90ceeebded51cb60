"""The figures that pages quote are those of docs/benchmarks.md."""

import re
from typing import Final

import pytest

from tests.docs.pages import written

PAGES: Final = written()
BENCHMARKS: Final = PAGES["docs/benchmarks.md"]
MS, RATIO = 2, 4
"""The columns with the time of a contender, and with ours over it."""


def rows_of(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def measured(workload: str, contender: str, column: int) -> str:
    """Return a cell of the table of a workload; contenders may begin alike."""
    (section,) = re.findall(
        rf"^### {re.escape(workload)}: .*?(?=^#)", BENCHMARKS, re.DOTALL | re.MULTILINE
    )
    found = [row for row in rows_of(section) if row[1].startswith(contender)]
    return found[0][column]


def quoted(page: str) -> list[list[str]]:
    """Return the rows of the first table under "What it costs", with its head."""
    section = PAGES[page].partition("\n## What it costs\n")[2]
    table = re.search(r"(^\|.*\n)+", section, re.MULTILINE)
    assert table
    head, _, *rows = rows_of(table[0])
    return [head, *rows]


def test_related_projects() -> None:
    _, *rows = quoted("docs/related.md")
    peers = "PyTorch", "JAX (jit", "autograd"
    for _, workload, *cells, _ in rows:
        for peer, cell in zip(peers, cells, strict=True):
            if cell:
                assert cell.split()[0] == measured(workload, peer, RATIO), workload
    assert len(rows) == 5


CONTENDERS: Final = {
    "scalar chain": ("hand-written", "PyTorch"),
    "per-sample regression": ("hand-written batched", "PyTorch batched"),
    "per-sample MLP": ("hand-written batched", "PyTorch batched"),
    "per-sample RNN": ("hand-written", "PyTorch batched"),
    "per-sample conv net": ("hand-written", "PyTorch batched"),
}
"""Of each row of docs/guides/per_sample.md, what its last two columns are."""


def test_one_sample_at_a_time() -> None:
    _, *rows = quoted("docs/guides/per_sample.md")
    for (workload, by_hand), row in zip(CONTENDERS.items(), rows, strict=True):
        names = "tapem_dsl", "tapem_dsl (jit)", *by_hand
        for name, cell in zip(names, row[2:-1], strict=True):
            found = measured(workload, name, MS)
            assert cell.split()[:2] == [found, "ms"], (workload, name)


@pytest.mark.parametrize("way", ["by duals", "by a recorded sweep"])
def test_levels(way: str) -> None:
    head, *rows = quoted("docs/guides/levels.md")
    (row,) = [row for row in rows if way.rsplit(maxsplit=1)[-1] in row[1]]
    programs = "tanh network", "chain of 10-vectors", "chain of scalars"
    for program, cell in zip(programs, row[2:-1], strict=True):
        what = rf"{program} \| *Hessian-vector product {way}"
        found = re.search(rf"\| *{what} \| *[\d,]+ \| *([\d.]+) \|", BENCHMARKS)
        assert found, program
        assert float(cell) == round(float(found[1]), 1), (program, way)
    assert len(head) == len(row)
