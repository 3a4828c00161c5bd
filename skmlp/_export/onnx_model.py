"""A fitted network as an ONNX model."""

import copy
import itertools
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from skmlp._export.onnx_graph import FIRST_OPSET, Graph, write_network
from skmlp._persistence.replace_file import is_special, replacing

# the numbers of these types in ONNX
NUMBER = {"float32": 1, "float64": 11}

# name, type and shape of an input or output
Value: TypeAlias = tuple[str, int, Sequence[Any]]


def to_onnx(
    model: Any,
    path: str | os.PathLike | None = None,
    *,
    opset: int = 17,
    dtype: npt.DTypeLike | None = None,
) -> Any:
    """Return the model as an ONNX ModelProto; see the method of that name."""
    check_is_fitted(model)
    check_opset(opset)
    graph = OnnxGraph(np.dtype(dtype or model.coefs_[0].dtype))
    head = model._onnx_head()
    head.write(graph, write_network(graph, model, "X"), head.names)
    number = NUMBER[graph.dtype.name]
    inputs = [("X", number, ["N", model.n_features_in_])]
    outputs = [
        (name, kind or number, shape)
        for name, kind, shape in zip(head.names, head.kinds, head.shapes("N"), strict=True)
    ]
    proto = model_proto(graph, type(model).__name__, inputs, outputs, {"": opset})
    save(proto, path)
    return proto


def check_opset(opset: int) -> None:
    """Raise ImportError if onnx is not installed, ValueError if the opset is out of range."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError("to_onnx needs the package onnx: pip install skmlp[onnx]") from error

    last_opset = onnx.defs.onnx_opset_version()
    if not FIRST_OPSET <= opset <= last_opset:
        raise ValueError(
            f"opset={opset!r} must be between {FIRST_OPSET} and {last_opset}, the last one that "
            f"the installed onnx {onnx.__version__} knows."
        )


def model_proto(
    graph: "OnnxGraph",
    name: str,
    inputs: Sequence[Value],
    outputs: Sequence[Value],
    opsets: Mapping[str, int],
) -> Any:
    """Return a graph as an ONNX ModelProto.

    Parameters
    ----------
    graph : OnnxGraph
        The nodes and constants.
    name : str
        Name of the graph.
    inputs, outputs : sequence of tuple (name, type, shape)
        What goes in and comes out; types are ONNX's numbers.
    opsets : mapping of str to int
        Version of each domain of operators; "" is ONNX's main domain.

    Returns
    -------
    model : onnx.ModelProto
        The model.
    """
    from onnx import helper

    ids = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            name,
            [helper.make_tensor_value_info(*value) for value in inputs],
            [helper.make_tensor_value_info(*value) for value in outputs],
            graph.constants,
        ),
        opset_imports=ids,
        # runtimes refuse versions that are newer than themselves
        ir_version=helper.find_min_ir_version_for(ids, ignore_unknown=True),
        producer_name="skmlp",
        producer_version=sys.modules["skmlp"].__version__,
    )


def save(proto: Any, path: str | os.PathLike | None) -> None:
    """Write the model to the file; if that fails, a file that was there stays as it was."""
    import onnx

    if path is None:
        return
    path = os.path.realpath(path)
    if is_special(path):  # a device or a pipe has no content to be kept
        onnx.save(proto, path)
        return
    with replacing(path) as temporary:
        if os.path.exists(path):
            shutil.copymode(path, temporary)
        onnx.save(proto, temporary)


class OnnxGraph(Graph):
    """Nodes and constants as `onnx.helper` makes them.

    Parameters
    ----------
    dtype : dtype
        Precision of constants.
    taken : iterable of str, default=()
        Names that the graph must not give to its own values.
    """

    def __init__(self, dtype: np.dtype, taken: Iterable[str] = ()) -> None:
        super().__init__(dtype)
        self._taken = frozenset(taken)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._numbers = itertools.count()

    def new_name(self, prefix: str) -> str:
        name = f"{prefix}_{next(self._numbers)}"
        return self.new_name(prefix) if name in self._taken else name

    def in_precision(self, dtype: npt.DTypeLike) -> "OnnxGraph":
        """Return the same graph, to which constants are added in another precision."""
        graph = copy.copy(self)
        graph.dtype = np.dtype(dtype)
        return graph

    def add_node(self, op: str, inputs: list[str], outputs: list[str], attributes: dict) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(op, inputs, outputs, name=outputs[0], **attributes))

    def add_constant(self, name: str, array: npt.NDArray[Any]) -> None:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(array, name))
