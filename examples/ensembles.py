"""Average networks that differ in their seeds: better probabilities from the same settings.

Nothing is needed but scikit-learn's own ensembles: VotingClassifier takes a list of networks with
seeds of your choice, BaggingClassifier draws the seeds and, unless told otherwise, other rows for
each network::

    python examples/ensembles.py
    python examples/ensembles.py --members 10 --jobs 2

For each ensemble it prints accuracy, log loss and seconds, as means over the folds of a
cross-validation, and the size of the saved model. Then it trains each one twice and checks that the
networks are the same to the last bit.

Networks that are trained side by side (``--jobs``) should keep to one thread each, so that they do
not fight for the cores: n_threads=1. Each process needs memory for its network and its batches, and
where rows are drawn, for a copy of them; large data are shared by the processes. The fitted
ensemble is as large as its networks together.
"""

import argparse
import pickle
import sys
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPClassifier

DATA = {"breast_cancer": load_breast_cancer, "digits": load_digits}


def network(seed: int | None, epochs: int) -> NumpyMLPClassifier:
    """Return an untrained network; its seed may be set by an ensemble."""
    return NumpyMLPClassifier(
        hidden_layer_sizes=(50,),
        batch_size=32,
        learning_rate="one_cycle",
        learning_rate_init=0.01,
        max_iter=epochs,
        n_threads=1,
        random_state=seed,
    )


def voting(members: int, jobs: int, seed: int, epochs: int) -> VotingClassifier:
    """Return networks with seeds of one's own; all see all rows."""
    networks = [(f"seed {seed + i}", network(seed + i, epochs)) for i in range(members)]
    return VotingClassifier(networks, voting="soft", n_jobs=jobs)


def bagging(members: int, jobs: int, seed: int, epochs: int, **params: Any) -> BaggingClassifier:
    """Return networks with seeds drawn by the ensemble; each sees rows of its own."""
    return BaggingClassifier(
        network(None, epochs), n_estimators=members, n_jobs=jobs, random_state=seed, **params
    )


def ensembles(members: int, jobs: int, seed: int, epochs: int) -> dict[str, Any]:
    """Return the untrained ensembles by name, and one network to compare with."""
    size = members, jobs, seed, epochs
    return {
        "one network": network(seed, epochs),
        "VotingClassifier": voting(*size),
        "BaggingClassifier, all rows": bagging(*size, bootstrap=False),
        "BaggingClassifier": bagging(*size),
    }


def print_table(name: str, models: dict[str, Pipeline], X: np.ndarray, y: np.ndarray) -> None:
    """Cross-validate each model and print a line for it."""
    head = ("accuracy", "log loss", "seconds", "kB")
    print(f"\n{name:28}" + "".join(f"{quantity:>10}" for quantity in head))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    for label, model in models.items():
        scores = cross_validate(
            model,
            X,
            y,
            cv=folds,
            scoring=("accuracy", "neg_log_loss"),
            return_estimator=True,
            error_score="raise",
        )
        accuracy, loss = scores["test_accuracy"].mean(), -scores["test_neg_log_loss"].mean()
        kilobytes = len(pickle.dumps(scores["estimator"][0])) / 1000
        seconds = scores["fit_time"].mean()
        print(f"{label:28}{accuracy:10.4f}{loss:10.4f}{seconds:10.2f}{kilobytes:10.0f}")


def weights(model: Pipeline) -> list[np.ndarray]:
    """Return all weights of all networks of a fitted model."""
    members = getattr(model[-1], "estimators_", [model[-1]])
    return [W for member in members for W in member.coefs_]


def main(argv: list[str] | None = None) -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description="Compare ensembles of networks.")
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--members", type=int, default=5, help="networks (default: 5)")
    parser.add_argument("--epochs", type=int, default=20, help="of each network (default: 20)")
    parser.add_argument(
        "--jobs", type=int, default=1, help="networks to train side by side (default: 1)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the training (default: 0)")
    args = parser.parse_args(argv)

    def build(jobs: int) -> dict[str, Pipeline]:
        models = ensembles(args.members, jobs, args.seed, args.epochs)
        # one scaler for all members
        return {name: make_pipeline(StandardScaler(), model) for name, model in models.items()}

    for name in args.data:
        X, y = DATA[name](return_X_y=True)
        print_table(f"{name}, {len(X)} rows", build(args.jobs), X, y)
    print()
    for label in build(1):
        # one by one, and side by side
        first, second = (weights(build(jobs)[label].fit(X, y)) for jobs in (1, args.jobs))
        if not all(map(np.array_equal, first, second)):
            sys.exit(f"{label}: trained again with the same seed, the networks differ.")
        print(f"{label}: trained again with the same seed, the same to the last bit")
    return 0


if __name__ == "__main__":
    sys.exit(main())
