import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal

from skmlp._tables.row_weights import row_weights

X = np.zeros((4, 1))


def no_weights(rows):
    return None


def test_without_weights_there_are_none():
    assert row_weights(X, None, no_weights) is None


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_weights_of_any_scale_have_the_mean_one_over_the_rows_that_count(scale):
    w = row_weights(X, scale * np.array([1, 4, 0, 5]), no_weights)
    assert_allclose(w, [0.3, 1.2, 0, 1.5])


def test_weights_of_rows_and_classes_are_multiplied():
    w = row_weights(X, [1, 2, 0, 5], lambda rows: np.array([4.0, 1, 1, 0]))
    assert_allclose(w, np.array([4, 2, 0, 0]) / 3)


@pytest.mark.parametrize(("sample_weight", "expected"), [(None, None), ([1, 2, 0, 5], [0, 1, 3])])
def test_rows_of_weight_zero_do_not_count_for_the_weights_of_classes(sample_weight, expected):
    asked = []
    row_weights(X, sample_weight, asked.append)
    assert_equal(asked, [expected])


@pytest.mark.parametrize(
    ("sample_weight", "class_weights", "message"),
    [
        ([0, 0, 0, 0], None, "non-zero|All rows have the weight 0"),
        ([0, 1, 0, 1], [1.0, 0, 1, 0], "All rows have the weight 0"),
        ([1, -1, 1, 1], None, "[Nn]egative"),
        ([1, np.nan, 1, 1], None, "NaN"),
        (None, [1.0, np.inf, 1, 1], "class_weight must give each class a finite weight"),
        (np.ma.array([1.0, 2, 3, 4], mask=[0, 1, 0, 0]), None, "sample_weight is a masked array"),
    ],
)
def test_weights_that_are_not_valid_are_refused(sample_weight, class_weights, message):
    with pytest.raises(ValueError, match=message):
        row_weights(X, sample_weight, lambda rows: class_weights and np.array(class_weights))
