"""What cannot be exported to ONNX."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from exported_tables import FAST, N, classes, fitted_classifier, table

from skmlp import TabularClassifier, TabularRegressor
from skmlp._export.tables.checks import (
    check_columns,
    check_names,
    default_opset,
    has_text_as_numbers,
)
from skmlp._tables.readers import READERS

DATES = pd.date_range("2024-01-01", periods=N)
REFUSED = {
    "dates": DATES,
    "dates as text": DATES.strftime("%Y-%m-%d").to_numpy(object),
    "durations": DATES - DATES[0],
    "times of day": [dt.time(k % 24) for k in range(N)],
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("cls", [TabularClassifier, TabularRegressor])
def test_columns_that_onnx_cannot_read_are_refused_by_name(cls, kind):
    pytest.importorskip("onnx")
    frame = pd.DataFrame({"size": np.arange(N), "when": REFUSED[kind]})
    model = cls({"hidden_layer_sizes": (2,), "max_iter": 1}, n_members=1, random_state=0)
    model.fit(frame, np.arange(N) % 2)
    name = kind.removesuffix(" as text")
    with pytest.raises(ValueError, match=rf"column 'when' has {name}.*Replace the column by num"):
        model.to_onnx()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"opset": 12}, "opset=12 must be between 13"),
        ({"opset": 17}, r"column 'flag' has text that reads as numbers.*opset=17.*give 20"),
        ({"missing": "red"}, r"missing='red' .* value of column 'colour'.*Choose a text"),
        ({"missing": None}, "missing=None must be a str"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_refused(params, message, tmp_path):
    pytest.importorskip("onnx")
    with pytest.raises(ValueError, match=message):
        fitted_classifier().to_onnx(tmp_path / "model.onnx", **params)
    assert not any(tmp_path.iterdir())


def test_text_that_is_not_utf_8_is_refused_by_name():
    reader = READERS["words"](np.array(["é", "a\udcff", "b"], dtype=object))
    with pytest.raises(ValueError, match=r"column 'name' has the text 'a\\udcff'.*Replace"):
        check_columns([reader], ["name"], "", 17)


def test_a_column_with_the_name_of_an_output_is_refused():
    pytest.importorskip("onnx")
    frame = table().rename(columns={"size": "label"})
    model = TabularClassifier(**{**FAST, "n_members": 1}, trees=False)
    model.fit(frame, classes(table()))
    with pytest.raises(ValueError, match=r"input named 'label'.*Rename the column"):
        model.to_onnx()


@pytest.mark.parametrize("names", [["a", ""], ["prediction"]])
def test_names_that_inputs_cannot_have_are_refused(names):
    with pytest.raises(ValueError, match="cannot have an input named"):
        check_names(names, ["prediction"])


def test_a_table_of_empty_columns_is_refused():
    empty = SimpleNamespace(kind="empty")
    with pytest.raises(ValueError, match="All columns were empty"):
        check_columns([empty, empty], ["a", "b"], "", 17)


def test_text_that_reads_as_numbers_needs_a_later_opset():
    number = SimpleNamespace(kind="number")
    text = SimpleNamespace(kind="words", numbers_=None)
    text_as_numbers = SimpleNamespace(kind="words", numbers_=number)
    assert [has_text_as_numbers(r) for r in (number, text, text_as_numbers)] == [False, False, True]
    assert default_opset([number, text]) == 17
    assert default_opset([number, text_as_numbers]) == 20
