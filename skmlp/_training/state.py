"""What a fitted model keeps so that training can go on."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skmlp._engine.types import FloatArray
from skmlp._training.history import StoppingRule
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES
from skmlp._training.solver import Solver

_GENERATORS = ("rng", "split_rng", "noise_rng")
_OF_SOLVER = ("solver", "noise_rng", "vectors")
_BIT_GENERATORS = {
    bit_generator.__name__: bit_generator
    for bit_generator in (
        np.random.MT19937,
        np.random.PCG64,
        np.random.PCG64DXSM,
        np.random.Philox,
        np.random.SFC64,
    )
}


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

    def plain(self, with_solver: bool) -> dict[str, Any]:
        """Return it in plain types, from which `from_plain` restores; arrays are shared.

        They name no class of this package, so that a file of them can be read for as long as this
        function's other half knows it, and by other versions of NumPy.
        """
        kept = {
            name: value
            for name, value in vars(self).items()
            if with_solver or name not in _OF_SOLVER
        }
        kept |= {name: _plain_generator(kept[name]) for name in _GENERATORS if name in kept}
        if kept.get("solver") is not None:
            kept["solver"] = _plain_solver(kept["solver"])
        return kept | {"rule": vars(self.rule).copy()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "TrainingState":
        """Return the state; without a solver, training goes on with a new one."""
        kept = plain | {"rule": _filled(StoppingRule(), plain["rule"])}
        kept |= {name: _generator(kept[name]) for name in _GENERATORS if name in kept}
        if kept.get("solver") is not None:
            kept["solver"] = _solver(kept["solver"])
        return cls(**kept)

    def update_mean_weight(self, batch_mean: float, n_rows: int) -> None:
        """Update the mean weight by that of so many new rows; the same mean changes no bit."""
        self.n_rows += n_rows
        self.mean_weight += (batch_mean - self.mean_weight) * (n_rows / self.n_rows)


def _filled(instance: Any, attributes: dict[str, Any]) -> Any:
    vars(instance).update(attributes)
    return instance


def _plain_generator(rng: Any) -> Any:
    """Return how the generator was seeded and where it stands.

    What NumPy itself writes is not read by older versions of it.
    """
    if rng is None:
        return None
    of_old_kind = isinstance(rng, np.random.RandomState)
    bits = rng._bit_generator if of_old_kind else rng.bit_generator
    # the seed is for spawning, which the old kind cannot do
    seed = None if of_old_kind else getattr(bits.seed_seq, "state", None)
    if type(bits) not in _BIT_GENERATORS.values() or (seed is None and not of_old_kind):
        return rng
    return {
        "kind": type(rng).__name__,
        "seed": seed,
        "state": rng.get_state(legacy=False) if of_old_kind else bits.state,
    }


def _generator(plain: Any) -> Any:
    """Return the generator that stands there."""
    if not isinstance(plain, dict):
        return plain
    state = plain["state"]
    bit_generator = _BIT_GENERATORS[state["bit_generator"]]
    if plain["kind"] == "RandomState":
        # one seeded by a number has no seed sequence, which comparisons of models would see
        of_number = bit_generator is np.random.MT19937
        rng = np.random.RandomState(0 if of_number else bit_generator(0))
        rng.set_state(state)
        return rng
    bits = bit_generator(np.random.SeedSequence(**plain["seed"]))
    bits.state = state
    return np.random.Generator(bits)


def _plain_solver(solver: Solver) -> dict[str, Any]:
    """Return the solver's attributes; optimizer and schedule as their names and attributes."""
    return vars(solver) | {
        "optimizer": _named(solver.optimizer, OPTIMIZERS),
        "schedule": _named(solver.schedule, SCHEDULES),
    }


def _solver(plain: dict[str, Any]) -> Solver:
    optimizer, schedule = plain["optimizer"], plain["schedule"]
    parts = {
        "optimizer": _instance(OPTIMIZERS[optimizer["name"]], optimizer),
        "schedule": _instance(SCHEDULES[schedule["name"]], schedule),
    }
    return _filled(object.__new__(Solver), plain | parts)


def _named(instance: Any, registry: dict[str, Any]) -> dict[str, Any]:
    name = next(name for name, kind in registry.items() if kind is type(instance))
    return {"name": name, "attributes": vars(instance).copy()}


def _instance(kind: type[Any], plain: dict[str, Any]) -> Any:
    return _filled(object.__new__(kind), plain["attributes"])
