"""The annotations of the choices name exactly the strings that the classifier accepts."""

from typing import get_args

import pytest

from skmlp import NumpyMLPClassifier, _choices
from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.initializers import INITIALIZERS
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES

CHOICES = {
    "solver": (_choices.Solver, {"lbfgs", *OPTIMIZERS}),
    "learning_rate": (_choices.LearningRate, {*SCHEDULES}),
    "activation": (_choices.ActivationName, {*ACTIVATIONS}),
    "weight_init": (_choices.WeightInit, {*INITIALIZERS}),
    "dtype": (_choices.Dtype, {"float32", "float64"}),
}


@pytest.mark.parametrize(("alias", "names"), CHOICES.values(), ids=CHOICES)
def test_alias_names_exactly_what_is_registered(alias, names):
    assert sorted(get_args(alias)) == sorted(names)


@pytest.mark.parametrize("parameter", CHOICES)
def test_alias_names_exactly_what_the_classifier_accepts(parameter):
    options = NumpyMLPClassifier._parameter_constraints[parameter]
    (accepted,) = (option.options for option in options if hasattr(option, "options"))
    assert set(get_args(CHOICES[parameter][0])) == accepted
