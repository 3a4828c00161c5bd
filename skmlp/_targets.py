"""From labels to what the network is trained on, and back; class weights."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d

from skmlp._types import FloatArray, Targets


class TargetEncoder:
    """Turns labels into the targets of the loss, and logits into labels.

    Two classes become one yes-or-no target; more (or one) become class numbers; a multilabel
    indicator matrix becomes a matrix of yes-or-no targets.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels; the column numbers of a multilabel matrix.
    multilabel : bool
        Whether labels are an indicator matrix.
    out_activation : {"softmax", "logistic"}
        The output that fits these targets.
    n_outputs : int
        Number of output units.
    """

    def __init__(self, y: Any, classes: Any = None) -> None:
        """Learn the labels of y; with `classes`, those instead (y tells multilabel or not)."""
        y = _column(y)
        check_classification_targets(y)
        self.multilabel = type_of_target(y) == "multilabel-indicator"
        if self.multilabel:
            self._binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._binarizer.classes_
        elif y.ndim == 2:
            raise ValueError(
                "y must be 1-dimensional, or a multilabel indicator matrix of zeros and ones, got "
                f"shape {y.shape} with other values. Fit one classifier per column instead, for "
                "example with sklearn.multioutput.MultiOutputClassifier."
            )
        else:
            self.classes_ = unique_labels(y if classes is None else classes)
        n_classes = len(self.classes_)
        self.binary = n_classes == 2 and not self.multilabel
        self.out_activation = "logistic" if self.multilabel or self.binary else "softmax"
        self.n_outputs = 1 if self.binary else n_classes

    def encode(self, y: Any, name: str = "y") -> Targets:
        """Return the targets: booleans of shape (n, n_outputs), or class numbers of shape (n,).

        Raises
        ------
        ValueError
            When y is of another kind than the labels learnt, or has labels not among them.
        """
        y = _column(y)
        check_classification_targets(y)
        if (y.ndim == 2) != self.multilabel or (y.ndim == 2 and y.shape[1] != self.n_outputs):
            kind = (
                f"a multilabel indicator matrix of {self.n_outputs} columns"
                if self.multilabel
                else "1-dimensional"
            )
            raise ValueError(f"{name} has shape {y.shape}, but this classifier learns from {kind}.")
        if self.multilabel:
            return self._binarizer.transform(y).astype(bool)
        unseen = set(np.unique(y).tolist()) - set(self.classes_.tolist())
        if unseen:
            raise ValueError(
                f"{name} has classes not in `self.classes_`: {sorted(unseen, key=str)} are not "
                f"among {self.classes_}. All classes must be there from the start: in the first "
                "fit, or in `classes` of the first partial_fit."
            )
        numbers = np.searchsorted(self.classes_, y)
        return (numbers == 1)[:, np.newaxis] if self.binary else numbers

    def decode(self, predicted: Targets) -> npt.NDArray[Any]:
        """Return the labels of encoded targets."""
        if self.multilabel:
            return self._binarizer.inverse_transform(predicted.astype(int))
        return self.classes_[predicted[:, 0].astype(int) if self.binary else predicted]


def class_weights_of_rows(
    class_weight: str | dict | list, encoder: TargetEncoder, y: Any, w: FloatArray | None
) -> FloatArray:
    """Return the class weight of each row's label; for multilabel y, the product over its columns.

    "balanced" gives class c the weight sum(w) / (n_classes sum_{i in c} w_i), w the sample weights.

    Raises
    ------
    ValueError
        When the weights name no class of y, or do not fit its kind.
    """
    y = _column(y)
    if encoder.multilabel:
        if isinstance(class_weight, dict):
            raise ValueError(
                f"class_weight={class_weight!r} is one dict, but y is multilabel: give 'balanced', "
                "or a list with a dict for each column, such as [{0: 1, 1: 5}, ...]."
            )
        return compute_sample_weight(class_weight, y.toarray() if issparse(y) else y)
    if isinstance(class_weight, list):
        raise ValueError("class_weight is a list, which is meant for multilabel y; give a dict.")
    numbers = np.searchsorted(encoder.classes_, y)
    if class_weight == "balanced":
        of_class = np.bincount(numbers, weights=w, minlength=len(encoder.classes_))
        present = of_class > 0
        weights = np.zeros(len(of_class))
        weights[present] = of_class.sum() / (present.sum() * of_class[present])
    else:
        weights = compute_class_weight(class_weight, classes=encoder.classes_, y=y)
    return weights[numbers]


def _column(y: Any) -> Any:
    """Return y, with one column as a 1-dimensional array."""
    if not issparse(y) and y.ndim == 2 and y.shape[1] == 1:
        return column_or_1d(y, warn=True)
    return y
