"""A fitted network of scikit-learn as an estimator of this package."""

import copy
import math
from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.base import ClassifierMixin
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.validation import check_is_fitted

from skmlp._data.request import FitRequest
from skmlp._engine.parameters import Parameters
from skmlp._engine.types import FloatArray
from skmlp._fit.attributes import feature_attributes
from skmlp._fit.build import max_epochs_of
from skmlp._persistence.check_model import check_values
from skmlp._training.early_stopping import StoppingRule
from skmlp._training.optimizers import SGD, Adam, Optimizer
from skmlp._training.schedules import SCHEDULES
from skmlp._training.solver import Solver
from skmlp._training.state import TrainingState

_NAMES_HERE = {MLPClassifier: "NumpyMLPClassifier", MLPRegressor: "NumpyMLPRegressor"}
# the losses of regression by output activation
_LOSSES = {"exp": "poisson", "identity": "squared_error"}


def from_sklearn(cls: type, fitted: Any) -> Any:
    """Return the fitted network as an estimator of class `cls`; see the method of that name."""
    _check_kind(cls, fitted)
    check_is_fitted(fitted, ["coefs_", "intercepts_"])
    model = cls(**_parameters(fitted))
    coefs, intercepts = _arrays(fitted)
    request = FitRequest(None, _targets_of_every_kind(fitted))
    targets = model._make_targets(request.y, None, request)
    loss = model._make_loss(targets, targets.encode(request.y), None, request)
    vars(model).update(
        coefs_=coefs,
        intercepts_=intercepts,
        n_layers_=len(coefs) + 1,
        out_activation_=fitted.out_activation_,
        **targets.fitted_attributes(),
        **copy.deepcopy(feature_attributes(fitted)),
        **_history(fitted),
        _targets=targets,
        _loss=loss,
        _fitted_activations=[fitted.activation] * (len(coefs) - 1),
        _fitted_threads=model.n_threads,
    )
    try:
        check_values(type(model), vars(model))
        model._state = _training_state(fitted, model)
    except ValueError as error:
        raise ValueError(
            f"This {type(fitted).__name__} was changed after its fit, or is damaged: {error}."
        ) from error
    return model


def _check_kind(cls: type, fitted: Any) -> None:
    """Raise TypeError if the class is not that for this kind of estimator."""
    expected = MLPClassifier if issubclass(cls, ClassifierMixin) else MLPRegressor
    if isinstance(fitted, expected):
        return
    for theirs, name in _NAMES_HERE.items():
        if isinstance(fitted, theirs):
            remedy = f"For {theirs.__name__} use {name}.from_sklearn."
            break
    else:
        remedy = (
            "Of a Pipeline or a search, give the network inside: pipeline[-1], or "
            "search.best_estimator_."
        )
    raise TypeError(
        f"from_sklearn of {cls.__name__} takes a fitted {expected.__name__}, got "
        f"{type(fitted).__name__}. {remedy}"
    )


def _parameters(fitted: Any) -> dict[str, Any]:
    """Return the parameters of the network, of which those of a subclass are left out."""
    kind = MLPClassifier if isinstance(fitted, MLPClassifier) else MLPRegressor
    params = {name: getattr(fitted, name) for name in kind().get_params()}
    if kind is MLPRegressor:
        # the loss of training, also where the parameter does not exist or was changed later
        params["loss"] = _LOSSES[fitted.out_activation_]
    return copy.deepcopy(params)


def _arrays(fitted: Any) -> tuple[list[FloatArray], list[FloatArray]]:
    """Return copies of weights and biases, all of one precision.

    Raises
    ------
    ValueError
        If a number among them is not finite.
    """
    dtype = np.result_type(*fitted.coefs_, *fitted.intercepts_)
    dtype = dtype if dtype in (np.float32, np.float64) else np.dtype(np.float64)
    coefs, intercepts = (
        [np.array(part, dtype=dtype, order="C") for part in parts]
        for parts in (fitted.coefs_, fitted.intercepts_)
    )
    if not all(np.isfinite(part).all() for part in [*coefs, *intercepts]):
        raise ValueError(
            f"coefs_ or intercepts_ of this {type(fitted).__name__} contain NaN or infinity: its "
            "training has diverged. Fit it again with a lower learning_rate_init or with scaled "
            "features."
        )
    return coefs, intercepts


def _targets_of_every_kind(fitted: Any) -> Any:
    """Return targets such as the network was fitted on, with all labels."""
    if isinstance(fitted, MLPRegressor):
        return np.zeros(1 if fitted.n_outputs_ == 1 else (1, fitted.n_outputs_))
    binarizer = fitted._label_binarizer
    if binarizer.y_type_.startswith("multilabel"):
        y = np.repeat([[0], [1]], fitted.n_outputs_, axis=1)
        return csr_matrix(y) if binarizer.sparse_input_ else y
    if len(fitted.classes_) == 1:
        raise ValueError(
            f"This MLPClassifier knows one class, {fitted.classes_}, to which it gives two "
            "probabilities, where NumpyMLPClassifier has one. Fit with at least two classes."
        )
    return np.repeat(fitted.classes_, 2)  # twice, since labels that occur once are warned of


def _history(fitted: Any) -> dict[str, Any]:
    """Return the attributes that describe training; NaN where nothing was recorded."""
    n_iter, loss = int(fitted.n_iter_), float(fitted.loss_)
    losses = getattr(fitted, "loss_curve_", None)
    if losses is None:  # lbfgs
        losses = [math.nan] * (n_iter - 1) + [loss] * (n_iter > 0)
    scores, best_score = getattr(fitted, "validation_scores_", None), None
    if scores is not None and np.isnan(scores).all():
        scores = None
    if scores is not None:
        best_score = float(fitted.best_validation_score_)
    best_epoch = n_iter
    if _has_best_weights(fitted):
        last = (scores or [])[-n_iter:]
        best_epoch = last.index(best_score) + 1 if best_score in last else 0
    best_loss = getattr(fitted, "best_loss_", loss)
    return {
        "loss_": loss,
        "n_iter_": n_iter,
        "t_": int(fitted.t_),
        "best_epoch_": best_epoch,
        "best_loss_": None if best_loss is None else float(best_loss),
        "best_validation_score_": best_score,
        "loss_curve_": [float(entry) for entry in losses],
        "validation_scores_": None if scores is None else [float(entry) for entry in scores],
        "validation_loss_curve_": None,
        "learning_rate_curve_": None,
    }


def _has_best_weights(fitted: Any) -> bool:
    """Return whether the weights are those of the best epoch, by the validation score."""
    return getattr(fitted, "best_loss_", 0.0) is None


def _training_state(fitted: Any, model: Any) -> TrainingState:
    """Return what training continues from."""
    rule = StoppingRule()
    if model.best_loss_ is not None and hasattr(fitted, "loss_curve_"):
        rule.best = model.best_loss_
        rule.n_without_improvement = int(getattr(fitted, "_no_improvement_count", 0))
    rng = getattr(fitted, "_random_state", None)
    is_seeded = isinstance(fitted.random_state, Integral)
    return TrainingState(
        rng=copy.deepcopy(rng) if is_seeded else None,
        split_rng=_generator_before_split(fitted, model) if is_seeded else None,
        rule=rule,
        solver=_solver(fitted, model),
    )


def _generator_before_split(fitted: Any, model: Any) -> np.random.RandomState | None:
    """Return the generator as it was before the validation split of the only fit, if there was one.

    Before the split, initialisation draws a number for each weight and bias.
    """
    if not _has_best_weights(fitted) or len(model.loss_curve_) != model.n_iter_:
        return None
    rng = np.random.RandomState(fitted.random_state)
    rng.random_sample(sum(part.size for part in [*model.coefs_, *model.intercepts_]))
    return rng


def _solver(fitted: Any, model: Any) -> Solver | None:
    """Return the solver in the state of scikit-learn's, or None if that has no optimizer.

    After early stopping the moments are those of the last epoch, but the weights those of the best:
    then the moments start at 0, and the learning rate stays.
    """
    theirs: Any = getattr(fitted, "_optimizer", None)
    build = next((build for name, build in _OPTIMIZERS.items() if hasattr(theirs, name)), None)
    if build is None:
        return None
    sizes = [W.shape for W in model.coefs_]
    parameters = Parameters(
        [sizes[0][0], *(n for _, n in sizes)], False, False, model.coefs_[0].dtype
    )
    optimizer = build(theirs, parameters, not _has_best_weights(fitted))
    schedule = SCHEDULES[getattr(theirs, "lr_schedule", "constant")](
        theirs.learning_rate_init,
        max_epochs=max_epochs_of(model),
        power_t=getattr(theirs, "power_t", model.power_t),
        n_rows_seen=model.t_,
    )
    if isinstance(optimizer, SGD):  # Adam's attribute of that name has the bias correction in it
        schedule.learning_rate = float(theirs.learning_rate)
    n_epochs = len(model.loss_curve_)
    n_steps = int(getattr(theirs, "t", n_epochs))
    solver = Solver(optimizer, schedule, n_steps=n_steps, n_epochs=n_epochs)
    solver.learning_rate = schedule.learning_rate
    return solver if solver.is_finite() else None


def _sgd(theirs: Any, parameters: Parameters, keep: bool) -> Optimizer:
    """Return SGD with the velocities of scikit-learn's optimizer, or with none."""
    optimizer = SGD(
        parameters.theta,
        parameters.n_weights,
        momentum=theirs.momentum,
        nesterovs_momentum=bool(theirs.nesterov),
    )
    if keep and optimizer.v is not None:
        optimizer.v[...] = _flat(theirs.velocities)
    return optimizer


def _adam(theirs: Any, parameters: Parameters, keep: bool) -> Optimizer:
    """Return Adam with the moments of scikit-learn's optimizer, or with none."""
    optimizer = Adam(
        parameters.theta,
        parameters.n_weights,
        beta_1=theirs.beta_1,
        beta_2=theirs.beta_2,
        epsilon=theirs.epsilon,
    )
    if keep:
        optimizer.t = int(theirs.t)
        optimizer.M[...] = _flat(theirs.ms) / (1 - optimizer.beta_1)
        optimizer.V[...] = _flat(theirs.vs) / (1 - optimizer.beta_2)
    return optimizer


# by the attribute that only this optimizer of scikit-learn has
_OPTIMIZERS: dict[str, Callable[[Any, Parameters, bool], Optimizer]] = {
    "velocities": _sgd,
    "ms": _adam,
}


def _flat(parts: list[npt.NDArray[Any]]) -> FloatArray:
    """Return arrays for weights and biases as one vector, in the order of `Parameters`."""
    return np.concatenate([np.ravel(part) for part in parts])
