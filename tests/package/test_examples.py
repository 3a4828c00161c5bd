"""Each script in examples/ runs as a user would run it."""

import dataclasses
import importlib.util
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.utils import Bunch
from slow_cases import slow_but_for

ROOT = Path(__file__).resolve().parents[2]
GALLERY = sorted(path.name for path in (ROOT / "examples").glob("plot_*.py"))
EXAMPLES = sorted({path.name for path in (ROOT / "examples").glob("*.py")} - {*GALLERY})
PUBLISHED_RESULT = "reproduce_published_result.py"
BENCHMARK = "benchmark_training.py"
RECIPE = "mnist_recipe.py"
EARLY_STOPPING = "early_stopping.py"
ENSEMBLES = "ensembles.py"
EXPORT = "export_model.py"
# tested in test_scale_out.py
SCALE_OUT = ["dask_search.py", "optuna_pruning.py", "out_of_core.py"]
EXPLAIN = "explain.py"
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
DRAWING = [*SELF_CONTAINED, PUBLISHED_RESULT, BENCHMARK]
PRINTING = [RECIPE, EARLY_STOPPING, ENSEMBLES, EXPORT, *SCALE_OUT]


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


def test_every_example_has_its_tests_here_or_in_another_file():
    others = {*(ROOT / "tests").rglob("test_*.py")} - {Path(__file__).resolve()}
    tests = "".join(path.read_text(encoding="utf-8") for path in others)
    named = re.findall(r"\w+\.py", tests)
    assert {*EXAMPLES} - {*DRAWING, *PRINTING, EXPLAIN, *named} == set()


@pytest.mark.slow
@pytest.mark.parametrize("script", GALLERY)
def test_gallery_script_draws_figures_and_leaves_no_files(script, monkeypatch, tmp_path):
    from matplotlib import pyplot

    monkeypatch.chdir(tmp_path)
    before = pyplot.get_backend()
    pyplot.switch_backend("agg")
    try:
        runpy.run_path(str(ROOT / "examples" / script), run_name="__main__")
        assert pyplot.get_fignums()
    finally:
        pyplot.close("all")
        pyplot.switch_backend(before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "script", slow_but_for(["train_digits.py"], {name: name for name in SELF_CONTAINED})
)
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


@pytest.mark.slow
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
def test_help_says_what_the_script_does(script, capsys):
    with pytest.raises(SystemExit) as stopped:
        load_script(script).main(["--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith("usage: ")
    assert "--output DIR" in printed or script in PRINTING


def test_scripts_that_draw_nothing_do_without_matplotlib(tmp_path):
    program = """
import runpy, sys
sys.modules["matplotlib"] = None  # as if not installed
for path in sys.argv[1:]:
    runpy.run_path(path)
"""
    scripts = [ROOT / "examples" / script for script in PRINTING]
    result = subprocess.run(
        [sys.executable, "-c", program, *scripts],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("script", DRAWING)
def test_without_matplotlib_the_command_that_installs_it_is_named(script, tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('as if not installed')")
    result = run(script, cwd=tmp_path, first_on_path=tmp_path)
    assert result.returncode == 1
    assert "pip install 'skmlp[plot]'" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("script", ["train_digits.py", PUBLISHED_RESULT, BENCHMARK, RECIPE])
def test_missing_mnist_files_are_a_plain_error(script, tmp_path, capsys):
    arguments = ["--mnist", str(tmp_path / "nowhere")]
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


def tables(printed, n_columns):
    """Return the numbers of each line that starts with a label, as {title: {label: numbers}}."""
    found = {}
    for block in printed.strip().split("\n\n"):
        lines = [re.split(r" {2,}", line) for line in block.splitlines()]
        if all(len(line) == 1 + n_columns for line in lines):
            title, *rows = lines
            found[title[0]] = {row[0]: [float(number) for number in row[1:]] for row in rows}
    return found


def test_early_stopping_is_compared_in_a_table_for_each_data_set(capsys):
    module = load_script(EARLY_STOPPING)
    assert module.main(["--folds", "2", "--repeats", "1", "--data", "wine", "breast_cancer"]) == 0
    printed = tables(capsys.readouterr().out, n_columns=4)
    assert list(printed) == ["wine, 178 rows", "breast_cancer, 569 rows", "mean"]
    for table in printed.values():
        assert list(table) == list(module.SETTINGS)
        without, by_accuracy, by_loss, refitted = np.array([*table.values()])
        # accuracy, log loss, epochs, seconds
        assert by_accuracy[2] < without[2]
        assert by_loss[1] < by_accuracy[1]
        assert refitted[2] > by_loss[2]
        assert min(without[0], by_loss[0], refitted[0]) > 0.93


def test_ensembles_are_compared_in_a_table_and_trained_again(capsys):
    module = load_script(ENSEMBLES)
    few = ["--members", "3", "--epochs", "3", "--jobs", "2"]
    assert module.main([*few, "--data", "breast_cancer"]) == 0
    printed = capsys.readouterr().out
    (table,) = tables(printed, n_columns=4).values()
    one, *ensembles = table.values()
    assert len(ensembles) == 3
    assert all(ensemble[0] > 0.93 for ensemble in ensembles)
    assert all(2.5 < ensemble[3] / one[3] < 5 for ensemble in ensembles)
    assert printed.count("trained again with the same seed, the same to the last bit") == 4


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_ensemble_that_is_not_reproducible_is_an_error(monkeypatch):
    module = load_script(ENSEMBLES)
    monkeypatch.setattr(
        module, "network", lambda seed, epochs: module.NumpyMLPClassifier((5,), max_iter=epochs)
    )
    monkeypatch.setattr(module, "print_table", lambda *args: None)
    with pytest.raises(SystemExit, match="the networks differ"):
        module.main(["--epochs", "1", "--data", "breast_cancer"])


@pytest.fixture
def small_recipe(monkeypatch):
    """The script with few random images, and with recipes for a small network and few epochs."""
    module = load_script(RECIPE)
    monkeypatch.setattr(module, "load_mnist", lambda path: small_mnist())
    small = {"hidden_layer_sizes": (8,), "batch_size": 100, "max_iter": 2}
    for name, recipe in module.RECIPES.items():
        monkeypatch.setitem(module.RECIPES, name, recipe | small)
    return module


def accuracies(printed, name):
    lines = re.findall(rf"^{name}, (.+?): test accuracy (\d\.\d{{4}}), ", printed, re.MULTILINE)
    return {label: float(accuracy) for label, accuracy in lines}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", load_script(RECIPE).RECIPES)
def test_recipe_is_trained_for_each_seed(name, small_recipe, capsys):
    assert small_recipe.main(["--recipe", name, "--seeds", "3", "4"]) == 0
    printed = accuracies(capsys.readouterr().out, "skmlp")
    assert list(printed) == ["seed 3", "seed 4", "mean"]
    mean = (printed["seed 3"] + printed["seed 4"]) / 2
    assert printed["mean"] == pytest.approx(mean, abs=1e-4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_recipe_is_compared_with_the_epochs_that_others_need(small_recipe, monkeypatch, capsys):
    monkeypatch.setattr(small_recipe, "find_spec", lambda package: None)
    monkeypatch.setattr(small_recipe, "MLP_SIZES", [(4,), (5, 5)])
    monkeypatch.setattr(small_recipe, "MLP_EPOCHS", 2)
    assert small_recipe.main(["--compare", "--seeds", "0"]) == 0
    printed = capsys.readouterr().out
    assert re.search(
        r"^MLPClassifier.*5, 5.*2 epochs, and never above 0\.\d{4}", printed, re.MULTILINE
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.usefixtures("thread_count_of_torch")
@pytest.mark.parametrize("name", load_script(RECIPE).RECIPES)
def test_recipe_is_trained_in_pytorch_too(name, small_recipe, monkeypatch, capsys):
    pytest.importorskip("torch")
    monkeypatch.setattr(small_recipe, "MLP_SIZES", [])
    assert small_recipe.main(["--compare", "--recipe", name, "--seeds", "0"]) == 0
    assert list(accuracies(capsys.readouterr().out, "PyTorch")) == ["seed 0", "mean"]


@pytest.fixture(scope="module")
def benchmark():
    return load_script(BENCHMARK)


def task_of(benchmark, candidate="skmlp float32", threads="all", epochs=1, **workload):
    chosen = benchmark.Workload(**{"hidden": (16,), "solver": "adam", "batch_size": 8} | workload)
    return benchmark.Task(candidate, chosen, threads, epochs, seed=0)


@pytest.mark.slow
def test_benchmark_measures_in_processes_and_saves_what_it_measured(tmp_path):
    own = ["--hidden", "12,8", "--solver", "sgd", "--batch-size", "30"]
    # no peers: each process spends a second on imports
    few = ["--rows", "500", "--repeats", "1", "--threads", "1", "--peers"]
    result = run(BENCHMARK, *own, *few, "--output", tmp_path / "new", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "784-12-8-10, SGD, batch 30, one thread" in result.stdout
    names = ["skmlp float32", "skmlp float64"]
    if importlib.util.find_spec("numba"):
        names += ["skmlp[fast] float32", "skmlp[fast] float64"]
    assert re.findall(r"^\| (skmlp\S* float\d\d) ", result.stdout, re.MULTILINE) == names
    assert_figure(tmp_path / "new" / "benchmark_training.png")
    saved = json.loads((tmp_path / "new" / "benchmark_training.json").read_text())
    assert saved["rows"] == 500
    measured = {m["candidate"]: m for m in saved["measurements"]}
    assert list(measured) == names
    for m in measured.values():
        assert min(m["cpu"], m["wall"], m["floor_cpu"], m["floor_wall"]) > 0


@pytest.fixture
def thread_count_of_torch():
    """Put back what measuring on one thread changes in this process."""
    if importlib.util.find_spec("torch") is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("thread_count_of_torch")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("candidate", load_script(BENCHMARK).CANDIDATES)
def test_benchmark_candidate_learns(benchmark, candidate, solver):
    pytest.importorskip(benchmark.CANDIDATES[candidate].package)
    rng = np.random.RandomState(0)
    y = np.arange(301) % 3
    X = rng.normal(size=(301, 5)) + 4 * np.eye(3, 5)[y]
    X = X.astype(benchmark.CANDIDATES[candidate].dtype)
    task = task_of(benchmark, candidate, threads="1", solver=solver, epochs=20)
    network = benchmark.CANDIDATES[candidate].prepare(task, X, y)
    network.train()
    assert np.mean(network.predict(X) == y) > 0.9


@pytest.mark.usefixtures("thread_count_of_torch")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("candidate", load_script(BENCHMARK).REGRESSION_CANDIDATES)
def test_benchmark_candidate_learns_numbers(benchmark, candidate):
    who = benchmark.REGRESSION_CANDIDATES[candidate]
    pytest.importorskip(who.package)
    X = np.random.RandomState(0).normal(size=(301, 5)).astype(who.dtype)
    y = (X @ [1, 2, 0, -1, 1]).astype(who.y_dtype)
    task = task_of(benchmark, candidate, threads="1", regression=True, epochs=60)
    network = who.prepare(task, X, y)
    network.train()
    assert network.predict(X).shape == y.shape
    assert benchmark._accuracy(task.workload, y, network.predict(X)) > 0.9


def test_benchmark_floor_of_a_regression_has_one_output_and_few_inputs(benchmark):
    assert benchmark.WORKLOADS["5"].sizes == [784, 100, 1]
    assert benchmark.WORKLOADS["6"].sizes == [20, 256, 256, 1]


@pytest.mark.parametrize(("threads", "set_to"), [("1", "1"), ("all", None)])
def test_benchmark_process_gets_its_number_of_threads(benchmark, threads, set_to, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    given = {}

    def fake(command, *, env, **rest):
        given.update(env)
        return subprocess.CompletedProcess(command, 0, stdout='warning\n{"cpu": 1}\n', stderr="")

    monkeypatch.setattr(benchmark.subprocess, "run", fake)
    assert benchmark.run_child(task_of(benchmark, threads=threads), Path()) == {"cpu": 1}
    assert [given.get(name) for name in benchmark.THREAD_VARIABLES] == [set_to] * 4


def test_benchmark_process_that_fails_is_reported_by_its_last_line(benchmark, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr="Traceback\nImportError: no\n")
    monkeypatch.setattr(benchmark.subprocess, "run", lambda *args, **kwargs: failed)
    assert benchmark.run_child(task_of(benchmark), Path()) == {"error": "ImportError: no"}


def test_benchmark_task_survives_the_way_to_its_process(benchmark):
    task = task_of(benchmark, hidden=(20, 10))
    assert benchmark.Task.from_json(json.dumps(dataclasses.asdict(task))) == task


def test_benchmark_floor_has_every_product_of_an_epoch(benchmark, monkeypatch):
    rows = []

    def counted(A, B, out):
        rows.append(len(A) * A.shape[1] * B.shape[1])
        return np.matmul(A, B, out=out)

    workload = task_of(benchmark, hidden=(3,), batch_size=2).workload
    epoch = benchmark.epoch_products(workload, 5, np.dtype("float32"))
    monkeypatch.setattr(benchmark.np, "dot", counted)
    epoch()
    W_1, W_2 = 784 * 3, 3 * 10
    # forward and dW for both layers, delta below the upper one
    assert sum(rows) == 5 * (2 * (W_1 + W_2) + W_2)


def test_benchmark_data_are_mostly_black_images_of_every_class(benchmark):
    X, y = benchmark.random_data(2000)
    assert (X.shape, X.dtype) == ((2000, 784), np.float32)
    assert (X.min(), X.max()) == (0, 1)
    assert 0.7 < np.mean(X == 0) < 0.9
    assert np.bincount(y, minlength=10).min() > 50


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads and resets Linux's peak")
def test_benchmark_memory_counts_what_was_freed_again(benchmark):
    growth = benchmark.start_of_memory_growth()
    np.ones(50 * 2**17)
    assert 49 < growth() < 60


def test_benchmark_candidates_take_turns(benchmark):
    workloads = [benchmark.WORKLOADS["1"], benchmark.WORKLOADS["4"]]
    tasks = [*benchmark.tasks(workloads, ["1", "all"], ["a", "b"], epochs=1, repeats=3)]
    assert [task.candidate for task in tasks] == ["a", "b"] * 12
    assert len(set(tasks)) == 24


@pytest.fixture
def results(benchmark, monkeypatch, capsys):
    """A run of three repeats with figures made up, in which one peer fails."""
    times = iter([1.0, 3.0, 2.0])

    def run_child(task, folder):
        if task.candidate == "JAX float32":
            return {"error": "ImportError: no such thing"}
        cpu = next(times) if task.candidate == "PyTorch" else 0.5
        common = {"cpu": cpu, "wall": 2 * cpu, "memory_mb": None, "accuracy": 0.25}
        floor = {"floor_cpu": 0.3, "floor_wall": 0.4}
        return common | (floor if task.candidate == "skmlp float32" else {})

    monkeypatch.setattr(benchmark, "run_child", run_child)
    names = ["skmlp float32", "PyTorch", "JAX float32"]
    workload = [benchmark.WORKLOADS["1"]]
    found = benchmark.run_all([*benchmark.tasks(workload, ["1"], names, 1, 3)], None)
    assert len(capsys.readouterr().err.splitlines()) == len(found)
    return found


def test_benchmark_reports_medians_ratios_and_who_failed(benchmark, results):
    (summaries,) = benchmark.summarise(results).values()
    lines = benchmark.markdown_table(summaries, "1").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:5]]
    assert cells == [
        ["skmlp float32", "0.500", "1.000", "1.00", "0%", "0.300 (60%)", "-", "0.250", "-"],
        ["PyTorch", "2.000", "4.000", "4.00", "100%", "-", "-", "0.250", "-"],
        ["JAX float32", "-", "-", "-", "-", "-", "-", "-", "-"],
    ]
    assert lines[-1] == "JAX float32: ImportError: no such thing"


def test_benchmark_does_not_ask_again_who_failed(results):
    assert [m["candidate"] for m in results].count("JAX float32") == 1
    assert [m["candidate"] for m in results].count("PyTorch") == 3


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


@pytest.mark.slow
def test_export_saves_every_form_and_all_predict_the_same(tmp_path):
    result = run(EXPORT, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert printed_accuracy(result.stdout) >= 0.95
    lines = re.findall(r"^(\S+\.\w+) +[\d.]+ +(\S+) +(\d+)$", result.stdout, re.MULTILINE)
    saved = {path.name for path in tmp_path.iterdir()}
    assert {name for name, _, _ in lines} == saved >= {"model.joblib", "sklearn_model.joblib"}
    assert len(saved) + result.stdout.count("left out: ") == 5
    assert all(float(difference) < 1e-6 and n == "0" for _, difference, n in lines)


@pytest.mark.slow
def test_explain_ranks_features_four_ways_and_draws(tmp_path):
    result = run(EXPLAIN, "--output", "new", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert len(re.findall(r"test accuracy: (?:0.9|1.0)", result.stdout)) == 2
    assert float(re.search(r"add up to each prediction, to (\S+)", result.stdout)[1]) < 1e-6
    (table,) = tables(result.stdout, n_columns=4).values()
    assert len(table) == 13
    values = np.array([*table.values()])
    assert (np.diff(values[:, 0]) <= 0).all()
    # four ways to ask the same model agree on what matters, roughly
    correlations = np.corrcoef(values.argsort(axis=0).argsort(axis=0).T)
    assert correlations.min() > 0.5
    for figure in ("partial_dependence.png", "saliency.png"):
        assert_figure(tmp_path / "new" / figure)
    assert list(tmp_path.iterdir()) == [tmp_path / "new"]


@pytest.mark.slow
def test_explain_leaves_out_what_is_not_installed(tmp_path):
    missing = tmp_path / "missing"
    missing.mkdir()
    for package in ("matplotlib", "shap"):
        (missing / f"{package}.py").write_text("raise ImportError('as if not installed')")
    result = run(EXPLAIN, cwd=tmp_path, first_on_path=missing)
    assert result.returncode == 0, result.stderr
    for extra in ("shap", "plot"):
        assert f"pip install 'skmlp[{extra}]'" in result.stdout
    assert list(tmp_path.iterdir()) == [missing]
