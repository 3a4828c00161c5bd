import numpy as np
from numpy.testing import assert_array_equal

from skmlp._tables.table_reader import Columns
from skmlp._tables.tree_columns import TreeColumns


def test_numbers_come_first_and_rare_categories_are_one():
    numbers = np.array([[1.5], [np.nan], [2.0]], dtype=np.float32)
    codes = np.array([[0], [77], [-1]], dtype=np.int32)
    columns = TreeColumns(1, [np.full(100, 3)])
    found = columns.transform(Columns(numbers, codes, []))
    assert_array_equal(found, [[1.5, 0], [np.nan, 30], [2, np.nan]])
    assert columns.categorical_.tolist() == [False, True]


def test_rows_that_cannot_be_told_apart_have_a_column_still():
    empty = Columns(np.empty((2, 0), np.float32), np.empty((2, 0), np.int32), [])
    columns = TreeColumns(0, [])
    assert_array_equal(columns.transform(empty), [[0], [0]])
    assert columns.categorical_.tolist() == [False]
