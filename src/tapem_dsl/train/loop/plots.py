"""A drawing of a history."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from tapem_dsl.arguments import describe, items_of
from tapem_dsl.train.loop.fitted import EpochReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure, FigureBase

    B = TypeVar("B", bound=FigureBase)


@overload
def plot_history(history: Iterable[EpochReport], figure: None = None) -> "Figure": ...
@overload
def plot_history(history: Iterable[EpochReport], figure: "B") -> "B": ...


def plot_history(
    history: Iterable[EpochReport], figure: "FigureBase | None" = None
) -> "FigureBase":
    """
    Draw the losses of epochs, and below them each metric of the held-out data.

    Args:
        history: the reports, as in ``fitted.history``.
        figure: where to draw; by default a new figure of Matplotlib, which opens no
            window. ``savefig(path)`` of the result writes it.

    Raises:
        ImportError: Matplotlib is not installed.
        TypeError: the history has something else than an :class:`EpochReport`; the
            figure is not one of Matplotlib.

    Lean: none. Keras: plots of ``History.history``.

    >>> figure = plot_history([EpochReport(0, 2.0), EpochReport(1, 1.0)])
    >>> [line.get_ydata().tolist() for line in figure.axes[0].lines]
    [[2.0, 1.0]]
    """
    reports = items_of("plot_history", "history", history, EpochReport)
    drawing: FigureBase = _figure(figure)
    curves = _curves(reports)
    rows = drawing.subplots(len(curves), squeeze=False)[:, 0]
    for axes, (name, lines) in zip(rows, curves, strict=True):
        for label, epochs, numbers in lines:
            axes.plot(epochs, numbers, marker=".", label=label)
        axes.set(ylabel=name, xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    return drawing


# Any: figures, which are Matplotlib's, and a line: label, epochs and numbers.


def _figure(given: object) -> Any:
    try:
        from matplotlib.figure import Figure, FigureBase  # noqa: PLC0415 - an extra
    except ImportError as missing:
        raise ImportError(
            "plot_history needs Matplotlib: pip install 'tapem_dsl[plots]'"
        ) from missing
    if given is None:
        return Figure(layout="constrained")
    if isinstance(given, FigureBase):
        return given
    what = "plot_history takes a figure of Matplotlib for figure, not"
    raise TypeError(f"{what} {describe(given)}; make one: plt.figure()")


def _curves(reports: Sequence[EpochReport]) -> list[tuple[str, list[Any]]]:
    """Return the lines of each part of the drawing, after its name."""
    epochs, losses = [r.epoch for r in reports], [float(r.loss) for r in reports]
    held_out = [(r.epoch, r.held_out) for r in reports if r.held_out is not None]
    lines: list[Any] = [("training", epochs, losses)]
    metrics: dict[str, list[tuple[int, float]]] = {}
    for epoch, report in held_out:
        for metric in report.metrics:
            metrics.setdefault(metric.name, []).append((epoch, float(metric.value)))
    if held_out:
        after, numbers = zip(*((at, float(r.loss)) for at, r in held_out), strict=True)
        lines.append(("held out", after, numbers))
    return [
        ("loss", lines),
        *(
            (name, [("held out", *zip(*points, strict=True))])
            for name, points in metrics.items()
        ),
    ]
