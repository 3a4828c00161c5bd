"""Layers of the network, each with its backward pass below its forward pass.

A dense layer leads from one array to the next. The layers after a dense layer work in place:
`forward(a)` overwrites the layer's input with its output, and `backward(a, delta)` overwrites the
derivative by the output with the derivative by the input. On entry to `backward`, `a` holds the
layer's output; on return it holds the layer's input again, except where `delta` is 0.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from skmlp._engine.activations import ActivationFunction
from skmlp._engine.kernels import kernel
from skmlp._engine.linalg import add_bias, add_scaled, column_sums, matmul, matmul_in_pieces
from skmlp._engine.types import FloatArray, Matrix


class Dense:
    """Fully connected layer, z = a W + b.

    Parameters
    ----------
    W, b : ndarray of shape (fan_in, fan_out) and (fan_out,), b may be None
        The parameters; views of the network's vector.
    dW, db : ndarray of the same shapes or None
        The gradient, written by `backward`; views of the network's gradient vector. If None, this
        part of the gradient is not computed.
    in_pieces : bool, default=False
        Whether a W is computed a few rows at a time, where it is small.
    """

    def __init__(
        self,
        W: FloatArray,
        b: FloatArray | None,
        dW: FloatArray | None = None,
        db: FloatArray | None = None,
        in_pieces: bool = False,
    ) -> None:
        self.W, self.b, self.dW, self.db = W, b, dW, db
        self._matmul: Callable[..., Any] = matmul_in_pieces if in_pieces else matmul

    def forward(self, a: Matrix, z: FloatArray) -> None:
        """z = a W + b, written into `z`."""
        self._matmul(a, self.W, z)
        if self.b is not None:
            add_bias(z, self.b)

    def backward(self, a: Matrix, delta: FloatArray, delta_below: FloatArray | None) -> None:
        """dW = a^T delta, db = 1^T delta; delta W^T, written into `delta_below` if given."""
        if self.dW is not None:
            matmul(a.T, delta, self.dW)
        if self.db is not None:
            column_sums(delta, self.db)
        if delta_below is not None:
            matmul(delta, self.W.T, delta_below)

    def limit_norms(self, max_norm: float) -> None:
        """W_k <- W_k min(1, max_norm / |W_k|) for each unit's incoming weights W_k, in place.

        N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, "Dropout: a simple
        way to prevent neural networks from overfitting", JMLR 15, 2014.
        """
        limit_norms(self.W, max_norm)


@kernel
def limit_norms(W: FloatArray, max_norm: float) -> None:
    """W_k <- W_k min(1, max_norm / |W_k|) for each column W_k, in place."""
    norms = np.sqrt(np.einsum("ik,ik->k", W, W))
    norms[norms == np.inf] = np.nan  # where squares overflow, a factor of 0 would hide it
    if not norms.max() <= max_norm:
        W *= max_norm / np.maximum(norms, max_norm)


class ForwardInPlace(Protocol):
    """The contract of a layer that works in place, in a pass without gradients."""

    def forward(self, a: FloatArray) -> None:
        """Overwrite the input a with the output."""


class InPlace(ForwardInPlace, Protocol):
    """The contract of a layer that works in place, in training."""

    def backward(self, a: FloatArray, delta: FloatArray) -> None:
        """Overwrite delta with the derivative by the input."""


class _Buffered:
    """Base of layers that keep an array between calls, as large as the largest batch so far."""

    _buffer: FloatArray | None = None

    def _like(self, a: FloatArray) -> FloatArray:
        if self._buffer is None or len(self._buffer) < len(a):
            self._buffer = np.empty_like(a)
        return self._buffer[: len(a)]


class Activation(_Buffered):
    """a = h(z).

    Parameters
    ----------
    h : ActivationFunction
        The activation function and its derivative.
    b : ndarray of shape (n_units,) or None, default=None
        Biases that are added to z first, if `h` does both in one pass.
    """

    def __init__(self, h: ActivationFunction, b: FloatArray | None = None) -> None:
        self.h, self.b = h, b

    def forward(self, a: FloatArray) -> None:
        """Overwrite z with a = h(z)."""
        if self.b is not None and self.h.of_sum is not None:
            self.h.of_sum(a, self.b)
        else:
            self.h.forward(a, self._like(a) if self.h.keeps else None)

    def backward(self, a: FloatArray, delta: FloatArray) -> None:
        """Overwrite delta with delta * h'(z); a is scratch space afterwards."""
        self.h.backward(a, self._like(a) if self.h.keeps else None, delta)


class Dropout(_Buffered):
    """a <- a d / (1 - p), each d independently 0 with probability p, else 1.

    N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, "Dropout: a simple way
    to prevent neural networks from overfitting", JMLR 15, 2014.

    Parameters
    ----------
    p : float
        Share of the units that are left out, in [0, 1).
    rng : Generator
        Where d comes from.
    """

    def __init__(self, p: float, rng: np.random.Generator) -> None:
        self.p, self.rng = float(p), rng

    def forward(self, a: FloatArray) -> None:
        """Overwrite a with a d / (1 - p), with new d."""
        factor = self._like(a)
        self.rng.random(dtype=a.dtype.type, out=factor)
        drop(a.reshape(-1), factor.reshape(-1), self.p)

    def backward(self, a: FloatArray, delta: FloatArray) -> None:
        """Overwrite delta with delta d / (1 - p); restore a where d is 1."""
        drop_backward(a.reshape(-1), delta.reshape(-1), self._like(a).reshape(-1), self.p)


@kernel
def drop(a: FloatArray, factor: FloatArray, p: float) -> None:
    """Overwrite numbers from [0, 1) with factor = d / (1 - p), and a with a factor."""
    np.greater_equal(factor, p, out=factor)
    factor *= 1 / (1 - p)
    a *= factor


@kernel
def drop_backward(a: FloatArray, delta: FloatArray, factor: FloatArray, p: float) -> None:
    """Overwrite delta with delta factor; restore a where d is 1."""
    delta *= factor
    a *= 1 - p


class GaussianNoise(_Buffered):
    """a <- a + n, each n from N(0, sigma^2); h'(a) = 1.

    K. Matsuoka, "Noise injection into inputs in back-propagation learning", IEEE Transactions on
    Systems, Man, and Cybernetics 22(3), 1992.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise, in units of a.
    rng : Generator
        Where the noise comes from.
    """

    def __init__(self, sigma: float, rng: np.random.Generator) -> None:
        self.sigma, self.rng = float(sigma), rng

    def forward(self, a: FloatArray) -> None:
        """Overwrite a with a + n, with new n."""
        n = self._like(a)
        self.rng.standard_normal(dtype=a.dtype.type, out=n)
        add_scaled(a.reshape(-1), self.sigma, n.reshape(-1))

    def backward(self, a: FloatArray, delta: FloatArray) -> None:
        """Leave delta as it is."""


class BatchNorm(_Buffered):
    """Each unit normalised over the m rows of the batch, then scaled and shifted.

        z_hat  = (z - mu) / sqrt(var + epsilon)       mu, var: mean and variance over the batch
        z     <- gamma z_hat + beta
        dgamma = 1^T (delta * z_hat),   dbeta = 1^T delta
        delta <- gamma / sqrt(var + epsilon) (delta - dbeta / m - z_hat dgamma / m)

    Prediction takes running means of mu and of var m / (m - 1), which follow each batch by a tenth.
    A batch of one row has no variance: z_hat is 0, and the running means stay.

    S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training by reducing
    internal covariate shift", ICML 2015.

    Parameters
    ----------
    gamma, beta, mean, var : ndarray of shape (n_units,)
        Scale, shift, and the running means; views of the network's vector.
    dgamma, dbeta : ndarray of the same shape
        The gradient, written by `backward`; views of the network's gradient vector.
    momentum : float, default=0.1
        Share of a batch in the running means.
    """

    epsilon = 1e-5

    def __init__(
        self,
        gamma: FloatArray,
        beta: FloatArray,
        mean: FloatArray,
        var: FloatArray,
        dgamma: FloatArray,
        dbeta: FloatArray,
        momentum: float = 0.1,
    ) -> None:
        self.gamma, self.beta, self.mean, self.var = gamma, beta, mean, var
        self.dgamma, self.dbeta = dgamma, dbeta
        self.momentum = momentum

    @classmethod
    def slope(cls, gamma: FloatArray, var: FloatArray) -> FloatArray:
        """Return gamma / sqrt(var + epsilon), the factor of z in prediction."""
        return gamma / np.sqrt(var + cls.epsilon)

    def forward(self, a: FloatArray) -> None:
        """Overwrite z with gamma z_hat + beta; z_hat is kept."""
        m, z_hat = len(a), self._like(a)
        mu = column_sums(a)
        mu /= m
        a -= mu
        var = np.einsum("ik,ik->k", a, a)
        var /= m
        if m > 1:
            self.mean += self.momentum * (mu - self.mean)
            self.var += self.momentum * (var * (m / (m - 1)) - self.var)
        self._inverse_std = 1 / np.sqrt(var + self.epsilon)
        np.multiply(a, self._inverse_std, out=z_hat)
        np.multiply(z_hat, self.gamma, out=a)
        a += self.beta

    def backward(self, a: FloatArray, delta: FloatArray) -> None:
        """Overwrite delta with gamma / std (delta - dbeta / m - z_hat dgamma / m)."""
        m, z_hat = len(a), self._like(a)
        np.einsum("ik,ik->k", delta, z_hat, out=self.dgamma)
        column_sums(delta, self.dbeta)
        z_hat *= self.dgamma / m
        delta -= z_hat
        delta -= self.dbeta / m
        delta *= self.gamma * self._inverse_std


class PopulationNorm:
    """z <- gamma (z - mean) / sqrt(var + epsilon) + beta, with mean and variance over all rows.

    These are the mean and the variance of prediction (Ioffe and Szegedy 2015, algorithm 2).

    Parameters
    ----------
    gamma, beta : ndarray of shape (n_units,)
        Scale and shift.
    mean, var : ndarray of shape (n_units,)
        Overwritten by `forward`; views of the network's vector.
    """

    def __init__(
        self, gamma: FloatArray, beta: FloatArray, mean: FloatArray, var: FloatArray
    ) -> None:
        self.gamma, self.beta, self.mean, self.var = gamma, beta, mean, var

    def forward(self, a: FloatArray) -> None:
        """Take mean and variance from z, and overwrite z with its normalised values."""
        self.mean[...], self.var[...] = a.mean(axis=0), a.var(axis=0)
        slope = BatchNorm.slope(self.gamma, self.var)
        a *= slope
        a += self.beta - self.mean * slope
