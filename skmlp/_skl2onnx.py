"""Whole pipelines to ONNX: a converter for skl2onnx."""

from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._classifier import NumpyMLPClassifier
from skmlp._export.onnx_graph import FIRST_OPSET, Graph, write_network
from skmlp._export.onnx_head import STRING, ClassificationHead


def register_skl2onnx() -> None:
    """Let skl2onnx convert `NumpyMLPClassifier`, alone and inside pipelines.

    Calling it again changes nothing. The network is computed in the precision of the input that
    the pipeline is converted for: ``skl2onnx.to_onnx(pipeline, X[:1])`` gives a float64 model if X
    is float64. The options "zipmap", "nocl" and "output_class_labels" work as for any classifier.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    See Also
    --------
    NumpyMLPClassifier.to_onnx : The network alone, for which onnx is enough.
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError(
            "register_skl2onnx needs the package skl2onnx: pip install skmlp[onnx]"
        ) from error
    update_registered_converter(
        NumpyMLPClassifier,
        "SkmlpNumpyMLPClassifier",
        _set_output_types,
        _convert,
        options={
            "zipmap": [True, False, "columns"],
            "nocl": [True, False],
            "output_class_labels": [False, True],
        },
    )


def _set_output_types(operator: Any) -> None:
    """Tell skl2onnx the type and shape of the label and of the probabilities."""
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    head = _head(operator)
    label_shape, proba_shape = head.shapes(operator.inputs[0].get_first_dimension())
    kind = StringTensorType if head.kinds[0] == STRING else Int64TensorType
    operator.outputs[0].set_type(kind(label_shape))
    operator.outputs[1].type.shape = proba_shape


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Write the network into the pipeline's graph."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, guess_proto_type

    if container.target_opset < FIRST_OPSET:
        raise ValueError(
            f"target_opset={container.target_opset} is too old for NumpyMLPClassifier: give "
            f"{FIRST_OPSET} or more."
        )
    X, (label, proba) = operator.inputs[0], operator.outputs
    dtype = np.dtype(np.float64 if isinstance(X.type, DoubleTensorType) else np.float32)
    graph = _ContainerGraph(dtype, scope, container)
    name = X.full_name
    if not isinstance(X.type, FloatTensorType | DoubleTensorType):
        name = graph("Cast", name, to=guess_proto_type(proba.type))
    z = write_network(graph, operator.raw_operator, name)
    _head(operator).write(graph, z, [label.full_name, proba.full_name])


def _head(operator: Any) -> ClassificationHead:
    """Return the outputs of the model; with the option "nocl", numbers in place of its labels."""
    from skl2onnx.common.utils_classifier import get_label_classes

    model = operator.raw_operator
    labels = get_label_classes(operator.scope_inst, model)
    return ClassificationHead(model._targets, model.out_activation_, labels)


class _ContainerGraph(Graph):
    """The graph of a pipeline, as skl2onnx builds it."""

    def __init__(self, dtype: np.dtype, scope: Any, container: Any) -> None:
        super().__init__(dtype)
        self._scope, self._container = scope, container

    def new_name(self, prefix: str) -> str:
        return self._scope.get_unique_variable_name(prefix)

    def add_node(self, op: str, inputs: list[str], output: str, attributes: dict) -> None:
        name = self._scope.get_unique_operator_name(op)
        self._container.add_node(op, inputs, output, name=name, **attributes)

    def add_constant(self, name: str, array: npt.NDArray[Any]) -> None:
        from onnx import numpy_helper

        tensor = numpy_helper.from_array(array)
        values = tensor.string_data if array.dtype == object else array.ravel()
        self._container.add_initializer(name, tensor.data_type, array.shape, values)
