from collections import deque
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from skmlp._tables.frames import NamedColumn, columns_of
from skmlp._tables.values import is_category, is_missing, missing_entries, plain_values


def column(values, **kwargs):
    return columns_of(pd.DataFrame({"a": pd.Series(values, **kwargs)}))[0]


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        ("int8", "f8"),
        ("Float32", "f8"),
        ("bool", "f8"),
        ("M8[s]", "M8[us]"),
        ("m8[ns]", "m8[us]"),
        ("object", "O"),
        ("category", "O"),
    ],
)
def test_entries_are_of_one_of_four_kinds(dtype, kind):
    assert plain_values(column([1, 0], dtype=dtype)).dtype == kind


def test_a_zone_is_converted_to_utc():
    times = pd.Series(pd.to_datetime(["2021-07-01T12:00"])).dt.tz_localize("Europe/Berlin")
    assert plain_values(column(times)).tolist() == [pd.Timestamp("2021-07-01T10:00")]


@pytest.mark.parametrize(
    "value",
    [
        None,
        np.nan,
        pd.NA,
        pd.NaT,
        Decimal("nan"),
        Decimal("sNaN"),
        np.float32("nan"),
        np.datetime64("NaT", "ns"),
    ],
)
def test_what_is_missing(value):
    assert is_missing(value)
    assert missing_entries(np.array([value, "x"], dtype=object)).tolist() == [True, False]


@pytest.mark.parametrize("value", ["nan", "", 0, False, b"", np.inf, Decimal("inf")])
def test_what_is_not_missing(value):
    assert not is_missing(value)


@pytest.mark.parametrize(("dtype", "expected"), [("category", True), (object, False), (int, False)])
def test_categories_are_told_by_their_type(dtype, expected):
    assert is_category(column([1, 2], dtype=dtype)) == expected


def test_a_type_that_pandas_cannot_convert_is_refused_by_name():
    class Series:
        dtype = "string_view"

        def isna(self):
            raise AssertionError("not needed")

        def astype(self, dtype):
            raise NotImplementedError("no kernel")

    with pytest.raises(
        ValueError, match=r"column 'a' has the type string_view.*no kernel.*Convert"
    ):
        plain_values(NamedColumn("column 'a'", Series()))


@pytest.mark.parametrize("entry", [bytearray(b"a"), deque([1]), pd.Series([1])])
def test_entries_that_cannot_be_compared_are_refused_by_name(entry):
    with pytest.raises(ValueError, match=r"column 'a' has entries of type .*Replace them"):
        plain_values(NamedColumn("column 'a'", pd.Series([entry, entry, "x"], dtype=object)))
