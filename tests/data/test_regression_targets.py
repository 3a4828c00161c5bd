"""Targets of a regression: shape, units, and the output layer in the user's units."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import DataConversionWarning

from skmlp._data.regression_targets import (
    RegressionTargets,
    continued_regression_targets,
    first_regression_targets,
)
from skmlp._data.request import FitMode
from skmlp._engine.losses.links import LINKS
from skmlp._engine.losses.registry import REGRESSION_LOSSES

rng = np.random.RandomState(0)
Y = np.exp(rng.normal(size=(50, 2))) * [1.0, 1e4] + [0.0, 1e5]
W = rng.uniform(0.1, 3, size=50)
FIRST, PARTIAL = FitMode(), FitMode(partial=True)
WARM, STREAM = FitMode(continues=True), FitMode(continues=True, partial=True)


def targets_of(y, loss="squared_error", w=None, standardize=True, mode=FIRST, **params):
    return first_regression_targets(y, w, REGRESSION_LOSSES[loss](**params), standardize, mode)


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("y", [Y[:, 0], Y], ids=["one", "two"])
def test_decoding_undoes_encoding(loss, standardize, y):
    targets = targets_of(y, loss, standardize=standardize)
    encoded = targets.encode(y)
    assert encoded.shape == (50, 1 if y.ndim == 1 else 2)
    np.testing.assert_allclose(targets.decode(encoded), y, rtol=1e-12)
    if not standardize:
        np.testing.assert_array_equal(encoded.reshape(y.shape), y)


@pytest.mark.parametrize("w", [None, W], ids=["plain", "weighted"])
def test_standardised_targets_have_mean_0_and_deviation_1(w):
    encoded = targets_of(Y, w=w).encode(Y)
    np.testing.assert_allclose(np.average(encoded, axis=0, weights=w), 0, atol=1e-12)
    np.testing.assert_allclose(np.average(encoded**2, axis=0, weights=w), 1, rtol=1e-12)


@pytest.mark.parametrize("w", [None, W], ids=["plain", "weighted"])
@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_with_a_log_link_targets_are_divided_by_their_mean(loss, w):
    targets = targets_of(Y, loss, w)
    np.testing.assert_array_equal(targets.shift, 0)
    np.testing.assert_allclose(targets.scale, np.average(Y, axis=0, weights=w), rtol=1e-12)


def test_rows_of_weight_0_do_not_count():
    y = np.append(Y[:, 0], 1e9)
    targets = targets_of(y, w=np.append(W, 0.0))
    expected = targets_of(Y[:, 0], w=W)
    np.testing.assert_allclose(targets.scale, expected.scale, rtol=1e-12)
    np.testing.assert_allclose(targets.shift, expected.shift, rtol=1e-12)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_folded_output_layer_predicts_in_units_of_y(loss, dtype):
    targets, link = targets_of(Y, loss), LINKS[REGRESSION_LOSSES[loss].link.name]
    a, W_L, b = (rng.normal(size=shape).astype(dtype) for shape in ((7, 4), (4, 2), 2))
    W_user, b_user = targets.fold(W_L, b)
    assert W_user.dtype == b_user.dtype == dtype
    expected = targets.shift + targets.scale * link.inverse(a @ W_L + b)
    rtol = 1e-4 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(link.inverse(a @ W_user + b_user), expected, rtol=rtol)
    for own, again in zip((W_L, b), targets.unfold(W_user, b_user), strict=True):
        np.testing.assert_allclose(
            again, own, rtol=rtol, atol=1e-2 if dtype == np.float32 else 1e-9
        )


def test_targets_as_they_are_keep_the_output_layer_bit_for_bit():
    targets = targets_of(Y, standardize=False)
    W_L, b = rng.normal(size=(4, 2)), rng.normal(size=2)
    for method in (targets.fold, targets.unfold):
        for own, other in zip((W_L, b), method(W_L, b), strict=True):
            np.testing.assert_array_equal(own, other)


@pytest.mark.parametrize("value", [0.1, -7.0, 1e9, 0.0])
def test_a_constant_is_predicted_as_that_constant(value):
    targets = targets_of(np.full(50, value), w=W)
    assert targets.constant.all()
    W_user, b_user = targets.fold(rng.normal(size=(4, 1)), rng.normal(size=1))
    np.testing.assert_array_equal(W_user, 0)
    np.testing.assert_array_equal(b_user, value)


def test_a_constant_is_predicted_as_that_constant_by_a_log_link():
    targets = targets_of(np.full(50, 3.0), "gamma")
    _, b_user = targets.fold(rng.normal(size=(4, 1)), rng.normal(size=1))
    np.testing.assert_allclose(np.exp(b_user), 3.0, rtol=1e-12)
    zeros = targets_of(np.zeros(50), "poisson")
    _, b_user = zeros.fold(rng.normal(size=(4, 1)), rng.normal(size=1))
    assert np.isfinite(b_user).all()
    assert np.exp(b_user) < 1e-300
    assert (zeros.encode(np.full(50, 1e50)) ** 2 < np.inf).all()


def test_a_deviation_that_is_rounding_is_none():
    assert targets_of(np.array([0.1, np.nextafter(0.1, 1)] * 25)).constant.all()
    assert not targets_of(1e9 + rng.normal(size=50)).constant.any()


def test_training_that_continues_keeps_the_units():
    loss = REGRESSION_LOSSES["squared_error"]()
    known = targets_of(Y[:, 0])
    assert continued_regression_targets(known, 5 * Y[:, 0], None, loss, True, WARM) is known


def test_only_targets_that_were_constant_get_units_of_their_own():
    loss = REGRESSION_LOSSES["squared_error"]()
    known = targets_of(np.column_stack([np.full(50, 2.0), Y[:, 0]]))
    shift = known.shift.copy()
    targets = continued_regression_targets(known, 3 * Y, None, loss, True, WARM)
    assert targets is not known
    assert not targets.constant.any()
    np.testing.assert_array_equal(known.constant, [True, False])
    np.testing.assert_array_equal(known.shift, shift)
    assert targets.shift[1] == shift[1]
    np.testing.assert_allclose(targets.shift[0], 3 * Y[:, 0].mean(), rtol=1e-12)


def test_a_constant_that_changes_is_the_new_one_and_a_stream_is_warned():
    loss = REGRESSION_LOSSES["squared_error"]()
    known = targets_of(np.full(5, 3.0))
    with pytest.warns(UserWarning, match="fewer than two distinct values in each call"):
        targets = continued_regression_targets(known, np.full(5, 4.0), None, loss, True, STREAM)
    assert targets.constant.all()
    assert targets.shift == 4.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        continued_regression_targets(known, np.full(5, 4.0), None, loss, True, WARM)
        continued_regression_targets(known, Y[:, 0], None, loss, True, STREAM)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 1e-3, 7e30])
def test_what_was_a_constant_starts_at_that_of_the_new_units(loss, dtype, value):
    known = targets_of(np.column_stack([np.full(50, value), Y[:, 0]]), loss)
    rule = REGRESSION_LOSSES[loss]()
    targets = continued_regression_targets(known, Y, None, rule, True, WARM)
    W_own, b_own = rng.normal(size=(4, 2)).astype(dtype), rng.normal(size=2).astype(dtype)
    W_again, b_again = targets.unfold(*known.fold(W_own, b_own), known)
    assert W_again.dtype == b_again.dtype == dtype
    np.testing.assert_array_equal(W_again[:, 0], 0)
    assert b_again[0] == 0
    np.testing.assert_allclose(W_again[:, 1], W_own[:, 1], rtol=1e-6)
    np.testing.assert_allclose(b_again[1], b_own[1], rtol=1e-3)


def test_weights_that_were_assigned_to_a_constant_model_are_those_in_units_of_y():
    known = targets_of(np.full(50, 7.0))
    loss = REGRESSION_LOSSES["squared_error"]()
    targets = continued_regression_targets(known, Y[:, 0], None, loss, True, WARM)
    W_user, b_user = 1e3 * rng.normal(size=(4, 1)), np.array([1e3])
    for W_y, b_y in ((W_user, b_user), (0 * W_user, b_user), (W_user, np.array([7.0]))):
        for ours, expected in zip(
            targets.unfold(W_y, b_y, known), targets.unfold(W_y, b_y), strict=True
        ):
            np.testing.assert_array_equal(ours, expected)


def test_another_number_of_columns_is_refused():
    loss = REGRESSION_LOSSES["squared_error"]()
    with pytest.raises(ValueError, match="y has 1 columns, but this regressor has 2"):
        continued_regression_targets(targets_of(Y), Y[:, 0], None, loss, True, WARM)
    with pytest.raises(ValueError, match="y_val has 2 columns"):
        targets_of(Y[:, 0]).encode(Y, "y_val")


@pytest.mark.parametrize(
    ("loss", "params"), [("poisson", {}), ("quantile", {"quantile": (0.1, 0.9)})]
)
def test_a_loss_that_needs_another_output_layer_is_refused(loss, params):
    other = REGRESSION_LOSSES[loss](**params)
    with pytest.raises(ValueError, match="Set loss and quantile back"):
        continued_regression_targets(targets_of(Y[:, 0]), Y[:, 0], None, other, True, WARM)


def test_several_quantiles_of_several_targets_are_refused_with_the_remedy():
    with pytest.raises(ValueError, match="MultiOutputRegressor"):
        targets_of(Y, "quantile", quantile=(0.1, 0.9))


@pytest.mark.parametrize(
    ("y", "params", "shape"),
    [
        (Y[:, 0], {}, (50,)),
        (Y, {}, (50, 2)),
        (Y[:, 0], {"loss": "quantile", "quantile": (0.1, 0.9)}, (50, 2)),
        (Y[:, 0], {"loss": "quantile", "quantile": (0.1,)}, (50, 1)),
        (Y[:, 0], {"loss": "quantile", "quantile": 0.1}, (50,)),
    ],
)
def test_predictions_have_the_shape_that_was_asked_for(y, params, shape):
    targets = targets_of(y, **params)
    assert targets.shaped(np.zeros((50, targets.n_outputs))).shape == shape


def test_one_column_is_a_target_without_an_axis_and_warns_once():
    with pytest.warns(DataConversionWarning) as caught:
        targets = targets_of(Y[:, :1])
    assert len(caught) == 1
    assert targets.flat


def test_a_first_part_without_two_values_warns():
    with pytest.warns(UserWarning, match="fewer than two distinct values"):
        targets_of(np.full(5, 3.0), mode=PARTIAL)


def test_numbers_of_any_size_have_a_scale():
    for size in (1e-300, 1e300):
        targets = targets_of(size * np.array([1.0, 2.0, 3.0]))
        assert np.isfinite(targets.scale).all()
        assert targets.scale > 0
        np.testing.assert_allclose(
            targets.encode(size * np.array([1.0, 2.0, 3.0]))[:, 0], [-1.22474487, 0, 1.22474487]
        )


def test_targets_have_no_classes_to_stratify_by():
    targets = RegressionTargets(Y, REGRESSION_LOSSES["squared_error"]())
    assert targets.stratification(Y) is None
    assert targets.label_texts().size == 0
