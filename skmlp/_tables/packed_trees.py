"""Boosted trees that are saved as a few plain arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from skmlp._compat import tree_of_nodes

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


class PackedTrees(HistGradientBoostingClassifier):
    """HistGradientBoostingClassifier whose saved state has arrays in place of its trees.

    The arrays hold what prediction needs, in less than half of the space. skops files with them
    need no trust in types of scikit-learn that are not public.
    """

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, with the trees as arrays."""
        state = super().__getstate__()
        if "_predictors" in state:
            state = {**state, "_packed": packed(state["_predictors"])}
            del state["_predictors"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes, and make trees of the arrays."""
        state = {**state}
        if "_packed" in state:
            state["_predictors"] = unpacked(state.pop("_packed"))
        super().__setstate__(state)


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
