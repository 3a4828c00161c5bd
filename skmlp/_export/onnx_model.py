"""A fitted network as an ONNX model."""

import itertools
import os
import shutil
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from skmlp._export.onnx_graph import FIRST_OPSET, Graph, write_network
from skmlp._persistence.replace_file import is_special, replacing


def to_onnx(
    model: Any,
    path: str | os.PathLike | None = None,
    *,
    opset: int = 17,
    dtype: npt.DTypeLike | None = None,
) -> Any:
    """Return the model as an ONNX ModelProto; see the method of that name."""
    check_is_fitted(model)
    try:
        import onnx
    except ImportError as error:
        raise ImportError("to_onnx needs the package onnx: pip install skmlp[onnx]") from error
    from onnx import helper

    last_opset = onnx.defs.onnx_opset_version()
    if not FIRST_OPSET <= opset <= last_opset:
        raise ValueError(
            f"opset={opset!r} must be between {FIRST_OPSET} and {last_opset}, the last one that "
            f"the installed onnx {onnx.__version__} knows."
        )
    graph = _OnnxGraph(np.dtype(dtype or model.coefs_[0].dtype))
    number = helper.np_dtype_to_tensor_dtype(graph.dtype)
    head = model._onnx_head()
    head.write(graph, write_network(graph, model, "X"), head.names)
    opsets = [helper.make_opsetid("", opset)]
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            type(model).__name__,
            [helper.make_tensor_value_info("X", number, ["N", model.n_features_in_])],
            [
                helper.make_tensor_value_info(name, kind or number, shape)
                for name, kind, shape in zip(head.names, head.kinds, head.shapes("N"), strict=True)
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
        _save(proto, os.path.realpath(path))
    return proto


def _save(proto: Any, path: str) -> None:
    """Write the model to the file; if that fails, a file that was there stays as it was."""
    import onnx

    if is_special(path):  # a device or a pipe has no content to be kept
        onnx.save(proto, path)
        return
    with replacing(path) as temporary:
        if os.path.exists(path):
            shutil.copymode(path, temporary)
        onnx.save(proto, temporary)


class _OnnxGraph(Graph):
    """Nodes and constants as `onnx.helper` makes them."""

    def __init__(self, dtype: np.dtype) -> None:
        super().__init__(dtype)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._numbers = itertools.count()

    def new_name(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers)}"

    def add_node(self, op: str, inputs: list[str], outputs: list[str], attributes: dict) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(op, inputs, outputs, name=outputs[0], **attributes))

    def add_constant(self, name: str, array: npt.NDArray[Any]) -> None:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(array, name))
