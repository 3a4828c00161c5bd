"""What a checkpoint holds of a fit, and how training goes on from it."""

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from skmlp._data.prepare import FitData
from skmlp._engine.network import Network
from skmlp._engine.types import IndexArray
from skmlp._persistence.checkpoint_file import (
    damaged,
    read_checkpoint,
    remove_checkpoint,
    write_checkpoint,
)
from skmlp._persistence.fingerprint import OtherFit, check_fingerprint, fingerprint
from skmlp._persistence.state_dict import checked, fill, restore, snapshot
from skmlp._training.dataset import Dataset
from skmlp._training.history import History
from skmlp._training.state import TrainingState
from skmlp._training.stochastic import Progress

_PARTS = {
    "identity", "start", "search", "vectors", "solver", "rule", "rng", "noise_rng", "history",
    "best", "order",
}  # fmt: skip


class Checkpoint:
    """The file in which a fit is kept while it runs; without a path, nothing happens.

    Parameters
    ----------
    path : str or None
        The file.
    every : int
        Number of epochs from one writing to the next.
    identity : dict
        What tells this fit from others.

    Raises
    ------
    ValueError
        If the file cannot be read, or is that of another fit.
    """

    def __init__(
        self, path: str | None = None, every: int = 1, identity: dict[str, Any] | None = None
    ) -> None:
        self._path, self._every, self._identity = path, every, identity
        self._start: Any = None
        self._search: dict[str, Any] | None = None
        self._found: Any = None
        if path is not None and os.path.exists(path):
            self._found = read_checkpoint(path)
            with self._reading():
                if not isinstance(self._found, dict) or set(self._found) != _PARTS:
                    raise ValueError(f"it must have {sorted(_PARTS)}")
                check_fingerprint(path, self._found["identity"], identity)

    @contextmanager
    def naming_the_file(self) -> Iterator[None]:
        """Raise ValueError where numbers from the file cannot be computed with."""
        is_resumed = self._found is not None
        try:
            yield
        except ArithmeticError as error:
            if not is_resumed:
                raise
            raise damaged(str(self._path), f"training cannot go on from it ({error})") from error

    def restore_initial_rng(
        self, rng: np.random.RandomState, random_state: Any
    ) -> np.random.RandomState:
        """Return the generator as it was when the fit began, so that all is drawn again."""
        if self._found is not None:
            if random_state is None:
                rng = np.random.RandomState()  # not the one that the whole program shares
            with self._reading():
                _set_generator(rng, self._found["start"])
        if self._path is not None:
            self._start = copy.deepcopy(rng.get_state(legacy=False))
        return rng

    def load_finished_search(self, network: Network, state: TrainingState) -> History | None:
        """Return the history of the search if that was complete; restore its end, in place."""
        if self._found is None or self._found["search"] is None:
            return None
        history, found = History(), self._found["search"]
        with self._reading():
            fill(network.parameters.vectors, found["vectors"])
            restore(state.rule, found["rule"])
            restore(history, found["history"])
            _check_consistent(history, found["vectors"])
        return history

    def record_search(self, network: Network, state: TrainingState, history: History) -> None:
        """Keep the end of the search, which comes before all that is written from now on."""
        if self._path is not None:
            self._search = {
                "vectors": network.parameters.vectors.copy(),
                "rule": copy.deepcopy(snapshot(state.rule)),
                "history": copy.deepcopy(snapshot(history)),
            }

    def resume(
        self,
        network: Network,
        state: TrainingState,
        rng: np.random.RandomState,
        rows: Dataset,
        shuffles: bool,
    ) -> Progress | None:
        """Restore what training changes in place; return where it stood, None for the start."""
        if self._found is None:
            return None
        found, self._found = self._found, None
        with self._reading():
            fill(network.parameters.vectors, found["vectors"])
            restore(state.solver, found["solver"])
            restore(state.rule, found["rule"])
            _set_generator(rng, found["rng"])
            if state.noise_rng is not None:
                bits = state.noise_rng.bit_generator
                bits.state = checked(bits.state, found["noise_rng"], "noise_rng")
            history = History()
            restore(history, found["history"])
            best = np.empty_like(network.parameters.vectors)
            fill(best, found["best"])
            _check_consistent(history, found["vectors"], best)
            order = _checked_order(found["order"], rows, shuffles)
        return Progress.after(history, order, best, state.rule)

    def save(
        self,
        progress: Progress,
        network: Network,
        state: TrainingState,
        rng: np.random.RandomState,
    ) -> None:
        """Write the file, if it is time for that."""
        if self._path is None or progress.n_epochs % self._every:
            return
        noise_rng = state.noise_rng
        write_checkpoint(
            self._path,
            {
                "identity": self._identity,
                "start": self._start,
                "search": self._search,
                "vectors": network.parameters.vectors,
                "solver": snapshot(state.solver),
                "rule": snapshot(state.rule),
                "rng": rng.get_state(legacy=False),
                "noise_rng": None if noise_rng is None else noise_rng.bit_generator.state,
                "history": snapshot(progress.history),
                "best": progress.vectors,
                "order": progress.order,
            },
        )

    def close(self, history: History) -> None:
        """Remove the file, unless the fit was ended before its time and may go on."""
        if self._path is not None and not (history.interrupted or history.timed_out):
            remove_checkpoint(self._path)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Raise ValueError where something is not as a fit writes it."""
        try:
            yield
        except OtherFit:
            raise
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
            raise damaged(str(self._path), f"it does not fit this training ({error})") from error


def open_checkpoint(estimator: Any, data: FitData, goes_on: bool, incremental: bool) -> Checkpoint:
    """Return the checkpoint of the fit; in partial_fit there is none."""
    if estimator.checkpoint_path is None or incremental:
        return Checkpoint()
    path = os.path.abspath(os.fsdecode(estimator.checkpoint_path))
    if os.path.isdir(path) or not os.path.isdir(os.path.dirname(path)):
        raise ValueError(
            f"checkpoint_path={estimator.checkpoint_path!r} must name a file in a folder that "
            "exists."
        )
    identity = fingerprint(estimator, data, goes_on)
    return Checkpoint(path, estimator.checkpoint_every, identity)


def _set_generator(rng: np.random.RandomState, found: Any) -> None:
    """Set the generator's state; raise ValueError if it is none of such a generator."""
    state = checked(rng.get_state(legacy=False), found, "generator")
    numbers = state["state"]
    # NumPy would read from anywhere in memory
    for position, array in (
        (numbers.get("pos", 0), numbers.get("key", 0)),
        (state.get("buffer_pos", 0), state.get("buffer", 0)),
    ):
        if not 0 <= position <= np.size(array):
            raise ValueError("the generator's position is beyond its end")
    rng.set_state(state)


def _check_consistent(history: History, *vectors: Any) -> None:
    """Raise ValueError if no training has had such curves, epochs and parameters."""
    n = len(history.loss_curve)
    measured = {len(history.validation_loss_curve), len(history.validation_scores)}
    epochs = [history.best_epoch, *history.plateaus]
    if len(history.learning_rate_curve) != n or measured not in ({0}, {n}) or max(epochs) > n:
        raise ValueError("its curves and epochs do not fit one another")
    if not all(np.isfinite(vector).all() for vector in vectors):
        raise ValueError("its parameters are not finite")


def _checked_order(order: Any, rows: Dataset, shuffles: bool) -> IndexArray | None:
    """Return the order of the rows; raise ValueError if it has others than those."""
    if not shuffles:
        return rows.index
    index = np.arange(len(rows)) if rows.index is None else rows.index
    if order.dtype != index.dtype or not np.array_equal(np.sort(order), np.sort(index)):
        raise ValueError("the order of the rows names others")
    return order
