"""The entries of a column, whatever holds them, as one of four plain arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._tables.frames import NamedColumn

MISSING_TYPES = {"NoneType", "NAType", "NaTType"}  # by name: pandas need not be installed
_NESTED = (list, tuple, dict, set, frozenset, np.ndarray)
_NO_NATURAL_TEXT = (object.__repr__, BaseException.__repr__)


def plain_values(column: NamedColumn) -> npt.NDArray[Any]:
    """Return the entries of a column as a plain array.

    Parameters
    ----------
    column : NamedColumn
        The column.

    Returns
    -------
    values : ndarray of shape (n_samples,)
        Of dtype float64 (numbers and booleans, missing entries NaN), datetime64[us] (in UTC) or
        timedelta64[us] (missing entries NaT), or object: text, and all that comes as objects.

    Raises
    ------
    ValueError
        If the column has complex numbers, entries that are themselves collections, or a type that
        cannot be read.
    """
    data = column.data
    try:
        values = _array_of(data)
    except (NotImplementedError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{column.name} has the type {data.dtype}, whose entries cannot be read: {error}. "
            "Convert the column to another type, such as text or numbers."
        ) from error
    kind = values.dtype.kind
    if kind == "c":
        raise ValueError(
            f"Complex data not supported: {column.name} has complex numbers. Replace the column "
            "by two, the real and the imaginary part."
        )
    if kind in "iufb":
        return values.astype(np.float64)
    if kind in "mM":
        return values.astype(f"{kind}8[us]")
    values = values.astype(object)
    _check_entries(values, column.name)
    return values


def cached(known: dict[Any, Any], value: Any, function: Callable[[Any], Any]) -> Any:
    """Return the function of a value, computed once for each different value."""
    key = type(value), value
    try:
        if key in known:
            return known[key]
    except (TypeError, ValueError):  # a signalling NaN of decimal, a timedelta64 without a unit
        return function(value)
    found = known[key] = function(value)
    return found


def is_category(column: NamedColumn) -> bool:
    """Return whether the column is of a type of categories, whose numbers are only names."""
    dtype = column.data.dtype
    return hasattr(dtype, "categories") or str(dtype).startswith("dictionary")


def missing_entries(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which entries of a plain array are missing."""
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind == "f":
        return np.isnan(values)
    return np.fromiter(map(is_missing, values), bool, len(values))


def is_missing(value: Any) -> bool:
    """Return whether an object stands for a missing entry: None, NA, NaT or NaN."""
    if isinstance(value, str):
        return False
    if type(value).__name__ in MISSING_TYPES:
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    try:
        return bool(value != value)
    except (TypeError, ValueError, ArithmeticError):  # a signalling NaN of decimal
        return type(value).__name__ == "Decimal"


def _array_of(data: Any) -> npt.NDArray[Any]:
    """Return the entries of an array, or of a Series of pandas or polars."""
    if isinstance(data, np.ndarray):
        return data
    return _of_pandas(data) if hasattr(data, "isna") else _of_polars(data)


def _of_pandas(series: Any) -> npt.NDArray[Any]:
    """Return the entries of a pandas Series."""
    dtype = series.dtype
    of_objects = isinstance(dtype, np.dtype) and dtype.kind == "O"
    if of_objects or type(dtype).__name__ == "StringDtype":
        return series.to_numpy(dtype=object)
    if hasattr(dtype, "categories"):
        labels = [*np.asarray(dtype.categories, dtype=object), None]
        return _objects(labels)[series.cat.codes.to_numpy()]
    if hasattr(dtype, "freq"):  # periods
        series = series.dt.to_timestamp()
    kind = getattr(series.dtype, "kind", "O")
    if kind in "iufb":
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    # dates of pyarrow without a time of day are objects to pandas
    if kind in "mM" and not str(dtype).startswith(("date32", "date64")):
        if getattr(getattr(series.dtype, "pyarrow_dtype", series.dtype), "tz", None) is not None:
            series = series.dt.tz_convert("UTC").dt.tz_localize(None)
        return series.to_numpy(dtype=f"{kind}8[us]", na_value=np.array("NaT", f"{kind}8[us]")[()])
    if kind == "c":
        return np.asarray(series)
    return _objects(series.astype(object).tolist())


def _of_polars(series: Any) -> npt.NDArray[Any]:
    """Return the entries of a polars Series."""
    dtype = series.dtype
    name = str(dtype).partition("(")[0]
    if name == "Boolean" or (dtype.is_numeric() and name != "Decimal"):
        return np.asarray(series.cast(float), dtype=np.float64)
    if name in {"Date", "Datetime", "Duration"}:
        return np.asarray(series.to_numpy())
    return _objects(series.to_list())


def _objects(values: list[Any]) -> npt.NDArray[Any]:
    """Return a list as a 1-dimensional array of objects, whatever these are."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _check_entries(values: npt.NDArray[Any], name: str) -> None:
    """Raise ValueError if entries are collections, complex, or objects without a value."""
    for kind in {*map(type, values)}:
        if issubclass(kind, _NESTED):
            raise ValueError(
                f"{name} has entries of type {kind.__name__}, which hold several values each. "
                "Replace the column by a column for each value, or by text."
            )
        if issubclass(kind, complex | np.complexfloating):
            raise ValueError(
                f"Complex data not supported: {name} has complex numbers. Replace the column by "
                "two, the real and the imaginary part."
            )
        if _has_no_value(kind):
            raise ValueError(
                f"{name} has entries of type {kind.__name__}, which have no value that could be "
                "compared. Replace them by numbers or text."
            )


def _has_no_value(kind: Any) -> bool:
    """Return whether objects of a type cannot be compared by their value."""
    has_no_text = kind.__repr__ in _NO_NATURAL_TEXT and kind.__str__ is object.__str__
    return has_no_text or kind.__hash__ is None
