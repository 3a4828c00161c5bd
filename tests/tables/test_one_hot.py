import numpy as np
from numpy.testing import assert_array_equal

from skmlp._tables.one_hot import OneHot


def test_rare_and_unknown_values_share_an_indicator():
    encoder = OneHot([np.array([5, 3, 2, 1])])
    found = encoder.transform(np.array([[0], [1], [2], [3], [-1]]))
    assert_array_equal(found, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]])
    assert found.dtype == np.float32


def test_unknown_values_have_no_indicator_if_none_is_rare():
    assert_array_equal(
        OneHot([np.array([5, 3])]).transform(np.array([[1], [-1]])), [[0, 1], [0, 0]]
    )


def test_at_most_thirty_values_have_an_indicator():
    encoder = OneHot([np.full(100, 3), np.full(30, 3)])
    codes = np.stack([np.arange(100), np.arange(100) % 30], axis=1)
    assert encoder.transform(codes).sum(axis=0).tolist() == [*[1] * 30, 70, *[4] * 10, *[3] * 20]


def test_a_column_of_one_value_has_no_use():
    assert OneHot([np.array([9])]).transform(np.array([[0]])).sum() == 0
