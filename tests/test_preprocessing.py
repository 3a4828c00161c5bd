import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.preprocessing import RobustScaler
from sklearn.utils.estimator_checks import check_estimator

from skmlp.preprocessing import RobustSmoothScaler


def test_scikit_learns_checks():
    results = check_estimator(RobustSmoothScaler(), on_fail=None, on_skip=None)
    assert not [result for result in results if result["status"] == "failed"]
    skipped = {result["check_name"] for result in results if result["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}  # runs only where SCIPY_ARRAY_API is set


def test_worked_example():
    # quartiles 1 and 3, median 2: z = -1, -0.5, 0, 0.5, 4
    X = np.array([[0.0], [1.0], [2.0], [3.0], [10.0]])
    expected = [
        [-1 / np.sqrt(1 + 1 / 9)],
        [-0.5 / np.sqrt(1 + 1 / 36)],
        [0.0],
        [0.5 / np.sqrt(1 + 1 / 36)],
        [4 / np.sqrt(1 + 16 / 9)],
    ]
    assert_allclose(RobustSmoothScaler().fit_transform(X), expected, rtol=1e-15)


def test_it_is_robust_scaler_followed_by_the_smooth_bend():
    X = np.random.RandomState(0).lognormal(size=(101, 4))
    z = RobustScaler().fit_transform(X)
    assert_allclose(
        RobustSmoothScaler().fit_transform(X), z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-12
    )


def test_equal_quartiles_fall_back_to_the_range():
    # median 0, range 8: z = 2 x / 8
    X = np.array([[0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [-2.0], [6.0]])
    scaler = RobustSmoothScaler().fit(X)
    assert scaler.factor_ == 0.25
    assert_allclose(scaler.transform([[4.0]]), 1 / np.sqrt(1 + 1 / 9))


def test_constant_feature_becomes_zero_whatever_comes_later():
    scaler = RobustSmoothScaler().fit([[7.0], [7.0]])
    assert_array_equal(scaler.transform([[7.0], [-1e300]]), [[0.0], [0.0]])


def test_missing_values_stay_missing_and_change_nothing_else():
    X = np.random.RandomState(0).normal(size=(9, 2))
    holes = np.vstack([X, [[np.nan, np.nan]]])
    holes[:, 1] = np.nan
    complete, scaler = RobustSmoothScaler().fit(X), RobustSmoothScaler().fit(holes)
    assert_array_equal(scaler.transform(holes)[:9, 0], complete.transform(X)[:, 0])
    assert np.isnan(scaler.transform(holes)[9, 0])
    assert np.isnan(scaler.transform(holes)[:, 1]).all()
    assert_array_equal(scaler.transform([[0.0, 5.0]])[:, 1], 0)  # never seen: constant


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_kept(dtype):
    X = np.arange(6, dtype=dtype).reshape(3, 2)
    scaler = RobustSmoothScaler().fit(X)
    assert scaler.transform(X).dtype == scaler.center_.dtype == scaler.factor_.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("error")
def test_extreme_values_stay_within_three(dtype):
    info = np.finfo(dtype)
    X = np.array([[0, 0], [info.tiny, 1], [info.smallest_subnormal * 3, 2], [0, 3]], dtype=dtype)
    scaler = RobustSmoothScaler().fit(X)
    far = np.array([[info.max, info.max], [info.min, info.min]], dtype=dtype)
    assert_array_equal(scaler.transform(far), [[3, 3], [-3, -3]])
    assert np.isfinite(scaler.transform(X)).all()


def test_input_is_not_changed():
    X = np.array([[1.0], [2.0], [30.0]])
    before = X.copy()
    RobustSmoothScaler().fit(X).transform(X)
    assert_array_equal(X, before)


def test_sparse_input_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"dense data is required.*toarray"):
        RobustSmoothScaler().fit(sparse.eye(3, format="csr"))


def test_infinite_values_are_refused():
    with pytest.raises(ValueError, match="infinity"):
        RobustSmoothScaler().fit([[np.inf], [0.0]])


def test_names_pass_through_one_to_one():
    X = pd.DataFrame({"length": [1.0, 2.0], "width": [3.0, 5.0]}, index=["a", "b"])
    scaler = RobustSmoothScaler().fit(X)
    assert scaler.get_feature_names_out().tolist() == ["length", "width"]
    frame = clone(scaler).set_output(transform="pandas").fit_transform(X)
    assert frame.columns.tolist() == ["length", "width"]
    assert frame.index.tolist() == ["a", "b"]
