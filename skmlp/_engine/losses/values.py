"""Losses of regression as kernels: the loss of each output, and its derivative by z.

Each function takes the raw output z and the targets y, returns the losses, and overwrites z with
the derivative. Here, r = z - y.
"""

import numpy as np
from scipy.special import xlogy

from skmlp._engine.kernels import kernel
from skmlp._engine.types import FloatArray


@kernel
def squared_error(z: FloatArray, y: FloatArray) -> FloatArray:
    """loss = r^2 / (2 K), the derivative of the sum over K outputs is r."""
    z -= y
    return z * z * (0.5 / z.shape[1])


@kernel
def absolute_error(z: FloatArray, y: FloatArray) -> FloatArray:
    """loss = |r|, with the derivative sign(r)."""
    r = z - y
    np.sign(r, out=z)
    return np.abs(r, out=r)


@kernel
def pinball(z: FloatArray, y: FloatArray, q: FloatArray) -> FloatArray:
    """loss = r ([r > 0] - q), with the derivative [r > 0] - q; at r = 0 it is 1/2 - q."""
    r = z - y
    np.sign(r, out=z)
    z += 1
    z *= 0.5
    z -= q
    return z * r


@kernel
def huber(z: FloatArray, y: FloatArray, threshold: FloatArray) -> FloatArray:
    """loss = c (r - c / 2), with c = r clipped to the threshold, and the derivative c."""
    r = z - y
    c = np.clip(r, -threshold, threshold, out=z)
    return c * (r - c / 2)


@kernel
def poisson_deviance(z: FloatArray, y: FloatArray) -> FloatArray:
    """loss = exp(z) - y - y (z - log(y)), with the derivative exp(z) - y."""
    values = xlogy(y, y) - y * z
    np.exp(z, out=z)
    z -= y
    values += z
    return values


@kernel
def gamma_deviance(z: FloatArray, y: FloatArray) -> FloatArray:
    """loss = z - log(y) + y exp(-z) - 1, with the derivative 1 - y exp(-z)."""
    log_ratio = z - np.log(y)
    # y / a - 1, with all digits where a is close to y
    np.negative(log_ratio, out=z)
    np.expm1(z, out=z)
    values = log_ratio + z
    np.negative(z, out=z)
    return values
