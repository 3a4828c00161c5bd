"""Targets that are constant at first and vary later: the model learns them as any others."""

import functools
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone

from skmlp import NumpyMLPRegressor
from skmlp._engine.losses.registry import REGRESSION_LOSSES

pytestmark = [
    pytest.mark.filterwarnings("error::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:y has fewer than two distinct values:UserWarning"),
]

X = np.random.RandomState(0).normal(size=(100, 3))
SIGNAL = 2 * X[:, 0] + 1
Y = {"identity": 1e4 * SIGNAL + 5e4, "exp": 1e4 * np.exp(SIGNAL / 4)}
LOSSES = {
    **{name: {"loss": name} for name in REGRESSION_LOSSES},
    "levels": {"loss": "quantile", "quantile": (0.9, 0.1, 0.5)},
}
SETTINGS = {
    "adam": {},
    "averaging": {"averaging": 0.9},
    "batch_norm": {"batch_norm": True},
    "both": {"batch_norm": True, "averaging": 0.9, "solver": "adamw"},
    "float32": {"dtype": "float32"},
    "sgd": {"solver": "sgd"},
    "lbfgs": {"solver": "lbfgs"},
}
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
every_setting = pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
# far from all later targets, and in other units
constants = pytest.mark.parametrize(
    "constant", [0.0, pytest.param(1e-3, marks=pytest.mark.slow), 7e6]
)


def regressor(**params):
    settings = {"hidden_layer_sizes": (8,), "batch_size": 20, "max_iter": 60, "random_state": 0}
    settings |= {"learning_rate_init": 0.01, "n_iter_no_change": 100, "n_threads": 1}
    return NumpyMLPRegressor(**settings | params, standardize_target=True)


def targets_of(loss):
    return Y[REGRESSION_LOSSES[loss["loss"]].out_activation]


def without(loss, constant):
    """Return a constant in the loss's domain."""
    return max(constant, 1e-9) if loss["loss"] == "gamma" else constant


def assert_is_constant(model, constant):
    rtol = 1e-5 if model.coefs_[0].dtype == np.float32 else 1e-12
    # a log link cannot predict 0
    atol = 1e-30 if model.out_activation_ == "exp" else 0.0
    np.testing.assert_allclose(model.predict(X), constant, rtol=rtol, atol=atol)


@functools.cache
def score_of_a_fresh_fit(settings):
    """Return the score on the training rows of a regressor that saw no constant."""
    model = regressor(**dict(settings))
    y = targets_of(dict(settings))
    return model.fit(X, y).score(X, y)


def assert_has_learnt(model, loss, params):
    score = model.score(X, targets_of(loss))
    assert score > score_of_a_fresh_fit((*loss.items(), *params.items())) - 0.1
    assert score > 0.6


@every_loss
@every_setting
@constants
def test_a_warm_start_from_a_constant_learns(loss, params, constant):
    constant = without(loss, constant)
    model = regressor(**loss, **params, warm_start=True).fit(X, np.full(100, constant))
    assert_is_constant(model, constant)
    assert_has_learnt(model.fit(X, targets_of(loss)), loss, params)


@every_loss
@every_setting
@constants
def test_a_stream_whose_first_part_is_constant_learns(loss, params, constant):
    if params.get("solver") == "lbfgs":
        return  # has no partial_fit
    constant, y = without(loss, constant), targets_of(loss)
    model = regressor(**loss, **params).partial_fit(X[:20], np.full(20, constant))
    assert_is_constant(model, constant)
    for _ in range(60):
        model.partial_fit(X, y)
    assert_has_learnt(model, loss, params)


@every_setting
def test_a_constant_model_that_was_stored_learns_as_the_model_itself(params):
    if params.get("solver") == "lbfgs":
        return
    model = regressor(**params).partial_fit(X, np.full(100, 7e6))
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        for _ in range(3):
            each.partial_fit(X, Y["identity"])
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize("how", ["warm_start", "partial_fit"])
def test_hubers_delta_is_in_units_of_the_first_targets_that_vary(how):
    both = np.column_stack([*Y.values()])
    model = regressor(loss="huber", warm_start=True).set_params(standardize_target=False)
    train = model.fit if how == "warm_start" else model.partial_fit
    train(X, np.column_stack([Y["identity"], np.full(100, 3.0)]))
    fixed = model.delta_.copy()
    assert fixed[1] == 1.35
    train(X, 1e-3 * both)
    fresh = clone(model).fit(X, 1e-3 * both)
    np.testing.assert_array_equal(model.delta_, [fixed[0], fresh.delta_[1]])
    train(X, both)
    np.testing.assert_array_equal(model.delta_, [fixed[0], fresh.delta_[1]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_of_zeros_has_a_score_on_other_rows(dtype):
    model = regressor(loss="poisson", dtype=dtype).fit(X, np.zeros(100))
    y = np.maximum(SIGNAL, 0)
    expected = 1 - np.mean(y**2) / np.var(y)
    np.testing.assert_allclose(model.score(X, y), expected, rtol=1e-6)


@every_setting
def test_of_two_targets_the_one_that_varies_keeps_its_units(params):
    one, both = np.column_stack([Y["identity"], np.full(100, 3.0)]), np.column_stack([*Y.values()])
    model = regressor(**params, warm_start=True).fit(X, one)
    np.testing.assert_array_equal(model.predict(X)[:, 1], 3.0)
    mean, scale = model.target_mean_.copy(), model.target_scale_.copy()
    model.fit(X, both)
    assert (model.target_mean_[0], model.target_scale_[0]) == (mean[0], scale[0])
    np.testing.assert_allclose(model.target_mean_[1], both[:, 1].mean(), rtol=1e-12)
    np.testing.assert_allclose(model.target_scale_[1], both[:, 1].std(), rtol=1e-12)
    for k in range(2):
        residual = model.predict(X)[:, k] - both[:, k]
        assert residual.std() < 0.4 * both[:, k].std()


def test_a_stream_of_single_rows_is_told_that_it_has_no_scale():
    model = regressor()
    for i, text in enumerate(["in the first call", "in each call of partial_fit so far"]):
        with pytest.warns(UserWarning, match=f"fewer than two distinct values {text}"):
            model.partial_fit(X[i : i + 1], Y["identity"][i : i + 1])
        np.testing.assert_allclose(model.predict(X), Y["identity"][i], rtol=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(X, Y["identity"])
    assert model.target_scale_ > 1
