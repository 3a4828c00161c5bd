"""What ONNX models read from the columns, against the reader of tables."""

import numpy as np
import pandas as pd
import pytest
from exported_tables import DOUBLE, STRING, feeds, fitted_classifier, rows_to_predict, run_graph
from numpy.testing import assert_array_equal

from skmlp import TabularClassifier
from skmlp._export.tables.inputs import column_names, input_values, is_matrix, write_reading


@pytest.mark.parametrize("part", ["numbers", "codes"])
def test_numbers_and_codes_are_those_of_the_reader(part):
    model, frame = fitted_classifier(), rows_to_predict()
    columns = model.reader_.transform(frame)
    n_values = [*map(len, model.reader_.counts_)]
    expected = {
        "numbers": columns.numbers,
        "codes": np.where(columns.codes < 0, n_values, columns.codes),
    }
    found = run_graph(lambda g: getattr(write_reading(g, model, ""), part), feeds(frame), 20)
    assert_array_equal(found, expected[part])


def test_words_are_named_in_the_order_of_the_table():
    model, read = fitted_classifier(), {}

    def write(g):
        read["all"] = write_reading(g, model, "")
        return read["all"].codes

    run_graph(write, feeds(rows_to_predict()), 20)
    assert read["all"].words == ["colour", "flag", "town", "price", "address"]


@pytest.mark.parametrize(
    ("X", "names", "inputs"),
    [
        (np.eye(6), ["x0", "x1", "x2", "x3", "x4", "x5"], [("X", DOUBLE, ["N", 6])]),
        (
            pd.DataFrame({"a": np.arange(6.0), "none": np.nan, "b": list("uvuvuv")}),
            ["a", "none", "b"],
            [("a", DOUBLE, ["N", 1]), ("b", STRING, ["N", 1])],
        ),
        (
            np.array([[1, "u"], [2, "v"]] * 3, dtype=object),
            ["x0", "x1"],
            [("x0", DOUBLE, ["N", 1]), ("x1", STRING, ["N", 1])],
        ),
    ],
    ids=["matrix", "frame", "objects"],
)
def test_there_is_an_input_for_each_column_or_one_for_a_matrix(X, names, inputs):
    pytest.importorskip("onnx")
    network = {"hidden_layer_sizes": (2,), "max_iter": 1, "early_stopping": False}
    model = TabularClassifier(network, trees=False, n_members=1).fit(X, [0, 1] * 3)
    assert column_names(model) == names
    assert input_values(model) == inputs
    assert is_matrix(model) == (inputs[0][0] == "X")


def test_empty_columns_of_a_matrix_are_left_out():
    X = np.column_stack([np.arange(6.0), np.full(6, np.nan), np.arange(6.0) ** 2])
    network = {"hidden_layer_sizes": (2,), "max_iter": 1, "early_stopping": False}
    model = TabularClassifier(network, trees=False, n_members=1).fit(X, [0, 1] * 3)
    found = run_graph(lambda g: write_reading(g, model, "").numbers, {"X": X})
    assert_array_equal(found, X[:, [0, 2]].astype(np.float32), strict=True)
