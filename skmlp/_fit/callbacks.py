"""Callbacks of scikit-learn 1.9 and later: how a fit reports its beginning, parts and end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.base import BaseEstimator

from skmlp._data.request import FitRequest


class FitTasks:
    """Tasks of one fit, as callbacks see them: the whole fit, and one task per epoch or network.

    Parameters
    ----------
    estimator : estimator
        The estimator in training, a network or a meta-estimator of networks.
    request : FitRequest
        The arguments of `fit`, which callbacks can pass to the model.
    max_subtasks : int or None
        Maximum number of epochs or networks. If None, the number is not known.
    """

    def __init__(self, estimator: Any, request: FitRequest, max_subtasks: int | None) -> None:
        self._about = _about(estimator, request)
        self._fit = estimator._init_callback_context(max_subtasks=max_subtasks)
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

    def network(self) -> "NetworkTask":
        """Return the task of training the next network of a meta-estimator."""
        return NetworkTask(self._about["estimator"], self._fit.subcontext(task_name="network"))

    def end(self) -> None:
        """End the task of the whole fit."""
        self._fit.call_on_fit_task_end(**self._about, reconstruction_attributes={})


class NetworkTask:
    """Task of training one network of a meta-estimator, which can be sent to another process.

    Parameters
    ----------
    estimator : estimator
        The meta-estimator.
    context : CallbackContext
        The context of the task.
    """

    def __init__(self, estimator: Any, context: Any) -> None:
        self._estimator, self._context = estimator, context

    @contextmanager
    def run(self, network: Any, request: FitRequest) -> Iterator[None]:
        """Report the training that follows, and give the network the callbacks that apply to it.

        Raises
        ------
        TypeError
            If the network itself has a callback that belongs to the outermost estimator, such as
            a progress bar.
        """
        about = _about(self._estimator, request)
        with self._context.propagate_callback_context(network):
            self._context.call_on_fit_task_begin(**about)
            yield
            self._context.call_on_fit_task_end(**about)


def has_callbacks(estimator: BaseEstimator) -> bool:
    """Return whether callbacks are set, by the user or by a meta-estimator."""
    return hasattr(estimator, "_skl_callbacks")


def begin_meta_fit(
    estimator: Any, network: Any, request: FitRequest, n_networks: int
) -> FitTasks | None:
    """Return the tasks of a meta-estimator's fit; None if nothing in it has callbacks."""
    if has_callbacks(estimator) or has_callbacks(network):
        return FitTasks(estimator, request, n_networks)
    return None


def _about(estimator: Any, request: FitRequest) -> dict[str, Any]:
    """Return what every hook of a callback is told."""
    weight = request.sample_weight
    metadata = {} if weight is None else {"sample_weight": weight}
    return {"estimator": estimator, "X": request.X, "y": request.y, "metadata": metadata}
