"""NumpyMLPRegressor among scikit-learn's tools, which must find in it all they ask for."""

import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from networks import assert_identical_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import Ridge
from sklearn.metrics import d2_pinball_score, make_scorer, mean_pinball_loss
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr
from sklearn.utils.metadata_routing import get_routing_for_object

from skmlp import NumpyMLPRegressor
from skmlp._engine.losses.registry import REGRESSION_LOSSES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
X = RNG.normal(size=(120, 4))
Y = np.column_stack([X[:, 0] - X[:, 1], X[:, 2] ** 2]) + 0.2 * RNG.normal(size=(120, 2))
y = Y[:, 0]
W = np.linspace(0, 2, 120)
FOLDS = KFold(3, shuffle=True, random_state=0)
LEVELS = (0.9, 0.1, 0.5)


def small(loss="squared_error", **params):
    defaults = {
        "hidden_layer_sizes": (8,),
        "max_iter": 60,
        "learning_rate_init": 0.02,
        "standardize_target": True,
        "random_state": 0,
    }
    return NumpyMLPRegressor(loss, **defaults | params)


def scaled(*args, **params):
    return Pipeline([("scale", StandardScaler()), ("mlp", small(*args, **params))])


def values_of(loss):
    return np.exp(y) if loss in ("gamma", "poisson") else y


# --- Model selection --------------------------------------------------------------------------


def test_grid_search_in_two_threads_finds_what_a_loop_finds():
    grid = {"mlp__loss": ["huber", "squared_error"], "mlp__alpha": [0.01, 1000.0]}
    with joblib.parallel_backend("threading"):
        search = GridSearchCV(scaled(), grid, cv=FOLDS, n_jobs=2, scoring="r2").fit(X, y)
    by_hand = [
        cross_val_score(scaled(loss, alpha=alpha), X, y, cv=FOLDS, scoring="r2").mean()
        for alpha in grid["mlp__alpha"]
        for loss in grid["mlp__loss"]
    ]
    assert_allclose(search.cv_results_["mean_test_score"], by_hand, rtol=1e-12)
    assert search.best_params_["mlp__alpha"] == 0.01


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_cross_validation_takes_every_loss_and_ranks_it_by_its_score(loss):
    scores = [
        cross_val_score(scaled(loss, max_iter=n), X, values_of(loss), cv=FOLDS).mean()
        for n in (1, 60)
    ]
    assert scores[0] < scores[1] < 1


def test_cross_validation_takes_several_levels():
    model = scaled("quantile", quantile=LEVELS)
    assert cross_val_score(model, X, y, cv=FOLDS).mean() > 0.3
    assert cross_val_predict(model, X, y, cv=FOLDS).shape == (120, 3)
    of_one = scaled("quantile", quantile=0.9)
    scorer = make_scorer(d2_pinball_score, alpha=0.9)
    pinball = make_scorer(mean_pinball_loss, alpha=0.9, greater_is_better=False)
    for scoring in (scorer, pinball):
        assert np.isfinite(cross_val_score(of_one, X, y, cv=FOLDS, scoring=scoring)).all()


def test_importance_and_dependence_find_the_features_that_tell():
    model = scaled().fit(X, y)
    importance = permutation_importance(model, X, y, n_repeats=3, random_state=0).importances_mean
    assert set(np.argsort(importance)[-2:]) == {0, 1}
    dependence = partial_dependence(model, X, [0], grid_resolution=5)["average"][0]
    assert (np.diff(dependence) > 0).all()


@pytest.mark.parametrize("quantile", [0.5, LEVELS, [0.1], np.array([0.1, 0.9])], ids=str)
def test_clone_has_the_parameters_and_nothing_else(quantile):
    model = small("quantile", quantile=quantile).fit(X, y)
    copied = clone(model)
    assert not hasattr(copied, "coefs_")
    assert repr(copied.get_params()) == repr(model.get_params())
    assert_identical_model(copied.fit(X, y), model)


# --- Meta-estimators --------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, W + 0.1], ids=["unweighted", "weighted"])
@pytest.mark.parametrize(
    "make",
    [
        lambda model: BaggingRegressor(model, n_estimators=3, random_state=0),
        lambda model: AdaBoostRegressor(model, n_estimators=3, random_state=0),
        lambda model: VotingRegressor([("mlp", model), ("linear", Ridge())]),
        lambda model: StackingRegressor([("mlp", model), ("linear", Ridge())], cv=FOLDS),
        lambda model: TransformedTargetRegressor(model, transformer=StandardScaler()),
        lambda model: StackingRegressor([("linear", Ridge())], final_estimator=model, cv=FOLDS),
    ],
    ids=["bagging", "adaboost", "voting", "stacking", "transformed", "on top"],
)
def test_ensembles_train_and_weigh_it(make, weights):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        model = make(small()).fit(X, y, sample_weight=weights)
    assert model.predict(X).shape == (120,)
    assert model.score(X, y) > 0.5


def test_a_transformed_target_is_that_of_the_transformed_model():
    plain = small(standardize_target=False)
    wrapped = TransformedTargetRegressor(plain, transformer=StandardScaler()).fit(X, y)
    assert_allclose(wrapped.predict(X), small().fit(X, y).predict(X), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("wrapper", [MultiOutputRegressor, RegressorChain])
def test_one_model_per_target(wrapper):
    model = wrapper(small("quantile", quantile=0.9)).fit(X, Y, sample_weight=W)
    assert model.predict(X).shape == (120, 2)
    first = model.estimators_[0]
    assert_identical_model(first, small("quantile", quantile=0.9).fit(X, Y[:, 0], W))


def test_multioutput_continues_by_partial_fit():
    model = MultiOutputRegressor(small())
    for _ in range(2):
        model.partial_fit(X, Y, sample_weight=W)
    by_hand = small().partial_fit(X, Y[:, 1], W).partial_fit(X, Y[:, 1], W)
    assert_identical_model(model.estimators_[1], by_hand)


# --- Frames -----------------------------------------------------------------------------------


@pytest.mark.parametrize("targets", [y, Y], ids=["one", "two"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_frames_as_output_of_transformers_change_nothing(targets, early_stopping):
    frame = pd.DataFrame(X, columns=list("abcd"))
    plain = scaled(early_stopping=early_stopping).fit(X, targets).predict(X)
    y_frame = pd.DataFrame(targets, index=range(120, 0, -1)).squeeze(axis=1)
    with sklearn.config_context(transform_output="pandas"):
        model = scaled(early_stopping=early_stopping).fit(frame, y_frame)
        predicted = model.predict(frame)
    assert type(predicted) is np.ndarray
    assert_allclose(predicted, plain, rtol=1e-12, atol=1e-12)
    assert list(model[-1].feature_names_in_) == list("abcd")


def test_a_scorer_works_where_the_names_of_features_are_known():
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = small(early_stopping=True, scoring="neg_mean_absolute_error", max_iter=5)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "X (does not have|has) .*feature names")
        model.fit(frame, y)
    assert len(model.validation_scores_) == 5


def test_html_shows_the_changed_parameters():
    assert "huber" in estimator_html_repr(small("huber"))


# --- Metadata ---------------------------------------------------------------------------------


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_every_argument_can_be_requested():
    names = {"sample_weight": True, "X_val": True, "y_val": True, "sample_weight_val": True}
    model = small().set_fit_request(**names).set_partial_fit_request(sample_weight=True)
    requests = get_routing_for_object(model.set_score_request(sample_weight=True))
    assert requests.consumes("fit", list(names)) == set(names)
    assert requests.consumes("partial_fit", list(names)) == {"sample_weight"}
    assert requests.consumes("score", list(names)) == {"sample_weight"}


@pytest.mark.usefixtures("routing")
def test_a_pipeline_passes_weights_and_the_validation_set_on():
    model = small(early_stopping=True).set_fit_request(sample_weight=True, X_val=True, y_val=True)
    pipeline = Pipeline(
        [("scale", StandardScaler().set_fit_request(sample_weight=False)), ("mlp", model)],
        transform_input=["X_val"],
    )
    far = 1e4 + 1e3 * y
    pipeline.fit(X[:90], far[:90], sample_weight=W[:90], X_val=X[90:], y_val=far[90:])
    scaler = StandardScaler().fit(X[:90])
    by_hand = small(early_stopping=True).fit(
        scaler.transform(X[:90]), far[:90], W[:90], X_val=scaler.transform(X[90:]), y_val=far[90:]
    )
    assert_identical_model(pipeline[-1], by_hand)
    assert pipeline[-1].best_validation_score_ == pytest.approx(pipeline.score(X[90:], far[90:]))


@pytest.mark.usefixtures("routing")
def test_cross_validate_passes_each_fold_its_weights():
    model = small(max_iter=5).set_fit_request(sample_weight=True)
    model.set_score_request(sample_weight=True)
    scores = cross_validate(model, X, y, cv=FOLDS, params={"sample_weight": W})["test_score"]
    by_hand = [
        small(max_iter=5).fit(X[a], y[a], W[a]).score(X[b], y[b], W[b]) for a, b in FOLDS.split(X)
    ]
    assert_allclose(scores, by_hand, rtol=1e-12)


# --- Layouts of rows --------------------------------------------------------------------------


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_sparse_rows_train_the_model_of_dense_ones(loss):
    thin = X * (abs(X) > 0.7)
    dense = small(loss, max_iter=5).fit(thin, values_of(loss))
    for convert in (sparse.csr_matrix, sparse.csc_array):
        model = small(loss, max_iter=5).fit(convert(thin), values_of(loss))
        assert_allclose(model.predict(convert(thin)), dense.predict(thin), rtol=1e-8, atol=1e-10)


def test_the_order_of_memory_changes_nothing():
    dense = small().fit(X, Y)
    by_columns = small().fit(np.asfortranarray(X), np.asfortranarray(Y))
    assert_allclose(by_columns.predict(X), dense.predict(X), rtol=1e-9)


# --- Callbacks --------------------------------------------------------------------------------


class Recorder:
    """Keeps the models that it is told of; asks for a stop after three epochs."""

    def __init__(self):
        self.models = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "epoch":
            self.models.append(fitted_estimator)
        return context.task_name == "epoch" and context.task_id == 2


@pytest.mark.parametrize(
    "params",
    [{}, {"loss": "huber"}, {"loss": "quantile", "quantile": LEVELS}, {"loss": "poisson"}],
    ids=str,
)
def test_callbacks_get_the_model_of_each_epoch_and_may_stop_training(params):
    pytest.importorskip("sklearn.callback")
    recorder, values = Recorder(), values_of(params.get("loss"))
    model = small(**params).set_callbacks(recorder).fit(X, values)
    assert model.n_iter_ == len(recorder.models) == 3
    assert_array_equal(recorder.models[-1].predict(X), model.predict(X))
    assert recorder.models[0].score(X, values) < model.score(X, values)


def test_a_pipeline_of_several_levels_is_called_as_any_other():
    model = make_pipeline(StandardScaler(), small("quantile", quantile=LEVELS)).fit(X, y)
    assert model.predict(X).shape == (120, 3)
    assert model.score(X, y) > 0.3
