import numpy as np
import pytest
from numpy.testing import assert_allclose

from skmlp._tables.row_weights import row_weights

X = np.zeros((4, 1))


def test_without_weights_there_are_none():
    assert row_weights(X, None, None) is None


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_weights_of_any_scale_have_the_mean_one(scale):
    assert_allclose(row_weights(X, scale * np.array([1, 2, 0, 5]), None), [0.5, 1, 0, 2.5])


def test_weights_of_rows_and_classes_are_multiplied():
    w = row_weights(X, [1, 2, 0, 5], np.array([4.0, 1, 1, 0]))
    assert_allclose(w, np.array([4, 2, 0, 0]) / 1.5)


@pytest.mark.parametrize(
    ("sample_weight", "class_weights", "message"),
    [
        ([0, 0, 0, 0], None, "non-zero|All rows have the weight 0"),
        ([0, 1, 0, 1], np.array([1.0, 0, 1, 0]), "All rows have the weight 0"),
        ([1, -1, 1, 1], None, "[Nn]egative"),
        ([1, np.nan, 1, 1], None, "NaN"),
        (np.ma.array([1.0, 2, 3, 4], mask=[0, 1, 0, 0]), None, "sample_weight is a masked array"),
    ],
)
def test_weights_that_are_not_valid_are_refused(sample_weight, class_weights, message):
    with pytest.raises(ValueError, match=message):
        row_weights(X, sample_weight, class_weights)
