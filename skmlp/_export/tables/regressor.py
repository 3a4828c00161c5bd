"""A fitted regressor of tables as an ONNX model."""

import os
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmlp._export.onnx_graph import write_in_order, write_network
from skmlp._export.onnx_model import NUMBER, OnnxGraph, save
from skmlp._export.tables.inputs import write_reading
from skmlp._export.tables.learnt import write_learnt_features
from skmlp._export.tables.model import checked_graph, feature_columns, table_proto
from skmlp._export.tables.plain import write_plain_features

_OUTPUTS = ("prediction",)


def regressor_to_onnx(
    estimator: Any, path: str | os.PathLike | None, *, opset: int | None, missing: str
) -> Any:
    """Return a TabularRegressor as an ONNX ModelProto; see its method `to_onnx`."""
    check_is_fitted(estimator)
    g, opset = checked_graph(estimator, _OUTPUTS, opset, missing)
    read = write_reading(g, estimator, missing)
    plain = write_plain_features(g, estimator.features_, read)
    learnt = write_learnt_features(g, estimator.evidence_, [estimator.learnt_], read, missing)
    networks = estimator.ensemble_.estimators_
    predictions = []
    for network in networks:
        X = feature_columns(g, plain, learnt, learnt.of_member[0], network)
        predictions.append(_write_prediction(g, network, X))
    double = g.in_precision("float64")
    total = double("Sum", *predictions)
    mean = double("Div", total, len(networks))
    double("Identity", _corrected(double, mean, estimator.ensemble_._levels), output="prediction")
    outputs = [("prediction", NUMBER["float64"], ["N", networks[0].n_outputs_])]
    proto = table_proto(g, estimator, outputs, opset)
    save(proto, path)
    return proto


def _write_prediction(g: OnnxGraph, network: Any, X: str) -> str:
    """Write what a network predicts, in float64."""
    of_network = g.in_precision(network.coefs_[0].dtype)
    name = g.new_name("prediction")
    network._onnx_head().write(of_network, write_network(of_network, network, X), [name])
    return g("Cast", name, to=NUMBER["float64"])


def _corrected(g: OnnxGraph, values: str, levels: dict[str, Any] | None) -> str:
    """Write the corrections of predicted quantiles, and put these in order."""
    if levels is None:
        return values
    q = levels["q"]
    ends = [
        g("Gather", values, np.array([end]), axis=1) for end in (int(q.argmax()), int(q.argmin()))
    ]
    width = g("Add", g("Sub", *ends), levels["constant"])
    corrected = g("Add", values, g("Mul", width, levels["corrections"][np.newaxis]))
    if len(q) == 1:
        return corrected
    return write_in_order(g, corrected, np.argsort(np.argsort(q)).astype(np.int64))
