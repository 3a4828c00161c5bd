"""From labels to what the network is trained on, and back; class weights."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, issparse
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d

from skmlp._engine.types import FloatArray, IndexArray, Targets


class ClassificationTargets:
    """Turns labels into the targets of the loss, and predicted targets into labels.

    Two classes become one yes-or-no target; more (or one) become class numbers; a multilabel
    indicator matrix becomes a matrix of yes-or-no targets.

    Parameters
    ----------
    y : array of shape (n,) or (n, n_outputs)
        Labels.
    classes : array-like or None, default=None
        All labels that will ever occur; None: those of y.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels; the column numbers of a multilabel matrix.
    multilabel, binary : bool
        Whether labels are an indicator matrix; whether they are two classes.
    out_activation : {"softmax", "logistic"}
        The output that fits these targets.
    n_outputs : int
        Number of output units.

    Raises
    ------
    ValueError
        When y is of no kind that a classifier can learn, or does not fit `classes`.
    """

    def __init__(self, y: Any, classes: npt.ArrayLike | None = None) -> None:
        y = _column(y)
        check_classification_targets(y)
        self.multilabel = type_of_target(y) == "multilabel-indicator"
        if y.ndim == 2 and not self.multilabel:
            raise ValueError(
                "y must be 1-dimensional, or a multilabel indicator matrix of zeros and ones, got "
                f"shape {y.shape} with other values. Fit one classifier per column instead, for "
                "example with sklearn.multioutput.MultiOutputClassifier."
            )
        if self.multilabel:
            self._binarizer = _fitted_binarizer(y)
        self.classes_ = self._binarizer.classes_ if self.multilabel else unique_labels(y)
        if classes is not None:
            self._take(classes)
        n_classes = len(self.classes_)
        self.binary = n_classes == 2 and not self.multilabel
        self.out_activation = "logistic" if self.multilabel or self.binary else "softmax"
        self.n_outputs = 1 if self.binary else n_classes

    def plain(self) -> dict[str, Any]:
        """Return it in plain types, from which `from_plain` restores."""
        kept = {name: value for name, value in vars(self).items() if name != "_binarizer"}
        return kept | {"sparse": self.multilabel and self._binarizer.sparse_input_}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "ClassificationTargets":
        """Return the encoder; its binarizer is made anew, by the scikit-learn that is installed."""
        encoder = cls.__new__(cls)
        vars(encoder).update({name: value for name, value in plain.items() if name != "sparse"})
        if encoder.multilabel:
            one_row_each = np.eye(encoder.n_outputs, dtype=int)
            encoder._binarizer = _fitted_binarizer(
                csr_matrix(one_row_each) if plain["sparse"] else one_row_each
            )
        return encoder

    def _take(self, classes: npt.ArrayLike) -> None:
        """Take the given classes in place of those of y."""
        given = sorted_classes(classes)
        if self.multilabel and not np.array_equal(given, self.classes_):
            raise ValueError(
                f"classes={classes!r} does not fit y, a multilabel indicator matrix of "
                f"{len(self.classes_)} columns: give their numbers, {self.classes_}."
            )
        self.classes_ = given

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

    def decode(self, targets: Targets) -> npt.NDArray[Any]:
        """Return the labels of the targets."""
        if self.multilabel:
            return self._binarizer.inverse_transform(targets.astype(int))
        return self.classes_[self.class_numbers(targets)]

    def class_numbers(self, targets: Targets) -> IndexArray:
        """Return the class numbers of targets that are not multilabel."""
        return targets[:, 0].astype(np.intp) if self.binary else targets


def _fitted_binarizer(y: Any) -> Any:
    from sklearn.preprocessing import LabelBinarizer  # takes long to import, is rarely used

    return LabelBinarizer().fit(y)


def sorted_classes(classes: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return the labels in `classes`, sorted; raise ValueError if they are none."""
    try:
        return unique_labels(classes)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"classes={classes!r} is not a list of class labels: {error} Give all labels that will "
            "ever occur, for example classes=np.unique(y_all)."
        ) from error


class ClassWeights:
    """The weight of each class, learnt from the training rows.

    "balanced" gives class c the weight sum(w) / (n_classes sum_{i in c} w_i), w the sample weights.
    For multilabel targets each column has two classes, absent and present, and a row's weight is
    the product over its columns.

    Parameters
    ----------
    class_weight : "balanced", dict or list of dicts
        As in the classifier.
    encoder : ClassificationTargets
        The encoder of the targets.
    targets : ndarray of shape (n,) or (n, n_outputs)
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
        encoder: ClassificationTargets,
        targets: Targets,
        w: FloatArray | None,
    ) -> None:
        self._encoder = encoder
        self._tables = (
            _multilabel_tables(class_weight, targets, w)
            if encoder.multilabel
            else [_table(class_weight, encoder, encoder.class_numbers(targets), w)]
        )

    def of_rows(self, targets: Targets) -> FloatArray:
        """Return the class weight of each row, shape (n,)."""
        if not self._encoder.multilabel:
            return self._tables[0][self._encoder.class_numbers(targets)]
        columns = zip(self._tables, targets.T.astype(np.intp), strict=True)
        return np.prod([table[present] for table, present in columns], axis=0)


def _table(
    class_weight: str | dict | list, encoder: ClassificationTargets, numbers: IndexArray, w: Any
) -> FloatArray:
    """Return the weight of each class number."""
    if isinstance(class_weight, list):
        raise ValueError(
            f"class_weight={class_weight!r} is a list, which is meant for multilabel y: give a "
            "dict {label: weight}, or 'balanced'."
        )
    if isinstance(class_weight, dict):
        classes = encoder.classes_
        return compute_class_weight(class_weight, classes=classes, y=classes)
    return _balanced(numbers, len(encoder.classes_), w)


def _multilabel_tables(class_weight: str | dict | list, targets: Targets, w: Any) -> list:
    """Return the weights of absent and present, for each column."""
    if class_weight == "balanced":
        return [_balanced(column.astype(np.intp), 2, w) for column in targets.T]
    if isinstance(class_weight, dict) or len(class_weight) != targets.shape[1]:
        raise ValueError(
            f"class_weight={class_weight!r} does not fit y, which is multilabel: give 'balanced', "
            f"or a list of {targets.shape[1]} dicts, one for each column, such as {{0: 1, 1: 5}}."
        )
    both = np.arange(2)
    return [compute_class_weight(weights, classes=both, y=both) for weights in class_weight]


def _balanced(numbers: IndexArray, n_classes: int, w: Any) -> FloatArray:
    """Return sum(w) / (n_present sum_{i in c} w_i) for each class c, 0 for one without rows."""
    of_class = np.bincount(numbers, weights=w, minlength=n_classes).astype(float)
    present = of_class > 0
    of_class[present] = of_class.sum() / (present.sum() * of_class[present])
    return of_class


def _column(y: Any) -> Any:
    """Return y, with one column as a 1-dimensional array."""
    if y.ndim == 2 and y.shape[1] == 1:
        return column_or_1d(y.toarray() if issparse(y) else y, warn=True)
    return y
