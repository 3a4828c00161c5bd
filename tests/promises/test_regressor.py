"""What is promised of a model, for the regressor: resuming, storage, failures, threads."""

import copy
import io
import pickle
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from unfinished_fits import killed_in_batch

from skmlp import NumpyMLPRegressor
from skmlp._engine.losses.registry import REGRESSION_LOSSES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.RandomState(0)
X = rng.normal(size=(60, 4))
ONE = np.exp(X[:, 0] + 0.3 * rng.normal(size=60)) + 0.1
TWO = np.column_stack([ONE, 1e3 * (1 + X[:, 1] ** 2)])
LEVELS = {"loss": "quantile", "quantile": (0.9, 0.1, 0.5)}
KINDS = {
    **{name: ({"loss": name}, ONE) for name in REGRESSION_LOSSES},
    "levels": (LEVELS, ONE),
    "two": ({}, TWO),
    "huber of two": ({"loss": "huber"}, TWO),
    "batch_norm": ({"batch_norm": True}, ONE),
    "averaging": ({"averaging": 0.9, "solver": "adamw"}, TWO),
    "disturbed": ({"dropout": 0.2, "noise": 0.1, "solver": "sgd"}, ONE),
    "float32": ({"dtype": "float32"}, TWO),
}
every_kind = pytest.mark.parametrize(("params", "y"), KINDS.values(), ids=KINDS)
in_both_units = pytest.mark.parametrize("standardize", [False, True], ids=["plain", "standardised"])


def regressor(standardize, **params):
    settings = {"hidden_layer_sizes": (6,), "batch_size": 16, "max_iter": 4, "random_state": 0}
    settings |= {"n_iter_no_change": 100, "learning_rate_init": 1e-3, "n_threads": 1}
    return NumpyMLPRegressor(**settings | params, standardize_target=standardize)


def assert_identical(one, other):
    assert vars(one).keys() == vars(other).keys()
    for name in vars(one):
        assert joblib.hash(getattr(one, name)) == joblib.hash(getattr(other, name)), name


def assert_same_network(one, other):
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.loss_curve_ == other.loss_curve_


def by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def by_skops(model):
    skops = pytest.importorskip("skops.io")
    data = skops.dumps(model)
    return skops.loads(data, trusted=skops.get_untrusted_types(data=data))


COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "joblib": by_joblib,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@every_kind
@in_both_units
def test_calls_of_partial_fit_are_the_epochs_of_fit(params, y, standardize):
    if params.get("batch_norm"):
        pytest.skip("partial_fit keeps running means, fit computes them at the end")
    whole = regressor(standardize, shuffle=False, **params).fit(X, y)
    parts = regressor(standardize, shuffle=False, **params)
    for _ in range(4):
        parts.partial_fit(X, y)
    assert_same_network(parts, whole)


@every_kind
@in_both_units
@pytest.mark.parametrize("how", COPIES)
def test_a_copy_trains_on_as_the_model_does(params, y, standardize, how):
    model = regressor(standardize, **params).partial_fit(X, y)
    again = COPIES[how](model)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    for _ in range(2):
        again.partial_fit(X, y)
        model.partial_fit(X, y)
    assert_same_network(again, model)


@every_kind
@in_both_units
def test_a_skops_file_predicts_the_same(params, y, standardize):
    model = regressor(standardize, **params).fit(X, y)
    again = by_skops(model)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.score(X, y) == model.score(X, y)


@every_kind
@in_both_units
@pytest.mark.parametrize("early_stopping", [False, True], ids=["all rows", "stopped early"])
def test_a_fit_that_was_ended_resumes_from_its_checkpoint(
    params, y, standardize, early_stopping, tmp_path
):
    settings = {"max_iter": 6, "early_stopping": early_stopping, **params}
    whole = regressor(standardize, **settings).fit(X, y)
    settings["checkpoint_path"] = tmp_path / "checkpoint"
    killed_in_batch(regressor(standardize, **settings), 14, X, y)
    assert (tmp_path / "checkpoint").exists()
    assert_same_network(regressor(standardize, **settings).fit(X, y), whole)


@every_kind
def test_assigned_weights_are_those_that_training_continues_from(params, y):
    model = regressor(True, **params).partial_fit(X, y)
    kept, reference = copy.deepcopy(model), copy.deepcopy(model)
    for changed in (model, reference):
        changed.coefs_ = [W + 0.01 for W in changed.coefs_]
    reference._state.vectors = None  # nothing but the published weights is left
    for each in (model, reference, kept):
        each.partial_fit(X, y)
    assert_same_network(model, reference)
    assert np.abs(model.coefs_[0] - kept.coefs_[0]).max() > 1e-3


FAILURES = {
    "divergence": lambda model, y: model.set_params(learning_rate_init=1e200).fit(1e100 * X, y),
    "other columns": lambda model, y: model.partial_fit(X, np.column_stack([y, y, y])),
    "NaN": lambda model, y: model.fit(X, np.where(np.arange(60) == 3, np.nan, y.T).T),
    "text": lambda model, y: model.fit(X, np.full(60, "a")),
    "a bad parameter": lambda model, y: model.set_params(alpha=-1.0).fit(X, y),
    "another loss": lambda model, y: model.set_params(
        loss="gamma" if model.loss != "gamma" else "huber"
    ).partial_fit(X, y),
    "a validation set of other columns": lambda model, y: model.fit(
        X, y, X_val=X, y_val=np.column_stack([y, y, y])
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("kind", ["squared_error", "gamma", "levels", "two"])
@in_both_units
def test_a_call_that_fails_leaves_the_model_as_it_was(failure, kind, standardize):
    params, y = KINDS[kind]
    model = regressor(standardize, **params).partial_fit(X, y)
    before = copy.deepcopy(model)
    with np.errstate(all="ignore"), pytest.raises((ValueError, TypeError)):
        FAILURES[failure](model, y)
    model.set_params(**before.get_params())
    assert_identical(model, before)


@every_kind
@in_both_units
def test_data_is_not_changed(params, y, standardize):
    weights = np.random.RandomState(0).uniform(0.5, 2, size=60)
    data = X.copy(), y.copy(), weights, X[:20].copy(), y[:20].copy(), weights[:20].copy()
    kept = copy.deepcopy(data)
    for array in data:
        array.setflags(write=False)
    model = regressor(standardize, **params)
    model.fit(*data[:3], X_val=data[3], y_val=data[4], sample_weight_val=data[5])
    model.partial_fit(*data[:3])
    model.predict(data[0])
    model.score(*data[:3])
    for array, before in zip(data, kept, strict=True):
        np.testing.assert_array_equal(array, before)


@every_kind
@in_both_units
def test_nothing_raises_where_numpy_raises_at_underflow(params, y, standardize):
    with np.errstate(all="raise"):
        model = regressor(standardize, **params).fit(X, y)
        expected = model.predict(X)
        model.input_gradient(X)
        model.score(X, y)
    np.testing.assert_array_equal(model.predict(X), expected)


@every_kind
def test_threads_predict_and_train_as_one_does(params, y):
    model = regressor(True, **params).fit(X, y)

    def work(i):
        other = clone(model).fit(X, y)
        return model.predict(X), other.predict(X)

    with ThreadPoolExecutor(4) as threads:
        for same, trained in threads.map(work, range(8)):
            np.testing.assert_array_equal(same, model.predict(X))
            np.testing.assert_array_equal(trained, model.predict(X))


def test_divergence_names_the_largest_target_and_how_to_scale_it():
    model = regressor(False, loss="squared_error", solver="sgd", learning_rate_init=1.0)
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=r"in y \S+e\+151\. .* standardize_target=True"),
    ):
        model.fit(X, 1e150 * ONE)
