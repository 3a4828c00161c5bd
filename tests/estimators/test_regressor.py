"""NumpyMLPRegressor as its users see it: targets of every kind, losses, scores, gradients."""

import warnings
from decimal import Decimal
from fractions import Fraction

import joblib
import numpy as np
import pandas as pd
import pytest
from networks import assert_identical_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import (
    d2_absolute_error_score,
    d2_pinball_score,
    d2_tweedie_score,
    make_scorer,
    mean_pinball_loss,
    r2_score,
)

from skmlp import HiddenLayerTransformer, NumpyMLPClassifier, NumpyMLPRegressor
from skmlp._compat import InvalidParameterError
from skmlp._engine.losses.registry import REGRESSION_LOSSES
from skmlp._training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LINE = ["absolute_error", "huber", "quantile", "squared_error"]
LOG_LINK = ["gamma", "poisson"]
LEVELS = (0.9, 0.1, 0.5)
RNG = np.random.RandomState(0)
X = RNG.normal(size=(90, 4))
SIGNAL = np.column_stack([X[:, 0] - X[:, 1], np.sin(2 * X[:, 2])])
Y = SIGNAL + 0.2 * RNG.normal(size=SIGNAL.shape)
y = Y[:, 0]
POSITIVE = np.exp(Y)
W = RNG.uniform(0.2, 3, size=90)
every_loss = pytest.mark.parametrize("loss", REGRESSION_LOSSES)


def small(loss="squared_error", **params):
    defaults = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
    return NumpyMLPRegressor(loss, **defaults | params)


def good(loss="squared_error", **params):
    """Return a regressor that learns most of the signal."""
    return small(loss, **{"max_iter": 150, "learning_rate_init": 0.02} | params)


def of_loss(loss, n_targets=1):
    """Return targets in the domain of the loss."""
    values = POSITIVE if loss in LOG_LINK else Y
    return values[:, 0] if n_targets == 1 else values


def quietly(call, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*args, **kwargs)


# --- Targets of every kind --------------------------------------------------------------------

INTEGERS = np.arange(90) % 7 + 1
KINDS = {
    "uint8": INTEGERS.astype(np.uint8),
    "int8": INTEGERS.astype(np.int8),
    "list": INTEGERS.tolist(),
    "tuple": tuple(INTEGERS.tolist()),
    "objects": INTEGERS.astype(object),
    "float objects": INTEGERS.astype(float).astype(object),
    "Decimal": [Decimal(int(v)) for v in INTEGERS],
    "Fraction": [Fraction(int(v)) for v in INTEGERS],
    "float16": INTEGERS.astype(np.float16),
    "Series with another index": pd.Series(INTEGERS, index=range(90, 0, -1)),
    "nullable Series": pd.Series(INTEGERS, dtype="Int64"),
    "DataFrame column": pd.DataFrame({"y": INTEGERS})["y"],
    "big-endian": INTEGERS.astype(">f8"),
    "read-only": np.broadcast_to(INTEGERS, (1, 90))[0],
    "unmasked": np.ma.masked_array(INTEGERS, mask=False),
}


@every_loss
@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_any_kind_train_the_model_of_floats(kind, loss):
    model, expected = small(loss).fit(X, KINDS[kind]), small(loss).fit(X, INTEGERS.astype(float))
    assert_identical_model(model, expected)
    assert model.predict(X).dtype == np.float64
    assert model.score(X, KINDS[kind]) == expected.score(X, INTEGERS)


@every_loss
def test_booleans_are_zeros_and_ones(loss):
    half = INTEGERS > 3
    if loss == "gamma":
        half = np.ones(90, bool)
    assert_identical_model(small(loss).fit(X, half), small(loss).fit(X, half.astype(float)))


@pytest.mark.parametrize(
    "convert",
    [np.ndarray.tolist, pd.DataFrame, sparse.csr_matrix, sparse.csr_array, sparse.coo_matrix],
)
def test_several_targets_in_any_container_train_the_same_model(convert):
    model, expected = small().fit(X, convert(Y)), small().fit(X, Y)
    assert_identical_model(model, expected)
    assert model.predict(X).shape == (90, 2)
    assert model.score(X, convert(Y)) == expected.score(X, Y)


def test_pyarrow_columns_are_numbers():
    pytest.importorskip("pyarrow")
    column = pd.Series(INTEGERS, dtype="int64[pyarrow]")
    assert_identical_model(small().fit(X, column), small().fit(X, INTEGERS))


def test_integers_beyond_64_bits_are_numbers():
    y = [10**25 * int(v) for v in INTEGERS]
    model = small(standardize_target=True).fit(X, y)
    assert model.target_mean_ == pytest.approx(1e25 * INTEGERS.mean())


# --- Targets that are refused: one row each ---------------------------------------------------

WITH_NAN = np.where(np.arange(90) == 4, np.nan, y)
REFUSED = {
    "text": (["a", "b"] * 45, "y must be numeric.*NumpyMLPClassifier"),
    "digits": (np.array(["1"] * 90, dtype=object), "y must be numeric.*NumpyMLPClassifier"),
    "mixed": ([1.0, "a"] * 45, "y must be numeric"),
    "dates": (np.array(["2020-01-01"] * 90, dtype="M8[D]"), "y must be numeric.*datetime64"),
    "differences of dates": (np.arange(90).astype("m8[D]"), "y must be numeric.*timedelta64"),
    "complex": (y + 1j, "Complex data not supported"),
    "categories": (pd.Series(["a", "b"] * 45, dtype="category"), "y must be numeric"),
    "NaN": (WITH_NAN, r"y contains NaN .* in 1 of 90 rows, .* row 4\. Leave out these rows\.$"),
    "NA": (pd.Series(WITH_NAN).convert_dtypes(), "in 1 of 90 rows, .* row 4"),
    "None": ([*y[:-1], None], "in 1 of 90 rows, .* row 89"),
    "infinity": (np.where(np.arange(90) == 4, np.inf, y), "y contains infinity"),
    "int beyond floats": ([10**400] * 90, "too large for float64"),
    "masked": (np.ma.masked_greater(y, 1), "y is a masked array"),
    "no columns": (np.empty((90, 0)), "0 feature"),
    "3-D": (X[:, :, np.newaxis], "dim 3"),
    "ragged": ([[1.0, 2.0], [3.0]] * 45, "y has rows of different lengths"),
    "too short": (y[:-1], "inconsistent numbers of samples"),
    "None at all": (None, "requires y to be passed"),
}


@pytest.fixture(scope="module")
def fitted():
    return small(warm_start=True).fit(X, y)


def assert_refuses(model, call, message, error=ValueError):
    """Check that the call fails, and that the model is what it was."""
    before = joblib.hash(vars(model))
    with pytest.raises(error, match=f"(?s){message}"):
        call(model)
    assert joblib.hash(vars(model)) == before


@pytest.mark.parametrize(("values", "message"), REFUSED.values(), ids=REFUSED)
def test_other_targets_are_refused_and_the_model_stays(values, message, fitted):
    assert_refuses(fitted, lambda model: model.fit(X, values), message)
    assert_refuses(fitted, lambda model: model.partial_fit(X, values), message)
    assert_refuses(small(), lambda model: model.fit(X, values), message)


@pytest.mark.parametrize("kind", [kind for kind in REFUSED if kind != "None at all"])
def test_other_targets_are_refused_for_validation_and_scores(kind, fitted):
    values, message = REFUSED[kind]
    message = message.replace("y must", "y(_val)? must").replace("y contains", "y(_val)? contains")
    message = message.replace("y is", "y(_val)? is").replace("y has", "y(_val)? has")
    assert_refuses(fitted, lambda model: model.fit(X, y, X_val=X, y_val=values), message)
    assert_refuses(
        fitted, lambda model: model.score(X, values), f"{message}|dim|array|inconsistent"
    )


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("factor", [1e39, 1e300])
def test_targets_too_large_for_float32_are_refused(factor, standardize):
    model = small(dtype="float32", standardize_target=standardize)
    assert_refuses(model, lambda model: model.fit(X, factor * y), "y .* too large for float32.*64")
    validation = {"X_val": X, "y_val": factor * y}
    if not standardize:
        assert_refuses(
            model, lambda model: model.fit(X, y, **validation), "y_val .* too large for float32"
        )


def test_targets_too_small_for_float32_are_refused_where_they_are_standardised():
    model = small(dtype="float32", standardize_target=True)
    assert_refuses(model, lambda model: model.fit(X, 1e-50 * y), "varies so little.*float64")


def test_targets_too_large_to_be_standardised_are_refused():
    model = small(standardize_target=True)
    assert_refuses(model, lambda model: model.fit(X, np.sign(y) * 1.7e308), "too large")


def test_weights_of_the_wrong_number_are_refused_as_weights(fitted):
    assert_refuses(fitted, lambda model: model.partial_fit(X, y, [0, 1]), "sample_weight.shape")
    assert_refuses(fitted, lambda model: model.partial_fit(X, y, [*y, 7.0]), "sample_weight.shape")


# --- Domains ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "value", "message"),
    [
        ("poisson", -1.0, "loss='poisson' needs y to be numbers that are at least 0, .* is -1"),
        ("gamma", -1.0, "loss='gamma' needs y to be numbers above 0, .* is -1"),
        ("gamma", 0.0, "loss='gamma' needs y to be numbers above 0, .* is 0"),
    ],
)
def test_targets_outside_the_domain_are_refused_everywhere(loss, value, message):
    bad = np.where(np.arange(90) == 7, value, POSITIVE[:, 0])
    assert_refuses(small(loss), lambda model: model.fit(X, bad), message)
    model = small(loss, warm_start=True).fit(X, POSITIVE[:, 0])
    assert_refuses(model, lambda model: model.fit(X, bad), message)
    assert_refuses(model, lambda model: model.partial_fit(X, bad), message)
    of_y_val = message.replace("y to be", "y_val to be")
    assert_refuses(model, lambda model: model.fit(X, POSITIVE[:, 0], X_val=X, y_val=bad), of_y_val)
    if loss == "gamma":
        assert_refuses(model, lambda model: model.score(X, bad), message)


def test_a_score_that_is_defined_outside_the_domain_is_given():
    model = small("poisson").fit(X, POSITIVE[:, 0])
    assert model.score(X, y) == pytest.approx(r2_score(y, model.predict(X)))


@pytest.mark.parametrize("loss", LOG_LINK)
def test_predictions_of_a_log_link_are_positive_and_finite(loss):
    model = small(loss).fit(X, POSITIVE[:, 0])
    for factor in (1, 1e4, -1e4):
        predicted = model.predict(factor * X)
        assert (predicted > 0).all()
        assert np.isfinite(predicted).all()


# --- What a fitted model continues with -------------------------------------------------------


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("first", "then"), [(y, Y), (Y, y), (Y, X[:, :3])])
def test_another_number_of_targets_is_refused(first, then, method):
    model = small(warm_start=True).fit(X, first)
    n, k = np.ndim(then) and (1 if then.ndim == 1 else then.shape[1]), model.n_outputs_
    message = f"y has {n} columns, but this regressor has {k} outputs"
    assert_refuses(model, lambda model: getattr(model, method)(X, then), message)
    assert_refuses(model, lambda model: model.score(X, then), message)


def test_a_loss_of_another_link_or_of_other_outputs_is_refused():
    positive = POSITIVE[:, 0]
    model = small("huber", warm_start=True).fit(X, positive)
    model.set_params(loss="poisson")
    assert_refuses(model, lambda model: model.fit(X, positive), "loss='poisson' has .*'exp'")
    model.set_params(loss="quantile", quantile=LEVELS)
    assert_refuses(model, lambda model: model.fit(X, positive), "loss='quantile' has n_outputs=3")
    model.set_params(loss="quantile", quantile=0.4)
    assert model.fit(X, positive).loss_ > 0


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("standardize", [False, True])
def test_standardising_is_decided_by_the_first_call(standardize, method):
    model = small(standardize_target=standardize, warm_start=True).fit(X, y)
    model.set_params(standardize_target=not standardize)
    message = f"standardize_target={not standardize}, but the model .*={standardize}"
    assert_refuses(model, lambda model: getattr(model, method)(X, y), message)


# --- Parameters of the losses -----------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"quantile": 0.0},
        {"quantile": 1},
        {"quantile": -0.1},
        {"quantile": np.nan},
        {"quantile": "0.5"},
        {"quantile": None},
        {"quantile": ()},
        {"quantile": (0.1, 0.1)},
        {"quantile": (0.1, 1.0)},
        {"quantile": (0.1, "0.9")},
        {"quantile": [[0.1], [0.9]]},
        {"quantile": [[0.1], [0.9, 0.3]]},
        {"quantile": np.array([[0.1, 0.9]])},
        {"delta": 0},
        {"delta": -1.0},
        {"delta": np.inf},
        {"delta": np.nan},
        {"delta": None},
        {"standardize_target": 1},
        {"standardize_target": "auto"},
        {"loss": "l3"},
        {"loss": None},
    ],
    ids=str,
)
def test_bad_parameters_are_refused_and_the_model_stays(params, fitted):
    before = fitted.get_params()
    (name,) = params
    try:
        fitted.set_params(**params)
        for method in ("fit", "partial_fit"):
            assert_refuses(
                fitted,
                lambda model, method=method: getattr(model, method)(X, y),
                f"'{name}' parameter of NumpyMLPRegressor",
                InvalidParameterError,
            )
    finally:
        fitted.set_params(**before)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"delta": 2.0}, "delta=2.0 has no effect with loss='squared_error'. Set loss='huber'"),
        ({"quantile": 0.9}, "quantile=0.9 has no effect with .*. Set loss='quantile'"),
        ({"quantile": LEVELS}, r"quantile=\(0.9, 0.1, 0.5\) has no effect"),
        ({"loss": "quantile", "delta": 2.0}, "delta=2.0 has no effect with loss='quantile'"),
    ],
)
def test_a_parameter_that_the_loss_does_not_use_is_warned_of(params, message):
    with pytest.warns(UserWarning, match=message):
        small(**params).fit(X, y)


@pytest.mark.parametrize("params", [{}, {"loss": "huber", "delta": 2.0}, {"loss": "quantile"}])
def test_parameters_that_are_used_are_not(params):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        small(**params).fit(X, y)


# --- Standardised targets ---------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("loss", LINE)
def test_predictions_follow_a_change_of_units(loss, n_targets, solver):
    targets = of_loss(loss, n_targets)
    params = {"standardize_target": True, "max_iter": 30, "solver": solver}
    model = small(loss, **params).fit(X, targets, W)
    for a, b in ((1e-4, 0.0), (1e5, -3e6), (1.0, 1e4)):
        other = small(loss, **params).fit(X, a * targets + b, W)
        assert_allclose((other.predict(X) - b) / a, model.predict(X), rtol=0, atol=1e-6)
        assert other.score(X, a * targets + b) == pytest.approx(model.score(X, targets), abs=1e-6)
        # recorded in standardised units
        assert_allclose(other.loss_curve_, model.loss_curve_, rtol=1e-6)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("loss", LOG_LINK)
def test_predictions_of_a_log_link_follow_a_change_of_scale(loss, solver):
    params = {"standardize_target": True, "max_iter": 30, "solver": solver}
    model = small(loss, **params).fit(X, POSITIVE, W)
    for a in (1e-4, 1e5):
        other = small(loss, **params).fit(X, a * POSITIVE, W)
        assert_allclose(other.predict(X) / a, model.predict(X), rtol=1e-6)
        assert_allclose(other.loss_curve_, model.loss_curve_, rtol=1e-6)


def test_several_levels_follow_a_change_of_units():
    params = {"standardize_target": True, "max_iter": 30, "quantile": LEVELS}
    model = small("quantile", **params).fit(X, y)
    other = small("quantile", **params).fit(X, 1e5 * y - 3e6)
    assert_allclose((other.predict(X) + 3e6) / 1e5, model.predict(X), rtol=0, atol=1e-6)


def test_mean_and_deviation_are_weighted_and_those_of_each_target():
    model = small(standardize_target=True).fit(X, Y, W)
    mean = np.average(Y, axis=0, weights=W)
    assert_allclose(model.target_mean_, mean)
    assert_allclose(model.target_scale_, np.average((Y - mean) ** 2, axis=0, weights=W) ** 0.5)
    one = small(standardize_target=True).fit(X, y, W)
    assert type(one.target_mean_) is type(one.target_scale_) is float
    log = small("gamma", standardize_target=True).fit(X, POSITIVE, W)
    assert_array_equal(log.target_mean_, [0, 0])
    assert_allclose(log.target_scale_, np.average(POSITIVE, axis=0, weights=W))
    assert small().fit(X, y).target_mean_ is small().fit(X, y).target_scale_ is None


def test_rows_of_weight_0_have_no_part_in_mean_and_deviation():
    w, far = np.ones(90), y.copy()
    w[:5], far[:5] = 0, 1e9
    model = small(standardize_target=True).fit(X, far, w)
    assert_identical_model(model, small(standardize_target=True).fit(X[5:], y[5:]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [0.1, -3.0, 0.0, 1e7, 1e-30])
@pytest.mark.parametrize("loss", LINE)
def test_a_constant_target_is_predicted_exactly(loss, value, dtype):
    model = small(loss, standardize_target=True, dtype=dtype).fit(X, np.full(90, value), W)
    assert_array_equal(model.predict(3 * X), np.full(90, value, dtype=dtype))


@pytest.mark.parametrize("value", [0.1, 1.0, 1e7, 1e-30])
@pytest.mark.parametrize("loss", LOG_LINK)
def test_a_constant_target_is_predicted_by_a_log_link_up_to_rounding(loss, value):
    model = small(loss, standardize_target=True).fit(X, np.full(90, value), W)
    assert_allclose(model.predict(3 * X), value, rtol=1e-13)


def test_counts_that_are_all_0_are_predicted_as_next_to_0():
    model = small("poisson", standardize_target=True).fit(X, np.zeros(90))
    assert (model.predict(X) <= 1e-300).all()


def test_one_constant_target_of_two_is_predicted_exactly():
    both = np.column_stack([y, np.full(90, 5.1)])
    model = good(standardize_target=True).fit(X, both)
    assert_array_equal(model.predict(X)[:, 1], np.full(90, 5.1))
    assert r2_score(y, model.predict(X)[:, 0]) > 0.8


def test_published_parameters_are_in_units_of_y():
    shifted = 1e4 + 100 * y
    for params in ({}, {"batch_norm": True, "averaging": 0.9}):
        model = small(standardize_target=True, **params).fit(X, shifted)
        a = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
        predicted = (a @ model.coefs_[1] + model.intercepts_[1])[:, 0]
        assert_allclose(model.predict(X), predicted, rtol=1e-10)
        assert abs(predicted - 1e4).max() < 1e4


@pytest.mark.parametrize("early_stopping", [False, True])
def test_validation_is_in_units_of_y_and_losses_in_standardised_ones(early_stopping):
    far = 1e4 + 1e3 * y
    model = good(standardize_target=True, early_stopping=early_stopping, max_iter=40)
    model.fit(X[:60], far[:60], X_val=X[60:], y_val=far[60:])
    assert model.best_validation_score_ > 0.5
    if early_stopping:
        assert model.best_validation_score_ == pytest.approx(model.score(X[60:], far[60:]))
        residuals = (model.predict(X[60:]) - far[60:]) / model.target_scale_
        loss = model.validation_loss_curve_[model.best_epoch_ - 1]
        assert loss == pytest.approx(0.5 * np.mean(residuals**2), rel=1e-9)


def test_a_scorer_sees_the_units_of_y():
    seen = []

    def scorer(model, X_seen, y_seen):
        seen.append((y_seen, model.predict(X_seen)))
        return 0.0

    far = 1e4 + 1e3 * y
    for params in ({}, {"loss": "quantile", "quantile": LEVELS}):
        model = small(standardize_target=True, scoring=scorer, early_stopping=True, **params)
        model.fit(X, far, X_val=X[:20], y_val=far[:20])
        y_seen, predicted = seen[-1]
        assert_allclose(y_seen, far[:20], rtol=1e-12)
        assert y_seen.shape == (20,)
        assert abs(predicted - 1e4).max() < 1e4


@every_loss
def test_mean_and_scale_are_used_again(loss):
    targets = of_loss(loss)
    model = small(loss, standardize_target=True, warm_start=True).fit(X[:50], targets[:50])
    mean, scale = model.target_mean_, model.target_scale_
    model.fit(X, 3 * targets)
    assert (model.target_mean_, model.target_scale_) == (mean, scale)
    model.partial_fit(X, 5 * targets)
    assert (model.target_mean_, model.target_scale_) == (mean, scale)


def test_warm_start_continues_from_the_standardised_parameters():
    far = 1e4 + 1e3 * y
    params = {"solver": "sgd", "momentum": 0, "shuffle": False, "standardize_target": True}
    once = small(max_iter=8, **params).fit(X, far)
    twice = small(max_iter=4, warm_start=True, **params).fit(X, far).fit(X, far)
    assert_allclose(twice.predict(X), once.predict(X), rtol=1e-10)
    assert_allclose(twice.loss_curve_, once.loss_curve_, rtol=1e-8)


def test_partial_fits_are_a_fit():
    far = 1e4 + 1e3 * y
    params = {"shuffle": False, "standardize_target": True, "batch_size": 16}
    whole = small(**params).fit(X, far)
    parts = small(**params)
    for _ in range(5):
        parts.partial_fit(X, far)
    assert_identical_model(parts, whole)


def test_a_first_call_without_a_scale_is_warned_of_and_takes_that_of_the_second():
    model = small(standardize_target=True, learning_rate_init=0.01)
    with pytest.warns(UserWarning, match="fewer than two distinct values in the first call"):
        model.partial_fit(X[:1], y[:1])
    assert model.predict(X[:1]) == y[:1]
    model.partial_fit(X, y)
    assert model.target_mean_ == pytest.approx(y.mean())
    assert model.target_scale_ == pytest.approx(y.std())
    for _ in range(200):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize(("mean", "loses"), [(1e3, 1e-3), (1e5, 0.1)])
def test_float32_resolves_large_targets_to_its_own_precision(mean, loses):
    far = mean + y
    precise, single = (
        good(standardize_target=True, dtype=dtype).fit(X, far) for dtype in ("float64", "float32")
    )
    # of the mean, float32 has 24 bits
    rounding = mean * 2.0**-22
    assert abs(single.predict(X) - precise.predict(X)).max() < 0.02 + rounding
    assert abs(single.score(X, far) - precise.score(X, far)) < loses


# --- Huber's delta ----------------------------------------------------------------------------


def mad(values):
    return 1.4826 * np.median(abs(values - np.median(values)))


def test_delta_is_in_units_of_the_spread_of_y():
    model = small("huber", delta=2.0).fit(X[:89], 7 * y[:89])
    assert model.delta_ == pytest.approx(2 * 7 * mad(y[:89]), rel=1e-12)
    assert type(model.delta_) is float


def test_delta_is_in_units_of_the_deviation_of_standardised_targets():
    model = small("huber", delta=2.0, standardize_target=True).fit(X, 7 * y, W)
    assert model.delta_ == pytest.approx(2 * model.target_scale_, rel=1e-12)


@pytest.mark.parametrize("standardize", [False, True])
def test_each_target_has_a_delta(standardize):
    model = small("huber", standardize_target=standardize).fit(X[:89], Y[:89] * [1, 100])
    scale = Y[:89].std(axis=0) if standardize else [mad(Y[:89, 0]), mad(Y[:89, 1])]
    assert_allclose(model.delta_, 1.35 * np.array(scale) * [1, 100], rtol=1e-12)
    assert model.predict(X).shape == (90, 2)


def test_delta_is_that_of_repeated_rows():
    w = RNG.randint(1, 4, size=90)
    weighted = small("huber").fit(X, y, w)
    repeated = small("huber").fit(X.repeat(w, axis=0), y.repeat(w))
    assert weighted.delta_ == pytest.approx(repeated.delta_, rel=1e-12)


@pytest.mark.parametrize("standardize", [False, True])
def test_delta_is_fixed_by_the_first_call(standardize):
    model = small("huber", warm_start=True, standardize_target=standardize).fit(X, y)
    delta = model.delta_
    assert model.fit(X, 50 * y).delta_ == delta
    assert model.partial_fit(X, 50 * y).delta_ == delta
    assert model.set_params(delta=2.7).fit(X, y).delta_ == pytest.approx(2 * delta)
    assert model.set_params(warm_start=False, delta=1.35).fit(X, 50 * y).delta_ > 10 * delta


def test_only_huber_has_a_delta():
    for model in (small("huber"), small().fit(X, y)):
        with pytest.raises(AttributeError, match="after fit with loss='huber'"):
            _ = model.delta_


def test_outliers_change_hubers_predictions_little():
    far = y.copy()
    far[::10] += 200
    clean = np.arange(90) % 10 > 0
    scores = {
        loss: r2_score(y[clean], good(loss, standardize_target=False).fit(X, far).predict(X)[clean])
        for loss in ("squared_error", "huber", "absolute_error")
    }
    assert scores["huber"] > 0.6 > scores["squared_error"]
    assert scores["absolute_error"] > 0.6


# --- Quantiles --------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [(0.1, 0.5, 0.9), (0.9, 0.1, 0.5), [0.5], np.array([0.9, 0.1])])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_levels_are_predicted_in_their_order_and_never_cross(levels, solver):
    model = small("quantile", quantile=levels, solver=solver, max_iter=40).fit(X, y)
    for inputs in (X, 100 * X, RNG.normal(size=(500, 4)) * 1e6):
        predicted = model.predict(inputs)
        assert predicted.shape == (len(inputs), len(levels))
        assert (np.diff(predicted[:, np.argsort(levels)], axis=1) >= 0).all()
    assert model.n_outputs_ == len(levels)


def test_one_level_alone_is_a_vector():
    assert small("quantile", quantile=0.9).fit(X, y).predict(X).shape == (90,)


def test_levels_cover_their_share_of_the_training_rows():
    model = good("quantile", quantile=(0.8, 0.2), hidden_layer_sizes=(), max_iter=400).fit(X, y)
    upper, lower = model.predict(X).T
    assert np.mean(y < upper) == pytest.approx(0.8, abs=0.06)
    assert np.mean(y < lower) == pytest.approx(0.2, abs=0.06)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_several_levels_of_several_targets_are_refused(method):
    model = small("quantile", quantile=LEVELS)
    message = "y has 2 columns.*MultiOutputRegressor"
    assert_refuses(model, lambda model: getattr(model, method)(X, Y), message)
    assert small("quantile", quantile=0.9).fit(X, Y).predict(X).shape == (90, 2)


# --- Scores -----------------------------------------------------------------------------------

SCORES = {
    "squared_error": r2_score,
    "poisson": r2_score,
    "absolute_error": d2_absolute_error_score,
    "quantile": d2_pinball_score,
    "gamma": lambda *args, **kwargs: d2_tweedie_score(*args, **kwargs, power=2),
}


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("loss", SCORES)
def test_score_is_that_of_scikit_learn(loss, standardize):
    targets = of_loss(loss)[:89]
    model = small(loss, standardize_target=standardize).fit(X[:89], targets)
    predicted = model.predict(X[:89])
    assert model.score(X[:89], targets) == pytest.approx(SCORES[loss](targets, predicted))
    # whole weights, because scikit-learn interpolates weighted quantiles in its own way
    w = np.arange(89) % 3
    repeated = SCORES[loss](targets.repeat(w), predicted.repeat(w))
    assert model.score(X[:89], targets, w) == pytest.approx(repeated, abs=0.02)
    assert model.score(X[:89], targets[:, np.newaxis]) == model.score(X[:89], targets)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "quantile"])
def test_the_score_of_several_targets_is_their_mean(loss):
    model = small(loss).fit(X[:89], Y[:89])
    predicted = model.predict(X[:89])
    each = [SCORES[loss](Y[:89, k], predicted[:, k]) for k in range(2)]
    assert model.score(X[:89], Y[:89]) == pytest.approx(np.mean(each))


def test_the_score_of_several_levels_is_their_mean():
    model = small("quantile", quantile=LEVELS).fit(X[:89], y[:89])
    predicted = model.predict(X[:89])

    def share_left(k, q):
        constant = np.full(89, np.quantile(y[:89], q, method="inverted_cdf"))
        losses = [mean_pinball_loss(y[:89], a, alpha=q) for a in (predicted[:, k], constant)]
        return losses[0] / losses[1]

    each = [1 - share_left(k, q) for k, q in enumerate(LEVELS)]
    assert model.score(X[:89], y[:89]) == pytest.approx(np.mean(each))


@every_loss
def test_better_predictions_score_higher(loss):
    targets = of_loss(loss)
    scores = [good(loss, max_iter=n).fit(X, targets).score(X, targets) for n in (1, 20, 150)]
    assert scores[0] < scores[1] < scores[2] <= 1


def test_a_constant_y_scores_1_or_0():
    model = small("absolute_error", standardize_target=True).fit(X, np.full(90, 3.0))
    assert model.score(X, np.full(90, 3.0)) == 1
    assert model.score(X, np.full(90, 4.0)) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, Y), "y has 2 columns"),
        ((X[:, :2], y), "features"),
        ((X, y[:-1]), "inconsistent"),
        ((X, y, W[:-1]), "sample_weight"),
        ((X, np.where(np.arange(90) > 80, np.nan, y)), "y contains NaN"),
        ((X, ["a"] * 90), "y must be numeric"),
    ],
)
def test_bad_arguments_of_score_are_refused(arguments, message, fitted):
    assert_refuses(fitted, lambda model: model.score(*arguments), message)


@pytest.mark.parametrize("method", ["predict", "input_gradient", "hidden_activations"])
def test_a_model_that_is_not_fitted_says_so(method):
    with pytest.raises(NotFittedError):
        getattr(small(), method)(X)
    with pytest.raises(NotFittedError):
        small().score(X, y)


# --- Gradients and hidden layers --------------------------------------------------------------


def numeric_gradient(model, rows, step=1e-5):
    predicted = []
    for j in range(rows.shape[1]):
        shift = np.zeros(rows.shape[1])
        shift[j] = step
        difference = model.predict(rows + shift) - model.predict(rows - shift)
        predicted.append(difference / (2 * step))
    return np.stack(predicted, axis=-1)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("n_targets", [1, 2])
@every_loss
def test_input_gradient_is_that_of_predict(loss, n_targets, standardize):
    targets = of_loss(loss, n_targets) * 100
    model = small(loss, activation=["tanh", "gelu"], hidden_layer_sizes=(6, 5))
    model.set_params(standardize_target=standardize).fit(X, targets)
    gradient = model.input_gradient(X)
    assert gradient.shape == ((90, 4) if n_targets == 1 else (90, 2, 4))
    numeric = numeric_gradient(model, X)
    assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-7 * abs(numeric).max())
    if n_targets == 2:
        assert_array_equal(model.input_gradient(X, output=1), gradient[:, 1])
        assert_array_equal(model.input_gradient(X, output=-2), gradient[:, 0])


def test_input_gradient_of_levels_is_in_their_order():
    model = small("quantile", activation="tanh", quantile=LEVELS).fit(X, y)
    gradient = model.input_gradient(X)
    assert gradient.shape == (90, 3, 4)
    # where the order of raw outputs changes within the step, there is no derivative
    close = abs(gradient - numeric_gradient(model, X)).max(axis=(1, 2)) < 1e-6
    assert close.mean() > 0.95
    of_sparse = model.input_gradient(sparse.csr_matrix(X), output=2)
    assert_allclose(of_sparse, gradient[:, 2], rtol=0, atol=1e-14)


@pytest.mark.parametrize("output", [1, -2, 7])
def test_an_output_that_is_not_there_is_refused(output, fitted):
    message = f"output={output} is no output of this model, which has 1"
    assert_refuses(fitted, lambda model: model.input_gradient(X, output=output), message)


@every_loss
def test_hidden_activations_lead_to_the_predictions(loss):
    model = small(loss, hidden_layer_sizes=(6, 5)).fit(X, of_loss(loss))
    a = model.hidden_activations(X)
    z = (a @ model.coefs_[-1] + model.intercepts_[-1])[:, 0]
    assert_allclose(np.exp(z) if loss in LOG_LINK else z, model.predict(X), rtol=1e-12)
    assert model.hidden_activations(X, layer=0).shape == (90, 6)


@pytest.mark.parametrize("targets", [y, Y], ids=["one", "two"])
def test_hidden_layer_transformer_takes_numbers(targets):
    transformer = HiddenLayerTransformer(small()).fit(X, targets)
    assert_array_equal(transformer.transform(X), small().fit(X, targets).hidden_activations(X))
    assert HiddenLayerTransformer(small()).set_output(transform="pandas").fit_transform(
        X, targets
    ).shape == (90, 6)


# --- When training ends -----------------------------------------------------------------------


@every_loss
def test_early_stopping_goes_by_the_score_of_the_loss(loss):
    targets = of_loss(loss)
    model = good(loss, early_stopping=True, max_iter=60)
    model.fit(X[:60], targets[:60], X_val=X[60:], y_val=targets[60:])
    assert model.best_validation_score_ == pytest.approx(
        model.score(X[60:], targets[60:]), rel=1e-10
    )
    assert model.best_validation_score_ == max(model.validation_scores_)


@every_loss
@pytest.mark.parametrize("standardize", [False, True])
def test_scoring_by_the_loss_keeps_the_epoch_of_least_validation_loss(loss, standardize):
    targets = of_loss(loss)
    model = good(loss, early_stopping=True, scoring="loss", standardize_target=standardize)
    model.fit(X[:60], targets[:60], X_val=X[60:], y_val=targets[60:])
    losses = model.validation_loss_curve_
    assert losses[model.best_epoch_ - 1] == min(losses)
    assert len(losses) == model.n_iter_


@pytest.mark.parametrize(
    ("scoring", "score"),
    [
        ("neg_mean_absolute_error", lambda y, a: -abs(y - a).mean()),
        ("neg_root_mean_squared_error", lambda y, a: -(((y - a) ** 2).mean() ** 0.5)),
        (
            make_scorer(mean_pinball_loss, alpha=0.5, greater_is_better=False),
            lambda y, a: -abs(y - a).mean() / 2,
        ),
    ],
    ids=["mae", "rmse", "pinball"],
)
def test_scorers_of_scikit_learn_stop_training(scoring, score):
    model = good(early_stopping=True, scoring=scoring, standardize_target=True, max_iter=40)
    model.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    assert model.best_validation_score_ == pytest.approx(score(y[60:], model.predict(X[60:])))


@every_loss
def test_refit_trains_on_all_rows(loss):
    targets = of_loss(loss)
    model = small(loss, early_stopping=True, scoring="loss", refit=True, standardize_target=True)
    model.fit(X, targets)
    assert model.t_ == 5 * 81 + model.best_epoch_ * 90


@pytest.mark.parametrize("params", [{}, {"early_stopping": True}])
@every_loss
def test_diverging_training_is_an_error(loss, params):
    # a log link cannot come back from where exp(z) overflows
    model = small(loss, activation="identity", solver="sgd", learning_rate_init=1e200, **params)
    model.set_params(alpha=1.0, max_iter=50)
    assert_refuses(model, lambda model: model.fit(X, of_loss(loss)), "Training diverged")


def test_a_validation_target_of_another_scale_is_warned_of():
    standardised = (y - y.mean()) / y.std()
    validation = {"X_val": X, "y_val": 1e4 + 10 * y}
    with pytest.warns(UserWarning, match="y_val is of another scale.*standardize_target=True"):
        small().fit(X, standardised, **validation)
    with pytest.warns(UserWarning, match="its median of column 1 is more than 10 times"):
        small().fit(X, Y, X_val=X, y_val=Y + np.array([0, 1e3]))


@pytest.mark.parametrize("shift", [0, 3])
def test_a_validation_target_that_has_moved_a_little_is_not(shift):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        small(standardize_target=True).fit(X, y, X_val=X, y_val=y + shift)
        NumpyMLPClassifier(max_iter=2).fit(X, y > 0, X_val=X, y_val=y > 0)


def test_warnings_advise_to_standardise_the_target_unless_that_is_done():
    with pytest.warns(ConvergenceWarning, match="scale the features and the target"):
        small().fit(X, y)
    with pytest.warns(ConvergenceWarning, match="scale the features, or accept"):
        small(standardize_target=True).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="hardly better than the mean of y.*standardize"):
        small(max_iter=1000, tol=0.01).fit(X, 1e-6 * y)


def test_the_table_of_verbose_has_losses_and_scores(capsys):
    small(verbose=True, early_stopping=True).fit(X, y)
    table = capsys.readouterr().out
    assert all(word in table for word in ("epoch", "loss", "score"))
    assert len(table.splitlines()) >= 6


@pytest.mark.parametrize("solver", ["lbfgs", *OPTIMIZERS])
@every_loss
def test_every_solver_learns_by_every_loss(loss, solver):
    model = good(loss, solver=solver, standardize_target=True)
    assert model.fit(X, of_loss(loss)).score(X, of_loss(loss)) > 0.3
    assert hasattr(model, "partial_fit") == (solver != "lbfgs")


# --- The other class --------------------------------------------------------------------------


@pytest.mark.parametrize("targets", [y, Y], ids=["one", "two"])
def test_the_classifier_names_the_regressor_for_numbers(targets):
    for call in (
        lambda: NumpyMLPClassifier().fit(X, targets),
        lambda: NumpyMLPClassifier().partial_fit(X, targets, classes=[0, 1]),
    ):
        with pytest.raises(ValueError, match=r"Unknown label type: cont.*use NumpyMLPRegressor"):
            call()


@pytest.mark.parametrize("bad", [np.where(X > 2, np.nan, X), [["a"] * 4] * 90], ids=["NaN", "text"])
def test_features_that_are_no_numbers_name_the_table_pipeline_for_numbers(bad, fitted):
    message = r"X must consist of numbers.*make_tabular_regressor\(\)"
    assert_refuses(fitted, lambda model: model.fit(bad, y), message)
    assert_refuses(fitted, lambda model: model.predict(bad), message)
