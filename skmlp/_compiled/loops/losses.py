"""Loops for the losses: value and delta in one pass. The rows of z lie next to each other."""

from typing import Any

import numpy as np

from skmlp._compiled.loops.elementary import exp, log1p
from skmlp._compiled.loops.registry import loop
from skmlp._engine.types import FloatArray, Targets


@loop
def softmax_cross_entropy(z: FloatArray, y: Targets, w: Any, s: Any) -> float:
    """Return the mean of log(sum_k exp(z_k)) - (1 - s) z_y - s mean_k z_k; write delta into z."""
    m, K = z.shape
    real = z.dtype.type
    zero, spread, of_label = real(0), real(s / K), real(1 - s)
    largest, of_row = z[:, 0].copy(), np.empty(m, z.dtype)
    for k in range(1, K):
        for i in range(m):
            largest[i] = z[i, k] if z[i, k] > largest[i] else largest[i]
    loss = zero
    for i in range(m):
        v = of_label * (z[i, y[i]] - largest[i])
        if s > 0:
            for k in range(K):
                v += spread * (z[i, k] - largest[i])
        of_row[i] = -v
    exp_sum = np.zeros(m, z.dtype)
    for k in range(K):
        for i in range(m):
            z[i, k] = exp(z[i, k] - largest[i])
            exp_sum[i] += z[i, k]
    share = largest
    for i in range(m):
        share[i] = real(1 / m) if w is None else w[i] / real(m)
        loss += (np.log(exp_sum[i]) + of_row[i]) * share[i]
    for k in range(K):
        for i in range(m):
            label = of_label if y[i] == k else zero
            z[i, k] = (z[i, k] / exp_sum[i] - label - spread) * share[i]
    return float(loss)


@loop
def logistic_cross_entropy(z: FloatArray, y: Targets, w: Any, s: Any) -> float:
    """Return the mean of sum_k softplus(u_k) - s / 2 u_k; write delta into z."""
    m, K = z.shape
    real = z.dtype.type
    zero, one, half_s, of_label = real(0), real(1), real(s / 2), real(1 - s)
    loss = zero
    for k in range(K):
        for i in range(m):
            v = z[i, k]
            u = -v if y[i, k] else v
            e = exp(-abs(v))
            share = real(1 / m) if w is None else w[i] / real(m)
            loss += ((u if u > zero else zero) + log1p(e) - half_s * u) * share
            a = (e if v < zero else one) / (one + e)
            z[i, k] = (a - (of_label if y[i, k] else zero) - half_s) * share
    return float(loss)


@loop
def weighted_mean(losses: FloatArray, delta: FloatArray, w: Any) -> float:
    """Return sum_i w_i loss_i / m; multiply the rows of delta by w_i / m."""
    m = len(delta)
    real = delta.dtype.type
    loss = real(0)
    for k in range(losses.shape[1]):
        for i in range(m):
            share = real(1 / m) if w is None else w[i] / real(m)
            loss += losses[i, k] * share
    for k in range(delta.shape[1]):
        for i in range(m):
            delta[i, k] *= real(1 / m) if w is None else w[i] / real(m)
    return float(loss)


@loop
def squared_error(z: FloatArray, y: FloatArray) -> FloatArray:
    """Return r^2 / (2 K); write r into z."""
    m, K = z.shape
    half = z.dtype.type(0.5 / K)
    losses = np.empty_like(z)
    for k in range(K):
        for i in range(m):
            r = z[i, k] - y[i, k]
            z[i, k] = r
            losses[i, k] = r * r * half
    return losses


@loop
def absolute_error(z: FloatArray, y: FloatArray) -> FloatArray:
    """Return |r|; write the sign of r into z."""
    m, K = z.shape
    losses = np.empty_like(z)
    for k in range(K):
        for i in range(m):
            r = z[i, k] - y[i, k]
            z[i, k] = np.sign(r)
            losses[i, k] = abs(r)
    return losses


@loop
def pinball(z: FloatArray, y: FloatArray, q: FloatArray) -> FloatArray:
    """Return r ([r > 0] - q); write [r > 0] - q into z."""
    m, K = z.shape
    real = z.dtype.type
    one, half = real(1), real(0.5)
    losses = np.empty_like(z)
    for k in range(K):
        level = real(q[k if len(q) > 1 else 0])
        for i in range(m):
            r = z[i, k] - y[i, k if y.shape[1] > 1 else 0]
            z[i, k] = (np.sign(r) + one) * half - level
            losses[i, k] = z[i, k] * r
    return losses


@loop
def huber(z: FloatArray, y: FloatArray, threshold: FloatArray) -> FloatArray:
    """Return c (r - c / 2), with c = r clipped to the threshold; write c into z."""
    m, K = z.shape
    half = z.dtype.type(0.5)
    losses = np.empty_like(z)
    for k in range(K):
        limit = threshold[k if len(threshold) > 1 else 0]
        for i in range(m):
            r = z[i, k] - y[i, k]
            c = -limit if r < -limit else r
            c = limit if c > limit else c
            z[i, k] = c
            losses[i, k] = c * (r - half * c)
    return losses


@loop
def poisson_deviance(z: FloatArray, y: FloatArray) -> FloatArray:
    """Return exp(z) - y - y (z - log(y)); write exp(z) - y into z."""
    m, K = z.shape
    zero = z.dtype.type(0)
    losses = np.empty_like(z)
    for k in range(K):
        for i in range(m):
            v = y[i, k]
            y_log_y = v * np.log(v) if v > zero else zero
            linear = y_log_y - v * z[i, k]
            z[i, k] = np.exp(z[i, k]) - v
            losses[i, k] = linear + z[i, k]
    return losses


@loop
def gamma_deviance(z: FloatArray, y: FloatArray) -> FloatArray:
    """Return log(a / y) + y / a - 1, with a = exp(z); write 1 - y / a into z."""
    m, K = z.shape
    losses = np.empty_like(z)
    for k in range(K):
        for i in range(m):
            log_ratio = z[i, k] - np.log(y[i, k])
            rest = np.expm1(-log_ratio)
            losses[i, k] = log_ratio + rest
            z[i, k] = -rest
    return losses
