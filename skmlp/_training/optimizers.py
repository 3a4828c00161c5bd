"""Stochastic optimizers on one flat parameter vector, g the gradient, eta the learning rate.

`step` changes the parameters in place and uses up the gradient: its array is scratch space for the
update, so that nothing of parameter size is allocated.
"""

import math
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from skmlp._engine.kernels import kernel
from skmlp._engine.linalg import add_scaled
from skmlp._engine.types import FloatArray


class Optimizer(Protocol):
    """A rule that turns gradients into steps, for parameters of one dtype.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The parameters to be trained, weights first; only shape and precision are used.
    n_weights : int
        How many of them are weights, which may decay; the others are biases and the like.
    **hyperparameters
        What the class attribute of that name lists.
    """

    hyperparameters: ClassVar[tuple[str, ...]]
    dtype: np.dtype

    def __init__(self, theta: FloatArray, n_weights: int, **hyperparameters: Any) -> None: ...

    def step(self, theta: FloatArray, grad: FloatArray, learning_rate: float) -> None:
        """Update theta in place; grad is overwritten."""


class SGD:
    """Stochastic gradient descent with momentum.

        v     <- momentum v - eta g
        theta <- theta + v                       classical momentum
        theta <- theta + momentum v - eta g      Nesterov's

    I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum
    in deep learning", ICML 2013.

    Parameters
    ----------
    theta, n_weights
        As for every `Optimizer`.
    momentum : float
        Share of the previous step that is kept, in [0, 1].
    nesterovs_momentum : bool
        Whether to use Nesterov's form.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = "momentum", "nesterovs_momentum"

    def __init__(
        self, theta: FloatArray, n_weights: int, *, momentum: float, nesterovs_momentum: bool
    ) -> None:
        self.dtype = theta.dtype
        self.momentum = float(momentum)
        self.nesterovs_momentum = nesterovs_momentum
        self.v = np.zeros_like(theta) if self.momentum else None

    def step(self, theta: FloatArray, grad: FloatArray, learning_rate: float) -> None:
        """Update theta and v in place; grad is overwritten."""
        if self.v is None:
            add_scaled(theta, -learning_rate, grad)
            return
        momentum_step(theta, self.v, grad, learning_rate, self.momentum, self.nesterovs_momentum)


@kernel
def momentum_step(
    theta: FloatArray,
    v: FloatArray,
    grad: FloatArray,
    eta: float,
    momentum: float,
    nesterov: bool,
) -> None:
    """Take the step of `SGD` with momentum; theta and v change in place."""
    v *= momentum
    add_scaled(v, -eta, grad)
    if nesterov:
        add_scaled(theta, momentum, v)
        add_scaled(theta, -eta, grad)
    else:
        theta += v


class Adam:
    """Adam, t the number of this step.

        mean_g  <- beta_1 mean_g + (1 - beta_1) g
        mean_g2 <- beta_2 mean_g2 + (1 - beta_2) g^2
        eta_t   =  eta sqrt(1 - beta_2^t) / (1 - beta_1^t)
        theta   <- theta - eta_t mean_g / (sqrt(mean_g2) + epsilon)

    The state is kept as M = mean_g / (1 - beta_1) and V = mean_g2 / (1 - beta_2), which saves two
    passes over the parameters; the constants move into the step size and epsilon. The paper calls
    the two means m and v.

    D. P. Kingma, J. Ba, "Adam: A method for stochastic optimization", ICLR 2015.

    Parameters
    ----------
    theta, n_weights
        As for every `Optimizer`.
    beta_1, beta_2 : float
        Decay of the first and second moment's running mean, in [0, 1).
    epsilon : float
        Keeps the denominator away from 0.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = "beta_1", "beta_2", "epsilon"

    def __init__(
        self, theta: FloatArray, n_weights: int, *, beta_1: float, beta_2: float, epsilon: float
    ) -> None:
        self.dtype = theta.dtype
        self.beta_1, self.beta_2, self.epsilon = float(beta_1), float(beta_2), float(epsilon)
        self.t = 0
        self.M = np.zeros_like(theta)
        self.V = np.zeros_like(theta)

    def step(self, theta: FloatArray, grad: FloatArray, learning_rate: float) -> None:
        """Update theta, M and V in place; grad is overwritten."""
        self.t += 1
        root = math.sqrt(1 - self.beta_2)
        bias_correction = math.sqrt(1 - self.beta_2**self.t) / (1 - self.beta_1**self.t)
        eta = learning_rate * bias_correction * (1 - self.beta_1) / root
        epsilon = self.epsilon_hat() / root
        adam_step(theta, self.M, self.V, grad, self.beta_1, self.beta_2, eta, epsilon)

    def epsilon_hat(self) -> float:
        """Return the term added to sqrt(mean_g2): as in MLPClassifier, the same in every step."""
        return self.epsilon


@kernel
def adam_step(
    theta: FloatArray,
    M: FloatArray,
    V: FloatArray,
    grad: FloatArray,
    beta_1: float,
    beta_2: float,
    eta: float,
    epsilon: float,
) -> None:
    """Take the step of `Adam`; theta, M and V change in place, grad is used up."""
    M *= beta_1
    M += grad
    np.square(grad, out=grad)
    V *= beta_2
    V += grad
    update = np.sqrt(V, out=grad)
    update += epsilon
    np.divide(M, update, out=update)
    add_scaled(theta, -eta, update)


class AdamW(Adam):
    """Adam with decoupled weight decay: the weights W shrink in addition to the step.

        W     <- (1 - eta weight_decay) W
        theta <- theta - eta mean_g / (1 - beta_1^t) / (sqrt(mean_g2 / (1 - beta_2^t)) + epsilon)

    with the means of Adam.

    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019; the decay is a
    share of the learning rate, as is common since.

    Parameters
    ----------
    theta, n_weights
        As for every `Optimizer`.
    beta_1, beta_2, epsilon : float
        As for `Adam`.
    weight_decay : float
        Strength of the decay; biases and other parameters have none.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = "beta_1", "beta_2", "epsilon", "weight_decay"

    def __init__(
        self,
        theta: FloatArray,
        n_weights: int,
        *,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        weight_decay: float,
    ) -> None:
        super().__init__(theta, n_weights, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
        self.n_weights, self.weight_decay = n_weights, float(weight_decay)

    def step(self, theta: FloatArray, grad: FloatArray, learning_rate: float) -> None:
        """Update theta, M and V in place; grad is overwritten."""
        theta[: self.n_weights] *= 1 - learning_rate * self.weight_decay
        super().step(theta, grad, learning_rate)

    def epsilon_hat(self) -> float:
        """Return epsilon times the factor of the corrected sqrt(mean_g2)."""
        return self.epsilon * math.sqrt(1 - self.beta_2**self.t)


class _Scratch:
    """Base of optimizers that need an array for intermediate results, overwritten in each step."""

    V: FloatArray

    @cached_property
    def scratch(self) -> FloatArray:
        """Array of the size of the parameters; no part of the state, so made anew in copies."""
        return np.zeros_like(self.V)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "scratch"}


class NAdam(_Scratch, Adam):
    """Adam with Nesterov's momentum, t the number of this step.

        mu_t    =  beta_1 (1 - 0.96^(0.004 t) / 2)
        mean_g  <- beta_1 mean_g + (1 - beta_1) g
        mean_g2 <- beta_2 mean_g2 + (1 - beta_2) g^2
        g_hat   =  mu_{t+1} mean_g / (1 - mu_1 ... mu_{t+1}) + (1 - mu_t) g / (1 - mu_1 ... mu_t)
        theta   <- theta - eta g_hat / (sqrt(mean_g2 / (1 - beta_2^t)) + epsilon)

    The state is kept as M = mean_g / (1 - beta_1) and V = mean_g2 / (1 - beta_2), as in Adam.

    T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.

    Parameters
    ----------
    theta, n_weights
        As for every `Optimizer`.
    beta_1, beta_2, epsilon : float
        As for `Adam`.
    """

    def __init__(
        self, theta: FloatArray, n_weights: int, *, beta_1: float, beta_2: float, epsilon: float
    ) -> None:
        super().__init__(theta, n_weights, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
        self.product = 1.0
        self.scratch = np.zeros_like(theta)

    def mu(self, t: int) -> float:
        """Return the momentum of step t, which rises from beta_1 / 2 to beta_1."""
        return self.beta_1 * (1 - 0.96 ** (0.004 * t) / 2)

    def step(self, theta: FloatArray, grad: FloatArray, learning_rate: float) -> None:
        """Update theta, M and V in place; grad is overwritten."""
        self.t += 1
        mu, mu_next = self.mu(self.t), self.mu(self.t + 1)
        self.product *= mu
        share_of_M = mu_next * (1 - self.beta_1) / (1 - self.product * mu_next)
        share_of_g = (1 - mu) / (1 - self.product)
        # sqrt(mean_g2 / (1 - beta_2^t)) = root sqrt(V)
        root = math.sqrt((1 - self.beta_2) / (1 - self.beta_2**self.t))
        state, shares = (self.M, self.V), (share_of_M, share_of_g)
        decays, eta, epsilon = (self.beta_1, self.beta_2), learning_rate / root, self.epsilon / root
        nadam_step(theta, *state, grad, self.scratch, *decays, *shares, eta, epsilon)


@kernel
def nadam_step(
    theta: FloatArray,
    M: FloatArray,
    V: FloatArray,
    grad: FloatArray,
    scratch: FloatArray,
    beta_1: float,
    beta_2: float,
    share_of_M: float,
    share_of_g: float,
    eta: float,
    epsilon: float,
) -> None:
    """Take the step of `NAdam`; theta, M and V change in place, grad and scratch are used up."""
    M *= beta_1
    M += grad
    g_squared = np.square(grad, out=scratch)
    V *= beta_2
    V += g_squared
    denominator = np.sqrt(V, out=scratch)
    denominator += epsilon
    grad *= share_of_g
    add_scaled(grad, share_of_M, M)
    grad /= denominator
    add_scaled(theta, -eta, grad)


class RMSprop(_Scratch):
    """Each entry of the gradient in proportion to its usual size.

        mean_g2 <- beta_2 mean_g2 + (1 - beta_2) g^2
        theta   <- theta - eta g / (sqrt(mean_g2) + epsilon)

    The state is kept as V = mean_g2 / (1 - beta_2), as in Adam.

    T. Tieleman, G. Hinton, "Lecture 6.5: RMSprop", Neural Networks for Machine Learning,
    Coursera 2012.

    Parameters
    ----------
    theta, n_weights
        As for every `Optimizer`.
    beta_2 : float
        Decay of the squared gradient's running mean, in [0, 1).
    epsilon : float
        Keeps the denominator away from 0.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = "beta_2", "epsilon"

    def __init__(self, theta: FloatArray, n_weights: int, *, beta_2: float, epsilon: float) -> None:
        self.dtype = theta.dtype
        self.beta_2, self.epsilon = float(beta_2), float(epsilon)
        self.V = np.zeros_like(theta)
        self.scratch = np.zeros_like(theta)

    def step(self, theta: FloatArray, grad: FloatArray, learning_rate: float) -> None:
        """Update theta and V in place; grad is overwritten."""
        # sqrt(mean_g2) = root sqrt(V)
        root = math.sqrt(1 - self.beta_2)
        eta, epsilon = learning_rate / root, self.epsilon / root
        rmsprop_step(theta, self.V, grad, self.scratch, self.beta_2, eta, epsilon)


@kernel
def rmsprop_step(
    theta: FloatArray,
    V: FloatArray,
    grad: FloatArray,
    scratch: FloatArray,
    beta_2: float,
    eta: float,
    epsilon: float,
) -> None:
    """Take the step of `RMSprop`; theta and V change in place, grad and scratch are used up."""
    g_squared = np.square(grad, out=scratch)
    V *= beta_2
    V += g_squared
    denominator = np.sqrt(V, out=scratch)
    denominator += epsilon
    grad /= denominator
    add_scaled(theta, -eta, grad)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": Adam,
    "adamw": AdamW,
    "nadam": NAdam,
    "rmsprop": RMSprop,
    "sgd": SGD,
}
