import math
import tracemalloc

import numpy as np
import pytest
from gradients import assert_same_gradient, central_differences
from scipy.optimize import minimize
from scipy.special import log_expit, log_softmax, logsumexp
from sklearn.metrics import accuracy_score, log_loss

from skmlp._engine.losses.registry import CLASSIFICATION_LOSSES as LOSSES

N_OUTPUTS = {"softmax": [2, 3], "logistic": [1, 3]}
CASES = [(name, K) for name in LOSSES for K in N_OUTPUTS.get(name, [3])]

every_case = pytest.mark.parametrize(("name", "K"), CASES)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_smoothing = pytest.mark.parametrize("s", [0.1, 0.9])
with_and_without_weights = pytest.mark.parametrize("weighted", [False, True])


def some_targets(name, K, m, rng):
    return rng.randint(K, size=m) if name == "softmax" else rng.rand(m, K) < 0.5


def some_rows(name, K, m=12, weighted=False):
    rng = np.random.RandomState(0)
    z, y = rng.normal(0, 3, (m, K)), some_targets(name, K, m, rng)
    w = rng.rand(m)
    return z, y, w / w.mean() if weighted else None


def test_softmax_worked_by_hand():
    # e^z = (1, 2, 1) and (3, 1, 4), so a = (1/4, 1/2, 1/4) and (3/8, 1/8, 1/2)
    z = np.log([[1.0, 2.0, 1.0], [3.0, 1.0, 4.0]])
    value = LOSSES["softmax"]().loss_gradient(z, np.array([1, 0]))
    assert value == pytest.approx((math.log(2) + math.log(8 / 3)) / 2, rel=1e-15)
    expected = np.array([[1 / 4, 1 / 2 - 1, 1 / 4], [3 / 8 - 1, 1 / 8, 1 / 2]]) / 2
    np.testing.assert_allclose(z, expected, rtol=1e-15)


def test_softmax_worked_by_hand_with_weights():
    z = np.log([[1.0, 2.0, 1.0], [3.0, 1.0, 4.0]])
    value = LOSSES["softmax"]().loss_gradient(z, np.array([1, 0]), np.array([0.5, 1.5]))
    assert value == pytest.approx((0.5 * math.log(2) + 1.5 * math.log(8 / 3)) / 2, rel=1e-15)
    expected = [[0.5 / 8, -0.5 / 4, 0.5 / 8], [-1.5 * 5 / 16, 1.5 / 16, 1.5 / 4]]
    np.testing.assert_allclose(z, expected, rtol=1e-15)


def test_logistic_worked_by_hand():
    # e^z = 3, 1, 1/3, so a = 3/4, 1/2, 1/4
    z = np.log([[3.0, 1.0], [1 / 3, 3.0]])
    value = LOSSES["logistic"]().loss_gradient(z, np.array([[True, False], [True, False]]))
    row_1 = -math.log(3 / 4) - math.log(1 - 1 / 2)
    row_2 = -math.log(1 / 4) - math.log(1 - 3 / 4)
    assert value == pytest.approx((row_1 + row_2) / 2, rel=1e-15)
    expected = np.array([[3 / 4 - 1, 1 / 2], [1 / 4 - 1, 3 / 4]]) / 2
    np.testing.assert_allclose(z, expected, rtol=1e-15)


@with_and_without_weights
def test_softmax_value_is_the_mean_of_minus_log_softmax(weighted):
    z, y, w = some_rows("softmax", 4, weighted=weighted)
    expected = np.average(-log_softmax(z, axis=1)[range(len(y)), y], weights=w)
    assert LOSSES["softmax"]().loss_gradient(z, y, w) == pytest.approx(expected, rel=1e-14)


@with_and_without_weights
@every_case
def test_value_is_the_log_loss_of_scikit_learn(name, K, weighted):
    z, y, w = some_rows(name, K, weighted=weighted)
    a = LOSSES[name]().inverse_link(z)
    if name == "softmax":
        expected = log_loss(y, a, sample_weight=w, labels=range(K))
    else:
        expected = sum(
            log_loss(y[:, k], a[:, k], sample_weight=w, labels=[False, True]) for k in range(K)
        )
    assert LOSSES[name]().loss_gradient(z, y, w) == pytest.approx(expected, rel=1e-12)


@with_and_without_weights
@every_case
def test_delta_is_the_derivative_of_the_value(name, K, weighted):
    z, y, w = some_rows(name, K, weighted=weighted)
    loss = LOSSES[name]()
    expected = central_differences(lambda: loss.loss_gradient(z.copy(), y, w), z.reshape(-1))
    loss.loss_gradient(z, y, w)
    assert_same_gradient(z.ravel(), expected, rtol=1e-8)


@with_and_without_weights
@every_case
def test_delta_is_weight_times_error_over_rows(name, K, weighted):
    z, y, w = some_rows(name, K, weighted=weighted)
    loss = LOSSES[name]()
    a = loss.inverse_link(z)
    truth = np.eye(K)[y] if name == "softmax" else y
    expected = (a - truth) * (np.ones(len(z)) if w is None else w)[:, np.newaxis] / len(z)
    loss.loss_gradient(z, y, w)
    np.testing.assert_allclose(z, expected, rtol=1e-13, atol=1e-16)


@with_and_without_weights
def test_softmax_delta_sums_to_zero_over_the_classes(weighted):
    z, y, w = some_rows("softmax", 5, weighted=weighted)
    LOSSES["softmax"]().loss_gradient(z, y, w)
    np.testing.assert_allclose(z.sum(axis=1), 0, atol=1e-16)


# --- Label smoothing ---


def smoothed_targets(name, y, K, s):
    """Return the targets with the share s spread evenly over all classes, or over yes and no."""
    return (1 - s) * np.eye(K)[y] + s / K if name == "softmax" else (1 - s) * y + s / 2


@with_and_without_weights
@every_smoothing
@every_case
def test_smoothed_value_and_delta_are_those_of_the_smoothed_targets(name, K, s, weighted):
    z, y, w = some_rows(name, K, weighted=weighted)
    loss, target = LOSSES[name](s), smoothed_targets(name, y, K, s)
    if name == "softmax":
        row_losses = -(target * log_softmax(z, axis=1)).sum(axis=1)
    else:
        row_losses = -(target * log_expit(z) + (1 - target) * log_expit(-z)).sum(axis=1)
    expected = (np.ones(len(z)) if w is None else w)[:, np.newaxis] / len(z)
    expected = expected * (loss.inverse_link(z) - target)
    assert loss.loss_gradient(z, y, w) == pytest.approx(
        np.average(row_losses, weights=w), rel=1e-13
    )
    np.testing.assert_allclose(z, expected, rtol=1e-11, atol=1e-15)


@every_smoothing
@every_case
def test_smoothed_delta_is_the_derivative_of_the_value(name, K, s):
    z, y, w = some_rows(name, K, weighted=True)
    loss = LOSSES[name](s)
    expected = central_differences(lambda: loss.loss_gradient(z.copy(), y, w), z.reshape(-1))
    loss.loss_gradient(z, y, w)
    assert_same_gradient(z.ravel(), expected, rtol=1e-8)


@every_smoothing
@pytest.mark.parametrize("K", N_OUTPUTS["softmax"])
def test_smoothed_softmax_is_that_of_pytorch(K, s):
    torch = pytest.importorskip("torch")
    z, y, _ = some_rows("softmax", K)
    theirs = torch.tensor(z, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(theirs, torch.tensor(y), label_smoothing=s)
    expected.backward()
    value = LOSSES["softmax"](s).loss_gradient(z, y)
    assert value == pytest.approx(expected.item(), rel=1e-13)
    np.testing.assert_allclose(z, theirs.grad.numpy(), rtol=1e-11, atol=1e-15)


@every_smoothing
def test_smoothing_of_two_classes_is_the_same_by_softmax_and_by_logistic_function(s):
    z, y, w = some_rows("logistic", 1, weighted=True)
    two = np.hstack([np.zeros_like(z), z])
    expected = LOSSES["softmax"](s).loss_gradient(two, y[:, 0].astype(int), w)
    assert LOSSES["logistic"](s).loss_gradient(z, y, w) == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(z[:, 0], two[:, 1], rtol=1e-11, atol=1e-15)


@every_dtype
@every_case
def test_smoothed_loss_is_finite_at_huge_logits(name, K, dtype):
    z = np.random.RandomState(0).choice([-1e4, 0.0, 1e4], (50, K)).astype(dtype)
    y = some_targets(name, K, 50, np.random.RandomState(1))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert np.isfinite(LOSSES[name](0.1).loss_gradient(z, y))
    assert np.isfinite(z).all()


@every_smoothing
@every_case
def test_smoothing_changes_no_prediction(name, K, s):
    z, _, _ = some_rows(name, K)
    smoothed = LOSSES[name](s)
    for method in ("inverse_link", "log_proba", "log_odds", "predict"):
        np.testing.assert_array_equal(
            getattr(smoothed, method)(z), getattr(LOSSES[name](), method)(z)
        )


# --- Entropy ---


@with_and_without_weights
@every_case
def test_entropy_is_the_least_loss_of_predictions_that_are_the_same_for_all_rows(name, K, weighted):
    _, y, w = some_rows(name, K, m=40, weighted=weighted)
    loss = LOSSES[name]()

    def value(z):
        return loss.loss_gradient(np.tile(z, (40, 1)), y, w)

    least = minimize(value, np.zeros(K), tol=1e-12).fun
    assert loss.baseline(y, w) == pytest.approx(least, rel=1e-8)


def test_entropy_worked_by_hand():
    log = math.log
    three_to_one = -(3 / 4 * log(3 / 4) + 1 / 4 * log(1 / 4))
    y = np.array([0, 0, 0, 2])
    assert LOSSES["softmax"]().baseline(y) == pytest.approx(three_to_one, rel=1e-14)
    assert LOSSES["softmax"]().baseline(y, np.array([1.0, 1, 1, 3])) == pytest.approx(log(2))
    assert LOSSES["softmax"]().baseline(y[:3]) == 0
    Y = np.array([[True, True], [True, True], [True, False], [False, False]])
    assert LOSSES["logistic"]().baseline(Y) == pytest.approx(three_to_one + log(2), rel=1e-14)


@every_case
def test_without_a_parameter_nothing_is_smoothed(name, K):
    z, y, _ = some_rows(name, K)
    expected = LOSSES[name]().loss_gradient(z.copy(), y)
    assert LOSSES[name]().loss_gradient(z, y) == expected


# --- Weights ---


@every_case
def test_weights_of_one_change_nothing(name, K):
    z, y, _ = some_rows(name, K)
    z_w = z.copy()
    value = LOSSES[name]().loss_gradient(z, y)
    assert LOSSES[name]().loss_gradient(z_w, y, np.ones(len(y))) == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(z_w, z, rtol=1e-14)


@every_case
def test_weights_of_zero_are_as_if_the_rows_were_not_there(name, K):
    z, y, _ = some_rows(name, K, m=12)
    z_kept = z[:8].copy()
    expected = LOSSES[name]().loss_gradient(z_kept, y[:8])
    w = np.repeat([12 / 8, 0], [8, 4])
    assert LOSSES[name]().loss_gradient(z, y, w) == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(z[:8], z_kept, rtol=1e-14)
    np.testing.assert_array_equal(z[8:], 0)


@every_case
def test_a_heavy_batch_counts_more(name, K):
    # divided by the rows of the batch and not by its weights, which may even be all zero
    z, y, w = some_rows(name, K, weighted=True)
    z_heavy, z_zero = z.copy(), z.copy()
    value = LOSSES[name]().loss_gradient(z, y, w)
    assert LOSSES[name]().loss_gradient(z_heavy, y, 3 * w) == pytest.approx(3 * value, rel=1e-14)
    np.testing.assert_allclose(z_heavy, 3 * z, rtol=1e-14)
    assert LOSSES[name]().loss_gradient(z_zero, y, 0 * w) == 0
    assert not z_zero.any()


@every_dtype
def test_softmax_is_finite_and_exact_at_huge_logits(dtype):
    loss = LOSSES["softmax"]()
    z = np.array([[1e4, -1e4], [-1e4, 1e4]], dtype)
    y = np.array([0, 0])
    np.testing.assert_array_equal(loss.log_proba(z), [[0, -2e4], [-2e4, 0]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value = loss.loss_gradient(z, y)
    # right for certain: no loss; wrong for certain: the distance of the logits
    assert value == 2e4 / 2
    np.testing.assert_array_equal(z, [[0, 0], [-0.5, 0.5]])


@every_dtype
def test_logistic_is_finite_and_exact_at_huge_logits(dtype):
    loss = LOSSES["logistic"]()
    z = np.array([[1e4], [-1e4], [1e4], [-1e4]], dtype)
    y = np.array([[True], [False], [False], [True]])
    np.testing.assert_array_equal(loss.log_proba(z), [[0], [-1e4], [0], [-1e4]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value = loss.loss_gradient(z, y)
    assert value == 2e4 / 4
    np.testing.assert_array_equal(z, [[0], [0], [0.25], [-0.25]])


@every_dtype
@every_case
def test_probabilities_are_never_rounded_to_zero(name, K, dtype):
    z = np.random.RandomState(0).choice([-1e4, -200.0, -1.0, 0.0, 1.0, 200.0, 1e4], (200, K))
    a = LOSSES[name]().inverse_link(z.astype(dtype))
    assert a.shape == z.shape
    assert a.dtype == dtype
    assert a.min() > 0
    assert a.max() <= 1


@every_dtype
def test_logistic_probabilities_are_never_rounded_to_one(dtype):
    # the probability of "no" is one minus that of "yes", and must not become 0 either
    z = np.array([[16.0, 40.0, 1e4]], dtype)
    a = LOSSES["logistic"]().inverse_link(z)
    assert a.max() < 1
    assert (1 - a).min() > 0


@every_dtype
@pytest.mark.parametrize("K", N_OUTPUTS["softmax"])
def test_softmax_probabilities_sum_to_one(K, dtype):
    z = np.random.RandomState(0).choice([-1e4, -1.0, 0.0, 1.0, 1e4], (200, K)).astype(dtype)
    a = LOSSES["softmax"]().inverse_link(z)
    np.testing.assert_allclose(a.sum(axis=1), 1, atol=2 * np.finfo(dtype).eps)


@every_case
def test_log_probabilities_are_the_logs_of_the_probabilities(name, K):
    z, _, _ = some_rows(name, K)
    expected = np.log(LOSSES[name]().inverse_link(z))
    np.testing.assert_allclose(LOSSES[name]().log_proba(z), expected, rtol=1e-12, atol=1e-15)


@every_case
def test_proba_log_proba_and_predict_leave_the_logits_alone(name, K):
    z, _, _ = some_rows(name, K)
    before = z.copy()
    loss = LOSSES[name]()
    for read in (loss.inverse_link, loss.log_proba, loss.log_odds, loss.predict):
        assert not np.shares_memory(read(z), z)
        np.testing.assert_array_equal(z, before)


@every_case
def test_probabilities_take_the_memory_of_two_arrays_at_most(name, K):
    z = np.ones((100_000, K))
    tracemalloc.start()
    LOSSES[name]().inverse_link(z)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.9 * z.nbytes


def test_softmax_predicts_the_largest_logit():
    z = np.array([[1.0, 3.0, 2.0], [0.0, -1.0, -2.0], [5.0, 5.0, 6.0]])
    np.testing.assert_array_equal(LOSSES["softmax"]().predict(z), [1, 0, 2])


def test_logistic_predicts_yes_where_the_logit_is_positive():
    z = np.array([[1.0, -1.0], [0.0, 1e-300]])
    np.testing.assert_array_equal(LOSSES["logistic"]().predict(z), [[True, False], [False, True]])


@with_and_without_weights
@every_case
def test_accuracy_is_that_of_scikit_learn(name, K, weighted):
    z, y, w = some_rows(name, K, m=50, weighted=weighted)
    loss = LOSSES[name]()
    # half of the rows are predicted right, so that the test does not live on chance
    y[::2] = loss.predict(z[::2])
    expected = accuracy_score(y, loss.predict(z), sample_weight=w)
    assert 0.3 < expected < 1
    assert loss.score(loss.predict(z), y, w) == pytest.approx(expected, rel=1e-14)


def test_accuracy_of_multilabel_rows_counts_rows_with_all_labels_right():
    z = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [1.0, 1.0]])
    y = np.array([[True, True], [True, True], [True, True], [True, True]])
    loss = LOSSES["logistic"]()
    predicted = loss.predict(z)
    assert loss.score(predicted, y) == 2 / 4
    assert loss.score(predicted, y, np.array([3.0, 1.0, 0.0, 0.0])) == 3 / 4


@with_and_without_weights
@every_case
def test_float32_stays_float32_and_agrees_with_float64(name, K, weighted):
    z, y, w = some_rows(name, K, weighted=weighted)
    loss = LOSSES[name]()
    z_32, w_32 = z.astype("float32"), None if w is None else w.astype("float32")
    assert loss.inverse_link(z_32).dtype == loss.log_proba(z_32).dtype == "float32"
    assert loss.log_odds(z_32).dtype == "float32"
    expected = loss.loss_gradient(z, y, w)
    value = loss.loss_gradient(z_32, y, w_32)
    assert isinstance(value, float)
    assert value == pytest.approx(expected, rel=1e-6)
    assert z_32.dtype == "float32"
    np.testing.assert_allclose(z_32, z, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_too_small_for_the_precision_keep_their_order(dtype):
    a = LOSSES["softmax"]().inverse_link(np.array([[0, -800, -900, -2000]], dtype))
    assert a[0, 0] > a[0, 1] > a[0, 2] > a[0, 3] > 0


@every_dtype
def test_probabilities_below_the_precision_shrink_by_the_formula(dtype):
    log_tiny = np.log(float(np.finfo(dtype).tiny))
    excess = np.array([0.25, 3.0, 100.0, 1000.0])
    z = np.stack([np.zeros(4), log_tiny - excess], axis=1).astype(dtype)
    proba = LOSSES["softmax"]().inverse_link(z)
    expected = np.finfo(dtype).tiny / (1 + excess)
    np.testing.assert_allclose(proba[:, 1].astype(float), expected, rtol=1e-4)


# --- Log-odds ---


@every_case
def test_log_odds_are_the_log_of_the_odds(name, K):
    z, _, _ = some_rows(name, K)
    a = LOSSES[name]().inverse_link(z)
    expected = np.log(a) - np.log1p(-a)
    np.testing.assert_allclose(LOSSES[name]().log_odds(z), expected, rtol=1e-9, atol=1e-12)


def test_log_odds_worked_by_hand():
    # e^z = (1, 2, 5): the odds are 1 : 7, 2 : 6 and 5 : 3
    log_odds = LOSSES["softmax"]().log_odds(np.log([[1.0, 2.0, 5.0]]))
    np.testing.assert_allclose(log_odds, np.log([[1 / 7, 2 / 6, 5 / 3]]), rtol=1e-14)


@every_dtype
@pytest.mark.parametrize("K", [2, 3, 50])
@pytest.mark.parametrize("size", [0.1, 10.0, 300.0, 1e4])
def test_log_odds_have_all_digits_at_any_size_of_the_logits(size, K, dtype):
    z = (size * np.random.RandomState(0).normal(size=(40, K))).astype(dtype)
    exact = z.astype(np.longdouble)
    expected = np.stack(
        [exact[:, k] - logsumexp(np.delete(exact, k, axis=1), axis=1) for k in range(K)], axis=1
    )
    eps = np.finfo(dtype).eps
    log_odds = LOSSES["softmax"]().log_odds(z)
    np.testing.assert_allclose(
        log_odds, expected.astype(float), rtol=8 * eps, atol=8 * eps * (1 + size)
    )


@every_dtype
def test_log_odds_of_the_most_confident_rows_are_the_margins(dtype):
    z = np.array([[900.0, 0.0, 0.0], [0.0, 60.0, -800.0]], dtype)
    expected = [[900 - np.log(2), -900, -900], [-60, 60, -860]]
    np.testing.assert_allclose(LOSSES["softmax"]().log_odds(z), expected, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@every_dtype
@every_case
def test_log_odds_and_log_probabilities_are_finite_for_all_finite_logits(name, K, dtype):
    info, loss = np.finfo(dtype), LOSSES[name]()
    extremes = [-info.max, -info.max / 2, -1e4, -1.0, 0.0, info.tiny]
    extremes += [-value for value in extremes]
    z = np.random.RandomState(0).choice(np.array(extremes, dtype), (500, K))
    assert np.isfinite(loss.log_proba(z)).all()
    assert np.isfinite(loss.log_odds(z)).all()
    if name == "softmax":
        np.testing.assert_array_equal(loss.log_odds(z).argmax(axis=1), loss.predict(z))


@every_dtype
@pytest.mark.parametrize("K", [3, 100])
@pytest.mark.parametrize("step", [0.0, 1.0, 3.0])
def test_the_largest_log_odds_are_the_predicted_classs_even_of_logits_that_hardly_differ(
    step, K, dtype
):
    # the largest two differ by a few units in the last place, or not at all
    rng = np.random.RandomState(0)
    z = rng.normal(size=(2000, K)).astype(dtype)
    largest = z.max(axis=1)
    rows = np.arange(len(z))
    z[rows, rng.randint(K, size=len(z))] = largest + step * np.spacing(largest)
    is_largest = z == z.max(axis=1)[:, np.newaxis]
    loss = LOSSES["softmax"]()
    log_odds = loss.log_odds(z)
    np.testing.assert_array_equal(log_odds.argmax(axis=1), loss.predict(z))
    np.testing.assert_array_equal(log_odds == log_odds.max(axis=1)[:, np.newaxis], is_largest)
    ordered = np.take_along_axis(log_odds, z.argsort(axis=1), axis=1)
    rounding = 4 * np.finfo(dtype).eps * (1 + np.abs(ordered[:, 1:]))
    assert (np.diff(ordered, axis=1) >= -rounding).all()


def test_the_log_odds_of_a_single_class_are_its_logit():
    z = np.array([[3.0], [-2.0]])
    np.testing.assert_array_equal(LOSSES["softmax"]().log_odds(z), z)
