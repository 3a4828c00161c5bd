"""Same parameters, same data, same seed: the same model as scikit-learn's MLPRegressor."""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.metrics import r2_score
from sklearn.neural_network import MLPRegressor

from skmlp import NumpyMLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ACTIVATIONS = ["identity", "logistic", "relu", "tanh"]
SOLVERS = {
    "adam": {"solver": "adam", "learning_rate_init": 0.003},
    "sgd-constant": {"solver": "sgd", "learning_rate": "constant", "learning_rate_init": 0.01},
    "sgd-invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.02},
    "sgd-adaptive": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.01},
    "lbfgs": {"solver": "lbfgs"},
}
STOCHASTIC = [solver for solver in SOLVERS if solver != "lbfgs"]
# since scikit-learn 1.7
HAS_LOSS = "loss" in inspect.signature(MLPRegressor).parameters
WEIGHTS_IN_FIT = "sample_weight" in inspect.signature(MLPRegressor.fit).parameters
LOSSES = ["squared_error", "poisson"] if HAS_LOSS else ["squared_error"]

RNG = np.random.RandomState(0)
X = RNG.normal(size=(120, 6))
SIGNAL = np.column_stack([X[:, 0] - X[:, 1], np.sin(2 * X[:, 2])])
TARGETS = {
    "squared_error": SIGNAL + 0.3 * RNG.normal(size=SIGNAL.shape),
    "poisson": RNG.poisson(np.exp(SIGNAL / 2)).astype(float),
}
WEIGHTS = RNG.uniform(0.1, 5, len(X))
by_loss = pytest.mark.parametrize("loss", LOSSES)
by_outputs = pytest.mark.parametrize("n_outputs", [1, 2])


def targets(loss, n_outputs):
    return TARGETS[loss] if n_outputs == 2 else TARGETS[loss][:, 0]


def rows(layout):
    return X if layout == "dense" else sparse.csr_matrix(X * (abs(X) > 0.5))


def both(**params):
    """Return their model and ours; their `loss` is left out where there is none."""
    theirs = {name: value for name, value in params.items() if name != "loss" or HAS_LOSS}
    return MLPRegressor(**theirs), NumpyMLPRegressor(**params)


def fit_both(X, y, sample_weight=None, **params):
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    return [model.fit(X, y, **weights) for model in both(**params)]


def assert_close_to_largest_entry(ours, theirs, tolerance):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    assert_allclose(ours, theirs, rtol=0, atol=tolerance * abs(theirs).max())


def assert_same_model(theirs, ours, X, tolerance=1e-8):
    for name in ("coefs_", "intercepts_"):
        for theirs_l, ours_l in zip(getattr(theirs, name), getattr(ours, name), strict=True):
            assert_close_to_largest_entry(ours_l, theirs_l, tolerance)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=tolerance)
    if ours.solver != "lbfgs":
        assert_close_to_largest_entry(ours.loss_curve_, theirs.loss_curve_, tolerance)
        if ours.early_stopping:
            assert ours.best_loss_ is theirs.best_loss_ is None
            assert_close_to_largest_entry(
                ours.validation_scores_, theirs.validation_scores_, tolerance
            )
            assert ours.best_validation_score_ == pytest.approx(
                theirs.best_validation_score_, rel=tolerance
            )
        else:
            assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=tolerance)
            assert ours.validation_scores_ is theirs.validation_scores_ is None
            assert ours.best_validation_score_ is theirs.best_validation_score_ is None
    assert_close_to_largest_entry(ours.predict(X), theirs.predict(X), tolerance)


def tolerance_of(solver):
    return 1e-5 if solver == "lbfgs" else 1e-8


# --- Activation, solver, schedule, outputs, layout, early stopping, weights -------------------


@by_loss
@by_outputs
@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_same_seed_gives_the_same_model(activation, solver, layout, n_outputs, loss):
    theirs, ours = fit_both(
        rows(layout),
        targets(loss, n_outputs),
        loss=loss,
        hidden_layer_sizes=(12, 8),
        activation=activation,
        batch_size=50,
        max_iter=7,
        random_state=3,
        **SOLVERS[solver],
    )
    assert ours.n_iter_ >= 5
    assert_same_model(theirs, ours, rows(layout), tolerance_of(solver))


@by_loss
@by_outputs
@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_same_seed_gives_the_same_early_stopped_model(activation, solver, layout, n_outputs, loss):
    theirs, ours = fit_both(
        rows(layout),
        targets(loss, n_outputs),
        loss=loss,
        hidden_layer_sizes=(12,),
        activation=activation,
        batch_size=50,
        max_iter=8,
        n_iter_no_change=4,
        early_stopping=True,
        validation_fraction=0.2,
        random_state=4,
        **SOLVERS[solver],
    )
    assert ours.n_iter_ >= 5
    assert_same_model(theirs, ours, rows(layout), tolerance_of(solver))


if WEIGHTS_IN_FIT:

    @by_loss
    @by_outputs
    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize("alpha", [0, 3.0])
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_sample_weight_in_full_batches_is_the_same(
        solver, alpha, early_stopping, n_outputs, loss
    ):
        theirs, ours = fit_both(
            X,
            targets(loss, n_outputs),
            sample_weight=WEIGHTS,
            loss=loss,
            hidden_layer_sizes=(12,),
            alpha=alpha,
            batch_size=96 if early_stopping and solver != "lbfgs" else 120,
            validation_fraction=0.2,
            early_stopping=early_stopping,
            max_iter=7,
            random_state=0,
            **SOLVERS[solver],
        )
        assert_same_model(theirs, ours, X, tolerance_of(solver))


@by_loss
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"solver": "sgd", "momentum": 0},
        {"solver": "sgd", "nesterovs_momentum": False},
        {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.1},
        {"solver": "sgd", "shuffle": False},
        {"shuffle": False},
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.01},
        {"batch_size": "auto"},
        {"batch_size": 1, "max_iter": 5},
        {"alpha": 0},
        {"alpha": 10.0},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": 7},
        {"hidden_layer_sizes": [5, 6, 7]},
        {"solver": "lbfgs", "max_fun": 9},
        {"solver": "lbfgs", "alpha": 1.0, "hidden_layer_sizes": (), "max_iter": 500},
    ],
    ids=str,
)
def test_same_seed_gives_the_same_model_with(params, loss):
    defaults = {
        "hidden_layer_sizes": (12,),
        "max_iter": 7,
        "batch_size": 50,
        "random_state": 5,
    }
    theirs, ours = fit_both(X, targets(loss, 1), loss=loss, **(defaults | params))
    assert 5 <= ours.n_iter_ < 500
    assert_same_model(theirs, ours, X, tolerance_of(params.get("solver")))


@by_loss
def test_the_defaults_give_the_same_model(loss):
    theirs, ours = fit_both(X, targets(loss, 1), loss=loss, random_state=0)
    assert ours.n_iter_ > 100
    assert_same_model(theirs, ours, X)


# --- When training ends -----------------------------------------------------------------------


@by_loss
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["adam", "sgd-constant", "sgd-adaptive"])
def test_training_stops_in_the_same_epoch(solver, early_stopping, loss):
    theirs, ours = fit_both(
        X,
        targets(loss, 1),
        loss=loss,
        hidden_layer_sizes=(12,),
        tol=0.02,
        n_iter_no_change=3,
        early_stopping=early_stopping,
        max_iter=300,
        random_state=0,
        **SOLVERS[solver],
    )
    assert 5 <= ours.n_iter_ < 300
    assert_same_model(theirs, ours, X)


@by_loss
def test_early_stopping_goes_by_the_r2_of_both_losses(loss):
    y = targets(loss, 2)
    validation = {"X_val": X[80:], "y_val": y[80:], "sample_weight_val": WEIGHTS[80:]}
    ours = NumpyMLPRegressor(loss, early_stopping=True, max_iter=6, random_state=0)
    ours.fit(X[:80], y[:80], **validation)
    assert ours.best_validation_score_ == pytest.approx(
        r2_score(y[80:], ours.predict(X[80:]), sample_weight=WEIGHTS[80:]), rel=1e-12
    )
    assert ours.best_validation_score_ == max(ours.validation_scores_)


@pytest.mark.parametrize("level", [1.0, 0.0])
def test_the_score_of_constant_validation_rows_is_finite(level):
    y = np.full(40, level)
    theirs, ours = fit_both(
        X[:40], y, early_stopping=True, max_iter=6, hidden_layer_sizes=(5,), random_state=0
    )
    assert set(ours.validation_scores_) <= {0.0, 1.0}
    assert_same_model(theirs, ours, X)


def test_a_validation_set_needs_two_rows():
    with pytest.raises(ValueError, match="validation set is too small"):
        NumpyMLPRegressor(early_stopping=True).fit(X[:2], X[:2, 0])


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_training_that_has_not_converged_is_warned_of_by_both(solver):
    for model in both(solver=solver, max_iter=2):
        with pytest.warns(ConvergenceWarning):
            model.fit(X, X[:, 0])


# --- Going on ---------------------------------------------------------------------------------


@by_loss
@by_outputs
@pytest.mark.parametrize("solver", SOLVERS)
def test_warm_start_continues_as_there(solver, n_outputs, loss):
    y = targets(loss, n_outputs)
    theirs, ours = both(
        loss=loss,
        hidden_layer_sizes=(12,),
        batch_size=50,
        max_iter=5,
        warm_start=True,
        random_state=1,
        **SOLVERS[solver],
    )
    for model in (theirs, ours):
        model.fit(X, y).fit(X, y)
    if solver != "lbfgs":
        assert len(ours.loss_curve_) == 10
    assert_same_model(theirs, ours, X, tolerance_of(solver))


@by_loss
@by_outputs
@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("seed", [2, None], ids=["int", "generator"])
def test_partial_fit_is_the_same(solver, n_outputs, loss, seed):
    y = targets(loss, n_outputs)
    # the fourth epoch without a fall of 1.0 divides an adaptive rate
    params = {"loss": loss, "batch_size": 50, "tol": 1.0, "n_iter_no_change": 3}
    models = both(hidden_layer_sizes=(12,), **params, **SOLVERS[solver])
    # with a generator many calls are the same, with a number the first (Difference 4)
    starts = [0, 20, 40, 0, 20, 40, 0] if seed is None else [0]
    for model in models:
        model.set_params(random_state=np.random.RandomState(2) if seed is None else seed)
        for start in starts:
            model.partial_fit(X[start : start + 80], y[start : start + 80])
    assert_same_model(*models, X)


def test_best_weights_and_last_loss_after_early_stopping():
    theirs, ours = fit_both(
        X,
        RNG.normal(size=120),
        early_stopping=True,
        learning_rate_init=0.02,
        max_iter=50,
        random_state=0,
    )
    assert ours.best_epoch_ < ours.n_iter_ < 50
    assert ours.loss_ == ours.loss_curve_[-1]
    assert_same_model(theirs, ours, X)


# --- The losses -------------------------------------------------------------------------------


@by_loss
@by_outputs
def test_the_loss_is_that_of_predictions(loss, n_outputs):
    y = targets(loss, n_outputs)
    frozen = {"solver": "sgd", "learning_rate_init": 1e-300, "max_iter": 1, "alpha": 0.0}
    ours = NumpyMLPRegressor(loss, random_state=0, **frozen).fit(X, y)
    a = ours.predict(X)
    if loss == "squared_error":
        # the mean over outputs
        expected = 0.5 * np.mean((a - y) ** 2)
    else:
        terms = a - y - y * np.log(np.where(y > 0, a / np.where(y > 0, y, 1), 1))
        expected = terms.sum() / len(y)
    assert ours.loss_ == pytest.approx(expected, rel=1e-12)


def test_poissons_loss_is_0_where_predictions_are_right():
    frozen = {"solver": "sgd", "learning_rate_init": 1e-300, "max_iter": 1, "alpha": 0.0}
    ours = NumpyMLPRegressor("poisson", hidden_layer_sizes=(), random_state=0, **frozen)
    exact = ours.fit(X, np.ones(120)).predict(X)
    assert ours.fit(X, exact).loss_ == pytest.approx(0, abs=1e-15)


@pytest.mark.skipif(not HAS_LOSS, reason="MLPRegressor has no loss yet")
@pytest.mark.parametrize("y", [np.zeros(120), RNG.uniform(0, 0.9, 120)], ids=["zeros", "fractions"])
def test_poisson_takes_zeros_and_fractions_as_there(y):
    theirs, ours = fit_both(X, y, loss="poisson", max_iter=6, random_state=0)
    assert_same_model(theirs, ours, X)


# --- Weights ----------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [np.ones(120), 1.0, 3], ids=["ones", "one", "three"])
def test_equal_weights_are_none(weight):
    params = {"max_iter": 5, "random_state": 0, "alpha": 0.0, "batch_size": 50}
    ours, weighted = (
        NumpyMLPRegressor(**params).fit(X, X[:, 0], sample_weight=w) for w in (None, weight)
    )
    for own, other in zip(ours.coefs_, weighted.coefs_, strict=True):
        assert_array_equal(own, other)


@pytest.mark.parametrize("standardize", [False, True])
def test_weights_that_are_all_0_are_refused_as_in_scikit_learn_1_9(standardize):
    with pytest.raises(ValueError, match=r"must contain at least one non-zero number"):
        NumpyMLPRegressor(standardize_target=standardize).fit(X, X[:, 0], np.zeros(120))


# --- float32 ----------------------------------------------------------------------------------


@by_loss
@by_outputs
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("y_dtype", ["float32", "float64", "int64"])
def test_float32_stays_float32_and_close_to_theirs(y_dtype, solver, n_outputs, loss):
    X32, y = X.astype(np.float32), targets(loss, n_outputs).astype(y_dtype)
    theirs, ours = both(
        loss=loss,
        hidden_layer_sizes=(12,),
        batch_size=50,
        max_iter=6,
        warm_start=True,  # so that the optimizer is kept
        random_state=3,
        **SOLVERS[solver],
    )
    theirs.fit(X32, y)
    ours.fit(X32, y)
    for own, other in zip(
        [*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True
    ):
        assert own.dtype == np.float32
        assert_allclose(own, other, rtol=0, atol=1e-4 * abs(other).max())
    assert ours.predict(X32).dtype == ours.predict(X).dtype == np.float32
    # 1e-4 of the numbers that are added up
    assert_allclose(ours.predict(X32), theirs.predict(X32), rtol=1e-4, atol=1e-4)
    if solver != "lbfgs":
        state = vars(ours._state.solver.optimizer).values()
        arrays = [value for value in state if isinstance(value, np.ndarray)]
        assert arrays
        assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


# --- Names, shapes, errors --------------------------------------------------------------------


def test_constructor_has_every_parameter_of_mlpregressor_in_its_place():
    theirs = list(inspect.signature(MLPRegressor).parameters.values())
    ours = list(inspect.signature(NumpyMLPRegressor).parameters.values())
    added = ours[len(theirs) :] if HAS_LOSS else ours[len(theirs) + 1 :]
    compared = ours if HAS_LOSS else ours[1:]
    for of_theirs, of_ours in zip(theirs, compared, strict=False):
        assert of_ours.replace(annotation=of_theirs.annotation) == of_theirs
    assert added
    for parameter in added:
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY


def test_mlpregressor_has_no_value_of_a_parameter_that_is_not_compared_here():
    constraints = MLPRegressor._parameter_constraints
    assert set(constraints["activation"][0].options) == set(ACTIVATIONS)
    assert set(constraints["solver"][0].options) == {p["solver"] for p in SOLVERS.values()}
    schedules = {p["learning_rate"] for p in SOLVERS.values() if "learning_rate" in p}
    assert set(constraints["learning_rate"][0].options) == schedules
    if HAS_LOSS:
        assert set(constraints["loss"][0].options) == set(LOSSES)


def public_methods(cls):
    return {name for name, _ in inspect.getmembers(cls, callable) if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(public_methods(MLPRegressor)))
def test_method_of_mlpregressor_is_there_with_its_parameters(name):
    theirs, ours = getattr(MLPRegressor, name), getattr(NumpyMLPRegressor, name)
    assert set(inspect.signature(theirs).parameters) <= set(inspect.signature(ours).parameters)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_fitted_attribute_of_mlpregressor_is_there(solver, early_stopping):
    theirs, ours = fit_both(
        pd.DataFrame(X, columns=list("abcdef")),
        X[:, 0],
        max_iter=3,
        early_stopping=early_stopping,
        random_state=0,
        **SOLVERS[solver],
    )
    fitted = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
    assert {"coefs_", "feature_names_in_", "loss_"} <= fitted
    assert fitted <= set(vars(ours))
    assert_array_equal(ours.feature_names_in_, theirs.feature_names_in_)
    assert type(ours.n_outputs_) is type(ours.n_layers_) is int


def test_there_is_nothing_that_only_classifiers_have():
    ours = NumpyMLPRegressor(max_iter=2).fit(X, X[:, 0])
    for name in ("classes_", "decision_function", "predict_proba", "predict_log_proba", "logits"):
        assert not hasattr(ours, name)
    assert "classes" not in inspect.signature(ours.partial_fit).parameters


def test_a_column_vector_warns_once_and_is_taken_as_1d():
    y = X[:, 0]
    for model in both(max_iter=5, random_state=0):
        with pytest.warns(DataConversionWarning) as caught:
            model.fit(X, y[:, np.newaxis])
        assert sum(w.category is DataConversionWarning for w in caught) == 1
        assert model.predict(X).shape == (120,)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert model.score(X, y[:, np.newaxis]) == model.score(X, y)
    assert_same_model(*fit_both(X, y, max_iter=5, random_state=0), X)


def test_predictions_of_one_row_are_an_array_of_one():
    for model in fit_both(X, X[:, 0], max_iter=5, random_state=0):
        assert model.predict(X[:1]).shape == (1,)


def test_a_single_row_can_be_learnt():
    theirs, ours = fit_both(X[:1], X[:1, 0], max_iter=6, random_state=0)
    assert_same_model(theirs, ours, X)


BAD_TARGETS = {
    "None": None,
    "infinity": np.where(np.arange(120) == 3, np.inf, 1.0),
    "3-D": X[:, :, np.newaxis],
    "no columns": np.empty((120, 0)),
    "too short": X[:-1, 0],
}


@pytest.mark.parametrize("y", BAD_TARGETS.values(), ids=BAD_TARGETS)
def test_bad_targets_have_the_errors_of_mlpregressor(y):
    texts = []
    for model in both():
        with pytest.raises(ValueError, match=r"\w") as caught:
            model.fit(X, y)
        texts.append(str(caught.value).replace(type(model).__name__, "Model"))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("y", [X[:, 0] + 1j, np.where(X[:, 0] > 1, np.nan, X[:, 0])])
def test_bad_targets_have_errors_like_those_of_mlpregressor(y):
    texts = []
    for model in both():
        with pytest.raises(ValueError, match=r"\w") as caught:
            model.fit(X, y)
        texts.append(str(caught.value))
    beginning = texts[0].split(" data")[0].split("NaN")[0]
    assert texts[1].startswith(beginning)
