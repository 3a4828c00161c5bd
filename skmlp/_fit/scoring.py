"""The early-stopping score: that of the loss, or a scorer of scikit-learn."""

import copy
import inspect
import math
from collections.abc import Callable
from typing import Any

from skmlp._data.inputs import rows_per_chunk
from skmlp._data.targets import TargetEncoder
from skmlp._engine.network import Network
from skmlp._fit.attributes import set_network_attributes
from skmlp._training.dataset import Dataset
from skmlp._training.loop import Validation


def build_validation(
    estimator: Any, data: Dataset | None, targets: TargetEncoder, network: Network
) -> Validation | None:
    """Return the validation set with its score; None if there is no set."""
    if data is None:
        return None
    score = None if estimator.scoring in (None, "loss") else _scorer(estimator, data, targets)
    data = data.normalised(data.mean_weight(), network.theta.dtype)
    return Validation(data, score, rows_per_chunk(network.W))


def _scorer(estimator: Any, data: Dataset, targets: TargetEncoder) -> Callable[[Network], float]:
    """Return the function that scores a network on the rows as scikit-learn scores a model."""
    from sklearn.metrics import check_scoring  # takes longer to import than all else

    scoring = estimator.scoring
    scorer = check_scoring(estimator, scoring=scoring)
    y = targets.decode(data.y)
    takes_weights = "sample_weight" in inspect.signature(scorer).parameters
    weights = {"sample_weight": data.w} if data.w is not None and takes_weights else {}
    model = copy.copy(estimator)
    # the rows have been validated, and so have lost their feature names
    if hasattr(model, "feature_names_in_"):
        del model.feature_names_in_

    def score(network: Network) -> float:
        set_network_attributes(model, network, targets)
        value = float(scorer(model, data.X, y, **weights))
        if math.isnan(value):
            raise ValueError(
                f"scoring={scoring!r} gave NaN on the validation set of {data.X.shape[0]} rows. "
                "Choose a score that is defined for them, or give a larger validation set."
            )
        return value

    return score
