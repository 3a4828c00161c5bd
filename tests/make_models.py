"""Write the small saved models in tests/models, which later versions must load.

Run it once for each release, with the oldest and the newest scikit-learn that the release supports,
in environments where skmlp is installed (or on PYTHONPATH), with the number of the release:

    python tests/make_models.py 0.2.0

Files that are there already stay: they are what users have.
"""

import inspect
import json
import sys
import warnings
import zipfile
from pathlib import Path

import joblib
import numpy as np
import sklearn

import skmlp
from skmlp import NumpyMLPClassifier

MODELS = Path(__file__).parent / "models"
ROWS = np.random.RandomState(0).normal(size=(24, 3)).round(3)
NUMBERS = np.arange(24) % 3
LABELS = {
    "binary": NUMBERS > 0,
    "strings": np.array(["ash", "beech", "oak"])[NUMBERS],
    "multilabel": (ROWS > 0).astype(int),
}
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


def fitted(kind, params, n_partial_fits):
    model = NumpyMLPClassifier((4,), batch_size=8, max_iter=20, random_state=0, **params)
    model.fit(ROWS, LABELS[kind])
    for _ in range(n_partial_fits):
        model.partial_fit(ROWS, LABELS[kind])
    return model


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


def main(release):
    folder = MODELS / release / f"sklearn-{sklearn.__version__}"
    folder.mkdir(parents=True)
    known = inspect.signature(NumpyMLPClassifier).parameters.keys()
    stored = {
        "skmlp": skmlp.__version__,
        "sklearn": sklearn.__version__,
        "numpy": np.__version__,
        "models": {},
    }
    for name, (kind, params, n_partial_fits) in CASES.items():
        if not params.keys() <= known:  # of a release before those parameters
            continue
        model = fitted(kind, params, n_partial_fits)
        joblib.dump(model, folder / f"{name}.joblib", compress=9)
        if release > "0.1.0":  # which had no skops files of plain types
            import skops.io

            skops.io.dump(
                model, folder / f"{name}.skops", compression=zipfile.ZIP_DEFLATED, compresslevel=9
            )
        stored["models"][name] = expected(model, kind)
    (folder / "expected.json").write_text(json.dumps(stored, indent=0) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1])
