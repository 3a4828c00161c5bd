"""Warnings of weights that change the penalty, and of X_val on another scale than X."""

import warnings

import numpy as np
import pytest
from networks import X, small, y
from scipy import sparse
from sklearn.ensemble import AdaBoostClassifier

from skmlp._data import scales
from skmlp._data.scales import far_column, warn_of_far_validation_rows, warn_of_weight_scale

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
ROWS = RNG.randn(300, 3)


@pytest.fixture(autouse=True)
def no_warnings_yet(monkeypatch):
    monkeypatch.setattr(scales, "_WARNED_AT", set())


# --- Weights and the penalty ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alpha", "mean_weight", "m", "message"),
    [
        (1e-4, 1 / 300_000, 200, r"alpha is multiplied by about 300000\. Divide"),
        (1e-4, 1 / 150, 150, r"multiplied by about 200\."),
        (0.1, 0.1, 200, r"multiplied by about 10\."),
        (1.0, 1000, 200, r"divided by about 1000\."),
        (0.01, 10, 200, r"divided by about 10\."),
    ],
)
def test_weights_that_change_the_penalty_are_warned_of(alpha, mean_weight, m, message):
    with pytest.warns(UserWarning, match=message):
        warn_of_weight_scale(alpha, mean_weight, m)


@pytest.mark.parametrize(
    ("alpha", "mean_weight", "m"),
    [
        (0, 1e-6, 200),  # no penalty
        (1e-4, 1e6, 200),  # a penalty that is tiny anyway
        (1e-4, 0.02, 200),  # and that stays tiny
        (1.0, 1.0, 200),
        (1.0, 0.2, 200),
        (1.0, 5.0, 200),
    ],
)
def test_weights_that_hardly_change_it_are_not(alpha, mean_weight, m):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_weight_scale(alpha, mean_weight, m)


def weight_warnings(fit):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        fit()
    return [str(w.message) for w in caught if "penalty alpha" in str(w.message)]


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_weights_that_sum_to_one_are_warned_of_once_per_call_site(solver):
    model = small(solver=solver, alpha=0.01)

    def fit_folds():
        for n in (80, 81, 82):
            model.fit(X[:n], y[:n], np.full(n, 1 / n))

    (message,) = weight_warnings(fit_folds)
    assert "multiplied by about 80." in message


def test_the_named_remedies_give_the_model_without_weights():
    w = np.full(len(y), 1 / len(y))
    plain = small(alpha=0.01, solver="lbfgs").fit(X, y)
    assert weight_warnings(lambda: small(alpha=0.01).fit(X, y, w / w.mean())) == []
    rescaled = small(alpha=0.01 * w.mean(), solver="lbfgs").fit(X, y, w)
    for W, expected in zip(rescaled.coefs_, plain.coefs_, strict=True):
        np.testing.assert_allclose(W, expected, rtol=1e-6, atol=1e-9)


def test_small_class_weights_and_partial_fit_are_warned_of():
    weights = dict.fromkeys(range(3), 1e-3)
    model = small(class_weight=weights, alpha=0.01)
    assert len(weight_warnings(lambda: model.fit(X, y))) == 1
    assert len(weight_warnings(lambda: model.partial_fit(X, y))) == 1
    assert weight_warnings(lambda: small(class_weight="balanced", alpha=1.0).fit(X, y)) == []


def test_adaboost_is_warned_of_once():
    boosted = AdaBoostClassifier(small(alpha=0.01), n_estimators=3, random_state=0)
    assert len(weight_warnings(lambda: boosted.fit(X, y))) == 1


def test_a_warning_that_is_an_error_is_raised_each_time():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for _ in range(2):
            with pytest.raises(UserWarning, match="penalty alpha"):
                warn_of_weight_scale(1.0, 1e-3, 200)


# --- X_val far outside X ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows,
        lambda rows: rows + 20,  # a few ranges away
        lambda rows: np.where(np.arange(len(rows))[:, None] < 100, 1e6, rows),  # outliers
        lambda rows: rows * 0,
    ],
)
def test_rows_near_the_range_are_not_far(change):
    assert far_column(ROWS, change(ROWS)) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_the_farthest_column_is_found(sign):
    assert far_column(ROWS, ROWS + sign * np.array([0, 1000, 100])) == 1


def test_a_column_just_beyond_ten_ranges_is_far_and_one_within_is_not():
    rows = np.linspace(0, 1, 11)[:, None]
    assert far_column(rows, np.full((3, 1), 11.01)) == 0
    assert far_column(rows, np.full((3, 1), 10.99)) is None
    assert far_column(rows, np.full((3, 1), -10.01)) == 0


def test_constant_columns_and_sparse_rows_do_not_count():
    constant = np.column_stack([ROWS, np.full(300, 5.0)])
    assert far_column(constant, constant + np.array([0, 0, 0, 1e6])) is None
    constant[::2, 3] *= 1 + 1e-15
    assert far_column(constant, constant + np.array([0, 0, 0, 1e6])) is None
    assert far_column(sparse.csr_matrix(ROWS), sparse.csr_matrix(ROWS + 1e6)) is None


@pytest.mark.parametrize("dtype", ["uint8", "bool", "float16", "float32"])
def test_narrow_and_extreme_numbers_do_no_harm(dtype):
    pixels = RNG.randint(0, 2, (50, 3)).astype(dtype)
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        assert far_column(pixels, pixels) is None
        assert far_column(pixels, pixels.astype(float) * 255) is not None
        assert far_column(ROWS * 1e307, ROWS * 1e307) is None


def test_large_sets_are_sampled():
    rows = np.zeros((2_000_000, 2), dtype=np.uint8)
    rows[::2] = 1
    assert far_column(rows, rows[:5]) is None


def test_the_warning_names_column_cause_and_remedy():
    class Named:
        feature_names_in_ = np.array(["age", "height", "weight"], dtype=object)

    expected = r"column 1 \('height'\).*pipeline.*transform_input=\['X_val'\].*or transform X_val"
    with pytest.warns(UserWarning, match=expected):
        warn_of_far_validation_rows(Named(), ROWS, ROWS + np.array([0, 1000, 0]))
    with pytest.warns(UserWarning, match="its column 2 is more than 10 times"):
        warn_of_far_validation_rows(object(), ROWS, ROWS + np.array([0, 0, 1000]))
