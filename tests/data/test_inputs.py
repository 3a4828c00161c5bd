"""The precision that X is computed in, and how much of X is in memory at once."""

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
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

from skmlp._data.inputs import accepted_dtypes, check_not_masked, float_dtype, raise_with_remedy

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


class Tensor:
    """An array of another library, whose dtype is known by its name only."""

    def __init__(self, dtype):
        self.dtype = dtype


class Schema:
    """The schema of a table of pyarrow."""

    def __init__(self, *types):
        self.types = types


class Table:
    """A table of pyarrow."""

    def __init__(self, *types):
        self.schema = Schema(*types)


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (Tensor("torch.float32"), "float32"),
        (Tensor("torch.float16"), "float32"),
        (Tensor("torch.bfloat16"), "float32"),
        (Tensor("torch.float64"), "float64"),
        (Tensor("torch.int32"), "float64"),
        (Table("float", "halffloat"), "float32"),
        (Table("float", "double"), "float64"),
        (Table("float", "int64"), "float64"),
        (pd.DataFrame({"a": [1.0]}, dtype="Float32"), "float32"),
        (pl.DataFrame({"a": [1.0]}, schema={"a": pl.Float32}), "float32"),
        (pl.DataFrame({"a": [1.0], "b": [1.0]}), "float64"),
    ],
)
def test_floats_of_other_libraries_have_their_precision(X, expected):
    assert float_dtype(X) == expected


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("float[pyarrow]", np.float32),
        ("halffloat[pyarrow]", np.float32),
        ("double[pyarrow]", np.float64),
    ],
)
def test_columns_of_pyarrow_are_computed_in_their_precision(dtype, expected):
    pa = pytest.importorskip("pyarrow")
    kind = {"float": pa.float32, "halffloat": pa.float16, "double": pa.float64}[dtype[:-9]]()
    # older versions of pyarrow cannot cast float64 to float16
    inputs = FRAME.astype(kind.to_pandas_dtype()).astype(pd.ArrowDtype(kind))
    assert float_dtype(inputs) == expected
    assert_computes_in(small().fit(inputs, y), expected, inputs)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_tensors_of_pytorch_are_computed_in_their_precision(dtype):
    torch = pytest.importorskip("torch")
    inputs = torch.tensor(X, dtype=getattr(torch, dtype))
    expected = np.float64 if dtype == "float64" else np.float32
    assert_computes_in(small().fit(inputs, y), expected, inputs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dense_narrow_dtypes_are_kept_and_sparse_ones_are_not(dtype):
    dtype = np.dtype(dtype)
    narrow = [np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.float16]
    assert accepted_dtypes(np.ones((3, 2)), dtype) == [dtype, *narrow]
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
@pytest.mark.parametrize("narrow", ["uint8", "float16", "bool", "int8", "int16", "uint16"])
def test_narrow_rows_train_the_model_of_their_wide_copy(narrow, solver):
    pixels = np.random.RandomState(0).randint(0, 16, (90, 4))
    pixels = (pixels > 7 if narrow == "bool" else pixels).astype(narrow)
    settings = {"solver": solver, "dtype": "float32", "early_stopping": True, "alpha": 0.1}
    ours = small(**settings).fit(pixels, y)
    wide = small(**settings).fit(pixels.astype("float32"), y)
    assert_identical_model(ours, wide)
    assert ours.validation_scores_ == wide.validation_scores_
    np.testing.assert_array_equal(ours.predict_proba(pixels), wide.predict_proba(pixels))


@pytest.mark.parametrize("narrow", ["uint8", "int8", "bool"])
def test_bytes_are_not_copied_to_floats_as_a_whole(narrow):
    pixels = np.random.RandomState(0).randint(0, 256, (20_000, 100)).astype("uint8")
    labels = pixels[:, 0] > 127
    pixels = pixels > 127 if narrow == "bool" else pixels.astype(narrow)
    model = small(dtype="float32", max_iter=1, batch_size=100)
    model.fit(pixels[:200], labels[:200])  # compiled loops take memory at their first use
    tracemalloc.start()
    with config_context(working_memory=0.5):
        model.fit(pixels, labels).predict(pixels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # as floats they are four times as large
    assert peak < pixels.nbytes


# --- Refusals ---------------------------------------------------------------------------------


def test_masks_are_refused_only_if_they_are_set():
    check_not_masked(np.ma.array(X), "X")
    check_not_masked(np.ma.masked_invalid(X), "X")
    check_not_masked(X, "X")
    with pytest.raises(
        ValueError, match=r"rows is a masked array in which .*rows\.filled\(value\)"
    ):
        check_not_masked(np.ma.array(X, mask=X > 1), "rows")


@pytest.mark.parametrize(
    ("error", "is_explained"),
    [
        (ValueError("Input X contains NaN."), True),
        (ValueError("could not convert string to float: 'red'"), True),
        (TypeError("float() argument must be a string or a real number, not 'NAType'"), True),
        (ValueError("Input X contains infinity or a value too large"), False),
        (ValueError("Input y contains NaN."), False),
    ],
)
def test_missing_values_and_text_are_refused_with_the_remedy(error, is_explained):
    with pytest.raises(type(error)) as raised:
        raise_with_remedy(error, small())
    assert str(raised.value).startswith(str(error))
    assert ("skmlp.make_tabular_classifier()" in str(raised.value)) == is_explained
    assert (raised.value is error) == (not is_explained)
