import math

import numpy as np
import pytest
from gradients import STEP

from skmlp._activations import ACTIVATIONS

FORMULAS = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + math.exp(-z)),
    "relu": lambda z: z if z > 0 else 0.0,
    "tanh": lambda z: (math.exp(2 * z) - 1) / (math.exp(2 * z) + 1),
}
PRECISION = {"float32": 1e-6, "float64": 1e-14}

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)
every_dtype = pytest.mark.parametrize("dtype", PRECISION)


def some_z(dtype="float64"):
    z = np.random.RandomState(0).normal(0, 2, (50, 7)).astype(dtype)
    # the finite differences below must not straddle the kink of relu
    assert np.abs(z).min() > 100 * STEP
    return z


@every_activation
@every_dtype
def test_forward_is_the_formula(name, dtype):
    z = some_z(dtype)
    expected = np.vectorize(FORMULAS[name], otypes=[float])(z.astype(float))
    ACTIVATIONS[name].forward(z)
    np.testing.assert_allclose(z, expected, rtol=PRECISION[dtype], atol=PRECISION[dtype])


@every_activation
@every_dtype
def test_backward_multiplies_by_the_derivative(name, dtype):
    h = ACTIVATIONS[name]
    above, below = some_z() + STEP, some_z() - STEP
    h.forward(above)
    h.forward(below)
    derivative = (above - below) / (2 * STEP)
    incoming = np.random.RandomState(1).normal(size=derivative.shape)

    a, delta = some_z(dtype), incoming.astype(dtype)
    h.forward(a)
    h.backward(a, delta)
    atol = {"float32": 2e-6, "float64": 1e-9}[dtype]
    np.testing.assert_allclose(delta, incoming * derivative, rtol=0, atol=atol)


@every_activation
@every_dtype
def test_both_directions_work_in_place_and_keep_the_dtype(name, dtype):
    h = ACTIVATIONS[name]
    z, delta = some_z(dtype), np.ones((50, 7), dtype)
    z_part, delta_part = z[:5].copy(), delta[:5].copy()
    h.forward(z_part)
    h.backward(z_part.copy(), delta_part)

    # the first rows of a larger array, as a short last batch has them
    untouched = z[5:].copy()
    assert h.forward(z[:5]) is None
    np.testing.assert_array_equal(z[:5], z_part)
    assert h.backward(z[:5], delta[:5]) is None
    np.testing.assert_array_equal(delta[:5], delta_part)
    np.testing.assert_array_equal(z[5:], untouched)
    np.testing.assert_array_equal(delta[5:], 1)
    assert z.dtype == delta.dtype == dtype


@every_activation
@every_dtype
def test_huge_inputs_raise_no_floating_point_warning(name, dtype):
    h = ACTIVATIONS[name]
    z = np.array([[-1e4, 0.0, 1e4]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        h.forward(z)
        delta = np.ones_like(z)
        h.backward(z.copy(), delta)
    assert np.isfinite(z).all()
    assert np.isfinite(delta).all()


def test_relu_has_derivative_zero_at_zero():
    a, delta = np.zeros((1, 1)), np.ones((1, 1))
    ACTIVATIONS["relu"].backward(a, delta)
    assert delta[0, 0] == 0
