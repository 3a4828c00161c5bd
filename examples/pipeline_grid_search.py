"""Search the parameters of a network inside a pipeline, with two processes, and save the best.

The data are the 1,797 digits of 8 x 8 pixels that come with scikit-learn; each candidate is judged
by cross-validation, and the best one, trained anew on all of it, by a test set held back::

    python examples/pipeline_grid_search.py
    python examples/pipeline_grid_search.py --output results

It prints a table of the candidates and the test accuracy of the best, and writes two files: the
best pipeline and a figure of the search.
"""

import argparse
import sys
import time
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPClassifier

try:
    # A Figure made without pyplot draws with Agg: it needs no display and opens no window.
    from matplotlib.figure import Figure
except ImportError:
    sys.exit("This script draws figures and needs matplotlib: pip install 'skmlp[plot]'")

SIZES = [(20,), (100,), (50, 50)]
ALPHAS = [0.01, 0.1, 1.0]
RATES = [1e-3, 1e-2]


def build_search(seed: int) -> GridSearchCV:
    """Return the search that is yet to be run."""
    network = NumpyMLPClassifier(batch_size=50, tol=1e-3, random_state=seed)
    return GridSearchCV(
        Pipeline([("scale", StandardScaler()), ("network", network)]),
        {
            "network__hidden_layer_sizes": SIZES,
            "network__alpha": ALPHAS,
            "network__learning_rate_init": RATES,
        },
        cv=3,
        n_jobs=2,
    )


def print_table(results: dict[str, np.ndarray]) -> None:
    """Print a line for each candidate, the best first."""
    print("\nrank  accuracy           hidden layers    alpha  learning rate")
    for i in np.argsort(results["rank_test_score"], kind="stable"):
        sizes, alpha, rate = (
            results[f"param_network__{name}"][i]
            for name in ("hidden_layer_sizes", "alpha", "learning_rate_init")
        )
        print(
            f"{results['rank_test_score'][i]:4d}  "
            f"{results['mean_test_score'][i]:.4f} +/- {results['std_test_score'][i]:.4f}  "
            f"{sizes!s:>13}  {alpha:7g}  {rate:13g}"
        )


def plot_search(results: dict[str, np.ndarray]) -> Figure:
    """Draw accuracy over alpha: a panel for each learning rate, a line for each network."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    panels = figure.subplots(1, len(RATES), sharey=True)
    settings = results["params"]
    for axes, rate in zip(panels, RATES, strict=True):
        for k, sizes in enumerate(SIZES):
            chosen = [
                setting["network__hidden_layer_sizes"] == sizes
                and setting["network__learning_rate_init"] == rate
                for setting in settings
            ]
            axes.errorbar(
                # A shift to the side keeps the bars of the networks apart.
                np.multiply(ALPHAS, 1.15 ** (k - 1)),
                results["mean_test_score"][chosen],
                results["std_test_score"][chosen],
                marker="o",
                capsize=3,
                label=f"hidden layers {sizes}",
            )
        axes.set(title=f"Learning rate {rate:g}", xlabel="penalty alpha", xscale="log")
        axes.set_xticks(ALPHAS, [f"{alpha:g}" for alpha in ALPHAS])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("accuracy (mean and deviation of the folds)")
    panels[0].legend()
    return figure


def main(argv: list[str] | None = None) -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(
        description="Search a network's parameters in a pipeline and save the best one."
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=".", help="folder to write to (default: here)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of split and training (default: 0)")
    args = parser.parse_args(argv)
    args.output.mkdir(parents=True, exist_ok=True)

    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=args.seed
    )
    search = build_search(args.seed)
    start = time.perf_counter()
    search.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    results = search.cv_results_
    print(f"{len(results['params'])} candidates, {search.n_splits_} folds each: {seconds:.1f} s")
    print_table(results)
    print(f"\nTest accuracy of the best: {search.score(X_test, y_test):.4f}")

    model = search.best_estimator_
    model_file = args.output / "grid_search_model.joblib"
    joblib.dump(model, model_file)
    loaded = joblib.load(model_file)
    if not np.array_equal(loaded.predict_proba(X_test), model.predict_proba(X_test)):
        sys.exit(f"The model loaded from {model_file} predicts other probabilities.")
    print(f"Saved {model_file} (loaded again, it predicts the same to the last bit)")

    figure_file = args.output / "grid_search.png"
    plot_search(results).savefig(figure_file, dpi=150)
    print(f"Saved {figure_file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
