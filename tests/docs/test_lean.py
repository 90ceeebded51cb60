"""docs/lean.md: complete, and every name in it leads somewhere."""

import functools
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import tapem_dsl
from tapem_dsl import train

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "lean.md").read_text()
DICTIONARY = PAGE.partition("## The dictionary")[2].partition("## Lemmas")[0]
LEMMAS = PAGE.partition("## Lemmas")[2].partition("## Where we deviate")[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in DICTIONARY.splitlines()
    if line.startswith("| `")
]
PUBLIC = {name for name in dir(tapem_dsl) if name[0] != "_"} - {
    "core",
    "interpreters",
    "ops",
    "testing",
    "train",
}


def is_public(module: ModuleType, name: str) -> bool:
    return name[0] != "_" and not inspect.ismodule(getattr(module, name))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_every_python_name_of_the_dictionary_exists(row: list[str]) -> None:
    names = re.findall(r"`([\w.]+)`", row[1])
    assert len(names) == 1
    functools.reduce(getattr, names[0].split("."), tapem_dsl)


OF_TRAINING = {f"train.{name}" for name in vars(train) if is_public(train, name)}


@pytest.mark.parametrize("name", sorted(PUBLIC | OF_TRAINING))
def test_every_public_name_has_its_place(name: str) -> None:
    if name.removeprefix("train.") not in PUBLIC or name in PUBLIC:
        assert re.search(rf"`{name}(\.|`)", DICTIONARY), f"docs/lean.md lacks {name}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_every_text_is_the_records_own(row: list[str]) -> None:
    text, name = row[0].strip("`"), row[1].strip("`")
    kind = getattr(tapem_dsl, name, None)
    if not ("autograd:" in text or "{tag}" in text):
        return
    if name == "OutsideDomain":  # the text is the op's
        error = tapem_dsl.const(0.0).bind(tapem_dsl.log).run().failure()
        assert error.message.startswith(text.removesuffix("..."))
        return
    assert kind is not None
    assert kind._text == text


@pytest.mark.parametrize("test", re.findall(r"`(test_\w+)`", LEMMAS))
def test_every_lemma_has_its_test(test: str) -> None:
    sources = (ROOT / "tests").rglob("test_*.py")
    assert any(f"def {test}(" in source.read_text() for source in sources)


def test_mean_scalar_over_stands_as_in_the_source() -> None:
    source = (ROOT / "src" / "tapem_dsl" / "train" / "mean_loss.py").read_text()
    side_by_side = PAGE.partition("side by side")[2].partition("## The dictionary")[0]
    for row in side_by_side.splitlines():
        if not row.startswith("| `"):
            continue
        for line in re.findall(r"`([^`]+)`", row.split("|")[-2]):
            if "yield" in line or "match" in line or line.startswith("mean ="):
                code = line.removeprefix("case []: ").replace(" ", "")
                assert code in source.replace(" ", ""), line
