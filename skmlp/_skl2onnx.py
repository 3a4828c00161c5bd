"""Whole pipelines to ONNX: a converter for skl2onnx."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingRegressor
from sklearn.pipeline import Pipeline

from skmlp._classifier import NumpyMLPClassifier
from skmlp._export.onnx_graph import FIRST_OPSET, Graph, write_network
from skmlp._export.onnx_head import STRING, ClassificationHead
from skmlp._regressor import NumpyMLPRegressor
from skmlp._warn import warn


def register_skl2onnx() -> None:
    """Let skl2onnx convert `NumpyMLPClassifier` and `NumpyMLPRegressor`, alone and in pipelines.

    Calling it again changes nothing. The network is computed in the precision of the input that
    the pipeline is converted for: ``skl2onnx.to_onnx(pipeline, X[:1])`` gives a float64 model if X
    is float64. For the classifier, the options "zipmap", "nocl", "output_class_labels" and
    "raw_scores" work as for any classifier; with ``raw_scores=True`` the graph returns the values
    of `decision_function`, for two classes [-z, z], in place of probabilities. For the regressor,
    the graph returns a column for each target or quantile, also if there is one.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    See Also
    --------
    NumpyMLPClassifier.to_onnx : The network alone, for which onnx is enough.
    NumpyMLPRegressor.to_onnx : The same for numbers.
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
        _set_classifier_types,
        _convert_classifier,
        options={
            "zipmap": [True, False, "columns"],
            "nocl": [True, False],
            "output_class_labels": [False, True],
            "raw_scores": [True, False],  # CalibratedClassifierCV asks for them
        },
    )
    update_registered_converter(
        NumpyMLPRegressor, "SkmlpNumpyMLPRegressor", _set_regressor_types, _convert_regressor
    )


def _set_classifier_types(operator: Any) -> None:
    """Tell skl2onnx the type and shape of the label and of the probabilities."""
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    head = _head(operator)
    label_shape, proba_shape = head.shapes(operator.inputs[0].get_first_dimension())
    kind = StringTensorType if head.kinds[0] == STRING else Int64TensorType
    operator.outputs[0].set_type(kind(label_shape))
    operator.outputs[1].type.shape = proba_shape


def _set_regressor_types(operator: Any) -> None:
    """Tell skl2onnx the type and shape of the predictions."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    X = operator.inputs[0]
    (shape,) = operator.raw_operator._onnx_head().shapes(X.get_first_dimension())
    kind = DoubleTensorType if isinstance(X.type, DoubleTensorType) else FloatTensorType
    operator.outputs[0].set_type(kind(shape))


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Write a classifier into the pipeline's graph."""
    graph, z = _write_network(scope, operator, container)
    model = operator.raw_operator
    enclosing = [each.raw_operator for each in scope.operators.values()]
    _warn_of_isotonic(model, enclosing)
    head = _head(operator, _asks_for_raw_scores(model, enclosing, container))
    head.write(graph, z, operator.output_full_names)


def _convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    """Write a regressor into the pipeline's graph."""
    graph, z = _write_network(scope, operator, container)
    model = operator.raw_operator
    _warn_of_bagging(model, [each.raw_operator for each in scope.operators.values()])
    model._onnx_head().write(graph, z, operator.output_full_names)


def _write_network(scope: Any, operator: Any, container: Any) -> tuple["_ContainerGraph", str]:
    """Write the network into the pipeline's graph; return the graph and the raw output's name."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, guess_proto_type

    model, X = operator.raw_operator, operator.inputs[0]
    if container.target_opset < FIRST_OPSET:
        raise ValueError(
            f"target_opset={container.target_opset} is too old for {type(model).__name__}: give "
            f"{FIRST_OPSET} or more."
        )
    dtype = np.dtype(np.float64 if isinstance(X.type, DoubleTensorType) else np.float32)
    graph = _ContainerGraph(dtype, scope, container)
    name = X.full_name
    if not isinstance(X.type, FloatTensorType | DoubleTensorType):
        name = graph("Cast", name, to=guess_proto_type(operator.outputs[-1].type))
    return graph, write_network(graph, model, name)


def _head(operator: Any, raw_scores: bool = False) -> ClassificationHead:
    """Return the outputs of the model; with the option "nocl", numbers in place of its labels."""
    from skl2onnx.common.utils_classifier import get_label_classes

    model = operator.raw_operator
    labels = get_label_classes(operator.scope_inst, model)
    return ClassificationHead(model._targets, model.out_activation_, labels, raw_scores)


def _asks_for_raw_scores(model: Any, enclosing: Sequence[Any], container: Any) -> bool:
    """Return whether the model has the option "raw_scores", or a pipeline that ends with the model.

    skl2onnx sets this option for what CalibratedClassifierCV calibrates, but does not pass the
    option on from a pipeline to its last step.
    """
    return any(
        container.get_options(estimator, {"raw_scores": False})["raw_scores"]
        for estimator in enclosing
        if isinstance(estimator, Pipeline | type(model)) and _last_step(estimator) is model
    )


def _warn_of_isotonic(model: Any, enclosing: Sequence[Any]) -> None:
    """Warn if the model is calibrated in a way that skl2onnx converts wrongly."""
    for estimator in enclosing:
        if (
            isinstance(estimator, CalibratedClassifierCV)
            and estimator.method == "isotonic"
            and _last_step(estimator.calibrated_classifiers_[0].estimator) is model
        ):
            warn(
                "skl2onnx converts CalibratedClassifierCV(method='isotonic') to a step function, "
                "where scikit-learn interpolates, so that the probabilities of the ONNX model may "
                "be far from those of predict_proba. Use method='sigmoid', or compare both models "
                "before you rely on the converted one."
            )


def _warn_of_bagging(model: Any, enclosing: Sequence[Any]) -> None:
    """Warn if the model has several columns, and is in an ensemble that mixes them up."""
    for estimator in enclosing:
        if (
            isinstance(estimator, BaggingRegressor)
            and model.n_outputs_ > 1
            and _last_step(estimator.estimators_[0]) is model
        ):
            n = model.n_outputs_
            warn(
                f"skl2onnx converts BaggingRegressor for one column: the ONNX model returns the "
                f"{n} predictions of a row one below the other, as {n} rows. Reshape its output to "
                f"(-1, {n}), or convert a model with one column."
            )


def _last_step(estimator: Any) -> Any:
    """Return the last step of a pipeline, or of a pipeline in that place; else the estimator."""
    while isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    return estimator


class _ContainerGraph(Graph):
    """The graph of a pipeline, as skl2onnx builds it."""

    def __init__(self, dtype: np.dtype, scope: Any, container: Any) -> None:
        super().__init__(dtype)
        self._scope, self._container = scope, container

    def new_name(self, prefix: str) -> str:
        return self._scope.get_unique_variable_name(prefix)

    def add_node(self, op: str, inputs: list[str], outputs: list[str], attributes: dict) -> None:
        name = self._scope.get_unique_operator_name(op)
        self._container.add_node(op, inputs, outputs, name=name, **attributes)

    def add_constant(self, name: str, array: npt.NDArray[Any]) -> None:
        from onnx import numpy_helper

        tensor = numpy_helper.from_array(array)
        values = tensor.string_data if array.dtype == object else array.ravel()
        self._container.add_initializer(name, tensor.data_type, array.shape, values)
