"""Same parameters, same data, same seed: the same model as scikit-learn's MLPClassifier."""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from skmlp import NumpyMLPClassifier

ACTIVATIONS = ["identity", "logistic", "relu", "tanh"]
HIDDEN = [(), (20,), (30, 10)]
SOLVERS = {
    "adam": {"solver": "adam", "learning_rate_init": 0.003},
    "sgd-constant": {"solver": "sgd", "learning_rate": "constant", "learning_rate_init": 0.05},
    "sgd-invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.2},
    "sgd-adaptive": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.05},
    "lbfgs": {"solver": "lbfgs"},
}
STOCHASTIC = [solver for solver in SOLVERS if solver != "lbfgs"]
WEIGHTS_IN_FIT = "sample_weight" in inspect.signature(MLPClassifier.fit).parameters


def make_data(kind, layout="dense"):
    if kind == "multilabel":
        X, y = make_multilabel_classification(
            n_samples=150, n_features=12, n_classes=4, random_state=0
        )
    else:
        # a share of wrong labels, so that the loss has a minimum and training comes to an end
        n_classes = 2 if kind == "binary" else 4
        X, y = make_classification(
            n_samples=150,
            n_features=12,
            n_informative=8,
            n_classes=n_classes,
            flip_y=0.2,
            random_state=0,
        )
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    if layout == "dense":
        return X, y
    return {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix}[layout](X * (abs(X) > 0.5)), y


def fit_both(X, y, sample_weight=None, **params):
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return [cls(**params).fit(X, y, **weights) for cls in (MLPClassifier, NumpyMLPClassifier)]


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
    assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=tolerance)
    if ours.solver != "lbfgs":
        assert_close_to_largest_entry(ours.loss_curve_, theirs.loss_curve_, tolerance)
        if ours.early_stopping:
            assert ours.best_loss_ is theirs.best_loss_ is None
            assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=1e-12)
            assert_allclose(ours.best_validation_score_, theirs.best_validation_score_, rtol=1e-12)
        else:
            assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=tolerance)
            assert ours.validation_scores_ is theirs.validation_scores_ is None
            assert ours.best_validation_score_ is theirs.best_validation_score_ is None
    assert_array_equal(ours.predict(X), theirs.predict(X))
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=tolerance)


@pytest.mark.parametrize("hidden", HIDDEN, ids=str)
@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_same_seed_gives_the_same_model(activation, solver, kind, layout, hidden):
    X, y = make_data(kind, layout)
    theirs, ours = fit_both(
        X,
        y,
        hidden_layer_sizes=hidden,
        activation=activation,
        batch_size=32,
        max_iter=8,
        random_state=3,
        **SOLVERS[solver],
    )
    assert ours.n_iter_ >= 5
    assert_same_model(theirs, ours, X, tolerance=1e-5 if solver == "lbfgs" else 1e-8)


@pytest.mark.parametrize("hidden", HIDDEN, ids=str)
@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_same_seed_gives_the_same_early_stopped_binary_model(activation, solver, layout, hidden):
    X, y = make_data("binary", layout)
    theirs, ours = fit_both(
        X,
        y,
        hidden_layer_sizes=hidden,
        activation=activation,
        batch_size=32,
        # L-BFGS soon gets logits beyond 36, whose loss is clipped there and exact here
        max_iter=8 if solver == "lbfgs" else 30,
        n_iter_no_change=4,
        early_stopping=True,
        validation_fraction=0.2,
        random_state=4,
        **SOLVERS[solver],
    )
    assert ours.n_iter_ >= 5
    if solver == "sgd-constant":
        assert ours.n_iter_ < 30
    assert_same_model(theirs, ours, X, tolerance=1e-5 if solver == "lbfgs" else 1e-8)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize(
    "params",
    [
        {"solver": "sgd", "momentum": 0},
        {"solver": "sgd", "momentum": 1},
        {"solver": "sgd", "nesterovs_momentum": False},
        {"solver": "sgd", "nesterovs_momentum": False, "learning_rate": "invscaling"},
        {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.1},
        {"solver": "sgd", "shuffle": False},
        {"shuffle": False},
        {"beta_1": 0},
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.01},
        {"batch_size": "auto"},
        {"batch_size": 1, "max_iter": 5},
        {"alpha": 0},
        {"hidden_layer_sizes": 7},
        {"hidden_layer_sizes": [5, 6, 7]},
    ],
    ids=str,
)
def test_same_seed_gives_the_same_model_with(params, kind):
    X, y = make_data(kind)
    defaults = {
        "hidden_layer_sizes": (20,),
        "learning_rate_init": 0.01,
        "max_iter": 8,
        "batch_size": 32,
        "random_state": 5,
    }
    theirs, ours = fit_both(X, y, **(defaults | params))
    assert ours.n_iter_ >= 5
    assert_same_model(theirs, ours, X)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["adam", "sgd-constant", "sgd-invscaling"])
def test_training_stops_in_the_same_epoch(solver, early_stopping):
    X, y = make_data("binary")
    theirs, ours = fit_both(
        X,
        y,
        hidden_layer_sizes=(20,),
        tol=0.01,
        n_iter_no_change=3,
        early_stopping=early_stopping,
        max_iter=200,
        random_state=0,
        **SOLVERS[solver],
    )
    assert 5 <= ours.n_iter_ < 200
    assert_same_model(theirs, ours, X)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_adaptive_schedule_divides_its_rate_at_the_same_epochs(early_stopping):
    X, y = make_data("binary")
    theirs, ours = fit_both(
        X,
        y,
        hidden_layer_sizes=(20,),
        tol=0.01,
        n_iter_no_change=3,
        early_stopping=early_stopping,
        max_iter=300,
        random_state=0,
        **SOLVERS["sgd-adaptive"],
    )
    # 0.05 / 5^7 is the first rate of at most 1e-6: seven plateaus, and an eighth to stop
    assert theirs._optimizer.learning_rate == pytest.approx(0.05 / 5**7)
    assert 8 * 4 < ours.n_iter_ < 300
    assert_same_model(theirs, ours, X)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_lbfgs_stops_at_the_same_iteration(activation):
    X, y = make_data("multiclass")
    theirs, ours = fit_both(
        X,
        y,
        hidden_layer_sizes=(),
        activation=activation,
        solver="lbfgs",
        alpha=1.0,
        max_iter=500,
        random_state=0,
    )
    assert 5 <= ours.n_iter_ < 500
    assert_same_model(theirs, ours, X, tolerance=1e-5)


def test_lbfgs_heeds_max_fun_as_mlpclassifier_does():
    X, y = make_data("multiclass")
    theirs, ours = fit_both(X, y, solver="lbfgs", max_fun=9, random_state=0)
    assert 5 <= ours.n_iter_ <= 9
    assert_same_model(theirs, ours, X, tolerance=1e-5)


@pytest.mark.parametrize("solver", STOCHASTIC)
def test_csc_input_gives_the_same_model(solver):
    X, y = make_data("multiclass", "csc")
    theirs, ours = fit_both(
        X, y, hidden_layer_sizes=(20,), batch_size=32, max_iter=8, random_state=0, **SOLVERS[solver]
    )
    assert_same_model(theirs, ours, X)


@pytest.mark.parametrize("label", ["strings", "booleans", "gapped negative integers"])
def test_labels_are_encoded_as_there(label):
    X, numbers = make_data("binary" if label == "booleans" else "multiclass")
    names = {
        "strings": np.array(["pear", "Apple", "fig", "?"]),
        "booleans": np.array([False, True]),
        "gapped negative integers": np.array([-7, 40, 3, -100]),
    }[label]
    y = names[numbers]
    theirs, ours = fit_both(X, y, max_iter=5, random_state=0)
    assert ours.predict(X).dtype == y.dtype
    assert_same_model(theirs, ours, X)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_warm_start_goes_on_as_there(solver, kind):
    X, y = make_data(kind)
    params = {
        "hidden_layer_sizes": (20,),
        "batch_size": 32,
        "max_iter": 6,
        "warm_start": True,
        "random_state": 1,
    }
    theirs, ours = fit_both(X, y, **(params | SOLVERS[solver]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(X, y)
        ours.fit(X, y)
    if solver != "lbfgs":
        assert len(ours.loss_curve_) == 12
    assert_same_model(theirs, ours, X, tolerance=1e-5 if solver == "lbfgs" else 1e-8)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("solver", STOCHASTIC)
def test_first_partial_fit_is_the_same(solver, kind):
    X, y = make_data(kind)
    classes = np.arange(y.shape[1]) if kind == "multilabel" else np.unique(y)
    params = {"hidden_layer_sizes": (20,), "batch_size": 32, "random_state": 2} | SOLVERS[solver]
    theirs = MLPClassifier(**params).partial_fit(X, y, classes=classes)
    ours = NumpyMLPClassifier(**params).partial_fit(X, y, classes=classes)
    assert_same_model(theirs, ours, X)


@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("shuffle", [False, True])
def test_many_partial_fits_are_the_same_where_mlpclassifiers_generator_goes_on(solver, shuffle):
    X, y = make_data("multiclass")
    # the fourth epoch without a fall of 1.0 divides an adaptive rate
    params = {"hidden_layer_sizes": (20,), "batch_size": 32, "tol": 1.0, "n_iter_no_change": 3}
    theirs, ours = (
        cls(shuffle=shuffle, random_state=np.random.RandomState(2), **params, **SOLVERS[solver])
        for cls in (MLPClassifier, NumpyMLPClassifier)
    )
    for start in (0, 30, 60, 0, 30, 60, 0):
        part = slice(start, start + 90)
        theirs.partial_fit(X[part], y[part], classes=range(4))
        ours.partial_fit(X[part], y[part], classes=range(4))
    assert len(ours.loss_curve_) == 7
    assert_same_model(theirs, ours, X)


if WEIGHTS_IN_FIT:

    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize("alpha", [0, 3.0])
    @pytest.mark.parametrize("kind", ["binary", "multiclass"])
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_sample_weight_in_full_batches_is_the_same(solver, kind, alpha, early_stopping):
        X, y = make_data(kind)
        w = np.random.RandomState(0).uniform(0.1, 5, len(y))
        theirs, ours = fit_both(
            X,
            y,
            sample_weight=w,
            hidden_layer_sizes=(20,),
            alpha=alpha,
            batch_size=120 if early_stopping and kind == "binary" else 150,
            validation_fraction=0.2,
            early_stopping=early_stopping and kind == "binary",
            max_iter=8,
            random_state=0,
            **SOLVERS[solver],
        )
        assert_same_model(theirs, ours, X, tolerance=1e-5 if solver == "lbfgs" else 1e-8)


def test_constructor_has_every_parameter_of_mlpclassifier_in_its_place():
    theirs = list(inspect.signature(MLPClassifier).parameters.values())
    ours = list(inspect.signature(NumpyMLPClassifier).parameters.values())
    for of_theirs, of_ours in zip(theirs, ours, strict=False):
        assert of_ours.replace(annotation=of_theirs.annotation) == of_theirs
    assert len(ours) > len(theirs)
    for parameter in ours[len(theirs) :]:
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY


def test_mlpclassifier_has_no_activation_solver_or_schedule_that_is_not_compared_here():
    constraints = MLPClassifier._parameter_constraints
    assert set(constraints["activation"][0].options) == set(ACTIVATIONS)
    assert set(constraints["solver"][0].options) == {p["solver"] for p in SOLVERS.values()}
    schedules = {p["learning_rate"] for p in SOLVERS.values() if "learning_rate" in p}
    assert set(constraints["learning_rate"][0].options) == schedules


def public_methods(cls):
    return {name for name, _ in inspect.getmembers(cls, callable) if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(public_methods(MLPClassifier)))
def test_method_of_mlpclassifier_is_there_with_its_parameters(name):
    theirs, ours = getattr(MLPClassifier, name), getattr(NumpyMLPClassifier, name)
    assert set(inspect.signature(theirs).parameters) <= set(inspect.signature(ours).parameters)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_fitted_attribute_of_mlpclassifier_is_there(solver, early_stopping):
    X, y = make_data("binary")
    theirs, ours = fit_both(
        pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])]),
        y,
        max_iter=3,
        early_stopping=early_stopping,
        random_state=0,
        **SOLVERS[solver],
    )
    fitted = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
    assert {"coefs_", "feature_names_in_", "loss_"} <= fitted
    assert fitted <= set(vars(ours))
    assert_array_equal(ours.feature_names_in_, theirs.feature_names_in_)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_no_hidden_layer_and_no_penalty_is_logistic_regression(n_classes):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 4))
    y = (X @ rng.normal(size=(4, n_classes)) + 2 * rng.gumbel(size=(300, n_classes))).argmax(axis=1)
    ours = NumpyMLPClassifier((), solver="lbfgs", alpha=0, tol=1e-10, max_iter=1000, random_state=0)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    for model in (ours, theirs):
        model.fit(X, y)

    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-4)
    coef, intercept = ours.coefs_[0].T, ours.intercepts_[0]
    if n_classes > 2:
        # softmax does not change when all logits move together
        coef, intercept = coef - coef.mean(axis=0), intercept - intercept.mean()
    assert_allclose(coef, theirs.coef_, rtol=0, atol=1e-3)
    assert_allclose(intercept, theirs.intercept_, rtol=0, atol=1e-3)
    loss = -theirs.predict_log_proba(X)[np.arange(300), y].mean()
    assert ours.loss_ == pytest.approx(loss, rel=1e-7)
