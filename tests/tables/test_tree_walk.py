import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from skmlp._tables.tree_walk import TreeWalk
from skmlp._tables.trees import fit_trees

RNG = np.random.RandomState(0)
N = 600
CATEGORIES = RNG.randint(0, 31, size=(N, 2)).astype(float)
NUMBERS = RNG.normal(size=(N, 3)).round(1)
EFFECTS = RNG.normal(size=31)
SIGNAL = NUMBERS[:, 0] * NUMBERS[:, 1] + EFFECTS[CATEGORIES[:, 0].astype(int)]
SETTINGS = {"max_iter": 30, "max_leaf_nodes": 12, "min_samples_leaf": 5, "random_state": 0}


def with_missing(X):
    X = X.copy()
    X[RNG.uniform(size=X.shape) < 0.1] = np.nan
    return X


TABLE = with_missing(np.hstack([CATEGORIES, NUMBERS]))
OTHER_ROWS = with_missing(np.hstack([CATEGORIES[::-1], NUMBERS]))


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("categorical", [True, False])
def test_sums_are_those_of_the_trees_bit_for_bit(n_classes, categorical):
    y = np.searchsorted(np.quantile(SIGNAL, np.arange(1, n_classes) / n_classes), SIGNAL)
    is_category = np.arange(5) < 2 * categorical
    trees = fit_trees(SETTINGS | {"categorical_features": is_category}, TABLE, y, None, None)
    expected = trees.decision_function(OTHER_ROWS).reshape(N, -1)
    walk = TreeWalk(trees)
    assert_array_equal(walk.decision_function(OTHER_ROWS), expected)
    assert_array_equal(walk.decision_function(OTHER_ROWS[:1]), expected[:1])


def test_trees_of_a_regressor():
    trees = HistGradientBoostingRegressor(**SETTINGS).fit(TABLE[:, 2:], SIGNAL)
    walk = TreeWalk(trees)
    assert_array_equal(
        walk.decision_function(OTHER_ROWS[:, 2:])[:, 0], trees.predict(OTHER_ROWS[:, 2:])
    )


def test_trees_of_a_single_leaf():
    X, y = np.zeros((20, 1)), np.arange(20) % 2
    trees = HistGradientBoostingClassifier(max_iter=2).fit(X, y)
    assert_array_equal(TreeWalk(trees).decision_function(X)[:, 0], trees.decision_function(X))
