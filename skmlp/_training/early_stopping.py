"""Stopping rule: when training has stopped improving."""

import math
from typing import Literal

from skmlp._training.history import History

Monitored = Literal["loss", "validation_loss", "validation_score"]


class StoppingRule:
    """Patience: training ends when the monitored value stops improving.

    Parameters
    ----------
    monitors : {"loss", "validation_loss", "validation_score"}, default="loss"
        The monitored value: the training loss, or the loss or score on the validation set.
    tol, rtol : float, default=1e-4 and 0.0
        Minimum improvement over the best value to count as progress, absolute and as a share of the
        best value. The larger of both counts.
    patience : int or inf, default=10
        Number of consecutive epochs without improvement to tolerate.
    ties_to_latest : bool, default=False
        Whether the latest of several equal values counts as the best.

    Attributes
    ----------
    best : float
        Lowest value so far.
    n_without_improvement : int
        Number of epochs since the last improvement.
    """

    def __init__(
        self,
        monitors: Monitored = "loss",
        tol: float = 1e-4,
        rtol: float = 0.0,
        patience: float = 10,
        ties_to_latest: bool = False,
    ) -> None:
        self.monitors = monitors
        self.tol, self.rtol, self.patience, self.ties_to_latest = (
            tol,
            rtol,
            patience,
            ties_to_latest,
        )
        self.best = math.inf
        self.n_without_improvement = 0

    @property
    def monitors_validation(self) -> bool:
        """Whether the value is measured on the validation rows."""
        return self.monitors != "loss"

    def update(self, history: History) -> bool:
        """Evaluate the last epoch; return whether it is the best so far."""
        value = self._value(history)
        margin = max(self.tol, self.rtol * abs(self.best)) if math.isfinite(self.best) else 0.0
        improved = value <= self.best - margin
        self.n_without_improvement = 0 if improved else self.n_without_improvement + 1
        is_best = value < self.best or (self.ties_to_latest and value == self.best)
        self.best = min(value, self.best)
        return is_best

    def _value(self, history: History) -> float:
        """Return the monitored value of the last epoch, lower is better."""
        if self.monitors == "validation_score":
            return -history.validation_scores[-1]
        if self.monitors == "validation_loss":
            return history.validation_loss_curve[-1]
        return history.loss_curve[-1]

    @property
    def exhausted(self) -> bool:
        """Whether patience has run out."""
        return self.n_without_improvement > self.patience


class ReplayedPlateaus(StoppingRule):
    """Plateaus after given epochs, so that a second training repeats the learning rates of a first.

    Parameters
    ----------
    epochs : list of int
        Numbers of these epochs, counted from 1.
    """

    def __init__(self, epochs: list[int]) -> None:
        super().__init__()
        self.epochs = epochs
        self.epoch = 0

    def update(self, history: History) -> bool:
        """Count the epoch; return False."""
        self.epoch += 1
        return False

    @property
    def exhausted(self) -> bool:
        """Whether this epoch ended in a plateau."""
        return self.epoch in self.epochs
