"""Training history: one entry per epoch, and how training ended."""

import math
from dataclasses import dataclass, field


@dataclass
class History:
    """Curves with one entry per epoch, and how training ended.

    Attributes
    ----------
    loss_curve : list of float
        Mean objective over the epoch's batches, penalty included.
    validation_loss_curve, validation_scores : list of float
        Mean loss and score on the validation rows. Empty if there are none.
    learning_rate_curve : list of float
        The learning rate of the epoch's last batch; empty for L-BFGS.
    plateaus : list of int
        Numbers of the epochs after which the learning rate was adapted to a plateau.
    loss : float
        Last value of the objective.
    n_rows : int
        Number of rows that were trained on, over all epochs.
    best_epoch : int
        Number of the epoch whose parameters were kept, counted from 1. If 0, the parameters from
        before training were kept.
    converged, stopped, interrupted, timed_out : bool
        Whether training ended by itself; whether a callback stopped training, which counts as
        converged; whether an interrupt ended training; whether the time limit did.
    message : str
        The solver's own message about its end. Empty if there is none.
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
        """Keep the entries of the first `n_epochs`, and record the interrupt."""
        for curve in (
            self.loss_curve,
            self.validation_loss_curve,
            self.validation_scores,
            self.learning_rate_curve,
        ):
            del curve[n_epochs:]
        self.loss = self.loss_curve[-1]
        self.interrupted = True
