import warnings

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skmlp._ensemble.error_scale import error_scale, fit_error_scale


def noisy(n, seed=0, n_targets=1):
    """Return rows, predictions, the true size of the errors, and errors."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n, 3))
    size = np.exp(0.8 * X[:, :n_targets])
    return X, X[:, 1:2] * np.ones(n_targets), size, size * rng.normal(size=(n, n_targets))


def fit(X, predicted, error, w=None, seed=0):
    return fit_error_scale(X, predicted, error, w, np.random.RandomState(seed))


@pytest.mark.parametrize("n_targets", [1, 2])
def test_scale_follows_the_size_of_the_errors(n_targets):
    X, predicted, size, error = noisy(2000, n_targets=n_targets)
    scale, fitted = fit(X, predicted, error)
    new_X, new_predicted, new_size, new_error = noisy(2000, 1, n_targets)
    new = error_scale(fitted, new_X, new_predicted)
    assert new.shape == (2000, n_targets)
    for k in range(n_targets):
        assert np.corrcoef(np.log(new[:, k]), np.log(new_size[:, k]))[0, 1] > 0.95
        assert np.corrcoef(np.log(scale[:, k]), np.log(size[:, k]))[0, 1] > 0.95
    # far more likely than a constant deviation
    deviation = error.std(axis=0)
    gain = np.log(deviation / new) + ((new_error / deviation) ** 2 - (new_error / new) ** 2) / 2
    assert (gain.mean(axis=0) > 0.3).all()


def test_size_that_depends_on_the_prediction_is_found():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(1500, 8))
    predicted = np.sin(3 * X @ rng.normal(size=(8, 1)))
    error = np.exp(predicted) * rng.normal(size=(1500, 1))
    scale, _ = fit(X, predicted, error)
    assert np.corrcoef(np.log(scale[:, 0]), predicted[:, 0])[0, 1] > 0.9


def test_errors_of_one_size_have_about_one_scale():
    rng = np.random.RandomState(0)
    X, error = rng.normal(size=(1500, 5)), 3 * rng.normal(size=(1500, 1))
    scale, _ = fit(X, X[:, :1], error)
    assert_allclose(scale, 3, rtol=0.3)
    assert_allclose(scale.mean(), 3, rtol=0.05)


def test_scale_of_a_held_out_row_does_not_know_its_error():
    # errors that nothing explains: networks that had seen them would know them
    rng = np.random.RandomState(0)
    X, error = rng.normal(size=(200, 30)), rng.standard_cauchy(size=(200, 1))
    scale, _ = fit(X, X[:, :1], error)
    assert abs(np.corrcoef(np.log(scale[:, 0]), np.log(np.abs(error[:, 0])))[0, 1]) < 0.2


@pytest.mark.parametrize("n", [1, 2, 39])
def test_few_errors_have_a_constant_scale(n):
    X, predicted, _, error = noisy(n)
    scale, fitted = fit(X, predicted, error)
    assert fitted["networks"] == []
    assert_allclose(scale, np.sqrt(np.mean(error**2)), rtol=1e-3)
    assert_array_equal(error_scale(fitted, X * 100, predicted), scale)


def test_no_errors_have_a_scale_above_0():
    X, predicted, _, error = noisy(60)
    scale, _ = fit(X, predicted, 0 * error)
    assert (scale > 0).all()
    assert np.isfinite(scale).all()


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_scale_is_in_units_of_the_errors(unit):
    X, predicted, _, error = noisy(200)
    assert_allclose(fit(X, predicted, unit * error)[0], unit * fit(X, predicted, error)[0])


def test_scale_stays_within_that_of_the_held_out_rows():
    X, predicted, _, error = noisy(400)
    scale, fitted = fit(X, predicted, error)
    new = error_scale(fitted, 1e6 * X, 1e6 * predicted)
    assert new.min() >= scale.min() * (1 - 1e-9)
    assert new.max() <= scale.max() * (1 + 1e-9)


def test_units_and_offsets_of_the_features_do_not_count():
    X, predicted, _, error = noisy(400)
    scale, _ = fit(X, predicted, error)
    other, _ = fit(X * [1e6, 1e-6, 1] + [0, 5, 1e3], 1e4 * predicted + 1e6, error)
    assert_allclose(other, scale, rtol=1e-2)


def test_sparse_rows_are_learnt():
    X, predicted, _, error = noisy(1500)
    rows = sparse.csr_array(X * (X > 0))
    scale, fitted = fit(rows, predicted, error)
    new = error_scale(fitted, rows[:5], predicted[:5])
    assert new.shape == (5, 1)
    assert np.corrcoef(np.log(scale[:, 0]), np.maximum(X[:, 0], 0))[0, 1] > 0.8


def test_the_seed_decides_and_no_warning_reaches_the_user():
    X, predicted, _, error = noisy(100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, again, other = (fit(X, predicted, error, seed=seed)[0] for seed in (0, 0, 1))
    assert_array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_transformers_may_be_set_to_return_frames(kind):
    X, predicted, _, error = noisy(60)
    X = kind(X)
    expected = error_scale(fit(X, predicted, error)[1], X, predicted)
    with sklearn.config_context(transform_output="pandas"):
        found = error_scale(fit(X, predicted, error)[1], X, predicted)
    assert_array_equal(found, expected)
