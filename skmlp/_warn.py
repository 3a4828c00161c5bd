"""Warnings that name the line of the user's program."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import pickle
import sys
import threading
import warnings
from types import FrameType

import joblib
import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
# what calls a fit, or loads a model, on behalf of the user
_INSIDE = (
    _PACKAGE,
    *(
        os.path.dirname(os.path.abspath(str(module.__file__))) + os.sep
        for module in (np, sklearn, joblib, multiprocessing, concurrent.futures)
    ),
    contextlib.__file__,
    threading.__file__,
    pickle.__file__,
)
# filters for ConvergenceWarning that are common in programs name scikit-learn's modules
_MODULES: dict[type[Warning], str] = {ConvergenceWarning: "sklearn.neural_network"}


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn as if from the user's line; in a worker, which has none, from the line that calls."""
    frame = user_frame()
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        _MODULES.get(category, frame.f_globals.get("__name__", "<string>")),
        frame.f_globals.setdefault("__warningregistry__", {}),
    )


def user_frame() -> FrameType:
    """Return the frame of the user's line; in a worker, which has none, of the line that calls."""
    return _first_frame_outside(_INSIDE) or _first_frame_outside(_PACKAGE) or sys._getframe(1)


def _first_frame_outside(places: str | tuple[str, ...]) -> FrameType | None:
    """Return the innermost frame whose file is in none of these places."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(places):
        frame = frame.f_back
    # modules that are run by name stand at the bottom of every stack, of workers too
    return None if frame is None or frame.f_code.co_filename.startswith("<frozen") else frame
