"""Fitted regressors of every loss, and what their exports must agree with."""

import functools

import numpy as np
import pytest
from exported_networks import X, run
from numpy.testing import assert_allclose

from skmlp import NumpyMLPRegressor

LEVELS = (0.9, 0.1, 0.5)
NOISE = np.random.RandomState(1).normal(size=len(X))
TARGETS = {
    "one": X[:, 0] * X[:, 1] + 0.1 * NOISE,
    "two": np.column_stack([3 + X[:, 0], 1e3 * X[:, 1] + NOISE]),
    "positive": np.exp(X[:, 0] / 2 + NOISE / 4),
    "two positive": np.exp(X[:, :2] / 2),
}
KINDS = {
    "squared_error": ("one", {}),
    "two outputs": ("two", {}),
    "standardised": ("two", {"standardize_target": True}),
    "absolute_error": ("one", {"loss": "absolute_error"}),
    "huber": ("two", {"loss": "huber"}),
    "poisson": ("positive", {"loss": "poisson"}),
    "two rates": ("two positive", {"loss": "poisson"}),
    "gamma": ("positive", {"loss": "gamma", "standardize_target": True}),
    "quantile": ("one", {"loss": "quantile", "quantile": 0.8}),
    "levels": ("one", {"loss": "quantile", "quantile": LEVELS}),
    "one level": ("one", {"loss": "quantile", "quantile": (0.3,)}),
}
# a dozen roundings of the largest prediction; in float64 the polynomial of gelu has an error of its
# own
TOLERANCE = {"float32": 3e-6, "float64": 1e-10}

every_regression = pytest.mark.parametrize("kind", KINDS)


@functools.cache
def fitted_regressor(kind="squared_error", activation="relu", dtype="float64", **params):
    name, settings = KINDS[kind]
    defaults = {"hidden_layer_sizes": (9, 5), "max_iter": 10, "learning_rate_init": 0.03}
    model = NumpyMLPRegressor(
        activation=activation,
        dtype=dtype,
        **{**defaults, "random_state": 0, **settings, **params},
    )
    return model.fit(X, TARGETS[name])


def assert_close(got, expected, dtype):
    assert got.dtype == dtype
    scale = np.abs(expected).max(initial=1.0)
    assert_allclose(got, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


def assert_onnx_predicts(proto, model, X, dtype):
    (prediction,) = run(proto, X, ["prediction"])
    assert prediction.shape == (len(X), model.n_outputs_)
    expected = model.predict(X)
    assert_close(prediction.reshape(expected.shape), expected, dtype)
