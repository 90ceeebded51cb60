"""docs/lean.md: complete, and every name in it leads somewhere."""

import ast
import functools
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import tapem_dsl
from tapem_dsl import errors, optim, train

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "lean.md").read_text()
DICTIONARY = PAGE.partition("## The dictionary")[2].partition("## Lemmas")[0]
LEMMAS = PAGE.partition("## Lemmas")[2].partition("## Where we deviate")[0]
SIDE_BY_SIDE = PAGE.partition("side by side")[2].partition("## The dictionary")[0]
MEAN_LOSS = (ROOT / "src" / "tapem_dsl" / "train" / "loop" / "mean_loss.py").read_text()


def rows_of(table: str) -> list[list[str]]:
    """Give the cells of each row but the heads and the rules below them."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
    rules = {i for i, row in enumerate(rows) if set(row[0]) == {"-"}}
    return [r for i, r in enumerate(rows) if i not in rules and i + 1 not in rules]


def spans(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


ROWS = rows_of(DICTIONARY)
MEAN_LOSS_ROWS = rows_of(SIDE_BY_SIDE)
DECLARED = {
    name
    for row in ROWS
    for span in spans(row[0])
    for name in (span, span.rpartition(".")[2])
}
"""Lean's names, with and without their namespaces."""

MIRRORED = re.findall(
    r"\S+",
    """
    okOrThrow Shape SomeTensor AnyTensor Node requiresGrad requires_grad
    Tape empty size addNode getNode? getValue? leaf requireValue requireGrad unary
    TapeM run eval exec getTape setTape TapeM.Internal.record backwardScalar
    addGradDense backwardDense backwardDenseStep addGradAll backwardDenseFromStep
    backwardDenseFromLoop backwardDenseFrom backwardDenseAll denseToHashMap backward
    gradients gradParams gradInputs vjp vjpOutParams vjpOutInputs jvpLossParams
    jvpLossInputs hvpParams hvpInputs jacrevOutParams jacrevOutInputs jacfwdInput
    jacfwd1 hessianInput hessian1 derivative derivativeVjp Dual
    tagError requireGradTensor requireValueTensor requireScalarValue sgdUpdateTensor
    param const meanScalarOver meanScalarOverArray meanScalarOverDataset
    Dataset ofList toList isEmpty get? map append splitAt lcgNext shufflePairs shuffle
    batches batchesArray DataLoader epoch epochArray epochCollate
    Metric StepReport renderMetrics renderReport renderReports runStepsM runSteps
    Trainer noLog withoutLogging runLosses withLogger withReportLogger
    addMetrics scaleMetrics ReportSum ofReport ofBatch mean evalList evalArray
    evalDataset evalBatches evalDatasetBatches LogEntry noOp stdout logEntry
    ParamTable ParameterTable getTensor set ParamGroup ParameterGroup toStateDict
    ofStateDict snapshot restore l2Norm clipByNorm clipByValue clipByPercentile
    LRScheduler LearningRateScheduler RangeTest lrFinder StepLR CosineAnnealingLR
    OneCycleLR TriangularCycle
    vectorOfList vectorOfArray matrixOfLists matrixOfArrays datasetOfPairs
    datasetOfListVectors CsvOptions parseCsv loadCsv NpyArray parseNpy loadNpy
    """,
)
"""TorchLean's declarations, of all generations, that a reader may look for."""


def is_public(module: ModuleType, name: str) -> bool:
    return name[0] != "_" and not inspect.ismodule(getattr(module, name))


PUBLIC = {name for name in dir(tapem_dsl) if is_public(tapem_dsl, name)}


def found(name: str) -> object:
    """Look a name up in the package, or in ``returns``, whose results we give."""
    package, *path = name.split(".")
    if package == "returns":
        module = importlib.import_module(".".join([package, *path[:-2]]))
        return functools.reduce(getattr, path[-2:], module)
    return functools.reduce(getattr, [package, *path], tapem_dsl)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_every_row_leads_to_a_python_name_or_says_what_to_write(row: list[str]) -> None:
    if row[1] == "none":
        assert spans(row[2]) or "NumPy" in row[2]
        return
    assert re.fullmatch(r"`[\w.]+`", row[1])
    found(row[1].strip("`"))


@pytest.mark.parametrize("name", MIRRORED)
def test_every_declaration_has_a_row(name: str) -> None:
    assert name in DECLARED, f"docs/lean.md lacks {name}"


def counterparts() -> Iterator[tuple[str, str]]:
    """Give what docstrings say that a name is called in Lean."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node) or ""
                for name in re.findall(r"Lean: ``([\w.?]+)``", text):
                    yield f"{path.stem}.{node.name}", name


@pytest.mark.parametrize(("where", "name"), sorted(counterparts()))
def test_every_counterpart_of_a_docstring_has_a_row(where: str, name: str) -> None:
    assert {name, name.rpartition(".")[2]} & DECLARED, f"of {where}"


INSIDE = {
    f"{room}.{name}"
    for room, module in (("train", train), ("optim", optim), ("errors", errors))
    for name in vars(module)
    if is_public(module, name)
}


@pytest.mark.parametrize("name", sorted(PUBLIC | INSIDE))
def test_every_public_name_has_its_place(name: str) -> None:
    if name.rpartition(".")[2] not in PUBLIC or name in PUBLIC:
        assert re.search(rf"`{name}(\.|`)", DICTIONARY), f"docs/lean.md lacks {name}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_every_text_is_the_records_own(row: list[str]) -> None:
    text, name = row[0].strip("`"), row[1].strip("`")
    kind = getattr(errors, name.removeprefix("errors."), None)
    if not ("autograd:" in text or "{tag}" in text):
        return
    if name == "errors.OutsideDomain":  # the text is the op's
        error = tapem_dsl.const(0.0).bind(tapem_dsl.log).run().failure()
        assert error.message.startswith(text.removesuffix("..."))
        return
    assert kind is not None
    assert kind._text == text


TESTS = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("row", rows_of(LEMMAS), ids=lambda row: row[0])
def test_every_lemma_has_its_test(row: list[str]) -> None:
    assert spans(row[1])
    for test in spans(row[1]):
        assert re.search(rf"^def {test}\(", TESTS, re.MULTILINE), test


def squeezed(code: str) -> str:
    return re.sub(r"\s", "", code)


def test_mean_scalar_over_stands_as_in_the_source() -> None:
    """All of the block, in its order, but for a docstring; it may be private."""
    whole, match = next(
        (node, part)
        for node in ast.parse(MEAN_LOSS).body
        if isinstance(node, ast.FunctionDef)
        for part in node.body
        if isinstance(part, ast.Match)
    )
    lines = MEAN_LOSS.splitlines()
    head = lines[whole.lineno - 2 : whole.body[0].lineno - 1]
    body = lines[match.lineno - 1 : match.end_lineno]
    theirs = squeezed("".join([*head, *body]))
    ours = "".join(squeezed(line) for row in MEAN_LOSS_ROWS for line in spans(row[1]))
    assert ours == theirs.replace("def_", "def", 1)


def snake(name: str) -> str:
    return re.sub(r"([A-Z])", r"_\1", name).lower()


def test_mean_scalar_over_goes_by_the_names_of_the_definition() -> None:
    lean = " ".join(span for row in MEAN_LOSS_ROWS for span in spans(row[0]))
    bound = [
        *re.findall(r"\((\w+) : ", lean)[:3],
        *re.findall(r"let (\w+)", lean),
        *re.findall(r"fun (\w+) (\w+)", lean)[0],
        *re.findall(r"(\w+) :: (\w+)", lean)[0],
    ]
    assert bound == [
        *("tag", "xs", "lossOf", "firstLossId", "sumLossId", "lossId", "n", "invN"),
        *("acc", "x", "x0", "xs"),
    ]
    for left, right, *_ in MEAN_LOSS_ROWS:
        for name in {*bound} & {*re.findall(r"\w+", " ".join(spans(left)))}:
            if "foldlM" not in left:  # Lean writes the fold before its function
                assert re.search(rf"\b{snake(name)}\b", right), name
    for form in ("", "_array", "_dataset"):
        function = getattr(tapem_dsl, f"mean_scalar_over{form}")
        assert [*inspect.signature(function).parameters] == ["tag", "xs", "loss_of"]
