"""A multilayer perceptron for scikit-learn users, written in NumPy."""

import importlib
from types import ModuleType

from skmlp._classifier import NumpyMLPClassifier

__all__ = ["NumpyMLPClassifier"]
__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    """Import `skmlp.datasets` when it is first asked for: few programs need it."""
    if name == "datasets":
        return importlib.import_module("skmlp.datasets")
    raise AttributeError(f"module 'skmlp' has no attribute {name!r}")
