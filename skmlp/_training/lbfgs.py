"""Training by L-BFGS, over all rows at once."""

import math
import time
from collections.abc import Callable

import numpy as np
import scipy.optimize

from skmlp._engine.network import Network
from skmlp._engine.types import FloatArray
from skmlp._training.dataset import Dataset
from skmlp._training.history import History
from skmlp._training.stochastic import OnEpoch, Progress, Validation, diverged, never_stop


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def train_lbfgs(
    network: Network,
    rows: Dataset,
    *,
    max_iter: int,
    max_fun: int,
    tol: float,
    validation: Validation | None = None,
    deadline: float = math.inf,
    on_epoch_begin: Callable[[], object] = lambda: None,
    on_epoch_end: OnEpoch = never_stop,
) -> History:
    """Minimise the objective over all rows by L-BFGS, in place on `network`.

    R. H. Byrd, P. Lu, J. Nocedal, C. Zhu, "A limited memory algorithm for bound constrained
    optimization", SIAM Journal on Scientific Computing 16(5), 1995; as in `scipy.optimize`.

    Parameters
    ----------
    network
        What is trained.
    rows : Dataset
        The training rows.
    max_iter, max_fun : int
        Number of iterations, and of evaluations of the objective, after which the search ends.
    tol : float
        Largest entry of the gradient at which the search has converged.
    validation, deadline, on_epoch_begin, on_epoch_end
        As in `train`; an iteration counts as an epoch, which begins when it is known to be one.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        When a parameter is no longer finite.
    KeyboardInterrupt
        When interrupted before the first iteration is complete; later, the history says so.
    """
    rows = rows.gather()
    X = rows.X.astype(network.theta.dtype, copy=False)
    history = History()
    vectors = network.parameters.vectors
    progress = Progress(history, None, vectors.copy())
    network.reserve(len(rows))
    for batch_norm in network.batch_norms:
        batch_norm.momentum = 1.0  # a batch is all there is
    E = math.nan

    def objective(theta: FloatArray) -> tuple[float, FloatArray]:
        nonlocal E
        network.theta[:] = theta
        E = network.loss_gradient(X, rows.y, rows.w)
        return E, network.grad.astype(np.float64)

    def iteration_end(theta: FloatArray) -> None:
        nonlocal progress
        history.loss_curve.append(E)
        if validation is not None:
            validation.measure(network, history)
        n = progress.n_epochs + 1
        progress = Progress(history, None, vectors.copy(), n, n)
        on_epoch_begin()
        history.stopped = on_epoch_end(history)
        if history.stopped:
            raise StopIteration
        if time.perf_counter() > deadline:
            history.timed_out = True
            raise StopIteration

    try:
        result = scipy.optimize.minimize(
            objective,
            network.theta.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=iteration_end,
            options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol},
        )
        network.theta[:] = result.x
        if network.batch_norms:
            network.loss_gradient(X, rows.y, rows.w)  # the last one asked for may have been another
    except KeyboardInterrupt:
        progress.roll_back()
        vectors[...] = progress.vectors
        return history
    if not (math.isfinite(result.fun) and np.isfinite(network.theta).all()):
        raise diverged(rows, result.nit + 1)
    history.loss, history.message = float(result.fun), str(result.message)
    history.converged = history.stopped or result.status == 0
    history.best_epoch = progress.best_epoch
    return history
