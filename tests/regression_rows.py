"""Rows for the losses of regression: targets of each domain, kinks, and the losses by PyTorch."""

import math

import numpy as np


def some_targets(name, shape, rng):
    """Draw targets of the domain of the loss of that name."""
    if name == "poisson":
        return rng.poisson(1.5, shape).astype(float)
    return rng.gamma(2, size=shape) if name == "gamma" else rng.normal(0, 3, shape)


def distance_from_kinks(loss, z, y):
    """Return how far each raw output may move before the loss has another piece."""
    if loss.name in ("absolute_error", "huber", "quantile"):
        r = np.abs(z - y)
        distances = [np.abs(r - loss.threshold) if loss.name == "huber" else r]
        # where two levels exchange their outputs
        distances += [np.abs(z[:, i] - z[:, :i].T) / 2 for i in range(1, loss.n_columns(1))]
        return min(distance.min() for distance in distances)
    return math.inf


def losses_by_pytorch(loss, z, y):
    """Return the loss of each row as the sum over its outputs, for tensors, by PyTorch."""
    import torch

    F = torch.nn.functional
    if loss.name == "squared_error":
        values = F.mse_loss(z, y, reduction="none") / 2
    elif loss.name == "absolute_error":
        values = F.l1_loss(z, y, reduction="none")
    elif loss.name == "huber":
        values = F.huber_loss(z, y, reduction="none", delta=loss.delta)
    elif loss.name == "poisson":
        values = F.poisson_nll_loss(z, y, log_input=True, reduction="none")
        values = values + torch.xlogy(y, y) - y
    elif loss.name == "gamma":
        values = z - torch.log(y) + y * torch.exp(-z) - 1
    else:
        q, r = torch.tensor(loss.q), z - y
        values = torch.maximum((1 - q) * r, -q * r)
    return values.sum(dim=1)
