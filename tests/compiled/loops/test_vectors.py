import numpy as np
import pytest
from loop_pairs import DTYPES, LAYOUTS, SHAPES, assert_pair_agrees, rows


@pytest.mark.parametrize(("layout", "dtype"), [*LAYOUTS["C"], *LAYOUTS["F"]])
@pytest.mark.parametrize("shape", SHAPES)
def test_bias_is_added_to_each_row(shape, layout, dtype):
    assert_pair_agrees("add_bias", rows(shape, dtype, layout), rows((1, shape[1]), dtype)[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 7, 10_001])
def test_penalty_and_its_gradient(n, dtype):
    W, dW = rows((2, n), dtype)
    assert_pair_agrees("add_penalty", W.copy(), dW.copy(), 0.01, rtol=1e-5 if n > 9 else None)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [0.0, 0.3, 0.99])
@pytest.mark.parametrize("n", [0, 1, 1003])
def test_dropout_leaves_out_the_same_units_in_both_directions(n, p, dtype):
    a, delta = rows((2, n), dtype)
    factor = np.random.default_rng(0).random(n, dtype)
    factor[: n // 4] = np.nextafter(np.dtype(dtype).type(p), -1)
    assert_pair_agrees("drop", a.copy(), factor, p)
    assert_pair_agrees("drop_backward", a.copy(), delta.copy(), factor, p)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [0.0, 2 / 11, 0.999])
def test_the_running_mean_moves_towards_the_current_vector(d, dtype):
    mean, current = rows((2, 1003), dtype)
    assert_pair_agrees("update_mean", mean, current, d, atol=1e-6 if dtype == "float32" else 1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("max_norm", [1e-3, 1.0, 1e9])
@pytest.mark.parametrize("kind", ["usual", "zero", "overflowing", "nan"])
def test_gradients_are_clipped(kind, max_norm, dtype):
    grad = rows((1, 1003), dtype)[0]
    factors = {"usual": 1, "zero": 0, "nan": 1, "overflowing": np.finfo(dtype).max / 100}
    grad *= factors[kind]
    if kind == "nan":
        grad[5] = np.nan
    assert_pair_agrees("clip", grad, max_norm, rtol=1e-5 if dtype == "float32" else 1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("max_norm", [0.5, 4.0, 1e9])
@pytest.mark.parametrize("kind", ["usual", "zero", "overflowing"])
def test_norms_of_columns_are_limited(kind, max_norm, dtype):
    W = rows((33, 7), dtype, scale=1.0)
    W[:, 1] *= {"usual": 3, "zero": 0, "overflowing": np.finfo(dtype).max / 10}[kind]
    assert_pair_agrees("limit_norms", W, max_norm, rtol=1e-5 if dtype == "float32" else 1e-13)
