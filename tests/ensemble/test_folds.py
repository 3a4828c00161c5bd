import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skmlp._ensemble.folds import (
    held_out_rows,
    number_of_folds,
    number_of_members,
    rows_in_use,
    stratified_folds,
)


@pytest.mark.parametrize("n_folds", [2, 3, 7])
def test_folds_are_disjoint_complete_and_stratified(n_folds):
    labels = np.repeat(["a", "b", "c"], [40, 21, 9])
    folds = stratified_folds(labels, n_folds, np.random.RandomState(0))
    assert len(folds) == n_folds
    assert_array_equal(np.sort(np.concatenate(folds)), np.arange(70))
    assert np.ptp([len(fold) for fold in folds]) <= 1
    for label in "abc":
        assert np.ptp([np.sum(labels[fold] == label) for fold in folds]) <= 1


def test_no_fold_holds_all_rows_of_a_class():
    labels = np.repeat([0, 1, 2, 3], [12, 1, 2, 3])
    for seed in range(20):
        for fold in stratified_folds(labels, 4, np.random.RandomState(seed)):
            assert set(np.delete(labels, fold)) == {0, 1, 2, 3}


def test_rows_outside_the_selection_are_in_no_fold():
    strata, rows = np.arange(40) % 2, np.arange(5, 40)
    held_out = held_out_rows(strata, rows, 3, 3, np.random.RandomState(0))
    assert_array_equal(np.sort(np.concatenate(held_out)), rows)


@pytest.mark.parametrize(("n_members", "n_rounds"), [(2, 1), (3, 1), (6, 2), (7, 3)])
def test_rows_are_divided_again_for_each_round_of_members(n_members, n_rounds):
    strata, rows = np.zeros(30), np.arange(30)
    held_out = held_out_rows(strata, rows, n_members, 3, np.random.RandomState(0))
    assert [len(fold) for fold in held_out] == [10] * n_members
    assert len({frozenset(fold.tolist()) for fold in held_out}) == n_members
    rng = np.random.RandomState(0)
    expected = [fold for _ in range(n_rounds) for fold in stratified_folds(strata, 3, rng)]
    for fold, other in zip(held_out, expected, strict=False):
        assert_array_equal(fold, other)


def test_rows_that_cannot_be_divided_give_empty_folds():
    held_out = held_out_rows(np.arange(3), np.arange(3), 2, 3, np.random.RandomState(0))
    assert [len(fold) for fold in held_out] == [0, 0]


@pytest.mark.parametrize(("n_rows", "n_members", "n_folds"), [(2000, 8, 4), (2001, 4, 10)])
def test_numbers_of_members_and_folds_depend_on_the_number_of_rows(n_rows, n_members, n_folds):
    assert number_of_members("auto", n_rows) == n_members
    assert number_of_folds("auto", n_rows) == n_folds


def test_numbers_that_are_given_are_kept_but_for_more_folds_than_rows():
    assert number_of_members(5, 3) == 5
    assert number_of_folds(7, 10) == 7
    assert number_of_folds(10**400, 10) == number_of_folds(11, 10) == 10


def test_rows_of_weight_zero_are_not_in_use():
    assert_array_equal(rows_in_use(4, None), [0, 1, 2, 3])
    assert_array_equal(rows_in_use(4, np.array([0.5, 0, 2, 0])), [0, 2])
