"""The base of the estimators of tables: preprocessing and an ensemble behind one `fit`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_consistent_length
from sklearn.utils.validation import check_is_fitted, validate_data

from skmlp._compat import CallbackSupportMixin, Interval, StrOptions, fit_context
from skmlp._engine.types import FloatArray, IndexArray
from skmlp._ensemble.folds import rows_in_use
from skmlp._ensemble.splits import checked_groups
from skmlp._fit.fit import all_or_nothing
from skmlp._tables.frames import columns_of
from skmlp._tables.inner_params import InnerParamsMixin
from skmlp._tables.recipe import FAST_MEMBERS
from skmlp._tables.row_weights import row_weights
from skmlp._tables.table_reader import Columns, TableReader

_SEEDS = "each member gets a seed of its own, from random_state of the estimator"
_STOPS = "training is stopped by the rows that the member holds out"


class TableRequest(NamedTuple):
    """The arguments of `fit`, as the user passed them, but for the groups.

    Attributes
    ----------
    X, y, sample_weight
        As in `fit`.
    groups : ndarray of shape (n_samples,) or None
        The groups, checked.
    rows : ndarray of int
        The rows whose weight is not 0.
    """

    X: Any
    y: Any
    sample_weight: Any
    groups: npt.NDArray[Any] | None
    rows: IndexArray


class BaseTabular(CallbackSupportMixin, InnerParamsMixin, BaseEstimator, ABC):
    """Fit and the parameters that both estimators of tables have.

    A subclass defines

    - `_read_targets`: y as a plain array;
    - `_fit_columns`: training on columns that have been read;
    - `_class_weights`: for a classifier, the weight of each row's class.
    """

    network: Mapping[str, Any] | None
    n_members: int | Literal["auto"]
    n_folds: int | Literal["auto"]
    cv: Any
    quality: Literal["default", "fast"]
    max_time: float | None
    n_jobs: int | None
    random_state: int | np.random.RandomState | None

    reader_: TableReader
    ensemble_: Any
    n_features_in_: int

    _decided_params: ClassVar[dict[str, dict[str, str]]] = {
        "network": {"random_state": _SEEDS, "refit": _STOPS},
        "trees": {
            "random_state": _SEEDS,
            "early_stopping": _STOPS,
            "warm_start": _STOPS,
            "categorical_features": "the reader of the table tells which columns are categories",
        },
    }
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "network": [Mapping, None],
        "n_members": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "n_folds": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "cv": ["cv_object"],
        "quality": [StrOptions({"default", "fast"})],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    @abstractmethod
    def _read_targets(self, y: Any) -> npt.NDArray[Any]:
        """Return y as a plain array; raise ValueError if y is not of the right kind."""

    @abstractmethod
    def _fit_columns(
        self, columns: Columns, y: npt.NDArray[Any], w: FloatArray | None, request: TableRequest
    ) -> None:
        """Train on columns that have been read, and set the fitted attributes."""

    def _class_weights(self, y: npt.NDArray[Any], rows: IndexArray | None) -> FloatArray | None:
        """Return the weight of each row's class; None if there are no such weights.

        Only the given rows count, all if `rows` is None.
        """
        return None

    def fit(
        self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None, *, groups: Any = None
    ) -> Self:
        """Train the networks on the rows of a table.

        If `fit` fails, an estimator that was fitted before keeps its earlier state.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            The table.
        y : array-like of shape (n_samples,)
            What to predict: class labels of any kind, or numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, at least 0. Rows of weight 0 are left out. If None, all rows weigh
            the same.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, such as a patient or a day. A network that holds out a row then holds
            out all rows of its group. With `cv`, the groups are passed to the splitter.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        InvalidParameterError
            If a parameter has the wrong type or is out of range.
        ValueError, TypeError
            If X, y, the weights or the groups are invalid.
        KeyboardInterrupt
            If training is interrupted.
        """
        with all_or_nothing(self):
            self._fit(X, y, sample_weight, groups)
        return self

    @fit_context(prefer_skip_nested_validation=False)
    def _fit(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> None:
        """Do the work of `fit`, which restores the earlier state if a step fails."""
        self._check_settings()
        self._check_names(X, y, reset=True)
        targets = self._read_targets(y)
        check_consistent_length(X, targets)
        w = row_weights(X, sample_weight, partial(self._class_weights, targets))
        rows = rows_in_use(len(targets), w)
        self.reader_ = TableReader().fit(X, rows)
        columns = self.reader_.transform(X)
        request = TableRequest(X, y, sample_weight, checked_groups(groups, X), rows)
        self._fit_columns(columns, targets, w, request)

    def _members(self) -> int | Literal["auto"]:
        """Return the number of members, as a number or "auto"."""
        # a splitter decides itself
        few = self.quality == "fast" and self.n_members == "auto" and self.cv is None
        return FAST_MEMBERS if few else self.n_members

    def _check_names(self, X: Any, y: Any = "no_validation", *, reset: bool) -> None:
        """Raise ValueError if the columns are not those of `fit`; with `reset`, remember them."""
        if not reset and self._has_names_of_fit(X):
            return
        if reset or len(getattr(X, "shape", ())) != 2:
            columns_of(X)  # what is no table, or has duplicates, is refused before names are read
        try:
            validate_data(self, X, y, reset=reset, skip_check_array=True)
        except TypeError as error:  # names that are not all strings
            raise ValueError(f"{error} For example: X.columns = X.columns.astype(str).") from error

    def _has_names_of_fit(self, X: Any) -> bool:
        """Return whether X is a data frame of pandas with the columns of `fit`, in their order."""
        known = getattr(self, "feature_names_in_", None)
        if known is None or not hasattr(X, "iloc"):
            return False
        return len(X.shape) == 2 and np.array_equal(np.asarray(X.columns, dtype=object), known)

    def _columns(self, X: Any) -> Columns:
        """Return the columns of rows to predict."""
        check_is_fitted(self)
        self._check_names(X, reset=False)
        return self.reader_.transform(X)

    def __sklearn_tags__(self) -> Tags:
        """Return the tags: columns of any kind, with missing values."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.target_tags.required = True
        return tags
