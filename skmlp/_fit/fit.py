"""The steps of `fit` and `partial_fit`, in order; all or nothing."""

import copy
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
from skmlp._fit.build import build_generator, build_network, build_rule
from skmlp._fit.callbacks import FitTasks, has_callbacks
from skmlp._fit.checks import check_parameters
from skmlp._fit.diagnostics import barely_beats_baseline, warn_of_ending, warn_of_scales
from skmlp._fit.epoch_table import EpochTable
from skmlp._fit.trainer import Trainer
from skmlp._persistence.checkpoint import open_checkpoint
from skmlp._training.dataset import Dataset
from skmlp._training.history import History
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.state import TrainingState


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
    # numbers too small for the precision are 0, whatever the user has set by np.seterr
    with np.errstate(under="ignore"), all_or_nothing(estimator):
        if mode.partial:
            # fit_context validates the parameters of a model that is fitted already in fit only
            estimator._validate_params()
        check_parameters(estimator, mode)
        state = copy.deepcopy(estimator._state) if mode.continues else TrainingState()
        data = prepare_fit_data(estimator, request)
        if not mode.continues:
            warn_of_scales(estimator, data.train)
        checkpoint = open_checkpoint(estimator, data)
        rng = build_generator(estimator, state, mode)
        rng = checkpoint.restore_initial_rng(rng, estimator.random_state)
        network = build_network(estimator, data, state, rng)
        state.rule = build_rule(estimator, state.rule, mode)
        deadline = math.inf if estimator.max_time is None else start + estimator.max_time
        table = EpochTable(int(estimator.verbose))
        trainer = Trainer(estimator, data, network, state, rng, checkpoint, deadline, table, tasks)
        with checkpoint.naming_the_file():
            train, history = trainer.search_and_refit()
        set_network_attributes(estimator, network, data.targets)
        set_history_attributes(estimator, history, state.rule.monitors_validation, mode)
        set_training_state(estimator, network, state, history, rng, data)
        if tasks is not None:
            tasks.end()
        unbeaten = _unbeaten_baseline(trainer, train, history)
    checkpoint.close(history)
    warn_of_ending(estimator, history, mode, unbeaten)
    return history.interrupted


@contextmanager
def all_or_nothing(estimator: BaseEstimator) -> Iterator[None]:
    """Put all attributes of the estimator back if what follows fails."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
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
    if not comes_to_rest or estimator.solver not in OPTIMIZERS or trainer.data.mode.partial:
        return None
    try:
        learnt = not barely_beats_baseline(network, train)
    except KeyboardInterrupt:  # the model is complete, only a warning may be missing
        learnt = True
    return None if learnt else network.loss.baseline_name
