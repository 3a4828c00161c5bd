"""Initial weights of one layer, drawn from one generator: W first, then b."""

from collections.abc import Callable

import numpy as np

from skmlp._engine.types import FloatArray

Initializer = Callable[[np.random.RandomState, int, int, str], tuple[FloatArray, FloatArray]]


def _glorot_uniform(
    rng: np.random.RandomState, fan_in: int, fan_out: int, activation: str
) -> tuple[FloatArray, FloatArray]:
    """W, b ~ U(-c, c), c = sqrt(6 / (fan_in + fan_out)); 2 in place of 6 for logistic units.

    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010; the rule for biases and logistic units is MLPClassifier's.
    """
    c = np.sqrt((2 if activation == "logistic" else 6) / (fan_in + fan_out))
    return rng.uniform(-c, c, (fan_in, fan_out)), rng.uniform(-c, c, fan_out)


def _glorot_normal(
    rng: np.random.RandomState, fan_in: int, fan_out: int, activation: str
) -> tuple[FloatArray, FloatArray]:
    """W ~ N(0, 2 / (fan_in + fan_out)), b = 0 (Glorot and Bengio 2010)."""
    return rng.normal(0, np.sqrt(2 / (fan_in + fan_out)), (fan_in, fan_out)), np.zeros(fan_out)


def _he_uniform(
    rng: np.random.RandomState, fan_in: int, fan_out: int, activation: str
) -> tuple[FloatArray, FloatArray]:
    """W ~ U(-c, c), c = sqrt(6 / fan_in), b = 0.

    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015.
    """
    c = np.sqrt(6 / fan_in)
    return rng.uniform(-c, c, (fan_in, fan_out)), np.zeros(fan_out)


def _he_normal(
    rng: np.random.RandomState, fan_in: int, fan_out: int, activation: str
) -> tuple[FloatArray, FloatArray]:
    """W ~ N(0, 2 / fan_in), b = 0 (He et al. 2015)."""
    return rng.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out)), np.zeros(fan_out)


def _lecun_normal(
    rng: np.random.RandomState, fan_in: int, fan_out: int, activation: str
) -> tuple[FloatArray, FloatArray]:
    """W ~ N(0, 1 / fan_in), b = 0.

    Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, "Efficient BackProp", 1998.
    """
    return rng.normal(0, np.sqrt(1 / fan_in), (fan_in, fan_out)), np.zeros(fan_out)


INITIALIZERS: dict[str, Initializer] = {
    "glorot_normal": _glorot_normal,
    "glorot_uniform": _glorot_uniform,
    "he_normal": _he_normal,
    "he_uniform": _he_uniform,
    "lecun_normal": _lecun_normal,
}


def initializer(weight_init: str | float) -> Initializer:
    """Return the initializer of that name or, for a number s, the one with W, b ~ N(0, s^2)."""
    if isinstance(weight_init, str):
        return INITIALIZERS[weight_init]
    s = float(weight_init)
    return lambda rng, fan_in, fan_out, activation: (
        rng.normal(0, s, (fan_in, fan_out)),
        rng.normal(0, s, fan_out),
    )
