"""Warnings that name the line of the user's program."""

import os
import sys
import warnings

import joblib
import sklearn
from sklearn.exceptions import ConvergenceWarning

_INSIDE = tuple(
    os.path.dirname(os.path.abspath(file)) + os.sep
    for file in (__file__, sklearn.__file__, joblib.__file__)
)
# filters for ConvergenceWarning that are common in programs name scikit-learn's modules
_MODULES: dict[type[Warning], str] = {ConvergenceWarning: "sklearn.neural_network"}


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn as if from the innermost line outside of skmlp, scikit-learn and joblib."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame = frame.f_back
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        _MODULES.get(category, frame.f_globals.get("__name__", "<string>")),
        frame.f_globals.setdefault("__warningregistry__", {}),
    )
