"""dask, Optuna and files larger than memory: the scripts in examples/, and what they stand on."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import dask.array as da
import joblib
import numpy as np
import optuna
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.utils import Bunch

from skmlp import NumpyMLPClassifier, TabularClassifier, TabularRegressor

ROOT = Path(__file__).resolve().parents[2]
DASK, OPTUNA, OUT_OF_CORE = "dask_search.py", "optuna_pruning.py", "out_of_core.py"
HAS_CALLBACKS = hasattr(NumpyMLPClassifier, "set_callbacks")

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory")


def run(script, *args, cwd, first_on_path=""):
    paths = [str(first_on_path), str(ROOT), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    command = [sys.executable, ROOT / "examples" / script, *map(str, args)]
    return subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=600, check=False
    )


def load_script(name):
    spec = importlib.util.spec_from_file_location(Path(name).stem, ROOT / "examples" / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "package", "extra"), [(DASK, "distributed", "dask"), (OPTUNA, "optuna", "optuna")]
)
def test_without_the_package_the_command_that_installs_it_is_named(
    script, package, extra, tmp_path
):
    (tmp_path / f"{package}.py").write_text("raise ImportError('as if not installed')")
    result = run(script, cwd=tmp_path, first_on_path=tmp_path)
    assert result.returncode == 1
    assert f"pip install 'skmlp[{extra}]'" in result.stderr
    assert "Traceback" not in result.stderr


# --- dask -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dask_script():
    return load_script(DASK)


@pytest.fixture(scope="module")
def client(dask_script):
    with dask_script.connect(None) as client:
        yield client


def test_the_cluster_is_of_two_processes(client):
    pids = client.run(os.getpid)
    assert len({*pids.values(), os.getpid()}) == 3


@pytest.mark.slow
def test_grid_search_on_dask_equals_the_serial_one(dask_script, client):
    X, y = load_digits(return_X_y=True)
    X, y = X[:400], y[:400]
    on_dask, serial = (dask_script.build_search(epochs=3, seed=0) for _ in range(2))
    dask_script.search_on_dask(on_dask, X, y)
    serial.fit(X, y)
    names = {name for name in serial.cv_results_ if name.endswith("_test_score")}
    assert len(names) == 6  # three folds, mean, standard deviation and rank
    for name in names:
        np.testing.assert_array_equal(on_dask.cv_results_[name], serial.cv_results_[name])
    assert on_dask.best_params_ == serial.best_params_
    assert len(set(serial.cv_results_["mean_test_score"])) > 1
    np.testing.assert_array_equal(on_dask.predict_proba(X), serial.predict_proba(X))


def test_fits_on_dask_run_in_the_workers(client):
    with joblib.parallel_backend("dask"):
        pids = joblib.Parallel()(joblib.delayed(os.getpid)() for _ in range(8))
    assert os.getpid() not in pids
    assert {*pids} <= {*client.run(os.getpid).values()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_members_of_tables_trained_on_dask_equal_those_trained_here(kind, client):
    rng = np.random.RandomState(0)
    table = pd.DataFrame({"size": rng.normal(size=200), "word": rng.choice([*"abc"], 200)})
    y = table["size"] > 0 if kind is TabularClassifier else table["size"]
    network = {"hidden_layer_sizes": (8,), "max_iter": 3, "n_threads": 1}
    here, on_dask = (kind(network, n_members=4, random_state=0) for _ in range(2))
    here.fit(table, y)
    with joblib.parallel_backend("dask"):
        on_dask.fit(table, y)
    method = "predict_proba" if kind is TabularClassifier else "predict"
    np.testing.assert_array_equal(getattr(on_dask, method)(table), getattr(here, method)(table))


def test_chunks_of_a_dask_array_are_predicted_by_the_workers(dask_script, client):
    X, y = load_digits(return_X_y=True)
    model = dask_script.build_search(epochs=3, seed=0).estimator.fit(X.astype("float32"), y)
    rows = da.from_array(X.astype("float32"), chunks=(500, -1))
    proba = dask_script.predict_chunks(model, rows)
    assert proba.shape == (1797, 10)
    assert proba.chunks[0] == (500, 500, 500, 297)
    computed = proba.compute()
    assert computed.dtype == proba.dtype == "float32"
    np.testing.assert_allclose(computed, model.predict_proba(X.astype("float32")), rtol=1e-5)
    labels = rows.map_blocks(model.predict, drop_axis=1, dtype=model.classes_.dtype)
    np.testing.assert_array_equal(labels.compute(), model.predict(X.astype("float32")))


@pytest.mark.slow
def test_dask_script_runs_to_its_end(tmp_path):
    result = run(DASK, "--epochs", 3, "--copies", 3, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Search on 2 worker processes" in result.stdout
    assert "The scores of every fold are the same to the last bit" in result.stdout
    assert "1350 rows in 3 chunks" in result.stdout
    assert "The predictions are the same as in this process" in result.stdout
    lines = re.findall(r"^ +\(.*\) +\S+ +(0\.\d+) +(0\.\d+)$", result.stdout, re.MULTILINE)
    assert len(lines) == 4
    assert all(on_dask == serial for on_dask, serial in lines)
    assert list(tmp_path.iterdir()) == []


# --- Optuna -----------------------------------------------------------------------------------


@pytest.fixture
def optuna_script(monkeypatch):
    """The script with few epochs, and a study that says little."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    module = load_script(OPTUNA)
    monkeypatch.setattr(module, "EPOCHS", 8)
    return module


def printed_trials(printed):
    """Return of each trial whether it was pruned, and after how many epochs it ended."""
    lines = re.findall(r"^ +\d+ +(\d+) +\d+\.\d{4} .*?( pruned)?$", printed, re.MULTILINE)
    return [(bool(pruned), int(epochs)) for epochs, pruned in lines]


WAYS = ["partial_fit", "callback"] if HAS_CALLBACKS else ["partial_fit"]


@pytest.mark.parametrize("way", WAYS)
def test_optuna_prunes_poor_trials_by_epoch_and_repeats_itself(way, optuna_script, capsys):
    arguments = ["--trials", "12", "--by", way]
    assert optuna_script.main(arguments) == 0
    printed = capsys.readouterr().out
    trials = printed_trials(printed)
    assert len(trials) == 12
    assert all(pruned or epochs == 8 for pruned, epochs in trials)
    assert any(pruned and epochs < 8 for pruned, epochs in trials)
    assert not all(pruned for pruned, _ in trials)
    trained = sum(epochs for _, epochs in trials)
    assert f"{trained} epochs trained, of 96 without pruning" in printed
    assert float(re.search(r"Test accuracy: (\S+)", printed)[1]) > 0.94
    assert optuna_script.main(arguments) == 0
    assert capsys.readouterr().out == printed


@pytest.mark.skipif(not HAS_CALLBACKS, reason="callbacks came with scikit-learn 1.9")
def test_both_ways_report_the_same_losses(optuna_script):
    X, y = load_digits(return_X_y=True)
    X, X_val, y, y_val = train_test_split(X[:300] / 16, y[:300], random_state=0)
    data = Bunch(X=X, y=y, X_val=X_val, y_val=y_val)
    study = optuna.create_study(pruner=optuna.pruners.NopPruner())
    for way in optuna_script.WAYS.values():
        # partial_fit and fit shuffle differently
        parameters = {
            "hidden_layer_sizes": (10,),
            "learning_rate_init": 0.02,
            "shuffle": False,
        }
        way(study.ask(), optuna_script.build_network(parameters, seed=0), data)
    first, second = (trial.intermediate_values for trial in study.trials)
    assert list(first) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert first == second
    assert first[8] < first[1]


@pytest.mark.skipif(HAS_CALLBACKS, reason="scikit-learn has callbacks")
def test_callbacks_that_scikit_learn_does_not_have_are_a_plain_error(optuna_script, capsys):
    with pytest.raises(SystemExit) as stopped:
        optuna_script.main(["--by", "callback"])
    assert stopped.value.code == 2
    assert "needs scikit-learn 1.9" in capsys.readouterr().err


# --- Out of core ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def out_of_core():
    return load_script(OUT_OF_CORE)


@pytest.mark.slow
@linux
def test_a_file_larger_than_the_memory_allowed_is_learnt_from(tmp_path):
    arguments = ["--megabytes", 80, "--limit", 30, "--passes", 2, "--folder", tmp_path]
    result = run(OUT_OF_CORE, *arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "File: 80 MB, 200000 rows" in result.stdout
    assert "it may take 30 MB more" in result.stdout
    assert "Reading the file as a whole fails: Unable to allocate" in result.stdout
    before = int(re.search(r"so far: at most (\d+) MB", result.stdout)[1])
    passes = re.findall(
        r"^ +\d +(0\.\d{4}) +(0\.\d{4}) +([\d.]+) +[\d.]+ +(\d+)$", result.stdout, re.MULTILINE
    )
    accuracy, loss, rate, peak = np.array(passes, dtype=float).T
    assert len(passes) == 2
    # libraries that are loaded on the way count as well, but nothing comes near the file's 80 MB
    assert (peak < before + 60).all()
    assert rate[1] < rate[0] / 10
    assert loss[1] < loss[0]
    assert accuracy[1] > 0.9
    assert list(tmp_path.iterdir()) == []


def test_chunks_are_mapped_and_together_the_table(out_of_core, tmp_path, monkeypatch):
    monkeypatch.setattr(out_of_core, "CHUNK_ROWS", 30)
    out_of_core.write_table(tmp_path, n_chunks=3, seed=0)
    chunks = [out_of_core.read_chunk(tmp_path, i) for i in range(3)]
    assert all(isinstance(array, np.memmap) for chunk in chunks for array in chunk)
    X, y = (np.concatenate(arrays) for arrays in zip(*chunks, strict=True))
    assert X.shape == (90, out_of_core.N_FEATURES)
    np.testing.assert_array_equal(X.ravel(), np.fromfile(tmp_path / "rows.f32", np.float32))
    np.testing.assert_array_equal(y, np.fromfile(tmp_path / "labels.u8", np.uint8))
    assert {*y} <= {*out_of_core.CLASSES}


def test_rows_held_out_are_never_trained_on(out_of_core, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(out_of_core, "CHUNK_ROWS", 250)
    out_of_core.write_table(tmp_path, n_chunks=20, seed=0)
    trained_on = []
    partial_fit = NumpyMLPClassifier.partial_fit

    def noting(network, X, y, **rest):
        trained_on.append(y)
        return partial_fit(network, X, y, **rest)

    monkeypatch.setattr(NumpyMLPClassifier, "partial_fit", noting)
    out_of_core.train(tmp_path, n_chunks=20, passes=2, seed=0)
    chunks = [out_of_core.read_chunk(tmp_path, i)[1].tobytes() for i in range(20)]
    assert sorted(y.tobytes() for y in trained_on) == sorted(2 * chunks[:18])
    assert len(capsys.readouterr().out.split("\n")) == 5


@pytest.mark.parametrize("arguments", [["--limit", "400"], ["--megabytes", "4", "--limit", "1"]])
def test_a_file_that_is_too_small_to_show_anything_is_refused(arguments, out_of_core, capsys):
    with pytest.raises(SystemExit) as stopped:
        out_of_core.main(arguments)
    assert stopped.value.code == 2
    assert "--megabytes must be more than --limit, and at least 8" in capsys.readouterr().err
