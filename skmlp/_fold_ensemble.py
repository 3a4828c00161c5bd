"""The ensemble of classifiers, with calibrated probabilities."""

from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax, logsumexp, softmax
from sklearn.base import ClassifierMixin

from skmlp._classifier import NumpyMLPClassifier
from skmlp._data.labels import check_class_labels, plain_labels, positions
from skmlp._engine.types import FloatArray, IndexArray
from skmlp._ensemble.base import BaseFoldEnsemble
from skmlp._ensemble.calibration import held_out_log_proba, member_log_proba, temperature
from skmlp._ensemble.folds import stratified_folds
from skmlp._ensemble.splits import Split, check_all_classes

__all__ = ["FoldEnsembleClassifier"]


class FoldEnsembleClassifier(ClassifierMixin, BaseFoldEnsemble):
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
    is 1, unless folds are asked for by `cv` or by `groups` in `fit`.

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
    cv : int, splitter, iterable or None, default=None
        What divides the rows, as in searches of scikit-learn, for rows in time order or in groups.
        Each network trains on the training rows of one split and holds out its test rows, also
        without early stopping; `n_folds` has no effect. If `n_estimators` is "auto", there is a
        network for each split; if there are more networks, the splits are used again. Every class
        must be among the training rows of each split. If None, stratified folds, or with `groups`
        folds of whole groups.
    max_time : float or None, default=None
        Seconds after which training ends, of all networks together. Each network gets an equal
        share of the time that is left, and keeps its best parameters so far; at least one epoch of
        each is trained. If None, the network's `max_time` holds for each.
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
        **BaseFoldEnsemble._parameter_constraints,
    }

    def __init__(
        self,
        estimator: NumpyMLPClassifier,
        n_estimators: int | Literal["auto"] = "auto",
        *,
        n_folds: int | Literal["auto"] = "auto",
        cv: Any = None,
        max_time: float | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_folds = n_folds
        self.cv = cv
        self.max_time = max_time
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _read_targets(self, y: Any) -> Any:
        return plain_labels(y)

    def _check_targets(self, y: npt.NDArray[Any]) -> None:
        check_class_labels(y)

    def _check_splits(self, y: npt.NDArray[Any], splits: list[Split]) -> None:
        check_all_classes(y, splits)

    def _divide(
        self, y: npt.NDArray[Any], n_folds: int, rng: np.random.RandomState
    ) -> list[IndexArray]:
        return stratified_folds(y, n_folds, rng)

    def _calibrate(
        self,
        X: Any,
        y: npt.NDArray[Any],
        w: FloatArray | None,
        rng: np.random.RandomState,
        *,
        independent: bool,
    ) -> None:
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
        X = self._valid_rows(X)
        with np.errstate(under="ignore"):
            log_proba = [
                log_softmax(member_log_proba(member, X) / self.temperature_, axis=1)
                for member in self.estimators_
            ]
            return logsumexp(log_proba, axis=0) - np.log(len(log_proba))
