"""What the ONNX graph computes: activations, labels, precision."""

import numpy as np
import pytest
from exported_networks import MIXED, assert_onnx_agrees, every_dtype, every_kind, fitted, rows, run
from exported_regressors import assert_onnx_predicts, every_regression, fitted_regressor
from numpy.testing import assert_allclose, assert_array_equal

from skmlp import NumpyMLPClassifier, NumpyMLPRegressor
from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.losses.links import LINKS
from skmlp._engine.losses.registry import LOSSES
from skmlp._export.onnx_graph import FIRST_OPSET, ONNX_ACTIVATIONS, ONNX_LINKS, write_log_odds
from skmlp._export.onnx_model import OnnxGraph

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ONE_LAYER_OF_EACH = tuple(ACTIVATIONS)


def test_there_is_a_builder_for_every_activation():
    assert sorted(ONNX_ACTIVATIONS) == sorted(ACTIVATIONS)


def test_there_is_a_builder_for_every_link():
    assert sorted(ONNX_LINKS) == sorted(LINKS)


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
    g = OnnxGraph(np.dtype(dtype))
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


@every_dtype
@every_regression
@pytest.mark.parametrize("activation", [*ACTIVATIONS, MIXED], ids=str)
def test_onnx_regression_predicts_the_same(activation, kind, dtype):
    onnx = pytest.importorskip("onnx")
    model = fitted_regressor(kind, activation, dtype)
    proto = model.to_onnx()
    onnx.checker.check_model(proto, full_check=True)
    assert_onnx_predicts(proto, model, rows(dtype), dtype)


@pytest.mark.parametrize("opset", [FIRST_OPSET, 15, 18, 20, 21])
@every_dtype
@every_regression
def test_onnx_regression_is_understood_in_every_opset(kind, dtype, opset):
    pytest.importorskip("onnx")
    model = fitted_regressor(kind, dtype=dtype)
    assert_onnx_predicts(model.to_onnx(opset=opset), model, rows(dtype), dtype)


@pytest.mark.parametrize(
    "params", [{"hidden_layer_sizes": ()}, {"batch_norm": True, "averaging": 0.9}], ids=str
)
@every_dtype
@every_regression
def test_onnx_of_linear_and_normalised_regression_predicts_the_same(kind, dtype, params):
    pytest.importorskip("onnx")
    model = fitted_regressor(kind, dtype=dtype, **params)
    assert_onnx_predicts(model.to_onnx(), model, rows(dtype), dtype)


@every_dtype
@every_regression
def test_onnx_regression_predicts_the_same_far_out(kind, dtype):
    """Predictions of a log link are neither 0 nor infinite there, in the graph too."""
    pytest.importorskip("onnx")
    model = fitted_regressor(kind, dtype=dtype)
    far = rows(dtype, spread=1e4)
    assert_onnx_predicts(model.to_onnx(), model, far, dtype)
    if model.out_activation_ == "exp":
        (prediction,) = run(model.to_onnx(), far, ["prediction"])
        info = np.finfo(dtype)
        assert prediction.min() == info.tiny
        assert prediction.max() == info.max


@every_dtype
@pytest.mark.parametrize("n_levels", [2, 5, 40])
def test_onnx_sorts_the_levels_in_the_order_given(n_levels, dtype):
    """A network with random weights, whose raw outputs cross in nearly all rows."""
    pytest.importorskip("onnx")
    rng = np.random.RandomState(n_levels)
    levels = rng.permutation(np.linspace(0.02, 0.98, n_levels))
    model = NumpyMLPRegressor(loss="quantile", quantile=levels, dtype=dtype, max_iter=1)
    model.fit(rows(dtype), rows(dtype)[:, 0])
    model.coefs_ = [rng.normal(size=W.shape).astype(dtype) for W in model.coefs_]
    (prediction,) = run(model.to_onnx(), rows(dtype), ["prediction"])
    assert (np.diff(prediction[:, np.argsort(levels)]) >= 0).all()
    assert_onnx_predicts(model.to_onnx(), model, rows(dtype), dtype)
    assert_array_equal(np.argsort(prediction.mean(axis=0)), np.argsort(levels))
