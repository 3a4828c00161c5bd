import inspect
import os

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.preprocessing import scale

import skmlp
from skmlp import NumpyMLPClassifier, NumpyMLPRegressor, recipes
from skmlp.datasets import load_mnist

RECIPES = {name: value for name, value in vars(recipes).items() if name.isupper()}
OF_REGRESSORS = {"TABULAR_REGRESSION"}
MNIST = os.environ.get("SKMLP_MNIST")

# passed together with a recipe, never set by one
OF_A_RUN = {
    *("random_state", "verbose", "warm_start", "n_threads", "class_weight"),
    *("max_time", "checkpoint_path", "checkpoint_every"),
}
USERS_PROGRAM = """
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmlp import (
    NumpyMLPClassifier,
    NumpyMLPRegressor,
    TabularClassifier,
    TabularRegressor,
    make_tabular_classifier,
    make_tabular_regressor,
    recipes,
)

rng = np.random.default_rng(0)
X, y = rng.normal(size=(60, 4)), np.arange(60) % 3

best = NumpyMLPClassifier(**recipes.MNIST)
fast = NumpyMLPClassifier(**recipes.MNIST_FAST, random_state=0, verbose=True)
wide = NumpyMLPClassifier(**recipes.MNIST_FAST | {"hidden_layer_sizes": (256,)})
settings = recipes.MNIST_FAST | {"batch_size": 32, "max_iter": 20, "early_stopping": True}
model = NumpyMLPClassifier(**settings, n_threads=1).fit(X, y)
shapes: list[tuple[int, ...]] = [W.shape for W in model.coefs_]
accuracy: float = model.score(X, y)
mine: recipes.NetworkParameters = {"hidden_layer_sizes": [8, 4], "solver": "lbfgs"}
pipeline = make_pipeline(MinMaxScaler(), NumpyMLPClassifier(**mine)).fit(X, y)
labels = pipeline.predict(X)
table: TabularClassifier = make_tabular_classifier(0, n_members=1, **recipes.MNIST_FAST)
names: list[str] = sorted(recipes.TABULAR)
numbers = NumpyMLPRegressor(**recipes.TABULAR_REGRESSION, random_state=0)
intervals: recipes.RegressionParameters = {"loss": "quantile", "quantile": (0.1, 0.9)}
changed: TabularRegressor = make_tabular_regressor(0, **intervals)


def build(parameters: recipes.NetworkParameters) -> NumpyMLPClassifier:
    return NumpyMLPClassifier(**parameters, random_state=0)
"""

every_recipe = pytest.mark.parametrize("name", RECIPES)
every_recipe_of_classifiers = pytest.mark.parametrize("name", sorted({*RECIPES} - OF_REGRESSORS))


def network(name, **params):
    """Return the network that the recipe is for."""
    estimator = NumpyMLPRegressor if name in OF_REGRESSORS else NumpyMLPClassifier
    return estimator(**RECIPES[name], **params)


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


def test_types_are_given_for_all_parameters_but_those_of_a_run():
    parameters = set(inspect.signature(NumpyMLPClassifier).parameters)
    assert set(recipes.NetworkParameters.__annotations__) == parameters - OF_A_RUN
    assert parameters >= OF_A_RUN


def test_types_are_given_for_all_parameters_of_regressors_but_those_of_a_run():
    parameters = set(inspect.signature(NumpyMLPRegressor).parameters)
    assert set(recipes.RegressionParameters.__annotations__) == parameters - OF_A_RUN


@pytest.mark.slow
def test_program_of_a_user_has_no_type_error(check):
    result = check(USERS_PROGRAM)
    assert (result.returncode, result.stdout) == (0, "Success: no issues found in 1 source file\n")


@pytest.mark.slow
def test_wrong_parameters_in_the_program_of_a_user_are_type_errors(check):
    wrong = """
from skmlp import recipes

typo: recipes.NetworkParameters = {"hidden_layers": (8,)}
unknown: recipes.NetworkParameters = {"solver": "adamax"}
"""
    result = check(wrong)
    assert result.returncode == 1
    assert [
        line.partition(": ")[0] for line in result.stdout.splitlines() if ": error: " in line
    ] == [
        "program.py:4",
        "program.py:5",
    ]


@every_recipe
def test_every_choice_of_a_recipe_is_printed(name):
    printed = repr(network(name))
    for parameter in RECIPES[name]:
        assert f"{parameter}=" in printed


@every_recipe
def test_a_recipe_is_documented(name):
    assert name in inspect.getdoc(recipes)


@every_recipe
def test_a_clone_keeps_the_recipe(name):
    model = network(name, random_state=0)
    assert clone(model).get_params() == model.get_params()


@every_recipe_of_classifiers
def test_recipe_trains_and_predicts(name):
    X, y = load_digits(return_X_y=True)
    X /= 16
    model = NumpyMLPClassifier(**small(RECIPES[name]), random_state=0).fit(X[:1200], y[:1200])
    assert model.score(X[1200:], y[1200:]) > 0.88
    np.testing.assert_allclose(model.predict_proba(X[1200:]).sum(axis=1), 1, rtol=1e-6)


def test_recipe_of_regressors_trains_and_predicts():
    X, y = load_diabetes(return_X_y=True)
    recipe = small(recipes.TABULAR_REGRESSION)
    model = NumpyMLPRegressor(**recipe, random_state=0).fit(scale(X[:300]), y[:300])
    assert model.score(scale(X[300:]), y[300:]) > 0.4


@pytest.mark.slow
@pytest.mark.skipif(not MNIST, reason="SKMLP_MNIST does not name the folder of the MNIST files")
def test_fast_recipe_has_98_percent_of_the_test_images_right():
    mnist = load_mnist(MNIST)
    X = np.concatenate([mnist.X_train, mnist.X_val])
    y = np.concatenate([mnist.y_train, mnist.y_val])
    model = NumpyMLPClassifier(**recipes.MNIST_FAST, random_state=0).fit(X, y)
    assert model.score(mnist.X_test, mnist.y_test) >= 0.98
