import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

from skmlp import FoldEnsembleClassifier, FoldEnsembleRegressor, NumpyMLPClassifier
from skmlp import NumpyMLPRegressor as Regressor
from skmlp._ensemble.splits import checked_groups, splits_by_splitter

X, y = np.zeros((12, 1)), np.arange(12.0)
LABELS = np.arange(12) % 2
ALL = np.arange(12)


def splits(cv, *, groups=None, rows=ALL, n_members="auto", y=y, kind=FoldEnsembleRegressor):
    network = Regressor() if kind is FoldEnsembleRegressor else NumpyMLPClassifier()
    return splits_by_splitter(kind(network, cv=cv), X, y, groups, rows, n_members)


def assert_same(found, expected):
    assert len(found) == len(expected)
    for split, (train, test) in zip(found, expected, strict=True):
        assert_array_equal(split.train, train)
        assert_array_equal(split.held_out, test)


@pytest.mark.parametrize("cv", [KFold(3, shuffle=True, random_state=0), TimeSeriesSplit(3)])
def test_splits_are_those_of_the_splitter(cv):
    assert_same(splits(cv), list(cv.split(X)))


def test_a_number_is_the_number_of_folds_stratified_for_classes():
    assert_same(splits(4), list(KFold(4).split(X)))
    found = splits(4, y=LABELS, kind=FoldEnsembleClassifier)
    assert_same(found, list(StratifiedKFold(4).split(X, LABELS)))


def test_groups_are_given_to_the_splitter():
    groups = np.repeat(list("abcd"), 3)
    assert_same(splits(GroupKFold(2), groups=groups), list(GroupKFold(2).split(X, y, groups)))


def test_an_iterable_of_indices_or_masks_is_taken():
    pairs = [([0, 1, 2], [5]), (ALL < 6, ALL >= 8)]
    assert_same(splits(pairs), [([0, 1, 2], [5]), (ALL[:6], ALL[8:])])


@pytest.mark.parametrize("n_members", [2, 3, 7])
def test_splits_are_used_again_for_more_members(n_members):
    expected = list(KFold(3).split(X)) * 3
    assert_same(splits(3, n_members=n_members), expected[:n_members])


def test_rows_that_are_not_in_use_are_left_out():
    rows = np.array([0, 2, 3, 7, 8, 11])
    for split, (train, test) in zip(splits(3, rows=rows), KFold(3).split(X), strict=True):
        assert_array_equal(split.train, np.intersect1d(train, rows))
        assert_array_equal(split.held_out, np.intersect1d(test, rows))


def test_no_splits_and_no_training_rows_are_refused():
    with pytest.raises(ValueError, match="cv gives no splits"):
        splits([])
    with pytest.raises(ValueError, match="Split 1 of cv has no training rows"):
        splits([([0], [1]), ([2], [3])], rows=np.array([0, 1, 3]))
    with pytest.raises(ValueError, match="Split 1 of cv does not fit the 12 rows"):
        splits([([0], [1]), ([2], [12])])


def test_groups_are_as_many_as_rows():
    assert checked_groups(None, X) is None
    assert_array_equal(checked_groups(list("ab") * 6, X), list("ab") * 6)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        checked_groups([1, 2], X)
    with pytest.raises(ValueError, match="groups is a masked array"):
        checked_groups(np.ma.array(ALL, mask=ALL > 3), X)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([("a", "b")] * 12, r"groups must have one value for each row, but has shape \(12, 2\)"),
        ([None, *"ab" * 5, "c"], "groups has values of kinds that cannot be compared.*Replace"),
    ],
)
def test_groups_that_cannot_be_told_apart_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        checked_groups(groups, X)


def test_groups_may_be_a_column():
    assert_array_equal(checked_groups(ALL.reshape(-1, 1), X), ALL)
