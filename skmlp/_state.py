"""What a fitted model keeps so that training can go on."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skmlp._history import StoppingRule
from skmlp._solver import Solver
from skmlp._types import FloatArray

_WITHOUT_SOLVER = ("rng", "split_rng", "mean_weight", "n_rows", "normalisations")


@dataclass
class TrainingState:
    """What a fitted model keeps beside its parameters, so that training can go on.

    Attributes
    ----------
    rng : RandomState or None
        Where the generator stands; None if `random_state` is no int, and so keeps its own.
    split_rng : RandomState or None
        Where it stood before the validation split; kept with `warm_start` alone.
    rule : StoppingRule
        The best value so far, and how long ago that was.
    mean_weight, n_rows : float, int
        Mean weight over all rows that training saw, and their number.
    solver : Solver or None
        The stochastic solver as it stands; None unless training is meant to go on.
    noise_rng : Generator or None
        The source of noise and dropout as it stands, kept with the solver.
    vectors : ndarray or None
        The network's vectors, kept with the solver where the published weights differ from them.
    normalisations : ndarray or None
        What the published weights were normalised by.
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

    def plain(self) -> dict[str, Any]:
        """Return what is no part of a solver in plain types, from which `from_plain` restores."""
        kept = {name: getattr(self, name) for name in _WITHOUT_SOLVER}
        return kept | {"rule": vars(self.rule).copy()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "TrainingState":
        """Return the state; training goes on with a new solver."""
        rule = StoppingRule()
        rule.__dict__.update(plain["rule"])
        return cls(**plain | {"rule": rule})

    def take_in(self, batch_mean: float, n_rows: int) -> None:
        """Update the mean weight by that of so many new rows; the same mean changes no bit."""
        self.n_rows += n_rows
        self.mean_weight += (batch_mean - self.mean_weight) * (n_rows / self.n_rows)
