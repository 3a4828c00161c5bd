import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmlp._tables.cross_fit import random_folds
from skmlp._tables.target_codes import codes_of_classes, codes_of_numbers
from skmlp._tables.target_statistics import TargetStatistics

N = 200
RNG = np.random.RandomState(0)
CODES = RNG.randint(0, 10, N).astype(np.int32)
CLASSES = (RNG.uniform(size=N) < 0.1 + 0.08 * CODES).astype(int)
FOLDS = random_folds(N, np.random.RandomState(0))


def log_odds(p):
    return np.log(p / (1 - p))


def test_statistics_of_new_rows_are_smoothed_log_odds_and_counts():
    statistics = TargetStatistics()
    statistics.fit_transform(CODES, codes_of_classes(CLASSES, 2, None), FOLDS)
    prior, counts = CLASSES.mean(), np.bincount(CODES)
    for code, n in enumerate(counts):
        p = (CLASSES[code == CODES].sum() + 5 * prior) / (n + 5)
        expected = [log_odds(p) - log_odds(prior), np.log1p(n) / np.log1p(counts.max())]
        assert_allclose(statistics.transform(np.array([code]))[0], expected, rtol=1e-5)


@pytest.mark.parametrize("code", [-1, 10, 999])
def test_values_that_are_not_known_say_nothing(code):
    statistics = TargetStatistics()
    statistics.fit_transform(CODES, codes_of_classes(CLASSES, 2, None), FOLDS)
    assert_array_equal(statistics.transform(np.array([code])), [[0, 0]])


def test_statistics_of_numbers_are_differences_of_means():
    y = RNG.normal(size=(N, 1)) + CODES[:, np.newaxis]
    target = codes_of_numbers(y, None)
    statistics = TargetStatistics()
    statistics.fit_transform(CODES, target, FOLDS)
    rows = CODES == 3
    expected = target.means[rows].sum() / (rows.sum() + 5)
    assert_allclose(statistics.transform(np.array([3]))[0, 0], expected, rtol=1e-5)


def test_a_rows_own_target_has_no_part_in_its_statistics():
    target = codes_of_classes(CLASSES, 2, None)
    before = TargetStatistics().fit_transform(CODES, target, FOLDS)
    row = FOLDS[2][0]
    changed = CLASSES.copy()
    changed[row] = 1 - changed[row]
    after = TargetStatistics().fit_transform(CODES, codes_of_classes(changed, 2, None), FOLDS)
    assert_array_equal(after[FOLDS[2]], before[FOLDS[2]])
    others = np.setdiff1d(np.flatnonzero(CODES[row] == CODES), FOLDS[2])
    assert (after[others, 0] != before[others, 0]).all()


def test_values_that_occur_once_say_nothing_in_training():
    target = codes_of_classes(CLASSES, 2, None)
    found = TargetStatistics().fit_transform(np.arange(N, dtype=np.int32), target, FOLDS)
    assert_array_equal(found, 0)


def test_a_weight_of_two_counts_as_two_rows():
    w = 1.0 + np.arange(N) % 2
    twice = np.concatenate([np.arange(N), np.flatnonzero(w == 2)])
    weighted, repeated = TargetStatistics(), TargetStatistics()
    weighted.fit_transform(CODES, codes_of_classes(CLASSES, 2, w), FOLDS)
    folds = random_folds(len(twice), np.random.RandomState(0))
    repeated.fit_transform(CODES[twice], codes_of_classes(CLASSES[twice], 2, None), folds)
    codes = np.arange(10)
    assert_allclose(weighted.transform(codes), repeated.transform(codes), rtol=1e-5)
