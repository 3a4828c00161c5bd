"""Fitted networks of scikit-learn as models of this package."""

import copy
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from exported_networks import LABELS, NUMBERS, X, every_dtype, every_kind, fitted, rows
from exported_regressors import KINDS, TARGETS, assert_close, fitted_regressor
from numpy.testing import assert_allclose, assert_array_equal, assert_equal
from scipy.sparse import csr_matrix, issparse
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from skmlp import NumpyMLPClassifier, NumpyMLPRegressor

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*partial_fit:UserWarning"),
]

HAS_POISSON = "loss" in MLPRegressor().get_params()  # since scikit-learn 1.7
EXACT = {"rtol": 0, "atol": 1e-8}  # of the largest entry, which is about 1

CLASSIFIERS = ("binary", "two strings", "multiclass", "strings", "booleans", "multilabel")
REGRESSORS = ("one", "two", "poisson") if HAS_POISSON else ("one", "two")
SOLVERS = {
    "adam": {"solver": "adam"},
    "other adam": {"solver": "adam", "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3},
    "sgd": {"solver": "sgd"},
    "classical momentum": {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5},
    "no momentum": {"solver": "sgd", "momentum": 0.0},
    "inverse scaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
    # plateaus in nearly every epoch
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0, "n_iter_no_change": 1},
}
every_solver = pytest.mark.parametrize("solver", SOLVERS)
every_target = pytest.mark.parametrize("kind", [*CLASSIFIERS, *REGRESSORS])


def targets(kind):
    if kind == "poisson":
        return TARGETS["two positive"]
    return LABELS[kind] if kind in LABELS else TARGETS[kind] / np.abs(TARGETS[kind]).max(axis=0)


def theirs(kind, fit=True, **params):
    """A network of scikit-learn, fitted unless another training is asked for."""
    defaults = {"max_iter": 6, "learning_rate_init": 0.02, "batch_size": 40, "random_state": 3}
    settings = {"hidden_layer_sizes": (9, 5), **defaults, **params}
    if kind == "poisson":
        settings["loss"] = "poisson"
    model = (MLPClassifier if kind in LABELS else MLPRegressor)(**settings)
    return model.fit(X, targets(kind)) if fit else model


def ours_of(fitted):
    cls = NumpyMLPClassifier if is_classifier(fitted) else NumpyMLPRegressor
    return cls.from_sklearn(fitted)


def assert_same_network(ours, theirs):
    for name in ("coefs_", "intercepts_"):
        for mine, other in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert mine.dtype == other.dtype
            assert_allclose(mine, other, **EXACT)


def assert_predicts_as(ours, theirs, R=None):
    R = rows("float64") if R is None else R
    if not is_classifier(theirs):
        dtype = "float32" if theirs.coefs_[0].dtype == np.float32 else "float64"
        assert_close(ours.predict(R), theirs.predict(R), dtype)
        return
    mine, other = ours.predict(R), theirs.predict(R)
    assert issparse(mine) == issparse(other)
    if issparse(other):
        mine, other = mine.toarray(), other.toarray()
    assert_array_equal(mine, other)
    assert mine.dtype == other.dtype
    assert_allclose(ours.predict_proba(R), theirs.predict_proba(R), rtol=0, atol=1e-6)


# --- It predicts the same ---------------------------------------------------------------------


@every_target
@pytest.mark.parametrize("activation", ["identity", "logistic", "relu", "tanh"])
@pytest.mark.parametrize("hidden", [(), (9, 5), 4], ids=str)
def test_predicts_the_same(kind, activation, hidden):
    fitted = theirs(kind, activation=activation, hidden_layer_sizes=hidden)
    assert_predicts_as(ours_of(fitted), fitted)


@every_kind
def test_has_labels_of_every_kind(kind):
    fitted = theirs(kind)
    model = ours_of(fitted)
    assert_predicts_as(model, fitted)
    assert_array_equal(model.classes_, fitted.classes_, strict=True)


def test_has_labels_that_the_first_call_of_partial_fit_lacked():
    fitted = theirs("strings", fit=False, shuffle=False)
    y = LABELS["strings"]
    some = y != "bb"
    fitted.partial_fit(X[some], y[some], classes=np.unique(y))
    assert_predicts_as(ours_of(fitted).partial_fit(X, y), fitted.partial_fit(X, y))


def test_has_many_labels():
    y = np.arange(len(X)) % 60
    fitted = theirs("multiclass", fit=False).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_predicts_as(ours_of(fitted), fitted)


def test_sparse_labels_give_sparse_predictions():
    fitted = theirs("multilabel", fit=False).fit(X, csr_matrix(LABELS["multilabel"]))
    assert_predicts_as(ours_of(fitted), fitted)


@every_dtype
@every_target
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_precision_is_that_of_the_weights(kind, dtype, solver):
    fitted = theirs(kind, fit=False, solver=solver).fit(X.astype(dtype), targets(kind))
    model = ours_of(fitted)
    assert model.coefs_[0].dtype == fitted.coefs_[0].dtype
    assert_predicts_as(model, fitted, X.astype(dtype))


@pytest.mark.parametrize("kind", ["strings", "two"])
def test_names_of_features_are_known(kind):
    table = pd.DataFrame(X, columns=list("abcdef"))
    fitted = theirs(kind, fit=False).fit(table, targets(kind))
    model = ours_of(fitted)
    assert_array_equal(model.feature_names_in_, fitted.feature_names_in_)
    assert_array_equal(model.predict(table), fitted.predict(table))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table[list("fedcba")])
    with pytest.raises(ValueError, match="6 features"):
        model.predict(X[:, :3])


@every_target
def test_sparse_rows_are_predicted_and_trained_on(kind):
    fitted = theirs(kind, fit=False, shuffle=False).fit(csr_matrix(X), targets(kind))
    model = ours_of(fitted)
    assert_predicts_as(model, fitted, csr_matrix(X))
    args = csr_matrix(X), targets(kind)
    assert_same_network(model.partial_fit(*args), fitted.partial_fit(*args))


# --- It has the parameters and the history ----------------------------------------------------


@every_target
@every_solver
def test_has_the_parameters(kind, solver):
    fitted = theirs(kind, **SOLVERS[solver])
    model = ours_of(fitted)
    params = model.get_params()
    assert params | fitted.get_params() == params
    defaults = type(model)().get_params()
    own = params.keys() - fitted.get_params().keys() - {"loss"}
    assert {name: params[name] for name in own} == {name: defaults[name] for name in own}


@pytest.mark.parametrize(
    ("kind", "early_stopping"),
    [
        *((kind, False) for kind in (*CLASSIFIERS, *REGRESSORS)),
        # before scikit-learn 1.9, early stopping on strings is an error of its own
        *((kind, True) for kind in (*CLASSIFIERS, *REGRESSORS) if "strings" not in kind),
    ],
)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_has_the_history(kind, solver, early_stopping):
    fitted = theirs(kind, solver=solver, early_stopping=early_stopping)
    model = ours_of(fitted)
    public = {name for name in vars(fitted) if name.endswith("_") and not name.startswith("_")}
    for name in public:
        assert_equal(getattr(model, name), getattr(fitted, name), err_msg=name)
    params = {**fitted.get_params(), "random_state": 3}
    directly = type(model)(**params).fit(X, targets(kind))
    if not (early_stopping and kind == "multiclass"):  # which is stratified here only
        assert model.best_epoch_ == directly.best_epoch_
    assert vars(directly).keys() == vars(model).keys()


def test_iterations_of_lbfgs_have_no_loss_but_the_last():
    fitted = theirs("two", solver="lbfgs", max_iter=4)
    model = ours_of(fitted)
    assert_array_equal(model.loss_curve_, [np.nan] * 3 + [fitted.loss_])
    assert model.best_loss_ == fitted.loss_
    model.set_params(solver="adam", max_iter=3).partial_fit(X, targets("two"))
    assert len(model.loss_curve_) == 5
    assert model.best_loss_ == min(model.loss_curve_[3:])


def test_what_is_changed_does_not_change_the_original():
    fitted = theirs("multiclass", random_state=np.random.RandomState(0))
    before = joblib.hash(vars(fitted))
    model = ours_of(fitted)
    model.partial_fit(X, NUMBERS * 10 - 7)
    for part in (*model.coefs_, *model.intercepts_, model.classes_):
        part[...] = 0
    model.loss_curve_.append(0.0)
    assert joblib.hash(vars(fitted)) == before


# --- It trains on -----------------------------------------------------------------------------


@every_target
@every_solver
def test_partial_fit_continues_as_that_of_scikit_learn(kind, solver):
    fitted = theirs(kind, shuffle=False, **SOLVERS[solver])
    model = ours_of(fitted)
    for _ in range(5):
        fitted.partial_fit(X, targets(kind))
        model.partial_fit(X, targets(kind))
        assert_same_network(model, fitted)
    for name in ("loss_", "loss_curve_", "best_loss_", "t_", "n_iter_"):
        assert_allclose(getattr(model, name), getattr(fitted, name), **EXACT)
    optimizer = fitted._optimizer
    if "sgd" in SOLVERS[solver]["solver"]:
        assert model._state.solver.schedule.learning_rate == optimizer.learning_rate
    assert model._state.rule.n_without_improvement == fitted._no_improvement_count


@every_target
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
def test_a_model_of_partial_fit_alone_continues(kind, learning_rate):
    params = {"solver": "sgd", "learning_rate": learning_rate, "tol": 0.5, "n_iter_no_change": 1}
    fitted = theirs(kind, fit=False, shuffle=False, **params)
    first = {"classes": fitted_classes(kind)} if kind in LABELS else {}
    fitted.partial_fit(X, targets(kind), **first)
    for _ in range(4):
        fitted.partial_fit(X, targets(kind))
    model = ours_of(fitted)
    for _ in range(4):
        fitted.partial_fit(X, targets(kind))
        model.partial_fit(X, targets(kind))
        assert_same_network(model, fitted)


def fitted_classes(kind):
    y = LABELS[kind]
    return np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y)


@every_target
@every_solver
def test_fit_with_warm_start_continues_as_that_of_scikit_learn(kind, solver):
    """Both start the generator anew, and with it the order of rows."""
    params = {**SOLVERS[solver], "tol": 0.0, "n_iter_no_change": 100}
    fitted = theirs(kind, warm_start=True, **params)
    model = ours_of(fitted)
    assert_same_network(model.fit(X, targets(kind)), fitted.fit(X, targets(kind)))
    assert_allclose(model.loss_curve_, fitted.loss_curve_, **EXACT)
    assert model.t_ == fitted.t_
    # and a model that has been continued before
    again = ours_of(fitted)
    assert_same_network(again.fit(X, targets(kind)), fitted.fit(X, targets(kind)))


@every_target
def test_lbfgs_with_warm_start_continues_as_that_of_scikit_learn(kind):
    fitted = theirs(kind, solver="lbfgs", warm_start=True)
    model = ours_of(fitted)
    model.fit(X, targets(kind))
    fitted.fit(X, targets(kind))
    for mine, other in zip(model.coefs_, fitted.coefs_, strict=True):
        assert_allclose(mine, other, rtol=0, atol=1e-5)
    with pytest.raises(AttributeError, match="partial_fit"):
        _ = model.partial_fit


@every_target
@every_solver
def test_shuffled_rows_continue_as_if_all_training_had_been_here(kind, solver):
    """scikit-learn starts its generator anew in each call; here it continues."""
    params = SOLVERS[solver]
    fitted = theirs(kind, fit=False, **params)
    here = (NumpyMLPClassifier if kind in LABELS else NumpyMLPRegressor)(**fitted.get_params())
    first = {"classes": fitted_classes(kind)} if kind in LABELS else {}
    model = ours_of(fitted.partial_fit(X, targets(kind), **first))
    here.partial_fit(X, targets(kind), **first)
    for _ in range(3):
        model.partial_fit(X, targets(kind))
        here.partial_fit(X, targets(kind))
        assert_same_network(model, here)


@pytest.mark.parametrize("solver", ["adam", "adaptive"])
@pytest.mark.parametrize("kind", ["multiclass", "one"])
def test_after_early_stopping_moments_start_at_0_and_the_learning_rate_stays(kind, solver):
    params = {**SOLVERS[solver], "early_stopping": True, "max_iter": 15}
    fitted = theirs(kind, **params)
    model = ours_of(fitted)
    assert_predicts_as(model, fitted)
    state = model._state.solver
    moments = [part for part in vars(state.optimizer).values() if isinstance(part, np.ndarray)]
    assert len(moments) == {"adam": 2, "adaptive": 1}[solver]
    assert not any(part.any() for part in moments)
    if solver == "adaptive":
        assert state.schedule.learning_rate == fitted._optimizer.learning_rate < 0.02
        return
    anew = ours_of(fitted)
    anew._state.solver = None
    model.partial_fit(X, targets(kind))
    assert_same_network(model, anew.partial_fit(X, targets(kind)))


@pytest.mark.parametrize("kind", ["binary", "two", "multilabel"])
def test_warm_start_after_early_stopping_has_the_same_validation_rows(kind):
    params = {"early_stopping": True, "warm_start": True, "validation_fraction": 0.2}
    fitted = theirs(kind, **params)
    model = ours_of(fitted)
    here = type(model)(**fitted.get_params()).fit(X, targets(kind))
    assert_same_network(model, here)
    y = targets(kind)
    assert_same_network(model.fit(X, y), here.fit(X, y))
    assert_allclose(model.validation_scores_, here.validation_scores_, **EXACT)
    assert model.best_epoch_ == here.best_epoch_


def test_additional_parameters_can_be_set_before_training_continues():
    model = ours_of(theirs("multiclass"))
    model.set_params(solver="adamw", dropout=0.1, max_grad_norm=1.0, averaging=0.9)
    before = model.loss_
    for _ in range(20):
        model.partial_fit(X, LABELS["multiclass"])
    assert model.loss_ < before


def test_values_of_the_optimizer_that_are_not_finite_are_not_taken_over():
    fitted = theirs("one")
    fitted._optimizer.vs[0][0, 0] = np.inf
    model = ours_of(fitted)
    assert model._state.solver is None
    model.partial_fit(X, targets("one"))


# --- There and back, and storage --------------------------------------------------------------


@every_kind
def test_there_and_back_classifies_the_same(kind):
    model = fitted(kind, dtype="float64")
    again = NumpyMLPClassifier.from_sklearn(model.to_sklearn())
    assert_array_equal(again.predict(X), model.predict(X), strict=True)
    assert_allclose(again.predict_proba(X), model.predict_proba(X), rtol=0, atol=1e-14)
    again.partial_fit(X, LABELS[kind])


@pytest.mark.parametrize(
    "params",
    [
        {"solver": "lbfgs"},
        {"early_stopping": True, "refit": True},
        {"batch_norm": True, "averaging": 0.9, "solver": "adamw"},
        {"hidden": ()},
    ],
    ids=str,
)
def test_there_and_back_from_any_training(params):
    model = fitted(**params)
    again = NumpyMLPClassifier.from_sklearn(model.to_sklearn())
    assert_array_equal(again.predict(X), model.predict(X), strict=True)
    again.set_params(solver="adam").partial_fit(X, LABELS["multiclass"])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "level" not in kind])
def test_there_and_back_predicts_the_same_numbers(kind):
    model = fitted_regressor(kind)
    if model.out_activation_ == "exp" and not HAS_POISSON:
        pytest.skip("MLPRegressor has no log link before scikit-learn 1.7")
    again = NumpyMLPRegressor.from_sklearn(model.to_sklearn())
    assert_close(again.predict(X), model.predict(X), "float64")
    again.partial_fit(X, TARGETS[KINDS[kind][0]])


def by_pickle(model):
    return pickle.loads(pickle.dumps(model))


def by_skops(model):
    io = pytest.importorskip("skops.io")
    content = io.dumps(model)
    return io.loads(content, trusted=io.get_untrusted_types(data=content))


@every_target
@pytest.mark.parametrize("solver", ["adam", "adaptive", "lbfgs", "early stopping"])
@pytest.mark.parametrize("store", [copy.deepcopy, by_pickle, by_skops])
def test_result_is_stored_and_predicts(kind, solver, store):
    params = {"lbfgs": {"solver": "lbfgs"}, "early stopping": {"early_stopping": True}, **SOLVERS}
    try:
        fitted = theirs(kind, **params[solver])
    except TypeError:
        # scikit-learn 1.6 asks whether text is NaN when it stops early
        assert parse_version(sklearn.__version__) < parse_version("1.7")
        pytest.skip("scikit-learn 1.6 cannot stop early on text")
    model = ours_of(fitted)
    restored = store(model)
    assert_array_equal(restored.predict(X), model.predict(X))
    if solver != "lbfgs" and store is not by_skops:  # which stores no solver
        again = restored.partial_fit(X, targets(kind)).predict(X)
        assert_array_equal(again, model.partial_fit(X, targets(kind)).predict(X))


def test_model_of_an_older_version_has_no_parameter_loss():
    """Before scikit-learn 1.7, `loss` was an attribute only."""
    fitted = theirs("one")
    del fitted.loss
    with pytest.MonkeyPatch.context() as patch:
        params = MLPRegressor().get_params()
        params.pop("loss", None)
        patch.setattr(MLPRegressor, "get_params", lambda self, deep=True: params)
        model = ours_of(fitted)
    assert model.loss == "squared_error"
    assert_array_equal(model.predict(X), ours_of(theirs("one")).predict(X))


@pytest.mark.skipif(not HAS_POISSON, reason="needs a loss of scikit-learn 1.7")
def test_loss_is_that_of_training():
    fitted = theirs("poisson").set_params(loss="squared_error")
    model = ours_of(fitted)
    assert model.loss == "poisson"
    assert_close(model.predict(X), fitted.predict(X), "float64")


class OtherClassifier(MLPClassifier):
    """A class with a signature of its own."""

    def __init__(self, width=4):
        super().__init__((width,), max_iter=3, random_state=0)
        self.width = width


class OwnClassifier(NumpyMLPClassifier):
    pass


def test_subclasses_are_taken_and_returned():
    fitted = OtherClassifier(7).fit(X, NUMBERS)
    model = OwnClassifier.from_sklearn(fitted)
    assert type(model) is OwnClassifier
    assert_predicts_as(model, fitted)
    assert model.get_params()["hidden_layer_sizes"] == (7,)


# --- What is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "given", "message"),
    [
        (NumpyMLPClassifier, theirs("one"), r"MLPClassifier, got MLPRegressor.*NumpyMLPRegressor"),
        (NumpyMLPRegressor, theirs("binary"), r"MLPRegressor, got MLPClassifier.*NumpyMLPClassifi"),
        (
            NumpyMLPClassifier,
            make_pipeline(StandardScaler(), theirs("binary")),
            r"got Pipeline.*pipeline\[-1\]",
        ),
        (NumpyMLPRegressor, GridSearchCV(theirs("one"), {}), r"got GridSearchCV.*best_estimator_"),
        (NumpyMLPClassifier, LogisticRegression(), "MLPClassifier, got LogisticRegression"),
        (NumpyMLPClassifier, fitted(), "MLPClassifier, got NumpyMLPClassifier"),
        (NumpyMLPClassifier, MLPClassifier, "MLPClassifier, got ABCMeta|got type"),
        (NumpyMLPRegressor, None, "MLPRegressor, got NoneType"),
    ],
    ids=str,
)
def test_other_estimators_are_refused(cls, given, message):
    with pytest.raises(TypeError, match=message):
        cls.from_sklearn(given)


@pytest.mark.parametrize("kind", ["binary", "one"])
def test_estimator_that_is_not_fitted_is_refused(kind):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        ours_of(theirs(kind, fit=False))


@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
@pytest.mark.parametrize("kind", ["binary", "one"])
def test_weights_that_are_not_finite_are_refused(kind, value, name):
    fitted = theirs(kind)
    getattr(fitted, name)[1][0] = value
    with pytest.raises(ValueError, match=r"NaN or infinity.*diverged.*learning_rate_init"):
        ours_of(fitted)


def test_one_class_is_refused():
    fitted = theirs("binary", fit=False).fit(X, np.full(len(X), "a"))
    with pytest.raises(ValueError, match=r"one class, \['a'\]"):
        ours_of(fitted)


def test_attributes_that_do_not_fit_one_another_are_refused():
    fitted = theirs("two")
    fitted.coefs_ = fitted.coefs_[1:]
    with pytest.raises(ValueError, match=r"This MLPRegressor was changed.*form no network"):
        ours_of(fitted)
    fitted = theirs("one")
    fitted.n_features_in_ = 4
    with pytest.raises(ValueError, match=r"n_features_in_ cannot be 4 where coefs_ say 6"):
        ours_of(fitted)


def test_a_changed_architecture_is_refused_when_training_continues():
    model = ours_of(theirs("one").set_params(hidden_layer_sizes=(3,)))
    model.predict(X)
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        model.partial_fit(X, targets("one"))


def test_diverged_search_for_the_best_epoch_predicts_as_it_does():
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = theirs(
            "one", fit=False, solver="sgd", learning_rate_init=1e10, early_stopping=True
        )
        try:
            fitted.fit(X, targets("one"))
        except ValueError:
            pytest.skip("this version of scikit-learn refuses it")
    model = ours_of(fitted)
    assert model.validation_scores_ is None or not np.isnan(model.best_validation_score_)
    assert_close(model.predict(X), fitted.predict(X), "float64")
