"""The attributes of stored objects, and their kinds."""

import copy

import numpy as np
import pytest
from make_models import CASES, LABELS, ROWS, small

from skmlp._data.regression_targets import RegressionTargets
from skmlp._data.targets import ClassificationTargets
from skmlp._engine.losses.regression import SquaredError
from skmlp._persistence.forms import check_form, is_float
from skmlp._persistence.state_dict import CLASSES, from_state_dict, to_state_dict
from skmlp._training.early_stopping import ReplayedPlateaus, StoppingRule
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("name", CASES)
def test_the_objects_of_every_model_have_their_form(name):
    kind, params, n = CASES[name]
    model = small(**params).fit(ROWS, LABELS[kind])
    for _ in range(n):
        model.partial_fit(ROWS, LABELS[kind])
    state = model._state
    parts = [model._targets, model._loss, state, state.rule]
    if state.solver is not None:
        parts += [state.solver, state.solver.optimizer, state.solver.schedule]
    for part in parts:
        check_form(part)


@pytest.mark.parametrize("solver", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_solver_has_its_form(solver, schedule):
    params = {"max_grad_norm": 1, "max_norm": 2, "learning_rate_init": 1, "warmup_epochs": 1}
    model = small(solver=solver, learning_rate=schedule, averaging=0.5, **params)
    check_form(model.partial_fit(ROWS, LABELS["strings"])._state.solver)


def some(name):
    """Return an object of the class in `CLASSES`."""
    cls = CLASSES[name]
    if cls is ClassificationTargets:
        return cls(np.array(["a", "b"]))
    if cls is RegressionTargets:
        return cls(np.arange(3.0), SquaredError())
    if cls is ReplayedPlateaus:
        return cls([1, 2])
    if cls in SCHEDULES.values():
        return cls(0.1, max_epochs=3)
    if cls in OPTIMIZERS.values():
        settings = dict.fromkeys(cls.hyperparameters, 0.5)
        if name == "SGD":
            settings["nesterovs_momentum"] = True
        return cls(np.zeros(3), 2, **settings)
    if name == "Solver":
        return cls(some("Adam"), some("Cosine"))
    return cls()


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_no_attribute_may_be_of_another_kind_or_missing_or_more(name):
    thing = some(name)
    vars(thing).pop("scratch", None)  # is not stored
    check_form(thing)
    for attribute in vars(thing):
        for value in (b"x", object(), 1 + 2j, {}, [None]):
            other = copy.copy(thing)
            setattr(other, attribute, value)
            with pytest.raises(ValueError, match=f"{attribute} of {name} cannot be"):
                check_form(other)
    other = copy.copy(thing)
    other.a_step = 1
    with pytest.raises(ValueError, match=rf"{name} has \[.*, not \[.*'a_step'"):
        check_form(other)


@pytest.mark.parametrize("patience", [3, np.inf])
def test_patience_may_be_endless(patience):
    check_form(StoppingRule(patience=patience))


def test_what_an_older_version_did_not_store_has_its_default():
    state = to_state_dict(StoppingRule())
    del state["rtol"]
    assert from_state_dict(state).rtol == 0.0
    state = to_state_dict(some("Cosine"))
    del state["power_t"]
    with pytest.raises(ValueError, match="Cosine has"):
        from_state_dict(state)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(np.dtype("f4"), True), (np.dtype(">f8"), True), (np.dtype("f2"), False), ("f4", False)],
)
def test_networks_compute_in_single_and_double_precision(dtype, expected):
    assert is_float(dtype) == expected
