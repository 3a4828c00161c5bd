"""Learning-rate schedules: what becomes of the learning rate at the end of an epoch."""

from typing import Protocol


class Schedule(Protocol):
    """A learning rate and the rule by which it changes."""

    learning_rate: float

    def epoch_end(self, n_rows: int) -> None:
        """Adapt the rate after an epoch over so many rows."""

    def plateau(self) -> bool:
        """Adapt the rate to a plateau; return False if training should stop instead."""


class Constant:
    """learning_rate = learning_rate_init.

    Parameters
    ----------
    learning_rate_init : float
        The rate of the first epoch.
    power_t : float, default=0.5
        Exponent of inverse scaling.
    t : int, default=0
        Number of rows seen in training so far, counted once an epoch.
    """

    def __init__(self, learning_rate_init: float, power_t: float = 0.5, t: int = 0) -> None:
        self.learning_rate_init = self.learning_rate = float(learning_rate_init)
        self.power_t = power_t
        self.t = t

    def epoch_end(self, n_rows: int) -> None:
        """Count the rows; leave the rate as it is."""
        self.t += n_rows

    def plateau(self) -> bool:
        """Return False: there is nothing to adapt."""
        return False


class InverseScaling(Constant):
    """learning_rate = learning_rate_init / (t + 1)^power_t after t rows, set once an epoch."""

    def epoch_end(self, n_rows: int) -> None:
        """Count the rows; lower the rate."""
        super().epoch_end(n_rows)
        self.learning_rate = self.learning_rate_init / (self.t + 1) ** self.power_t


class Adaptive(Constant):
    """learning_rate = learning_rate_init / 5^k after k plateaus, down to 1e-6."""

    def plateau(self) -> bool:
        """Divide the rate by 5; return False once it is too small for that."""
        if self.learning_rate <= 1e-6:
            return False
        self.learning_rate /= 5
        return True


SCHEDULES: dict[str, type[Constant]] = {
    "adaptive": Adaptive,
    "constant": Constant,
    "invscaling": InverseScaling,
}
