import numpy as np
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.special import log_softmax

from skmlp._tables.blend import blend_weights, blended, mean_of_members

RNG = np.random.RandomState(0)
N, C = 500, 3
TRUE = RNG.randint(0, C, N)
SIGNAL = 2.0 * np.eye(C)[TRUE]


def model(noise):
    return log_softmax(SIGNAL + noise * RNG.normal(size=(N, C)), axis=1)


def loss(log_p, w=None):
    return -np.average(log_p[np.arange(N), TRUE], weights=w)


def test_weights_have_the_least_penalised_loss():
    log_proba, w = np.stack([model(1.0), model(2.0)]), RNG.uniform(size=N)

    def objective(weights):
        return loss(blended(log_proba, weights), w) + 4 / N * np.sum((weights - 0.5) ** 2)

    expected = minimize(objective, [0.5, 0.5], method="Nelder-Mead", options={"xatol": 1e-7}).x
    assert_allclose(blend_weights(log_proba, TRUE, w), expected, atol=1e-3)


def test_a_model_that_says_nothing_gets_no_weight_and_none_is_negative():
    wrong = log_softmax(-SIGNAL + RNG.normal(size=(N, C)), axis=1)
    weights = blend_weights(np.stack([model(1.0), wrong]), TRUE, None)
    assert weights[0] > 0.5
    assert weights[1] == 0


def test_few_rows_move_the_weights_little():
    log_proba = np.stack([model(1.0), model(4.0)])
    few = blend_weights(log_proba[:, :4], TRUE[:4], None)
    assert np.abs(few - 0.5).max() < np.abs(blend_weights(log_proba, TRUE, None) - 0.5).max()


def test_the_mean_is_that_of_probabilities():
    members = [model(1.0), model(2.0)]
    expected = np.log(np.mean(np.exp(members), axis=0))
    assert_allclose(mean_of_members(members), expected)
