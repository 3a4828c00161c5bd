"""The weight of each row in training."""

from collections.abc import Callable
from typing import Any

import numpy as np

from skmlp._compat import check_sample_weight
from skmlp._data.inputs import check_not_masked
from skmlp._engine.types import FloatArray, IndexArray


def row_weights(
    X: Any, sample_weight: Any, class_weights: Callable[[IndexArray | None], FloatArray | None]
) -> FloatArray | None:
    """Return the weights of the rows times those of their classes.

    The mean over the rows of weight above 0 is 1, so that neither the scale of the weights nor rows
    of weight 0 change the strength of penalties.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The rows.
    sample_weight : array-like of shape (n_samples,) or None
        Weights of the rows.
    class_weights : callable
        ``class_weights(rows)`` returns the weight of the class of each row, or None if there are no
        such weights. `rows` are those whose sample weight is not 0; None stands for all.

    Returns
    -------
    weights : ndarray of shape (n_samples,) or None
        None if all rows weigh the same.

    Raises
    ------
    ValueError
        If weights are masked, missing, negative, or all zero.
    """
    w = None
    if sample_weight is not None:
        check_not_masked(sample_weight, "sample_weight")
        w = check_sample_weight(sample_weight, X, ensure_non_negative=True)
        w = w / (w.max() or 1)  # sums and products of these cannot overflow
        _check_not_all_zero(w)
    of_classes = class_weights(None if w is None else np.flatnonzero(w))
    if of_classes is not None:
        if not (np.isfinite(of_classes).all() and (of_classes >= 0).all()):
            raise ValueError(
                "class_weight must give each class a finite weight of at least 0, but gives "
                f"weights from {of_classes.min():g} to {of_classes.max():g}."
            )
        w = of_classes if w is None else w * of_classes
        _check_not_all_zero(w)
    return None if w is None else w / w[w != 0].mean()


def _check_not_all_zero(w: FloatArray) -> None:
    if not w.any():
        raise ValueError(
            "All rows have the weight 0: sample_weight or class_weight is 0 for each of them. Give "
            "some of them a weight."
        )
