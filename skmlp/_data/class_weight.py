"""Class weights, and the weight of each row: class weight times sample weight."""

from typing import Any, Protocol

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from skmlp._data.request import FitMode
from skmlp._data.targets import ClassificationTargets
from skmlp._engine.types import FloatArray, IndexArray, Targets


class RowWeights(Protocol):
    """Weights that depend on the encoded targets of a row."""

    def of_rows(self, y: Targets) -> FloatArray:
        """Return the weight of each row, shape (n,)."""


class ClassWeights:
    """Weight of each class, learnt from the training rows.

    "balanced" gives class c the weight sum(w) / (n_classes sum_{i in c} w_i), w the sample weights.
    For multilabel targets each column has two classes, absent and present, and a row's weight is
    the product over its columns.

    Parameters
    ----------
    class_weight : "balanced", dict or list of dicts
        As in the classifier.
    targets : ClassificationTargets
        The encoder of y.
    y : ndarray of shape (n,) or (n, n_outputs)
        Encoded targets of the training rows.
    w : ndarray of shape (n,) or None
        Their sample weights.

    Raises
    ------
    ValueError
        When the weights name no class, or do not fit the kind of targets.
    """

    def __init__(
        self,
        class_weight: str | dict | list,
        targets: ClassificationTargets,
        y: Targets,
        w: FloatArray | None,
    ) -> None:
        self._targets = targets
        self._tables = (
            _multilabel_tables(class_weight, y, w)
            if targets.multilabel
            else [_table(class_weight, targets, targets.class_numbers(y), w)]
        )

    def of_rows(self, y: Targets) -> FloatArray:
        """Return the class weight of each row, shape (n,)."""
        if not self._targets.multilabel:
            return self._tables[0][self._targets.class_numbers(y)]
        columns = zip(self._tables, y.T.astype(np.intp), strict=True)
        return np.prod([table[present] for table, present in columns], axis=0)


def class_weights(
    class_weight: str | dict | list | None,
    targets: ClassificationTargets,
    y: Targets,
    w: FloatArray | None,
    mode: FitMode,
) -> ClassWeights | None:
    """Return the class weights; None if the parameter `class_weight` is None.

    Raises
    ------
    ValueError
        As `ClassWeights`; also for "balanced" in `partial_fit`.
    """
    if class_weight is None:
        return None
    if mode.partial and class_weight == "balanced":
        raise ValueError(
            "class_weight='balanced' needs all labels at once, which partial_fit never sees. "
            "Compute the weights from all labels, or from estimated frequencies, with "
            "sklearn.utils.class_weight.compute_class_weight('balanced', classes=classes, y=y) "
            "and pass them as a dict: class_weight=dict(zip(classes, weights))."
        )
    return ClassWeights(class_weight, targets, y, w)


def _table(
    class_weight: str | dict | list, targets: ClassificationTargets, numbers: IndexArray, w: Any
) -> FloatArray:
    """Return the weight of each class number."""
    if isinstance(class_weight, list):
        raise ValueError(
            f"class_weight={class_weight!r} is a list, which is meant for multilabel y: give a "
            "dict {label: weight}, or 'balanced'."
        )
    if isinstance(class_weight, dict):
        classes = targets.classes_
        return compute_class_weight(class_weight, classes=classes, y=classes)
    return _balanced(numbers, len(targets.classes_), w)


def _multilabel_tables(class_weight: str | dict | list, y: Targets, w: Any) -> list:
    """Return the weights of absent and present, for each column."""
    if class_weight == "balanced":
        return [_balanced(column.astype(np.intp), 2, w) for column in y.T]
    if isinstance(class_weight, dict) or len(class_weight) != y.shape[1]:
        raise ValueError(
            f"class_weight={class_weight!r} does not fit y, which is multilabel: give 'balanced', "
            f"or a list of {y.shape[1]} dicts, one for each column, such as {{0: 1, 1: 5}}."
        )
    both = np.arange(2)
    return [compute_class_weight(weights, classes=both, y=both) for weights in class_weight]


def _balanced(numbers: IndexArray, n_classes: int, w: Any) -> FloatArray:
    """Return sum(w) / (n_present sum_{i in c} w_i) for each class c, 0 for one without rows."""
    of_class = np.bincount(numbers, weights=w, minlength=n_classes).astype(float)
    present = of_class > 0
    of_class[present] = of_class.sum() / (present.sum() * of_class[present])
    return of_class


def combined_weights(
    w: FloatArray | None, class_weights: RowWeights | None, y: Targets
) -> FloatArray | None:
    """Return each row's sample weight w times the weight of its class; None if there are neither.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or all are 0.
    """
    if class_weights is not None:
        of_class = class_weights.of_rows(y)
        w = of_class if w is None else w * of_class
    if w is None:
        return None
    if not np.isfinite(w.sum()) or (w < 0).any():
        raise ValueError(
            "Weights must be finite, in sum too, and at least 0, but sample_weight times "
            f"class_weight ranges from {w.min():g} to {w.max():g}."
        )
    if not w.any():
        raise ValueError(
            "Weights are zero for all rows, of all classes: sample_weight times class_weight must "
            "be above 0 for at least one row."
        )
    return w
