"""What a fitted network computes, written as an ONNX graph; no ONNX package is needed for it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import erfcx

from skmlp._engine.activations import SELU_ALPHA, SELU_LAMBDA
from skmlp._engine.types import FloatArray

# from here on the operators have the form that is written
FIRST_OPSET = 13


class Graph:
    """An ONNX graph in the making.

    ``g("Mul", z, 0.5)`` adds a node and returns the name of its output. Inputs are names, or
    numbers and arrays, which become constants in the precision `dtype` of the graph.
    """

    def __init__(self, dtype: np.dtype) -> None:
        if dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype={dtype.name!r} must be 'float32' or 'float64'.")
        self.dtype = dtype

    def __call__(
        self,
        op: str,
        *inputs: Any,
        output: str | None = None,
        n_outputs: int = 1,
        **attributes: Any,
    ) -> str:
        """Add a node, and return the name of its first output."""
        names = [self._name(value) for value in inputs]
        outputs = [output or self.new_name(op), *(self.new_name(op) for _ in range(1, n_outputs))]
        self.add_node(op, names, outputs, attributes)
        return outputs[0]

    def _name(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        array = np.asarray(value)
        if array.dtype.kind == "f" or array.ndim == 0:
            array = array.astype(self.dtype)
        elif array.dtype.kind == "i":
            array = array.astype(np.int64)  # NumPy's integers may be shorter
        name = self.new_name("constant")
        self.add_constant(name, array)
        return name

    def new_name(self, prefix: str) -> str:
        """Return a name that is not used yet."""
        raise NotImplementedError

    def add_node(self, op: str, inputs: list[str], outputs: list[str], attributes: dict) -> None:
        """Add a node of ONNX's main domain."""
        raise NotImplementedError

    def add_constant(self, name: str, array: npt.NDArray[Any]) -> None:
        """Add an array of numbers or strings."""
        raise NotImplementedError


def write_network(g: Graph, model: Any, X: str) -> str:
    """Write the network into the graph, and return the name of its raw output z^L."""
    *hidden, last = zip(model.coefs_, model.intercepts_, strict=True)
    a = X
    for (W, b), name in zip(hidden, model._fitted_activations, strict=True):
        a = ONNX_ACTIVATIONS[name](g, g("Add", g("MatMul", a, W), b))
    W, b = last
    return g("Add", g("MatMul", a, W), b)


def write_log_odds(g: Graph, z: str, K: int, output: str) -> None:
    """Write the log-odds of each of K classes against the others, as the loss computes them.

    The largest logit is found by ArgMax, whose form is the same in all versions of ONNX.
    """
    best = g("ArgMax", z, axis=1, keepdims=1)
    largest = g("GatherElements", z, best, axis=1)
    is_best = g("Equal", best, np.arange(K)[np.newaxis])
    others = g("Where", is_best, np.full((1, 1), np.finfo(g.dtype).min), z)
    second = g("GatherElements", z, g("ArgMax", others, axis=1, keepdims=1), axis=1)
    scaled = g("Where", is_best, np.zeros((1, 1)), g("Exp", g("Sub", z, second)))
    sum_of_others = g("ReduceSum", scaled, np.array([1]), keepdims=1)
    of_best = g("Sub", g("Sub", largest, second), g("Log", sum_of_others))

    distance = g("Sub", z, largest)
    exp = g("Exp", distance)
    rest = g("Sub", g("ReduceSum", exp, np.array([1]), keepdims=1), exp)
    of_others = g("Sub", distance, g("Log", g("Max", rest, 1)))
    g("Where", is_best, of_best, of_others, output=output)


def write_exp(g: Graph, z: str) -> str:
    """Write exp(z), rounded neither to 0 nor to infinity."""
    info = np.finfo(g.dtype)
    return g("Max", g("Min", g("Exp", z), info.max), info.tiny)


def write_in_order(g: Graph, z: str, ranks: npt.NDArray[np.int64]) -> str:
    """Write the columns of z with the values of each row sorted: column k has that of rank k."""
    k = np.array([len(ranks)], dtype=np.int64)
    rising = g("TopK", z, k, n_outputs=2, axis=1, largest=0)
    return g("Gather", rising, ranks, axis=1)


# Each writes h(z) into the graph and returns its name. They use operators that exist since
# FIRST_OPSET and that runtimes have in float64 too: of Elu, Selu, Softplus, Erf that is not so.


def _exp_minus_1(g: Graph, z: str) -> str:
    """exp(min(z, 0)) - 1."""
    return g("Sub", g("Exp", g("Min", z, 0)), 1)


def _elu(g: Graph, z: str) -> str:
    """max(z, exp(min(z, 0)) - 1)."""
    return g("Max", z, _exp_minus_1(g, z))


def _selu(g: Graph, z: str) -> str:
    """lambda max(z, 0) + lambda alpha (exp(min(z, 0)) - 1)."""
    below = g("Mul", _exp_minus_1(g, z), SELU_LAMBDA * SELU_ALPHA)
    return g("Add", g("Mul", g("Relu", z), SELU_LAMBDA), below)


def _softplus(g: Graph, z: str) -> str:
    """max(z, 0) + log(1 + exp(-|z|))."""
    exp = g("Exp", g("Neg", g("Abs", z)))
    return g("Add", g("Relu", z), g("Log", g("Add", exp, 1)))


def _silu(g: Graph, z: str) -> str:
    """z / (1 + exp(-z)), which has smaller errors than runtimes' Sigmoid in float32."""
    return g("Div", z, g("Add", g("Exp", g("Neg", g("Max", z, -80))), 1))


def _mish(g: Graph, z: str) -> str:
    """z v / (v + 2), with v = e (e + 2), e = exp(min(z, 30))."""
    e = g("Exp", g("Min", z, 30))
    v = g("Mul", e, g("Add", e, 2))
    return g("Mul", z, g("Div", v, g("Add", v, 2)))


def _gelu(g: Graph, z: str) -> str:
    """z Phi(z)."""
    Phi = _Phi_float32 if g.dtype == np.float32 else _Phi_float64
    return g("Mul", z, Phi(g, z))


def _Phi_float32(g: Graph, z: str) -> str:
    """(1 + erf(z / sqrt(2))) / 2."""
    return g("Mul", g("Add", g("Erf", g("Mul", z, 0.5**0.5)), 1), 0.5)


def _Phi_float64(g: Graph, z: str) -> str:
    """Phi(-x) = exp(-x^2 / 2) t P(t), t = 4 / (4 + x), x = |z|; Phi(x) = 1 - Phi(-x)."""
    x = g("Abs", z)
    t = g("Div", 4, g("Add", x, 4))
    *lower, P = _mills_polynomial()
    for coefficient in reversed(lower):
        P = g("Add", g("Mul", P, t), coefficient)
    density = g("Exp", g("Mul", g("Mul", x, x), -0.5))
    tail = g("Mul", g("Mul", density, t), P)
    return g("Where", g("Greater", z, 0), g("Sub", 1, tail), tail)


def _mills_polynomial(degree: int = 16) -> npt.NDArray[Any]:
    """Return the coefficients of P, lowest first, such that t P(t) = exp(x^2 / 2) Phi(-x).

    In t = 4 / (4 + x), which is in (0, 1], this is so smooth that degree 16 has an error of 1e-13.
    """

    def P(t: FloatArray) -> FloatArray:
        x = 4 / t - 4
        return erfcx(x / np.sqrt(2)) / (2 * t)

    interpolation = np.polynomial.Chebyshev.interpolate(P, degree, domain=[0, 1])
    return interpolation.convert(kind=np.polynomial.Polynomial).coef


ONNX_ACTIVATIONS: dict[str, Callable[[Graph, str], str]] = {
    "elu": _elu,
    "gelu": _gelu,
    "identity": lambda g, z: z,
    "leaky_relu": lambda g, z: g("Max", z, g("Mul", z, 0.01)),
    "logistic": lambda g, z: g("Sigmoid", z),
    "mish": _mish,
    "relu": lambda g, z: g("Relu", z),
    "selu": _selu,
    "silu": _silu,
    "softplus": _softplus,
    "tanh": lambda g, z: g("Tanh", z),
}

# the output activations of regression
ONNX_LINKS: dict[str, Callable[[Graph, str], str]] = {
    "exp": write_exp,
    "identity": lambda g, z: z,
}
