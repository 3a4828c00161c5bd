"""A fitted classifier of tables as an ONNX model."""

import os
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmlp._export.onnx_graph import write_network
from skmlp._export.onnx_head import INT64, STRING, onnx_labels
from skmlp._export.onnx_model import NUMBER, OnnxGraph, Value, save
from skmlp._export.tables.inputs import write_reading
from skmlp._export.tables.learnt import write_learnt_features
from skmlp._export.tables.model import checked_graph, feature_columns, table_proto
from skmlp._export.tables.plain import write_plain_features
from skmlp._export.tables.trees import write_tree_columns, write_trees

_OUTPUTS = "label", "probabilities"


def classifier_to_onnx(
    estimator: Any, path: str | os.PathLike | None, *, opset: int | None, missing: str
) -> Any:
    """Return a TabularClassifier as an ONNX ModelProto; see its method `to_onnx`."""
    check_is_fitted(estimator)
    labels = onnx_labels(estimator.classes_)
    g, opset = checked_graph(estimator, _OUTPUTS, opset, missing)
    ensemble = estimator.ensemble_
    _write_blend(g, _logits(g, estimator, missing), len(ensemble.members_), labels)
    outputs: list[Value] = [
        ("label", STRING if labels.dtype == object else INT64, ["N"]),
        ("probabilities", NUMBER["float64"], ["N", len(labels)]),
    ]
    proto = table_proto(g, estimator, outputs, opset)
    save(proto, path)
    return proto


def _logits(g: OnnxGraph, estimator: Any, missing: str) -> str:
    """Write the weighted sum of the models' logits, of shape (n, n_members * n_outputs).

    There is one output for two classes, the logit of the second one.
    """
    ensemble = estimator.ensemble_
    members = ensemble.members_
    read = write_reading(g, estimator, missing)
    plain = write_plain_features(g, ensemble.plain_, read)
    learnt_of_members = [member.learnt_ for member in members]
    learnt = write_learnt_features(g, ensemble.evidence_, learnt_of_members, read, missing)
    z = []
    for member, of_member in zip(members, learnt.of_member, strict=True):
        X = feature_columns(g, plain, learnt, of_member, member.network_)
        of_network = g.in_precision(member.network_.coefs_[0].dtype)
        z.append(write_network(of_network, member.network_, X))
    double = g.in_precision("float64")
    logits = double("Cast", double("Concat", *z, axis=1), to=NUMBER["float64"])
    logits = double("Mul", logits, ensemble.weights_[0])
    if members[0].trees_ is None:
        return logits
    columns = write_tree_columns(g, read, learnt, members[0].categories_.table_.shape[1] - 1)
    scores = write_trees(g, columns, members, read, learnt)
    return double("Add", logits, double("Mul", scores, ensemble.weights_[1]))


def _write_blend(g: OnnxGraph, logits: str, n_members: int, labels: Any) -> None:
    """Write the mean probabilities of the members, and the most probable label."""
    g = g.in_precision("float64")
    n_classes = len(labels)
    if n_classes == 2:
        p = g("ReduceSum", g("Sigmoid", logits), np.array([1]), keepdims=1)
        p = g("Div", p, n_members)
        g("Concat", g("Sub", 1, p), p, axis=1, output="probabilities")
    else:
        logits = g("Reshape", logits, np.array([0, n_members, n_classes]))
        p = g("ReduceSum", g("Softmax", logits, axis=2), np.array([1]), keepdims=0)
        g("Div", p, n_members, output="probabilities")
    best = g("ArgMax", "probabilities", axis=1, keepdims=0)
    g("Gather", labels, best, output="label")
