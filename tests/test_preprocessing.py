import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.preprocessing import RobustScaler
from sklearn.utils.estimator_checks import check_estimator

from skmlp.preprocessing import (
    CosineEmbedding,
    RobustSmoothScaler,
    columns_of_kind,
    none_for_missing,
)

transformers = pytest.mark.parametrize("kind", [RobustSmoothScaler, CosineEmbedding])


@transformers
def test_scikit_learns_checks(kind):
    results = check_estimator(kind(), on_fail=None, on_skip=None)
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


def test_equal_quartiles_give_way_to_the_distance_of_the_values_that_differ():
    # median 1; the others are 2, 4 and 1000 away from it
    X = np.array([[1.0]] * 9 + [[-1.0], [5.0], [1001.0]])
    scaler = RobustSmoothScaler().fit(X)
    assert scaler.factor_ == 1 / 4
    assert_allclose(scaler.transform([[5.0]]), 1 / np.sqrt(1 + 1 / 9))


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


@transformers
def test_input_is_not_changed(kind):
    X = np.array([[1.0], [2.0], [30.0]])
    before = X.copy()
    kind().fit(X).transform(X)
    assert_array_equal(X, before)


@transformers
def test_sparse_input_is_refused_with_the_remedy(kind):
    with pytest.raises(TypeError, match=r"dense data is required.*toarray"):
        kind().fit(sparse.eye(3, format="csr"))


@transformers
def test_infinite_values_are_refused(kind):
    with pytest.raises(ValueError, match="infinity"):
        kind().fit([[np.inf], [0.0]])


def test_names_pass_through_one_to_one():
    X = pd.DataFrame({"length": [1.0, 2.0], "width": [3.0, 5.0]}, index=["a", "b"])
    scaler = RobustSmoothScaler().fit(X)
    assert scaler.get_feature_names_out().tolist() == ["length", "width"]
    frame = clone(scaler).set_output(transform="pandas").fit_transform(X)
    assert frame.columns.tolist() == ["length", "width"]
    assert frame.index.tolist() == ["a", "b"]


def test_embedding_by_hand():
    # u = pi (x + 3) / 6: pi / 3 and pi / 2
    embedded = CosineEmbedding(n_terms=3).fit_transform([[-1.0, 0.0]])
    of_first, of_second = [0.5, -0.5 / 2, -1 / 3], [0, -1 / 2, 0]
    assert_allclose(embedded, [[-1, 0, *of_first, *of_second]], atol=1e-15)


def test_cosines_of_the_embedding_are_a_basis_on_its_range():
    x = np.linspace(-3, 3, 601)[:, np.newaxis]
    series = CosineEmbedding(n_terms=20).fit_transform(x)[:, 1:]
    bump = np.exp(-2 * x.ravel() ** 2)
    coefficients = np.linalg.lstsq(np.c_[np.ones(601), series], bump, rcond=None)[0]
    assert_allclose(np.c_[np.ones(601), series] @ coefficients, bump, atol=1e-5)


def test_embedding_keeps_precision_and_missing_values():
    X = np.array([[1.0, np.nan]], dtype=np.float32)
    embedded = CosineEmbedding(n_terms=2).fit_transform(X)
    assert embedded.dtype == np.float32
    assert_array_equal(np.isnan(embedded), [[False, True, False, False, True, True]])


def test_embedding_names_its_columns():
    X = pd.DataFrame({"length": [1.0, 2.0], "width": [3.0, 5.0]})
    embedding = CosineEmbedding(n_terms=2).set_output(transform="pandas")
    assert embedding.fit_transform(X).columns.tolist() == [
        *("length", "width"),
        *("length_cos1", "length_cos2"),
        *("width_cos1", "width_cos2"),
    ]


@pytest.mark.parametrize("n_terms", [0, 1.5])
def test_embedding_needs_at_least_one_term(n_terms):
    with pytest.raises(ValueError, match="n_terms"):
        CosineEmbedding(n_terms=n_terms).fit([[0.0]])


# --- Columns of a table ---


def test_each_column_is_of_one_kind():
    X = pd.DataFrame(
        {
            "text": ["a", "b", "c"],
            "two": [1, 5, 1],
            "number": [1.5, 2, 3],
            "truth": [True, False, True],
        }
    )
    kinds = {kind: columns_of_kind(X, kind) for kind in ("categorical", "binary", "numeric")}
    assert kinds == {"categorical": [0, 3], "binary": [1], "numeric": [2]}


@pytest.mark.parametrize("convert", [np.asarray, pd.DataFrame])
def test_missing_values_are_no_third_value(convert):
    X = convert(np.array([[1, np.nan], [2, 1], [np.nan, 2], [3, 1]]))
    assert columns_of_kind(X, "binary") == [1]
    assert columns_of_kind(X, "numeric") == [0]


def test_columns_of_a_polars_frame():
    polars = pytest.importorskip("polars")
    X = polars.DataFrame(
        {
            "text": ["a", None, "b"],
            "number": [1.5, 2.5, 3.5],
            "two": [1, None, 2],
            "truth": [True, None, False],
        }
    )
    kinds = {kind: columns_of_kind(X, kind) for kind in ("categorical", "binary", "numeric")}
    assert kinds == {"categorical": [0, 3], "binary": [2], "numeric": [1]}


@pytest.mark.parametrize("kind", ["number", "Numeric", None, ["numeric"]])
def test_another_kind_is_refused_with_those_that_exist(kind):
    with pytest.raises(ValueError, match=r"kind must be one of 'categorical', 'binary', 'numeric'"):
        columns_of_kind(np.zeros((2, 2)), kind)


def test_columns_of_a_sparse_table_are_refused_with_the_remedy():
    with pytest.raises(TypeError, match="toarray"):
        columns_of_kind(sparse.csr_array(np.eye(3)), "numeric")


DAYS = np.datetime64("2020-01-01") + np.arange(3)


@pytest.mark.parametrize(
    "column",
    [
        DAYS,
        DAYS - DAYS[0],
        pd.Series(DAYS).dt.tz_localize("UTC"),
        pd.period_range("2020", periods=3, freq="M"),
        [day.item() for day in DAYS],
        [None, DAYS[1].item(), pd.NaT],
        pd.Series([pd.NaT] * 3),
    ],
    ids=["dates", "durations", "zone", "months", "objects", "missing", "all missing"],
)
def test_dates_are_refused_with_the_remedy(column):
    X = pd.DataFrame({"number": [1.5, 2.5, 3.5], "date": column})
    with pytest.raises(TypeError, match=r"Column 1 of the table contains dates.*days since"):
        columns_of_kind(X, "numeric")


def test_dates_of_arrays_and_of_polars_frames_are_refused():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"date": [day.item() for day in DAYS]})
    for X in (DAYS[:, np.newaxis], frame):
        with pytest.raises(TypeError, match="Column 0 of the table contains dates"):
            columns_of_kind(X, "numeric")


def test_a_missing_date_in_a_column_of_text_is_a_missing_value():
    X = pd.DataFrame({"text": np.array(["a", pd.NaT, "b"], dtype=object)})
    assert columns_of_kind(X, "categorical") == [0]


@pytest.mark.parametrize("dtype", ["string", "category"])
def test_text_of_missing_values_alone_is_categorical(dtype):
    X = pd.DataFrame({"empty": pd.Series([pd.NA] * 3, dtype=dtype)})
    assert columns_of_kind(X, "categorical") == [0]


@pytest.mark.parametrize("X", [np.arange(3), np.zeros((2, 2, 2))])
def test_a_table_that_is_none_is_refused_with_the_remedy(X):
    with pytest.raises(ValueError, match=r"must be 2-dimensional, got shape.*reshape\(-1, 1\)"):
        columns_of_kind(X, "numeric")


@pytest.mark.parametrize("use", [RobustSmoothScaler().fit, CosineEmbedding().fit_transform])
def test_masked_values_are_refused(use):
    masked = np.ma.array(np.eye(3), mask=np.eye(3))
    with pytest.raises(ValueError, match=r"X is a masked array.*filled\(np.nan\)"):
        use(masked)
    with pytest.raises(ValueError, match="X is a masked array"):
        columns_of_kind(masked, "numeric")
    assert columns_of_kind(np.ma.array(np.eye(3)), "binary") == [0, 1, 2]


@pytest.mark.parametrize(
    ("dtype", "missing"),
    [("string", pd.NA), ("category", np.nan), ("boolean", pd.NA), (object, None)],
)
def test_missing_values_of_a_frame_become_none(dtype, missing):
    values = [True, missing, False] if dtype == "boolean" else ["a", missing, "b"]
    X = pd.Series(values, index=[5, 3, 9], dtype=dtype).to_frame("column")
    before = X.copy()
    filled = none_for_missing(X)
    assert filled["column"].tolist() == [values[0], None, values[2]]
    assert filled["column"].dtype == object
    assert filled.index.tolist() == [5, 3, 9]
    pd.testing.assert_frame_equal(X, before)


def test_what_is_not_of_pandas_stays_as_it_is():
    X = np.array([["a", None], [np.nan, "b"]], dtype=object)
    assert none_for_missing(X) is X


@pytest.mark.parametrize(("n_rows", "n_terms"), [(1, 2), (2000, 2), (2001, 12)])
def test_the_number_of_cosines_can_follow_that_of_the_rows(n_rows, n_terms):
    X = np.linspace(-3, 3, n_rows)[:, np.newaxis]
    embedding = CosineEmbedding("auto").fit(X)
    expected = CosineEmbedding(n_terms).fit(X)
    assert_array_equal(embedding.transform(X[:5]), expected.transform(X[:5]))
    assert [*embedding.get_feature_names_out()] == [*expected.get_feature_names_out()]


ROWS = np.arange(90)


@pytest.mark.parametrize(
    ("column", "remedy"),
    [
        ([f"row {row}" for row in ROWS], "names or identifiers"),
        (
            [f"{value:.3f}" for value in np.sin(ROWS)],
            "values are numbers, but not of a numeric type",
        ),
        (
            [*"aaa", None, np.nan, *map(str, range(85))],
            "values are numbers, but not of a numeric type",
        ),
        (pd.Categorical(ROWS // 2), "values are numbers, but not"),
    ],
    ids=["names", "numbers", "numbers and missing values", "categories"],
)
def test_values_that_are_too_rare_to_learn_from_are_warned_of_once(column, remedy):
    table = pd.DataFrame({"number": np.sin(ROWS), "text": column})
    with pytest.warns(UserWarning, match=f"Column 1 of the table.*{remedy}") as caught:
        columns_of_kind(table, "categorical", min_frequency=3)
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("n_rare", [44, 46])
def test_rare_values_are_warned_of_where_most_rows_have_them(n_rare):
    text = np.array([*["often"] * (90 - n_rare), *[f"rare {i}" for i in range(n_rare)]])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        columns_of_kind(text[:, np.newaxis], "categorical", min_frequency=3)
    assert len(caught) == (n_rare > 45)
