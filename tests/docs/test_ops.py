"""docs/ops.md: as its generator writes it, with all that a user looks for."""

import ast
from importlib import import_module
from inspect import getdoc
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import tapem_dsl
from docs.generated_pages import names_elsewhere
from docs.ops_page import PAGE, SECTIONS, function_of, page, sections_of
from tapem_dsl import Op, ops, optim, train, tree, vjp_rules
from tests.specs.every import ALL

TESTS = Path(__file__).parents[1] / "ops"
each_op = pytest.mark.parametrize("kind", ops.ALL, ids=lambda kind: kind.__name__)


def test_the_page_is_as_make_docs_writes_it() -> None:
    assert PAGE.read_text() == page()


@each_op
def test_every_op_has_a_rule(kind: type[Op]) -> None:
    assert kind in vjp_rules


@each_op
def test_every_op_is_said_in_full(kind: type[Op]) -> None:
    sections = sections_of(function_of(kind))
    assert [title for title in SECTIONS if not sections.get(title)] == []
    assert "Lean: " in sections["Source"]
    assert "PyTorch: " in sections["Source"]
    assert "JAX: " in sections["Source"]
    assert ">>>" in (getdoc(function_of(kind)) or "")


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of torch.func
@pytest.mark.parametrize(
    "room", [tapem_dsl, optim, train, tree], ids=lambda r: r.__name__
)
def test_the_names_in_other_libraries_exist(room: ModuleType) -> None:
    named = 0
    for name, value in vars(room).items():
        for elsewhere in names_elsewhere(value) if callable(value) else ():
            library, *rest = elsewhere.split(".")
            if library in {"torch", "jax", "numpy", "scipy"} and rest:
                named += 1
                assert find(elsewhere), f"{name}: {elsewhere}"
    assert named > 2


def find(name: str) -> object:
    """Import as much of a dotted name as are modules, and follow the rest."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part, None)
        return found
    return None


def used_in_tests() -> set[str]:
    """The names that the tests of the ops use, beside importing them."""
    return {
        name.id
        for file in TESTS.glob("test_*.py")
        for name in ast.walk(ast.parse(file.read_text()))
        if isinstance(name, ast.Name)
    }


USED = used_in_tests()


@each_op
def test_every_op_is_tested(kind: type[Op]) -> None:
    in_the_table = kind in {type(spec.op) for spec in ALL}
    assert in_the_table or function_of(kind).__name__ in USED


def test_every_public_function_that_records_an_op_is_on_the_page() -> None:
    families = {family.__name__ for family in ops.FAMILIES}
    public = {
        name
        for name, value in vars(tapem_dsl).items()
        if isinstance(value, FunctionType) and value.__module__ in families
    }
    assert {function_of(kind).__name__ for kind in ops.ALL} == public
