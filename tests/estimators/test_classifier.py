"""NumpyMLPClassifier as its users see it: labels, tables, dtypes, weights, validation, training."""

import math
import pickle
import re
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_blobs, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.metrics import get_scorer, log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight
from threadpoolctl import threadpool_info, threadpool_limits

from skmlp import NumpyMLPClassifier
from skmlp._engine.initializers import INITIALIZERS
from skmlp._engine.network import Network
from skmlp._fit.epoch_table import EpochTable
from skmlp._training.history import StoppingRule
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES
from skmlp._training.solver import Solver

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ["lbfgs", *OPTIMIZERS]

X, y = make_blobs(90, n_features=4, centers=3, cluster_std=2.0, random_state=1)
X = StandardScaler().fit_transform(X)
X_train, y_train, X_val, y_val = X[:60], y[:60], X[60:], y[60:]
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
X_multi, Y_multi = make_multilabel_classification(60, n_features=5, n_classes=3, random_state=0)
X_multi = StandardScaler().fit_transform(X_multi)


def small(**params):
    defaults = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
    return NumpyMLPClassifier(**defaults | params)


def good(**params):
    """Return a classifier that learns the blobs almost perfectly."""
    return small(solver="lbfgs", max_iter=100, alpha=0.01, **params)


def assert_same_model(ours, theirs, rtol=1e-10):
    for a, b in zip(
        [*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def assert_identical_model(ours, theirs):
    for a, b in zip(
        [*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True
    ):
        np.testing.assert_array_equal(a, b)


# --- Labels -----------------------------------------------------------------------------------

LABELS = {
    "strings": ["b", "a", "c"],
    "object strings": np.array(["long name", "b", "c"], dtype=object),
    "bools": [True, False],
    "negative and gapped integers": [-7, 1000, 3],
    "small integers": np.array([3, 1, 2], dtype=np.int8),
    "unsigned": np.array([200, 0, 7], dtype=np.uint8),
    "whole floats": [2.0, -1.0, 0.0],
    "minus and plus one": [1, -1],
    "letters beyond ASCII": np.array(["ä", "ß"]),
}


@pytest.mark.parametrize("kinds", LABELS.values(), ids=LABELS)
def test_labels_of_any_kind_come_back_in_kind_and_dtype(kinds):
    kinds = np.asarray(kinds)
    labels = kinds[y % len(kinds)]
    model = good().fit(X, labels)
    predicted = model.predict(X)
    theirs = MLPClassifier((6,), max_iter=1).fit(X, labels)
    assert model.classes_.tolist() == sorted(kinds.tolist())
    assert model.classes_.dtype == theirs.classes_.dtype == predicted.dtype
    assert predicted.dtype.kind == labels.dtype.kind or labels.dtype == object
    assert predicted.shape == (90,)
    assert np.mean(predicted == labels) > 0.7
    assert model.score(X, labels) == np.mean(predicted == labels)


@pytest.mark.parametrize(
    "convert",
    [
        list,
        tuple,
        lambda labels: pd.Series(labels, index=range(90, 0, -1)),
        lambda labels: pd.Series(labels, dtype="string"),
        lambda labels: pd.Series(labels, dtype="category"),
        lambda labels: pd.Series(labels, dtype="category").values,
        lambda labels: pd.DataFrame({"label": labels})["label"],
    ],
    ids=["list", "tuple", "Series", "string Series", "Categorical Series", "Categorical", "column"],
)
def test_labels_in_any_container_train_the_same_model(convert):
    labels = np.array(["x", "z", "y"])[y]
    model, expected = small().fit(X, convert(labels)), small().fit(X, labels)
    assert_identical_model(model, expected)
    assert model.classes_.tolist() == ["x", "y", "z"]
    assert model.predict(X).tolist() == expected.predict(X).tolist()


def test_a_column_of_labels_warns_and_is_taken_as_1d():
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        model = small().fit(X, y[:, np.newaxis])
    assert_identical_model(model, small().fit(X, y))
    assert model.predict(X).shape == (90,)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "convert",
    [
        np.asarray,
        lambda Y: Y.astype(bool),
        lambda Y: Y.tolist(),
        lambda Y: Y.astype(float),
        pd.DataFrame,
        sparse.csr_matrix,
        sparse.csc_matrix,
        sparse.lil_matrix,
        sparse.csr_array,
    ],
    ids=["int", "bool", "lists", "float", "frame", "csr", "csc", "lil", "csr_array"],
)
def test_multilabel_indicators_in_any_container_train_the_same_model(convert, method):
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    model = getattr(small(), method)(X_multi, convert(Y_multi), **arguments)
    assert_identical_model(model, getattr(small(), method)(X_multi, Y_multi, **arguments))
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.out_activation_ == "logistic"


@pytest.mark.parametrize("convert", [np.asarray, lambda Y: Y.astype(bool), sparse.csr_matrix])
def test_multilabel_predictions_are_of_the_kind_mlpclassifier_gives(convert):
    Y = convert(Y_multi)
    ours = small().fit(X_multi, Y).predict(X_multi)
    theirs = MLPClassifier((6,), max_iter=5, random_state=0).fit(X_multi, Y).predict(X_multi)
    assert type(ours) is type(theirs)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape == Y_multi.shape


# --- Predictions ------------------------------------------------------------------------------

TARGETS = {"binary": (X, y == 0), "multiclass": (X, y), "multilabel": (X_multi, Y_multi)}


@pytest.mark.parametrize(("kind", "data"), TARGETS.items(), ids=TARGETS)
def test_predictions_agree_with_each_other(kind, data):
    model = small().fit(*data)
    n, k = len(data[0]), len(model.classes_)
    z, proba = model.decision_function(data[0]), model.predict_proba(data[0])
    labels = model.predict(data[0])
    assert z.shape == ((n,) if kind == "binary" else (n, k))
    assert proba.shape == (n, k)
    assert ((proba > 0) & (proba < 1)).all()
    np.testing.assert_allclose(np.exp(model.predict_log_proba(data[0])), proba, rtol=1e-10)
    if kind == "multilabel":
        np.testing.assert_allclose(proba, 1 / (1 + np.exp(-z)))
        np.testing.assert_array_equal(labels, z > 0)
        return
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_array_equal(labels, model.classes_[proba.argmax(axis=1)])
    if kind == "binary":
        np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-z)))
        np.testing.assert_array_equal(labels == model.classes_[1], z > 0)
    else:
        shares = np.exp(z)
        np.testing.assert_allclose(proba, shares / shares.sum(axis=1, keepdims=True))


def test_log_probabilities_of_the_most_confident_rows_are_finite():
    model = good().fit(X, y == 0)
    far = X * 1e6
    log_proba = model.predict_log_proba(far)
    assert np.isfinite(log_proba).all()
    assert log_proba.min() < np.log(np.finfo(float).tiny)


# --- Tables -----------------------------------------------------------------------------------


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


# --- Precision --------------------------------------------------------------------------------

KEPT_DTYPES = {
    "float16": np.float32,
    "float32": np.float32,
    "float64": np.float64,
    "longdouble": np.float64,
    "int8": np.float64,
    "int64": np.float64,
    "uint8": np.float64,
    "bool": np.float64,
}


def assert_computes_in(model, dtype, inputs):
    for array in [*model.coefs_, *model.intercepts_]:
        assert array.dtype == dtype
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        assert getattr(model, method)(inputs).dtype == dtype


@pytest.mark.parametrize(
    ("container", "given", "used"),
    [
        (container, given, used)
        for container in (np.asarray, pd.DataFrame, sparse.csr_matrix)
        for given, used in KEPT_DTYPES.items()
        # SciPy has no sparse matrices of 16 bits
        if not (container is sparse.csr_matrix and given == "float16")
    ],
)
@pytest.mark.parametrize("solver", SOLVERS)
def test_precision_is_that_of_the_input(container, given, used, solver):
    inputs = container(np.round(X).astype(given))
    assert_computes_in(small(solver=solver).fit(inputs, y), used, inputs)


@pytest.mark.parametrize("given", KEPT_DTYPES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_dtype_forces_the_precision(container, dtype, given):
    inputs = container(np.round(X).astype(given))
    model = small(dtype=dtype).fit(inputs, y)
    assert_computes_in(model, np.dtype(dtype), inputs)
    assert_identical_model(model, small().fit(np.round(X).astype(given).astype(dtype), y))


def test_columns_of_different_precision_are_raised_to_the_widest():
    single = FRAME.astype(np.float32)
    assert_computes_in(small().fit(single.astype({"a": np.float16}), y), np.float32, single)
    assert_computes_in(small().fit(single.astype({"a": np.float64}), y), np.float64, single)
    assert_computes_in(small().fit(single.round().astype({"a": int}), y), np.float64, single)


@pytest.mark.parametrize("dtype", [None, "float64"])
def test_partial_fit_goes_on_in_the_precision_it_began_with_unless_told(dtype):
    model = small().partial_fit(X.astype(np.float32), y, classes=[0, 1, 2])
    model.set_params(dtype=dtype).partial_fit(X, y)
    assert_computes_in(model, np.float64 if dtype else np.float32, X)


def test_float32_learns_what_float64_learns():
    single, double = small(dtype="float32").fit(X, y), small().fit(X, y)
    assert_same_model(single, double, rtol=1e-5)


# --- Sparse rows and memory layout ------------------------------------------------------------

SPARSE = [
    getattr(sparse, f"{name}_{kind}")
    for name in ("csr", "csc", "coo")
    for kind in ("matrix", "array")
]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("container", SPARSE, ids=lambda c: c.__name__)
def test_sparse_rows_train_and_predict_as_dense_ones(container, solver):
    holes = np.where(np.abs(X) > 0.5, X, 0)
    params = {"solver": solver, "batch_size": 20} if solver != "lbfgs" else {"solver": solver}
    model = small(**params).fit(container(holes), y)
    expected = small(**params).fit(holes, y)
    assert_same_model(model, expected)
    np.testing.assert_allclose(
        model.predict_proba(container(holes)), expected.predict_proba(holes), rtol=1e-10
    )


@pytest.mark.parametrize("solver", SOLVERS)
def test_memory_layout_changes_no_bit(solver, tmp_path):
    file = tmp_path / "X.dat"
    mapped = np.memmap(file, dtype=X.dtype, mode="w+", shape=X.shape)
    mapped[:] = X
    mapped.flush()
    frozen = X.copy()
    frozen.flags.writeable = False
    expected = small(solver=solver).fit(X, y)
    for inputs in (
        np.asfortranarray(X),
        np.repeat(X, 2, axis=0)[::2],
        frozen,
        np.memmap(file, dtype=X.dtype, mode="r", shape=X.shape),
    ):
        model = small(solver=solver).fit(inputs, y)
        assert_identical_model(model, expected)
        np.testing.assert_allclose(
            model.predict_proba(inputs), expected.predict_proba(X), rtol=1e-13
        )


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("container", [np.array, sparse.csr_matrix])
def test_inputs_are_left_as_they_are(container, solver):
    inputs, labels, w = container(X_train), y_train.copy(), np.linspace(0, 2, 60)
    before = pickle.dumps((inputs, labels, w))
    model = small(solver=solver, class_weight="balanced", batch_size=7)
    model.fit(inputs, labels, w, X_val=inputs, y_val=labels).predict_proba(inputs)
    assert pickle.dumps((inputs, labels, w)) == before


# --- Initial weights --------------------------------------------------------------------------


def test_every_weight_init_starts_elsewhere_and_trains():
    options = [*INITIALIZERS, 0.3]
    starts = []
    for option in options:
        frozen = small(weight_init=option, solver="sgd", learning_rate_init=1e-300, max_iter=1)
        starts.append(frozen.fit(X, y).coefs_[0])
        trained = small(weight_init=option, max_iter=150, learning_rate_init=0.02).fit(X, y)
        assert trained.loss_curve_[-1] < 0.5 * trained.loss_curve_[0]
    for i, start in enumerate(starts):
        for other in starts[i + 1 :]:
            assert not np.array_equal(start, other)


@pytest.mark.parametrize("s", [0.01, 2.0, 1])
def test_a_number_for_weight_init_is_the_standard_deviation(s):
    model = NumpyMLPClassifier(
        (300,), weight_init=s, solver="sgd", learning_rate_init=1e-300, max_iter=1, random_state=0
    )
    model.fit(np.repeat(X, 10, axis=1), y)
    for drawn in (model.coefs_[0].ravel(), model.intercepts_[0]):
        assert np.std(drawn) == pytest.approx(s, rel=5 / np.sqrt(2 * drawn.size))
        assert abs(np.mean(drawn)) < 5 * s / np.sqrt(drawn.size)


# --- Class weights ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "solver"),
    [("fit", solver) for solver in SOLVERS] + [("partial_fit", solver) for solver in OPTIMIZERS],
)
def test_a_dict_of_class_weights_is_a_sample_weight(method, solver):
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    weights = {0: 1.0, 1: 2.5, 2: 0.25}
    by_class = getattr(small(solver=solver, class_weight=weights), method)(X, y, **arguments)
    by_row = getattr(small(solver=solver), method)(
        X, y, np.array([weights[c] for c in y]), **arguments
    )
    assert_same_model(by_class, by_row)


def test_classes_that_a_dict_leaves_out_weigh_one():
    assert_same_model(
        small(class_weight={1: 3.0}).fit(X, y),
        small(class_weight={0: 1.0, 1: 3.0, 2: 1.0}).fit(X, y),
    )


@pytest.mark.parametrize("labels", [y, y == 0, np.array(["a", "b", "c"])[y]])
def test_balanced_equals_the_weights_computed_by_hand(labels):
    some = np.arange(90) % 4 != 0
    inputs, labels = X[some], labels[some]
    classes = np.unique(labels)
    by_hand = compute_class_weight("balanced", classes=classes, y=labels)
    assert_same_model(
        small(class_weight="balanced").fit(inputs, labels),
        small(class_weight=dict(zip(classes.tolist(), by_hand, strict=True))).fit(inputs, labels),
    )


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 2.0, 1: 1.0, 2: 0.5}])
def test_whole_sample_weights_are_repetitions(class_weight):
    times = np.random.RandomState(0).randint(0, 4, 90)
    params = {"class_weight": class_weight, "solver": "lbfgs", "max_iter": 10}
    weighted = small(**params).fit(X, y, times)
    repeated = small(**params).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    assert_same_model(weighted, repeated, rtol=1e-6)


def test_balanced_multilabel_weights_multiply_over_the_columns():
    by_hand = np.ones(60)
    for column in Y_multi.T:
        by_hand *= compute_class_weight("balanced", classes=np.array([0, 1]), y=column)[column]
    assert_same_model(
        small(class_weight="balanced").fit(X_multi, Y_multi),
        small().fit(X_multi, Y_multi, by_hand),
    )


def test_balanced_multilabel_counts_sample_weights_as_repetitions():
    times = np.random.RandomState(0).randint(0, 4, 60)
    params = {"class_weight": "balanced", "solver": "lbfgs", "max_iter": 10}
    weighted = small(**params).fit(X_multi, Y_multi, times)
    repeated = small(**params).fit(
        np.repeat(X_multi, times, axis=0), np.repeat(Y_multi, times, axis=0)
    )
    assert_same_model(weighted, repeated, rtol=1e-6)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix])
def test_a_list_of_dicts_weighs_the_columns_of_multilabel_y(convert):
    weights = [{0: 1, 1: 5}, {0: 1, 1: 1}, {0: 2, 1: 1}]
    by_hand = np.array([5.0, 1.0])[1 - Y_multi[:, 0]] * np.array([2.0, 1.0])[Y_multi[:, 2]]
    assert_same_model(
        small(class_weight=weights).fit(X_multi, convert(Y_multi)),
        small().fit(X_multi, Y_multi, by_hand),
    )


# --- The validation set -----------------------------------------------------------------------


def test_a_given_validation_set_spares_the_split():
    model = small(early_stopping=True).fit(X_train, y_train, X_val=X_val, y_val=y_val)
    split = small(early_stopping=True, validation_fraction=0.2).fit(X_train, y_train)
    assert model.t_ == 60 * model.n_iter_
    assert split.t_ == 48 * split.n_iter_
    assert model.validation_scores_[-1] in [k / 30 for k in range(31)]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_validation_is_recorded_but_decides_only_with_early_stopping(early_stopping, solver):
    params = {"solver": solver, "max_iter": 30, "learning_rate_init": 0.05, "n_iter_no_change": 2}
    model = small(early_stopping=early_stopping, **params)
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)
    if early_stopping and solver in OPTIMIZERS:
        assert model.best_loss_ is None
        assert model.score(X_val, y_val) == model.best_validation_score_
    else:
        blind = small(**params).fit(X_train, y_train)
        assert_identical_model(model, blind)
        assert model.loss_curve_ == blind.loss_curve_
        assert model.best_loss_ == min(model.loss_curve_)
        assert blind.validation_scores_ is None
        assert blind.validation_loss_curve_ is None
        assert blind.best_validation_score_ is None


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("kind", "data"), TARGETS.items(), ids=TARGETS)
def test_validation_curves_are_log_loss_and_accuracy_of_the_model_after_each_epoch(
    kind, data, solver
):
    inputs, labels = data
    held_out = inputs[:30], labels[:30]
    curves = small(solver=solver, alpha=1.0).fit(
        inputs[30:], labels[30:], X_val=held_out[0], y_val=held_out[1]
    )
    for n_epochs in range(1, 4):
        model = small(solver=solver, alpha=1.0, max_iter=n_epochs).fit(inputs[30:], labels[30:])
        proba = model.predict_proba(held_out[0])
        if kind == "multilabel":
            expected = sum(log_loss(held_out[1][:, k], proba[:, k]) for k in range(3))
        else:
            expected = log_loss(held_out[1], proba)
        assert curves.validation_loss_curve_[n_epochs - 1] == pytest.approx(expected, rel=1e-9)
        assert curves.validation_scores_[n_epochs - 1] == pytest.approx(model.score(*held_out))


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_scale_of_sample_weights_changes_no_curve(solver):
    w = np.linspace(0.5, 2, 90)
    params = {"early_stopping": True, "alpha": 0, "solver": solver}
    model, scaled = small(**params).fit(X, y, w), small(**params).fit(X, y, 100 * w)
    assert scaled.loss_curve_ == pytest.approx(model.loss_curve_)
    if solver in OPTIMIZERS:
        assert scaled.validation_loss_curve_ == pytest.approx(model.validation_loss_curve_)
        assert scaled.validation_scores_ == pytest.approx(model.validation_scores_)


def test_class_weights_weigh_the_validation_loss_by_a_mean():
    weights = {0: 100.0, 1: 200.0, 2: 300.0}
    model = small(class_weight=weights).fit(X_train, y_train, X_val=X_val, y_val=y_val)
    w_val = np.array([weights[c] for c in y_val])
    last = log_loss(y_val, model.predict_proba(X_val), sample_weight=w_val)
    assert model.validation_loss_curve_[-1] == pytest.approx(last)
    assert model.validation_scores_[-1] == pytest.approx(model.score(X_val, y_val, w_val))


def test_balanced_weighs_validation_rows_as_training_rows():
    some = y_val != 2
    weights = compute_class_weight("balanced", classes=np.array([0, 1, 2]), y=y_train)
    model = small(class_weight="balanced").fit(
        X_train, y_train, X_val=X_val[some], y_val=y_val[some]
    )
    proba, w = model.predict_proba(X_val[some]), weights[y_val[some]]
    expected = log_loss(y_val[some], proba, sample_weight=w, labels=[0, 1, 2])
    assert model.validation_loss_curve_[-1] == pytest.approx(expected)


def test_early_stopping_ends_with_the_weights_of_the_best_epoch():
    params = {"learning_rate_init": 0.05, "batch_size": 10, "alpha": 0}
    noisy = np.random.RandomState(0).permutation(y_val)
    model = small(early_stopping=True, max_iter=300, n_iter_no_change=5, **params)
    model.fit(X_train, y_train, X_val=X_val, y_val=noisy)
    best = int(np.argmax(model.validation_scores_)) + 1
    assert best < model.n_iter_ < 300
    at_best = small(max_iter=best, **params).fit(X_train, y_train)
    assert_identical_model(model, at_best)


def test_early_stopping_waits_n_iter_no_change_epochs():
    model = small(early_stopping=True, max_iter=300, n_iter_no_change=5, tol=0.01)
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    best, waited = -np.inf, 0
    for score in model.validation_scores_:
        assert waited <= 5
        waited = 0 if score >= best + 0.01 else waited + 1
        best = max(best, score)
    assert waited == 6


def test_validation_rows_may_be_sparse_or_of_other_precision():
    dense = small().fit(X_train, y_train, X_val=X_val, y_val=y_val)
    as_csc = small().fit(X_train, y_train, X_val=sparse.csc_matrix(X_val), y_val=list(y_val))
    single = small().fit(X_train, y_train, X_val=X_val.astype(np.float32), y_val=y_val)
    assert as_csc.validation_loss_curve_ == pytest.approx(dense.validation_loss_curve_, rel=1e-10)
    assert single.validation_loss_curve_ == pytest.approx(dense.validation_loss_curve_, rel=1e-5)
    assert_computes_in(single, np.float64, X_val)


def test_validation_rows_may_lack_classes():
    some = y_val != 1
    model = small().fit(X_train, y_train, X_val=X_val[some], y_val=y_val[some])
    expected = log_loss(y_val[some], model.predict_proba(X_val[some]), labels=[0, 1, 2])
    assert model.validation_loss_curve_[-1] == pytest.approx(expected)


# --- Training ---------------------------------------------------------------------------------


def test_a_batch_larger_than_the_data_warns_and_is_all_of_it():
    with pytest.warns(UserWarning, match="batch_size=1000 .*90 training rows") as caught:
        model = small(batch_size=1000).fit(X, y)
    assert_identical_model(model, small(batch_size=90).fit(X, y))
    assert {w.filename for w in caught if "batch_size" in str(w.message)} == {__file__}


@pytest.mark.parametrize("solver", SOLVERS)
def test_convergence_warning_when_max_iter_is_reached_and_only_then(solver):
    with pytest.warns(ConvergenceWarning, match="(?i)max_iter") as caught:
        small(solver=solver, max_iter=2).fit(X, y)
    assert [w.filename for w in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = small(solver=solver, max_iter=5000, tol=1e-3, alpha=0.1, learning_rate_init=0.05)
        model.fit(X, y)
    assert model.n_iter_ < 5000


@pytest.mark.parametrize("limit", [{"max_iter": 2}, {"max_time": 1e-6}])
@pytest.mark.parametrize("scoring", [None, "loss"])
def test_a_fit_that_trains_twice_warns_once(limit, scoring):
    model = small(early_stopping=True, scoring=scoring, refit=True, **limit)
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(X, y)
    assert len(caught) == 1


def test_partial_fit_never_warns_of_convergence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small().partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y)


@pytest.mark.parametrize("every", [True, 2])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("validated", [False, True])
def test_verbose_prints_a_line_an_epoch(validated, solver, every, capsys):
    validation = {"X_val": X_val, "y_val": y_val} if validated else {}
    model = small(solver=solver, verbose=every, max_iter=4).fit(X_train, y_train, **validation)
    header, *lines = capsys.readouterr().out.splitlines()
    curves = {"loss": (model.loss_curve_, ".6f")}
    if validated:
        curves["val. loss"] = model.validation_loss_curve_, ".6f"
        curves["val. score"] = model.validation_scores_, ".4f"
    if solver in OPTIMIZERS:
        curves["learning rate"] = model.learning_rate_curve_, ".3g"
    assert re.split(" {2,}", header.strip()) == ["epoch", *curves, "seconds"]
    shown = range(every, model.n_iter_ + 1, every)
    assert len(lines) == len(shown) == 4 // every
    for epoch, line in zip(shown, lines, strict=True):
        expected = [format(curve[epoch - 1], style) for curve, style in curves.values()]
        assert line.split()[:-1] == [str(epoch), *expected]
    small(solver=solver, max_iter=3).fit(X_train, y_train, **validation)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_partial_fit_is_one_epoch_a_call(solver):
    model = small(solver=solver)
    for call in range(1, 4):
        model.partial_fit(X, y, classes=[0, 1, 2])
        assert model.n_iter_ == 1
        assert len(model.loss_curve_) == call
        assert model.loss_ == model.loss_curve_[-1]
        assert model.t_ == 90 * call
    assert model.best_loss_ == min(model.loss_curve_)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_partial_fits_without_shuffling_are_one_fit(solver, early_stopping):
    whole = small(solver=solver, shuffle=False, max_iter=4, batch_size=16).fit(X, y)
    model = small(solver=solver, shuffle=False, batch_size=16, early_stopping=early_stopping)
    for _ in range(4):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert_identical_model(model, whole)
    assert model.loss_curve_ == whole.loss_curve_
    assert model.validation_scores_ is None


def test_partial_fit_learns_from_batches_that_lack_classes():
    model = small(learning_rate_init=0.02)
    for _ in range(60):
        for label in (0, 1, 2):
            model.partial_fit(X[y == label], y[y == label], classes=[2, 0, 1])
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.score(X, y) > 0.8


def test_partial_fit_is_absent_without_a_stochastic_solver():
    model = small(solver="lbfgs")
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        model.partial_fit(X, y, classes=[0, 1, 2])
    for solver in OPTIMIZERS:
        assert hasattr(model.set_params(solver=solver), "partial_fit")


def test_partial_fit_goes_on_after_fit():
    model = small(shuffle=False).fit(X, y)
    before = model.loss_curve_.copy()
    model.partial_fit(X, y)
    assert model.loss_curve_[:-1] == before
    assert model.loss_curve_[-1] < before[-1]


@pytest.mark.parametrize("solver", SOLVERS)
def test_warm_start_goes_on_where_training_ended(solver):
    model = small(solver=solver, warm_start=True).fit(X, y)
    curve, t = model.loss_curve_, model.t_
    model.fit(X, y)
    assert model.loss_curve_[: len(curve)] == curve
    assert len(model.loss_curve_) == len(curve) + model.n_iter_
    assert model.loss_curve_[-1] < curve[-1]
    assert model.t_ == t + (90 * model.n_iter_ if solver in OPTIMIZERS else 0)


@pytest.mark.parametrize("solver", SOLVERS)
def test_without_warm_start_each_fit_starts_anew(solver):
    model = small(solver=solver).fit(X, y)
    again = pickle.loads(pickle.dumps(model)).fit(X, y)
    assert_identical_model(again, model)
    assert again.loss_curve_ == model.loss_curve_
    other = make_blobs(40, n_features=7, centers=5, random_state=0)
    assert_identical_model(model.fit(*other), small(solver=solver).fit(*other))


@pytest.mark.parametrize(("before", "after"), [*permutations(SOLVERS, 2)])
def test_parameters_set_between_fits_take_effect(before, after):
    model = small(solver=before, activation="relu").fit(X, y)
    proba = model.predict_proba(X)
    model.set_params(solver=after, activation="tanh")
    # what is fitted goes on predicting with the activation it was trained with
    np.testing.assert_array_equal(model.predict_proba(X), proba)
    model.fit(X, y)
    assert_identical_model(model, small(solver=after, activation="tanh").fit(X, y))


def test_a_learning_rate_set_between_partial_fits_counts_when_it_does_for_mlpclassifier():
    models = [
        cls((6,), solver="sgd", random_state=0) for cls in (NumpyMLPClassifier, MLPClassifier)
    ]
    for model in models:
        model.partial_fit(X, y, classes=[0, 1, 2])
        model.set_params(learning_rate_init=0.1, shuffle=False).partial_fit(X, y)
    assert_same_model(*models)


def test_a_solver_set_between_partial_fits_starts_with_a_new_state():
    model = small(solver="sgd", shuffle=False).partial_fit(X, y, classes=[0, 1, 2])
    fresh = small(solver="adam", shuffle=False, warm_start=True, max_iter=1)
    fresh.partial_fit(X, y, classes=[0, 1, 2])
    fresh.coefs_, fresh.intercepts_ = model.coefs_, model.intercepts_
    assert_identical_model(model.set_params(solver="adam").partial_fit(X, y), fresh.fit(X, y))


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


@pytest.mark.parametrize("sizes", [7, [7], (7,), np.array([7]), np.int64(7)])
def test_one_hidden_layer_may_be_written_as_a_number(sizes):
    model = small(hidden_layer_sizes=sizes).fit(X, y)
    assert [W.shape for W in model.coefs_] == [(4, 7), (7, 3)]
    assert model.n_layers_ == 3


def test_no_hidden_layer_is_allowed():
    model = NumpyMLPClassifier((), solver="lbfgs", random_state=0).fit(X, y)
    assert [W.shape for W in model.coefs_] == [(4, 3)]
    assert model.n_layers_ == 2
    assert model.score(X, y) > 0.8


# --- Chance -----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_int_seed_is_reproducible(solver):
    assert_identical_model(small(solver=solver).fit(X, y), small(solver=solver).fit(X, y))
    other = small(solver=solver, random_state=1).fit(X, y)
    assert not np.array_equal(other.coefs_[0], small(solver=solver).fit(X, y).coefs_[0])


def test_no_seed_uses_the_global_generator():
    models = []
    for _ in range(2):
        np.random.seed(3)  # noqa: NPY002
        models.append(small(random_state=None).fit(X, y))
    assert_identical_model(*models)
    assert not np.array_equal(small(random_state=None).fit(X, y).coefs_[0], models[0].coefs_[0])


def test_an_int_seed_leaves_the_global_generator_alone():
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002
    small(early_stopping=True).fit(X, y)
    assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_generator_as_seed_advances(method):
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    rng = np.random.RandomState(0)
    first = getattr(small(random_state=rng), method)(X, y, **arguments)
    second = getattr(small(random_state=rng), method)(X, y, **arguments)
    assert first.random_state is rng
    assert_identical_model(first, getattr(small(random_state=0), method)(X, y, **arguments))
    assert not np.array_equal(first.coefs_[0], second.coefs_[0])


@pytest.mark.parametrize("shuffle", [False, True])
def test_each_partial_fit_shuffles_anew_if_at_all(shuffle):
    model = small(solver="sgd", batch_size=1, momentum=0, shuffle=shuffle)
    start = model.partial_fit(X, y, classes=[0, 1, 2]).coefs_, model.intercepts_
    ends = []
    for _ in range(2):
        model.coefs_, model.intercepts_ = start
        ends.append(model.partial_fit(X, y).coefs_[0])
    assert np.array_equal(*ends) != shuffle


# --- Threads ----------------------------------------------------------------------------------


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


# --- Attributes -------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "sgd"])
@pytest.mark.parametrize("data", TARGETS.values(), ids=TARGETS)
def test_every_fitted_attribute_of_mlpclassifier_is_there_with_its_value(data, solver):
    params = {"hidden_layer_sizes": (6,), "solver": solver, "max_iter": 5, "random_state": 0}
    theirs = MLPClassifier(**params).fit(*data)
    ours = NumpyMLPClassifier(**params).fit(*data)
    public = {name for name in vars(theirs) if re.fullmatch(r"[a-z]\w*_", name)}
    assert public <= vars(ours).keys()
    for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_", "n_iter_", "t_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    for name in ("loss_", "best_loss_", "loss_curve_"):
        if hasattr(theirs, name):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-7), name


def test_results_handed_out_are_not_changed_by_further_training():
    model = small(warm_start=True).fit(X, y)
    coefs, curve = model.coefs_, model.loss_curve_
    frozen = pickle.dumps((coefs, curve))
    model.fit(X, y).partial_fit(X, y)
    assert pickle.dumps((coefs, curve)) == frozen


def test_changes_to_published_weights_are_what_predicts():
    model = small().fit(X, y)
    model.coefs_[-1][:] = 0
    model.intercepts_[-1][:] = [0, 5, 0]
    assert set(model.predict(X)) == {1}


# --- Narrow input -----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("narrow", ["uint8", "float16"])
def test_narrow_rows_train_the_model_of_their_wide_copy(narrow, solver):
    pixels = np.random.RandomState(0).randint(0, 16, (90, 4)).astype(narrow)
    settings = {"solver": solver, "dtype": "float32", "early_stopping": True, "alpha": 0.1}
    ours = small(**settings).fit(pixels, y)
    wide = small(**settings).fit(pixels.astype("float32"), y)
    assert_identical_model(ours, wide)
    assert ours.validation_scores_ == wide.validation_scores_
    np.testing.assert_array_equal(ours.predict_proba(pixels), wide.predict_proba(pixels))


def test_bytes_are_not_copied_to_floats_as_a_whole():
    pixels = np.random.RandomState(0).randint(0, 256, (20_000, 100)).astype("uint8")
    labels = pixels[:, 0] > 127
    model = small(dtype="float32", max_iter=1, batch_size=100)
    tracemalloc.start()
    with config_context(working_memory=0.5):
        model.fit(pixels, labels).predict(pixels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # as floats they are four times as large
    assert peak < pixels.nbytes


# --- Threads ----------------------------------------------------------------------------------


def blas_limits():
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return {library["filepath"]: library["num_threads"] for library in libraries}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("n_threads", "in_force"), [("auto", 1), (1, 1), (2, 2)])
def test_a_fit_of_a_small_network_uses_the_threads_asked_for(
    n_threads, in_force, solver, monkeypatch
):
    seen = []
    monkeypatch.setattr(EpochTable, "print_line", lambda *args: seen.append(blas_limits()))
    with threadpool_limits(2, user_api="blas"):
        before = blas_limits()
        model = small(solver=solver, max_iter=2, n_threads=n_threads).fit(X, y)
        assert [max(limits.values()) for limits in seen] == [in_force] * 2
        model.predict(X)
        assert blas_limits() == before


def test_a_failed_fit_restores_the_limits_of_its_caller():
    before = blas_limits()
    with pytest.raises(ValueError, match="diverged"):
        small(solver="sgd", learning_rate_init=1e300).fit(X, y)
    assert blas_limits() == before


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_number_of_threads_changes_a_small_model_in_no_bit(dtype):
    one, two = (small(n_threads=n, dtype=dtype).fit(X, y) for n in (1, 2))
    assert_identical_model(one, two)


# --- Regularisers and solvers -----------------------------------------------------------------

DISTURBED = {"noise": 0.3, "dropout": 0.2, "input_noise": 0.1, "input_dropout": 0.1}
REGULARISED = DISTURBED | {
    "adversarial_radius": 0.2,
    "batch_norm": True,
    "averaging": 0.9,
    "label_smoothing": 0.1,
    "max_norm": 1.0,
    "max_grad_norm": 0.1,
    "warmup_epochs": 1.5,
}
# what is published is not what is trained
TRANSFORMED = {
    "batch_norm": {"batch_norm": True},
    "averaging": {"averaging": 0.8},
    "both": {"batch_norm": True, "averaging": 0.8},
}
# a vanishing rate leaves the parameters
FROZEN = {"solver": "sgd", "learning_rate_init": 1e-300, "max_iter": 1}
transformed = pytest.mark.parametrize("params", TRANSFORMED.values(), ids=TRANSFORMED)


@pytest.mark.parametrize(("name", "value"), REGULARISED.items(), ids=REGULARISED)
def test_every_regulariser_changes_training_and_its_default_does_not(name, value):
    params = {"solver": "sgd", "learning_rate_init": 0.1, "batch_size": 20}
    plain, off = small(**params).fit(X, y), NumpyMLPClassifier().get_params()[name]
    changed = small(**params, **{name: value}).fit(X, y)
    assert np.abs(changed.coefs_[0] - plain.coefs_[0]).max() > 1e-3
    assert_identical_model(small(**params, **{name: off}).fit(X, y), plain)


@pytest.mark.parametrize("hidden", [(6,), (6, 5)])
@pytest.mark.parametrize("name", ["activation", "dropout", "noise"])
def test_one_value_for_all_layers_is_a_sequence_of_it(name, hidden):
    value = "tanh" if name == "activation" else 0.2
    one = small(hidden_layer_sizes=hidden, **{name: value}).fit(X, y)
    for sequence in ([value] * len(hidden), (value,) * len(hidden), np.repeat(value, len(hidden))):
        each = small(hidden_layer_sizes=hidden, **{name: sequence}).fit(X, y)
        assert_identical_model(each, one)
        np.testing.assert_array_equal(each.predict_proba(X), one.predict_proba(X))


def test_layers_may_differ_in_activation_noise_and_dropout():
    sizes = {"hidden_layer_sizes": (6, 5)}
    for name, here, there in (
        ("activation", ["tanh", "relu"], ["relu", "tanh"]),
        ("dropout", [0.5, 0.0], [0.0, 0.5]),
        ("noise", [0.5, 0.0], [0.0, 0.5]),
    ):
        models = [small(**sizes, **{name: value}).fit(X, y) for value in (here, there)]
        assert not np.allclose(models[0].coefs_[0], models[1].coefs_[0])


@pytest.mark.parametrize("data", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_regularised_training_learns_and_predicts_the_same_each_time(solver, data):
    model = small(
        solver=solver, learning_rate_init=0.02, max_iter=60, hidden_layer_sizes=(20,), **REGULARISED
    ).fit(*data)
    proba = model.predict_proba(data[0])
    np.testing.assert_array_equal(model.predict_proba(data[0]), proba)
    frequencies = np.tile(np.mean(np.eye(3)[y], axis=0), (90, 1))
    if data[0] is X and len(model.classes_) == 3:
        assert log_loss(y, proba) < 0.8 * log_loss(y, frequencies)


@pytest.mark.parametrize("regularised", [DISTURBED, REGULARISED], ids=["disturbed", "all"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_int_seed_repeats_noise_and_dropout(regularised, dtype):
    params = {"dtype": dtype, "batch_size": 20, **regularised}
    first, again = (small(**params).fit(X, y) for _ in range(2))
    assert_identical_model(again, first)
    assert again.loss_curve_ == first.loss_curve_
    assert small(random_state=1, **params).fit(X, y).loss_curve_ != first.loss_curve_


@pytest.mark.parametrize("seed", [0, None], ids=["int", "None"])
@pytest.mark.parametrize("regularised", [DISTURBED, REGULARISED], ids=["disturbed", "all"])
def test_noise_and_dropout_go_on_through_partial_fit_and_pickle(regularised, seed):
    # without a seed, nothing but noise and dropout may be drawn
    model = small(random_state=seed, shuffle=seed is not None, batch_size=20, **regularised)
    model.partial_fit(X, y, classes=[0, 1, 2])
    loaded = pickle.loads(pickle.dumps(model))
    for _ in range(2):
        model.partial_fit(X, y)
        loaded = pickle.loads(pickle.dumps(loaded.partial_fit(X, y)))
    assert_identical_model(loaded, model)
    assert loaded.loss_curve_ == model.loss_curve_


@pytest.mark.parametrize(
    "params",
    [DISTURBED, {"averaging": 0.9}, {"label_smoothing": 0.1, **DISTURBED, "averaging": 0.9}],
    ids=["disturbed", "averaging", "both"],
)
def test_regularised_partial_fits_are_one_fit(params):
    params = params | {"shuffle": False, "batch_size": 20, "max_iter": 4}
    whole, model = small(**params).fit(X, y), small(**params)
    for _ in range(4):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert_identical_model(model, whole)
    assert model.loss_curve_ == whole.loss_curve_


def test_normalised_partial_fits_train_as_one_fit_does():
    # they predict by running means, not by a pass over all rows: the training is the same
    params = REGULARISED | {"shuffle": False, "batch_size": 20, "max_iter": 4, "warm_start": True}
    whole, model = small(**params).fit(X, y), small(**params)
    for _ in range(4):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert model.loss_curve_ == whole.loss_curve_
    n_trained = sum(W.size + b.size for W, b in zip(whole.coefs_, whole.intercepts_, strict=True))
    n_trained += 2 * 6  # scale and shift of the hidden layer
    np.testing.assert_array_equal(
        model._state.vectors[:, :n_trained], whole._state.vectors[:, :n_trained]
    )
    assert not np.array_equal(model.coefs_[0], whole.coefs_[0])


def forward(model, inputs):
    """Return the probabilities by the formulas, from the published weights alone."""
    a = inputs
    for W, b in zip(model.coefs_[:-1], model.intercepts_[:-1], strict=True):
        a = np.maximum(a @ W + b, 0)
    z = a @ model.coefs_[-1] + model.intercepts_[-1]
    shares = np.exp(z - z.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("early_stopping", [False, True])
@transformed
def test_published_weights_describe_what_predicts(params, early_stopping, method):
    model = small(
        hidden_layer_sizes=(6, 5),
        batch_size=20,
        early_stopping=early_stopping,
        **params,
        **DISTURBED,
    )
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    getattr(model, method)(X, y, **arguments)
    np.testing.assert_allclose(model.predict_proba(X), forward(model, X), rtol=1e-10)


def test_published_weights_of_normalised_lbfgs_describe_what_predicts():
    model = small(solver="lbfgs", batch_norm=True, max_iter=5, alpha=0).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), forward(model, X), rtol=1e-10)
    # the whole batch is the population, but for the factor m / (m - 1) of its variance
    assert log_loss(y, model.predict_proba(X)) == pytest.approx(model.loss_, rel=0.02)


@transformed
def test_validation_is_of_what_is_published(params):
    model = small(batch_size=20, **params, **DISTURBED)
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    expected = log_loss(y_val, model.predict_proba(X_val))
    assert model.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-10)


@transformed
def test_early_stopping_publishes_the_best_epoch_of_what_is_published(params):
    model = small(
        batch_size=10, learning_rate_init=0.05, early_stopping=True, scoring="loss",
        n_iter_no_change=3, max_iter=100, **params,
    )  # fmt: skip
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    assert model.best_epoch_ < model.n_iter_ < 100
    expected = log_loss(y_val, model.predict_proba(X_val))
    assert min(model.validation_loss_curve_) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("loaded", [False, True])
@transformed
def test_warm_start_goes_on_from_the_function_that_is_published(params, loaded, method):
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    model = small(hidden_layer_sizes=(6, 5), batch_size=20, warm_start=True, **params)
    getattr(model, method)(X, y, **arguments)
    # what a fit publishes is normalised over its own rows
    proba = model.fit(X, y).predict_proba(X)
    if loaded:
        model = pickle.loads(pickle.dumps(model))
    model.set_params(**FROZEN).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), proba, rtol=1e-9)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@transformed
def test_the_function_goes_on_where_they_are_switched_off(params, method):
    model = small(warm_start=True, batch_size=20, **params).fit(X, y)
    proba = model.predict_proba(X)
    model.set_params(**FROZEN, batch_norm=False, averaging=None)
    getattr(model, method)(X, y)
    np.testing.assert_allclose(model.predict_proba(X), proba, rtol=1e-9)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@transformed
def test_the_function_goes_on_where_they_are_switched_on(params, method):
    model = small(warm_start=True, batch_size=20).fit(X, y)
    proba = model.predict_proba(X)
    getattr(model.set_params(**FROZEN, **params), method)(X, y)
    np.testing.assert_allclose(model.predict_proba(X), forward(model, X), rtol=1e-10)
    if "batch_norm" not in params:
        np.testing.assert_allclose(model.predict_proba(X), proba, rtol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_averaging_of_nothing_is_no_averaging(solver):
    assert_identical_model(
        small(solver=solver, averaging=0.0).fit(X, y), small(solver=solver).fit(X, y)
    )


def test_a_running_mean_is_smoother_than_what_it_follows():
    params = {"solver": "sgd", "learning_rate_init": 0.5, "batch_size": 5, "max_iter": 30}
    plain, averaged = (
        small(averaging=averaging, **params).fit(X_train, y_train, X_val=X_val, y_val=y_val)
        for averaging in (None, 0.99)
    )
    # the training is the same
    assert averaged.loss_curve_ == plain.loss_curve_
    jumps = [np.abs(np.diff(m.validation_loss_curve_[5:])).mean() for m in (plain, averaged)]
    assert jumps[1] < 0.5 * jumps[0]


@pytest.mark.parametrize("name", ["input_noise", "noise", "dropout", "adversarial_radius"])
def test_disturbed_sparse_rows_train_as_dense_ones(name):
    params = {name: 0.3, "batch_size": 20}
    dense = small(**params).fit(X, y)
    assert_same_model(small(**params).fit(sparse.csr_matrix(X), y), dense)


def test_weights_stay_within_their_largest_norm():
    for params in ({}, {"averaging": 0.9}):
        model = small(max_norm=0.5, learning_rate_init=0.1, max_iter=20, **params).fit(X, y)
        norms = np.concatenate([np.linalg.norm(W, axis=0) for W in model.coefs_])
        assert norms.max() <= 0.5 * (1 + 1e-12)
        assert (norms > 0.49).any()


def test_label_smoothing_makes_predictions_less_certain():
    params = {"solver": "lbfgs", "max_iter": 500, "alpha": 0, "hidden_layer_sizes": ()}
    separable = np.eye(3)[y]
    sure, smoothed = (
        small(label_smoothing=s, **params).fit(separable, y).predict_proba(separable)
        for s in (0.0, 0.3)
    )
    np.testing.assert_allclose(sure, np.eye(3)[y], atol=1e-2)
    np.testing.assert_allclose(smoothed, 0.7 * np.eye(3)[y] + 0.1, atol=1e-3)


@pytest.mark.parametrize("schedule", ["adaptive", "invscaling"])
def test_adam_takes_the_schedules_of_mlpclassifier_as_constant_and_adamw_does_not(schedule):
    params = {"learning_rate": schedule, "tol": 10.0, "n_iter_no_change": 1, "max_iter": 8}
    with_patience = params | {"learning_rate": "constant"}
    for solver in ("adam", "adamw"):
        model = small(solver=solver, **params).fit(X, y)
        constant = small(solver=solver, **with_patience).fit(X, y)
        same = model.learning_rate_curve_ == constant.learning_rate_curve_
        assert same == (solver == "adam")


def test_weight_decay_is_for_adamw_and_shrinks_weights():
    small_norm, large_norm = (
        np.linalg.norm(small(solver="adamw", weight_decay=decay, max_iter=50).fit(X, y).coefs_[0])
        for decay in (50.0, 0.0)
    )
    assert small_norm < 0.5 * large_norm
    assert_identical_model(small(weight_decay=50.0).fit(X, y), small().fit(X, y))


# --- Schedules --------------------------------------------------------------------------------

PLANNED = [name for name, schedule in SCHEDULES.items() if schedule.planned]


@pytest.mark.parametrize("solver", OPTIMIZERS)
@pytest.mark.parametrize("schedule", PLANNED)
def test_a_planned_schedule_runs_to_max_iter_without_a_warning(schedule, solver):
    params = {"learning_rate": schedule, "learning_rate_init": 0.02, "solver": solver}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # each epoch is a plateau
        model = small(max_iter=40, tol=10.0, n_iter_no_change=1, **params).fit(X, y)
    assert model.n_iter_ == model.best_epoch_ == 40
    assert model.learning_rate_curve_[-1] < 0.1 * max(model.learning_rate_curve_)


@pytest.mark.parametrize("schedule", PLANNED)
def test_early_stopping_ends_a_planned_schedule(schedule):
    model = small(
        learning_rate=schedule, early_stopping=True, max_iter=200, n_iter_no_change=3, tol=1.0
    ).fit(X, y)
    assert model.n_iter_ == 1 + 4


@pytest.mark.parametrize("solver", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_learning_rate_curve_is_that_of_the_schedule(schedule, solver):
    # 90 rows make 5 batches
    params = {"learning_rate": schedule, "warmup_epochs": 1.5, "learning_rate_init": 0.02}
    model = small(solver=solver, batch_size=20, tol=0, **params).fit(X, y)
    ignored = solver == "adam" and schedule in ("adaptive", "invscaling")
    rule = SCHEDULES["constant" if ignored else schedule](0.02, max_epochs=5, warmup_epochs=1.5)
    expected = []
    for epoch in range(5):
        expected.append(rule.rate(epoch + 4 / 5, 1 / 5))
        rule.epoch_end(90)
    assert model.learning_rate_curve_ == pytest.approx(expected, rel=1e-12)


# --- Scoring ----------------------------------------------------------------------------------

WORDS = np.array(["no", "yes", "perhaps"])[y]
STOPPING = {"early_stopping": True, "n_iter_no_change": 3, "max_iter": 60, "batch_size": 10}


def stopped(*rows, weights=None, **params):
    """Return a model stopped early by validation on the last rows; on noisy ones, so that it is."""
    inputs, labels = rows or (X, y)
    model = small(**STOPPING | {"learning_rate_init": 0.05} | params)
    val = slice(60, 90)
    noisy = np.random.RandomState(0).permutation(labels[val])
    return model.fit(inputs[:60], labels[:60], weights, X_val=inputs[val], y_val=noisy), noisy


def test_scoring_by_the_loss_keeps_the_epoch_of_the_lowest_validation_loss():
    model, _ = stopped(scoring="loss")
    assert model.best_epoch_ == 1 + np.argmin(model.validation_loss_curve_) < model.n_iter_
    assert model.n_iter_ < 60
    plain = {"batch_size": 10, "learning_rate_init": 0.05, "max_iter": model.best_epoch_}
    assert_identical_model(model, small(**plain).fit(X[:60], y[:60]))
    # beside the loss, accuracy is recorded
    assert set(model.validation_scores_) <= {k / 30 for k in range(31)}
    assert model.best_loss_ is None


def test_scoring_by_the_loss_or_by_its_scorer_is_the_same():
    by_loss, _ = stopped(scoring="loss")
    by_name, _ = stopped(scoring="neg_log_loss")
    assert_identical_model(by_name, by_loss)
    assert by_name.best_epoch_ == by_loss.best_epoch_
    np.testing.assert_allclose(
        by_name.validation_scores_, -np.array(by_name.validation_loss_curve_)
    )
    assert by_name.best_validation_score_ == max(by_name.validation_scores_)


@pytest.mark.parametrize("scoring", ["f1_macro", "balanced_accuracy", "roc_auc_ovr"])
def test_validation_scores_are_those_of_the_named_scorer_after_each_epoch(scoring):
    model, noisy = stopped(X, WORDS, scoring=scoring)
    assert 4 < model.n_iter_ < 60
    scorer = get_scorer(scoring)
    for n_epochs in (1, 3, model.best_epoch_):
        plain = small(batch_size=10, learning_rate_init=0.05, max_iter=n_epochs)
        expected = scorer(plain.fit(X[:60], WORDS[:60]), X[60:], noisy)
        assert model.validation_scores_[n_epochs - 1] == pytest.approx(expected, rel=1e-12)
    assert scorer(model, X[60:], noisy) == model.best_validation_score_


def test_a_callable_scorer_sees_the_model_of_each_epoch_and_the_labels_as_given():
    seen = []

    def scorer(model, X_val, y_val):
        assert isinstance(model, NumpyMLPClassifier)
        seen.append((model.predict_proba(X_val), X_val, y_val))
        return model.score(X_val, y_val)

    model, noisy = stopped(X, WORDS, scoring=scorer)
    assert len(seen) == model.n_iter_
    for _, X_seen, y_seen in seen:
        np.testing.assert_array_equal(X_seen, X[60:])
        np.testing.assert_array_equal(y_seen, noisy)
    np.testing.assert_array_equal(seen[model.best_epoch_ - 1][0], model.predict_proba(X[60:]))
    by_accuracy, _ = stopped(X, WORDS)
    assert model.validation_scores_ == by_accuracy.validation_scores_


@pytest.mark.parametrize("kind", ["binary", "multilabel", "sparse multilabel"])
def test_scorers_take_every_kind_of_labels(kind):
    inputs, labels = TARGETS[kind.split()[-1]]
    if kind == "sparse multilabel":
        labels = sparse.csr_matrix(labels)
    scoring = "f1" if kind == "binary" else "f1_samples"
    model = small(scoring=scoring, early_stopping=True).fit(inputs, labels)
    assert len(model.validation_scores_) == model.n_iter_
    assert all(0 <= score <= 1 for score in model.validation_scores_)


def test_scorers_weigh_the_validation_rows_as_accuracy_does():
    w = np.linspace(0.1, 5, 90)
    params = {
        "early_stopping": True,
        "class_weight": {0: 1, 1: 3, 2: 0.5},
        "batch_size": 10,
        "learning_rate_init": 0.02,
    }
    by_name = small(scoring="accuracy", **params).fit(X, y, w)
    by_default = small(**params).fit(X, y, w)
    np.testing.assert_allclose(by_name.validation_scores_, by_default.validation_scores_)
    # no share of nine rows
    assert {*by_name.validation_scores_} - {k / 9 for k in range(10)}


def test_a_scorer_that_takes_no_weights_is_given_none():
    w = np.linspace(0.1, 5, 90)
    model = small(scoring=lambda model, X_val, y_val: 0.5, early_stopping=True).fit(X, y, w)
    assert set(model.validation_scores_) == {0.5}


@pytest.mark.parametrize("given", [False, True], ids=["split", "given"])
@pytest.mark.parametrize("scoring", [None, "loss", "f1_macro"])
def test_frames_are_scored_without_a_warning(scoring, given):
    validation = {"X_val": FRAME[60:], "y_val": y[60:]} if given else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = small(scoring=scoring, early_stopping=True).fit(FRAME, y, **validation)
        model.predict(FRAME)
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    arrays = {"X_val": X[60:], "y_val": y[60:]} if given else {}
    expected = small(scoring=scoring, early_stopping=True).fit(X, y, **arrays)
    assert model.validation_scores_ == expected.validation_scores_


def test_of_epochs_with_equal_scores_the_later_one_is_kept_if_scoring_is_given():
    by_default, by_name = (
        small(early_stopping=True, scoring=scoring, learning_rate_init=0.02, max_iter=100).fit(
            X_train, y_train, X_val=X_val, y_val=y_val
        )
        for scoring in (None, "accuracy")
    )
    scores = np.array(by_name.validation_scores_)
    np.testing.assert_allclose(by_default.validation_scores_, scores)
    first, *_, last = 1 + np.flatnonzero(scores == scores.max())
    assert first < last
    assert (by_default.best_epoch_, by_name.best_epoch_) == (first, last)


@pytest.mark.parametrize("solver", SOLVERS)
def test_without_early_stopping_the_score_is_recorded_and_decides_nothing(solver):
    model = small(solver=solver, scoring="f1_macro").fit(X_train, y_train, X_val=X_val, y_val=y_val)
    assert_identical_model(model, small(solver=solver).fit(X_train, y_train))
    expected = get_scorer("f1_macro")(model, X_val, y_val)
    assert model.validation_scores_[-1] == pytest.approx(expected)
    assert len(model.validation_scores_) == model.n_iter_ == model.best_epoch_


def test_a_fitted_model_pickles_without_its_scorer_having_left_a_trace():
    plain, scored = (small(early_stopping=True, scoring=s).fit(X, y) for s in ("loss", "f1_macro"))
    assert vars(plain).keys() == vars(scored).keys()
    pickle.loads(pickle.dumps(scored)).predict(X)


# --- Refit ------------------------------------------------------------------------------------

REFIT = {"early_stopping": True, "refit": True, "shuffle": False, "scoring": "loss"}
SEARCH = {"batch_size": 10, "learning_rate_init": 0.1, "n_iter_no_change": 3, "max_iter": 100}


@pytest.mark.parametrize("weights", [None, np.linspace(0.1, 5, 90)], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    "params",
    [{"alpha": 0.5}, *TRANSFORMED.values(), {"solver": "sgd"}, {"learning_rate": "exponential"}],
    ids=str,
)
def test_refit_trains_on_all_rows_for_the_best_number_of_epochs(params, weights):
    noisy = np.where(np.arange(90) % 4, y, (y + 1) % 3)
    model = small(**SEARCH | REFIT | params).fit(X, noisy, weights)
    search = small(**SEARCH | REFIT | params | {"refit": False}).fit(X, noisy, weights)
    assert 0 < model.best_epoch_ < model.n_iter_ < 100
    for name in ("best_epoch_", "n_iter_", "loss_curve_", "validation_loss_curve_"):
        assert getattr(model, name) == getattr(search, name), name
    on_all = SEARCH | params | {"max_iter": model.best_epoch_, "shuffle": False, "tol": 0}
    expected = small(**(on_all | {"n_iter_no_change": np.inf})).fit(X, noisy, weights)
    assert_identical_model(model, expected)
    assert model.loss_ == expected.loss_
    assert model.t_ == search.t_ + expected.t_
    assert not np.array_equal(model.coefs_[0], search.coefs_[0])


def test_refit_with_shuffling_is_reproducible():
    params = SEARCH | REFIT | {"shuffle": True}
    assert_identical_model(*(small(**params).fit(X, y) for _ in range(2)))


def test_refit_repeats_the_rates_of_the_search(monkeypatch):
    rates, epoch_end = [], Solver.epoch_end

    def recorded(self, n_rows):
        rates.append((n_rows, self.learning_rate))
        epoch_end(self, n_rows)

    monkeypatch.setattr(Solver, "epoch_end", recorded)
    params = REFIT | {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.5}
    noisy = np.random.RandomState(0).permutation(y)
    model = small(batch_size=10, n_iter_no_change=1, max_iter=100, **params).fit(X, noisy)
    search = [rate for n_rows, rate in rates if n_rows == 81]
    again = [rate for n_rows, rate in rates if n_rows == 90]
    assert search == model.learning_rate_curve_
    assert again == search[: model.best_epoch_]
    assert len(set(again)) > 1


def test_refit_comes_after_max_iter_too():
    params = REFIT | {"max_iter": 3}
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        model = small(**params).fit(X, y)
    plain = small(max_iter=model.best_epoch_, shuffle=False).fit(X, y)
    assert_identical_model(model, plain)


def test_refit_has_no_effect_on_a_given_validation_set_nor_without_early_stopping():
    given = {"X_val": X_val, "y_val": y_val}
    for params in ({"early_stopping": True, "scoring": "loss"}, {}):
        models = [
            small(refit=refit, **SEARCH | params).fit(X_train, y_train, **given)
            for refit in (False, True)
        ]
        assert_identical_model(*models)
    assert_identical_model(small(refit=True).fit(X, y), small().fit(X, y))


def in_the_refit(monkeypatch, act):
    """Have `act` called within the first epoch of the refit, which is known by its batches."""
    loss_gradient, sizes = Network.loss_gradient, []

    def watched(self, X_batch, *args):
        sizes.append(X_batch.shape[0])
        # 81 rows make batches of 40, 40 and 1, and 90 rows of 40, 40 and 10
        if sizes[-3:] == [40, 40, 10]:
            act()
        return loss_gradient(self, X_batch, *args)

    monkeypatch.setattr(Network, "loss_gradient", watched)


@pytest.mark.parametrize("cause", ["interrupt", "max_time"])
def test_a_refit_that_is_not_completed_leaves_the_model_of_the_search(cause, monkeypatch):
    params = SEARCH | REFIT | {"batch_size": 40, "n_iter_no_change": 10}
    search = small(**params | {"refit": False}).fit(X, y)
    assert search.best_epoch_ > 1
    model = small(**params, max_time=1000.0)
    if cause == "interrupt":

        def interrupt():
            raise KeyboardInterrupt

        in_the_refit(monkeypatch, interrupt)
    else:
        now = [0.0]
        monkeypatch.setattr("time.perf_counter", lambda: now[0])
        in_the_refit(monkeypatch, lambda: now.__setitem__(0, 2000.0))
    said = {"interrupt": "interrupted", "max_time": "max_time=1000.0 seconds.*second training"}
    with pytest.warns(UserWarning, match=said[cause]):
        model.fit(X, y)
    assert_identical_model(model, search)
    assert model.best_epoch_ == search.best_epoch_


@pytest.mark.parametrize(
    "calls",
    [
        [("plain", 3), ("validated", 4)],
        [("validated", 4), ("plain", 3)],
        [("plain", 2), ("validated", 3), ("plain", 2), ("validated", 3)],
        [("validated", 3), ("partial", 1), ("partial", 1)],
        [("lbfgs", 4), ("validated", 3), ("lbfgs", 2)],
    ],
)
def test_entry_i_of_each_curve_belongs_to_epoch_i_whatever_was_measured_in_each_call(calls):
    model, is_validated, has_rate = small(warm_start=True), [], []
    for kind, max_iter in calls:
        solver = "lbfgs" if kind == "lbfgs" else "adam"
        model.set_params(early_stopping=kind == "validated", max_iter=max_iter, solver=solver)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.partial_fit(X, y) if kind == "partial" else model.fit(X, y)
        is_validated += [kind == "validated"] * model.n_iter_
        has_rate += [kind != "lbfgs"] * model.n_iter_
    assert np.isfinite(model.loss_curve_).all()
    assert len(model.loss_curve_) == len(is_validated)
    for curve in model.validation_scores_, model.validation_loss_curve_:
        np.testing.assert_array_equal(np.isfinite(curve), is_validated)
    np.testing.assert_array_equal(np.isfinite(model.learning_rate_curve_), has_rate)
    assert model.best_validation_score_ == np.nanmax(model.validation_scores_)


# --- When training ends -----------------------------------------------------------------------


@pytest.mark.parametrize("rtol", [0.0, 0.05])
def test_rtol_is_a_share_of_the_best_value_so_far(rtol):
    model = small(max_iter=500, n_iter_no_change=2, tol=1e-9, rtol=rtol, learning_rate_init=0.01)
    model.fit(X, y)
    best, waited, ended = np.inf, 0, None
    for epoch, loss in enumerate(model.loss_curve_, 1):
        margin = max(1e-9, rtol * best) if np.isfinite(best) else 0
        waited = 0 if loss <= best - margin else waited + 1
        best, ended = min(best, loss), epoch if waited > 2 and ended is None else ended
    assert (ended or 500) == model.n_iter_
    assert (model.n_iter_ < 50) == (rtol > 0)


@pytest.fixture
def slow_batches(monkeypatch):
    """Let each evaluation of the loss take a second, by a clock of its own."""
    now, loss_gradient = [0.0], Network.loss_gradient

    def slow(*args):
        now[0] += 1
        return loss_gradient(*args)

    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    monkeypatch.setattr(Network, "loss_gradient", slow)


# 90 rows make 3 batches of 30
@pytest.mark.parametrize(("max_time", "n_batches"), [(1e-9, 1), (2.5, 3), (4.5, 5), (1000, 15)])
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_max_time_ends_training_to_the_batch(solver, max_time, n_batches, slow_batches):
    expected = f"max_time={max_time} seconds" if n_batches < 15 else "max_iter=5 epochs"
    with pytest.warns(ConvergenceWarning, match=expected) as caught:
        model = small(solver=solver, batch_size=30, max_time=max_time).fit(X, y)
    assert [w.filename for w in caught] == [__file__]
    assert model.t_ == 30 * n_batches
    assert model.n_iter_ == -(-n_batches // 3)
    assert len(model.loss_curve_) == model.n_iter_


def test_max_time_ends_partial_fit_without_a_warning(slow_batches):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = small(batch_size=30, max_time=1.5).partial_fit(X, y, classes=[0, 1, 2])
    assert model.t_ == 60


def test_max_time_ends_lbfgs_with_the_iteration(slow_batches):
    with pytest.warns(ConvergenceWarning, match="max_time=3.5 seconds"):
        model = small(solver="lbfgs", max_time=3.5, max_iter=50).fit(X, y)
    assert 1 <= model.n_iter_ < 5
    few = small(solver="lbfgs", max_iter=model.n_iter_).fit(X, y)
    assert model.loss_curve_ == few.loss_curve_


def test_after_max_time_early_stopping_has_the_best_epoch_so_far(slow_batches):
    params = {"batch_size": 10, "learning_rate_init": 0.1, "scoring": "loss"}
    noisy = np.random.RandomState(0).permutation(y_val)
    with pytest.warns(ConvergenceWarning, match="max_time"):
        model = small(
            early_stopping=True, n_iter_no_change=100, max_iter=100, max_time=100.0, **params
        ).fit(X_train, y_train, X_val=X_val, y_val=noisy)
    assert model.best_epoch_ < model.n_iter_ == 17
    plain = small(**params, max_iter=model.best_epoch_).fit(X_train, y_train)
    assert_identical_model(model, plain)


HARDLY = "standstill.*hardly better than the frequencies.*StandardScaler.*learning_rate_init"


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", OPTIMIZERS)
@pytest.mark.parametrize("data", TARGETS.values(), ids=TARGETS)
def test_a_standstill_that_has_learnt_nothing_is_warned_of(data, solver, early_stopping):
    inputs, labels = np.zeros_like(data[0]), data[1]
    with pytest.warns(ConvergenceWarning, match=HARDLY) as caught:
        small(solver=solver, early_stopping=early_stopping, max_iter=2000, tol=1e-2).fit(
            inputs, labels
        )
    assert [w.filename for w in caught] == [__file__]


def test_a_rate_too_low_for_the_tolerance_is_warned_of():
    with pytest.warns(ConvergenceWarning, match=HARDLY):
        small(learning_rate_init=1e-7, max_iter=2000, tol=0.1).fit(X, y)


def test_dead_units_are_warned_of():
    far = X - 1e3  # beyond the kink of every unit whose weights are positive in sum
    model = small(hidden_layer_sizes=(1,), weight_init=1.0, max_iter=5000, random_state=0)
    with pytest.warns(ConvergenceWarning, match=HARDLY):
        model.set_params(learning_rate_init=0.1).fit(far, y)


def test_what_has_been_learnt_is_not_warned_of_however_it_ended():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        params = {"max_iter": 5000, "tol": 1e-3, "learning_rate_init": 0.05}
        small(**params).fit(X, y)
        small(early_stopping=True, **params).fit(X, y)
        small(class_weight="balanced", **params).fit(X[:60], y[:60] == 0, np.linspace(1, 9, 60))
        small(label_smoothing=0.3, **params).fit(X, y)
        small(**params).fit(X_multi, Y_multi)
        # one class alone leaves nothing to learn
        small(**params).fit(X, np.zeros(90))
        small(**params).partial_fit(np.zeros_like(X), y, classes=[0, 1, 2])


def test_best_epoch_is_the_last_one_without_early_stopping():
    for solver in SOLVERS:
        model = small(solver=solver).fit(X, y)
        assert model.best_epoch_ == model.n_iter_ == 5
    assert small().partial_fit(X, y, classes=[0, 1, 2]).best_epoch_ == 1


def test_best_epoch_is_0_where_warm_start_found_nothing_better_than_before():
    params = {"early_stopping": True, "warm_start": True, "scoring": "loss", "max_iter": 100}
    model = small(learning_rate_init=0.05, n_iter_no_change=3, **params)
    noisy = np.random.RandomState(0).permutation(y)
    model.fit(X, noisy)
    coefs = model.coefs_
    model.set_params(learning_rate_init=1.0).fit(X, noisy)
    assert model.best_epoch_ == 0
    np.testing.assert_array_equal(model.coefs_[0], coefs[0])


def test_another_score_starts_with_a_new_best():
    params = {"early_stopping": True, "warm_start": True, "max_iter": 30}
    model = small(learning_rate_init=0.02, **params).fit(X, y)
    assert model.best_validation_score_ == 1
    # no log loss is as high as that
    model.set_params(scoring="neg_log_loss").fit(X, y)
    assert model.best_epoch_ >= 1


def test_lbfgs_with_batch_norm_survives_an_interrupt_in_its_last_pass_over_the_rows(monkeypatch):
    n_calls, loss_gradient = [], Network.loss_gradient

    def counted(*args, interrupt=math.inf):
        n_calls.append(1)
        if len(n_calls) == interrupt:
            raise KeyboardInterrupt
        return loss_gradient(*args)

    model = small(solver="lbfgs", batch_norm=True, max_iter=5)
    monkeypatch.setattr(Network, "loss_gradient", counted)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    last = len(n_calls)
    n_calls.clear()
    monkeypatch.setattr(Network, "loss_gradient", lambda *args: counted(*args, interrupt=last))
    with pytest.warns(UserWarning, match="interrupted"):
        interrupted = clone(model).fit(X, y)
    assert len(n_calls) == last
    assert interrupted.loss_curve_ == model.loss_curve_


def test_an_interrupt_while_it_is_asked_whether_the_model_has_learnt_loses_nothing(monkeypatch):
    asked = []

    def interrupted(*args):
        asked.append(1)
        raise KeyboardInterrupt

    expected = small(max_iter=300, tol=0.1).fit(X, y)
    monkeypatch.setattr("skmlp._fit.fit.barely_beats_baseline", interrupted)
    model = small(max_iter=300, tol=0.1).fit(X, y)
    assert asked
    assert model.loss_curve_ == expected.loss_curve_


def test_an_interrupt_as_the_refit_begins_leaves_the_search(monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("skmlp._persistence.checkpoint.Checkpoint.record_search", interrupted)
    with pytest.warns(UserWarning, match="interrupted after 4 complete epochs"):
        model = small(early_stopping=True, refit=True, max_iter=4).fit(X, y)
    assert model.n_iter_ == 4


def test_after_an_interrupt_the_stopping_rule_goes_by_the_epochs_that_are_left(monkeypatch):
    update, n_calls = StoppingRule.update, []

    def interrupted(self, history):
        best = update(self, history)
        n_calls.append(1)
        if len(n_calls) == 4:
            raise KeyboardInterrupt
        return best

    monkeypatch.setattr(StoppingRule, "update", interrupted)
    model = small(warm_start=True, early_stopping=True, scoring="loss", max_iter=9)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y)
    assert model.n_iter_ == 3
    assert model._state.rule.best == min(model.validation_loss_curve_)
    assert model.t_ == 3 * (len(y) - round(len(y) / 10))
