"""Values from a stranger's file: accepted where they have the form of values of our own."""

from numbers import Integral, Real
from typing import Any

import numpy as np


def validated_like(own: Any, value: Any, name: str = "") -> Any:
    """Return the value, a tree of dicts, if its form and dtypes are those of `own`.

    Raises
    ------
    ValueError
        If they are not. The error gives the name of the part.
    """
    if isinstance(own, dict):
        if not isinstance(value, dict) or set(value) != set(own):
            raise ValueError(f"{name} must have {sorted(own)}")
        return {key: validated_like(part, value[key], key) for key, part in own.items()}
    if isinstance(own, np.ndarray):
        array = np.empty_like(own)
        copy_into(array, value)
        return array
    return _like(own, value, name)


def copy_into(array: np.ndarray, values: Any) -> None:
    """Copy the values into the array, which must have the same dtype and shape."""
    if not isinstance(values, np.ndarray) or values.dtype != array.dtype:
        raise ValueError(f"an array must have dtype {array.dtype}")
    if values.shape != array.shape:
        raise ValueError(f"an array must have shape {array.shape}, not {values.shape}")
    array[...] = values


def not_negative(value: Any, name: str) -> Any:
    """Return the value, unless it is a count below 0."""
    if isinstance(value, Integral) and value < 0:
        raise ValueError(f"{name} counts something, and cannot be {value!r}")
    return value


def _like(own: Any, value: Any, name: str) -> Any:
    """Return the value, if it is of the same kind as `own`."""
    if isinstance(own, np.generic):
        return type(own)(value)  # NumPy's scalars compute in their own precision
    if isinstance(own, list):
        fits = isinstance(value, list) and all(_is_number(entry) for entry in value)
    elif isinstance(own, bool) or not isinstance(own, Real):
        fits = type(value) is type(own)
    else:
        kind = Integral if isinstance(own, Integral) else Real
        fits = _is_number(value) and isinstance(value, kind)
    if not fits:
        raise ValueError(f"{name} cannot be {value!r}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
