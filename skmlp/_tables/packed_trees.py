"""Boosted trees that are saved as a few plain arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from skmlp._compat import bins_of_categories, categories_of_bins, tree_of_nodes

_WHOLE = (
    "feature_idx",
    "missing_go_to_left",
    "left",
    "right",
    "depth",
    "is_leaf",
    "is_categorical",
    "bitset_idx",
)
_REMADE = {"_predictors", "_bin_mapper", "_loss"}


class PackedTrees(HistGradientBoostingClassifier):
    """HistGradientBoostingClassifier whose saved state has arrays in place of its trees.

    The arrays hold what prediction needs, in less than half of the space. skops files with them
    need no trust in types of scikit-learn that are not public.
    """

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, as plain values and arrays."""
        state = super().__getstate__()
        if "_predictors" not in state:  # not fitted
            return state
        kept = {name: value for name, value in state.items() if name not in _REMADE}
        bins = categories_of_bins(state["_bin_mapper"])
        return {**kept, "_packed": packed(state["_predictors"]), "_bins": bins}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes, and make trees of the arrays."""
        state = {**state}
        is_packed = "_packed" in state
        if is_packed:
            bins = state["_bin_mapper"] = bins_of_categories(state.pop("_bins"))
            check_packed(state["_packed"], bins.is_categorical_)
            state["_predictors"] = unpacked(state.pop("_packed"))
        super().__setstate__(state)
        if is_packed:
            self._loss = self._get_loss(sample_weight=None)


def packed(iterations: list[list[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Return the trees of each iteration as arrays.

    Parameters
    ----------
    iterations : list of list of TreePredictor
        The trees.

    Returns
    -------
    arrays : dict of ndarray
        The number of nodes and of sets of categories of each tree; the fields of all nodes one tree
        after the other, integers in as few bytes as they need; and all sets.
    """
    trees = [tree for iteration in iterations for tree in iteration]
    nodes = np.concatenate([tree.nodes for tree in trees])
    shape = len(iterations), len(iterations[0])
    sets = np.concatenate([tree.raw_left_cat_bitsets for tree in trees])
    return {
        "n_nodes": np.reshape([len(tree.nodes) for tree in trees], shape),
        "n_sets": np.reshape([len(tree.raw_left_cat_bitsets) for tree in trees], shape),
        "sets": sets[:, : 1 + int(np.flatnonzero(sets.any(axis=0)).max(initial=0))],
        # a node has a value or a threshold
        "number": np.where(nodes["is_leaf"], nodes["value"], nodes["num_threshold"]),
        **{name: _narrow(nodes[name]) for name in _WHOLE},
    }


def check_packed(arrays: dict[str, npt.NDArray[Any]], is_categorical: npt.NDArray[Any]) -> None:
    """Raise ValueError if trees cannot be walked through, as after damage to a file.

    The compiled loop of the trees does not check that nodes, columns and sets exist.

    Parameters
    ----------
    arrays : dict of ndarray
        The trees, as `packed` returns them.
    is_categorical : ndarray of bool of shape (n_features,)
        Which columns are categories.
    """
    n_nodes, n_sets = arrays["n_nodes"].ravel(), arrays["n_sets"].ravel()
    lengths = {len(arrays[name]) for name in ("number", *_WHOLE)}
    valid = lengths == {n_nodes.sum()} and len(arrays["sets"]) == n_sets.sum()
    if valid:
        branch = arrays["is_leaf"] == 0
        own = np.concatenate([np.arange(n) for n in n_nodes])[branch]
        last = np.repeat(n_nodes, n_nodes)[branch] - 1
        sides = np.stack([arrays["left"][branch], arrays["right"][branch]])
        column = arrays["feature_idx"][branch]
        of_sets = arrays["is_categorical"][branch] == 1
        sets, known_sets = (
            values[branch][of_sets] for values in (arrays["bitset_idx"], np.repeat(n_sets, n_nodes))
        )
        valid = bool(
            (own < sides).all()  # so that a walk ends
            and (sides <= last).all()
            and ((column >= 0) & (column < len(is_categorical))).all()
            and is_categorical[column[of_sets]].all()
            and ((sets >= 0) & (sets < known_sets)).all()
        )
    if not valid:
        raise ValueError("The trees of the saved model are damaged. Save the model again.")


def unpacked(arrays: dict[str, npt.NDArray[Any]]) -> list[list[Any]]:
    """Return trees that predict the same as those that have been packed."""
    is_leaf = arrays["is_leaf"].astype(bool)
    fields = {
        "value": np.where(is_leaf, arrays["number"], 0),
        "num_threshold": np.where(is_leaf, 0, arrays["number"]),
        **{name: arrays[name] for name in _WHOLE},
    }
    sets = np.zeros((len(arrays["sets"]), 8), dtype=np.uint32)  # of 256 categories
    sets[:, : arrays["sets"].shape[1]] = arrays["sets"]
    n_nodes, n_sets = arrays["n_nodes"], arrays["n_sets"]
    ends, ends_of_sets = n_nodes.cumsum(), n_sets.cumsum()
    trees = []
    for end, n, end_of_sets, k in zip(
        ends, n_nodes.ravel(), ends_of_sets, n_sets.ravel(), strict=True
    ):
        own = {name: values[end - n : end] for name, values in fields.items()}
        trees.append(tree_of_nodes(own, sets[end_of_sets - k : end_of_sets].copy()))
    n_iterations, n_outputs = n_nodes.shape
    return [trees[i * n_outputs : (i + 1) * n_outputs] for i in range(n_iterations)]


def _narrow(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return integers of at least 0 in the smallest type that has them all."""
    return values.astype(np.min_scalar_type(values.max()))
