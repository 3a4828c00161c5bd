"""Compare early stopping as MLPClassifier does it with early stopping that costs no accuracy.

Early stopping by the accuracy on a small validation set ends training too soon, and the rows of
that set are not learnt from. Going by the validation loss, and training again on all rows for the
best number of epochs, mends both. The data are three sets that come with scikit-learn::

    python examples/early_stopping.py
    python examples/early_stopping.py --data wine --repeats 5

For each way it prints the accuracy, the log loss, the epochs and the seconds of training, as means
over the folds of a cross-validation.
"""

import argparse
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import RepeatedStratifiedKFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPClassifier

DATA = {"breast_cancer": load_breast_cancer, "digits": load_digits, "wine": load_wine}
SETTINGS: dict[str, dict[str, Any]] = {
    "no early stopping": {},
    "early_stopping=True": {"early_stopping": True},
    '... scoring="loss"': {"early_stopping": True, "scoring": "loss"},
    '... scoring="loss", refit=True': {"early_stopping": True, "scoring": "loss", "refit": True},
}
QUANTITIES = ("accuracy", "log loss", "epochs", "seconds")


def build_model(seed: int, settings: dict[str, Any]) -> Pipeline:
    """Return the untrained pipeline."""
    network = NumpyMLPClassifier(
        learning_rate_init=0.003, max_iter=1000, random_state=seed, **settings
    )
    return make_pipeline(StandardScaler(), network)


def measure(model: Pipeline, X: np.ndarray, y: np.ndarray, folds: RepeatedStratifiedKFold) -> Any:
    """Return the mean of each quantity over the folds."""
    scores = cross_validate(
        model,
        X,
        y,
        cv=folds,
        scoring=("accuracy", "neg_log_loss"),
        return_estimator=True,
        error_score="raise",
    )
    # with refit=True, the epochs of both trainings
    epochs = [
        network.n_iter_ + network.best_epoch_ * network.refit
        for network in (fitted[-1] for fitted in scores["estimator"])
    ]
    columns = scores["test_accuracy"], -scores["test_neg_log_loss"], epochs, scores["fit_time"]
    return np.mean(columns, axis=1)


def print_table(name: str, results: Sequence[np.ndarray]) -> None:
    """Print a line for each way of stopping."""
    print(f"\n{name:32}" + "".join(f"{quantity:>10}" for quantity in QUANTITIES))
    for setting, (accuracy, loss, epochs, seconds) in zip(SETTINGS, results, strict=True):
        print(f"{setting:32}{accuracy:10.4f}{loss:10.4f}{epochs:10.0f}{seconds:10.3f}")


def main(argv: list[str] | None = None) -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(
        description="Compare ways of early stopping by cross-validation."
    )
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--folds", type=int, default=5, help="(default: 5)")
    parser.add_argument(
        "--repeats", type=int, default=2, help="how often to divide into folds (default: 2)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of folds and training (default: 0)")
    args = parser.parse_args(argv)

    folds = RepeatedStratifiedKFold(
        n_splits=args.folds, n_repeats=args.repeats, random_state=args.seed
    )
    tables = []
    for name in args.data:
        X, y = DATA[name](return_X_y=True)
        with warnings.catch_warnings():
            # some folds reach max_iter; the comparison holds for them too
            warnings.simplefilter("ignore", ConvergenceWarning)
            tables.append(
                [
                    measure(build_model(args.seed, settings), X, y, folds)
                    for settings in SETTINGS.values()
                ]
            )
        print_table(f"{name}, {len(X)} rows", tables[-1])
    if len(tables) > 1:
        print_table("mean", np.mean(tables, axis=0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
