"""What the ONNX graph computes: activations, labels, precision."""

import numpy as np
import pytest
from exported_networks import MIXED, assert_onnx_agrees, every_dtype, every_kind, fitted, rows, run
from numpy.testing import assert_allclose

from skmlp import NumpyMLPClassifier
from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.losses.registry import LOSSES
from skmlp._export.onnx_graph import FIRST_OPSET, ONNX_ACTIVATIONS, write_log_odds
from skmlp._export.onnx_model import _OnnxGraph

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


@every_dtype
@pytest.mark.parametrize("K", [2, 3, 30])
@pytest.mark.parametrize("size", [0.1, 10, 1000])
def test_onnx_log_odds_are_those_of_the_loss(size, K, dtype):
    onnx = pytest.importorskip("onnx")
    z = (size * np.random.RandomState(0).normal(size=(200, K))).astype(dtype)
    z[:5, 1:] = z[:5, :1]  # equal logits
    g = _OnnxGraph(np.dtype(dtype))
    write_log_odds(g, "X", K, "scores")
    number = onnx.helper.np_dtype_to_tensor_dtype(g.dtype)
    X, scores = (
        onnx.helper.make_tensor_value_info(name, number, ["N", K]) for name in ("X", "scores")
    )
    opsets = [onnx.helper.make_opsetid("", FIRST_OPSET)]
    proto = onnx.helper.make_model(
        onnx.helper.make_graph(g.nodes, "log_odds", [X], [scores], g.constants),
        opset_imports=opsets,
        ir_version=onnx.helper.find_min_ir_version_for(opsets),
    )
    onnx.checker.check_model(proto, full_check=True)
    expected = LOSSES["softmax"]().log_odds(z)
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    assert_allclose(run(proto, z, ["scores"])[0], expected, rtol=tolerance, atol=tolerance)
