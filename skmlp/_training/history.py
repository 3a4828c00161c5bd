"""What a training went through, and when it has gone on for long enough."""

import math
from dataclasses import dataclass, field
from typing import Literal

Monitored = Literal["loss", "validation_loss", "validation_score"]


@dataclass
class History:
    """What a training went through, an entry per epoch, and how it ended.

    Attributes
    ----------
    loss_curve : list of float
        Mean objective over the epoch's batches, penalty included.
    validation_loss_curve, validation_scores : list of float
        Mean cross-entropy and score on the validation rows; empty without any.
    learning_rate_curve : list of float
        The learning rate of the epoch's last batch; empty for L-BFGS.
    plateaus : list of int
        Numbers of the epochs after which the learning rate was adapted to a plateau.
    loss : float
        The last value of the objective.
    n_rows : int
        Number of rows that were trained on, over all epochs.
    best_epoch : int
        Number of the epoch whose parameters were kept, from 1; 0: those from before.
    converged, stopped, interrupted, timed_out : bool
        Whether training ended by itself, and if so because it was asked to; by an interrupt; or
        because its time was up.
    message : str
        What the solver says of its end.
    """

    loss_curve: list[float] = field(default_factory=list)
    validation_loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    learning_rate_curve: list[float] = field(default_factory=list)
    plateaus: list[int] = field(default_factory=list)
    loss: float = math.nan
    n_rows: int = 0
    best_epoch: int = 0
    converged: bool = False
    stopped: bool = False
    interrupted: bool = False
    timed_out: bool = False
    message: str = ""

    def interrupt(self, n_epochs: int) -> None:
        """Keep the entries of the first `n_epochs`, and note the interrupt."""
        for curve in (
            self.loss_curve,
            self.validation_loss_curve,
            self.validation_scores,
            self.learning_rate_curve,
        ):
            del curve[n_epochs:]
        self.loss = self.loss_curve[-1]
        self.interrupted = True


class StoppingRule:
    """Patience: training is over when the monitored value stops improving.

    Parameters
    ----------
    monitors : {"loss", "validation_loss", "validation_score"}, default="loss"
        The value: the training loss, or what is measured on the validation rows.
    tol, rtol : float, default=1e-4 and 0.0
        By how much a value must be better than the best one to count as progress, and by which
        share of it; the larger one of both holds.
    patience : int or inf, default=10
        Number of epochs without progress that are borne.
    ties_to_latest : bool, default=False
        Whether of equal values the later one is the best.

    Attributes
    ----------
    best : float
        The lowest value so far.
    n_without_improvement : int
        Number of epochs since the last progress.
    scoring : str
        What the score is, for those who compare scores.
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
        self.scoring = "None"
        self.best = math.inf
        self.n_without_improvement = 0

    @property
    def monitors_validation(self) -> bool:
        """Whether the value is measured on the validation rows."""
        return self.monitors != "loss"

    def update(self, history: History) -> bool:
        """Take in the last epoch; return whether it is the best so far."""
        value = self._value(history)
        margin = max(self.tol, self.rtol * abs(self.best)) if math.isfinite(self.best) else 0.0
        improved = value <= self.best - margin
        self.n_without_improvement = 0 if improved else self.n_without_improvement + 1
        is_best = value < self.best or (self.ties_to_latest and value == self.best)
        self.best = min(value, self.best)
        return is_best

    def _value(self, history: History) -> float:
        """Return the value that should fall."""
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
    """Has plateaus after the epochs given, so that a training repeats another one's rates.

    Parameters
    ----------
    epochs : list of int
        Their numbers, from 1.
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
        """Whether the epoch is one of those."""
        return self.epoch in self.epochs
