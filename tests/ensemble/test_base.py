"""What both ensembles have from their base: folds of groups, splitters, all or nothing."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GroupKFold, RepeatedKFold, StratifiedKFold, TimeSeriesSplit

from skmlp import (
    FoldEnsembleClassifier,
    FoldEnsembleRegressor,
    NumpyMLPClassifier,
    NumpyMLPRegressor,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:batch_size=50 is larger than the training set"),
]

X, LABELS = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
GROUPS = np.random.RandomState(0).randint(15, size=150)
SETTINGS = {"hidden_layer_sizes": (4,), "max_iter": 2, "batch_size": 50, "early_stopping": True}
KINDS = {
    "classifier": (FoldEnsembleClassifier, NumpyMLPClassifier(**SETTINGS), LABELS),
    "regressor": (
        FoldEnsembleRegressor,
        NumpyMLPRegressor(**SETTINGS, standardize_target=True),
        X[:, 0] + 0.1 * X[:, 1] ** 2,
    ),
}
both = pytest.mark.parametrize(("ensemble", "network", "y"), KINDS.values(), ids=KINDS)


def trained_without(member, network, train, held_out, y):
    """Return the network trained on these rows and stopped by those, as a member should be."""
    alone = clone(network).set_params(random_state=member.random_state)
    return alone.fit(X[train], y[train], X_val=X[held_out], y_val=y[held_out])


@both
@pytest.mark.parametrize(
    "cv",
    [StratifiedKFold(3), RepeatedKFold(n_splits=2, n_repeats=2, random_state=0)],
    ids=["3 folds", "repeated"],
)
def test_each_member_has_a_split_of_cv(ensemble, network, y, cv):
    y_split = LABELS if isinstance(cv, StratifiedKFold) else y
    splits = list(cv.split(X, y_split))
    model = ensemble(network, cv=splits, random_state=0).fit(X, y)
    assert len(model.estimators_) == len(splits)
    for member, rows, (train, test) in zip(model.estimators_, model.held_out_, splits, strict=True):
        assert_array_equal(rows, test)
        alone = trained_without(member, network, train, test, y)
        assert all(map(np.array_equal, alone.coefs_, member.coefs_))


@both
def test_a_number_as_cv_and_more_members_than_splits(ensemble, network, y):
    model = ensemble(network, 5, cv=3, random_state=0).fit(X, y)
    sizes = [len(rows) for rows in model.held_out_]
    assert sizes == [50] * 5
    assert_array_equal(model.held_out_[0], model.held_out_[3])
    first, again = model.estimators_[0], model.estimators_[3]
    assert first.random_state != again.random_state


@both
def test_members_of_time_splits_see_earlier_rows_only(ensemble, network, y):
    order = np.random.RandomState(1).permutation(150)
    rows, targets = X[order], y[order]
    model = ensemble(network, cv=TimeSeriesSplit(3), random_state=0).fit(rows, targets)
    for member, (train, test) in zip(
        model.estimators_, TimeSeriesSplit(3).split(rows), strict=True
    ):
        assert member.t_ == len(train) * member.n_iter_
        assert train.max() < test.min()
    assert_array_equal(np.concatenate(model.held_out_), np.arange(39, 150))


@both
@pytest.mark.parametrize("cv", [None, GroupKFold(3)], ids=["own folds", "GroupKFold"])
@pytest.mark.parametrize("names", [False, True])
def test_a_group_is_held_out_as_a_whole(ensemble, network, y, cv, names):
    groups = np.array([f"group {i}" for i in GROUPS]) if names else GROUPS.tolist()
    model = ensemble(network, 3, n_folds=3, cv=cv, random_state=0).fit(X, y, groups=groups)
    for rows in model.held_out_:
        assert 0 < len(rows) < 150
        assert not set(GROUPS[rows]) & set(np.delete(GROUPS, rows))
    assert_array_equal(np.sort(np.concatenate(model.held_out_)), np.arange(150))


def test_groups_are_held_out_without_early_stopping_too():
    network = NumpyMLPClassifier(**SETTINGS | {"early_stopping": False})
    assert not FoldEnsembleClassifier(network, 2).fit(X, LABELS).held_out_[0].size
    model = FoldEnsembleClassifier(network, 2, random_state=0).fit(X, LABELS, groups=GROUPS)
    assert all(rows.size for rows in model.held_out_)
    assert model.temperature_ != 1


@both
def test_rows_of_weight_zero_are_in_no_split(ensemble, network, y):
    w = np.ones(150)
    w[::4] = 0
    model = ensemble(network, cv=StratifiedKFold(3).split(X, LABELS)).fit(X, y, sample_weight=w)
    assert_array_equal(np.sort(np.concatenate(model.held_out_)), np.flatnonzero(w))


def test_a_class_that_a_member_would_not_know_is_named():
    splits = [(np.arange(100), np.arange(100, 150))]
    with pytest.raises(ValueError, match="split 0 have no row of class 2"):
        FoldEnsembleClassifier(KINDS["classifier"][1], cv=splits).fit(X, LABELS)
    with pytest.raises(ValueError, match="have no row of class"):
        FoldEnsembleClassifier(KINDS["classifier"][1]).fit(X, LABELS, groups=LABELS)


@both
@pytest.mark.parametrize(
    ("cv", "groups", "message"),
    [
        (1, None, "cv"),
        ("five", None, "cv"),
        ([], None, "cv gives no splits"),
        ([([], [1])], None, "Split 0 of cv has no training rows"),
        (GroupKFold(3), None, "groups"),
        (None, np.zeros(150), "groups has the same value for all rows"),
        (None, GROUPS[:9], "inconsistent numbers of samples"),
        (None, np.ma.array(GROUPS, mask=GROUPS > 3), "groups is a masked array"),
    ],
)
def test_bad_splits_are_refused_and_change_nothing(ensemble, network, y, cv, groups, message):
    model = ensemble(network, 2, random_state=0).fit(X, y)
    before = vars(model).copy()
    model.set_params(cv=cv)
    with pytest.raises(ValueError, match=message):
        model.fit(X[:, :3], y, groups=groups)
    assert vars(model) == before | {"cv": cv}


@both
def test_groups_of_a_data_frame_are_taken_by_position(ensemble, network, y):
    groups = pd.Series(GROUPS, index=np.arange(150)[::-1])
    model, expected = (
        ensemble(network, 3, n_folds=3, random_state=0).fit(X, y, groups=g)
        for g in (groups, GROUPS)
    )
    for rows, others in zip(model.held_out_, expected.held_out_, strict=True):
        assert_array_equal(rows, others)
