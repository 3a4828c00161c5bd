"""Training by L-BFGS, over all rows at once."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.optimize

from skmlp._engine.losses.regression import spread
from skmlp._engine.network import Network
from skmlp._engine.types import FloatArray
from skmlp._training.dataset import Dataset
from skmlp._training.history import History
from skmlp._training.loop import Loop, diverged

# kinks are rounded off over these shares of the scale of y, one after the other, as long as the
# loss without rounding falls by this share
_WIDTHS, _LEAST_FALL = [0.25 * 0.25**i for i in range(10)], 1e-4


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def train_lbfgs(
    network: Network, data: Dataset, loop: Loop, *, max_iter: int, max_fun: int, tol: float
) -> History:
    """Minimise the objective over all rows by L-BFGS, in place on `network`.

    A loss with kinks is minimised with its kinks rounded off, over smaller and smaller distances.

    R. H. Byrd, P. Lu, J. Nocedal, C. Zhu, "A limited memory algorithm for bound constrained
    optimization", SIAM Journal on Scientific Computing 16(5), 1995; as in `scipy.optimize`.

    Parameters
    ----------
    network
        What is trained.
    data : Dataset
        The training rows.
    loop : Loop
        Validation set, deadline and listener. An iteration counts as an epoch, whose beginning is
        reported once the iteration is complete.
    max_iter, max_fun : int
        Maximum number of iterations, and of evaluations of the objective.
    tol : float
        Largest entry of the gradient at which the search has converged.

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
    data = data.gather()
    X = data.X.astype(network.theta.dtype, copy=False)
    history = loop.history
    network.reserve(len(data))
    for batch_norm in network.batch_norms:
        batch_norm.momentum = 1.0  # a batch is all there is
    E = math.nan

    def objective(theta: FloatArray) -> tuple[float, FloatArray]:
        nonlocal E
        network.theta[:] = theta
        E = network.loss_gradient(X, data.y, data.w)
        return E, network.grad.astype(np.float64)

    def iteration_end(theta: FloatArray) -> None:
        loop.record(E)
        loop.complete(keep=True)
        loop.events.epoch_begin()
        if loop.must_end():
            raise StopIteration

    def minimise() -> Any:
        return scipy.optimize.minimize(
            objective,
            network.theta.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=iteration_end,
            options={
                "maxiter": max_iter - len(history.loss_curve),
                "maxfun": max_fun - n_evaluations,
                "gtol": tol,
            },
        )

    loss, n_evaluations, least = network.loss, 0, math.inf
    try:
        for network.loss in _without_kinks(loss, data):
            result = minimise()
            network.theta[:], n_evaluations = result.x, n_evaluations + result.nfev
            if loss.smooth or result.status != 0 or history.stopped or history.timed_out:
                break
            network.loss = loss
            E = network.loss_gradient(X, data.y, data.w)
            if (1 - _LEAST_FALL) * least < E:
                break
            least = E
        network.loss = loss
        if network.batch_norms or not loss.smooth:
            # the last one asked for may have been another
            result.fun = network.loss_gradient(X, data.y, data.w)
    except KeyboardInterrupt:
        network.loss = loss
        if loop.is_first_epoch:
            raise
        loop.roll_back()
        return history
    if not (math.isfinite(result.fun) and np.isfinite(network.theta).all()):
        raise diverged(data, result.nit + 1)
    history.loss, history.message = float(result.fun), str(result.message)
    history.converged = history.stopped or result.status == 0
    return history


def _without_kinks(loss: Any, data: Dataset) -> Iterator[Any]:
    """Yield the loss itself or, if the loss has kinks, this loss with less and less rounded ones.

    L-BFGS stops at a kink, where no step along the gradient makes the loss fall.
    """
    if loss.smooth:
        yield loss
        return
    unit = spread(data.y, data.w).astype(data.y.dtype)
    for width in _WIDTHS:
        yield loss.smoothed(width * unit)
