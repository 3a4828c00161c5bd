import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skmlp._ensemble.conformal import needed_rows, quantile_bound, upper_bound

LEVELS = [0.05, 0.1, 0.5, 0.8, 0.9, 0.95, 0.99]


@pytest.mark.parametrize("level", LEVELS)
def test_bound_is_the_order_statistic(level):
    for n in range(1, 250):
        scores = np.random.RandomState(n).normal(size=n)
        k = math.ceil(round((n + 1) * level, 9))
        expected = sorted(scores)[k - 1] if k <= n else math.inf
        assert upper_bound(scores, level) == expected
        assert (needed_rows(level) <= n) == (k <= n)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
@pytest.mark.parametrize("n", [9, 10, 30])
def test_a_new_score_is_at_most_the_bound_as_often_as_promised(n, level):
    rng = np.random.RandomState(0)
    scores = rng.normal(size=(20_000, n + 1))
    share = np.mean([row[0] <= upper_bound(row[1:], level) for row in scores])
    assert level - 0.01 < share < level + 1 / (n + 1) + 0.01


def test_no_scores_give_no_bound():
    assert upper_bound(np.empty(0), 0.5) == math.inf


@pytest.mark.parametrize("level", LEVELS)
def test_weights_count_like_repeated_scores(level):
    rng = np.random.RandomState(0)
    scores, w = rng.normal(size=60), np.r_[1, rng.randint(1, 5, size=59)].astype(float)
    expected = upper_bound(np.repeat(scores, w.astype(int)), level)
    assert upper_bound(scores, level, w) == expected
    assert upper_bound(scores, level, w * 1e306) == expected
    assert upper_bound(scores, level, np.full(60, 0.3)) == upper_bound(scores, level)


@pytest.mark.parametrize("level", LEVELS)
def test_bounds_of_quantiles_are_mirrored(level):
    scores = np.random.RandomState(0).normal(size=173)
    if level != 0.5:
        assert quantile_bound(scores, level) == -quantile_bound(-scores, 1 - level)
    k = (math.ceil if level >= 0.5 else math.floor)(round(174 * level, 9))
    assert quantile_bound(scores, level) == sorted(scores)[k - 1]


def test_bounds_of_quantiles_are_infinite_where_scores_are_too_few():
    assert quantile_bound(np.arange(18.0), 0.95) == math.inf
    assert quantile_bound(np.arange(18.0), 0.05) == -math.inf
    assert_allclose(quantile_bound(np.arange(19.0), 0.95), 18)
    assert_allclose(quantile_bound(np.arange(19.0), 0.05), 0)
