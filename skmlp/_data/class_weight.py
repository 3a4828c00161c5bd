"""Class weights, and the weight of each row: class weight times sample weight."""

import datetime
from numbers import Number
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from skmlp._data.request import FitMode
from skmlp._data.targets import ClassificationTargets
from skmlp._engine.types import FloatArray, IndexArray, Targets
from skmlp._warn import warn

# by the kind of the array of classes
_KIND_NAMES = {
    **dict.fromkeys("OUT", "text"),
    **dict.fromkeys("iuf", "numbers"),
    "b": "booleans",
    "M": "dates",
    "m": "time spans",
}


class RowWeights(Protocol):
    """Weights that depend on the encoded targets of a row."""

    def of_rows(self, y: Targets) -> FloatArray:
        """Return the weight of each row, shape (n,)."""


class ClassWeights:
    """Weight of each class, learnt from the training rows.

    "balanced" gives class c the weight sum(w) / (n_classes sum_{i in c} w_i), w the sample weights.
    A dict gives the weight of each label; labels left out weigh 1. A key is the label of the same
    value and kind: text is never taken for a number. For multilabel targets each column has two
    classes, absent and present, and a row's weight is the product over its columns.

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
        When keys of a dict are of another kind than the labels, weights are no numbers, or the
        parameter does not fit the kind of targets.

    Warns
    -----
    UserWarning
        If a dict has weights for labels that are not among the classes.
    """

    def __init__(
        self,
        class_weight: Any,
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
        product = np.ones(len(y))
        for (absent, present), column in zip(self._tables, y.T, strict=True):
            product *= np.where(column, present, absent)
        return product


def class_weights(
    class_weight: Any,
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
    class_weight: Any, targets: ClassificationTargets, numbers: IndexArray, w: Any
) -> FloatArray:
    """Return the weight of each class number."""
    if isinstance(class_weight, list):
        raise ValueError(
            f"class_weight={class_weight!r} is a list, which is meant for multilabel y: give a "
            "dict {label: weight}, or 'balanced'."
        )
    if isinstance(class_weight, dict):
        weights, absent = _looked_up(class_weight, targets.classes_)
        if absent:
            warn(
                f"class_weight has weights for labels that do not occur: {_listed(absent)} are not "
                f"among the classes {_listed(targets.classes_.tolist())}. These weights have no "
                "effect, and classes without a weight weigh 1. Check the spelling of the labels."
            )
        return weights
    return _balanced(numbers, len(targets.classes_), w)


def _multilabel_tables(class_weight: Any, y: Targets, w: Any) -> list:
    """Return the weights of absent and present, for each column."""
    if class_weight == "balanced":
        return [_balanced(column.astype(np.intp), 2, w) for column in y.T]
    if isinstance(class_weight, dict) or len(class_weight) != y.shape[1]:
        raise ValueError(
            f"class_weight={class_weight!r} does not fit y, which is multilabel: give 'balanced', "
            f"or a list of {y.shape[1]} dicts, one for each column, such as {{0: 1, 1: 5}}."
        )
    return [_of_column(weights) for weights in class_weight]


def _of_column(weights: Any) -> FloatArray:
    """Return the weights of absent and present."""
    if not isinstance(weights, dict):
        raise ValueError(
            f"class_weight has the entry {weights!r} for a column of a multilabel y: give a dict "
            "for each column, such as {0: 1, 1: 5}."
        )
    table, unknown = _looked_up(weights, np.arange(2))
    if unknown:
        raise ValueError(
            f"class_weight has the dict {weights!r} for a column of a multilabel y, whose labels "
            f"are 0 (absent) and 1 (present): {_listed(unknown)} are not among them."
        )
    return table


def _looked_up(class_weight: dict, classes: npt.NDArray[Any]) -> tuple[FloatArray, list[Any]]:
    """Return the weight of each class, 1 for those left out, and the keys that are no class."""
    other_kind = [key for key in class_weight if not _is_of_kind(key, classes)]
    if other_kind:
        raise ValueError(
            f"class_weight has keys of another kind than the labels: {_listed(other_kind)} are not "
            f"among the classes {_listed(classes.tolist())}, which are "
            f"{_KIND_NAMES.get(classes.dtype.kind, classes.dtype)}. Give a dict {{label: weight}} "
            "with the labels as they are in y."
        )
    is_date = classes.dtype.kind in "mM"
    numbers = {label: k for k, label in enumerate(list(classes) if is_date else classes.tolist())}
    weights, unknown = np.ones(len(classes)), []
    for key, weight in class_weight.items():
        if not isinstance(weight, Number | np.bool_):
            raise ValueError(f"class_weight gives label {key!r} the weight {weight!r}, no number.")
        k = _position_of_date(key, classes) if is_date else numbers.get(_python_value(key))
        if k is None:
            unknown.append(_python_value(key))
        else:
            weights[k] = float(weight)  # type: ignore[arg-type]
    return weights, unknown


def _is_of_kind(key: Any, classes: npt.NDArray[Any]) -> bool:
    """Return whether a key can be one of the classes: both text, both numbers, or both dates."""
    kinds = {
        "M": np.datetime64 | datetime.date,
        "m": np.timedelta64 | datetime.timedelta,
        **dict.fromkeys("OUT", str),
    }
    return isinstance(key, kinds.get(classes.dtype.kind, Number | np.bool_))


def _position_of_date(key: Any, classes: npt.NDArray[Any]) -> int | None:
    """Return the position of a date or a time span, in whatever unit it is given."""
    equal = np.flatnonzero(classes == np.array([key]).astype(classes.dtype.kind + "8"))
    return int(equal[0]) if len(equal) else None


def _python_value(key: Any) -> Any:
    """Return scalars of NumPy as those of Python, which print as they are written."""
    return key.item() if isinstance(key, np.generic) and key.dtype.kind not in "mM" else key


def _listed(labels: list[Any]) -> str:
    """Return labels as text, at most ten of them."""
    return ", ".join([*map(repr, labels[:10]), *(["..."] if len(labels) > 10 else [])])


def _balanced(numbers: IndexArray, n_classes: int, w: Any) -> FloatArray:
    """Return sum(w) / (n_present sum_{i in c} w_i) for each class c, 0 for one without rows."""
    of_class = np.bincount(numbers, weights=w, minlength=n_classes).astype(float)
    present = of_class > 0
    of_class[present] = of_class.sum() / (present.sum() * of_class[present])
    return of_class


def combined_weights(
    w: FloatArray | None,
    class_weights: RowWeights | None,
    y: Targets,
    name: str = "sample_weight",
) -> FloatArray | None:
    """Return each row's sample weight w times the weight of its class; None if there are neither.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or all are 0. `name` is the name of w in messages.
    """
    if class_weights is not None:
        of_class = class_weights.of_rows(y)
        w = of_class if w is None else w * of_class
    if w is None:
        return None
    if not np.isfinite(w.sum()) or (w < 0).any():
        raise ValueError(
            f"Weights must be finite, in sum too, and at least 0, but {name} times "
            f"class_weight ranges from {w.min():g} to {w.max():g}."
        )
    if not w.any():
        raise ValueError(
            f"Weights are zero for all rows, of all classes: {name} times class_weight must be "
            "above 0 for at least one row."
        )
    return w


def check_not_classes(sample_weight: Any, y: Any) -> None:
    """Raise ValueError if sample weights look like the classes of y.

    They do if they are text, or distinct values, in number not that of the rows, that include all
    of y. In `partial_fit` of scikit-learn, `classes` is the third argument.
    """
    if sample_weight is None or np.ndim(sample_weight) != 1:
        return
    given, labels = np.asarray(sample_weight), np.asarray(y)
    is_text = given.dtype.kind in "OUT" and all(isinstance(value, str) for value in given.tolist())
    is_list_of_labels = (
        labels.ndim == 1
        and len(given) != len(labels)
        and len(set(given.tolist())) == len(given)
        and set(labels.tolist()) <= set(given.tolist())
    )
    if is_text or is_list_of_labels:
        raise ValueError(
            f"sample_weight={sample_weight!r} looks like the classes of y. The third argument of "
            "partial_fit is sample_weight: pass the classes by name, as "
            "partial_fit(X, y, classes=...)."
        )
