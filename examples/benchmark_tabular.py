"""Compare classifiers or regressors for tabular data: their errors and the CPU time of training.

The data are four small sets that come with scikit-learn, or your own: a folder of .npz files, each
with a matrix X and labels or numbers y, and of .parquet files, whose targets are named by
index.json, ``{"titanic": {"target": "Survived"}}``::

    python examples/benchmark_tabular.py
    python examples/benchmark_tabular.py --regression
    python examples/benchmark_tabular.py --data path/to/folder --output results
    python examples/benchmark_tabular.py --models skmlp HistGradientBoosting --seeds 0

Every model sees the same splits into training and test rows, one for each seed, stratified by
class. Every model has its own process, limited to one thread. Results are saved as they come; what
the output folder holds already is not computed again. RealMLP takes part where pytabkit is
installed, CatBoost and LightGBM where catboost and lightgbm are. What the figures mean is explained
in docs/tabular.md.

Protocol of choice: the settings of skmlp are chosen on splits with the seeds 100 and up alone. The
seeds 0, 1 and 2, whose figures are published, are run once, with the settings of a release. What
was tried without gain is reported as well.
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
from dataclasses import dataclass
from importlib import metadata, util
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

# The models are imported by the process that measures them.

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
PACKAGES = ("numpy", "scipy", "scikit-learn", "skmlp", "torch", "pytabkit", "catboost", "lightgbm")
PACKAGE_OF = {"RealMLP": "pytabkit", "CatBoost": "catboost", "LightGBM": "lightgbm"}
# the probability of a class that a model does not know
LEAST_PROBABILITY = 1e-12


# --- Classifiers


def skmlp(seed: int, **params: Any) -> Any:
    """Return the recommended classifier of skmlp."""
    from skmlp import make_tabular_classifier

    return make_tabular_classifier(random_state=seed, **params)


def skmlp_no_stopping(seed: int) -> Any:
    """Return the same, all its networks trained on all rows for all epochs."""
    return skmlp(seed, early_stopping=False)


def skmlp_fast(seed: int) -> Any:
    """Return the same with the settings that take a third of the time."""
    return skmlp(seed, quality="fast")


def skmlp_networks(seed: int) -> Any:
    """Return the same without trees."""
    return skmlp(seed, trees=False)


def logistic_regression(seed: int) -> Any:
    """Return a logistic regression, on standardised numbers and indicators of categories."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(standardised_columns(), LogisticRegression(max_iter=1000))


def mlp_classifier(seed: int) -> Any:
    """Return scikit-learn's network by default, on the same columns."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline

    return make_pipeline(standardised_columns(), MLPClassifier(random_state=seed))


def standardised_columns() -> Any:
    """Return a transformation to standardised numbers and indicators of categories."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    encoder = OneHotEncoder(min_frequency=3, handle_unknown="infrequent_if_exist")
    categories = make_column_selector(dtype_include="category")
    return make_column_transformer(
        (encoder, categories), (numbers, make_column_selector(dtype_include="number"))
    )


def hist_gradient_boosting(seed: int) -> Any:
    """Return scikit-learn's boosted trees by default."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(random_state=seed, categorical_features="from_dtype")


def light_gbm(seed: int) -> Any:
    """Return LightGBM by default."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(random_state=seed, n_jobs=1, verbose=-1)


def cat_boost(seed: int) -> Any:
    """Return CatBoost by default."""
    from catboost import CatBoostClassifier
    from sklearn.base import BaseEstimator, ClassifierMixin

    class OfCategories(ClassifierMixin, BaseEstimator):
        """CatBoost, which is told in `fit` which columns are categories."""

        def fit(self, X: Any, y: Any) -> Any:
            names = X.columns[X.dtypes == "category"].tolist()
            self.model_ = CatBoostClassifier(
                random_seed=seed,
                thread_count=1,
                verbose=False,
                allow_writing_files=False,
                cat_features=names,
            ).fit(X, y)
            return self

        def predict_proba(self, X: Any) -> Any:
            return self.model_.predict_proba(X)

    return OfCategories()


def real_mlp(seed: int) -> Any:
    """Return pytabkit's RealMLP by default."""
    from pytabkit import RealMLP_TD_Classifier

    network = RealMLP_TD_Classifier(random_state=seed, device="cpu", n_threads=1, verbosity=0)
    return with_medians(network)


def with_medians(network: Any) -> Any:
    """Return the network behind a step that replaces missing numbers, which RealMLP refuses."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    fill = make_column_transformer(
        (SimpleImputer(strategy="median"), make_column_selector(dtype_include="number")),
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    return make_pipeline(fill.set_output(transform="pandas"), network)


def scores_of_classes(
    probabilities: np.ndarray, y: np.ndarray, y_train: np.ndarray
) -> dict[str, float]:
    """Return accuracy and log loss on test rows, and the area under the curve of two classes."""
    from sklearn.metrics import roc_auc_score

    classes = np.unique(y_train)
    p = np.clip(probabilities, LEAST_PROBABILITY, None)
    p /= p.sum(axis=1, keepdims=True)
    true = np.searchsorted(classes, y)
    scores = {
        "accuracy": float(np.mean(p.argmax(axis=1) == true)),
        "log_loss": float(-np.log(p[np.arange(len(y)), true]).mean()),
    }
    if len(classes) == 2:
        scores["auc"] = float(roc_auc_score(true, p[:, 1]))
    return scores


# --- Regressors


def skmlp_regressor(seed: int) -> Any:
    """Return the recommended pipeline of skmlp."""
    from skmlp import make_tabular_regressor

    return make_tabular_regressor(random_state=seed)


def skmlp_regressor_fast(seed: int) -> Any:
    """Return the same with the settings that take a third of the time."""
    from skmlp import make_tabular_regressor

    return make_tabular_regressor(random_state=seed, quality="fast")


def mlp_regressor(seed: int) -> Any:
    """Return scikit-learn's network by default, on standardised features and targets."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = TransformedTargetRegressor(
        MLPRegressor(random_state=seed), transformer=StandardScaler()
    )
    return make_pipeline(StandardScaler(), network)


def hist_gradient_boosting_regressor(seed: int) -> Any:
    """Return scikit-learn's boosted trees by default."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(random_state=seed)


def cat_boost_regressor(seed: int) -> Any:
    """Return CatBoost by default."""
    from catboost import CatBoostRegressor

    return CatBoostRegressor(
        random_seed=seed, thread_count=1, verbose=False, allow_writing_files=False
    )


def real_mlp_regressor(seed: int) -> Any:
    """Return pytabkit's RealMLP by default."""
    from pytabkit import RealMLP_TD_Regressor

    network = RealMLP_TD_Regressor(random_state=seed, device="cpu", n_threads=1, verbosity=0)
    return with_medians(network)


def scores_of_numbers(
    predicted: np.ndarray, y: np.ndarray, y_train: np.ndarray
) -> dict[str, float]:
    """Return the root mean square error on test rows, over the deviation of training targets."""
    error = np.sqrt(np.mean((predicted.reshape(y.shape) - y) ** 2))
    return {"error": float(error / np.std(y_train))}


# --- The two tasks


@dataclass(frozen=True)
class Task:
    """What is compared, on which data, by which scores."""

    json_name: str
    models: dict[str, Callable[[int], Any]]
    built_in: dict[str, tuple[str, dict[str, Any]]]
    test_size: float
    stratified: bool
    method: str
    scores: Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, float]]
    best: dict[str, Callable]


CLASSIFICATION = Task(
    "benchmark_tabular.json",
    {
        "skmlp": skmlp,
        "skmlp-fast": skmlp_fast,
        "skmlp-networks": skmlp_networks,
        "skmlp-no-stopping": skmlp_no_stopping,
        "LogisticRegression": logistic_regression,
        "MLPClassifier": mlp_classifier,
        "HistGradientBoosting": hist_gradient_boosting,
        "LightGBM": light_gbm,
        "CatBoost": cat_boost,
        "RealMLP": real_mlp,
    },
    {
        name: (f"load_{name}", {"return_X_y": True})
        for name in ("breast_cancer", "digits", "iris", "wine")
    },
    test_size=0.25,
    stratified=True,
    method="predict_proba",
    scores=scores_of_classes,
    best={"accuracy": max, "log_loss": min},
)
REGRESSION = Task(
    "benchmark_tabular_regression.json",
    {
        "skmlp": skmlp_regressor,
        "skmlp-fast": skmlp_regressor_fast,
        "MLPRegressor": mlp_regressor,
        "HistGradientBoosting": hist_gradient_boosting_regressor,
        "CatBoost": cat_boost_regressor,
        "RealMLP": real_mlp_regressor,
    },
    {
        "diabetes": ("load_diabetes", {"return_X_y": True}),
        "friedman1": ("make_friedman1", {"n_samples": 1000, "noise": 1.0, "random_state": 0}),
        "friedman2": ("make_friedman2", {"n_samples": 1000, "noise": 125.0, "random_state": 0}),
        "friedman3": ("make_friedman3", {"n_samples": 1000, "noise": 0.1, "random_state": 0}),
    },
    test_size=0.3,
    stratified=False,
    method="predict",
    scores=scores_of_numbers,
    best={"error": min},
)


# --- The data


def data_sets(task: Task, folder: Path | None) -> Iterator[tuple[str, Any, np.ndarray]]:
    """Yield the name, X and y of each data set, in alphabetical order."""
    if folder is None:
        from sklearn import datasets

        for name, (function, params) in task.built_in.items():
            yield name, *getattr(datasets, function)(**params)
        return
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as data:
            yield path.stem, data["X"], data["y"]
    index = folder / "index.json"
    targets = json.loads(index.read_text()) if index.exists() else {}
    for name, about in sorted(targets.items()):
        import pandas as pd

        table = pd.read_parquet(folder / f"{name}.parquet")
        y = table.pop(about["target"]).to_numpy()
        yield name, table, y.astype(str) if task.stratified else y.astype(float)


def at_most(n_rows: int | None, task: Task, X: Any, y: np.ndarray) -> tuple[Any, np.ndarray]:
    """Return the data, or a stratified sample of them if there are more rows."""
    if n_rows is None or len(y) <= n_rows:
        return X, y
    from sklearn.model_selection import train_test_split

    strata = y if task.stratified else None
    X, _, y, _ = train_test_split(X, y, train_size=n_rows, stratify=strata, random_state=100)
    return X, y


def for_rivals(X: Any) -> Any:
    """Return a table as rivals take it: numbers, dates as days, and the rest as categories."""
    import pandas as pd

    table = pd.DataFrame(X)
    columns = {}
    for name in table:
        column = table[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            columns[str(name)] = (column - column.min()).dt.total_seconds() / 86400
        elif pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            columns[str(name)] = column.astype(float)
        else:
            text = column.astype(object).where(column.notna(), "missing").astype(str)
            # scikit-learn's trees take at most 255 categories
            frequent = text.value_counts().index[:254]
            columns[str(name)] = text.where(text.isin(frequent), "rare").astype("category")
    return pd.DataFrame(columns)


# --- Measuring, in the model's own process


def warm_up(task: Task, model: str) -> None:
    """Train on a few rows, so that nothing is left to import when the time is taken."""
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    fit_and_score(task, model, X, y if task.stratified else X[:, 0], seed=0)


def fit_and_score(task: Task, model: str, X: Any, y: np.ndarray, seed: int) -> dict[str, float]:
    """Return what the model scores on the test rows of the seed's split, and its CPU seconds."""
    from sklearn.model_selection import train_test_split

    X_train, X_test, y_train, y_test = train_test_split(
        X,
        y,
        test_size=task.test_size,
        stratify=y if task.stratified else None,
        random_state=seed,
    )
    if not model.startswith("skmlp"):
        table = for_rivals(X)
        X_train, X_test = train_test_split(
            table,
            test_size=task.test_size,
            stratify=y if task.stratified else None,
            random_state=seed,
        )
    estimator = task.models[model](seed)
    start = time.process_time()
    with warnings.catch_warnings():
        # scikit-learn's networks reach their 200 epochs on many data sets
        warnings.simplefilter("ignore")
        estimator.fit(X_train, y_train)
    fitted = time.process_time()
    predictions = np.asarray(getattr(estimator, task.method)(X_test), dtype=np.float64)
    predicted = time.process_time()
    return {
        **task.scores(predictions, y_test, y_train),
        "fit_seconds": fitted - start,
        "predict_seconds": predicted - fitted,
    }


def measure(
    task: Task, args: argparse.Namespace, records: list[dict[str, Any]], save: Callable
) -> None:
    """Add to the records what is missing there, model by model."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    done = {(record["model"], record["data"], record["seed"]) for record in records}
    for model in args.models:
        # a new process has not imported NumPy yet, and so obeys the limits set above
        with ProcessPoolExecutor(1, get_context("spawn"), warm_up, (task, model)) as process:
            for name, X, y in data_sets(task, args.data):
                X, y = at_most(args.max_rows, task, X, y)
                for seed in args.seeds:
                    if (model, name, seed) in done:
                        continue
                    scores = process.submit(fit_and_score, task, model, X, y, seed).result()
                    records.append({"model": model, "data": name, "seed": seed, **scores})
                    save()
                    values = [f"{title(score)} {scores[score]:.4f}" for score in task.best]
                    values.append(f"{scores['fit_seconds']:.1f} s")
                    print(f"{model} {name} seed {seed}: {', '.join(values)}", file=sys.stderr)


# --- Reporting


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown, its first column to the left and the rest to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def title(quantity: str) -> str:
    """Return the quantity as it is printed."""
    return quantity.replace("_", " ")


def means(
    records: list[dict[str, Any]], quantity: str, models: list[str], names: list[str]
) -> np.ndarray:
    """Return the means over the splits: a row for each model, a column for each data set."""
    return np.array(
        [
            [
                np.mean([r[quantity] for r in records if (r["model"], r["data"]) == (model, name)])
                for name in names
            ]
            for model in models
        ]
    )


def report(task: Task, records: list[dict[str, Any]], models: list[str]) -> str:
    """Return tables: means over all data sets, then each score for each data set."""
    names = sorted({record["data"] for record in records})
    scores = {score: means(records, score, models, names) for score in task.best}
    columns = {title(score): [f"{v:.4f}" for v in s.mean(axis=1)] for score, s in scores.items()}
    columns |= compared(scores["error" if "error" in scores else "log_loss"], models[0])
    if "log_loss" in scores:
        two = [name for name in names if any("auc" in r for r in records if r["data"] == name)]
        auc = means(records, "auc", models, two) if two else np.full((len(models), 1), np.nan)
        columns["auc"] = [f"{value:.4f}" for value in auc.mean(axis=1)]
    for part, digits in (("fit", 1), ("predict", 2)):
        seconds = means(records, f"{part}_seconds", models, names).sum(axis=1)
        columns[f"CPU s, {part}"] = [f"{value:.{digits}f}" for value in seconds]
    tables = [
        table(["", *columns], [list(row) for row in zip(models, *columns.values(), strict=True)])
    ]
    for score, best in task.best.items():
        rows = []
        for name, values in zip(names, scores[score].T, strict=True):
            texts = [f"{value:.4f}" for value in values]
            rows.append([name, *(f"**{t}**" if t == best(texts) else t for t in texts)])
        tables.append(table([title(score), *models], rows))
    return "\n\n".join(tables)


def compared(errors: np.ndarray, first: str) -> dict[str, list[str]]:
    """Return mean ranks, and mean differences to the first model with paired standard errors."""
    from scipy.stats import rankdata

    ranks = rankdata(errors, axis=0).mean(axis=1)
    difference = errors - errors[0]
    spread = difference.std(axis=1, ddof=1) if errors.shape[1] > 1 else np.full(len(errors), np.nan)
    limits = spread / np.sqrt(errors.shape[1])
    texts = [f"{d:+.4f} ± {e:.4f}" for d, e in zip(difference.mean(axis=1), limits, strict=True)]
    return {"rank": [f"{rank:.2f}" for rank in ranks], f"minus {first}": ["", *texts[1:]]}


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
    parser = argparse.ArgumentParser(description="Compare models for tabular data.")
    parser.add_argument(
        "--regression", action="store_true", help="compare regressors in place of classifiers"
    )
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help="folder of .npz files with X and y"
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=".", help="folder to write to (default: here)"
    )
    parser.add_argument(
        "--models", nargs="+", choices=dict.fromkeys([*CLASSIFICATION.models, *REGRESSION.models])
    )
    parser.add_argument("--max-rows", metavar="N", type=int, help="take a sample of larger data")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    args = parser.parse_args(argv)
    task = REGRESSION if args.regression else CLASSIFICATION
    args.models = args.models or list(task.models)
    if unknown := [model for model in args.models if model not in task.models]:
        parser.error(f"{', '.join(unknown)}: choose from {', '.join(task.models)}")
    if args.data is not None and not any([*args.data.glob("*.npz"), *args.data.glob("index.json")]):
        parser.error(f"{args.data} holds no .npz files and no index.json")
    for model, package in PACKAGE_OF.items():
        if model in args.models and util.find_spec(package) is None:
            print(f"{model} is left out: {package} is not installed.", file=sys.stderr)
            args.models.remove(model)
    args.output.mkdir(parents=True, exist_ok=True)

    file = args.output / task.json_name
    results = json.loads(file.read_text()) if file.exists() else {"records": []}
    results["versions"] = versions()
    measure(
        task,
        args,
        results["records"],
        lambda: file.write_text(json.dumps(results, indent=1) + "\n"),
    )
    names = {name for name, _, _ in data_sets(task, args.data)}
    wanted = [r for r in results["records"] if r["data"] in names and r["seed"] in args.seeds]
    print(report(task, wanted, args.models))
    print(f"\nSaved {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
