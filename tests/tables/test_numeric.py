import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import rankdata

from skmlp._tables.numeric import NumericFeatures
from skmlp.preprocessing import CosineEmbedding, RobustSmoothScaler


def array(rows):
    return np.array(rows, dtype=np.float32)


def test_columns_of_two_numbers_become_zero_and_one():
    features = NumericFeatures(6).fit(array([[5, 1], [5, np.nan], [9, 1]]))
    assert_array_equal(features.transform(array([[6, 1], [99, np.nan]])), [[0, 0.25], [1, 1]])


def test_columns_of_one_number_or_none_have_no_features():
    features = NumericFeatures(6).fit(array([[5, np.nan], [5, np.nan]]))
    assert features.transform(array([[5, np.nan]])).shape == (1, 0)


def test_missing_numbers_become_the_median_with_an_indicator_beside():
    features = NumericFeatures(6).fit(array([[1], [2], [3], [np.nan]]))
    missing, known = features.transform(array([[np.nan], [2]]))
    assert (missing[0], known[0]) == (1, 0)
    assert_array_equal(missing[1:], known[1:])


def test_other_numbers_are_scaled_and_embedded():
    numbers = np.random.RandomState(0).normal(size=(50, 2)).astype(np.float32)
    expected = CosineEmbedding(3).fit_transform(RobustSmoothScaler().fit_transform(numbers))
    found = NumericFeatures(3).fit(numbers).transform(numbers)
    assert found.dtype == np.float32
    assert_array_equal(found, expected)


def test_cosines_may_be_of_the_rank():
    numbers = np.random.RandomState(0).lognormal(size=(1000, 1)).astype(np.float32)
    ranks = (rankdata(numbers) - 1) / 999
    found = NumericFeatures(2, by_rank=True).fit(numbers).transform(numbers)
    assert_allclose(found[:, :1], RobustSmoothScaler().fit_transform(numbers))
    expected = np.cos(np.pi * np.outer(ranks, [1, 2])) / [1, 2]
    assert_allclose(found[:, 1:], expected, atol=0.02)


@pytest.mark.parametrize("by_rank", [False, True])
def test_numbers_beyond_the_training_rows_have_finite_features(by_rank):
    numbers = array([[1], [2], [3], [7]])
    features = NumericFeatures(2, by_rank=by_rank).fit(numbers)
    assert np.isfinite(features.transform(array([[1e30], [-1e30], [np.nan]]))).all()
