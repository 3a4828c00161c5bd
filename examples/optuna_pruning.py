"""Search a network's parameters with Optuna, which gives up poor candidates after a few epochs.

The data are the 1,797 digits that come with scikit-learn. After each epoch a candidate reports its
loss on validation rows, and Optuna prunes it if it is worse than most others were at that epoch::

    python examples/optuna_pruning.py
    python examples/optuna_pruning.py --trials 50 --by callback

There are two ways to look into a training. ``--by partial_fit`` calls `partial_fit` once per
epoch, and works with every version of scikit-learn. ``--by callback`` needs version 1.9: a callback
reports each epoch of `fit` and may end it, so all that `fit` offers can be used. (The two shuffle
the rows differently.) The same seed gives the same search. Optuna comes with
``pip install 'skmlp[optuna]'``.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.utils import Bunch

from skmlp import NumpyMLPClassifier

try:
    import optuna
except ImportError:
    sys.exit("This script searches with Optuna: pip install 'skmlp[optuna]'")

EPOCHS = 20


class ReportEpochs:
    """A callback of scikit-learn that reports each epoch to a trial, and stops if that is pruned.

    Parameters
    ----------
    trial : optuna.Trial
        What is reported to.
    measure : callable
        Returns the loss of a fitted model.
    """

    def __init__(self, trial: optuna.Trial, measure: Callable[[Any], float]) -> None:
        self.trial, self.measure = trial, measure

    def setup(self, estimator: Any, context: Any) -> None:
        """Do nothing before the fit."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing after it."""

    def on_fit_task_begin(self, estimator: Any, context: Any, **about: Any) -> None:
        """Do nothing before an epoch."""

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> bool:
        """Report the epoch that has ended, and return whether training should end as well."""
        if context.task_name != "epoch":
            return False
        self.trial.report(self.measure(fitted_estimator), step=context.task_id + 1)
        return self.trial.should_prune()


def split_digits(seed: int) -> Bunch:
    """Split scikit-learn's digits into 60 % training, 20 % validation and 20 % test rows."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.2, random_state=seed)
    X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.25, random_state=seed)
    return Bunch(X=X_train, y=y_train, X_val=X_val, y_val=y_val, X_test=X_test, y_test=y_test)


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Return the parameters that the trial is to try."""
    return {
        "hidden_layer_sizes": (trial.suggest_int("units", 16, 128, log=True),),
        "learning_rate_init": trial.suggest_float("learning_rate_init", 1e-4, 0.1, log=True),
        "alpha": trial.suggest_float("alpha", 1e-5, 1.0, log=True),
        "dropout": trial.suggest_float("dropout", 0.0, 0.5),
    }


def build_network(parameters: dict[str, Any], seed: int) -> NumpyMLPClassifier:
    """Return the untrained network of those parameters; its schedule spans all epochs."""
    return NumpyMLPClassifier(
        batch_size=32,
        learning_rate="one_cycle",
        max_iter=EPOCHS,
        n_threads=1,
        random_state=seed,
        **parameters,
    )


def by_partial_fit(trial: optuna.Trial, network: NumpyMLPClassifier, data: Bunch) -> None:
    """Train epoch by epoch; report each, and stop if the trial is to be pruned."""
    for epoch in range(1, EPOCHS + 1):
        network.partial_fit(data.X, data.y, classes=np.unique(data.y))
        trial.report(validation_loss(network, data), step=epoch)
        if trial.should_prune():
            return


def by_callback(trial: optuna.Trial, network: NumpyMLPClassifier, data: Bunch) -> None:
    """Train in one go, with a callback that does the same."""
    report = ReportEpochs(trial, lambda fitted: validation_loss(fitted, data))
    network.set_callbacks(report).fit(data.X, data.y)


WAYS = {"partial_fit": by_partial_fit, "callback": by_callback}


def validation_loss(network: NumpyMLPClassifier, data: Bunch) -> float:
    """Return what the search is to make small."""
    return float(log_loss(data.y_val, network.predict_proba(data.X_val)))


def search(data: Bunch, way: str, n_trials: int, seed: int) -> optuna.Study:
    """Return the study, run."""

    def objective(trial: optuna.Trial) -> float:
        network = build_network(suggest(trial), seed)
        WAYS[way](trial, network, data)
        if trial.should_prune():
            raise optuna.TrialPruned
        return validation_loss(network, data)

    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=3),
    )
    study.optimize(objective, n_trials)
    return study


def print_table(study: optuna.Study) -> None:
    """Print a line for each trial, and how much pruning has saved."""
    print("trial  epochs  validation loss  units  learning rate    alpha  dropout")
    for trial in study.trials:
        losses, tried = trial.intermediate_values, trial.params
        pruned = "  pruned" if trial.state == optuna.trial.TrialState.PRUNED else ""
        print(
            f"{trial.number:5}{len(losses):8}{losses[max(losses)]:17.4f}{tried['units']:7}"
            f"{tried['learning_rate_init']:15.5f}{tried['alpha']:9.5f}{tried['dropout']:9.2f}{pruned}"
        )
    epochs = sum(len(trial.intermediate_values) for trial in study.trials)
    print(f"\n{epochs} epochs trained, of {len(study.trials) * EPOCHS} without pruning")


def main(argv: list[str] | None = None) -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(
        description="Search a network's parameters with Optuna and prune by epoch."
    )
    parser.add_argument("--trials", type=int, default=25, help="how many to try (default: 25)")
    parser.add_argument(
        "--by", choices=WAYS, default="partial_fit", help="how to train (default: partial_fit)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of split and search (default: 0)")
    args = parser.parse_args(argv)
    if args.by == "callback" and not hasattr(NumpyMLPClassifier, "set_callbacks"):
        parser.error("--by callback needs scikit-learn 1.9; use --by partial_fit")

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    data = split_digits(args.seed)
    study = search(data, args.by, args.trials, args.seed)
    print_table(study)

    network = build_network(suggest(study.best_trial), args.seed)
    network.fit(np.vstack([data.X, data.X_val]), np.hstack([data.y, data.y_val]))
    print(f"Best: trial {study.best_trial.number}, trained again on training and validation rows")
    print(f"Test accuracy: {network.score(data.X_test, data.y_test):.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
