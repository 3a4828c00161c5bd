"""Forms of stored objects: which attributes the objects of a class have, and of what kind."""

from collections.abc import Callable
from functools import cache
from numbers import Integral, Real
from typing import Any

import numpy as np

from skmlp._data.regression_targets import RegressionTargets
from skmlp._data.targets import ClassificationTargets
from skmlp._engine.losses.regression import SquaredError
from skmlp._persistence.validate import is_count, is_number, shortened
from skmlp._training.early_stopping import ReplayedPlateaus, StoppingRule
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES, Schedule
from skmlp._training.solver import Solver
from skmlp._training.state import TrainingState

_ONE = np.zeros(1)
# attributes that may be None in place of what the example has
_OPTIONAL = {
    "averaging", "compiled", "noise_rng", "normalisations", "rng", "solver", "split_rng", "v",
    "vectors",
}  # fmt: skip


def check_form(obj: Any) -> None:
    """Raise ValueError if the object lacks attributes of its class, has others, or other kinds."""
    cls: Any = type(obj)
    own, example, kind = vars(obj), _attributes_of_example(cls), cls.__name__
    if set(own) != set(example):
        raise ValueError(f"{kind} has {sorted(example)}, not {shortened(sorted(own, key=str))}")
    for name, value in own.items():
        if not (value is None and name in _OPTIONAL) and not _is_like(example[name], value, name):
            raise ValueError(f"{name} of {kind} cannot be {shortened(value)}")


def _is_like(example: Any, value: Any, name: str) -> bool:
    """Return whether the value is of the same kind as that of the example."""
    if name == "optimizer":
        return type(value) in OPTIMIZERS.values()
    if isinstance(example, bool | np.bool_):
        return isinstance(value, bool | np.bool_)
    if isinstance(example, Integral):
        return is_count(value)
    if isinstance(example, Real):
        return is_number(value)
    if isinstance(example, list):
        return isinstance(value, list) and all(map(is_number, value))
    if isinstance(example, np.ndarray):
        # labels may have any dtype
        is_right_dtype = example.dtype.kind != "f" or is_float(getattr(value, "dtype", None))
        return isinstance(value, np.ndarray) and is_right_dtype
    if isinstance(example, np.dtype):
        return is_float(value)
    return isinstance(value, type(example))


def is_float(dtype: Any) -> bool:
    """Return whether networks compute in this dtype, in either byte order."""
    return isinstance(dtype, np.dtype) and dtype.kind == "f" and dtype.itemsize in (4, 8)


@cache
def _attributes_of_example(cls: type) -> dict[str, Any]:
    """Return the attributes of an object of the class, with a value of each kind."""
    example = _EXAMPLES.get(cls, cls)()
    return {name: value for name, value in vars(example).items() if name != "scratch"}


def _example_of_optimizer(cls: Any) -> Callable[[], Any]:
    settings = dict.fromkeys(cls.hyperparameters, 0.5)
    if "nesterovs_momentum" in settings:
        settings["nesterovs_momentum"] = True
    return lambda: cls(_ONE, 1, **settings)


def _example_of_schedule(cls: type[Schedule]) -> Callable[[], Any]:
    return lambda: cls(0.1, max_epochs=1)


def _example_of_solver() -> Solver:
    optimizer = OPTIMIZERS["adam"](_ONE, 1, beta_1=0.5, beta_2=0.5, epsilon=0.5)
    return Solver(optimizer, Schedule(0.1, max_epochs=1), averaging=0.5)


def _example_of_state() -> TrainingState:
    return TrainingState(
        rng=np.random.RandomState(0),
        split_rng=np.random.RandomState(0),
        rule=_example_of_rule(),
        solver=_example_of_solver(),
        noise_rng=np.random.default_rng(0),
        vectors=_ONE[np.newaxis],
        normalisations=_ONE,
        compiled=True,
    )


def _example_of_rule() -> StoppingRule:
    return StoppingRule(patience=10.0)  # may be infinite


def _example_of_replay() -> ReplayedPlateaus:
    rule = ReplayedPlateaus([1])
    rule.patience = 10.0
    return rule


_EXAMPLES: dict[type, Callable[[], Any]] = {
    ClassificationTargets: lambda: ClassificationTargets(np.array([0, 1])),
    RegressionTargets: lambda: RegressionTargets(_ONE, SquaredError()),
    ReplayedPlateaus: _example_of_replay,
    Solver: _example_of_solver,
    StoppingRule: _example_of_rule,
    TrainingState: _example_of_state,
    **{cls: _example_of_optimizer(cls) for cls in OPTIMIZERS.values()},
    **{cls: _example_of_schedule(cls) for cls in SCHEDULES.values()},
}
