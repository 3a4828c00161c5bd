"""Differences from MLPClassifier in predictions: log-odds, chunks, refusals."""

import tracemalloc

import numpy as np
import pytest
from networks import (
    REGULARISED,
    TARGETS,
    TRANSFORMED,
    X,
    X_train,
    X_val,
    assert_identical_model,
    small,
    y,
    y_train,
    y_val,
)
from scipy import sparse
from scipy.special import log_softmax, logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skmlp import HiddenLayerTransformer, NumpyMLPClassifier
from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.parameters import Parameters

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

every_kind = pytest.mark.parametrize("kind", TARGETS)
PREDICTIONS = "predict", "predict_proba", "predict_log_proba", "decision_function", "logits"


def calls(model, rows, labels):
    """Return every public prediction for these rows, as functions without arguments."""
    return {
        **{name: lambda name=name: getattr(model, name)(rows) for name in PREDICTIONS},
        "score": lambda: model.score(rows, labels),
        "input_gradient": lambda: model.input_gradient(rows),
        "input_gradient with labels": lambda: model.input_gradient(rows, labels),
        "hidden_activations": lambda: model.hidden_activations(rows),
    }


# --- Log-odds and logits ----------------------------------------------------------------------


@every_kind
def test_decision_function_is_the_log_odds_of_the_probabilities(kind):
    rows, labels = TARGETS[kind]
    model = small().fit(rows, labels)
    proba, scores = model.predict_proba(rows), model.decision_function(rows)
    expected = logit(proba[:, 1] if kind == "binary" else proba)
    np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["binary", "multilabel"])
def test_of_two_classes_and_of_several_labels_the_log_odds_are_the_logits(kind):
    rows, labels = TARGETS[kind]
    model = small().fit(rows, labels)
    np.testing.assert_array_equal(model.decision_function(rows), model.logits(rows))


def test_logits_are_the_raw_output_whose_softmax_the_probabilities_are():
    model = small().fit(X, y)
    hidden = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
    expected = hidden @ model.coefs_[1] + model.intercepts_[1]
    np.testing.assert_allclose(model.logits(X), expected, rtol=1e-12)
    np.testing.assert_allclose(
        log_softmax(model.logits(X), axis=1), model.predict_log_proba(X), rtol=1e-12
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 30, 1e4])
def test_the_largest_score_is_the_predicted_classs(size, dtype):
    model = small(dtype=dtype).fit(X, y)
    scores = model.decision_function(size * X)
    assert scores.dtype == dtype
    np.testing.assert_array_equal(model.classes_[scores.argmax(axis=1)], model.predict(size * X))
    np.testing.assert_array_equal(
        scores.argsort(axis=1, kind="stable"), model.logits(size * X).argsort(axis=1, kind="stable")
    )


def test_a_score_tells_one_class_from_the_rest_where_logits_do_not():
    # a constant in all logits of a row changes no probability, so no score may depend on it
    model = small().fit(X, y)
    before, logits = model.decision_function(X), model.logits(X)
    model.coefs_[-1] = model.coefs_[-1] + np.random.RandomState(0).normal(0, 3, (6, 1))
    np.testing.assert_allclose(model.decision_function(X), before, rtol=1e-9, atol=1e-12)
    assert np.abs(model.logits(X) - logits).max() > 1
    one = np.eye(3)[y]
    assert roc_auc_score(one, before) == roc_auc_score(one, model.predict_proba(X))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_difference_16_calibration_of_several_classes_is_as_good_as_of_mlpclassifier(method):
    digits, labels = load_digits(return_X_y=True)
    X_fit, X_test, y_fit, y_test = train_test_split(
        digits / 16, labels, stratify=labels, train_size=700, random_state=0
    )
    params = {"hidden_layer_sizes": (30,), "learning_rate_init": 0.01, "max_iter": 30}
    theirs, ours = (
        log_loss(
            y_test,
            CalibratedClassifierCV(cls(**params, random_state=0), method=method, cv=3)
            .fit(X_fit, y_fit)
            .predict_proba(X_test),
        )
        for cls in (MLPClassifier, NumpyMLPClassifier)
    )
    assert not hasattr(MLPClassifier, "decision_function")
    assert ours <= 1.05 * theirs


# --- What predict refuses ---------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize(("dtype", "size"), [("float64", 1e305), ("float32", 1e35)])
def test_rows_that_predict_refuses_are_refused_by_every_prediction(kind, dtype, size):
    rows, labels = TARGETS[kind]
    model = small(dtype=dtype).fit(rows, labels)
    model.coefs_[0] *= 1e5
    far = (size * np.clip(rows, -1, 1)).astype(dtype)
    for call in calls(model, far, labels).values():
        with pytest.raises(ValueError, match=r"not finite in float.*Scale X as for training"):
            call()
    transformer = HiddenLayerTransformer(small(dtype=dtype)).fit(rows, labels)
    transformer.estimator_.coefs_[0] *= 1e5
    with pytest.raises(ValueError, match=r"hidden layer is not finite in float"):
        transformer.transform(far)


def test_the_gradient_of_an_infinite_logit_is_refused_although_the_gradient_is_finite():
    model = small(hidden_layer_sizes=()).fit(X, y)
    model.intercepts_[0][0] = -np.inf
    for labels in (None, y):
        with pytest.raises(ValueError, match="output is not finite in float64"):
            model.input_gradient(X, labels)


def test_a_gradient_that_overflows_is_refused():
    model = small(hidden_layer_sizes=(), dtype="float32").fit(X, y)
    rows = np.zeros_like(X, dtype=np.float32)
    model.coefs_[0][:] = np.array([3e38, -3e38, -3e38], dtype=np.float32)
    with pytest.raises(ValueError, match="gradient by the input is not finite in float32"):
        model.input_gradient(rows, y)


# --- Every floating-point error raised --------------------------------------------------------


@every_kind
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e-300, 1e-30, 1, 1e3, 1e6])
def test_predictions_are_the_same_where_numpy_raises_every_floating_point_error(
    kind, activation, dtype, size
):
    rows, labels = TARGETS[kind]
    model = fitted(kind, activation, dtype)
    for data in (size * rows, sparse.csr_matrix(size * rows)):
        for name, call in calls(model, data, labels).items():
            expected = call()
            with np.errstate(all="raise"):
                found = call()
                assert np.geterr()["under"] == "raise"
            np.testing.assert_array_equal(found, expected, err_msg=name)


FITS = {
    "adam": {},
    "sgd": {"solver": "sgd"},
    "lbfgs": {"solver": "lbfgs", "max_iter": 30},
    "lbfgs, normalised": {"solver": "lbfgs", "batch_norm": True},
    "early stopping": {"early_stopping": True, "refit": True},
    "regularised": REGULARISED,
}


@every_kind
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e-300, 1e-30, 1, 30])
@pytest.mark.parametrize("params", FITS.values(), ids=FITS)
def test_fits_are_the_same_where_numpy_raises_every_floating_point_error(params, size, dtype, kind):
    rows, labels = TARGETS[kind]
    expected = small(dtype=dtype, **params).fit(size * rows, labels)
    with np.errstate(all="raise"):
        model = small(dtype=dtype, **params).fit(size * rows, labels)
        assert np.geterr()["under"] == "raise"
    assert_identical_model(model, expected)


_FITTED = {}


def fitted(kind, activation, dtype):
    key = kind, activation, dtype
    if key not in _FITTED:
        _FITTED[key] = small(activation=activation, dtype=dtype).fit(*TARGETS[kind])
    return _FITTED[key]


# --- Chunks -----------------------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize("chunk_rows", [1, 7, 59, 60, 1000])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_predictions_by_chunks_are_those_of_all_rows(kind, chunk_rows, container, monkeypatch):
    rows, labels = TARGETS[kind]
    model = small().fit(rows, labels)
    expected = {name: call() for name, call in calls(model, container(rows), labels).items()}
    monkeypatch.setattr("skmlp._base.rows_per_chunk", lambda weights: chunk_rows)
    for name, call in calls(model, container(rows), labels).items():
        found = call()
        if name in ("predict", "score"):
            np.testing.assert_array_equal(found, expected[name])
        else:
            np.testing.assert_allclose(found, expected[name], rtol=1e-9, atol=1e-12)


@every_kind
def test_a_chunk_that_is_not_finite_is_refused(kind, monkeypatch):
    rows, labels = TARGETS[kind]
    model = small().fit(rows, labels)
    model.coefs_[0] *= 1e5
    far = rows.copy()
    far[-1] = 1e305
    monkeypatch.setattr("skmlp._base.rows_per_chunk", lambda weights: 7)
    for name in PREDICTIONS:
        with pytest.raises(ValueError, match="output is not finite"):
            getattr(model, name)(far)


N_MANY, K_MANY = 6000, 1000


def peak_mib(function):
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def test_predict_score_and_early_stopping_do_not_keep_the_logits_of_all_rows(monkeypatch):
    rng = np.random.RandomState(0)
    rows, labels = rng.normal(size=(N_MANY, 8)).astype("float32"), np.arange(N_MANY) % K_MANY
    first = slice(0, 2 * K_MANY)
    model = small(hidden_layer_sizes=(4,), max_iter=1).fit(rows[first], labels[first])
    monkeypatch.setattr("skmlp._data.inputs._CHUNK_MIB", 1)
    all_logits = N_MANY * K_MANY * 4 / 2**20
    assert peak_mib(lambda: model.predict(rows)) < all_logits / 4
    assert peak_mib(lambda: model.score(rows, labels)) < all_logits / 4
    stopping = small(hidden_layer_sizes=(4,), max_iter=1, early_stopping=True)
    few = rows[first], labels[first]
    peak = peak_mib(lambda: stopping.fit(*few, X_val=rows, y_val=labels))
    assert peak < all_logits / 2


@every_kind
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("chunk_rows", [1, 7, 29, 30])
def test_validation_by_chunks_measures_what_it_measures_at_once(
    kind, solver, chunk_rows, monkeypatch
):
    rows, labels = TARGETS[kind]
    train = rows[:30], labels[:30]
    val = {"X_val": rows[30:60], "y_val": labels[30:60]}
    model = small(solver=solver).fit(*train, **val)
    monkeypatch.setattr("skmlp._fit.scoring.rows_per_chunk", lambda weights: chunk_rows)
    by_chunks = small(solver=solver).fit(*train, **val)
    assert by_chunks.validation_scores_ == model.validation_scores_
    if chunk_rows == 30:
        assert by_chunks.validation_loss_curve_ == model.validation_loss_curve_
    np.testing.assert_allclose(
        by_chunks.validation_loss_curve_, model.validation_loss_curve_, rtol=1e-12
    )


def test_the_validation_loss_and_score_are_those_of_the_predictions():
    model = small().fit(X_train, y_train, X_val=X_val, y_val=y_val)
    expected = log_loss(y_val, model.predict_proba(X_val))
    assert model.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-12)
    assert model.validation_scores_[-1] == model.score(X_val, y_val)


# --- Weights that the user assigns ------------------------------------------------------------


def assign(model, coefs, intercepts):
    model.coefs_, model.intercepts_ = coefs, intercepts
    return model


def trained(cls=NumpyMLPClassifier, seed=0, n_calls=2, **params):
    model = cls((6,), random_state=seed, **params)
    for _ in range(n_calls):
        model.partial_fit(X, y, classes=[0, 1, 2])
    return model


FROZEN_RATE = {"solver": "sgd", "learning_rate_init": 1e-300, "momentum": 0}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("params", [{}, *TRANSFORMED.values()], ids=["plain", *TRANSFORMED])
def test_partial_fit_continues_from_weights_that_were_assigned(params, dtype):
    # a vanishing rate leaves the weights
    one, two = (trained(seed=seed, dtype=dtype, **params) for seed in (0, 1))
    coefs = [(a + b) / 2 for a, b in zip(one.coefs_, two.coefs_, strict=True)]
    intercepts = [(a + b) / 2 for a, b in zip(one.intercepts_, two.intercepts_, strict=True)]
    assign(one.set_params(**FROZEN_RATE), coefs, intercepts)
    before = one.predict_proba(X)
    one.partial_fit(X, y)
    tolerance = {"float32": 1e-5, "float64": 1e-12}[dtype]
    if not params.get("batch_norm"):  # whose running means follow the rows
        np.testing.assert_allclose(one.predict_proba(X), before, rtol=tolerance)
        for found, expected in zip(
            [*one.coefs_, *one.intercepts_], coefs + intercepts, strict=True
        ):
            np.testing.assert_allclose(found, expected, rtol=tolerance)
    assert np.abs(one.predict_proba(X) - before).max() < 0.1
    assert np.abs(two.predict_proba(X) - before).max() > 0.1


@pytest.mark.parametrize("change", ["coefs_", "intercepts_"])
@pytest.mark.parametrize("place", ["assigned", "in place"])
@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("params", [{}, *TRANSFORMED.values()], ids=["plain", *TRANSFORMED])
def test_training_continues_from_one_changed_number(params, method, layer, place, change):
    def continued(factor):
        model = trained(warm_start=True, max_iter=1, **params)
        arrays = [array.copy() for array in getattr(model, change)]
        arrays[layer].flat[1] *= factor
        if place == "assigned":
            setattr(model, change, arrays)
        else:
            getattr(model, change)[layer][...] = arrays[layer]
        return getattr(model, method)(X, y)

    same, changed = continued(1), continued(1.5)
    assert_identical_model(
        same, getattr(trained(warm_start=True, max_iter=1, **params), method)(X, y)
    )
    assert not np.array_equal(same.predict_proba(X), changed.predict_proba(X))
    assert not np.array_equal(getattr(same, change)[layer], getattr(changed, change)[layer])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("params", TRANSFORMED.values(), ids=TRANSFORMED)
def test_weights_assigned_as_they_are_change_nothing(params, dtype):
    model, expected = trained(dtype=dtype, **params), trained(dtype=dtype, **params)
    assign(model, [W.copy() for W in model.coefs_], [b.copy() for b in model.intercepts_])
    assert_identical_model(model.partial_fit(X, y), expected.partial_fit(X, y))


@pytest.mark.parametrize("params", TRANSFORMED.values(), ids=TRANSFORMED)
def test_another_precision_is_not_taken_for_an_assignment(params, monkeypatch):
    def refuse(*args):
        raise AssertionError("the parameters were taken from coefs_")

    model = trained(dtype="float64", **params).set_params(dtype="float32")
    monkeypatch.setattr(Parameters, "set_affine", refuse)
    model.partial_fit(X, y)
    assert model.coefs_[0].dtype == "float32"


@pytest.mark.parametrize("params", TRANSFORMED.values(), ids=TRANSFORMED)
def test_assigned_weights_are_predicted_with_until_partial_fit_changes_them(params):
    model = trained(**params)
    halves = [W / 2 for W in model.coefs_], [b / 2 for b in model.intercepts_]
    plain = assign(trained(), *halves)
    np.testing.assert_array_equal(assign(model, *halves).predict_proba(X), plain.predict_proba(X))


def test_partial_fit_from_assigned_weights_is_that_of_mlpclassifier():
    theirs, ours = (
        trained(cls, n_calls=1, batch_size=90, shuffle=False, solver="sgd", momentum=0)
        for cls in (MLPClassifier, NumpyMLPClassifier)
    )
    for model in (theirs, ours):
        halves = [W / 2 for W in model.coefs_], [b / 2 for b in model.intercepts_]
        for kept, half in zip(
            [*model.coefs_, *model.intercepts_], [*halves[0], *halves[1]], strict=True
        ):
            kept[...] = half
        model.partial_fit(X, y)
    for a, b in zip(
        [*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
