"""Training of an ensemble's members, one at a time or in parallel."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import effective_n_jobs, parallel_backend
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from skmlp._compat import fit_context
from skmlp._data.request import FitRequest
from skmlp._engine.types import FloatArray, IndexArray
from skmlp._ensemble.folds import rows_in_use
from skmlp._fit.callbacks import FitTasks, NetworkTask, has_callbacks
from skmlp._fit.fit import fit_estimator

_LEAST_SECONDS = 1e-3


def fit_members(
    estimator: Any,
    X: Any,
    y: npt.NDArray[Any],
    w: FloatArray | None,
    held_out: Sequence[IndexArray],
    seeds: Sequence[int] | npt.NDArray[np.integer[Any]],
    n_jobs: int | None,
    tasks: FitTasks | None = None,
    train: Sequence[IndexArray] | None = None,
    *,
    weighs_stopping: bool = False,
    deadline: float | None = None,
) -> list[Any]:
    """Train a clone of the estimator for each fold to hold out, through joblib.

    Parameters
    ----------
    estimator : NumpyMLPClassifier or NumpyMLPRegressor
        The network to clone; the network itself is not fitted.
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The training rows.
    y : ndarray of shape (n_samples,)
        The targets.
    w : ndarray of shape (n_samples,) or None
        Weight of each row; rows of weight 0 are not used. If None, all rows weigh the same.
    held_out : sequence of ndarray of int
        Indices of the rows that each member is not trained on, and is stopped by if the network has
        `early_stopping`. If a fold is empty,
        its member trains without early stopping.
    seeds : sequence of int
        `random_state` of each member.
    n_jobs : int or None
        Number of members to train in parallel, as in joblib.
    tasks : FitTasks or None, default=None
        The tasks of the ensemble's fit, one of which is each member. If None, there are no
        callbacks.
    train : sequence of ndarray of int or None, default=None
        Indices of the rows that each member is trained on. If None, all rows that it does not hold
        out.
    weighs_stopping : bool, default=False
        Whether early stopping uses the weights of the rows of the fold.
    deadline : float or None, default=None
        When all members should be trained, on the clock of `time.time`. Each gets an equal share of
        the time that is left. If None, there is no limit.

    Returns
    -------
    members : list of NumpyMLPClassifier or NumpyMLPRegressor
        The fitted members, one for each fold.

    Raises
    ------
    KeyboardInterrupt
        If the training of a member is interrupted.
    """
    if train is None:
        rows = rows_in_use(len(y), w)
        train = [np.setdiff1d(rows, fold) for fold in held_out]
    # all tasks first: a task that is being pickled must not get a new sibling
    member_tasks = [None if tasks is None else tasks.network() for _ in held_out]
    turns = turns_left(len(held_out), n_jobs)
    members = Parallel(n_jobs=n_jobs)(
        delayed(_fit_member)(
            estimator, X, y, w, rows, fold, int(seed), task,
            weighs_stopping=weighs_stopping, deadline=deadline, turns=turns_of_member,
        )
        for rows, fold, seed, task, turns_of_member in zip(
            train, held_out, seeds, member_tasks, turns, strict=True
        )
    )  # fmt: skip
    if has_callbacks(estimator):
        # copies from other processes would keep threads of their own
        for member in members:
            member.set_callbacks(*estimator._skl_callbacks)
    return members


def check_no_checkpoint(estimator: Any) -> None:
    """Raise ValueError if a network to clone would write checkpoints."""
    if estimator.checkpoint_path is not None:
        raise ValueError(
            f"The estimator has checkpoint_path={estimator.checkpoint_path!r}, which all "
            "networks of the ensemble would share. Set it to None."
        )


def turns_left(n_members: int, n_jobs: int | None) -> list[int]:
    """Return for each member how many are trained one after the other from its turn on."""
    n_workers = min(effective_n_jobs(n_jobs), n_members)
    return [-(-(n_members - i) // n_workers) for i in range(n_members)]


def share_of_time(deadline: float | None, turns: int) -> float | None:
    """Return the seconds that a member may train; None if there is no limit."""
    if deadline is None:
        return None
    # an epoch of each member is trained even if no time is left
    return max((deadline - time.time()) / turns, _LEAST_SECONDS)


def _fit_member(
    estimator: Any,
    X: Any,
    y: npt.NDArray[Any],
    w: FloatArray | None,
    rows: IndexArray,
    fold: IndexArray,
    seed: int,
    task: NetworkTask | None,
    *,
    weighs_stopping: bool,
    deadline: float | None,
    turns: int,
) -> Any:
    """Return a clone trained on the rows; early stopping uses the fold, unless that is empty."""
    request = FitRequest(X[rows], y[rows], None if w is None else w[rows])
    if estimator.early_stopping and len(fold) > 0:
        w_val = w[fold] if w is not None and weighs_stopping else None
        request = request._replace(X_val=X[fold], y_val=y[fold], sample_weight_val=w_val)
    return fit_network(estimator, request, seed, task, share_of_time(deadline, turns))


def fit_network(
    estimator: Any,
    request: FitRequest,
    seed: int,
    task: NetworkTask | None,
    max_time: float | None,
) -> Any:
    """Return a fitted clone of a network, which stops early if the request has validation rows.

    Parameters
    ----------
    estimator : NumpyMLPClassifier or NumpyMLPRegressor
        The network to clone.
    request : FitRequest
        The rows.
    seed : int
        `random_state` of the clone.
    task : NetworkTask or None
        The task of an ensemble's fit, for callbacks.
    max_time : float or None
        Seconds for the training. If None, those of the network.

    Raises
    ------
    KeyboardInterrupt
        If the training is interrupted.
    """
    stops = request.X_val is not None
    member = clone(estimator).set_params(early_stopping=stops, refit=False, random_state=seed)
    if max_time is not None:
        member.set_params(max_time=max_time)
    if not stops:
        member.set_params(scoring=None)
    with nullcontext() if task is None else task.run(member, request):
        _fit_or_interrupt(member, request)
    return member


# validates the parameters and ends the callbacks, as around `fit` of the network
@fit_context(prefer_skip_nested_validation=True)
def _fit_or_interrupt(member: Any, request: FitRequest) -> None:
    """Fit the member; raise KeyboardInterrupt even if its training ended with a whole model."""
    if fit_estimator(member, request):
        raise KeyboardInterrupt


def on_this_worker() -> Any:
    """Return a context in which a member on a worker sends nothing back to the cluster."""
    return parallel_backend("sequential")
