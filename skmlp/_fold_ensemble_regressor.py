"""The ensemble of regressors, with standard deviations and intervals from held-out rows."""

from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import column_or_1d

from skmlp._data.numbers import score_of_numbers, scored_targets
from skmlp._engine.types import FloatArray, IndexArray
from skmlp._ensemble.base import BaseFoldEnsemble
from skmlp._ensemble.conformal import needed_rows, upper_bound
from skmlp._ensemble.error_scale import error_scale, fit_error_scale
from skmlp._ensemble.folds import balanced_folds
from skmlp._ensemble.held_out import (
    as_columns,
    errors_of_ensemble,
    folds_of_holders,
    mean_of,
    predictions_of_held_out_rows,
    summary,
)
from skmlp._ensemble.levels import corrected_levels, fit_levels, outer_interval
from skmlp._regressor import NumpyMLPRegressor

__all__ = ["FoldEnsembleRegressor"]


class FoldEnsembleRegressor(RegressorMixin, BaseFoldEnsemble):
    """Ensemble of networks, each trained without its own fold, with intervals from these folds.

    The rows are divided into disjoint folds, balanced over y. Each network holds out one fold and
    trains on the others; with ``early_stopping=True`` it keeps the parameters of the epoch with the
    best score on its own fold. The ensemble predicts the mean of the networks. The errors for the
    rows that were held out say how far new targets are from the predictions: from them come the
    standard deviations of ``predict(X, return_std=True)``, the limits of `predict_interval`, and
    the corrections of predicted quantiles.

    Parameters
    ----------
    estimator : NumpyMLPRegressor
        The network to train. Its `validation_fraction`, `refit` and `warm_start` have no effect.
        Unlike in :class:`FoldEnsembleClassifier`, a fold is held out without early stopping, too.
    n_estimators : int or "auto", default="auto"
        Number of networks. If "auto", 8 for up to 2,000 rows, 4 for more; with `cv`, one for each
        split.
    n_folds : int or "auto", default="auto"
        Number of folds, at least 2. If there are fewer networks than folds, some folds are not held
        out by any network; if there are more, the rows are divided into folds again after each
        round. If "auto", 4 for up to 2,000 rows, 10 for more. At most the number of rows.
    cv : int, splitter, iterable or None, default=None
        What divides the rows, as in searches of scikit-learn, for rows in time order or in groups.
        Each network is trained on the training rows of one split and holds out its test rows;
        `n_folds` has no effect. If there are more networks than splits, the splits are used again.
        Rows that are in no test set are not used for intervals. If None, folds balanced over y, or
        with `groups` folds of whole groups.
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
    estimators_ : list of NumpyMLPRegressor
        The fitted networks.
    held_out_ : list of ndarray
        Indices of the rows that each network held out.
    held_out_scores_ : ndarray of shape (n_rows, n_targets)
        What `predict_interval` takes its order statistics of: a score for each held-out row, in the
        order of the rows.
    level_corrections_ : ndarray of shape (n_levels,) or None
        For ``loss="quantile"``: what is added to each level, in the order of `quantile`; for
        several levels, in units of the distance between the outer levels plus a tenth of the mean
        distance. None for other losses.
    n_features_in_ : int
        Number of features in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features in `fit`, if X had names that are all strings.

    See Also
    --------
    NumpyMLPRegressor : The network.
    FoldEnsembleClassifier : The ensemble for class labels.
    PredictionIntervalDisplay : Plot of the intervals.

    Notes
    -----
    *Folds.* The rows are sorted by y, rows of equal y in random order, and divided into groups of
    as many neighbours as there are folds; each group is distributed over the folds at random. So
    the sizes of the folds, and the counts of any value of y, differ by at most one or two; a
    constant y gives random folds. Several targets are sorted by the first principal component of
    their ranks.

    *Errors.* The prediction for a held-out row is the mean of the h networks that held out the row,
    h = 1 or a few. Its error is larger than that of the mean of all M networks. The spread s^2
    between networks says by how much: if a^2 is the variance that the errors have in common, the
    deviations of the errors from their mean are multiplied by ::

        sqrt((a^2 + s^2 / M) / (a^2 + s^2 / h))

    With `cv` or `groups`, networks may differ by more than chance, so errors are taken as they are,
    and intervals are rather too wide. Early stopping makes the errors a little too small.

    *Size.* Errors are divided by their typical size s(x), which small networks learn from the
    absolute errors of the held-out rows, as a function of the features and the prediction. A part
    of s(x)^2, at least a tenth, is constant: the part for which the errors have the greatest normal
    likelihood. With fewer than 40 held-out rows s is constant. With `cv` or `groups`, the size of
    the errors of a fold is learnt from the other folds, never from rows of the same group.

    *Standard deviation.* The standard deviation is s(x) times the root mean square of these scores.

    *Intervals.* The limits are mean -+ s(x) times the k-th smallest of the n absolute scores,
    k = ceil((n + 1) coverage). If rows are exchangeable, this is the limit that a new score exceeds
    with a probability of at most 1 - coverage, whatever the distribution of the errors (conformal
    prediction). The guarantee is for the mean over all rows, not for each x, and holds up to the
    approximations above. With a log link the lower limit is at least 0.

    *Quantiles.* With ``loss="quantile"`` the levels of the networks are averaged, and each level is
    corrected by an order statistic of the distances between y and that level over the held-out
    rows. For several levels the distances are in units of the distance between the outer levels,
    they are shrunk as above, and corrected levels are sorted. `predict_interval` then widens or
    narrows the interval between the outer levels.

    References
    ----------
    A. Krogh, J. Vedelsby, "Neural network ensembles, cross validation, and active learning",
    NIPS 1994 (errors of the ensemble and of its members).

    V. Vovk, A. Gammerman, G. Shafer, "Algorithmic learning in a random world", Springer 2005
    (conformal prediction).

    V. Vovk, "Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 74,
    2015 (held-out folds of several models).

    J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani, L. Wasserman, "Distribution-free predictive
    inference for regression", JASA 113, 2018 (errors divided by their typical size).

    Y. Romano, E. Patterson, E. J. Candes, "Conformalized quantile regression", NeurIPS 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skmlp import FoldEnsembleRegressor, NumpyMLPRegressor
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     *load_diabetes(return_X_y=True), random_state=0
    ... )
    >>> network = NumpyMLPRegressor(
    ...     hidden_layer_sizes=(20,), standardize_target=True, early_stopping=True
    ... )
    >>> ensemble = FoldEnsembleRegressor(network, random_state=0)
    >>> model = make_pipeline(StandardScaler(), ensemble).fit(X_train, y_train)
    >>> mean, std = model.predict(X_test, return_std=True)
    >>> mean.shape, std.shape
    ((111,), (111,))

    Intervals that contain 80 % of new targets:

    >>> lower, upper = ensemble.predict_interval(model[:-1].transform(X_test), coverage=0.8)
    >>> inside = (lower <= y_test) & (y_test <= upper)
    >>> bool(0.7 < inside.mean() < 0.9)
    True
    """

    held_out_scores_: FloatArray
    level_corrections_: FloatArray | None
    _flat: bool
    _levels: Any
    _scale: Any
    _weights: FloatArray | None
    _rms: Any

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [NumpyMLPRegressor],
        **BaseFoldEnsemble._parameter_constraints,
    }
    _multi_output = True
    _always_holds_out = True
    _weighs_stopping = True

    def __init__(
        self,
        estimator: NumpyMLPRegressor,
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
        self.estimator._validate_params()
        y = self.estimator._read_targets(y, "y")
        return column_or_1d(y, warn=True) if np.ndim(y) == 2 and y.shape[1] == 1 else y

    def _divide(
        self, y: npt.NDArray[Any], n_folds: int, rng: np.random.RandomState
    ) -> list[IndexArray]:
        return balanced_folds(y, n_folds, rng)

    def _calibrate(
        self,
        X: Any,
        y: npt.NDArray[Any],
        w: FloatArray | None,
        rng: np.random.RandomState,
        *,
        independent: bool,
    ) -> None:
        """Set the corrections of levels, the scale of errors, and the scores."""
        rows, values, held = predictions_of_held_out_rows(self.estimators_, X, self.held_out_)
        q = getattr(self.estimators_[0]._loss, "q", None)
        if q is not None:
            _check_rows_of_levels(q, len(rows), len(y))
        y, w = as_columns(y[rows]), None if w is None else w[rows]
        self._flat = self.estimators_[0]._targets.flat
        levels = None if q is None else fit_levels(values, held, y, q, w, exchangeable=independent)
        self.level_corrections_ = None if levels is None else levels["corrections"]
        self._levels, self._scale, self._weights, self._rms = levels, None, w, None
        if levels is not None and self._has_several_levels():
            self.held_out_scores_ = levels["scores"]
            return
        if len(rows) == 0:
            self.held_out_scores_ = np.empty((0, values.shape[2]))
            return
        known = summary(values, held)
        predicted = self._corrected(known.predicted)
        error: FloatArray = y - predicted
        folds = None if independent else folds_of_holders(held)
        scale, self._scale = fit_error_scale(X[rows], predicted, error, w, rng, folds)
        if independent:
            error = errors_of_ensemble(known, error, scale, w)
        self.held_out_scores_ = np.abs(error / scale)
        self._rms = np.sqrt(np.average(self.held_out_scores_**2, axis=0, weights=w))

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return the mean of the networks' predictions, in units of y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        return_std : bool, default=False
            Whether to return the standard deviation of y as well.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_targets) or (n_samples, n_levels)
            The predictions, as from the network: means, medians or quantiles. Quantiles are
            corrected on held-out rows.
        std : ndarray of the same shape, only if `return_std`
            Standard deviation of y about the prediction, in units of y: the root of the expected
            squared error.

        Raises
        ------
        NotFittedError
            If the ensemble is not fitted.
        ValueError
            If X is not valid. If `return_std` with several quantiles, or when no rows were held
            out.
        """
        X = self._valid_rows(X)
        if return_std and self._has_several_levels():
            raise ValueError(
                "return_std=True is not defined for several quantiles. Use predict_interval, or a "
                'network with loss="squared_error".'
            )
        values, dtype = self._mean_of_networks(X)
        predicted = self._corrected(values)
        if not return_std:
            return self._shaped(predicted, dtype)
        self._check_held_out(1, "return_std=True")
        std = self._rms * error_scale(self._scale, X, predicted)
        return self._shaped(predicted, dtype), self._shaped(std, dtype)

    def predict_interval(self, X: Any, coverage: float = 0.9) -> tuple[FloatArray, FloatArray]:
        """Return limits between which new targets lie with a given probability.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        coverage : float, default=0.9
            The share of new targets that lie within the limits, in the mean over all rows, in
            (0, 1).

        Returns
        -------
        lower, upper : ndarray of shape (n_samples,) or (n_samples, n_targets)
            The limits, in units of y, lower <= upper. For several targets, `coverage` is that of
            each target by itself.

        Raises
        ------
        NotFittedError
            If the ensemble is not fitted.
        ValueError
            If X is not valid. If `coverage` is not in (0, 1), or needs more held-out rows than
            there are: at least coverage / (1 - coverage).

        Examples
        --------
        >>> import numpy as np
        >>> from skmlp import FoldEnsembleRegressor, NumpyMLPRegressor
        >>> rng = np.random.RandomState(0)
        >>> X = rng.normal(size=(500, 1))
        >>> y = X[:, 0] + rng.normal(size=500)
        >>> network = NumpyMLPRegressor(hidden_layer_sizes=(), early_stopping=True, max_iter=400)
        >>> model = FoldEnsembleRegressor(network, random_state=0).fit(X, y)
        >>> lower, upper = model.predict_interval([[0.0]], coverage=0.8)
        >>> lower.shape
        (1,)
        """
        X = self._valid_rows(X)
        coverage = _checked_coverage(coverage)
        self._check_held_out(needed_rows(coverage), f"coverage={coverage}")
        values, dtype = self._mean_of_networks(X)
        bounds = [upper_bound(s, coverage, self._weights) for s in self.held_out_scores_.T]
        if self._has_several_levels():
            lower, upper = outer_interval(values, self._levels, bounds[0])
        else:
            predicted = self._corrected(values)
            margin = bounds * error_scale(self._scale, X, predicted)
            lower, upper = predicted - margin, predicted + margin
        if not self.estimators_[0]._loss.link.shifts:
            lower = np.maximum(lower, 0)
        flat = lower.shape[1] == 1
        lower, upper = (limit[:, 0] if flat else limit for limit in (lower, upper))
        return lower.astype(dtype), upper.astype(dtype)

    def score(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> float:
        """Return R^2 of the predictions, or D^2 of the network's loss.

        As from the network: R^2 for "squared_error" and "poisson", else D^2 = 1 - loss / loss of
        the best constant prediction, averaged over targets and quantiles.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            True targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row. If None, all weights are 1.

        Returns
        -------
        score : float
            At most 1.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`; also if y or the weights are not valid.
        """
        X = self._valid_rows(X)
        y, w = scored_targets(X, y, sample_weight)
        loss, targets = self.estimators_[0]._loss, self.estimators_[0]._targets
        predicted = self._corrected(self._mean_of_networks(X)[0])
        return score_of_numbers(loss, targets, y, targets.encode(y), predicted, w)

    def _mean_of_networks(self, X: Any) -> tuple[FloatArray, Any]:
        """Return the mean prediction, with a column for each output, and its dtype to the user."""
        values = [member.predict(X) for member in self.estimators_]
        return mean_of([as_columns(v) for v in values]), values[0].dtype

    def _corrected(self, values: FloatArray) -> FloatArray:
        return values if self._levels is None else corrected_levels(values, self._levels)

    def _shaped(self, values: FloatArray, dtype: Any) -> FloatArray:
        """Return values of each output in the shape and precision of the network's predictions."""
        return (values[:, 0] if self._flat else values).astype(dtype)

    def _has_several_levels(self) -> bool:
        return self._levels is not None and len(self._levels["q"]) > 1

    def _check_held_out(self, n_needed: int, purpose: str) -> None:
        """Raise ValueError if there are fewer held-out rows than are needed."""
        if (n := len(self.held_out_scores_)) < n_needed:
            raise ValueError(
                f"{purpose} needs {n_needed} or more held-out rows, but the networks held out {n}. "
                "Fit more rows, or let the networks hold out more of them."
            )

    def __sklearn_tags__(self) -> Tags:
        """Return the tags, with those of the network's targets."""
        tags = super().__sklearn_tags__()
        tags.target_tags = get_tags(self.estimator).target_tags
        return tags


def _checked_coverage(coverage: Any) -> float:
    """Return the coverage; raise ValueError if it is not a number in (0, 1)."""
    if isinstance(coverage, Real) and 0 < float(coverage) < 1:
        return float(coverage)
    raise ValueError(
        f"coverage must be a number above 0 and below 1, such as 0.9; got {coverage!r}."
    )


def _check_rows_of_levels(q: FloatArray, n_held_out: int, n_samples: int) -> None:
    """Raise ValueError if there are too few held-out rows to correct the outermost level."""
    n_needed = needed_rows(float(max(q.max(), 1 - q.min())))
    if n_held_out < n_needed:
        raise ValueError(
            f"quantile={q.tolist()} needs at least {n_needed} held-out rows for the correction of "
            f"the outermost level, but {n_held_out} were held out, with n_samples={n_samples}. "
            "Give more rows, or levels closer to 0.5."
        )
