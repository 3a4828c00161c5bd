import copy
import inspect
import pickle
import tracemalloc

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from skmlp._engine.linalg import add_scaled
from skmlp._training.optimizers import OPTIMIZERS

ADAM = [
    {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
    {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.1},
    {"beta_1": 0.0, "beta_2": 0.0, "epsilon": 1e-8},
]
SETTINGS = {
    "adam": ADAM,
    "adamw": [
        {**settings, "weight_decay": decay}
        for settings, decay in zip(ADAM, (0.01, 2.0, 0.0), strict=True)
    ],
    "nadam": ADAM,
    "rmsprop": [
        {"beta_2": 0.999, "epsilon": 1e-8},
        {"beta_2": 0.9, "epsilon": 0.1},
        {"beta_2": 0.0, "epsilon": 1e-8},
    ],
    "sgd": [
        {"momentum": momentum, "nesterovs_momentum": nesterov}
        for momentum in (0.0, 0.9, 1.0)
        for nesterov in (False, True)
    ],
}
N_STEPS, SHAPES = 50, [(4, 3), (3, 2), (3,), (2,)]
SIZE, N_WEIGHTS = 23, 18


def described(settings):
    return "-".join(f"{key}={value}" for key, value in settings.items())


def with_every_setting(*names):
    """Parametrise a test over the settings of the optimizers named."""
    cases = [
        pytest.param(name, settings, id=f"{name}-{described(settings)}")
        for name in names
        for settings in SETTINGS[name]
    ]
    return pytest.mark.parametrize(("name", "settings"), cases)


every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)
every_setting = with_every_setting(*OPTIMIZERS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


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


def test_registry_is_sorted():
    assert list(OPTIMIZERS) == sorted(OPTIMIZERS)


@every_optimizer
def test_hyperparameters_are_the_keywords_of_the_constructor(name):
    parameters = inspect.signature(OPTIMIZERS[name]).parameters
    keywords = [p.name for p in parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY]
    assert list(parameters) == ["theta", "n_weights", *keywords]
    assert OPTIMIZERS[name].hyperparameters == tuple(keywords)
    assert all(settings.keys() == set(keywords) for settings in SETTINGS[name])


# --- The published updates ---


def sgd(theta, steps, momentum, nesterovs_momentum):
    v = 0
    for _, g, eta in steps:
        v = momentum * v - eta * g
        theta = theta + (momentum * v - eta * g if nesterovs_momentum else v)
        yield theta


def adam(theta, steps, beta_1, beta_2, epsilon):
    m, v = 0, 0
    for t, g, eta in steps:
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
        step = eta * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        theta = theta - step * m / (np.sqrt(v) + epsilon)
        yield theta


def adamw(theta, steps, beta_1, beta_2, epsilon, weight_decay):
    m, v, decay = 0, 0, np.where(np.arange(SIZE) < N_WEIGHTS, weight_decay, 0)
    for t, g, eta in steps:
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
        m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
        theta = theta - eta * (m_hat / (np.sqrt(v_hat) + epsilon) + decay * theta)
        yield theta


def nadam(theta, steps, beta_1, beta_2, epsilon):
    m, v, mu = 0, 0, beta_1 * (1 - 0.5 * 0.96 ** (np.arange(N_STEPS + 2) * 0.004))
    for t, g, eta in steps:
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
        m_hat = mu[t + 1] * m / (1 - np.prod(mu[1 : t + 2]))
        m_hat = m_hat + (1 - mu[t]) * g / (1 - np.prod(mu[1 : t + 1]))
        theta = theta - eta * m_hat / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        yield theta


def rmsprop(theta, steps, beta_2, epsilon):
    v = 0
    for _, g, eta in steps:
        v = beta_2 * v + (1 - beta_2) * g**2
        theta = theta - eta * g / (np.sqrt(v) + epsilon)
        yield theta


PUBLISHED = {"adam": adam, "adamw": adamw, "nadam": nadam, "rmsprop": rmsprop, "sgd": sgd}


@every_setting
def test_steps_are_the_published_updates(name, settings):
    start, gradients, rates = some_steps()
    steps = zip(range(1, N_STEPS + 1), gradients, rates, strict=True)
    expected = list(PUBLISHED[name](start, steps, **settings))
    optimizer = OPTIMIZERS[name](start, N_WEIGHTS, **settings)
    assert_same_trajectory(trajectory(optimizer, start, gradients, rates), expected)


# --- Those of scikit-learn ---


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


@with_every_setting("sgd", "adam")
def test_sgd_and_adam_are_those_of_scikit_learn(name, settings):
    start, gradients, rates = some_steps()
    shapes = [np.zeros(shape) for shape in SHAPES]
    if name == "sgd":
        momentum, nesterov = settings.values()
        theirs, rate_name = (
            SGDOptimizer(shapes, 0.1, "constant", momentum, nesterov),
            "learning_rate",
        )
    else:
        theirs, rate_name = AdamOptimizer(shapes, 0.1, **settings), "learning_rate_init"
    expected = trajectory_of_scikit_learn(theirs, start, gradients, rates, rate_name)
    optimizer = OPTIMIZERS[name](start, N_WEIGHTS, **settings)
    assert_same_trajectory(trajectory(optimizer, start, gradients, rates), expected)


# --- Those of PyTorch ---


@pytest.fixture
def torch():
    """PyTorch in double precision, which NAdam's product of momenta would else not have."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)


def torch_optimizer(torch, name, groups, settings):
    others = dict(settings)
    betas = others.pop("beta_1", None), others.pop("beta_2", None)
    if name == "sgd":
        momentum, nesterov = settings.values()
        return torch.optim.SGD(groups, lr=0.05, momentum=momentum, nesterov=nesterov)
    if name == "rmsprop":
        return torch.optim.RMSprop(groups, alpha=betas[1], eps=settings["epsilon"])
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "nadam": torch.optim.NAdam}[name]
    return kind(groups, betas=betas, eps=settings["epsilon"])


def trajectory_of_torch(torch, name, settings, start, gradients, rates):
    parts = [torch.tensor(part, requires_grad=True) for part in np.split(start, [N_WEIGHTS])]
    decays = settings.get("weight_decay", 0), 0
    groups = [{"params": [p], "weight_decay": d} for p, d in zip(parts, decays, strict=True)]
    optimizer, thetas = torch_optimizer(torch, name, groups, settings), []
    for g, eta in zip(gradients, rates, strict=True):
        for part, piece in zip(parts, np.split(g, [N_WEIGHTS]), strict=True):
            part.grad = torch.tensor(piece)
        for group in optimizer.param_groups:
            group["lr"] = eta
        optimizer.step()
        thetas.append(np.concatenate([part.detach().numpy() for part in parts]))
    return thetas


# PyTorch has no Nesterov's form of no momentum
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        pytest.param(name, settings, id=f"{name}-{described(settings)}")
        for name in OPTIMIZERS
        for settings in SETTINGS[name]
        if name != "sgd" or settings["momentum"] or not settings["nesterovs_momentum"]
    ],
)
def test_steps_are_those_of_pytorch(torch, name, settings):
    start, gradients, rates = some_steps()
    if name == "sgd":
        # with a rate that changes, PyTorch rescales the steps already taken
        rates = np.full(N_STEPS, 0.05)
    if name == "adam":
        # PyTorch adds epsilon after the bias correction, which makes no difference to a tiny one
        settings = settings | {"epsilon": 1e-30}
    expected = trajectory_of_torch(torch, name, settings, start, gradients, rates)
    optimizer = OPTIMIZERS[name](start, N_WEIGHTS, **settings)
    assert_same_trajectory(trajectory(optimizer, start, gradients, rates), expected)


# --- Decay ---


@every_setting
def test_only_weights_decay_and_only_where_asked(name, settings):
    start, _, rates = some_steps()
    optimizer = OPTIMIZERS[name](start, N_WEIGHTS, **settings)
    theta = trajectory(optimizer, start, np.zeros((N_STEPS, SIZE)), rates)[-1]
    share = np.prod(1 - rates * settings.get("weight_decay", 0))
    np.testing.assert_allclose(theta[:N_WEIGHTS], share * start[:N_WEIGHTS], rtol=1e-12)
    np.testing.assert_array_equal(theta[N_WEIGHTS:], start[N_WEIGHTS:])


# --- Memory, precision and copies ---


def arrays_of(optimizer):
    return {key: value for key, value in vars(optimizer).items() if isinstance(value, np.ndarray)}


@every_dtype
@every_setting
def test_steps_are_in_place_and_keep_every_dtype(name, settings, dtype):
    start, gradients, rates = some_steps()
    theta = start.astype(dtype)
    optimizer = OPTIMIZERS[name](theta, N_WEIGHTS, **settings)
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
    scalars = [value for key, value in vars(optimizer).items() if key not in {*state, "dtype"}]
    assert {type(value) for value in scalars} <= {float, int, bool, type(None)}


def test_sgd_without_momentum_keeps_no_array():
    theta = np.ones(SIZE)
    sgd = OPTIMIZERS["sgd"](theta, N_WEIGHTS, momentum=0, nesterovs_momentum=True)
    assert not arrays_of(sgd)


@every_dtype
@every_setting
def test_a_step_allocates_nothing_of_parameter_size(name, settings, dtype):
    theta, grad = np.ones(100_000, dtype), np.ones(100_000, dtype)
    optimizer = OPTIMIZERS[name](theta, 90_000, **settings)
    tracemalloc.start()
    optimizer.step(theta, grad, 0.1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < theta.nbytes / 10


@every_setting
def test_float32_follows_float64(name, settings):
    start, gradients, rates = some_steps()
    optimizer = OPTIMIZERS[name](start, N_WEIGHTS, **settings)
    exact = trajectory(optimizer, start, gradients, rates)
    start_32, gradients_32 = start.astype("float32"), gradients.astype("float32")
    optimizer = OPTIMIZERS[name](start_32, N_WEIGHTS, **settings)
    single = trajectory(optimizer, start_32, gradients_32, rates)
    np.testing.assert_allclose(single, exact, rtol=1e-4, atol=1e-4)


@every_setting
def test_making_an_optimizer_leaves_the_parameters_alone(name, settings):
    theta = np.ones(3)
    OPTIMIZERS[name](theta, 2, **settings)
    np.testing.assert_array_equal(theta, 1)


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))],
    ids=["deepcopy", "pickle"],
)
@every_setting
def test_a_copy_goes_on_exactly_as_the_original(name, settings, duplicate):
    start, gradients, rates = some_steps()
    optimizer = OPTIMIZERS[name](start, N_WEIGHTS, **settings)
    middle = trajectory(optimizer, start, gradients[:20], rates[:20])[-1]
    twin = duplicate(optimizer)
    expected = trajectory(optimizer, middle, gradients[20:], rates[20:])
    actual = trajectory(twin, middle, gradients[20:], rates[20:])
    np.testing.assert_array_equal(actual, expected)


@every_dtype
def test_add_scaled_is_in_place_on_a_part_of_a_vector(dtype):
    y, x = np.ones(5, dtype), np.array([2, 4], dtype)
    assert add_scaled(y[1:3], -0.25, x) is None
    np.testing.assert_array_equal(y, [1, 0.5, 0, 1, 1])
    np.testing.assert_array_equal(x, [2, 4])


# --- The same two problems for all ---

CURVATURE = np.logspace(0, 3, 10)
N_LONG = 20_000
FALLING = 1 - np.arange(N_LONG) / N_LONG
# rates and settings that come to rest, unlike SGD without friction (momentum 1)
MINIMISERS = {
    "adam": (0.01 * FALLING, ADAM[:1]),
    "adamw": (0.01 * FALLING, SETTINGS["adamw"][:1]),
    "nadam": (0.01 * FALLING, ADAM[:1]),
    "rmsprop": (0.01 * FALLING, SETTINGS["rmsprop"][:1]),
    "sgd": (np.full(N_LONG, 1e-3), [s for s in SETTINGS["sgd"] if s["momentum"] < 1]),
}


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
    rates, settings_of_it = MINIMISERS[name]
    for settings in settings_of_it:
        theta = start.copy()
        # no entry is a weight: a decay would move the minimum
        optimizer = OPTIMIZERS[name](theta, 0, **settings)
        for eta in rates:
            optimizer.step(theta, problem(theta)[1], eta)
        assert problem(theta)[0] < 1e-6, settings
