"""Export to an ONNX model: inputs, outputs, options, file."""

import sys
from pathlib import Path

import numpy as np
import pytest
from exported_networks import CLOSE, LABELS, X, assert_onnx_agrees, every_kind, fitted, run
from exported_regressors import (
    assert_close,
    assert_onnx_predicts,
    every_regression,
    fitted_regressor,
)
from numpy.testing import assert_allclose, assert_array_equal

import skmlp
from skmlp import NumpyMLPClassifier, NumpyMLPRegressor
from skmlp._export.onnx_graph import FIRST_OPSET

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

STRINGS = {"two strings", "strings", "objects"}


@every_kind
def test_onnx_says_what_goes_in_and_comes_out(kind):
    onnx = pytest.importorskip("onnx")
    proto = fitted(kind, dtype="float32").to_onnx()
    types = onnx.TensorProto
    n_classes = {"multilabel": 3}.get(kind, len(np.unique(LABELS[kind])))
    label = types.STRING if kind in STRINGS else types.INT64
    described = {
        value.name: (
            value.type.tensor_type.elem_type,
            [d.dim_value or d.dim_param for d in value.type.tensor_type.shape.dim],
        )
        for value in [*proto.graph.input, *proto.graph.output]
    }
    assert described == {
        "X": (types.FLOAT, ["N", 6]),
        "label": (label, ["N", 3] if kind == "multilabel" else ["N"]),
        "probabilities": (types.FLOAT, ["N", n_classes]),
    }
    assert (proto.producer_name, proto.producer_version) == ("skmlp", skmlp.__version__)


@every_regression
def test_onnx_of_a_regressor_has_one_output_with_a_column_for_each_prediction(kind):
    onnx = pytest.importorskip("onnx")
    proto = fitted_regressor(kind, dtype="float32").to_onnx()
    (output,) = proto.graph.output
    kind_of_output = output.type.tensor_type
    n_columns = {"two outputs": 2, "standardised": 2, "huber": 2, "two rates": 2, "levels": 3}
    assert output.name == "prediction"
    assert kind_of_output.elem_type == onnx.TensorProto.FLOAT
    assert [d.dim_value or d.dim_param for d in kind_of_output.shape.dim] == [
        "N",
        n_columns.get(kind, 1),
    ]
    assert proto.graph.name == "NumpyMLPRegressor"


@every_regression
@pytest.mark.parametrize("n", [1, 7])
def test_onnx_of_a_regressor_takes_any_number_of_rows(n, kind):
    pytest.importorskip("onnx")
    model = fitted_regressor(kind)
    assert_onnx_predicts(model.to_onnx(), model, X[:n], "float64")


@every_regression
def test_float64_regressor_can_be_exported_in_float32(kind):
    pytest.importorskip("onnx")
    model = fitted_regressor(kind)
    (prediction,) = run(model.to_onnx(dtype="float32"), X.astype("float32"), ["prediction"])
    expected = model.predict(X)
    assert_close(prediction.reshape(expected.shape), expected, "float32")


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_onnx_has_a_constant_target(loss):
    pytest.importorskip("onnx")
    y = np.column_stack([np.full(len(X), 4.0), np.exp(X[:, 0])])
    model = NumpyMLPRegressor(loss, (3,), standardize_target=True, max_iter=2).fit(X, y)
    assert_onnx_predicts(model.to_onnx(), model, X, "float64")


@every_kind
@pytest.mark.parametrize("n", [1, 7])
def test_onnx_takes_any_number_of_rows(n, kind):
    pytest.importorskip("onnx")
    model = fitted(kind)
    assert_onnx_agrees(model.to_onnx(), model, X[:n], "float64")


def test_onnx_has_a_single_class():
    pytest.importorskip("onnx")
    model = NumpyMLPClassifier((3,), max_iter=1).fit(X, np.full(len(X), 4))
    assert_onnx_agrees(model.to_onnx(), model, X, "float64")


@pytest.mark.parametrize("as_path", [Path, str])
def test_onnx_is_saved_as_it_is_returned(as_path, tmp_path):
    onnx = pytest.importorskip("onnx")
    proto = fitted().to_onnx(as_path(tmp_path / "model.onnx"))
    assert onnx.load(tmp_path / "model.onnx") == proto == fitted().to_onnx()


@every_kind
def test_float64_model_can_be_exported_in_float32(kind):
    pytest.importorskip("onnx")
    model = fitted(kind)
    label, proba = run(model.to_onnx(dtype="float32"), X.astype("float32"))
    assert_array_equal(label, model.predict(X))
    assert proba.dtype == "float32"
    assert_allclose(proba, model.predict_proba(X), **CLOSE["float32"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"opset": FIRST_OPSET - 1}, "opset"),
        ({"opset": 999}, "opset"),
        ({"dtype": "float16"}, "dtype"),
        ({"dtype": int}, "dtype"),
    ],
    ids=str,
)
def test_option_out_of_range_is_refused(params, message):
    pytest.importorskip("onnx")
    with pytest.raises(ValueError, match=message):
        fitted().to_onnx(**params)


@pytest.mark.parametrize("package", ["onnx", "skl2onnx"])
def test_missing_package_is_named_with_its_extra(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    export = {"onnx": fitted().to_onnx, "skl2onnx": skmlp.register_skl2onnx}[package]
    with pytest.raises(ImportError, match=rf"package {package}: pip install skmlp\[onnx\]"):
        export()


def test_a_full_disk_leaves_the_file_that_was_there(tmp_path, monkeypatch):
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "model.onnx"
    path.write_text("before")

    def save(proto, path):
        Path(path).write_bytes(proto.SerializeToString()[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(onnx, "save", save)
        with pytest.raises(OSError, match="No space left"):
            fitted().to_onnx(path)
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize("ending", [".onnx", ".textproto", ".json", ""])
def test_the_ending_chooses_the_format_and_a_link_stays_one(ending, tmp_path):
    onnx = pytest.importorskip("onnx")
    path, link = tmp_path / f"model{ending}", tmp_path / f"link{ending}"
    path.write_text("before")
    link.symlink_to(path)
    proto = fitted().to_onnx(link)
    assert link.is_symlink()
    assert onnx.load(path) == proto
