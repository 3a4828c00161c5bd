import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skmlp._ensemble.folds import (
    balanced_folds,
    group_folds,
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


@pytest.mark.parametrize("n_folds", [2, 3, 7])
@pytest.mark.parametrize("n", [20, 101])
def test_folds_of_numbers_are_disjoint_complete_and_balanced(n, n_folds):
    y = np.random.RandomState(0).lognormal(size=n)
    folds = balanced_folds(y, n_folds, np.random.RandomState(1))
    assert len(folds) == n_folds
    assert_array_equal(np.sort(np.concatenate(folds)), np.arange(n))
    assert np.ptp([len(fold) for fold in folds]) <= 1
    # of each group of neighbours, each fold has one
    rank = np.argsort(np.argsort(y)) // n_folds
    for fold in folds:
        assert len(set(rank[fold])) == len(fold)


def test_folds_of_numbers_have_similar_means():
    y = np.random.RandomState(0).normal(size=400) ** 3
    means = [y[fold].mean() for fold in balanced_folds(y, 4, np.random.RandomState(0))]
    rng = np.random.RandomState(0)
    at_random = np.std([y[fold].mean() for fold in np.split(rng.permutation(400), 4)])
    assert np.std(means) < at_random / 3


def test_ties_are_distributed_equally_and_at_random():
    y = np.repeat([0.0, 1.0, 2.0], [50, 31, 19])
    seen = set()
    for seed in range(5):
        folds = balanced_folds(y, 4, np.random.RandomState(seed))
        for value in (0, 1, 2):
            assert np.ptp([np.sum(y[fold] == value) for fold in folds]) <= 2
        seen.add(tuple(folds[0]))
    assert len(seen) == 5


def test_a_constant_gives_random_folds_of_equal_sizes():
    folds = balanced_folds(np.full(10, 3.0), 4, np.random.RandomState(0))
    assert sorted(len(fold) for fold in folds) == [2, 2, 3, 3]
    assert folds[0].tolist() != balanced_folds(np.ones(10), 4, np.random.RandomState(1))[0].tolist()


def test_several_targets_are_balanced_by_what_they_share():
    y = np.random.RandomState(0).normal(size=200)
    Y = np.c_[y, 1e6 * np.exp(y), -y]
    folds = balanced_folds(Y, 4, np.random.RandomState(0))
    assert_array_equal(np.sort(np.concatenate(folds)), np.arange(200))
    rank = np.argsort(np.argsort(y)) // 4
    assert all(len(set(rank[fold])) == 50 for fold in folds)


@pytest.mark.parametrize(("n", "sizes"), [(1, [0]), (2, [1, 1]), (3, [1, 1, 1])])
def test_fewer_numbers_than_folds_are_a_fold_each_and_a_single_one_is_in_none(n, sizes):
    folds = balanced_folds(np.arange(float(n)), 5, np.random.RandomState(0))
    assert [len(fold) for fold in folds] == sizes


def test_folds_of_groups_hold_whole_groups_and_similar_numbers_of_rows():
    rng = np.random.RandomState(0)
    groups = rng.choice(list("abcdefghijkl"), size=300)
    folds = group_folds(groups, 3, rng)
    assert_array_equal(np.sort(np.concatenate(folds)), np.arange(300))
    members = [set(groups[fold]) for fold in folds]
    assert sum(map(len, members)) == 12
    assert np.ptp([len(fold) for fold in folds]) < 30


def test_groups_are_divided_differently_by_another_seed():
    groups = np.repeat(np.arange(10), 3)
    first = {tuple(group_folds(groups, 2, np.random.RandomState(s))[0]) for s in range(6)}
    assert len(first) > 2


def test_fewer_groups_than_folds_are_a_fold_each_and_one_group_is_refused():
    folds = group_folds(np.array([7, 7, 2, 7]), 5, np.random.RandomState(0))
    assert sorted(map(tuple, folds)) == [(0, 1, 3), (2,)]
    with pytest.raises(ValueError, match="groups has the same value for all rows"):
        group_folds(np.zeros(4), 2, np.random.RandomState(0))


def test_rows_can_be_divided_by_another_function():
    y, rows = np.random.RandomState(0).normal(size=30), np.arange(3, 30)
    held_out = held_out_rows(y, rows, 5, 3, np.random.RandomState(0), balanced_folds)
    rng = np.random.RandomState(0)
    expected = [rows[fold] for _ in range(2) for fold in balanced_folds(y[rows], 3, rng)]
    for fold, other in zip(held_out, expected, strict=False):
        assert_array_equal(fold, other)
