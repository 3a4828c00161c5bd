import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose
from sklearn.datasets import make_blobs
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import check_class_weight_classifiers, check_estimator
from sklearn.utils.fixes import parse_version
from slow_cases import slow_but_for

from skmlp import NumpyMLPClassifier

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

# Each setting with the checks that cannot pass under it, and why; tested below where not plain.
SETTINGS = {
    "default": ({}, {}),
    "sgd": ({"solver": "sgd"}, {}),
    "lbfgs": ({"solver": "lbfgs"}, {}),
    "early_stopping": (
        {"early_stopping": True},
        dict.fromkeys(
            WEIGHTS_AS_REPEATS,
            "The validation split draws rows: it cannot treat a row of weight 2 as two rows.",
        )
        | {
            "check_class_weight_classifiers": "Rows of weight 1e-4 beside 1e3 cannot move the "
            "weighted validation accuracy, which is perfect before the check's bound is reached."
        },
    ),
    "batch_size": (
        {"batch_size": 8, "max_iter": 20},
        dict.fromkeys(
            WEIGHTS_AS_REPEATS, "Repeated rows make more batches, and others, than weighted rows."
        ),
    ),
    "tanh": (
        {"activation": "tanh"},
        {
            "check_class_weight_classifiers": "At the default tol training stops when 0.86 of the "
            "test rows are of the heavy class; the check wants more than 0.87."
        },
    ),
    "class_weight": (
        {"class_weight": "balanced"},
        dict.fromkeys(
            (
                "check_estimators_partial_fit_n_features",
                "check_fit_score_takes_y",
                "check_n_features_in_after_fitting",
            ),
            "It calls partial_fit, which refuses class_weight='balanced' for want of all labels.",
        ),
    ),
    "regularised": (
        {
            "solver": "adamw",
            "learning_rate": "one_cycle",
            "learning_rate_init": 0.01,
            "max_iter": 50,
            "batch_norm": True,
            "noise": 0.1,
            "dropout": 0.1,
            "averaging": 0.9,
            "label_smoothing": 0.1,
        },
        dict.fromkeys(
            WEIGHTS_AS_REPEATS,
            "Each row has noise of its own, and a batch is normalised over its rows, not weights.",
        ),
    ),
    "float32": (
        {"dtype": "float32"},
        dict.fromkeys(
            WEIGHTS_AS_REPEATS,
            "It compares to 1e-7, and one operation in float32 rounds to 6e-8.",
        ),
    ),
}


@pytest.mark.parametrize(
    ("params", "expected_failures"),
    slow_but_for(("default", "lbfgs", "early_stopping", "batch_size"), SETTINGS),
)
def test_scikit_learns_checks(params, expected_failures):
    results = check_estimator(
        NumpyMLPClassifier(**params),
        expected_failed_checks=expected_failures,
        on_fail=None,
        on_skip=None,
    )

    def names(status):
        return {result["check_name"] for result in results if result["status"] == status}

    assert not [result for result in results if result["status"] == "failed"]
    assert names("xfail") == set(expected_failures)
    assert not names("passed") & set(expected_failures)
    assert names("skipped") <= MAY_BE_SKIPPED


@pytest.fixture
def weighted_and_repeated():
    rng = np.random.RandomState(0)
    X, y, w = rng.normal(size=(20, 6)), np.arange(20) % 3, rng.randint(1, 5, size=20)
    return (X, y, w), (X.repeat(w, axis=0), y.repeat(w))


def test_early_stopping_on_given_rows_treats_weights_as_repeats(weighted_and_repeated):
    weighted, repeated = weighted_and_repeated
    X, y, _ = weighted
    models = [
        NumpyMLPClassifier(early_stopping=True, random_state=0).fit(*rows, X_val=X[:9], y_val=y[:9])
        for rows in (weighted, repeated)
    ]
    assert models[0].n_iter_ < 200
    assert models[0].n_iter_ == models[1].n_iter_
    assert_allclose(models[0].predict_proba(X), models[1].predict_proba(X), rtol=1e-7)


def test_averaging_and_label_smoothing_treat_weights_as_repeats(weighted_and_repeated):
    weighted, repeated = weighted_and_repeated
    params = {"averaging": 0.9, "label_smoothing": 0.1, "max_norm": 1.0, "max_grad_norm": 0.1}
    models = [
        NumpyMLPClassifier(max_iter=20, random_state=0, tol=0, **params).fit(*rows)
        for rows in (weighted, repeated)
    ]
    X = weighted[0]
    assert_allclose(models[0].predict_proba(X), models[1].predict_proba(X), rtol=1e-7)


def test_float32_treats_weights_as_repeats_up_to_rounding(weighted_and_repeated):
    weighted, repeated = weighted_and_repeated
    models = [
        NumpyMLPClassifier(dtype="float32", max_iter=20, random_state=0, tol=0).fit(*rows)
        for rows in (weighted, repeated)
    ]
    X = weighted[0]
    assert_allclose(models[0].predict_proba(X), models[1].predict_proba(X), rtol=1e-5)


def test_tanh_heeds_class_weights_when_trained_to_a_smaller_tol():
    model = NumpyMLPClassifier(activation="tanh", tol=1e-6)
    check_class_weight_classifiers("NumpyMLPClassifier", model)


def test_validation_accuracy_is_soon_perfect_where_other_classes_weigh_next_to_nothing():
    X, y = make_blobs(centers=3, random_state=0, cluster_std=20)
    X, _, y, _ = train_test_split(X, y, test_size=0.5, random_state=0)
    model = NumpyMLPClassifier(
        early_stopping=True,
        class_weight={0: 1000, 1: 1e-4, 2: 1e-4},
        n_iter_no_change=20,
        random_state=0,
    ).fit(X, y)
    assert model.n_iter_ < 200
    assert model.best_validation_score_ > 1 - 1e-6
    assert np.mean(model.predict(X) == 0) < 0.87


def test_probabilities_too_small_for_the_precision_are_still_in_order():
    X = np.array([[0.0], [1.0], [2.0]]).repeat(10, axis=0)
    y = np.arange(3).repeat(10)
    model = NumpyMLPClassifier((), solver="lbfgs", random_state=0).fit(X, y)
    far = np.array([[1e4]])
    z, proba, log_proba = (
        getattr(model, method)(far)[0]
        for method in ("decision_function", "predict_proba", "predict_log_proba")
    )
    assert np.diff(np.sort(z)).min() > 708
    assert 0 < np.sort(proba)[0] < np.sort(proba)[1] < np.finfo(float).tiny
    assert list(np.argsort(log_proba)) == list(np.argsort(proba)) == list(np.argsort(z))
