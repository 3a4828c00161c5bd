import json
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils import estimator_html_repr

from skmlp import FoldEnsembleClassifier
from skmlp._tabular import TABULAR, make_tabular_classifier
from skmlp.preprocessing import columns_of_kind

SCRIPT = Path(__file__).parents[2] / "examples" / "benchmark_tabular.py"
SMALL = {
    "hidden_layer_sizes": (8,),
    "n_members": 2,
    "batch_size": 10,
    "learning_rate_init": 0.03,
    "dropout": 0,
}

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


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_notebook_shows_the_pipeline_before_and_after_fit(table):
    model = make_tabular_classifier(0, max_iter=1, **SMALL)
    assert "FoldEnsembleClassifier" in estimator_html_repr(model)
    assert "FoldEnsembleClassifier" in estimator_html_repr(model.fit(table, LABELS))


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


def test_columns_of_two_numbers_become_zero_and_one():
    columns = make_tabular_classifier()["columns"]
    table = [[5.0, 1.0], [5.0, np.nan], [9.0, 1.0]]
    assert_array_equal(columns.fit_transform(table), [[0, 0, 0], [0, 0, 1], [1, 0, 0]])
    assert_array_equal(columns.transform([[6.0, 1.0], [99.0, np.nan]]), [[0.25, 0, 0], [1, 0, 1]])


def test_sparse_tables_are_refused_with_the_remedy():
    with pytest.raises(TypeError, match="toarray"):
        make_tabular_classifier().fit(sparse.csr_array(X), y)


def test_unknown_categories_count_as_rare_ones():
    words = pd.DataFrame({"word": [*"aaaabbbbcd"]})
    columns = make_tabular_classifier()["columns"].fit(words)
    assert columns.get_feature_names_out().tolist() == [
        "categorical__word_a",
        "categorical__word_b",
        "categorical__word_infrequent_sklearn",
    ]
    unknown = columns.transform(pd.DataFrame({"word": ["never seen"]}))
    assert_array_equal(unknown, columns.transform(words)[-1:])


@pytest.mark.parametrize(
    ("column", "remedy"),
    [
        ([f"row {row}" for row in ROWS], "names or identifiers"),
        (
            [f"{value:.3f}" for value in np.sin(ROWS)],
            "values are numbers, but not of a numeric type",
        ),
        (
            [*"aaa", None, np.nan, *map(str, range(85))],
            "values are numbers, but not of a numeric type",
        ),
        (pd.Categorical(ROWS // 2), "values are numbers, but not"),
    ],
    ids=["names", "numbers", "numbers and missing values", "categories"],
)
def test_values_that_are_too_rare_to_learn_from_are_warned_of_once(column, remedy):
    table = pd.DataFrame({"number": NUMBERS, "text": column})
    with pytest.warns(UserWarning, match=f"Column 1 of the table.*{remedy}") as caught:
        make_tabular_classifier()["columns"].fit(table)
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("n_rare", [44, 46])
def test_rare_values_are_warned_of_where_most_rows_have_them(n_rare):
    text = np.array([*["often"] * (90 - n_rare), *[f"rare {i}" for i in range(n_rare)]])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make_tabular_classifier()["columns"].fit(text[:, np.newaxis])
    assert len(caught) == (n_rare > 45)


def test_missing_numbers_become_the_median_with_an_indicator_beside():
    columns = make_tabular_classifier()["columns"].fit([[1.0], [2.0], [3.0], [np.nan]])
    assert columns.get_feature_names_out()[:2].tolist() == [
        "numeric__x0",
        "numeric__missingindicator_x0",
    ]
    (missing, known), indicator = columns.transform([[np.nan], [2.0]])[:, :2].T
    assert missing == known == 0
    assert indicator[0] > indicator[1]


def test_members_hold_out_folds_to_stop_by_and_differ(fitted):
    network = fitted["network"]
    assert isinstance(network, FoldEnsembleClassifier)
    assert [len(fold) for fold in network.held_out_] == [38, 38]
    inputs = fitted["columns"].transform(X)
    members = [member.predict_proba(inputs) for member in network.estimators_]
    assert not np.allclose(members[0], members[1])


def test_few_rows_get_eight_members_by_default():
    model = make_tabular_classifier(0, max_iter=5, hidden_layer_sizes=(8,)).fit(X, y)
    assert len(model["network"].estimators_) == 8


def test_without_early_stopping_every_member_sees_all_rows():
    model = make_tabular_classifier(0, max_iter=3, early_stopping=False, **SMALL).fit(X, y)
    for member in model["network"].estimators_:
        assert member.t_ == 3 * len(X)


def test_rows_can_be_weighted():
    w = np.where(y == 2, 50.0, 1.0)
    shares = [
        make_tabular_classifier(0, max_iter=5, **SMALL)
        .fit(X, y, network__sample_weight=weights)
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


def test_its_parameters_can_be_searched(fitted):
    grid = {"network__estimator__max_iter": [1, 20], "network__n_estimators": [1]}
    search = GridSearchCV(clone(fitted), grid, cv=2).fit(X, y)
    assert search.best_params_["network__estimator__max_iter"] == 20
    assert cross_val_score(search.best_estimator_, X, y, cv=2).mean() > 0.8


def test_settings_are_those_of_the_recipe_but_for_what_is_given():
    network = make_tabular_classifier(alpha=0.5, n_members=3)["network"]
    params = network.estimator.get_params()
    assert network.n_estimators == 3
    assert params["alpha"] == 0.5
    assert {name: params[name] for name in TABULAR} == TABULAR | {
        name: 0.5 for name in TABULAR if name == "alpha"
    }


def test_a_misspelt_parameter_is_an_error_at_once():
    with pytest.raises(TypeError, match="hidden_layers"):
        make_tabular_classifier(hidden_layers=(8,))


def run_benchmark(*args, cwd):
    path = os.pathsep.join([str(SCRIPT.parents[1]), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, args)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_benchmark_saves_what_it_measures_and_measures_nothing_twice(tmp_path):
    np.savez(tmp_path / "flowers.npz", X=X[::3], y=np.array(["a", "b", "c"])[y[::3]])
    command = ["--data", tmp_path, "--output", tmp_path / "out", "--models", "HistGradientBoosting"]
    first = run_benchmark(*command, "--seeds", 0, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    file = tmp_path / "out" / "benchmark_tabular.json"
    (record,) = json.loads(file.read_text())["records"]
    assert (record["model"], record["data"], record["seed"]) == (
        "HistGradientBoosting",
        "flowers",
        0,
    )
    assert f"| flowers | **{record['accuracy']:.4f}** |" in first.stdout

    second = run_benchmark(*command, "--seeds", 0, 1, cwd=tmp_path)
    records = json.loads(file.read_text())["records"]
    assert records[0] == record
    assert [entry["seed"] for entry in records] == [0, 1]
    mean = np.mean([entry["log_loss"] for entry in records])
    assert f"| flowers | **{mean:.4f}** |" in second.stdout


def test_benchmark_compares_regressors(tmp_path):
    for seed in (0, 1):
        rng = np.random.RandomState(seed)
        Z = rng.normal(size=(60, 3))
        np.savez(tmp_path / f"set{seed}.npz", X=Z, y=Z[:, 0] + rng.normal(size=60))
    models = ["HistGradientBoosting", "MLPRegressor"]
    command = ["--regression", "--data", tmp_path, "--output", tmp_path / "out", "--seeds", 0, 1]
    result = run_benchmark(*command, "--models", *models, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    file = tmp_path / "out" / "benchmark_tabular_regression.json"
    records = json.loads(file.read_text())["records"]
    assert len(records) == 8
    first, second = (
        np.array(
            [
                np.mean([r["error"] for r in records if (r["model"], r["data"]) == (model, name)])
                for name in ("set0", "set1")
            ]
        )
        for model in models
    )
    rank = 1 + np.mean(second > first)
    difference = second - first
    row = next(line for line in result.stdout.splitlines() if line.startswith("| MLPRegressor"))
    assert row.split(" | ")[1:4] == [
        f"{second.mean():.4f}",
        f"{rank:.2f}",
        f"{difference.mean():+.4f} ± {difference.std(ddof=1) / np.sqrt(2):.4f}",
    ]


def test_benchmark_names_the_models_of_its_task(tmp_path):
    result = run_benchmark("--regression", "--models", "MLPClassifier", cwd=tmp_path)
    assert result.returncode == 2
    assert "MLPClassifier: choose from skmlp, MLPRegressor" in result.stderr


def test_benchmark_names_a_folder_without_data(tmp_path):
    result = run_benchmark("--data", tmp_path, cwd=tmp_path)
    assert result.returncode == 2
    assert "holds no .npz files" in result.stderr


def test_probabilities_sum_to_one_as_log_loss_asks():
    X, y = load_digits(return_X_y=True)
    model = make_tabular_classifier(0, n_members=2, max_iter=3).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log_loss(y, model.predict_proba(X))
