"""Objects as plain values and back: the one codec of saved models and of checkpoints.

An object becomes a dict of its attributes and, under "class", the name of its class in `CLASSES`;
its parts that are objects, generators or dtypes become such dicts too. Arrays are shared, not
copied. The names are part of the file format: a class may move to another module, but not change
its name here.
"""

from typing import Any

import numpy as np

from skmlp._data.regression_targets import RegressionTargets
from skmlp._data.targets import ClassificationTargets
from skmlp._engine.losses.registry import LOSSES
from skmlp._persistence.generators import generator_from_dict, generator_to_dict
from skmlp._persistence.validate import copy_into, not_negative, shortened, validated_like
from skmlp._training.early_stopping import ReplayedPlateaus, StoppingRule
from skmlp._training.history import History
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES
from skmlp._training.solver import Solver
from skmlp._training.state import TrainingState

CLASSES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        ClassificationTargets,
        History,
        RegressionTargets,
        ReplayedPlateaus,
        Solver,
        StoppingRule,
        TrainingState,
        *LOSSES.values(),
        *OPTIMIZERS.values(),
        *SCHEDULES.values(),
    )
}
# these have defaults for attributes that an older version did not store
_WITH_DEFAULTS = History, StoppingRule, TrainingState
_GENERATORS = np.random.RandomState, np.random.Generator
# overwritten before it is read
_NO_STATE = "scratch"


def to_state_dict(obj: Any) -> dict[str, Any]:
    """Return the attributes of an object by name, and the name of its class."""
    attributes = {name: _to_plain(value) for name, value in _attributes(obj).items()}
    return {"class": type(obj).__name__, **attributes}


def from_state_dict(state: Any) -> Any:
    """Return a new object with the stored attributes.

    The dict may come from a stranger's file: the object has the attributes of its class, each of
    the right kind. Whether they fit one another is not checked here.

    Raises
    ------
    ValueError
        If the dict names no class of `CLASSES`, or has other attributes than its objects.
    """
    from skmlp._persistence.forms import check_form  # only to load a model

    kind = state.get("class") if isinstance(state, dict) else None
    if not isinstance(kind, str) or kind not in CLASSES:
        raise ValueError(f"the stored class {shortened(kind)} is none of {sorted(CLASSES)}")
    cls = CLASSES[kind]
    obj = cls() if cls in _WITH_DEFAULTS else object.__new__(cls)
    vars(obj).update({n: _from_plain(value) for n, value in state.items() if n != "class"})
    check_form(obj)
    return obj


def load_state_dict(obj: Any, state: Any) -> None:
    """Set the attributes of an object to the stored ones, arrays in place.

    The dict may come from a stranger's file: all names, kinds, dtypes and shapes must be those that
    the object has.

    Raises
    ------
    ValueError
        If they are not; the object is then of no use.
    """
    own, kind = _attributes(obj), type(obj).__name__
    if not isinstance(state, dict) or state.get("class") != kind or set(state) != {"class", *own}:
        raise ValueError(f"{kind} has {sorted(own)}")
    for name, value in own.items():
        found = state[name]
        if _is_object(value):
            load_state_dict(value, found)
        elif isinstance(value, np.ndarray):
            copy_into(value, found)
        elif isinstance(value, np.dtype):
            validated_like(_to_plain(value), found, name)
        else:
            setattr(obj, name, not_negative(validated_like(value, found, name), name))


def _attributes(obj: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(obj).items() if name != _NO_STATE}


def _is_object(value: Any) -> bool:
    return CLASSES.get(type(value).__name__) is type(value)


def _to_plain(value: Any) -> Any:
    if _is_object(value):
        return to_state_dict(value)
    if isinstance(value, _GENERATORS):
        return generator_to_dict(value)
    if isinstance(value, np.dtype):
        return {"class": "dtype", "name": value.name}
    return value


def _from_plain(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value.get("class") in ("RandomState", "Generator"):
        return generator_from_dict(value)
    if value.get("class") == "dtype":
        return np.dtype(str(value.get("name")))
    return from_state_dict(value)
