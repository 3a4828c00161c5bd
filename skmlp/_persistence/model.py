"""Saved models: what they consist of, by format, and how older formats are read.

Since format 1 a model is stored in plain types: its parameters, arrays, numbers, strings, dicts and
lists. The only class of this package that a file names is the estimator, so that all others may
move. The format number rises when an older skmlp could no longer read a file and predict the same
from it. A new constructor parameter needs no new format: older models get its default, with which
they behave as before.
"""

import copy
import inspect
import math
import sys
from functools import cache
from typing import Any

import numpy as np

from skmlp._engine.losses.registry import LOSSES
from skmlp._persistence.state_dict import from_state_dict, to_state_dict
from skmlp._persistence.validate import shortened
from skmlp._training.early_stopping import StoppingRule
from skmlp._training.solver import Solver
from skmlp._training.state import TrainingState
from skmlp._warn import warn

FORMAT = 1
_FORMAT, _VERSION = "_skmlp_format", "_skmlp_version"
_OBJECTS = "_loss", "_state", "_targets"
# what a copy lacks that a callback has made within a first fit
_NO_HISTORY: dict[str, Any] = {
    "loss_": math.nan, "loss_curve_": [], "validation_loss_curve_": None, "n_iter_": 0, "t_": 0,
    "validation_scores_": None, "learning_rate_curve_": None, "best_epoch_": 0, "best_loss_": None,
    "best_validation_score_": None,
}  # fmt: skip
_OF_SOLVER = "solver", "noise_rng", "vectors"


def saved(model: Any, *, with_solver: bool) -> dict[str, Any]:
    """Return the attributes of the model as they are stored; arrays are shared.

    Parameters
    ----------
    model : estimator
        Fitted or not.
    with_solver : bool
        Whether to store the solver's state, so that training continues bit for bit.

    Returns
    -------
    state : dict
        Plain types, with the format and the version that wrote it.
    """
    state = vars(model).copy()
    state |= {name: to_state_dict(state[name]) for name in _OBJECTS if name in state}
    if "_state" in state and not with_solver:
        state["_state"] |= dict.fromkeys(_OF_SOLVER)
    return state | {_FORMAT: FORMAT, _VERSION: _installed_version()}


def restored(cls: type, state: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a model of class `cls` from what was stored.

    The state may come from a stranger's file. What is not refused predicts, whatever it predicts.

    Parameters
    ----------
    cls : type
        Class of the model. Its defaults are used for parameters that the stored model lacks.
    state : dict
        What `saved` returned, or what an older version stored.

    Raises
    ------
    ValueError
        If the format is not known, because a newer version wrote it. If the state has names that a
        model cannot have, or values that do not fit one another.

    Warns
    -----
    UserWarning
        If a fitted model is in an older format. It predicts the same.
    """
    from skmlp._persistence.check_model import check_names, check_values  # only to load a model

    if not isinstance(state, dict):
        raise _not_a_model(cls, f"it is no dict, but {shortened(state)}")
    state = state.copy()
    number, version = state.pop(_FORMAT, 0), state.pop(_VERSION, "0.1.0")
    if not isinstance(number, int) or not 0 <= number <= FORMAT:
        number, version = shortened(number), version if isinstance(version, str) else "?"
        raise ValueError(
            f"This {cls.__name__} was saved by skmlp {version} in format {number}; the installed "
            f"skmlp {_installed_version()} reads the formats 0 to {FORMAT}. Load it with skmlp "
            f"{version} or a later version, or export it there by to_sklearn() or to_onnx()."
        )
    is_old = "_state" in state and number < FORMAT
    try:
        if is_old:
            state = _from_format_0(state)
        check_names(cls, state)
        state |= {name: from_state_dict(state[name]) for name in _OBJECTS if name in state}
        if "coefs_" in state:
            state = copy.deepcopy(_NO_HISTORY) | {"_state": TrainingState()} | state
        check_values(cls, state)
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise _not_a_model(cls, str(error)) from error
    if is_old:
        warn(
            f"This {cls.__name__} was saved by skmlp {version} in format {number}; the "
            f"installed skmlp {_installed_version()} writes format {FORMAT}. It predicts as it "
            "did. Save it again to have it in the new format.",
            UserWarning,
        )
    return _defaults(cls) | state


def _not_a_model(cls: type, reason: str) -> ValueError:
    """Return the error for a state that no model has."""
    return ValueError(
        f"This {cls.__name__} cannot be loaded: {reason}. The file is damaged, or was not written "
        "by skmlp."
    )


def _installed_version() -> str:
    return sys.modules["skmlp"].__version__


@cache
def _defaults(cls: type) -> dict[str, Any]:
    """Return the defaults of the constructor."""
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def _from_format_0(state: dict[str, Any]) -> dict[str, Any]:
    """Return in format 1 a model stored by skmlp 0.1.0, which stored the objects themselves."""
    state = state.copy()
    state["_fitted_activations"] = [state.pop("_fitted_activation")] * (len(state["coefs_"]) - 1)
    state.setdefault("best_epoch_", _best_epoch(state))
    state.setdefault("learning_rate_curve_", None)
    state["_loss"] = to_state_dict(LOSSES[state["out_activation_"]]())

    targets = vars(state.pop("_encoder")).copy()
    binarizer = targets.pop("_binarizer", None)
    sparse = binarizer is not None and binarizer.sparse_input_
    state["_targets"] = {"class": "ClassificationTargets", **targets, "sparse": sparse}

    kept = vars(state["_state"]).copy()
    rule, old_rule = StoppingRule(), vars(kept["rule"]).copy()
    if old_rule.pop("monitors_score"):
        rule.monitors = "validation_score"
    vars(rule).update(old_rule)
    if kept.get("solver") is not None:
        optimizer, schedule = kept["solver"]
        kept["solver"] = _solver_of_0_1_0(optimizer, schedule, len(state["loss_curve_"]))
    state["_state"] = to_state_dict(TrainingState(**kept | {"rule": rule}))
    return state


def _best_epoch(state: dict[str, Any]) -> int:
    """Return the epoch of the last call whose parameters skmlp 0.1.0 kept."""
    n_epochs, scores = state["n_iter_"], state["validation_scores_"]
    return (
        int(np.argmax(scores[-n_epochs:])) + 1 if state["early_stopping"] and scores else n_epochs
    )


def _solver_of_0_1_0(optimizer: Any, schedule: Any, n_epochs: int) -> Solver:
    """Return the solver that continues as the pair would, without averaging and warm-up."""
    if "nesterov" in vars(optimizer):
        optimizer.nesterovs_momentum = vars(optimizer).pop("nesterov")
    schedule.n_rows_seen = vars(schedule).pop("t")
    schedule.max_epochs, schedule.warmup_epochs, schedule.learning_rate_decay = n_epochs, 0.0, 1.0
    return Solver(optimizer, schedule, n_epochs=n_epochs)
