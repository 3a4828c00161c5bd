"""Write the small saved models in tests/models, which later versions must load.

Run it once for each release, with the oldest and the newest scikit-learn that the release supports,
in environments where skmlp is installed (or on PYTHONPATH), with the number of the release:

    python tests/make_models.py 0.2.0

Files that are there already stay: they are what users have.
"""

import json
import sys
import warnings
import zipfile
from pathlib import Path

import joblib
import numpy as np
import sklearn

import skmlp
from skmlp import (
    FoldEnsembleClassifier,
    HiddenLayerTransformer,
    NumpyMLPClassifier,
    make_tabular_classifier,
)

MODELS = Path(__file__).parent / "models"
ROWS = np.random.RandomState(0).normal(size=(24, 3)).round(3)
NUMBERS = np.arange(24) % 3
LABELS = {
    "binary": NUMBERS > 0,
    "strings": np.array(["ash", "beech", "oak"])[NUMBERS],
    "multilabel": (ROWS > 0).astype(int),
}
# text, two numbers, numbers with a gap, numbers
TABLE = np.column_stack(
    [
        np.array(["north", "south"], dtype=object)[NUMBERS % 2],
        NUMBERS > 1,
        np.where(np.arange(24) == 5, np.nan, ROWS[:, 0]),
        ROWS[:, 1],
    ]
)
# the kind of labels, the parameters, and how often partial_fit follows fit
CASES = {
    "binary": ("binary", {}, 0),
    "strings": ("strings", {}, 0),
    "multilabel": ("multilabel", {}, 0),
    "lbfgs": ("strings", {"solver": "lbfgs"}, 0),
    "float32": ("strings", {"dtype": "float32"}, 0),
    "partial_fit": ("strings", {"learning_rate_init": 0.02}, 2),
    "momentum": ("binary", {"solver": "sgd", "learning_rate": "invscaling"}, 2),
    "warm_start": ("strings", {"warm_start": True, "early_stopping": True}, 0),
    "batch_norm": ("strings", {"batch_norm": True, "activation": "silu"}, 0),
    "averaging": ("multilabel", {"averaging": 0.9, "solver": "adamw"}, 2),
    "disturbed": ("strings", {"dropout": 0.2, "noise": 0.1, "learning_rate": "one_cycle"}, 1),
}
# what holds networks: how it is made, and the rows that it is fitted to
CONTAINERS = {
    "ensemble": (lambda: FoldEnsembleClassifier(stopped(), 2, random_state=0), ROWS),
    "transformer": (lambda: HiddenLayerTransformer(network()), ROWS),
    "table": (
        lambda: make_tabular_classifier(
            0, n_members=2, hidden_layer_sizes=(4,), max_iter=5, dtype="float64"
        ),
        TABLE,
    ),
}


def network(**params):
    return NumpyMLPClassifier((4,), **{"batch_size": 8, "max_iter": 20, "random_state": 0} | params)


def stopped():
    return network(early_stopping=True, scoring="loss")


def small(**params):
    """Return a network after three epochs on the strings."""
    return network(max_iter=3, **params).fit(ROWS, LABELS["strings"])


def fitted(kind, params, n_partial_fits):
    model = network(**params).fit(ROWS, LABELS[kind])
    for _ in range(n_partial_fits):
        model.partial_fit(ROWS, LABELS[kind])
    return model


def output_of(model, rows):
    """Return the probabilities of a classifier, or the features of a transformer."""
    return (model.transform if hasattr(model, "transform") else model.predict_proba)(rows)


def expected(model, kind):
    """Return what the model predicts, and what it will after another call of partial_fit."""
    now = {
        "predict": model.predict(ROWS).tolist(),
        "predict_proba": model.predict_proba(ROWS).tolist(),
    }
    if model.solver != "lbfgs":
        model.partial_fit(ROWS, LABELS[kind])
        now["trained_on"] = model.predict_proba(ROWS).tolist()
    return now


def save(model, folder, name):
    import skops.io  # an optional package

    joblib.dump(model, folder / f"{name}.joblib", compress=9)
    path = folder / f"{name}.skops"
    skops.io.dump(model, path, compression=zipfile.ZIP_DEFLATED, compresslevel=9)


def main(release):
    if release not in ("unreleased", skmlp.__version__):
        raise SystemExit(f"skmlp is {skmlp.__version__}; give that, or unreleased: {release!r}")
    folder = MODELS / release / f"sklearn-{sklearn.__version__}"
    folder.mkdir(parents=True)
    stored = {
        "skmlp": skmlp.__version__,
        "sklearn": sklearn.__version__,
        "numpy": np.__version__,
        "models": {},
        "containers": {},
    }
    for name, (kind, params, n_partial_fits) in CASES.items():
        model = fitted(kind, params, n_partial_fits)
        save(model, folder, name)
        stored["models"][name] = expected(model, kind)
    for name, (make, rows) in CONTAINERS.items():
        model = make().fit(rows, LABELS["strings"])
        save(model, folder, name)
        stored["containers"][name] = np.asarray(output_of(model, rows)).tolist()
    (folder / "expected.json").write_text(json.dumps(stored, indent=0) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1])
