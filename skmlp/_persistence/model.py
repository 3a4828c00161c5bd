"""What a saved model consists of, by format, and how the formats before are read.

Since format 1 a model is stored in plain types: its parameters, arrays, numbers, strings, dicts and
lists. The only class of this package that a file names is the classifier, so that the others may
change. The number rises when an older skmlp could no longer read a file and predict the same from
it. A constructor parameter that is added needs no new format: models from before get its default,
which means what was the case before.
"""

import inspect
import sys
import warnings
from functools import cache
from typing import Any

import numpy as np

from skmlp._data.targets import ClassificationTargets
from skmlp._training.solver import Solver
from skmlp._training.state import TrainingState

FORMAT = 1
_FORMAT, _VERSION = "_skmlp_format", "_skmlp_version"


def saved(model: Any, *, with_solver: bool) -> dict[str, Any]:
    """Return the attributes of the model as they are stored; arrays are shared.

    Parameters
    ----------
    model : NumpyMLPClassifier
        Fitted or not.
    with_solver : bool
        Whether to store the solver's state, with which training goes on bit for bit.

    Returns
    -------
    state : dict
        Plain types, with the format and the version that wrote it.
    """
    state = vars(model).copy()
    if "_state" in state:
        state["_encoder"] = state["_encoder"].plain()
        state["_state"] = state["_state"].plain(with_solver)
    return state | {_FORMAT: FORMAT, _VERSION: _installed_version()}


def restored(cls: type, state: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a model of class `cls` from what was stored.

    Parameters
    ----------
    cls : type
        The class of the model, whose defaults stand in for parameters that it did not have yet.
    state : dict
        What `saved` returned, or what an older version stored.

    Raises
    ------
    ValueError
        If the format is not known, because a newer version wrote it.

    Warns
    -----
    UserWarning
        If a fitted model is in an older format. It predicts the same.
    """
    state = state.copy()
    number, version = state.pop(_FORMAT, 0), state.pop(_VERSION, "0.1.0")
    if not isinstance(number, int) or not 0 <= number <= FORMAT:
        raise ValueError(
            f"This {cls.__name__} was saved by skmlp {version} in format {number!r}; the installed "
            f"skmlp {_installed_version()} reads the formats 0 to {FORMAT}. Load it with skmlp "
            f"{version} or a later version, or export it there by to_sklearn() or to_onnx()."
        )
    if "_state" in state:
        if number < FORMAT:
            warnings.warn(
                f"This {cls.__name__} was saved by skmlp {version} in format {number}; the "
                f"installed skmlp {_installed_version()} writes format {FORMAT}. It predicts as it "
                "did. Save it again to have it in the new format.",
                stacklevel=3,
            )
            state = _from_format_0(state)
        state["_encoder"] = ClassificationTargets.from_plain(state["_encoder"])
        state["_state"] = TrainingState.from_plain(state["_state"])
    return _defaults(cls) | state


def _installed_version() -> str:
    return sys.modules["skmlp"].__version__


@cache
def _defaults(cls: type) -> dict[str, Any]:
    """Return the defaults of the constructor."""
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def _from_format_0(state: dict[str, Any]) -> dict[str, Any]:
    """Return in format 1 what pickles, or skops files, were before formats had numbers.

    They hold the objects themselves. In skmlp 0.1.0 those had other attributes.
    """
    state = state.copy()
    if "_fitted_activation" in state:
        n_hidden = len(state["coefs_"]) - 1
        state["_fitted_activations"] = [state.pop("_fitted_activation")] * n_hidden
    state.setdefault("best_epoch_", _best_epoch(state))
    state.setdefault("learning_rate_curve_", None)

    encoder = _attributes(state["_encoder"]).copy()
    binarizer = encoder.pop("_binarizer", None)
    state["_encoder"] = encoder | {"sparse": binarizer is not None and binarizer.sparse_input_}

    kept = _attributes(state["_state"]).copy()
    rule = _attributes(kept["rule"]).copy()
    if rule.pop("monitors_score", False):
        rule["monitors"] = "validation_score"
    solver = kept.pop("solver", None)
    if isinstance(solver, tuple):
        optimizer, schedule = solver
        solver = _solver_of_0_1_0(optimizer, schedule, len(state["loss_curve_"]))
    state["_state"] = TrainingState(**kept, solver=solver).plain(with_solver=True) | {"rule": rule}
    return state


def _best_epoch(state: dict[str, Any]) -> int:
    """Return the number of the epoch, of the last call, whose parameters skmlp 0.1.0 kept."""
    n_epochs, scores = state["n_iter_"], state["validation_scores_"]
    return (
        int(np.argmax(scores[-n_epochs:])) + 1 if state["early_stopping"] and scores else n_epochs
    )


def _attributes(stored: Any) -> dict[str, Any]:
    return stored if isinstance(stored, dict) else vars(stored)


def _solver_of_0_1_0(optimizer: Any, schedule: Any, n_epochs: int) -> Solver:
    """Return the solver that goes on as the pair did, which had no averaging and no warm-up."""
    if "nesterov" in vars(optimizer):
        optimizer.nesterovs_momentum = vars(optimizer).pop("nesterov")
    schedule.n_rows_seen = vars(schedule).pop("t")
    schedule.max_epochs, schedule.warmup_epochs, schedule.learning_rate_decay = n_epochs, 0.0, 1.0
    return Solver(optimizer, schedule, n_epochs=n_epochs)
