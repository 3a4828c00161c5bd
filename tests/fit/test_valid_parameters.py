import numpy as np
import pytest

from skmlp import NumpyMLPClassifier
from skmlp._compat import InvalidParameterError
from skmlp._fit import valid_parameters
from skmlp._fit.valid_parameters import are_known_valid, remember_valid

X, y = np.random.RandomState(0).randn(20, 3), np.arange(20) % 2


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch):
    monkeypatch.setattr(valid_parameters, "_valid", set())


def test_the_same_parameters_are_known_once_they_have_been_found_valid():
    model = NumpyMLPClassifier((4,), alpha=0.1)
    assert not are_known_valid(model)
    remember_valid(model)
    assert are_known_valid(model)
    assert are_known_valid(NumpyMLPClassifier((4,), alpha=0.1))
    assert not are_known_valid(NumpyMLPClassifier((4,), alpha=0.2))


@pytest.mark.parametrize(
    ("name", "valid", "equal"),
    [
        ("hidden_layer_sizes", (4,), (4.0,)),
        ("hidden_layer_sizes", (1,), (True,)),
        ("max_iter", 1, 1.0),
        ("max_iter", 1, True),
        ("early_stopping", True, 1.5),
    ],
)
def test_values_that_are_equal_but_of_another_type_are_validated(name, valid, equal):
    model = NumpyMLPClassifier((4,), batch_size=5).set_params(**{name: valid})
    model.partial_fit(X, y, classes=[0, 1])
    setattr(model, name, equal)
    assert not are_known_valid(model)


@pytest.mark.parametrize(
    ("name", "value"),
    [("alpha", -1.0), ("learning_rate", "fast"), ("tol", "small"), ("hidden_layer_sizes", (4, -1))],
)
@pytest.mark.parametrize("how", ["set_params", "setattr"])
def test_partial_fit_notices_a_parameter_that_has_become_invalid(name, value, how):
    model = NumpyMLPClassifier((4,), batch_size=5, random_state=0)
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1])
    before = [W.copy() for W in model.coefs_]
    if how == "setattr":
        setattr(model, name, value)
    else:
        model.set_params(**{name: value})
    with pytest.raises((InvalidParameterError, ValueError, AttributeError), match=name):
        model.partial_fit(X, y)
    for kept, W in zip(before, model.coefs_, strict=True):
        np.testing.assert_array_equal(kept, W)


def test_a_list_that_changes_is_validated_in_each_call():
    sizes = [4]
    model = NumpyMLPClassifier(sizes, batch_size=5).partial_fit(X, y, classes=[0, 1])
    assert not are_known_valid(model)
    sizes[0] = "many"
    with pytest.raises(InvalidParameterError, match="hidden_layer_sizes"):
        model.partial_fit(X, y)


def test_few_parameters_are_remembered():
    for alpha in range(500):
        remember_valid(NumpyMLPClassifier(alpha=alpha))
    assert len(valid_parameters._valid) <= 64
