import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from skmlp._tables.words import as_numbers, as_words, is_number


def objects(*values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([3, 3.0, np.int8(3), np.float32(3), Decimal(3), Decimal("3.0"), Fraction(3)], "3"),
        ([0.1, np.float32(0.1), Decimal("0.1")], "0.1"),
        ([True, 1, np.True_], "1"),
        (["é", "é".encode()], "é"),
        ([dt.date(2021, 7, 1)], "2021-07-01"),
        ([None, pd.NA, np.nan, pd.NaT, Decimal("sNaN")], None),
        ([float("inf"), np.inf], "inf"),
        ([2**70], str(2**70)),
        ([10**400, Fraction(10**400)], str(10**400)),
    ],
)
def test_the_same_value_of_any_type_is_the_same_text(values, word):
    assert as_words(objects(*values)).tolist() == [word] * len(values)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("1.5", 1.5),
        (" -2e3 ", -2000),
        (b"7", 7),
        ("True", 1),
        (False, 0),
        (Decimal("0.5"), 0.5),
        (10**400, np.inf),
        (-(10**400), -np.inf),
        ("ten", np.nan),
        ("", np.nan),
        (dt.date(2021, 1, 1), np.nan),
        (None, np.nan),
        (pd.NA, np.nan),
        (Decimal("sNaN"), np.nan),
        (np.timedelta64(5, "D"), np.nan),
    ],
)
def test_what_reads_as_which_number(value, number):
    np.testing.assert_array_equal(as_numbers(objects(value)), [number])


def test_numbers_are_told_by_their_type():
    assert all(map(is_number, [1, 1.5, True, np.int8(1), Decimal(1), Fraction(1, 2)]))
    assert not any(map(is_number, ["1", None, dt.timedelta(1), np.timedelta64(1, "D"), b"1"]))
