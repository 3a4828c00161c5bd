"""The weight of each row in training."""

from typing import Any

from skmlp._compat import check_sample_weight
from skmlp._data.inputs import check_not_masked
from skmlp._engine.types import FloatArray


def row_weights(X: Any, sample_weight: Any, class_weights: FloatArray | None) -> FloatArray | None:
    """Return the weights of the rows times those of their classes, of mean 1.

    With a mean of 1 the scale of the weights does not change the strength of penalties.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The rows.
    sample_weight : array-like of shape (n_samples,) or None
        Weights of the rows.
    class_weights : ndarray of shape (n_samples,) or None
        Weight of the class of each row.

    Returns
    -------
    weights : ndarray of shape (n_samples,) or None
        None if all rows weigh the same.

    Raises
    ------
    ValueError
        If weights are masked, missing, negative, or all zero.
    """
    if sample_weight is None and class_weights is None:
        return None
    check_not_masked(sample_weight, "sample_weight")
    w = check_sample_weight(sample_weight, X, ensure_non_negative=True)
    w = w / (w.max() or 1)  # sums and products of these cannot overflow
    if class_weights is not None:
        w = w * class_weights
    if w.sum() == 0:
        raise ValueError(
            "All rows have the weight 0: sample_weight or class_weight is 0 for each of them. Give "
            "some of them a weight."
        )
    return w / w.mean()
