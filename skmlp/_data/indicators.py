"""Multilabel indicator matrices: what they must contain, and their form for training."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse

from skmlp._data.labels import check_are_classes
from skmlp._warn import warn

# in so many rows, independent labels hardly ever have exactly one 1 in each
_ENOUGH_ROWS = 10


def indicators(y: Any, name: str = "y") -> npt.NDArray[np.bool_]:
    """Return a multilabel indicator matrix as a dense matrix of booleans.

    Parameters
    ----------
    y : {ndarray, sparse matrix} of shape (n, n_outputs)
        The matrix, of any dtype.
    name : str, default="y"
        The name of y in error messages.

    Raises
    ------
    ValueError
        As `check_indicators`.
    """
    y = _canonical(y)
    check_indicators(y, name)
    # converted first, so that the dense matrix is one of booleans
    return y.astype(bool).toarray() if issparse(y) else y.astype(bool)


def check_indicators(y: Any, name: str = "y") -> None:
    """Raise ValueError, with the values found and the remedy, unless all values are 0 or 1.

    Parameters
    ----------
    y : {ndarray, sparse matrix} of shape (n, n_outputs)
        The matrix.
    name : str, default="y"
        The name of y in the error message.
    """
    y = _canonical(y)
    entries = y.data if issparse(y) else y
    if entries.dtype == bool:
        return
    is_allowed = entries == 0
    is_allowed |= entries == 1
    if is_allowed.all():
        return
    check_no_fractions(entries)
    found = set(entries[~is_allowed].tolist())
    if issparse(y) and len(entries) < np.prod(y.shape):
        found.add(0)
    found |= set(entries[is_allowed].tolist())
    values = sorted(found, key=lambda value: (str(type(value)), value))
    if len(values) > 2:
        raise ValueError(
            f"{name} must be 1-dimensional, or a multilabel indicator matrix of zeros and ones, "
            f"got shape {y.shape} with other values: {_listed(values)}. Fit one classifier per "
            "column instead, for example with sklearn.multioutput.MultiOutputClassifier."
        )
    raise ValueError(
        f"{name} must be a multilabel indicator matrix of zeros (absent) and ones (present), got "
        f"one with other values: {_listed(values)}. Recode the matrix, for example by "
        f"({name} {_is_present(values)}).astype(int)."
    )


def check_no_fractions(y: Any) -> None:
    """Raise ValueError if y has fractions: it is a quantity, whatever its shape."""
    entries = y.data if issparse(y) else y
    if entries.dtype.kind == "f" and (fractions := entries[entries != np.trunc(entries)]).size:
        check_are_classes(np.array([[fractions[0]] * 2]))


def warn_of_one_hot(y: Any) -> None:
    """Warn if each row of an indicator matrix has exactly one 1, as in a one-hot encoding."""
    if y.shape[0] < min(y.shape[1], _ENOUGH_ROWS):
        return
    n_present = np.asarray((y != 0).sum(axis=1)).ravel()
    if (n_present == 1).all():
        argmax = "np.asarray(y.argmax(axis=1)).ravel()" if issparse(y) else "y.argmax(axis=1)"
        warn(
            "Each row of y has exactly one 1, as in a one-hot encoding, but a matrix is learnt as "
            "a multilabel indicator matrix, with each column as a label of its own: a row may get "
            "several labels or none, and probabilities do not sum to 1. If the columns are the "
            f"classes of one label, pass their numbers: {argmax}."
        )


def _canonical(y: Any) -> Any:
    """Return y, a sparse matrix in CSR format with its duplicate entries summed."""
    if not issparse(y):
        return y
    y = y.tocsr()
    if not y.has_canonical_format:
        y = y.copy()
        y.sum_duplicates()
    return y


def _is_present(values: list[Any]) -> str:
    """Return the comparison that is true for the one of at most two values that means present."""
    if isinstance(values[-1], str) or values[0] > 0:
        return f"== {values[-1]!r}"
    return "> 0"


def _listed(values: list[Any]) -> str:
    """Return the first of the values as text."""
    return ", ".join([*map(repr, values[:10]), *(["..."] if len(values) > 10 else [])])
