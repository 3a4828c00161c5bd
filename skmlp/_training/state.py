"""Training state: what a fitted model keeps so that training can continue."""

from dataclasses import dataclass, field

import numpy as np

from skmlp._engine.types import FloatArray
from skmlp._training.early_stopping import StoppingRule
from skmlp._training.solver import Solver


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

    def update_mean_weight(self, batch_mean: float, n_rows: int) -> None:
        """Include `n_rows` new rows of this mean weight; an equal mean changes no bit."""
        self.n_rows += n_rows
        self.mean_weight += (batch_mean - self.mean_weight) * (n_rows / self.n_rows)
