"""Where NumpyMLPClassifier takes data otherwise than MLPClassifier, on purpose, and how."""

import inspect

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.datasets import make_classification
from sklearn.neural_network import MLPClassifier

from skmlp import NumpyMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = make_classification(120, 4, n_informative=3, n_redundant=1, random_state=0)
Y = np.column_stack([y, X[:, 0] > 0, X[:, 1] > 0]).astype(int)
SETTINGS = {"hidden_layer_sizes": (8,), "max_iter": 30, "random_state": 0}
WEIGHTS_IN_FIT = "sample_weight" in inspect.signature(MLPClassifier.fit).parameters


def theirs(**params):
    return MLPClassifier(**SETTINGS | params)


def ours(**params):
    return NumpyMLPClassifier(**SETTINGS | params)


# 12. Label matrices of zeros and ones only

CODES = [(-1, 1), (0, 2), (1, 2), (3, 7)]


@pytest.mark.parametrize(("absent", "present"), CODES)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_difference_12_matrices_of_other_codes_are_refused(container, absent, present):
    coded = container(np.where(Y == 1, present, absent))
    message = rf"must be a multilabel indicator matrix.*other values: {absent}, {present}\..*Recode"
    with pytest.raises(ValueError, match="y " + message):
        ours().fit(X, coded)
    with pytest.raises(ValueError, match="y " + message):
        ours().partial_fit(X, coded, classes=[0, 1, 2])
    model = ours().fit(X, Y)
    with pytest.raises(ValueError, match="y " + message):
        model.partial_fit(X, coded)
    with pytest.raises(ValueError, match="y " + message):
        model.input_gradient(X, coded)
    with pytest.raises(ValueError, match="X_val, y_val: y_val " + message):
        ours().fit(X, Y, X_val=X, y_val=coded)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "float32", "object", "Int64"])
def test_difference_12_zeros_and_ones_of_any_dtype_are_learnt(dtype):
    given = pd.DataFrame(Y).astype(dtype) if dtype == "Int64" else Y.astype(dtype)
    assert_array_equal(ours().fit(X, given).coefs_[0], ours().fit(X, Y).coefs_[0])


@pytest.mark.parametrize("codes", [(-1, 1), (1, 2), (3, 7)])
def test_difference_12_there_they_are_learnt_as_every_label_present(codes):
    model = theirs(max_iter=200, learning_rate_init=0.01)
    assert model.fit(X, Y).predict(X).mean() == pytest.approx(Y.mean(), abs=0.05)
    absent, present = codes
    assert model.fit(X, np.where(Y == 1, present, absent)).predict(X).min() == 1


# 13. Labels keep their value and kind


@pytest.mark.parametrize("dtype", ["Int64", "UInt64", "int64[pyarrow]", object])
def test_difference_13_large_nullable_integers_stay_two_classes(dtype):
    if "pyarrow" in str(dtype):
        pytest.importorskip("pyarrow")
    ids = pd.Series(np.array([2**53, 2**53 + 1])[y], dtype=dtype)
    assert ours().fit(X, ids).classes_.tolist() == [2**53, 2**53 + 1]
    expected = ours().fit(X, y).predict(X) + 2**53
    assert_array_equal(ours().fit(X, ids).predict(X), expected)
    if dtype == "Int64":
        assert theirs().fit(X, ids).classes_.tolist() == [2.0**53]


@pytest.mark.parametrize("dtype", ["boolean", "bool[pyarrow]", object])
def test_difference_13_nullable_booleans_stay_booleans(dtype):
    if "pyarrow" in str(dtype):
        pytest.importorskip("pyarrow")
    labels = pd.Series(y == 1, dtype=dtype)
    model = ours().fit(X, labels)
    assert model.classes_.dtype == model.predict(X).dtype == bool
    if dtype == "boolean":
        assert theirs().fit(X, labels).classes_.dtype == float


def test_difference_13_objects_that_are_integers_are_learnt():
    labels = y.astype(object)
    assert_array_equal(ours().fit(X, labels).coefs_[0], ours().fit(X, y).coefs_[0])
    with pytest.raises(ValueError, match="Unknown label type"):
        theirs().fit(X, labels)


def test_difference_13_missing_labels_in_a_list_are_no_class_of_their_own():
    labels = [np.nan, *np.array(["a", "b"])[y[1:]]]
    with pytest.raises(ValueError, match="Input y contains NaN or other missing values"):
        ours().fit(X, labels)
    assert "nan" in theirs().fit(X, labels).classes_


# 14. Masked values are refused


def test_difference_14_masked_values_are_refused_and_there_used():
    masked_X, masked_y = np.ma.array(X, mask=X > 1), np.ma.array(y, mask=X[:, 0] > 0)
    with pytest.raises(ValueError, match="X is a masked array"):
        ours().fit(masked_X, y)
    with pytest.raises(ValueError, match="y is a masked array"):
        ours().fit(X, masked_y)
    with pytest.raises(ValueError, match="X is a masked array"):
        ours().fit(X, y).predict(masked_X)
    with pytest.raises(ValueError, match="sample_weight is a masked array"):
        ours().fit(X, y, np.ma.array(np.ones(120), mask=X[:, 0] > 0))
    unmasked = theirs().fit(X, y)
    assert_array_equal(theirs().fit(masked_X, masked_y).coefs_[0], unmasked.coefs_[0])


# 15. One-hot labels, weights of another scale and foreign validation rows are warned of


def test_difference_15_a_one_hot_y_is_learnt_as_there_with_a_warning():
    one_hot = np.eye(2, dtype=int)[y]
    with pytest.warns(UserWarning, match=r"one-hot.*y\.argmax\(axis=1\)"):
        model = ours().fit(X, one_hot)
    expected = theirs().fit(X, one_hot)
    np.testing.assert_allclose(model.coefs_[0], expected.coefs_[0], rtol=1e-8)


@pytest.mark.skipif(not WEIGHTS_IN_FIT, reason="sample_weight came with version 1.7")
def test_difference_15_weights_that_sum_to_one_strengthen_the_penalty_as_there_with_a_warning():
    w = np.full(120, 1 / 120)
    model = ours(alpha=0.01, solver="lbfgs")
    with pytest.warns(UserWarning, match="penalty alpha is multiplied by about 100"):
        model.fit(X, y, w)
    expected = theirs(alpha=0.01, solver="lbfgs").fit(X, y, w)
    np.testing.assert_allclose(model.coefs_[0], expected.coefs_[0], rtol=1e-4, atol=1e-6)
