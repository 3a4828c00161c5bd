"""What the network and the estimators ask of a loss.

A loss is a function of the network's raw output z = z^L, before the output activation, and of the
encoded targets y. A loss knows its output activation a = f(z), so that `delta^L` is exact, and
written in one pass.
"""

from typing import Protocol, Self

import numpy as np

from skmlp._engine.kernels import kernel
from skmlp._engine.types import FloatArray, Targets


class Loss(Protocol):
    """The contract of every loss, for m rows with weights w_i of mean one.

    A loss can be made without arguments. The raw output z may be in column order, and has the
    precision of the network, which all results have too; targets that are numbers have it as well.
    The value and delta are finite and exact wherever they are in the range of the precision.

    Attributes
    ----------
    name : str
        The key in `LOSSES`.
    out_activation : str
        Name of the output activation f, published as `out_activation_`.
    score_name : str
        Name of what `score` returns, for labels of plots.
    baseline_name : str
        What the best constant predictions are, for messages to the user.
    smooth : bool
        Whether the loss has no kinks, at which L-BFGS would stop. A loss with kinks has a method
        ``smoothed(width)``, which returns the loss with its kinks rounded off.
    """

    name: str
    out_activation: str
    score_name: str
    baseline_name: str
    smooth: bool

    @property
    def unsmoothed(self) -> Self:
        """The loss that validation and prediction use: without what only training adds."""

    def loss_gradient(self, z: FloatArray, y: Targets, w: FloatArray | None = None) -> float:
        """Return sum_i w_i loss_i / m; overwrite z with delta^L, its derivative by z.

        If w is None, all weights are 1.
        """

    def inverse_link(self, z: FloatArray) -> FloatArray:
        """Return the output a = f(z), such as probabilities; z stays as it is."""

    def baseline(self, y: Targets, w: FloatArray | None = None) -> float:
        """Return the least mean loss of predictions that are the same for all rows."""

    def predict(self, z: FloatArray) -> Targets:
        """Return the predictions, encoded as the targets are."""

    def score(self, predicted: Targets, y: Targets, w: FloatArray | None = None) -> float:
        """Return the score of the predictions, higher is better: early stopping's default."""


class ClassificationLoss(Loss, Protocol):
    """What classifiers ask beyond that."""

    def log_proba(self, z: FloatArray) -> FloatArray:
        """Return log(a), computed from z, so that it is finite and exact."""

    def log_odds(self, z: FloatArray) -> FloatArray:
        """Return log(a / (1 - a)), computed from z, so that it is finite and exact."""


@kernel
def weighted_mean(losses: FloatArray, delta: FloatArray, w: FloatArray | None) -> float:
    """Return sum_i w_i loss_i / m; multiply the rows of delta by w_i / m in place.

    The losses have shape (m, 1) or, with one for each output, that of delta.
    """
    m = len(losses)
    if w is None:
        delta *= 1 / m
        return float(losses.sum()) / m
    delta *= (w / m)[:, np.newaxis]
    return float((w @ losses).sum()) / m
