"""Networks without hidden layers are linear models: other implementations find the same ones."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import (
    GammaRegressor,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
)
from sklearn.metrics import mean_pinball_loss

from skmlp import NumpyMLPRegressor

RNG = np.random.RandomState(0)
X = RNG.normal(size=(200, 4))
SIGNAL = X @ [0.5, -0.3, 0.2, 0.0]
TARGETS = {
    "squared_error": 3 + SIGNAL + 0.2 * RNG.normal(size=200),
    "poisson": RNG.poisson(np.exp(1 + SIGNAL)),
    "gamma": np.exp(1 + SIGNAL) * RNG.gamma(4, 0.25, size=200),
    "quantile": 3 + SIGNAL + 0.2 * RNG.standard_t(3, size=200),
}
WEIGHTS = RNG.uniform(0.2, 3, size=200)


def fitted(loss, y, w, **params):
    """Return a linear model trained by L-BFGS, which ends when the loss falls by less than 2e-9."""
    defaults = {"solver": "lbfgs", "tol": 1e-10, "max_iter": 2000, "random_state": 0}
    return NumpyMLPRegressor(loss, (), **defaults | params).fit(X, y, w)


@pytest.mark.parametrize("w", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 50.0])
def test_squared_error_is_ridge_of_the_same_alpha(alpha, w):
    y = TARGETS["squared_error"]
    ours = fitted("squared_error", y, w, alpha=alpha)
    theirs = Ridge(alpha).fit(X, y, w)
    assert_allclose(ours.coefs_[0][:, 0], theirs.coef_, rtol=0, atol=2e-5)
    assert_allclose(ours.intercepts_[0][0], theirs.intercept_, rtol=0, atol=2e-5)


@pytest.mark.parametrize("w", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("alpha", [1e-3, 1.0])
@pytest.mark.parametrize(
    ("loss", "cls"), [("poisson", PoissonRegressor), ("gamma", GammaRegressor)]
)
def test_log_links_are_generalised_linear_models(loss, cls, alpha, w):
    y = TARGETS[loss]
    # their penalty is alpha / 2 |w|^2 beside the mean loss, ours is divided by the sum of weights
    n = len(y) if w is None else w.sum()
    ours = fitted(loss, y, w, alpha=n * alpha)
    theirs = cls(alpha=alpha, tol=1e-10, solver="newton-cholesky").fit(X, y, w)
    assert_allclose(ours.coefs_[0][:, 0], theirs.coef_, rtol=0, atol=1e-5)
    assert_allclose(ours.intercepts_[0][0], theirs.intercept_, rtol=0, atol=1e-5)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-5)


@pytest.mark.parametrize("w", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_quantile_is_quantile_regression(q, w):
    y = TARGETS["quantile"]
    ours = fitted("quantile", y, w, quantile=q, alpha=0.0)
    theirs = QuantileRegressor(quantile=q, alpha=0.0, solver="highs").fit(X, y, w)
    assert_allclose(ours.coefs_[0][:, 0], theirs.coef_, rtol=0, atol=1e-2)
    losses = [
        mean_pinball_loss(y, model.predict(X), alpha=q, sample_weight=w) for model in (ours, theirs)
    ]
    # theirs is the minimum, found by linear programming
    assert losses[1] <= losses[0] <= losses[1] * (1 + 1e-4)


def test_absolute_error_is_median_regression():
    y = TARGETS["quantile"]
    ours = fitted("absolute_error", y, None, alpha=0.0)
    theirs = QuantileRegressor(quantile=0.5, alpha=0.0, solver="highs").fit(X, y)
    assert_allclose(ours.coefs_[0][:, 0], theirs.coef_, rtol=0, atol=1e-2)


def test_several_levels_are_quantile_regressions():
    y, levels = TARGETS["quantile"], (0.9, 0.1, 0.5)
    ours = fitted("quantile", y, None, quantile=levels, alpha=0.0)
    for k, q in enumerate(levels):
        theirs = QuantileRegressor(quantile=q, alpha=0.0, solver="highs").fit(X, y)
        losses = [
            mean_pinball_loss(y, predicted, alpha=q)
            for predicted in (ours.predict(X)[:, k], theirs.predict(X))
        ]
        assert losses[0] <= losses[1] * (1 + 1e-3)


def test_standardising_changes_no_linear_model_without_penalty():
    for loss, y in TARGETS.items():
        if loss == "quantile":
            continue
        plain, standardised = (
            fitted(loss, y, None, alpha=0.0, standardize_target=standardize)
            for standardize in (False, True)
        )
        assert_allclose(standardised.predict(X), plain.predict(X), rtol=5e-5)
