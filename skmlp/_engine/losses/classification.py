"""Cross-entropies of classification, computed from logits, each with its delta^L.

The value comes from log-sum-exp or softplus of the logits, never from clipped probabilities, so it
stays exact and finite however confident the network is.
"""

from typing import Self

import numpy as np
from scipy.special import entr, expit, log_expit, log_softmax

from skmlp._engine.kernels import kernel
from skmlp._engine.linalg import row_numbers, row_sums
from skmlp._engine.losses.base import weighted_mean
from skmlp._engine.types import FloatArray, Targets


class SoftmaxCrossEntropy:
    """One of K classes: a = softmax(z), loss = -log a_y, with y the class number.

        loss_i    = log(sum_k exp(z_ik)) - (1 - s) z_iy - s mean_k z_ik
        delta_ik  = w_i (a_ik - (1 - s) [k = y_i] - s / K) / m

    C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, "Rethinking the Inception architecture
    for computer vision", CVPR 2016 (label smoothing).

    Parameters
    ----------
    label_smoothing : float, default=0.0
        The share s of each label that is spread evenly over all classes, in [0, 1).
    """

    name = out_activation = "softmax"
    score_name = "accuracy"
    baseline_name = "the frequencies of the classes"
    smooth = True

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.s = float(label_smoothing)

    @property
    def unsmoothed(self) -> Self:
        """The cross-entropy without label smoothing."""
        return type(self)()

    def loss_gradient(self, z: FloatArray, y: Targets, w: FloatArray | None = None) -> float:
        """Return sum_i w_i loss_i / m; overwrite the logits z with delta = w (a - y) / m."""
        return softmax_cross_entropy(z, y, w, self.s)

    def inverse_link(self, z: FloatArray) -> FloatArray:
        """Return softmax(z), never rounded to 0.

        Probabilities too small for the precision become tiny / (1 + log(tiny) - log(a)), which is
        above 0 and keeps their order.
        """
        a = z - z.max(axis=1, keepdims=True)
        np.exp(a, out=a)
        a /= a.sum(axis=1, keepdims=True)
        tiny = np.finfo(a.dtype).tiny
        if a.min() < tiny:
            small = a < tiny
            excess = np.log(tiny) - self.log_proba(z)[small]
            least = np.nextafter(a.dtype.type(0), tiny)
            a[small] = np.maximum(tiny / (1 + np.maximum(excess, 0)), least)
        return a

    def log_proba(self, z: FloatArray) -> FloatArray:
        """Return log softmax(z), or the lowest finite number where that is below the range."""
        return _finite(log_softmax(z, axis=1))

    def log_odds(self, z: FloatArray) -> FloatArray:
        """Return the log-odds of each class k against all others, log(a_k) - log(1 - a_k).

            log_odds_ik = z_ik - log(sum_{j != k} exp(z_ij))

        The sum without the largest logit is a sum over the others, not a difference, so that the
        most confident rows keep all digits. The order is that of the logits. A single class has no
        others; its log-odds are taken to be its logit.
        """
        if z.shape[1] == 1:
            return z.copy()
        best = z.argmax(axis=1)[:, np.newaxis]
        largest = np.take_along_axis(z, best, axis=1)
        others = z.copy()
        np.put_along_axis(others, best, -np.inf, axis=1)
        second = others.max(axis=1, keepdims=True)
        others -= second
        of_best = largest - second - np.log(np.exp(others, out=others).sum(axis=1, keepdims=True))

        log_odds, a = z - largest, others
        np.exp(log_odds, out=a)
        np.subtract(a.sum(axis=1, keepdims=True), a, out=a)
        # without another class than the best one, the sum is at least 1
        log_odds -= np.log(np.maximum(a, 1, out=a), out=a)
        # rounding must not let another class reach the best one; equal logits stay equal
        is_best = z == largest
        of_rest = log_odds.max(axis=1, keepdims=True, where=~is_best, initial=-np.inf)
        of_best = np.maximum(of_best, np.nextafter(of_rest, np.inf))
        np.copyto(log_odds, of_best, where=is_best)
        return _finite(log_odds)

    def predict(self, z: FloatArray) -> Targets:
        """Return the number of the most probable class, shape (m,)."""
        return z.argmax(axis=1)

    def baseline(self, y: Targets, w: FloatArray | None = None) -> float:
        """Return -sum_k p_k log(p_k), p the weighted frequencies of the classes."""
        p = np.bincount(y, weights=w)
        return float(entr(p / p.sum()).sum())

    def score(self, predicted: Targets, y: Targets, w: FloatArray | None = None) -> float:
        """Return the accuracy: the weighted share of rows whose labels are all right."""
        return _accuracy(predicted, y, w)


class LogisticCrossEntropy:
    """K independent yes-or-no questions: a = 1 / (1 + exp(-z)), y true or false.

        loss_i    = sum_k softplus(u_ik) - s / 2 u_ik      u_ik = -z_ik if y_ik, else z_ik
        delta_ik  = w_i (a_ik - (1 - s) y_ik - s / 2) / m

    Binary classification is the case K = 1, multilabel classification any K.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        The share s of each answer that is spread evenly over yes and no, in [0, 1).
    """

    name = out_activation = "logistic"
    score_name = "accuracy"
    baseline_name = "the frequencies of the classes"
    smooth = True

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.s = float(label_smoothing)

    @property
    def unsmoothed(self) -> Self:
        """The cross-entropy without label smoothing."""
        return type(self)()

    def loss_gradient(self, z: FloatArray, y: Targets, w: FloatArray | None = None) -> float:
        """Return sum_i w_i loss_i / m; overwrite the logits z with delta = w (a - y) / m."""
        return logistic_cross_entropy(z, y, w, self.s)

    def inverse_link(self, z: FloatArray) -> FloatArray:
        """Return the probability of "yes", shape (m, K), never rounded to 0 or 1."""
        a = expit(z)
        info = np.finfo(a.dtype)
        return np.clip(a, info.tiny, 1 - info.epsneg, out=a)

    def log_proba(self, z: FloatArray) -> FloatArray:
        """Return the log-probability of "yes", shape (m, K)."""
        return log_expit(z)

    def log_odds(self, z: FloatArray) -> FloatArray:
        """Return the log-odds of "yes" against "no", which are the logits."""
        return z.copy()

    def predict(self, z: FloatArray) -> Targets:
        """Return whether "yes" is more probable than "no", shape (m, K)."""
        return z > 0

    def baseline(self, y: Targets, w: FloatArray | None = None) -> float:
        """Return -sum_k p_k log(p_k) + (1 - p_k) log(1 - p_k), p the frequencies of yes."""
        p = np.average(y, axis=0, weights=w)
        return float((entr(p) + entr(1 - p)).sum())

    def score(self, predicted: Targets, y: Targets, w: FloatArray | None = None) -> float:
        """Return the accuracy: the weighted share of rows whose labels are all right."""
        return _accuracy(predicted, y, w)


@kernel
def softmax_cross_entropy(z: FloatArray, y: Targets, w: FloatArray | None, s: float) -> float:
    """Return the loss of `SoftmaxCrossEntropy`; overwrite the logits z with delta."""
    m, K = z.shape
    true_class = row_numbers(m), y
    z -= z.max(axis=1, keepdims=True)
    log_a_y = z[true_class]
    if s:
        log_a_y += s * (z.mean(axis=1) - log_a_y)
    np.exp(z, out=z)
    exp_sum = row_sums(z)
    log_a_y -= np.log(exp_sum)
    z /= exp_sum[:, np.newaxis]
    z[true_class] -= 1 - s
    if s:
        z -= s / K
    return weighted_mean(-log_a_y[:, np.newaxis], z, w)


@kernel
def logistic_cross_entropy(z: FloatArray, y: Targets, w: FloatArray | None, s: float) -> float:
    """Return the loss of `LogisticCrossEntropy`; overwrite the logits z with delta."""
    u = np.where(y, -z, z)
    loss = np.logaddexp(0, u)
    expit(z, out=z)
    z -= y
    if s:
        loss -= s / 2 * u
        z += s * y
        z -= s / 2
    return weighted_mean(loss, z, w)


def _finite(values: FloatArray) -> FloatArray:
    """Return the values, clipped in place to the finite numbers of their precision."""
    info = np.finfo(values.dtype)
    return np.clip(values, info.min, info.max, out=values)


def _accuracy(predicted: Targets, y: Targets, w: FloatArray | None) -> float:
    """Return the weighted share of rows whose encoded labels are all predicted right."""
    correct = predicted == y
    if correct.ndim == 2:
        correct = correct.all(axis=1)
    return float(np.average(correct, weights=w))
