"""Ensembles of networks, each of which holds out a fold of the rows for early stopping."""

from abc import ABC, abstractmethod
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax, logsumexp, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import Tags, check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from skmlp._classifier import NumpyMLPClassifier
from skmlp._compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
)
from skmlp._data.inputs import check_not_masked
from skmlp._data.labels import check_class_labels, plain_labels, positions
from skmlp._data.request import FitRequest
from skmlp._engine.types import FloatArray, IndexArray
from skmlp._ensemble.calibration import held_out_log_proba, member_log_proba, temperature
from skmlp._ensemble.folds import (
    held_out_rows,
    number_of_folds,
    number_of_members,
    rows_in_use,
)
from skmlp._ensemble.members import fit_members
from skmlp._fit.callbacks import begin_meta_fit
from skmlp._fit.fit import all_or_nothing

__all__ = ["FoldEnsembleClassifier"]

_DTYPES = [np.float64, np.float32]


class _BaseFoldEnsemble(CallbackSupportMixin, MetaEstimatorMixin, BaseEstimator, ABC):
    """Folds and members, for targets of any kind.

    A subclass defines `_strata`, by which the folds are stratified, and `_calibrate`, which sets
    the attributes that depend on the targets.
    """

    estimator: Any
    n_estimators: int | str
    n_folds: int | str
    n_jobs: int | None
    random_state: int | np.random.RandomState | None

    estimators_: list[Any]
    held_out_: list[IndexArray]
    n_features_in_: int

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_estimators": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "n_folds": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    @abstractmethod
    def _strata(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a label for each row; each fold contains an equal share of each label.

        Raises
        ------
        ValueError
            If y is not of the kind that the ensemble predicts.
        """

    @abstractmethod
    def _calibrate(self, X: Any, y: npt.NDArray[Any], w: FloatArray | None) -> None:
        """Set what is learnt from the members' predictions for the rows that they held out."""

    def fit(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train the networks, and calibrate their predictions on the rows that they held out.

        If `fit` fails, an ensemble that was fitted before keeps its earlier state.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training rows.
        y : array-like of shape (n_samples,)
            The targets. For a classifier: class labels of any kind.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the training loss and in the calibration, at least 0. Rows of
            weight 0 are left out. Early stopping ignores the weights. If None, all rows weigh the
            same.

        Returns
        -------
        self : object
            The fitted ensemble.

        Raises
        ------
        InvalidParameterError
            If a constructor parameter has the wrong type or is out of range.
        ValueError
            If X, y or the weights are invalid, if training diverges, or if the estimator has a
            `checkpoint_path`.
        KeyboardInterrupt
            If the training of a network is interrupted.
        """
        with all_or_nothing(self):
            self._fit(FitRequest(X, y, sample_weight))
        return self

    # within `all_or_nothing`, so that callbacks are torn down before the earlier state is restored
    @fit_context(prefer_skip_nested_validation=False)
    def _fit(self, request: FitRequest) -> None:
        """Do the work of `fit`, which restores the earlier state if a step fails."""
        if self.estimator.checkpoint_path is not None:
            raise ValueError(
                f"The estimator has checkpoint_path={self.estimator.checkpoint_path!r}, which all "
                "networks of the ensemble would share. Set it to None."
            )
        check_not_masked(request.X, "X")
        y = plain_labels(request.y)
        X, y = validate_data(self, request.X, y, accept_sparse="csr", dtype=_DTYPES)
        strata, w = self._strata(y), None
        if request.sample_weight is not None:
            check_not_masked(request.sample_weight, "sample_weight")
            w = check_sample_weight(request.sample_weight, X, ensure_non_negative=True)
        rows = rows_in_use(len(y), w)
        if len(rows) == 0:
            raise ValueError("sample_weight is 0 for all rows; give some of them a weight.")
        rng = check_random_state(self.random_state)
        self.held_out_ = self._held_out_rows(strata, rows, rng)
        seeds = rng.randint(np.iinfo(np.int32).max, size=len(self.held_out_))
        tasks = begin_meta_fit(self, self.estimator, request, len(self.held_out_))
        self.estimators_ = fit_members(
            self.estimator, X, y, w, self.held_out_, seeds, self.n_jobs, tasks
        )
        self._calibrate(X, y, w)
        if tasks is not None:
            tasks.end()

    def _held_out_rows(
        self, strata: npt.NDArray[Any], rows: IndexArray, rng: np.random.RandomState
    ) -> list[IndexArray]:
        """Return the rows that each network holds out: a fold, or none without early stopping."""
        n_members = number_of_members(self.n_estimators, len(rows))
        if not self.estimator.early_stopping:
            return [rows[:0]] * n_members
        return held_out_rows(strata, rows, n_members, number_of_folds(self.n_folds, len(rows)), rng)

    def __sklearn_tags__(self) -> Tags:
        """Return the tags; an ensemble accepts sparse X if its network does."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(self.estimator).input_tags.sparse
        return tags


class FoldEnsembleClassifier(ClassifierMixin, _BaseFoldEnsemble):
    """Ensemble of networks, each stopped early on its own fold, with calibrated probabilities.

    With early stopping, the rows are divided into disjoint folds, stratified by class. Each network
    holds out one fold: it trains on the other folds, and keeps the parameters of the epoch with the
    best score on its own fold. Each network's predictions for its held-out fold are out-of-sample.
    Pooled over all networks, they are used to fit a single temperature T, which minimises their log
    loss. The ensemble predicts ::

        p(x) = mean_i softmax(log p_i(x) / T)                    1/4 <= T <= 2

    The temperature changes no network's most probable class. If there are at least as many networks
    as folds, every row is used both for training and for validation, which is impossible with early
    stopping of a single network.

    Without early stopping, all networks train on all rows and differ only in their seeds, and T
    is 1.

    Parameters
    ----------
    estimator : NumpyMLPClassifier
        The network to train. With ``early_stopping=True``, each network is stopped on the fold that
        it holds out; its `validation_fraction`, `refit` and `warm_start` have no effect, and
        ``scoring="loss"`` is recommended.
    n_estimators : int or "auto", default="auto"
        Number of networks. If "auto", 8 for up to 2,000 rows, 4 for more.
    n_folds : int or "auto", default="auto"
        Number of folds, at least 2. If there are fewer networks than folds, some folds are not held
        out by any network; if there are more, the rows are divided into folds again after each
        round. If "auto", 4 for up to 2,000 rows, 10 for more.
    n_jobs : int or None, default=None
        Number of networks to train in parallel, as in joblib. Results do not depend on `n_jobs`.
    random_state : int, RandomState instance or None, default=None
        Source of the folds and of the networks' seeds. Pass an int for reproducible results.

    Attributes
    ----------
    estimators_ : list of NumpyMLPClassifier
        The fitted networks.
    held_out_ : list of ndarray
        Indices of the rows that each network held out; empty without early stopping.
    temperature_ : float
        The temperature T. Above 1, the predictions are less confident than the networks', below 1
        they are more confident.
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.
    n_features_in_ : int
        Number of features in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features in `fit`, if X had names that are all strings.

    See Also
    --------
    skmlp.make_tabular_classifier : Pipeline for tables, with such an ensemble as its last step.
    sklearn.ensemble.BaggingClassifier : Ensemble of any estimators, trained on random samples.

    Notes
    -----
    The only row of a class is never held out, so every network is trained on all classes.

    References
    ----------
    A. Krogh, J. Vedelsby, "Neural network ensembles, cross validation, and active learning",
    NIPS 1994.

    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML
    2017 (the temperature).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmlp import FoldEnsembleClassifier, NumpyMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> stopping = {"early_stopping": True, "scoring": "loss", "max_iter": 400}
    >>> network = NumpyMLPClassifier((16,), learning_rate_init=0.02, **stopping)
    >>> model = FoldEnsembleClassifier(network, n_estimators=4, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.95)
    True
    >>> sorted(len(rows) for rows in model.held_out_)
    [37, 37, 38, 38]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [NumpyMLPClassifier],
        **_BaseFoldEnsemble._parameter_constraints,
    }

    def __init__(
        self,
        estimator: NumpyMLPClassifier,
        n_estimators: int | str = "auto",
        *,
        n_folds: int | str = "auto",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_folds = n_folds
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _strata(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the class labels."""
        check_class_labels(y)
        return y

    def _calibrate(self, X: Any, y: npt.NDArray[Any], w: FloatArray | None) -> None:
        """Set the classes, and the temperature that fits the held-out rows best."""
        self.classes_ = self.estimators_[0].classes_
        self.temperature_ = 1.0
        rows = np.concatenate(self.held_out_)
        if len(rows) > 0 and len(self.classes_) > 1:
            log_proba = held_out_log_proba(self.estimators_, X, self.held_out_)
            true_class, _ = positions(y[rows], self.classes_)
            self.temperature_ = temperature(log_proba, true_class, None if w is None else w[rows])

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probability of each class, averaged over the networks.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows to classify.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Probabilities in float64. Columns are in the order of `classes_`; each row sums to 1.

        Raises
        ------
        NotFittedError
            If the ensemble is not fitted.
        ValueError
            If X is invalid, or if its features differ from those in `fit`.
        """
        with np.errstate(under="ignore"):
            return softmax(self.predict_log_proba(X), axis=1)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable class label of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows to classify.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The class labels.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict_proba`.
        """
        most_probable = self.predict_log_proba(X).argmax(axis=1)
        return self.classes_[most_probable]

    def predict_log_proba(self, X: Any) -> FloatArray:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows to classify.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Log-probabilities in float64. Columns are in the order of `classes_`.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict_proba`.
        """
        check_is_fitted(self)
        check_not_masked(X, "X")
        X = validate_data(self, X, accept_sparse="csr", dtype=_DTYPES, reset=False)
        with np.errstate(under="ignore"):
            log_proba = [
                log_softmax(member_log_proba(member, X) / self.temperature_, axis=1)
                for member in self.estimators_
            ]
            return logsumexp(log_proba, axis=0) - np.log(len(log_proba))
