import warnings

import numpy as np
import pytest
from gradients import assert_same_gradient, central_differences
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss

from skmlp import NumpyMLPClassifier
from skmlp._engine.activations import ACTIVATIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = ["binary", "multiclass", "multilabel"]


def some_data(kind="multiclass", dtype="float64"):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(30, 4)).astype(dtype)
    y = {
        "binary": np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)],
        "multiclass": X[:, :3].argmax(axis=1),
        "multilabel": (X[:, :3] > 0).astype(int),
    }
    return X, y[kind]


def fitted(X, y, hidden=(6, 5), **parameters):
    return NumpyMLPClassifier(hidden, max_iter=5, random_state=0, **parameters).fit(X, y)


def loss_of_row(model, x, label):
    if model._targets.multilabel:
        p = model.predict_proba(x[np.newaxis])[0]
        return -np.log(np.where(label, p, 1 - p)).sum()
    return log_loss([label], model.predict_proba(x[np.newaxis]), labels=model.classes_)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_input_gradient_is_the_derivative_of_each_rows_loss(kind, activation):
    X, y = some_data(kind)
    model = fitted(X, y, activation=activation)
    expected = []
    for i in range(8):
        x = X[i].copy()
        expected.append(central_differences(lambda x=x, i=i: loss_of_row(model, x, y[i]), x))
    assert_same_gradient(model.input_gradient(X, y)[:8].ravel(), np.ravel(expected), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_without_labels_it_is_that_of_the_predicted_ones(kind):
    X, y = some_data(kind)
    model = fitted(X, y)
    np.testing.assert_array_equal(
        model.input_gradient(X), model.input_gradient(X, model.predict(X))
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_neither_chunks_nor_sparse_rows_nor_lists_change_the_gradient(dtype, monkeypatch):
    X, y = some_data(dtype=dtype)
    model = fitted(X, y, batch_norm=True)
    expected = model.input_gradient(X, y)
    assert expected.dtype == dtype
    tolerance = {"rtol": 1e-4, "atol": 1e-6}
    np.testing.assert_allclose(model.input_gradient(csr_matrix(X), y), expected, **tolerance)
    np.testing.assert_allclose(model.input_gradient(X, y.tolist()), expected, **tolerance)
    monkeypatch.setattr("skmlp._base.rows_per_chunk", lambda weights: 7)
    np.testing.assert_allclose(model.input_gradient(X, y), expected, **tolerance)


def test_hidden_activations_lead_to_the_predicted_probabilities():
    X, y = some_data()
    model = fitted(X, y, activation=["tanh", "mish"])
    W, b = model.coefs_, model.intercepts_
    first, last = model.hidden_activations(X, 0), model.hidden_activations(X)
    np.testing.assert_allclose(first, np.tanh(X @ W[0] + b[0]))
    z = first @ W[1] + b[1]
    np.testing.assert_allclose(last, z * np.tanh(np.log1p(np.exp(z))))
    np.testing.assert_allclose(last @ W[2] + b[2], model.logits(X))
    np.testing.assert_array_equal(model.hidden_activations(X, -2), first)


@pytest.mark.parametrize("layer", [-3, 2])
def test_a_layer_that_is_not_there_is_named(layer):
    X, y = some_data()
    with pytest.raises(ValueError, match=rf"layer={layer} is no hidden layer .* has 2"):
        fitted(X, y).hidden_activations(X, layer)
    with pytest.raises(ValueError, match="has 0"):
        fitted(X, y, hidden=()).hidden_activations(X)


def test_unknown_labels_and_other_lengths_are_refused():
    X, y = some_data()
    model = fitted(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.input_gradient(X, y[:-1])
    with pytest.raises(ValueError, match="7"):
        model.input_gradient(X, np.full(len(X), 7))
    with pytest.raises(NotFittedError):
        NumpyMLPClassifier().input_gradient(X)


def test_data_frames_are_taken_without_a_warning():
    pd = pytest.importorskip("pandas")
    X, y = some_data()
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = fitted(frame, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(model.input_gradient(frame).shape, X.shape)
        assert model.hidden_activations(frame).shape == (30, 5)
