"""The outputs of an ONNX graph: what leads from the raw output to labels, or to numbers."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from skmlp._data.regression_targets import RegressionTargets
from skmlp._data.targets import ClassificationTargets
from skmlp._export.onnx_graph import ONNX_LINKS, Graph, write_in_order, write_log_odds

# the numbers of these types in ONNX
INT64, STRING = 7, 8


class OnnxHead(Protocol):
    """What an estimator's ONNX graph has at its end.

    Attributes
    ----------
    names : tuple of str
        Names of the outputs.
    kinds : tuple of {int, None}
        ONNX's number of the type of each output. If None, the floats of the graph.
    """

    names: tuple[str, ...]
    kinds: tuple[int | None, ...]

    def shapes(self, n: Any) -> list[list[Any]]:
        """Return the shape of each output for n rows; n may be a symbol."""

    def write(self, g: Graph, z: str, names: Sequence[str]) -> None:
        """Write into the graph what leads from raw output z to the outputs of these names."""


class ClassificationHead:
    """Labels as from `predict`, and probabilities as from `predict_proba`.

    Parameters
    ----------
    targets : ClassificationTargets
        The encoder of the labels.
    out_activation : {"softmax", "logistic"}
        The output activation.
    labels : ndarray or None, default=None
        What the graph returns for each class. If None, the labels themselves.
    raw_scores : bool, default=False
        Whether the graph returns scores in place of probabilities: those of `decision_function`,
        for two classes one column for each, as skl2onnx expects.
    """

    names: tuple[str, ...] = ("label", "probabilities")
    kinds: tuple[int | None, ...]

    def __init__(
        self,
        targets: ClassificationTargets,
        out_activation: str,
        labels: Iterable[Any] | None = None,
        raw_scores: bool = False,
    ) -> None:
        self._targets, self._out_activation = targets, out_activation
        self._raw_scores = raw_scores
        self._labels = onnx_labels(targets.classes_ if labels is None else labels)
        self.kinds = (STRING if self._labels.dtype == object else INT64, None)

    def shapes(self, n: Any) -> list[list[Any]]:
        """Return the shapes of labels and probabilities for n rows."""
        K = len(self._targets.classes_)
        return [[n, K] if self._targets.multilabel else [n], [n, K]]

    def write(self, g: Graph, z: str, names: Sequence[str]) -> None:
        """Write what leads from the logits z to labels and probabilities."""
        label, proba = names
        if self._targets.binary:
            z = g("Concat", g("Neg", z), z, axis=1)
        if not self._raw_scores:
            g("Sigmoid" if self._out_activation == "logistic" else "Softmax", z, output=proba)
        elif self._out_activation == "logistic" or len(self._targets.classes_) == 1:
            g("Identity", z, output=proba)
        else:
            write_log_odds(g, z, len(self._targets.classes_), proba)
        if self._targets.multilabel:
            g("Cast", g("Greater", z, 0), to=INT64, output=label)
        else:
            g("Gather", self._labels, g("ArgMax", z, axis=1, keepdims=0), output=label)


class RegressionHead:
    """Predictions as from `predict`, with a column for each target or quantile.

    Parameters
    ----------
    loss : RegressionLoss
        The loss of training: its link, and the order of its levels.
    targets : RegressionTargets
        The number of outputs.
    """

    names: tuple[str, ...] = ("prediction",)
    kinds: tuple[int | None, ...] = (None,)

    def __init__(self, loss: Any, targets: RegressionTargets) -> None:
        self._loss, self._targets = loss, targets

    def shapes(self, n: Any) -> list[list[Any]]:
        """Return the shape of the predictions of n rows: 2-dimensional for one target, too."""
        return [[n, self._targets.n_outputs]]

    def write(self, g: Graph, z: str, names: Sequence[str]) -> None:
        """Write what leads from raw output z to the predictions."""
        if self._targets.n_outputs > self._targets.n_targets:  # several levels of one target
            ranks = np.argsort(np.argsort(self._loss.q))
            z = write_in_order(g, z, ranks.astype(np.int64))
        g("Identity", ONNX_LINKS[self._loss.out_activation](g, z), output=names[0])


def onnx_labels(classes: Iterable[Any]) -> npt.NDArray[Any]:
    """Return the labels as int64 or as Python strings (object), which are all that ONNX has."""
    classes = np.asarray(classes)
    if all(isinstance(label, str) for label in classes):
        return classes.astype(object)
    if classes.dtype.kind in "biuf" and np.array_equal(classes.astype(np.int64), classes):
        return classes.astype(np.int64)
    raise ValueError(f"ONNX has no labels such as {classes}: fit with integers or strings.")
