"""Rows of any container and layout, to train on and to validate with."""

import pickle

import numpy as np
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
from sklearn.metrics import log_loss

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
