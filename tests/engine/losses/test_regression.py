import itertools
import math

import numpy as np
import pytest
from gradients import STEP, assert_same_gradient, central_differences
from regression_rows import distance_from_kinks, losses_by_pytorch, some_targets
from scipy.optimize import minimize_scalar
from scipy.special import huber
from sklearn.metrics import (
    d2_absolute_error_score,
    d2_pinball_score,
    d2_tweedie_score,
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
    r2_score,
)

from skmlp._engine.losses.registry import REGRESSION_LOSSES
from skmlp._engine.losses.regression import (
    AbsoluteError,
    GammaDeviance,
    Huber,
    Pinball,
    PoissonDeviance,
    SquaredError,
    spread,
    weighted_quantile,
)

LEVELS = 0.75, 0.1, 0.5
# what the constructor gets where the default would not show it
ARGUMENTS = {"huber": [0.8], "quantile": [0.3]}
LOSSES = {name: cls(*ARGUMENTS.get(name, [])) for name, cls in REGRESSION_LOSSES.items()}
LOSSES["quantiles"] = Pinball(LEVELS)
CASES = [(name, K) for name in REGRESSION_LOSSES for K in (1, 3)] + [("quantiles", 1)]
KINKED = "absolute_error", "quantile", "quantiles"
LOG_LINK = "poisson", "gamma"

every_case = pytest.mark.parametrize(("name", "n_targets"), CASES)
every_kinked = pytest.mark.parametrize(
    ("name", "n_targets"), [case for case in CASES if case[0] in KINKED]
)
every_loss = pytest.mark.parametrize("name", LOSSES)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
with_and_without_weights = pytest.mark.parametrize("weighted", [False, True])


def some_rows(name, n_targets, m=12, weighted=False, seed=0):
    rng = np.random.RandomState(seed)
    z = rng.normal(0, 2, (m, LOSSES[name].n_columns(n_targets)))
    y, w = some_targets(name, (m, n_targets), rng), rng.rand(m)
    return z, y, w / w.mean() if weighted else None


def rows_far_from_kinks(name, n_targets, weighted):
    """Return rows at which no step of the differences reaches a kink."""
    for seed in range(1000):
        z, y, w = some_rows(name, n_targets, weighted=weighted, seed=seed)
        if distance_from_kinks(LOSSES[name], z, y) > 100 * STEP:
            return z, y, w
    raise AssertionError("all rows are near a kink")


def predictions(name, z):
    return LOSSES[name].predict(z)


def times_outputs(name, value, K):
    """Return the sum over outputs, of which the value of the squared error is the mean."""
    return K * value if name == "squared_error" else value


# --- Values and gradients ---


@with_and_without_weights
@every_case
def test_delta_is_the_derivative_of_the_sum_over_outputs(name, n_targets, weighted):
    z, y, w = rows_far_from_kinks(name, n_targets, weighted)
    loss, K = LOSSES[name], z.shape[1]
    expected = central_differences(
        lambda: times_outputs(name, loss.loss_gradient(z.copy(), y, w), K), z.reshape(-1)
    )
    loss.loss_gradient(z, y, w)
    assert_same_gradient(z.ravel(), expected, rtol=1e-7)


@pytest.mark.parametrize("width", [0.5, 4.0])
@with_and_without_weights
@every_kinked
def test_delta_of_a_rounded_kink_is_the_derivative_of_the_value(name, n_targets, weighted, width):
    z, y, w = rows_far_from_kinks(name, n_targets, weighted)
    loss = LOSSES[name].smoothed(width)
    expected = central_differences(lambda: loss.loss_gradient(z.copy(), y, w), z.reshape(-1))
    loss.loss_gradient(z, y, w)
    assert_same_gradient(z.ravel(), expected, rtol=1e-7)


# errors of 1, -2, 0.5 and 0, or predictions of 2, 1/2, 1 and 1 for targets of 1, 1, 2 and 1
BY_HAND = {
    "squared_error": ([0.5, 2, 0.125, 0], [1, -2, 0.5, 0]),
    "absolute_error": ([1, 2, 0.5, 0], [1, -1, 1, 0]),
    "huber": ([0.8 * 0.6, 0.8 * 1.6, 0.125, 0], [0.8, -0.8, 0.5, 0]),
    "quantile": ([0.7, 0.6, 0.35, 0], [0.7, -0.3, 0.7, 0.2]),
    "poisson": (
        [2 - 1 - math.log(2), 0.5 - 1 + math.log(2), 1 - 2 + 2 * math.log(2), 0],
        [1, -0.5, -1, 0],
    ),
    "gamma": (
        [math.log(2) + 0.5 - 1, -math.log(2) + 2 - 1, -math.log(2) + 2 - 1, 0],
        [0.5, -1, -1, 0],
    ),
}


def rows_by_hand(name):
    """Return raw output and targets of the rows of `BY_HAND`, as one column."""
    if name in LOG_LINK:
        return np.log([[2.0], [0.5], [1.0], [1.0]]), np.array([[1.0], [1.0], [2.0], [1.0]])
    return np.array([[1.0], [-2.0], [3.5], [7.0]]), np.array([[0.0], [0.0], [3.0], [7.0]])


@pytest.mark.parametrize("w", [None, np.array([0.5, 1.5, 2.0, 0.0])], ids=["plain", "weights"])
@pytest.mark.parametrize("name", BY_HAND)
def test_worked_by_hand(name, w):
    z, y = rows_by_hand(name)
    values, slopes = map(np.array, BY_HAND[name])
    weights = np.ones(4) if w is None else w
    assert LOSSES[name].loss_gradient(z, y, w) == pytest.approx(weights @ values / 4, rel=1e-14)
    np.testing.assert_allclose(z[:, 0], weights * slopes / 4, rtol=1e-14, atol=1e-16)


def by_scikit_learn(name, y, a, w):
    """Return the loss by a metric, and the factor between the metric and the loss."""
    metric, factor = {
        "squared_error": (mean_squared_error, 0.5),
        "absolute_error": (mean_absolute_error, 1),
        "quantile": (lambda *args, **kw: mean_pinball_loss(*args, alpha=0.3, **kw), 1),
        "poisson": (mean_poisson_deviance, 0.5),
        "gamma": (mean_gamma_deviance, 0.5),
        "huber": (lambda y, a, sample_weight: np.average(huber(0.8, a - y), weights=w), 1),
    }[name]
    return factor * metric(y, a, sample_weight=w)


@with_and_without_weights
@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("name", REGRESSION_LOSSES)
def test_value_is_that_of_scikit_learns_metric(name, n_targets, weighted):
    z, y, w = some_rows(name, n_targets, weighted=weighted)
    a = predictions(name, z)
    expected = sum(by_scikit_learn(name, y[:, k], a[:, k], w) for k in range(n_targets))
    value = times_outputs(name, LOSSES[name].loss_gradient(z, y, w), n_targets)
    assert value == pytest.approx(expected, rel=1e-12)


@with_and_without_weights
def test_value_of_several_levels_is_the_sum_of_scikit_learns_pinball_losses(weighted):
    z, y, w = some_rows("quantiles", 1, weighted=weighted)
    expected = sum(
        mean_pinball_loss(y[:, 0], z[:, k], alpha=q, sample_weight=w) for k, q in enumerate(LEVELS)
    )
    assert LOSSES["quantiles"].loss_gradient(z, y, w) == pytest.approx(expected, rel=1e-13)


@with_and_without_weights
@pytest.mark.parametrize("name", ["squared_error", "poisson"])
def test_delta_is_weight_times_error_over_rows(name, weighted):
    z, y, w = some_rows(name, 3, weighted=weighted)
    weights = (np.ones(len(z)) if w is None else w)[:, np.newaxis]
    expected = weights * (predictions(name, z) - y) / len(z)
    LOSSES[name].loss_gradient(z, y, w)
    np.testing.assert_allclose(z, expected, rtol=1e-14)


def test_several_outputs_have_the_mean_of_the_squared_errors_and_the_gradient_of_their_sum():
    z, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((2, 2))
    assert SquaredError().loss_gradient(z, y) == (1 + 4 + 9 + 16) / 2 / 2 / 2
    np.testing.assert_array_equal(z, [[0.5, 1], [1.5, 2]])


# --- PyTorch ---

# value, and gradient row by row, for the rows of `rows_of_pytorch`
PYTORCH = {
    "absolute_error": (
        4.713732996064121,
        [
            -0.2166688908698962,
            0.2166688908698962,
            -0.2166688908698962,
            0.13509089348672199,
            -0.13509089348672199,
            -0.13509089348672199,
            0.08614612718586165,
            0.08614612718586165,
            0.08614612718586165,
            0.1148341843839718,
            0.1148341843839718,
            0.1148341843839718,
            -0.1947793975948641,
            -0.1947793975948641,
            0.1947793975948641,
            -0.25248050647868425,
            0.25248050647868425,
            -0.25248050647868425,
        ],
    ),
    "gamma": (
        2.197275895571575,
        [
            0.12235828780128614,
            -1.1072111925019317,
            -0.2094856527187256,
            -0.10455931709403277,
            -0.018407646762533814,
            0.1032651776372818,
            -0.1394056563533907,
            -0.25874705295747835,
            0.0615206145956053,
            0.05901681230025862,
            0.072180358178732,
            0.07046998897895099,
            0.004391286514546733,
            -0.9455682612315087,
            -0.00614986449567681,
            -0.576676486807315,
            -0.10192726914299405,
            -0.018768765984101876,
        ],
    ),
    "huber": (
        2.896416208661193,
        [
            -0.03711693775262345,
            0.17333511269591698,
            -0.17333511269591698,
            0.010198170657523894,
            -0.10807271478937759,
            -0.09196425092626913,
            0.06891690174868932,
            0.06018069309245834,
            0.06891690174868932,
            0.09186734750717745,
            0.09186734750717745,
            0.09186734750717745,
            -0.1558235180758913,
            -0.1558235180758913,
            0.15024122916422783,
            -0.2019844051829474,
            0.2019844051829474,
            -0.14847022995562772,
        ],
    ),
    "poisson": (
        12.7079994910832,
        [
            -0.11210930978237166,
            -1.4361725224781379,
            -0.35028751357092547,
            -0.2068019779117547,
            -0.8629415462292811,
            0.07840805983428818,
            -0.451730854023655,
            -0.39609390364104224,
            -0.007228325295780491,
            -0.15048928942293321,
            -0.07747731691584797,
            -0.05837592641387146,
            -0.27650695085792787,
            -1.4671149628192792,
            -0.41370505245643957,
            -1.3672453645516578,
            -1.5311919676693524,
            -0.1584797885690191,
        ],
    ),
    "quantile": (
        2.3243540781959244,
        [
            -0.06500066726096886,
            0.15166822360892734,
            -0.06500066726096886,
            0.09456362544070539,
            -0.04052726804601659,
            -0.04052726804601659,
            0.06030228903010315,
            0.06030228903010315,
            0.06030228903010315,
            0.08038392906878025,
            0.08038392906878025,
            0.08038392906878025,
            -0.058433819278459226,
            -0.058433819278459226,
            0.13634557831640487,
            -0.07574415194360527,
            0.17673635453507897,
            -0.07574415194360527,
        ],
    ),
    "squared_error": (
        5.297919089267427,
        [
            -0.03711693775262345,
            0.27742609558987785,
            -0.37111622429236013,
            0.010198170657523894,
            -0.27124960662142794,
            -0.09196425092626913,
            0.14649747600483579,
            0.06018069309245834,
            0.10320453350029198,
            0.2637334114738704,
            0.19608670874225095,
            0.2153773827958728,
            -0.21646720346785986,
            -0.6814403319481993,
            0.15024122916422783,
            -0.620322762658031,
            0.852639747420512,
            -0.14847022995562772,
        ],
    ),
    "quantiles": (
        2.3026752928615664,
        [
            -0.16250166815242217,
            -0.021666889086989622,
            -0.1083344454349481,
            0.033772723371680496,
            0.1215818041380498,
            0.06754544674336099,
            0.021536531796465412,
            0.07753151446727549,
            0.043073063592930824,
            0.02870854609599295,
            0.10335076594557463,
            0.0574170921919859,
            -0.14608454819614808,
            -0.01947793975948641,
            -0.09738969879743205,
            -0.1893603798590132,
            -0.025248050647868427,
            -0.12624025323934213,
        ],
    ),
}


def rows_of_pytorch(name):
    """Return rows that do not depend on a random generator."""
    i = np.arange(1.0, 7)
    z = np.stack([np.sin(2 * i), np.cos(3 * i), np.sin(5 * i)], axis=1)
    y = np.stack([2 * np.cos(i), 3 * np.sin(4 * i), np.cos(7 * i)], axis=1)
    y = {"poisson": np.round(np.abs(3 * y)), "gamma": np.abs(y)}.get(name, y)
    w = 1 + 0.5 * np.cos(i)
    return z, y[:, :1] if name == "quantiles" else y, w / w.mean()


@every_loss
def test_stored_values_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch")
    z, y, w = rows_of_pytorch(name)
    z = torch.tensor(z, requires_grad=True)
    value = (torch.tensor(w) * losses_by_pytorch(LOSSES[name], z, torch.tensor(y))).mean()
    value.backward()
    expected, gradient = PYTORCH[name]
    assert value.item() == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(z.grad.numpy().ravel(), gradient, rtol=1e-13, atol=1e-16)


@every_loss
def test_value_and_gradient_are_those_of_pytorch(name):
    z, y, w = rows_of_pytorch(name)
    expected, gradient = PYTORCH[name]
    value = times_outputs(name, LOSSES[name].loss_gradient(z, y, w), z.shape[1])
    assert value == pytest.approx(expected, rel=1e-12)
    assert_same_gradient(z.ravel(), np.array(gradient), rtol=1e-12)


# --- Weights ---


@every_case
def test_weights_of_one_change_nothing(name, n_targets):
    z, y, _ = some_rows(name, n_targets)
    z_w = z.copy()
    value = LOSSES[name].loss_gradient(z, y)
    assert LOSSES[name].loss_gradient(z_w, y, np.ones(len(y))) == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(z_w, z, rtol=1e-14)


@every_case
def test_weights_of_zero_are_as_if_the_rows_were_not_there(name, n_targets):
    z, y, _ = some_rows(name, n_targets, m=12)
    z_kept = z[:8].copy()
    expected = LOSSES[name].loss_gradient(z_kept, y[:8])
    w = np.repeat([12 / 8, 0], [8, 4])
    assert LOSSES[name].loss_gradient(z, y, w) == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(z[:8], z_kept, rtol=1e-14)
    np.testing.assert_array_equal(z[8:], 0)


@every_case
def test_a_heavy_batch_counts_more(name, n_targets):
    z, y, w = some_rows(name, n_targets, weighted=True)
    z_heavy, z_zero = z.copy(), z.copy()
    value = LOSSES[name].loss_gradient(z, y, w)
    assert LOSSES[name].loss_gradient(z_heavy, y, 3 * w) == pytest.approx(3 * value, rel=1e-14)
    np.testing.assert_allclose(z_heavy, 3 * z, rtol=1e-14)
    assert LOSSES[name].loss_gradient(z_zero, y, 0 * w) == 0
    assert not z_zero.any()


# --- Memory, precision and extremes ---


@with_and_without_weights
@every_case
def test_raw_output_may_be_in_column_order(name, n_targets, weighted):
    z, y, w = some_rows(name, n_targets, weighted=weighted)
    columns = np.array(z, order="F")
    value = LOSSES[name].loss_gradient(z, y, w)
    assert LOSSES[name].loss_gradient(columns, y, w) == pytest.approx(value, rel=1e-14)
    np.testing.assert_array_equal(columns, z)


@with_and_without_weights
@every_case
def test_float32_stays_float32_and_agrees_with_float64(name, n_targets, weighted):
    z, y, w = some_rows(name, n_targets, weighted=weighted)
    loss = LOSSES[name]
    z_32, y_32 = z.astype("float32"), y.astype("float32")
    w_32 = None if w is None else w.astype("float32")
    assert loss.inverse_link(z_32).dtype == loss.predict(z_32).dtype == "float32"
    losses = loss._values(z_32.copy(), y_32)
    assert losses.dtype == "float32"
    expected = loss.loss_gradient(z, y, w)
    value = loss.loss_gradient(z_32, y_32, w_32)
    assert isinstance(value, float)
    assert value == pytest.approx(expected, rel=1e-6)
    assert z_32.dtype == "float32"
    np.testing.assert_allclose(z_32, z, rtol=1e-5, atol=1e-7)


@every_kinked
def test_a_rounded_kink_keeps_float32(name, n_targets):
    z, y, w = some_rows(name, n_targets, weighted=True)
    loss = LOSSES[name].smoothed(np.full(n_targets, 0.5, "float32"))
    z_32, y_32 = z.astype("float32"), y.astype("float32")
    assert loss._values(z_32.copy(), y_32).dtype == "float32"
    expected = loss.loss_gradient(z, y, w)
    assert loss.loss_gradient(z_32, y_32, w.astype("float32")) == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(z_32, z, rtol=1e-5, atol=1e-7)


@every_loss
def test_inverse_link_predict_and_output_gradient_leave_alone_what_is_not_theirs(name):
    z, _, _ = some_rows(name, 1)
    before = z.copy()
    LOSSES[name].inverse_link(z)
    assert not np.shares_memory(LOSSES[name].predict(z), z)
    np.testing.assert_array_equal(z, before)


@every_dtype
@pytest.mark.parametrize("name", ["absolute_error", "huber", "quantile", "quantiles"])
def test_linear_losses_are_finite_and_exact_at_huge_outputs(name, dtype):
    z = np.array([[1e30], [-1e30]], dtype).repeat(LOSSES[name].n_columns(1), axis=1)
    y = np.zeros((2, 1), dtype)
    q = np.array({"quantile": [0.3], "quantiles": LEVELS}.get(name, [0.5]))
    above, below = {"absolute_error": (1, 1), "huber": (0.8, 0.8)}.get(name, (1 - q, q))
    with np.errstate(all="raise", under="ignore"):
        value = LOSSES[name].loss_gradient(z, y)
    assert value == pytest.approx(1e30 * np.sum(above + below) / 2, rel=1e-6)
    np.testing.assert_allclose(z[0], np.broadcast_to(above, z[0].shape) / 2, rtol=1e-6)
    np.testing.assert_allclose(z[1], -np.broadcast_to(below, z[1].shape) / 2, rtol=1e-6)


@every_dtype
@pytest.mark.parametrize("q", [1e-3, 0.999])
def test_pinball_has_all_digits_at_extreme_levels(q, dtype):
    z, y = np.array([[2.0], [-2.0]], dtype), np.zeros((2, 1), dtype)
    values = Pinball(q)._values(z, y)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(values[:, 0], [2 * (1 - q), 2 * q], rtol=2 * eps)
    np.testing.assert_allclose(z[:, 0], [1 - q, -q], rtol=2 * eps)


@every_dtype
def test_poisson_is_finite_and_exact_at_large_outputs(dtype):
    z = np.array([[-1e4], [-1e4], [80.0]], dtype)
    y = np.array([[2.0], [0.0], [3.0]], dtype)
    with np.errstate(all="raise", under="ignore"):
        values = PoissonDeviance()._values(z, y)
    expected = [2 * math.log(2) + 2e4 - 2, 0, math.exp(80)]
    np.testing.assert_allclose(values[:, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(z[:, 0], [-2, 0, math.exp(80)], rtol=1e-6)


@every_dtype
def test_gamma_is_finite_and_exact_at_large_outputs(dtype):
    z = np.array([[1e4], [-80.0], [-80.0]], dtype)
    # the last prediction is close to a tiny target, though 1 / a is huge
    y = np.array([[2.0], [1.0], [2 * math.exp(-80)]], dtype)
    with np.errstate(all="raise", under="ignore"):
        values = GammaDeviance()._values(z, y)
    expected = [1e4 - math.log(2) - 1, math.exp(80) - 81, 1 - math.log(2)]
    np.testing.assert_allclose(values[:, 0], expected, rtol=1e-4)
    np.testing.assert_allclose(z[:, 0], [1, 1 - math.exp(80), -1], rtol=1e-4)


@every_dtype
def test_gamma_has_all_digits_where_predictions_are_nearly_right(dtype):
    log_ratio = np.array([[2.0**-10], [-(2.0**-10)]], dtype)
    z = log_ratio.copy()
    values = GammaDeviance()._values(z, np.ones_like(z))
    eps = np.finfo(dtype).eps
    u = log_ratio.astype(float)
    # the series of u + exp(-u) - 1
    expected = sum((-u) ** n / math.factorial(n) for n in range(2, 8))
    np.testing.assert_allclose(values, expected, rtol=2**11 * eps)
    np.testing.assert_allclose(z, -np.expm1(-u), rtol=4 * eps)


# --- Predictions ---


@pytest.mark.parametrize("name", LOG_LINK)
def test_predictions_with_a_log_link_are_exponentials_and_never_zero_or_infinite(name):
    z = np.array([[-1e4], [-2.0], [0.0], [3.0], [1e4]])
    a = LOSSES[name].predict(z)
    np.testing.assert_allclose(a[1:4], np.exp(z[1:4]), rtol=1e-15)
    info = np.finfo(float)
    assert a[0, 0] == info.tiny
    assert a[4, 0] == info.max


@every_case
def test_the_gradient_of_each_prediction_is_that_of_central_differences(name, n_targets):
    z, _, _ = rows_far_from_kinks(name, n_targets, weighted=False)
    loss = LOSSES[name]
    for output in range(z.shape[1]):
        numeric = central_differences(lambda k=output: loss.predict(z)[:, k].sum(), z.reshape(-1))
        analytic = z.copy()
        loss.output_gradient(analytic, slice(0, len(z)), output)
        assert_same_gradient(analytic.ravel(), numeric, rtol=1e-7)


# --- The best constant ---


@with_and_without_weights
@every_case
def test_no_search_finds_a_better_constant(name, n_targets, weighted):
    _, y, w = some_rows(name, n_targets, m=41, weighted=weighted)
    loss = LOSSES[name]
    constant = loss.constant(y, w)
    assert constant.shape == (loss.n_columns(n_targets),)
    best = loss.link.link(constant)

    def value(k, z_k):
        z = np.tile(best, (41, 1))
        z[:, k] = z_k
        return loss.loss_gradient(z, y, w)

    least = value(0, best[0])
    assert loss.baseline(y, w) == pytest.approx(least, rel=1e-14)
    for k, z_k in enumerate(best):
        found = minimize_scalar(
            lambda z_k, k=k: value(k, z_k),
            bounds=(z_k - 2, z_k + 2),
            method="bounded",
            options={"xatol": 1e-10},
        )
        assert found.fun == pytest.approx(least, rel=1e-8)
        assert found.fun >= least * (1 - 1e-13)


@every_loss
def test_the_baseline_is_a_mean_whatever_the_mean_of_the_weights(name):
    _, y, w = some_rows(name, 1, weighted=True)
    assert LOSSES[name].baseline(y, 5 * w) == pytest.approx(LOSSES[name].baseline(y, w), rel=1e-13)


@pytest.mark.parametrize("name", ["squared_error", "poisson", "gamma"])
def test_the_best_constant_is_the_mean(name):
    _, y, w = some_rows(name, 3, weighted=True)
    np.testing.assert_allclose(LOSSES[name].constant(y), y.mean(axis=0), rtol=1e-14)
    expected = np.average(y, axis=0, weights=w)
    np.testing.assert_allclose(LOSSES[name].constant(y, w), expected, rtol=1e-14)


def test_the_best_constant_is_the_median_or_the_quantile():
    _, y, _ = some_rows("absolute_error", 3, m=41)
    np.testing.assert_array_equal(AbsoluteError().constant(y), np.median(y, axis=0))
    expected = np.quantile(y[:, 0], LEVELS, method="inverted_cdf")
    np.testing.assert_array_equal(Pinball(LEVELS).constant(y[:, :1]), expected)


@pytest.mark.parametrize("unit", [1e-200, 1e-15, 1.0, 1e15])
def test_the_huber_mean_is_right_in_any_unit(unit):
    # errors of 2, 1 and -100, clipped to 3, cancel out at 1, those of a mean do not
    y = np.array([[0.0], [1.0], [101.0]]) * unit
    loss = Huber(3.0)
    loss.unit = np.array([unit])
    assert loss.constant(y)[0] == pytest.approx(2 * unit, rel=1e-12)
    assert loss.constant(np.full((3, 1), unit))[0] == unit


@pytest.mark.parametrize("several", [False, True])
def test_the_huber_mean_lies_between_median_and_mean(several):
    _, y, w = some_rows("huber", 3 if several else 1, m=41, weighted=True)
    y = np.exp(y)
    for delta, expected in (
        (1e-9, weighted_quantile(y, w, 0.5)),
        (1e9, np.average(y, axis=0, weights=w)),
    ):
        np.testing.assert_allclose(Huber(delta).constant(y, w), expected, rtol=1e-6)


# --- D^2 ---


def scores_by_scikit_learn(name, y, a, w):
    """Return D^2 of one column."""
    if name == "absolute_error":
        return d2_absolute_error_score(y, a, sample_weight=w)
    if name == "gamma":
        return d2_tweedie_score(y, a, sample_weight=w, power=2)
    if name == "quantile":
        # without weights the constant is interpolated, which is not always the best one
        w = np.ones(len(y)) if w is None else w
        return d2_pinball_score(y, a, sample_weight=w, alpha=0.3)
    return r2_score(y, a, sample_weight=w)


@with_and_without_weights
@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("name", [name for name in REGRESSION_LOSSES if name != "huber"])
def test_the_score_is_the_mean_of_scikit_learns_scores(name, n_targets, weighted):
    z, y, w = some_rows(name, n_targets, m=41, weighted=weighted)
    a = predictions(name, z)
    expected = np.mean(
        [scores_by_scikit_learn(name, y[:, k], a[:, k], w) for k in range(n_targets)]
    )
    assert LOSSES[name].score(a, y, w) == pytest.approx(expected, rel=1e-12)


def test_the_deviance_explained_of_poisson_is_that_of_scikit_learn():
    # the score itself is R^2, as in MLPRegressor
    z, y, w = some_rows("poisson", 1, m=41, weighted=True)
    a = predictions("poisson", z)
    expected = d2_tweedie_score(y[:, 0], a[:, 0], sample_weight=w, power=1)
    loss = LOSSES["poisson"]
    assert 1 - loss.loss_gradient(z, y, w) / loss.baseline(y, w) == pytest.approx(expected)


@with_and_without_weights
def test_the_score_of_several_levels_is_the_mean_over_them(weighted):
    z, y, w = some_rows("quantiles", 1, m=41, weighted=weighted)
    a = predictions("quantiles", z)
    weights = np.ones(41) if w is None else w
    expected = np.mean(
        [
            d2_pinball_score(y[:, 0], a[:, k], sample_weight=weights, alpha=q)
            for k, q in enumerate(LEVELS)
        ]
    )
    assert LOSSES["quantiles"].score(a, y, w) == pytest.approx(expected, rel=1e-12)


@with_and_without_weights
def test_the_score_of_huber_is_one_less_the_share_of_the_baseline(weighted):
    z, y, w = some_rows("huber", 1, m=41, weighted=weighted)
    loss = LOSSES["huber"]
    a = loss.predict(z)
    assert loss.score(a, y, w) == pytest.approx(
        1 - loss.loss_gradient(z, y, w) / loss.baseline(y, w), rel=1e-12
    )


@every_case
def test_the_score_is_one_for_perfect_predictions_and_zero_for_the_best_constant(name, n_targets):
    _, y, w = some_rows(name, n_targets, m=41, weighted=True)
    y = np.maximum(y, 0.1) if name in LOG_LINK else y
    loss = LOSSES[name]
    K = loss.n_columns(n_targets)
    perfect = np.broadcast_to(y, (41, K))
    assert loss.score(perfect, y, w) == pytest.approx(1, abs=1e-14)
    constant = np.tile(loss.constant(y, w), (41, 1))
    assert loss.score(constant, y, w) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("value", [5.0, 0.1, 1e-300])
@every_loss
def test_the_score_of_a_constant_target_is_one_or_zero(name, value):
    y = np.full((10, 1), value)
    right = np.full((10, LOSSES[name].n_columns(1)), value)
    assert LOSSES[name].score(right, y) == 1
    assert LOSSES[name].score(right + 1, y) == 0


def test_the_score_of_float32_is_computed_in_float64():
    z, y, w = some_rows("squared_error", 1, m=41, weighted=True)
    a = z.astype("float32")
    expected = r2_score(y, a.astype(float), sample_weight=w)
    assert SquaredError().score(a, y, w) == pytest.approx(expected, rel=1e-13)


# --- Domains ---


@pytest.mark.parametrize(
    ("name", "accepted", "refused"),
    [
        ("poisson", [0.0, 1.5], [-1e-9, 1.0]),
        ("gamma", [1e-9, 1.5], [0.0, 1.0]),
        ("squared_error", [-1e300, 0.0], None),
    ],
)
def test_each_loss_knows_its_domain(name, accepted, refused):
    assert LOSSES[name].accepts(np.array(accepted))
    assert refused is None or not LOSSES[name].accepts(np.array(refused))


# --- Several quantiles ---


@pytest.mark.parametrize("levels", [*itertools.permutations((0.1, 0.5, 0.9))])
def test_quantiles_never_cross_whatever_the_order_of_the_levels(levels):
    z = np.random.RandomState(0).choice([-1e300, -2.0, -1.0, 0.0, 1.0, 1e300], (200, 3))
    loss = Pinball(levels)
    a = loss.predict(z)
    by_level = a[:, np.argsort(levels)]
    assert (np.diff(by_level, axis=1) >= 0).all()
    np.testing.assert_array_equal(np.sort(z, axis=1), by_level)


def test_each_raw_output_is_trained_for_its_own_level():
    z = np.array([[5.0, 6.0, 4.0]])
    value = Pinball(LEVELS).loss_gradient(z, np.array([[5.5]]))
    # 0.5 too low at .75, 0.5 too high at .1, 1.5 too low at .5
    assert value == pytest.approx(0.75 * 0.5 + 0.9 * 0.5 + 0.5 * 1.5, rel=1e-14)
    np.testing.assert_allclose(z, [[-0.75, 0.9, -0.5]], rtol=1e-14)


def test_the_gradient_of_a_prediction_is_that_of_the_raw_output_that_the_level_takes():
    # levels .75, .1 and .5 take the highest, the lowest and the middle output
    loss = Pinball(LEVELS)
    np.testing.assert_array_equal(loss.predict(np.array([[5.0, 6.0, 4.0]])), [[6, 4, 5]])
    for output, taken in enumerate([1, 2, 0]):
        z = np.array([[5.0, 6.0, 4.0]])
        loss.output_gradient(z, slice(0, 1), output)
        np.testing.assert_array_equal(z, np.eye(3)[[taken]])


def test_levels_with_equal_outputs_keep_their_own():
    z = np.zeros((2, 3))
    loss = Pinball(LEVELS)
    loss.loss_gradient(z, np.array([[1.0], [-1.0]]))
    expected = [[-q for q in LEVELS], [1 - q for q in LEVELS]]
    np.testing.assert_allclose(2 * z, expected, rtol=1e-14)


def test_sorting_never_increases_the_loss():
    z, y, _ = some_rows("quantiles", 1, m=500)
    loss = Pinball(LEVELS)
    for row, target in zip(z[:, np.newaxis], y[:, np.newaxis], strict=True):
        raw = loss.loss_gradient(row.copy(), target)
        assert loss.loss_gradient(loss.predict(row), target) <= raw * (1 + 1e-14)


def test_a_sequence_of_one_level_has_a_column_and_the_loss_of_the_level():
    one, level = Pinball([0.3]), Pinball(0.3)
    assert one.several
    assert not level.several
    assert one.n_columns(1) == level.n_columns(1) == 1
    z, y, w = some_rows("quantile", 1, weighted=True)
    assert one.loss_gradient(z.copy(), y, w) == level.loss_gradient(z.copy(), y, w)


# --- Rounded kinks ---


@with_and_without_weights
@every_kinked
def test_the_loss_with_rounded_kinks_approaches_the_loss_from_below(name, n_targets, weighted):
    z, y, w = some_rows(name, n_targets, weighted=weighted)
    loss, K = LOSSES[name], z.shape[1]
    expected = loss.loss_gradient(z.copy(), y, w)
    for width in (1.0, 1e-2, 1e-4):
        value = loss.smoothed(width).loss_gradient(z.copy(), y, w)
        # each output is lowered by half the width at most
        assert expected - width / 2 * K - 1e-13 <= value <= expected
    assert loss.smoothed(0.0).loss_gradient(z.copy(), y, w) == expected
    assert loss.smoothed(1.0).unsmoothed.loss_gradient(z.copy(), y, w) == expected


def test_rounded_kinks_worked_by_hand():
    # within the width 2, r^2 / (2 * 2); outside, |r| less half the width
    z = np.array([[1.0], [-0.5], [3.0], [-5.0]])
    y = np.zeros_like(z)
    half = AbsoluteError().smoothed(2.0)
    np.testing.assert_allclose(half._values(z.copy(), y)[:, 0], [0.25, 0.0625, 2, 4])
    # the pinball loss of level q has half of that, and (1/2 - q) r
    expected = np.array([0.25, 0.0625, 2, 4]) / 2 + 0.2 * z[:, 0]
    np.testing.assert_allclose(Pinball(0.3).smoothed(2.0)._values(z, y)[:, 0], expected)
    np.testing.assert_allclose(z[:, 0], [0.25 + 0.2, -0.125 + 0.2, 0.7, -0.3])


def test_kinks_of_several_targets_have_widths_of_their_own():
    widths = np.array([2.0, 4.0])
    z, y = np.ones((1, 2)), np.zeros((1, 2))
    AbsoluteError().smoothed(widths)._values(z, y)
    np.testing.assert_array_equal(z, [[0.5, 0.25]])


@every_loss
def test_a_loss_says_whether_it_has_kinks(name):
    assert LOSSES[name].smooth == (name not in KINKED)
    assert hasattr(LOSSES[name], "smoothed") == (name in KINKED)


@every_loss
def test_rounding_off_leaves_the_loss_itself_as_it_is(name):
    loss = LOSSES[name]
    before = vars(loss).copy()
    if name in KINKED:
        loss.smoothed(1.0)
        assert vars(loss.smoothed(1.0).unsmoothed) == before
    assert vars(loss) == before


# --- Huber's unit ---


def test_huber_is_adapted_to_the_scale_of_the_targets_once():
    _, y, w = some_rows("huber", 3, m=41, weighted=True)
    loss = Huber(2.0).adapted(y, w)
    np.testing.assert_array_equal(loss.threshold, 2 * spread(y, w))
    again = Huber(3.0).adapted(1e3 * y, w, known=loss)
    np.testing.assert_array_equal(again.threshold, 3 * spread(y, w))
    # after another loss there is no unit to keep
    fresh = Huber(2.0).adapted(1e3 * y, w, known=SquaredError())
    np.testing.assert_allclose(fresh.threshold, 2e3 * spread(y, w), rtol=1e-12)


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "huber"])
def test_other_losses_adapt_to_nothing(name):
    _, y, w = some_rows(name, 1, weighted=True)
    assert LOSSES[name].adapted(y, w) is LOSSES[name]


# --- Weighted quantiles and the spread ---


def quantile_by_counting(y, w, q):
    """Return the least value with at least a share q of the weight up to it, by trying all."""
    share = [math.fsum(w[y <= value]) for value in y]
    return min(
        value for value, s in zip(y, share, strict=True) if s >= q * math.fsum(w) * (1 - 1e-13)
    )


@pytest.mark.parametrize("q", [1e-3, 0.1, 0.25, 0.3, 0.5, 0.7, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["none", "random", "whole", "zeros"])
def test_weighted_quantiles_are_those_of_counting(kind, q):
    rng = np.random.RandomState(0)
    for n in (1, 2, 3, 10, 40):
        # with ties, in the second column
        y = np.stack([rng.normal(size=n), rng.randint(5, size=n)], axis=1)
        w = {
            "none": None,
            "random": rng.rand(n) + 0.01,
            "whole": rng.randint(1, 4, size=n).astype(float),
            "zeros": np.where(np.arange(n) % 3 == 0, 1.0, 0.0),
        }[kind]
        weights = np.ones(n) if w is None else w
        expected = [quantile_by_counting(column, weights, q) for column in y.T]
        np.testing.assert_array_equal(weighted_quantile(y, w, q), expected)


@pytest.mark.parametrize("q", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_rounding_does_not_move_a_quantile_past_an_exact_share(q):
    # ten weights of 0.1 add up to a little less than one
    y = np.arange(10.0)[:, np.newaxis]
    expected = round(10 * q) - 1
    for w in (None, np.full(10, 0.1), np.full(10, 0.1, "float32")):
        assert weighted_quantile(y, w, q)[0] == expected


def test_the_spread_is_the_standard_deviation_of_a_normal_distribution():
    y = np.random.RandomState(0).normal(5, [2.0, 1e-3], (20_000, 2))
    np.testing.assert_allclose(spread(y, None), [2, 1e-3], rtol=0.02)
    y[:5000] = 1e6  # a quarter of outliers
    assert (spread(y, None) < 4).all()


def test_the_spread_worked_by_hand():
    # median 3, distances 2, 1, 0, 1, 97, of which the median is 1
    y = np.array([[1.0], [2.0], [3.0], [4.0], [100.0]])
    assert spread(y, None)[0] == pytest.approx(1.4826)
    # half of the values are the same: the standard deviation
    y = np.array([[0.0], [0.0], [0.0], [4.0]])
    assert spread(y, None)[0] == pytest.approx(math.sqrt(3))
    assert spread(y, np.array([1.0, 1, 0, 2]))[0] == pytest.approx(2)
    assert spread(np.full((4, 1), 7.0), None)[0] == 1


@every_dtype
def test_the_spread_is_in_float64(dtype):
    assert spread(np.arange(5, dtype=dtype)[:, np.newaxis], None).dtype == "float64"
