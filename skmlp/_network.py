"""The multilayer perceptron over one flat parameter vector."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

from skmlp._activations import ACTIVATIONS, Activation
from skmlp._blas import add_scaled
from skmlp._initializers import initializer
from skmlp._layers import Dense, affine
from skmlp._losses import LOSSES
from skmlp._types import FloatArray, Matrix, Targets


class Network:
    """Dense layers l = 1..L, hidden activation h, cross-entropy at the output.

    For a batch of m rows with weights w of mean one, the objective and its gradient are

        E       = sum_i w_i loss(z^L_i, y_i) / m + alpha / (2 m) sum_l |W^l|^2
        z^l     = a^{l-1} W^l + b^l             a^0 = X,  a^l = h(z^l)
        delta^L = w (a^L - y) / m               delta^l = (delta^{l+1} W^{l+1}T) * h'(z^l)
        dW^l    = a^{l-1}T delta^l + alpha / m W^l
        db^l    = 1^T delta^l

    Parameters
    ----------
    layer_sizes : sequence of int
        Number of inputs, of units of each hidden layer, and of outputs.
    activation : str
        Hidden activation h, a key of `ACTIVATIONS`.
    out_activation : str
        "softmax" or "logistic", a key of `LOSSES`.
    alpha : float
        Strength of the penalty on the weights.
    dtype : dtype
        float32 or float64, of every number in the network.

    Attributes
    ----------
    theta, grad : ndarray of shape (n_parameters,)
        The parameters [W^1 .. W^L | b^1 .. b^L] and their gradient.
    W, b : list of ndarray
        Each layer's part of `theta`, as views.
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        activation: str,
        out_activation: str,
        alpha: float,
        dtype: np.dtype,
    ) -> None:
        self.layer_sizes = tuple(layer_sizes)
        self.activation = activation
        self.h = ACTIVATIONS[activation]
        self.loss = LOSSES[out_activation]
        self.alpha = alpha
        shapes: list[tuple[int, ...]] = [*pairwise(self.layer_sizes)]
        shapes += [(fan_out,) for fan_out in self.layer_sizes[1:]]
        ends = [*accumulate(int(np.prod(shape)) for shape in shapes)]
        L = len(self.layer_sizes) - 1
        self.n_weights = ends[L - 1]
        self.theta = np.zeros(ends[-1], dtype)
        self.grad = np.zeros(ends[-1], dtype)
        views = _views(self.theta, shapes, ends)
        grad_views = _views(self.grad, shapes, ends)
        self.W, self.b = views[:L], views[L:]
        self.layers = [
            Dense(*parts)
            for parts in zip(self.W, self.b, grad_views[:L], grad_views[L:], strict=True)
        ]

    def initialize(self, weight_init: str | float, rng: np.random.RandomState) -> None:
        """Draw all parameters, layer by layer."""
        draw = initializer(weight_init)
        for W, b in zip(self.W, self.b, strict=True):
            W[...], b[...] = draw(rng, W.shape[0], W.shape[1], self.activation)

    def set_parameters(self, coefs: Sequence[FloatArray], intercepts: Sequence[FloatArray]) -> None:
        """Copy the given weights and biases into `theta`."""
        for ours, given in zip([*self.W, *self.b], [*coefs, *intercepts], strict=True):
            ours[...] = given

    def reserve(self, n_rows: int) -> None:
        """Allocate a^l, delta^l and z^L for batches of up to `n_rows` rows."""
        dtype, hidden = self.theta.dtype, self.layer_sizes[1:-1]
        self._a = [np.empty((n_rows, n), dtype) for n in hidden]
        self._delta = [np.empty((n_rows, n), dtype) for n in hidden]
        self._z = np.empty(n_rows * self.layer_sizes[-1], dtype)

    def loss_gradient(self, X: Matrix, y: Targets, w: FloatArray | None = None) -> float:
        """Return E for a batch of at most the reserved size; write its gradient into `grad`."""
        m, K = X.shape[0], self.layer_sizes[-1]
        # column after column: the maximum and the sum of all rows then take few, long passes
        z = self._z[: m * K].reshape(K, m).T
        a = [X, *(buffer[:m] for buffer in self._a), z]
        delta = [*(buffer[:m] for buffer in self._delta), z]
        self._forward(a)
        E = self.loss.value_delta(a[-1], y, w)
        self._backward(a, delta)
        if self.alpha:
            W, dW = self.theta[: self.n_weights], self.grad[: self.n_weights]
            E += self.alpha / (2 * m) * float(W @ W)
            add_scaled(dW, self.alpha / m, W)
        return E

    def _forward(self, a: Sequence[Matrix]) -> None:
        """Fill a[1:] with a^1 .. a^{L-1} and the logits z^L, given a[0] = X."""
        *hidden, output = self.layers
        for layer, below, z in zip(hidden, a, a[1:], strict=False):
            layer.forward(below, z)
            self.h.forward(z)
        output.forward(a[-2], a[-1])

    def _backward(self, a: Sequence[Matrix], delta: Sequence[FloatArray]) -> None:
        """Write dW^l and db^l of every layer, given delta^L, which has taken the place of z^L."""
        for i in range(len(self.layers) - 1, 0, -1):
            self.layers[i].backward(a[i], delta[i], delta[i - 1])
            self.h.backward(a[i], delta[i - 1])
        self.layers[0].backward(a[0], delta[0], None)

    def logits(self, X: Matrix, chunk_rows: int | None = None) -> FloatArray:
        """Return z^L of all rows, without touching the arrays of training."""
        return logits(X, self.W, self.b, self.activation, chunk_rows)


def logits(
    X: Matrix,
    W: Sequence[FloatArray],
    b: Sequence[FloatArray],
    activation: str,
    chunk_rows: int | None = None,
) -> FloatArray:
    """Return z^L of all rows of X, shape (n, n_outputs).

    Rows are taken `chunk_rows` at a time through two buffers, which the hidden layers use in turn;
    rows of another dtype than the parameters' are converted on the way.
    """
    n, dtype = X.shape[0], W[-1].dtype
    h = ACTIVATIONS[activation]
    if chunk_rows is None or n <= chunk_rows:
        return _logits(X.astype(dtype, copy=False), W, b, h, [None] * len(W))
    widest = max((W_l.shape[1] for W_l in W[:-1]), default=0)
    buffers = np.empty((2, chunk_rows * widest), dtype)
    z_out = np.empty((n, W[-1].shape[1]), dtype)
    for start in range(0, n, chunk_rows):
        a = X[start : start + chunk_rows].astype(dtype, copy=False)
        m = a.shape[0]
        out = [buffers[i % 2, : m * len(b_l)].reshape(m, len(b_l)) for i, b_l in enumerate(b[:-1])]
        _logits(a, W, b, h, [*out, z_out[start : start + m]])
    return z_out


def _logits(
    a: Matrix,
    W: Sequence[FloatArray],
    b: Sequence[FloatArray],
    h: Activation,
    out: Sequence[FloatArray | None],
) -> FloatArray:
    """Return z^L of the rows a; z^l of each layer is written into `out[l]`, or a new array."""
    last = len(W) - 1
    for i, W_l in enumerate(W):
        z = affine(a, W_l, b[i], out[i])
        if i < last:
            h.forward(z)
        a = z
    return z


def _views(
    vector: FloatArray, shapes: Sequence[tuple[int, ...]], ends: Sequence[int]
) -> list[FloatArray]:
    """Cut the vector into arrays of the given shapes, without copying."""
    starts = [0, *ends[:-1]]
    return [vector[i:j].reshape(shape) for i, j, shape in zip(starts, ends, shapes, strict=True)]
