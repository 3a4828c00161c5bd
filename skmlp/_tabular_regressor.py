"""The regressor of tables with columns of any kind."""

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils import Bunch, Tags, check_array, check_consistent_length, check_random_state

from skmlp._engine.types import FloatArray, IndexArray
from skmlp._ensemble.held_out import as_columns
from skmlp._fit.callbacks import has_callbacks
from skmlp._fold_ensemble_regressor import FoldEnsembleRegressor
from skmlp._regressor import NumpyMLPRegressor
from skmlp._tables.base import BaseTabular, TableRequest
from skmlp._tables.evidence import EvidenceReader, LearntFeatures
from skmlp._tables.features import PlainFeatures
from skmlp._tables.importances import check_training_rows, held_out_importances
from skmlp._tables.quiet import without_training_warnings
from skmlp._tables.recipe import regression_settings, with_fitting_batches
from skmlp._tables.table_reader import Columns
from skmlp._tables.target_codes import codes_of_numbers

__all__ = ["TabularRegressor"]


class TabularRegressor(RegressorMixin, BaseTabular):
    """Regressor for tables with columns of any kind, with settings that need no tuning.

    The columns are read as by :class:`TabularClassifier`, and become the features of its networks,
    with two cosines of each number for up to 2,000 rows, twelve for more. Features that are learnt
    from the target, such as the mean target of each value of many-valued words, are computed for
    each training row without its own fifth of the rows. The networks are trained by
    :class:`~skmlp.FoldEnsembleRegressor`: each network is stopped early on a fold of the rows that
    it was not trained on, and the predictions of all networks are averaged. Targets are
    standardised but not transformed otherwise, so that the mean of heavy-tailed targets is not
    under-predicted. Predictions are not clipped to the range of the training targets.

    Parameters
    ----------
    network : dict or None, default=None
        Parameters of :class:`~skmlp.NumpyMLPRegressor` that replace those in
        ``skmlp.recipes.TABULAR_REGRESSION``, for example ``{"loss": "poisson"}``. Each is also a
        parameter of its own for `set_params` and searches, such as ``network__dropout``.
        `random_state` and `refit` cannot be among them.
    n_members : int or "auto", default="auto"
        Number of networks, to which the training time is proportional. A single network is less
        accurate. If "auto", 8 for up to 2,000 rows, 4 for more; with `cv`, one for each split.
    n_folds : int or "auto", default="auto"
        Number of folds, of which each network holds out one. If "auto", 4 for up to 2,000 rows, 10
        for more.
    cv : int, splitter, iterable or None, default=None
        What divides the rows in place of folds balanced over y, as in searches of scikit-learn.
        Each network is trained on the training rows of one split and holds out its test rows.
    quality : {"default", "fast"}, default="default"
        Whether accuracy or a short time of training comes first. "fast" takes about a third of the
        time: two members, unless `cv` is given, with half as many epochs. Other parameters that are
        given come first.
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
    features_, evidence_, learnt_ : object
        The transformations of what has been read to features of the networks.
    ensemble_ : FoldEnsembleRegressor
        The fitted networks.
    n_features_in_ : int
        Number of columns in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns in `fit`, if X had names that are all strings.

    See Also
    --------
    make_tabular_regressor : Makes such a regressor from parameters of the network.
    TabularClassifier : The same for class labels.
    FoldEnsembleRegressor, NumpyMLPRegressor : The ensemble, and the network.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from skmlp import TabularRegressor
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     *load_diabetes(return_X_y=True), random_state=0
    ... )
    >>> model = TabularRegressor(n_members=2, random_state=0).fit(X_train, y_train)
    >>> bool(model.score(X_test, y_test) > 0.3)
    True
    >>> mean, std = model.predict(X_test, return_std=True)
    >>> lower, upper = model.predict_interval(X_test, coverage=0.8)
    >>> bool((lower < mean).all() and (mean < upper).all())
    True
    """

    ensemble_: FoldEnsembleRegressor

    _inner_params: ClassVar[dict[str, type]] = {"network": NumpyMLPRegressor}

    def __init__(
        self,
        network: Mapping[str, Any] | None = None,
        *,
        n_members: int | Literal["auto"] = "auto",
        n_folds: int | Literal["auto"] = "auto",
        cv: Any = None,
        quality: Literal["default", "fast"] = "default",
        max_time: float | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.network = network
        self.n_members = n_members
        self.n_folds = n_folds
        self.cv = cv
        self.quality = quality
        self.max_time = max_time
        self.n_jobs = n_jobs
        self.random_state = random_state

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return the mean of the networks' predictions, in units of y.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            Rows.
        return_std : bool, default=False
            Whether to return the standard deviation of y as well.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_targets) or (n_samples, n_levels)
            The predictions.
        std : ndarray of the same shape, only if `return_std`
            Standard deviation of y about the prediction, in units of y.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            If X is invalid, or if its columns differ from those in `fit`. If `return_std` with
            several quantiles, or when no rows were held out.
        """
        features = self._features(self._columns(X))
        predicted = self.ensemble_.predict(features, return_std=return_std)
        if return_std:
            return tuple(part.astype(np.float64) for part in predicted)
        return predicted.astype(np.float64)

    def predict_interval(self, X: Any, coverage: float = 0.9) -> tuple[FloatArray, FloatArray]:
        """Return limits between which new targets lie with a given probability.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            Rows.
        coverage : float, default=0.9
            The share of new targets that lie within the limits, in the mean over all rows, in
            (0, 1).

        Returns
        -------
        lower, upper : ndarray of shape (n_samples,) or (n_samples, n_targets)
            The limits, in units of y, lower <= upper.

        Raises
        ------
        NotFittedError, ValueError
            As from :meth:`FoldEnsembleRegressor.predict_interval`.
        """
        features = self._features(self._columns(X))
        return self.ensemble_.predict_interval(features, coverage=coverage)

    def score(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> float:
        """Return R^2 of the predictions, or D^2 of the network's loss.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
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
        features = self._features(self._columns(X))
        return self.ensemble_.score(features, y, sample_weight)

    def to_onnx(
        self,
        path: str | os.PathLike | None = None,
        *,
        opset: int | None = None,
        missing: str = "",
    ) -> Any:
        """Return this regressor in the ONNX format, which runs without Python.

        There is an input for each column of the table, with the name of the column, of shape (n, 1)
        for any n: float64 for numbers, where NaN is a missing entry, and strings for text and
        categories. Columns that were empty in `fit` have none. After `fit` on an array, inputs are
        named "x0", "x1" and so on; if all its columns are numbers, there is one input, "X", of
        shape (n, `n_features_in_`). The output is "prediction", as from `predict`, in float64, of
        shape (n, n_outputs): a column for each target or quantile, also if there is one. The
        package onnx is needed (``pip install skmlp[onnx]``).

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
            If the regressor is not fitted.
        ImportError
            If onnx is not installed.
        ValueError
            If a column has dates, times of day or durations, or the name of an output. If `opset`
            or `missing` is out of range.
        """
        from skmlp._export.tables.regressor import regressor_to_onnx

        return regressor_to_onnx(self, path, opset=opset, missing=missing)

    def held_out_importances(
        self,
        X: Any,
        y: Any,
        *,
        n_repeats: int = 5,
        random_state: int | np.random.RandomState | None = None,
    ) -> Bunch:
        """Return by how much the score on held-out rows falls if a column is shuffled.

        As :meth:`TabularClassifier.held_out_importances`; the score is that of `score`.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            The table of `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The targets of `fit`.
        n_repeats : int, default=5
            How often each column is shuffled.
        random_state : int, RandomState instance or None, default=None
            Source of the orders.

        Returns
        -------
        result : Bunch
            `importances` of shape (n_features, n_repeats), `importances_mean` and `importances_std`
            of shape (n_features,).

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            If X or y is invalid or not that of `fit`, or if `n_repeats` is not a positive integer.
        """
        columns, y = self._columns(X), self._read_targets(y)
        check_consistent_length(X, y)
        members, held_out = self.ensemble_.estimators_, self.ensemble_.held_out_
        check_training_rows(len(y), held_out)

        def score(i: int, changed: Columns, rows: IndexArray) -> float:
            return members[i].score(self._features(changed), y[rows])

        return held_out_importances(score, self.reader_, columns, held_out, n_repeats, random_state)

    def _read_targets(self, y: Any) -> npt.NDArray[Any]:
        y = self._make_ensemble(0)._read_targets(y)
        return check_array(y, ensure_2d=False, dtype=None, input_name="y")

    def _fit_columns(
        self, columns: Columns, y: npt.NDArray[Any], w: FloatArray | None, request: TableRequest
    ) -> None:
        rng, rows, counts = (
            check_random_state(self.random_state),
            request.rows,
            self.reader_.counts_,
        )
        in_use = columns.take(rows)
        target = codes_of_numbers(as_columns(y[rows]), None if w is None else w[rows])
        groups = request.groups
        target = target._replace(groups=None if groups is None else groups[rows])
        self.features_ = PlainFeatures("auto").fit(in_use, counts)
        self.evidence_ = EvidenceReader().fit(in_use, counts, target, rng)
        self.learnt_ = LearntFeatures()
        learnt = self.learnt_.fit_transform(self.evidence_.transform(in_use), target, rng)
        features = self._features(columns)
        features[rows, features.shape[1] - learnt.shape[1] :] = learnt
        self.ensemble_ = self._make_ensemble(len(rows))
        if has_callbacks(self):
            self.ensemble_.set_callbacks(*self._skl_callbacks)
        with without_training_warnings():
            self.ensemble_.fit(features, y, w, groups=request.groups)

    def _features(self, columns: Columns) -> FloatArray:
        """Return the features of the networks, those learnt from targets last."""
        learnt = self.learnt_.transform(self.evidence_.transform(columns))
        return np.hstack([self.features_.transform(columns), learnt])

    def _make_ensemble(self, n_rows: int) -> FoldEnsembleRegressor:
        recipe = with_fitting_batches(regression_settings(fast=self.quality == "fast"), n_rows)
        return FoldEnsembleRegressor(
            NumpyMLPRegressor(**{**recipe, **self._settings("network")}),
            self._members(),
            n_folds=self.n_folds,
            cv=self.cv,
            max_time=self.max_time,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )

    def __sklearn_tags__(self) -> Tags:
        """Return the tags; several targets can be predicted."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
