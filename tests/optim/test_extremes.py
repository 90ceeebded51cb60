"""Optimisers and clips at extremes make no NaN of finite numbers."""

import math
from collections.abc import Callable
from dataclasses import fields, replace
from fractions import Fraction
from itertools import product
from typing import Any, Final

import numpy as np
import pytest
import torch
from torch.nn.utils import clip_grad_norm_

from tapem_dsl import optim, rationals, tree
from tapem_dsl.optim import (
    Adadelta,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    RmsProp,
    Sgd,
    Transform,
    UpdateRule,
    apply_updates,
    by_leaf,
    clip_by_norm,
    clip_by_percentile,
    clip_by_value,
    l2_norm,
)
from tapem_dsl.optim.rules import EmptyState
from tapem_dsl.tape.equality import same

KINDS: Final = (np.float16, np.float32, np.float64)

# Any: rules have states of their own.
RULES: Final[dict[type[UpdateRule[Any]], list[UpdateRule[Any]]]] = {
    Sgd: [Sgd(), Sgd(0.5)],
    Momentum: [Momentum(), Momentum(1.0, 0.5), Momentum(0.9, nesterov=True)],
    AdaGrad: [AdaGrad(), AdaGrad(weight_decay=0.5)],
    RmsProp: [RmsProp(), RmsProp(rho=0.0), RmsProp(rho=1.0)],
    Adam: [Adam(), Adam(0.0, 0.0), Adam(0.999999, 0.999999)],
    AdamW: [AdamW(), AdamW(weight_decay=0.5)],
    Adadelta: [Adadelta(), Adadelta(rho=0.0), Adadelta(rho=1.0)],
}


# Any, in all of these: rules that are dataclasses, each with fields of its own.
def variants(rules: list[Any]) -> list[Any]:
    """Give each rule with several epsilons, if it has any."""
    return [
        changed
        for rule in rules
        for changed in (
            [replace(rule, epsilon=e) for e in (1e-6, 1e-8, 0.0, 1e-320)]
            if "epsilon" in {field.name for field in fields(rule)}
            else [rule]
        )
    ]


every_rule = pytest.mark.parametrize(
    "rules", list(map(variants, RULES.values())), ids=[kind.__name__ for kind in RULES]
)
every_kind = pytest.mark.parametrize("kind", KINDS)
BOUND: Final = (1e-300, 1e-30, 1e-8, 1e-3, 1.0, 1e4, 1e30, 1e300)
CLIPS: Final[dict[str, list[Transform[Any]]]] = {
    "clip_by_norm": [clip_by_norm(most) for most in (*BOUND, math.inf)],
    "clip_by_value": [clip_by_value(most) for most in (0.0, *BOUND, math.inf)],
    "clip_by_percentile": [clip_by_percentile(p) for p in (0, 10, 50, 99.9, 100)],
}


def cast(numbers: Any, kind: Any) -> Any:
    """Make an array, infinite where the type ends."""
    with np.errstate(all="ignore"):
        return np.asarray(numbers, np.float64).astype(kind)


def entries(kind: Any) -> Any:
    """Zero, tiny, small, ordinary, large and the largest numbers of a type."""
    info = np.finfo(kind)
    sizes = [0, info.smallest_subnormal, info.tiny, info.eps**2, 1e-3, 1, 300, 6e4]
    sizes += [float(info.max) ** 0.5, info.max / 4, info.max]
    return cast([*sizes, *[-float(size) for size in sizes]], kind)


def test_every_rule_and_every_clip_is_tried() -> None:
    rules = {
        kind
        for kind in vars(optim).values()
        if isinstance(kind, type)
        and issubclass(kind, UpdateRule)
        and kind is not UpdateRule
    }
    assert rules == set(RULES)
    assert {name for name in vars(optim) if name.startswith("clip_by")} == set(CLIPS)


@every_rule
@every_kind
def test_no_optimiser_makes_nan_of_finite_numbers(rules: list[Any], kind: Any) -> None:
    each = entries(kind)
    rounded_to_0 = Fraction(1, 10**400)
    rates: tuple[float | Fraction, ...] = (0.0, rounded_to_0, 1e-46, 1e-3, 1.0, 1e30)
    starts = (0.0, 1.0, -6e4, np.finfo(kind).max)
    for rule, rate, start in product(rules, rates, starts):
        optimiser, first = by_leaf(rule, rate), np.full(each.shape, start, kind)
        for later in (each * 0, each, each[::-1].copy()):
            p, state, finite = first, optimiser.init(first), np.full(each.shape, True)
            for g in (each, later, each * 0, each * 0):
                p, state = optimiser.move(g, state, p)
                assert not np.isnan(p[finite]).any(), (rule, rate, start)
                for x in (p, *arrays(state)):
                    finite &= np.isfinite(x)


def arrays(state: object) -> list[Any]:
    return [x for x in tree.flatten(state)[0] if not isinstance(x, int)]


@every_rule
@every_kind
def test_gradients_of_0_move_nothing_without_decay(rules: list[Any], kind: Any) -> None:
    for rule in (replace(rule, weight_decay=0) for rule in rules):
        p = np.array([0, 1, -3], kind)
        state = rule.init(p)
        for _ in range(3):
            change, state = rule.update(p * 0, state, p, 0.1)
            assert change.tolist() == [0, 0, 0], rule
            assert change.dtype == kind


@every_rule
@every_kind
def test_an_infinite_gradient_stays_in_its_entry(rules: list[Any], kind: Any) -> None:
    for rule in (replace(rule, weight_decay=0) for rule in rules):
        p, state = np.ones(3, kind), rule.init(np.ones(3, kind))
        for g in ([math.inf, 0, 1], [-math.inf, 0, 1], [math.nan, 0, 1], [0, 0, 1]):
            change, state = rule.update(np.array(g, kind), state, p, 0.1)
            assert change[1] == 0, rule
            assert not np.isnan(change[2]), rule


@every_rule
def test_float16_moves_as_float32_does(rules: list[Any]) -> None:
    rng = np.random.default_rng(0)
    p16 = rng.normal(size=5).astype(np.float16)
    p32 = p16.astype(np.float32)
    for rule in rules:
        half, single = rule.init(p16), rule.init(p32)
        assert same(half, single)
        for size in (1.0, 1e-4, 300.0):
            g = (rng.normal(size=5) * size).astype(np.float16)
            change, half = rule.update(g, half, p16, 0.1)
            wide, single = rule.update(g.astype(np.float32), single, p32, 0.1)
            assert same(change, cast(wide, np.float16)), rule
            assert same(half, single), rule


@every_rule
def test_a_rate_that_is_no_number_of_float32_is_refused(
    rules: list[Any],
) -> None:
    p = np.ones(1, np.float32)
    for word in ("0.1", None, [0.1]):
        rate: Any = word
        with pytest.raises(TypeError, match="a constant is a real number, not"):
            rules[0].update(p, rules[0].init(p), p, rate)
    for rate in (math.inf, math.nan, 1e39):
        with pytest.raises(ValueError, match="is not finite in float32"):
            rules[0].update(p, rules[0].init(p), p, rate)


def test_adam_moves_float16_with_pytorchs_epsilon() -> None:
    p = np.ones(2, np.float16)
    optimiser = optim.adam(0.1, epsilon=1e-8)
    moved, _ = optimiser.move(np.array([0, 1e-3], np.float16), optimiser.init(p), p)
    assert moved.tolist() == pytest.approx([1, 0.9], abs=1e-3)


# -- clips -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLIPS)
@every_kind
def test_no_clip_makes_nan_of_finite_numbers(name: str, kind: Any) -> None:
    each = entries(kind)
    pytrees: list[Any] = [each, each * 0, each[:0], each[3], [each, each[:3], None]]
    pytrees += [[cast(np.clip(each, -6e4, 6e4), k) for k in KINDS]]
    pytrees += [list(each)]
    for clip in CLIPS[name]:
        for pytree in pytrees:
            clipped, _ = clip.update(pytree, clip.init(pytree), pytree)
            for old, new in zip(tree.leaves(pytree), tree.leaves(clipped), strict=True):
                assert new.dtype == old.dtype
                assert (np.abs(new) <= np.abs(old)).all()
                assert (np.sign(new) * np.sign(old) >= 0).all()


@every_kind
@pytest.mark.parametrize("most", BOUND)
def test_a_clipped_norm_is_the_bound(kind: Any, most: float) -> None:
    """The norm and the bound may be far apart; what underflows is 0."""
    for size in (1e-290, 1e-30, 1.0, 6e4, 5e20, 1e290):
        g = cast([size, size, 0], kind)
        if not 0 < float(g[0]) < math.inf:
            continue
        (x, y, zero), _ = clip_by_norm(most).update(g, EmptyState(), None)
        exact = min(Fraction(float(g[0])), Fraction(most) / Fraction(2**0.5))
        assert x == y
        assert zero == 0
        step = float(np.spacing(cast(float(exact), kind)))
        assert abs(float(x) - float(exact)) <= 2 * step


def test_clip_by_norm_reaches_a_tiny_bound_in_float16_and_float32() -> None:
    half = np.full(2, 6e4, np.float16)
    clip = clip_by_norm(1e-3)
    x, _ = clip.update(half, clip.init(half), half)
    assert x.tolist() == pytest.approx([7.07e-4] * 2, rel=1e-3)
    single = np.full(2, 5e20 / 2**0.5, np.float32)
    clip = clip_by_norm(1e-30)
    y, _ = clip.update(single, clip.init(single), single)
    assert y.tolist() == pytest.approx([1e-30 / 2**0.5] * 2, rel=1e-6, abs=0)


def test_a_norm_beyond_doubles_is_clipped_all_the_same() -> None:
    g = [np.full(3, 1.7e308), np.full(1, -1.7e308)]
    clip = clip_by_norm(2.0)
    x, _ = clip.update(g, clip.init(g), g)
    assert [y.tolist() for y in x] == [[1.0] * 3, [-1.0]]
    assert l2_norm(g) == math.inf


def test_clips_take_rationals_and_python_numbers() -> None:
    for clip in (clip_by_norm(1.0), clip_by_value(1), clip_by_percentile(0)):
        (x, y), _ = clip.update([3.0, 0.0], clip.init(None), None)
        assert (float(x), float(y)) == (3.0 if clip == clip_by_percentile(0) else 1, 0)
        (z,), _ = clip.update([rationals([4])], clip.init(None), None)
        assert z.dtype == object
    huge = [rationals([10**400])]
    for clip in (clip_by_norm(1.0), clip_by_percentile(50)):
        with pytest.raises(ValueError, match="norms and percentiles are float64"):
            clip.update(huge, clip.init(None), None)


@pytest.mark.parametrize(
    "clip", [clip_by_norm(1.0), clip_by_value(1.0), clip_by_percentile(50)]
)
def test_what_is_no_real_gradient_is_not_clipped(clip: Transform[Any]) -> None:
    for g in (np.array([3, 4]), np.array([True]), np.bool_(True)):
        with pytest.raises(ValueError, match="only real gradients are clipped"):
            clip.update([g], clip.init(None), None)


ODD: Final[list[list[Any]]] = [
    [[math.inf, 1.0, 0.0], [2.0]],
    [[-math.inf, math.inf, 0.0], [2.0]],
    [[math.nan, 1.0, 0.0], [2.0]],
    [[math.nan, math.inf, 0.0], [2.0]],
]


@every_kind
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_a_norm_that_is_no_number_is_an_error_or_as_in_pytorch(
    kind: Any, odd: list[Any]
) -> None:
    g = [np.array(x, kind) for x in odd]
    with pytest.raises(ValueError, match=r"have the norm (inf|nan); .*error_if_nonf"):
        clip_by_norm(1.0).update(g, EmptyState(), None)
    clip = clip_by_norm(1.0, error_if_nonfinite=False)
    ours, _ = clip.update(g, clip.init(g), None)
    theirs = [torch.tensor(np.zeros(len(x))) for x in g]
    for tensor, x in zip(theirs, g, strict=True):
        tensor.grad = torch.tensor(x.astype(np.float64))
    clip_grad_norm_(theirs, 1.0)
    for tensor, x in zip(theirs, ours, strict=True):
        assert tensor.grad is not None
        np.testing.assert_array_equal(x, tensor.grad.numpy().astype(kind), strict=True)


@every_kind
def test_clips_by_value_and_percentile_hold_beside_infinity_and_nan(kind: Any) -> None:
    def clipped(clip: Transform[Any], *g: float) -> Any:
        array = np.array(g, kind)
        return clip.update(array, clip.init(array), array)[0].tolist()

    inf = math.inf
    assert clipped(clip_by_value(2.0), inf, -inf, 3, 0) == [2, -2, 2, 0]
    assert clipped(clip_by_percentile(100), inf, -inf, 3, 0) == [inf, -inf, 3, 0]
    assert clipped(clip_by_percentile(75), inf, -inf, 3, 0) == [inf, -inf, 3, 0]
    assert clipped(clip_by_percentile(0), inf, 1, 3) == [1, 1, 1]
    assert clipped(clip_by_percentile(25), inf, -3, 1) == [2, -2, 1]
    with_nan = clipped(clip_by_percentile(50), math.nan, 1, 3)
    assert np.isnan(with_nan[0])
    assert with_nan[1:] == [1, 2]
    assert np.isnan(clipped(clip_by_percentile(50), math.nan)[0])


@pytest.mark.parametrize(
    ("make", "right", "wrong"),
    [
        (clip_by_norm, [1, math.inf, Fraction(1, 3)], [0, -1, math.nan, -math.inf]),
        (clip_by_value, [0, 1.0, math.inf], [-1, math.nan]),
        (clip_by_percentile, [0, 50, 100.0], [-1, 101, math.nan]),
    ],
)
def test_bounds_are_checked(
    make: Callable[[Any], Transform[Any]], right: list[Any], wrong: list[Any]
) -> None:
    for bound in right:
        assert make(bound) == make(bound)
    for bound in wrong:
        with pytest.raises(ValueError, match=f"{make.__name__} takes a number in"):
            make(bound)
    for bound in ("x", None, True, np.ones(2)):
        with pytest.raises(TypeError, match=f"{make.__name__} takes a number in"):
            make(bound)


def test_whether_infinity_is_an_error_is_a_truth_value() -> None:
    with pytest.raises(TypeError, match="takes False or True for error_if_nonfinite"):
        clip_by_norm(1.0, error_if_nonfinite="no")  # type: ignore[arg-type] # the mistake


def test_updates_stay_finite_beside_what_overflows() -> None:
    p = np.full(2, 1e308)
    assert apply_updates(p, np.array([1e308, -1e308])).tolist() == [math.inf, 0]
