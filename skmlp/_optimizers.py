"""Stochastic optimizers on one flat parameter vector.

`step` changes the parameters in place and uses up the gradient: its array is scratch space for the
update, so that nothing of parameter size is allocated.
"""

from typing import Protocol

import numpy as np

from skmlp._blas import add_scaled
from skmlp._types import FloatArray


class Optimizer(Protocol):
    """A rule that turns gradients into steps, for parameters of one dtype."""

    dtype: np.dtype

    def step(self, theta: FloatArray, grad: FloatArray, learning_rate: float) -> None:
        """Update theta in place; grad is overwritten."""


class SGD:
    """Stochastic gradient descent with momentum, g the gradient, eta the learning rate.

        v     <- momentum v - eta g
        theta <- theta + v                       classical momentum
        theta <- theta + momentum v - eta g      Nesterov's

    I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum
    in deep learning", ICML 2013.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The parameters to be trained; only shape and precision are used.
    momentum : float
        Share of the previous step that is kept, in [0, 1].
    nesterov : bool
        Whether to use Nesterov's form.
    """

    def __init__(self, theta: FloatArray, *, momentum: float, nesterov: bool) -> None:
        self.dtype = theta.dtype
        self.momentum = float(momentum)
        self.nesterov = nesterov
        self.v = np.zeros_like(theta) if self.momentum else None

    def step(self, theta: FloatArray, grad: FloatArray, learning_rate: float) -> None:
        """Update theta and v in place; grad is overwritten."""
        if self.v is None:
            add_scaled(theta, -learning_rate, grad)
            return
        self.v *= self.momentum
        add_scaled(self.v, -learning_rate, grad)
        if self.nesterov:
            add_scaled(theta, self.momentum, self.v)
            add_scaled(theta, -learning_rate, grad)
        else:
            theta += self.v


class Adam:
    """Adam, with g the gradient, eta the learning rate, t the number of this step.

        m     <- beta_1 m + (1 - beta_1) g
        v     <- beta_2 v + (1 - beta_2) g^2
        theta <- theta - eta sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)

    The state is kept as M = m / (1 - beta_1) and V = v / (1 - beta_2), which saves two passes over
    the parameters; the constants move into the step size and epsilon.

    D. P. Kingma, J. Ba, "Adam: A method for stochastic optimization", ICLR 2015.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The parameters to be trained; only shape and precision are used.
    beta_1, beta_2 : float
        Decay of the first and second moment's running mean, in [0, 1).
    epsilon : float
        Keeps the denominator away from 0.
    """

    def __init__(self, theta: FloatArray, *, beta_1: float, beta_2: float, epsilon: float) -> None:
        self.dtype = theta.dtype
        self.beta_1, self.beta_2, self.epsilon = float(beta_1), float(beta_2), float(epsilon)
        self.t = 0
        self.M = np.zeros_like(theta)
        self.V = np.zeros_like(theta)

    def step(self, theta: FloatArray, grad: FloatArray, learning_rate: float) -> None:
        """Update theta, M and V in place; grad is overwritten."""
        self.t += 1
        root = float(np.sqrt(1 - self.beta_2))
        bias_correction = float(np.sqrt(1 - self.beta_2**self.t)) / (1 - self.beta_1**self.t)
        eta = learning_rate * bias_correction * (1 - self.beta_1) / root

        self.M *= self.beta_1
        self.M += grad
        np.square(grad, out=grad)
        self.V *= self.beta_2
        self.V += grad
        update = np.sqrt(self.V, out=grad)
        update += self.epsilon / root
        np.divide(self.M, update, out=update)
        add_scaled(theta, -eta, update)


OPTIMIZERS: dict[str, type[SGD] | type[Adam]] = {"adam": Adam, "sgd": SGD}
