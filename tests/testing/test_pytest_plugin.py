"""The pytest plugin: what a failed ``==`` of programs and tapes prints."""

import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from tapem_dsl import leaf, pure
from tapem_dsl.testing.pytest_plugin import pytest_assertrepr_compare

pytest_plugins = ["pytester"]
NAME = "tapem_dsl.testing.pytest_plugin"


def test_a_failed_equation_prints_the_difference(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from functools import partial
        from tapem_dsl import leaf, relu, scale

        def test_programs():
            first = leaf(1.0).bind(lambda x: relu(x))
            assert first == leaf(1.0).bind(lambda x: relu(x))

        def test_tapes():
            assert leaf(0.0).exec().unwrap() == leaf(-0.0).exec().unwrap()

        def test_equal():
            scaled = partial(scale, factor=2)
            assert leaf(1.0).bind(scaled) == leaf(1.0).bind(partial(scale, factor=2))
        """
    )
    ran = pytester.runpytest_subprocess("-p", NAME)
    ran.assert_outcomes(failed=2, passed=1)
    ran.stdout.fnmatch_lines(
        [
            "*the programs differ at instruction 2, argument:",
            "*two functions of one text;",
            "*functools.partial*",
            "*the tapes differ at node 0, value:",
            "*left:  float64 0.0 = 0x0.0p+0",
            "*the signs of zero differ",
        ]
    )


def test_other_comparisons_are_left_to_pytest() -> None:
    assert pytest_assertrepr_compare("==", pure(1), 1) is None
    assert pytest_assertrepr_compare("!=", pure(1), pure(1)) is None
    assert pytest_assertrepr_compare("in", 1, [2]) is None


def test_nodes_and_programs_are_compared() -> None:
    programs = leaf(1.0), leaf(1.0, requires_grad=False)
    for left, right in (programs, [p.exec().unwrap()[0] for p in programs]):  # type: ignore[index] # an id
        lines = pytest_assertrepr_compare("==", left, right)
        assert lines
        assert any("requires_grad" in line for line in lines)


def test_the_entry_point_is_the_plugin() -> None:
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    ((name, module),) = project["entry-points"]["pytest11"].items()
    assert name == module == NAME  # else -p would register it twice
    assert import_module(module).pytest_assertrepr_compare
