"""Classifiers of tables as ONNX models."""

import numpy as np
import pandas as pd
import pytest
from exported_tables import (
    DOUBLE,
    FAST,
    FEW_TREES,
    INT64,
    STRING,
    N,
    assert_classifies_alike,
    classes,
    feeds,
    fitted_classifier,
    rows_to_predict,
    session,
    table,
)
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from skmlp import TabularClassifier

pytest.importorskip("onnx")


def test_the_table_of_the_tests_has_features_of_every_kind():
    model = fitted_classifier()
    evidence, readers = model.ensemble_.evidence_, model.reader_.readers_
    assert {reader.kind for reader in readers} == {"number", "words", "empty"}
    assert any(reader.kind == "number" and reader.shift_ for reader in readers)
    assert any(reader.kind == "words" and reader.numbers_ for reader in readers)
    assert evidence.many_
    assert evidence.rare_
    trees = [tree for it in model.ensemble_.members_[0].trees_._predictors for tree in it]
    assert any(tree.nodes["is_categorical"].any() for tree in trees)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_onnx_classifies_tables_like_the_estimator(n_classes):
    model, frame = fitted_classifier(n_classes), rows_to_predict()
    assert_classifies_alike(model.to_onnx(), model, frame, feeds(frame))
    assert_classifies_alike(model.to_onnx(), model, table(), feeds(table()))


def test_missing_entries_may_have_another_text():
    model, frame = fitted_classifier(), rows_to_predict()
    frame.loc[2:5, "colour"] = ["", None, "red", ""]
    frame.loc[2:5, "address"] = ["", None, "anna", ""]
    inputs = feeds(frame, missing="not known")
    assert_classifies_alike(model.to_onnx(missing="not known"), model, frame, inputs)


@pytest.mark.parametrize("row", range(6))
def test_onnx_takes_a_single_row(row):
    model, frame = fitted_classifier(), rows_to_predict().iloc[[row]]
    assert_classifies_alike(model.to_onnx(), model, frame, feeds(frame))


@pytest.mark.parametrize(
    "params",
    [
        {"trees": False},
        {"network": {"hidden_layer_sizes": (8,), "max_iter": 2, "dtype": "float64"}},
        {"network": {"hidden_layer_sizes": (8,), "max_iter": 2, "early_stopping": False}},
    ],
    ids=str,
)
def test_onnx_has_the_models_that_the_members_have(params):
    frame = table()
    model = TabularClassifier(**{**FAST, "trees": FEW_TREES, **params}).fit(frame, classes(frame))
    assert_classifies_alike(model.to_onnx(), model, rows_to_predict(), feeds(rows_to_predict()))


def test_cosines_of_ranks_are_exported():
    frame = pd.concat([table(seed=seed) for seed in range(9)])
    assert len(frame) > 2000
    model = TabularClassifier(**{**FAST, "n_members": 1}, trees=False).fit(frame, classes(frame))
    assert model.ensemble_.plain_.by_rank
    assert_classifies_alike(model.to_onnx(), model, rows_to_predict(), feeds(rows_to_predict()))


def test_onnx_says_what_goes_in_and_comes_out():
    proto = fitted_classifier(3).to_onnx()
    described = {
        value.name: (
            value.type.tensor_type.elem_type,
            [d.dim_value or d.dim_param for d in value.type.tensor_type.shape.dim],
        )
        for value in [*proto.graph.input, *proto.graph.output]
    }
    text = "colour", "flag", "town", "price", "address"
    numbers = "size", "counts", "old", "gaps", "far", "constant", "code"
    assert described == {
        **{name: (STRING, ["N", 1]) for name in text},
        **{name: (DOUBLE, ["N", 1]) for name in numbers},
        "label": (STRING, ["N"]),
        "probabilities": (DOUBLE, ["N", 3]),
    }
    assert proto.graph.name == "TabularClassifier"


def test_a_matrix_of_numbers_is_one_input():
    X, y = load_iris(return_X_y=True)
    X[::9, 1] = np.nan
    model = TabularClassifier(**FAST, trees=FEW_TREES).fit(X, y)
    proto = model.to_onnx()
    assert [value.name for value in proto.graph.input] == ["X"]
    assert proto.graph.output[0].type.tensor_type.elem_type == INT64
    assert_classifies_alike(proto, model, X, {"X": X})


def test_columns_without_names_are_numbered():
    frame = rows_to_predict()[["size", "colour"]]
    fitted_to = table()
    model = TabularClassifier(**FAST, trees=FEW_TREES)
    model.fit(fitted_to[["size", "colour"]].to_numpy(object), classes(fitted_to))
    inputs = {f"x{j}": column for j, column in enumerate(feeds(frame).values())}
    assert_classifies_alike(model.to_onnx(), model, frame.to_numpy(object), inputs)


@pytest.mark.parametrize("name", ["MatMul_1", "constant_0", "Add_3"])
def test_a_column_may_have_the_name_of_a_value_of_the_graph(name):
    X, y = load_iris(return_X_y=True)
    frame = pd.DataFrame(X, columns=[name, "b", "c", "d"])
    model = TabularClassifier(**FAST, trees=False).fit(frame, y)
    inputs = {key: frame[[key]].to_numpy() for key in frame}
    assert_classifies_alike(model.to_onnx(), model, frame, inputs)


def test_a_table_without_anything_to_learn_is_exported():
    frame = pd.DataFrame({"id": [f"{k:05}" for k in range(N)], "one": 1.0})
    y = np.arange(N) % 2
    model = TabularClassifier(**FAST, trees=FEW_TREES).fit(frame[["one"]], y)
    inputs = {"one": frame[["one"]].to_numpy()}
    assert_classifies_alike(model.to_onnx(), model, frame[["one"]], inputs)


def test_a_single_class_is_exported():
    frame = table()
    model = TabularClassifier(**FAST).fit(frame, ["same"] * N)
    label, proba = session(model.to_onnx()).run(["label", "probabilities"], feeds(frame))
    assert set(label) == {"same"}
    assert (proba == 1).all()


def test_the_model_is_saved_as_it_is_returned(tmp_path):
    import onnx

    proto = fitted_classifier().to_onnx(tmp_path / "model.onnx")
    assert onnx.load(tmp_path / "model.onnx") == proto
    onnx.checker.check_model(proto)


def test_an_estimator_that_is_not_fitted_is_not_exported():
    with pytest.raises(NotFittedError):
        TabularClassifier().to_onnx()
