"""Targets: from labels to what the network is trained on, and back."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, issparse
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import column_or_1d

from skmlp._data.indicators import check_indicators, check_no_fractions, indicators, warn_of_one_hot
from skmlp._data.labels import check_class_labels, distinct_labels, plain_labels, positions
from skmlp._data.request import FitMode
from skmlp._engine.types import FloatArray, IndexArray, Targets
from skmlp._warn import warn


class TargetEncoder(Protocol):
    """What `fit` and the fitted model ask of the encoder of y.

    Attributes
    ----------
    n_outputs : int
        Number of output units.
    standardized : bool
        Whether the network is trained in other units than those of the user.
    """

    n_outputs: int
    standardized: bool

    def encode(self, y: Any, name: str = "y") -> Targets:
        """Return the targets of the loss; raise ValueError, with the name, if y is not valid."""

    def decode(self, y: Targets) -> Any:
        """Return y as the user knows it."""

    def fold(self, W: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the output layer in units of the user, given that of the network."""

    def unfold(
        self, W: FloatArray, b: FloatArray, known: Any = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return the output layer in units of the network, given that of the user.

        If `known` is given, it is the targets of the fitted model.
        """

    def stratification(self, y: Targets) -> Targets | None:
        """Return the classes by which a split is stratified, if it is."""

    def fitted_attributes(self) -> dict[str, Any]:
        """Return the fitted attributes that describe the targets."""

    def label_texts(self) -> npt.NDArray[Any]:
        """Return a text for each label, for the fingerprint of a fit."""


class ClassificationTargets:
    """Turns labels into the targets of the loss, and predicted targets into labels.

    Two classes become one yes-or-no target; more (or one) become class numbers; a multilabel
    indicator matrix becomes a matrix of yes-or-no targets.

    Parameters
    ----------
    y : array of shape (n,) or (n, n_outputs)
        Labels.
    classes : array-like or None, default=None
        All labels that will ever occur. If None, the labels in y.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels; the column numbers of a multilabel matrix.
    multilabel, binary, sparse : bool
        Whether labels are an indicator matrix; whether they are two classes; whether they came as a
        sparse matrix.
    out_activation : {"softmax", "logistic"}
        The output that fits these targets.
    n_outputs : int
        Number of output units.

    Raises
    ------
    ValueError
        When y is of no kind that a classifier can learn, or does not fit `classes`.
    """

    standardized = False

    def __init__(self, y: Any, classes: npt.ArrayLike | None = None) -> None:
        y = _column(plain_labels(y))
        self.multilabel = y.ndim == 2
        self.sparse = issparse(y)
        if self.multilabel:
            check_indicators(y)
            warn_of_one_hot(y)
            self.classes_ = np.arange(y.shape[1])
        else:
            check_class_labels(y)
            self.classes_ = distinct_labels(y)
        if classes is not None:
            self._set_classes(classes)
        elif not self.multilabel:
            _warn_of_many_classes(len(self.classes_), len(y))
        n_classes = len(self.classes_)
        self.binary = n_classes == 2 and not self.multilabel
        self.out_activation = "logistic" if self.multilabel or self.binary else "softmax"
        self.n_outputs = 1 if self.binary else n_classes

    def _set_classes(self, classes: npt.ArrayLike) -> None:
        """Use the given classes in place of those of y."""
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
        y = _column(plain_labels(y, name), warns=True)
        if (y.ndim == 2) != self.multilabel or (y.ndim == 2 and y.shape[1] != self.n_outputs):
            if y.ndim == 2:
                check_no_fractions(y)
            kind = (
                f"a multilabel indicator matrix of {self.n_outputs} columns"
                if self.multilabel
                else "1-dimensional"
            )
            raise ValueError(f"{name} has shape {y.shape}, but this classifier learns from {kind}.")
        if self.multilabel:
            return indicators(y, name)
        check_class_labels(y, name)
        numbers, unknown = positions(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"{name} has classes not in `self.classes_`: {sorted(unknown.tolist(), key=str)} "
                f"are not among {self.classes_}. All classes must be there from the start: in the "
                "first fit, or in `classes` of the first partial_fit."
            )
        return (numbers == 1)[:, np.newaxis] if self.binary else numbers

    def decode(self, y: Targets) -> Any:
        """Return the labels of encoded targets, sparse if the labels learnt from were."""
        if self.multilabel:
            return csr_matrix(y).astype(int) if self.sparse else y.astype(int)
        return self.classes_[self.class_numbers(y)]

    def class_numbers(self, y: Targets) -> IndexArray:
        """Return the class numbers of encoded targets that are not multilabel."""
        return y[:, 0].astype(np.intp) if self.binary else y

    def fold(self, W: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return W and b: labels have no units."""
        return W, b

    def unfold(
        self, W: FloatArray, b: FloatArray, known: Any = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return W and b: labels have no units."""
        return W, b

    def stratification(self, y: Targets) -> Targets | None:
        """Return the classes by which a split is stratified; None for multilabel targets."""
        return None if self.multilabel else y

    def fitted_attributes(self) -> dict[str, Any]:
        """Return the fitted attributes that describe the targets."""
        return {"classes_": self.classes_, "n_outputs_": self.n_outputs}

    def label_texts(self) -> npt.NDArray[Any]:
        """Return type and text of each label."""
        return np.array([f"{type(label).__name__} {label}" for label in self.classes_])


def sorted_classes(classes: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return the labels in `classes`, sorted; raise ValueError if they are none."""
    try:
        return unique_labels(plain_labels(classes, "classes"))
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"classes={classes!r} is not a list of class labels: {error} Give all labels that will "
            "ever occur, for example classes=np.unique(y_all)."
        ) from error


def continued_targets(
    known: ClassificationTargets, y: Any, classes: npt.ArrayLike | None, mode: FitMode
) -> ClassificationTargets:
    """Return the targets of the fitted model, with which training continues.

    Raises
    ------
    ValueError
        If `classes`, or with `warm_start` the labels in y, are not those of the model.
    """
    if classes is not None and not np.array_equal(sorted_classes(classes), known.classes_):
        raise ValueError(
            f"classes={classes!r} is not the same as in the first fit, which was: "
            f"{known.classes_!r}. Leave it out, or start with a new classifier."
        )
    if mode.partial:
        return known
    found = ClassificationTargets(y).classes_
    if not np.array_equal(found, known.classes_):
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the previous "
            f"call to fit. Previously got {known.classes_}, `y` has {found}."
            " Use warm_start=False, or partial_fit for rows that lack some classes."
        )
    return known


def first_targets(y: Any, classes: npt.ArrayLike | None, mode: FitMode) -> ClassificationTargets:
    """Return the targets of a model that is not fitted yet, or fitted anew.

    Raises
    ------
    ValueError
        If y cannot be learnt, or if the first call of `partial_fit` lacks `classes`.
    """
    if mode.partial and classes is None:
        raise ValueError(
            "classes must be passed on the first call to partial_fit: all labels that will "
            "ever occur, for example classes=np.unique(y_all)."
        )
    return ClassificationTargets(y, classes)


def _column(y: Any, warns: bool = False) -> Any:
    """Return y, with one column as a 1-dimensional array; if `warns`, with a warning."""
    if y.ndim == 2 and y.shape[1] == 1:
        return column_or_1d(y.toarray() if issparse(y) else y, warn=warns)
    return y


def _warn_of_many_classes(n_classes: int, n_rows: int) -> None:
    """Warn if there are so many classes that y may be a quantity."""
    if n_rows > 20 and n_classes > round(0.5 * n_rows):
        warn(
            "The number of unique classes is greater than 50% of the number of samples: y has "
            f"{n_classes} different values in {n_rows} rows. If y is a quantity, use "
            "NumpyMLPRegressor."
        )
