"""The classifier of tables with columns of any kind."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.validation import check_is_fitted, column_or_1d

from skmlp._classifier import NumpyMLPClassifier
from skmlp._compat import StrOptions
from skmlp._data.labels import plain_labels
from skmlp._engine.types import FloatArray
from skmlp._fold_ensemble import FoldEnsembleClassifier
from skmlp._tables.base import BaseTabular
from skmlp._tables.features import PlainFeatures
from skmlp.recipes import TABULAR

__all__ = ["TabularClassifier"]

_N_COSINES = 6


class TabularClassifier(ClassifierMixin, BaseTabular):
    """Classifier for tables with columns of any kind, with settings that need no tuning.

    The table may be an array, or a data frame of pandas or polars, with columns of any type; see
    the notes. In `fit`, text and categories are one-hot encoded, with an indicator for each of the
    30 most frequent values that occur at least three times. Columns with two distinct numbers are
    scaled to 0 and 1. Other numbers are transformed by
    :class:`~skmlp.preprocessing.RobustSmoothScaler` and
    :class:`~skmlp.preprocessing.CosineEmbedding`. A missing number is replaced by the median, and
    an indicator of missing values is added. The networks are trained by
    :class:`~skmlp.FoldEnsembleClassifier`: each network is stopped early on a fold of the rows that
    it was not trained on, and the probabilities of all networks are averaged.

    Parameters
    ----------
    network : dict or None, default=None
        Parameters of :class:`~skmlp.NumpyMLPClassifier` that replace those in
        ``skmlp.recipes.TABULAR``, for example ``{"hidden_layer_sizes": (64, 64)}``. Each is also a
        parameter of its own for `set_params` and searches, such as ``network__dropout``. With
        ``early_stopping=False``, all networks train on all rows and differ only in their seeds.
    n_members : int or "auto", default="auto"
        Number of networks, to which the training time is proportional. A single network is less
        accurate. If "auto", 8 for up to 2,000 rows, 4 for more; with `cv`, one for each split.
    n_folds : int or "auto", default="auto"
        Number of folds, of which each network holds out one. If "auto", 4 for up to 2,000 rows, 10
        for more.
    cv : int, splitter, iterable or None, default=None
        What divides the rows in place of stratified folds, as in searches of scikit-learn. Each
        network is trained on the training rows of one split and holds out its test rows. Every
        class must be among the training rows of each split.
    class_weight : dict, "balanced" or None, default=None
        Weight of each class, by which the weights of its rows are multiplied. "balanced" gives
        n_samples / (n_classes * number of rows of the class); labels that a dict leaves out weigh
        1. If None, all classes weigh 1.
    max_time : float or None, default=None
        Seconds after which training ends, of all networks together. Each network gets an equal
        share of the time that is left, and keeps its best parameters so far. At least one epoch
        of each network is trained. If None, there is no limit.
    n_jobs : int or None, default=None
        Number of networks to train in parallel, as in joblib. Results do not depend on `n_jobs`.
    random_state : int, RandomState instance or None, default=None
        Source of all randomness. Pass an int for reproducible results.

    Attributes
    ----------
    reader_ : object
        How each column of the table is read.
    features_ : object
        The transformation of what has been read to features of the networks.
    ensemble_ : FoldEnsembleClassifier
        The fitted networks.
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.
    n_features_in_ : int
        Number of columns in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns in `fit`, if X had names that are all strings.

    See Also
    --------
    make_tabular_classifier : Makes such a classifier from parameters of the network.
    TabularRegressor : The same for numbers.
    FoldEnsembleClassifier, NumpyMLPClassifier : The ensemble, and the network.

    Notes
    -----
    *Columns.* What a column holds is decided by its training rows:

    - Numbers, among them booleans, Decimal and nullable types. An infinity counts as the largest or
      smallest number of the training rows.
    - Dates, with or without a time or a time zone, periods, and text like 2024-01-31: days, and the
      cycles of a day, a week and a year as sine and cosine. Time zones are converted to UTC.
    - Durations, in days; times of day, with sine and cosine.
    - Text, categories (also those of numbers), and columns that mix text and numbers. If 80 % of
      the entries read as numbers, they are numbers as well. A missing entry is a value of its own.
    - Columns that are empty in `fit` are ignored.

    A table to predict may hold the same values as other types, such as numbers as text. What cannot
    be read, such as entries that are lists, is refused by an error that names the column.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import GridSearchCV, cross_val_score
    >>> from skmlp import TabularClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> model = TabularClassifier(n_members=1, random_state=0)
    >>> bool(cross_val_score(model, X, y, cv=3).mean() > 0.9)
    True
    >>> search = GridSearchCV(model, {"network__hidden_layer_sizes": [(64,), (256,)]})
    """

    ensemble_: FoldEnsembleClassifier

    _inner_params: ClassVar[dict[str, type]] = {"network": NumpyMLPClassifier}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTabular._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), Mapping, None],
    }

    def __init__(
        self,
        network: Mapping[str, Any] | None = None,
        *,
        n_members: int | str = "auto",
        n_folds: int | str = "auto",
        cv: Any = None,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        max_time: float | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.network = network
        self.n_members = n_members
        self.n_folds = n_folds
        self.cv = cv
        self.class_weight = class_weight
        self.max_time = max_time
        self.n_jobs = n_jobs
        self.random_state = random_state

    @property
    def classes_(self) -> npt.NDArray[Any]:
        """The class labels, sorted."""
        check_is_fitted(self)
        return self.ensemble_.classes_

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable class label of each row.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            The rows to classify.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The class labels.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X is invalid, or if its columns differ from those in `fit`.
        """
        features = self._features(X)
        return self.ensemble_.predict(features)

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probability of each class.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            The rows to classify.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Probabilities. Columns are in the order of `classes_`; each row sums to 1.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`.
        """
        features = self._features(X)
        return self.ensemble_.predict_proba(features)

    def predict_log_proba(self, X: Any) -> FloatArray:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            The rows to classify.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Log-probabilities. Columns are in the order of `classes_`.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`.
        """
        features = self._features(X)
        return self.ensemble_.predict_log_proba(features)

    def _make_features(self) -> PlainFeatures:
        return PlainFeatures(_N_COSINES)

    def _make_ensemble(self) -> FoldEnsembleClassifier:
        return FoldEnsembleClassifier(
            NumpyMLPClassifier(**{**TABULAR, **self._settings("network")}),
            self.n_members,
            n_folds=self.n_folds,
            cv=self.cv,
            max_time=self.max_time,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )

    def _class_weights(self, y: Any) -> FloatArray | None:
        if self.class_weight is None:
            return None
        return compute_sample_weight(self.class_weight, column_or_1d(plain_labels(y)))
