"""Boosted trees as arrays, through which a few rows walk in all trees at once."""

from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._compat import baseline_of_trees, predictors_of_trees
from skmlp._engine.types import FloatArray

# with more rows, the trees' own prediction is faster
MAX_ROWS = 32
# a node keeps the categories that go left as bits of one number
_MAX_CATEGORIES = 32


class TreeWalk:
    """The decision function of fitted HistGradientBoosting trees, for a few rows.

    The trees' own prediction calls a compiled loop for each tree, which starts threads each time:
    for a single row, this takes far longer than the walk. The results are the same bit for bit.

    Parameters
    ----------
    trees : HistGradientBoostingClassifier or HistGradientBoostingRegressor
        The fitted trees. Categories have codes below 32.
    """

    def __init__(self, trees: Any) -> None:
        iterations = predictors_of_trees(trees)
        predictors = [tree for iteration in iterations for tree in iteration]
        sizes = [len(tree.nodes) for tree in predictors]
        starts = np.cumsum([0, *sizes[:-1]])
        nodes = np.concatenate([tree.nodes for tree in predictors])
        leaf = nodes["is_leaf"].astype(bool)
        start, own = np.repeat(starts, sizes), np.arange(len(nodes))
        self.roots_ = starts
        self.shape_ = len(iterations), len(iterations[0])
        self.baseline_ = baseline_of_trees(trees)
        self.depth_ = int(nodes["depth"].max())
        self.value_ = nodes["value"].astype(np.float64)
        self.feature_ = np.where(leaf, 0, nodes["feature_idx"]).astype(np.intp)
        self.threshold_ = nodes["num_threshold"].astype(np.float64)
        self.missing_left_ = nodes["missing_go_to_left"].astype(bool)
        # a row that has reached a leaf stays there
        self.left_ = np.where(leaf, own, start + nodes["left"])
        self.right_ = np.where(leaf, own, start + nodes["right"])
        self.categorical_ = nodes["is_categorical"].astype(bool) & ~leaf
        self.has_categories_ = bool(self.categorical_.any())
        self.categories_ = np.zeros(len(nodes), np.uint32)
        bits = [tree.raw_left_cat_bitsets[:, 0] for tree in predictors]
        first_bits = np.repeat(np.cumsum([0, *map(len, bits[:-1])]), sizes)
        of_node = (first_bits + nodes["bitset_idx"])[self.categorical_]
        self.categories_[self.categorical_] = np.concatenate(bits)[of_node]

    def decision_function(self, X: FloatArray) -> npt.NDArray[np.float64]:
        """Return the sums over the trees, of shape (n_samples, n_trees_per_iteration)."""
        rows = np.arange(len(X))[:, np.newaxis]
        X = X.astype(np.float64)
        at = np.broadcast_to(self.roots_, (len(X), len(self.roots_)))
        for _ in range(self.depth_):
            x = X[rows, self.feature_[at]]
            at = np.where(self._goes_left(at, x), self.left_[at], self.right_[at])
        values = self.value_[at].reshape(len(X), *self.shape_)
        first = np.broadcast_to(self.baseline_, (len(X), 1, self.shape_[1]))
        # in the order of the trees' own sum
        return np.cumsum(np.hstack([first, values]), axis=1)[:, -1]

    def _goes_left(self, at: npt.NDArray[np.intp], x: FloatArray) -> npt.NDArray[np.bool_]:
        """Return for entries x whether they go left from nodes."""
        missing = np.isnan(x)
        left = x <= self.threshold_[at]
        if self.has_categories_:
            code = np.where(missing, 0, x).clip(0, _MAX_CATEGORIES - 1).astype(np.uint32)
            in_set = (self.categories_[at] >> code & 1).astype(bool)
            left = np.where(self.categorical_[at], in_set, left)
        return np.where(missing, self.missing_left_[at], left)
