import numpy as np
import pytest
from loop_pairs import DTYPES, assert_pair_agrees, rows

SIZES = 1, 7, 1003
ATOL = {"float32": 2e-6, "float64": 4e-15}


def vectors(count, n, dtype):
    """Return vectors of normal numbers; the last one is not negative, as a second moment."""
    *others, last = (rows((1, n), dtype, seed=i)[0] for i in range(count))
    return [*others, np.square(last)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(nesterov, n, dtype):
    theta, v, grad = vectors(3, n, dtype)
    arguments = theta, v, grad, 0.1, 0.9, nesterov
    assert_pair_agrees("momentum_step", *arguments, compare=[0, 1], atol=ATOL[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_adam(n, dtype):
    theta, M, grad, V = vectors(4, n, dtype)
    arguments = theta, M, V, grad, 0.9, 0.999, 0.01, 1e-7
    assert_pair_agrees("adam_step", *arguments, compare=[0, 1, 2], atol=ATOL[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_nadam(n, dtype):
    theta, M, grad, V = vectors(4, n, dtype)
    arguments = theta, M, V, grad, np.zeros_like(grad), 0.9, 0.999, 0.95, 0.1, 0.01, 1e-7
    assert_pair_agrees("nadam_step", *arguments, compare=[0, 1, 2], atol=ATOL[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_rmsprop(n, dtype):
    theta, grad, V = vectors(3, n, dtype)
    arguments = theta, V, grad, np.zeros_like(grad), 0.999, 0.01, 1e-7
    assert_pair_agrees("rmsprop_step", *arguments, compare=[0, 1], atol=ATOL[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_finite_stays_so(dtype):
    theta, M, grad, V = vectors(4, 4, dtype)
    grad[:] = np.inf, -np.inf, np.nan, np.finfo(dtype).max
    arguments = theta, M, V, grad, 0.9, 0.999, 0.01, 1e-7
    assert_pair_agrees("adam_step", *arguments, compare=[0, 1, 2], atol=ATOL[dtype])
