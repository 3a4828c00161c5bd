import datetime as dt

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmlp._tables.readers import READERS, WordReader, check_readable


def objects(*values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def read(kind, train, values=None):
    return READERS[kind](train).read(train if values is None else values)


def test_infinities_become_the_extremes_of_the_training_rows():
    train = np.array([1.0, 5.0, np.inf])
    found = read("number", train, np.array([np.inf, -np.inf, np.nan, 9.0])).numbers
    assert found.dtype == np.float32
    assert_array_equal(found, np.array([[5, 1, np.nan, 9]]).T)


def test_numbers_that_float32_cannot_tell_apart_are_centred():
    train = 1e9 + np.arange(5.0)
    assert_array_equal(read("number", train).numbers[:, 0], np.arange(5) - 2)
    assert_array_equal(read("number", np.arange(5.0)).numbers[:, 0], np.arange(5))


@pytest.mark.parametrize("value", [1e300, -1e300])
def test_numbers_beyond_float32_are_finite(value):
    found = read("number", np.array([0.0, 1.0]), np.array([value])).numbers
    assert np.isfinite(found).all()
    assert np.sign(found) == np.sign(value)


def test_durations_are_days_and_times_of_day_have_a_cycle():
    assert_array_equal(read("duration", objects(dt.timedelta(hours=12))).numbers, [[0.5]])
    assert_allclose(read("clock", objects(dt.time(6))).numbers, [[0.25, 1, 0]], atol=1e-6)


def test_words_are_numbered_by_frequency():
    reader = WordReader(objects("b", "a", None, "a", None, None))
    assert reader.counts_.tolist() == [3, 2, 1]
    assert reader.encode(objects("a", "b", None, "c")).tolist() == [1, 2, 0, -1]
    assert WordReader(objects("a")).encode(objects(None)).tolist() == [-1]


@pytest.mark.parametrize(
    ("values", "is_number"),
    [
        (["1", "2", "3", "4", "x"], True),
        (["1", "2", "3", "x", "y"], False),
        (["1", "2", "3", None, None], True),
        (["1", "2", "1"], False),
    ],
)
def test_text_that_mostly_reads_as_numbers_is_also_a_number(values, is_number):
    column = read("words", objects(*values))
    assert column.numbers.shape == (len(values), int(is_number))
    assert column.words.tolist() == values


def test_an_empty_column_has_no_features():
    assert read("empty", objects(None, None)).numbers.shape == (2, 0)


@pytest.mark.parametrize("kind", READERS)
def test_every_reader_accepts_missing_entries(kind):
    train = objects("2021-01-01", "2022-01-01") if kind == "time" else objects(1, 2)
    check_readable(READERS[kind](train), objects(None), "column 'a'")


def test_entries_of_another_kind_are_refused_by_name():
    reader = READERS["number"](objects(1, 2))
    check_readable(reader, objects("1", "x"), "column 'a'")
    with pytest.raises(ValueError, match="column 'a' had numbers in fit, but has dates now"):
        check_readable(reader, objects(dt.date(2021, 1, 1)), "column 'a'")
