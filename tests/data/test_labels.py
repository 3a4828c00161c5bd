"""Target values of any container as plain arrays; their distinct values and positions."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from skmlp._data.labels import check_class_labels, distinct_labels, plain_labels, positions

LARGE = [2**53, 2**53 + 1, 2**53]
MISSING = "Input labels contains NaN or other missing values.*in 1 of 3 rows.*row 1.*Leave out"


# --- Plain arrays -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "values", "dtype"),
    [
        (pd.Series(LARGE, dtype="Int64"), LARGE, np.int64),
        (pd.Series(LARGE, dtype="UInt64"), LARGE, np.integer),
        (pd.array(LARGE, dtype="Int64"), LARGE, np.int64),
        (pd.Series([True, False], dtype="boolean"), [True, False], bool),
        (pd.DataFrame({"a": [1, 0], "b": [1, 1]}, dtype="Int64"), [[1, 1], [0, 1]], np.int64),
        (pd.DataFrame({"a": [True, False]}, dtype="boolean"), [[True], [False]], bool),
        (pd.Series(LARGE, dtype=object), LARGE, np.int64),
        (np.array(LARGE, dtype=object), LARGE, np.int64),
        (np.array([np.int8(3), np.int64(4)], dtype=object), [3, 4], np.int64),
        (np.array([True, np.bool_(False)], dtype=object), [True, False], bool),
        (np.array([True, 2], dtype=object), [1, 2], np.int64),
        (np.array([1, 2.0], dtype=object), [1.0, 2.0], np.float64),
        (np.array([2**63, 1], dtype=object), [2**63, 1], np.uint64),
        ([2**63, 1], [2**63, 1], np.uint64),
        ([1, 0], [1, 0], np.int64),
        ([1.0, 0.0], [1.0, 0.0], np.float64),
        ([True, False], [True, False], bool),
        (["a", "bc"], ["a", "bc"], "<U2"),
        (pl.Series(LARGE), LARGE, np.int64),
        (pl.Series([True, False]), [True, False], bool),
        (pd.Series(["a", "b"], dtype="category"), ["a", "b"], object),
        (pd.Series([3, 4], dtype="category"), [3, 4], np.int64),
        (np.array([1, 2], dtype=np.int8), [1, 2], np.int8),
        (np.ma.array([1, 2], mask=False), [1, 2], np.int64),
    ],
)
def test_values_and_kinds_are_kept_exactly(y, values, dtype):
    plain = plain_labels(y)
    assert type(plain) is np.ndarray
    # older versions of pandas hand unsigned integers on as objects
    assert plain.dtype.kind in "iu" if dtype is np.integer else plain.dtype == dtype
    assert plain.tolist() == values


@pytest.mark.parametrize("dtype", ["int64[pyarrow]", "uint64[pyarrow]"])
def test_integers_of_pyarrow_are_kept_exactly(dtype):
    pytest.importorskip("pyarrow")
    assert plain_labels(pd.Series(LARGE, dtype=dtype)).tolist() == LARGE
    assert plain_labels(pd.Series([True, False], dtype="bool[pyarrow]")).dtype == bool


def test_what_is_no_array_is_left_to_validation():
    for y in (None, 3, [[1], [1, 2]], sparse.csr_matrix(np.eye(2))):
        assert plain_labels(y) is y


@pytest.mark.parametrize(
    "y",
    [
        np.array([1.0, np.nan, 2.0]),
        np.array(["a", None, "b"], dtype=object),
        np.array(["a", np.nan, "b"], dtype=object),
        np.array([1, np.float32("nan"), 2], dtype=object),
        np.array([1, pd.NA, 2], dtype=object),
        np.array([1, pd.NaT, 2], dtype=object),
        np.array([[1, 0], [0, None], [1, 1]], dtype=object),
        np.array(["2020", "NaT", "2021"], dtype="M8[D]"),
        ["a", None, "b"],
        ["a", float("nan"), "b"],
        [1, None, 2],
        pd.Series(["a", None, "b"]),
        pd.Series(["a", None, "b"], dtype="string"),
        pd.Series(["a", None, "b"], dtype="category"),
        pd.Series([1, None, 2], dtype="Int64"),
        pd.Series([True, None, False], dtype="boolean"),
        pd.Series([pd.Timestamp("2020"), pd.NaT, pd.Timestamp("2021")]),
        pl.Series([1, None, 2]),
        pl.Series(["a", None, "b"]),
        pl.Series([True, None, False]),
    ],
)
def test_missing_values_are_refused_with_row_and_remedy(y):
    with pytest.raises(ValueError, match=MISSING):
        plain_labels(y, "labels")


def test_masked_values_are_refused():
    with pytest.raises(ValueError, match=r"labels is a masked.*1 of 2 values.*labels\.filled"):
        plain_labels(np.ma.array([1, 2], mask=[True, False]), "labels")


# --- Class labels -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.5, 1.0], "Unknown label type: continuous"),
        (np.array([1, 0.5], dtype=object), "Unknown label type: continuous"),
        ([1, "a"], r"labels is an object array.*type int, str.*labels\.astype\(str\)"),
        (np.array([1, "a"], dtype=object), "type int, str"),
        ([2**63, -1], "type int.*at most 64 bits"),
        ([2**70, 1], "type int.*at most 64 bits"),
        (np.array([datetime.date(2020, 1, 1)], dtype=object), "type date"),
        (pd.Series(pd.to_datetime(["2020"], utc=True)), "type Timestamp"),
    ],
)
def test_values_that_are_no_class_labels_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        check_class_labels(plain_labels(y), "labels")


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (np.array(["b", "a", "b"]), np.array(["a", "b"])),
        (np.array(["b", "a", "b"], dtype=object), np.array(["a", "b"])),
        (np.array(["b", "a", "long"])[:2], np.array(["a", "b"])),
        (np.array([3, 1, 3], dtype=np.int8), np.array([1, 3], dtype=np.int8)),
        (np.array([True, False]), np.array([False, True])),
        (np.array([2.0, 1.0]), np.array([1.0, 2.0])),
        (np.array(["2021", "2020"], "M8[D]"), np.array(["2020", "2021"], "M8[D]")),
    ],
)
def test_distinct_labels_are_sorted_and_no_wider_than_needed(y, expected):
    found = distinct_labels(y)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("y", "labels", "numbers", "unknown"),
    [
        (np.array([7, -2, 7]), np.array([-2, 7]), [1, 0, 1], []),
        (np.array([7.0, -2.0]), np.array([-2, 7]), [1, 0], []),
        (np.array([True, False]), np.array([0, 1]), [1, 0], []),
        (np.array([0, 2]), np.array([False, True]), None, [2]),
        (np.array([1e300, 1]), np.array([0, 1]), None, [1e300]),
        (np.array([8, 7, 6, 8]), np.array([-2, 7]), None, [6, 8]),
        (np.array(LARGE, dtype="u8"), np.array(LARGE[:2]), [0, 1, 0], []),
        (np.array(["b", "zz"]), np.array(["a", "b"]), None, ["zz"]),
        (np.array(["b", "a"], dtype=object), np.array(["a", "b"]), [1, 0], []),
        (np.array(["b", "ab"], dtype=object), np.array(["a", "b"]), None, ["ab"]),
        (np.array(["1", "2"]), np.array([1, 2]), None, ["1", "2"]),
        (np.array([1, 2]), np.array(["1", "2"]), None, [1, 2]),
        (np.array(["2021"], "M8[s]"), np.array(["2020", "2021"], "M8[Y]"), [1], []),
    ],
)
def test_positions_in_the_labels_and_what_is_unknown(y, labels, numbers, unknown):
    found, missing = positions(y, labels)
    assert missing.tolist() == unknown
    if numbers is not None:
        assert found.tolist() == numbers


def test_text_is_sorted_at_most_once_and_never_to_encode_it(monkeypatch):
    y = np.array(["b", "a", "c"])[np.arange(3000) % 3]
    sorts = []
    unique = np.unique
    monkeypatch.setattr(np, "unique", lambda *a, **k: sorts.append(len(a[0])) or unique(*a, **k))
    labels = distinct_labels(y)
    positions(y, labels)
    assert sorts == [3000]
