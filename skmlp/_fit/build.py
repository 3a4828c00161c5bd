"""From the estimator's parameters to the objects of the engine; here strings become objects."""

import math
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skmlp._data.inputs import check_hidden_layer_sizes, check_per_layer, check_scoring_name
from skmlp._data.prepare import FitData
from skmlp._data.targets import ClassificationTargets
from skmlp._engine.network import Network
from skmlp._training.history import Monitored, StoppingRule
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES
from skmlp._training.solver import Solver
from skmlp._training.state import TrainingState

# what L-BFGS, which needs the same objective each time, and no step but its own, cannot do
_STOCHASTIC_ONLY = (
    "adversarial_radius",
    "averaging",
    "dropout",
    "input_dropout",
    "input_noise",
    "max_grad_norm",
    "max_norm",
    "noise",
)

# what MLPClassifier has for "sgd" alone, so that "adam" does not heed it
_SGD_SCHEDULES = ("adaptive", "invscaling")


def check_combinations(estimator: Any, incremental: bool) -> None:
    """Raise ValueError where parameters that are valid alone contradict each other."""
    hidden = check_hidden_layer_sizes(estimator.hidden_layer_sizes)
    for name in ("activation", "dropout", "noise"):
        constraints = estimator._parameter_constraints[name]
        check_per_layer(name, getattr(estimator, name), hidden, constraints)
    check_scoring_name(estimator.scoring)
    if estimator.solver not in OPTIMIZERS:
        for name in _STOCHASTIC_ONLY:
            if np.any(getattr(estimator, name)):
                raise ValueError(
                    f"{name}={getattr(estimator, name)!r} needs a stochastic solver, one of "
                    f"{sorted(OPTIMIZERS)}; got solver={estimator.solver!r}."
                )
        if estimator.checkpoint_path is not None and not incremental:
            raise ValueError(
                f"checkpoint_path={estimator.checkpoint_path!r} needs a stochastic solver, one of "
                f"{sorted(OPTIMIZERS)}: the memory of solver='lbfgs' is SciPy's own and cannot be "
                "kept, so that a resumed fit would be another one. Set checkpoint_path=None, or "
                "fit in parts, with warm_start=True and a smaller max_iter."
            )
    if estimator.batch_norm and hidden and estimator.batch_size == 1:
        raise ValueError(
            "batch_norm=True normalises over the rows of a batch, so batch_size=1 leaves nothing "
            "to learn from. Set batch_size to 2 or more, better 32."
        )
    if estimator.refit and estimator.warm_start and estimator.early_stopping and not incremental:
        raise ValueError(
            "refit=True trains on the validation rows in the end, which with warm_start=True would "
            "then judge the model. Set one of them to False."
        )


def build_generator(
    estimator: Any, state: TrainingState, incremental: bool
) -> np.random.RandomState:
    """Return the generator: in partial_fit that of the fitted model, which goes on."""
    if incremental and state.rng is not None:
        return state.rng
    return check_random_state(estimator.random_state)


def uses_noise(estimator: Any) -> bool:
    """Return whether training takes random numbers for noise or dropout."""
    names = "noise", "dropout", "input_noise", "input_dropout"
    return any(np.any(getattr(estimator, name)) for name in names)


def new_generator(rng: np.random.RandomState) -> np.random.Generator:
    """Return a fast generator for noise, seeded by the slow one, whose numbers all else takes."""
    return np.random.Generator(np.random.SFC64(rng.randint(2**31, size=4)))


def build_network(
    estimator: Any,
    n_features: int,
    encoder: ClassificationTargets,
    dtype: np.dtype,
    noise_rng: np.random.Generator | None,
) -> Network:
    """Return the network, all parameters 0."""
    hidden = check_hidden_layer_sizes(estimator.hidden_layer_sizes)
    return Network(
        [n_features, *hidden, encoder.n_outputs],
        estimator.activation if np.size(estimator.activation) else "identity",
        encoder.out_activation,
        estimator.alpha,
        dtype,
        batch_norm=estimator.batch_norm,
        noise=estimator.noise,
        dropout=estimator.dropout,
        input_noise=estimator.input_noise,
        input_dropout=estimator.input_dropout,
        adversarial_radius=estimator.adversarial_radius,
        label_smoothing=estimator.label_smoothing,
        averaging=bool(estimator.averaging),
        rng=noise_rng,
    )


def start_network(
    estimator: Any,
    data: FitData,
    state: TrainingState,
    rng: np.random.RandomState,
    goes_on: bool,
    incremental: bool,
) -> Network:
    """Return the network, with new parameters or the model's own."""
    if not uses_noise(estimator):
        state.noise_rng = None
    elif not incremental or state.noise_rng is None:
        state.noise_rng = new_generator(rng)
    n_features = data.rows.X.shape[1]
    network = build_network(estimator, n_features, data.encoder, data.dtype, state.noise_rng)
    if not goes_on:
        network.initialize(estimator.weight_init, rng)
        return network
    coefs = estimator.coefs_
    if [W.shape for W in network.W] != [W.shape for W in coefs]:
        raise ValueError(
            f"hidden_layer_sizes={estimator.hidden_layer_sizes!r} does not fit the model to go on "
            f"with, whose coefs_ have shapes {[W.shape for W in coefs]}. Set it back, or "
            "fit anew with warm_start=False."
        )
    vectors = network.parameters.vectors
    if incremental and state.vectors is not None and state.vectors.shape == vectors.shape:
        vectors[...] = state.vectors
    else:
        network.parameters.set_affine(coefs, estimator.intercepts_, state.normalisations)
    return network


def most_epochs(estimator: Any) -> int:
    """Return `max_iter`, or the largest number that is exact as a float."""
    return min(estimator.max_iter, 2**53)


def build_solver(
    estimator: Any, network: Network, n_rows_seen: int, solver: Solver | None = None
) -> Solver:
    """Return the solver given, if it is of the right kind and precision, else a new one."""
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
            max_epochs=most_epochs(estimator),
            warmup_epochs=estimator.warmup_epochs,
            power_t=estimator.power_t,
            learning_rate_decay=estimator.learning_rate_decay,
            n_rows_seen=n_rows_seen,
        )
        solver = Solver(optimizer, schedule)
    solver.max_grad_norm = math.inf if estimator.max_grad_norm is None else estimator.max_grad_norm
    solver.max_norm = math.inf if estimator.max_norm is None else estimator.max_norm
    solver.averaging = estimator.averaging or None
    return solver


def build_rule(estimator: Any, incremental: bool, rule: StoppingRule) -> StoppingRule:
    """Return the rule given, which knows the best value so far, if it is of the right kind."""
    monitors: Monitored = "loss"
    if estimator.early_stopping and estimator.solver in OPTIMIZERS and not incremental:
        monitors = "validation_loss" if estimator.scoring == "loss" else "validation_score"
    scoring = str(estimator.scoring)
    if (rule.monitors, rule.scoring) != (monitors, scoring):
        rule = StoppingRule(monitors)
        rule.scoring = scoring
    rule.tol, rule.rtol, rule.patience = estimator.tol, estimator.rtol, estimator.n_iter_no_change
    # by default the earlier one wins, as in MLPClassifier
    rule.ties_to_latest = estimator.scoring is not None
    return rule
