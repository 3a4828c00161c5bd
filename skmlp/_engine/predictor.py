"""Prediction: raw outputs, hidden activations and gradients by the input, chunk by chunk."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.backprop import backward, forward
from skmlp._engine.layers import Activation, Dense
from skmlp._engine.linalg import affine
from skmlp._engine.types import FloatArray, Matrix


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
        self.dtype = W[-1].dtype

    def raw(self, X: Matrix, chunk_rows: int | None = None) -> FloatArray:
        """Return z^L of all rows of X, shape (n, n_outputs)."""
        n = X.shape[0]
        if chunk_rows is None or n <= chunk_rows:
            return self._raw(X.astype(self.dtype, copy=False), [None] * len(self.W))
        z_out = np.empty((n, len(self.b[-1])), self.dtype)
        for _ in self.chunks(X, chunk_rows, z_out):
            pass
        return z_out

    def chunks(
        self, X: Matrix, chunk_rows: int | None = None, z_out: FloatArray | None = None
    ) -> Iterator[tuple[slice, FloatArray]]:
        """Yield each chunk of rows, as a slice, and its z^L.

        If `z_out` is given, z^L is written into these rows of it; else each chunk overwrites the
        one before.
        """
        n = X.shape[0]
        if chunk_rows is None or n <= chunk_rows:
            yield slice(0, n), self.raw(X)
            return
        *hidden_widths, n_outputs = (len(b) for b in self.b)
        # the hidden layers use two buffers in turn
        buffers = np.empty((2, chunk_rows * max(hidden_widths, default=0)), self.dtype)
        z = np.empty((chunk_rows, n_outputs), self.dtype) if z_out is None else z_out
        for start in range(0, n, chunk_rows):
            rows = slice(start, min(start + chunk_rows, n))
            x = X[rows].astype(self.dtype, copy=False)
            m = x.shape[0]
            hidden = [
                buffers[i % 2, : m * width].reshape(m, width)
                for i, width in enumerate(hidden_widths)
            ]
            yield rows, self._raw(x, [*hidden, z[:m] if z_out is None else z[rows]])

    def _raw(self, a: Matrix, out: Sequence[FloatArray | None]) -> FloatArray:
        """Return z^L of the rows a; layer l writes into `out[l]`, or a new array if None.

        Without a gradient to follow, no layer keeps anything: this is `backprop.forward` less that.
        """
        for i, name in enumerate(self.activations):
            a = affine(a, self.W[i], self.b[i], out[i])
            ACTIVATIONS[name].apply(a)
        return affine(a, self.W[-1], self.b[-1], out[-1])

    def hidden(self, X: Matrix, layer: int, chunk_rows: int | None = None) -> FloatArray:
        """Return a^l of the hidden layer of that index, shape (n, n_units); finite or refused."""
        below = Predictor(self.W[: layer + 1], self.b[: layer + 1], self.activations[:layer])
        a = below.raw(X, chunk_rows)
        ACTIVATIONS[self.activations[layer]].apply(a)
        refuse_not_finite(a, "The activation of the hidden layer")
        return a

    def input_gradient(
        self,
        X: Matrix,
        set_delta: Callable[[FloatArray, slice], None],
        chunk_rows: int | None = None,
    ) -> FloatArray:
        """Return d f_i / d x_i = delta^1 W^1T of each row i, shape (n, n_features).

        ``set_delta(z, rows)`` overwrites z^L of these rows with the derivative of f by it. Neither
        the output nor the gradient may be infinite or NaN.
        """
        layers = [Dense(W, b) for W, b in zip(self.W, self.b, strict=True)]
        in_place = [*([Activation(ACTIVATIONS[name])] for name in self.activations), []]
        gradient = np.empty(X.shape, self.dtype)
        n_rows, widths = min(X.shape[0], chunk_rows or X.shape[0]), [len(b) for b in self.b]
        kept = [np.empty((n_rows, width), self.dtype) for width in widths]
        # delta of one layer is needed until that of the layer below is there
        buffers = np.empty((2, n_rows * max(widths)), self.dtype)
        for start in range(0, X.shape[0], max(1, n_rows)):
            rows = slice(start, start + n_rows)
            x = X[rows].astype(self.dtype, copy=False)
            m = x.shape[0]
            a = [x, *(a_l[:m] for a_l in kept)]
            delta = [
                buffers[i % 2, : m * width].reshape(m, width) for i, width in enumerate(widths[:-1])
            ]
            delta.append(a[-1])
            forward(layers, in_place, a)
            refuse_not_finite(a[-1])
            set_delta(a[-1], rows)
            backward(layers, in_place, a, delta, gradient[rows])
        refuse_not_finite(gradient, "The gradient by the input")
        return gradient


def refuse_not_finite(values: FloatArray, what: str = "The network's output") -> None:
    """Raise ValueError if some values are infinite or NaN."""
    if not np.isfinite(values).all():
        raise ValueError(
            f"{what} is not finite in {values.dtype}: some values of X, or of the "
            "weights, are too large. Scale X as for training, for example with StandardScaler."
        )
