"""The base of the estimators: parameters, `fit`, predictions, export and storage."""

import copyreg
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from skmlp._compat import (
    CallbackSupportMixin,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    fit_context,
)
from skmlp._data.class_weight import RowWeights
from skmlp._data.inputs import (
    accepted_dtypes,
    check_not_masked,
    is_valid_as_is,
    raise_with_remedy,
    rows_per_chunk,
)
from skmlp._data.request import FitMode, FitRequest
from skmlp._data.targets import TargetEncoder
from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.initializers import INITIALIZERS
from skmlp._engine.losses.base import Loss
from skmlp._engine.predictor import Predictor, refuse_not_finite
from skmlp._engine.types import FloatArray, Matrix, Targets
from skmlp._export.mixin import ExportMixin
from skmlp._fit.fit import fit_estimator, working_copy
from skmlp._fit.hints import with_hint
from skmlp._fit.valid_parameters import are_known_valid, remember_valid
from skmlp._persistence.model import restored, saved
from skmlp._threads import blas_threads, matmul_shapes
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES
from skmlp._training.state import TrainingState

if TYPE_CHECKING:
    from skmlp._export.onnx_head import OnnxHead


class BaseNumpyMLP(ExportMixin, CallbackSupportMixin, BaseEstimator, ABC):
    """Base of the estimators, for any loss and any kind of target.

    A subclass has a constructor with all parameters, its predictions, and the hooks

    - `_read_targets`: y as a plain array;
    - `_make_targets`: the encoder of y;
    - `_make_loss`: the loss of these targets;
    - `_make_class_weights`: weights of rows that depend on their targets, by default none;
    - `_sklearn_twin`: the class of scikit-learn that predicts the same;
    - `_onnx_head`: the outputs of an ONNX graph.
    """

    coefs_: list[FloatArray]
    intercepts_: list[FloatArray]
    loss_: float
    best_epoch_: int
    best_loss_: float | None
    loss_curve_: list[float]
    validation_loss_curve_: list[float] | None
    validation_scores_: list[float] | None
    learning_rate_curve_: list[float] | None
    best_validation_score_: float | None
    n_iter_: int
    t_: int
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    n_features_in_: int
    feature_names_in_: npt.NDArray[Any]
    _fitted_activations: list[str]
    _fitted_threads: int | Literal["auto"]
    _state: TrainingState

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS)), "array-like"],
        "solver": [StrOptions({"lbfgs", *OPTIMIZERS})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions(set(SCHEDULES))],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {math.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "weight_init": [
            StrOptions(set(INITIALIZERS)),
            Interval(Real, 0, None, closed="neither"),
        ],
        "dtype": [StrOptions({"float32", "float64"}), None],
        "n_threads": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "max_norm": [Interval(Real, 0, None, closed="neither"), None],
        "warmup_epochs": [Interval(Real, 0, None, closed="left")],
        "learning_rate_decay": [Interval(Real, 0, 1, closed="right")],
        "averaging": [Interval(Real, 0, 1, closed="left"), None],
        "batch_norm": ["boolean"],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "input_dropout": [Interval(Real, 0, 1, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left"), "array-like"],
        "input_noise": [Interval(Real, 0, None, closed="left")],
        "adversarial_radius": [Interval(Real, 0, None, closed="left")],
        "scoring": [str, callable, None],
        "refit": ["boolean"],
        "rtol": [Interval(Real, 0, 1, closed="left")],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "checkpoint_path": [str, os.PathLike, None],
        "checkpoint_every": [Interval(Integral, 1, None, closed="left")],
    }

    @abstractmethod
    def _read_targets(self, y: Any, name: str) -> Any:
        """Return y as a plain array; raise ValueError if its values cannot be learnt."""

    @abstractmethod
    def _make_targets(self, y: Any, w: FloatArray | None, request: FitRequest) -> TargetEncoder:
        """Return the encoder of y. If training continues, return that of the fitted model."""

    @abstractmethod
    def _make_loss(
        self, targets: Any, y: Targets, w: FloatArray | None, request: FitRequest
    ) -> Loss:
        """Return the loss of training, given encoded targets."""

    def _make_class_weights(
        self, targets: Any, y: Targets, w: FloatArray | None, mode: FitMode
    ) -> RowWeights | None:
        """Return weights by which sample weights are multiplied, given encoded targets."""
        return None

    @abstractmethod
    def _sklearn_twin(self) -> tuple[type, dict[str, Any]]:
        """Return the class in scikit-learn, and the attributes that differ from those here."""

    @abstractmethod
    def _onnx_head(self) -> "OnnxHead":
        """Return what leads from raw output to the outputs of an ONNX graph."""

    def _validate_params(self) -> None:
        if are_known_valid(self):
            return
        try:
            super()._validate_params()
            remember_valid(self)
        except InvalidParameterError as error:
            raise with_hint(error, self.get_params(deep=False)) from None

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: npt.ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: npt.ArrayLike | None = None,
    ) -> Self:
        """Train the network on X and y.

        With ``warm_start=True`` and a fitted model, training starts from the parameters of the
        model, else from new ones. If `fit` raises an error, the estimator keeps its earlier state.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows. Features of mean 0 and standard deviation 1 train best.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target values: for classification class labels of any kind, or a multilabel indicator
            matrix.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the loss, at least 0. If None, all weights are 1. Rows of weight 0
            are left out.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation rows, used after each epoch. `early_stopping` then uses these rows, and no
            rows are split off X.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Target values of `X_val`. Class labels must be among those of y.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weight of each row of `X_val` in the validation score and loss, at least 0. If None, all
            weights are 1.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        InvalidParameterError
            If a constructor parameter is of the wrong type or out of range.
        ValueError
            If X, y, the weights or the validation set are not valid. If training diverges: then
            lower `learning_rate_init` or scale the features. If `checkpoint_path` is a file that is
            damaged, or belongs to a fit with other parameters or data.
        OSError
            If `checkpoint_path` cannot be written.
        KeyboardInterrupt
            If interrupted before the first epoch is complete. After that, an interrupt ends the fit
            with a warning, and the model has the parameters of the last complete epoch (with early
            stopping, of the best one).

        Warns
        -----
        ConvergenceWarning
            If `max_iter` is reached before training has converged; if training ended without a
            clear improvement over constant predictions; if columns of a dense X differ in scale by
            a factor of hundreds.
        """
        mode = FitMode(continues=self.warm_start and hasattr(self, "coefs_"))
        fit_estimator(
            self, FitRequest(X, y, sample_weight, X_val, y_val, sample_weight_val, mode=mode)
        )
        return self

    def hidden_activations(self, X: Any, layer: int = -1) -> FloatArray:
        """Return the activations a^l of a hidden layer, as computed in predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        layer : int, default=-1
            Index of the hidden layer: 0 is the first, -1 the last.

        Returns
        -------
        a : ndarray of shape (n_samples, n_units)
            A column per unit.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`; also if there is no such hidden layer, or if its activations are not
            finite.

        See Also
        --------
        skmlp.HiddenLayerTransformer : The same as a step of a pipeline.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skmlp import NumpyMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = NumpyMLPClassifier((8, 3), solver="lbfgs", random_state=0).fit(X, y)
        >>> model.hidden_activations(X).shape
        (150, 3)
        """
        X = self._validate_rows(X)
        n_hidden = len(self._fitted_activations)
        if not -n_hidden <= layer < n_hidden:
            raise ValueError(
                f"layer={layer!r} is no hidden layer of this model, which has {n_hidden}: give an "
                f"index from {-n_hidden} to {n_hidden - 1}."
            )
        return self._run(
            X, lambda chunk_rows: self._predictor().hidden(X, layer % n_hidden, chunk_rows)
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return what skops writes: plain types only, no solver, no callbacks."""
        state = saved(self, with_solver=False)
        state.pop("_skl_callbacks", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(restored(type(self), state))

    def __copy__(self) -> Self:
        """Return a model that shares what no call changes in place: arrays and training state."""
        return working_copy(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Return everything to pickle, joblib and copies, so that training can continue."""
        state = saved(self, with_solver=True)
        return copyreg.__newobj__, (type(self),), state  # type: ignore[attr-defined]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _validate_rows(self, X: Any) -> Matrix:
        """Return valid rows, in the precision of the model or a narrower one."""
        if not hasattr(self, "coefs_"):
            check_is_fitted(self)  # raises; asked first, it takes as long as a small network
        dtype = self.coefs_[0].dtype
        check_not_masked(X, "X")
        try:
            return self._valid_rows(X, dtype)
        except (ValueError, TypeError) as error:
            raise_with_remedy(error, self)

    def _valid_rows(self, X: Any, dtype: np.dtype) -> Matrix:
        # a value too small for the precision becomes 0, and one too large is refused
        with np.errstate(all="ignore"):
            return validate_data(
                self,
                X,
                accept_sparse="csr",
                dtype=accepted_dtypes(X, dtype),
                reset=False,
                skip_check_array=is_valid_as_is(X, dtype),
            )

    def _predict_by_chunks(
        self, X: Any, read: Callable[[FloatArray], npt.NDArray[Any]]
    ) -> npt.NDArray[Any]:
        """Return what `read` makes of the raw output z^L, shape (n_samples, n_outputs), of X.

        Only the result has the size of all rows: z^L is computed, checked and read chunk by chunk.
        """
        return self._predict_valid_by_chunks(self._validate_rows(X), read)

    def _predict_valid_by_chunks(
        self, X: Matrix, read: Callable[[FloatArray], npt.NDArray[Any]]
    ) -> npt.NDArray[Any]:
        """Return the same of rows that have been validated."""
        return self._run(X, lambda chunk_rows: self._read_chunks(X, read, chunk_rows))

    def _read_chunks(
        self, X: Matrix, read: Callable[[FloatArray], npt.NDArray[Any]], chunk_rows: int
    ) -> npt.NDArray[Any]:
        result: Any = None
        for rows, z in self._predictor().chunks(X, chunk_rows):
            refuse_not_finite(z)
            values = read(z)
            if len(values) == X.shape[0]:
                return values
            if result is None:
                result = np.empty((X.shape[0], *values.shape[1:]), values.dtype)
            result[rows] = values
        return result

    def _input_gradient(
        self, X: Matrix, set_delta: Callable[[FloatArray, slice], None]
    ) -> FloatArray:
        """Return the gradient by the features of what has the derivative by z^L that is set."""
        return self._run(
            X, lambda chunk_rows: self._predictor().input_gradient(X, set_delta, chunk_rows)
        )

    def _predictor(self) -> Predictor:
        return Predictor(self.coefs_, self.intercepts_, self._fitted_activations)

    def _run(self, X: Matrix, compute: Callable[[int], Any]) -> Any:
        """Return ``compute(chunk_rows)`` for valid rows, on the threads that are right for BLAS."""
        n, chunk_rows = X.shape[0], rows_per_chunk(self.coefs_)
        shapes, dtype = matmul_shapes(min(n, chunk_rows), X, self.coefs_), self.coefs_[0].dtype
        threads = blas_threads(self._fitted_threads, shapes, dtype, repeats=n // chunk_rows)
        with np.errstate(all="ignore"):
            return threads.run(partial(compute, chunk_rows))


def is_stochastic(estimator: Any) -> bool:
    """Return True; raise AttributeError if the solver is not stochastic, so has no partial_fit."""
    if estimator.solver not in OPTIMIZERS:
        raise AttributeError(
            f"partial_fit needs a stochastic solver, {' or '.join(sorted(OPTIMIZERS))}; "
            f"got solver={estimator.solver!r}."
        )
    return True
