"""Fitted attributes: from a trained network and its history to what the user reads."""

import math
from numbers import Integral
from typing import Any

import numpy as np

from skmlp._data.prepare import FitData
from skmlp._data.request import FitMode
from skmlp._data.targets import TargetEncoder
from skmlp._engine.network import Network
from skmlp._engine.parameters import Parameters
from skmlp._engine.types import FloatArray
from skmlp._training.history import History
from skmlp._training.state import TrainingState

_CURVES = "loss_curve", "validation_loss_curve", "validation_scores", "learning_rate_curve"


def published_affine(
    parameters: Parameters, targets: TargetEncoder
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Return W and b of each layer as the user meets them, the last one in units of y."""
    W, b = parameters.affine()
    W[-1], b[-1] = targets.fold(W[-1], b[-1])
    return W, b


def network_attributes(network: Network, targets: TargetEncoder) -> dict[str, Any]:
    """Return the fitted attributes that predictions need; arrays are copies."""
    W, b = published_affine(network.parameters, targets)
    return {
        "coefs_": [W_l.copy() for W_l in W],
        "intercepts_": [b_l.copy() for b_l in b],
        **targets.fitted_attributes(),
        "n_layers_": len(network.layer_sizes),
        "out_activation_": network.loss.out_activation,
        "_targets": targets,
        "_loss": network.loss.unsmoothed,
        "_fitted_activations": network.activations,
    }


def set_network_attributes(estimator: Any, network: Network, targets: TargetEncoder) -> None:
    """Set the attributes that predictions need."""
    for name, value in network_attributes(network, targets).items():
        setattr(estimator, name, value)
    estimator._fitted_threads = estimator.n_threads


def history_attributes(history: History) -> dict[str, Any]:
    """Return the fitted attributes that describe training so far, for a model within a fit."""
    return {
        "loss_": history.loss,
        "n_iter_": len(history.loss_curve),
        "loss_curve_": [*history.loss_curve],
        "validation_loss_curve_": [*history.validation_loss_curve] or None,
        "validation_scores_": [*history.validation_scores] or None,
        "learning_rate_curve_": [*history.learning_rate_curve] or None,
    }


def feature_attributes(estimator: Any) -> dict[str, Any]:
    """Return the number and the names of the features, as far as they are known."""
    names = "n_features_in_", "feature_names_in_"
    return {name: getattr(estimator, name) for name in names if hasattr(estimator, name)}


def set_history_attributes(
    estimator: Any, history: History, monitors_validation: bool, mode: FitMode
) -> None:
    """Set the attributes that describe training; lists are new, so that those handed out stay."""
    estimator.loss_ = history.loss
    estimator.n_iter_ = len(history.loss_curve)
    estimator.best_epoch_ = history.best_epoch
    estimator.t_ = (estimator.t_ if mode.continues else 0) + history.n_rows
    n_before = len(estimator.loss_curve_) if mode.continues else 0
    for name in _CURVES:
        before = (getattr(estimator, f"{name}_") if mode.continues else None) or []
        new = getattr(history, name)
        curve = _joined(before, n_before, new, estimator.n_iter_)
        is_measured = bool(before or new) or name == "loss_curve"
        setattr(estimator, f"{name}_", curve if is_measured else None)
    scores = estimator.validation_scores_
    losses = [loss for loss in estimator.loss_curve_ if not math.isnan(loss)]
    estimator.best_loss_ = None if monitors_validation else min(losses, default=estimator.loss_)
    estimator.best_validation_score_ = (
        None if scores is None else max(score for score in scores if not math.isnan(score))
    )


def _joined(before: list[float], n_before: int, new: list[float], n_new: int) -> list[float]:
    """Return a curve over all calls: entry i belongs to epoch i, NaN where nothing was measured."""
    gap_before = [math.nan] * (n_before - len(before))
    return [*gap_before, *before, *new, *[math.nan] * (n_new - len(new))]


def set_training_state(
    estimator: Any,
    network: Network,
    state: TrainingState,
    history: History,
    rng: np.random.RandomState,
    data: FitData,
) -> None:
    """Keep what training needs to continue; the solver's state only if training is to continue."""
    if history.interrupted or not (estimator.warm_start or data.mode.partial):
        state.solver = state.noise_rng = None
    if not estimator.warm_start:
        state.split_rng = None
    parameters = network.parameters
    differs = estimator.batch_norm or estimator.averaging or data.targets.standardized
    differs = differs and state.solver is not None
    state.vectors = parameters.vectors.copy() if differs else None
    state.normalisations = parameters.normalisations() if estimator.batch_norm else None
    state.rng = rng if isinstance(estimator.random_state, Integral) else None
    estimator._state = state
