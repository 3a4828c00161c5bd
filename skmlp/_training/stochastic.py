"""Training by mini-batches: one epoch, validation, the loop over epochs, the best parameters."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skmlp._engine.losses.classification import LOSSES, accuracy
from skmlp._engine.network import Network
from skmlp._engine.types import FloatArray, IndexArray, Matrix
from skmlp._training.dataset import Dataset, minibatches
from skmlp._training.history import History, StoppingRule
from skmlp._training.solver import Solver

OnEpoch = Callable[[History], bool]


def never_stop(history: History) -> bool:
    """Return False: nothing asks for training to stop."""
    return False


@dataclass(frozen=True)
class Validation:
    """What is measured after each epoch.

    Attributes
    ----------
    rows : Dataset
        The validation rows.
    score : callable or None, default=None
        ``score(network)`` returns the score; None: accuracy.
    chunk_rows : int or None, default=None
        Number of rows per chunk of the forward pass; None: all at once.
    """

    rows: Dataset
    score: Callable[[Network], float] | None = None
    chunk_rows: int | None = None

    def measure(self, network: Network, history: History) -> None:
        """Append the mean cross-entropy and the score to the history."""
        loss = LOSSES[network.loss.out_activation]
        z, y, w = network.logits(self.rows.X, self.chunk_rows), self.rows.y, self.rows.w
        score = accuracy(loss, z, y, w) if self.score is None else self.score(network)
        history.validation_loss_curve.append(loss.loss_gradient(z, y, w))
        history.validation_scores.append(score)


@dataclass(frozen=True)
class Progress:
    """Where a training stands after a complete epoch, beside what it changes in place.

    Attributes
    ----------
    history : History
        What it went through.
    order : ndarray of row numbers or None
        The order of the rows in the last epoch, from which that of the next one is shuffled.
    vectors : ndarray
        The network's vectors that it would end with.
    n_epochs, best_epoch, n_rows : int
        Number of complete epochs, that of the one whose parameters these are, and the number of
        rows trained on.
    rule : dict
        What the stopping rule has gone by so far.
    """

    history: History
    order: IndexArray | None
    vectors: FloatArray
    n_epochs: int = 0
    best_epoch: int = 0
    n_rows: int = 0
    rule: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def after(
        cls, history: History, order: IndexArray | None, vectors: FloatArray, rule: StoppingRule
    ) -> "Progress":
        """Return it at the end of an epoch."""
        n_epochs, n_rows = len(history.loss_curve), history.n_rows
        return cls(history, order, vectors, n_epochs, history.best_epoch, n_rows, vars(rule).copy())

    def roll_back(self) -> None:
        """Forget what the history tells of an interrupted epoch.

        To be called where a KeyboardInterrupt is handled; raises it again in the first epoch.
        """
        if self.n_epochs == 0:
            raise  # the interrupt that is being handled
        self.history.interrupt(self.n_epochs)
        self.history.best_epoch, self.history.n_rows = self.best_epoch, self.n_rows


def run_epoch(
    network: Network,
    solver: Solver,
    rows: Dataset,
    batch_size: int,
    order: IndexArray | None,
    deadline: float = math.inf,
    on_batch: Callable[[], object] = lambda: None,
) -> tuple[float, int]:
    """Take one step per batch, in place on the network's parameters.

    Returns
    -------
    loss : float
        Mean objective per row; not finite if that of a batch was not.
    n_rows : int
        Number of rows trained on: fewer than all if the deadline has passed.
    """
    total, n_rows = 0.0, 0
    dt = 1 / math.ceil(len(rows) / batch_size)
    batches = minibatches(rows, batch_size, order, network.theta.dtype)
    for i, (X, y, w) in enumerate(batches):
        on_batch()
        E = network.loss_gradient(X, y, w)
        if not math.isfinite(E):
            return E, n_rows
        solver.step(network, i * dt, dt)
        total += E * X.shape[0]
        n_rows += X.shape[0]
        if time.perf_counter() > deadline:
            break
    return total / n_rows, n_rows


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def train(
    network: Network,
    solver: Solver,
    rule: StoppingRule,
    rows: Dataset,
    *,
    batch_size: int,
    max_epochs: int,
    rng: np.random.RandomState | None,
    validation: Validation | None = None,
    population: Matrix | None = None,
    deadline: float = math.inf,
    on_batch: Callable[[], object] = lambda: None,
    on_epoch_begin: Callable[[], object] = lambda: None,
    on_epoch_end: OnEpoch = never_stop,
    progress: Progress | None = None,
    on_progress: Callable[[Progress], object] = lambda progress: None,
) -> History:
    """Train by mini-batches, in place on `network`, `solver` and `rule`.

    If the rule monitors the validation, training ends with the parameters of the best epoch, or
    with the initial ones if the best value is older. A schedule that is planned for all epochs is
    not cut short by a plateau of the training loss.

    Parameters
    ----------
    network, solver, rule
        What is trained, and the state that goes with it.
    rows : Dataset
        The training rows.
    batch_size : int
        Number of rows in a batch.
    max_epochs : int
        Number of epochs after which training ends in any case.
    rng : RandomState or None
        Shuffles the rows before each epoch; None: no shuffling.
    validation : Validation or None
        What is measured after each epoch.
    population : ndarray, CSR matrix or None
        Rows from which batch normalisations take their means and variances for prediction, before
        each validation and at the end; None: they keep their running means.
    deadline : float
        When to end, within an epoch too, by `time.perf_counter`; the first batch is always taken.
    on_batch : callable
        Called before each batch.
    on_epoch_begin : callable
        Called before each epoch.
    on_epoch_end : callable
        Called with the history after each epoch; training stops if it returns True.
    progress : Progress or None
        Where to go on, once all that is trained is as it was then; None: at the start.
    on_progress : callable
        Called with the progress before each epoch but the first.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        When the loss, a parameter or a number of the solver's state is no longer finite.
    KeyboardInterrupt
        When interrupted before the first epoch is complete. Later, the interrupted epoch is undone
        and the history says so.
    """
    planned = solver.schedule.planned
    vectors = network.parameters.vectors
    if progress is None:
        order = np.arange(len(rows)) if rows.index is None and rng is not None else rows.index
        progress = Progress(History(), order, vectors.copy())
    history, order = progress.history, progress.order
    network.reserve(batch_size)
    try:
        for epoch in range(progress.n_epochs + 1, max_epochs + 1):
            on_epoch_begin()
            if rng is not None and order is not None:
                order = order[rng.permutation(len(rows))]
            loss, n_rows = run_epoch(network, solver, rows, batch_size, order, deadline, on_batch)
            # moments that overflow would let the parameters stand still, without an error
            if not (math.isfinite(loss) and np.isfinite(vectors).all() and solver.is_finite()):
                raise diverged(rows, epoch, solver.learning_rate)
            history.loss = loss
            history.loss_curve.append(loss)
            history.learning_rate_curve.append(solver.learning_rate)
            if validation is not None:
                if population is not None:
                    network.update_batch_norm_statistics(population)
                validation.measure(network, history)
            keeps = rule.update(history) or not rule.monitors_validation
            solver.epoch_end(n_rows)
            history.n_rows += n_rows
            history.best_epoch = epoch if keeps else progress.best_epoch
            best = vectors.copy() if keeps else progress.vectors
            # replaced as a whole, so that an interrupt finds either the epoch before or this one
            progress = Progress.after(history, order, best, rule)
            history.stopped = history.converged = on_epoch_end(history)
            if history.stopped:
                break
            if time.perf_counter() > deadline:
                history.timed_out = True
                break
            if rule.exhausted and (rule.monitors_validation or not planned):
                history.converged = not solver.schedule.plateau()
                if history.converged:
                    break
                history.plateaus.append(epoch)
                rule.n_without_improvement = 0
                progress.rule.update(vars(rule))
            if epoch < max_epochs:
                on_progress(progress)
        else:
            history.converged = planned
    except KeyboardInterrupt:
        progress.roll_back()
        vars(rule).update(progress.rule)
    vectors[...] = progress.vectors
    if validation is None and population is not None:
        try:
            network.update_batch_norm_statistics(population)
        except KeyboardInterrupt:
            history.interrupted = True
    return history


def barely_beats_baseline(network: Network, rows: Dataset, n_rows: int = 1000) -> bool:
    """Return whether predictions are hardly better than the frequencies of the classes.

    That is, whether the cross-entropy on a sample of the rows is not clearly below the entropy of
    their labels.
    """
    sample = rows.subsample(n_rows).gather()
    loss, z, w = LOSSES[network.loss.out_activation], network.logits(sample.X), sample.w
    entropy = loss.baseline(sample.y, z.shape[1], w)
    mean_weight = 1.0 if w is None else float(w.mean())
    return 0 < 0.99 * entropy < loss.loss_gradient(z, sample.y, w) / mean_weight


def diverged(rows: Dataset, epoch: int, learning_rate: float | None = None) -> ValueError:
    """Return the error for a training whose numbers are no longer finite."""
    rate = "" if learning_rate is None else f" at learning rate {learning_rate:g}"
    remedy = "" if learning_rate is None else "lower learning_rate_init or "
    return ValueError(
        f"Training diverged: non-finite loss, solver's state or parameters in epoch {epoch}{rate}. "
        f"The largest absolute value in X is {rows.largest_input():g}. To remedy this, {remedy}"
        "scale the features, for example with StandardScaler."
    )
