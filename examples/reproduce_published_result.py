"""Reproduce a published result on MNIST: a test accuracy of 0.9179 after 20 epochs.

The network has 784 inputs, 100 logistic hidden units and 10 softmax outputs. Weights and biases
start from N(0, 0.01^2). It is trained on the first 50,000 training images by stochastic gradient
descent, without momentum and without penalty, at learning rate 0.01 in batches of 32; the other
10,000 training images validate. The data are downloaded from OpenML, or read from files::

    python examples/reproduce_published_result.py
    python examples/reproduce_published_result.py --mnist ~/data/mnist --seed 1 --output results

It prints the test accuracy beside the published one and writes the learning curves.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

from sklearn.exceptions import ConvergenceWarning

from skmlp import NumpyMLPClassifier
from skmlp.datasets import load_mnist

try:
    # A Figure made without pyplot draws with Agg: it needs no display and opens no window.
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator
except ImportError:
    sys.exit("This script draws figures and needs matplotlib: pip install 'skmlp[plot]'")

PUBLISHED_ACCURACY = 0.9179
N_EPOCHS = 20


def build_model(seed: int) -> NumpyMLPClassifier:
    """Return the untrained network."""
    return NumpyMLPClassifier(
        hidden_layer_sizes=(100,),
        activation="logistic",
        solver="sgd",
        alpha=0,
        batch_size=32,
        learning_rate_init=0.01,
        momentum=0,
        weight_init=0.01,
        max_iter=N_EPOCHS,
        # With patience for all epochs, training never stops early.
        tol=0,
        n_iter_no_change=N_EPOCHS,
        random_state=seed,
    )


def plot_curves(model: NumpyMLPClassifier, test_accuracy: float) -> Figure:
    """Draw the loss of both sets and the validation accuracy over the epochs."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    epochs = range(1, model.n_iter_ + 1)
    loss.plot(epochs, model.loss_curve_, label="training")
    loss.plot(epochs, model.validation_loss_curve_, label="validation")
    loss.set(title="Loss", ylabel="cross-entropy")
    accuracy.plot(epochs, model.validation_scores_, color="C1", label="validation")
    accuracy.plot(epochs[-1], test_accuracy, "o", color="C3", label=f"test, {test_accuracy:.4f}")
    accuracy.axhline(
        PUBLISHED_ACCURACY,
        color="0.5",
        linestyle="--",
        label=f"published test, {PUBLISHED_ACCURACY}",
    )
    accuracy.set(title="Accuracy", ylabel="fraction of digits recognised")
    for axes in (loss, accuracy):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def main(argv: list[str] | None = None) -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(
        description="Train the published 784-100-10 network on MNIST and draw its learning curves."
    )
    parser.add_argument(
        "--mnist",
        metavar="PATH",
        default="openml",
        help="a folder of IDX files, mnist.pkl.gz, .npz, or openml to download it "
        "(default: openml)",
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=".", help="folder to write to (default: here)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the training (default: 0)")
    args = parser.parse_args(argv)
    args.output.mkdir(parents=True, exist_ok=True)

    try:
        mnist = load_mnist(None if args.mnist == "openml" else args.mnist)
    except (OSError, ValueError) as error:
        parser.error(str(error))

    model = build_model(args.seed)
    start = time.perf_counter()
    with warnings.catch_warnings():
        # The published training ends after 20 epochs, converged or not.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(mnist.X_train, mnist.y_train, X_val=mnist.X_val, y_val=mnist.y_val)
    seconds = time.perf_counter() - start
    test_accuracy = model.score(mnist.X_test, mnist.y_test)
    print(f"{model.n_iter_} epochs in {seconds:.1f} s")
    print(f"Validation accuracy: {model.validation_scores_[-1]:.4f}")
    print(f"Test accuracy: {test_accuracy:.4f} (published: {PUBLISHED_ACCURACY})")

    figure_file = args.output / "published_result.png"
    plot_curves(model, test_accuracy).savefig(figure_file, dpi=150)
    print(f"Saved {figure_file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
