"""The public names: all there, documented, with an example that runs."""

import doctest
import inspect
from pathlib import Path
from types import ModuleType

import pytest

import tapem_dsl
from docs.build_site import PROJECT
from tapem_dsl import Op, TapeError, errors, ops, optim, train, tree

ROOT = Path(__file__).parents[1]
PUBLIC = {
    name: getattr(tapem_dsl, name)
    for name in dir(tapem_dsl)
    if name[0] != "_" and not inspect.ismodule(getattr(tapem_dsl, name))
}
DOCUMENTED_WHERE_THEY_STAND = {
    *("Array", "Do", "EMPTY", "GradientIds", "Gradients", "NodeId", "Shape")
}
INSIDE = {
    f"{room.__name__}.{name}": value
    for room in (train, optim, tree)
    for name, value in vars(room).items()
    if name[0] != "_" and (inspect.isclass(value) or inspect.isfunction(value))
    if value.__module__.startswith(room.__name__)
}
FUNCTIONS = INSIDE | {
    name: value
    for name, value in PUBLIC.items()
    if name not in DOCUMENTED_WHERE_THEY_STAND | {"vjp_rules"}
}


def test_the_version_is_that_of_the_package() -> None:
    assert tapem_dsl.__version__ == PROJECT["version"]


def test_nothing_else_is_public() -> None:
    # pytest, which imports its plugin, puts names with "@" into it
    modules = {name for name in dir(tapem_dsl) if name[0] not in "_@"} - set(PUBLIC)
    assert modules <= {
        *("arguments", "arrays", "errors", "files", "ids", "interpreters", "messages"),
        *("ops", "optim", "program", "tape", "testing", "train", "tree"),
    }


@pytest.mark.parametrize("room", [train, optim, errors])
def test_a_star_import_of_a_room_replaces_no_public_name(room: ModuleType) -> None:
    for name in vars(room).keys() & PUBLIC.keys():
        assert vars(room)[name] is PUBLIC[name], name


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_public_name_has_a_docstring_with_an_example(name: str) -> None:
    doc = inspect.getdoc(FUNCTIONS[name])
    assert doc
    assert doctest.DocTestParser().get_examples(doc), f"no example for {name}"


@pytest.mark.parametrize("kind", [tapem_dsl.TapeM, tapem_dsl.Tape, train.Dataset])
def test_every_public_method_has_a_docstring_with_an_example(kind: type) -> None:
    for name, method in vars(kind).items():
        if name[0] != "_" and callable(method):
            assert ">>>" in (method.__doc__ or ""), f"{kind.__name__}.{name}"


def ours_below(kind: type) -> dict[str, type]:
    """Subclasses, by name; a dataclass with slots is made twice, the second counts."""
    found: dict[str, type] = {}
    below: type
    for below in kind.__subclasses__():
        if below.__module__.startswith("tapem_dsl."):
            found |= {below.__name__: below} | ours_below(below)
    return found


def test_every_failure_is_public_and_the_family_is_closed() -> None:
    assert set(ours_below(TapeError)) < set(vars(errors))
    with pytest.raises(TypeError, match=r"closed family.*throw\('your message'\)"):
        type("Mine", (TapeError,), {})


def of_an_interpreter(kind: type) -> bool:
    """Whether an op only enters or leaves what one interpreter carries."""
    return kind.__module__.startswith("tapem_dsl.interpreters.")


def test_ops_all_holds_every_op_of_the_package_once() -> None:
    concrete = {
        kind
        for kind in ours_below(Op).values()
        if not inspect.isabstract(kind) and not of_an_interpreter(kind)
        if kind.__module__ != "tapem_dsl.ops.base"
    }
    assert set(ops.ALL) == concrete
    assert len(ops.ALL) == len(concrete)
