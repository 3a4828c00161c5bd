"""What every estimator has: names of features, untouched parameters, threads that predict."""

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from networks import FRAME, X, assert_identical_model, small, y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_feature_names_are_kept_and_checked(method):
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    model = getattr(small(), method)(FRAME, y, **arguments)
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    assert model.n_features_in_ == 4
    assert_identical_model(model, getattr(small(), method)(X, y, **arguments))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(FRAME)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X)
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        model.predict(FRAME[["d", "c", "b", "a"]])


def test_no_feature_names_without_a_frame():
    model = small().fit(FRAME, y).fit(X, y)
    assert not hasattr(model, "feature_names_in_")
    with pytest.warns(UserWarning, match="X has feature names"):
        model.predict(FRAME)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_fitting_changes_no_parameter_of_the_constructor(method):
    params = {
        "hidden_layer_sizes": [5, 3],
        "class_weight": {0: 1, 1: 2, 2: 3},
        "random_state": 3,
        "n_iter_no_change": np.inf,
    }
    model = small(**params)
    given = model.get_params()
    frozen = pickle.dumps(given)
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    getattr(model, method)(X, y, **arguments)
    assert model.get_params().keys() == given.keys()
    assert all(model.get_params()[name] is value for name, value in given.items())
    assert pickle.dumps(given) == frozen


def test_threads_may_predict_on_one_model_at_once():
    model = small(hidden_layer_sizes=(30, 20)).fit(X, y)
    parts = [np.vstack([X + shift] * 5) for shift in np.linspace(-1, 1, 8)]
    expected = [model.predict_proba(part) for part in parts]

    def ask_often(part):
        return [model.predict_proba(part) for _ in range(30)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask_often, parts))
    for given, right in zip(answers, expected, strict=True):
        for proba in given:
            np.testing.assert_array_equal(proba, right)
