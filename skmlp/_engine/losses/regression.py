"""Losses of regression, each with its delta^L; y has a column per target, in the precision of z.

The loss of a row is the sum over its outputs k; for the squared error, the mean. In the formulas,
z is the raw output, a = f(z) the prediction, r = z - y the error, and w_i the weight of row i, of
mean one; a batch has m rows.
"""

import copy
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy.optimize import brentq

from skmlp._engine.losses.base import weighted_mean
from skmlp._engine.losses.links import EXP, IDENTITY, Link
from skmlp._engine.losses.values import (
    absolute_error,
    gamma_deviance,
    huber,
    pinball,
    poisson_deviance,
    squared_error,
)
from skmlp._engine.types import FloatArray


class RegressionLoss:
    """What losses of regression have in common. A subclass defines `_values` and `constant`.

    Attributes
    ----------
    link : Link
        The output activation f, and its inverse.
    parameters : tuple of str
        Names of the arguments of the class, which are parameters of the estimator.
    domain : str
        What `accepts` accepts, for messages to the user.
    several : bool
        Whether predictions have a column for each of several levels, also if there is one level.
    name, out_activation, score_name, baseline_name, smooth
        As in every `Loss`.
    """

    name: str
    link: Link = IDENTITY
    out_activation: str = "identity"
    score_name: str = "D^2"
    baseline_name: str
    parameters: tuple[str, ...] = ()
    domain: str = "any finite numbers"
    smooth: bool = True
    several: bool = False

    @property
    def unsmoothed(self) -> Self:
        """The loss itself."""
        return self

    @classmethod
    def accepts(cls, y: FloatArray) -> bool:
        """Return whether all values of y are in the loss's domain."""
        return True

    def n_columns(self, n_targets: int) -> int:
        """Return the number of output units for a number of targets."""
        return n_targets

    def adapted(self, y: FloatArray, w: FloatArray | None, known: Any = None) -> Self:
        """Return the loss with what is fixed before the first step, from targets or a known loss.

        The loss itself is returned if nothing has to be fixed.

        Parameters
        ----------
        y : ndarray of shape (n, n_targets)
            The encoded targets.
        w : ndarray of shape (n,) or None
            Weights of the rows. If None, all weights are 1.
        known : loss or None, default=None
            The loss of the fitted model with which training continues.
        """
        return self

    def _values(self, z: FloatArray, y: FloatArray) -> FloatArray:
        """Return the loss of each output, shape (m, n_outputs); overwrite z with its derivative."""
        raise NotImplementedError

    def constant(self, y: FloatArray, w: FloatArray | None = None) -> FloatArray:
        """Return the constant predictions of least mean loss, one for each output."""
        raise NotImplementedError

    def loss_gradient(self, z: FloatArray, y: FloatArray, w: FloatArray | None = None) -> float:
        """Return sum_i w_i loss_i / m; overwrite z with delta^L."""
        return weighted_mean(self._values(z, y), z, w)

    def inverse_link(self, z: FloatArray) -> FloatArray:
        """Return the predictions a = f(z)."""
        return self.link.inverse(z)

    def predict(self, z: FloatArray) -> FloatArray:
        """Return the predictions, in the units of the targets; an array of their own."""
        a = self.inverse_link(z)
        return a.copy() if a is z else a

    def output_gradient(self, z: FloatArray, rows: slice, output: int) -> None:
        """Overwrite z with the derivative of one prediction, a_k, by z."""
        slope = self.link.derivative(self.inverse_link(z)[:, output])
        z[...] = 0
        z[:, output] = slope

    def baseline(self, y: FloatArray, w: FloatArray | None = None) -> float:
        """Return the least mean loss of predictions that are the same for all rows."""
        loss = self.loss_gradient(self._constant_rows(y, w), y, w)
        return loss / (1.0 if w is None else float(w.mean()))

    def score(self, predicted: FloatArray, y: FloatArray, w: FloatArray | None = None) -> float:
        """Return D^2, the mean over outputs of 1 - loss / least loss of a constant prediction.

        The score is 1 for perfect predictions, and 0 for the best constant. Where that has no loss,
        because the target is constant, the score is 1 if the predictions have none either, else 0.
        """
        a, y = np.asarray(predicted, dtype=np.float64), np.asarray(y, dtype=np.float64)
        loss = np.average(self._values(self.link.link(a).copy(), y), axis=0, weights=w)
        least = np.average(self._values(self._constant_rows(y, w), y), axis=0, weights=w)
        # the mean of a constant may be another number, by rounding
        is_constant = (least <= 0) | (y == y[0]).all(axis=0)
        D2 = 1 - loss / np.where(is_constant, 1.0, least)
        return float(np.where(is_constant, loss <= 0, D2).mean())

    def _constant_rows(self, y: FloatArray, w: FloatArray | None) -> FloatArray:
        """Return the raw output of the best constant predictions, the same in each row."""
        return np.tile(self.link.link(self.constant(y, w)), (len(y), 1))


class SquaredError(RegressionLoss):
    """Half the squared error, loss = r^2 / 2; the constant of least loss is the mean.

        loss_i    = sum_k r_ik^2 / (2 K)
        delta_ik  = w_i r_ik / m

    As in MLPRegressor, the loss of several outputs is the mean over the K outputs, while delta is
    the derivative of their sum.
    """

    name = "squared_error"
    score_name = "R^2"
    baseline_name = "the mean of y"

    def _values(self, z: FloatArray, y: FloatArray) -> FloatArray:
        return squared_error(z, y)

    def constant(self, y: FloatArray, w: FloatArray | None = None) -> FloatArray:
        """Return the weighted mean of each target."""
        return np.average(y, axis=0, weights=w)


class KinkedLoss(RegressionLoss):
    """What losses with a kink at r = 0 have in common: the kink can be rounded off.

    In the loss rounded off over a width s, the sign of r becomes c, and |r| the integral of c:

        c          = r / s if |r| < s, else sign(r)
        |r|_s      = c r - s c^2 / 2           = |r| - s / 2 if |r| >= s

    Attributes
    ----------
    width : float or ndarray of shape (n_targets,)
        The width s, in units of the encoded targets. If 0, the loss has its kink.
    """

    smooth = False

    def __init__(self) -> None:
        self.width: float | FloatArray = 0.0

    @property
    def has_kink(self) -> bool:
        """Whether the kink is not rounded off."""
        return not np.any(self.width)

    @property
    def unsmoothed(self) -> Self:
        """The loss with its kink."""
        return self.smoothed(0.0)

    def smoothed(self, width: float | FloatArray) -> Self:
        """Return the loss with its kink rounded off over this width."""
        loss = copy.copy(self)
        loss.width = width
        return loss

    def _round_off(self, r: FloatArray, c: FloatArray) -> FloatArray:
        """Write c into the array of that name; return s c^2 / 2."""
        np.clip(r / self.width, -1, 1, out=c)
        return self.width / 2 * c**2


class AbsoluteError(KinkedLoss):
    """The absolute error, loss = |r|; the constant of least loss is the median.

    loss_i    = sum_k |r_ik|
    delta_ik  = w_i sign(r_ik) / m
    """

    name = "absolute_error"
    baseline_name = "the median of y"

    def _values(self, z: FloatArray, y: FloatArray) -> FloatArray:
        if self.has_kink:
            return absolute_error(z, y)
        r, c = z - y, z
        lowered = self._round_off(r, c)
        return c * r - lowered

    def constant(self, y: FloatArray, w: FloatArray | None = None) -> FloatArray:
        """Return the weighted median of each target."""
        return weighted_quantile(y, w, 0.5)


class Pinball(KinkedLoss):
    """The pinball loss of quantiles of level q; the constant of least loss is the quantile.

        loss_i    = sum_k r_ik ([r_ik > 0] - q_k)
        delta_ik  = w_i ([r_ik > 0] - q_k) / m

    For several levels of one target, each raw output is trained for its own level. Predictions are
    the raw outputs of a row, sorted, so that a higher level never has a lower prediction. Sorting
    never increases the loss.

    R. Koenker, G. Bassett, "Regression quantiles", Econometrica 46(1), 1978. V. Chernozhukov,
    I. Fernandez-Val, A. Galichon, "Quantile and probability curves without crossing", Econometrica
    78(3), 2010 (sorting).

    Parameters
    ----------
    quantile : float or sequence of float, default=0.5
        The level, or distinct levels in any order, in (0, 1).

    Attributes
    ----------
    q : ndarray of shape (1,) or (n_levels,)
        The levels.
    several : bool
        Whether they were given as a sequence, so that predictions have a column for each.
    """

    name = "quantile"
    baseline_name = "the quantiles of y"
    parameters = ("quantile",)

    def __init__(self, quantile: float | Sequence[float] = 0.5) -> None:
        super().__init__()
        self.q = np.atleast_1d(np.asarray(quantile, dtype=np.float64))
        self.several = bool(np.ndim(quantile))

    def n_columns(self, n_targets: int) -> int:
        """Return the number of levels times that of targets."""
        return len(self.q) * n_targets

    def _values(self, z: FloatArray, y: FloatArray) -> FloatArray:
        if self.has_kink:
            return pinball(z, y, self.q)
        r = z - y
        lowered = self._round_off(r, z)
        # (c + 1) / 2 stands for [r > 0]
        z += 1
        z *= 0.5
        z -= self.q
        return z * r - lowered / 2

    def _taken(self, z: FloatArray) -> Any:
        """Return which raw output of its row each level takes."""
        by_level = np.argsort(self.q)
        rising = by_level[np.argsort(z[:, by_level], axis=1, kind="stable")]
        taken = np.empty_like(rising)
        taken[:, by_level] = rising
        return taken

    def inverse_link(self, z: FloatArray) -> FloatArray:
        """Return the predictions of the levels, none lower than that of a lower level."""
        return z if len(self.q) == 1 else np.take_along_axis(z, self._taken(z), axis=1)

    def output_gradient(self, z: FloatArray, rows: slice, output: int) -> None:
        """Overwrite z with the derivative of one prediction by z."""
        taken = self._taken(z)[:, output] if len(self.q) > 1 else output
        z[...] = 0
        z[np.arange(len(z)), taken] = 1

    def constant(self, y: FloatArray, w: FloatArray | None = None) -> FloatArray:
        """Return the weighted quantiles of the target."""
        return np.concatenate([weighted_quantile(y, w, q) for q in self.q])


class Huber(RegressionLoss):
    """Huber's loss: r^2 / 2 within delta of 0, beyond that linear.

        loss_i    = sum_k c_ik (r_ik - c_ik / 2)      c = r clipped to [-delta, delta]
        delta_ik  = w_i c_ik / m

    P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics
    35(1), 1964.

    Parameters
    ----------
    delta : float, default=1.35
        Where the loss becomes linear, in units of the scale of the targets.

    Attributes
    ----------
    delta : float
        The parameter.
    unit : ndarray of shape (n_targets,)
        The scale of the targets: 1.4826 times the median distance from the median, which for a
        normal distribution is its standard deviation. 1 before `adapted`.
    """

    name = "huber"
    baseline_name = "the Huber mean of y"
    parameters = ("delta",)

    def __init__(self, delta: float = 1.35) -> None:
        self.delta = float(delta)
        self.unit: FloatArray = np.ones(1)

    def adapted(self, y: FloatArray, w: FloatArray | None, known: Any = None) -> Self:
        """Return the loss with the unit of the known loss or, if it has none, of the targets."""
        loss = type(self)(self.delta)
        loss.unit = spread(y, w)
        if isinstance(known, type(self)):
            # 1 where targets were constant so far
            loss.unit = np.where(known.unit == 1, loss.unit, known.unit)
        return loss

    @property
    def threshold(self) -> FloatArray:
        """Where the loss becomes linear, in units of the encoded targets."""
        return self.delta * self.unit

    def _values(self, z: FloatArray, y: FloatArray) -> FloatArray:
        return huber(z, y, self.threshold.astype(z.dtype))

    def constant(self, y: FloatArray, w: FloatArray | None = None) -> FloatArray:
        """Return the value at which the clipped errors of each target cancel out."""
        thresholds = np.broadcast_to(self.threshold, y.shape[1])
        return np.array([_huber_mean(*pair, w) for pair in zip(y.T, thresholds, strict=True)])


class PoissonDeviance(RegressionLoss):
    """Half the Poisson deviance, for counts and rates: a = exp(z), y >= 0.

    loss_i    = sum_k a_ik - y_ik - y_ik log(a_ik / y_ik)
    delta_ik  = w_i (a_ik - y_ik) / m
    """

    name = "poisson"
    link, out_activation = EXP, "exp"
    score_name = "R^2"
    baseline_name = "the mean of y"
    domain = "numbers that are at least 0"

    @classmethod
    def accepts(cls, y: FloatArray) -> bool:
        """Return whether all values of y are at least 0."""
        return not bool((y < 0).any())

    def _values(self, z: FloatArray, y: FloatArray) -> FloatArray:
        return poisson_deviance(z, y)

    def constant(self, y: FloatArray, w: FloatArray | None = None) -> FloatArray:
        """Return the weighted mean of each target."""
        return np.average(y, axis=0, weights=w)

    def score(self, predicted: FloatArray, y: FloatArray, w: FloatArray | None = None) -> float:
        """Return R^2, as MLPRegressor does."""
        return SquaredError().score(predicted, y, w)


class GammaDeviance(RegressionLoss):
    """Half the gamma deviance, for positive amounts with a constant relative error: a = exp(z).

    loss_i    = sum_k log(a_ik / y_ik) + y_ik / a_ik - 1
    delta_ik  = w_i (1 - y_ik / a_ik) / m
    """

    name = "gamma"
    link, out_activation = EXP, "exp"
    baseline_name = "the mean of y"
    domain = "numbers above 0"

    @classmethod
    def accepts(cls, y: FloatArray) -> bool:
        """Return whether all values of y are above 0."""
        return not bool((y <= 0).any())

    def _values(self, z: FloatArray, y: FloatArray) -> FloatArray:
        return gamma_deviance(z, y)

    def constant(self, y: FloatArray, w: FloatArray | None = None) -> FloatArray:
        """Return the weighted mean of each target."""
        return np.average(y, axis=0, weights=w)


def weighted_quantile(y: FloatArray, w: FloatArray | None, q: float) -> FloatArray:
    """Return the least value of each column with at least a share q of the weight up to it."""
    order = np.argsort(y, axis=0, kind="stable")
    weights = np.ones(len(y)) if w is None else w
    share = np.cumsum(weights[order], axis=0, dtype=np.float64)
    # a share that is q but for rounding is enough
    first = (share < q * share[-1] * (1 - 1e-12)).sum(axis=0)
    row = np.take_along_axis(order, first[np.newaxis], axis=0)
    return np.take_along_axis(y, row, axis=0)[0]


def spread(y: FloatArray, w: FloatArray | None) -> FloatArray:
    """Return the scale of each column of y: 1.4826 times the median distance from the median.

    Where more than half of the values are the same, the standard deviation; if that is 0, then 1.
    """
    y = np.asarray(y, dtype=np.float64)
    scale = 1.4826 * weighted_quantile(np.abs(y - weighted_quantile(y, w, 0.5)), w, 0.5)
    mean = np.average(y, axis=0, weights=w)
    deviation = np.sqrt(np.average((y - mean) ** 2, axis=0, weights=w))
    scale = np.where(scale > 0, scale, deviation)
    return np.where(scale > 0, scale, 1.0)


def _huber_mean(y: FloatArray, threshold: float, w: FloatArray | None) -> float:
    """Return the c at which the weighted sum of clipped errors c - y is 0."""

    def slope(c: float) -> float:
        return float(np.average(np.clip(c - y, -threshold, threshold), weights=w))

    lowest, highest = float(y.min()), float(y.max())
    if lowest == highest:
        return lowest
    # to the last digits, whatever the unit of y
    return float(brentq(slope, lowest, highest, xtol=np.finfo(float).tiny, maxiter=1000))
