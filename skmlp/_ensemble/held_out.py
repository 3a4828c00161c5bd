"""Predictions of numbers for held-out rows, and how far they differ from those of all members."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray, IndexArray


class HeldOut(NamedTuple):
    """Predictions for n held-out rows; k is the number of outputs.

    Attributes
    ----------
    predicted : ndarray of shape (n, k)
        Mean prediction of the members that held out the row.
    together : ndarray of shape (n, k)
        Mean prediction of all members, most of which were trained on the row.
    n_holders : ndarray of shape (n, 1)
        Number of members that held out the row.
    spread : ndarray of shape (n, k)
        Standard deviation between the members that held out the row. If there is only one, that
        between the other members, which is a little smaller, since they were trained on the row.
        NaN if there are not two of them.
    n_members : int
        Number of all members.
    """

    predicted: FloatArray
    together: FloatArray
    n_holders: IndexArray
    spread: FloatArray
    n_members: int


def mean_of(values: Sequence[FloatArray] | FloatArray) -> FloatArray:
    """Return the mean of arrays; where they are all equal, exactly their value."""
    first = values[0]
    return first + np.mean([other - first for other in values], axis=0)


def as_columns(values: Any) -> FloatArray:
    """Return numbers in float64, with a column for each output."""
    values = np.asarray(values, dtype=np.float64)
    return values[:, np.newaxis] if values.ndim == 1 else values


def predictions_of_held_out_rows(
    members: Sequence[Any], X: Any, held_out: Sequence[IndexArray]
) -> tuple[IndexArray, FloatArray, npt.NDArray[np.bool_]]:
    """Return each member's predictions for all rows that any member held out.

    Parameters
    ----------
    members : sequence of NumpyMLPRegressor
        The fitted members.
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The rows from which the held-out rows are taken.
    held_out : sequence of ndarray of int
        Indices of the rows that each member held out.

    Returns
    -------
    rows : ndarray of int of shape (n,)
        Indices of these rows.
    values : ndarray of shape (n_members, n, k)
        The predictions.
    held : ndarray of bool of shape (n_members, n, 1)
        Whether the member held out the row.
    """
    rows = np.unique(np.concatenate(held_out))
    held = np.stack([np.isin(rows, fold) for fold in held_out])[..., np.newaxis]
    X = X[rows]
    n_outputs = members[0].n_outputs_
    values = [as_columns(m.predict(X)) if len(rows) else np.empty((0, n_outputs)) for m in members]
    return rows, np.stack(values), held


def folds_of_holders(held: npt.NDArray[np.bool_]) -> list[IndexArray]:
    """Return disjoint folds of the held-out rows: those that the same member was first to hold out.

    Rows of one group, or neighbours in time, are in one fold.
    """
    first = held[..., 0].argmax(axis=0)
    return [np.flatnonzero(first == member) for member in np.unique(first)]


def summary(values: FloatArray, held: npt.NDArray[np.bool_]) -> HeldOut:
    """Return the means and variances of the members' predictions for held-out rows."""
    n_holders = held.sum(axis=0)
    compared = np.where(n_holders > 1, held, ~held)
    return HeldOut(
        predicted=_mean(values, held),
        together=mean_of(values),
        n_holders=n_holders,
        spread=_deviation(values, compared),
        n_members=len(values),
    )


def errors_of_ensemble(
    held: HeldOut, error: FloatArray, scale: FloatArray, w: FloatArray | None
) -> FloatArray:
    """Return the errors of held-out rows, shrunk to what they would be for the mean of all members.

    The error of the mean of h members has a part that they share, of variance a, and a part that
    averages out, of variance s / h. The spread between members estimates s, and the held-out errors
    have the variance a + s / h. For the mean of all M members, the deviation of an error from the
    mean error is therefore multiplied by ::

        sqrt((a + s / M) / (a + s / h))

    A. Krogh, J. Vedelsby, "Neural network ensembles, cross validation, and active learning", NIPS
    1994.

    Parameters
    ----------
    held : HeldOut
        The held-out rows.
    error : ndarray of shape (n, k)
        Errors of the predictions for these rows.
    scale : ndarray of shape (n, k) or (n, 1)
        Typical size of the error of each row, in units of which errors are compared.
    w : ndarray of shape (n,) or None
        Weights of the rows.

    Returns
    -------
    error : ndarray of shape (n, k)
        The errors of the ensemble. If the spread is not known, the errors as given.
    """
    spread = (held.spread / scale) ** 2
    known = ~np.isnan(spread).any(axis=1)
    if not known.any():
        return error
    s = np.average(spread[known], axis=0, weights=None if w is None else w[known])
    error = error / scale
    mean = np.average(error, axis=0, weights=w)
    deviation = error - mean
    a = np.average(deviation**2 - s / held.n_holders, axis=0, weights=w).clip(0)
    variance, of_all = a + s / held.n_holders, a + s / held.n_members
    factor = np.sqrt(np.divide(of_all, variance, out=np.ones_like(error), where=variance > 0))
    return (mean + deviation * factor) * scale


def _mean(values: FloatArray, chosen: Any) -> FloatArray:
    """Return the mean over chosen members, NaN if there are none."""
    n = chosen.sum(axis=0)
    # relative to one member, so that equal values are their own mean
    total = ((values - values[0]) * chosen).sum(axis=0)
    mean = np.divide(total, n, out=np.full_like(total, np.nan), where=n > 0)
    return values[0] + mean


def _deviation(values: FloatArray, chosen: Any) -> FloatArray:
    """Return the standard deviation over chosen members, NaN if there are not two."""
    n = chosen.sum(axis=0)
    distance = (values - _mean(values, chosen)) * chosen
    largest = np.nanmax(np.abs(distance), axis=(0, 1), initial=0.0)
    unit = np.where(largest > 0, largest, 1.0)  # no square overflows
    total = ((distance / unit) ** 2).sum(axis=0)
    return unit * np.sqrt(np.divide(total, n - 1, out=np.full_like(total, np.nan), where=n > 1))
