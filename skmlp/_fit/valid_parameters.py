"""Which parameters have been found valid, so that a stream of small batches is not slowed down."""

from functools import cache
from typing import Any, cast

_valid: set[Any] = set()
_N_KEPT = 64


def are_known_valid(estimator: Any) -> bool:
    """Return whether parameters of the same types and values have been found valid before."""
    key = _key(estimator)
    return key is not None and key in _valid


def remember_valid(estimator: Any) -> None:
    """Remember that the parameters of the estimator are valid."""
    key = _key(estimator)
    if key is None:
        return
    if len(_valid) >= _N_KEPT:
        _valid.clear()
    _valid.add(key)


def _key(estimator: Any) -> Any:
    """Return class, types and values; None if a value can change, such as a list."""
    cls: type = type(estimator)
    values = vars(estimator)
    key = cls, *(_typed(values.get(name)) for name in _names(cls))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _typed(value: Any) -> Any:
    """Return the value with its type: 1, 1.0 and True are equal, but not equally valid."""
    if type(value) is tuple:
        return tuple([_typed(entry) for entry in value])
    return type(value), value


@cache
def _names(cls: type) -> list[str]:
    """Return the names of the parameters."""
    names: list[str] = cast(Any, cls)._get_param_names()
    return names
