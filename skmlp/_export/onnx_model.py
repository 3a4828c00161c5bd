"""A fitted network in other forms: scikit-learn's own estimator, and an ONNX graph."""

import copy
import itertools
import os
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from skmlp._export.onnx_graph import FIRST_OPSET, Graph, onnx_labels, write_network

# what MLPClassifier has of the parameters that have more values here
_VALUES_OF_SKLEARN = {
    "activation": {"identity", "logistic", "tanh", "relu"},
    "solver": {"lbfgs", "sgd", "adam"},
    "learning_rate": {"constant", "invscaling", "adaptive"},
}
_ATTRIBUTES_OF_SKLEARN = (
    "best_loss_",
    "best_validation_score_",
    "classes_",
    "feature_names_in_",
    "loss_",
    "loss_curve_",
    "n_features_in_",
    "n_iter_",
    "n_layers_",
    "n_outputs_",
    "out_activation_",
    "t_",
    "validation_scores_",
)


def to_sklearn(model: Any) -> Any:
    """Return the model as a fitted MLPClassifier of scikit-learn; see the classifier's method."""
    from sklearn.neural_network import MLPClassifier  # takes long to import, is rarely used
    from sklearn.preprocessing import LabelBinarizer

    check_is_fitted(model)
    if len(model.classes_) == 1:
        raise ValueError(
            f"This model knows one class, {model.classes_}, for which MLPClassifier has two "
            "probabilities. Use to_onnx, or fit with at least two classes."
        )
    known = MLPClassifier().get_params()
    params = {name: value for name, value in model.get_params().items() if name in known}
    params["activation"] = _one_activation(model)
    for name, values in _VALUES_OF_SKLEARN.items():
        if params[name] not in values:
            params[name] = known[name]
    exported = MLPClassifier(**copy.deepcopy(params))
    for name in _ATTRIBUTES_OF_SKLEARN:
        if hasattr(model, name):
            setattr(exported, name, copy.deepcopy(getattr(model, name)))
    exported.coefs_ = [np.array(W) for W in model.coefs_]
    exported.intercepts_ = [np.array(b) for b in model.intercepts_]
    exported._label_binarizer = LabelBinarizer().fit(_one_row_of_each_label(model))
    exported._no_improvement_count = 0  # without it, its partial_fit fails
    return exported


def _one_activation(model: Any) -> str:
    """Return the activation of all hidden layers, if MLPClassifier has it."""
    names = sorted(set(model._fitted_activations)) or ["identity"]
    unknown = [name for name in names if name not in _VALUES_OF_SKLEARN["activation"]]
    if unknown or len(names) > 1:
        what = f"activation {', '.join(unknown)}" if unknown else f"different ones, {names}"
        raise ValueError(
            f"MLPClassifier has one activation for all layers, out of "
            f"{sorted(_VALUES_OF_SKLEARN['activation'])}; this model has {what}. Use to_onnx "
            "instead, or fit with an activation of these."
        )
    return names[0]


def _one_row_of_each_label(model: Any) -> Any:
    multilabel = model._encoder.multilabel
    return model._encoder.decode(np.eye(model.n_outputs_) > 0) if multilabel else model.classes_


def to_onnx(
    model: Any,
    path: str | os.PathLike | None = None,
    *,
    opset: int = 17,
    dtype: npt.DTypeLike | None = None,
) -> Any:
    """Return the model as an ONNX ModelProto; see the classifier's method."""
    check_is_fitted(model)
    try:
        import onnx
    except ImportError as error:
        raise ImportError("to_onnx needs the package onnx: pip install skmlp[onnx]") from error
    from onnx import TensorProto, helper

    last_opset = onnx.defs.onnx_opset_version()
    if not FIRST_OPSET <= opset <= last_opset:
        raise ValueError(
            f"opset={opset!r} must be between {FIRST_OPSET} and {last_opset}, the last one that "
            f"the installed onnx {onnx.__version__} knows."
        )
    graph = _OnnxGraph(np.dtype(dtype or model.coefs_[0].dtype))
    number = helper.np_dtype_to_tensor_dtype(graph.dtype)
    labels = onnx_labels(model.classes_)
    write_network(graph, model, "X", labels, "label", "probabilities")

    K = len(model.classes_)
    label = TensorProto.STRING if labels.dtype == object else TensorProto.INT64
    label_shape = ["N", K] if model._encoder.multilabel else ["N"]
    opsets = [helper.make_opsetid("", opset)]
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            type(model).__name__,
            [helper.make_tensor_value_info("X", number, ["N", model.n_features_in_])],
            [
                helper.make_tensor_value_info("label", label, label_shape),
                helper.make_tensor_value_info("probabilities", number, ["N", K]),
            ],
            graph.constants,
        ),
        opset_imports=opsets,
        # runtimes refuse versions that are newer than themselves
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="skmlp",
        producer_version=sys.modules["skmlp"].__version__,
    )
    if path is not None:
        onnx.save(proto, path)
    return proto


class _OnnxGraph(Graph):
    """Nodes and constants as `onnx.helper` makes them."""

    def __init__(self, dtype: np.dtype) -> None:
        super().__init__(dtype)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._numbers = itertools.count()

    def new_name(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers)}"

    def add_node(self, op: str, inputs: list[str], output: str, attributes: dict) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))

    def add_constant(self, name: str, array: npt.NDArray[Any]) -> None:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(array, name))
