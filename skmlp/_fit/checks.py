"""Checks of parameters that are valid alone: their lengths, names and combinations."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from skmlp._compat import InvalidParameterError
from skmlp._data.request import FitMode
from skmlp._training.optimizers import OPTIMIZERS

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


def check_parameters(estimator: Any, mode: FitMode) -> None:
    """Raise ValueError if parameters that are valid alone do not fit one another."""
    hidden = check_hidden_layer_sizes(estimator.hidden_layer_sizes, type(estimator).__name__)
    for name in ("activation", "dropout", "noise"):
        check_per_layer(estimator, name, hidden)
    check_scoring_name(estimator.scoring, type(estimator).__name__)
    if estimator.solver not in OPTIMIZERS:
        _check_lbfgs(estimator, mode)
    if estimator.batch_norm and hidden and estimator.batch_size == 1:
        raise ValueError(
            "batch_norm=True normalises over the rows of a batch, so batch_size=1 leaves nothing "
            "to learn from. Set batch_size to 2 or more, better 32."
        )
    if estimator.refit and estimator.warm_start and estimator.early_stopping and not mode.partial:
        raise ValueError(
            "refit=True trains on the validation rows in the end, which with warm_start=True would "
            "then judge the model. Set one of them to False."
        )


def _check_lbfgs(estimator: Any, mode: FitMode) -> None:
    """Raise ValueError if a parameter asks for what only stochastic solvers can do."""
    for name in _STOCHASTIC_ONLY:
        if np.any(getattr(estimator, name)):
            raise ValueError(
                f"{name}={getattr(estimator, name)!r} needs a stochastic solver, one of "
                f"{sorted(OPTIMIZERS)}; got solver={estimator.solver!r}."
            )
    if estimator.checkpoint_path is not None and not mode.partial:
        raise ValueError(
            f"checkpoint_path={estimator.checkpoint_path!r} needs a stochastic solver, one of "
            f"{sorted(OPTIMIZERS)}: the memory of solver='lbfgs' is SciPy's own and cannot be "
            "kept, so that a resumed fit would be another one. Set checkpoint_path=None, or "
            "fit in parts, with warm_start=True and a smaller max_iter."
        )


def check_hidden_layer_sizes(value: Any, owner: str) -> list[int]:
    """Return the sizes as a list of ints; raise InvalidParameterError if they are none."""
    sizes = list(value) if np.iterable(value) else [value]
    if not all(isinstance(n, Integral) and n is not True and int(n) > 0 for n in sizes):
        raise InvalidParameterError(
            f"The 'hidden_layer_sizes' parameter of {owner} must be an int > 0 or a "
            "sequence of such, one for each hidden layer: hidden_layer_sizes must be > 0, got "
            f"{value!r} instead."
        )
    return [int(n) for n in sizes]


def check_quantile(value: Any, owner: str) -> None:
    """Raise InvalidParameterError unless `quantile` is a level in (0, 1), or distinct levels."""
    levels = list(value) if np.iterable(value) else [value]
    are_levels = all(isinstance(q, Real) and 0 < float(q) < 1 for q in levels)
    is_ordered = not isinstance(value, set | frozenset | dict)
    if not (levels and are_levels and is_ordered) or len({*map(float, levels)}) < len(levels):
        raise InvalidParameterError(
            f"The 'quantile' parameter of {owner} must be a float in (0, 1), or a sequence of "
            f"distinct floats in (0, 1). Got {value!r} instead."
        )


def check_per_layer(estimator: Any, name: str, hidden: Sequence[int]) -> None:
    """Raise InvalidParameterError unless the value is allowed, or a sequence of such per layer."""
    value, constraints = getattr(estimator, name), estimator._parameter_constraints[name]
    allowed = [constraint for constraint in constraints if constraint != "array-like"]
    if isinstance(value, str) or not np.iterable(value):
        return  # validated with all other parameters
    values = list(value)
    if len(values) != len(hidden) or not all(
        any(constraint.is_satisfied_by(v) for constraint in allowed) for v in values
    ):
        raise InvalidParameterError(
            f"The '{name}' parameter of {type(estimator).__name__} must be "
            f"{' or '.join(map(str, allowed))}, or a sequence of such with one entry for each of "
            f"the {len(hidden)} hidden layers. Got {value!r} instead."
        )


def check_scoring_name(scoring: Any, owner: str) -> None:
    """Raise InvalidParameterError if `scoring` is a string that names no scorer."""
    if not isinstance(scoring, str) or scoring == "loss":
        return
    from sklearn.metrics import get_scorer_names  # takes longer to import than all else

    if scoring not in get_scorer_names():
        raise InvalidParameterError(
            f"The 'scoring' parameter of {owner} must be 'loss', the name of a scorer "
            f"of scikit-learn (see sklearn.metrics.get_scorer_names()), a callable "
            f"scorer(model, X_val, y_val), or None. Got {scoring!r} instead."
        )
