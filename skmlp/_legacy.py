"""Names of classes that models saved by skmlp 0.1.0 refer to, as those files spell them."""

import sys
from types import ModuleType

from skmlp._data.targets import ClassificationTargets
from skmlp._training.optimizers import SGD, Adam
from skmlp._training.schedules import Constant, InverseScaling

_CLASSES: dict[str, dict[str, type]] = {
    "_optimizers": {"Adam": Adam, "SGD": SGD},
    "_schedules": {"Constant": Constant, "InverseScaling": InverseScaling},
    "_targets": {"TargetEncoder": ClassificationTargets},
}


def register_legacy_modules() -> None:
    """Let `pickle`, joblib and skops find the classes under their names of 0.1.0."""
    for name, classes in _CLASSES.items():
        module = ModuleType(f"skmlp.{name}", "A module of skmlp 0.1.0.")
        vars(module).update(classes)
        sys.modules[module.__name__] = module
