import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax
from sklearn.metrics import log_loss

from skmlp._ensemble.calibration import held_out_log_proba, member_log_proba, temperature

RNG = np.random.RandomState(0)
Z = RNG.normal(size=(400, 3))
# labels drawn from softmax(z), so that these probabilities are calibrated
Y = np.array([RNG.choice(3, p=p) for p in np.exp(log_softmax(Z, axis=1))])
W = RNG.uniform(0.1, 3, size=400)


class Member:
    """An estimator whose log-probabilities are the rows themselves, plus a number."""

    def __init__(self, shift):
        self.shift = shift

    def predict_log_proba(self, X):
        return (X + self.shift).astype(np.float32)


@pytest.mark.parametrize("w", [None, W], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("scale", [0.6, 1, 1.7])
def test_temperature_minimises_the_log_loss(scale, w):
    log_proba = log_softmax(scale * Z, axis=1)

    def loss(T):
        return np.average(-log_softmax(log_proba / T, axis=1)[np.arange(400), Y], weights=w)

    assert_allclose(loss(1), log_loss(Y, np.exp(log_proba), sample_weight=w))
    T = temperature(log_proba, Y, w)
    grid = np.linspace(0.25, 2, 1000)
    assert_allclose(T, grid[np.argmin([loss(other) for other in grid])], atol=2e-3)


@pytest.mark.parametrize("scale", [0.6, 1.3])
def test_temperature_undoes_a_scaling_of_the_logits(scale):
    expected = scale * temperature(log_softmax(Z, axis=1), Y, None)
    assert_allclose(temperature(log_softmax(scale * Z, axis=1), Y, None), expected, rtol=1e-3)


def test_weights_count_like_repeated_rows():
    times = np.arange(400) % 4 + 1
    log_proba = log_softmax(Z, axis=1)
    repeated = temperature(np.repeat(log_proba, times, axis=0), np.repeat(Y, times), None)
    assert_allclose(temperature(log_proba, Y, times.astype(float)), repeated, rtol=1e-5)


def test_weights_may_be_too_large_to_add():
    log_proba = log_softmax(Z, axis=1)
    with np.errstate(all="raise"):
        found = temperature(log_proba, Y, np.full(400, 1e308))
    assert_allclose(found, temperature(log_proba, Y, None), rtol=1e-6)


@pytest.mark.parametrize(("true_class", "bound"), [(0, 0.25), (2, 2)])
def test_temperature_stays_within_its_bounds(true_class, bound):
    log_proba = log_softmax([[1.0, 0.0, -1.0]], axis=1)
    assert_allclose(temperature(log_proba, np.array([true_class]), None), bound, rtol=1e-3)


def test_held_out_rows_are_predicted_by_their_own_member_in_order():
    X = np.arange(12.0).reshape(6, 2)
    folds = [np.array([4, 1]), np.array([], dtype=int), np.array([0])]
    found = held_out_log_proba([Member(0), Member(100), Member(1000)], X, folds)
    assert_array_equal(found, [[8, 9], [2, 3], [1000, 1001]])


def test_log_probabilities_are_taken_in_float64():
    assert member_log_proba(Member(0), Z).dtype == np.float64
