"""The multilayer perceptron in training: its layers, the objective and its gradient."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import issparse

from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.backprop import backward, forward
from skmlp._engine.initializers import initializer
from skmlp._engine.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    ForwardInPlace,
    InPlace,
    PopulationNorm,
)
from skmlp._engine.linalg import add_penalty
from skmlp._engine.losses.base import Loss
from skmlp._engine.noise import Noise, per_layer
from skmlp._engine.parameters import Parameters
from skmlp._engine.predictor import Predictor
from skmlp._engine.types import FloatArray, Matrix, Targets

NO_NOISE = Noise()


class Network:
    """Dense layers l = 1..L, hidden activations h, a loss at the output.

    For a batch of m rows with weights w of mean one, the objective and its gradient are

        E       = sum_i w_i loss(z^L_i, y_i) / m + alpha / (2 m) sum_l |W^l|^2
        z^l     = a^{l-1} W^l + b^l             a^0 = X,  a^l = h(z^l)
        delta^L = w (a^L - y) / m               delta^l = (delta^{l+1} W^{l+1}T) * h'(z^l)
        dW^l    = a^{l-1}T delta^l + alpha / m W^l
        db^l    = 1^T delta^l

    If asked for, training adds noise to X and drops some of its entries, normalises z^l over the
    batch, and adds noise to z^l and dropout to a^l: BatchNorm, GaussianNoise, h, Dropout. With an
    adversarial radius rho, the first term of E is the mean over two passes, one for the rows x_i
    and one for these rows moved by rho in the direction in which their loss rises fastest
    (Goodfellow et al. 2015):

        x_i' = x_i + rho g_i / |g_i|            g_i = d E / d x_i = delta^1_i W^1T, held fixed

    Parameters
    ----------
    layer_sizes : sequence of int
        Number of inputs, of units of each hidden layer, and of outputs.
    activation : str or sequence of str
        Activation h of all hidden layers, or of each; keys of `ACTIVATIONS`.
    loss : Loss
        The loss at the output.
    alpha : float
        Strength of the penalty on the weights.
    dtype : dtype
        Precision of every number in the network, float32 or float64.
    batch_norm : bool, default=False
        Whether hidden layers are normalised.
    noise : Noise, default=Noise()
        Noise and dropout. By default there is none.
    adversarial_radius : float, default=0.0
        Euclidean length rho of the step from x_i to x_i'. If 0, there is no second pass.
    averaging : bool, default=False
        Whether a running mean of the parameters is kept, with which the network predicts.
    in_pieces : bool, default=False
        Whether small products a W are computed a few rows at a time; faster where BLAS uses
        AVX-512. Sums may differ in their last bits.

    Attributes
    ----------
    parameters : Parameters
        All numbers that training changes.
    theta, grad : ndarray of shape (n_parameters,)
        The trained parameters as one vector, and their gradient.
    W, b : list of ndarray
        Each layer's part of `theta`, as views.
    layers, batch_norms : list of Dense, list of BatchNorm
        The dense layers; the batch normalisations of the hidden layers, if there are any.
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        activation: str | Sequence[str],
        loss: Loss,
        alpha: float,
        dtype: np.dtype,
        *,
        batch_norm: bool = False,
        noise: Noise = NO_NOISE,
        adversarial_radius: float = 0.0,
        averaging: bool = False,
        in_pieces: bool = False,
    ) -> None:
        self.layer_sizes = tuple(layer_sizes)
        n_hidden = len(self.layer_sizes) - 2
        self.activations = per_layer(activation, n_hidden)
        # the output's initial weights follow the last hidden layer's
        self._init_activations = per_layer(activation, n_hidden + 1)
        self.loss = loss
        self.alpha = alpha
        self.rho = float(adversarial_radius)
        self.parameters = Parameters(self.layer_sizes, batch_norm, averaging, dtype)
        self.theta, self.grad = self.parameters.theta, self.parameters.grad
        self.n_weights = self.parameters.n_weights
        self.W, self.b = self.parameters.parts["W"], self.parameters.parts["b"]
        self.layers = self._dense_layers(in_pieces)
        self.batch_norms = self._batch_norms()
        self._in_place = self._in_place_layers(noise)
        self._on_input = noise.on_input()

    @property
    def takes_sparse_rows(self) -> bool:
        """Whether batches may be `SparseRows`: X goes into the first product as it is."""
        return len(self.layers) > 1 and not self._on_input and not self.rho

    def _dense_layers(self, in_pieces: bool) -> list[Dense]:
        values, grads = self.parameters.parts, self.parameters.grads
        layers = [
            Dense(*parts, in_pieces)
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

    def _in_place_layers(self, noise: Noise) -> list[list[InPlace]]:
        """Return what follows each dense layer in place; nothing follows the output."""
        hidden: list[list[InPlace]] = []
        on_hidden = noise.on_hidden(len(self.activations))
        for i, (name, (before, after)) in enumerate(zip(self.activations, on_hidden, strict=True)):
            h, layer, b = ACTIVATIONS[name], self.layers[i], None
            if h.of_sum is not None and not before:
                b, layer.b = layer.b, None  # one pass adds the biases and applies h
            hidden.append([*self.batch_norms[i : i + 1], *before, Activation(h, b), *after])
        return [*hidden, []]

    def initialize(self, weight_init: str | float, rng: np.random.RandomState) -> None:
        """Draw all weights and biases, layer by layer."""
        draw = initializer(weight_init)
        for layer, b, activation in zip(self.layers, self.b, self._init_activations, strict=True):
            layer.W[...], drawn = draw(rng, layer.W.shape[0], layer.W.shape[1], activation)
            if layer.db is not None:
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
        self._views: dict[int, tuple[list[Matrix], list[FloatArray], FloatArray]] = {}

    def loss_gradient(self, X: Matrix, y: Targets, w: FloatArray | None = None) -> float:
        """Return E for a batch of at most the reserved size; write its gradient into `grad`."""
        m, x = X.shape[0], self._corrupt_input(X)
        E = self._adversarial_pass(x, y, w) if self.rho else self._pass(x, y, w)
        if self.alpha:
            W, dW = self.theta[: self.n_weights], self.grad[: self.n_weights]
            E += self.alpha / (2 * m) * add_penalty(W, dW, self.alpha / m)
        return E

    def _pass(
        self, x: Matrix, y: Targets, w: FloatArray | None, dx: FloatArray | None = None
    ) -> float:
        """Return E without penalty; write its gradient into `grad`, and that by x into `dx`."""
        a, delta, z = self._batch_views(x.shape[0])
        a[0] = x
        forward(self.layers, self._in_place, a)
        E = self.loss.loss_gradient(z, y, w)
        backward(self.layers, self._in_place, a, delta, dx)
        return E

    def _batch_views(self, m: int) -> tuple[list[Matrix], list[FloatArray], FloatArray]:
        """Return [X, a^1, ..., z^L], the deltas, and z^L for m rows; the same ones each time."""
        if m not in self._views:
            K = self.layer_sizes[-1]
            # column after column: the maximum and the sum of all rows then take few, long passes
            z = self._z[: m * K].reshape(K, m).T
            a = [None, *(buffer[:m] for buffer in self._a), z]
            self._views[m] = a, [*(buffer[:m] for buffer in self._delta), z], z
        return self._views[m]

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

    def update_batch_norm_statistics(self, X: Matrix) -> None:
        """Replace the running means of the batch normalisations by mean and variance over X.

        The rows pass through the network as in prediction, without noise and dropout. If there is a
        running mean of the parameters, its statistics are replaced, computed with its weights.
        """
        parts = self.parameters.views(-1)
        hidden = self.layer_sizes[1:-1]
        norms = zip(*(parts[name] for name in ("gamma", "beta", "mean", "var")), strict=True)
        in_place: list[list[ForwardInPlace]] = [
            [PopulationNorm(*norm), Activation(ACTIVATIONS[name])]
            for norm, name in zip(norms, self.activations, strict=True)
        ]
        # the layers use two buffers in turn
        buffers = np.empty((2, X.shape[0] * max(hidden)), self.theta.dtype)
        a = [X.astype(self.theta.dtype, copy=False)]
        a += [buffers[i % 2, : X.shape[0] * n].reshape(X.shape[0], n) for i, n in enumerate(hidden)]
        forward([Dense(W, None) for W in parts["W"][:-1]], in_place, a)

    def predictor(self) -> Predictor:
        """Return the network as it predicts, with batch normalisations folded into its weights."""
        return Predictor(*self.parameters.affine(), self.activations)


def set_lengths(rows: FloatArray, length: float) -> None:
    """Scale each row in place to the Euclidean length given; rows of zeros stay as they are."""
    largest = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    # the squares of a confident row's gradient would underflow
    rows /= np.maximum(largest, np.finfo(rows.dtype).tiny)[:, np.newaxis]
    norms = np.sqrt(np.einsum("ik,ik->i", rows, rows))
    rows *= (length / np.maximum(norms, 1))[:, np.newaxis]
