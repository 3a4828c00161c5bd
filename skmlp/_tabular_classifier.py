"""The classifier of tables with columns of any kind."""

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils import Bunch, check_consistent_length, check_random_state, compute_sample_weight
from sklearn.utils.validation import check_is_fitted, column_or_1d

from skmlp._classifier import NumpyMLPClassifier
from skmlp._compat import StrOptions
from skmlp._data.labels import check_class_labels, distinct_labels, plain_labels, positions
from skmlp._data.request import FitRequest
from skmlp._engine.types import FloatArray, IndexArray
from skmlp._ensemble.folds import number_of_folds, number_of_members, stratified_folds
from skmlp._ensemble.splits import (
    Split,
    check_all_classes,
    splits_by_folds,
    splits_by_splitter,
)
from skmlp._fit.callbacks import begin_meta_fit
from skmlp._tables.base import BaseTabular, TableRequest
from skmlp._tables.blended_ensemble import BlendedEnsemble, deadline_of
from skmlp._tables.importances import check_training_rows, held_out_importances
from skmlp._tables.members import Plan, Targets
from skmlp._tables.recipe import network_settings, tree_settings, with_fitting_batches
from skmlp._tables.table_reader import Columns
from skmlp._tables.target_codes import codes_of_classes

__all__ = ["TabularClassifier"]


class TabularClassifier(ClassifierMixin, BaseTabular):
    """Classifier for tables with columns of any kind, with settings that need no tuning.

    The table may be an array, or a data frame of pandas or polars, with columns of any type; see
    the notes. The rows are divided into folds, stratified by class. Each member of the ensemble
    holds out one fold, and trains a network and boosted trees on the others; both are stopped early
    by the held-out fold. The ensemble predicts ::

        p(x) = mean_i softmax(w_1 log p_network,i(x) + w_2 log p_trees,i(x))

    The weights w_1 and w_2, at least 0, have the least log loss on the held-out rows of all
    members; so they also calibrate the probabilities.

    Parameters
    ----------
    network : dict or None, default=None
        Parameters of :class:`~skmlp.NumpyMLPClassifier` that replace those of the recipe, for
        example ``{"hidden_layer_sizes": (64, 64)}``. The recipe is ``skmlp.recipes.TABULAR``; for
        more than 2,000 rows with three layers of 128 units, batches of 64 and a dropout of 0.2.
        Each is also a parameter of its own for `set_params` and searches, such as
        ``network__dropout``. With ``early_stopping=False``, all members train on all rows and
        differ only in their seeds. `random_state` and `refit` cannot be among them.
    trees : bool or dict, default=True
        Whether members have boosted trees, or parameters of
        :class:`~sklearn.ensemble.HistGradientBoostingClassifier` that replace those of the recipe,
        for example ``{"max_leaf_nodes": 15}``; for searches, ``trees__max_leaf_nodes``, unless
        ``trees=False``.
    n_members : int or "auto", default="auto"
        Number of members, to which the training time is proportional. A single member is less
        accurate. If "auto", 8 for up to 2,000 rows, 4 for more; with `cv`, one for each split.
    n_folds : int or "auto", default="auto"
        Number of folds, of which each member holds out one. If "auto", 4 for up to 2,000 rows, 10
        for more.
    cv : int, splitter, iterable or None, default=None
        What divides the rows in place of stratified folds, as in searches of scikit-learn. Each
        member is trained on the training rows of one split and holds out its test rows. Every
        class must be among the training rows of each split.
    class_weight : dict, "balanced" or None, default=None
        Weight of each class, by which the weights of its rows are multiplied. "balanced" gives
        n_samples / (n_classes * number of rows of the class); labels that a dict leaves out weigh
        1. If None, all classes weigh 1.
    quality : {"default", "fast"}, default="default"
        Whether accuracy or a short time of training comes first. "fast" takes about a third of the
        time: two members, unless `cv` is given, whose networks train for fewer epochs, and for more
        than 2,000 rows trees with larger steps. Other parameters that are given come first.
    max_time : float or None, default=None
        Seconds after which training ends, of all members together. Each member gets an equal share
        of the time that is left, and keeps its best models so far. At least one epoch of each
        network and 40 iterations of its trees are trained. If None, there is no limit.
    n_jobs : int or None, default=None
        Number of members to train in parallel, as in joblib. Results do not depend on `n_jobs`.
    random_state : int, RandomState instance or None, default=None
        Source of all randomness. Pass an int for reproducible results.

    Attributes
    ----------
    reader_ : object
        How each column of the table is read.
    ensemble_ : object
        The fitted members.
    weights_ : ndarray of shape (n_models,)
        Weight of the networks, and of the trees if there are any. Their sum is the inverse of a
        temperature.
    held_out_ : list of ndarray
        Indices of the rows that each member held out; empty without early stopping.
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
    FoldEnsembleClassifier : Ensemble of networks alone, for rows of numbers.
    NumpyMLPClassifier : The network.

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

    *Features.* Numbers are scaled by :class:`~skmlp.preprocessing.RobustSmoothScaler`, and six
    cosines are added, for more than 2,000 rows of the rank among the training rows. A missing
    number is replaced by the median, and an indicator is added. Words have an indicator for each of
    the 30 most frequent values that occur at least three times. The trees take numbers and
    categories as they are. Other features are learnt from the classes, by each member from its own
    training rows, and for these rows themselves without their own fifth:

    - Words of more than 30 values, and integers that a test shows to be codes: log-odds of each
      class for each value, and how often the value occurs.
    - Text of which more than a tenth of the rows has values that occur once or twice: log-odds by
      naive Bayes on character n-grams.

    References
    ----------
    D. Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes in
    classification and prediction problems", SIGKDD Explorations 3, 2001.

    D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: Strong pre-tuned MLPs and
    boosted trees on tabular data", NeurIPS 2024 (a network beside trees).

    A. Krogh, J. Vedelsby, "Neural network ensembles, cross validation, and active learning",
    NIPS 1994 (members that hold out folds).

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

    ensemble_: BlendedEnsemble
    classes_: npt.NDArray[Any]

    _inner_params: ClassVar[dict[str, type]] = {
        "network": NumpyMLPClassifier,
        "trees": HistGradientBoostingClassifier,
    }
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTabular._parameter_constraints,
        "trees": ["boolean", Mapping],
        "class_weight": [StrOptions({"balanced"}), Mapping, None],
    }

    def __init__(
        self,
        network: Mapping[str, Any] | None = None,
        trees: bool | Mapping[str, Any] = True,
        *,
        n_members: int | Literal["auto"] = "auto",
        n_folds: int | Literal["auto"] = "auto",
        cv: Any = None,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        quality: Literal["default", "fast"] = "default",
        max_time: float | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.network = network
        self.trees = trees
        self.n_members = n_members
        self.n_folds = n_folds
        self.cv = cv
        self.class_weight = class_weight
        self.quality = quality
        self.max_time = max_time
        self.n_jobs = n_jobs
        self.random_state = random_state

    @property
    def weights_(self) -> FloatArray:
        """Weight of the networks, and of the trees if there are any."""
        check_is_fitted(self)
        return self.ensemble_.weights_

    @property
    def held_out_(self) -> list[IndexArray]:
        """Indices of the rows that each member held out."""
        check_is_fitted(self)
        return self.ensemble_.held_out_

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
        most_probable = self.predict_log_proba(X).argmax(axis=1)
        return self.classes_[most_probable]

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
        with np.errstate(under="ignore"):
            return softmax(self.predict_log_proba(X), axis=1)

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
        columns = self._columns(X)
        with np.errstate(under="ignore"):
            return self.ensemble_.log_proba(columns)

    def to_onnx(
        self,
        path: str | os.PathLike | None = None,
        *,
        opset: int | None = None,
        missing: str = "",
    ) -> Any:
        """Return this classifier in the ONNX format, which runs without Python.

        There is an input for each column of the table, with the name of the column, of shape (n, 1)
        for any n: float64 for numbers, where NaN is a missing entry, and strings for text and
        categories. Columns that were empty in `fit` have none. After `fit` on an array, inputs are
        named "x0", "x1" and so on; if all its columns are numbers, there is one input, "X", of
        shape (n, `n_features_in_`). The outputs are "label", as from `predict` (int64 or string),
        and "probabilities", as from `predict_proba`, in float64. The package onnx is needed
        (``pip install skmlp[onnx]``).

        Parameters
        ----------
        path : str or path-like, default=None
            File in which the model is saved as well. If None, the model is not saved.
        opset : int or None, default=None
            Version of the operators of ONNX, at least 13. If None, 17, or 20 if there is text that
            reads as numbers.
        missing : str, default=""
            The text that stands for a missing entry of columns of text.

        Returns
        -------
        model : onnx.ModelProto
            The model, for example for ``onnxruntime.InferenceSession(model.SerializeToString())``.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ImportError
            If onnx is not installed.
        ValueError
            If a column has dates, times of day or durations, or the name of an output. If `opset`
            or `missing` is out of range, or the labels are neither integers nor strings.
        """
        from skmlp._export.tables.classifier import classifier_to_onnx

        return classifier_to_onnx(self, path, opset=opset, missing=missing)

    def held_out_importances(
        self,
        X: Any,
        y: Any,
        *,
        n_repeats: int = 5,
        random_state: int | np.random.RandomState | None = None,
    ) -> Bunch:
        """Return by how much the log loss on held-out rows rises if a column is shuffled.

        Each member predicts the rows that it held out, with the entries of one column in random
        order. No rows are needed beside those of `fit`. Of columns that say the same, none may
        seem to matter.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            The table of `fit`.
        y : array-like of shape (n_samples,)
            The labels of `fit`.
        n_repeats : int, default=5
            How often each column is shuffled.
        random_state : int, RandomState instance or None, default=None
            Source of the orders.

        Returns
        -------
        result : Bunch
            `importances` of shape (n_features, n_repeats), `importances_mean` and `importances_std`
            of shape (n_features,), as from :func:`sklearn.inspection.permutation_importance`.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X or y is invalid or not that of `fit`, if no rows were held out, or if `n_repeats`
            is not a positive integer.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skmlp import TabularClassifier
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = TabularClassifier(n_members=2, random_state=0).fit(X, y)
        >>> found = model.held_out_importances(X, y, random_state=0)
        >>> found.importances_mean.argmax() in (2, 3)  # length and width of petals
        True
        """
        columns, labels = self._columns(X), self._read_targets(y)
        check_consistent_length(X, labels)
        check_training_rows(len(labels), self.held_out_)
        numbers, _ = positions(labels, self.classes_)

        def score(i: int, changed: Columns, rows: IndexArray) -> float:
            log_proba = self.ensemble_.log_proba_of_member(i, changed)
            return float(log_proba[np.arange(len(rows)), numbers[rows]].mean())

        return held_out_importances(
            score, self.reader_, columns, self.held_out_, n_repeats, random_state
        )

    def _read_targets(self, y: Any) -> npt.NDArray[Any]:
        labels = column_or_1d(plain_labels(y), warn=True)
        check_class_labels(labels)
        return labels

    def _class_weights(self, y: npt.NDArray[Any], rows: IndexArray | None) -> FloatArray | None:
        if self.class_weight is None:
            return None
        counted = rows if self.class_weight == "balanced" else None
        return compute_sample_weight(self.class_weight, y, indices=counted)

    def _fit_columns(
        self, columns: Columns, y: npt.NDArray[Any], w: FloatArray | None, request: TableRequest
    ) -> None:
        rng, rows = check_random_state(self.random_state), request.rows
        self.classes_ = distinct_labels(y[rows])
        numbers, _ = positions(y, self.classes_)
        codes = codes_of_classes(numbers, len(self.classes_), w)._replace(groups=request.groups)
        targets = Targets(y, numbers, codes, w)
        plan = self._plan(len(rows))
        splits = self._splits(y, request, plan.network, rng)
        check_all_classes(y, splits, self.classes_)
        ensemble = BlendedEnsemble()
        counts = self.reader_.counts_
        ensemble.fit_readers(columns.take(rows), counts, targets.take(rows), rng)
        fit_request = FitRequest(request.X, request.y, request.sample_weight)
        tasks = begin_meta_fit(self, plan.network, fit_request, len(splits))
        self.ensemble_ = ensemble.fit_members(
            plan, columns, targets, splits, rng, self.n_jobs, tasks
        )
        if tasks is not None:
            tasks.end()

    def _plan(self, n_rows: int) -> Plan:
        """Return how the members are trained."""
        n_classes, fast = len(self.classes_), self.quality == "fast"
        recipe = with_fitting_batches(network_settings(n_rows, n_classes, fast=fast), n_rows)
        settings = {**recipe, **self._settings("network")}
        of_trees = tree_settings(n_rows, n_classes, fast=fast)
        given = self._settings("trees")
        trees = None
        if self.trees is not False and n_classes > 1 and (of_trees or given):
            trees = {**(of_trees or {}), **given}
        return Plan(NumpyMLPClassifier(**settings), trees, deadline_of(self.max_time))

    def _splits(
        self, y: npt.NDArray[Any], request: TableRequest, network: Any, rng: np.random.RandomState
    ) -> list[Split]:
        """Return the rows that each member is trained on and holds out."""
        rows, groups = request.rows, request.groups
        if self.cv is not None:
            return splits_by_splitter(self, request.X, y, groups, rows, self.n_members)
        n_members = number_of_members(self._members(), len(rows))
        if not network.early_stopping and groups is None:
            return [Split(rows, rows[:0])] * n_members
        n_folds = number_of_folds(self.n_folds, len(rows))
        return splits_by_folds(y, groups, rows, n_members, n_folds, rng, stratified_folds)
