"""Each script in examples/ runs as a user would run it."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.utils import Bunch

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))
PUBLISHED_RESULT = "reproduce_published_result.py"
# Script: figures, model, lowest test accuracy. These run without network and files.
SELF_CONTAINED = {
    "train_digits.py": (
        ["digits_curves.png", "digits_confusion.png"],
        "digits_model.joblib",
        # 360 test images: over seeds the accuracy is 0.971 with a standard deviation of 0.006
        0.95,
    ),
    "pipeline_grid_search.py": (["grid_search.png"], "grid_search_model.joblib", 0.96),
}


def run(script, *args, cwd, first_on_path=""):
    env = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    paths = [str(first_on_path), str(ROOT), env.get("PYTHONPATH", "")]
    env["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    command = [sys.executable, ROOT / "examples" / script, *map(str, args)]
    return subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=600, check=False
    )


def printed_accuracy(stdout):
    return float(re.search(r"^Test accuracy.*?: (\d\.\d{4})", stdout, re.MULTILINE)[1])


def assert_figure(path):
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(content) > 10_000


def load_script(name):
    spec = importlib.util.spec_from_file_location(Path(name).stem, ROOT / "examples" / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def small_mnist(seed=0):
    rng = np.random.RandomState(seed)
    data = Bunch()
    for part, rows in {"train": 320, "val": 80, "test": 80}.items():
        data[f"X_{part}"] = rng.uniform(size=(rows, 784)).astype(np.float32)
        data[f"y_{part}"] = np.arange(rows) % 10
    return data


def test_every_example_is_run_here():
    assert {*SELF_CONTAINED, PUBLISHED_RESULT} == set(EXAMPLES)


@pytest.mark.parametrize("script", SELF_CONTAINED)
def test_example_runs_and_saves_its_model_and_figures(script, tmp_path):
    figures, model, lowest = SELF_CONTAINED[script]
    result = run(script, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "ConvergenceWarning" not in result.stderr
    assert printed_accuracy(result.stdout) >= lowest
    assert {path.name for path in tmp_path.iterdir()} == {*figures, model}
    for figure in figures:
        assert_figure(tmp_path / figure)
    for saved in (*figures, model):
        assert f"Saved {saved}" in result.stdout
    X, y = load_digits(return_X_y=True)
    assert joblib.load(tmp_path / model).score(X, y) > 0.97


def test_confusion_matrix_counts_every_test_image_once(tmp_path):
    output = tmp_path / "new" / "folder"
    result = run("train_digits.py", "--output", output, "--seed", 1, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    lines = re.findall(r"^ +\d((?: +[\d.]+){10})$", result.stdout, re.MULTILINE)
    matrix = np.array([line.replace(".", "0").split() for line in lines], dtype=int)
    assert matrix.shape == (10, 10)
    assert matrix.sum() == 360
    assert printed_accuracy(result.stdout) == pytest.approx(np.trace(matrix) / 360, abs=5e-5)
    assert len(list(output.iterdir())) == 3
    assert list(tmp_path.iterdir()) == [tmp_path / "new"]


@pytest.mark.parametrize("script", EXAMPLES)
def test_help_names_the_output_option(script, capsys):
    with pytest.raises(SystemExit) as stopped:
        load_script(script).main(["--help"])
    assert stopped.value.code == 0
    assert "--output DIR" in capsys.readouterr().out


@pytest.mark.parametrize("script", EXAMPLES)
def test_without_matplotlib_the_command_that_installs_it_is_named(script, tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('as if not installed')")
    result = run(script, cwd=tmp_path, first_on_path=tmp_path)
    assert result.returncode == 1
    assert "pip install 'skmlp[plot]'" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("script", ["train_digits.py", PUBLISHED_RESULT])
def test_missing_mnist_files_are_a_plain_error(script, tmp_path, capsys):
    arguments = ["--mnist", str(tmp_path / "nowhere"), "--output", str(tmp_path)]
    with pytest.raises(SystemExit) as stopped:
        load_script(script).main(arguments)
    assert stopped.value.code == 2
    assert "nowhere does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(("mnist", "path"), [("openml", None), ("a/folder", "a/folder")])
def test_digits_script_trains_on_mnist_too(mnist, path, monkeypatch, tmp_path, capsys):
    module = load_script("train_digits.py")
    asked = []
    monkeypatch.setattr(module, "load_mnist", lambda path: asked.append(path) or small_mnist())
    # A batch of all rows of the small data.
    monkeypatch.setitem(module.SETTINGS["mnist"], "batch_size", 320)
    assert module.main(["--mnist", mnist, "--output", str(tmp_path)]) == 0
    assert asked == [path]
    assert "mnist: 320 training" in capsys.readouterr().out
    files = {"mnist_curves.png", "mnist_confusion.png", "mnist_model.joblib"}
    assert {file.name for file in tmp_path.iterdir()} == files


def test_digits_script_fails_if_the_loaded_model_predicts_otherwise(monkeypatch, tmp_path):
    module = load_script("train_digits.py")

    def load_nudged(file):
        model = joblib.load(file)
        model["network"].intercepts_[-1][0] += 1e-9
        return model

    monkeypatch.setattr(module, "joblib", Bunch(dump=joblib.dump, load=load_nudged))
    with pytest.raises(SystemExit, match="predicts other probabilities"):
        module.main(["--output", str(tmp_path)])


@pytest.mark.filterwarnings("error")
def test_published_result_runs_all_20_epochs_and_draws_them(monkeypatch, tmp_path, capsys):
    module = load_script(PUBLISHED_RESULT)
    monkeypatch.setattr(module, "load_mnist", lambda path: small_mnist())
    assert module.main(["--output", str(tmp_path / "new")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("20 epochs in ")
    assert 0 <= printed_accuracy(printed) <= 1
    assert "(published: 0.9179)" in printed
    assert_figure(tmp_path / "new" / "published_result.png")


def test_published_result_trains_the_published_network():
    model = load_script(PUBLISHED_RESULT).build_model(seed=3)
    data = small_mnist()
    model.partial_fit(data.X_train, data.y_train, classes=range(10))
    assert [W.shape for W in model.coefs_] == [(784, 100), (100, 10)]
    # In one epoch at learning rate 0.01 the weights hardly leave N(0, 0.01^2).
    assert np.std(model.coefs_[0]) == pytest.approx(0.01, rel=0.02)
    published = {
        "activation": "logistic",
        "solver": "sgd",
        "momentum": 0,
        "alpha": 0,
        "batch_size": 32,
        "learning_rate": "constant",
        "learning_rate_init": 0.01,
        "early_stopping": False,
        "random_state": 3,
    }
    assert model.get_params().items() >= published.items()


@pytest.mark.slow
@pytest.mark.skipif("SKMLP_MNIST" not in os.environ, reason="set SKMLP_MNIST to the MNIST files")
@pytest.mark.parametrize(
    ("script", "lowest", "highest"),
    [(PUBLISHED_RESULT, 0.914, 0.922), ("train_digits.py", 0.975, 1)],
)
def test_example_reaches_its_accuracy_on_mnist(script, lowest, highest, tmp_path):
    result = run(script, "--mnist", os.environ["SKMLP_MNIST"], cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert lowest <= printed_accuracy(result.stdout) <= highest
    for figure in tmp_path.glob("*.png"):
        assert_figure(figure)
