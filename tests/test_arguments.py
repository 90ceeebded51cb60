"""Wrong arguments of training, each with a message that says the fix."""

import math
import pickle
from collections.abc import Callable
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pytest
from returns.result import Failure, Success

from tapem_dsl import NodeId, const, optim, pure, train
from tapem_dsl.errors import Thrown
from tapem_dsl.optim import (
    Adadelta,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Optimizer,
    ParamEntry,
    ParamGroup,
    ParamTable,
    RmsProp,
    Sgd,
    UpdateRule,
    adam,
    adamw,
    by_leaf,
    chain,
    clip_by_norm,
    momentum,
    sgd,
)
from tapem_dsl.train import (
    DataLoader,
    Dataset,
    StepReport,
    Trainer,
    eval_batches,
    eval_list,
    run_steps,
    run_steps_m,
)

# -- hyperparameters -------------------------------------------------------------------

# Any: values and no values.
Wrong = tuple[list[Any], list[Any]]
AMOUNT: Final[Wrong] = ([-1, math.nan, math.inf, Fraction(10**400)], ["x", None, True])
BETA: Final[Wrong] = ([*AMOUNT[0], 1.0, 1.1, np.float32(1)], AMOUNT[1])
RHO: Final[Wrong] = ([*AMOUNT[0], 1.1], AMOUNT[1])
WRONG: Final[dict[type[UpdateRule[Any]], dict[str, Wrong]]] = {
    Sgd: {"weight_decay": AMOUNT},
    Momentum: {
        "momentum": AMOUNT,
        "dampening": ([math.nan, math.inf], AMOUNT[1]),
        "nesterov": ([], ["yes", None, 2]),
        "weight_decay": AMOUNT,
    },
    AdaGrad: {"epsilon": AMOUNT, "weight_decay": AMOUNT},
    RmsProp: {"rho": RHO, "epsilon": AMOUNT, "weight_decay": AMOUNT},
    Adam: {"beta1": BETA, "beta2": BETA, "epsilon": AMOUNT, "weight_decay": AMOUNT},
    AdamW: {"beta1": BETA, "beta2": BETA, "epsilon": AMOUNT, "weight_decay": AMOUNT},
    Adadelta: {"rho": RHO, "epsilon": AMOUNT, "weight_decay": AMOUNT},
}
RULES: Final[list[Any]] = [
    kind
    for kind in (vars(train) | vars(optim)).values()
    if isinstance(kind, type)
    and issubclass(kind, UpdateRule)
    and kind is not UpdateRule
]


@pytest.mark.parametrize("kind", RULES, ids=lambda kind: kind.__name__)
def test_every_hyperparameter_is_checked(kind: Any) -> None:
    assert {field.name for field in fields(kind)} == set(WRONG[kind])
    for name, (values, types) in WRONG[kind].items():
        for error, givens in ((ValueError, values), (TypeError, types)):
            for given in givens:
                with pytest.raises(error, match=f"{kind.__name__} takes .*{name}, not"):
                    kind(**{name: given})


def test_the_ends_of_ranges_are_inside() -> None:
    Adam(beta1=0, beta2=0.0, epsilon=0, weight_decay=0)
    for rho in (0, 1, Fraction(1), np.float32(0.5)):
        assert RmsProp(rho=rho).rho == Adadelta(rho=rho).rho  # type: ignore[arg-type] # NumPy's too
    Momentum(momentum=2.0, dampening=-1.0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Momentum(nesterov=True, dampening=0.5),
        lambda: Momentum(momentum=0, nesterov=True),
        lambda: momentum(0.1, momentum=0.0, nesterov=True),
    ],
)
def test_nesterov_needs_a_momentum_and_no_dampening(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="momentum above 0 and no dampening, not"):
        make()


@pytest.mark.parametrize(
    "make", [sgd, momentum, optim.adagrad, optim.rmsprop, adam, adamw, optim.adadelta]
)
def test_a_rate_is_a_number_from_0_or_a_schedule(make: Any) -> None:
    rule = type(make(0.1).rule).__name__
    rate: Any
    for rate in (-0.1, math.nan, math.inf, Fraction(-1, 3)):
        with pytest.raises(
            ValueError, match=rf"{rule} takes a number in \[0, inf\) for"
        ):
            make(rate)
    for rate in ("x", None, np.ones(2), [0.1]):
        with pytest.raises(TypeError, match=f"{rule} takes a number or a schedule for"):
            make(rate)
    with pytest.raises(TypeError, match="not the class Constant; make one: Constant"):
        make(optim.Constant)
    assert make(Fraction(1, 3)) != make(0)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: by_leaf(Adam, 0.1), TypeError, r"takes a rule, such as Adam\(\), not"),  # type: ignore[arg-type] # the mistake
        (lambda: by_leaf(adam(0.1), 0.1), TypeError, "takes a rule"),  # type: ignore[arg-type] # likewise
        (lambda: chain(adam), TypeError, r"takes transforms, such as sgd\(0.1\), not"),  # type: ignore[arg-type] # likewise
        (lambda: chain([sgd(0.1)]), TypeError, "takes transforms"),  # type: ignore[arg-type] # likewise
        (lambda: ParamGroup((), Sgd, 0.1), TypeError, "ParamGroup takes a rule"),  # type: ignore[arg-type] # likewise
        (lambda: ParamGroup((), Sgd(), -1), ValueError, r"in \[0, inf\) for rate, not"),
        (lambda: ParamGroup((), Sgd(), "x"), TypeError, "for rate, not 'x'"),  # type: ignore[arg-type] # likewise
        (
            lambda: ParamGroup((), Sgd(), 0.1, 0.2),  # type: ignore[arg-type] # likewise
            TypeError,
            "takes a function for schedule, not 0.2",
        ),
    ],
)
def test_parts_of_optimisers_that_are_none_are_refused(
    make: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        make()


def test_a_group_asks_its_schedule_for_a_rate_too() -> None:
    group = ParamGroup((NodeId(0),), Sgd(), 0.1, lambda step: -1.0)
    table = ParamTable((ParamEntry(NodeId(0), "w", np.float64(1)),))
    with pytest.raises(ValueError, match="at step 0 of its schedule"):
        Optimizer((group,)).step(table, {NodeId(0): np.float64(1)})


# -- states ----------------------------------------------------------------------------

P: Final = {"w": np.ones(2)}
TWO: Final = {"w": np.ones(2), "b": np.ones(1)}


@pytest.mark.parametrize(
    ("optimiser", "state", "error", "text"),
    [
        (adam(0.1), adam(0.1).init(TWO), ValueError, r"dict\(w\) is not dict\(w, b\)"),
        (
            sgd(0.1),
            sgd(0.1).init({"v": P["w"]}),
            ValueError,
            r"of the same pytree: pytrees",
        ),
        (
            adam(0.1),
            adam(0.1).init([P["w"]]),
            ValueError,
            "the top: .*; make one by init",
        ),
        (
            clip_by_norm(1.0),
            sgd(0.1).init(P),
            TypeError,
            "of type EmptyState, not Stepped",
        ),
        (adam(0.1), sgd(0.1).init(P), TypeError, "of type Moments, not EmptyState"),
        (adam(0.1), momentum(0.1).init(P), TypeError, "of type Moments, not Buffered"),
        (sgd(0.1), adam(0.1).init(P), TypeError, "of type EmptyState, not Moments"),
        (adam(0.1), (), TypeError, r"of type Stepped, not \(\)"),
        (adam(0.1), None, TypeError, "of type Stepped, not None"),
        (chain(sgd(0.1)), sgd(0.1).init(P), TypeError, "of type tuple, not Stepped"),
        (sgd(0.1), chain(sgd(0.1)).init(P), TypeError, "of type Stepped, not"),
        (
            chain(clip_by_norm(1.0), sgd(0.1)),
            chain(sgd(0.1)).init(P),
            ValueError,
            "of 2 transforms, not of 1; make one",
        ),
        (
            adam(0.1),
            adam(0.1).init({"w": np.ones(3)}),
            ValueError,
            "of another parameter",
        ),
    ],
)
def test_a_state_of_something_else_says_so(
    optimiser: Any, state: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        optimiser.update(P, state, P)


OPTIMISERS: Final[list[Any]] = [by_leaf(rule(), 0.1) for rule in RULES]


@pytest.mark.parametrize("ours", OPTIMISERS, ids=lambda x: type(x.rule).__name__)
def test_every_rule_refuses_the_states_of_all_others_by_name(ours: Any) -> None:
    own = type(ours.init(1.0).leaves).__name__
    for theirs in OPTIMISERS:
        state = theirs.init(P)
        if theirs is ours:
            _, after = ours.update(P, state, P)
            assert type(after.leaves["w"]) is type(state.leaves["w"])
            continue
        found = type(state.leaves["w"]).__name__
        with pytest.raises(TypeError, match=f"of type {own}, not {found}"):
            ours.update(P, state, P)


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=lambda x: type(x.rule).__name__)
def test_states_compare_exactly(optimiser: Any) -> None:
    one, other = optimiser.init(TWO), optimiser.init(TWO)
    assert one == other
    assert (one != other) is False
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one
    after = optimiser.update(TWO, one, TWO)[1]
    assert after != one
    assert (after == one) is False
    assert (after.leaves["w"] == one.leaves["w"]) is isinstance(optimiser.rule, Sgd)
    assert optimiser.init(P) != one
    assert tuple(one) != one


def test_a_table_with_the_state_of_another_rule_is_refused() -> None:
    table = ParamTable((ParamEntry(NodeId(0), "w", np.float64(1)),))
    of_sgd = Optimizer((ParamGroup((NodeId(0),), Sgd(), 0.1),)).init(table)
    of_adam = replace(of_sgd, groups=(ParamGroup((NodeId(0),), Adam(), 0.1),))
    with pytest.raises(TypeError, match="Adam takes a state of type Moments"):
        of_adam.step(table, {NodeId(0): np.float64(1)})


# -- steps and evaluations -------------------------------------------------------------

REPORT: Final = StepReport(0.5)
NO_RESULT: Final[list[tuple[Any, str]]] = [
    ((1, REPORT), r"must return a Result, not \(1, Step.*; wrap it: Success"),
    (REPORT, "must return a Result, not StepReport.*; wrap it: Success"),
    (0.5, r"must return a Result, not 0.5 \(float\); wrap it: Success"),
    (None, "must return a Result, not None .*; did you forget `return`"),
    (pure((1, REPORT)), r"must return a Result, not .*; run it: \.eval\(\)"),
]


@pytest.mark.parametrize(("given", "text"), NO_RESULT)
def test_a_function_that_gives_no_result_is_refused(given: Any, text: str) -> None:
    data: Dataset[int] = Dataset.of_list([1])
    for call, where in (
        (lambda: run_steps(1, 0, lambda _: given), "the step of run_steps"),
        (lambda: Trainer(0, lambda _: given).run(1), "the step of Trainer"),
        (lambda: eval_list("val", [1], lambda _: given), "val: report_of"),
        (lambda: train.eval_dataset("val", data, lambda _: given), "val: report_of"),
        (lambda: eval_batches("val", [[1]], lambda _: given), "val: report_of"),
        (lambda: DataLoader(data, 1).epoch_collate("t", lambda _: given), "epoch_coll"),
    ):
        with pytest.raises(TypeError, match=f"{where}.*{text}"):
            call()


@pytest.mark.parametrize("given", [0.5, None, (1, 2, 3), REPORT, [1, REPORT]])
def test_a_step_that_gives_no_pair_is_refused(given: Any) -> None:
    def in_program(_: int) -> Any:
        return const(1.0).map(lambda _: given)

    for call, where in (
        (lambda: run_steps(1, 0, lambda _: Success(given)), "the step of run_steps"),
        (lambda: Trainer(0, lambda _: Success(given)).run(1), "the step of Trainer"),
        (lambda: run_steps_m(1, 0, in_program).run(), "the step of run_steps_m"),
    ):
        with pytest.raises(
            TypeError, match=rf"{where} must return a pair, the next state"
        ):
            call()


@pytest.mark.parametrize("given", [0.5, None, (1, 2), np.float64(2)])
def test_a_step_that_gives_no_report_is_refused(given: Any) -> None:
    for call in (
        lambda: Trainer(0, lambda _: Success((0, given))).run_losses(1),
        lambda: eval_list("val", [1], lambda _: Success(given)),
        lambda: eval_batches("val", [[1]], lambda _: Success(given)),
    ):
        with pytest.raises(
            TypeError, match=r"must return a StepReport, not .*; wrap it: Step"
        ):
            call()


@pytest.mark.parametrize("given", [(0, 1), 5, None, Success((0, 1))])
def test_a_step_that_gives_no_program_is_refused(given: Any) -> None:
    with pytest.raises(
        TypeError, match=r"run_steps_m must return a program, not .*: pure"
    ):
        run_steps_m(1, 0, lambda _: given).run()


def test_trainers_and_loops_are_checked_where_they_are_written() -> None:
    step: Any = 3
    with pytest.raises(TypeError, match="Trainer takes a function for step, not 3"):
        Trainer(0, step)
    with pytest.raises(
        TypeError, match="Trainer takes a function for logger, not None"
    ):
        Trainer(0, lambda n: Success((n, REPORT)), None)  # type: ignore[arg-type] # the mistake
    with pytest.raises(TypeError, match="run_steps takes a function for step, not 3"):
        run_steps(1, 0, step)
    for steps, error in ((-1, ValueError), (2.5, TypeError), ("3", TypeError)):
        count: Any = steps
        with pytest.raises(error, match=r"takes a count \(0, 1, 2, ...\) for steps"):
            run_steps(count, 0, lambda n: Success((n, n)))
        with pytest.raises(error, match=r"takes a count \(0, 1, 2, ...\) for steps"):
            run_steps_m(count, 0, lambda n: pure((n, n))).run()
        with pytest.raises(error, match=r"takes a count \(0, 1, 2, ...\) for steps"):
            Trainer(0, lambda n: Success((n, REPORT))).run(count)


def test_failures_still_pass() -> None:
    failed = Failure(Thrown("no"))
    assert run_steps(1, 0, lambda _: failed) == failed
    assert Trainer(0, lambda _: failed).run(1) == failed
    assert eval_list("val", [1], lambda _: failed) == failed
    assert eval_batches("val", [[1]], lambda _: failed) == failed
