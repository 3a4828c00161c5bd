"""Rows of any container and layout, to train on and to validate with."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from networks import (
    SOLVERS,
    X,
    X_train,
    X_val,
    assert_computes_in,
    assert_identical_model,
    assert_same_model,
    small,
    y,
    y_train,
    y_val,
)
from scipy import sparse
from sklearn import config_context
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- Training rows ----------------------------------------------------------------------------

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


# --- Validation rows --------------------------------------------------------------------------


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


# --- Validation weights -----------------------------------------------------------------------

W_VAL = np.linspace(0, 3, len(y_val))


@pytest.mark.parametrize("weights", [W_VAL, W_VAL * 1e-6, list(W_VAL), 2.0])
def test_validation_weights_weigh_loss_and_score_by_a_mean(weights):
    model = small().fit(X_train, y_train, X_val=X_val, y_val=y_val, sample_weight_val=weights)
    w = np.broadcast_to(weights, len(y_val))
    expected = log_loss(y_val, model.predict_proba(X_val), sample_weight=w)
    assert model.validation_loss_curve_[-1] == pytest.approx(expected)
    assert model.validation_scores_[-1] == pytest.approx(model.score(X_val, y_val, w))


def test_validation_weights_are_multiplied_by_class_weights():
    class_weight = {0: 1.0, 1: 2.0, 2: 30.0}
    model = small(class_weight=class_weight, scoring="accuracy").fit(
        X_train, y_train, X_val=X_val, y_val=y_val, sample_weight_val=W_VAL
    )
    w = W_VAL * [class_weight[c] for c in y_val]
    expected = log_loss(y_val, model.predict_proba(X_val), sample_weight=w)
    assert model.validation_loss_curve_[-1] == pytest.approx(expected)
    assert model.validation_scores_[-1] == pytest.approx(model.score(X_val, y_val, w))


def test_validation_weights_are_repetitions():
    times = np.arange(len(y_val)) % 3
    settings = {"early_stopping": True, "scoring": "loss", "max_iter": 20}
    weighted = small(**settings).fit(
        X_train, y_train, X_val=X_val, y_val=y_val, sample_weight_val=times
    )
    repeated = small(**settings).fit(
        X_train, y_train, X_val=np.repeat(X_val, times, axis=0), y_val=np.repeat(y_val, times)
    )
    assert weighted.best_epoch_ == repeated.best_epoch_
    assert weighted.validation_loss_curve_ == pytest.approx(repeated.validation_loss_curve_)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (-np.ones(len(y_val)), "X_val, y_val: Negative values.*sample_weight_val"),
        (np.ones(3), r"X_val, y_val: sample_weight_val.shape == \(3,\)"),
        (np.full(len(y_val), np.nan), "sample_weight_val contains NaN"),
        (np.ma.array(np.ones(len(y_val)), mask=True), "sample_weight_val is a masked array"),
    ],
)
def test_validation_weights_that_mean_nothing_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        small().fit(X_train, y_train, X_val=X_val, y_val=y_val, sample_weight_val=weights)


def test_validation_weights_need_validation_rows():
    with pytest.raises(ValueError, match="sample_weight_val was given without X_val and y_val"):
        small().fit(X_train, y_train, sample_weight_val=W_VAL)


# --- Refusals ---------------------------------------------------------------------------------

MASK = np.zeros(len(y), dtype=bool)
MASK[3] = True


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("X", {"X": np.ma.array(X, mask=X > 1)}),
        ("y", {"y": np.ma.array(y, mask=MASK)}),
        ("sample_weight", {"sample_weight": np.ma.array(np.ones(len(y)), mask=MASK)}),
        ("X_val", {"X_val": np.ma.array(X, mask=X > 1), "y_val": y}),
        ("y_val", {"X_val": X, "y_val": np.ma.array(y, mask=MASK)}),
    ],
)
def test_masked_values_are_refused_wherever_they_are(name, arguments):
    with pytest.raises(ValueError, match=f"{name} is a masked array"):
        small().fit(**{"X": X, "y": y} | arguments)


def test_masks_that_are_not_set_change_nothing():
    arguments = [np.ma.array(values) for values in (X, y, np.ones(len(y)))]
    assert_identical_model(small().fit(*arguments), small().fit(X, y, np.ones(len(y))))


@pytest.mark.parametrize("unusable", [np.nan, None, pd.NA, "red"])
def test_missing_values_and_text_in_x_are_refused_with_the_remedy(unusable):
    inputs = X.astype(object)
    inputs[2, 1] = unusable
    with pytest.raises((ValueError, TypeError), match=r"skmlp\.make_tabular_classifier\(\)"):
        small().fit(inputs, y)
    with pytest.raises((ValueError, TypeError), match=r"skmlp\.make_tabular_classifier\(\)"):
        small().fit(X, y, X_val=inputs, y_val=y)


@pytest.mark.parametrize("method", ["fit", "partial_fit", "y_val", "input_gradient"])
def test_missing_labels_are_refused_by_name(method):
    labels = y.astype(object)
    labels[2] = None
    name = "y_val" if method == "y_val" else "y"
    model = small().fit(X, y)
    calls = {
        "fit": lambda: model.fit(X, labels),
        "partial_fit": lambda: model.partial_fit(X, labels),
        "y_val": lambda: model.fit(X, y, X_val=X, y_val=labels),
        "input_gradient": lambda: model.input_gradient(X, labels),
    }
    with pytest.raises(ValueError, match=f"Input {name} contains NaN or other missing values"):
        calls[method]()


# --- Validation rows of another scale ---------------------------------------------------------


def test_validation_rows_that_a_pipeline_has_not_transformed_are_warned_of():
    raw, scaler = 40 * X + 900, StandardScaler()
    model = Pipeline([("scale", scaler), ("network", small())])
    with pytest.warns(UserWarning, match="X_val is of another scale.*transform_input"):
        model.fit(raw, y, network__X_val=raw, network__y_val=y)


def test_transform_input_transforms_the_validation_rows():
    raw = 40 * X + 900
    with config_context(enable_metadata_routing=True), warnings.catch_warnings():
        warnings.filterwarnings("error", "X_val")
        network = small().set_fit_request(X_val=True, y_val=True)
        steps = [("scale", StandardScaler()), ("network", network)]
        model = Pipeline(steps, transform_input=["X_val"])
        model.fit(raw[:60], y_train, X_val=raw[60:], y_val=y_val)
    scaler = StandardScaler().fit(raw[:60])
    by_hand = small().fit(
        scaler.transform(raw[:60]), y_train, X_val=scaler.transform(raw[60:]), y_val=y_val
    )
    assert_identical_model(model[-1], by_hand)
    assert model[-1].validation_loss_curve_ == by_hand.validation_loss_curve_
