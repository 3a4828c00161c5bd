"""One fit in training: the validation split, the search for the best epoch, and the refit."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skmlp._compiled.choice import Choice
from skmlp._data.prepare import FitData
from skmlp._data.scales import warn_of_weight_scale
from skmlp._data.split import split_dataset
from skmlp._engine.network import Network
from skmlp._engine.types import FloatArray
from skmlp._fit.attributes import feature_attributes, history_attributes, network_attributes
from skmlp._fit.build import batch_rows, build_solver, max_epochs_of
from skmlp._fit.callbacks import FitTasks
from skmlp._fit.diagnostics import warn_of_batch_size
from skmlp._fit.epoch_table import EpochTable
from skmlp._fit.scoring import build_validation
from skmlp._persistence.checkpoint import Checkpoint
from skmlp._threads import blas_threads, matmul_shapes
from skmlp._training.dataset import Dataset
from skmlp._training.early_stopping import ReplayedPlateaus
from skmlp._training.history import History
from skmlp._training.lbfgs import train_lbfgs
from skmlp._training.loop import Loop, Progress, TrainingEvents, Validation
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.state import TrainingState
from skmlp._training.stochastic import train_stochastic

# enough for means and variances that are 1 % exact
_POPULATION_ROWS = 10_000


@dataclass(frozen=True)
class Trainer:
    """Runs one fit: splits off the validation set, trains, refits, and reports each epoch.

    Attributes
    ----------
    estimator : estimator
        The estimator, whose parameters are read.
    data : FitData
        The training rows, and the validation set if the user gave one.
    network, state
        What is trained, in place.
    rng : RandomState
        Generator of the split and of the shuffling.
    checkpoint : Checkpoint
        Where completed epochs are saved.
    deadline : float
        When training must end, by `time.perf_counter`.
    table : EpochTable
        The table that `verbose` prints.
    tasks : FitTasks or None
        The callbacks, if there are any.
    kernels : Choice
        Compiled loops, if they are used.
    """

    estimator: Any
    data: FitData
    network: Network
    state: TrainingState
    rng: np.random.RandomState
    checkpoint: Checkpoint
    deadline: float
    table: EpochTable
    tasks: FitTasks | None
    kernels: Choice

    def search_and_refit(self) -> tuple[Dataset, History]:
        """Train, and train again on all rows if `refit`; return the rows of the first training."""
        estimator, network, state = self.estimator, self.network, self.state
        train, val = self.data.train, self.data.val
        is_split = state.rule.monitors_validation and val is None
        if is_split:
            classes = self.data.targets.stratification(train.y)
            fraction = estimator.validation_fraction
            train, val = split_dataset(train, classes, fraction, self._split_generator())
        validation = build_validation(estimator, val, self.data.targets, network)
        refits = estimator.refit and is_split
        initial = network.parameters.vectors.copy() if refits else None
        train = self._normalise_weights(train)
        warn_of_batch_size(estimator, len(train))
        if train.w is not None:
            is_batched = estimator.solver in OPTIMIZERS
            n_batch_rows = batch_rows(estimator, len(train)) if is_batched else len(train)
            warn_of_weight_scale(estimator.alpha, state.mean_weight, n_batch_rows)
        finished = self.checkpoint.load_finished_search(network, state) if refits else None
        history = self._train(train, validation) if finished is None else finished
        if initial is not None and not (history.interrupted or history.timed_out):
            self._refit(self._normalise_weights(self.data.train), initial, history)
        return train, history

    def _split_generator(self) -> np.random.RandomState:
        """Return the generator of the validation split: with warm_start always in the same state.

        A new split would let rows judge the model that was trained on them.
        """
        state = self.state
        if not self.estimator.warm_start:
            return self.rng
        if state.split_rng is None:
            state.split_rng = copy.deepcopy(self.rng)
            return self.rng
        return copy.deepcopy(state.split_rng)

    def _normalise_weights(self, data: Dataset) -> Dataset:
        """Return the rows with weights of mean one over the training set; scale the penalty too."""
        state, network = self.state, self.network
        if not self.data.mode.partial:
            state.mean_weight, state.n_rows = 0.0, 0
        state.update_mean_weight(data.mean_weight(), len(data))
        network.alpha = float(self.estimator.alpha) / state.mean_weight
        return data.normalised(state.mean_weight, network.theta.dtype)

    def _train(
        self, data: Dataset, validation: Validation | None, max_epochs: int | None = None
    ) -> History:
        """Run the solver, in place on the network and the state."""
        if self.estimator.solver not in OPTIMIZERS:
            return self._train_lbfgs(data, validation)
        estimator, network, state, mode = self.estimator, self.network, self.state, self.data.mode
        previous = state.solver if mode.partial else None
        n_rows_seen = estimator.t_ if mode.continues else 0
        state.solver = build_solver(estimator, network, n_rows_seen, previous)
        if mode.continues and validation is not None and state.rule.monitors_validation:
            state.rule.update(validation.measured(network))  # the value to beat
        batch_size = batch_rows(estimator, len(data))
        if max_epochs is None:
            max_epochs = 1 if mode.partial else max_epochs_of(estimator)
        takes_population = network.batch_norms and not mode.partial
        population = data.subsample(_POPULATION_ROWS).gather().X if takes_population else None
        loops = self.kernels.loops
        if loops and issparse(data.X) and network.takes_sparse_rows:
            data = replace(data, in_sparse_rows=True)
        train = partial(
            train_stochastic,
            network,
            state.solver,
            state.rule,
            data,
            batch_size=batch_size,
            max_epochs=max_epochs,
            rng=self.rng if estimator.shuffle else None,
            population=population,
            loops=loops,
        )
        progress = self.checkpoint.resume(network, state, self.rng, data, estimator.shuffle)
        n_batches = max_epochs * math.ceil(len(data) / batch_size)
        threads = self._blas_threads(batch_size, data, n_batches)
        return self._run(train, validation, threads, progress)

    def _train_lbfgs(self, data: Dataset, validation: Validation | None) -> History:
        """Run L-BFGS, in place on the network."""
        estimator = self.estimator
        max_iter = max_epochs_of(estimator)
        limits = {"max_iter": max_iter, "max_fun": estimator.max_fun, "tol": estimator.tol}
        train = partial(train_lbfgs, self.network, data, **limits)
        return self._run(train, validation, self._blas_threads(len(data), data, max_iter))

    def _run(
        self,
        train: Callable[..., History],
        validation: Validation | None,
        threads: blas_threads,
        progress: Progress | None = None,
    ) -> History:
        """Return the history of ``train(loop=...)``, reported and on the given threads."""
        loop = Loop(
            self.network,
            validation=validation,
            deadline=self.deadline,
            events=_Reports(self, threads),
            progress=progress,
        )
        history = threads.run(partial(train, loop=loop))
        self.table.end(history)
        return history

    def _blas_threads(self, m: int, data: Dataset, repeats: int) -> blas_threads:
        """Return the context in which BLAS computes on the number of threads asked for."""
        shapes = matmul_shapes(m, data.X, self.network.W)
        dtype = self.network.theta.dtype
        return blas_threads(self.estimator.n_threads, shapes, dtype, repeats=repeats)

    def _refit(self, data: Dataset, initial: FloatArray, history: History) -> None:
        """Train on all rows from the start for the best number of epochs.

        If that is not completed, the best parameters of the search stay.
        """
        vectors, rule = self.network.parameters.vectors, self.state.rule
        best = vectors.copy()
        try:
            self.checkpoint.record_search(self.network, self.state, history)
            vectors[...] = initial
            self.state.rule, self.state.solver = ReplayedPlateaus(history.plateaus), None
            last = self._train(data, None, max_epochs=max(1, history.best_epoch))
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


class _Reports(TrainingEvents):
    """Reports training to the table, the callbacks and the checkpoint; reviews BLAS's threads.

    Parameters
    ----------
    trainer : Trainer
        The fit.
    threads : blas_threads
        The context in which BLAS computes.
    """

    def __init__(self, trainer: Trainer, threads: blas_threads) -> None:
        self._trainer, self._threads = trainer, threads

    def batch(self) -> None:
        """Let the number of threads be decided anew if the last decision is old."""
        self._threads.review()

    def epoch_begin(self) -> None:
        """Tell the callbacks."""
        if self._trainer.tasks is not None:
            self._trainer.tasks.epoch_begin()

    def epoch_end(self, history: History) -> bool:
        """Print the epoch and tell the callbacks; return whether one of them requests to stop."""
        trainer = self._trainer
        trainer.table.print_line(history)
        if trainer.tasks is None:
            return False
        return trainer.tasks.epoch_end(
            lambda: {
                **network_attributes(trainer.network, trainer.data.targets),
                **history_attributes(history),
                **feature_attributes(trainer.estimator),
                "_fitted_threads": 1,
            }
        )

    def progress(self, progress: Progress) -> None:
        """Save the progress, if there is a checkpoint."""
        trainer = self._trainer
        trainer.checkpoint.save(progress, trainer.network, trainer.state, trainer.rng)
