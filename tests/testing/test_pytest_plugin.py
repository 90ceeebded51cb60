"""The pytest plugin: what a failed ``==`` of programs and tapes prints."""

from importlib import import_module

import pytest
from returns.result import Failure, Success

from docs.build_site import PROJECT
from tapem_dsl import NodeId, leaf, pure, relu
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


def explained(left: object, right: object) -> str:
    """Return what the plugin prints of two values that differ."""
    lines = pytest_assertrepr_compare("==", left, right)
    assert lines
    return "\n".join(lines[1:])


P, Q = leaf(1.0).bind(relu), leaf(2.0).bind(relu)
TAPES = P.exec().unwrap(), Q.exec().unwrap()


@pytest.mark.parametrize(
    ("left", "right", "where"),
    [
        ([P, P], [P, Q], "[1], instruction 1, value"),
        ((1, P), (1, Q), "[1], instruction 1, value"),
        ({"a": [P]}, {"a": [Q]}, "['a'][0], instruction 1, value"),
        (P.exec(), Q.exec(), ".value, node 0, value"),
        (P.run(), Q.run(), ".value[1], node 0, value"),
        ({"t": TAPES[0]}, {"t": TAPES[1]}, "['t'], node 0, value"),
        ([TAPES[0][NodeId(0)]], [TAPES[1][NodeId(0)]], "[0], value"),
        (Failure(P), Failure(Q), "error, instruction 1, value"),
        ([pure(1)], [pure(2)], "[0], instruction 1, value"),
    ],
)
def test_what_differs_within_a_collection_is_shown(
    left: object, right: object, where: str
) -> None:
    text = explained(left, right)
    assert f"the values differ at {where.removeprefix('.')}:" in text
    assert "left:" in text


def test_collections_of_other_things_are_left_to_pytest() -> None:
    compare = pytest_assertrepr_compare
    for left, right in (
        ([1, 2], [1, 3]),
        ({"a": 1}, {"a": 2}),
        ([P, 1], [P, 2]),
        ([P], [P, Q]),
        ([P, P], [Q]),
        ([P], [1]),
        ([P], (P,)),
        ([pure(1)], [pure(True)][:0]),
        (Success(1), Success(2)),
        (P.run(), Failure(1)),
        ({1, 2}, {1}),
        ("a", "b"),
    ):
        assert compare("==", left, right) is None


def test_long_values_are_shortened_in_the_head() -> None:
    lines = pytest_assertrepr_compare("==", [P] * 1000, [*[P] * 999, Q])
    assert lines
    assert len(lines[0]) < 300
    assert "[999], instruction 1, value" in lines[1]


def test_a_failed_equation_of_collections_prints_the_difference(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        from tapem_dsl import leaf

        def test_lists():
            assert [leaf(1.0)] == [leaf(2.0)]

        def test_results():
            assert leaf(0.0).run() == leaf(-0.0).run()

        def test_numbers():
            assert [1, 2] == [1, 3]
        """
    )
    ran = pytester.runpytest_subprocess("-p", NAME)
    ran.assert_outcomes(failed=3)
    ran.stdout.fnmatch_lines(
        [
            "*the values differ at [[]0], instruction 1, value:",
            "*the values differ at value[[]1], node 0, value:",
            "*the signs of zero differ",
            "*At index 1 diff: 2 != 3",
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
    ((name, module),) = PROJECT["entry-points"]["pytest11"].items()
    assert name == module == NAME  # else -p would register it twice
    assert import_module(module).pytest_assertrepr_compare
