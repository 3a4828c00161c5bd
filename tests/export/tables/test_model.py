"""What ONNX models of both estimators of tables have in common."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from exported_tables import (
    FAST,
    N,
    assert_classifies_alike,
    feeds,
    fitted_classifier,
    fitted_regressor,
    rows_to_predict,
    session,
    table,
)

import skmlp
from skmlp import TabularClassifier


def domains(proto):
    return {opset.domain: opset.version for opset in proto.opset_import}


def test_only_text_with_n_grams_needs_operators_of_onnxruntime():
    pytest.importorskip("onnx")
    y, frame = np.arange(N) % 2, table()
    of_numbers = TabularClassifier(**FAST, trees=False).fit(frame[["size", "gaps"]], y)
    of_words = TabularClassifier(**FAST, trees=False).fit(frame[["size", "colour"]], y)
    assert domains(of_numbers.to_onnx()) == {"": 17}
    assert domains(of_words.to_onnx(opset=15)) == {"": 15, "ai.onnx.ml": 3}
    text = {"": 20, "ai.onnx.ml": 3, "com.microsoft": 1}
    assert domains(fitted_classifier().to_onnx()) == text


def test_inputs_can_be_made_of_a_frame_as_the_manual_says():
    pytest.importorskip("onnx")
    text = (Path(skmlp.__file__).parents[1] / "docs" / "export.md").read_text("utf-8")
    manual = {}
    exec(re.search(r"^def inputs_of.*?return inputs\n", text, re.DOTALL | re.MULTILINE)[0], manual)
    model, frame = fitted_classifier(), rows_to_predict()
    proto = model.to_onnx()
    inputs = manual["inputs_of"](session(proto), frame)
    assert inputs.keys() == feeds(frame).keys()
    assert_classifies_alike(proto, model, frame, inputs)


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_the_model_names_its_producer_and_class(kind):
    pytest.importorskip("onnx")
    y = np.arange(N) % 3
    model = fitted_classifier() if kind == "classifier" else fitted_regressor(y)
    proto = model.to_onnx()
    assert (proto.producer_name, proto.producer_version) == ("skmlp", skmlp.__version__)
    assert proto.graph.name == type(model).__name__


def test_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"package onnx: pip install skmlp\[onnx\]"):
        fitted_classifier().to_onnx()
