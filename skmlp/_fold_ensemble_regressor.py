"""The ensemble of regressors, with intervals from held-out rows."""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import column_or_1d

from skmlp._engine.types import FloatArray
from skmlp._ensemble.base import BaseFoldEnsemble
from skmlp._ensemble.folds import balanced_folds
from skmlp._regressor import NumpyMLPRegressor

__all__ = ["FoldEnsembleRegressor"]


class FoldEnsembleRegressor(RegressorMixin, BaseFoldEnsemble):
    """Ensemble of networks, each of which holds out a fold of the rows.

    Parameters
    ----------
    estimator : NumpyMLPRegressor
        The network to train.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [NumpyMLPRegressor],
        **BaseFoldEnsemble._parameter_constraints,
    }
    _divide = staticmethod(balanced_folds)
    _multi_output = True
    _always_holds_out = True

    def __init__(
        self,
        estimator: NumpyMLPRegressor,
        n_estimators: int | str = "auto",
        *,
        n_folds: int | str = "auto",
        cv: Any = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_folds = n_folds
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _read_targets(self, y: Any) -> Any:
        self.estimator._validate_params()
        y = self.estimator._read_targets(y, "y")
        return column_or_1d(y, warn=True) if np.ndim(y) == 2 and y.shape[1] == 1 else y

    def _calibrate(
        self, X: Any, y: npt.NDArray[Any], w: FloatArray | None, rng: np.random.RandomState
    ) -> None:
        pass

    def predict(self, X: Any) -> FloatArray:
        """Return the mean of the networks' predictions."""
        X = self._valid_rows(X)
        return np.mean([member.predict(X) for member in self.estimators_], axis=0)

    def __sklearn_tags__(self) -> Tags:
        """Return the tags, with those of the network's targets."""
        tags = super().__sklearn_tags__()
        tags.target_tags = get_tags(self.estimator).target_tags
        return tags
