import copy
import math
import pickle

import numpy as np
import pytest
from engine_networks import make_network

from skmlp import NumpyMLPClassifier
from skmlp._training.optimizers import OPTIMIZERS, SGD
from skmlp._training.schedules import SCHEDULES
from skmlp._training.solver import Solver, clip

DEFAULTS = NumpyMLPClassifier().get_params()
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def some_network(averaging=False, batch_norm=False, dtype="float64"):
    network = make_network(
        (4, 5, 3), "tanh", "softmax", 0.1, dtype,
        averaging=averaging, batch_norm=batch_norm,
    )  # fmt: skip
    network.initialize("glorot_uniform", np.random.RandomState(0))
    network.reserve(10)
    return network


def some_solver(network, name="sgd", schedule="constant", **options):
    settings = {setting: DEFAULTS[setting] for setting in OPTIMIZERS[name].hyperparameters}
    optimizer = OPTIMIZERS[name](network.theta, network.n_weights, **settings)
    return Solver(optimizer, SCHEDULES[schedule](0.5, max_epochs=4), **options)


def plain_sgd(network, **options):
    """Return a solver whose step is -0.5 g."""
    optimizer = SGD(network.theta, network.n_weights, momentum=0.0, nesterovs_momentum=False)
    return Solver(optimizer, SCHEDULES["constant"](0.5, max_epochs=4), **options)


def take_steps(network, solver, n_steps, after=lambda: None):
    """Take steps on random batches, always the same ones; call `after` after each."""
    rng = np.random.RandomState(1)
    for _ in range(n_steps):
        X, y = rng.normal(size=(10, 4)).astype(network.theta.dtype), rng.randint(3, size=10)
        network.loss_gradient(X, y)
        solver.step(network, 0.0, 1.0)
        after()


# --- Clipping ---


@every_dtype
def test_a_longer_gradient_is_scaled_to_the_largest_norm(dtype):
    g = np.array([3.0, -4.0, 12.0], dtype)
    clip(g, 6.5)
    assert g.dtype == dtype
    np.testing.assert_allclose(g, [1.5, -2.0, 6.0], rtol=1e-6)


def test_a_gradient_within_the_norm_changes_in_no_bit():
    g = np.random.RandomState(0).normal(size=50)
    expected = g.copy()
    clip(g, np.linalg.norm(g) * (1 + 1e-12))
    np.testing.assert_array_equal(g, expected)


def test_clipping_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    g = np.random.RandomState(0).normal(size=50)
    theirs = torch.nn.Parameter(torch.zeros(50, dtype=torch.float64))
    theirs.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_([theirs], 1.5)
    clip(g, 1.5)
    np.testing.assert_allclose(g, theirs.grad.numpy(), rtol=1e-6)


def test_the_optimizer_sees_the_clipped_gradient():
    network = some_network()
    before = network.theta.copy()
    network.grad[:] = g = np.random.RandomState(0).normal(size=network.grad.size)
    plain_sgd(network, max_grad_norm=0.25).step(network, 0.0, 1.0)
    step = network.theta - before
    assert np.linalg.norm(step) == pytest.approx(0.5 * 0.25)
    np.testing.assert_allclose(step, -0.5 * g * 0.25 / np.linalg.norm(g), rtol=1e-10)


# --- The largest norm of weights ---


@pytest.mark.parametrize("batch_norm", [False, True])
def test_after_each_step_no_unit_has_longer_incoming_weights_than_allowed(batch_norm):
    network = some_network(batch_norm=batch_norm)
    solver = plain_sgd(network, max_norm=0.7)
    unlimited = some_network(batch_norm=batch_norm)
    take_steps(unlimited, plain_sgd(unlimited), 1)
    take_steps(network, solver, 1)
    n_scaled = 0
    for W, free in zip(network.W, unlimited.W, strict=True):
        norms = np.linalg.norm(free, axis=0)
        n_scaled += (norms > 0.7).sum()
        np.testing.assert_allclose(W, free * np.minimum(1, 0.7 / norms), rtol=1e-12)
    assert n_scaled
    np.testing.assert_array_equal(
        network.theta[network.n_weights :], unlimited.theta[network.n_weights :]
    )


# --- Averaging ---


@pytest.mark.parametrize("averaging", [0.0, 0.05, 0.5, 0.99])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_running_mean_is_that_of_the_formula(batch_norm, averaging):
    network = some_network(averaging=True, batch_norm=batch_norm)
    solver = plain_sgd(network, averaging=averaging)
    mean, t = network.parameters.vectors[0].copy(), 0

    def follow():
        nonlocal mean, t
        t += 1
        d = min(averaging, (1 + t) / (10 + t))
        mean = d * mean + (1 - d) * network.parameters.vectors[0]
        np.testing.assert_allclose(network.parameters.vectors[1], mean, rtol=1e-12)

    take_steps(network, solver, 20, follow)
    assert np.array_equal(*network.parameters.vectors) == (averaging == 0)


def test_averaging_does_not_change_what_is_trained():
    averaged, plain = some_network(averaging=True), some_network()
    take_steps(averaged, plain_sgd(averaged, averaging=0.9), 5)
    take_steps(plain, plain_sgd(plain), 5)
    np.testing.assert_array_equal(averaged.theta, plain.theta)


def test_it_is_the_limited_weights_that_are_averaged():
    network = some_network(averaging=True)
    take_steps(network, plain_sgd(network, averaging=0.9, max_norm=0.1), 20)
    for W in network.parameters.views(1)["W"]:
        # the start was longer, and has hardly any weight left
        assert np.linalg.norm(W, axis=0).max() < 0.11


# --- Time ---


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_each_step_has_the_rate_of_its_time_in_epochs(schedule):
    network = some_network()
    solver, by_hand = (
        some_solver(network, schedule=schedule),
        SCHEDULES[schedule](0.5, max_epochs=4),
    )
    for epoch in range(4):
        for t in (0.0, 0.25, 0.5, 0.75):
            solver.step(network, t, 0.25)
            assert solver.learning_rate == by_hand.rate(epoch + t, 0.25)
        solver.epoch_end(40)
        by_hand.epoch_end(40)
    assert (solver.n_epochs, solver.n_steps) == (4, 16)


# --- State ---


@every_dtype
@every_optimizer
def test_every_number_keeps_its_precision(name, dtype):
    network = some_network(averaging=True, batch_norm=True, dtype=dtype)
    solver = some_solver(network, name, max_grad_norm=0.1, max_norm=0.5, averaging=0.9)
    take_steps(network, solver, 3)
    arrays = [value for value in vars(solver.optimizer).values() if isinstance(value, np.ndarray)]
    assert {array.dtype for array in [*arrays, network.parameters.vectors, network.grad]} == {
        np.dtype(dtype)
    }


@pytest.mark.parametrize("through", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
@every_optimizer
def test_a_copied_solver_goes_on_as_the_original_and_apart_from_it(name, through):
    network, options = some_network(averaging=True), {"max_grad_norm": 0.1, "averaging": 0.9}
    solver = some_solver(network, name, "one_cycle", **options)
    take_steps(network, solver, 3)
    solver.epoch_end(30)
    copied, twin = through(solver), some_network(averaging=True)
    twin.parameters.vectors[:] = network.parameters.vectors
    take_steps(network, solver, 3)
    take_steps(twin, copied, 3)
    np.testing.assert_array_equal(network.parameters.vectors, twin.parameters.vectors)
    assert copied.n_steps == solver.n_steps == 6
    assert copied.learning_rate == solver.learning_rate


def test_without_limits_a_step_is_that_of_the_optimizer_alone():
    network, alone = some_network(), some_network()
    solver = some_solver(network, "adam")
    optimizer = some_solver(alone, "adam").optimizer
    assert solver.max_grad_norm == solver.max_norm == math.inf
    rng = np.random.RandomState(0)
    for _ in range(3):
        network.grad[:] = alone.grad[:] = rng.normal(size=network.grad.size)
        solver.step(network, 0.0, 1.0)
        optimizer.step(alone.theta, alone.grad, 0.5)
    np.testing.assert_array_equal(network.theta, alone.theta)
