import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from skmlp._blas import add_scaled
from skmlp._optimizers import OPTIMIZERS, SGD, Adam

SETTINGS = {
    "sgd": [
        {"momentum": momentum, "nesterov": nesterov}
        for momentum in (0.0, 0.9, 1.0)
        for nesterov in (False, True)
    ],
    "adam": [
        {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.1},
        {"beta_1": 0.0, "beta_2": 0.0, "epsilon": 1e-8},
    ],
}
# a learning rate and settings that come to rest, unlike SGD without friction (momentum 1)
MINIMISERS = {
    "sgd": (1e-3, [settings for settings in SETTINGS["sgd"] if settings["momentum"] < 1]),
    "adam": (1e-2, SETTINGS["adam"][:1]),
}
N_STEPS, SHAPES = 50, [(4, 3), (3, 2), (3,), (2,)]
SIZE = sum(int(np.prod(shape)) for shape in SHAPES)


def described(settings):
    return "-".join(f"{key}={value}" for key, value in settings.items())


every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)
every_sgd = pytest.mark.parametrize("settings", SETTINGS["sgd"], ids=described)
every_adam = pytest.mark.parametrize("settings", SETTINGS["adam"], ids=described)


def some_steps():
    """Return a start, gradients of changing size, and changing learning rates."""
    rng = np.random.RandomState(0)
    gradients = rng.normal(size=(N_STEPS, SIZE)) * 10.0 ** rng.uniform(-2, 1, (N_STEPS, 1))
    return rng.normal(size=SIZE), gradients, rng.uniform(0.01, 0.2, N_STEPS)


def trajectory(optimizer, start, gradients, rates):
    """Return theta after each step."""
    theta, thetas = start.copy(), []
    for g, eta in zip(gradients, rates, strict=True):
        optimizer.step(theta, g.copy(), eta)
        thetas.append(theta.copy())
    return np.array(thetas)


def assert_same_trajectory(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-12)


@every_sgd
def test_sgd_is_the_published_update(settings):
    start, gradients, rates = some_steps()
    momentum = settings["momentum"]
    theta, v, expected = start, 0, []
    for g, eta in zip(gradients, rates, strict=True):
        v = momentum * v - eta * g
        theta = theta + (momentum * v - eta * g if settings["nesterov"] else v)
        expected.append(theta)
    actual = trajectory(SGD(start, **settings), start, gradients, rates)
    assert_same_trajectory(actual, expected)


@every_adam
def test_adam_is_the_published_update(settings):
    start, gradients, rates = some_steps()
    beta_1, beta_2, epsilon = settings.values()
    theta, m, v, expected = start, 0, 0, []
    for t, (g, eta) in enumerate(zip(gradients, rates, strict=True), start=1):
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
        step = eta * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        theta = theta - step * m / (np.sqrt(v) + epsilon)
        expected.append(theta)
    actual = trajectory(Adam(start, **settings), start, gradients, rates)
    assert_same_trajectory(actual, expected)


def trajectory_of_scikit_learn(optimizer, start, gradients, rates, rate_name):
    ends = np.cumsum([np.prod(shape) for shape in SHAPES])[:-1]

    def parts(vector):
        pieces = np.split(vector.copy(), ends)
        return [piece.reshape(shape) for piece, shape in zip(pieces, SHAPES, strict=True)]

    params, thetas = parts(start), []
    for g, eta in zip(gradients, rates, strict=True):
        setattr(optimizer, rate_name, eta)
        optimizer.update_params(params, parts(g))
        thetas.append(np.concatenate([p.ravel() for p in params]))
    return thetas


@every_sgd
def test_sgd_is_that_of_scikit_learn(settings):
    start, gradients, rates = some_steps()
    shapes = [np.zeros(shape) for shape in SHAPES]
    theirs = SGDOptimizer(shapes, 0.1, "constant", **settings)
    expected = trajectory_of_scikit_learn(theirs, start, gradients, rates, "learning_rate")
    actual = trajectory(SGD(start, **settings), start, gradients, rates)
    assert_same_trajectory(actual, expected)


@every_adam
def test_adam_is_that_of_scikit_learn(settings):
    start, gradients, rates = some_steps()
    theirs = AdamOptimizer([np.zeros(shape) for shape in SHAPES], 0.1, **settings)
    expected = trajectory_of_scikit_learn(theirs, start, gradients, rates, "learning_rate_init")
    actual = trajectory(Adam(start, **settings), start, gradients, rates)
    assert_same_trajectory(actual, expected)


def trajectory_of_torch(make_optimizer, start, gradients):
    torch = pytest.importorskip("torch")
    theta, thetas = torch.tensor(start, requires_grad=True), []
    optimizer = make_optimizer(torch, theta)
    for g in gradients:
        theta.grad = torch.tensor(g)
        optimizer.step()
        thetas.append(theta.detach().numpy().copy())
    return thetas


# with a rate that changes, PyTorch rescales the steps already taken, and so differs
@pytest.mark.parametrize(
    "settings", [s for s in SETTINGS["sgd"] if s["momentum"] or not s["nesterov"]], ids=described
)
def test_sgd_at_a_constant_rate_is_that_of_pytorch(settings):
    start, gradients, _ = some_steps()
    expected = trajectory_of_torch(
        lambda torch, theta: torch.optim.SGD([theta], lr=0.05, **settings), start, gradients
    )
    actual = trajectory(SGD(start, **settings), start, gradients, [0.05] * N_STEPS)
    assert_same_trajectory(actual, expected)


# PyTorch adds epsilon after the bias correction, which makes no difference to a tiny one
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.9), (0.0, 0.5)])
def test_adam_with_a_tiny_epsilon_is_that_of_pytorch(betas):
    start, gradients, _ = some_steps()
    expected = trajectory_of_torch(
        lambda torch, theta: torch.optim.Adam([theta], lr=0.05, betas=betas, eps=1e-30),
        start,
        gradients,
    )
    adam = Adam(start, beta_1=betas[0], beta_2=betas[1], epsilon=1e-30)
    assert_same_trajectory(trajectory(adam, start, gradients, [0.05] * N_STEPS), expected)


def arrays_of(optimizer):
    return {key: value for key, value in vars(optimizer).items() if isinstance(value, np.ndarray)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_optimizer
def test_steps_are_in_place_and_keep_every_dtype(name, dtype):
    start, gradients, rates = some_steps()
    for settings in SETTINGS[name]:
        theta = start.astype(dtype)
        optimizer = OPTIMIZERS[name](theta, **settings)
        state = arrays_of(optimizer)
        for g, eta in zip(gradients, rates, strict=True):
            assert optimizer.step(theta, g.astype(dtype), eta) is None
        assert (theta != start.astype(dtype)).all()
        assert optimizer.dtype == theta.dtype == dtype
        assert arrays_of(optimizer).keys() == state.keys()
        for key, array in arrays_of(optimizer).items():
            assert array is state[key]
            assert array.dtype == dtype
            assert not np.shares_memory(array, theta)


@every_optimizer
def test_float32_follows_float64(name):
    start, gradients, rates = some_steps()
    for settings in SETTINGS[name]:
        exact = trajectory(OPTIMIZERS[name](start, **settings), start, gradients, rates)
        start_32, gradients_32 = start.astype("float32"), gradients.astype("float32")
        optimizer = OPTIMIZERS[name](start_32, **settings)
        single = trajectory(optimizer, start_32, gradients_32, rates)
        np.testing.assert_allclose(single, exact, rtol=1e-4, atol=1e-4)


@every_optimizer
def test_making_an_optimizer_leaves_the_parameters_alone(name):
    theta = np.ones(3)
    for settings in SETTINGS[name]:
        OPTIMIZERS[name](theta, **settings)
    np.testing.assert_array_equal(theta, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_add_scaled_is_in_place_on_a_part_of_a_vector(dtype):
    y, x = np.ones(5, dtype), np.array([2, 4], dtype)
    assert add_scaled(y[1:3], -0.25, x) is None
    np.testing.assert_array_equal(y, [1, 0.5, 0, 1, 1])
    np.testing.assert_array_equal(x, [2, 4])


CURVATURE = np.logspace(0, 3, 10)


def quadratic(x):
    """Return sum c_i x_i^2 / 2, c from 1 to 1000, and its gradient; the minimum is 0."""
    return CURVATURE @ x**2 / 2, CURVATURE * x


def rosenbrock(x):
    """Return (1 - a)^2 + 100 (b - a^2)^2 and its gradient; the minimum is 0, at (1, 1)."""
    a, b = x
    gradient = [-2 * (1 - a) - 400 * a * (b - a**2), 200 * (b - a**2)]
    return (1 - a) ** 2 + 100 * (b - a**2) ** 2, np.array(gradient)


@pytest.mark.parametrize(
    ("problem", "start"),
    [(quadratic, np.ones(10)), (rosenbrock, np.array([-1.2, 1.0]))],
    ids=["quadratic", "rosenbrock"],
)
@every_optimizer
def test_every_optimizer_minimises_the_same_two_problems(name, problem, start):
    learning_rate, every_setting = MINIMISERS[name]
    for settings in every_setting:
        theta = start.copy()
        optimizer = OPTIMIZERS[name](theta, **settings)
        for _ in range(20_000):
            optimizer.step(theta, problem(theta)[1], learning_rate)
        assert problem(theta)[0] < 1e-6, settings
