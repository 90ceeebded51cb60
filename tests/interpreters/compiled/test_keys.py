"""What shares a plan, what does not, and what runs as it is."""

import pickle
import threading
import warnings
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest

from tapem_dsl import EMPTY, jit, leaf, mul, rationals, value_and_grad
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.tape.equality import same
from tests.untyped import LOOSE

# Any, throughout: arguments of any type.


def affine(x: Any, a: Any = 2.0, b: Any = 1.0) -> Any:
    return x * a + b


class Pair(NamedTuple):
    x: Any
    y: Any


@dataclass(frozen=True)
class Record:
    x: Any
    name: str


ROW = np.arange(3.0)
ARGUMENTS: list[Any] = [
    *(ROW, ROW.astype(np.float32), ROW.astype(np.float16), ROW.astype(np.longdouble)),
    *(np.float64(3), np.float32(3), 3.0, 3, np.int64(3), np.arange(3)),
    *(np.ones((2, 3)), np.ones((0, 3)), np.ones(0), np.array(2.0)),
    *(np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(6.0)[::2]),
    *(np.arange(6.0)[::-1], ROW.astype(">f8"), np.broadcast_to(1.0, (2, 2))),
]


@pytest.mark.parametrize("x", ARGUMENTS, ids=lambda x: repr(x)[:30])
def test_arrays_of_all_kinds_are_taken(x: Any) -> None:
    step = jit(affine)
    for _ in range(3):
        assert same(step(x), affine(x))


def test_numbers_of_python_stay_numbers_of_python() -> None:
    step = jit(lambda n, x: (n + 1, n * 2, -n, n / 2, x * 2.0, x * n, x))
    for n, x in ((3, 0.5), (4, 1.5)):
        found = step(n, x)
        assert same(found, (n + 1, n * 2, -n, n / 2, x * 2.0, x * n, x))
    assert "1 plan" in step.report()


def test_records_lists_and_dicts_keep_their_types() -> None:
    def function(given: Any) -> Any:
        return {"pair": Pair(given["r"].x * 2.0, [given["xs"][0], None])}

    step = jit(function)
    given: dict[str, Any] = {"r": Record(ROW, "a"), "xs": [np.float64(1)]}
    assert same(step(given), function(given))
    assert same(
        step({**given, "r": Record(ROW + 1, "a")}),
        function({**given, "r": Record(ROW + 1, "a")}),
    )
    assert "1 plan" in step.report()


@pytest.mark.parametrize(
    ("first", "second", "plans"),
    [
        ((ROW,), (ROW + 1,), 1),
        ((ROW,), (np.arange(4.0),), 2),
        ((ROW,), (ROW.astype(np.float32),), 2),
        ((ROW, 2.0), (ROW, 3.0), 1),
        ((ROW, 2), (ROW, 3), 1),
        ((ROW, 2), (ROW, 2.0), 2),
        ((ROW, np.float64(2)), (ROW, 2.0), 2),
        (([ROW],), ((ROW,),), 2),
        (([ROW],), ([ROW, ROW],), 2),
        ((Record(ROW, "a"),), (Record(ROW, "b"),), 2),
        ((Record(ROW, "a"),), (Record(ROW, "a"),), 1),
        ((ROW, True), (ROW, False), 2),
        ((ROW, None), (ROW, 1.0), 2),
        ((ROW, len), (ROW, max), 2),
    ],
)
def test_what_shares_a_plan(first: Any, second: Any, plans: int) -> None:
    step = jit(lambda *given: given[0])
    for arguments in (first, second, first):
        assert same(step(*arguments), arguments[0])
    assert step.report().splitlines()[0].split(": ")[1].startswith(f"{plans} plan")


def test_keywords_may_come_in_any_order() -> None:
    step = jit(affine)
    assert same(step(ROW, a=3.0, b=4.0), affine(ROW, 3.0, 4.0))
    assert same(step(ROW, b=5.0, a=4.0), affine(ROW, 4.0, 5.0))
    listed = jit(lambda **given: list(given.values()))
    assert listed(a=1.0, b=2.0) == [1.0, 2.0]
    assert listed(b=2.0, a=1.0) == [2.0, 1.0]


AS_THEY_ARE: list[Any] = [
    rationals([1, 2]),
    Fraction(1, 2),
    Dual(np.float64(1), np.float64(2), 1),
    np.array(["a"]),
]


@pytest.mark.parametrize("x", AS_THEY_ARE, ids=lambda x: type(x).__name__)
def test_rationals_and_tracers_run_as_they_are(x: Any) -> None:
    step = jit(lambda x: [x])
    assert step(x)[0] is x
    assert "as it is, 1 time:" in step.report()


def test_exact_gradients_are_exact() -> None:
    step = jit(value_and_grad(lambda w: mul(w, w)))
    value, slope = step(rationals(3)).unwrap()
    assert (value.item(), slope.item()) == (9, 6)


class Mutable:
    def __init__(self, n: float) -> None:
        self.n = n


@dataclass
class Derived:
    """A record with a field that its arguments do not say."""

    x: Any
    n: Any = field(init=False, default=1.0)


@dataclass(frozen=True)
class Suspicious:
    """A record that looks at what it is made of."""

    x: Any

    def __post_init__(self) -> None:
        if not isinstance(self.x, np.ndarray):
            raise TypeError("no array")


@dataclass
class Open:
    """A record that takes more attributes."""

    x: Any


@dataclass
class Doubling:
    """A record that makes more of its field, each time that it is made."""

    x: Any

    def __post_init__(self) -> None:
        self.x = self.x * 2.0


class Unhashable:
    __hash__ = None  # type: ignore[assignment] # as lists have it


def test_an_integer_of_any_size_is_static() -> None:
    step = jit(lambda x, options: x * options["a"].bit_length())
    assert step(ROW, {"a": 2**70}).tolist() == [0.0, 71.0, 142.0]


@pytest.mark.parametrize(
    ("x", "why"),
    [
        ({1, 2}, "a set is computed with as it is"),
        (bytearray(b"ab"), "a bytearray is computed with as it is"),
        (Mutable(2.0), "a Mutable is computed with as it is"),
        (Derived(ROW), "a Derived is computed with as it is"),
        (Suspicious(ROW), "a Suspicious is computed with as it is"),
        (iter([ROW]), "a list_iterator is computed with as it is"),
    ],
)
def test_what_may_change_runs_as_it_is(x: Any, why: str) -> None:
    step = jit(lambda x: (x, 2.0))
    assert step(x) == (x, 2.0)
    assert why in step.report()


def test_a_static_argument_that_cannot_be_hashed_runs_as_it_is() -> None:
    step = jit(lambda x, names: x * 2.0, static_argnames="names")
    assert same(step(ROW, Unhashable()), ROW * 2.0)
    assert "cannot be hashed" in step.report()


def test_fields_that_a_record_makes_itself_are_not_lost() -> None:
    step = jit(lambda r: r.x * r.n)
    for n in (2.0, 3.0):
        record = Derived(ROW)
        record.n = n
        assert same(step(record), ROW * n)


def test_records_that_do_more_than_hold_their_fields_are_not_made_again() -> None:
    wide: Any = Open(ROW)
    wide.scale = 3.0
    assert same(jit(lambda r: r.x * r.scale)(wide), ROW * 3.0)
    doubled = Doubling(ROW)
    step = jit(lambda r: r.x * 1.0)
    made = jit(Doubling)
    for _ in range(2):
        assert same(step(doubled), ROW * 2.0)
        assert same(made(ROW).x, ROW * 2.0)
    static = jit(lambda x, r: x * r.scale, static_argnames="r")
    for wide.scale in (2.0, 5.0):
        assert same(static(ROW, wide), ROW * wide.scale)


def test_nested_arguments_end_where_python_ends() -> None:
    deep: Any = ROW
    for _ in range(5000):
        deep = [deep]
    step = jit(lambda x: 1.0)
    assert step(deep) == 1.0
    assert "as it is, 1 time" in step.report()


def test_keys_of_dicts_and_leaves_are_not_mistaken() -> None:
    step = jit(lambda d: [type(name) for name in d])
    for d in ({1: ROW}, {1.0: ROW}, {True: ROW}, {"1": ROW}):
        assert step(d) == [type(name) for name in d]


def test_the_cache_is_bounded_and_the_eighth_plan_warns() -> None:
    step = jit(lambda x: x * 2.0, cache=5)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for size in range(1, 12):
            assert step(np.ones(size)).tolist() == [2.0] * size
    assert len(caught) == 1
    said = str(caught[0].message)
    assert "8 plans" in said
    assert "float64[7] and float64[8]" in said
    assert step.report().startswith(f"{step.function.__qualname__}: 5 plans")


def test_the_plan_prints_a_line_a_call() -> None:
    step = jit(lambda x: x * 2.0 + 1.0)
    step(np.float64(3))
    (plan,) = step.plan(np.float64(4))
    assert repr(plan).splitlines() == [
        "%0 = input -> float64[]",
        "%1 = multiply(%0, 2.0) -> float64[]",
        "%2 = add(%1, 1.0) -> float64[]",
    ]
    assert step.plan(np.ones(2)) == ()
    assert step.plan(Fraction(1, 2)) == ()


def test_it_pickles_without_its_plans() -> None:
    step = jit(affine, static_argnames="a")
    step(ROW)
    again = pickle.loads(pickle.dumps(step))
    assert same(again(ROW), affine(ROW))
    assert "1 plan" in again.report()


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: LOOSE.jit(3), TypeError, "jit takes a function for function, not 3"),
        (
            lambda: LOOSE.jit(affine, engine="cuda"),
            ValueError,
            "takes 'numpy' or 'xla' for engine",
        ),
        (lambda: jit(leaf(1.0)), TypeError, "not a program"),
    ],
)
def test_mistakes_are_said(wrong: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        wrong()


@pytest.mark.filterwarnings("ignore:jit has made")
def test_two_threads_share_one_function() -> None:
    step = jit(value_and_grad(lambda w: mul(w, w).bind(lambda y: mul(y, w))), cache=2)
    eager = value_and_grad(lambda w: mul(w, w).bind(lambda y: mul(y, w)))
    wrong: list[Any] = []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(300):
            x = rng.normal(size=()).astype(rng.choice(["f4", "f8", "f2"]))[()]
            if not same(step(x), eager(x)):
                wrong.append(x)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_empty_tape_is_a_static_argument() -> None:
    step = jit(lambda x, tape: x * len(tape))
    assert step(ROW, EMPTY).tolist() == [0, 0, 0]
