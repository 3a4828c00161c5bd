"""Learning-rate schedules: the rate eta as a function of the progress of training.

Time t is counted in epochs: a batch lasts from t to t + dt, dt = 1 / (batches per epoch). eta_0 is
`learning_rate_init`, w `warmup_epochs`, T `max_epochs`, and

    warmup(t) = min(1, t / w)                              1 if w = 0
    progress(t) = (t - w) / (T - w)                        clipped to [0, 1]

P. Goyal et al., "Accurate, large minibatch SGD: Training ImageNet in 1 hour", 2017 (the warm-up).
"""

import math
from typing import ClassVar

import numpy as np


class Schedule:
    """A rule for the learning rate: eta = warmup(t + dt) eta_0, unless a subclass says otherwise.

    Parameters
    ----------
    learning_rate_init : float
        The highest rate. Without warm-up, also the rate of the first batch, except for
        "one_cycle".
    max_epochs : int
        Length of a planned schedule, warm-up included; after it the rate stays as it is.
    warmup_epochs : float, default=0.0
        Number of epochs over which the rate rises to its full value. At least 0.
    power_t : float, default=0.5
        Exponent of inverse scaling.
    learning_rate_decay : float, default=0.95
        Factor per epoch of exponential decay.
    n_rows_seen : int, default=0
        Number of rows seen in training so far, counted once an epoch.

    Attributes
    ----------
    learning_rate : float
        The full rate: eta_0, unless `epoch_end` or `plateau` have changed it.
    """

    planned: ClassVar[bool] = False
    """Whether the schedule is made for `max_epochs`, so that a plateau should not end training."""

    def __init__(
        self,
        learning_rate_init: float,
        *,
        max_epochs: int,
        warmup_epochs: float = 0.0,
        power_t: float = 0.5,
        learning_rate_decay: float = 0.95,
        n_rows_seen: int = 0,
    ) -> None:
        self.learning_rate_init = self.learning_rate = float(learning_rate_init)
        self.max_epochs = max_epochs
        self.warmup_epochs = float(warmup_epochs)
        self.power_t = float(power_t)
        self.learning_rate_decay = float(learning_rate_decay)
        self.n_rows_seen = n_rows_seen

    def rate(self, t: float, dt: float) -> float:
        """Return the rate of the batch that lasts from t to t + dt epochs."""
        return self.warmup(t + dt) * self.learning_rate

    def epoch_end(self, n_rows: int) -> None:
        """Count the rows of an epoch. Subclasses that set the rate once per epoch set it here."""
        self.n_rows_seen += n_rows

    def plateau(self) -> bool:
        """Adapt the rate to a plateau; return False if training should stop instead."""
        return False

    def warmup(self, t: float) -> float:
        """Return the share of the full rate; asked for a batch's end, so that none is at rate 0."""
        return min(1.0, t / self.warmup_epochs) if self.warmup_epochs else 1.0

    def progress(self, t: float) -> float:
        """Return the progress from the end of the warm-up to `max_epochs`, in [0, 1]."""
        return _progress(t, self.warmup_epochs, self.max_epochs)


def _progress(t: float, start: float, end: float) -> float:
    """Return how much of the way from start to end is done, in [0, 1]."""
    if t <= start:
        return 0.0
    return 1.0 if t >= end else (t - start) / (end - start)


class Constant(Schedule):
    """eta = warmup(t + dt) eta_0."""


class InverseScaling(Schedule):
    """eta = warmup(t + dt) eta_0 / (rows + 1)^power_t after so many rows, set once an epoch."""

    def epoch_end(self, n_rows: int) -> None:
        """Count the rows; lower the rate."""
        super().epoch_end(n_rows)
        # powers of this float overflow to inf, where those of int raise
        seen = np.float64(self.n_rows_seen)
        self.learning_rate = float(self.learning_rate_init / (seen + 1) ** self.power_t)


class Adaptive(Schedule):
    """eta = warmup(t + dt) eta_0 / 5^k after k plateaus, down to 1e-6."""

    def plateau(self) -> bool:
        """Divide the rate by 5; return False once it is too small for that."""
        if self.learning_rate <= 1e-6:
            return False
        self.learning_rate /= 5
        return True


class Exponential(Schedule):
    """eta = warmup(t + dt) eta_0 learning_rate_decay^epochs, whole epochs past the warm-up."""

    def rate(self, t: float, dt: float) -> float:
        """Return the rate of the batch that lasts from t to t + dt epochs."""
        epochs = math.floor(max(0.0, t - self.warmup_epochs))
        return self.warmup(t + dt) * self.learning_rate_init * self.learning_rate_decay**epochs


class Linear(Schedule):
    """eta = warmup(t + dt) eta_0 (1 - progress(t))."""

    planned = True

    def rate(self, t: float, dt: float) -> float:
        """Return the rate of the batch that lasts from t to t + dt epochs."""
        return self.warmup(t + dt) * self.learning_rate_init * (1 - self.progress(t))


class Cosine(Schedule):
    """eta = warmup(t + dt) eta_0 (1 + cos(pi progress(t))) / 2.

    I. Loshchilov, F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR 2017;
    here without restarts.
    """

    planned = True

    def rate(self, t: float, dt: float) -> float:
        """Return the rate of the batch that lasts from t to t + dt epochs."""
        return self.warmup(t + dt) * self.learning_rate_init * _half_cosine(self.progress(t))


def _half_cosine(progress: float) -> float:
    """Return (1 + cos(pi progress)) / 2, which falls from 1 to 0."""
    return (1 + math.cos(math.pi * progress)) / 2


class OneCycle(Schedule):
    """A rise and a long fall, each half a cosine of the progress of that part.

        eta = eta_0 (low + (1 - low) (1 - cos(pi progress)) / 2)     up to the peak, low = 1 / 25
        eta = eta_0 (end + (1 - end) (1 + cos(pi progress)) / 2)     after it, end = low / 10^4

    The rise takes `warmup_epochs`, or 0.3 T if that is 0. Its last batch has the rate eta_0, and
    the last one of training eta_0 end.

    L. N. Smith, N. Topin, "Super-convergence: Very fast training of neural networks using large
    learning rates", 2019; with the two phases and the constants that became common since.
    """

    planned = True
    low: ClassVar[float] = 1 / 25
    end: ClassVar[float] = low / 1e4

    def rate(self, t: float, dt: float) -> float:
        """Return the rate of the batch that lasts from t to t + dt epochs."""
        peak = (self.warmup_epochs or 0.3 * self.max_epochs) - dt
        if t < peak:
            share = self.low + (1 - self.low) * (1 - _half_cosine(_progress(t, 0.0, peak)))
        else:
            progress = _progress(t, peak, self.max_epochs - dt)
            share = self.end + (1 - self.end) * _half_cosine(progress)
        return self.learning_rate_init * share


SCHEDULES: dict[str, type[Schedule]] = {
    "adaptive": Adaptive,
    "constant": Constant,
    "cosine": Cosine,
    "exponential": Exponential,
    "invscaling": InverseScaling,
    "linear": Linear,
    "one_cycle": OneCycle,
}
