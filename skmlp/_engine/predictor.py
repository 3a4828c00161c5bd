"""Prediction: raw outputs, hidden activations and gradients by the input, chunk by chunk."""

from collections.abc import Iterator, Sequence

import numpy as np

from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.backprop import backward, forward
from skmlp._engine.layers import Activation, Dense
from skmlp._engine.losses.base import Loss
from skmlp._engine.types import FloatArray, Matrix, Targets


class Predictor:
    """The network in prediction: dense layers and activations, without noise and dropout.

    Batch normalisations are folded into the weights, see `Parameters.affine`. Rows are taken
    `chunk_rows` at a time; rows of another dtype than the parameters' are converted on the way.
    Every call allocates its own arrays, so that several threads may use one set of parameters.

    Parameters
    ----------
    W, b : sequence of ndarray
        Weights and biases of each layer.
    activations : sequence of str
        Activation of each hidden layer, keys of `ACTIVATIONS`.
    """

    def __init__(
        self, W: Sequence[FloatArray], b: Sequence[FloatArray], activations: Sequence[str]
    ) -> None:
        self.W, self.b, self.activations = W, b, activations
        self.dtype = np.result_type(*W)
        self._layers = [Dense(W_l, b_l) for W_l, b_l in zip(W, b, strict=True)]
        self._in_place = [*([Activation(ACTIVATIONS[name])] for name in activations), []]

    def raw(self, X: Matrix, chunk_rows: int | None = None) -> FloatArray:
        """Return z^L of all rows of X, shape (n, n_outputs)."""
        n, widths = X.shape[0], [len(b) for b in self.b]
        z_out = np.empty((n, widths[-1]), self.dtype)
        # the hidden layers use two buffers in turn
        widest = max(widths[:-1], default=0)
        buffers = np.empty((2, min(n, chunk_rows or n) * widest), self.dtype)
        for rows, x in self._chunks(X, chunk_rows):
            m = x.shape[0]
            hidden = [
                buffers[i % 2, : m * width].reshape(m, width) for i, width in enumerate(widths[:-1])
            ]
            forward(self._layers, self._in_place, [x, *hidden, z_out[rows]])
        return z_out

    def hidden(self, X: Matrix, layer: int, chunk_rows: int | None = None) -> FloatArray:
        """Return a^l of the hidden layer of that index, shape (n, n_units)."""
        below = Predictor(self.W[: layer + 1], self.b[: layer + 1], self.activations[:layer])
        a = below.raw(X, chunk_rows)
        ACTIVATIONS[self.activations[layer]].apply(a)
        return a

    def input_gradient(
        self, X: Matrix, y: Targets, loss: Loss, chunk_rows: int | None = None
    ) -> FloatArray:
        """Return d loss_i / d x_i = delta^1 W^1T of each row i, shape (n, n_features)."""
        gradient = np.empty(X.shape, self.dtype)
        for rows, x in self._chunks(X, chunk_rows):
            m = x.shape[0]
            a = [x, *(np.empty((m, len(b)), self.dtype) for b in self.b)]
            delta = [*(np.empty_like(a_l) for a_l in a[1:-1]), a[-1]]
            forward(self._layers, self._in_place, a)
            loss.loss_gradient(a[-1], y[rows])
            a[-1] *= m  # the loss of a row, not the mean
            backward(self._layers, self._in_place, a, delta, gradient[rows])
        return gradient

    def _chunks(self, X: Matrix, chunk_rows: int | None) -> Iterator[tuple[slice, Matrix]]:
        """Yield the rows of X, part by part, in the precision of the network."""
        n = X.shape[0]
        for start in range(0, n, chunk_rows or max(n, 1)):
            rows = slice(start, min(start + chunk_rows, n) if chunk_rows else n)
            part = X if rows.stop - start == n else X[rows]
            yield rows, part.astype(self.dtype, copy=False)
