"""Checks of a saved model that may come from a stranger: its names, and whether its values fit."""

import inspect
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from skmlp._data.regression_targets import RegressionTargets
from skmlp._data.targets import ClassificationTargets
from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.losses.registry import CLASSIFICATION_LOSSES, REGRESSION_LOSSES
from skmlp._persistence.forms import is_float
from skmlp._persistence.generators import checked_state, generator_state
from skmlp._persistence.validate import is_count, is_number, shortened
from skmlp._training.state import TrainingState

# what every prediction needs
_NEEDED = {
    "coefs_", "intercepts_", "n_features_in_", "n_layers_", "n_outputs_", "out_activation_",
    "_fitted_activations", "_fitted_threads", "_loss", "_targets",
}  # fmt: skip
_OF_TARGETS = "classes_", "target_mean_", "target_scale_"
# set before there is a network
_OF_INPUT = {"n_features_in_", "feature_names_in_"}
_COUNTS = "n_iter_", "t_", "best_epoch_"
_NUMBERS = "loss_", "best_loss_", "best_validation_score_"
_CURVES = "loss_curve_", "validation_loss_curve_", "validation_scores_", "learning_rate_curve_"
# what programs ask an estimator for, whether its class has it or not
_OF_ESTIMATORS = {
    "classes_", "decision_function", "fit_predict", "fit_transform", "get_feature_names_out",
    "inverse_transform", "predict_log_proba", "predict_proba", "score_samples", "transform",
}  # fmt: skip
# attributes that scikit-learn itself adds to estimators begin so
_OF_SCIKIT_LEARN = "_skl", "_callback", "_metadata_request", "_parent_callback"


def check_names(cls: type, state: dict[Any, Any]) -> None:
    """Raise ValueError if a name of the state would replace what the class has.

    Parameters, and attributes that the class or a base of it annotates, are known. Other attributes
    are those that programs have added to a model: they are data that no method reads, so they must
    not have the name of anything of the class, or of what other estimators have, nor be callable. A
    class of another package may have attributes of any kind under names of its own.
    """
    known, own = known_names(cls), _own_class(cls)
    for name, value in state.items():
        if isinstance(name, str) and name in known:
            continue
        if not isinstance(name, str) or name.startswith("__") or hasattr(own, name):
            raise ValueError(f"it has an attribute {shortened(name)}, which {own.__name__} has not")
        if name.startswith(_OF_SCIKIT_LEARN):
            is_right = _is_of_scikit_learn(value)
        elif cls is own:
            is_right = not callable(value) and name not in _OF_ESTIMATORS
        else:
            is_right = not hasattr(inspect.getattr_static(cls, name, None), "__get__")
        if not is_right:
            raise ValueError(f"its attribute {shortened(name)} cannot be {shortened(value)}")


@cache
def known_names(cls: type) -> frozenset[str]:
    """Return the parameters of the class and of its bases, and the attributes they annotate.

    What is an attribute of the class itself, such as a method, is none of a model.
    """
    own = _own_class(cls)
    names = {name for base in cls.__mro__ for name in vars(base).get("__annotations__", ())}
    for base in cls.__mro__[:-1]:
        if "__init__" in vars(base):
            names |= set(inspect.signature(base).parameters)
    return frozenset(name for name in names - {"self"} if not hasattr(own, name))


def _own_class(cls: type) -> type:
    """Return the first class of this package among the class and its bases."""
    return next(base for base in cls.__mro__ if base.__module__.partition(".")[0] == "skmlp")


def _is_of_scikit_learn(value: Any) -> bool:
    """Return whether a value of scikit-learn's own is an object, or a list of objects."""
    values = value if isinstance(value, list) else [value]
    return not any(type(entry).__module__ in ("builtins", "numpy") for entry in values)


def check_values(cls: type, state: dict[str, Any]) -> None:
    """Raise ValueError if the values of a model, fitted or not, do not fit one another.

    The time is that of the curves, labels and names; arrays of weights are not read.
    """
    rng = state.get("random_state")
    if isinstance(rng, np.random.RandomState | np.random.Generator):
        checked_state(rng, generator_state(rng))
    _check_input(state)
    fitted = {name for name in state if name in _fitted_names()} - _OF_INPUT
    if not fitted:
        return
    if missing := sorted(_NEEDED - state.keys()):
        raise ValueError(f"it lacks {', '.join(missing)}")
    _check_network(state)
    kind = _annotation(cls, "_targets")
    _check(isinstance(state["_targets"], kind), f"its targets are no {kind.__name__}")
    _check_outputs(state)
    _check_history(state)
    if "_state" in state:
        _check_training_state(state)


def _annotation(cls: type, name: str) -> Any:
    """Return the type that the class, or the first base with one, gives the attribute."""
    annotations = (vars(base).get("__annotations__", {}) for base in cls.__mro__)
    return next(names[name] for names in annotations if name in names)


def _fitted_names() -> set[str]:
    return {*_NEEDED, *_COUNTS, *_NUMBERS, *_CURVES, *_OF_TARGETS, "_state"}


def _check(is_right: Any, text: str) -> None:
    if not is_right:
        raise ValueError(text)


def _check_input(state: dict[str, Any]) -> None:
    """Check the number of features and their names."""
    n_features = state.get("n_features_in_")
    if n_features is not None:
        _check(is_count(n_features), f"n_features_in_ cannot be {shortened(n_features)}")
    names = state.get("feature_names_in_")
    if names is not None:
        are_names = isinstance(names, np.ndarray) and names.shape == (n_features,)
        _check(
            are_names and all(isinstance(name, str) for name in names.tolist()),
            f"feature_names_in_ are not {n_features} names",
        )


def _check_network(state: dict[str, Any]) -> None:
    """Check that weights, biases and activations form a network."""
    W, b = state["coefs_"], state["intercepts_"]
    for name, arrays, n_axes in (("coefs_", W, 2), ("intercepts_", b, 1)):
        are_arrays = isinstance(arrays, list | tuple) and all(
            isinstance(array, np.ndarray) and is_float(array.dtype) and array.ndim == n_axes
            for array in arrays
        )
        _check(are_arrays and len(arrays), f"{name} is no list of arrays of {n_axes} axes")
    _check(len({array.dtype for array in [*W, *b]}) == 1, "its weights are of several precisions")
    sizes = [W[0].shape[0], *(len(b_l) for b_l in b)]
    shapes = [*pairwise(sizes)]
    _check(
        [W_l.shape for W_l in W] == shapes and min(sizes) > 0,
        f"coefs_ of shapes {shortened([W_l.shape for W_l in W])} and intercepts_ of shapes "
        f"{shortened([b_l.shape for b_l in b])} form no network",
    )
    for name, n in (
        ("n_features_in_", sizes[0]),
        ("n_outputs_", sizes[-1]),
        ("n_layers_", len(sizes)),
    ):
        fits = is_count(state[name]) and state[name] == n
        _check(fits, f"{name} cannot be {shortened(state[name])} where coefs_ say {n}")
    activations = state["_fitted_activations"]
    are_known = isinstance(activations, list | tuple) and all(
        isinstance(name, str) and name in ACTIVATIONS for name in activations
    )
    _check(
        are_known and len(activations) == len(W) - 1,
        f"{shortened(activations)} are no activations of {len(W) - 1} hidden layers",
    )
    threads = state["_fitted_threads"]
    are_threads = threads == "auto" if isinstance(threads, str) else is_count(threads) and threads
    _check(are_threads, f"_fitted_threads cannot be {shortened(threads)}")


def _check_outputs(state: dict[str, Any]) -> None:
    """Check that targets, loss and the output layer belong together."""
    targets, loss = state["_targets"], state["_loss"]
    _check(hasattr(targets, "n_outputs") and hasattr(loss, "name"), "it has no targets or no loss")
    _CHECKS_OF_TARGETS[type(targets)](targets, loss)
    for name, value in (
        ("out_activation_", getattr(loss, "out_activation", None)),
        *getattr(targets, "fitted_attributes", dict)().items(),
    ):
        _check(name in state, f"it lacks {name}")
        _check(
            state[name] is value or np.array_equal(state[name], value),
            f"{name} cannot be {shortened(state[name])}, but must be {shortened(value)}",
        )
    _check(targets.n_outputs == state["n_outputs_"], "its targets have other outputs")


def _check_classification_targets(targets: ClassificationTargets, loss: Any) -> None:
    """Check the labels, and that the loss is that of such labels."""
    classes = targets.classes_
    _check(
        classes.ndim == 1 and classes.dtype.kind != "V" and len(classes) > 0,
        "its classes are no list of labels",
    )
    _check(np.all(classes[:-1] < classes[1:]), "its classes are not sorted")
    n = len(classes)
    is_binary = n == 2 and not targets.multilabel
    _check(
        targets.binary == is_binary and targets.n_outputs == (1 if is_binary else n),
        f"{n} classes do not have {targets.n_outputs} outputs",
    )
    link = "logistic" if targets.multilabel or is_binary else "softmax"
    _check(targets.out_activation == link, f"the activation of {n} such outputs is {link}")
    _check(type(loss) is CLASSIFICATION_LOSSES[link], "its loss is that of other targets")
    _check(0 <= loss.s < 1, f"the label smoothing of its loss cannot be {shortened(loss.s)}")


def _check_regression_targets(targets: RegressionTargets, loss: Any) -> None:
    """Check shift and scale, and that the loss predicts as many numbers by the same link."""
    _check(type(loss) in REGRESSION_LOSSES.values(), "its loss is that of other targets")
    n, shift, scale = targets.n_targets, targets.shift, targets.scale
    _check(n > 0, "it has no targets")
    for name, values in (("shift", shift), ("scale", scale)):
        fits = values.shape == (n,) and values.dtype == np.float64 and np.isfinite(values).all()
        _check(fits, f"its {name} is no list of {n} numbers")
    are_flags = targets.constant.shape == (n,) and targets.constant.dtype == bool
    _check(are_flags and (scale > 0).all(), "its scale is not above 0")
    is_as_given = not (shift.any() or (scale != 1).any() or targets.constant.any())
    _check(targets.standardized or is_as_given, "its scale is that of standardised targets")
    _check_regression_loss(loss, n)
    of_loss = loss.link.name, loss.n_columns(n), loss.n_columns(n) == 1 and not loss.several
    is_of_loss = (targets.link, targets.n_outputs, targets.flat) == of_loss
    _check(is_of_loss and (n == 1 or not loss.several), "its loss is that of other targets")


def _check_regression_loss(loss: Any, n_targets: int) -> None:
    """Check the numbers that a loss has: levels, where it becomes linear, and no rounded kink."""
    _check(getattr(loss, "width", 0.0) == 0, "the kink of its loss is rounded off")
    if (q := getattr(loss, "q", None)) is not None:
        fits = q.ndim == 1 and (len(q) > 1) <= loss.several and len(q) == len(np.unique(q)) > 0
        _check(
            fits and np.all((q > 0) & (q < 1)), f"the levels of its loss cannot be {shortened(q)}"
        )
    if (unit := getattr(loss, "unit", None)) is not None:
        _check(0 < loss.delta < np.inf, f"delta of its loss cannot be {shortened(loss.delta)}")
        fits = unit.shape in {(1,), (n_targets,)} and np.all((unit > 0) & np.isfinite(unit))
        _check(fits, f"the unit of its loss cannot be {shortened(unit)}")


_CHECKS_OF_TARGETS: dict[type, Callable[[Any, Any], None]] = {
    ClassificationTargets: _check_classification_targets,
    RegressionTargets: _check_regression_targets,
}


def _check_history(state: dict[str, Any]) -> None:
    """Check the counts and curves of training."""
    for name in _COUNTS:
        count = state.get(name, 0)
        _check(is_count(count), f"{name} cannot be {shortened(count)}")
    for name in _NUMBERS:
        number = state.get(name)
        _check(number is None or is_number(number), f"{name} cannot be {shortened(number)}")
    if "loss_curve_" not in state:
        return
    n = -1
    for name in _CURVES:
        curve: Any = state.get(name)
        if curve is None and name != "loss_curve_":
            continue
        is_curve = isinstance(curve, list | tuple | np.ndarray) and all(map(is_number, curve))
        n = len(curve) if is_curve and name == "loss_curve_" else n
        _check(is_curve and len(curve) <= n, f"{name} is no curve of at most {n} numbers")
    n_iter, best_epoch = state.get("n_iter_", 0), state.get("best_epoch_", 0)
    _check(n_iter <= n, f"n_iter_={n_iter} is more than the {n} epochs of loss_curve_")
    _check(best_epoch <= n_iter, f"best_epoch_={best_epoch} is beyond n_iter_={n_iter}")


def _check_training_state(state: dict[str, Any]) -> None:
    """Check what training continues from against the network."""
    kept = state["_state"]
    _check(isinstance(kept, TrainingState), "it has no training state")
    weighs = kept.mean_weight > 0 or kept.mean_weight == kept.n_rows == 0
    _check(np.isfinite(kept.mean_weight) and weighs, "its mean weight is not finite and above 0")
    n_affine = sum(array.size for array in [*state["coefs_"], *state["intercepts_"]])
    n_hidden = sum(len(b_l) for b_l in state["intercepts_"][:-1])
    n_normalised = n_affine if kept.normalisations is None else n_affine + 4 * n_hidden
    if kept.normalisations is not None:
        # gamma, beta, mean and var of each hidden unit
        fits = kept.normalisations.shape == (4 * n_hidden,)
        _check(fits, "its normalisations are of other units")
    if kept.vectors is not None:
        fits = kept.vectors.shape in {(1, n_normalised), (2, n_normalised)}
        _check(fits, f"its vectors of shape {kept.vectors.shape} are of another network")
    if kept.solver is not None:
        # gradients change gamma and beta only
        _check_optimizer(kept.solver.optimizer, (n_affine + n_normalised) // 2)


_RANGES_OF_OPTIMIZERS = {
    "beta_1": (0.0, np.nextafter(1.0, 0.0)),
    "beta_2": (0.0, np.nextafter(1.0, 0.0)),
    "momentum": (0.0, 1.0),
    "epsilon": (0.0, np.finfo(float).max),
    "weight_decay": (0.0, np.finfo(float).max),
    "product": (0.0, 1.0),
}


def _check_optimizer(optimizer: Any, n_parameters: int) -> None:
    """Check the optimizer's settings, and that its arrays are of as many parameters as the network.

    A setting that is out of range could be so large an integer that its powers are no floats.
    """
    for name, (least, largest) in _RANGES_OF_OPTIMIZERS.items():
        value = getattr(optimizer, name, least)
        _check(least <= value <= largest, f"{name} of its solver cannot be {shortened(value)}")
    arrays = [part for part in vars(optimizer).values() if isinstance(part, np.ndarray)]
    shapes = [array.shape for array in arrays]
    fits = all(shape == (n_parameters,) for shape in shapes)
    _check(fits, f"its solver's state of shapes {shapes} is of other than {n_parameters} numbers")
    is_of_one = all(array.dtype == optimizer.dtype for array in arrays)
    _check(is_of_one, "its solver's state is of another precision")
