import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm

from skmlp._ensemble.levels import corrected_levels, fit_levels, outer_interval, row_width

Q = np.array([0.95, 0.05, 0.5])


def of_one_member(levels):
    """Return levels, and masks, as if one member had held out all rows."""
    return levels[np.newaxis], np.ones((1, len(levels), 1), bool)


def wrong_levels(n, seed=0):
    """Return levels that are too narrow and too high, and targets; the noise varies with x."""
    rng = np.random.RandomState(seed)
    size = rng.uniform(0.5, 2, size=(n, 1))
    y = size * rng.normal(size=(n, 1))
    return size * (0.6 * norm.ppf(Q) + 0.3), y


@pytest.mark.parametrize("n", [19, 100, 1001])
def test_corrections_are_order_statistics_in_units_of_the_width(n):
    levels, y = wrong_levels(n)
    fitted = fit_levels(*of_one_member(levels), y, Q, None, exchangeable=True)
    width = levels[:, 0] - levels[:, 1]
    width = width + 0.1 * width.mean()
    assert_allclose(row_width(levels, fitted)[:, 0], width)
    k = [int(np.ceil((n + 1) * 0.95 - 1e-9)), int((n + 1) * 0.05 + 1e-9), -(-(n + 1) // 2)]
    expected = [np.sort((y[:, 0] - levels[:, j]) / width)[k[j] - 1] for j in range(3)]
    assert_allclose(fitted["corrections"], expected)


def test_corrected_levels_hold_new_targets_as_often_as_they_say():
    fitted = fit_levels(*of_one_member(wrong_levels(2000)[0]), wrong_levels(2000)[1], Q, None,
                        exchangeable=True)  # fmt: skip
    levels, y = wrong_levels(20_000, seed=1)
    assert_allclose((y <= corrected_levels(levels, fitted)).mean(axis=0), Q, atol=0.015)


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_outer_interval_is_conformal(coverage):
    levels, y = wrong_levels(4999)
    fitted = fit_levels(*of_one_member(levels), y, Q, None, exchangeable=True)
    bound = np.sort(fitted["scores"][:, 0])[int(np.ceil(5000 * coverage)) - 1]
    new, y_new = wrong_levels(20_000, seed=1)
    lower, upper = outer_interval(new, fitted, bound)
    assert_allclose(((lower <= y_new) & (y_new <= upper)).mean(), coverage, atol=0.02)
    assert (lower <= upper).all()


def test_limits_that_would_cross_are_in_the_middle():
    fitted = {"q": np.array([0.9, 0.1]), "constant": 0.0}
    lower, upper = outer_interval(np.array([[3.0, 1.0], [5.0, 5.0]]), fitted, -0.8)
    assert_array_equal(lower, [[2], [5]])
    assert_array_equal(upper, [[2], [5]])


def test_corrected_levels_do_not_cross():
    rng = np.random.RandomState(0)
    levels = np.sort(rng.normal(size=(50, 3)))[:, [2, 0, 1]]
    fitted = {"q": Q, "constant": 0.1, "corrections": np.array([-1.0, 1.0, 0.0])}
    corrected = corrected_levels(levels, fitted)
    assert (corrected[:, 0] >= corrected[:, 2]).all()
    assert (corrected[:, 2] >= corrected[:, 1]).all()
    by_hand = levels + fitted["corrections"] * row_width(levels, fitted)
    assert_array_equal(np.sort(corrected), np.sort(by_hand))


def test_one_level_is_shifted_for_each_target():
    rng = np.random.RandomState(0)
    y = rng.normal(size=(99, 2))
    fitted = fit_levels(*of_one_member(np.zeros((99, 2))), y, np.array([0.8]), None,
                        exchangeable=True)  # fmt: skip
    assert_array_equal(fitted["corrections"], np.sort(y, axis=0)[79])
    assert_array_equal(corrected_levels(np.zeros((1, 2)), fitted)[0], fitted["corrections"])


def test_too_few_rows_give_infinite_corrections():
    levels, y = wrong_levels(18)
    fitted = fit_levels(*of_one_member(levels), y, Q, None, exchangeable=True)
    assert np.isinf(fitted["corrections"]).tolist() == [True, True, False]


def test_levels_without_width_have_the_unit_one():
    levels, y = np.zeros((40, 3)), np.linspace(-1, 1, 40)[:, np.newaxis]
    fitted = fit_levels(*of_one_member(levels), y, Q, None, exchangeable=True)
    assert_array_equal(row_width(levels, fitted), 1)
    assert_array_equal(fitted["corrections"], y[[38, 1, 20], 0])


@pytest.mark.parametrize("exchangeable", [True, False])
def test_noise_of_members_is_allowed_for(exchangeable):
    # members are the true levels plus noise of their own, which averages out in the ensemble
    rng = np.random.RandomState(0)
    n, M = 4000, 8
    y = rng.normal(size=(n, 1))
    values = norm.ppf(Q) + rng.normal(size=(M, n, 1))
    held = np.arange(M)[:, np.newaxis, np.newaxis] == np.arange(n)[:, np.newaxis] % M
    fitted = fit_levels(values, held, y, Q, None, exchangeable=exchangeable)
    new = norm.ppf(Q) + rng.normal(size=(M, n, 1)).mean(axis=0)
    lower, upper = corrected_levels(new, fitted)[:, [1, 0]].T
    inside = np.mean((lower <= y[::-1, 0]) & (y[::-1, 0] <= upper))
    assert abs(inside - 0.9) < 0.03 if exchangeable else inside > 0.96
