"""The size of an ensemble's error as a function of x, learnt from the errors of held-out rows."""

import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import config_context
from sklearn.preprocessing import StandardScaler

from skmlp._engine.types import FloatArray, IndexArray
from skmlp._ensemble.folds import balanced_folds
from skmlp._ensemble.held_out import as_columns
from skmlp._ensemble.members import fit_members
from skmlp._regressor import NumpyMLPRegressor

# with fewer rows, a network learns little but noise
_MIN_ROWS = 40
_N_FOLDS = 4
# an error by chance near 0 says no more than one of this share of the mean error
_LEAST_ERROR = 0.01
# at least a tenth of the variance is the same for all rows, against errors that are thought tiny
_CONSTANT_SHARES = np.array([0.1, 0.2, 0.4, 0.7, 1.0])


def fit_error_scale(
    X: Any,
    predicted: FloatArray,
    error: FloatArray,
    w: FloatArray | None,
    rng: np.random.RandomState,
    folds: list[IndexArray] | None = None,
) -> tuple[FloatArray, dict[str, Any]]:
    """Learn the scale of errors: the root of a mixture of a variance by x and a constant one.

    Small networks learn the mean absolute error by its gamma deviance, from the features and the
    prediction. Each is stopped early on a fold that it holds out, and predicts that fold; the share
    of the constant variance is the one for which these predictions have the greatest normal
    likelihood.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, n_features)
        Held-out rows.
    predicted, error : ndarray of shape (n, k)
        Their predictions and the errors of these.
    w : ndarray of shape (n,) or None
        Weights of the rows.
    rng : RandomState
        Source of the folds and seeds.
    folds : list of ndarray of int or None, default=None
        Disjoint folds of all rows, where the errors in one fold may depend on each other. If None,
        four folds at random, balanced over the size of the errors.

    Returns
    -------
    scale : ndarray of shape (n, k)
        Scale of each row, learnt from other rows. Above 0.
    fitted : dict
        What `error_scale` needs.
    """
    size = np.abs(error)
    unit = np.average(size, axis=0, weights=w)
    unit[unit == 0] = 1.0
    size = np.maximum(size / unit, _LEAST_ERROR)
    fitted: dict[str, Any] = {"networks": [], "scaler": None, "unit": unit}
    relative = np.ones_like(size)
    has_folds = folds is None or len(folds) > 1
    if len(size) >= _MIN_ROWS and has_folds and np.ptp(size, axis=0).all():
        inputs = _inputs(X, predicted)
        fitted["scaler"] = StandardScaler(with_mean=not sparse.issparse(inputs)).fit(inputs)
        inputs = _scaled(fitted["scaler"], inputs)
        if folds is None:
            folds = balanced_folds(size if size.shape[1] > 1 else size[:, 0], _N_FOLDS, rng)
        fitted["networks"] = _networks(inputs, size, w, folds, rng)
        for network, fold in zip(fitted["networks"], folds, strict=True):
            relative[fold] = as_columns(network.predict(inputs[fold]))
    fitted["range"] = np.stack([relative.min(axis=0), relative.max(axis=0)])
    fitted["constant"] = np.average(size**2, axis=0, weights=w)
    fitted["varying"] = np.average((size / relative) ** 2, axis=0, weights=w)
    fitted["share"] = _constant_share(size, relative, fitted, w)
    return unit * np.sqrt(_variance(relative, fitted, fitted["share"])), fitted


def error_scale(fitted: dict[str, Any], X: Any, predicted: FloatArray) -> FloatArray:
    """Return the scale of the errors of new rows, shape (n, k), within that of the held-out rows.

    Parameters
    ----------
    fitted : dict
        As from `fit_error_scale`.
    X : {ndarray, CSR matrix} of shape (n, n_features)
        Rows.
    predicted : ndarray of shape (n, k)
        Their predictions.
    """
    relative = np.ones_like(predicted)
    if fitted["networks"]:
        inputs = _scaled(fitted["scaler"], _inputs(X, predicted))
        values = [as_columns(network.predict(inputs)) for network in fitted["networks"]]
        relative = np.clip(np.mean(values, axis=0), *fitted["range"])
    return fitted["unit"] * np.sqrt(_variance(relative, fitted, fitted["share"]))


def _scaled(scaler: StandardScaler, inputs: Any) -> Any:
    """Return scaled inputs as an array, even if transformers are set to return frames."""
    with config_context(transform_output="default"):
        return scaler.transform(inputs)


def _inputs(X: Any, predicted: FloatArray) -> Any:
    """Return the features and the predictions side by side."""
    if sparse.issparse(X):
        return sparse.hstack([X, sparse.csr_array(predicted)], format="csr")
    return np.hstack([X, predicted])


def _networks(
    inputs: Any, size: FloatArray, w: FloatArray | None, folds: Any, rng: np.random.RandomState
) -> list[Any]:
    """Return a network for each fold, which it was not trained on."""
    network = NumpyMLPRegressor(
        loss="gamma",
        hidden_layer_sizes=(32,),
        learning_rate_init=0.005,
        batch_size=min(64, len(size) // 2),
        max_iter=60,
        n_iter_no_change=5,
        early_stopping=True,
        scoring="loss",
        standardize_target=True,
        dtype="float32",
        n_threads=1,
    )
    seeds = rng.randint(np.iinfo(np.int32).max, size=len(folds))
    targets = size if size.shape[1] > 1 else size[:, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nothing that a user could change
        return fit_members(network, inputs, targets, w, folds, seeds, None, weighs_stopping=True)


def _variance(relative: FloatArray, fitted: dict[str, Any], share: FloatArray) -> FloatArray:
    """Return the mixture of the variance by x and the constant one."""
    return (1 - share) * fitted["varying"] * relative**2 + share * fitted["constant"]


def _constant_share(
    size: FloatArray, relative: FloatArray, fitted: dict[str, Any], w: FloatArray | None
) -> FloatArray:
    """Return the share of the constant variance of each output, by normal likelihood."""

    def deviance(share: float) -> FloatArray:
        variance = _variance(relative, fitted, np.asarray(share))
        return np.average(np.log(variance) + size**2 / variance, axis=0, weights=w)

    return _CONSTANT_SHARES[np.argmin([deviance(share) for share in _CONSTANT_SHARES], axis=0)]
