"""Multilabel indicator matrices: values allowed, encoding, and one-hot matrices."""

import tracemalloc
import warnings

import numpy as np
import pytest
from scipy import sparse

from skmlp._data.indicators import check_indicators, indicators, warn_of_one_hot

Y = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 0]])
CONTAINERS = [np.asarray, sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix]
containers = pytest.mark.parametrize("container", CONTAINERS, ids=lambda c: c.__name__)


@containers
@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "uint8", "float32"])
def test_zeros_and_ones_of_any_dtype_become_booleans(container, dtype):
    encoded = indicators(container(Y.astype(dtype)))
    assert type(encoded) is np.ndarray
    assert encoded.dtype == bool
    np.testing.assert_array_equal(encoded, Y == 1)


@containers
@pytest.mark.parametrize(
    ("absent", "present", "comparison"),
    [(-1, 1, "> 0"), (0, 2, "> 0"), (1, 2, "== 2"), (3, 7, "== 7"), (0, -1, "> 0")],
)
def test_other_codes_are_refused_with_the_values_and_the_remedy(
    container, absent, present, comparison
):
    coded = container(np.where(Y == 1, present, absent))
    low, high = sorted([absent, present])
    with pytest.raises(ValueError, match=rf"labels must be.*{low}, {high}\..*labels {comparison}"):
        check_indicators(coded, "labels")


@pytest.mark.parametrize("value", [2, 7, -1])
def test_a_single_value_other_than_zero_and_one_is_refused(value):
    with pytest.raises(ValueError, match=rf"other values: {value}\."):
        check_indicators(np.full((3, 2), value))


def test_stored_zeros_and_duplicates_of_sparse_matrices_count_as_what_they_are():
    with_zero = sparse.csr_matrix(([1, 0], ([0, 1], [0, 1])), shape=(2, 2))
    np.testing.assert_array_equal(indicators(with_zero), [[True, False], [False, False]])
    twice = sparse.csr_matrix(([1, 1], [0, 0], [0, 2, 2]), shape=(2, 2))
    with pytest.raises(ValueError, match="other values: 0, 2"):
        indicators(twice)
    assert twice.nnz == 2  # left as it is


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array([[0, 1], [2, 1]]), r"got shape \(2, 2\).*0, 1, 2.*MultiOutputClassifier"),
        (np.array([[0.5, 1], [0, 1]]), "Unknown label type: continuous-multioutput"),
        (np.array([["1", "0"], ["1", "1"]]), r"'0', '1'\..*y == '1'"),
        (np.array([["yes", "no"], ["no", "no"]], dtype=object), r"'no', 'yes'\..*y == 'yes'"),
    ],
)
def test_matrices_that_are_no_indicators_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        check_indicators(y)


def test_a_sparse_matrix_becomes_dense_as_booleans_only():
    y = sparse.random(5000, 200, 0.01, format="csr", random_state=0)
    y.data[:] = 1
    y = y.astype(np.int64)
    tracemalloc.start()
    encoded = indicators(y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * encoded.nbytes


@containers
@pytest.mark.parametrize("n_columns", [2, 3, 20])
def test_a_one_hot_matrix_is_warned_of_with_the_remedy(container, n_columns):
    one_hot = container(np.eye(n_columns, dtype=int)[np.arange(30) % n_columns])
    with pytest.warns(UserWarning, match=r"one-hot.*multilabel.*y\.argmax\(axis=1\)"):
        warn_of_one_hot(one_hot)


@containers
@pytest.mark.parametrize(
    "y",
    [
        Y,
        [[1, 0, 0]],  # one row
        [[1, 0, 0], [0, 0, 1]],  # too few rows to tell
        [[0, 1]] * 9 + [[0, 0]],
        [[0, 1]] * 9 + [[1, 1]],
        np.zeros((20, 3), int),
    ],
)
def test_other_indicator_matrices_are_not(container, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_one_hot(container(np.asarray(y)))
