import numpy as np
from numpy.testing import assert_array_equal

from skmlp._tables.table_reader import Columns
from skmlp._tables.tree_columns import DenseCategories, TreeColumns


def test_categories_come_first_and_rare_ones_are_one():
    numbers = np.array([[1.5], [np.nan], [2.0]], dtype=np.float32)
    codes = np.array([[0], [77], [-1]], dtype=np.int32)
    columns = TreeColumns(1, [np.full(100, 3)])
    found = columns.transform(Columns(numbers, codes, []))
    assert_array_equal(found, [[0, 1.5], [30, np.nan], [np.nan, 2]])
    assert columns.categorical_.tolist() == [True, False]


def test_rows_that_cannot_be_told_apart_have_a_column_still():
    empty = Columns(np.empty((2, 0), np.float32), np.empty((2, 0), np.int32), [])
    columns = TreeColumns(0, [])
    assert_array_equal(columns.transform(empty), [[0], [0]])
    assert columns.categorical_.tolist() == [False]


def test_codes_of_categories_have_no_gaps():
    train = np.array([[7, 30, 0.5], [2, np.nan, 1.5], [7, 0, np.nan]], dtype=np.float32)
    categories = DenseCategories(train, 2)
    assert_array_equal(categories.transform(train), [[1, 1, 0.5], [0, np.nan, 1.5], [1, 0, np.nan]])
    new = np.array([[3, 29, 7]], dtype=np.float32)
    assert_array_equal(categories.transform(new), [[np.nan, np.nan, 7]])
