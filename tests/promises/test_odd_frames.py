"""Any table is learnt, or refused by an error that names the column and the remedy."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from odd_frames import LABELS, LEARNT, NUMBERS, PANDAS, REFUSED, ROWS, STAMPS, TIMES, WORDS

from skmlp import TabularClassifier, TabularRegressor
from skmlp._tables.table_reader import TableReader

SMALL = {"hidden_layer_sizes": (4,), "max_iter": 2}
MODEL = TabularClassifier(SMALL, {"max_iter": 2}, n_members=1, random_state=0)


@pytest.mark.parametrize("table", LEARNT.values(), ids=LEARNT)
@pytest.mark.filterwarnings("error", "ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_table_is_learnt(table):
    proba = MODEL.fit(table, LABELS).predict_proba(table)
    assert proba.shape == (len(LABELS), 3)
    assert np.isfinite(proba).all()
    assert MODEL.reader_.transform(table).numbers.dtype == np.float32
    few = MODEL.predict_proba(table[:2])
    assert_allclose(few, proba[:2], rtol=1e-4)


@pytest.mark.parametrize("name", ["infinities", "numbers, text and gaps", "dates with gaps"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_table_is_learnt_by_the_regressor(name):
    table = LEARNT[f"pandas: {name}"]
    model = TabularRegressor(SMALL, n_members=1, random_state=0).fit(table, NUMBERS)
    assert np.isfinite(model.predict(table)).all()


@pytest.mark.parametrize(("table", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_what_is_refused_is_named_with_the_remedy(kind, table, message):
    model = kind(SMALL, n_members=1)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        model.fit(table, NUMBERS if kind is TabularRegressor else LABELS)
    assert not hasattr(model, "n_features_in_")


@pytest.mark.parametrize("name", PANDAS)
def test_the_same_values_as_objects_are_read_alike(name):
    table = pd.DataFrame({"odd": PANDAS[name]})
    reader = TableReader().fit(table)
    as_objects = pd.DataFrame({"odd": table["odd"].astype(object)}, dtype=object)
    expected, found = reader.transform(table), reader.transform(as_objects)
    assert_array_equal(found.numbers, expected.numbers)
    assert_array_equal(found.codes, expected.codes)


FLOATS = pd.Series(ROWS % 4).astype(float)
OTHER_TYPES = {
    "integers": (ROWS % 4, FLOATS),
    "nullable integers": (FLOATS, FLOATS.astype("Int64")),
    "numbers as text": (FLOATS, FLOATS.astype(str)),
    "numbers as categories": (FLOATS, FLOATS.astype("category")),
    "numbers as bytes": (FLOATS, [str(v).encode() for v in FLOATS]),
    "booleans as integers": (ROWS % 2 == 0, (ROWS + 1) % 2),
    "booleans as text": (ROWS % 2 == 0, ["True", "false"] * (len(ROWS) // 2)),
    "integers as booleans": (ROWS % 2, ROWS % 2 == 1),
    "categories as text": (pd.Categorical(WORDS), WORDS),
    "categories of integers as integers": (pd.Categorical(ROWS % 4), ROWS % 4),
    "categories of integers as floats": (pd.Categorical(ROWS % 4), FLOATS),
    "other categories": (pd.Categorical(WORDS), pd.Categorical(WORDS, [*sorted({*WORDS}), "new"])),
    "dates as text": (TIMES, STAMPS.astype(str)),
    "dates in a zone": (TIMES, STAMPS.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")),
    "dates as objects": (TIMES, TIMES.tolist()),
    "dates in nanoseconds": (TIMES, TIMES.astype("M8[ns]")),
}


@pytest.mark.parametrize(("train", "test"), OTHER_TYPES.values(), ids=OTHER_TYPES)
def test_the_same_values_of_another_type_are_read_alike(train, test):
    train, test = pd.DataFrame({"a": train}), pd.DataFrame({"a": test})
    reader = TableReader().fit(train)
    expected, found = reader.transform(train), reader.transform(test)
    assert_array_equal(found.numbers, expected.numbers)
    assert_array_equal(found.codes, expected.codes)


@pytest.mark.parametrize("odd", ["text", "dates in UTC", "durations", "categories", "int8"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_column_that_was_empty_in_training_may_hold_anything(odd):
    empty = pd.DataFrame({"number": ROWS, "odd": np.full(len(ROWS), np.nan)})
    model = MODEL.fit(empty, LABELS)
    found = model.predict_proba(LEARNT[f"pandas: {odd}"])
    assert_array_equal(found, model.predict_proba(empty))


@pytest.mark.parametrize("train", ["float64", "text", "dates with gaps", "durations"])
def test_a_column_that_is_empty_now_counts_as_missing(train):
    reader = TableReader().fit(LEARNT[f"pandas: {train}"])
    empty = pd.DataFrame({"number": ROWS, "odd": np.full(len(ROWS), None, dtype=object)})
    columns = reader.transform(empty)
    assert np.isnan(columns.numbers[:, 1:]).all()
    assert (columns.codes == -1).all()


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ("float64", "dates in UTC", "'odd' had numbers in fit, but has dates now. Convert"),
        ("float64", "durations", "'odd' had numbers in fit, but has durations now. Convert"),
        ("dates in UTC", "int8", "'odd' had dates in fit, but has numbers now. Convert"),
        ("durations", "int8", "'odd' had durations in fit, but has numbers now. Convert"),
        ("times of day", "text", "'odd' had times of day in fit, but has text now. Convert"),
    ],
)
def test_what_cannot_be_read_as_in_fit_is_named(train, test, message):
    reader = TableReader().fit(LEARNT[f"pandas: {train}"])
    with pytest.raises(ValueError, match=message):
        reader.transform(LEARNT[f"pandas: {test}"])


def test_text_where_numbers_were_counts_as_missing():
    reader = TableReader().fit(LEARNT["pandas: float64"])
    columns = reader.transform(LEARNT["pandas: text"])
    assert np.isnan(columns.numbers[:, 1]).all()
