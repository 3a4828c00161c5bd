"""Hidden-layer activations h, each beside its derivative h'.

Both directions work in place. The derivatives are written in terms of a = h(z), which the forward
pass keeps anyway; the backward direction may overwrite a, whose last use it is.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from skmlp._types import FloatArray


class Activation(NamedTuple):
    """An activation function and its derivative.

    Attributes
    ----------
    forward : callable
        ``forward(z)`` overwrites z with a = h(z).
    backward : callable
        ``backward(a, delta)`` overwrites delta with delta * h'(z), where a = h(z); a is scratch
        space afterwards.
    """

    forward: Callable[[FloatArray], None]
    backward: Callable[[FloatArray, FloatArray], None]


def _identity(z: FloatArray) -> None:
    """h(z) = z."""


def _identity_backward(a: FloatArray, delta: FloatArray) -> None:
    """h'(z) = 1."""


def _logistic(z: FloatArray) -> None:
    """h(z) = 1 / (1 + exp(-z))."""
    expit(z, out=z)


def _logistic_backward(a: FloatArray, delta: FloatArray) -> None:
    """h'(z) = a (1 - a)."""
    delta *= a
    np.subtract(1, a, out=a)
    delta *= a


def _tanh(z: FloatArray) -> None:
    """h(z) = tanh(z)."""
    np.tanh(z, out=z)


def _tanh_backward(a: FloatArray, delta: FloatArray) -> None:
    """h'(z) = 1 - a^2."""
    np.square(a, out=a)
    np.subtract(1, a, out=a)
    delta *= a


def _relu(z: FloatArray) -> None:
    """h(z) = max(0, z)."""
    np.maximum(z, 0, out=z)


def _relu_backward(a: FloatArray, delta: FloatArray) -> None:
    """h'(z) = 1 where a > 0, else 0."""
    np.greater(a, 0, out=a)
    delta *= a


ACTIVATIONS = {
    "identity": Activation(_identity, _identity_backward),
    "logistic": Activation(_logistic, _logistic_backward),
    "relu": Activation(_relu, _relu_backward),
    "tanh": Activation(_tanh, _tanh_backward),
}
