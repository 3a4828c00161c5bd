"""Loops for the activation functions and their derivatives, named and called as in the engine."""

from typing import Any

import numpy as np

from skmlp._compiled.loops.elementary import (
    exp,
    expm1,
    log1p,
    normal_cdf,
    normal_density,
    tanh,
)
from skmlp._compiled.loops.registry import loop
from skmlp._engine.activations import SELU_ALPHA, SELU_LAMBDA
from skmlp._engine.types import FloatArray

_LAMBDA_ALPHA = SELU_LAMBDA * SELU_ALPHA
_DENSITY_AT_0 = 1 / np.sqrt(2 * np.pi)


@loop
def logistic(z: FloatArray, kept: Any) -> None:
    """h(z) = 1 / (1 + exp(-z))."""
    one, least = z.dtype.type(1), z.dtype.type(-80)
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            v = least if z[i, k] < least else z[i, k]
            z[i, k] = one / (one + exp(-v))


@loop
def logistic_backward(a: FloatArray, kept: Any, delta: FloatArray) -> None:
    """h'(z) = a (1 - a)."""
    one = a.dtype.type(1)
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            delta[i, k] *= a[i, k] * (one - a[i, k])


@loop
def tanh_forward(z: FloatArray, kept: Any) -> None:
    """h(z) = tanh(z)."""
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            z[i, k] = tanh(z[i, k])


@loop
def tanh_backward(a: FloatArray, kept: Any, delta: FloatArray) -> None:
    """h'(z) = 1 - a^2."""
    one = a.dtype.type(1)
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            delta[i, k] *= one - a[i, k] * a[i, k]


@loop
def relu(z: FloatArray, kept: Any) -> None:
    """h(z) = max(0, z)."""
    zero = z.dtype.type(0)
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            v = z[i, k] + zero  # without a sum, only what changes would be stored, one by one
            z[i, k] = zero if v < zero else v


@loop
def relu_of_sum(z: FloatArray, b: FloatArray) -> None:
    """h(z + b) = max(0, z + b)."""
    zero = z.dtype.type(0)
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            v = z[i, k] + b[k]
            z[i, k] = zero if v < zero else v


@loop
def relu_backward(a: FloatArray, kept: Any, delta: FloatArray) -> None:
    """h'(z) = 1 where a > 0, else 0."""
    zero, one = a.dtype.type(0), a.dtype.type(1)
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            delta[i, k] *= one if a[i, k] > zero else zero


@loop
def leaky_relu(z: FloatArray, kept: Any) -> None:
    """h(z) = max(z, 0.01 z)."""
    zero, slope = z.dtype.type(0), z.dtype.type(0.01)
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            v = z[i, k] + zero  # as in relu
            z[i, k] = slope * v if v < zero else v


@loop
def leaky_relu_of_sum(z: FloatArray, b: FloatArray) -> None:
    """h(z + b) = max(z + b, 0.01 (z + b))."""
    zero, slope = z.dtype.type(0), z.dtype.type(0.01)
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            v = z[i, k] + b[k]
            z[i, k] = slope * v if v < zero else v


@loop
def leaky_relu_backward(a: FloatArray, kept: Any, delta: FloatArray) -> None:
    """h'(z) = 1 where a > 0, else 0.01."""
    zero, one, slope = a.dtype.type(0), a.dtype.type(1), a.dtype.type(0.01)
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            delta[i, k] *= one if a[i, k] > zero else slope


@loop
def elu(z: FloatArray, kept: Any) -> None:
    """h(z) = z where z > 0, else exp(z) - 1."""
    zero = z.dtype.type(0)
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            v = z[i, k]
            z[i, k] = v if v > zero else expm1(v)


@loop
def elu_backward(a: FloatArray, kept: Any, delta: FloatArray) -> None:
    """h'(z) = 1 where z > 0, else a + 1."""
    zero, one = a.dtype.type(0), a.dtype.type(1)
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            delta[i, k] *= one if a[i, k] > zero else a[i, k] + one


@loop
def selu(z: FloatArray, kept: Any) -> None:
    """h(z) = lambda z where z > 0, else lambda alpha (exp(z) - 1)."""
    zero, above, below = z.dtype.type(0), z.dtype.type(SELU_LAMBDA), z.dtype.type(_LAMBDA_ALPHA)
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            v = z[i, k]
            z[i, k] = above * v if v > zero else below * expm1(v)


@loop
def selu_backward(a: FloatArray, kept: Any, delta: FloatArray) -> None:
    """h'(z) = lambda where z >= 0, else a + lambda alpha."""
    zero, above, below = a.dtype.type(0), a.dtype.type(SELU_LAMBDA), a.dtype.type(_LAMBDA_ALPHA)
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            delta[i, k] *= a[i, k] + below if a[i, k] < zero else above


@loop
def softplus(z: FloatArray, kept: Any) -> None:
    """h(z) = max(z, 0) + log(1 + exp(-|z|))."""
    zero = z.dtype.type(0)
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            v = z[i, k]
            z[i, k] = (v if v > zero else zero) + log1p(exp(-abs(v)))


@loop
def softplus_backward(a: FloatArray, kept: Any, delta: FloatArray) -> None:
    """h'(z) = 1 - exp(-a)."""
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            delta[i, k] *= -expm1(-a[i, k])


@loop
def gelu(z: FloatArray, kept: FloatArray) -> None:
    """h(z) = z Phi(z); Phi is kept."""
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            kept[i, k] = normal_cdf(z[i, k])
            z[i, k] *= kept[i, k]


@loop
def gelu_backward(a: FloatArray, kept: FloatArray, delta: FloatArray) -> None:
    """h'(z) = Phi + z phi(z), with z = a / Phi."""
    density = a.dtype.type(_DENSITY_AT_0)
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            z = a[i, k] / kept[i, k]
            delta[i, k] *= kept[i, k] + z * density * normal_density(z)


@loop
def silu(z: FloatArray, kept: FloatArray) -> None:
    """h(z) = z / v, with v = 1 + exp(-z), which is kept."""
    one, least = z.dtype.type(1), z.dtype.type(-80)
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            v = least if z[i, k] < least else z[i, k]
            kept[i, k] = one + exp(-v)
            z[i, k] /= kept[i, k]


@loop
def silu_backward(a: FloatArray, kept: FloatArray, delta: FloatArray) -> None:
    """h'(z) = (1 + a (v - 1)) / v."""
    one = a.dtype.type(1)
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            v = kept[i, k]
            delta[i, k] *= (one + a[i, k] * (v - one)) / v


@loop
def mish(z: FloatArray, kept: FloatArray) -> None:
    """h(z) = z e (e + 2) / (w^2 + 1), with e = exp(z) and w = 1 + e; w^2 + 1 is kept."""
    one, two, largest = z.dtype.type(1), z.dtype.type(2), z.dtype.type(30)
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            e = exp(largest if z[i, k] > largest else z[i, k])
            w = one + e
            kept[i, k] = w * w + one
            z[i, k] = z[i, k] * e * (e + two) / kept[i, k]


@loop
def mish_backward(a: FloatArray, kept: FloatArray, delta: FloatArray) -> None:
    """h'(z) = 1 + (4 a w / (1 + w) - 2) / (w^2 + 1)."""
    one, two, four = a.dtype.type(1), a.dtype.type(2), a.dtype.type(4)
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            w = np.sqrt(kept[i, k] - one)
            delta[i, k] *= one + (four * a[i, k] * w / (one + w) - two) / kept[i, k]
