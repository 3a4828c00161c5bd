"""The steps of `fit` and `partial_fit`, in order; all or nothing."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from skmlp._data.prepare import prepare_fit_data
from skmlp._data.request import FitRequest
from skmlp._fit.attributes import (
    set_history_attributes,
    set_network_attributes,
    set_training_state,
)
from skmlp._fit.build import build_generator, build_kernels, build_network, build_rule
from skmlp._fit.callbacks import FitTasks, has_callbacks
from skmlp._fit.checks import check_parameters
from skmlp._fit.diagnostics import (
    barely_beats_baseline,
    warn_of_ending,
    warn_of_ignored_parameters,
    warn_of_scales,
)
from skmlp._fit.epoch_table import EpochTable
from skmlp._fit.trainer import Trainer
from skmlp._persistence.checkpoint import open_checkpoint
from skmlp._training.dataset import Dataset
from skmlp._training.history import History
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.state import TrainingState


# numbers too small for the precision are 0, whatever the user has set by np.seterr
@np.errstate(under="ignore")
def fit_estimator(estimator: Any, request: FitRequest) -> bool:
    """Fit the estimator in place, or leave everything as it was.

    Parameters
    ----------
    estimator : estimator
        The estimator: its parameters are read, its fitted attributes are set.
    request : FitRequest
        The arguments of `fit` or `partial_fit`.

    Returns
    -------
    interrupted : bool
        Whether Ctrl-C ended training early.

    Raises
    ------
    InvalidParameterError, ValueError, KeyboardInterrupt
        As in `fit` and `partial_fit`.
    """
    start = time.perf_counter()
    mode = request.mode
    tasks = _begin_tasks(estimator, request)
    fitted = working_copy(estimator)
    if mode.partial:
        # fit_context validates the parameters of a model that is fitted already in fit only
        fitted._validate_params()
    check_parameters(fitted, mode)
    warn_of_ignored_parameters(fitted, request)
    state = fitted._state.copy() if mode.continues else TrainingState()
    data = prepare_fit_data(fitted, request)
    if not mode.continues:
        warn_of_scales(fitted, data.train)
    checkpoint = open_checkpoint(fitted, data)
    rng = build_generator(fitted, state, mode)
    rng = checkpoint.restore_initial_rng(rng, fitted.random_state)
    network = build_network(fitted, data, state, rng)
    state.rule = build_rule(fitted, state.rule, mode)
    deadline = math.inf if fitted.max_time is None else start + fitted.max_time
    kernels = build_kernels(fitted, data, state, checkpoint.compiled)
    table = EpochTable(int(fitted.verbose), kernels)
    trainer = Trainer(
        fitted, data, network, state, rng, checkpoint, deadline, table, tasks, kernels
    )
    with checkpoint.naming_the_file():
        train, history = trainer.search_and_refit()
    set_network_attributes(fitted, network, data.targets)
    set_history_attributes(fitted, history, state.rule.monitors_validation, mode)
    set_training_state(fitted, network, state, history, rng, data)
    warn_of_ending(fitted, history, mode, _unbeaten_baseline(trainer, train, history))
    with all_or_nothing(estimator):
        estimator.__dict__ = vars(fitted)
        if tasks is not None:
            tasks.end()
        checkpoint.close(history)
    return history.interrupted


def working_copy(estimator: Any) -> Any:
    """Return an estimator of the same class with the same attributes.

    The copy is fitted in place of the estimator, whose attributes are replaced in one step once
    nothing can fail any more: neither an error nor an interrupt finds half a model.
    """
    copied = object.__new__(type(estimator))
    vars(copied).update(vars(estimator))
    return copied


@contextmanager
def all_or_nothing(estimator: BaseEstimator) -> Iterator[None]:
    """Put all attributes of the estimator back, in one step, if what follows fails."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        estimator.__dict__ = before
        raise


def _begin_tasks(estimator: Any, request: FitRequest) -> FitTasks | None:
    """Return the callbacks' tasks; None without callbacks, and in `partial_fit`."""
    if not has_callbacks(estimator) or request.mode.partial:
        return None
    refits = estimator.early_stopping and estimator.refit
    return FitTasks(estimator, request, None if refits else estimator.max_iter)


def _unbeaten_baseline(trainer: Trainer, train: Dataset, history: History) -> str | None:
    """Return the name of the baseline, if training has converged but barely beats it."""
    estimator, network = trainer.estimator, trainer.network
    comes_to_rest = history.converged and not history.stopped
    comes_to_rest &= estimator.n_iter_no_change < math.inf
    # L-BFGS ends at a minimum, unless the loss has kinks: there it can stall
    can_stall = estimator.solver in OPTIMIZERS or not network.loss.smooth
    if not comes_to_rest or not can_stall or trainer.data.mode.partial:
        return None
    try:
        learnt = not barely_beats_baseline(network, train)
    except KeyboardInterrupt:  # the model is complete, only a warning may be missing
        learnt = history.interrupted = True
    return None if learnt else network.loss.baseline_name
