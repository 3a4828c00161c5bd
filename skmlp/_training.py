"""Training: mini-batches, one epoch, the stopping rule, best weights, the L-BFGS driver."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.optimize
from scipy.sparse import issparse

from skmlp._losses import accuracy
from skmlp._network import Network
from skmlp._optimizers import Optimizer
from skmlp._schedules import Schedule
from skmlp._types import FloatArray, IndexArray, Matrix, Targets


@dataclass(frozen=True)
class Rows:
    """Rows to train or to validate on.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n, n_features)
        All rows, also those that `index` leaves out. A dense X may be of a narrower dtype than the
        network: its rows are converted as they are needed.
    y : ndarray of shape (n,) or (n, n_outputs)
        Encoded targets of all rows.
    w : ndarray of shape (n,) or None
        Weights of all rows; None: all one. Training wants them of mean one over `index`.
    index : ndarray of row numbers or None
        The rows meant, in this order; None: all of them, as they stand.
    """

    X: Matrix
    y: Targets
    w: FloatArray | None = None
    index: IndexArray | None = None

    def __len__(self) -> int:
        """Return the number of rows meant."""
        return self.X.shape[0] if self.index is None else len(self.index)

    def take(self) -> "Rows":
        """Return just the rows meant."""
        if self.index is None:
            return self
        return Rows(self.X[self.index], self.y[self.index], self.weights())

    def weights(self) -> FloatArray | None:
        """Return the weights of just the rows meant."""
        return self.w if self.w is None or self.index is None else self.w[self.index]

    def mean_weight(self) -> float:
        """Return the mean weight of the rows meant."""
        w = self.weights()
        return 1.0 if w is None else float(w.mean())

    def normalised(self, mean_weight: float, dtype: np.dtype) -> "Rows":
        """Return the rows with their weights divided by the mean, in the precision given."""
        if self.w is None:
            return self
        return replace(self, w=(self.w / mean_weight).astype(dtype))


Batch = tuple[Matrix, Targets, FloatArray | None]


def minibatches(
    rows: Rows, batch_size: int, order: IndexArray | None, dtype: np.dtype | None = None
) -> Iterator[Batch]:
    """Yield (X, y, w) for each batch of an epoch.

    Parameters
    ----------
    rows : Rows
        The training rows.
    batch_size : int
        Number of rows of a batch; the last one may be smaller.
    order : ndarray of row numbers or None
        The order of the epoch; None: all rows as they stand, which needs no gathering.
    dtype : dtype or None, default=None
        What dense rows are converted to, batch by batch; None: that of X.

    Yields
    ------
    X, y, w : array, array, array or None
        The batch. Dense rows that are gathered or converted share one buffer, which the next batch
        overwrites.
    """
    take = _taker(rows.X, batch_size, order is not None, dtype or rows.X.dtype)
    for start in range(0, len(rows), batch_size):
        stop = min(start + batch_size, len(rows))
        batch = slice(start, stop) if order is None else order[start:stop]
        yield take(batch), rows.y[batch], None if rows.w is None else rows.w[batch]


def _taker(
    X: Matrix, batch_size: int, gathers: bool, dtype: np.dtype
) -> Callable[[slice | IndexArray], Matrix]:
    """Return the function that takes a batch out of X, through buffers if X is dense."""
    if issparse(X):
        return X.__getitem__
    shape = batch_size, X.shape[1]
    gathered = np.empty(shape, X.dtype) if gathers else None
    converted = np.empty(shape, dtype) if X.dtype != dtype else None

    def take(batch: Any) -> Matrix:
        if gathered is None:
            X_batch = X[batch]
        else:
            # the row numbers are in range; "clip" spares NumPy a buffered copy
            X_batch = X.take(batch, axis=0, out=gathered[: len(batch)], mode="clip")
        if converted is None:
            return X_batch
        converted[: len(X_batch)] = X_batch
        return converted[: len(X_batch)]

    return take


def run_epoch(
    network: Network,
    optimizer: Optimizer,
    learning_rate: float,
    rows: Rows,
    batch_size: int,
    order: IndexArray | None,
    on_batch: Callable[[], object] = lambda: None,
) -> float:
    """Take one step per batch, in place on `network.theta`; return the mean objective per row."""
    total = 0.0
    for X, y, w in minibatches(rows, batch_size, order, network.theta.dtype):
        on_batch()
        E = network.loss_gradient(X, y, w)
        if not math.isfinite(E):
            return E
        optimizer.step(network.theta, network.grad, learning_rate)
        total += E * X.shape[0]
    return total / len(rows)


@dataclass
class History:
    """What a training went through, an entry per epoch, and how it ended.

    Attributes
    ----------
    loss_curve : list of float
        Mean objective over the epoch's batches, penalty included.
    validation_loss_curve, validation_scores : list of float
        Mean cross-entropy and accuracy on the validation rows; empty without any.
    loss : float
        The last value of the objective.
    converged, interrupted : bool
        Whether training ended by itself, or by an interrupt.
    message : str
        What the solver says of its end.
    """

    loss_curve: list[float] = field(default_factory=list)
    validation_loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    loss: float = math.nan
    converged: bool = False
    interrupted: bool = False
    message: str = ""

    def interrupt(self, n_epochs: int) -> None:
        """Keep the entries of the first `n_epochs`, and note the interrupt."""
        for curve in (self.loss_curve, self.validation_loss_curve, self.validation_scores):
            del curve[n_epochs:]
        self.loss = self.loss_curve[-1]
        self.interrupted = True


class StoppingRule:
    """Patience: training is over when the monitored value stops falling.

    Parameters
    ----------
    monitors_score : bool
        Whether the value is the validation score, negated, in place of the training loss.
    tol : float, default=1e-4
        By how much a new value must undercut the lowest one to count.
    patience : int or inf, default=10
        Number of epochs without such a fall that are borne.
    """

    def __init__(self, monitors_score: bool, tol: float = 1e-4, patience: float = 10) -> None:
        self.monitors_score, self.tol, self.patience = monitors_score, tol, patience
        self.best = math.inf
        self.n_without_improvement = 0

    def update(self, history: History) -> bool:
        """Take in the last epoch; return whether its value is the lowest so far."""
        curve = history.validation_scores if self.monitors_score else history.loss_curve
        value = -curve[-1] if self.monitors_score else curve[-1]
        fell = value <= self.best - self.tol
        self.n_without_improvement = 0 if fell else self.n_without_improvement + 1
        is_best = value < self.best
        self.best = min(value, self.best)
        return is_best

    @property
    def exhausted(self) -> bool:
        """Whether patience has run out."""
        return self.n_without_improvement > self.patience


OnEpoch = Callable[[History], None]


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def train(
    network: Network,
    optimizer: Optimizer,
    schedule: Schedule,
    rule: StoppingRule,
    rows: Rows,
    *,
    batch_size: int,
    max_epochs: int,
    rng: np.random.RandomState | None,
    validation: Rows | None = None,
    chunk_rows: int | None = None,
    on_batch: Callable[[], object] = lambda: None,
    on_epoch: OnEpoch = lambda history: None,
) -> History:
    """Train by mini-batches, in place on `network`, `optimizer`, `schedule` and `rule`.

    If the rule monitors the validation score, training ends with the parameters of the epoch where
    it was highest, or with the initial ones if it was higher before.

    Parameters
    ----------
    network, optimizer, schedule, rule
        What is trained, and the state that goes with it.
    rows : Rows
        The training rows.
    batch_size : int
        Number of rows in a batch.
    max_epochs : int
        Number of epochs after which training ends in any case.
    rng : RandomState or None
        Shuffles the rows before each epoch; None: no shuffling.
    validation : Rows or None
        Rows whose loss and accuracy are recorded after each epoch.
    chunk_rows : int or None
        Number of rows per chunk of the validation's forward pass; None: all at once.
    on_batch : callable
        Called before each batch.
    on_epoch : callable
        Called with the history after each epoch.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        When the loss or a parameter is no longer finite.
    KeyboardInterrupt
        When interrupted before the first epoch is complete. Later, the interrupted epoch is undone
        and the history says so.
    """
    history = History()
    order = np.arange(len(rows)) if rows.index is None and rng is not None else rows.index
    # replaced as a whole, so that an interrupt finds either the epoch before or this one
    complete = 0, network.theta.copy()
    network.reserve(batch_size)
    try:
        for epoch in range(1, max_epochs + 1):
            if rng is not None and order is not None:
                order = order[rng.permutation(len(rows))]
            eta = schedule.learning_rate
            loss = run_epoch(network, optimizer, eta, rows, batch_size, order, on_batch)
            if not (math.isfinite(loss) and np.isfinite(network.theta).all()):
                raise diverged(epoch, eta)
            history.loss = loss
            history.loss_curve.append(loss)
            if validation is not None:
                validate(network, validation, history, chunk_rows)
            keeps = rule.update(history) or not rule.monitors_score
            schedule.epoch_end(len(rows))
            complete = epoch, network.theta.copy() if keeps else complete[1]
            on_epoch(history)
            if rule.exhausted:
                history.converged = not schedule.plateau()
                if history.converged:
                    break
                rule.n_without_improvement = 0
    except KeyboardInterrupt:
        if complete[0] == 0:
            raise
        history.interrupt(complete[0])
    network.theta[:] = complete[1]
    return history


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def train_lbfgs(
    network: Network,
    rows: Rows,
    *,
    max_iter: int,
    max_fun: int,
    tol: float,
    validation: Rows | None = None,
    chunk_rows: int | None = None,
    on_epoch: OnEpoch = lambda history: None,
) -> History:
    """Minimise the objective over all rows by L-BFGS, in place on `network`.

    R. H. Byrd, P. Lu, J. Nocedal, C. Zhu, "A limited memory algorithm for bound constrained
    optimization", SIAM Journal on Scientific Computing 16(5), 1995; as in `scipy.optimize`.

    Parameters
    ----------
    network
        What is trained.
    rows : Rows
        The training rows.
    max_iter, max_fun : int
        Number of iterations, and of evaluations of the objective, after which the search ends.
    tol : float
        Largest entry of the gradient at which the search has converged.
    validation, chunk_rows, on_epoch
        As in `train`; an iteration counts as an epoch.

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
    rows = rows.take()
    X = rows.X.astype(network.theta.dtype, copy=False)
    history = History()
    complete = 0, network.theta.copy()
    network.reserve(len(rows))
    E = math.nan

    def objective(theta: FloatArray) -> tuple[float, FloatArray]:
        nonlocal E
        network.theta[:] = theta
        E = network.loss_gradient(X, rows.y, rows.w)
        return E, network.grad.astype(np.float64)

    def iteration_end(theta: FloatArray) -> None:
        nonlocal complete
        history.loss_curve.append(E)
        if validation is not None:
            validate(network, validation, history, chunk_rows)
        complete = complete[0] + 1, network.theta.copy()
        on_epoch(history)

    try:
        result = scipy.optimize.minimize(
            objective,
            network.theta.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=iteration_end,
            options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol},
        )
    except KeyboardInterrupt:
        if complete[0] == 0:
            raise
        network.theta[:] = complete[1]
        history.interrupt(complete[0])
        return history
    network.theta[:] = result.x
    if not (math.isfinite(result.fun) and np.isfinite(network.theta).all()):
        raise diverged(result.nit + 1)
    history.loss, history.message = float(result.fun), str(result.message)
    history.converged = result.status == 0
    return history


def validate(network: Network, rows: Rows, history: History, chunk_rows: int | None) -> None:
    """Append the mean cross-entropy and the accuracy on the rows to the history."""
    z = network.logits(rows.X, chunk_rows)
    score = accuracy(network.loss, z, rows.y, rows.w)
    history.validation_loss_curve.append(network.loss.value_delta(z, rows.y, rows.w))
    history.validation_scores.append(score)


def diverged(epoch: int, learning_rate: float | None = None) -> ValueError:
    """Return the error for a training whose numbers are no longer finite."""
    rate = "" if learning_rate is None else f" at learning rate {learning_rate:g}"
    remedy = "" if learning_rate is None else "lower learning_rate_init or "
    return ValueError(
        f"Training diverged: non-finite loss or parameters in epoch {epoch}{rate}. To remedy this, "
        f"{remedy}scale the features, for example with StandardScaler."
    )
