import inspect
import os

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits

import skmlp
from skmlp import NumpyMLPClassifier, recipes
from skmlp.datasets import load_mnist

RECIPES = {name: value for name, value in vars(recipes).items() if name.isupper()}
MNIST = os.environ.get("SKMLP_MNIST")

every_recipe = pytest.mark.parametrize("name", RECIPES)


def small(recipe):
    """The recipe for few rows: a few epochs of small batches."""
    return recipe | {"max_iter": 5, "batch_size": 32}


def test_the_recipes_promised_are_there():
    assert {"MNIST", "MNIST_FAST"} <= set(RECIPES)
    assert set(RECIPES) == set(recipes.__all__)


def test_recipes_are_at_hand_without_an_import_of_their_own():
    assert skmlp.recipes is recipes


@every_recipe
def test_recipe_is_a_dict_of_plain_values(name):
    assert type(RECIPES[name]) is dict
    for value in RECIPES[name].values():
        parts = value if isinstance(value, tuple) else (value,)
        assert {type(part) for part in parts} <= {bool, float, int, str, type(None)}


@every_recipe
def test_every_choice_of_a_recipe_is_printed(name):
    printed = repr(NumpyMLPClassifier(**RECIPES[name]))
    for parameter in RECIPES[name]:
        assert f"{parameter}=" in printed


@every_recipe
def test_a_recipe_is_documented(name):
    assert name in inspect.getdoc(recipes)


@every_recipe
def test_a_clone_keeps_the_recipe(name):
    model = NumpyMLPClassifier(**RECIPES[name], random_state=0)
    assert clone(model).get_params() == model.get_params()


@every_recipe
def test_recipe_trains_and_predicts(name):
    X, y = load_digits(return_X_y=True)
    X /= 16
    model = NumpyMLPClassifier(**small(RECIPES[name]), random_state=0).fit(X[:1200], y[:1200])
    assert model.score(X[1200:], y[1200:]) > 0.88
    np.testing.assert_allclose(model.predict_proba(X[1200:]).sum(axis=1), 1, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(not MNIST, reason="SKMLP_MNIST does not name the folder of the MNIST files")
def test_fast_recipe_has_98_percent_of_the_test_images_right():
    mnist = load_mnist(MNIST)
    X = np.concatenate([mnist.X_train, mnist.X_val])
    y = np.concatenate([mnist.y_train, mnist.y_val])
    model = NumpyMLPClassifier(**recipes.MNIST_FAST, random_state=0).fit(X, y)
    assert model.score(mnist.X_test, mnist.y_test) >= 0.98
