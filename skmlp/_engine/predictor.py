"""What a trained network makes of its rows: hidden activations, and the gradient by the input."""

from collections.abc import Sequence

import numpy as np

from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.layers import affine
from skmlp._engine.losses.classification import Loss
from skmlp._engine.network import logits
from skmlp._engine.types import FloatArray, Matrix, Targets


def hidden_activations(
    X: Matrix,
    W: Sequence[FloatArray],
    b: Sequence[FloatArray],
    activations: Sequence[str],
    layer: int,
    chunk_rows: int,
) -> FloatArray:
    """Return a^l of the hidden layer of that index, shape (n, n_units)."""
    a = logits(X, W[: layer + 1], b[: layer + 1], activations[:layer], chunk_rows)
    ACTIVATIONS[activations[layer]].apply(a)
    return a


def input_gradient(
    X: Matrix,
    y: Targets,
    W: Sequence[FloatArray],
    b: Sequence[FloatArray],
    activations: Sequence[str],
    loss: Loss,
    chunk_rows: int,
) -> FloatArray:
    """Return d loss_i / d x_i = delta^1 W^1T of each row i, shape (n, n_features).

    delta^L = a^L - y,  delta^l = (delta^{l+1} W^{l+1}T) * h'(z^l).
    """
    gradient = np.empty(X.shape, W[0].dtype)
    for start in range(0, X.shape[0], chunk_rows):
        rows = slice(start, start + chunk_rows)
        a, kept = [X[rows].astype(W[0].dtype, copy=False)], []
        for name, W_l, b_l in zip(activations, W, b, strict=False):
            z = affine(a[-1], W_l, b_l)
            kept.append(np.empty_like(z) if ACTIVATIONS[name].keeps else None)
            ACTIVATIONS[name].forward(z, kept[-1])
            a.append(z)
        delta = affine(a[-1], W[-1], b[-1])
        loss.loss_gradient(delta, y[rows])
        delta *= len(delta)  # the loss of a row, not the mean
        for i in range(len(activations), 0, -1):
            delta = delta @ W[i].T
            ACTIVATIONS[activations[i - 1]].backward(a[i], kept[i - 1], delta)
        np.dot(delta, W[0].T, out=gradient[rows])
    return gradient
