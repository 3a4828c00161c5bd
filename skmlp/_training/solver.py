"""A stochastic solver: from the gradient of a batch to the network's next parameters."""

import math
from dataclasses import dataclass

import numpy as np

from skmlp._engine.kernels import kernel
from skmlp._engine.linalg import add_scaled
from skmlp._engine.network import Network
from skmlp._engine.types import FloatArray
from skmlp._training.optimizers import Optimizer
from skmlp._training.schedules import Schedule


@dataclass
class Solver:
    """An optimizer, the schedule of its learning rate, and what happens before and after its step.

        g     <- g min(1, max_grad_norm / |g|)
        theta <- the optimizer's step along g
        W_k   <- W_k min(1, max_norm / |W_k|)       for each unit k
        mean  <- d mean + (1 - d) theta             d = min(averaging, (1 + t) / (10 + t))

    R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks",
    ICML 2013 (gradient clipping). B. T. Polyak, A. B. Juditsky, "Acceleration of stochastic
    approximation by averaging", SIAM Journal on Control and Optimization 30(4), 1992.

    Attributes
    ----------
    optimizer, schedule
        They keep their own state.
    max_grad_norm, max_norm : float
        Largest norm of the gradient, and of a unit's incoming weights.
    averaging : float or None
        Decay d of the running mean of the parameters; smaller in the first steps t.
    n_steps, n_epochs : int
        Number of steps and of epochs taken.
    learning_rate : float
        That of the last step.
    """

    optimizer: Optimizer
    schedule: Schedule
    max_grad_norm: float = math.inf
    max_norm: float = math.inf
    averaging: float | None = None
    n_steps: int = 0
    n_epochs: int = 0

    def __post_init__(self) -> None:
        self.learning_rate = self.schedule.learning_rate_init

    def step(self, network: Network, t: float, dt: float) -> None:
        """Update the network's parameters in place by its gradient, which is used up.

        The batch lasts from t to t + dt, as shares of the epoch.
        """
        self.n_steps += 1
        self.learning_rate = self.schedule.rate(self.n_epochs + t, dt)
        if self.max_grad_norm < math.inf:
            clip(network.grad, self.max_grad_norm)
        self.optimizer.step(network.theta, network.grad, self.learning_rate)
        if self.max_norm < math.inf:
            for layer in network.layers:
                layer.limit_norms(self.max_norm)
        if self.averaging is not None:
            current, mean = network.parameters.vectors
            d = min(self.averaging, (1 + self.n_steps) / (10 + self.n_steps))
            update_mean(mean, current, d)

    def is_finite(self) -> bool:
        """Return whether all numbers of the optimizer's state are."""
        state = vars(self.optimizer).values()
        return all(np.isfinite(part).all() for part in state if isinstance(part, np.ndarray))

    def epoch_end(self, n_rows: int) -> None:
        """Count the epoch; let the schedule know of its rows."""
        self.n_epochs += 1
        self.schedule.epoch_end(n_rows)


@kernel
def update_mean(mean: FloatArray, current: FloatArray, d: float) -> None:
    """mean <- d mean + (1 - d) current, in place."""
    mean *= d
    add_scaled(mean, 1 - d, current)


@kernel
def clip(grad: FloatArray, max_norm: float) -> None:
    """g <- g min(1, max_norm / |g|), in place."""
    norm = math.sqrt(np.dot(grad, grad))
    if norm == math.inf:
        # the squares have overflowed, which the numbers need not have
        grad /= np.abs(grad).max()
        norm = math.sqrt(np.dot(grad, grad))
        grad *= max_norm / norm
        return
    if norm > max_norm:
        grad *= max_norm / norm
