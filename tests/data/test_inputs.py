"""The precision that X is computed in, and how much of X is in memory at once."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from networks import (
    FRAME,
    SOLVERS,
    X,
    assert_computes_in,
    assert_identical_model,
    assert_same_model,
    small,
    y,
)
from scipy import sparse
from sklearn import config_context

from skmlp._data.inputs import accepted_dtypes, float_dtype

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("longdouble", "float64"),
        ("int8", "float64"),
        ("int64", "float64"),
        ("bool", "float64"),
        ("object", "float64"),
        (">f4", "float32"),
    ],
)
def test_narrow_floats_are_computed_in_float32_and_all_else_in_float64(dtype, expected):
    X = np.ones((3, 2), dtype=dtype)
    assert float_dtype(X) == expected
    assert float_dtype(pd.DataFrame(np.ones((3, 2))).astype(dtype)) == expected


def test_lists_are_computed_in_float64():
    assert float_dtype([[1.0, 2.0]]) == "float64"


def test_sparse_rows_have_a_precision_too():
    assert float_dtype(sparse.csr_matrix(np.ones((3, 2), np.float32))) == "float32"


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (("float16", "float32"), "float32"),
        (("float32", "float64"), "float64"),
        (("float32", "int8"), "float64"),
    ],
)
def test_one_wide_column_widens_a_frame(dtypes, expected):
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    assert float_dtype(frame.astype(dict(zip("ab", dtypes, strict=True)))) == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dense_bytes_and_half_floats_are_kept_and_sparse_ones_are_not(dtype):
    dtype = np.dtype(dtype)
    assert accepted_dtypes(np.ones((3, 2)), dtype) == [dtype, np.uint8, np.float16]
    assert accepted_dtypes(sparse.csr_matrix(np.ones((3, 2))), dtype) == [dtype]


# --- Precision of a model ---------------------------------------------------------------------

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
