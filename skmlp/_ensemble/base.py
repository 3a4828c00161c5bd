"""The base of the ensembles: folds, members, and the rows that each member holds out."""

import time
from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import Tags, check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from skmlp._compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
)
from skmlp._data.inputs import check_not_masked
from skmlp._data.request import FitRequest
from skmlp._engine.types import FloatArray, IndexArray
from skmlp._ensemble.folds import (
    number_of_folds,
    number_of_members,
    rows_in_use,
)
from skmlp._ensemble.members import check_no_checkpoint, fit_members
from skmlp._ensemble.splits import (
    Split,
    checked_groups,
    splits_by_folds,
    splits_by_splitter,
)
from skmlp._fit.callbacks import begin_meta_fit
from skmlp._fit.fit import all_or_nothing

_DTYPES = [np.float64, np.float32]


class BaseFoldEnsemble(CallbackSupportMixin, MetaEstimatorMixin, BaseEstimator, ABC):
    """Folds and members, for targets of any kind.

    A subclass defines

    - `_read_targets`: y as a plain array;
    - `_divide`: folds of rows, balanced over their targets;
    - `_calibrate`: the attributes that are learnt from held-out rows.

    and the class attributes

    - `_multi_output`: whether y may have several columns;
    - `_always_holds_out`: whether members hold out a fold without early stopping, too;
    - `_weighs_stopping`: whether early stopping uses the weights of the rows.
    """

    estimator: Any
    n_estimators: int | Literal["auto"]
    n_folds: int | Literal["auto"]
    cv: Any
    max_time: float | None
    n_jobs: int | None
    random_state: int | np.random.RandomState | None

    estimators_: list[Any]
    held_out_: list[IndexArray]
    n_features_in_: int

    _multi_output: ClassVar[bool] = False
    _always_holds_out: ClassVar[bool] = False
    _weighs_stopping: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_estimators": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "n_folds": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "cv": ["cv_object"],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    @abstractmethod
    def _read_targets(self, y: Any) -> Any:
        """Return y as a plain array, before it is validated with X."""

    def _check_targets(self, y: npt.NDArray[Any]) -> None:
        """Raise ValueError if the values of y are not of the kind that the ensemble predicts."""

    @abstractmethod
    def _divide(
        self, y: npt.NDArray[Any], n_folds: int, rng: np.random.RandomState
    ) -> list[IndexArray]:
        """Return disjoint folds of the rows of y, each of them balanced over the targets."""

    @abstractmethod
    def _calibrate(
        self,
        X: Any,
        y: npt.NDArray[Any],
        w: FloatArray | None,
        rng: np.random.RandomState,
        *,
        independent: bool,
    ) -> None:
        """Set what is learnt from the members' predictions for the rows that they held out.

        If not `independent`, rows of one fold may depend on each other, as in groups or in time.
        """

    def _check_splits(self, y: npt.NDArray[Any], splits: list[Split]) -> None:
        """Raise ValueError if a member cannot be trained on the rows of its split."""

    def fit(
        self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None, *, groups: Any = None
    ) -> Self:
        """Train the networks, and calibrate their predictions on the rows that they held out.

        If `fit` fails, an ensemble that was fitted before keeps its earlier state.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The targets. For a classifier: class labels of any kind, shape (n_samples,).
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the training loss and in the calibration, at least 0. Rows of
            weight 0 are left out. Early stopping of classifiers ignores the weights. If None, all
            rows weigh the same.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, such as a patient or a day. A network that holds out a row then holds
            out all rows of its group. With `cv`, the groups are passed to the splitter.

        Returns
        -------
        self : object
            The fitted ensemble.

        Raises
        ------
        InvalidParameterError
            If a constructor parameter has the wrong type or is out of range.
        ValueError
            If X, y, the weights or the groups are invalid, if training diverges, or if the
            estimator has a `checkpoint_path`.
        KeyboardInterrupt
            If the training of a network is interrupted.
        """
        with all_or_nothing(self):
            self._fit(FitRequest(X, y, sample_weight), groups)
        return self

    # within `all_or_nothing`, so that callbacks are torn down before the earlier state is restored
    @fit_context(prefer_skip_nested_validation=False)
    def _fit(self, request: FitRequest, groups: Any) -> None:
        """Do the work of `fit`, which restores the earlier state if a step fails."""
        deadline = None if self.max_time is None else time.time() + self.max_time
        check_no_checkpoint(self.estimator)
        X, y, w = self._validated(request)
        rows = rows_in_use(len(y), w)
        if len(rows) == 0:
            raise ValueError("sample_weight is 0 for all rows; give some of them a weight.")
        rng = check_random_state(self.random_state)
        splits = self._splits(X, y, rows, groups, rng)
        self._check_splits(y, splits)
        self.held_out_ = [split.held_out for split in splits]
        seeds = rng.randint(np.iinfo(np.int32).max, size=len(splits))
        tasks = begin_meta_fit(self, self.estimator, request, len(splits))
        self.estimators_ = fit_members(
            self.estimator, X, y, w, self.held_out_, seeds, self.n_jobs, tasks,
            [split.train for split in splits], weighs_stopping=self._weighs_stopping,
            deadline=deadline,
        )  # fmt: skip
        self._calibrate(X, y, w, rng, independent=self.cv is None and groups is None)
        if tasks is not None:
            tasks.end()

    def _validated(self, request: FitRequest) -> tuple[Any, npt.NDArray[Any], FloatArray | None]:
        """Return valid rows, plain targets and weights."""
        check_not_masked(request.X, "X")
        y = self._read_targets(request.y)
        X, y = validate_data(
            self, request.X, y, accept_sparse="csr", dtype=_DTYPES, multi_output=self._multi_output
        )
        self._check_targets(y)
        if request.sample_weight is None:
            return X, y, None
        check_not_masked(request.sample_weight, "sample_weight")
        return X, y, check_sample_weight(request.sample_weight, X, ensure_non_negative=True)

    def _splits(
        self,
        X: Any,
        y: npt.NDArray[Any],
        rows: IndexArray,
        groups: Any,
        rng: np.random.RandomState,
    ) -> list[Split]:
        """Return the rows that each network is trained on and holds out."""
        groups = checked_groups(groups, X)
        if self.cv is not None:
            return splits_by_splitter(self, X, y, groups, rows, self.n_estimators)
        n_members = number_of_members(self.n_estimators, len(rows))
        if not (self._always_holds_out or self.estimator.early_stopping or groups is not None):
            return [Split(rows, rows[:0])] * n_members
        n_folds = number_of_folds(self.n_folds, len(rows))
        return splits_by_folds(y, groups, rows, n_members, n_folds, rng, self._divide)

    def _valid_rows(self, X: Any) -> Any:
        """Return valid rows to predict."""
        check_is_fitted(self)
        check_not_masked(X, "X")
        return validate_data(self, X, accept_sparse="csr", dtype=_DTYPES, reset=False)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes; those that were saved earlier have no `cv` and no `max_time`."""
        super().__setstate__({"cv": None, "max_time": None} | state)

    def __sklearn_tags__(self) -> Tags:
        """Return the tags; an ensemble accepts sparse X if its network does."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(self.estimator).input_tags.sparse
        return tags
