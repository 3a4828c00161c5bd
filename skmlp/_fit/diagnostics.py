"""Warnings of fit, and what decides them."""

from functools import cache
from inspect import signature
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning

from skmlp._data.request import FitMode, FitRequest
from skmlp._data.scales import n_sampled_rows
from skmlp._engine.losses.registry import REGRESSION_LOSSES
from skmlp._engine.network import Network
from skmlp._training.dataset import Dataset
from skmlp._training.history import History
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._warn import warn

# "a thousand times another's", as far as a sample of the rows can tell
_FACTOR = 500


def unscaled_columns(data: Dataset) -> tuple[int, int] | None:
    """Return the columns of the widest and of the narrowest range, if these are far apart.

    The range is the largest value less the smallest one: unlike the standard deviation, the range
    is the same for indicators and for counts of rare things. Constant columns do not count, nor do
    columns that vary by no more than rounding errors, nor sparse rows, which are rarely scaled.
    """
    if issparse(data.X):
        return None
    X = data.subsample(n_sampled_rows(data.X.shape[1])).gather().X
    with np.errstate(over="ignore"):
        ranges = X.max(axis=0).astype(np.float64) - X.min(axis=0)
    widest = int(ranges.argmax())
    precision = np.finfo(np.float64 if X.dtype == np.float64 else np.float32).eps
    varies = ranges > 16 * precision * ranges[widest]
    narrowest = int(np.where(varies, ranges, np.inf).argmin())
    if not ranges[widest] > _FACTOR * ranges[narrowest]:
        return None
    return widest, narrowest


def barely_beats_baseline(network: Network, data: Dataset, n_rows: int = 1000) -> bool:
    """Return whether predictions are barely better than the best constant ones.

    That is, whether the loss on a sample of the rows is not clearly below the loss's baseline.
    """
    sample = data.subsample(n_rows).gather()
    loss, y, w = network.loss.unsmoothed, sample.y, sample.w
    z = network.predictor().raw(sample.X)
    mean_weight = 1.0 if w is None else float(w.mean())
    return 0 < 0.99 * loss.baseline(y, w) < loss.loss_gradient(z, y, w) / mean_weight


def warn_of_scales(estimator: Any, data: Dataset) -> None:
    """Warn if one column of X is far wider than another."""
    columns = unscaled_columns(data)
    if columns is None:
        return
    names = getattr(estimator, "feature_names_in_", None)
    wide, narrow = (n if names is None else f"{n} ({names[n]!r})" for n in columns)
    warn(
        f"The columns of X differ in scale by a factor of hundreds or more: column {wide} is the "
        f"widest, column {narrow} the narrowest. Networks learn poorly from such features. Scale "
        f"them, for example with make_pipeline(StandardScaler(), {type(estimator).__name__}(...)).",
        ConvergenceWarning,
    )


def warn_of_ignored_parameters(estimator: Any, request: FitRequest) -> None:
    """Warn of parameters for the validation set if there is none."""
    if request.mode.partial:
        return
    stops_early = estimator.early_stopping and estimator.solver in OPTIMIZERS
    has_own_set = request.X_val is not None
    if estimator.scoring is not None and not (stops_early or has_own_set):
        warn(
            f"scoring={estimator.scoring!r} has no effect without a validation set. Set "
            "early_stopping=True with a stochastic solver, or pass X_val and y_val to fit."
        )
    if estimator.refit and (not stops_early or has_own_set):
        reason = "with X_val" if has_own_set else "without early stopping"
        warn(
            f"refit=True has no effect {reason}. It trains again on the rows that "
            "early_stopping=True splits off, with a stochastic solver."
        )


def warn_of_unused_loss_parameters(estimator: Any) -> None:
    """Warn of parameters of a loss that another loss is used with."""
    cls: Any = type(estimator)
    users = {name: loss for loss in REGRESSION_LOSSES.values() for name in loss.parameters}
    for name, user in users.items():
        value = getattr(estimator, name)
        is_default = np.ndim(value) == 0 and value == _default(cls, name)
        if user.name != estimator.loss and not is_default:
            warn(
                f"{name}={value!r} has no effect with loss={estimator.loss!r}. Set "
                f"loss={user.name!r}, or leave {name} out."
            )


@cache
def _default(cls: type, name: str) -> Any:
    """Return the default of a parameter; cached, because signatures are slow."""
    return signature(cls).parameters[name].default


def warn_of_batch_size(estimator: Any, n_rows: int) -> None:
    """Warn if a batch is larger than the training set."""
    is_batched = estimator.solver in OPTIMIZERS and estimator.batch_size != "auto"
    if is_batched and estimator.batch_size > n_rows:
        warn(
            f"batch_size={estimator.batch_size} is larger than the training set; batches of "
            "all rows are used. Set batch_size to at most the number of rows, or to 'auto'."
        )


def warn_of_ending(
    estimator: Any, history: History, mode: FitMode, unbeaten_baseline: str | None
) -> None:
    """Warn if training ended early, or came to a standstill without having learnt anything.

    `unbeaten_baseline` is the name of the baseline that predictions do not clearly beat, or None.
    """
    if history.interrupted:
        warn(
            f"Training was interrupted after {estimator.n_iter_} complete epochs. The model is "
            f"that of epoch {estimator.best_epoch_}."
        )
    elif not history.converged and not mode.partial:
        reason = history.message or f"max_iter={estimator.max_iter} epochs have passed"
        limit = "max_fun" if "EVALUATIONS" in history.message else "max_iter"
        if history.timed_out:
            limit, reason = "max_time", f"max_time={estimator.max_time} seconds have passed"
            reason += f"; {history.message}" if history.message else ""
        warn(
            f"Training ended before it converged: {reason}. Increase {limit}, scale the "
            f"features{_and_target(estimator)}, or accept the model if its loss_curve_ has become "
            "flat.",
            ConvergenceWarning,
        )
    elif unbeaten_baseline is not None:
        warn(
            "Training has come to a standstill, but the predictions are hardly better than "
            f"{unbeaten_baseline}, whatever the row. Scale the features, for example "
            f"with StandardScaler{_and_target(estimator)}; try a higher or lower "
            "learning_rate_init, a smaller alpha, or a smaller tol. If nothing helps, the features "
            "may say nothing of y.",
            ConvergenceWarning,
        )


def _and_target(estimator: Any) -> str:
    """Return the advice to standardise the target, if there is the choice and it was not made."""
    is_choice = getattr(estimator, "standardize_target", True) is False
    return " and the target (standardize_target=True)" if is_choice else ""
