"""Compare classifiers for tabular data: accuracy, log loss and the CPU time of training.

The data are four small sets that come with scikit-learn, or your own: a folder of .npz files, each
with a matrix X and labels y::

    python examples/benchmark_tabular.py
    python examples/benchmark_tabular.py --data path/to/folder --output results
    python examples/benchmark_tabular.py --models skmlp HistGradientBoosting --seeds 0

Every model sees the same stratified splits into training and test rows, one for each seed, and
every model has its own process, limited to one thread. Results are saved as they come; what the
output folder holds already is not computed again. RealMLP takes part where pytabkit is installed.
What the figures mean is explained in docs/tabular.md.
"""

import argparse
import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata, util
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

# The models are imported by the process that measures them.

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
JSON_NAME = "benchmark_tabular.json"
TEST_SIZE = 0.25
PACKAGES = ("numpy", "scipy", "scikit-learn", "skmlp", "torch", "pytabkit")
BUILT_IN = ("iris", "wine", "breast_cancer", "digits")


# --- The models


def skmlp(seed: int, **params: Any) -> Any:
    """Return the recommended pipeline of skmlp."""
    from skmlp import make_tabular_classifier

    return make_tabular_classifier(random_state=seed, **params)


def skmlp_no_stopping(seed: int) -> Any:
    """Return the same, all its networks trained on all rows for all epochs."""
    return skmlp(seed, early_stopping=False)


def mlp_classifier(seed: int) -> Any:
    """Return scikit-learn's network by default, on standardised features."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), MLPClassifier(random_state=seed))


def hist_gradient_boosting(seed: int) -> Any:
    """Return scikit-learn's boosted trees by default."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(random_state=seed)


def real_mlp(seed: int) -> Any:
    """Return pytabkit's RealMLP by default."""
    from pytabkit import RealMLP_TD_Classifier

    return RealMLP_TD_Classifier(random_state=seed, device="cpu", n_threads=1, verbosity=0)


MODELS: dict[str, Callable[[int], Any]] = {
    "skmlp": skmlp,
    "skmlp-no-stopping": skmlp_no_stopping,
    "MLPClassifier": mlp_classifier,
    "HistGradientBoosting": hist_gradient_boosting,
    "RealMLP": real_mlp,
}


# --- The data


def data_sets(folder: Path | None) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield the name, X and y of each data set, in alphabetical order."""
    if folder is None:
        from sklearn import datasets

        for name in sorted(BUILT_IN):
            yield name, *getattr(datasets, f"load_{name}")(return_X_y=True)
        return
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as data:
            yield path.stem, data["X"], data["y"]


# --- Measuring, in the model's own process


def warm_up(model: str) -> None:
    """Train on a few rows, so that nothing is left to import when the time is taken."""
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    fit_and_score(model, X, y, seed=0)


def fit_and_score(model: str, X: np.ndarray, y: np.ndarray, seed: int) -> dict[str, float]:
    """Return what the model scores on the test rows of the seed's split, and its CPU seconds."""
    from sklearn.metrics import accuracy_score, log_loss
    from sklearn.model_selection import train_test_split

    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=TEST_SIZE, stratify=y, random_state=seed
    )
    classifier = MODELS[model](seed)
    start = time.process_time()
    with warnings.catch_warnings():
        # the default MLPClassifier reaches its 200 epochs on many data sets
        warnings.simplefilter("ignore")
        classifier.fit(X_train, y_train)
    fitted = time.process_time()
    probabilities = np.asarray(classifier.predict_proba(X_test), dtype=np.float64)
    predicted = time.process_time()
    # in float32 the rows add up to 1 only nearly, which log_loss would warn of
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    classes = np.unique(y_train)
    return {
        "accuracy": accuracy_score(y_test, classes[probabilities.argmax(axis=1)]),
        "log_loss": log_loss(y_test, probabilities, labels=classes),
        "fit_seconds": fitted - start,
        "predict_seconds": predicted - fitted,
    }


def measure(args: argparse.Namespace, records: list[dict[str, Any]], save: Callable) -> None:
    """Add to the records what is missing there, model by model."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    done = {(record["model"], record["data"], record["seed"]) for record in records}
    for model in args.models:
        # a new process has not imported NumPy yet, and so obeys the limits set above
        with ProcessPoolExecutor(1, get_context("spawn"), warm_up, (model,)) as process:
            for name, X, y in data_sets(args.data):
                for seed in args.seeds:
                    if (model, name, seed) in done:
                        continue
                    scores = process.submit(fit_and_score, model, X, y, seed).result()
                    records.append({"model": model, "data": name, "seed": seed, **scores})
                    save()
                    print(
                        f"{model} {name} seed {seed}: accuracy {scores['accuracy']:.4f}, "
                        f"log loss {scores['log_loss']:.4f}, {scores['fit_seconds']:.1f} s",
                        file=sys.stderr,
                    )


# --- Reporting


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown, its first column to the left and the rest to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def report(records: list[dict[str, Any]], models: list[str]) -> str:
    """Return three tables: means over all data sets, and accuracy and log loss of each."""

    def mean(quantity: str, model: str, name: str) -> float:
        values = [r[quantity] for r in records if r["model"] == model and r["data"] == name]
        return float(np.mean(values))

    names = sorted({record["data"] for record in records})
    rows = []
    for model in models:
        accuracy, loss, fit, predict = (
            [mean(quantity, model, name) for name in names]
            for quantity in ("accuracy", "log_loss", "fit_seconds", "predict_seconds")
        )
        means = [f"{np.mean(accuracy):.4f}", f"{np.mean(loss):.4f}"]
        rows.append([model, *means, f"{sum(fit):.1f}", f"{sum(predict):.2f}"])
    tables = [table(["", "accuracy", "log loss", "CPU s, fit", "CPU s, predict"], rows)]
    for quantity, best in (("accuracy", max), ("log_loss", min)):
        rows = []
        for name in names:
            values = [f"{mean(quantity, model, name):.4f}" for model in models]
            rows.append([name, *(f"**{v}**" if v == best(values) else v for v in values)])
        tables.append(table([quantity.replace("_", " "), *models], rows))
    return "\n\n".join(tables)


def versions() -> dict[str, str]:
    """Return the versions of what took part, and the kind of machine."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def main(argv: list[str] | None = None) -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description="Compare classifiers for tabular data.")
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help="folder of .npz files with X and y"
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=".", help="folder to write to (default: here)"
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    args = parser.parse_args(argv)
    if args.data is not None and not any(args.data.glob("*.npz")):
        parser.error(f"{args.data} holds no .npz files")
    if "RealMLP" in args.models and util.find_spec("pytabkit") is None:
        print("RealMLP is left out: pytabkit is not installed.", file=sys.stderr)
        args.models.remove("RealMLP")
    args.output.mkdir(parents=True, exist_ok=True)

    file = args.output / JSON_NAME
    results = json.loads(file.read_text()) if file.exists() else {"records": []}
    results["versions"] = versions()
    measure(args, results["records"], lambda: file.write_text(json.dumps(results, indent=1) + "\n"))
    names = {name for name, _, _ in data_sets(args.data)}
    wanted = [r for r in results["records"] if r["data"] in names and r["seed"] in args.seeds]
    print(report(wanted, args.models))
    print(f"\nSaved {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
