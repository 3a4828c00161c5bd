import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from skmlp import (
    TabularClassifier,
    TabularRegressor,
    make_tabular_classifier,
    make_tabular_regressor,
)

SCRIPT = Path(__file__).parents[2] / "examples" / "benchmark_tabular.py"
X, y = load_iris(return_X_y=True)
ENTRIES = [
    (make_tabular_classifier, TabularClassifier),
    (make_tabular_regressor, TabularRegressor),
]
every_entry = pytest.mark.parametrize(("make", "kind"), ENTRIES)


@every_entry
def test_the_short_entry_tells_apart_its_own_parameters_and_those_of_the_network(make, kind):
    model = make(0, n_members=3, n_jobs=2, cv=4, max_time=60, alpha=0.5, dropout=0.1)
    assert type(model) is kind
    assert model.network == {"alpha": 0.5, "dropout": 0.1}
    own = {"random_state": 0, "n_members": 3, "n_jobs": 2, "cv": 4, "max_time": 60}
    assert {name: getattr(model, name) for name in own} == own


@every_entry
def test_defaults_are_those_of_the_estimator(make, kind):
    assert make().get_params() == kind().get_params()


@every_entry
def test_a_misspelt_parameter_is_an_error_at_once(make, kind):
    with pytest.raises(TypeError, match="hidden_layers"):
        make(hidden_layers=(8,))


@every_entry
@pytest.mark.parametrize("n_rows", [6, 30])
@pytest.mark.filterwarnings("error")
def test_few_rows_are_learnt_by_default_without_a_warning(make, kind, n_rows):
    rows = np.random.RandomState(0).permutation(150)[:n_rows]
    targets = X[rows, 3] if kind is TabularRegressor else rows % 2
    predicted = make(0).fit(X[rows], targets).predict(X)
    assert predicted.shape == (150,)


def fitted_members(kind, *, network=None, **params):
    model = kind({"hidden_layer_sizes": (4,)} | (network or {}), random_state=0, **params)
    model.fit(X, X[:, 3] if kind is TabularRegressor else y)
    if kind is TabularRegressor:
        return model.ensemble_.estimators_
    return [member.network_ for member in model.ensemble_.members_]


@every_entry
def test_fast_training_is_of_two_members_and_fewer_epochs(make, kind):
    fast, default = (fitted_members(kind, quality=name) for name in ("fast", "default"))
    assert (len(fast), len(default)) == (2, 8)
    assert fast[0].max_iter < default[0].max_iter


@every_entry
def test_parameters_that_are_given_come_before_quality(make, kind):
    members = fitted_members(kind, network={"max_iter": 3}, quality="fast", n_members=3)
    assert [member.max_iter for member in members] == [3, 3, 3]
    assert len(fitted_members(kind, network={"max_iter": 1}, quality="fast", cv=5)) == 5


@every_entry
def test_an_unknown_quality_is_refused(make, kind):
    with pytest.raises(ValueError, match="quality"):
        kind(quality="slow").fit(X, y)


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_benchmark_reads_tables_whose_targets_are_named(tmp_path):
    pytest.importorskip("pyarrow")
    table = pd.DataFrame({"word": [*"abc"] * 20, "size": np.arange(60.0), "y": [*"nmn"] * 20})
    table.to_parquet(tmp_path / "words.parquet")
    (tmp_path / "index.json").write_text('{"words": {"target": "y"}}')
    models = ["HistGradientBoosting", "LogisticRegression"]
    command = ["--data", tmp_path, "--max-rows", 48, "--seeds", 0, "--models", *models]
    result = run_benchmark(*command, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    records = json.loads((tmp_path / "benchmark_tabular.json").read_text())["records"]
    assert [record["data"] for record in records] == ["words", "words"]
    assert records[1]["accuracy"] == records[1]["auc"] == 1


def test_benchmark_names_the_models_of_its_task(tmp_path):
    result = run_benchmark("--regression", "--models", "MLPClassifier", cwd=tmp_path)
    assert result.returncode == 2
    assert "MLPClassifier: choose from skmlp, skmlp-fast, MLPRegressor" in result.stderr


def test_benchmark_names_a_folder_without_data(tmp_path):
    result = run_benchmark("--data", tmp_path, cwd=tmp_path)
    assert result.returncode == 2
    assert "holds no .npz files and no index.json" in result.stderr
