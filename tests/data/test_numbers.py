from decimal import Decimal

import numpy as np
import pytest
from scipy import sparse

from skmlp._data.numbers import check_domain, check_precision, plain_numbers
from skmlp._engine.losses.regression import GammaDeviance, PoissonDeviance, SquaredError

VALUES = np.array([3, 0, 250])


@pytest.mark.parametrize(
    "given",
    [
        VALUES.tolist(),
        VALUES.astype(np.uint8),
        VALUES.astype(np.float16),
        VALUES.astype(object),
        [Decimal(3), 0, 250.0],
        VALUES.astype(">i4"),
    ],
    ids=["list", "uint8", "float16", "objects", "mixed numbers", "big-endian"],
)
def test_numbers_become_float64(given):
    found = plain_numbers(given)
    assert found.dtype == np.float64
    assert found.dtype.isnative
    assert found.tolist() == [3, 0, 250]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_keep_their_precision_and_are_not_copied(dtype):
    values = VALUES.astype(dtype)
    assert plain_numbers(values) is values


def test_sparse_numbers_become_dense():
    assert plain_numbers(sparse.csr_array(np.eye(3))).tolist() == np.eye(3).tolist()


@pytest.mark.parametrize("given", [None, 3, 3.0])
def test_what_is_no_array_is_left_to_scikit_learns_validation(given):
    assert plain_numbers(given) is given


@pytest.mark.parametrize("given", [[[1, 2], [3]], {"a": 1}, {1, 2}])
def test_what_has_no_rows_is_refused_by_the_name_of_the_argument(given):
    if isinstance(given, list):
        with pytest.raises(ValueError, match="y_val has rows of different lengths"):
            plain_numbers(given, "y_val")
    else:
        with pytest.raises(ValueError, match="y_val"):
            plain_numbers(given, "y_val")


@pytest.mark.parametrize(
    ("given", "example"), [(["a", "b"], "'a'"), ([True, "b"], "True"), ([], None)], ids=str
)
def test_what_is_no_number_is_shown(given, example):
    if example is None:
        assert plain_numbers(given).size == 0
        return
    with pytest.raises(ValueError, match=f"y_val must be numeric, .*{example}.*NumpyMLPClassifier"):
        plain_numbers(given, "y_val")


@pytest.mark.parametrize(
    ("loss", "refused", "accepted"),
    [
        (SquaredError, None, -1.0),
        (PoissonDeviance, -1e-300, 0.0),
        (GammaDeviance, 0.0, 1e-300),
    ],
)
def test_domain(loss, refused, accepted):
    y = np.array([accepted, 2.0])
    assert check_domain(y, loss(), "y") is y
    assert check_domain(None, loss(), "y") is None
    if refused is not None:
        with pytest.raises(ValueError, match=f"{loss.domain}.*value of y_val is {refused:g}"):
            check_domain(np.array([2.0, refused]), loss(), "y_val")


def test_precision():
    check_precision(np.array([1e38, -1e38, 0.0]), np.dtype(np.float32))
    check_precision(np.empty(0), np.dtype(np.float32))
    for value in (1e39, -1e39, np.inf, np.nan):
        with pytest.raises(ValueError, match="y_val contains values too large for float32"):
            check_precision(np.array([0.0, value]), np.dtype(np.float32), "y_val")
