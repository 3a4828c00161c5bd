import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from skmlp import HiddenLayerTransformer, NumpyMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = make_blobs(120, n_features=4, centers=3, cluster_std=2.5, random_state=1)
W = np.linspace(0, 2, 120)
NAMES = [f"hiddenlayertransformer{i}" for i in range(3)]


def network(**parameters):
    defaults = {"hidden_layer_sizes": (6, 3), "max_iter": 10, "random_state": 0}
    return NumpyMLPClassifier(**defaults | parameters)


def assert_same_weights(model, other):
    assert all(map(np.array_equal, model.coefs_, other.coefs_))
    assert all(map(np.array_equal, model.intercepts_, other.intercepts_))


@pytest.mark.parametrize(
    "parameters", [{}, {"solver": "lbfgs"}, {"dtype": "float32"}], ids=["adam", "lbfgs", "float32"]
)
def test_scikit_learns_checks(parameters):
    # seeded: the checks set a seed in the transformer, not in what it wraps, and fit twice
    transformer = HiddenLayerTransformer(network(**parameters))
    expected_failures = {}
    if "dtype" in parameters:
        expected_failures["check_transformer_preserve_dtypes"] = "The user has asked for float32."
    results = check_estimator(
        transformer, expected_failed_checks=expected_failures, on_fail=None, on_skip=None
    )

    def names(status):
        return {result["check_name"] for result in results if result["status"] == status}

    assert not [result for result in results if result["status"] == "failed"]
    assert names("xfail") == set(expected_failures)
    assert not names("passed") & set(expected_failures)
    assert names("skipped") <= {"check_array_api_input"}  # runs only where SCIPY_ARRAY_API is set
    assert "check_transformer_general" in names("passed")


@pytest.mark.parametrize("layer", [-2, -1, 0, 1])
def test_it_trains_a_clone_and_returns_its_activations(layer):
    wrapped = network()
    hidden = HiddenLayerTransformer(wrapped, layer=layer)
    expected = network().fit(X, y).hidden_activations(X, layer)
    np.testing.assert_array_equal(hidden.fit_transform(X, y), expected)
    assert not hasattr(wrapped, "coefs_")
    assert hidden.get_feature_names_out().shape == expected.shape[1:]


def test_the_layer_can_be_changed_after_fit():
    hidden = HiddenLayerTransformer(network()).fit(X, y)
    assert hidden.transform(X).shape == (120, 3)
    assert hidden.set_params(layer=0).transform(X).shape == (120, 6)
    assert len(hidden.get_feature_names_out()) == 6
    with pytest.raises(ValueError, match="layer=2 is no hidden layer"):
        hidden.set_params(layer=2).transform(X)


def test_a_frozen_network_stays_as_it_is_and_needs_no_labels():
    model = network().fit(X, y)
    before = clone(model).fit(X, y)
    hidden = HiddenLayerTransformer(FrozenEstimator(model))
    other_rows = X[:50] + 1
    np.testing.assert_array_equal(hidden.fit(other_rows).transform(X), before.hidden_activations(X))
    assert_same_weights(model, before)
    assert hidden.fit(other_rows, y[:50], sample_weight=W[:50]).n_features_in_ == 4
    np.testing.assert_array_equal(clone(hidden).fit(X).transform(X), hidden.transform(X))


def test_a_frozen_network_must_be_fitted():
    with pytest.raises(NotFittedError, match="NumpyMLPClassifier"):
        HiddenLayerTransformer(FrozenEstimator(network())).fit(X)


def test_another_model_learns_from_the_hidden_layer_in_a_pipeline():
    model = Pipeline(
        [
            ("scale", StandardScaler()),
            ("hidden", HiddenLayerTransformer(network(max_iter=200, learning_rate_init=0.01))),
            ("neighbours", KNeighborsClassifier()),
        ]
    ).fit(X[:80], y[:80])
    rows = model["scale"].transform(X)
    a = model["hidden"].estimator_.hidden_activations(rows)
    by_hand = KNeighborsClassifier().fit(a[:80], y[:80])
    np.testing.assert_array_equal(model.predict(X), by_hand.predict(a))
    assert model.score(X[80:], y[80:]) > 0.85


def test_a_grid_holds_the_layer_and_the_networks_own_parameters():
    model = Pipeline(
        [("hidden", HiddenLayerTransformer(network())), ("linear", LogisticRegression())]
    )
    grid = {"hidden__layer": [0, -1], "hidden__estimator__activation": ["relu", "tanh"]}
    folds = StratifiedKFold(3)
    search = GridSearchCV(model, grid, cv=folds).fit(X, y)
    results = search.cv_results_
    assert len(results["params"]) == 4
    for parameters, score in zip(results["params"], results["mean_test_score"], strict=True):
        layer = parameters["hidden__layer"]
        activation = parameters["hidden__estimator__activation"]
        scores = []
        for train, test in folds.split(X, y):
            fitted = network(activation=activation).fit(X[train], y[train])
            a = fitted.hidden_activations(X, layer)
            scores.append(LogisticRegression().fit(a[train], y[train]).score(a[test], y[test]))
        assert score == pytest.approx(np.mean(scores))


def test_data_frames_go_in_and_come_out_with_names():
    frame = pd.DataFrame(X, columns=list("abcd"), index=range(7, 127))
    hidden = HiddenLayerTransformer(network()).set_output(transform="pandas")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "X (has|does not have)")
        result = hidden.fit(frame, y).transform(frame)
    assert result.columns.tolist() == hidden.get_feature_names_out().tolist() == NAMES
    assert result.index.equals(frame.index)
    assert hidden.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(result, network().fit(X, y).hidden_activations(X))
    assert not hasattr(hidden.fit(X, y), "feature_names_in_")


def test_sparse_rows_and_float32_are_taken_as_the_network_takes_them():
    X32 = X.astype(np.float32)
    hidden = HiddenLayerTransformer(network()).fit(sparse.csr_matrix(X32), y)
    result = hidden.transform(sparse.csr_matrix(X32))
    assert (type(result), result.dtype) == (np.ndarray, np.float32)
    np.testing.assert_allclose(result, hidden.transform(X32), rtol=1e-4, atol=1e-6)


def test_arguments_of_fit_reach_the_network():
    hidden = HiddenLayerTransformer(network())
    hidden.fit(X, y, sample_weight=W, X_val=X[:30], y_val=y[:30])
    by_hand = network().fit(X, y, W, X_val=X[:30], y_val=y[:30])
    assert_same_weights(hidden.estimator_, by_hand)
    assert hidden.estimator_.validation_loss_curve_ == by_hand.validation_loss_curve_
    pipeline = Pipeline([("hidden", hidden), ("linear", LogisticRegression())])
    pipeline.fit(X, y, hidden__sample_weight=W)
    assert_same_weights(pipeline["hidden"].estimator_, network().fit(X, y, W))


def test_routed_arguments_reach_the_network_that_requests_them():
    with sklearn.config_context(enable_metadata_routing=True):
        hidden = HiddenLayerTransformer(network().set_fit_request(sample_weight=True))
        last = LogisticRegression().set_fit_request(sample_weight=False)
        pipeline = Pipeline([("hidden", hidden), ("linear", last)])
        pipeline.fit(X, y, sample_weight=W)
        assert_same_weights(pipeline["hidden"].estimator_, network().fit(X, y, W))
        with pytest.raises(ValueError, match="sample_weight"):
            HiddenLayerTransformer(network()).fit(X, y, sample_weight=W)


@pytest.mark.skipif(
    not hasattr(NumpyMLPClassifier, "set_callbacks"), reason="callbacks came with scikit-learn 1.9"
)
def test_callbacks_of_the_network_are_told_of_its_epochs():
    epochs = []

    class Noting:
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context, **about):
            pass

        def on_fit_task_end(self, estimator, context, **about):
            epochs.append(context.task_name == "epoch")
            return len(epochs) == 4

    hidden = HiddenLayerTransformer(network().set_callbacks(Noting())).fit(X, y)
    assert sum(epochs) == hidden.estimator_.n_iter_ == 4


def test_copies_transform_the_same():
    hidden = HiddenLayerTransformer(network(), layer=0).fit(X, y)
    loaded = pickle.loads(pickle.dumps(hidden))
    np.testing.assert_array_equal(loaded.transform(X), hidden.transform(X))
    copy = clone(hidden)
    assert not hasattr(copy, "estimator_")
    np.testing.assert_array_equal(copy.fit(X, y).transform(X), hidden.transform(X))


@pytest.mark.parametrize(
    ("hidden_layer_sizes", "layer"), [((6, 3), 2), ((6, 3), -3), (5, 1), ((), -1), ((), 0)]
)
def test_a_layer_that_is_not_there_is_named_before_training(hidden_layer_sizes, layer, monkeypatch):
    def trained(*args, **kwargs):
        raise AssertionError("It trained first.")

    monkeypatch.setattr(NumpyMLPClassifier, "fit", trained)
    hidden = HiddenLayerTransformer(network(hidden_layer_sizes=hidden_layer_sizes), layer=layer)
    n_hidden = np.size(hidden_layer_sizes)
    with pytest.raises(ValueError, match=f"layer={layer} is no hidden layer .* has {n_hidden}:"):
        hidden.fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"estimator": LogisticRegression()}, "hidden_activations.*Got LogisticRegression"),
        ({"estimator": None}, "hidden_activations.*Got None"),
        ({"estimator": network(), "layer": 0.5}, "layer.*Got 0.5"),
        ({"estimator": network(), "layer": "last"}, "layer.*Got 'last'"),
    ],
)
def test_bad_parameters_are_named(parameters, named):
    with pytest.raises(ValueError, match=named):
        HiddenLayerTransformer(**parameters).fit(X, y)


def test_missing_labels_are_an_error():
    with pytest.raises(ValueError, match="requires y to be passed"):
        HiddenLayerTransformer(network()).fit(X)


def test_a_fit_that_fails_leaves_the_earlier_one():
    hidden = HiddenLayerTransformer(network()).fit(X, y)
    before = hidden.transform(X)
    with pytest.raises(ValueError, match="NaN"):
        hidden.fit(np.full_like(X, np.nan), y)
    np.testing.assert_array_equal(hidden.transform(X), before)


@pytest.mark.parametrize("ask", ["transform", "get_feature_names_out"])
def test_before_fit_it_says_so(ask):
    hidden = HiddenLayerTransformer(network())
    arguments = [X] if ask == "transform" else []
    with pytest.raises(NotFittedError, match="HiddenLayerTransformer"):
        getattr(hidden, ask)(*arguments)
    assert not hasattr(hidden, "n_features_in_")
