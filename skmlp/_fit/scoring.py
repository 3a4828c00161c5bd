"""What early stopping goes by: the loss, the accuracy, or a scorer of scikit-learn."""

import copy
import inspect
import math
from collections.abc import Callable
from typing import Any

from skmlp._data.chunks import rows_per_chunk
from skmlp._data.targets import ClassificationTargets
from skmlp._engine.network import Network
from skmlp._fit.attributes import set_network_attributes
from skmlp._training.dataset import Dataset
from skmlp._training.stochastic import Validation


def build_validation(
    estimator: Any, rows: Dataset | None, encoder: ClassificationTargets, network: Network
) -> Validation | None:
    """Return what is measured on the validation rows, if there are any."""
    if rows is None:
        return None
    score = None if estimator.scoring in (None, "loss") else _scorer(estimator, rows, encoder)
    rows = rows.normalised(rows.mean_weight(), network.theta.dtype)
    return Validation(rows, score, rows_per_chunk(network.W))


def _scorer(
    estimator: Any, rows: Dataset, encoder: ClassificationTargets
) -> Callable[[Network], float]:
    """Return the function that scores a network on the rows as scikit-learn would a model."""
    from sklearn.metrics import check_scoring  # takes longer to import than all else

    scoring = estimator.scoring
    scorer = check_scoring(estimator, scoring=scoring)
    y = encoder.decode(rows.y)
    takes_weights = "sample_weight" in inspect.signature(scorer).parameters
    weights = {"sample_weight": rows.w} if rows.w is not None and takes_weights else {}
    model = copy.copy(estimator)
    # the rows have been validated, and so have lost their feature names
    if hasattr(model, "feature_names_in_"):
        del model.feature_names_in_

    def score(network: Network) -> float:
        set_network_attributes(model, network, encoder)
        value = float(scorer(model, rows.X, y, **weights))
        if math.isnan(value):
            raise ValueError(
                f"scoring={scoring!r} gave NaN on the validation set of {len(y)} rows. "
                "Choose a score that is defined for them, or give a larger validation set."
            )
        return value

    return score
