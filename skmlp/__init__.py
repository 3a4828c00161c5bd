"""A multilayer perceptron for scikit-learn users, written in NumPy."""

import importlib
from typing import TYPE_CHECKING, Any

from skmlp._classifier import NumpyMLPClassifier

if TYPE_CHECKING:
    from skmlp._tabular import make_tabular_classifier

__all__ = ["NumpyMLPClassifier", "make_tabular_classifier"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what few programs need when it is first asked for."""
    if name in ("datasets", "preprocessing", "recipes"):
        return importlib.import_module(f"skmlp.{name}")
    if name == "make_tabular_classifier":
        return importlib.import_module("skmlp._tabular").make_tabular_classifier
    raise AttributeError(f"module 'skmlp' has no attribute {name!r}")
