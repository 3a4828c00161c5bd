"""The multilayer perceptron: its layers, the objective and its gradient, prediction."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.initializers import initializer
from skmlp._engine.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    GaussianNoise,
    affine,
    product,
)
from skmlp._engine.linalg import add_scaled
from skmlp._engine.losses.classification import LOSSES
from skmlp._engine.parameters import Parameters
from skmlp._engine.types import FloatArray, Matrix, Targets


class Network:
    """Dense layers l = 1..L, hidden activations h, cross-entropy at the output.

    For a batch of m rows with weights w of mean one, the objective and its gradient are

        E       = sum_i w_i loss(z^L_i, y_i) / m + alpha / (2 m) sum_l |W^l|^2
        z^l     = a^{l-1} W^l + b^l             a^0 = X,  a^l = h(z^l)
        delta^L = w (a^L - y) / m               delta^l = (delta^{l+1} W^{l+1}T) * h'(z^l)
        dW^l    = a^{l-1}T delta^l + alpha / m W^l
        db^l    = 1^T delta^l

    In training, as far as it is asked for, X gets noise and loses units, and so does each hidden
    layer, whose z^l is normalised over the batch: BatchNorm, GaussianNoise, h, Dropout. With an
    adversarial radius rho, the first term is the mean of two, for the rows x_i and for those rows
    moved by rho to where their loss rises fastest (Goodfellow et al. 2015):

        x_i' = x_i + rho g_i / |g_i|            g_i = d E / d x_i = delta^1_i W^1T, held fixed

    Parameters
    ----------
    layer_sizes : sequence of int
        Number of inputs, of units of each hidden layer, and of outputs.
    activation : str or sequence of str
        Activation h of all hidden layers, or of each; keys of `ACTIVATIONS`.
    out_activation : str
        "softmax" or "logistic", a key of `LOSSES`.
    alpha : float
        Strength of the penalty on the weights.
    dtype : dtype
        float32 or float64, of every number in the network.
    batch_norm : bool, default=False
        Whether hidden layers are normalised.
    noise, dropout : float or sequence of float, default=0.0
        Standard deviation of the noise on z^l and share of a^l that is left out, in all hidden
        layers, or in each.
    input_noise, input_dropout : float, default=0.0
        The same for X.
    adversarial_radius : float, default=0.0
        Euclidean length rho of the step from x_i to x_i'; 0: there is no second pass.
    label_smoothing : float, default=0.0
        Share of the labels that is spread over all classes.
    averaging : bool, default=False
        Whether it is a running mean of the parameters that predicts.
    rng : Generator or None, default=None
        Where noise and dropout come from.

    Attributes
    ----------
    parameters : Parameters
        All numbers that training changes.
    theta, grad : ndarray of shape (n_parameters,)
        The trained ones in one vector, and their gradient.
    W, b : list of ndarray
        Each layer's part of `theta`, as views.
    layers, batch_norms : list of Dense, list of BatchNorm
        Those of all layers; of the hidden layers, or none.
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        activation: str | Sequence[str],
        out_activation: str,
        alpha: float,
        dtype: np.dtype,
        *,
        batch_norm: bool = False,
        noise: float | Sequence[float] = 0.0,
        dropout: float | Sequence[float] = 0.0,
        input_noise: float = 0.0,
        input_dropout: float = 0.0,
        adversarial_radius: float = 0.0,
        label_smoothing: float = 0.0,
        averaging: bool = False,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.layer_sizes = tuple(layer_sizes)
        n_hidden = len(self.layer_sizes) - 2
        self.activations = per_layer(activation, n_hidden)
        # the output's initial weights follow the last hidden layer's
        self._init_activations = per_layer(activation, n_hidden + 1)
        self.loss = type(LOSSES[out_activation])(label_smoothing)
        self.alpha = alpha
        self.rho = float(adversarial_radius)
        self.parameters = Parameters(self.layer_sizes, batch_norm, averaging, dtype)
        self.theta, self.grad = self.parameters.theta, self.parameters.grad
        self.n_weights = self.parameters.n_weights
        self.W, self.b = self.parameters.parts["W"], self.parameters.parts["b"]
        self.layers = self._dense_layers()
        self.batch_norms = self._batch_norms()
        self._in_place = [
            [
                *self.batch_norms[i : i + 1],
                *_noise_layers(noise_i, 0.0, rng),
                Activation(ACTIVATIONS[name]),
                *_noise_layers(0.0, dropout_i, rng),
            ]
            for i, (name, noise_i, dropout_i) in enumerate(
                zip(
                    self.activations,
                    per_layer(noise, n_hidden),
                    per_layer(dropout, n_hidden),
                    strict=True,
                )
            )
        ]
        self._on_input = _noise_layers(input_noise, input_dropout, rng)

    def _dense_layers(self) -> list[Dense]:
        values, grads = self.parameters.parts, self.parameters.grads
        layers = [
            Dense(*parts)
            for parts in zip(values["W"], values["b"], grads["W"], grads["b"], strict=True)
        ]
        for layer, _ in zip(layers, values["gamma"], strict=False):
            layer.b = layer.db = None  # beta of the batch normalisation does their work
        return layers

    def _batch_norms(self) -> list[BatchNorm]:
        values, grads = self.parameters.parts, self.parameters.grads
        return [
            BatchNorm(gamma, beta, mean, var, dgamma, dbeta)
            for gamma, beta, mean, var, dgamma, dbeta in zip(
                *(values[name] for name in ("gamma", "beta", "mean", "var")),
                grads["gamma"],
                grads["beta"],
                strict=True,
            )
        ]

    def initialize(self, weight_init: str | float, rng: np.random.RandomState) -> None:
        """Draw all weights and biases, layer by layer."""
        draw = initializer(weight_init)
        for layer, b, activation in zip(self.layers, self.b, self._init_activations, strict=True):
            layer.W[...], drawn = draw(rng, layer.W.shape[0], layer.W.shape[1], activation)
            if layer.b is not None:
                b[...] = drawn
        self.parameters.vectors[-1] = self.parameters.vectors[0]

    def reserve(self, n_rows: int) -> None:
        """Allocate a^l, delta^l and z^L for batches of up to `n_rows` rows."""
        dtype, hidden = self.theta.dtype, self.layer_sizes[1:-1]
        self._a = [np.empty((n_rows, n), dtype) for n in hidden]
        self._delta = [np.empty((n_rows, n), dtype) for n in hidden]
        self._z = np.empty(n_rows * self.layer_sizes[-1], dtype)
        self._x = np.empty((n_rows if self._on_input else 0, self.layer_sizes[0]), dtype)
        self._x_moved = np.empty((n_rows if self.rho else 0, self.layer_sizes[0]), dtype)
        self._grad_at_x = np.empty(self.grad.size if self.rho else 0, dtype)

    def loss_gradient(self, X: Matrix, y: Targets, w: FloatArray | None = None) -> float:
        """Return E for a batch of at most the reserved size; write its gradient into `grad`."""
        m, x = X.shape[0], self._corrupt_input(X)
        E = self._adversarial_pass(x, y, w) if self.rho else self._pass(x, y, w)
        if self.alpha:
            W, dW = self.theta[: self.n_weights], self.grad[: self.n_weights]
            E += self.alpha / (2 * m) * float(W @ W)
            add_scaled(dW, self.alpha / m, W)
        return E

    def _pass(
        self, x: Matrix, y: Targets, w: FloatArray | None, dx: FloatArray | None = None
    ) -> float:
        """Return E without penalty; write its gradient into `grad`, and that by x into `dx`."""
        m, K = x.shape[0], self.layer_sizes[-1]
        # column after column: the maximum and the sum of all rows then take few, long passes
        z = self._z[: m * K].reshape(K, m).T
        a = [x, *(buffer[:m] for buffer in self._a), z]
        delta = [*(buffer[:m] for buffer in self._delta), z]
        self._forward(a)
        E = self.loss.loss_gradient(a[-1], y, w)
        self._backward(a, delta, dx)
        return E

    def _adversarial_pass(self, x: Matrix, y: Targets, w: FloatArray | None) -> float:
        """Return the mean of E for x and for x'; write its gradient into `grad`."""
        x_moved = dx = self._x_moved[: x.shape[0]]
        E = self._pass(x, y, w, dx)
        self._grad_at_x[...] = self.grad
        set_lengths(dx, self.rho)
        x_moved += x.toarray() if issparse(x) else x
        E_moved = self._pass(x_moved, y, w)
        self.grad += self._grad_at_x
        self.grad *= 0.5
        return (E + E_moved) / 2

    def _corrupt_input(self, X: Matrix) -> Matrix:
        """Return X with noise and without the units left out; X itself stays as it is."""
        if not self._on_input:
            return X
        if issparse(X) and all(isinstance(layer, Dropout) for layer in self._on_input):
            a = X.copy()
            entries = a.data
        else:
            a = entries = self._x[: X.shape[0]]
            a[...] = X.toarray() if issparse(X) else X
        for layer in self._on_input:
            layer.forward(entries)
        return a

    def _forward(self, a: Sequence[Matrix]) -> None:
        """Fill a[1:] with a^1 .. a^{L-1} and the logits z^L, given a[0] = X."""
        *hidden, output = self.layers
        for layer, in_place, below, z in zip(hidden, self._in_place, a, a[1:], strict=False):
            layer.forward(below, z)
            for step in in_place:
                step.forward(z)
        output.forward(a[-2], a[-1])

    def _backward(
        self, a: Sequence[Matrix], delta: Sequence[FloatArray], dx: FloatArray | None
    ) -> None:
        """Write the gradient of every layer, given delta^L, which has taken the place of z^L.

        If `dx` is given, delta^1 W^1T is written there.
        """
        for i in range(len(self.layers) - 1, 0, -1):
            self.layers[i].backward(a[i], delta[i], delta[i - 1])
            for step in reversed(self._in_place[i - 1]):
                step.backward(a[i], delta[i - 1])
        self.layers[0].backward(a[0], delta[0], dx)

    def update_batch_norm_statistics(self, X: Matrix) -> None:
        """Replace the running means of the batch normalisations by mean and variance over X.

        They are those of prediction, without noise and dropout, layer after layer (Ioffe and
        Szegedy 2015, algorithm 2); if there is a running mean of the parameters, those of that.
        """
        parts = self.parameters.views(-1)
        a = X.astype(self.theta.dtype, copy=False)
        for i, (name, mean, var) in enumerate(
            zip(self.activations, parts["mean"], parts["var"], strict=False)
        ):
            z = product(a, parts["W"][i])
            mean[...], var[...] = z.mean(axis=0), z.var(axis=0)
            slope = BatchNorm.slope(parts["gamma"][i], var)
            z *= slope
            z += parts["beta"][i] - mean * slope
            ACTIVATIONS[name].apply(z)
            a = z

    def logits(self, X: Matrix, chunk_rows: int | None = None) -> FloatArray:
        """Return z^L of all rows as in prediction, without touching the arrays of training."""
        return logits(X, *self.parameters.affine(), self.activations, chunk_rows)


def logits(
    X: Matrix,
    W: Sequence[FloatArray],
    b: Sequence[FloatArray],
    activations: Sequence[str],
    chunk_rows: int | None = None,
) -> FloatArray:
    """Return z^L of all rows of X, shape (n, n_outputs).

    Rows are taken `chunk_rows` at a time through two buffers, which the hidden layers use in turn;
    rows of another dtype than the parameters' are converted on the way.
    """
    n, dtype = X.shape[0], W[-1].dtype
    if chunk_rows is None or n <= chunk_rows:
        return _logits(X.astype(dtype, copy=False), W, b, activations, [None] * len(W))
    widest = max((W_l.shape[1] for W_l in W[:-1]), default=0)
    buffers = np.empty((2, chunk_rows * widest), dtype)
    z_out = np.empty((n, W[-1].shape[1]), dtype)
    for start in range(0, n, chunk_rows):
        a = X[start : start + chunk_rows].astype(dtype, copy=False)
        m = a.shape[0]
        out = [buffers[i % 2, : m * len(b_l)].reshape(m, len(b_l)) for i, b_l in enumerate(b[:-1])]
        _logits(a, W, b, activations, [*out, z_out[start : start + m]])
    return z_out


def _logits(
    a: Matrix,
    W: Sequence[FloatArray],
    b: Sequence[FloatArray],
    activations: Sequence[str],
    out: Sequence[FloatArray | None],
) -> FloatArray:
    """Return z^L of the rows a; z^l of each layer is written into `out[l]`, or a new array."""
    for i, name in enumerate(activations):
        a = affine(a, W[i], b[i], out[i])
        ACTIVATIONS[name].apply(a)
    return affine(a, W[-1], b[-1], out[-1])


def per_layer(value: Any, n_layers: int) -> list[Any]:
    """Return the values of all layers, given one for all or one for each; the last goes on."""
    if isinstance(value, str) or not np.iterable(value):
        return [value] * n_layers
    values = list(value)
    return [*values, *values[-1:] * n_layers][:n_layers]


def set_lengths(rows: FloatArray, length: float) -> None:
    """Scale each row in place to the Euclidean length given; rows of zeros stay as they are."""
    largest = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    # the squares of a confident row's gradient would underflow
    rows /= np.maximum(largest, np.finfo(rows.dtype).tiny)[:, np.newaxis]
    norms = np.sqrt(np.einsum("ik,ik->i", rows, rows))
    rows *= (length / np.maximum(norms, 1))[:, np.newaxis]


def _noise_layers(
    noise: float, dropout: float, rng: np.random.Generator | None
) -> list[GaussianNoise | Dropout]:
    """Return the layers of noise and dropout that are not 0."""
    layers: list[GaussianNoise | Dropout] = []
    if rng is not None:
        layers += [GaussianNoise(noise, rng)] if noise else []
        layers += [Dropout(dropout, rng)] if dropout else []
    return layers
