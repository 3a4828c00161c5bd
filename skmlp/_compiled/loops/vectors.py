"""Loops over vectors and rows: bias, penalty, dropout, running mean, and limits of norms."""

from typing import Any

import numpy as np

from skmlp._compiled.loops.registry import loop
from skmlp._engine.types import FloatArray


@loop
def add_bias(z: FloatArray, b: FloatArray) -> None:
    """z <- z + b."""
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            z[i, k] += b[k]


@loop
def add_penalty(W: FloatArray, dW: FloatArray, strength: Any) -> float:
    """dW <- dW + strength W; return |W|^2."""
    c = W.dtype.type(strength)
    total = W.dtype.type(0)
    for i in range(len(W)):
        total += W[i] * W[i]
        dW[i] += c * W[i]
    return float(total)


@loop
def drop(a: FloatArray, factor: FloatArray, p: Any) -> None:
    """factor <- [factor >= p] / (1 - p), a <- a factor."""
    real = a.dtype.type
    left_out, kept, share = real(0), real(1 / (1 - p)), real(p)
    for i in range(len(a)):
        factor[i] = kept if factor[i] >= share else left_out
        a[i] *= factor[i]


@loop
def drop_backward(a: FloatArray, delta: FloatArray, factor: FloatArray, p: Any) -> None:
    """delta <- delta factor, a <- (1 - p) a."""
    share = a.dtype.type(1 - p)
    for i in range(len(a)):
        delta[i] *= factor[i]
        a[i] *= share


@loop
def update_mean(mean: FloatArray, current: FloatArray, d: Any) -> None:
    """mean <- d mean + (1 - d) current."""
    old, new = mean.dtype.type(d), mean.dtype.type(1 - d)
    for i in range(len(mean)):
        mean[i] = old * mean[i] + new * current[i]


@loop
def clip(g: FloatArray, max_norm: Any) -> None:
    """g <- g min(1, max_norm / |g|)."""
    real = g.dtype.type
    total = real(0)
    for i in range(len(g)):
        total += g[i] * g[i]
    norm = np.sqrt(total)
    if norm == np.inf:
        # the squares have overflowed, which the numbers need not have
        largest = np.abs(g).max()
        total = real(0)
        for i in range(len(g)):
            g[i] /= largest
            total += g[i] * g[i]
        norm = np.sqrt(total)
    elif not norm > max_norm:
        return
    factor = real(max_norm / norm)
    for i in range(len(g)):
        g[i] *= factor


@loop
def limit_norms(W: FloatArray, max_norm: Any) -> None:
    """W_k <- W_k min(1, max_norm / |W_k|) for each column k."""
    real = W.dtype.type
    one = real(1)
    factors = np.zeros(W.shape[1], W.dtype)
    for i in range(W.shape[0]):
        for k in range(W.shape[1]):
            factors[k] += W[i, k] * W[i, k]
    for k in range(W.shape[1]):
        norm = np.sqrt(factors[k])
        factors[k] = one if norm <= max_norm else real(max_norm / norm)
        if norm == np.inf:  # a factor of 0 would hide it
            factors[k] = np.nan
    if (factors == one).all():
        return
    for i in range(W.shape[0]):
        for k in range(W.shape[1]):
            W[i, k] *= factors[k]
