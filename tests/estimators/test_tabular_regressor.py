import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_regressor
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils import estimator_html_repr

from skmlp import FoldEnsembleRegressor, make_tabular_regressor

SMALL = {
    "hidden_layer_sizes": (16,),
    "n_members": 2,
    "batch_size": 10,
    "learning_rate_init": 0.03,
    "dropout": 0,
}

X, y = load_diabetes(return_X_y=True)
ROWS = np.arange(90)
NUMBERS = np.where(ROWS % 7 == 0, np.nan, ROWS % 3 + 0.1 * np.sin(ROWS))
WORDS = np.array(["low", "middle", "high"], dtype=object)[ROWS % 3]
# far from 0 and 1, as targets of users are
TARGETS = 1000.0 + 50 * (ROWS % 3) + np.cos(ROWS)


def with_missing(values, missing, **dtype):
    values = np.array(values, dtype=object)
    values[::10] = missing
    return pd.Series(values, **dtype)


TABLES = {
    "numbers": np.c_[NUMBERS, ROWS],
    "numbers in float32": np.c_[NUMBERS, ROWS].astype(np.float32),
    "numbers as a list": [[int(row % 3), float(row)] for row in ROWS],
    "text": np.c_[WORDS, WORDS],
    "objects": np.array([[None, "word", 1.5, row % 3] for row in ROWS], dtype=object),
    "frame of numbers": pd.DataFrame({"a": NUMBERS, "b": with_missing(ROWS, pd.NA, dtype="Int64")}),
    "frame of categories": pd.DataFrame(
        {"a": pd.Categorical(WORDS), "b": pd.Categorical(ROWS % 4), "c": ROWS % 3 == 0}
    ),
    "frame of everything": pd.DataFrame(
        {
            "number": NUMBERS,
            "constant": 1,
            "empty": np.nan,
            "object": with_missing(WORDS, None, dtype=object),
            "string": with_missing(WORDS, pd.NA, dtype="string"),
            "category": with_missing(WORDS, np.nan, dtype="category"),
            "boolean": with_missing(ROWS % 3 == 0, pd.NA, dtype="boolean"),
        }
    ),
}


def error(model, X, y):
    """Root mean square error, relative to that of the mean."""
    return np.sqrt(np.mean((model.predict(X) - y) ** 2)) / np.std(y)


@pytest.fixture(scope="module")
def fitted():
    return make_tabular_regressor(random_state=0, max_iter=20, **SMALL).fit(X[:300], y[:300])


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.filterwarnings("error")
def test_any_table_is_learnt(table):
    model = make_tabular_regressor(0, max_iter=40, **SMALL).fit(table, TARGETS)
    assert model.predict(table).shape == (90,)
    # one row in seven, or in ten, has lost what tells its target
    assert error(model, table, TARGETS) < 0.45


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_notebook_shows_the_regressor_before_and_after_fit(table):
    model = make_tabular_regressor(0, max_iter=1, **SMALL)
    assert "TabularRegressor" in estimator_html_repr(model)
    assert "TabularRegressor" in estimator_html_repr(model.fit(table, TARGETS))


@pytest.mark.filterwarnings("error")
def test_the_defaults_fit_without_a_warning_and_are_better_than_a_line():
    model = make_tabular_regressor(0, n_members=2).fit(X[:300], y[:300])
    # linear least squares: 0.71
    assert error(model, X[300:], y[300:]) < 0.75


@pytest.mark.parametrize("kind", [int, np.int8, np.float32, "series", "Int64"])
def test_targets_may_be_integers_of_few_values(kind):
    ranks = np.round(y[:300] / 60)
    given = pd.Series(ranks, dtype=kind if kind == "Int64" else float)
    given = given if kind in ("series", "Int64") else ranks.astype(kind)
    model = make_tabular_regressor(0, max_iter=20, **SMALL).fit(X[:300], given)
    expected = make_tabular_regressor(0, max_iter=20, **SMALL).fit(X[:300], ranks)
    assert_allclose(model.predict(X), expected.predict(X), rtol=1e-4)


def test_members_hold_out_folds_to_stop_by(fitted):
    network = fitted.ensemble_
    assert is_regressor(fitted)
    assert isinstance(network, FoldEnsembleRegressor)
    assert [len(fold) for fold in network.held_out_] == [75, 75]
    inputs = fitted._features(fitted.reader_.transform(X))
    members = [member.predict(inputs) for member in network.estimators_]
    assert not np.allclose(members[0], members[1])
    assert_allclose(fitted.predict(X), np.mean(members, axis=0), rtol=1e-5)


def test_standard_deviations_are_returned_if_asked(fitted):
    mean, std = fitted.predict(X[300:], return_std=True)
    assert_array_equal(mean, fitted.predict(X[300:]))
    assert std.shape == mean.shape
    assert 0.75 < np.sqrt(np.mean(((y[300:] - mean) / std) ** 2)) < 1.35


def test_intervals_hold_what_they_say(fitted):
    lower, upper = fitted.predict_interval(X[300:], coverage=0.8)
    assert 0.7 < np.mean((lower <= y[300:]) & (y[300:] <= upper)) < 0.9


def test_several_quantiles_are_predicted_in_their_order():
    model = make_tabular_regressor(
        0, loss="quantile", quantile=(0.1, 0.5, 0.9), max_iter=20, **SMALL
    ).fit(X, y)
    predicted = model.predict(X)
    assert predicted.shape == (len(X), 3)
    assert (np.diff(predicted, axis=1) >= 0).all()


def test_several_targets_are_predicted():
    targets = np.c_[y, -1e6 * y]
    model = make_tabular_regressor(0, max_iter=20, **SMALL).fit(X, targets)
    assert model.predict(X).shape == targets.shape
    assert model.score(X, targets) > 0.4


@pytest.mark.parametrize("seed", [0, 1])
def test_the_mean_of_heavy_tailed_targets_is_predicted(seed):
    rng = np.random.RandomState(seed)
    Z = rng.normal(size=(2000, 5))
    # with the logarithm as target the mean of the predictions would be 0.6 of that of the targets
    targets = np.exp(Z[:, 0] + 0.5 * Z[:, 1] + rng.normal(size=2000))
    model = make_tabular_regressor(seed, n_members=4, hidden_layer_sizes=(32,), max_iter=15)
    predicted = model.fit(Z, targets).predict(Z)
    assert_allclose(predicted.mean(), targets.mean(), rtol=0.05)


def test_predictions_for_ordinary_rows_stay_near_the_range_of_the_targets(fitted):
    margin = 0.1 * (y[:300].max() - y[:300].min())
    predicted = fitted.predict(X[300:])
    assert y[:300].min() - margin <= predicted.min()
    assert predicted.max() <= y[:300].max() + margin


def test_a_constant_target_is_predicted():
    model = make_tabular_regressor(0, max_iter=3, **SMALL).fit(X, np.full(len(X), 7.5))
    assert_allclose(model.predict(X), 7.5, rtol=1e-6)


def test_predictions_follow_the_units_of_the_targets(fitted):
    scaled = clone(fitted).fit(X[:300], 1e-3 * y[:300] + 5)
    assert_allclose(scaled.predict(X), 1e-3 * fitted.predict(X) + 5, rtol=1e-4)


def test_rows_can_be_weighted():
    w = np.where(y > 200, 50.0, 1.0)
    means = [
        make_tabular_regressor(0, max_iter=5, **SMALL)
        .fit(X, y, sample_weight=weights)
        .predict(X)
        .mean()
        for weights in (None, w)
    ]
    assert means[1] > means[0] + 10


def test_the_same_seed_gives_the_same_model(fitted):
    again = make_tabular_regressor(random_state=0, max_iter=20, **SMALL).fit(X[:300], y[:300])
    assert_array_equal(again.predict(X), fitted.predict(X))
    other = make_tabular_regressor(random_state=1, max_iter=20, **SMALL).fit(X[:300], y[:300])
    assert not np.allclose(other.predict(X), fitted.predict(X))


def test_it_clones_and_pickles(fitted):
    assert_array_equal(clone(fitted).fit(X[:300], y[:300]).predict(X), fitted.predict(X))
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(loaded.predict(X), fitted.predict(X))


def test_its_parameters_can_be_searched(fitted):
    grid = {"network__max_iter": [1, 20], "n_members": [1]}
    search = GridSearchCV(clone(fitted), grid, cv=2).fit(X, y)
    assert search.best_params_["network__max_iter"] == 20
    assert cross_val_score(search.best_estimator_, X, y, cv=2).mean() > 0.2


def test_text_as_target_names_the_classifier():
    with pytest.raises(ValueError, match="Classifier"):
        make_tabular_regressor(0).fit(X, np.where(y > 100, "high", "low"))


def test_values_of_many_valued_text_are_learnt():
    rng = np.random.RandomState(0)
    codes = rng.randint(0, 60, 600)
    effect = rng.normal(size=60)[codes]
    table = pd.DataFrame({"size": rng.normal(size=600), "word": [f"w{code}" for code in codes]})
    targets = table["size"] + 2 * effect + rng.normal(size=600)
    errors = [
        error(
            make_tabular_regressor(0, max_iter=30, **SMALL).fit(part[:400], targets[:400]),
            part[400:],
            targets[400:],
        )
        for part in (table, table[["size"]])
    ]
    assert errors[0] < errors[1] - 0.2


def test_targets_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="infinity"):
        make_tabular_regressor(0).fit(X, np.where(y > 300, np.inf, y))


def test_targets_of_a_group_do_not_tell_its_own_rows():
    rng = np.random.RandomState(0)
    groups = rng.randint(0, 40, 240)
    names = np.array([f"group {i}" for i in groups], dtype=object)
    target = rng.normal(size=40)[groups] + 0.01 * rng.normal(size=240)
    model = make_tabular_regressor(0, max_iter=30, **SMALL)
    lower, upper = model.fit(names[:, None], target, groups=groups).predict_interval([["new"]])
    assert upper - lower > 2 * target.std()
