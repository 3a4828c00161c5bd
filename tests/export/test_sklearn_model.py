"""Export to MLPClassifier and MLPRegressor of scikit-learn."""

import copy
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from exported_networks import (
    CLOSE,
    LABELS,
    MIXED,
    NUMBERS,
    X,
    assert_same_predictions,
    every_dtype,
    every_kind,
    fitted,
    rows,
    trained_on,
)
from exported_regressors import (
    KINDS,
    TARGETS,
    assert_close,
    fitted_regressor,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix, issparse
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPClassifier, NumpyMLPRegressor
from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.losses.registry import REGRESSION_LOSSES
from skmlp._training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IN_SKLEARN = ["identity", "logistic", "relu", "tanh"]
NOT_IN_SKLEARN = sorted({*ACTIVATIONS} - {*IN_SKLEARN})


@every_dtype
@every_kind
@pytest.mark.parametrize("activation", IN_SKLEARN)
def test_exported_mlp_classifier_predicts_the_same(activation, kind, dtype):
    model = fitted(kind, activation, dtype)
    exported = model.to_sklearn()
    assert type(exported) is MLPClassifier
    assert_same_predictions(exported, model, dtype)
    assert exported.score(X, LABELS[kind]) == model.score(X, LABELS[kind])


@pytest.mark.parametrize(
    "params",
    [
        {"hidden": ()},
        {"hidden": 7},
        {"activation": ("tanh", "tanh")},
        {"batch_norm": True, "dropout": 0.1},
        {"averaging": 0.9, "solver": "adamw"},
        {"solver": "lbfgs"},
        {"early_stopping": True, "scoring": "loss", "refit": True},
    ],
    ids=str,
)
def test_model_of_any_training_exports_to_sklearn(params):
    model = fitted(**params)
    assert_same_predictions(model.to_sklearn(), model, "float64")


@pytest.mark.parametrize("activation", [*NOT_IN_SKLEARN, MIXED, ("relu", "tanh")], ids=str)
def test_activation_unknown_to_sklearn_is_refused_by_name_with_the_remedy(activation):
    names = [activation] if isinstance(activation, str) else activation
    with pytest.raises(ValueError, match="to_onnx") as refused:
        fitted(activation=activation).to_sklearn()
    assert all(name in str(refused.value) for name in names)


def test_single_class_is_refused():
    model = NumpyMLPClassifier((3,), max_iter=1).fit(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match="one class"):
        model.to_sklearn()


@pytest.mark.parametrize("early_stopping", [False, True])
def test_exported_model_has_every_attribute_of_a_fitted_mlp_classifier(early_stopping):
    params = {"max_iter": 3, "early_stopping": early_stopping, "random_state": 0}
    table = pd.DataFrame(X, columns=list("abcdef"))
    y = LABELS["multiclass"]
    model = NumpyMLPClassifier((4,), **params).fit(table, y)
    exported, theirs = model.to_sklearn(), MLPClassifier((4,), **params).fit(table, y)
    public = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
    assert public <= vars(exported).keys()
    for name in public:
        assert joblib.hash(getattr(exported, name)) == joblib.hash(getattr(model, name)), name
    assert_array_equal(exported.predict(table), model.predict(table))


def test_exported_model_shares_the_parameters():
    params = {
        "hidden_layer_sizes": [8, 3],
        "activation": "tanh",
        "solver": "sgd",
        "learning_rate": "invscaling",
        "alpha": 0.01,
        "momentum": 0.5,
        "batch_size": 16,
        "max_iter": 2,
        "random_state": 3,
    }
    exported = NumpyMLPClassifier(**params, batch_norm=True).fit(X, NUMBERS).to_sklearn()
    assert exported.get_params() == MLPClassifier(**params).get_params()


@pytest.mark.parametrize("solver", [*OPTIMIZERS, "lbfgs"])
@pytest.mark.parametrize("learning_rate", ["adaptive", "cosine"])
def test_exported_model_has_parameters_that_its_class_accepts(solver, learning_rate):
    model = fitted(solver=solver, learning_rate=learning_rate, max_iter=2)
    clone(model.to_sklearn()).fit(X, NUMBERS)


def test_what_was_set_after_the_fit_does_not_change_what_is_exported():
    model = copy.deepcopy(fitted(activation="tanh")).set_params(activation="gelu")
    assert_same_predictions(model.to_sklearn(), model, "float64")


def test_exported_model_trains_on_apart_from_the_original():
    rng = np.random.RandomState(0)
    model = NumpyMLPClassifier((4,), max_iter=2, random_state=rng).fit(X, NUMBERS)
    before = copy.deepcopy(model)
    exported = model.to_sklearn()
    loss = exported.partial_fit(X, NUMBERS).loss_curve_
    assert len(loss) == 3
    assert joblib.hash(vars(model)) == joblib.hash(vars(before))


def test_sparse_indicator_matrix_gives_sparse_predictions():
    model = NumpyMLPClassifier((4,), max_iter=2).fit(X, csr_matrix(LABELS["multilabel"]))
    ours, theirs = model.predict(X), model.to_sklearn().predict(X)
    assert issparse(ours)
    assert issparse(theirs)
    assert_array_equal(theirs.toarray(), ours.toarray())


LOAD_AND_PREDICT = """
import pickle, sys
sys.modules["skmlp"] = None
model, X = pickle.load(open(sys.argv[1], "rb"))
pickle.dump((model.predict(X), model.predict_proba(X)), open(sys.argv[2], "wb"))
"""


def test_exported_model_is_loaded_and_predicts_without_skmlp(tmp_path):
    model = make_pipeline(StandardScaler(), NumpyMLPClassifier((4,), max_iter=2, random_state=0))
    model.fit(X, LABELS["strings"])
    exported = copy.copy(model).set_params(numpymlpclassifier=model[-1].to_sklearn())
    saved, predicted = tmp_path / "model", tmp_path / "predicted"
    saved.write_bytes(pickle.dumps((exported, X)))
    command = [sys.executable, "-c", LOAD_AND_PREDICT, saved, predicted]
    subprocess.run(command, cwd=tmp_path, check=True)
    labels, proba = pickle.loads(predicted.read_bytes())
    assert_array_equal(labels, model.predict(X))
    assert_allclose(proba, model.predict_proba(X), **CLOSE["float64"])


@pytest.mark.parametrize("params", [{}, {"batch_norm": True, "averaging": 0.9}], ids=str)
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_memory_mapped_model_with_its_solver_predicts_exports_and_trains_on(
    solver, params, tmp_path
):
    model = copy.deepcopy(trained_on(solver=solver, **params))
    joblib.dump(model, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    assert isinstance(mapped.coefs_[0], np.memmap)
    assert_array_equal(mapped.predict_proba(X), model.predict_proba(X))
    exported = mapped.to_sklearn()
    assert type(exported.coefs_[0]) is np.ndarray
    assert_same_predictions(exported, model, "float64")
    for m in (mapped, model):
        m.partial_fit(X, NUMBERS)
    assert_array_equal(mapped.predict_proba(X), model.predict_proba(X))
    exported.partial_fit(X, NUMBERS)


HAS_POISSON = "loss" in MLPRegressor().get_params()  # since scikit-learn 1.7
LOG_LINK = {name for name, loss in REGRESSION_LOSSES.items() if loss.out_activation == "exp"}
IN_COLUMNS = {"levels", "one level"}


def exportable(kind):
    """Whether MLPRegressor can predict the same."""
    loss = KINDS[kind][1].get("loss")
    return kind not in IN_COLUMNS and (HAS_POISSON or loss not in LOG_LINK)


@every_dtype
@pytest.mark.parametrize("kind", [*filter(exportable, KINDS)])
@pytest.mark.parametrize("activation", IN_SKLEARN)
def test_exported_mlp_regressor_predicts_the_same(activation, kind, dtype):
    model = fitted_regressor(kind, activation, dtype)
    exported = model.to_sklearn()
    assert type(exported) is MLPRegressor
    assert_close(exported.predict(rows(dtype)), model.predict(rows(dtype)), dtype)
    loss = KINDS[kind][1].get("loss", "squared_error")
    same = {"squared_error", "poisson"} & {loss}
    assert exported.loss == (loss if same else "poisson" if loss in LOG_LINK else "squared_error")
    clone(exported).fit(X, TARGETS[KINDS[kind][0]])


@pytest.mark.parametrize(
    "params",
    [
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": 7},
        {"batch_norm": True, "dropout": 0.1},
        {"averaging": 0.9, "solver": "adamw"},
        {"solver": "lbfgs"},
        {"early_stopping": True, "scoring": "loss", "refit": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["standardised", "absolute_error"])
def test_regressor_of_any_training_exports_to_sklearn(kind, params):
    model = fitted_regressor(kind, **params)
    assert_close(model.to_sklearn().predict(X), model.predict(X), "float64")


@pytest.mark.parametrize("early_stopping", [False, True])
def test_exported_model_has_every_attribute_of_a_fitted_mlp_regressor(early_stopping):
    params = {"max_iter": 3, "early_stopping": early_stopping, "random_state": 0}
    table, y = pd.DataFrame(X, columns=list("abcdef")), TARGETS["two"]
    model = NumpyMLPRegressor(hidden_layer_sizes=(4,), **params).fit(table, y)
    exported = model.to_sklearn()
    theirs = MLPRegressor(hidden_layer_sizes=(4,), **params).fit(table, y)
    public = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
    assert public <= vars(exported).keys()
    for name in public:
        assert joblib.hash(getattr(exported, name)) == joblib.hash(getattr(model, name)), name
    assert exported.get_params() == theirs.get_params()
    if not early_stopping:  # with which MLPRegressor has no partial_fit
        assert len(exported.partial_fit(table, y).loss_curve_) == 4


@pytest.mark.parametrize("kind", sorted(IN_COLUMNS))
def test_columns_of_quantiles_are_refused_by_name(kind):
    model = fitted_regressor(kind)
    with pytest.raises(ValueError, match=r"quantiles \[0\..*MLPRegressor cannot.*to_onnx"):
        model.to_sklearn()


@pytest.mark.parametrize("kind", ["poisson", "gamma"])
def test_log_link_is_refused_where_mlp_regressor_has_none(kind, monkeypatch):
    params = MLPRegressor().get_params()
    params.pop("loss", None)
    monkeypatch.setattr(MLPRegressor, "get_params", lambda self, deep=True: params)
    with pytest.raises(ValueError, match=rf"loss='{kind}'.*scikit-learn 1\.7.*to_onnx"):
        fitted_regressor(kind).to_sklearn()
    assert fitted_regressor("huber").to_sklearn().loss == "squared_error"


def test_activation_unknown_to_mlp_regressor_is_refused_by_its_name():
    with pytest.raises(ValueError, match="gelu") as refused:
        fitted_regressor(activation="gelu").to_sklearn()
    assert "MLPRegressor" in str(refused.value)
    assert "MLPClassifier" not in str(refused.value)
