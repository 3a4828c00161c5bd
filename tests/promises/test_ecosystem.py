"""NumpyMLPClassifier among scikit-learn's tools, which must find in it all they ask for."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_blobs, make_multilabel_classification
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, fbeta_score, log_loss, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import estimator_html_repr
from sklearn.utils.metadata_routing import get_routing_for_object

from skmlp import NumpyMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = make_blobs(120, n_features=4, centers=3, cluster_std=2.5, random_state=1)
FOLDS = StratifiedKFold(3)
W = np.linspace(0, 2, 120)


def small(**params):
    defaults = {
        "hidden_layer_sizes": (8,),
        "solver": "lbfgs",
        "alpha": 0.1,
        "max_iter": 20,
        "random_state": 0,
    }
    return NumpyMLPClassifier(**defaults | params)


def scaled(**params):
    return Pipeline([("scale", StandardScaler()), ("mlp", small(**params))])


def assert_probabilities(proba, n_classes=3):
    assert proba.shape == (120, n_classes)
    assert (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def assert_identical_model(ours, theirs):
    for a, b in zip(
        [*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True
    ):
        np.testing.assert_array_equal(a, b)


# --- Model selection --------------------------------------------------------------------------


def test_grid_search_in_two_processes_finds_what_a_loop_finds():
    alphas = [0.01, 1000.0]
    search = GridSearchCV(
        scaled(), {"mlp__alpha": alphas, "mlp__hidden_layer_sizes": [(), (8,)]}, cv=FOLDS, n_jobs=2
    ).fit(X, y)
    for params, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        by_hand = [
            scaled().set_params(**params).fit(X[train], y[train]).score(X[test], y[test])
            for train, test in FOLDS.split(X, y)
        ]
        assert score == pytest.approx(np.mean(by_hand))
    assert search.best_params_["mlp__alpha"] == 0.01
    assert search.best_score_ > 0.85


def test_cross_val_predict_gives_each_row_the_probabilities_of_the_fold_it_is_not_in():
    proba = cross_val_predict(scaled(), X, y, cv=FOLDS, method="predict_proba")
    for train, test in FOLDS.split(X, y):
        model = scaled().fit(X[train], y[train])
        np.testing.assert_allclose(proba[test], model.predict_proba(X[test]), rtol=1e-12)
    assert_probabilities(proba)
    assert accuracy_score(y, proba.argmax(axis=1)) > 0.85


@pytest.mark.parametrize("method", ["decision_function", "predict_log_proba"])
def test_cross_val_predict_takes_the_other_methods(method):
    values = cross_val_predict(scaled(), X, y, cv=FOLDS, method=method)
    assert values.shape == (120, 3)
    assert accuracy_score(y, values.argmax(axis=1)) > 0.85


def test_learning_curve_rises_and_validation_curve_falls_with_too_much_penalty():
    _, _, by_size = learning_curve(
        scaled(), X, y, train_sizes=[6, 80], cv=FOLDS, shuffle=True, random_state=0
    )
    assert by_size[0].mean() < by_size[1].mean()
    _, by_alpha = validation_curve(
        scaled(), X, y, param_name="mlp__alpha", param_range=[0.1, 1e4], cv=FOLDS
    )
    assert by_alpha[0].mean() > by_alpha[1].mean() + 0.2


def test_learning_curve_goes_on_by_partial_fit():
    sizes, _, scores = learning_curve(
        small(solver="adam", learning_rate_init=0.05),
        *(X, y),
        train_sizes=[20, 50, 80],
        cv=FOLDS,
        exploit_incremental_learning=True,
    )
    assert sizes.tolist() == [20, 50, 80]
    assert np.isfinite(scores).all()


def test_permutation_importance_finds_the_one_feature_that_tells():
    rng = np.random.RandomState(0)
    noise = rng.normal(size=(120, 3))
    labels = noise[:, 1] > 0
    model = small().fit(noise, labels)
    importances = permutation_importance(model, noise, labels, n_repeats=3, random_state=0)
    assert importances.importances_mean.argmax() == 1
    assert importances.importances_mean[1] > 0.3
    assert np.abs(importances.importances_mean[[0, 2]]).max() < 0.1


def test_permutation_importance_of_a_pipeline_is_that_of_its_columns():
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(noise=np.sin(np.arange(120) ** 2))
    model = scaled().fit(frame, y)
    result = permutation_importance(
        model, frame, y, scoring="neg_log_loss", n_repeats=3, random_state=0
    )
    assert result.importances.shape == (5, 3)
    assert result.importances_mean.argmin() == 4
    assert result.importances_mean[:4].max() > 0.3


@pytest.mark.parametrize("labels", [y, y == 0], ids=["multiclass", "binary"])
def test_partial_dependence_of_a_pipeline_is_the_mean_probability_with_a_feature_set(labels):
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    model = scaled().fit(frame, labels)
    result = partial_dependence(model, frame, ["b"], grid_resolution=5, kind="average")
    (grid,) = result["grid_values"]
    means = [model.predict_proba(frame.assign(b=value)).mean(axis=0) for value in grid]
    expected = np.transpose(means) if len(model.classes_) > 2 else np.transpose(means)[1:]
    np.testing.assert_allclose(result["average"], expected, rtol=1e-12)
    assert np.ptp(result["average"]) > 0.1


def test_clone_has_the_parameters_and_nothing_else():
    model = scaled(class_weight="balanced", dtype="float32").fit(X, y)
    copy = clone(model)
    assert not hasattr(copy["mlp"], "coefs_")
    assert copy["mlp"].get_params() == model["mlp"].get_params()
    assert_identical_model(copy.fit(X, y)["mlp"], model["mlp"])


# --- Calibration and ensembles ----------------------------------------------------------------

# scikit-learn 1.8 brought "temperature"
CALIBRATIONS = {"sigmoid", "temperature"}.intersection(
    *(option.options for option in CalibratedClassifierCV._parameter_constraints["method"])
)


@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("method", sorted(CALIBRATIONS))
@pytest.mark.parametrize("labels", [y, y == 0], ids=["multiclass", "binary"])
def test_calibration_repairs_an_overconfident_model(labels, method, ensemble):
    noisy = np.where(np.random.RandomState(0).rand(120) < 0.25, labels[::-1], labels)
    certain = small(hidden_layer_sizes=(30,), alpha=0, max_iter=300)
    calibrated = CalibratedClassifierCV(certain, method=method, ensemble=ensemble, cv=FOLDS)
    proba = calibrated.fit(X[::2], noisy[::2]).predict_proba(X)
    assert_probabilities(proba, len(np.unique(labels)))
    raw = certain.fit(X[::2], noisy[::2]).predict_proba(X[1::2])
    assert log_loss(noisy[1::2], proba[1::2]) < log_loss(noisy[1::2], raw)


def test_bagging_averages_its_members():
    bagging = BaggingClassifier(scaled(), n_estimators=3, max_samples=0.5, random_state=0).fit(X, y)
    members = [member.predict_proba(X) for member in bagging.estimators_]
    proba = bagging.predict_proba(X)
    np.testing.assert_allclose(proba, np.mean(members, axis=0))
    assert_probabilities(proba)
    assert bagging.score(X, y) > 0.85


def test_adaboost_trains_on_its_weights():
    boosted = AdaBoostClassifier(small(max_iter=3), n_estimators=5, random_state=0).fit(X, y)
    assert_probabilities(boosted.predict_proba(X))
    assert boosted.score(X, y) > 0.8
    first, second = boosted.estimators_[:2]
    assert_identical_model(first, clone(first).fit(X, y, np.full(120, 1 / 120)))
    w = np.exp(boosted.estimator_weights_[0] * (first.predict(X) != y))
    by_hand = clone(second).fit(X, y, w / w.sum())
    np.testing.assert_allclose(second.coefs_[0], by_hand.coefs_[0], rtol=1e-6)


@pytest.mark.parametrize("weights", [None, [1, 3]])
def test_soft_voting_averages_the_probabilities(weights):
    members = [("mlp", scaled()), ("linear", LogisticRegression())]
    voting = VotingClassifier(members, voting="soft", weights=weights).fit(X, y)
    proba = voting.predict_proba(X)
    by_hand = [member.predict_proba(X) for member in voting.estimators_]
    np.testing.assert_allclose(proba, np.average(by_hand, axis=0, weights=weights))
    assert_probabilities(proba)
    assert voting.score(X, y) > 0.85


def test_stacking_uses_it_below_and_on_top():
    stack = StackingClassifier([("mlp", scaled()), ("other", LogisticRegression())], small(), cv=3)
    stack.fit(X, y)
    assert stack.stack_method_ == ["predict_proba", "predict_proba"]
    assert stack.final_estimator_.n_features_in_ == 6
    assert_probabilities(stack.predict_proba(X))
    assert stack.score(X, y) > 0.85


def test_one_versus_rest_is_one_binary_model_per_class():
    model = OneVsRestClassifier(small()).fit(X, y)
    for k, member in enumerate(model.estimators_):
        assert_identical_model(member, small().fit(X, (y == k).astype(int)))
    assert_probabilities(model.predict_proba(X))
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize("wrapper", [MultiOutputClassifier, ClassifierChain])
def test_several_columns_of_labels_are_one_model_each(wrapper):
    inputs, Y = make_multilabel_classification(120, n_features=5, n_classes=2, random_state=0)
    inputs = StandardScaler().fit_transform(inputs)
    model = wrapper(small()).fit(inputs, Y)
    assert_identical_model(model.estimators_[0], small().fit(inputs, Y[:, 0]))
    assert model.estimators_[1].n_features_in_ == (6 if wrapper is ClassifierChain else 5)
    majority = np.maximum(Y.mean(axis=0), 1 - Y.mean(axis=0))
    assert ((model.predict(inputs) == Y).mean(axis=0) > majority + 0.05).all()


def test_multioutput_goes_on_by_partial_fit():
    Y = np.column_stack([y, y == 0]).astype(int)
    classes = [np.array([0, 1, 2]), np.array([0, 1])]
    model = MultiOutputClassifier(small(solver="adam")).partial_fit(X, Y, classes=classes)
    model.partial_fit(X, Y)
    assert [len(member.loss_curve_) for member in model.estimators_] == [2, 2]


# --- Data frames ------------------------------------------------------------------------------


def test_column_transformer_brings_words_and_numbers_of_a_frame_together():
    rng = np.random.RandomState(0)
    frame = pd.DataFrame(
        {
            "colour": rng.choice(["red", "green", "blue"], 120),
            "size": pd.Categorical(rng.choice(["S", "L"], 120)),
            "weight": rng.normal(70, 10, 120),
        }
    )
    labels = np.where((frame["colour"] == "red") ^ (frame["weight"] > 70), "yes", "no")
    columns = ColumnTransformer(
        [
            ("words", OneHotEncoder(handle_unknown="ignore"), ["colour", "size"]),
            ("numbers", StandardScaler(), ["weight"]),
        ],
        sparse_threshold=1.0,
    )
    model = make_pipeline(columns, small(max_iter=100)).fit(frame, labels)
    assert sparse.issparse(columns.fit_transform(frame))
    assert model.n_features_in_ == 3
    assert model[-1].n_features_in_ == 6
    assert model.score(frame, labels) > 0.95
    unknown = frame.assign(colour="mauve")
    assert set(model.predict(unknown)) <= {"no", "yes"}


def test_set_output_hands_the_names_of_features_on():
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    pipeline = scaled().set_output(transform="pandas").fit(frame, y)
    assert pipeline["mlp"].feature_names_in_.tolist() == ["a", "b", "c", "d"]
    np.testing.assert_allclose(
        pipeline.predict_proba(frame), scaled().fit(X, y).predict_proba(X), rtol=1e-9
    )
    assert not hasattr(scaled().fit(frame, y)["mlp"], "feature_names_in_")


@pytest.mark.parametrize("fitted", [False, True])
def test_html_shows_the_changed_parameters_and_whether_it_is_fitted(fitted):
    model = small(alpha=0.125)
    if fitted:
        model.fit(X, y)
    html = estimator_html_repr(model)
    assert "NumpyMLPClassifier" in html
    assert "0.125" in html
    assert ("<span>Fitted</span>" in html, "<span>Not fitted</span>" in html) == (
        fitted,
        not fitted,
    )
    assert repr(model).startswith("NumpyMLPClassifier(alpha=0.125")
    with sklearn.config_context(display="text"):
        assert model._repr_mimebundle_().keys() == {"text/plain"}


# --- Metadata routing -------------------------------------------------------------------------


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


ALL_REQUESTED = {"sample_weight": True, "X_val": True, "y_val": True}


@pytest.mark.usefixtures("routing")
def test_every_argument_can_be_requested():
    model = small(solver="adam").set_fit_request(**ALL_REQUESTED)
    model.set_partial_fit_request(classes=True, sample_weight=True)
    model.set_score_request(sample_weight=True)
    requests = get_routing_for_object(model)
    everything = ["classes", "sample_weight", "X_val", "y_val"]
    assert requests.consumes("fit", everything) == {"sample_weight", "X_val", "y_val"}
    assert requests.consumes("partial_fit", everything) == {"sample_weight", "classes"}
    assert requests.consumes("score", everything) == {"sample_weight"}


@pytest.mark.usefixtures("routing")
def test_a_pipeline_hands_weights_and_validation_set_on():
    w = W[:90]
    params = {"solver": "adam", "early_stopping": True}
    model = small(**params).set_fit_request(**ALL_REQUESTED)
    pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
    pipeline.fit(X[:90], y[:90], sample_weight=w, X_val=X[90:], y_val=y[90:])
    by_hand = small(**params).fit(
        StandardScaler().fit_transform(X[:90]), y[:90], w, X_val=X[90:], y_val=y[90:]
    )
    assert_identical_model(pipeline[-1], by_hand)
    assert pipeline[-1].validation_loss_curve_ == by_hand.validation_loss_curve_


@pytest.mark.usefixtures("routing")
def test_a_pipeline_transforms_the_validation_set_with_its_own_scaler():
    params = {"solver": "adam", "early_stopping": True}
    model = small(**params).set_fit_request(X_val=True, y_val=True)
    shifted = 100 * X + 1000
    pipeline = Pipeline([("scale", StandardScaler()), ("mlp", model)], transform_input=["X_val"])
    pipeline.fit(shifted[:90], y[:90], X_val=shifted[90:], y_val=y[90:])
    scaler = StandardScaler().fit(shifted[:90])
    by_hand = small(**params).fit(
        scaler.transform(shifted[:90]), y[:90], X_val=scaler.transform(shifted[90:]), y_val=y[90:]
    )
    assert_identical_model(pipeline[-1], by_hand)
    assert pipeline[-1].validation_scores_ == by_hand.validation_scores_
    assert pipeline[-1].best_validation_score_ == pipeline.score(shifted[90:], y[90:])


@pytest.mark.usefixtures("routing")
def test_cross_validate_hands_each_fold_its_weights():
    model = small().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    results = cross_validate(
        *(model, X, y), cv=FOLDS, params={"sample_weight": W}, return_estimator=True
    )
    for (train, test), fitted, score in zip(
        FOLDS.split(X, y), results["estimator"], results["test_score"], strict=True
    ):
        assert_identical_model(fitted, small().fit(X[train], y[train], W[train]))
        assert score == fitted.score(X[test], y[test], W[test])


@pytest.mark.usefixtures("routing")
def test_grid_search_hands_weights_on():
    model = small().set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
    search = GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=FOLDS).fit(X, y, sample_weight=W)
    alpha = search.best_params_["alpha"]
    assert_identical_model(search.best_estimator_, small(alpha=alpha).fit(X, y, W))
    by_hand = [
        small(alpha=alpha).fit(X[train], y[train], W[train]).score(X[test], y[test])
        for train, test in FOLDS.split(X, y)
    ]
    assert search.best_score_ == pytest.approx(np.mean(by_hand))


@pytest.mark.usefixtures("routing")
def test_grid_search_hands_one_validation_set_to_every_fold():
    model = small(solver="adam").set_fit_request(X_val=True, y_val=True)
    X_val, y_val = X[:30], y[:30]
    search = GridSearchCV(model, {"alpha": [0.1]}, cv=FOLDS)
    search.fit(X[30:], y[30:], X_val=X_val, y_val=y_val)
    by_hand = small(solver="adam").fit(X[30:], y[30:], X_val=X_val, y_val=y_val)
    assert search.best_estimator_.validation_loss_curve_ == by_hand.validation_loss_curve_


@pytest.mark.usefixtures("routing")
def test_weights_that_nobody_asked_for_are_an_error():
    with pytest.raises(
        ValueError, match=r"\[sample_weight\] are passed but are not explicitly set"
    ):
        make_pipeline(StandardScaler(), small()).fit(X, y, sample_weight=W)


@pytest.mark.usefixtures("routing")
def test_classes_reach_partial_fit_through_a_meta_estimator():
    model = small(solver="adam").set_partial_fit_request(sample_weight=True)
    outputs = MultiOutputClassifier(model)
    outputs.partial_fit(X, y[:, np.newaxis], classes=[np.array([0, 1, 2, 3])], sample_weight=W)
    by_hand = small(solver="adam").partial_fit(X, y, W, classes=[0, 1, 2, 3])
    assert_identical_model(outputs.estimators_[0], by_hand)


# --- Regularised networks ---------------------------------------------------------------------

REGULARISED = {
    "solver": "adamw",
    "batch_norm": True,
    "noise": 0.1,
    "dropout": [0.1],
    "averaging": 0.9,
    "learning_rate": "cosine",
}


def test_a_grid_may_hold_sequences_names_and_none():
    grid = {
        "activation": ["relu", ["silu"]],
        "dropout": [0.0, [0.3]],
        "averaging": [None, 0.9],
        "scoring": ["loss", None],
    }
    estimator = small(solver="adam", max_iter=4, early_stopping=True)
    search = GridSearchCV(estimator, grid, cv=FOLDS).fit(X, y)
    assert len(search.cv_results_["params"]) == 16
    for params, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        by_hand = [
            clone(estimator).set_params(**params).fit(X[train], y[train]).score(X[test], y[test])
            for train, test in FOLDS.split(X, y)
        ]
        assert score == pytest.approx(np.mean(by_hand))


@pytest.mark.parametrize("ensemble", ["bagging", "voting"])
def test_ensembles_of_regularised_networks_are_reproducible_and_their_members_differ(ensemble):
    def fitted():
        if ensemble == "bagging":
            member = small(**REGULARISED, random_state=None)
            model = BaggingClassifier(member, 3, random_state=0, bootstrap=False)
        else:
            members = [(str(seed), small(**REGULARISED, random_state=seed)) for seed in range(3)]
            model = VotingClassifier(members, voting="soft")
        return model.fit(X, y)

    model, again = fitted(), fitted()
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))
    probas = [member.predict_proba(X) for member in model.estimators_]
    np.testing.assert_allclose(model.predict_proba(X), np.mean(probas, axis=0))
    assert not np.allclose(probas[0], probas[1])
    assert not np.allclose(probas[1], probas[2])


def test_a_scorer_made_by_scikit_learn_decides_early_stopping():
    scoring = make_scorer(fbeta_score, beta=2, average="macro")
    model = small(solver="adam", early_stopping=True, scoring=scoring, max_iter=30)
    model.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    assert scoring(model, X[80:], y[80:]) == model.best_validation_score_
    assert model.best_validation_score_ == max(model.validation_scores_)


@pytest.mark.filterwarnings("error::UserWarning")
def test_a_scorer_works_where_the_names_of_features_are_handed_on():
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    model = scaled(solver="adam", early_stopping=True, scoring="f1_macro", refit=True)
    model.set_output(transform="pandas").fit(frame, y).predict(frame)
    assert model[-1].feature_names_in_.tolist() == ["a", "b", "c", "d"]


@pytest.mark.usefixtures("routing")
def test_a_scorer_gets_the_weights_under_metadata_routing_too():
    weights = np.linspace(0.1, 3, 120)
    models = [
        small(solver="adam", early_stopping=True, scoring=scoring).fit(X, y, weights)
        for scoring in ("accuracy", None)
    ]
    np.testing.assert_allclose(*(model.validation_scores_ for model in models))
