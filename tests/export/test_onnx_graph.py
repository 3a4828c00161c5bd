"""What the ONNX graph computes: activations, labels, precision."""

import numpy as np
import pytest
from exported_networks import MIXED, assert_onnx_agrees, every_dtype, every_kind, fitted, rows, run
from numpy.testing import assert_allclose

from skmlp import NumpyMLPClassifier
from skmlp._engine.activations import ACTIVATIONS
from skmlp._export.onnx_graph import FIRST_OPSET, ONNX_ACTIVATIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ONE_LAYER_OF_EACH = tuple(ACTIVATIONS)


def test_there_is_a_builder_for_every_activation():
    assert sorted(ONNX_ACTIVATIONS) == sorted(ACTIVATIONS)


@every_dtype
@every_kind
@pytest.mark.parametrize("activation", [*ACTIVATIONS, MIXED], ids=str)
def test_onnx_predicts_the_same(activation, kind, dtype):
    onnx = pytest.importorskip("onnx")
    model = fitted(kind, activation, dtype)
    proto = model.to_onnx()
    onnx.checker.check_model(proto, full_check=True)
    assert_onnx_agrees(proto, model, rows(dtype), dtype)


@every_dtype
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_onnx_activation_is_exact_far_out(name, dtype):
    """A network of one unit each, whose logits are a = h(z) and 0."""
    pytest.importorskip("onnx")
    z = np.linspace(-60, 60, 24001, dtype=dtype)[:, np.newaxis]
    a = z.copy()
    ACTIVATIONS[name].forward(a, np.empty_like(a))
    model = NumpyMLPClassifier((1,), name, dtype=dtype, max_iter=1).fit(z[::99], z[::99, 0] > 0)
    model.coefs_ = [np.ones((1, 1), dtype), np.ones((1, 1), dtype)]
    model.intercepts_ = [np.zeros(1, dtype), np.zeros(1, dtype)]
    _, proba = run(model.to_onnx(), z)
    expected = 1 / (1 + np.exp(-a[:, 0].astype("float64")))
    assert_allclose(proba[:, 1], expected, rtol=0, atol={"float32": 3e-7, "float64": 1e-12}[dtype])


@pytest.mark.parametrize("opset", [FIRST_OPSET, 15, 18, 20])
@every_dtype
def test_every_activation_is_understood_in_every_opset(opset, dtype):
    pytest.importorskip("onnx")
    model = fitted("strings", ONE_LAYER_OF_EACH, dtype, hidden=(5,) * len(ONE_LAYER_OF_EACH))
    proto = model.to_onnx(opset=opset)
    assert [(imported.domain, imported.version) for imported in proto.opset_import] == [("", opset)]
    assert_onnx_agrees(proto, model, rows(dtype), dtype)


@pytest.mark.parametrize("params", [{"hidden": ()}, {"batch_norm": True}], ids=str)
@every_dtype
def test_onnx_of_linear_and_normalised_networks_predicts_the_same(params, dtype):
    pytest.importorskip("onnx")
    model = fitted(dtype=dtype, **params)
    assert_onnx_agrees(model.to_onnx(), model, rows(dtype), dtype)
