import datetime as dt

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmlp._tables.times import Times, as_seconds, as_times, is_duration, is_time

NOON = np.datetime64("2021-07-01T12:00", "us")


def objects(*values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.mark.parametrize(
    "value",
    [
        dt.datetime(2021, 7, 1, 12),
        dt.datetime(2021, 7, 1, 14, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        pd.Timestamp("2021-07-01T12:00"),
        np.datetime64("2021-07-01T12", "h"),
        pd.Period("2021-07-01T12", "h"),
        "2021-07-01T12:00:00Z",
        " 2021-07-01 14:00:00.000+02:00 ",
    ],
)
def test_the_same_time_of_any_type(value):
    assert as_times(objects(value)) == NOON


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
@pytest.mark.parametrize("zone", ["+05:00", "-05:00"])
def test_the_ends_of_the_calendar_have_a_time_in_any_zone(time, zone):
    distance = as_times(objects(time + zone))[0] - np.datetime64(time, "us")
    assert abs(distance) <= np.timedelta64(5, "h")


@pytest.mark.parametrize("value", [None, pd.NaT, "2021", "2021-13-01", "20210701", "soon", 5, 1.5])
def test_what_is_no_time(value):
    assert np.isnat(as_times(objects(value))[0])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (dt.timedelta(hours=1), 3600),
        (np.timedelta64(1500, "ms"), 1.5),
        (np.timedelta64(2, "M"), 2 * 365.2425 / 12 * 86_400),
        (np.timedelta64(5), 5e-6),
        (pd.Timedelta("-1h"), -3600),
        (dt.time(1, 2, 3, 500_000), 3723.5),
        (None, np.nan),
        (pd.NaT, np.nan),
        ("1h", np.nan),
    ],
)
def test_durations_in_seconds(value, seconds):
    assert_array_equal(as_seconds(objects(value)), [seconds])


def test_types_of_times_and_durations_are_told_apart():
    assert [is_time(v) for v in (dt.date(2021, 1, 1), dt.time(1), dt.timedelta(1), "x")] == [
        True, False, False, False,
    ]  # fmt: skip
    assert [is_duration(v) for v in (dt.date(2021, 1, 1), dt.time(1), dt.timedelta(1), "x")] == [
        False, True, True, False,
    ]  # fmt: skip


def times(*text):
    return np.array(text, dtype="M8[us]")


def test_days_are_counted_from_the_median():
    rows = times("2021-07-01", "2021-07-03", "NaT", "2021-07-02")
    assert_array_equal(Times(rows).features(rows), np.array([[-1, 1, np.nan, 0]]).T)


@pytest.mark.parametrize(
    ("rows", "cycles"),
    [
        (times("2021-07-01"), []),
        (times("2021-07-01", "2021-07-02"), []),
        (times("2021-07-01", "2021-07-01T05"), ["day"]),
        (times("2021-07-01", "2021-07-15"), []),
        (times("2021-07-01", "2021-07-16"), ["week"]),
        (times("2020-07-01", "2021-07-20T01"), ["day", "week", "year"]),
    ],
)
def test_cycles_are_those_within_which_the_training_rows_differ(rows, cycles):
    assert Times(rows).cycles_ == cycles


def test_cycles_are_sines_and_cosines_of_their_length():
    rows = times("2021-07-01T00", "2021-07-01T06", "2021-07-01T12")
    assert_allclose(Times(rows).features(rows)[:, 1:], [[0, 1], [1, 0], [0, -1]], atol=1e-9)
