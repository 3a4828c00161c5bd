"""Fitted networks of every kind of labels, and what their exports must agree with."""

import functools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmlp import NumpyMLPClassifier

MIXED = ("gelu", "tanh")
# a dozen roundings in float32; in float64 the polynomial of gelu has the largest error
CLOSE = {"float32": {"rtol": 0, "atol": 1e-6}, "float64": {"rtol": 0, "atol": 1e-11}}

RNG = np.random.RandomState(0)
X = RNG.normal(size=(150, 6))
NUMBERS = np.digitize(X[:, 0] + X[:, 1], [-1, 0, 1])
LABELS = {
    "binary": NUMBERS % 2,
    "booleans": NUMBERS > 1,
    "two strings": np.where(NUMBERS > 1, "yes", "no"),
    "multiclass": 10 * NUMBERS - 7,
    "floats": NUMBERS.astype(float),
    "strings": np.array(["a", "bb", "ccc", "é"])[NUMBERS],
    "objects": np.array(["a", "bb", "ccc", "é"], dtype=object)[NUMBERS],
    "multilabel": (X[:, :3] > 0.3).astype(int),
}

every_kind = pytest.mark.parametrize("kind", LABELS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@functools.cache
def fitted(kind="multiclass", activation="relu", dtype="float64", hidden=(9, 5), **params):
    defaults = {"max_iter": 10, "learning_rate_init": 0.03, "random_state": 0}
    model = NumpyMLPClassifier(hidden, activation, dtype=dtype, **{**defaults, **params})
    return model.fit(X, LABELS[kind])


@functools.cache
def trained_on(**params):
    """A model that carries all that training needs to go on."""
    model = NumpyMLPClassifier((9, 5), max_iter=3, **{"random_state": 0, **params})
    return model.fit(X, NUMBERS).partial_fit(X, NUMBERS)


def rows(dtype, spread=2):
    return (spread * np.random.RandomState(1).normal(size=(400, 6))).astype(dtype)


def assert_same_predictions(exported, model, dtype):
    R = rows(dtype)
    assert_array_equal(exported.predict(R), model.predict(R), strict=True)
    assert_allclose(exported.predict_proba(R), model.predict_proba(R), **CLOSE[dtype])


def run(proto, X, outputs=("label", "probabilities")):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(outputs, {"X": X})


def assert_onnx_agrees(proto, model, X, dtype):
    label, proba = run(proto, X)
    assert_array_equal(label, model.predict(X))
    assert proba.dtype == dtype
    assert_allclose(proba, model.predict_proba(X), **CLOSE[dtype])
