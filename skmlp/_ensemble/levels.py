"""Quantile levels of an ensemble, corrected on held-out rows."""

from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray
from skmlp._ensemble.conformal import quantile_bound
from skmlp._ensemble.held_out import errors_of_ensemble, summary

# a share of the mean width is added to that of each row, since some rows have next to none
_CONSTANT_SHARE = 0.1


def fit_levels(
    values: FloatArray,
    held: npt.NDArray[np.bool_],
    y: FloatArray,
    q: FloatArray,
    w: FloatArray | None,
    *,
    exchangeable: bool,
) -> dict[str, Any]:
    """Learn a correction of each level, and scores of the interval between the outer levels.

    The score of a row for a level is the distance of y above the level, in units of the width
    between the outer levels; the correction is the order statistic of the scores for that level.
    The levels of the members that held out a row are less exact than those of the ensemble.
    Therefore `errors_of_ensemble` shrinks the distance of y from the middle of several levels, and
    the distances of the levels from their middle are those of the mean of all members.

    Y. Romano, E. Patterson, E. J. Candes, "Conformalized quantile regression", NeurIPS 2019.

    Parameters
    ----------
    values : ndarray of shape (n_members, n, k)
        Each member's predictions for the held-out rows: k levels of one target, or the same level
        of k targets.
    held : ndarray of bool of shape (n_members, n, 1)
        Whether the member held out the row.
    y : ndarray of shape (n, 1) or (n, k)
        Targets of the rows.
    q : ndarray of shape (k,) or (1,)
        The levels, in any order.
    w : ndarray of shape (n,) or None
        Weights of the rows.
    exchangeable : bool
        Whether the members differ by chance only, so that `errors_of_ensemble` are defined.

    Returns
    -------
    fitted : dict
        What `corrected_levels` and `outer_interval` need. Corrections are infinite if there are too
        few rows for them.
    """
    together = values.mean(axis=0)
    fitted: dict[str, Any] = {"q": q, "constant": 0.0}
    mean_width = float(np.average(row_width(together, fitted)[:, 0], weights=w))
    fitted["constant"] = _CONSTANT_SHARE * mean_width if mean_width > 0 else 1.0
    width = row_width(together, fitted)
    if exchangeable and len(q) > 1:
        middle = summary(values.mean(axis=2, keepdims=True), held)
        offset = together - middle.together
        above = errors_of_ensemble(middle, y - middle.predicted, width, w)
        scores = (above - offset) / width
    else:
        scores = (y - summary(values, held).predicted) / width
    levels = np.broadcast_to(q, scores.shape[1])
    corrections = [quantile_bound(scores[:, k], level, w) for k, level in enumerate(levels)]
    fitted["corrections"] = np.array(corrections)
    fitted["scores"] = np.maximum(-scores[:, q.argmin()], scores[:, q.argmax()])[:, np.newaxis]
    return fitted


def row_width(levels: FloatArray, fitted: dict[str, Any]) -> FloatArray:
    """Return the unit of the corrections of each row, shape (n, 1); 1 for a single level."""
    q = fitted["q"]
    return levels[:, [q.argmax()]] - levels[:, [q.argmin()]] + fitted["constant"]


def corrected_levels(levels: FloatArray, fitted: dict[str, Any]) -> FloatArray:
    """Return the levels with their corrections, sorted so that none is below a lower level."""
    corrected = levels + fitted["corrections"] * row_width(levels, fitted)
    if len(fitted["q"]) > 1:
        corrected[:, np.argsort(fitted["q"])] = np.sort(corrected, axis=1)
    return corrected


def outer_interval(
    levels: FloatArray, fitted: dict[str, Any], bound: float
) -> tuple[FloatArray, FloatArray]:
    """Return the interval between the outer levels, wider by `bound` widths on both sides.

    Each limit has shape (n, 1). If a negative bound would let them cross, both are the middle.
    """
    q = fitted["q"]
    lower, upper = levels[:, [q.argmin()]], levels[:, [q.argmax()]]
    middle = (lower + upper) / 2
    margin = bound * row_width(levels, fitted)
    return np.minimum(lower - margin, middle), np.maximum(upper + margin, middle)
