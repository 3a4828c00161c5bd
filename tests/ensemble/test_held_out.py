import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmlp._ensemble.held_out import (
    as_columns,
    errors_of_ensemble,
    folds_of_holders,
    mean_of,
    predictions_of_held_out_rows,
    summary,
)


class Member:
    """A regressor that predicts the first feature plus a number."""

    n_outputs_ = 1

    def __init__(self, shift):
        self.shift = shift

    def predict(self, X):
        return (X[:, 0] + self.shift).astype(np.float32)


def test_all_members_predict_all_rows_that_any_of_them_held_out():
    X = np.arange(10.0)[:, np.newaxis]
    folds = [np.array([4, 1]), np.array([], int), np.array([8, 4])]
    members = [Member(0), Member(0.5), Member(100)]
    rows, values, held = predictions_of_held_out_rows(members, X, folds)
    assert_array_equal(rows, [1, 4, 8])
    assert values.dtype == np.float64
    assert_array_equal(values[..., 0], [[1, 4, 8], [1.5, 4.5, 8.5], [101, 104, 108]])
    assert_array_equal(held[..., 0], [[1, 1, 0], [0, 0, 0], [0, 1, 1]])


def test_no_held_out_rows_give_no_predictions():
    rows, values, held = predictions_of_held_out_rows([Member(0)], np.ones((3, 1)), [np.arange(0)])
    assert (len(rows), values.shape, held.shape) == (0, (1, 0, 1), (1, 0, 1))


def test_summary_is_of_the_holders_and_spread_of_the_others_where_there_is_one_holder():
    rng = np.random.RandomState(0)
    values = rng.normal(size=(4, 3, 2))
    held = np.array([[1, 0, 1], [0, 0, 1], [0, 0, 1], [0, 1, 0]], bool)[..., np.newaxis]
    known = summary(values, held)
    assert_array_equal(known.n_holders[:, 0], [1, 1, 3])
    assert_allclose(known.predicted, [values[0, 0], values[3, 1], values[:3, 2].mean(axis=0)])
    assert_allclose(known.together, values.mean(axis=0))
    others = [values[1:, 0], values[:3, 1], values[:3, 2]]
    assert_allclose(known.spread, [np.std(v, axis=0, ddof=1) for v in others])
    assert known.n_members == 4


def test_spread_is_unknown_where_there_are_not_two_to_compare():
    held = np.array([[True], [False]])[..., np.newaxis]
    assert np.isnan(summary(np.array([[[1.0]], [[2.0]]]), held).spread).all()


@pytest.mark.parametrize("size", [1e-300, 1e200])
def test_spread_of_numbers_of_any_size(size):
    values = np.array([[[1.0]], [[2.0]], [[4.0]]])
    held = np.array([[[True]], [[False]], [[False]]])
    with np.errstate(all="raise"):
        assert_allclose(summary(values * size, held).spread, np.sqrt(2) * size)


@pytest.mark.parametrize("n_holders", [1, 2])
@pytest.mark.parametrize("shared", [0.0, 0.3, 2.0])
def test_errors_of_holders_become_errors_of_the_mean(n_holders, shared):
    # members whose errors have a part in common and a part of their own, of variance 1
    rng = np.random.RandomState(0)
    n, M = 20_000, 5
    y = np.sqrt(shared) * rng.normal(size=(n, 1))
    values = rng.normal(size=(M, n, 1))
    held = (np.arange(M)[:, np.newaxis] < n_holders)[..., np.newaxis] & np.ones((M, n, 1), bool)
    known = summary(values, held)
    error = y - known.predicted
    corrected = errors_of_ensemble(known, error, np.ones((n, 1)), None)
    assert_allclose(np.mean(corrected**2), shared + 1 / M, rtol=0.05)
    # an error that all members have is kept
    biased = errors_of_ensemble(known, error + 7, np.ones((n, 1)), None)
    assert_allclose(biased, corrected + 7, rtol=1e-6)
    assert_allclose(np.mean((y - known.together) ** 2), shared + 1 / M, rtol=0.05)


def test_errors_are_compared_in_units_of_their_scale():
    rng = np.random.RandomState(0)
    values, error = rng.normal(size=(4, 50, 2)), rng.normal(size=(50, 2))
    held = np.arange(4)[:, np.newaxis, np.newaxis] == np.arange(50)[:, np.newaxis] % 4
    scale = np.exp(rng.normal(size=(50, 2)))
    plain = errors_of_ensemble(summary(values, held), error, np.ones((50, 2)), None)
    known = summary(values * scale, held)
    assert_allclose(errors_of_ensemble(known, error * scale, scale, None), plain * scale)


def test_errors_are_kept_without_a_spread():
    error = np.random.RandomState(0).normal(size=(4, 2))
    values, held = np.zeros((3, 4, 2)), np.zeros((3, 4, 1), bool)
    held[0] = True
    assert_allclose(errors_of_ensemble(summary(values, held), error, np.ones((4, 2)), None), error)
    alone = summary(values[:1], held[:1])
    assert_array_equal(errors_of_ensemble(alone, error, np.ones((4, 2)), None), error)
    none = errors_of_ensemble(summary(values, held), 0 * error, np.ones((4, 2)), None)
    assert_array_equal(none, 0)


def test_weights_count_like_repeated_rows():
    rng = np.random.RandomState(0)
    times = rng.randint(1, 4, size=30)
    values, error = rng.normal(size=(4, 30, 1)), rng.normal(size=(30, 1)) * 2
    held = rng.rand(4, 30, 1) < 0.4
    held[0] = True
    weighted = errors_of_ensemble(summary(values, held), error, np.ones((30, 1)), 1.0 * times)
    again = [np.repeat(a, times, axis=-2) for a in (values, held, error)]
    repeated = errors_of_ensemble(summary(*again[:2]), again[2], np.ones((times.sum(), 1)), None)
    assert_allclose(np.repeat(weighted, times, axis=0), repeated)


def test_the_mean_of_equal_numbers_is_that_number():
    assert_array_equal(mean_of([np.array([0.1])] * 7), [0.1])
    rng = np.random.RandomState(0)
    values = rng.normal(size=(5, 8))
    assert_allclose(mean_of(list(values)), values.mean(axis=0))


def test_columns_are_in_float64():
    assert as_columns(np.ones(3, np.float32)).shape == (3, 1)
    assert as_columns(np.ones((3, 2), np.float32)).dtype == np.float64


def test_folds_of_holders_are_disjoint_and_of_rows_that_were_held_out_together():
    held = np.zeros((4, 6, 1), bool)
    for member, rows in enumerate(([0, 1, 2], [3, 4], [0, 1, 2, 5], [3, 4])):
        held[member, rows] = True
    folds = [fold.tolist() for fold in folds_of_holders(held)]
    assert folds == [[0, 1, 2], [3, 4], [5]]
