import pickle
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import AdaBoostClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_html_repr
from slow_cases import slow_but_for

from skmlp import TabularClassifier, make_tabular_classifier
from skmlp.preprocessing import columns_of_kind

SMALL = {
    "hidden_layer_sizes": (8,),
    "n_members": 2,
    "batch_size": 10,
    "learning_rate_init": 0.03,
    "dropout": 0,
}

SMALL_NETWORK = {name: value for name, value in SMALL.items() if name != "n_members"}

X, y = load_iris(return_X_y=True)
ROWS = np.arange(90)
NUMBERS = np.where(ROWS % 7 == 0, np.nan, ROWS % 3 + 0.1 * np.sin(ROWS))
WORDS = np.array(["low", "middle", "high"], dtype=object)[ROWS % 3]
LABELS = np.array(["no", "yes", "maybe"])[ROWS % 3]


def with_missing(values, missing, **dtype):
    values = np.array(values, dtype=object)
    values[::10] = missing
    return pd.Series(values, **dtype)


TABLES = {
    "numbers": np.c_[NUMBERS, ROWS],
    "numbers in float32": np.c_[NUMBERS, ROWS].astype(np.float32),
    "numbers as a list": [[int(row % 3), float(row)] for row in ROWS],
    "numbers as objects": np.array(
        [[None if row % 7 == 0 else row % 3, float(row)] for row in ROWS], dtype=object
    ),
    "text": np.c_[WORDS, WORDS],
    "text in a fixed width": np.c_[WORDS, WORDS].astype(str),
    "objects": np.array([[None, "word", 1.5, row % 3] for row in ROWS], dtype=object),
    "truth values": np.c_[ROWS % 3 == 0, ROWS % 3 == 1],
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
    "frame without names": pd.DataFrame({5: WORDS, 3: NUMBERS}),
}


@pytest.fixture(scope="module")
def fitted():
    return make_tabular_classifier(random_state=0, max_iter=20, **SMALL).fit(X, y)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.filterwarnings("error")
def test_any_table_is_learnt(table):
    model = make_tabular_classifier(0, max_iter=30, **SMALL)
    model.fit(table, LABELS)
    proba = model.predict_proba(table)
    assert proba.shape == (90, 3)
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    assert model.classes_.tolist() == ["maybe", "no", "yes"]
    # one row in seven, or in ten, has lost what tells its class
    assert model.score(table, LABELS) > 0.85


@pytest.mark.parametrize(
    "table", slow_but_for(["frame of everything", "frame without names"], TABLES)
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_notebook_shows_the_classifier_before_and_after_fit(table):
    model = make_tabular_classifier(0, max_iter=1, **SMALL)
    assert "TabularClassifier" in estimator_html_repr(model)
    assert "TabularClassifier" in estimator_html_repr(model.fit(table, LABELS))


@pytest.mark.parametrize(
    ("table", "kinds"),
    [
        ("numbers", ["numeric", "numeric"]),
        ("numbers as objects", ["numeric", "numeric"]),
        ("text in a fixed width", ["categorical", "categorical"]),
        ("objects", ["binary", "categorical", "binary", "numeric"]),
        ("truth values", ["categorical", "categorical"]),
        ("frame of numbers", ["numeric", "numeric"]),
        ("frame of categories", ["categorical", "categorical", "categorical"]),
        ("frame of everything", ["numeric", "binary", "binary", *["categorical"] * 4]),
        ("frame without names", ["categorical", "numeric"]),
    ],
)
def test_columns_are_told_apart_by_what_they_hold(table, kinds):
    for kind in ("categorical", "binary", "numeric"):
        expected = [j for j in range(len(kinds)) if kinds[j] == kind]
        assert columns_of_kind(TABLES[table], kind) == expected


def test_sparse_tables_are_refused_with_the_remedy():
    with pytest.raises(TypeError, match="toarray"):
        make_tabular_classifier().fit(sparse.csr_array(X), y)


def test_members_hold_out_folds_to_stop_by_and_differ(fitted):
    assert [len(fold) for fold in fitted.held_out_] == [38, 38]
    ensemble = fitted.ensemble_
    rows = ensemble._rows(fitted.reader_.transform(X))
    members = [member.log_proba(rows) for member in ensemble.members_]
    assert members[0].shape == (2, 150, 3)
    assert not np.allclose(members[0], members[1])


def test_without_trees_there_are_networks_alone():
    model = make_tabular_classifier(0, max_iter=20, **SMALL | {"trees": False}).fit(X, y)
    assert len(model.weights_) == 1
    assert all(member.trees_ is None for member in model.ensemble_.members_)
    assert model.score(X, y) > 0.9


def test_parameters_of_the_trees_can_be_set():
    model = TabularClassifier(SMALL_NETWORK, {"max_leaf_nodes": 4}, n_members=1, random_state=0)
    model.set_params(trees__max_iter=7, network__max_iter=1).fit(X, y)
    trees = model.ensemble_.members_[0].trees_
    assert trees.max_leaf_nodes == 4
    assert trees.n_iter_ <= 7


def test_few_rows_get_eight_members_by_default():
    model = make_tabular_classifier(0, max_iter=5, hidden_layer_sizes=(8,), trees=False).fit(X, y)
    assert len(model.ensemble_.members_) == 8


def test_without_early_stopping_every_member_sees_all_rows():
    model = make_tabular_classifier(0, max_iter=3, early_stopping=False, **SMALL).fit(X, y)
    for member in model.ensemble_.members_:
        assert member.network_.t_ == 3 * len(X)
    assert [len(fold) for fold in model.held_out_] == [0, 0]
    assert model.weights_.tolist() == [0.5, 0.5]


def test_rows_can_be_weighted():
    w = np.where(y == 2, 50.0, 1.0)
    shares = [
        make_tabular_classifier(0, max_iter=5, **SMALL)
        .fit(X, y, sample_weight=weights)
        .predict_proba(X)[:, 2]
        .mean()
        for weights in (None, w)
    ]
    assert shares[1] > shares[0] + 0.01


def test_the_same_seed_gives_the_same_model(fitted):
    again = make_tabular_classifier(random_state=0, max_iter=20, **SMALL).fit(X, y)
    assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_another_seed_gives_another_model(fitted):
    other = make_tabular_classifier(random_state=1, max_iter=20, **SMALL).fit(X, y)
    assert not np.allclose(other.predict_proba(X), fitted.predict_proba(X))


def test_it_clones_and_pickles(fitted):
    assert_array_equal(clone(fitted).fit(X, y).predict_proba(X), fitted.predict_proba(X))
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))


@pytest.mark.slow
def test_its_parameters_can_be_searched(fitted):
    grid = {"network__max_iter": [1, 20], "n_members": [1]}
    search = GridSearchCV(clone(fitted), grid, cv=2).fit(X, y)
    assert search.best_params_["network__max_iter"] == 20
    assert cross_val_score(search.best_estimator_, X, y, cv=2).mean() > 0.8


def test_probabilities_sum_to_one_as_log_loss_asks():
    X, y = load_digits(return_X_y=True)
    model = make_tabular_classifier(0, n_members=2, max_iter=3, trees={"max_iter": 5}).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log_loss(y, model.predict_proba(X))


# --- The custom of scikit-learn ---


def test_settings_of_the_network_are_parameters_of_their_own():
    model = TabularClassifier({"dropout": 0.1})
    assert model.get_params()["network__dropout"] == 0.1
    model.set_params(network__max_iter=3, n_members=1, network__dropout=0.2)
    assert model.network == {"dropout": 0.2, "max_iter": 3}
    assert clone(model).get_params() == model.get_params()


def test_names_and_number_of_columns_are_known():
    table = TABLES["frame of everything"]
    model = make_tabular_classifier(0, max_iter=1, **SMALL).fit(table, LABELS)
    assert model.n_features_in_ == 7
    assert model.feature_names_in_.tolist() == table.columns.tolist()
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table[table.columns[::-1]])


def test_class_weights_multiply_the_weights_of_rows():
    w = 1.0 + np.arange(150) % 2
    weighted, by_rows = (
        TabularClassifier({**SMALL_NETWORK, "max_iter": 3}, n_members=2, random_state=0)
        .set_params(class_weight=class_weight)
        .fit(X, y, sample_weight=weights)
        .predict_proba(X)
        for class_weight, weights in [({2: 5.0}, w), (None, w * np.where(y == 2, 5.0, 1.0))]
    )
    assert_allclose(weighted, by_rows, rtol=1e-5)


def test_groups_are_held_out_whole():
    groups = ROWS // 9
    model = TabularClassifier({**SMALL_NETWORK, "max_iter": 1}, n_members=2, random_state=0)
    model.fit(TABLES["text"], LABELS, groups=groups)
    for fold in model.held_out_:
        assert len(fold) == 9 * len({*groups[fold]})


def test_a_splitter_decides_what_is_held_out():
    splits = [(ROWS[30:], ROWS[:30]), (ROWS[:60], ROWS[60:])]
    model = TabularClassifier({**SMALL_NETWORK, "max_iter": 1}, cv=splits, random_state=0)
    model.fit(TABLES["text"], LABELS)
    assert [fold.tolist() for fold in model.held_out_] == [
        ROWS[:30].tolist(),
        ROWS[60:].tolist(),
    ]


def test_training_ends_when_its_time_is_over():
    model = TabularClassifier({**SMALL_NETWORK, "max_iter": 10**6, "n_iter_no_change": 10**6})
    model.set_params(max_time=1.0, n_members=3, random_state=0)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    assert 0.5 < time.perf_counter() - start < 3


def test_jobs_do_not_change_the_result(fitted):
    parallel = clone(fitted).set_params(n_jobs=2).fit(X, y)
    assert_array_equal(parallel.predict_proba(X), fitted.predict_proba(X))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"network": 5}, "network"),
        ({"network": {"max_iter": 0}}, "max_iter"),
        ({"n_members": 0}, "n_members"),
        ({"class_weight": "even"}, "class_weight"),
        ({"max_time": 0}, "max_time"),
        ({"network": {"epochs": 5}}, "Invalid parameter network__epochs"),
        ({"network": {"checkpoint_path": "a"}}, "checkpoint_path='a', which all networks"),
        ({"trees": {"early_stopping": True}}, "trees has the parameter 'early_stopping'"),
        ({"trees": {"max_iter": None}}, "'max_iter' parameter of HistGradientBoostingClassifier"),
        ({"class_weight": {0: -1}}, "class_weight must give .* but gives weights from -1 to 1"),
        ({"cv": [(ROWS, ROWS[:60])]}, "split 0 have no row of class 2"),
    ],
)
def test_a_bad_parameter_is_named_and_changes_nothing(params, message, fitted):
    model = pickle.loads(pickle.dumps(fitted)).set_params(**params)
    with pytest.raises(ValueError, match=message):
        model.fit(X[:, :2], y)
    assert model.n_features_in_ == 4
    assert_array_equal(model.predict_proba(X), fitted.predict_proba(X))


@pytest.mark.filterwarnings("error::UserWarning")
def test_meta_estimators_of_scikit_learn_accept_it():
    model = TabularClassifier({**SMALL_NETWORK, "max_iter": 10}, n_members=1, random_state=0)
    for meta in (
        AdaBoostClassifier(model, n_estimators=2, random_state=0),
        CalibratedClassifierCV(model, cv=2),
        make_pipeline("passthrough", model),
    ):
        assert meta.fit(X, y).score(X, y) > 0.8
