"""Loops for the steps of the optimizers: one pass over the parameters."""

from typing import Any

import numpy as np

from skmlp._compiled.loops.registry import loop
from skmlp._engine.types import FloatArray


@loop
def momentum_step(
    theta: FloatArray, v: FloatArray, grad: FloatArray, eta: Any, momentum: Any, nesterov: bool
) -> None:
    """v <- momentum v - eta g; theta <- theta + v, or theta + momentum v - eta g."""
    rate, share = theta.dtype.type(eta), theta.dtype.type(momentum)
    if nesterov:
        for i in range(len(theta)):
            v[i] = share * v[i] - rate * grad[i]
            theta[i] += share * v[i] - rate * grad[i]
    else:
        for i in range(len(theta)):
            v[i] = share * v[i] - rate * grad[i]
            theta[i] += v[i]


@loop
def adam_step(
    theta: FloatArray,
    M: FloatArray,
    V: FloatArray,
    grad: FloatArray,
    beta_1: Any,
    beta_2: Any,
    eta: Any,
    epsilon: Any,
) -> None:
    """M <- beta_1 M + g, V <- beta_2 V + g^2, theta <- theta - eta M / (sqrt(V) + epsilon)."""
    real = theta.dtype.type
    b_1, b_2, rate, least = real(beta_1), real(beta_2), real(eta), real(epsilon)
    for i in range(len(theta)):
        g = grad[i]
        M[i] = b_1 * M[i] + g
        V[i] = b_2 * V[i] + g * g
        theta[i] -= rate * (M[i] / (np.sqrt(V[i]) + least))


@loop
def nadam_step(
    theta: FloatArray,
    M: FloatArray,
    V: FloatArray,
    grad: FloatArray,
    scratch: FloatArray,
    beta_1: Any,
    beta_2: Any,
    share_of_M: Any,
    share_of_g: Any,
    eta: Any,
    epsilon: Any,
) -> None:
    """Take the step of Adam, with share_of_M M + share_of_g g in place of M."""
    real = theta.dtype.type
    b_1, b_2, rate, least = real(beta_1), real(beta_2), real(eta), real(epsilon)
    of_M, of_g = real(share_of_M), real(share_of_g)
    for i in range(len(theta)):
        g = grad[i]
        M[i] = b_1 * M[i] + g
        V[i] = b_2 * V[i] + g * g
        theta[i] -= rate * ((of_M * M[i] + of_g * g) / (np.sqrt(V[i]) + least))


@loop
def rmsprop_step(
    theta: FloatArray,
    V: FloatArray,
    grad: FloatArray,
    scratch: FloatArray,
    beta_2: Any,
    eta: Any,
    epsilon: Any,
) -> None:
    """V <- beta_2 V + g^2, theta <- theta - eta g / (sqrt(V) + epsilon)."""
    real = theta.dtype.type
    b_2, rate, least = real(beta_2), real(eta), real(epsilon)
    for i in range(len(theta)):
        g = grad[i]
        V[i] = b_2 * V[i] + g * g
        theta[i] -= rate * (g / (np.sqrt(V[i]) + least))
