"""Training by mini-batches: one epoch, and the loop over epochs."""

import math
from functools import partial

import numpy as np

from skmlp._engine.kernels import NO_LOOPS, Loops, run_with
from skmlp._engine.network import Network
from skmlp._engine.types import IndexArray, Matrix
from skmlp._training.dataset import Dataset, minibatches
from skmlp._training.early_stopping import StoppingRule
from skmlp._training.history import History
from skmlp._training.loop import Loop, diverged
from skmlp._training.solver import Solver


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def train_stochastic(
    network: Network,
    solver: Solver,
    rule: StoppingRule,
    data: Dataset,
    loop: Loop,
    *,
    batch_size: int,
    max_epochs: int,
    rng: np.random.RandomState | None,
    population: Matrix | None = None,
    loops: Loops = NO_LOOPS,
) -> History:
    """Train by mini-batches, in place on `network`, `solver` and `rule`.

    If the rule monitors the validation set, training ends with the parameters of the best epoch, or
    with the initial ones if the best value is older. A schedule that is planned for all epochs is
    not cut short by a plateau of the training loss.

    Parameters
    ----------
    network, solver, rule
        What is trained, and the state that training changes with it.
    data : Dataset
        The training rows.
    loop : Loop
        Validation set, deadline, listener, and the epoch from which to resume.
    batch_size : int
        Number of rows in a batch.
    max_epochs : int
        Maximum number of epochs.
    rng : RandomState or None
        Generator that shuffles the rows before each epoch. If None, rows are not shuffled.
    population : ndarray, CSR matrix or None, default=None
        Rows from which batch normalisations take their means and variances for prediction, before
        each validation and at the end. If None, they keep their running means.
    loops : dict of callables, default={}
        Compiled loops that stand in for kernels of these names in each step.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        When the loss, a parameter or a number of the solver's state is no longer finite.
    KeyboardInterrupt
        When interrupted before the first epoch is complete. Later, the interrupted epoch is undone
        and the history says so.
    """
    history, planned = loop.history, solver.schedule.planned
    order = loop.progress.order if loop.progress.n_epochs else _initial_order(data, rng)
    network.reserve(batch_size)
    try:
        for epoch in range(loop.progress.n_epochs + 1, max_epochs + 1):
            loop.events.epoch_begin()
            if rng is not None and order is not None:
                order = order[rng.permutation(len(data))]
            one_epoch = partial(run_epoch, network, solver, data, batch_size, order, loop)
            loss, n_rows = run_with(loops, one_epoch)
            if not (math.isfinite(loss) and is_finite(network, solver)):
                raise diverged(data, epoch, solver.learning_rate)
            history.learning_rate_curve.append(solver.learning_rate)
            if population is not None and loop.validation is not None:
                network.update_batch_norm_statistics(population)
            loop.record(loss)
            keep = rule.update(history) or not rule.monitors_validation
            solver.epoch_end(n_rows)
            history.n_rows += n_rows
            loop.complete(keep, order, rule)
            if loop.must_end():
                break
            if rule.exhausted and (rule.monitors_validation or not planned):
                history.converged = not solver.schedule.plateau()
                if history.converged:
                    break
                history.plateaus.append(epoch)
                rule.n_without_improvement = 0
                loop.progress.rule.update(vars(rule))
            if epoch < max_epochs:
                loop.events.progress(loop.progress)
        else:
            # without patience there is no other end than that of the planned epochs
            history.converged = planned or rule.patience == math.inf
    except KeyboardInterrupt:
        if loop.is_first_epoch:
            raise
        loop.roll_back(rule)
    loop.restore_best()
    if loop.validation is None and population is not None:
        try:
            network.update_batch_norm_statistics(population)
        except KeyboardInterrupt:
            history.interrupted = True
    return history


def run_epoch(
    network: Network,
    solver: Solver,
    data: Dataset,
    batch_size: int,
    order: IndexArray | None,
    loop: Loop,
) -> tuple[float, int]:
    """Take one step per batch, in place on the network's parameters.

    Returns
    -------
    loss : float
        Mean objective per row; not finite if that of a batch was not.
    n_rows : int
        Number of rows trained on: fewer than all if the deadline has passed.
    """
    total, n_rows = 0.0, 0
    dt = 1 / math.ceil(len(data) / batch_size)
    batches = minibatches(data, batch_size, order, network.theta.dtype)
    for i, (X, y, w) in enumerate(batches):
        loop.events.batch()
        E = network.loss_gradient(X, y, w)
        if not math.isfinite(E):
            return E, n_rows
        solver.step(network, i * dt, dt)
        total += E * X.shape[0]
        n_rows += X.shape[0]
        if loop.is_late:
            break
    return total / n_rows, n_rows


def is_finite(network: Network, solver: Solver) -> bool:
    """Return whether all parameters, and all numbers of the solver's state, are finite.

    Moments that overflow would stop the parameters from changing, without an error.
    """
    return bool(np.isfinite(network.parameters.vectors).all()) and solver.is_finite()


def _initial_order(data: Dataset, rng: np.random.RandomState | None) -> IndexArray | None:
    """Return the order of the rows before the first epoch; None if rows are taken as they are."""
    return np.arange(len(data)) if data.index is None and rng is not None else data.index
