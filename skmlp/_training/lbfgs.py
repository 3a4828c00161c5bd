"""Training by L-BFGS, over all rows at once."""

import math
from typing import Any

import numpy as np
import scipy.optimize

from skmlp._engine.losses.regression import spread
from skmlp._engine.network import Network
from skmlp._engine.types import FloatArray
from skmlp._training.dataset import Dataset
from skmlp._training.history import History
from skmlp._training.loop import Loop, diverged

# Widths over which kinks are rounded off, one after the other, in units of the scale of y, until
# the objective is at most this share above its minimum nearby.
_WIDTHS, _SHARE = [0.25 * 0.25**i for i in range(10)], 1e-4

_OUT_OF_BUDGET = "STOP: TOTAL NO. OF ITERATIONS OR EVALUATIONS REACHED LIMIT"


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def train_lbfgs(
    network: Network, data: Dataset, loop: Loop, *, max_iter: int, max_fun: int, tol: float
) -> History:
    """Minimise the objective over all rows by L-BFGS, in place on `network`.

    A loss with kinks is minimised with its kinks rounded off, over smaller and smaller widths. Its
    recorded losses are those with the kinks.

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
        Maximum number of iterations, and of evaluations of the objective, over all widths.
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
    data, loss, history = data.gather(), network.loss, loop.history
    network.reserve(len(data))
    for batch_norm in network.batch_norms:
        batch_norm.momentum = 1.0  # a batch is all there is
    search = _Search(network, data, loop, max_iter, max_fun, tol)
    try:
        result = search.minimise() if loss.smooth else _minimise_with_rounded_kinks(search)
        # the last parameters asked for may have been others
        history.loss = search.value()
    except KeyboardInterrupt:
        if loop.is_first_epoch:
            raise
        loop.roll_back()
        return history
    finally:
        network.loss = loss
    # SciPy's own last value may be of other parameters than those that it returns
    losses_are_finite = math.isfinite(history.loss) and math.isfinite(result.get("fun", 0.0))
    if not (losses_are_finite and np.isfinite(network.theta).all()):
        raise diverged(data, len(history.loss_curve) + 1)
    history.message = str(result.message)
    history.converged = history.stopped or result.status == 0
    return history


class _Search:
    """The objective over all rows, as SciPy minimises it within a number of evaluations."""

    def __init__(
        self, network: Network, data: Dataset, loop: Loop, max_iter: int, max_fun: int, tol: float
    ) -> None:
        self.network, self.data, self.loop = network, data, loop
        self.X = data.X.astype(network.theta.dtype, copy=False)
        self.loss = network.loss
        self.max_iter, self.max_fun, self.tol = max_iter, max_fun, tol
        self.E = math.nan

    def minimise(self) -> Any:
        """Minimise the objective with the network's present loss; return SciPy's result."""
        n_iterations = self.max_iter - len(self.loop.history.loss_curve)
        if n_iterations <= 0 or self.max_fun <= 0:
            # SciPy would do one more
            return scipy.optimize.OptimizeResult(status=1, message=_OUT_OF_BUDGET, nit=0)
        result = scipy.optimize.minimize(
            self.objective,
            self.network.theta.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=self.iteration_end,
            options={"maxiter": n_iterations, "maxfun": self.max_fun, "gtol": self.tol},
        )
        self.network.theta[:] = result.x
        self.max_fun -= result.nfev
        return result

    def objective(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return the objective and its gradient."""
        network, data = self.network, self.data
        network.theta[:] = theta
        self.E = network.loss_gradient(self.X, data.y, data.w)
        return self.E, network.grad.astype(np.float64)

    def value(self) -> float:
        """Return the objective of the present parameters with the loss itself."""
        network, data, present = self.network, self.data, self.network.loss
        network.loss = self.loss
        E = network.loss_gradient(self.X, data.y, data.w)
        network.loss = present
        return E

    def iteration_end(self, theta: FloatArray) -> None:
        """Record an iteration, and end the search if a listener or the deadline does."""
        self.loop.record(self.E if self.loss.smooth else self.value())
        self.loop.complete(keep=True)
        self.loop.events.epoch_begin()
        if self.loop.must_end():
            raise StopIteration


def _minimise_with_rounded_kinks(search: _Search) -> Any:
    """Minimise with kinks that are rounded off over less and less; return SciPy's last result.

    L-BFGS stops at a kink, where no step along the gradient makes the loss fall. Rounding lowers
    the loss by at most half the width for each output, and so does it with the minimum.
    """
    network = search.network
    loss: Any = search.loss
    unit = spread(search.data.y, search.data.w).astype(network.theta.dtype)
    half_widths = network.layer_sizes[-1] * unit.max() / 2
    for width in _WIDTHS:
        network.loss = loss.smoothed(width * unit)
        result = search.minimise()
        # written so that a NaN ends the loop
        if result.status != 0 or not width * half_widths > _SHARE * search.value():
            break
    return result
