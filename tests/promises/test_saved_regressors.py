"""A saved regressor that may come from a stranger: targets, loss and network belong together."""

import copy

import numpy as np
import pytest

from skmlp import NumpyMLPClassifier, NumpyMLPRegressor
from skmlp._engine.losses.registry import REGRESSION_LOSSES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.RandomState(0).normal(size=(24, 3))
ONE, TWO = np.exp(X[:, 0]), np.exp(X[:, :2])
LEVELS = (0.1, 0.9, 0.5)


def fitted(y=ONE, **params):
    settings = {"hidden_layer_sizes": (4,), "batch_size": 8, "max_iter": 3, "random_state": 0}
    return NumpyMLPRegressor(**settings | params).fit(X, y)


def loaded(state, cls=NumpyMLPRegressor):
    model = cls.__new__(cls)
    model.__setstate__(copy.deepcopy(state))
    return model


def refused(state, cls=NumpyMLPRegressor):
    with pytest.raises(ValueError, match=f"This {cls.__name__} cannot be loaded"):
        loaded(state, cls)


MODELS = {
    **{name: {"loss": name} for name in REGRESSION_LOSSES},
    "standardised": {"standardize_target": True},
    "standardised gamma": {"loss": "gamma", "standardize_target": True},
    "constant": {"standardize_target": True, "y": np.full(24, 3.0)},
    "two targets": {"y": TWO, "standardize_target": True},
    "Huber of two targets": {"y": TWO, "loss": "huber"},
    "levels": {"loss": "quantile", "quantile": LEVELS},
    "a list of one level": {"loss": "quantile", "quantile": [0.3]},
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_state_that_was_saved_is_loaded_and_predicts_the_same(kind):
    model = fitted(**MODELS[kind])
    again = loaded(model.__getstate__())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.predict(X).shape == model.predict(X).shape
    y = MODELS[kind].get("y", ONE)
    assert again.score(X, y) == model.score(X, y)


TARGETS = {
    "no targets": {"n_targets": 0},
    "more targets": {"n_targets": 2},
    "a huge number of targets": {"n_targets": 10**9},
    "other outputs": {"n_outputs": 2},
    "not flat": {"flat": False},
    "another link": {"link": "exp"},
    "an unknown link": {"link": "cubic"},
    "a link that is no text": {"link": 1},
    "as the user gave them": {"standardized": False},
    "a shift of two": {"shift": np.zeros(2)},
    "a shift of two axes": {"shift": np.zeros((1, 1))},
    "a shift that is no array": {"shift": [0.0]},
    "an infinite shift": {"shift": np.array([np.inf])},
    "a shift in float32": {"shift": np.zeros(1, np.float32)},
    "a scale of 0": {"scale": np.zeros(1)},
    "a negative scale": {"scale": -np.ones(1)},
    "a scale that is NaN": {"scale": np.array([np.nan])},
    "flags that are numbers": {"constant": np.zeros(1)},
    "more flags": {"constant": np.zeros(2, bool)},
    "an attribute more": {"decode": 1},
}


@pytest.mark.parametrize("kind", TARGETS)
def test_targets_that_no_numbers_have_are_refused(kind):
    state = fitted(standardize_target=True).__getstate__()
    state["_targets"] |= TARGETS[kind]
    refused(state)


PINBALL = {
    "a level of 0": {"q": np.array([0.0, 0.5, 0.9])},
    "a level of 1": {"q": np.array([0.1, 0.5, 1.0])},
    "a level that is NaN": {"q": np.array([0.1, 0.5, np.nan])},
    "equal levels": {"q": np.array([0.1, 0.5, 0.5])},
    "fewer levels": {"q": np.array([0.1, 0.5])},
    "no levels": {"q": np.array([])},
    "levels of two axes": {"q": np.array([[0.1, 0.5, 0.9]])},
    "levels of a number": {"several": False},
    "a rounded kink": {"width": 0.1},
    "no width": {"width": None},
}
HUBER = {
    "a delta of 0": {"delta": 0.0},
    "an infinite delta": {"delta": np.inf},
    "a unit of 0": {"unit": np.zeros(1)},
    "a unit of two": {"unit": np.ones(2)},
    "an infinite unit": {"unit": np.array([np.inf])},
    "a unit that is no array": {"unit": 1.0},
}


@pytest.mark.parametrize("kind", PINBALL)
def test_levels_that_no_model_has_are_refused(kind):
    state = fitted(loss="quantile", quantile=LEVELS).__getstate__()
    state["_loss"] |= PINBALL[kind]
    refused(state)


@pytest.mark.parametrize("kind", HUBER)
def test_a_huber_loss_that_no_model_has_is_refused(kind):
    state = fitted(loss="huber").__getstate__()
    state["_loss"] |= HUBER[kind]
    refused(state)


@pytest.mark.parametrize("name", ["target_mean_", "target_scale_"])
@pytest.mark.parametrize("value", [None, 0.0, np.ones(2), "x"])
def test_published_mean_and_scale_are_those_of_the_targets(name, value):
    refused(fitted(standardize_target=True).__getstate__() | {name: value})


@pytest.mark.parametrize(
    "loss",
    [{"class": "SoftmaxCrossEntropy", "s": 0.0}, {"class": "PoissonDeviance"}, {"class": "Adam"}],
    ids=lambda loss: loss["class"],
)
def test_a_loss_of_other_targets_is_refused(loss):
    refused(fitted().__getstate__() | {"_loss": loss})


@pytest.mark.parametrize("name", ["predict_proba", "decision_function", "classes_", "transform"])
def test_what_other_estimators_have_is_no_attribute_of_a_regressor(name):
    refused(fitted().__getstate__() | {name: 3})


def test_a_classifier_is_no_regressor_and_the_other_way_round():
    regressor = fitted().__getstate__()
    classifier = NumpyMLPClassifier((4,), max_iter=2).fit(X, ONE > 1).__getstate__()
    parts = "_targets", "_loss", "out_activation_", "n_outputs_"
    refused(regressor | {name: classifier[name] for name in (*parts, "classes_")})
    refused(classifier | {name: regressor[name] for name in parts}, NumpyMLPClassifier)
    refused(regressor, NumpyMLPClassifier)
