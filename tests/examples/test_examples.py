"""The examples and the benchmark, run as a user runs them."""

import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from benchmarks.contenders import compiled
from benchmarks.harness import (
    HAND_WRITTEN,
    JITTED,
    XLA,
    Contender,
    check,
    first_calls,
)
from benchmarks.report import budgets_of_workloads, plot_of_costs, workloads
from examples import lean_mean, own_op
from tapem_dsl import NodeId, backward_scalar, param

ROOT = Path(__file__).parents[2]


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, script, *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_lean_mean_records_the_nodes_that_torchlean_records() -> None:
    samples = [(1, 2), (2, 3), (3, 5), (4, 8)]
    loss, tape = lean_mean.mean_loss(samples).run().unwrap()
    sample = ["x", "y", "linear", "mse_loss"]
    assert [node.label for node in tape] == [
        *("w", "b"),
        *sample,
        *(3 * [*sample, "add"]),
        "scale",
    ]
    assert [node.parents for node in tape] == [
        *((), ()),
        *((), (), (0, 1, 2), (4, 3)),
        *((), (), (0, 1, 6), (8, 7), (5, 9)),
        *((), (), (0, 1, 11), (13, 12), (10, 14)),
        *((), (), (0, 1, 16), (18, 17), (15, 19)),
        (20,),
    ]
    frozen = {2, 3, 6, 7, 11, 12, 16, 17}
    assert {id for id, node in enumerate(tape) if not node.requires_grad} == frozen
    assert loss == 21
    assert tape[loss].value == Fraction(53, 72)

    gradients = backward_scalar(tape, loss).unwrap()
    assert set(gradients) == {0, 1, 4, 5, 8, 9, 10, 13, 14, 15, 18, 19, 20, 21}
    w, b, *_ = gradients.values()
    assert w.tolist() == [[Fraction(-10, 3)]]
    assert b.tolist() == [Fraction(-5, 6)]


def test_lean_mean_prints_each_node_and_the_loss() -> None:
    finished = run("examples/lean_mean.py")
    assert finished.returncode == 0, finished.stderr
    header, *nodes, blank, loss = finished.stdout.splitlines()
    assert header.split() == [
        *("id", "label", "parents", "value", "requires_grad", "gradient")
    ]
    assert [int(line.split()[0]) for line in nodes] == list(range(22))
    assert nodes[0].split() == ["0", "w", "()", "[[3/2]]", "True", "[[-10/3]]"]
    assert nodes[2].split() == ["2", "x", "()", "[1]", "False", "-"]
    assert (blank, loss) == ("", "loss = 53/72")


def digits(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    out, checkpoint = folder / "new" / "digits.png", folder / "run" / "digits"
    files = ("--out", str(out), "--checkpoint", str(checkpoint))
    return run("examples/digits.py", *arguments, *files)


def test_digits_learns_and_saves_a_picture(tmp_path: Path) -> None:
    finished = digits(tmp_path, "--epochs", "4")
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    assert sum(line.startswith("epoch ") for line in lines) == 4
    summary = re.fullmatch(r"(\d+\.\d)% read correctly after .* s; see (.*)", lines[-1])
    assert summary is not None
    assert float(summary[1]) > 85
    assert Path(summary[2]).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_digits_goes_on_where_it_stopped(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert digits(whole, "--epochs", "3").returncode == 0
    stopped = digits(parts, "--epochs", "3", "--stop-after", "1")
    assert stopped.stdout.count("epoch ") == 1
    accuracy = re.search(r"held-out accuracy (\S+)%", stopped.stdout)
    assert accuracy is not None
    assert f"{accuracy[1]}% read correctly" in stopped.stdout
    resumed = digits(parts, "--epochs", "3", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.count("epoch ") == 2
    ends = [(folder / "run" / "digits").read_bytes() for folder in (whole, parts)]
    assert ends[0] == ends[1]
    other = digits(parts, "--epochs", "3", "--resume", "--batch-size", "31")
    assert other.returncode == 1
    what = "digits: another loader: batch_size was 32 and is 31\n"
    assert other.stderr == what


def test_digits_says_what_is_wrong_with_a_checkpoint(tmp_path: Path) -> None:
    finished = digits(tmp_path, "--resume")
    assert finished.returncode == 1
    assert finished.stderr.endswith("no file is there\n")


def test_digits_shows_the_text_of_a_failure(tmp_path: Path) -> None:
    finished = digits(tmp_path, "--batch-size", "0")
    assert finished.returncode == 1
    assert finished.stderr == "digits: batchSize must be > 0 (batch_size=0)\n"


def test_digits_refuses_to_train_for_no_epoch(tmp_path: Path) -> None:
    finished = digits(tmp_path, "--epochs", "0")
    assert finished.returncode == 2
    assert "--epochs must be at least 1" in finished.stderr


def test_scipy_finds_the_closed_form() -> None:
    finished = run("examples/scipy_fit.py")
    assert finished.returncode == 0, finished.stderr
    error = re.search(r"at most (\S+) from the closed form", finished.stdout)
    assert error is not None
    assert float(error[1]) < 1e-8


def test_newton_finds_the_coefficients_of_scikit_learn() -> None:
    finished = run("examples/newton.py")
    assert finished.returncode == 0, finished.stderr
    error = re.search(r"at most (\S+) from the coefficients", finished.stdout)
    assert error is not None
    assert float(error[1]) < 1e-6


def test_a_network_learns_the_heat_of_a_rod(tmp_path: Path) -> None:
    out = tmp_path / "new" / "rod.png"
    finished = run("examples/pinn.py", "--steps", "600", "--out", str(out))
    assert finished.returncode == 0, finished.stderr
    error = re.search(r"(\S+)% off the known solution", finished.stdout)
    assert error is not None
    assert float(error[1]) < 1
    assert out.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_a_network_that_has_not_learnt_is_told(tmp_path: Path) -> None:
    finished = run("examples/pinn.py", "--steps", "1", "--out", str(tmp_path / "a.png"))
    assert finished.returncode == 1
    assert "has not learnt" in finished.stderr


def test_the_custom_op_takes_less_than_forty_lines() -> None:
    finished = run("examples/own_op.py")
    assert finished.returncode == 0, finished.stderr
    assert "1/9" in finished.stdout
    assert len((ROOT / "examples" / "own_op.py").read_text().splitlines()) < 40


@pytest.mark.parametrize("x", [Fraction(-2), Fraction(0), Fraction(1, 2)])
def test_the_custom_op_has_an_exact_gradient(x: Fraction) -> None:
    out, tape = param(x).bind(own_op.softsign).run().unwrap()
    assert tape[out].value == x / (1 + abs(x))
    gradients = backward_scalar(tape, out).unwrap()
    assert gradients[NodeId(0)] == 1 / (1 + abs(x)) ** 2


def test_the_benchmarks_check_and_report_every_workload() -> None:
    finished = run("-m", "benchmarks", "--quick", "--no-peers")
    assert finished.returncode == 0, finished.stderr
    for heading in (
        *("Budgets, one thread", "Workloads", "First calls under jit", "Growth"),
        "Second derivatives",
    ):
        assert f"## {heading}\n" in finished.stdout
    for key in (
        *("scalar chain", "per-sample regression", "per-sample MLP"),
        *("per-sample RNN", "per-sample conv net"),
        *("Hessian-vector product, network", "elementwise"),
    ):
        assert f"### {key}: " in finished.stdout


def test_one_workload_is_compared_with_each_contender() -> None:
    one = ("--only", "batched regression")
    finished = run("-m", "benchmarks", "--quick", "--no-peers", *one)
    assert finished.returncode == 0, finished.stderr
    cells = [re.split(r" *\| *", line) for line in finished.stdout.splitlines()]
    ours = "tapem_dsl / this", "tapem_dsl (jit) / this"
    assert ["", "batched regression", "ms", *ours, ""] in cells
    (itself,) = [row for row in cells if row[1:2] == ["tapem_dsl"]]
    assert itself[3] == "1"
    assert "Growth" not in finished.stdout


def test_a_budget_of_what_was_not_measured_is_left_out() -> None:
    timings = {HAND_WRITTEN: [2.0], JITTED: [3.0]}
    one = {"timings": timings, "first_calls": {}}
    assert budgets_of_workloads({"workloads": {"transformer": one}}) == []
    timings[XLA] = [1.0]
    ((name, peer, ratio, *_),) = budgets_of_workloads(
        {"workloads": {"transformer": one}}
    )
    assert (name.split(",")[0], peer, ratio) == ("transformer", HAND_WRITTEN, "0.50")


def test_a_workload_that_runs_under_jit_only_is_reported() -> None:
    timings = {name: [time, time, time] for name, time in MEASURED.items()}
    one = {"title": "2 layers", "timings": timings, "first_calls": {}}
    measured = {"workloads": {"transformer": one}}
    *_, row = workloads({1: measured, 2: measured}).splitlines()
    cells = [cell.strip() for cell in row.split("|")]
    assert cells == ["", JITTED, "3,000", "6", "", "1.50", "3,000", "", ""]
    assert len(plot_of_costs(measured["workloads"]).axes) == 1


MEASURED = {"calibration": 0.5, HAND_WRITTEN: 2.0, JITTED: 3.0}


def test_no_other_workload_is_measured_and_no_page_is_written_of_one() -> None:
    finished = run("-m", "benchmarks", "--only", "weather")
    assert finished.returncode == 2
    assert "invalid choice: 'weather'" in finished.stderr
    finished = run("-m", "benchmarks", "--write", "--only", "elementwise")
    assert finished.returncode == 2
    assert "--write takes all workloads" in finished.stderr


def test_what_runs_without_a_plan_is_no_contender_under_jit() -> None:
    class Own:
        pass

    with pytest.raises(ValueError, match="not enough values"):
        compiled(lambda x: Own(), 1.0)


def test_first_calls_are_timed_of_contenders_under_jit() -> None:
    square = compiled(lambda x: x * x + 1.0, 3.0)
    assert square.run() == 10.0
    both = {"plain": Contender(lambda: 10.0), "jit": square}
    ((name, (noted, seconds)),) = first_calls(both).items()
    assert (name, noted) == ("jit", 2)
    assert seconds > 0


def test_two_checkouts_are_compared() -> None:
    finished = run("-m", "benchmarks.compare_checkouts", ".", ".", "--rounds", "1")
    assert finished.returncode == 0, finished.stderr
    _, *lines = finished.stdout.splitlines()
    assert [re.split(r"  +", line)[0] for line in lines] == [
        *("scalar chain", "per-sample regression", "per-sample MLP")
    ]
    assert all(float(line.split()[-1]) > 0 for line in lines)


def test_a_folder_that_is_no_checkout_is_not_compared(tmp_path: Path) -> None:
    finished = run("-m", "benchmarks.compare_checkouts", ".", str(tmp_path))
    assert finished.returncode == 1
    assert f"{tmp_path} has no library to import" in finished.stderr


def test_the_benchmarks_refuse_a_wrong_result() -> None:
    right = Contender(lambda: (1.0, [2.0]), list)
    wrong = Contender(lambda: (1.0, [2.002]), list)
    check({"hand-written": right, "close": right}, tolerance=1e-4)
    with pytest.raises(AssertionError, match="wrong is off by 1e-03"):
        check({"hand-written": right, "wrong": wrong}, tolerance=1e-4)


def test_the_transformer_learns_alike_on_both_engines() -> None:
    finished = run("examples/transformer.py", "--steps", "21", "--layers", "1")
    assert finished.returncode == 0, finished.stderr
    found = re.findall(r"(numpy|xla)  step +(\d+)  loss ([\d.]+)", finished.stdout)
    losses = {(engine, step): float(loss) for engine, step, loss in found}
    assert losses["numpy", "0"] == losses["xla", "0"] > 4
    assert losses["numpy", "20"] == losses["xla", "20"] < 4
    apart = re.search(r"losses differ by ([\d.e-]+); XLA is", finished.stdout)
    assert apart
    assert float(apart[1]) < 1e-6


@pytest.mark.parametrize(
    ("name", "most"), [("logistic", 30), ("transformer", 90), ("digits", 120)]
)
def test_a_training_is_short(name: str, most: int) -> None:
    assert len((ROOT / "examples" / f"{name}.py").read_text().splitlines()) < most


def test_a_logistic_regression_tells_tumours_apart() -> None:
    finished = run("examples/logistic.py")
    assert finished.returncode == 0, finished.stderr
    right = re.match(r"(\S+)% of 99 held-out tumours", finished.stdout)
    assert right is not None
    assert float(right[1]) > 95
