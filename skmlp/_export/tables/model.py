"""What the ONNX models of both estimators of tables have in common."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from skmlp._engine.types import IndexArray
from skmlp._export.onnx_model import NUMBER, OnnxGraph, Value, check_opset, model_proto
from skmlp._export.tables.checks import check_columns, check_names, default_opset
from skmlp._export.tables.inputs import ML, column_names, input_values
from skmlp._export.tables.learnt import Learnt
from skmlp._export.tables.ngrams import ONNXRUNTIME

# tree ensembles in float64 need this version, and label encoders keep their older form in it
_ML_OPSET = 3


def checked_graph(
    estimator: Any, outputs: Sequence[str], opset: int | None, missing: str
) -> tuple[OnnxGraph, int]:
    """Return an empty graph and the opset; raise an error for what cannot be exported."""
    readers, names = estimator.reader_.readers_, column_names(estimator)
    opset = default_opset(readers) if opset is None else opset
    check_opset(opset)
    check_names(names, outputs)
    check_columns(readers, names, missing, opset)
    taken = [*outputs, *(name for name, _, _ in input_values(estimator))]
    return OnnxGraph(np.dtype(np.float32), taken), opset


def feature_columns(
    g: OnnxGraph, plain: str, learnt: Learnt, of_member: IndexArray, network: Any
) -> str:
    """Write the features of one network, in its precision."""
    X = plain
    if learnt.features is not None:
        X = g("Concat", plain, g("Gather", learnt.features, of_member, axis=1), axis=1)
    dtype = network.coefs_[0].dtype
    return X if dtype == np.float32 else g("Cast", X, to=NUMBER[dtype.name])


def table_proto(g: OnnxGraph, estimator: Any, outputs: Sequence[Value], opset: int) -> Any:
    """Return the graph as an ONNX ModelProto."""
    domains = {node.domain for node in g.nodes}
    opsets = {"": opset, ML: _ML_OPSET, ONNXRUNTIME: 1}
    used = {domain: version for domain, version in opsets.items() if domain in domains}
    return model_proto(g, type(estimator).__name__, input_values(estimator), outputs, used)
