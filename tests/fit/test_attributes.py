"""Fitted attributes: weights, curves, the best epoch."""

import pickle
import re
import warnings

import numpy as np
import pytest
from networks import DISTURBED, SOLVERS, TARGETS, X, forward, small, transformed, y
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from skmlp import NumpyMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "sgd"])
@pytest.mark.parametrize("data", TARGETS.values(), ids=TARGETS)
def test_every_fitted_attribute_of_mlpclassifier_is_there_with_its_value(data, solver):
    params = {"hidden_layer_sizes": (6,), "solver": solver, "max_iter": 5, "random_state": 0}
    theirs = MLPClassifier(**params).fit(*data)
    ours = NumpyMLPClassifier(**params).fit(*data)
    public = {name for name in vars(theirs) if re.fullmatch(r"[a-z]\w*_", name)}
    assert public <= vars(ours).keys()
    for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_", "n_iter_", "t_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    for name in ("loss_", "best_loss_", "loss_curve_"):
        if hasattr(theirs, name):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-7), name


def test_results_handed_out_are_not_changed_by_further_training():
    model = small(warm_start=True).fit(X, y)
    coefs, curve = model.coefs_, model.loss_curve_
    frozen = pickle.dumps((coefs, curve))
    model.fit(X, y).partial_fit(X, y)
    assert pickle.dumps((coefs, curve)) == frozen


# --- Weights ----------------------------------------------------------------------------------


def test_changes_to_published_weights_are_what_predicts():
    model = small().fit(X, y)
    model.coefs_[-1][:] = 0
    model.intercepts_[-1][:] = [0, 5, 0]
    assert set(model.predict(X)) == {1}


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("early_stopping", [False, True])
@transformed
def test_published_weights_describe_what_predicts(params, early_stopping, method):
    model = small(
        hidden_layer_sizes=(6, 5),
        batch_size=20,
        early_stopping=early_stopping,
        **params,
        **DISTURBED,
    )
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    getattr(model, method)(X, y, **arguments)
    np.testing.assert_allclose(model.predict_proba(X), forward(model, X), rtol=1e-10)


def test_published_weights_of_normalised_lbfgs_describe_what_predicts():
    model = small(solver="lbfgs", batch_norm=True, max_iter=5, alpha=0).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), forward(model, X), rtol=1e-10)
    # the whole batch is the population, but for the factor m / (m - 1) of its variance
    assert log_loss(y, model.predict_proba(X)) == pytest.approx(model.loss_, rel=0.02)


# --- Curves -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "calls",
    [
        [("plain", 3), ("validated", 4)],
        [("validated", 4), ("plain", 3)],
        [("plain", 2), ("validated", 3), ("plain", 2), ("validated", 3)],
        [("validated", 3), ("partial", 1), ("partial", 1)],
        [("lbfgs", 4), ("validated", 3), ("lbfgs", 2)],
    ],
)
def test_entry_i_of_each_curve_belongs_to_epoch_i_whatever_was_measured_in_each_call(calls):
    model, is_validated, has_rate = small(warm_start=True), [], []
    for kind, max_iter in calls:
        solver = "lbfgs" if kind == "lbfgs" else "adam"
        model.set_params(early_stopping=kind == "validated", max_iter=max_iter, solver=solver)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.partial_fit(X, y) if kind == "partial" else model.fit(X, y)
        is_validated += [kind == "validated"] * model.n_iter_
        has_rate += [kind != "lbfgs"] * model.n_iter_
    assert np.isfinite(model.loss_curve_).all()
    assert len(model.loss_curve_) == len(is_validated)
    for curve in model.validation_scores_, model.validation_loss_curve_:
        np.testing.assert_array_equal(np.isfinite(curve), is_validated)
    np.testing.assert_array_equal(np.isfinite(model.learning_rate_curve_), has_rate)
    assert model.best_validation_score_ == np.nanmax(model.validation_scores_)


def test_best_epoch_is_the_last_one_without_early_stopping():
    for solver in SOLVERS:
        model = small(solver=solver).fit(X, y)
        assert model.best_epoch_ == model.n_iter_ == 5
    assert small().partial_fit(X, y, classes=[0, 1, 2]).best_epoch_ == 1


def test_best_epoch_is_0_where_warm_start_found_nothing_better_than_before():
    params = {"early_stopping": True, "warm_start": True, "scoring": "loss", "max_iter": 100}
    model = small(learning_rate_init=0.05, n_iter_no_change=3, **params)
    noisy = np.random.RandomState(0).permutation(y)
    model.fit(X, noisy)
    coefs = model.coefs_
    model.set_params(learning_rate_init=1.0).fit(X, noisy)
    assert model.best_epoch_ == 0
    np.testing.assert_array_equal(model.coefs_[0], coefs[0])
