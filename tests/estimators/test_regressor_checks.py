"""scikit-learn's own checks of estimators, for each loss and for settings of each kind."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.fixes import parse_version
from slow_cases import slow_but_for

from skmlp import NumpyMLPRegressor
from skmlp._engine.losses.registry import REGRESSION_LOSSES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# This one runs only where SCIPY_ARRAY_API is set.
MAY_BE_SKIPPED = (
    {"check_array_api_input"}
    if parse_version(sklearn.__version__) >= parse_version("1.9")
    else set()
)
WEIGHTS_AS_REPEATS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)
# at the default rate, a log link gets to R^2 = 0.38 in 200 epochs of one batch, as in MLPRegressor
FASTER = {"learning_rate_init": 0.03, "max_iter": 60}

# Each setting with the checks that cannot pass under it, and why; tested below where not plain.
SETTINGS = {
    "default": ({}, {}),
    **{
        loss: ({"loss": loss, **FASTER}, {})
        for loss in ("absolute_error", "gamma", "huber", "poisson", "quantile")
    },
    "sgd": ({"solver": "sgd", "max_iter": 100}, {}),
    "lbfgs": ({"solver": "lbfgs", "max_iter": 50}, {}),
    "lbfgs with kinks": ({"loss": "quantile", "solver": "lbfgs", "max_iter": 50}, {}),
    "early_stopping": (
        {"early_stopping": True, **FASTER},
        dict.fromkeys(
            WEIGHTS_AS_REPEATS,
            "The validation split draws rows: it cannot treat a row of weight 2 as two rows.",
        ),
    ),
    "batch_size": (
        {"batch_size": 8, "max_iter": 20},
        dict.fromkeys(
            WEIGHTS_AS_REPEATS, "Repeated rows make more batches, and others, than weighted rows."
        ),
    ),
    "tanh": ({"activation": "tanh", **FASTER}, {}),
    "standardize_target": ({"standardize_target": True, **FASTER}, {}),
    "standardize_target with a log link": (
        {"loss": "poisson", "standardize_target": True, **FASTER},
        {},
    ),
    "regularised": (
        {
            "solver": "adamw",
            "learning_rate": "one_cycle",
            "learning_rate_init": 0.01,
            "max_iter": 30,
            "batch_norm": True,
            "noise": 0.1,
            "dropout": 0.1,
            "averaging": 0.9,
        },
        dict.fromkeys(
            WEIGHTS_AS_REPEATS,
            "Each row has noise of its own, and a batch is normalised over its rows, not weights.",
        ),
    ),
    "float32": (
        {"dtype": "float32", **FASTER},
        dict.fromkeys(
            WEIGHTS_AS_REPEATS,
            "It compares to 1e-7, and one operation in float32 rounds to 6e-8.",
        )
        | {"check_regressor_multioutput": "It demands float64."},
    ),
}


def assert_passes(model, expected_failures):
    results = check_estimator(
        model, expected_failed_checks=expected_failures, on_fail=None, on_skip=None
    )

    def names(status):
        return {result["check_name"] for result in results if result["status"] == status}

    assert not [result for result in results if result["status"] == "failed"]
    assert names("xfail") == set(expected_failures)
    assert not names("passed") & set(expected_failures)
    assert names("skipped") <= MAY_BE_SKIPPED


@pytest.mark.parametrize(
    ("params", "expected_failures"),
    slow_but_for(
        (
            "default",
            "poisson",
            "lbfgs with kinks",
            "early_stopping",
            "batch_size",
        ),
        SETTINGS,
    ),
)
def test_scikit_learns_checks(params, expected_failures):
    assert_passes(NumpyMLPRegressor(**params), expected_failures)


def test_every_loss_is_checked():
    checked = {params.get("loss", "squared_error") for params, _ in SETTINGS.values()}
    assert checked == set(REGRESSION_LOSSES)


# --- Several levels: (n, k) predictions of (n,) targets ---------------------------------------

LEVELS = (0.9, 0.1, 0.5)


class LastLevel(NumpyMLPRegressor):
    """A network of several levels that shows the checks one of them, of the shape they know."""

    def predict(self, X):
        predicted = super().predict(X)
        assert predicted.shape == (len(predicted), 3)
        return predicted[:, 2]


def test_several_levels_pass_scikit_learns_checks_where_these_see_one_level():
    assert_passes(LastLevel(loss="quantile", quantile=LEVELS, **FASTER), {})


def test_several_levels_pass_all_of_scikit_learns_checks_but_those_of_the_shape():
    assert_passes(
        NumpyMLPRegressor(loss="quantile", quantile=LEVELS, **FASTER),
        dict.fromkeys(
            (
                "check_estimator_sparse_array",
                "check_estimator_sparse_matrix",
                "check_regressors_train",
            ),
            "It demands predictions of the shape of y.",
        ),
    )


# --- Tags -------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_tags_are_those_of_the_loss(loss):
    tags = get_tags(NumpyMLPRegressor(loss)).target_tags
    assert tags.positive_only == (loss in ("gamma", "poisson"))
    assert tags.multi_output == (loss not in ("gamma", "poisson"))
    assert tags.required
    assert tags.single_output
    assert get_tags(NumpyMLPRegressor(loss)).input_tags.sparse


def test_several_levels_are_of_one_target():
    assert not get_tags(NumpyMLPRegressor("quantile", quantile=LEVELS)).target_tags.multi_output


def test_a_loss_that_is_none_still_has_tags():
    assert get_tags(NumpyMLPRegressor((50,))).estimator_type == "regressor"


# --- What the expected failures are about -----------------------------------------------------


@pytest.fixture
def weighted_and_repeated():
    rng = np.random.RandomState(0)
    X, w = rng.normal(size=(20, 6)), rng.randint(1, 5, size=20)
    y = np.exp(X[:, 0])
    return (X, y, w), (X.repeat(w, axis=0), y.repeat(w))


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
@pytest.mark.parametrize("standardize", [False, True])
def test_early_stopping_on_given_rows_treats_weights_as_repeats(
    loss, standardize, weighted_and_repeated
):
    weighted, repeated = weighted_and_repeated
    X, y, _ = weighted
    models = [
        NumpyMLPRegressor(
            loss, early_stopping=True, standardize_target=standardize, max_iter=50, random_state=0
        ).fit(*rows, X_val=X[:9], y_val=y[:9])
        for rows in (weighted, repeated)
    ]
    assert models[0].n_iter_ == models[1].n_iter_
    assert_allclose(models[0].predict(X), models[1].predict(X), rtol=1e-7, atol=1e-9)


def test_averaging_treats_weights_as_repeats(weighted_and_repeated):
    weighted, repeated = weighted_and_repeated
    params = {"averaging": 0.9, "max_norm": 1.0, "max_grad_norm": 0.1}
    models = [
        NumpyMLPRegressor(max_iter=20, random_state=0, tol=0, **params).fit(*rows)
        for rows in (weighted, repeated)
    ]
    X = weighted[0]
    assert_allclose(models[0].predict(X), models[1].predict(X), rtol=1e-7)


def test_float32_treats_weights_as_repeats_up_to_rounding(weighted_and_repeated):
    weighted, repeated = weighted_and_repeated
    models = [
        NumpyMLPRegressor(dtype="float32", max_iter=20, random_state=0, tol=0).fit(*rows)
        for rows in (weighted, repeated)
    ]
    X = weighted[0]
    assert_allclose(models[0].predict(X), models[1].predict(X), rtol=1e-5, atol=1e-6)


def test_predictions_of_several_targets_are_float32_in_float32():
    X = np.random.RandomState(0).normal(size=(20, 3))
    model = NumpyMLPRegressor(dtype="float32", max_iter=3).fit(X, X)
    assert model.predict(X).dtype == np.float32
    assert model.predict(X).shape == (20, 3)
