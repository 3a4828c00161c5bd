"""Target values as plain arrays: nothing masked, nothing missing, no number rounded."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.utils.multiclass import check_classification_targets

from skmlp._data.inputs import check_not_masked

# by name, so that pandas need not be imported
_MISSING_TYPES = {"NoneType", "NAType", "NaTType"}

_REMEDY = "Leave out the rows without a label, or give them a label of their own."


def plain_labels(y: Any, name: str = "y", remedy: str = _REMEDY) -> Any:
    """Return y as a NumPy array of the narrowest kind that holds its values exactly.

    Nullable and pyarrow columns, and object arrays of numbers or booleans, become integers,
    booleans or floats. Validation in scikit-learn turns them into float64, where integers above
    2**53 are rounded.

    Parameters
    ----------
    y : array-like, sparse matrix or None
        Target values. Sparse matrices, None, and what is no array are returned as they are.
    name : str, default="y"
        The name of y in error messages.
    remedy : str
        What to do about missing values, for the error message.

    Returns
    -------
    y : ndarray, or as given
        The same values. Objects of other or of several types stay objects.

    Raises
    ------
    ValueError
        If values are masked or missing.
    """
    if y is None or issparse(y) or isinstance(y, np.matrix):
        return y
    check_not_masked(y, name)
    try:
        array = np.asarray(y)
        if not hasattr(y, "dtype") and array.dtype.kind in "USf":
            # a list of mixed types, whose None, numbers or large integers NumPy has converted
            objects = np.asarray(y, dtype=object)
            array = array if _types(objects) <= {str, np.str_} else objects
    except ValueError:  # rows of different lengths
        return y
    if array.ndim == 0:
        return y
    if array.dtype.kind in "OT":
        return _converted_objects(array.astype(object, copy=False), name, remedy)
    if array.dtype.kind in "fmM":
        missing = np.isnan(array) if array.dtype.kind == "f" else np.isnat(array)
        _check_none_missing(missing, name, remedy)
    return array


def check_class_labels(y: npt.NDArray[Any], name: str = "y") -> None:
    """Raise ValueError if the values of a plain, 1-dimensional y are no class labels."""
    if y.dtype.kind in "biuU":
        return
    if y.dtype == object:
        types = _types(y)
        if not all(issubclass(kind, str) for kind in types):
            names = ", ".join(sorted(kind.__name__ for kind in types))
            raise ValueError(
                f"Unknown label type: {name} is an object array with values of type {names}. Class "
                "labels must be all text, all booleans, or all integers of at most 64 bits: "
                f"convert them, for example to text with {name}.astype(str)."
            )
    else:
        fractions = y[y != np.trunc(y)] if y.dtype.kind == "f" else y[:0]
        check_are_classes(fractions[:1] if fractions.size else y[:1])


def check_are_classes(y: Any) -> None:
    """Raise ValueError if scikit-learn takes the values for no class labels, such as fractions."""
    try:
        check_classification_targets(y)
    except ValueError as error:
        if "continuous" not in str(error):
            raise
        raise ValueError(f"{error} To predict numbers, use NumpyMLPRegressor.") from error


def distinct_labels(y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the sorted distinct values of a plain, 1-dimensional y."""
    if y.dtype == object:
        return np.array(sorted(set(y.tolist())))  # far faster for text
    found = np.unique(y)
    return np.array(found.tolist()) if y.dtype.kind == "U" else found  # no wider than the labels


def positions(y: npt.NDArray[Any], labels: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Any]:
    """Return where each value of y is in the sorted labels, and which values are not there.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Plain class labels.
    labels : ndarray of shape (n_labels,)
        Sorted distinct labels.

    Returns
    -------
    numbers : ndarray of int of shape (n,)
        Index in `labels`; arbitrary for unknown values.
    unknown : ndarray
        The distinct values of y that are not among the labels.
    """
    numeric = y.dtype.kind in "biuf" and labels.dtype.kind in "biuf"
    if not numeric and _kind(y) != _kind(labels):
        return np.zeros(len(y), np.intp), distinct_labels(y)
    if y.dtype == object:
        index = {label: k for k, label in enumerate(labels.tolist())}
        numbers = np.array([index.get(label, -1) for label in y.tolist()])
        return numbers, distinct_labels(y[numbers < 0])
    # int64 and uint64 have no common integer type
    with np.errstate(invalid="ignore"):
        same = y.astype(labels.dtype, copy=False) if numeric else y
    numbers = np.minimum(np.searchsorted(labels, same), len(labels) - 1)
    differs = labels[numbers] != y
    return numbers, distinct_labels(y[differs]) if differs.any() else y[:0]


def _kind(y: npt.NDArray[Any]) -> str:
    """Return the kind of the values; text is one kind, in arrays of text and of objects."""
    return "O" if y.dtype.kind in "OUT" else y.dtype.kind


def _types(objects: npt.NDArray[Any]) -> set[type]:
    """Return the types of the values."""
    return set(map(type, objects.ravel().tolist()))


def _converted_objects(array: npt.NDArray[Any], name: str, remedy: str) -> npt.NDArray[Any]:
    """Return an object array of numbers or booleans as an array of these, others as they are."""
    types = _types(array)
    if types <= {str, np.str_}:
        return array
    floats = tuple(kind for kind in types if issubclass(kind, float | np.floating))
    if floats or any(kind.__name__ in _MISSING_TYPES for kind in types):
        missing = [
            type(value).__name__ in _MISSING_TYPES or (isinstance(value, floats) and value != value)
            for value in array.ravel().tolist()
        ]
        _check_none_missing(np.reshape(missing, array.shape), name, remedy)
    if all(issubclass(kind, bool | np.bool_) for kind in types):
        return array.astype(bool)
    if not all(issubclass(kind, int | float | np.number | np.bool_) for kind in types):
        return array
    dtypes: list[type] = [np.float64] if floats else [np.int64]
    # not for negative numbers, which NumPy 1 wraps around
    if not floats and min(array.ravel().tolist(), default=0) >= 0:
        dtypes.append(np.uint64)
    for dtype in dtypes:
        try:
            numbers: npt.NDArray[Any] = array.astype(dtype)
        except OverflowError:
            continue
        if (numbers.astype(object) == array).all():
            return numbers
    return array


def _check_none_missing(missing: npt.NDArray[np.bool_], name: str, remedy: str) -> None:
    """Raise ValueError if a value is missing."""
    if missing.any():
        rows = np.flatnonzero(missing.reshape(len(missing), -1).any(axis=1))
        raise ValueError(
            f"Input {name} contains NaN or other missing values (None, NA, NaT) in {len(rows)} of "
            f"{len(missing)} rows, the first of which is row {rows[0]}. {remedy}"
        )
