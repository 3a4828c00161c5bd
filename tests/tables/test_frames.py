import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from skmlp._tables.frames import as_table, columns_of

NAMED = {
    "pandas": pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
    "polars": pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
}


@pytest.mark.parametrize("frame", NAMED.values(), ids=NAMED)
def test_columns_of_a_frame_have_names(frame):
    columns = columns_of(frame)
    assert [column.name for column in columns] == ["column 'a'", "column 'b'"]
    assert [list(column.data) for column in columns] == [[1, 2], ["x", "y"]]


@pytest.mark.parametrize("X", [np.eye(2), [[1, 0], [0, 1]], ((1, 0), (0, 1))])
def test_columns_of_an_array_or_a_list_have_positions(X):
    columns = columns_of(X)
    assert [column.name for column in columns] == ["column 0", "column 1"]
    assert [column.data.tolist() for column in columns] == [[1, 0], [0, 1]]


def test_an_object_that_is_an_array_is_taken_as_one():
    class Array:
        def __array__(self, dtype=None, copy=None):
            return np.eye(2)

    assert as_table(Array()).shape == (2, 2)


def test_a_frame_of_dask_is_refused_with_the_remedy():
    class Frame:
        dask, columns, shape = None, ["a"], (None, 1)

    with pytest.raises(ValueError, match=r"pass X\.compute"):
        columns_of(Frame())


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_matrix])
def test_sparse_tables_are_refused_with_the_remedy(kind):
    with pytest.raises(TypeError, match="toarray"):
        columns_of(kind(np.eye(3)))


@pytest.mark.parametrize("X", [[[1, 2], [3]], [[1], []], [(1, 2), (1, 2, 3)]])
def test_rows_of_different_lengths_are_refused(X):
    with pytest.raises(ValueError, match="different lengths"):
        columns_of(X)


@pytest.mark.parametrize("shape", [(3,), (), (2, 2, 2)])
def test_what_has_not_two_dimensions_is_refused(shape):
    with pytest.raises(ValueError, match="Reshape your data"):
        columns_of(np.zeros(shape))


def test_all_names_that_occur_twice_are_named():
    with pytest.raises(ValueError, match="several columns named 'b', 'a'"):
        columns_of(pd.DataFrame(np.eye(5), columns=[*"babca"]))
