"""Export to an ONNX model: inputs, outputs, options, file."""

import sys
from pathlib import Path

import numpy as np
import pytest
from exported_networks import CLOSE, LABELS, X, assert_onnx_agrees, every_kind, fitted, run
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError

import skmlp
from skmlp import NumpyMLPClassifier
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


def test_model_that_is_not_fitted_is_not_exported():
    for export in (NumpyMLPClassifier().to_sklearn, NumpyMLPClassifier().to_onnx):
        with pytest.raises(NotFittedError):
            export()


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
