"""The numbers that training changes: one flat vector, and each layer's part of it."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import numpy as np

from skmlp._engine.layers import BatchNorm
from skmlp._engine.types import FloatArray

_TRAINED = "W", "b", "gamma", "beta"
_RUNNING = "mean", "var"

Parts = dict[str, list[FloatArray]]


class Parameters:
    """Weights, biases and batch normalisations of all layers, in one vector.

    Parameters
    ----------
    layer_sizes : sequence of int
        Number of inputs, of units of each hidden layer, and of outputs.
    batch_norm : bool
        Whether hidden layers are normalised; their biases then stay 0, as beta does their work.
    averaging : bool
        Whether there is a second vector, for the running mean of the first.
    dtype : dtype
        Of every number.

    Attributes
    ----------
    vectors : ndarray of shape (1, n) or (2, n)
        [W^1 .. W^L | b^1 .. b^L | gamma | beta | mean | var], the last four for each batch
        normalisation. If `averaging`, the second row is the running mean of the first.
    theta, grad : ndarray of shape (n_parameters,)
        The trained part of the first row, from W to beta, and its gradient.
    parts, grads : dict of lists of ndarray
        Views of `vectors[0]` and of `grad`, by the names above, layer by layer.
    n_weights : int
        Number of entries that are weights W; they come first.
    """

    def __init__(
        self, layer_sizes: Sequence[int], batch_norm: bool, averaging: bool, dtype: np.dtype
    ) -> None:
        self.batch_norm = batch_norm
        biases: list[tuple[int, ...]] = [(n,) for n in layer_sizes[1:]]
        normalised = biases[:-1] if batch_norm else []
        self._shapes: dict[str, list[tuple[int, ...]]] = {
            "W": [*pairwise(layer_sizes)],
            "b": biases,
            **dict.fromkeys(("gamma", "beta", "mean", "var"), normalised),
        }
        self.n_weights = self._size("W")
        self._n_affine = self._size("W", "b")
        n_trained = self._size(*_TRAINED)
        self.vectors = np.zeros((1 + averaging, n_trained + self._size(*_RUNNING)), dtype)
        self.theta = self.vectors[0, :n_trained]
        self.grad = np.zeros(n_trained, dtype)
        self.parts, self.grads = self._cut(self.vectors[0]), self._cut(self.grad)
        for ones in *self.parts["gamma"], *self.parts["var"]:
            ones[...] = 1

    def affine(self) -> tuple[list[FloatArray], list[FloatArray]]:
        """Return W and b of each layer as they predict, the batch normalisations folded into them.

        gamma (a W - mean) / sqrt(var + epsilon) + beta = a (W s) + (beta - mean s),
        s = gamma / sqrt(var + epsilon); of the running mean where there is one.
        """
        parts = self.views(-1)
        W, b = parts["W"], parts["b"]
        for i, s in enumerate(_slopes(parts)):
            W[i], b[i] = W[i] * s, parts["beta"][i] - parts["mean"][i] * s
        return W, b

    def normalisations(self) -> FloatArray:
        """Return gamma, beta, mean and var of all batch normalisations, as they predict."""
        return self.vectors[-1, self._n_affine :].copy()

    def set_affine(
        self,
        W: Sequence[FloatArray],
        b: Sequence[FloatArray],
        normalisations: FloatArray | None = None,
    ) -> None:
        """Take weights and biases as `affine` returns them, and what they were normalised by.

        Without that, batch normalisations start as the identity. Biases that are not those of the
        normalisations change the shifts beta.
        """
        parts, n_normalised = self.parts, len(self.parts["gamma"])
        if normalisations is not None and n_normalised:
            self.vectors[0, self._n_affine :] = normalisations
            for beta, mean, s, b_l in zip(
                parts["beta"], parts["mean"], _slopes(parts), b, strict=False
            ):
                # where the bias is the old one, beta keeps its last bit
                np.copyto(beta, b_l + mean * s, where=b_l != beta - mean * s)
        else:
            for beta, var, b_l in zip(parts["beta"], parts["var"], b, strict=False):
                beta[...], var[...] = b_l, 1 - BatchNorm.epsilon
        for ours, given in zip(parts["W"], W, strict=True):
            ours[...] = given
        for ours, slope in zip(parts["W"], _slopes(parts), strict=False):
            np.divide(ours, slope, out=ours, where=slope != 0)
        for ours, given in zip(parts["b"][n_normalised:], b[n_normalised:], strict=True):
            ours[...] = given
        self.vectors[-1] = self.vectors[0]

    def views(self, row: int) -> Parts:
        """Return views of `vectors[row]`, by name and layer."""
        return self._cut(self.vectors[row])

    def _size(self, *names: str) -> int:
        return sum(prod(shape) for name in names for shape in self._shapes[name])

    def _cut(self, vector: FloatArray) -> Parts:
        """Return views of the parts, as far as the vector reaches."""
        parts: Parts = {}
        start = 0
        for name, shapes in self._shapes.items():
            parts[name] = []
            for shape in shapes:
                stop = start + prod(shape)
                if stop <= len(vector):
                    parts[name].append(vector[start:stop].reshape(shape))
                start = stop
        return parts


def _slopes(parts: Parts) -> list[FloatArray]:
    """Return gamma / sqrt(var + epsilon) of each batch normalisation."""
    pairs = zip(parts["gamma"], parts["var"], strict=True)
    return [BatchNorm.slope(gamma, var) for gamma, var in pairs]
