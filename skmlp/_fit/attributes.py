"""From a trained network to the fitted attributes; and what the user is warned of."""

import math
import warnings
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmlp._data.targets import ClassificationTargets
from skmlp._engine.network import Network
from skmlp._fit.scales import unscaled_columns
from skmlp._training.dataset import Dataset
from skmlp._training.history import History
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.state import TrainingState

_CURVES = "loss_curve", "validation_loss_curve", "validation_scores", "learning_rate_curve"

# from a function that `fit_estimator` calls, through that, `fit` and the decorator of `fit`
_TO_CALLER_OF_FIT = 5


def network_attributes(network: Network, encoder: ClassificationTargets) -> dict[str, Any]:
    """Return the fitted attributes that predictions need; arrays are copies."""
    W, b = network.parameters.affine()
    return {
        "coefs_": [W_l.copy() for W_l in W],
        "intercepts_": [b_l.copy() for b_l in b],
        "classes_": encoder.classes_,
        "n_outputs_": encoder.n_outputs,
        "n_layers_": len(network.layer_sizes),
        "out_activation_": encoder.out_activation,
        "_encoder": encoder,
        "_fitted_activations": network.activations,
    }


def set_network_attributes(
    estimator: Any, network: Network, encoder: ClassificationTargets
) -> None:
    """Set the attributes that predictions need."""
    for name, value in network_attributes(network, encoder).items():
        setattr(estimator, name, value)
    estimator._fitted_threads = estimator.n_threads


def set_history_attributes(
    estimator: Any, history: History, monitors_validation: bool, goes_on: bool
) -> None:
    """Set the attributes that tell of training; lists are new, so that those handed out stay."""
    estimator.loss_ = history.loss
    estimator.n_iter_ = len(history.loss_curve)
    estimator.best_epoch_ = history.best_epoch
    estimator.t_ = (estimator.t_ if goes_on else 0) + history.n_rows
    n_before, n_new = len(estimator.loss_curve_) if goes_on else 0, estimator.n_iter_
    for name in _CURVES:
        before = (getattr(estimator, f"{name}_") if goes_on else None) or []
        new = getattr(history, name)
        # entry i of each curve belongs to epoch i, whether or not it was measured in all calls
        curve = [*_at_the_end_of(n_before, before), *new, *[math.nan] * (n_new - len(new))]
        is_measured = bool(before or new) or name == "loss_curve"
        setattr(estimator, f"{name}_", curve if is_measured else None)
    scores, losses = estimator.validation_scores_, estimator.loss_curve_
    estimator.best_loss_ = None if monitors_validation else min(losses, default=estimator.loss_)
    estimator.best_validation_score_ = (
        None if scores is None else max(score for score in scores if not math.isnan(score))
    )


def _at_the_end_of(n: int, curve: list[float]) -> list[float]:
    """Return n entries, the last of which are the curve's, the others NaN."""
    return [*[math.nan] * (n - len(curve)), *curve]


def set_training_state(
    estimator: Any,
    network: Network,
    state: TrainingState,
    history: History,
    rng: np.random.RandomState,
    incremental: bool,
) -> None:
    """Keep what training needs to go on; the solver's state only where it is meant to."""
    if history.interrupted or not (estimator.warm_start or incremental):
        state.solver = state.noise_rng = None
    if not estimator.warm_start:
        state.split_rng = None
    parameters = network.parameters
    differs = state.solver is not None and (estimator.batch_norm or estimator.averaging)
    state.vectors = parameters.vectors.copy() if differs else None
    state.normalisations = parameters.normalisations() if estimator.batch_norm else None
    state.rng = rng if isinstance(estimator.random_state, Integral) else None
    estimator._state = state


def warn_of_scales(estimator: Any, rows: Dataset) -> None:
    """Warn if one column of X is far wider than another."""
    columns = unscaled_columns(rows)
    if columns is None:
        return
    names = getattr(estimator, "feature_names_in_", None)
    wide, narrow = (n if names is None else f"{n} ({names[n]!r})" for n in columns)
    warnings.warn(
        f"The columns of X differ in scale by a factor of hundreds or more: column {wide} is the "
        f"widest, column {narrow} the narrowest. Networks learn poorly from such features. Scale "
        "them, for example with make_pipeline(StandardScaler(), NumpyMLPClassifier(...)).",
        ConvergenceWarning,
        stacklevel=_TO_CALLER_OF_FIT,
    )


def warn_of_batch_size(estimator: Any, n_rows: int) -> None:
    """Warn if a batch is meant to be larger than all rows."""
    is_batched = estimator.solver in OPTIMIZERS and estimator.batch_size != "auto"
    if is_batched and estimator.batch_size > n_rows:
        warnings.warn(
            f"batch_size={estimator.batch_size} is larger than the {n_rows} training rows; batches "
            "of all rows are used.",
            stacklevel=_TO_CALLER_OF_FIT + 1,
        )


def warn_of_ending(estimator: Any, history: History, learnt: bool, incremental: bool) -> None:
    """Warn if training ended too soon, or came to rest without having learnt anything."""
    if history.interrupted:
        warnings.warn(
            f"Training was interrupted after {estimator.n_iter_} complete epochs. The model is "
            f"that of epoch {estimator.best_epoch_}.",
            stacklevel=_TO_CALLER_OF_FIT,
        )
    elif not history.converged and not incremental:
        reason = history.message or f"max_iter={estimator.max_iter} epochs have passed"
        if history.timed_out:
            reason = f"max_time={estimator.max_time} seconds have passed"
            reason += f"; {history.message}" if history.message else ""
        warnings.warn(
            f"Training ended before it converged: {reason}. Increase max_iter, scale the "
            "features, or accept the model if its loss_curve_ has become flat.",
            ConvergenceWarning,
            stacklevel=_TO_CALLER_OF_FIT,
        )
    elif not learnt:
        warnings.warn(
            "Training has come to a standstill, but the predictions are hardly better than the "
            "frequencies of the classes, whatever the row. Scale the features, for example "
            "with StandardScaler; try a higher or lower learning_rate_init, a smaller alpha, "
            "or a smaller tol. If nothing helps, the features may say nothing of y.",
            ConvergenceWarning,
            stacklevel=_TO_CALLER_OF_FIT,
        )
