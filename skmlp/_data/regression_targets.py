"""Targets of a regression: their shape, and the units in which the network is trained."""

import copy
from typing import Any

import numpy as np
from sklearn.utils.validation import column_or_1d

from skmlp._data.numbers import check_precision
from skmlp._data.request import FitMode
from skmlp._engine.losses.links import LINKS, Link
from skmlp._engine.losses.regression import RegressionLoss
from skmlp._engine.types import FloatArray
from skmlp._warn import warn

# with a log link; numbers divided by it have squares that are finite
_SCALE_OF_ZEROS = np.cbrt(np.finfo(np.float64).tiny)


class RegressionTargets:
    """Turns numbers into the targets of the loss: a column for each, standardised if asked for.

    With the shift and the scale of each target, which are 0 and 1 if targets are not standardised,

        encoded = (y - shift) / scale

    A target that is constant in training is predicted as that constant: the network is published
    with weights of 0 in that output.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, n_targets)
        Plain numbers.
    loss : RegressionLoss
        Its link says whether a shift is possible, and how many outputs there are.

    Attributes
    ----------
    n_targets, n_outputs : int
        Number of columns of y, and of output units.
    flat : bool
        Whether predictions are 1-dimensional.
    standardized : bool
        Whether shift and scale are those of y.
    shift, scale : ndarray of shape (n_targets,)
        The mean, and the standard deviation; with a log link 0, and the mean.
    constant : ndarray of bool of shape (n_targets,)
        Which targets are constant. The scale of these is 1 or, with a log link, the constant.
    """

    def __init__(self, y: FloatArray, loss: RegressionLoss) -> None:
        self.n_targets = 1 if y.ndim == 1 else y.shape[1]
        self.n_outputs = loss.n_columns(self.n_targets)
        self.flat = self.n_outputs == 1 and not loss.several
        self.link = loss.link.name
        self.standardized = False
        self.shift, self.scale = np.zeros(self.n_targets), np.ones(self.n_targets)
        self.constant = np.zeros(self.n_targets, bool)

    def standardize(self, y: FloatArray, w: FloatArray | None) -> None:
        """Take shift and scale from weighted targets, for all targets or those constant so far."""
        y = self._columns(y)
        shift, scale, constant = _location_and_scale(y, w, LINKS[self.link])
        new = self.constant if self.standardized else np.ones(self.n_targets, bool)
        for own, found in ((self.shift, shift), (self.scale, scale), (self.constant, constant)):
            own[new] = found[new]
        self.standardized = True

    def encode(self, y: Any, name: str = "y") -> FloatArray:
        """Return the targets of the loss, shape (n, n_targets), in units of the network.

        Raises
        ------
        ValueError
            If y has another number of columns than the targets learnt.
        """
        return self.standardized_values(self.columns_of(y, name))

    def columns_of(self, y: FloatArray, name: str = "y") -> FloatArray:
        """Return y with a column for each target; raise ValueError if it has others."""
        y = self._columns(y)
        if y.shape[1] != self.n_targets:
            raise ValueError(
                f"{name} has {y.shape[1]} columns, but this regressor has {self.n_targets} "
                "outputs. Give as many columns as in the first fit, or start with a new regressor."
            )
        return y

    def decode(self, y: FloatArray) -> FloatArray:
        """Return encoded targets as the user knows them."""
        y = y * self.scale + self.shift if self.standardized else y
        return y[:, 0] if self.n_targets == 1 else y

    def standardized_values(self, predicted: FloatArray) -> FloatArray:
        """Return predictions, which have a column for each output, in units of the network."""
        return (predicted - self.shift) / self.scale if self.standardized else predicted

    def shaped(self, predicted: FloatArray) -> FloatArray:
        """Return predictions in the user's shape."""
        return predicted[:, 0] if self.flat else predicted

    def fold(self, W: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the output layer in units of the user, given that of the network."""
        if not self.standardized:
            return W, b
        link = LINKS[self.link]
        W_user, b_user = link.fold(W, b, self.shift, self.scale)
        scale = np.where(self.scale == _SCALE_OF_ZEROS, 0, self.scale)
        b_constant = link.link(self.shift if link.shifts else scale)
        b_user = np.where(self.constant, b_constant, b_user)
        return np.where(self.constant, 0, W_user).astype(W.dtype), b_user.astype(b.dtype)

    def unfold(
        self, W: FloatArray, b: FloatArray, known: Any = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return the output layer in units of the network, given that of the user.

        A constant of the known targets becomes raw output 0, the constant of these targets: in
        units that have come since, it may be far from any target.
        """
        if not self.standardized:
            return W, b
        W_own, b_own = LINKS[self.link].unfold(W, b, self.shift, self.scale)
        if known is not None and known.constant.any():
            W_constant, b_constant = known.fold(W, b)
            is_constant = known.constant & (W_constant == W).all(axis=0) & (b == b_constant)
            b_own = np.where(is_constant, 0, b_own)
        return W_own.astype(W.dtype), b_own.astype(b.dtype)

    def check_precision(self, y: FloatArray) -> None:
        """Raise ValueError if the precision of encoded targets is too low for those of the user."""
        check_precision(self.decode(y.astype(np.float64)), y.dtype)
        if (self.scale[~self.constant] < np.finfo(y.dtype).tiny).any():
            raise ValueError(
                f"y varies so little that its scale is 0 in {y.dtype}, in which the network "
                "computes. Multiply y by a constant, or use dtype='float64'."
            )

    def stratification(self, y: FloatArray) -> None:
        """Return None: the validation split is not stratified."""

    def fitted_attributes(self) -> dict[str, Any]:
        """Return the fitted attributes that describe the targets."""
        shift, scale = self.shift, self.scale
        if self.n_targets == 1:
            shift, scale = float(shift[0]), float(scale[0])  # type: ignore[assignment]
        given = self.standardized
        return {
            "n_outputs_": self.n_outputs,
            "target_mean_": shift if given else None,
            "target_scale_": scale if given else None,
        }

    def label_texts(self) -> Any:
        """Return no text: the fingerprint of a fit has the numbers themselves."""
        return np.array([], dtype=str)

    def _columns(self, y: FloatArray) -> FloatArray:
        return y[:, np.newaxis] if y.ndim == 1 else y


# what overflows is refused by `check_precision`
@np.errstate(over="ignore", invalid="ignore")
def _location_and_scale(
    y: FloatArray, w: FloatArray | None, link: Link
) -> tuple[FloatArray, FloatArray, Any]:
    """Return shift and scale of each column, and which columns are constant."""
    y = y.astype(np.float64)
    if w is not None:
        y, w = y[w > 0], w[w > 0]
    # relative to the first row, so that a constant is its own mean
    mean = y[0] + np.average(y - y[0], axis=0, weights=w)
    # relative to the largest, so that no square overflows
    largest = np.abs(y - mean).max(axis=0)
    distance = (y - mean) / np.where(largest > 0, largest, 1.0)
    deviation = largest * np.sqrt(np.average(distance**2, axis=0, weights=w))
    constant = deviation <= 16 * np.finfo(np.float64).eps * np.abs(mean)
    if link.shifts:
        return mean, np.where(constant, 1.0, deviation), constant
    return np.zeros_like(mean), np.where(mean > 0, mean, _SCALE_OF_ZEROS), constant


def first_regression_targets(
    y: Any,
    w: FloatArray | None,
    loss: RegressionLoss,
    standardize: bool,
    mode: FitMode,
) -> RegressionTargets:
    """Return the targets of a model that is not fitted yet, or fitted anew.

    Raises
    ------
    ValueError
        If there are several quantiles of several targets.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    targets = RegressionTargets(y, loss)
    if targets.n_targets > 1 and loss.several:
        raise ValueError(
            f"y has {targets.n_targets} columns, but several quantiles can be predicted of one "
            "target only: fit MultiOutputRegressor(NumpyMLPRegressor(...)), or give one quantile."
        )
    if standardize:
        targets.standardize(y, w)
        if mode.partial and targets.constant.any():
            warn(
                "y has fewer than two distinct values in the first call of partial_fit, so "
                "standardize_target=True has no scale to use yet. Give more rows in the first call."
            )
    return targets


def continued_regression_targets(
    known: RegressionTargets,
    y: Any,
    w: FloatArray | None,
    loss: RegressionLoss,
    standardize: bool,
    mode: FitMode,
) -> RegressionTargets:
    """Return the targets of the fitted model, with which training continues.

    Targets that were constant so far are standardised anew.

    Raises
    ------
    ValueError
        If y has another number of columns, or the loss needs another output layer, or if targets
        were standardised and shall no longer be, or the other way round.
    """
    if standardize != known.standardized:
        raise ValueError(
            f"standardize_target={standardize!r}, but the model to continue with was trained with "
            f"standardize_target={known.standardized!r}. Set it back, or fit anew with "
            "warm_start=False."
        )
    fresh = RegressionTargets(known.columns_of(y), loss)
    if (fresh.link, fresh.n_outputs, fresh.flat) != (known.link, known.n_outputs, known.flat):
        raise ValueError(
            f"loss={loss.name!r} has n_outputs={fresh.n_outputs} and the output activation "
            f"{fresh.link!r}, but the model to continue with has n_outputs={known.n_outputs} and "
            f"{known.link!r}. Set loss and quantile back, or fit anew with warm_start=False."
        )
    if not known.constant.any():
        return known
    targets = copy.deepcopy(known)
    targets.standardize(y, w)
    if mode.partial and targets.constant.any():
        warn(
            "y has fewer than two distinct values in each call of partial_fit so far, so "
            "standardize_target=True has no scale to use yet, and the value of the last call is "
            "predicted. Give more rows in a call."
        )
    return targets
