"""The boosted trees of all members as one node of the graph."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._compat import baseline_of_trees, predictors_of_trees
from skmlp._engine.types import IndexArray
from skmlp._export.onnx_model import NUMBER, OnnxGraph
from skmlp._export.tables.inputs import ML, Read
from skmlp._export.tables.learnt import Learnt

_UNKNOWN = -1


def write_tree_columns(g: OnnxGraph, read: Read, learnt: Learnt, n_codes: int) -> str:
    """Write the columns of all members' trees: codes, numbers, and all that is learnt.

    Parameters
    ----------
    g : OnnxGraph
        The graph.
    read, learnt : Read, Learnt
        What has been read from the table, and what is learnt from targets.
    n_codes : int
        Number of different codes that trees have; rarer values have the last one.

    Returns
    -------
    columns : str
        Name of the columns in float64. A word that is not known has the code -1.
    """
    parts = []
    if read.codes is not None:
        unknown = g("Equal", read.codes, np.array([read.n_values]))
        codes = g("Min", read.codes, np.array([[n_codes - 1]]))
        codes = g("Where", unknown, np.array([[_UNKNOWN]]), codes)
        parts.append(g("Cast", codes, to=NUMBER["float32"]))
    parts += [part for part in (read.numbers, learnt.features) if part is not None]
    return g("Cast", g("Concat", *parts, axis=1), to=NUMBER["float64"])


def write_trees(
    g: OnnxGraph, columns: str, members: Sequence[Any], read: Read, learnt: Learnt
) -> str:
    """Write the trees of all members.

    Parameters
    ----------
    g : OnnxGraph
        The graph.
    columns : str
        Name of the columns, as from `write_tree_columns`.
    members : sequence of Member
        The members.
    read, learnt : Read, Learnt
        What has been read from the table, and what is learnt from targets.

    Returns
    -------
    scores : str
        Name of the raw predictions in float64, of shape (n, n_members * n_outputs).
    """
    forest = _Forest()
    baselines: list[float] = []
    for member, of_member in zip(members, learnt.of_member, strict=True):
        trees = member.trees_
        n_raw = trees.n_features_in_ - len(of_member)
        column_of = np.concatenate([np.arange(n_raw), n_raw + of_member])
        sides = _Sides(member.categories_.table_, read.n_values)
        for iteration in predictors_of_trees(trees):
            for k, tree in enumerate(iteration):
                forest.add(tree, column_of, sides, len(baselines) + k)
        baselines += baseline_of_trees(trees).ravel().tolist()
    sums = forest.write(g, columns, len(baselines))
    g = g.in_precision("float64")
    return g("Add", g("Cast", sums, to=NUMBER["float64"]), np.array([baselines]))


class _Sides:
    """Which codes of a column of words go left at a split of a member's trees.

    Parameters
    ----------
    table : ndarray of shape (n_words, n_codes + 1)
        The member's own code of each code, NaN where its training rows have none.
    n_values : sequence of int
        Number of values of each column of words.
    """

    def __init__(self, table: npt.NDArray[Any], n_values: Sequence[int]) -> None:
        self._own = [
            [np.nan, *own[: min(n, len(own) - 1)]] for own, n in zip(table, n_values, strict=True)
        ]

    def left(self, node: Any, bitset: npt.NDArray[np.uint32]) -> list[bool]:
        """Return whether each code goes left, from -1, that of words that are not known, on."""
        return [
            bool(node["missing_go_to_left"] if np.isnan(own) else _has(bitset, int(own)))
            for own in self._own[node["feature_idx"]]
        ]


def _has(bitset: npt.NDArray[np.uint32], value: int) -> bool:
    return bool(int(bitset[value // 32]) >> (value % 32) & 1)


class _Forest:
    """Trees as the attributes of TreeEnsembleRegressor."""

    def __init__(self) -> None:
        self._attributes: dict[str, list[Any]] = defaultdict(list)
        self._thresholds: list[float] = []
        self._weights: list[float] = []
        self._n_trees = 0

    def add(self, tree: Any, column_of: IndexArray, sides: _Sides, target: int) -> None:
        """Add a tree whose leaves count for one target."""
        n_nodes = len(tree.nodes)
        for i, node in enumerate(tree.nodes):
            column = int(column_of[node["feature_idx"]])
            left, right = int(node["left"]), int(node["right"])
            if node["is_leaf"]:
                self._add_leaf(i, target, node["value"])
            elif node["is_categorical"]:
                side = sides.left(node, tree.raw_left_cat_bitsets[node["bitset_idx"]])
                n_nodes = self._add_runs(i, n_nodes, column, side, left, right)
            else:
                branches = left, right, node["missing_go_to_left"]
                self._add_branch(i, column, node["num_threshold"], *branches)
        self._n_trees += 1

    def write(self, g: OnnxGraph, columns: str, n_targets: int) -> str:
        """Write the trees, and return the name of the sums of each target."""
        from onnx import numpy_helper

        attributes: dict[str, Any] = {
            "domain": ML,
            "n_targets": n_targets,
            "nodes_values_as_tensor": numpy_helper.from_array(np.array(self._thresholds)),
            "target_weights_as_tensor": numpy_helper.from_array(np.array(self._weights)),
            **self._attributes,
        }
        return g("TreeEnsembleRegressor", columns, **attributes)

    def _add_runs(
        self, i: int, n_nodes: int, column: int, side: Sequence[bool], left: int, right: int
    ) -> int:
        """Add a split by codes: a branch for each run of codes that go the same way.

        Returns the number of nodes of the tree; the first branch has the number of the split.
        """
        ends = [code for code in range(len(side) - 1) if side[code] != side[code + 1]]
        ends = ends or [len(side) - 1]
        for n, end in enumerate(ends):
            this, other = (left, right) if side[end] else (right, left)
            is_last = n == len(ends) - 1
            self._add_branch(i, column, _UNKNOWN + end, this, other if is_last else n_nodes, False)
            if not is_last:
                i, n_nodes = n_nodes, n_nodes + 1
        return n_nodes

    def _add_leaf(self, i: int, target: int, value: float) -> None:
        self._add_node(i, "LEAF", 0, 0.0, 0, 0, False)
        self._attributes["target_treeids"].append(self._n_trees)
        self._attributes["target_nodeids"].append(i)
        self._attributes["target_ids"].append(target)
        self._weights.append(float(value))

    def _add_branch(self, i: int, column: int, threshold: float, *branches: Any) -> None:
        self._add_node(i, "BRANCH_LEQ", column, threshold, *branches)

    def _add_node(self, i: int, mode: str, column: int, threshold: float, *branches: Any) -> None:
        true, false, missing_is_true = branches
        values: Iterable[tuple[str, Any]] = {
            "treeids": self._n_trees,
            "nodeids": i,
            "featureids": column,
            "modes": mode,
            "truenodeids": true,
            "falsenodeids": false,
            "missing_value_tracks_true": int(missing_is_true),
        }.items()
        for name, value in values:
            self._attributes[f"nodes_{name}"].append(value)
        self._thresholds.append(float(threshold))
