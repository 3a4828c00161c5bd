"""Activation functions h of the hidden layers, each with its derivative h'.

Both directions work in place. Most derivatives are written in terms of a = h(z), which the forward
pass keeps anyway; for the others, the forward pass fills a second array.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr

from skmlp._engine.kernels import kernel
from skmlp._engine.types import FloatArray


class ActivationFunction(NamedTuple):
    """An activation function and its derivative.

    Attributes
    ----------
    forward : callable
        ``forward(z, kept)`` overwrites z with a = h(z). If `keeps`, `kept` is an array of the shape
        of z, which is filled with what the derivative needs in addition to a; else None.
    backward : callable
        ``backward(a, kept, delta)`` overwrites delta with delta * h'(z), where a = h(z) and `kept`
        is as the forward direction left it; both are scratch space afterwards. Where delta is 0,
        a may be 0 too, as dropout leaves it.
    keeps : bool
        Whether the derivative needs `kept`.
    of_sum : callable or None
        ``of_sum(z, b)`` overwrites z with h(z + b), b the biases. If None, there is no kernel for
        both at once.
    """

    forward: Callable[[FloatArray, Any], None]
    backward: Callable[[FloatArray, Any, FloatArray], None]
    keeps: bool = False
    of_sum: Callable[[FloatArray, FloatArray], None] | None = None

    def apply(self, z: FloatArray) -> None:
        """Overwrite z with a = h(z), where no derivative will be asked for."""
        self.forward(z, np.empty_like(z) if self.keeps else None)


def _identity(z: FloatArray, kept: None) -> None:
    """h(z) = z."""


def _identity_backward(a: FloatArray, kept: None, delta: FloatArray) -> None:
    """h'(z) = 1."""


@kernel
def _logistic(z: FloatArray, kept: None) -> None:
    """h(z) = 1 / (1 + exp(-z)).

    Below z = -80 it is taken to be its value there, 1.8e-35; NumPy's exp is vectorised, unlike
    SciPy's expit.
    """
    np.clip(z, -80, np.inf, out=z)
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1
    np.reciprocal(z, out=z)


@kernel
def _logistic_backward(a: FloatArray, kept: None, delta: FloatArray) -> None:
    """h'(z) = a (1 - a)."""
    delta *= a
    np.subtract(1, a, out=a)
    delta *= a


@kernel
def _tanh_forward(z: FloatArray, kept: None) -> None:
    """h(z) = tanh(z)."""
    np.tanh(z, out=z)


@kernel
def _tanh_backward(a: FloatArray, kept: None, delta: FloatArray) -> None:
    """h'(z) = 1 - a^2."""
    np.square(a, out=a)
    np.subtract(1, a, out=a)
    delta *= a


@kernel
def _relu(z: FloatArray, kept: None) -> None:
    """h(z) = max(0, z)."""
    np.maximum(z, 0, out=z)


@kernel
def _relu_of_sum(z: FloatArray, b: FloatArray) -> None:
    """h(z + b) = max(0, z + b)."""
    z += b
    np.maximum(z, 0, out=z)


@kernel
def _relu_backward(a: FloatArray, kept: None, delta: FloatArray) -> None:
    """h'(z) = 1 where a > 0, else 0."""
    np.greater(a, 0, out=a)
    delta *= a


# Below, np.clip with two bounds stands for the maximum or minimum with a number: it is faster.


def _blocks(z: FloatArray) -> Iterator[FloatArray]:
    """Cut z into blocks of rows, so small that a temporary array of their size stays in cache."""
    step = max(1, 2**15 // z.shape[1])
    return (z[i : i + step] for i in range(0, len(z), step))


@kernel
def _leaky_relu(z: FloatArray, kept: None) -> None:
    """h(z) = max(z, 0.01 z).

    A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural network acoustic
    models", ICML Workshop on Deep Learning for Audio, Speech and Language Processing, 2013.
    """
    for rows in _blocks(z):
        np.maximum(rows, 0.01 * rows, out=rows)


@kernel
def _leaky_relu_of_sum(z: FloatArray, b: FloatArray) -> None:
    """h(z + b) = max(z + b, 0.01 (z + b))."""
    z += b
    _leaky_relu(z, None)


@kernel
def _leaky_relu_backward(a: FloatArray, kept: None, delta: FloatArray) -> None:
    """h'(z) = 0.01 + 0.99 [a > 0]."""
    np.greater(a, 0, out=a)
    a *= 0.99
    a += 0.01
    delta *= a


@kernel
def _elu(z: FloatArray, kept: None) -> None:
    """h(z) = z where z > 0, else exp(z) - 1; that is max(z, exp(min(z, 0)) - 1).

    D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by
    exponential linear units (ELUs)", ICLR 2016; their alpha is 1.
    """
    for rows in _blocks(z):
        below = np.clip(rows, -np.inf, 0)
        np.expm1(below, out=below)
        np.maximum(rows, below, out=rows)


@kernel
def _elu_backward(a: FloatArray, kept: None, delta: FloatArray) -> None:
    """h'(z) = 1 where z > 0, else exp(z); that is min(a, 0) + 1."""
    np.clip(a, -np.inf, 0, out=a)
    a += 1
    delta *= a


# with them, units of mean 0 and variance 1 stay so from layer to layer
SELU_LAMBDA = 1.0507009873554804934
SELU_ALPHA = 1.6732632423543772848


@kernel
def _selu(z: FloatArray, kept: None) -> None:
    """h(z) = lambda max(z, 0) + lambda alpha (exp(min(z, 0)) - 1).

    G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-normalizing neural networks",
    NIPS 2017.
    """
    for rows in _blocks(z):
        below = np.clip(rows, -np.inf, 0)
        np.expm1(below, out=below)
        below *= SELU_LAMBDA * SELU_ALPHA
        np.clip(rows, 0, np.inf, out=rows)
        rows *= SELU_LAMBDA
        rows += below


@kernel
def _selu_backward(a: FloatArray, kept: None, delta: FloatArray) -> None:
    """h'(z) = lambda where z > 0, else lambda alpha exp(z).

    The latter is g = min(a, 0) + lambda alpha. Where a >= 0, there g has its largest value
    lambda alpha, and g / alpha is the derivative.
    """
    np.clip(a, -np.inf, 0, out=a)
    a += SELU_LAMBDA * SELU_ALPHA
    delta *= a
    np.less(a, SELU_LAMBDA * SELU_ALPHA, out=a)
    np.clip(a, 1 / SELU_ALPHA, 1, out=a)
    delta *= a


@kernel
def _softplus(z: FloatArray, kept: None) -> None:
    """h(z) = log(1 + exp(z)), which is z to all digits where z > 40.

    C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau, R. Garcia, "Incorporating second-order functional
    knowledge for better option pricing", NIPS 2000.
    """
    for rows in _blocks(z):
        a = np.clip(rows, -np.inf, 40)
        np.exp(a, out=a)
        np.log1p(a, out=a)
        np.maximum(rows, a, out=rows)


@kernel
def _softplus_backward(a: FloatArray, kept: None, delta: FloatArray) -> None:
    """h'(z) = 1 - exp(-a)."""
    np.negative(a, out=a)
    np.expm1(a, out=a)
    delta *= a
    np.negative(delta, out=delta)


@kernel
def _gelu(z: FloatArray, kept: FloatArray) -> None:
    """h(z) = z Phi(z), with Phi the distribution function of N(0, 1).

    D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415, 2016.

    Phi is kept. Below z = -10 it is taken to be Phi(-10) = 8e-24, so that one can divide by it.
    """
    np.clip(z, -10, np.inf, out=kept)
    ndtr(kept, out=kept)
    z *= kept


@kernel
def _gelu_backward(a: FloatArray, kept: FloatArray, delta: FloatArray) -> None:
    """h'(z) = Phi + z phi(z) = Phi (1 + z / Phi phi(z)), where phi = Phi' and z = a / Phi."""
    a /= kept
    delta *= kept
    np.divide(a, kept, out=kept)
    np.square(a, out=a)
    a *= -0.5
    np.exp(a, out=a)
    a *= 1 / math.sqrt(2 * math.pi)
    a *= kept
    a += 1
    delta *= a


@kernel
def _silu(z: FloatArray, kept: FloatArray) -> None:
    """h(z) = z / v, with v = 1 + exp(-z).

    S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning", Neural Networks 107, 2018; as "swish" in
    P. Ramachandran, B. Zoph, Q. V. Le, "Searching for activation functions", arXiv:1710.05941,
    2017.

    v is kept. Below z = -80 it is taken to be its value there, 5.5e34, which float32 can hold.
    """
    np.clip(z, -80, np.inf, out=kept)
    np.negative(kept, out=kept)
    np.exp(kept, out=kept)
    kept += 1
    z /= kept


@kernel
def _silu_backward(a: FloatArray, kept: FloatArray, delta: FloatArray) -> None:
    """h'(z) = 1 / v + a (1 - 1 / v) = (1 + a (v - 1)) / v."""
    delta /= kept
    kept -= 1
    a *= kept
    a += 1
    delta *= a


@kernel
def _mish(z: FloatArray, kept: FloatArray) -> None:
    """h(z) = z tanh(log(w)) = z (w^2 - 1) / (w^2 + 1), with w = 1 + exp(z).

    D. Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020.

    With e = exp(z), w^2 - 1 is e (e + 2), which keeps all digits where e is small. w^2 + 1 is
    kept. Above z = 30 it is taken to be its value there, 1.1e26, which float32 can hold.
    """
    np.clip(z, -np.inf, 30, out=kept)
    np.exp(kept, out=kept)
    z *= kept
    kept += 2
    z *= kept
    kept -= 1
    np.square(kept, out=kept)
    kept += 1
    z /= kept


@kernel
def _mish_backward(a: FloatArray, kept: FloatArray, delta: FloatArray) -> None:
    """h'(z) = 1 + (4 a w / (1 + w) - 2) / (w^2 + 1).

    From the product rule, h' = t + z (1 - t^2) (1 - 1 / w) with t = tanh(log(w)) and z = a / t.
    """
    kept -= 1
    np.sqrt(kept, out=kept)
    a *= kept
    kept += 1
    a /= kept
    a *= 4
    a -= 2
    kept -= 1
    np.square(kept, out=kept)
    kept += 1
    a /= kept
    a += 1
    delta *= a


ACTIVATIONS: dict[str, ActivationFunction] = {
    "elu": ActivationFunction(_elu, _elu_backward),
    "gelu": ActivationFunction(_gelu, _gelu_backward, keeps=True),
    "identity": ActivationFunction(_identity, _identity_backward),
    "leaky_relu": ActivationFunction(_leaky_relu, _leaky_relu_backward, of_sum=_leaky_relu_of_sum),
    "logistic": ActivationFunction(_logistic, _logistic_backward),
    "mish": ActivationFunction(_mish, _mish_backward, keeps=True),
    "relu": ActivationFunction(_relu, _relu_backward, of_sum=_relu_of_sum),
    "selu": ActivationFunction(_selu, _selu_backward),
    "silu": ActivationFunction(_silu, _silu_backward, keeps=True),
    "softplus": ActivationFunction(_softplus, _softplus_backward),
    "tanh": ActivationFunction(_tanh_forward, _tanh_backward),
}
