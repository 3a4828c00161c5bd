"""The callbacks of scikit-learn 1.9 and later: they are told of a fit, and of each epoch in it."""

from collections.abc import Callable
from typing import Any

from sklearn.base import BaseEstimator


class FitTasks:
    """The tasks of one fit: the whole, and one per epoch.

    Parameters
    ----------
    estimator : estimator
        What is fitted, with callbacks set.
    X, y, sample_weight
        As the user gave them, so that callbacks can pass them on to the model.
    max_epochs : int or None
        The largest number of epochs, if it is known.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, max_epochs: int | None
    ) -> None:
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        self._about = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._fit = estimator._init_callback_context(max_subtasks=max_epochs)
        self._fit.call_on_fit_task_begin(**self._about)

    def epoch_begin(self) -> None:
        """Begin the task of an epoch."""
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._about)

    def epoch_end(self, fitted_attributes: Callable[[], dict[str, Any]]) -> bool:
        """End it; return whether a callback wants training to stop.

        `fitted_attributes()` returns what makes a model of the network as it stands; it is called
        only if a callback asks for that.
        """
        stop = self._epoch.call_on_fit_task_end(
            **self._about, reconstruction_attributes=fitted_attributes
        )
        return bool(stop)

    def end(self) -> None:
        """End the task of the whole fit; the estimator is fitted."""
        self._fit.call_on_fit_task_end(**self._about, reconstruction_attributes={})


def has_callbacks(estimator: BaseEstimator) -> bool:
    """Return whether callbacks have been set, by the user or by a meta-estimator."""
    return hasattr(estimator, "_skl_callbacks")
