"""Ship a trained network: to scikit-learn alone, to ONNX, and to a file that is safe to load.

A pipeline of scaler and network learns the digits that come with scikit-learn. Then it is saved in
every form there is, loaded again, and compared with the original::

    python examples/export_model.py
    python examples/export_model.py --output results

For each form it prints the size of the file, the largest difference in the probabilities of the
test rows, and how many labels differ. Forms whose packages are missing are left out; all come with
``pip install 'skmlp[onnx]' onnxruntime skops``.
"""

import argparse
import copy
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import skmlp
from skmlp import NumpyMLPClassifier

Predictions = tuple[np.ndarray, np.ndarray]


def train(X: np.ndarray, y: np.ndarray, seed: int) -> Pipeline:
    """Return a trained pipeline."""
    network = NumpyMLPClassifier(
        (64, 32),
        batch_norm=True,
        batch_size=32,
        learning_rate="one_cycle",
        learning_rate_init=0.01,
        max_iter=15,
        random_state=seed,
    )
    return make_pipeline(StandardScaler(), network).fit(X, y)


def predict(model: Pipeline, X: np.ndarray) -> Predictions:
    """Return labels and probabilities."""
    return model.predict(X), model.predict_proba(X)


def predict_onnx(file: Path, X: np.ndarray) -> Predictions:
    """Return labels and probabilities that the ONNX file gives."""
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    labels, proba = session.run(["label", "probabilities"], {"X": X})
    return labels, proba


def with_joblib(model: Pipeline, file: Path, X: np.ndarray) -> Predictions:
    """For oneself: fast, and weights are not read into memory before they are needed."""
    joblib.dump(model, file)
    return predict(joblib.load(file, mmap_mode="r"), X)


def with_skops(model: Pipeline, file: Path, X: np.ndarray) -> Predictions:
    """For others: loading runs no code from the file."""
    import skops.io

    skops.io.dump(model, file)
    trusted = ["skmlp._classifier.NumpyMLPClassifier"]
    return predict(skops.io.load(file, trusted=trusted), X)


def to_sklearn(model: Pipeline, file: Path, X: np.ndarray) -> Predictions:
    """For a place without skmlp: a pipeline with scikit-learn's own MLPClassifier."""
    exported = copy.copy(model).set_params(numpymlpclassifier=model[-1].to_sklearn())
    joblib.dump(exported, file)
    return predict(joblib.load(file), X)


def to_onnx(model: Pipeline, file: Path, X: np.ndarray) -> Predictions:
    """For a place without Python: the network alone, for rows that are scaled already."""
    model[-1].to_onnx(file)
    return predict_onnx(file, model[0].transform(X))


def to_onnx_as_a_whole(model: Pipeline, file: Path, X: np.ndarray) -> Predictions:
    """For a place without Python: scaler and network."""
    skmlp.register_skl2onnx()
    import skl2onnx

    converted = skl2onnx.to_onnx(model, X[:1], options={"zipmap": False})
    file.write_bytes(converted.SerializeToString())
    return predict_onnx(file, X)


FORMS: dict[str, Callable[[Pipeline, Path, np.ndarray], Predictions]] = {
    "model.joblib": with_joblib,
    "model.skops": with_skops,
    "sklearn_model.joblib": to_sklearn,
    "network.onnx": to_onnx,
    "pipeline.onnx": to_onnx_as_a_whole,
}


def main(argv: list[str] | None = None) -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description="Save a network in every form there is.")
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=".", help="folder to write to (default: here)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of split and training (default: 0)")
    args = parser.parse_args(argv)
    args.output.mkdir(parents=True, exist_ok=True)

    X_train, X_test, y_train, y_test = train_test_split(
        *load_digits(return_X_y=True), random_state=args.seed
    )
    model = train(X_train, y_train, args.seed)
    labels, proba = predict(model, X_test)
    print(f"Test accuracy: {np.mean(labels == y_test):.4f}\n")
    print(f"{'file':22}{'KB':>8}{'largest difference':>22}{'other labels':>16}")
    for name, form in FORMS.items():
        file = args.output / name
        try:
            other_labels, other_proba = form(model, file, X_test)
        except ImportError as missing:
            file.unlink(missing_ok=True)
            print(f"{name:22}left out: {missing}")
            continue
        difference = np.abs(other_proba - proba).max()
        n_other = np.sum(other_labels != labels)
        print(f"{name:22}{file.stat().st_size / 1000:8.1f}{difference:22.1e}{n_other:16}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
