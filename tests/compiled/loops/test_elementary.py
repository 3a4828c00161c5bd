from functools import cache

import numpy as np
import pytest
from loop_pairs import DTYPES
from scipy import special

numba = pytest.importorskip("numba")
elementary = pytest.importorskip("skmlp._compiled.loops.elementary")

# the range in which a function is used, its exact value, and how many units it may be off
FUNCTIONS = {
    "exp": (-80, 80, np.exp, 2),
    "expm1": (-40, 5, np.expm1, 2),
    "log1p": (0, 1, np.log1p, 2),
    "tanh": (-8, 8, np.tanh, 2),
    "normal_density": (-10, 10, lambda x: np.exp(-x * x / 2), 2),
    "normal_cdf": (-10, 8, special.ndtr, 4),
}


@cache
def compiled(function):
    """Return a loop over the numbers of an array."""

    @numba.njit(error_model="numpy", fastmath={"contract", "reassoc"})
    def loop(x, out):
        for i in range(len(x)):
            out[i] = function(x[i])

    return loop


def normal_cdf(x):
    """Return the distribution function in the precision of x: a series, and a continued fraction.

    M. Abramowitz, I. Stegun, "Handbook of mathematical functions", 26.2.11 and 26.2.14.
    """
    t = np.abs(x)
    density = np.exp(-t * t / 2) / np.sqrt(8 * np.arctan(np.longdouble(1)))
    term = series = t.copy()
    fraction = t.copy()
    for k in range(1, 400):
        term = term * t * t / (2 * k + 1)
        series = series + term
        fraction = t + (400 - k) / fraction
    tail = np.where(t < 3, 0.5 - density * series, density / fraction)
    return np.where(x < 0, tail, 1 - tail)


def numbers(low, high, dtype):
    rng = np.random.default_rng(0)
    near_0 = rng.normal(size=500) * 10.0 ** rng.uniform(-8, 0, size=500)
    return np.clip(np.concatenate([rng.uniform(low, high, 3000), near_0]), low, high).astype(dtype)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_exact_to_the_last_units_of_float32(name):
    low, high, exact, units = FUNCTIONS[name]
    x = numbers(low, high, "float32")
    out = np.empty_like(x)
    compiled(getattr(elementary, name))(x, out)
    expected = exact(x.astype(np.float64))
    error = np.abs(out - expected) / np.spacing(np.abs(expected).astype(np.float32))
    assert error.max() <= units


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="needs a more precise reference")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_exact_to_the_last_units_of_float64(name):
    low, high, exact, units = FUNCTIONS[name]
    x = numbers(low, high, "float64")
    out = np.empty_like(x)
    compiled(getattr(elementary, name))(x, out)
    if name == "normal_cdf":
        exact = normal_cdf
    expected = exact(x.astype(np.longdouble))
    error = np.abs(out - expected) / np.spacing(np.abs(expected).astype(np.float64))
    assert error.max() <= units


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_nan_stays_nan(name, dtype):
    x = np.array([np.nan, 0.5], dtype)
    out = np.empty_like(x)
    compiled(getattr(elementary, name))(x, out)
    assert np.isnan(out).tolist() == [True, False]
