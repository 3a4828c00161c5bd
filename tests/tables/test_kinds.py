import datetime as dt

import numpy as np
import pandas as pd
import pytest

from skmlp._tables.kinds import kind_of, name_of_kind

DATE, CLOCK, SPAN = dt.date(2021, 1, 1), dt.time(1), dt.timedelta(1)


def objects(*values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([1.0, np.nan]), "number"),
        (np.array(["2021-01-01"], "M8[us]"), "time"),
        (np.array([1], "m8[us]"), "duration"),
        (np.array([np.nan]), "empty"),
        (np.array(["NaT"], "M8[us]"), "empty"),
        (objects(None, pd.NA), "empty"),
        (objects(1, None, 2.5, True), "number"),
        (objects("a", None), "words"),
        (objects("1", "2"), "words"),
        (objects(1, "a"), "words"),
        (objects(DATE, pd.NaT), "time"),
        (objects("2021-01-01", None), "time"),
        (objects("2021-01-01", DATE), "time"),
        (objects(*["2021-01-01"] * 19, "never"), "time"),
        (objects(*["2021-01-01"] * 18, "never"), "words"),
        (objects(*["2021-01-01"] * 100, *["never"] * 100), "words"),
        (objects(DATE, 1), "words"),
        (objects(CLOCK), "clock"),
        (objects(SPAN, None), "duration"),
        (objects(SPAN, CLOCK), "duration"),
        (objects(np.timedelta64(1, "D"), None), "duration"),
    ],
)
def test_the_kind_of_a_column(values, kind):
    assert kind_of(values) == kind
    assert name_of_kind(kind)


def test_categories_are_words_whatever_they_are():
    assert kind_of(objects(1, 2), category=True) == "words"
    assert kind_of(objects(None), category=True) == "empty"
