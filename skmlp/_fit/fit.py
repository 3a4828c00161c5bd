"""The assembly of a fit: prepare the rows, build the network, train, publish, keep, warn."""

import copy
import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._data.chunks import products
from skmlp._data.inputs import all_or_nothing, split_rows
from skmlp._data.prepare import FitData, prepare_fit_data
from skmlp._data.targets import ClassificationTargets
from skmlp._engine.network import Network
from skmlp._engine.types import FloatArray
from skmlp._fit.attributes import (
    network_attributes,
    set_history_attributes,
    set_network_attributes,
    set_training_state,
    warn_of_batch_size,
    warn_of_ending,
    warn_of_scales,
)
from skmlp._fit.build import (
    build_generator,
    build_rule,
    build_solver,
    check_combinations,
    most_epochs,
    start_network,
)
from skmlp._fit.callbacks import FitTasks, has_callbacks
from skmlp._fit.epoch_table import EpochTable
from skmlp._fit.scoring import build_validation
from skmlp._persistence.checkpoint import Checkpoint, open_checkpoint
from skmlp._threads import blas_threads
from skmlp._training.dataset import Dataset
from skmlp._training.history import History, ReplayedPlateaus
from skmlp._training.lbfgs import train_lbfgs
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.state import TrainingState
from skmlp._training.stochastic import Progress, Validation, barely_beats_baseline, train

# enough for means and variances that are 1 % exact
_POPULATION_ROWS = 10_000


def fit_estimator(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: npt.ArrayLike | None,
    *,
    X_val: Any = None,
    y_val: Any = None,
    classes: npt.ArrayLike | None = None,
    incremental: bool = False,
) -> bool:
    """Fit the estimator, in place, or leave everything as it was.

    Parameters
    ----------
    estimator : NumpyMLPClassifier
        What is fitted; its parameters are read, its fitted attributes set.
    X, y, sample_weight, X_val, y_val, classes
        As the user passed them to `fit` or `partial_fit`.
    incremental : bool, default=False
        Whether that was `partial_fit`.

    Returns
    -------
    interrupted : bool
        Whether Ctrl-C has ended the training before its time.

    Raises
    ------
    InvalidParameterError, ValueError, KeyboardInterrupt
        As in `fit` and `partial_fit`.
    """
    start = time.perf_counter()
    tasks = None
    if has_callbacks(estimator) and not incremental:
        refits = estimator.early_stopping and estimator.refit
        tasks = FitTasks(estimator, X, y, sample_weight, None if refits else estimator.max_iter)
    with all_or_nothing(estimator):
        if incremental:
            # fit_context validates the parameters of a model that is fitted already in fit only
            estimator._validate_params()
        check_combinations(estimator, incremental)
        goes_on = hasattr(estimator, "coefs_") and (incremental or estimator.warm_start)
        state = copy.deepcopy(estimator._state) if goes_on else TrainingState()
        data = prepare_fit_data(
            estimator, X, y, sample_weight, X_val, y_val, classes, goes_on, incremental
        )
        if not goes_on:
            warn_of_scales(estimator, data.rows)
        checkpoint = open_checkpoint(estimator, data, goes_on, incremental)
        rng = build_generator(estimator, state, incremental)
        rng = checkpoint.restore_initial_rng(rng, estimator.random_state)
        network = start_network(estimator, data, state, rng, goes_on, incremental)
        state.rule = build_rule(estimator, incremental, state.rule)
        deadline = math.inf if estimator.max_time is None else start + estimator.max_time
        run = Trainer(
            estimator,
            network,
            state,
            data.encoder,
            rng,
            checkpoint,
            deadline,
            tasks,
            EpochTable(int(estimator.verbose)),
            goes_on,
            incremental,
        )
        with checkpoint.naming_the_file():
            rows, history = run.search_and_refit(data)
        set_network_attributes(estimator, network, data.encoder)
        set_history_attributes(estimator, history, state.rule.monitors_validation, goes_on)
        set_training_state(estimator, network, state, history, rng, incremental)
        if tasks is not None:
            tasks.end()
        comes_to_rest = history.converged and not history.stopped
        stands_still = comes_to_rest and estimator.solver in OPTIMIZERS and not incremental
        try:
            learnt = not (stands_still and barely_beats_baseline(network, rows))
        except KeyboardInterrupt:  # the model is complete, only a warning may be missing
            learnt = True
    checkpoint.close(history)
    warn_of_ending(estimator, history, learnt, incremental)
    return history.interrupted


@dataclass(frozen=True)
class Trainer:
    """What a fit trains with, and whom it tells of its epochs."""

    estimator: Any
    network: Network
    state: TrainingState
    encoder: ClassificationTargets
    rng: np.random.RandomState
    checkpoint: Checkpoint
    deadline: float
    tasks: FitTasks | None
    table: EpochTable
    goes_on: bool
    incremental: bool

    def search_and_refit(self, data: FitData) -> tuple[Dataset, History]:
        """Split if need be, train, and train again if asked for; return the rows of the first."""
        estimator, network, state = self.estimator, self.network, self.state
        rows, val_rows = data.rows, data.val_rows
        is_split = state.rule.monitors_validation and val_rows is None
        if is_split:
            fraction = estimator.validation_fraction
            rows, val_rows = split_rows(rows, self.encoder, fraction, self.split_generator())
        validation = build_validation(estimator, val_rows, self.encoder, network)
        refits = estimator.refit and is_split
        initial = network.parameters.vectors.copy() if refits else None
        rows = self.normalise_weights(rows)
        warn_of_batch_size(estimator, len(rows))
        searched = self.checkpoint.load_finished_search(network, state) if refits else None
        history = self.train(rows, validation) if searched is None else searched
        if initial is not None and not (history.interrupted or history.timed_out):
            self.refit(self.normalise_weights(data.rows), initial, history)
        return rows, history

    def split_generator(self) -> np.random.RandomState:
        """Return the generator of the validation split: with warm_start always in the same state.

        A new split would let rows judge the model that it was trained on.
        """
        state = self.state
        if not self.estimator.warm_start:
            return self.rng
        if state.split_rng is None:
            state.split_rng = copy.deepcopy(self.rng)
            return self.rng
        return copy.deepcopy(state.split_rng)

    def normalise_weights(self, rows: Dataset) -> Dataset:
        """Return rows with weights of mean one over the training set; let the penalty match."""
        state, network = self.state, self.network
        if not self.incremental:
            state.mean_weight, state.n_rows = 0.0, 0
        state.update_mean_weight(rows.mean_weight(), len(rows))
        network.alpha = float(self.estimator.alpha) / state.mean_weight
        return rows.normalised(state.mean_weight, network.theta.dtype)

    def train(
        self, rows: Dataset, validation: Validation | None, max_epochs: int | None = None
    ) -> History:
        """Run the solver, in place on the network and the state."""
        estimator, network, state = self.estimator, self.network, self.state
        dtype = network.theta.dtype
        max_iter = most_epochs(estimator)
        if estimator.solver == "lbfgs":
            sizes = products(len(rows), rows.X, network.W)
            with blas_threads(estimator.n_threads, sizes, dtype, repeats=max_iter):
                return train_lbfgs(
                    network,
                    rows,
                    max_iter=max_iter,
                    max_fun=estimator.max_fun,
                    tol=estimator.tol,
                    validation=validation,
                    deadline=self.deadline,
                    on_epoch_begin=self.epoch_begin,
                    on_epoch_end=self.epoch_end,
                )
        previous = state.solver if self.incremental else None
        n_rows_seen = estimator.t_ if self.goes_on else 0
        state.solver = build_solver(estimator, network, n_rows_seen, previous)
        batch_size = _batch_size(estimator, len(rows))
        if max_epochs is None:
            max_epochs = 1 if self.incremental else max_iter
        takes_population = network.batch_norms and not self.incremental
        population = rows.subsample(_POPULATION_ROWS).gather().X if takes_population else None
        sizes = products(batch_size, rows.X, network.W)
        n_batches = max_epochs * math.ceil(len(rows) / batch_size)
        with (threads := blas_threads(estimator.n_threads, sizes, dtype, repeats=n_batches)):
            return train(
                network,
                state.solver,
                state.rule,
                rows,
                batch_size=batch_size,
                max_epochs=max_epochs,
                rng=self.rng if estimator.shuffle else None,
                validation=validation,
                population=population,
                deadline=self.deadline,
                on_batch=threads.review,
                on_epoch_begin=self.epoch_begin,
                on_epoch_end=self.epoch_end,
                progress=self.checkpoint.resume(network, state, self.rng, rows, estimator.shuffle),
                on_progress=self.save,
            )

    def refit(self, rows: Dataset, initial: FloatArray, history: History) -> None:
        """Train on all rows from the start for the best number of epochs.

        If that is not completed, the best parameters of the search stay.
        """
        vectors, rule = self.network.parameters.vectors, self.state.rule
        best = vectors.copy()
        try:
            self.checkpoint.record_search(self.network, self.state, history)
            vectors[...] = initial
            self.state.rule, self.state.solver = ReplayedPlateaus(history.plateaus), None
            last = self.train(rows, None, max_epochs=max(1, history.best_epoch))
        except KeyboardInterrupt:
            last = History(interrupted=True)
        history.interrupted, history.timed_out = last.interrupted, last.timed_out
        self.state.rule = rule
        if last.interrupted or last.timed_out:
            vectors[...] = best
            history.converged = False
            history.message = "the second training, on all rows, was given up"
        else:
            history.loss = last.loss
            history.n_rows += last.n_rows

    def save(self, progress: Progress) -> None:
        """Write the checkpoint, if there is one and it is time for that."""
        self.checkpoint.save(progress, self.network, self.state, self.rng)

    def epoch_begin(self) -> None:
        """Tell the callbacks."""
        if self.tasks is not None:
            self.tasks.epoch_begin()

    def epoch_end(self, history: History) -> bool:
        """Print the epoch and tell the callbacks; return whether one of them wants to stop."""
        self.table.print_line(history)
        if self.tasks is None:
            return False
        return self.tasks.epoch_end(
            lambda: {
                **network_attributes(self.network, self.encoder),
                "_fitted_threads": 1,
                "loss_": history.loss,
                "n_iter_": len(history.loss_curve),
                "loss_curve_": [*history.loss_curve],
                "validation_loss_curve_": [*history.validation_loss_curve] or None,
                "validation_scores_": [*history.validation_scores] or None,
                "learning_rate_curve_": [*history.learning_rate_curve] or None,
            }
        )


def _batch_size(estimator: Any, n_rows: int) -> int:
    """Return the number of rows in a batch."""
    return min(200 if estimator.batch_size == "auto" else estimator.batch_size, n_rows)
