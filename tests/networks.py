"""Small networks, their data, and comparisons of fitted models."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs, make_multilabel_classification
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPClassifier
from skmlp._training.optimizers import OPTIMIZERS

SOLVERS = ["lbfgs", *OPTIMIZERS]

X, y = make_blobs(90, n_features=4, centers=3, cluster_std=2.0, random_state=1)
X = StandardScaler().fit_transform(X)
X_train, y_train, X_val, y_val = X[:60], y[:60], X[60:], y[60:]
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
X_multi, Y_multi = make_multilabel_classification(60, n_features=5, n_classes=3, random_state=0)
X_multi = StandardScaler().fit_transform(X_multi)
TARGETS = {"binary": (X, y == 0), "multiclass": (X, y), "multilabel": (X_multi, Y_multi)}

DISTURBED = {"noise": 0.3, "dropout": 0.2, "input_noise": 0.1, "input_dropout": 0.1}
REGULARISED = DISTURBED | {
    "adversarial_radius": 0.2,
    "batch_norm": True,
    "averaging": 0.9,
    "label_smoothing": 0.1,
    "max_norm": 1.0,
    "max_grad_norm": 0.1,
    "warmup_epochs": 1.5,
}
# what is published is not what is trained
TRANSFORMED = {
    "batch_norm": {"batch_norm": True},
    "averaging": {"averaging": 0.8},
    "both": {"batch_norm": True, "averaging": 0.8},
}
transformed = pytest.mark.parametrize("params", TRANSFORMED.values(), ids=TRANSFORMED)
# a vanishing rate leaves the parameters
FROZEN = {"solver": "sgd", "learning_rate_init": 1e-300, "max_iter": 1}


def small(**params):
    defaults = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
    return NumpyMLPClassifier(**defaults | params)


def good(**params):
    """Return a classifier that learns the blobs almost perfectly."""
    return small(solver="lbfgs", max_iter=100, alpha=0.01, **params)


def forward(model, inputs):
    """Return the probabilities by the formulas, from the published weights alone."""
    a = inputs
    for W, b in zip(model.coefs_[:-1], model.intercepts_[:-1], strict=True):
        a = np.maximum(a @ W + b, 0)
    z = a @ model.coefs_[-1] + model.intercepts_[-1]
    shares = np.exp(z - z.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def assert_same_model(ours, theirs, rtol=1e-10):
    for a, b in zip(
        [*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def assert_identical_model(ours, theirs):
    for a, b in zip(
        [*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True
    ):
        np.testing.assert_array_equal(a, b)


def assert_computes_in(model, dtype, inputs):
    for array in [*model.coefs_, *model.intercepts_]:
        assert array.dtype == dtype
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        assert getattr(model, method)(inputs).dtype == dtype
