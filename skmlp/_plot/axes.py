"""Common parts of the displays: matplotlib, the network in an estimator, grids of Axes."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skmlp._compat import check_matplotlib_support


def import_pyplot(caller: str) -> Any:
    """Return pyplot; if matplotlib is missing, the error names the caller."""
    check_matplotlib_support(caller)
    import matplotlib.pyplot as plt

    return plt


# of Okabe and Ito, which people with colour-blindness can tell apart
_SAFE_COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#000000")


def use_safe_colors(plt: Any, ax: Any) -> None:
    """Let the lines of empty Axes have colours that all can tell apart, unless users chose some."""
    cycle = "axes.prop_cycle"
    if not ax.lines and plt.rcParams[cycle] == plt.rcParamsDefault[cycle]:
        ax.set_prop_cycle(color=_SAFE_COLORS)


def find_network(estimator: Any) -> Any:
    """Return the fitted estimator, or the network at the end of a fitted Pipeline or search."""
    check_is_fitted(estimator)
    if hasattr(estimator, "best_estimator_"):
        return find_network(estimator.best_estimator_)
    if isinstance(estimator, Pipeline):
        return find_network(estimator[-1])
    return estimator


def last_step(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Return the estimator at the end of Pipelines and searches, and the rows it receives."""
    if hasattr(estimator, "best_estimator_"):
        return last_step(estimator.best_estimator_, X)
    if isinstance(estimator, Pipeline):
        rows = estimator[:-1].transform(X) if len(estimator) > 1 else X
        return last_step(estimator[-1], rows)
    return estimator, X


def not_a_network_message(estimator: Any, attribute: str) -> str:
    """Return the error message for an estimator without an attribute of fitted networks."""
    return (
        f"{type(estimator).__name__} has no {attribute}. Give a fitted NumpyMLPClassifier or "
        "NumpyMLPRegressor, or a Pipeline or a search with refit=True that ends in one."
    )


def is_axes(ax: Any) -> bool:
    """Return whether `ax` is a single Axes."""
    from matplotlib.axes import Axes

    return isinstance(ax, Axes)


def make_axes_grid(plt: Any, ax: Any, n_rows: int, n_cols: int, **options: Any) -> npt.NDArray[Any]:
    """Return an array of Axes to draw on.

    If `ax` is None, the Axes form a grid in a new figure. If `ax` is a single Axes, the grid takes
    the place of `ax`. An array of Axes is returned as it is.
    """
    if ax is None:
        return plt.subplots(n_rows, n_cols, squeeze=False, layout="constrained", **options)[1]
    if not is_axes(ax):
        return np.atleast_1d(np.asarray(ax, dtype=object))
    if n_rows * n_cols == 1:
        return np.array([[ax]])
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            f"This ax has no place in a grid of subplots; give an array of {n_rows * n_cols} Axes, "
            "or an ax made by plt.subplots()."
        )
    ax.set_axis_off()
    # unless a layout engine does, leave room for labels and titles
    room = {} if ax.figure.get_layout_engine() else {"wspace": 0.8, "hspace": 0.8}
    return place.subgridspec(n_rows, n_cols, **room).subplots(squeeze=False, **options)


def count_text_columns(plt: Any, width: float, texts: Iterable[str], extra: int) -> int:
    """Return the number of columns of small text that fit into `width` inches.

    Each column has room for the longest line of `texts` and `extra` letters more.
    """
    letter = 0.0062 * plt.rcParams["font.size"]
    longest = max((len(line) for text in texts for line in text.splitlines()), default=0)
    return max(1, int(width / (letter * (longest + extra))))
