"""Networks and pipelines converted by skl2onnx."""

import numpy as np
import pytest
from exported_networks import (
    CLOSE,
    LABELS,
    MIXED,
    NUMBERS,
    X,
    assert_onnx_agrees,
    every_dtype,
    every_kind,
    fitted,
    rows,
    run,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import skmlp
from skmlp import NumpyMLPClassifier
from skmlp._engine.activations import ACTIVATIONS
from skmlp._export.onnx_graph import FIRST_OPSET

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def skl2onnx():
    module = pytest.importorskip("skl2onnx")
    skmlp.register_skl2onnx()
    return module


def scaled(scaler, kind, dtype, **params):
    network = NumpyMLPClassifier((9, 5), max_iter=10, learning_rate_init=0.03, random_state=0)
    return make_pipeline(scaler, network.set_params(**params)).fit(X.astype(dtype), LABELS[kind])


@every_dtype
@every_kind
@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()], ids=str)
def test_pipeline_converts(skl2onnx, scaler, kind, dtype):
    model, R = scaled(clone(scaler), kind, dtype), rows(dtype, spread=1)
    proto = skl2onnx.to_onnx(model, R[:1], options={"zipmap": False})
    assert_onnx_agrees(proto, model, R, dtype)


@every_dtype
@pytest.mark.parametrize("activation", [*ACTIVATIONS, MIXED], ids=str)
def test_every_activation_converts(skl2onnx, activation, dtype):
    model = fitted("strings", activation, dtype)
    proto = skl2onnx.to_onnx(model, rows(dtype)[:1], options={"zipmap": False})
    assert_onnx_agrees(proto, model, rows(dtype), dtype)


@every_kind
def test_converted_pipeline_gives_a_dict_per_row_where_zipmap_is_on(skl2onnx, kind):
    model, R = scaled(StandardScaler(), kind, "float32"), rows("float32", spread=1)
    outputs = ["output_label", "output_probability"]
    label, dicts = run(skl2onnx.to_onnx(model, R[:1]), R, outputs)
    assert_array_equal(label, model.predict(R))
    assert all(sorted(row) == model.classes_.tolist() for row in dicts)
    proba = [[row[label] for label in model.classes_] for row in dicts]
    assert_allclose(proba, model.predict_proba(R), **CLOSE["float32"])


@every_kind
def test_converted_pipeline_gives_a_column_per_class_where_zipmap_is_columns(skl2onnx, kind):
    model, R = scaled(StandardScaler(), kind, "float32"), rows("float32", spread=1)
    proto = skl2onnx.to_onnx(model, R[:1], options={"zipmap": "columns"})
    _, *columns = run(proto, R, None)
    proba = np.column_stack(columns)
    assert_allclose(proba, model.predict_proba(R), **CLOSE["float32"])


@every_kind
def test_converted_network_gives_numbers_of_classes_where_labels_are_left_out(skl2onnx, kind):
    model, R = fitted(kind, dtype="float32"), rows("float32")
    options = {id(model): {"zipmap": False, "nocl": True}}
    label, proba = run(skl2onnx.to_onnx(model, R[:1], options=options), R)
    expected = model.predict(R)
    if kind != "multilabel":
        expected = np.searchsorted(model.classes_, expected)
    assert_array_equal(label, expected)
    assert_allclose(proba, model.predict_proba(R), **CLOSE["float32"])


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_network_on_whole_numbers_converts(skl2onnx, dtype):
    R = (np.abs(3 * X) % 4).astype(dtype)
    model = NumpyMLPClassifier((5,), max_iter=5, random_state=0).fit(R, NUMBERS)
    label, proba = run(skl2onnx.to_onnx(model, R[:1], options={"zipmap": False}), R)
    assert_array_equal(label, model.predict(R))
    assert_allclose(proba, model.predict_proba(R), **CLOSE["float32"])


@pytest.mark.filterwarnings("error")
def test_registering_again_is_harmless(skl2onnx):
    skmlp.register_skl2onnx()
    proto = skl2onnx.to_onnx(fitted(), X[:1], options={"zipmap": False})
    assert_onnx_agrees(proto, fitted(), X, "float64")


def test_opset_too_old_is_refused_by_the_converter(skl2onnx):
    with pytest.raises(ValueError, match="target_opset"):
        skl2onnx.to_onnx(fitted(), X[:1], target_opset=FIRST_OPSET - 1)
