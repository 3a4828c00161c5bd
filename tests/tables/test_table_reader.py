import numpy as np
import pandas as pd
from numpy.testing import assert_array_equal

from skmlp._tables.table_reader import TableReader

TABLE = pd.DataFrame(
    {
        "size": [1.0, np.nan, 3.0, 4.0],
        "word": ["a", "b", "b", None],
        "empty": [None] * 4,
        "code": pd.Categorical([7, 7, 8, 9]),
    }
)


def test_a_table_becomes_numbers_and_codes():
    columns = TableReader().fit(TABLE).transform(TABLE)
    assert_array_equal(columns.numbers, np.array([[1, np.nan, 3, 4], [7, 7, 8, 9]]).T)
    assert_array_equal(columns.codes, np.array([[1, 0, 0, 2], [0, 0, 1, 2]]).T)
    assert [words.tolist() for words in columns.words] == [
        ["a", "b", "b", None],
        ["7", "7", "8", "9"],
    ]


def test_only_the_given_rows_decide():
    reader = TableReader().fit(TABLE, np.array([0, 3]))
    assert [counts.tolist() for counts in reader.counts_] == [[1, 1], [1, 1]]
    assert_array_equal(reader.transform(TABLE).codes[:, 0], [0, -1, -1, 1])


def test_rows_can_be_taken():
    columns = TableReader().fit(TABLE).transform(TABLE)
    taken = columns.take(np.array([2, 0]))
    assert_array_equal(taken.numbers, columns.numbers[[2, 0]])
    assert_array_equal(taken.codes, columns.codes[[2, 0]])
    assert taken.words[0].tolist() == ["b", "a"]


def test_a_table_without_words_or_without_numbers():
    numbers = TableReader().fit(np.eye(3)).transform(np.eye(3))
    assert numbers.codes.shape == (3, 0)
    words = TableReader().fit([["a"], ["b"]]).transform([["a"], ["b"]])
    assert words.numbers.shape == (2, 0)


def test_the_entries_of_one_column_can_be_reordered():
    table = TABLE.assign(last=[5.0, 6.0, 7.0, 8.0])
    reader = TableReader().fit(table)
    columns, order = reader.transform(table), np.array([3, 2, 1, 0])
    for j, name in enumerate(table):
        expected = table.copy()
        expected[name] = table[name].take(order).array
        found, read = reader.reordered(columns, j, order), reader.transform(expected)
        assert_array_equal(found.numbers, read.numbers)
        assert_array_equal(found.codes, read.codes)
        assert [words.tolist() for words in found.words] == [w.tolist() for w in read.words]
