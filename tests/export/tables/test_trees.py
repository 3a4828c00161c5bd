"""Boosted trees in ONNX, against those of scikit-learn."""

from types import SimpleNamespace

import numpy as np
import pytest
from exported_tables import run_graph
from numpy.testing import assert_allclose, assert_array_equal

from skmlp._export.tables.inputs import Read
from skmlp._export.tables.learnt import Learnt
from skmlp._export.tables.trees import write_tree_columns, write_trees
from skmlp._tables.table_reader import Columns
from skmlp._tables.tree_columns import DenseCategories, TreeColumns
from skmlp._tables.trees import fit_trees

RNG = np.random.RandomState(0)
N = 600
N_VALUES = [3, 60, 12]
CODES = np.column_stack([RNG.randint(-1, n, N) for n in N_VALUES])
NUMBERS = RNG.normal(size=(N, 2)).astype(np.float32)
NUMBERS[::5, 0] = np.nan
LEARNT = RNG.normal(size=(N, 4)).astype(np.float32)
COLUMNS = TreeColumns(2, [np.ones(n) for n in N_VALUES]).transform(Columns(NUMBERS, CODES, []))
READ = Read("numbers", "codes", [], N_VALUES)
INPUTS = {
    "numbers": NUMBERS,
    "codes": np.where(CODES < 0, N_VALUES, CODES),
    "learnt": LEARNT,
}
OF_MEMBER = [np.array([0, 2]), np.array([1, 3])]


def member(rows, of_member, n_classes):
    """Return a member whose trees depend on what is missing and on categories."""
    y = (CODES * [1, 7, 5]).sum(axis=1) % 5 + np.isnan(NUMBERS[:, 0]) + (LEARNT[:, 0] > 0)
    categories = DenseCategories(COLUMNS[rows], 3)
    X = np.hstack([categories.transform(COLUMNS[rows]), LEARNT[rows][:, of_member]])
    settings = {"max_iter": 15, "categorical_features": np.arange(7) < 3, "random_state": 0}
    settings["min_samples_leaf"] = 3
    trees = fit_trees(settings, X, y.astype(int)[rows] % n_classes, None, None)
    return SimpleNamespace(trees_=trees, categories_=categories)


def scores_of(each, of_member):
    X = np.hstack([each.categories_.transform(COLUMNS), LEARNT[:, of_member]])
    return each.trees_.decision_function(X).reshape(N, -1)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_are_those_of_the_trees_of_all_members(n_classes):
    halves = np.arange(0, 300), np.flatnonzero(CODES[:, 1] > 8)
    members = [member(rows, of, n_classes) for rows, of in zip(halves, OF_MEMBER, strict=True)]
    learnt = Learnt("learnt", OF_MEMBER)

    def write(g):
        columns = write_tree_columns(g, READ, learnt, 31)
        return write_trees(g, columns, members, READ, learnt)

    expected = np.hstack([scores_of(*pair) for pair in zip(members, OF_MEMBER, strict=True)])
    assert_allclose(run_graph(write, INPUTS), expected, rtol=0, atol=1e-6)
    nodes = np.concatenate([t.nodes for it in members[0].trees_._predictors for t in it])
    branches = nodes[nodes["is_leaf"] == 0]
    assert {*branches["is_categorical"]} == {*branches["missing_go_to_left"]} == {0, 1}


def test_columns_of_trees_are_codes_numbers_and_what_is_learnt():
    learnt = Learnt("learnt", OF_MEMBER)
    found = run_graph(lambda g: write_tree_columns(g, READ, learnt, 31), INPUTS)
    codes = np.where(CODES < 0, -1, CODES.clip(max=30))
    assert_array_equal(found, np.hstack([codes, NUMBERS, LEARNT]).astype(float), strict=True)


def test_there_may_be_numbers_alone():
    read = Read("numbers", None, [], [])
    learnt = Learnt(None, [np.empty(0, int)])
    found = run_graph(lambda g: write_tree_columns(g, read, learnt, 31), {"numbers": NUMBERS})
    assert_array_equal(found, NUMBERS.astype(float), strict=True)
