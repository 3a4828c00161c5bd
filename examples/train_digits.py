"""Train a network on handwritten digits: split, scale, train, test, save, load.

Without arguments it needs neither network nor files and takes a few seconds: it trains on the 1,797
digits of 8 x 8 pixels that come with scikit-learn. With ``--mnist`` it does the same on the 70,000
digits of 28 x 28 pixels of MNIST::

    python examples/train_digits.py
    python examples/train_digits.py --mnist ~/data/mnist --output results
    python examples/train_digits.py --mnist openml

It prints the test accuracy and a confusion matrix, and writes three files: the model, the learning
curves, and the confusion matrix as a figure. On MNIST the accuracy is 0.98; on the small digits,
where the test set has only 360 images, it is 0.96 to 0.98, depending on ``--seed``.
"""

import argparse
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import sklearn
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils import Bunch

from skmlp import NumpyMLPClassifier
from skmlp.datasets import load_mnist

try:
    # A Figure made without pyplot draws with Agg: it needs no display and opens no window.
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator
except ImportError:
    sys.exit("This script draws figures and needs matplotlib: pip install 'skmlp[plot]'")

SETTINGS = {
    # Few rows: small batches make more steps of them, and noisy scores need more patience.
    "digits": {
        "hidden_layer_sizes": (100,),
        "batch_size": 32,
        "learning_rate_init": 0.003,
        "n_iter_no_change": 20,
    },
    "mnist": {"hidden_layer_sizes": (200,), "batch_size": 200, "n_iter_no_change": 3},
}


def split_digits(seed: int) -> Bunch:
    """Split scikit-learn's digits into 60 % training, 20 % validation and 20 % test rows."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=seed)
    X_train, X_val, y_train, y_val = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=seed
    )
    return Bunch(
        X_train=X_train, y_train=y_train, X_val=X_val, y_val=y_val, X_test=X_test, y_test=y_test
    )


def build_model(name: str, seed: int) -> Pipeline:
    """Return the untrained pipeline, whose scaler also scales the validation rows."""
    network = NumpyMLPClassifier(early_stopping=True, random_state=seed, **SETTINGS[name])
    return Pipeline(
        [
            # Some pixels are black in nearly all training rows: a brighter one is clipped to 1.
            ("scale", MinMaxScaler(clip=True)),
            ("network", network.set_fit_request(X_val=True, y_val=True)),
        ],
        transform_input=["X_val"],
    )


def print_confusion(matrix: np.ndarray) -> None:
    """Print a row for each true digit, with a dot for zero."""
    print("\nConfusion matrix (row: true digit, column: predicted digit)")
    print("      " + "".join(f"{digit:6d}" for digit in range(len(matrix))))
    for digit, row in enumerate(matrix):
        print(f"{digit:6d}" + "".join(f"{count or '.':>6}" for count in row))


def plot_curves(network: NumpyMLPClassifier) -> Figure:
    """Draw the loss of both sets and the validation accuracy over the epochs."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    epochs = np.arange(1, network.n_iter_ + 1)
    loss.plot(epochs, network.loss_curve_, label="training")
    loss.plot(epochs, network.validation_loss_curve_, label="validation")
    loss.set(title="Loss", ylabel="cross-entropy", yscale="log")
    accuracy.plot(epochs, network.validation_scores_, color="C1", label="validation")
    best = np.argmax(network.validation_scores_)
    accuracy.plot(epochs[best], network.best_validation_score_, "o", color="C3", label="model kept")
    accuracy.set(title="Accuracy", ylabel="fraction of digits recognised")
    for axes in (loss, accuracy):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def plot_confusion(matrix: np.ndarray, test_accuracy: float) -> Figure:
    """Draw the confusion matrix."""
    figure = Figure(figsize=(5.5, 5.5), layout="constrained")
    axes = figure.subplots()
    ConfusionMatrixDisplay(matrix).plot(
        ax=axes, cmap="Blues", colorbar=False, text_kw={"fontsize": 9}
    )
    axes.set(
        title=f"Test accuracy {test_accuracy:.4f}", xlabel="predicted digit", ylabel="true digit"
    )
    return figure


def main(argv: list[str] | None = None) -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(
        description="Train a network on handwritten digits and save it with its figures."
    )
    parser.add_argument(
        "--mnist",
        metavar="PATH",
        help="train on MNIST: a folder of IDX files, mnist.pkl.gz, .npz, or openml to download it "
        "(default: scikit-learn's small digits)",
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=".", help="folder to write to (default: here)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of split and training (default: 0)")
    args = parser.parse_args(argv)
    args.output.mkdir(parents=True, exist_ok=True)

    name = "digits" if args.mnist is None else "mnist"
    try:
        data = (
            split_digits(args.seed)
            if args.mnist is None
            else load_mnist(None if args.mnist == "openml" else args.mnist)
        )
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(
        f"{name}: {len(data.X_train)} training, {len(data.X_val)} validation and "
        f"{len(data.X_test)} test images of {data.X_train.shape[1]} pixels"
    )

    # Routing hands X_val and y_val through the pipeline.
    with sklearn.config_context(enable_metadata_routing=True):
        model = build_model(name, args.seed)
        start = time.perf_counter()
        model.fit(data.X_train, data.y_train, X_val=data.X_val, y_val=data.y_val)
        seconds = time.perf_counter() - start
    network = model["network"]
    best_epoch = int(np.argmax(network.validation_scores_)) + 1
    print(
        f"{network.n_iter_} epochs in {seconds:.1f} s, validation accuracy "
        f"{network.best_validation_score_:.4f} after epoch {best_epoch}, which is kept"
    )

    y_pred = model.predict(data.X_test)
    test_accuracy = accuracy_score(data.y_test, y_pred)
    matrix = confusion_matrix(data.y_test, y_pred)
    print(f"Test accuracy: {test_accuracy:.4f}")
    print_confusion(matrix)

    model_file = args.output / f"{name}_model.joblib"
    joblib.dump(model, model_file)
    loaded = joblib.load(model_file)
    if not np.array_equal(loaded.predict_proba(data.X_test), model.predict_proba(data.X_test)):
        sys.exit(f"The model loaded from {model_file} predicts other probabilities.")
    print(f"\nSaved {model_file} (loaded again, it predicts the same to the last bit)")

    figures = {
        args.output / f"{name}_curves.png": plot_curves(network),
        args.output / f"{name}_confusion.png": plot_confusion(matrix, test_accuracy),
    }
    for figure_file, figure in figures.items():
        figure.savefig(figure_file, dpi=150)
        print(f"Saved {figure_file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
