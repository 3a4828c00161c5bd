import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmlp._tables.cross_fit import cross_fitted, folds_of, random_folds


@pytest.mark.parametrize(("n_rows", "sizes"), [(12, [3, 3, 2, 2, 2]), (3, [1, 1, 1])])
def test_folds_are_disjoint_and_equal(n_rows, sizes):
    folds = random_folds(n_rows, np.random.RandomState(0))
    assert [len(fold) for fold in folds] == sizes
    assert sorted(np.concatenate(folds)) == [*range(n_rows)]


def test_each_row_is_computed_from_the_rows_of_other_folds():
    y = np.random.RandomState(0).normal(size=13)
    folds = random_folds(13, np.random.RandomState(0))
    found = cross_fitted(
        folds,
        lambda rows: np.array([y[rows].sum(), len(rows)]),
        lambda rows, totals: np.full((len(rows), 1), totals[0] / totals[1]),
    )
    for fold in folds:
        others = np.setdiff1d(np.arange(13), fold)
        assert_allclose(found[fold], y[others].mean())


def test_groups_are_in_one_fold_each():
    groups = np.arange(40) % 8
    folds = folds_of(groups, 40, np.random.RandomState(0))
    assert_array_equal(np.sort(np.concatenate(folds)), np.arange(40))
    assert sum(len({*groups[fold]}) for fold in folds) == 8


@pytest.mark.parametrize(("groups", "sizes"), [(None, [2] * 5), (np.zeros(10), [10])])
def test_without_several_groups_folds_are_of_rows(groups, sizes):
    assert [len(fold) for fold in folds_of(groups, 10, np.random.RandomState(0))] == sizes
