"""Names of classes that models saved by skmlp 0.1.0 refer to, as those files spell them."""

import sys
from types import ModuleType

from skmlp._data.targets import ClassificationTargets
from skmlp._training.early_stopping import StoppingRule
from skmlp._training.optimizers import SGD, Adam
from skmlp._training.schedules import Constant, InverseScaling
from skmlp._training.state import TrainingState

_CLASSES: dict[str, dict[str, type]] = {
    "_classifier": {"_TrainingState": TrainingState},
    "_optimizers": {"Adam": Adam, "SGD": SGD},
    "_schedules": {"Constant": Constant, "InverseScaling": InverseScaling},
    "_targets": {"TargetEncoder": ClassificationTargets},
    "_training": {"StoppingRule": StoppingRule},
}


def register_legacy_names() -> None:
    """Let `pickle`, joblib and skops find these classes under their names of 0.1.0.

    To be called once `skmlp._classifier` and `skmlp._training`, which still exist, are imported.
    """
    for name, classes in _CLASSES.items():
        name = f"skmlp.{name}"
        module = sys.modules.setdefault(name, ModuleType(name, "A module of skmlp 0.1.0."))
        vars(module).update(classes)
