"""The state of objects as plain dicts, and back."""

from numbers import Integral, Real
from typing import Any

import numpy as np

# what is no state: set up anew, or overwritten before it is read
_NO_STATE = ("dtype", "scratch")


def snapshot(thing: Any) -> dict[str, Any]:
    """Return the attributes by name, those that are objects as dicts; arrays are not copied."""
    return {
        name: snapshot(value) if hasattr(value, "__dict__") else value
        for name, value in vars(thing).items()
        if name not in _NO_STATE
    }


def restore(thing: Any, plain: Any) -> None:
    """Set the attributes as in a snapshot of a thing of the same kind, arrays in place.

    Raises
    ------
    ValueError
        If it is no such snapshot; the thing is then of no use.
    """
    own = {name: value for name, value in vars(thing).items() if name not in _NO_STATE}
    if not isinstance(plain, dict) or set(plain) != set(own):
        raise ValueError(f"{type(thing).__name__} has {sorted(own)}")
    for name, value in own.items():
        if hasattr(value, "__dict__"):
            restore(value, plain[name])
        elif isinstance(value, np.ndarray):
            fill(value, plain[name])
        else:
            setattr(thing, name, _count_or_other(_like(value, plain[name], name), name))


def _count_or_other(value: Any, name: str) -> Any:
    if isinstance(value, Integral) and value < 0:
        raise ValueError(f"{name} counts something, and cannot be {value!r}")
    return value


def checked(own: Any, value: Any, name: str = "") -> Any:
    """Return the value, a tree of dicts, if it has the form and the dtypes of the own one."""
    if isinstance(own, dict):
        if not isinstance(value, dict) or set(value) != set(own):
            raise ValueError(f"{name} must have {sorted(own)}")
        return {key: checked(part, value[key], key) for key, part in own.items()}
    if isinstance(own, np.ndarray):
        array = np.empty_like(own)
        fill(array, value)
        return array
    return _like(own, value, name)


def fill(array: np.ndarray, values: Any) -> None:
    """Copy the values into the array, which must be of the same dtype and shape."""
    if not isinstance(values, np.ndarray) or values.dtype != array.dtype:
        raise ValueError(f"an array must have dtype {array.dtype}")
    if values.shape != array.shape:
        raise ValueError(f"an array must have shape {array.shape}, not {values.shape}")
    array[...] = values


def _like(own: Any, value: Any, name: str) -> Any:
    """Return the value, if it is of the kind of the own one."""
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
