import warnings

import numpy as np
import pytest
from engine_networks import make_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from skmlp._engine.initializers import INITIALIZERS, initializer

FAN_IN, FAN_OUT = 300, 500
# the published variance; whether uniform; the variance of the biases
EXPECTED = {
    "glorot_normal": (2 / (FAN_IN + FAN_OUT), False, 0),
    "glorot_uniform": (2 / (FAN_IN + FAN_OUT), True, 2 / (FAN_IN + FAN_OUT)),
    "he_normal": (2 / FAN_IN, False, 0),
    "he_uniform": (2 / FAN_IN, True, 0),
    "lecun_normal": (1 / FAN_IN, False, 0),
    0.05: (0.05**2, False, 0.05**2),
}
every_initializer = pytest.mark.parametrize("weight_init", [*INITIALIZERS, 0.05])


def drawn(weight_init, seed=0, activation="relu"):
    return initializer(weight_init)(np.random.RandomState(seed), FAN_IN, FAN_OUT, activation)


@every_initializer
def test_weights_have_the_published_distribution(weight_init):
    variance, uniform, _ = EXPECTED[weight_init]
    W, _ = drawn(weight_init)
    assert W.shape == (FAN_IN, FAN_OUT)
    # 150,000 draws: five standard errors of the mean, of the variance, of the kurtosis
    assert abs(W.mean()) < 5 * np.sqrt(variance / W.size)
    assert W.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / W.size))
    kurtosis = np.mean((W / W.std()) ** 4)
    assert kurtosis == pytest.approx(1.8 if uniform else 3, abs=5 * np.sqrt(24 / W.size))
    if uniform:
        bound = np.sqrt(3 * variance)
        assert 0.999 * bound < np.abs(W).max() <= bound


@every_initializer
def test_biases_are_zero_or_drawn_like_the_weights_as_documented(weight_init):
    _, uniform, variance = EXPECTED[weight_init]
    _, b = drawn(weight_init)
    assert b.shape == (FAN_OUT,)
    if variance == 0:
        assert not b.any()
    else:
        assert abs(b.mean()) < 5 * np.sqrt(variance / b.size)
        assert b.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / b.size))
    if uniform:
        assert np.abs(b).max() <= np.sqrt(3 * variance)


@every_initializer
def test_the_same_generator_state_gives_the_same_draws(weight_init):
    for first, second in zip(drawn(weight_init), drawn(weight_init), strict=True):
        np.testing.assert_array_equal(first, second)
    assert (drawn(weight_init, seed=1)[0] != drawn(weight_init, seed=2)[0]).all()


def test_glorot_uniform_is_narrower_for_logistic_units():
    W, b = drawn("glorot_uniform", activation="logistic")
    bound = np.sqrt(2 / (FAN_IN + FAN_OUT))
    assert 0.999 * bound < np.abs(W).max() <= bound
    assert 0.98 * bound < np.abs(b).max() <= bound


def test_weights_are_drawn_before_biases():
    rng = np.random.RandomState(3)
    W, b = initializer(0.5)(np.random.RandomState(3), 4, 2, "relu")
    np.testing.assert_array_equal(W, 0.5 * rng.normal(size=(4, 2)))
    np.testing.assert_array_equal(b, 0.5 * rng.normal(size=2))


def test_a_whole_number_is_a_standard_deviation_too():
    for drawn_int, drawn_float in zip(drawn(1), drawn(1.0), strict=True):
        np.testing.assert_array_equal(drawn_int, drawn_float)


@every_initializer
def test_network_draws_layer_by_layer_and_keeps_its_dtype(weight_init):
    draw, rng = initializer(weight_init), np.random.RandomState(5)
    network = make_network((4, 3, 2), "tanh", "softmax", dtype="float32")
    network.initialize(weight_init, np.random.RandomState(5))
    for W, b in zip(network.W, network.b, strict=True):
        expected_W, expected_b = draw(rng, *W.shape, "tanh")
        assert W.dtype == b.dtype == "float32"
        np.testing.assert_array_equal(W, expected_W.astype("float32"))
        np.testing.assert_array_equal(b, expected_b.astype("float32"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "relu", "tanh"])
def test_glorot_uniform_draws_what_mlpclassifier_draws(activation, dtype):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(20, 4)).astype(dtype), rng.randint(3, size=20)
    # a step too small to change any number leaves the initial parameters
    theirs = MLPClassifier(
        (5, 6), activation=activation, solver="sgd", learning_rate_init=1e-300, momentum=0,
        max_iter=1, random_state=7,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(X, y)
    ours = make_network((4, 5, 6, 3), activation, "softmax", dtype=dtype)
    ours.initialize("glorot_uniform", np.random.RandomState(7))
    for our_part, their_part in zip(
        [*ours.W, *ours.b], [*theirs.coefs_, *theirs.intercepts_], strict=True
    ):
        np.testing.assert_array_equal(our_part, their_part)
