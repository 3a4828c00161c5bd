"""Training state: what a fitted model keeps so that training can continue."""

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence

from skmlp._engine.types import FloatArray
from skmlp._training.early_stopping import StoppingRule
from skmlp._training.solver import Solver


class _NoSeed(ISeedSequence):
    """A seed that costs no time, for a generator whose state is set at once."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        """Return ones."""
        return np.ones(n_words, dtype)


def _copied(rng: np.random.RandomState | None) -> np.random.RandomState | None:
    """Return a copy of the generator, a third as slow as `copy.deepcopy`."""
    bits: Any = getattr(rng, "_bit_generator", None)
    mt19937: Any = np.random.MT19937
    if rng is None or type(bits) is not mt19937 or bits.seed_seq is not None:
        return copy.deepcopy(rng)
    copied = np.random.RandomState(mt19937(_NoSeed()))
    copied.seed(0)  # as in one made by a number, there is no seed sequence then
    copied.set_state(rng.get_state(legacy=False))
    return copied


@dataclass
class TrainingState:
    """What a fitted model keeps in addition to its parameters, so that training can continue.

    Attributes
    ----------
    rng : RandomState or None
        The generator after training. None unless `random_state` is an int; other generators keep
        their own state.
    split_rng : RandomState or None
        The generator before the validation split. Kept with `warm_start` only.
    rule : StoppingRule
        The stopping rule with the best value so far.
    mean_weight, n_rows : float, int
        Mean weight over all rows that training saw, and their number.
    solver : Solver or None
        The stochastic solver. Kept only if training is to continue.
    noise_rng : Generator or None
        The source of noise and dropout. Kept with the solver.
    vectors : ndarray or None
        The network's vectors. Kept with the solver if the published weights differ from them.
    normalisations : ndarray or None
        Scale, shift, mean and variance of the batch normalisations folded into the published
        weights.
    compiled : bool or None
        Whether kernels ran as compiled loops. None before stochastic training.
    """

    rng: np.random.RandomState | None = None
    split_rng: np.random.RandomState | None = None
    rule: StoppingRule = field(default_factory=StoppingRule)
    mean_weight: float = 0.0
    n_rows: int = 0
    solver: Solver | None = None
    noise_rng: np.random.Generator | None = None
    vectors: FloatArray | None = None
    normalisations: FloatArray | None = None
    compiled: bool | None = None

    def copy(self) -> "TrainingState":
        """Return a state of which no part is shared, arrays and generators included."""
        state = copy.copy(self)
        state.rule = copy.deepcopy(self.rule)
        state.solver = copy.deepcopy(self.solver)
        state.rng, state.split_rng = _copied(self.rng), _copied(self.split_rng)
        state.noise_rng = copy.deepcopy(self.noise_rng)
        # the arrays are replaced, never changed
        return state

    def update_mean_weight(self, batch_mean: float, n_rows: int) -> None:
        """Include `n_rows` new rows of this mean weight; an equal mean changes no bit."""
        self.n_rows += n_rows
        self.mean_weight += (batch_mean - self.mean_weight) * (n_rows / self.n_rows)
