"""NumpyMLPClassifier as its users see it: labels, predictions, classes."""

import numpy as np
import pandas as pd
import pytest
from networks import TARGETS, X, X_multi, Y_multi, assert_identical_model, good, small, y
from scipy import sparse
from sklearn.exceptions import DataConversionWarning
from sklearn.neural_network import MLPClassifier

from skmlp._training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- Labels -----------------------------------------------------------------------------------

LABELS = {
    "strings": ["b", "a", "c"],
    "object strings": np.array(["long name", "b", "c"], dtype=object),
    "bools": [True, False],
    "negative and gapped integers": [-7, 1000, 3],
    "small integers": np.array([3, 1, 2], dtype=np.int8),
    "unsigned": np.array([200, 0, 7], dtype=np.uint8),
    "whole floats": [2.0, -1.0, 0.0],
    "minus and plus one": [1, -1],
    "letters beyond ASCII": np.array(["ä", "ß"]),
}


@pytest.mark.parametrize("kinds", LABELS.values(), ids=LABELS)
def test_labels_of_any_kind_come_back_in_kind_and_dtype(kinds):
    kinds = np.asarray(kinds)
    labels = kinds[y % len(kinds)]
    model = good().fit(X, labels)
    predicted = model.predict(X)
    theirs = MLPClassifier((6,), max_iter=1).fit(X, labels)
    assert model.classes_.tolist() == sorted(kinds.tolist())
    assert model.classes_.dtype == theirs.classes_.dtype == predicted.dtype
    assert predicted.dtype.kind == labels.dtype.kind or labels.dtype == object
    assert predicted.shape == (90,)
    assert np.mean(predicted == labels) > 0.7
    assert model.score(X, labels) == np.mean(predicted == labels)


@pytest.mark.parametrize(
    "convert",
    [
        list,
        tuple,
        lambda labels: pd.Series(labels, index=range(90, 0, -1)),
        lambda labels: pd.Series(labels, dtype="string"),
        lambda labels: pd.Series(labels, dtype="category"),
        lambda labels: pd.Series(labels, dtype="category").values,
        lambda labels: pd.DataFrame({"label": labels})["label"],
    ],
    ids=["list", "tuple", "Series", "string Series", "Categorical Series", "Categorical", "column"],
)
def test_labels_in_any_container_train_the_same_model(convert):
    labels = np.array(["x", "z", "y"])[y]
    model, expected = small().fit(X, convert(labels)), small().fit(X, labels)
    assert_identical_model(model, expected)
    assert model.classes_.tolist() == ["x", "y", "z"]
    assert model.predict(X).tolist() == expected.predict(X).tolist()


def test_a_column_of_labels_warns_and_is_taken_as_1d():
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        model = small().fit(X, y[:, np.newaxis])
    assert_identical_model(model, small().fit(X, y))
    assert model.predict(X).shape == (90,)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "convert",
    [
        np.asarray,
        lambda Y: Y.astype(bool),
        lambda Y: Y.tolist(),
        lambda Y: Y.astype(float),
        pd.DataFrame,
        sparse.csr_matrix,
        sparse.csc_matrix,
        sparse.lil_matrix,
        sparse.csr_array,
    ],
    ids=["int", "bool", "lists", "float", "frame", "csr", "csc", "lil", "csr_array"],
)
def test_multilabel_indicators_in_any_container_train_the_same_model(convert, method):
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    model = getattr(small(), method)(X_multi, convert(Y_multi), **arguments)
    assert_identical_model(model, getattr(small(), method)(X_multi, Y_multi, **arguments))
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.out_activation_ == "logistic"


@pytest.mark.parametrize("convert", [np.asarray, lambda Y: Y.astype(bool), sparse.csr_matrix])
def test_multilabel_predictions_are_of_the_kind_mlpclassifier_gives(convert):
    Y = convert(Y_multi)
    ours = small().fit(X_multi, Y).predict(X_multi)
    theirs = MLPClassifier((6,), max_iter=5, random_state=0).fit(X_multi, Y).predict(X_multi)
    assert type(ours) is type(theirs)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape == Y_multi.shape


# --- Predictions ------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "data"), TARGETS.items(), ids=TARGETS)
def test_predictions_agree_with_each_other(kind, data):
    model = small().fit(*data)
    n, k = len(data[0]), len(model.classes_)
    z, proba = model.logits(data[0]), model.predict_proba(data[0])
    labels = model.predict(data[0])
    assert z.shape == ((n,) if kind == "binary" else (n, k))
    assert proba.shape == (n, k)
    assert ((proba > 0) & (proba < 1)).all()
    np.testing.assert_allclose(np.exp(model.predict_log_proba(data[0])), proba, rtol=1e-10)
    if kind == "multilabel":
        np.testing.assert_allclose(proba, 1 / (1 + np.exp(-z)))
        np.testing.assert_array_equal(labels, z > 0)
        return
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_array_equal(labels, model.classes_[proba.argmax(axis=1)])
    if kind == "binary":
        np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-z)))
        np.testing.assert_array_equal(labels == model.classes_[1], z > 0)
    else:
        shares = np.exp(z)
        np.testing.assert_allclose(proba, shares / shares.sum(axis=1, keepdims=True))


def test_log_probabilities_of_the_most_confident_rows_are_finite():
    model = good().fit(X, y == 0)
    far = X * 1e6
    log_proba = model.predict_log_proba(far)
    assert np.isfinite(log_proba).all()
    assert log_proba.min() < np.log(np.finfo(float).tiny)


# --- Classes that come in parts ---------------------------------------------------------------


def test_partial_fit_learns_from_batches_that_lack_classes():
    model = small(learning_rate_init=0.02)
    for _ in range(60):
        for label in (0, 1, 2):
            model.partial_fit(X[y == label], y[y == label], classes=[2, 0, 1])
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.score(X, y) > 0.8


def test_partial_fit_is_absent_without_a_stochastic_solver():
    model = small(solver="lbfgs")
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        model.partial_fit(X, y, classes=[0, 1, 2])
    for solver in OPTIMIZERS:
        assert hasattr(model.set_params(solver=solver), "partial_fit")
