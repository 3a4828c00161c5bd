import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmlp._tables.target_codes import codes_of_classes, codes_of_numbers


def test_of_two_classes_the_second_is_enough():
    codes = codes_of_classes(np.array([0, 1, 1]), 2, None)
    assert_array_equal(codes.means, [[0], [1], [1]])
    assert_array_equal(codes.classes, codes.means)
    assert_array_equal(codes.weights, [1, 1, 1])


def test_several_classes_have_an_indicator_each():
    codes = codes_of_classes(np.array([2, 0]), 3, np.array([0.5, 1.5]))
    assert_array_equal(codes.classes, [[0, 0, 1], [1, 0, 0]])
    assert_array_equal(codes.take(np.array([1])).classes, [[1, 0, 0]])
    assert_array_equal(codes.take(np.array([1])).weights, [1.5])


def test_numbers_are_standardised_and_divided_into_quarters():
    y = np.random.RandomState(0).lognormal(size=(100, 2))
    codes = codes_of_numbers(y, None)
    assert_allclose(codes.means.mean(axis=0), 0, atol=1e-12)
    assert_allclose(codes.means.std(axis=0), 1)
    assert_array_equal(codes.classes.sum(axis=0), [25] * 4)
    assert codes.means[codes.classes[:, 3] == 1, 0].min() > codes.means[:, 0].mean()


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_numbers_of_any_size_are_standardised(scale):
    y = np.random.RandomState(0).normal(size=(50, 1))
    expected = codes_of_numbers(y, None).means
    assert_allclose(codes_of_numbers(scale * y, None).means, expected, rtol=1e-6)


def test_a_constant_target_is_zero():
    assert_array_equal(codes_of_numbers(np.full((4, 1), 7.0), None).means, 0)


def test_groups_are_taken_with_the_rows():
    codes = codes_of_classes(np.array([0, 1, 1]), 2, None)._replace(groups=np.array(list("aba")))
    assert codes.take(np.array([1, 2])).groups.tolist() == ["b", "a"]
