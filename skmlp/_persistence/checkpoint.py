"""Checkpoints: what they hold of a fit, when they are written, and how training resumes."""

import copy
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
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
from skmlp._persistence.generators import generator_state, load_generator
from skmlp._persistence.path_lock import PathInUse, locked
from skmlp._persistence.replace_file import check_writable, remove_leftovers
from skmlp._persistence.state_dict import load_state_dict, to_state_dict
from skmlp._persistence.validate import copy_into, shortened
from skmlp._training.dataset import Dataset
from skmlp._training.history import History
from skmlp._training.loop import Progress
from skmlp._training.solver import Solver
from skmlp._training.state import TrainingState

_PARTS = {
    "fingerprint", "start", "search", "vectors", "solver", "rule", "rng", "noise_rng", "history",
    "best", "order", "compiled",
}  # fmt: skip
# files of earlier versions lack these
_LATER = {"compiled"}


class Checkpoint:
    """Checkpoint of one fit. Without a path, its methods do nothing.

    Parameters
    ----------
    path : str or None
        The file.
    every : int
        The file is written after every `every` epochs.
    expected : dict
        Fingerprint of this fit.

    Attributes
    ----------
    compiled : bool or None
        Whether the interrupted fit ran kernels as compiled loops. None if there is no such fit.

    Raises
    ------
    ValueError
        If the file cannot be read, or is that of another fit.
    """

    def __init__(
        self, path: str | None = None, every: int = 1, expected: dict[str, Any] | None = None
    ) -> None:
        self._path, self._every, self._fingerprint = path, every, expected
        self._start: Any = None
        self._search: dict[str, Any] | None = None
        self.compiled: bool | None = None
        self._found: Any = None
        if path is not None and os.path.exists(path):
            self._found = read_checkpoint(path)
            with self._reading():
                if not isinstance(self._found, dict) or set(self._found) | _LATER != _PARTS:
                    raise ValueError(f"it must have {sorted(_PARTS)}")
                self.compiled = self._found.get("compiled")
                if self.compiled is not None and type(self.compiled) is not bool:
                    raise ValueError(f"compiled cannot be {shortened(self.compiled)}")
                check_fingerprint(path, self._found["fingerprint"], expected)

    @contextmanager
    def naming_the_file(self) -> Iterator[None]:
        """Hold the lock of the file, and report arithmetic errors caused by what was read from it.

        Raises
        ------
        ValueError
            If another fit holds the lock, or if training cannot go on from the file.
        """
        is_resumed = self._found is not None
        try:
            with _in_use(self._path):
                yield
        except ArithmeticError as error:
            if not is_resumed:
                raise
            raise damaged(str(self._path), f"training cannot go on from it ({error})") from error

    def restore_initial_rng(
        self, rng: np.random.RandomState, random_state: Any
    ) -> np.random.RandomState:
        """Restore the generator to its state at the start of the interrupted fit, and return it."""
        if self._found is not None:
            if random_state is None:
                rng = np.random.RandomState()  # not the one that the whole program shares
            with self._reading():
                load_generator(rng, self._found["start"])
        if self._path is not None:
            self._start = copy.deepcopy(generator_state(rng))
        return rng

    def load_finished_search(self, network: Network, state: TrainingState) -> History | None:
        """Return the history of a complete search, and restore its end in place; else None."""
        if self._found is None or self._found["search"] is None:
            return None
        history, found = History(), self._found["search"]
        with self._reading():
            copy_into(network.parameters.vectors, found["vectors"])
            load_state_dict(state.rule, found["rule"])
            load_state_dict(history, found["history"])
            _check_consistent(history, found["vectors"])
        return history

    def record_search(self, network: Network, state: TrainingState, history: History) -> None:
        """Record the end of the search, which every later checkpoint of the fit includes."""
        if self._path is not None:
            self._search = {
                "vectors": network.parameters.vectors.copy(),
                "rule": copy.deepcopy(to_state_dict(state.rule)),
                "history": copy.deepcopy(to_state_dict(history)),
            }

    def resume(
        self,
        network: Network,
        state: TrainingState,
        rng: np.random.RandomState,
        data: Dataset,
        shuffles: bool,
    ) -> Progress | None:
        """Restore, in place, everything that training changes; return where training resumes.

        None is returned if there is no checkpoint to resume from.
        """
        if self._found is None:
            return None
        found, self._found = self._found, None
        with self._reading():
            copy_into(network.parameters.vectors, found["vectors"])
            if state.solver is not None:
                _load_solver(state.solver, found["solver"])
            load_state_dict(state.rule, found["rule"])
            load_generator(rng, found["rng"])
            if state.noise_rng is not None:
                load_generator(state.noise_rng, found["noise_rng"])
            history = History()
            load_state_dict(history, found["history"])
            best = np.empty_like(network.parameters.vectors)
            copy_into(best, found["best"])
            _check_consistent(history, found["vectors"], best)
            order = _checked_order(found["order"], data, shuffles)
        return Progress.after(history, order, best, state.rule)

    def save(
        self,
        progress: Progress,
        network: Network,
        state: TrainingState,
        rng: np.random.RandomState,
    ) -> None:
        """Write the file if the number of epochs is a multiple of `every`."""
        if self._path is None or progress.n_epochs % self._every:
            return
        noise_rng = state.noise_rng
        write_checkpoint(
            self._path,
            {
                "fingerprint": self._fingerprint,
                "start": self._start,
                "search": self._search,
                "vectors": network.parameters.vectors,
                "solver": to_state_dict(state.solver),
                "rule": to_state_dict(state.rule),
                "rng": generator_state(rng),
                "noise_rng": None if noise_rng is None else generator_state(noise_rng),
                "history": to_state_dict(progress.history),
                "best": progress.vectors,
                "order": progress.order,
                "compiled": state.compiled,
            },
        )

    def close(self, history: History) -> None:
        """Remove the file, unless the fit ended early and can be resumed."""
        if self._path is None or history.interrupted or history.timed_out:
            return
        with suppress(PathInUse), locked(self._path):  # else it is the file of another fit by now
            remove_checkpoint(self._path)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Report values that no fit writes as a damaged file."""
        try:
            yield
        except OtherFit:
            raise
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
            raise damaged(str(self._path), f"it does not fit this training ({error})") from error


def open_checkpoint(estimator: Any, data: FitData) -> Checkpoint:
    """Return the checkpoint of the fit; `partial_fit` has none.

    Raises
    ------
    ValueError
        If the path cannot be a checkpoint's, or is that of another fit.
    OSError
        If no file can be made in its folder.
    """
    if estimator.checkpoint_path is None or data.mode.partial:
        return Checkpoint()
    path = os.path.abspath(os.fsdecode(estimator.checkpoint_path))
    if os.path.isdir(path) or not os.path.isdir(os.path.dirname(path)):
        raise ValueError(
            f"checkpoint_path={estimator.checkpoint_path!r} must name a file in a folder that "
            "exists."
        )
    with _in_use(path):
        check_writable(path)
        return Checkpoint(path, estimator.checkpoint_every, fingerprint(estimator, data))


@contextmanager
def _in_use(path: str | None) -> Iterator[None]:
    """Hold the lock of the path, if any; remove temporary files that killed fits have left.

    Raises
    ------
    ValueError
        If another fit holds the lock.
    """
    if path is None:
        yield
        return
    with ExitStack() as stack:
        try:
            has_locks = stack.enter_context(locked(path))
        except PathInUse as error:
            raise ValueError(
                f"checkpoint_path={path!r} is in use by another fit, in this process or in "
                "another one. Give each fit a path of its own, or fit one after the other. A "
                "search or cross-validation with n_jobs fits clones at the same time, all with "
                "this path: set checkpoint_path=None there, or n_jobs=1."
            ) from error
        if has_locks:
            remove_leftovers(path)
        yield


def _load_solver(solver: Solver, stored: Any) -> None:
    """Restore the solver, whose settings must be those that the estimator gave it."""
    settings = _settings(solver)
    load_state_dict(solver, stored)
    if _settings(solver) != settings:
        raise ValueError(f"its solver has {_settings(solver)}, not {settings}")


def _settings(solver: Solver) -> dict[str, Any]:
    optimizer = solver.optimizer
    return {name: getattr(optimizer, name) for name in optimizer.hyperparameters}


def _check_consistent(history: History, *vectors: Any) -> None:
    """Raise ValueError if no training has had such curves, epochs and parameters."""
    n = len(history.loss_curve)
    measured = {len(history.validation_loss_curve), len(history.validation_scores)}
    epochs = [history.best_epoch, *history.plateaus]
    if len(history.learning_rate_curve) != n or measured not in ({0}, {n}) or max(epochs) > n:
        raise ValueError("its curves and epochs do not fit one another")
    if not all(np.isfinite(vector).all() for vector in vectors):
        raise ValueError("its parameters are not finite")


def _checked_order(order: Any, data: Dataset, shuffles: bool) -> IndexArray | None:
    """Return the order of the rows; raise ValueError if it names other rows."""
    if not shuffles:
        return data.index
    index = np.arange(len(data)) if data.index is None else data.index
    if order.dtype != index.dtype or not np.array_equal(np.sort(order), np.sort(index)):
        raise ValueError("the order of the rows names others")
    return order
