"""What mini-batch training and L-BFGS share, epoch by epoch: validation, snapshots, events."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skmlp._engine.network import Network
from skmlp._engine.types import FloatArray, IndexArray
from skmlp._training.dataset import Dataset
from skmlp._training.early_stopping import StoppingRule
from skmlp._training.history import History


@dataclass(frozen=True)
class Validation:
    """The validation set, and how it is scored.

    Attributes
    ----------
    data : Dataset
        The validation rows.
    score : callable or None, default=None
        ``score(network)`` returns the score. If None, the score is that of the loss.
    chunk_rows : int or None, default=None
        Number of rows per chunk. If None, all rows at once. The network's output is in memory for
        one chunk only.
    """

    data: Dataset
    score: Callable[[Network], float] | None = None
    chunk_rows: int | None = None

    def measure(self, network: Network, history: History) -> None:
        """Append the mean loss and the score to the history."""
        loss, y, w = network.loss.unsmoothed, self.data.y, self.data.w
        mean_loss, predicted = 0.0, []
        for rows, z in network.predictor().chunks(self.data.X, self.chunk_rows):
            if self.score is None:
                predicted.append(loss.predict(z))
            share = len(z) / len(y)
            mean_loss += share * loss.loss_gradient(z, y[rows], None if w is None else w[rows])
        if self.score is None:
            score = loss.score(np.concatenate(predicted), y, w)
        else:
            score = self.score(network)
        history.validation_loss_curve.append(mean_loss)
        history.validation_scores.append(score)

    def measured(self, network: Network) -> History:
        """Return a history of this one measurement."""
        history = History()
        self.measure(network, history)
        return history


@dataclass(frozen=True)
class Progress:
    """Snapshot taken after each completed epoch, to resume training or to roll it back.

    Attributes
    ----------
    history : History
        The history, which training continues to change.
    order : ndarray of row numbers or None
        Order of the rows in the last epoch, from which the next order is shuffled.
    vectors : ndarray
        The network's vectors with which training would end: those of the best epoch.
    n_epochs, best_epoch, n_rows : int
        Number of completed epochs, number of the best one, and number of rows trained on.
    rule : dict
        Attributes of the stopping rule.
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
        cls,
        history: History,
        order: IndexArray | None,
        vectors: FloatArray,
        rule: StoppingRule | None = None,
    ) -> "Progress":
        """Return the snapshot at the end of the last epoch in the history."""
        n_epochs, n_rows = len(history.loss_curve), history.n_rows
        rule_state = {} if rule is None else vars(rule).copy()
        return cls(history, order, vectors, n_epochs, history.best_epoch, n_rows, rule_state)

    def roll_back(self) -> None:
        """Remove an interrupted epoch from the history."""
        self.history.interrupt(self.n_epochs)
        self.history.best_epoch, self.history.n_rows = self.best_epoch, self.n_rows


class TrainingEvents:
    """What a training loop reports. These methods do nothing; a listener overrides them."""

    def batch(self) -> None:
        """React to the beginning of a batch."""

    def epoch_begin(self) -> None:
        """React to the beginning of an epoch."""

    def epoch_end(self, history: History) -> bool:
        """React to the end of an epoch; return whether training must stop."""
        return False

    def progress(self, progress: Progress) -> None:
        """Save the progress, from which training can be resumed."""


class Loop:
    """State of one training, from epoch to epoch.

    Parameters
    ----------
    network : Network
        The network in training.
    validation : Validation or None, default=None
        What is measured after each epoch. If None, nothing is.
    deadline : float, default=inf
        When training must end, within an epoch too, by `time.perf_counter`.
    events : TrainingEvents, default=TrainingEvents()
        The listener.
    progress : Progress or None, default=None
        Where training resumes, once network, solver and rule have been restored. If None, training
        begins.

    Attributes
    ----------
    progress : Progress
        The last completed epoch.
    """

    def __init__(
        self,
        network: Network,
        *,
        validation: Validation | None = None,
        deadline: float = math.inf,
        events: TrainingEvents | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.vectors = network.parameters.vectors
        self.network, self.validation, self.deadline = network, validation, deadline
        self.events = events or TrainingEvents()
        self.progress = progress or Progress(History(), None, self.vectors.copy())

    @property
    def history(self) -> History:
        """The history of this training."""
        return self.progress.history

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return time.perf_counter() > self.deadline

    def record(self, loss: float) -> None:
        """Record the loss of an epoch and, if there is a validation set, what it measures."""
        self.history.loss = loss
        self.history.loss_curve.append(loss)
        if self.validation is not None:
            self.validation.measure(self.network, self.history)

    def complete(
        self, keep: bool, order: IndexArray | None = None, rule: StoppingRule | None = None
    ) -> None:
        """Take the snapshot of a completed epoch.

        If `keep`, the snapshot has the current parameters, else those of the best epoch so far.
        """
        history = self.history
        history.best_epoch = len(history.loss_curve) if keep else self.progress.best_epoch
        best = self.vectors.copy() if keep else self.progress.vectors
        # replaced as a whole, so that an interrupt finds either the epoch before or this one
        self.progress = Progress.after(history, order, best, rule)

    def must_end(self) -> bool:
        """Report the end of the epoch; return whether a listener or the deadline ends training."""
        history = self.history
        history.stopped = history.converged = self.events.epoch_end(history)
        history.timed_out = not history.stopped and self.is_late
        return history.stopped or history.timed_out

    @property
    def is_first_epoch(self) -> bool:
        """Whether no epoch is complete, so that there is nothing to go back to."""
        return self.progress.n_epochs == 0

    def roll_back(self, rule: StoppingRule | None = None) -> None:
        """Undo an interrupted epoch in the history, the rule and the parameters."""
        self.progress.roll_back()
        if rule is not None:
            vars(rule).update(self.progress.rule)
        self.restore_best()

    def restore_best(self) -> None:
        """Give the network the parameters of the best epoch."""
        self.vectors[...] = self.progress.vectors


def diverged(data: Dataset, epoch: int, learning_rate: float | None = None) -> ValueError:
    """Return the error for a training whose numbers are no longer finite."""
    rate = "" if learning_rate is None else f" at learning rate {learning_rate:g}"
    remedy = "" if learning_rate is None else "lower learning_rate_init or "
    of_y = target = ""
    if data.y.dtype.kind == "f":
        of_y = f", in y {np.abs(data.y).max():g}"
        target = " Targets are scaled by standardize_target=True."
    return ValueError(
        f"Training diverged: non-finite loss, solver's state or parameters in epoch {epoch}{rate}. "
        f"The largest absolute value in X is {data.largest_input():g}{of_y}. To remedy this, "
        f"{remedy}scale the features, for example with StandardScaler.{target}"
    )
