"""Values from a stranger's file: accepted where they have the form of values of our own."""

import reprlib
from numbers import Integral, Real
from typing import Any

import numpy as np

# larger counts are not exact as floats, and no training reaches them
COUNT_MAX = 2**53


def validated_like(own: Any, value: Any, name: str = "") -> Any:
    """Return the value, a tree of dicts, if its form and dtypes are those of `own`.

    Raises
    ------
    ValueError
        If they are not. The error gives the name of the part.
    """
    if isinstance(own, dict):
        if not isinstance(value, dict) or set(value) != set(own):
            raise ValueError(f"{shortened(name)} must have {sorted(own)}")
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
    """Return the value, unless it is an integer that is no count: below 0, or beyond reach."""
    if not isinstance(value, bool) and isinstance(value, Integral) and not is_count(value):
        raise ValueError(f"{name} counts something, and cannot be {shortened(value)}")
    return value


def is_number(value: Any) -> bool:
    """Return whether the value is a real number that a float can be."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    return not isinstance(value, Integral) or abs(int(value)) <= COUNT_MAX


def is_count(value: Any) -> bool:
    """Return whether the value is an integer from 0 to COUNT_MAX."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        return False
    return 0 <= int(value) <= COUNT_MAX


def shortened(value: Any) -> str:
    """Return the value for an error message, which must not be as long as the file."""
    try:
        text = reprlib.repr(value)
    except ValueError:  # an integer of thousands of digits
        text = f"a huge {type(value).__name__}"
    return text if len(text) <= 200 else f"{text[:200]}..."


def _like(own: Any, value: Any, name: str) -> Any:
    """Return the value, if it is of the same kind as `own`; an integer as a float where it is."""
    if isinstance(own, list):
        fits = isinstance(value, list) and all(is_number(entry) for entry in value)
    elif isinstance(own, bool) or not isinstance(own, Real):
        fits = type(value) is type(own)
    elif isinstance(own, Integral):
        # a generator's numbers are larger than any count
        fits = not isinstance(value, bool) and isinstance(value, Integral)
    else:
        fits = is_number(value)
        value = float(value) if fits else value
    if not fits:
        raise ValueError(f"{name} cannot be {shortened(value)}")
    # NumPy's scalars compute in their own precision
    return type(own)(value) if isinstance(own, np.generic) else value
