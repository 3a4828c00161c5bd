"""Parameters of the estimator become objects of the engine: here strings become objects."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skmlp._compiled.choice import Choice, choose_kernels
from skmlp._data.prepare import FitData
from skmlp._data.request import FitMode
from skmlp._engine.kernels import NO_LOOPS
from skmlp._engine.network import Network
from skmlp._engine.noise import Noise
from skmlp._engine.parameters import Parameters
from skmlp._engine.types import FloatArray
from skmlp._fit.attributes import published_affine
from skmlp._fit.checks import check_hidden_layer_sizes
from skmlp._threads import ARCHITECTURES_WITH_AVX512, blas_architecture
from skmlp._training.early_stopping import Monitored, StoppingRule
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES
from skmlp._training.solver import Solver
from skmlp._training.state import TrainingState

# schedules that MLPClassifier applies to "sgd" alone, so that "adam" ignores them
_SGD_SCHEDULES = ("adaptive", "invscaling")


def build_generator(estimator: Any, state: TrainingState, mode: FitMode) -> np.random.RandomState:
    """Return the generator: in `partial_fit` that of the fitted model, else a new one."""
    if mode.partial and state.rng is not None:
        return state.rng
    return check_random_state(estimator.random_state)


def build_network(
    estimator: Any, data: FitData, state: TrainingState, rng: np.random.RandomState
) -> Network:
    """Return the network, with new parameters or those of the fitted model."""
    hidden = check_hidden_layer_sizes(estimator.hidden_layer_sizes, type(estimator).__name__)
    layer_sizes = [data.train.X.shape[1], *hidden, data.targets.n_outputs]
    coefs = estimator.coefs_ if data.mode.continues else []
    if data.mode.continues and [*pairwise(layer_sizes)] != [W.shape for W in coefs]:
        raise ValueError(
            f"hidden_layer_sizes={estimator.hidden_layer_sizes!r} does not fit the model to go on "
            f"with, whose coefs_ have shapes {[W.shape for W in coefs]}. Set it back, or "
            "fit anew with warm_start=False."
        )
    state.noise_rng = _noise_generator(estimator, state, rng, data.mode)
    network = _network_of_zeros(estimator, data, layer_sizes, state.noise_rng)
    if not data.mode.continues:
        network.initialize(estimator.weight_init, rng)
        return network
    parameters, kept = network.parameters, state.vectors if data.mode.partial else None
    if (
        kept is not None
        and kept.shape == parameters.vectors.shape
        and _are_published(kept, network, estimator)
    ):
        parameters.vectors[...] = kept
    else:
        W, b = data.targets.unfold(coefs[-1], estimator.intercepts_[-1], estimator._targets)
        parameters.set_affine(
            [*coefs[:-1], W], [*estimator.intercepts_[:-1], b], state.normalisations
        )
    return network


def _are_published(vectors: FloatArray, network: Network, estimator: Any) -> bool:
    """Return whether `coefs_` and `intercepts_` are those of these vectors.

    They are not if the user has assigned others, for example the mean of several models.
    """
    batch_norm = network.parameters.batch_norm
    own = Parameters(network.layer_sizes, batch_norm, len(vectors) > 1, vectors.dtype)
    own.vectors[...] = vectors
    W, b = published_affine(own, estimator._targets)
    published = [*estimator.coefs_, *estimator.intercepts_]
    return all(np.array_equal(*pair) for pair in zip([*W, *b], published, strict=True))


def _network_of_zeros(
    estimator: Any, data: FitData, layer_sizes: list[int], noise_rng: np.random.Generator | None
) -> Network:
    """Return the network with all parameters 0."""
    return Network(
        layer_sizes,
        estimator.activation if np.size(estimator.activation) else "identity",
        data.loss,
        estimator.alpha,
        data.dtype,
        batch_norm=estimator.batch_norm,
        noise=Noise(
            estimator.noise,
            estimator.dropout,
            estimator.input_noise,
            estimator.input_dropout,
            noise_rng,
        ),
        adversarial_radius=estimator.adversarial_radius,
        averaging=bool(estimator.averaging),
        in_pieces=blas_architecture() in ARCHITECTURES_WITH_AVX512,
    )


def _noise_generator(
    estimator: Any, state: TrainingState, rng: np.random.RandomState, mode: FitMode
) -> np.random.Generator | None:
    """Return the generator of noise and dropout, if there are any.

    A fast generator, seeded by the slow one, from which all other random numbers are drawn.
    """
    names = "noise", "dropout", "input_noise", "input_dropout"
    if not any(np.any(getattr(estimator, name)) for name in names):
        return None
    if mode.partial and state.noise_rng is not None:
        return state.noise_rng
    return np.random.Generator(np.random.SFC64(rng.randint(2**31, size=4)))


def build_kernels(estimator: Any, data: FitData, state: TrainingState, kept: Any) -> Choice:
    """Return the kernels that training uses; the state keeps whether they are compiled loops.

    A training that is continued or resumed keeps its choice.
    """
    if estimator.solver not in OPTIMIZERS:
        state.compiled = None
        return Choice(NO_LOOPS, f"the solver {estimator.solver!r} has no use for loops")
    hidden = check_hidden_layer_sizes(estimator.hidden_layer_sizes, type(estimator).__name__)
    sizes = [data.train.X.shape[1], *hidden, data.targets.n_outputs]
    n_rows = len(data.train)
    kept = state.compiled if kept is None else kept
    choice = choose_kernels(n_rows, batch_rows(estimator, n_rows), sizes, data.dtype, kept)
    state.compiled = bool(choice.loops)
    return choice


def batch_rows(estimator: Any, n_rows: int) -> int:
    """Return the number of rows in a batch."""
    return min(200 if estimator.batch_size == "auto" else estimator.batch_size, n_rows)


def max_epochs_of(estimator: Any) -> int:
    """Return `max_iter`, or the largest number that is exact as a float."""
    return min(estimator.max_iter, 2**53)


def build_solver(
    estimator: Any, network: Network, n_rows_seen: int, solver: Solver | None = None
) -> Solver:
    """Return the given solver if its kind and precision are right, else a new one."""
    optimizer_class, theta = OPTIMIZERS[estimator.solver], network.theta
    if (
        solver is None
        or type(solver.optimizer) is not optimizer_class
        or solver.optimizer.dtype != theta.dtype
    ):
        settings = {name: getattr(estimator, name) for name in optimizer_class.hyperparameters}
        optimizer = optimizer_class(theta, network.n_weights, **settings)
        ignored = estimator.solver == "adam" and estimator.learning_rate in _SGD_SCHEDULES
        schedule = SCHEDULES["constant" if ignored else estimator.learning_rate](
            estimator.learning_rate_init,
            max_epochs=max_epochs_of(estimator),
            warmup_epochs=estimator.warmup_epochs,
            power_t=estimator.power_t,
            learning_rate_decay=estimator.learning_rate_decay,
            n_rows_seen=n_rows_seen,
        )
        solver = Solver(optimizer, schedule)
    solver.max_grad_norm = _limit(estimator.max_grad_norm)
    solver.max_norm = _limit(estimator.max_norm)
    solver.averaging = estimator.averaging or None
    return solver


def _limit(value: float | None) -> float:
    """Return the largest norm allowed, given that or None for no limit."""
    return math.inf if value is None else float(value)


def build_rule(estimator: Any, rule: StoppingRule, mode: FitMode) -> StoppingRule:
    """Return a new rule; in `partial_fit` the given one, if its kind is right."""
    monitors: Monitored = "loss"
    if estimator.early_stopping and estimator.solver in OPTIMIZERS and not mode.partial:
        monitors = "validation_loss" if estimator.scoring == "loss" else "validation_score"
    if not mode.partial or rule.monitors != monitors:
        rule = StoppingRule(monitors)
    rule.tol, rule.rtol, rule.patience = estimator.tol, estimator.rtol, estimator.n_iter_no_change
    # by default the earliest is kept, as in MLPClassifier; a continued fit, which has a value to
    # beat from the start, would then make no progress while its loss falls
    rule.ties_to_latest = estimator.scoring is not None or mode.continues
    return rule
