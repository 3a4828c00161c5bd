"""Callbacks of scikit-learn 1.9 and later: how a fit reports its beginning, epochs and end."""

from collections.abc import Callable
from typing import Any

from sklearn.base import BaseEstimator

from skmlp._data.request import FitRequest


class FitTasks:
    """Tasks of one fit, as callbacks see them: the whole fit, and one task per epoch.

    Parameters
    ----------
    estimator : estimator
        The estimator in training, with callbacks set.
    request : FitRequest
        The arguments of `fit`, which callbacks can pass to the model.
    max_epochs : int or None
        Maximum number of epochs. If None, the number is not known.
    """

    def __init__(self, estimator: Any, request: FitRequest, max_epochs: int | None) -> None:
        weight = request.sample_weight
        metadata = {} if weight is None else {"sample_weight": weight}
        self._about = {"estimator": estimator, "X": request.X, "y": request.y, "metadata": metadata}
        self._fit = estimator._init_callback_context(max_subtasks=max_epochs)
        self._fit.call_on_fit_task_begin(**self._about)

    def epoch_begin(self) -> None:
        """Begin the task of an epoch."""
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._about)

    def epoch_end(self, fitted_attributes: Callable[[], dict[str, Any]]) -> bool:
        """End the task of an epoch; return whether a callback requests to stop training.

        `fitted_attributes()` returns the attributes of a model with the current parameters. The
        function is called only if a callback asks for the model.
        """
        stop = self._epoch.call_on_fit_task_end(
            **self._about, reconstruction_attributes=fitted_attributes
        )
        return bool(stop)

    def end(self) -> None:
        """End the task of the whole fit."""
        self._fit.call_on_fit_task_end(**self._about, reconstruction_attributes={})


def has_callbacks(estimator: BaseEstimator) -> bool:
    """Return whether callbacks are set, by the user or by a meta-estimator."""
    return hasattr(estimator, "_skl_callbacks")
