"""Curves that fitted networks have recorded, and their names."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import is_classifier

from skmlp._plot.axes import not_a_network_message

_ATTRIBUTES = {
    "loss": "loss_curve_",
    "validation_loss": "validation_loss_curve_",
    "validation_score": "validation_scores_",
}


def recorded_curves(network: Any) -> dict[str, Any]:
    """Return the curves of a fitted network, and the best epoch if early stopping chose one."""
    if not hasattr(network, "loss_curve_"):
        hint = " MLPClassifier records nothing with solver='lbfgs'."
        raise ValueError(not_a_network_message(network, "loss_curve_") + hint)
    curves = check_curves({key: getattr(network, name, None) for key, name in _ATTRIBUTES.items()})
    if network.best_loss_ is None:
        # the last call had a validation set; epochs of earlier calls may be missing in a curve
        n = len(network.loss_curve_)
        for key, curve in curves.items():
            curves[key] = np.pad(curve, (n - len(curve), 0), constant_values=np.nan)
        if hasattr(network, "best_epoch_"):
            # best_epoch_ counts from the last call, the curves include earlier calls
            best = n - network.n_iter_ + network.best_epoch_
        else:
            best = int(np.nanargmax(curves["validation_score"])) + 1
        if best > 0:
            curves["best_epoch"] = best
    return curves


def check_curves(given: Mapping[str, npt.ArrayLike | None]) -> dict[str, Any]:
    """Return the curves that are not None, as arrays; check that they are sequences of numbers."""
    curves: dict[str, Any] = {}
    for key, values in given.items():
        if values is None:
            continue
        curve = np.asarray(values, dtype=np.float64)
        if curve.ndim != 1 or not len(curve):
            raise ValueError(
                f"{key} has shape {curve.shape}; a curve is one number for each epoch."
            )
        curves[key] = curve
    return curves


def common_score_name(networks: Iterable[Any]) -> str:
    """Return the name of the validation score, or "score" if the networks differ."""
    names = {_score_name(network) for network in networks}
    return names.pop() if len(names) == 1 else "score"


def _score_name(network: Any) -> str:
    """Return the name of the validation score of one network."""
    scoring = getattr(network, "scoring", None)
    if callable(scoring):
        return "score"
    if scoring not in (None, "loss"):
        return scoring
    theirs = "accuracy" if is_classifier(network) else "R^2"
    name = getattr(getattr(network, "_loss", None), "score_name", theirs)
    return {"R^2": "$R^2$", "D^2": "$D^2$"}.get(name, name)


def common_step_name(networks: Iterable[Any]) -> str:
    """Return the name of the steps that the curves are numbered by."""
    return "Iteration" if all(network.solver == "lbfgs" for network in networks) else "Epoch"
