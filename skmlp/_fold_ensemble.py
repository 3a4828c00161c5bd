"""An ensemble of networks, each of which stops by a fold of the rows that it has not seen."""

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import Tags, check_random_state, get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted, validate_data

from skmlp._classifier import NumpyMLPClassifier
from skmlp._compat import Interval, StrOptions, check_sample_weight, fit_context
from skmlp._data.inputs import all_or_nothing
from skmlp._engine.types import FloatArray, IndexArray
from skmlp._fit.fit import fit_estimator

__all__ = ["FoldEnsembleClassifier"]

# Fewer rows can pay for more members, and need them more.
_FEW_ROWS = 2000
_MEMBERS_FOR_FEW_ROWS, _MEMBERS = 8, 4
# Of few rows, a small fold would be too few to stop by.
_FOLDS_OF_FEW_ROWS, _FOLDS = 4, 10
# Bounds of 1 / T: a handful of held-out rows must not make predictions arbitrarily sure or unsure.
_SHARPNESS_BOUNDS = 0.5, 4.0
_DTYPES = [np.float64, np.float32]


class FoldEnsembleClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Average networks that each hold out another fold of the rows to stop by, and calibrate them.

    With early stopping, the rows are divided into disjoint folds, stratified by class. Each network
    trains on all folds but its own, and keeps the parameters of the epoch that was best on that
    one. What a network says of its own fold it says of rows that it has not seen. So the
    predictions for all folds together show how sure the networks may be: one temperature T, the
    same for all, is chosen to make their log loss smallest, and ::

        p(x) = mean_i softmax(log p_i(x) / T)                    1/4 <= T <= 2

    It changes no member's most probable class. Every row has a part in training and in validation,
    which early stopping in a single network cannot offer.

    Without early stopping, all networks train on all rows and differ in their seeds alone, and
    T is 1.

    Parameters
    ----------
    estimator : NumpyMLPClassifier
        The network. With ``early_stopping=True`` it goes by the folds; its `validation_fraction`,
        `refit` and `warm_start` then have no effect, and ``scoring="loss"`` suits best.
    n_estimators : int or "auto", default="auto"
        Number of networks. "auto": 8 for up to 2,000 rows, 4 for more.
    n_folds : int or "auto", default="auto"
        Number of folds, at least 2. With fewer networks than folds, some folds are held out by no
        network; with more, the rows are divided anew after each round. "auto": 4 for up to
        2,000 rows, 10 for more.
    n_jobs : int or None, default=None
        Number of networks to train at a time, as in joblib. Results do not depend on it.
    random_state : int, RandomState instance or None, default=None
        Source of the folds and of the networks' seeds. An int makes results repeatable.

    Attributes
    ----------
    estimators_ : list of NumpyMLPClassifier
        The fitted networks.
    held_out_ : list of ndarray
        Numbers of the rows that each network has held out; empty without early stopping.
    temperature_ : float
        The temperature T; above 1 it makes the networks less sure than they were.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of features in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features in `fit`, if X had names that are all strings.

    See Also
    --------
    skmlp.make_tabular_classifier : A pipeline with such an ensemble at its end.
    sklearn.ensemble.BaggingClassifier : Members of any kind, on samples of the rows.

    Notes
    -----
    A class of a single row is held out by no network, so every network knows all classes.

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
        "n_estimators": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "n_folds": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
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

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None
    ) -> "FoldEnsembleClassifier":
        """Train the networks, and choose the temperature.

        Whatever goes wrong, a model fitted before stays as it was.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training rows.
        y : array-like of shape (n_samples,)
            Class labels of any kind.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the training loss and in the choice of T, at least 0. Rows of
            weight 0 are left out. Early stopping does not weigh the rows of a fold.

        Returns
        -------
        self : FoldEnsembleClassifier
            The fitted classifier.

        Raises
        ------
        InvalidParameterError
            If a constructor parameter is of the wrong type or out of range.
        ValueError
            If X, y or the weights are no valid input, or if training diverges; or if the
            estimator has a `checkpoint_path`.
        KeyboardInterrupt
            If interrupted, in whichever network.
        """
        with all_or_nothing(self):
            self._fit(X, y, sample_weight)
        return self

    def _fit(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None) -> None:
        if self.estimator.checkpoint_path is not None:
            raise ValueError(
                f"The estimator has checkpoint_path={self.estimator.checkpoint_path!r}, which all "
                "networks of the ensemble would share. Set it to None."
            )
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=_DTYPES)
        check_classification_targets(y)
        rows, w = np.arange(len(y)), None
        if sample_weight is not None:
            w = check_sample_weight(sample_weight, X, ensure_non_negative=True)
            rows = np.flatnonzero(w)
            if len(rows) == 0:
                raise ValueError("sample_weight is 0 for all rows; give some of them a weight.")
        rng = check_random_state(self.random_state)
        held_out = self._held_out(y, rows, rng)
        seeds = rng.randint(np.iinfo(np.int32).max, size=len(held_out))
        self.estimators_ = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit_member)(self.estimator, X, y, w, np.setdiff1d(rows, fold), fold, int(seed))
            for fold, seed in zip(held_out, seeds, strict=True)
        )
        self.temperature_ = _temperature(self.estimators_, X, y, w, held_out)
        self.held_out_ = held_out
        self.classes_ = self.estimators_[0].classes_

    def _held_out(
        self, y: npt.NDArray[Any], rows: IndexArray, rng: np.random.RandomState
    ) -> list[IndexArray]:
        """Return the rows that each network is to hold out."""
        few = len(rows) <= _FEW_ROWS
        n_members, n_folds = self.n_estimators, self.n_folds
        if isinstance(n_members, str):
            n_members = _MEMBERS_FOR_FEW_ROWS if few else _MEMBERS
        if isinstance(n_folds, str):
            n_folds = _FOLDS_OF_FEW_ROWS if few else _FOLDS
        if not self.estimator.early_stopping:
            return [rows[:0]] * n_members
        held_out: list[IndexArray] = []
        n_folds = min(n_folds, len(rows))
        while len(held_out) < n_members:
            held_out += [rows[fold] for fold in stratified_folds(y[rows], n_folds, rng)]
        return held_out[:n_members]

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probability of each class: the mean over the networks.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), in float64
            Columns in the order of `classes_`; rows sum to 1.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X is no valid input, or has other features than in `fit`.
        """
        return softmax(self.predict_log_proba(X), axis=1)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            A label for each row.

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
            The rows.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict_proba`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=_DTYPES, reset=False)
        log_proba = [
            log_softmax(_log_proba(member, X) / self.temperature_, axis=1)
            for member in self.estimators_
        ]
        return logsumexp(log_proba, axis=0) - np.log(len(log_proba))

    def __sklearn_tags__(self) -> Tags:
        """Return the network's tags, for labels in one column."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(self.estimator).input_tags.sparse
        return tags


def stratified_folds(
    y: npt.NDArray[Any], n_folds: int, rng: np.random.RandomState
) -> list[IndexArray]:
    """Return disjoint sets of row numbers, as equal in size and in the classes as can be.

    A class of a single row is in no fold, and no fold holds all rows of a class: whoever holds out
    one fold still sees all classes. Empty folds are left out, but for one if all are empty.
    """
    fold = np.full(len(y), -1)
    start = 0
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        if len(rows) > 1:
            # each class goes on where the one before has ended, so that folds are of equal size
            fold[rows] = (start + np.arange(len(rows))) % n_folds
            start += len(rows)
    return [np.flatnonzero(fold == i) for i in range(min(n_folds, max(start, 1)))]


def _fit_member(
    estimator: NumpyMLPClassifier,
    X: Any,
    y: npt.NDArray[Any],
    w: FloatArray | None,
    rows: IndexArray,
    fold: IndexArray,
    seed: int,
) -> NumpyMLPClassifier:
    """Return a network trained on the rows, and stopped by the fold unless that is empty."""
    stops = len(fold) > 0
    member = clone(estimator).set_params(early_stopping=stops, random_state=seed)
    validation = {"X_val": X[fold], "y_val": y[fold]} if stops else {}
    member._validate_params()
    if fit_estimator(member, X[rows], y[rows], None if w is None else w[rows], **validation):
        raise KeyboardInterrupt
    return member


def _log_proba(member: NumpyMLPClassifier, X: Any) -> FloatArray:
    return np.asarray(member.predict_log_proba(X), dtype=np.float64)


def _temperature(
    members: list[NumpyMLPClassifier],
    X: Any,
    y: npt.NDArray[Any],
    w: FloatArray | None,
    held_out: list[IndexArray],
) -> float:
    """Return the temperature of the least log loss on the rows that the members have held out."""
    rows = np.concatenate(held_out)
    classes = members[0].classes_
    if len(rows) == 0 or len(classes) == 1:
        return 1.0
    log_proba = np.vstack(
        [_log_proba(m, X[fold]) for m, fold in zip(members, held_out, strict=True) if len(fold)]
    )
    true_class = np.arange(len(rows)), np.searchsorted(classes, y[rows])
    weights = None if w is None else w[rows] / w.max()  # whose sum cannot overflow

    def log_loss(log_sharpness: float) -> float:
        scaled = log_softmax(np.exp(log_sharpness) * log_proba, axis=1)
        return -float(np.average(scaled[true_class], weights=weights))

    # convex in 1 / T, so there is one minimum
    best = minimize_scalar(log_loss, bounds=np.log(_SHARPNESS_BOUNDS), method="bounded")
    return float(np.exp(-best.x))
