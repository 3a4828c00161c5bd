"""What the displays share: matplotlib, the network in an estimator, a grid of panels."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skmlp._compat import check_matplotlib_support


def _pyplot(caller: str) -> Any:
    """Return pyplot; if matplotlib is missing, the error names the caller."""
    check_matplotlib_support(caller)
    import matplotlib.pyplot as plt

    return plt


def _find_network(estimator: Any) -> Any:
    """Return the network that a fitted estimator is, ends in, or has found."""
    check_is_fitted(estimator)
    if hasattr(estimator, "best_estimator_"):
        return _find_network(estimator.best_estimator_)
    if isinstance(estimator, Pipeline):
        return _find_network(estimator[-1])
    return estimator


def _not_a_network_message(estimator: Any, attribute: str) -> str:
    return (
        f"{type(estimator).__name__} has no {attribute}. Give a fitted NumpyMLPClassifier, or a "
        "Pipeline or a search with refit=True that ends in one."
    )


def _is_axes(ax: Any) -> bool:
    from matplotlib.axes import Axes

    return isinstance(ax, Axes)


def _grid(plt: Any, ax: Any, n_rows: int, n_cols: int, **options: Any) -> npt.NDArray[Any]:
    """Return a grid of Axes: in a new figure, in the place of the one given, or those given."""
    if ax is None:
        return plt.subplots(n_rows, n_cols, squeeze=False, layout="constrained", **options)[1]
    if not _is_axes(ax):
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


def _columns_of_text(plt: Any, width: float, texts: Iterable[str], extra: int) -> int:
    """Return how many columns fit into `width` inches: small letters, and `extra` between."""
    letter = 0.0062 * plt.rcParams["font.size"]
    longest = max((len(line) for text in texts for line in text.splitlines()), default=0)
    return max(1, int(width / (letter * (longest + extra))))
