"""Labels to targets and back; class weights of rows, by hand."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from skmlp._data.targets import ClassificationTargets, sorted_classes

BINARY = np.array(["no", "yes", "yes", "no", "yes"])
MULTICLASS = np.array([7, -2, 7, 100, -2])
MULTILABEL = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 0]])


# --- Encoding ---------------------------------------------------------------------------------


def test_two_classes_become_one_column_that_is_true_for_the_second():
    encoder = ClassificationTargets(BINARY)
    assert (encoder.binary, encoder.multilabel) == (True, False)
    assert (encoder.out_activation, encoder.n_outputs) == ("logistic", 1)
    assert encoder.classes_.tolist() == ["no", "yes"]
    assert encoder.encode(BINARY).tolist() == [[False], [True], [True], [False], [True]]
    assert encoder.encode(BINARY).dtype == bool


def test_more_classes_become_their_numbers_in_sorted_order():
    encoder = ClassificationTargets(MULTICLASS)
    assert (encoder.binary, encoder.multilabel) == (False, False)
    assert (encoder.out_activation, encoder.n_outputs) == ("softmax", 3)
    assert encoder.classes_.tolist() == [-2, 7, 100]
    assert encoder.encode(MULTICLASS).tolist() == [1, 0, 1, 2, 0]
    assert encoder.encode(MULTICLASS).dtype.kind == "i"


def test_one_class_is_a_softmax_of_one():
    encoder = ClassificationTargets(np.array(["only", "only"]))
    assert (encoder.out_activation, encoder.n_outputs, encoder.binary) == ("softmax", 1, False)
    assert encoder.encode(np.array(["only"])).tolist() == [0]
    assert encoder.decode(np.array([0, 0])).tolist() == ["only", "only"]


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix, lambda Y: Y.astype(bool)])
def test_indicators_become_booleans_of_the_same_shape(convert):
    encoder = ClassificationTargets(convert(MULTILABEL))
    assert (encoder.binary, encoder.multilabel) == (False, True)
    assert (encoder.out_activation, encoder.n_outputs) == ("logistic", 3)
    assert encoder.classes_.tolist() == [0, 1, 2]
    targets = encoder.encode(convert(MULTILABEL))
    assert isinstance(targets, np.ndarray)
    assert targets.dtype == bool
    np.testing.assert_array_equal(targets, MULTILABEL)


@pytest.mark.parametrize("fitted_on", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix])
def test_indicators_may_be_sparse_in_one_call_and_dense_in_another(fitted_on, convert):
    encoder = ClassificationTargets(fitted_on(MULTILABEL))
    np.testing.assert_array_equal(encoder.encode(convert(MULTILABEL)), MULTILABEL)


@pytest.mark.parametrize("y", [BINARY, MULTICLASS, MULTILABEL], ids=["binary", "multi", "labels"])
def test_decoding_undoes_encoding(y):
    encoder = ClassificationTargets(y)
    decoded = encoder.decode(encoder.encode(y))
    np.testing.assert_array_equal(decoded, y)
    assert decoded.dtype == y.dtype


def test_decoding_is_sparse_where_the_labels_were():
    encoder = ClassificationTargets(sparse.csr_matrix(MULTILABEL))
    decoded = encoder.decode(MULTILABEL.astype(bool))
    assert sparse.issparse(decoded)
    np.testing.assert_array_equal(decoded.toarray(), MULTILABEL)


def test_given_classes_count_in_place_of_those_of_y_and_in_any_order():
    encoder = ClassificationTargets(np.array([3, 3]), classes=[9, 3, 5, 3])
    assert encoder.classes_.tolist() == [3, 5, 9]
    assert encoder.encode(np.array([9, 3])).tolist() == [2, 0]


def test_given_classes_make_labels_of_one_kind_a_binary_target():
    encoder = ClassificationTargets(np.array([1, 1]), classes=[0, 1])
    assert encoder.binary
    assert encoder.encode(np.array([1, 0])).tolist() == [[True], [False]]


def test_equal_numbers_of_other_dtypes_are_the_same_labels():
    encoder = ClassificationTargets(np.array([0, 1, 2]))
    assert encoder.encode(np.array([2.0, 0.0])).tolist() == [2, 0]
    assert encoder.encode(np.array([True, False])).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("learnt", "y", "message"),
    [
        (
            BINARY,
            np.array(["maybe", "yes"]),
            r"labels has classes not in .*\['maybe'\].*'no' 'yes'",
        ),
        (MULTICLASS, np.array([7, 8, 6]), r"labels has classes not in .*\[6, 8\].*-2 +7 +100"),
        (MULTICLASS, MULTILABEL, r"labels has shape \(5, 3\).*1-dimensional"),
        (MULTILABEL, BINARY, r"labels has shape \(5,\).*indicator matrix of 3 columns"),
        (MULTILABEL, MULTILABEL[:, :2], r"labels has shape \(5, 2\).*of 3 columns"),
        (MULTICLASS, np.array([0.5, 7]), "Unknown label type: continuous"),
    ],
)
def test_labels_of_another_kind_are_refused_by_name(learnt, y, message):
    with pytest.raises(ValueError, match=message):
        ClassificationTargets(learnt).encode(y, name="labels")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.column_stack([MULTICLASS, MULTICLASS]), r"got shape \(5, 2\).*MultiOutputClassifier"),
        (np.array([0.1, 0.2, 0.7]), "Unknown label type: continuous"),
    ],
)
def test_targets_that_are_no_classes_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        ClassificationTargets(y)


# --- Labels in containers of other libraries --------------------------------------------------


def test_large_nullable_integers_are_different_classes():
    ids = pd.Series([2**53, 2**53 + 1, 2**53], dtype="Int64")
    encoder = ClassificationTargets(ids)
    assert encoder.classes_.tolist() == [2**53, 2**53 + 1]
    assert encoder.encode(ids).tolist() == [[False], [True], [False]]
    assert encoder.encode(ids.astype("UInt64")).tolist() == [[False], [True], [False]]
    assert sorted_classes(ids).tolist() == [2**53, 2**53 + 1]


@pytest.mark.parametrize("labels", [[0, 1, 1], [True, False, True]])
def test_objects_are_learnt_as_the_numbers_or_booleans_that_they_are(labels):
    encoder = ClassificationTargets(np.array(labels, dtype=object))
    assert encoder.classes_.dtype == np.array(labels).dtype
    assert encoder.decode(encoder.encode(np.array(labels, dtype=object))).tolist() == labels


def test_a_column_is_warned_of_once_for_each_use():
    column = np.array([[0], [1]])
    with pytest.warns(UserWarning, match="column-vector") as caught:
        ClassificationTargets(column).encode(column)
    assert len(caught) == 1


def test_many_classes_are_warned_of_once_unless_they_were_given():
    y = np.arange(30) // 2 * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ClassificationTargets(y).encode(y)
        ClassificationTargets(np.arange(30), classes=np.arange(30)).encode(np.arange(30))
        ClassificationTargets(np.arange(20)).encode(np.arange(20))
    with pytest.warns(UserWarning, match="number of unique classes.*30 different.*30") as caught:
        ClassificationTargets(np.arange(30)).encode(np.arange(30))
    assert len(caught) == 1


def test_indicators_of_other_codes_are_refused_by_name():
    encoder = ClassificationTargets(MULTILABEL)
    for convert in (np.asarray, sparse.csr_matrix):
        coded = convert(2 * MULTILABEL - 1)
        with pytest.raises(ValueError, match=r"y must be .*: -1, 1\..*\(y > 0\)"):
            ClassificationTargets(coded)
        with pytest.raises(ValueError, match=r"labels must be .*: -1, 1\..*\(labels > 0\)"):
            encoder.encode(coded, name="labels")


def test_decoded_sparse_labels_are_never_a_dense_matrix_of_integers():
    encoder = ClassificationTargets(sparse.csr_matrix(MULTILABEL))
    encoded = np.zeros((5000, 300), dtype=bool)
    encoded[::7, ::11] = True
    tracemalloc.start()
    decoded = encoder.decode(encoded)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < encoded.nbytes
    assert decoded.dtype == int
    np.testing.assert_array_equal(decoded.toarray(), encoded)
