import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import norm
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from slow_cases import slow_but_for

from skmlp import FoldEnsembleRegressor, NumpyMLPRegressor
from skmlp._engine.losses.registry import REGRESSION_LOSSES
from skmlp._engine.network import Network

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:batch_size=50 is larger than the training set"),
]

LEVELS = (0.05, 0.5, 0.95)


def noisy(n, seed=0):
    """Return rows and targets, whose noise has a deviation that depends on x."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n, 3))
    return X, 10 * X[:, 0] + deviation(X) * rng.normal(size=n)


def deviation(X):
    return 2 * np.exp(0.7 * X[:, 1])


X, y = noisy(900)
X_NEW, Y_NEW = noisy(4000, seed=1)
Y = np.c_[y, 1e3 * X[:, 1] + 1e4 + np.random.RandomState(2).normal(scale=200, size=900)]
NETWORK = NumpyMLPRegressor(
    hidden_layer_sizes=(16,),
    learning_rate_init=0.01,
    batch_size=50,
    max_iter=40,
    standardize_target=True,
    early_stopping=True,
    scoring="loss",
)


def ensemble(n_estimators=4, random_state=0, **params):
    network = {name: params.pop(name) for name in [*params] if hasattr(NETWORK, name)}
    network = clone(NETWORK).set_params(**network)
    return FoldEnsembleRegressor(network, n_estimators, random_state=random_state, **params)


@pytest.fixture(scope="module")
def fitted():
    return ensemble().fit(X, y)


@pytest.fixture(scope="module")
def quantiles():
    return ensemble(loss="quantile", quantile=LEVELS).fit(X, y)


@pytest.mark.parametrize(
    ("loss", "early_stopping"),
    slow_but_for(
        ("poisson-True", "quantile-False"),
        {f"{loss}-True": (loss, True) for loss in sorted(REGRESSION_LOSSES)}
        | {f"{loss}-False": (loss, False) for loss in ("squared_error", "quantile")},
    ),
)
def test_scikit_learns_checks(loss, early_stopping):
    network = NumpyMLPRegressor(
        loss, (16,), learning_rate_init=0.02, max_iter=60, early_stopping=early_stopping,
        standardize_target=True,
    )  # fmt: skip
    results = check_estimator(FoldEnsembleRegressor(network, 2), on_fail=None, on_skip=None)

    def names(status):
        return {result["check_name"] for result in results if result["status"] == status}

    assert names("failed") == set()
    assert names("xfail") == set()
    assert names("skipped") <= {"check_array_api_input"}  # runs only where SCIPY_ARRAY_API is set


# --- members and their folds ---


def test_prediction_is_the_mean_of_the_members(fitted):
    expected = np.mean([member.predict(X_NEW) for member in fitted.estimators_], axis=0)
    assert_allclose(fitted.predict(X_NEW), expected)


@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("w", [None, 1 + np.arange(900) % 3], ids=["unweighted", "weighted"])
def test_each_member_is_the_network_trained_without_its_fold(early_stopping, w):
    model = ensemble(early_stopping=early_stopping, scoring=None).fit(X, y, sample_weight=w)
    assert_array_equal(np.sort(np.concatenate(model.held_out_)), np.arange(900))
    for member, fold in zip(model.estimators_, model.held_out_, strict=True):
        rest = np.setdiff1d(np.arange(900), fold)
        alone = clone(model.estimator).set_params(random_state=member.random_state)
        val = {"X_val": X[fold], "y_val": y[fold]} if early_stopping else {}
        if w is not None and early_stopping:
            val["sample_weight_val"] = w[fold]
        alone.fit(X[rest], y[rest], None if w is None else w[rest], **val)
        assert_array_equal(alone.predict(X), member.predict(X))


def test_folds_are_balanced_over_the_target(fitted):
    means = [y[rows].mean() for rows in fitted.held_out_]
    assert np.ptp(means) < 0.2 * y.std()
    assert [len(rows) for rows in fitted.held_out_] == [225] * 4


@pytest.mark.parametrize(("n_rows", "n_members", "n_held_out"), [(2000, 8, 500), (2001, 4, 200)])
def test_few_rows_get_more_members_and_larger_folds(n_rows, n_members, n_held_out):
    rows, targets = noisy(n_rows)
    model = ensemble("auto", max_iter=1, batch_size=500).fit(rows, targets)
    assert len(model.estimators_) == n_members
    assert abs(len(model.held_out_[0]) - n_held_out) <= 1


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_a_few_rows_can_be_learnt(n):
    model = ensemble(batch_size="auto").fit(X[:n], y[:n])
    assert model.predict(X[:n]).shape == (n,)
    assert len(np.unique(np.concatenate(model.held_out_))) == (n if n > 1 else 0)


def test_jobs_change_nothing(fitted):
    parallel = ensemble(n_jobs=2).fit(X, y)
    for found, expected in zip(
        parallel.predict(X, return_std=True), fitted.predict(X, return_std=True), strict=True
    ):
        assert_array_equal(found, expected)


def test_the_same_seed_gives_the_same_model_and_another_one_another(fitted):
    again = ensemble().fit(X, y)
    assert_array_equal(again.predict(X), fitted.predict(X))
    assert_array_equal(again.predict_interval(X), fitted.predict_interval(X))
    assert not np.allclose(ensemble(random_state=1).fit(X, y).predict(X), fitted.predict(X))


# --- standard deviations ---


@pytest.mark.parametrize("targets", [y, Y], ids=["one", "two"])
def test_return_std_is_shaped_as_in_scikit_learns_gaussian_process(targets):
    process = GaussianProcessRegressor().fit(X[:50], targets[:50])
    model = ensemble(2).fit(X, targets)
    for found, expected in zip(
        model.predict(X_NEW, return_std=True),
        process.predict(X_NEW, return_std=True),
        strict=True,
    ):
        assert found.shape == expected.shape
    assert_array_equal(model.predict(X_NEW, return_std=True)[0], model.predict(X_NEW))


def test_deviation_is_that_of_new_targets_and_follows_x(fitted):
    mean, std = fitted.predict(X_NEW, return_std=True)
    assert 0.9 < np.sqrt(np.mean(((Y_NEW - mean) / std) ** 2)) < 1.1
    assert np.corrcoef(np.log(std), np.log(deviation(X_NEW)))[0, 1] > 0.8
    constant = np.sqrt(np.mean((Y_NEW - mean) ** 2))
    assert norm.logpdf(Y_NEW, mean, std).mean() > norm.logpdf(Y_NEW, mean, constant).mean() + 0.1


def test_deviations_of_several_targets_are_in_their_units():
    rng = np.random.RandomState(3)
    model = ensemble().fit(X, Y)
    new = np.c_[Y_NEW, 1e3 * X_NEW[:, 1] + 1e4 + rng.normal(scale=200, size=4000)]
    mean, std = model.predict(X_NEW, return_std=True)
    z = np.sqrt(np.mean(((new - mean) / std) ** 2, axis=0))
    assert ((z > 0.85) & (z < 1.15)).all()
    assert 150 < np.median(std[:, 1]) < 300


def test_return_std_goes_through_a_pipeline(fitted):
    model = make_pipeline(StandardScaler(), ensemble()).fit(X, y)
    mean, std = model.predict(X_NEW, return_std=True)
    assert mean.shape == std.shape == (4000,)
    assert_array_equal(mean, model.predict(X_NEW))


@pytest.mark.parametrize(("a", "b"), [(1e4, 1e6), (1e-6, 0.0)])
def test_everything_is_equivariant(fitted, a, b):
    other = ensemble().fit(X, a * y + b)
    mean, std = fitted.predict(X_NEW, return_std=True)
    other_mean, other_std = other.predict(X_NEW, return_std=True)
    assert_allclose(other_mean, a * mean + b, rtol=1e-6, atol=1e-6 * a)
    assert_allclose(other_std, a * std, rtol=1e-6)
    for found, expected in zip(
        other.predict_interval(X_NEW), fitted.predict_interval(X_NEW), strict=True
    ):
        assert_allclose(found, a * expected + b, rtol=1e-6, atol=1e-6 * a)


@pytest.mark.parametrize("value", [0.1, 1e7, 0.0])
def test_a_constant_is_predicted_with_no_deviation(value):
    model = ensemble().fit(X, np.full(900, value))
    mean, std = model.predict(X_NEW, return_std=True)
    assert_array_equal(mean, value)
    assert_array_equal(std, 0)
    assert_array_equal(model.predict_interval(X_NEW), value)


def test_results_have_the_precision_of_the_rows():
    model = ensemble(2).fit(X.astype(np.float32), y)
    results = *model.predict(X, return_std=True), *model.predict_interval(X)
    assert {result.dtype for result in results} == {np.dtype(np.float32)}


# --- intervals ---


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.98])
def test_intervals_hold_as_many_new_targets_as_they_say(fitted, coverage):
    lower, upper = fitted.predict_interval(X_NEW, coverage)
    assert (lower <= upper).all()
    inside = (lower <= Y_NEW) & (upper >= Y_NEW)
    assert abs(inside.mean() - coverage) < 0.035
    # not only in the mean: rows with little noise and rows with much
    quiet = X_NEW[:, 1] < -0.5
    assert inside[quiet].mean() > coverage - 0.1
    assert (upper - lower)[quiet].mean() < (upper - lower)[~quiet].mean() / 2


@pytest.mark.parametrize("n", [31, 900])
@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_limits_are_the_order_statistic_of_the_held_out_scores(n, coverage):
    model = ensemble().fit(X[:n], y[:n])
    mean, std = model.predict(X_NEW, return_std=True)
    scores = np.sort(model.held_out_scores_[:, 0])
    assert len(scores) == n
    k = int(np.ceil(round((n + 1) * coverage, 9)))
    margin = std / np.sqrt(np.mean(scores**2)) * scores[k - 1]
    lower, upper = model.predict_interval(X_NEW, coverage)
    assert_allclose(lower, mean - margin)
    assert_allclose(upper, mean + margin)


def test_scores_are_errors_of_held_out_rows_by_cv():
    # few rows, so that errors are of one size; a splitter, so that they are taken as they are
    model = ensemble(3, cv=3).fit(X[:39], y[:39])
    error = np.empty(39)
    for member, rows in zip(model.estimators_, model.held_out_, strict=True):
        error[rows] = y[rows] - member.predict(X[rows])
    ratio = np.abs(error) / model.held_out_scores_[:, 0]
    assert_allclose(ratio, ratio[0])
    _, std = model.predict(X_NEW, return_std=True)
    assert_allclose(std, np.sqrt(np.mean(error**2)), rtol=1e-9)


def test_errors_of_members_are_larger_than_those_of_the_ensemble():
    # a network that overfits: its error for held-out rows is not the ensemble's
    rng = np.random.RandomState(0)
    rows = rng.normal(size=(4300, 15))
    targets = rows[:, 0] + 0.7 * rng.normal(size=4300)
    params = {"hidden_layer_sizes": (100,), "early_stopping": False, "max_iter": 150}
    model = ensemble(8, n_folds=4, scoring=None, **params).fit(rows[:300], targets[:300])
    mean, std = model.predict(rows[300:], return_std=True)
    new = targets[300:]
    of_members = [np.mean((new - m.predict(rows[300:])) ** 2) for m in model.estimators_]
    assert np.mean((new - mean) ** 2) < 0.8 * np.mean(of_members)
    assert 0.9 < np.sqrt(np.mean(((new - mean) / std) ** 2)) < 1.1
    lower, upper = model.predict_interval(rows[300:])
    assert abs(np.mean((lower <= new) & (new <= upper)) - 0.9) < 0.03


def test_time_splits_give_intervals_from_held_out_rows_only():
    model = ensemble("auto", cv=TimeSeriesSplit(3)).fit(X, y)
    assert len(model.held_out_scores_) == 675
    lower, upper = model.predict_interval(X_NEW)
    assert np.mean((lower <= Y_NEW) & (upper >= Y_NEW)) > 0.87


def test_limits_of_a_log_link_are_at_least_0():
    counts = np.random.RandomState(0).poisson(np.exp(X[:, 0]))
    lower, upper = ensemble(loss="poisson").fit(X, counts).predict_interval(X)
    assert lower.min() == 0
    assert np.mean((lower <= counts) & (counts <= upper)) > 0.87


@pytest.mark.parametrize("coverage", [0, 1, -0.1, 90, "0.9", None, True, np.nan])
def test_coverage_is_a_share(fitted, coverage):
    with pytest.raises(ValueError, match="coverage must be a number above 0 and below 1"):
        fitted.predict_interval(X, coverage)


def test_too_few_held_out_rows_for_a_coverage_are_refused():
    model = ensemble(batch_size="auto").fit(X[:18], y[:18])
    model.predict_interval(X, 18 / 19)
    with pytest.raises(ValueError, match=r"coverage=0\.95 needs 19 or more held-out rows.*18"):
        model.predict_interval(X, 0.95)


def test_without_held_out_rows_there_is_a_mean_only():
    model = ensemble(cv=[(np.arange(900), [])]).fit(X, y)
    assert model.predict(X).shape == (900,)
    with pytest.raises(ValueError, match="return_std=True needs 1 or more held-out rows"):
        model.predict(X, return_std=True)
    with pytest.raises(ValueError, match="needs 9 or more held-out rows"):
        model.predict_interval(X)


def test_weights_of_one_change_no_interval(fitted):
    weighted = ensemble().fit(X, y, sample_weight=np.ones(900))
    intervals = weighted.predict_interval(X), fitted.predict_interval(X)
    assert_allclose(*intervals, rtol=0, atol=1e-6 * np.ptp(y))


def test_intervals_are_for_rows_as_they_are_weighted():
    # rows of large noise weigh next to nothing
    w = np.where(X[:, 1] > 0, 1e-3, 1.0)
    model = ensemble(hidden_layer_sizes=(8,)).fit(X, y, sample_weight=w)
    lower, upper = model.predict_interval(X_NEW)
    inside = ((lower <= Y_NEW) & (upper >= Y_NEW))[X_NEW[:, 1] < 0]
    assert 0.82 < inside.mean() < 0.96


# --- quantiles ---


def test_corrected_levels_hold_new_targets_as_often_as_they_say(quantiles):
    predicted = quantiles.predict(X_NEW)
    assert predicted.shape == (4000, 3)
    assert (np.diff(predicted, axis=1) >= 0).all()
    below = (Y_NEW[:, np.newaxis] <= predicted).mean(axis=0)
    assert_allclose(below, LEVELS, atol=0.03)
    raw = np.mean([member.predict(X_NEW) for member in quantiles.estimators_], axis=0)
    truth = 10 * X_NEW[:, :1] + deviation(X_NEW)[:, np.newaxis] * norm.ppf(LEVELS)
    assert np.mean(np.abs(predicted - truth)) < 1.1 * np.mean(np.abs(raw - truth))


@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.98])
def test_intervals_between_levels_hold_as_many_new_targets_as_they_say(quantiles, coverage):
    lower, upper = quantiles.predict_interval(X_NEW, coverage)
    assert lower.shape == upper.shape == (4000,)
    assert (lower <= upper).all()
    assert abs(np.mean((lower <= Y_NEW) & (upper >= Y_NEW)) - coverage) < 0.035


def test_columns_are_in_the_order_of_the_levels(quantiles):
    other = ensemble(loss="quantile", quantile=[0.95, 0.05, 0.5]).fit(X, y)
    found = other.predict(X_NEW)
    assert (found[:, 1] <= found[:, 2]).all()
    assert (found[:, 2] <= found[:, 0]).all()
    assert other.level_corrections_.shape == (3,)


def test_levels_do_not_cross_far_outside(quantiles):
    assert (np.diff(quantiles.predict(1e4 * X_NEW), axis=1) >= 0).all()


def test_one_level_is_corrected_too():
    model = ensemble(loss="quantile", quantile=0.8).fit(X, y)
    raw = np.mean([member.predict(X_NEW) for member in model.estimators_], axis=0)
    assert_allclose(model.predict(X_NEW), raw + model.level_corrections_[0])
    assert abs(np.mean(model.predict(X_NEW) >= Y_NEW) - 0.8) < 0.04
    lower, upper = model.predict_interval(X_NEW)
    assert abs(np.mean((lower <= Y_NEW) & (upper >= Y_NEW)) - 0.9) < 0.035


@pytest.mark.parametrize(("quantile", "shape"), [(0.5, (900,)), ((0.5,), (900, 1))])
def test_shape_of_one_level_is_the_networks(quantile, shape):
    mean, std = ensemble(2, loss="quantile", quantile=quantile).fit(X, y).predict(X, True)
    assert mean.shape == std.shape == shape


def test_one_level_of_several_targets():
    model = ensemble(loss="quantile", quantile=0.8).fit(X, Y)
    assert_allclose((model.predict(X) >= Y).mean(axis=0), 0.8, atol=0.04)
    assert model.level_corrections_.shape == (2,)


def test_several_levels_have_no_deviation(quantiles):
    with pytest.raises(ValueError, match="return_std=True is not defined for several quantiles"):
        quantiles.predict(X, return_std=True)


def test_too_few_rows_for_a_level_are_refused():
    model = ensemble(loss="quantile", quantile=LEVELS, batch_size="auto")
    assert model.fit(X[:19], y[:19]).predict(X).shape == (900, 3)
    before = vars(model).copy()
    with pytest.raises(ValueError, match=r"at least 19 held-out rows.*18 were held out"):
        model.fit(X[:18], y[:18])
    assert vars(model) == before


# --- scores ---


def test_score_is_that_of_the_network(fitted, quantiles):
    assert_allclose(fitted.score(X_NEW, Y_NEW), r2_score(Y_NEW, fitted.predict(X_NEW)))
    w = np.arange(4000.0)
    assert_allclose(
        fitted.score(X_NEW, Y_NEW, w), r2_score(Y_NEW, fitted.predict(X_NEW), sample_weight=w)
    )
    expected = np.mean(
        [
            d2_pinball_score(Y_NEW, predicted, alpha=level)
            for predicted, level in zip(quantiles.predict(X_NEW).T, LEVELS, strict=True)
        ]
    )
    assert_allclose(quantiles.score(X_NEW, Y_NEW), expected, rtol=1e-3)


def test_it_can_be_cross_validated_and_searched():
    assert cross_val_score(ensemble(2, loss="quantile", quantile=LEVELS), X, y, cv=2).min() > 0.3
    search = GridSearchCV(ensemble(2), {"estimator__max_iter": [1, 40]}, cv=2).fit(X, y)
    assert search.best_params_["estimator__max_iter"] == 40


@pytest.mark.parametrize("bad", [Y_NEW[:-1], np.full(4000, np.nan), np.array(["a"] * 4000)])
def test_bad_targets_to_score_are_refused(fitted, bad):
    with pytest.raises(ValueError, match=r"inconsistent|NaN|numeric"):
        fitted.score(X_NEW, bad)


def test_targets_outside_the_domain_of_the_loss_are_refused_as_by_the_network():
    y_positive = np.exp(y / 10)
    model = ensemble(2, loss="gamma", max_iter=2).fit(X, y_positive)
    assert np.isfinite(model.score(X, y_positive))
    for one in (model, model.estimators_[0]):
        with pytest.raises(ValueError, match=r"gamma.*y"):
            one.score(X, y)


# --- what goes in, and what stays ---


def test_clones_and_pickles_are_the_same(fitted, quantiles):
    for model in (fitted, quantiles):
        for other in (clone(model).fit(X, y), pickle.loads(pickle.dumps(model))):
            assert_array_equal(other.predict(X), model.predict(X))
            assert_array_equal(other.predict_interval(X), model.predict_interval(X))


@pytest.mark.parametrize("several", [True, False])
def test_skops_trusts_names_of_the_package_only(fitted, quantiles, several):
    skops = pytest.importorskip("skops.io")
    model = quantiles if several else fitted
    data = skops.dumps(model)
    names = skops.get_untrusted_types(data=data)
    assert {name.split(".")[0] for name in names} == {"skmlp"}
    loaded = skops.loads(data, trusted=names)
    assert_array_equal(loaded.predict_interval(X), model.predict_interval(X))


def test_parameters_of_the_network_are_reached(fitted):
    assert fitted.get_params()["estimator__loss"] == "squared_error"
    assert clone(fitted).set_params(estimator__loss="huber").estimator.loss == "huber"


@pytest.mark.parametrize("convert", [sparse.csr_array, sparse.csc_matrix])
def test_sparse_rows_are_learnt_like_dense_ones(convert, fitted):
    model = ensemble().fit(convert(X), y)
    assert_allclose(model.predict(convert(X_NEW)), fitted.predict(X_NEW), rtol=1e-6)
    lower, upper = model.predict_interval(convert(X_NEW))
    assert abs(np.mean((lower <= Y_NEW) & (upper >= Y_NEW)) - 0.9) < 0.035


def test_names_of_features_are_kept_and_checked(fitted):
    frame = pd.DataFrame(X, columns=list("abc"))
    model = ensemble().fit(frame, pd.Series(y))
    assert model.feature_names_in_.tolist() == list("abc")
    assert_array_equal(model.predict(frame), fitted.predict(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict_interval(frame[["b", "a", "c"]])


def test_a_column_warns_once_and_is_flat(fitted):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = ensemble().fit(X, y[:, np.newaxis])
    assert len([w for w in caught if "column-vector" in str(w.message)]) == 1
    assert_array_equal(model.predict(X), fitted.predict(X))


@pytest.mark.parametrize(
    "targets", [y.astype(object), (y > 0), np.floor(y).astype(np.int8)], ids=str
)
def test_numbers_of_any_type_are_targets(targets):
    expected = ensemble(2).fit(X, targets.astype(float)).predict(X)
    assert_array_equal(ensemble(2).fit(X, targets).predict(X), expected)


@pytest.mark.parametrize(
    ("params", "targets", "message"),
    [
        ({"n_estimators": 0}, y, "n_estimators"),
        ({"n_folds": 1}, y, "n_folds"),
        ({"estimator__loss": "mse"}, y, "loss"),
        ({"estimator__max_iter": 0}, y, "max_iter"),
        ({"estimator__quantile": 2}, y, "quantile"),
        ({"estimator__checkpoint_path": "a"}, y, r"checkpoint_path='a', which all"),
        ({"estimator__loss": "poisson"}, y, "needs y to be numbers that are at least 0"),
        ({}, np.where(y > 20, np.nan, y), "NaN"),
        ({}, np.array(["a"] * 900), "y must be numeric"),
        ({}, np.ma.array(y, mask=y > 1), "y is a masked array"),
        ({"estimator__loss": "quantile", "estimator__quantile": LEVELS}, Y, "y has 2 columns"),
    ],
)
def test_what_is_bad_is_named_and_changes_nothing(params, targets, message, fitted):
    model = ensemble().fit(X[:60], y[:60])
    before = vars(model).copy()
    model.estimator = clone(model.estimator)
    model.set_params(**params)
    with pytest.raises(ValueError, match=message):
        model.fit(X[:, :2], targets)
    fitted_names = [name for name in before if name.endswith("_")]
    assert all(vars(model)[name] is before[name] for name in fitted_names)


def test_only_the_regressor_of_this_package_can_be_a_member():
    from sklearn.neural_network import MLPRegressor

    with pytest.raises(ValueError, match="estimator"):
        FoldEnsembleRegressor(MLPRegressor()).fit(X, y)


@pytest.mark.parametrize("when", ["members", "scale"])
def test_an_interrupt_leaves_the_ensemble_as_it_was(when, monkeypatch):
    model = ensemble(2, max_iter=3).fit(X, y)
    before, n_calls, loss_gradient = vars(model).copy(), [], Network.loss_gradient
    # two members of three epochs of 6 or 9 batches come first
    n_before = 4 if when == "members" else 60

    def interruptible(*args):
        n_calls.append(1)
        if len(n_calls) == n_before:
            raise KeyboardInterrupt
        return loss_gradient(*args)

    monkeypatch.setattr(Network, "loss_gradient", interruptible)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert len(n_calls) == n_before
    assert vars(model) == before


def test_callbacks_are_told_of_the_networks_and_of_nothing_else():
    pytest.importorskip("sklearn.callback")
    calls = []

    class Recorder:
        def setup(self, estimator, context):
            calls.append("setup")

        def teardown(self, estimator, context):
            calls.append("teardown")

        def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
            calls.append((context.task_name, context.task_id))

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            pass

    model = ensemble(3, max_iter=2).set_callbacks(Recorder()).fit(X, y)
    networks = [("network", i) for i in range(3)]
    assert calls == ["setup", ("fit", 0), *networks, "teardown"]
    assert model.predict(X, return_std=True)[1].shape == (900,)


def test_intervals_hold_for_new_groups_that_the_features_tell_apart():
    # the error is shared by a group, and the features are nearly those of the group
    covered = []
    for seed in range(2):
        rng = np.random.RandomState(seed)

        def rows_of(n_groups, rng=rng):
            groups = np.arange(n_groups).repeat(10)
            centre, error = rng.normal(size=(n_groups, 3)), rng.normal(size=n_groups)
            X = centre[groups] + 0.05 * rng.normal(size=(10 * n_groups, 3))
            y = X[:, 0] + error[groups] + 0.1 * rng.normal(size=len(X))
            return X, y, groups

        X, y, groups = rows_of(60)
        network = NumpyMLPRegressor(
            hidden_layer_sizes=(20,), standardize_target=True, early_stopping=True,
            learning_rate_init=0.01, max_iter=50,
        )  # fmt: skip
        model = FoldEnsembleRegressor(network, n_estimators=4, random_state=0)
        model.fit(X, y, groups=groups)
        X_new, y_new, _ = rows_of(300)
        lower, upper = model.predict_interval(X_new, coverage=0.9)
        covered.append(np.mean((lower <= y_new) & (y_new <= upper)))
    assert np.mean(covered) > 0.83
