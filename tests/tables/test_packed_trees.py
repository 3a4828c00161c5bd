"""Trees as arrays, against those of scikit-learn."""

import pickle
from itertools import chain

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier

from skmlp._compat import predictors_of_trees
from skmlp._tables.packed_trees import PackedTrees, packed, unpacked

RNG = np.random.RandomState(0)
X = np.column_stack([RNG.randint(0, 40, 400), RNG.randint(0, 5, 400), RNG.normal(size=400)])
X[::7, 2] = X[::11, 1] = np.nan
KINDS = {"categories": [0, 1], "few categories": [1], "numbers": None}


def fitted(cls, categorical, n_classes=2, **params):
    score = X[:, 0] * 7 % 5 + np.nan_to_num(X[:, 1]) + np.nan_to_num(X[:, 2])
    y = np.digitize(score, [3, 5][: n_classes - 1])
    settings = {"max_iter": 12, "max_leaf_nodes": 9, "random_state": 0, **params}
    return cls(categorical_features=categorical, **settings).fit(X, y)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_saved_trees_predict_the_same(kind, n_classes):
    trees = fitted(PackedTrees, KINDS[kind], n_classes)
    loaded = pickle.loads(pickle.dumps(trees))
    reference = fitted(HistGradientBoostingClassifier, KINDS[kind], n_classes)
    expected = reference.decision_function(X)
    assert_array_equal(trees.decision_function(X), expected)
    assert_array_equal(loaded.decision_function(X), expected)
    assert_array_equal(loaded.predict_proba(X), reference.predict_proba(X))
    assert loaded.n_iter_ == trees.n_iter_ == 12


def test_trees_are_the_same_after_packing_but_for_what_only_training_needs():
    trees = predictors_of_trees(fitted(HistGradientBoostingClassifier, [0, 1], 3))
    again = unpacked(packed(trees))
    assert [len(iteration) for iteration in again] == [3] * 12
    for old, new in zip(chain(*trees), chain(*again), strict=True):
        assert_array_equal(new.raw_left_cat_bitsets, old.raw_left_cat_bitsets, strict=True)
        leaf = old.nodes["is_leaf"] == 1
        assert_array_equal(new.nodes["value"][leaf], old.nodes["value"][leaf])
        for name in ("left", "right", "feature_idx", "num_threshold", "depth", "is_leaf"):
            assert_array_equal(new.nodes[name][~leaf], old.nodes[name][~leaf], strict=True)


@pytest.mark.parametrize(
    ("name", "node", "value"),
    [
        ("left", 0, 0),
        ("right", 0, 200),
        ("feature_idx", 0, 3),
        ("bitset_idx", 0, 99),
        ("is_categorical", slice(None), 1),
        ("n_nodes", 0, 1),
        ("n_sets", 0, 99),
    ],
)
def test_damaged_trees_are_refused(name, node, value):
    trees = fitted(PackedTrees, [0, 1])
    state = trees.__getstate__()
    assert state["_packed"]["is_categorical"][0] == 1
    PackedTrees().__setstate__(state)
    array = state["_packed"][name].copy()
    array[node] = value
    state["_packed"][name] = array
    with pytest.raises(ValueError, match=r"trees of the saved model are damaged"):
        PackedTrees().__setstate__(state)


def test_trees_take_less_than_half_of_the_space():
    params = {"max_iter": 100}
    plain = fitted(HistGradientBoostingClassifier, None, **params)
    trees = fitted(PackedTrees, None, **params)
    sizes = [len(pickle.dumps(vars(each)["_predictors"])) for each in (plain, trees)]
    assert sizes[0] == sizes[1]
    assert len(pickle.dumps(trees)) < len(pickle.dumps(plain)) - 0.5 * sizes[0]


def test_trees_that_are_not_fitted_are_saved_and_cloned():
    trees = PackedTrees(max_iter=7)
    assert pickle.loads(pickle.dumps(trees)).get_params() == trees.get_params()
    assert clone(trees).max_iter == 7
