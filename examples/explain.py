"""Look inside a trained network: the features it goes by, and the pixels it looks at.

For a table, the wines that come with scikit-learn, four answers stand side by side: permutation
importance and partial dependence (scikit-learn), SHAP values, and the gradient of the loss by the
input, which backpropagation gives at no more than the cost of two predictions. For images,
scikit-learn's digits, that gradient is drawn as a map::

    python examples/explain.py
    python examples/explain.py --output results

It prints a table and writes two figures. It takes about 20 seconds, most of which SHAP spends on
compiling its code. What needs a package that is missing is left out; all come with
``pip install 'skmlp[plot,shap]'``.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, load_wine
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import Bunch

from skmlp import NumpyMLPClassifier

try:
    # A Figure made without pyplot draws with Agg: it needs no display and opens no window.
    from matplotlib.figure import Figure
except ImportError:
    Figure = None


def train(data: Bunch, scaler: StandardScaler | MinMaxScaler, seed: int) -> tuple[Pipeline, Bunch]:
    """Return a trained pipeline, and the rows it was trained on and those it was not."""
    X_train, X_test, y_train, y_test = train_test_split(
        data.data, data.target, stratify=data.target, random_state=seed
    )
    network = NumpyMLPClassifier((50,), learning_rate_init=0.01, tol=1e-3, random_state=seed)
    model = Pipeline([("scale", scaler), ("network", network)]).fit(X_train, y_train)
    return model, Bunch(X_train=X_train, X_test=X_test, y_train=y_train, y_test=y_test)


def by_permutation(model: Pipeline, rows: Bunch, seed: int) -> np.ndarray:
    """Return by how much the log loss rises if a feature's values are mixed among the rows."""
    result = permutation_importance(
        model, rows.X_test, rows.y_test, scoring="neg_log_loss", n_repeats=20, random_state=seed
    )
    return result.importances_mean


def by_gradient(model: Pipeline, rows: Bunch) -> np.ndarray:
    """Return the mean steepness of the loss, per standard deviation of each feature."""
    scaled = model["scale"].transform(rows.X_test)
    return np.abs(model["network"].input_gradient(scaled, rows.y_test)).mean(axis=0)


def by_partial_dependence(model: Pipeline, rows: Bunch) -> np.ndarray:
    """Return how far each feature alone moves the mean probability of a class, at most."""
    ranges = [
        np.ptp(partial_dependence(model, rows.X_train, [j])["average"], axis=1).max()
        for j in range(rows.X_train.shape[1])
    ]
    return np.array(ranges)


def by_shap(model: Pipeline, rows: Bunch, seed: int) -> np.ndarray:
    """Return the mean size of the SHAP values, which share out a probability among the features."""
    import shap

    n_features = rows.X_test.shape[1]
    background = shap.maskers.Independent(rows.X_train, max_samples=50)
    explainer = shap.PermutationExplainer(model.predict_proba, background, seed=seed)
    explanation = explainer(rows.X_test, max_evals=4 * (2 * n_features + 1), silent=True)
    shared_out = explanation.base_values + explanation.values.sum(axis=1)
    error = np.abs(shared_out - model.predict_proba(rows.X_test)).max()
    print(f"SHAP values and the mean prediction add up to each prediction, to {error:.0e}")
    return np.abs(explanation.values).mean(axis=(0, 2))


def print_table(names: list[str], columns: dict[str, np.ndarray]) -> None:
    """Print a line for each feature, the most important first."""
    print("\n" + " " * 30 + "".join(f"{title:>14}" for title in columns))
    for j in np.argsort(-columns["permutation"]):
        print(f"{names[j]:30}" + "".join(f"{values[j]:14.4f}" for values in columns.values()))
    print()


def plot_dependence(model: Pipeline, rows: Bunch, names: list[str], features: np.ndarray) -> Figure:
    """Draw the mean probability of each class over the values of those features."""
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    panels = figure.subplots(1, len(features), sharey=True)
    for axes, j in zip(panels, features, strict=True):
        result = partial_dependence(model, rows.X_train, [j])
        for label, probability in zip(model.classes_, result["average"], strict=True):
            axes.plot(result["grid_values"][0], probability, label=f"class {label}")
        axes.set(xlabel=names[j], ylim=(0, 1))
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("mean probability")
    panels[0].legend()
    return figure


def plot_saliency(model: Pipeline, rows: Bunch) -> Figure:
    """Draw the first image of each digit, and below it where its loss is steepest."""
    first = [int(np.flatnonzero(rows.y_test == digit)[0]) for digit in range(10)]
    X = rows.X_test[first]
    maps = np.abs(model["network"].input_gradient(model["scale"].transform(X)))
    figure = Figure(figsize=(9, 2.4), layout="constrained")
    panels = figure.subplots(2, len(X))
    for column, x, label, steepness in zip(panels.T, X, model.predict(X), maps, strict=True):
        column[0].imshow(x.reshape(8, 8), cmap="gray_r")
        column[0].set_title(f"{label}")
        column[1].imshow(steepness.reshape(8, 8), cmap="magma")
        for axes in column:
            axes.set(xticks=[], yticks=[])
    panels[0, 0].set_ylabel("image")
    panels[1, 0].set_ylabel("gradient")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(
        description="Show by which features, and by which pixels, a network decides."
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=".", help="folder to write to (default: here)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of all that is random (default: 0)")
    args = parser.parse_args(argv)
    args.output.mkdir(parents=True, exist_ok=True)

    wine = load_wine()
    model, rows = train(wine, StandardScaler(), args.seed)
    print(f"Wines: test accuracy: {model.score(rows.X_test, rows.y_test):.4f}")
    columns = {
        "permutation": by_permutation(model, rows, args.seed),
        "dependence": by_partial_dependence(model, rows),
        "gradient": by_gradient(model, rows),
    }
    try:
        columns["SHAP"] = by_shap(model, rows, args.seed)
    except ImportError:
        print("SHAP is not installed and left out: pip install 'skmlp[shap]'")
    print_table(wine.feature_names, columns)

    digits_model, digits_rows = train(load_digits(), MinMaxScaler(), args.seed)
    accuracy = digits_model.score(digits_rows.X_test, digits_rows.y_test)
    print(f"Digits: test accuracy: {accuracy:.4f}")
    if Figure is None:
        print("matplotlib is not installed, figures are left out: pip install 'skmlp[plot]'")
        return 0
    most_important = np.argsort(-columns["permutation"])[:4]
    figures = {
        "partial_dependence.png": plot_dependence(model, rows, wine.feature_names, most_important),
        "saliency.png": plot_saliency(digits_model, digits_rows),
    }
    for name, figure in figures.items():
        figure.savefig(args.output / name, dpi=150)
        print(f"Saved {args.output / name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
