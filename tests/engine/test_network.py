import copy
import itertools

import numpy as np
import pytest
import regression_rows
from engine_networks import make_network
from gradients import STEP, assert_same_gradient, central_differences
from regression_rows import distance_from_kinks, some_targets
from scipy.sparse import csr_matrix, issparse

from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.layers import Activation, Dropout, GaussianNoise
from skmlp._engine.losses.registry import CLASSIFICATION_LOSSES, LOSSES, REGRESSION_LOSSES
from skmlp._engine.network import set_lengths
from skmlp._engine.sparse_rows import SparseRows
from skmlp._training.optimizers import SGD

N_OUTPUTS = {"softmax": [3], "logistic": [1, 3], "squared_error": [1, 3], "quantile": [1, 3]}
OUTPUTS = [(name, K) for name in LOSSES for K in N_OUTPUTS.get(name, [3])]
OF_CLASSES = [(name, K) for name, K in OUTPUTS if name in CLASSIFICATION_LOSSES]
OF_NUMBERS = [(name, K) for name, K in OUTPUTS if name in REGRESSION_LOSSES]
# what the layers do is the same for all losses
PAIRS = [(h, *output) for h in ACTIVATIONS for output in OF_CLASSES]
PAIRS += [(h, *output) for h in ("relu", "tanh") for output in OF_NUMBERS]
LEVELS = 0.75, 0.1, 0.5
HIDDEN = [(), (5,), (5, 4, 6)]
M, N_FEATURES = 7, 4

every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)
every_pair = pytest.mark.parametrize(("activation", "out", "K"), PAIRS)
every_output = pytest.mark.parametrize(("out", "K"), OUTPUTS)
every_depth = pytest.mark.parametrize("hidden", HIDDEN, ids=len)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
with_and_without_weights = pytest.mark.parametrize("weighted", [False, True])
dense_and_sparse = pytest.mark.parametrize("container", [np.asarray, csr_matrix])
with_and_without_penalty = pytest.mark.parametrize(
    ("alpha", "container"), [(0, np.asarray), (0.7, csr_matrix)], ids=["plain", "alpha-sparse"]
)


def some_rows(out, K, weighted=False, m=M):
    rng = np.random.RandomState(1)
    X = rng.normal(size=(m, N_FEATURES)) * (rng.rand(m, N_FEATURES) < 0.7)
    y = targets_of(out, K, m, rng)
    w = rng.rand(m)
    return X, y, w / w.mean() if weighted else None


def targets_of(out, K, m, rng):
    if out in CLASSIFICATION_LOSSES:
        return rng.randint(K, size=m) if out == "softmax" else rng.rand(m, K) < 0.5
    return some_targets(out, (m, 1 if out == "quantile" else K), rng)


def smoothing_of(out, s):
    """Return the label smoothing: there is none but of labels."""
    return s if out in CLASSIFICATION_LOSSES else 0.0


def some_network(
    hidden, K, activation="tanh", out="softmax", alpha=0.0, dtype="float64", seed=2, **options
):
    if out == "quantile":
        options["loss"] = LOSSES[out](0.3 if K == 1 else LEVELS)
    network = make_network((N_FEATURES, *hidden, K), activation, out, alpha, dtype, **options)
    network.initialize(0.8, np.random.RandomState(seed))
    network.reserve(M)
    return network


def pre_activations(network, X):
    """Return z^1 .. z^L of prediction by the formula, without the arrays of training."""
    parts, a, z = network.parameters.parts, X, []
    for i, name in enumerate([*network.activations, None]):
        z.append(a @ parts["W"][i])
        if i < len(parts["gamma"]):
            std = np.sqrt(parts["var"][i] + 1e-5)
            z[i] = (z[i] - parts["mean"][i]) / std * parts["gamma"][i] + parts["beta"][i]
        else:
            z[i] += parts["b"][i]
        if name is not None:
            a = z[i].copy()
            ACTIVATIONS[name].forward(a, np.empty_like(a))
    return z


def network_far_from_kinks(X, y, *args):
    """Return one in which no step of the differences carries a unit or the loss across a kink."""
    for seed in range(2, 1000):
        network = some_network(*args, seed=seed)
        *hidden, output = pre_activations(network, X)
        distances = [np.abs(z).min() for z in hidden]
        if min([distance_from_kinks(network.loss, output, y), *distances]) > 100 * STEP:
            return network
    raise AssertionError("every network has a unit near a kink")


def objective_of(network, E, m):
    """Return the objective that has the gradient, given the value that goes with it.

    As in MLPRegressor, the squared error is a mean over outputs, its gradient that of their sum.
    """
    if network.loss.name != "squared_error":
        return E
    penalty = network.alpha / (2 * m) * sum((W**2).sum() for W in network.W)
    return network.layer_sizes[-1] * (E - penalty) + penalty


# --- The gradient ---


@with_and_without_penalty
@with_and_without_weights
@every_depth
@every_pair
def test_gradient_is_that_of_central_differences(
    activation, out, K, hidden, weighted, alpha, container
):
    X, y, w = some_rows(out, K, weighted)
    network = network_far_from_kinks(X, y, hidden, K, activation, out, alpha)
    X = container(X)

    network.loss_gradient(X, y, w)
    analytic = network.grad.copy()
    # a layer of dead units would make its check empty
    assert all(layer.dW.any() and layer.db.any() for layer in network.layers)
    numeric = central_differences(
        lambda: objective_of(network, network.loss_gradient(X, y, w), M), network.theta
    )
    assert_same_gradient(analytic, numeric, rtol=1e-7)


@with_and_without_penalty
@with_and_without_weights
@every_depth
@every_pair
def test_value_and_gradient_are_those_of_pytorch(
    activation, out, K, hidden, weighted, alpha, container
):
    network = some_network(hidden, K, activation, out, alpha)
    X, y, w = some_rows(out, K, weighted)
    expected, expected_gradient, _ = value_and_gradients_of_pytorch(network, X, y, w, [])
    assert network.loss_gradient(container(X), y, w) == pytest.approx(expected, rel=1e-12)
    assert_same_gradient(network.grad, expected_gradient, rtol=1e-12)


def value_and_gradients_of_pytorch(network, X, y, w, disturbances):
    """Return E and, by autograd, its gradient by the parameters and that by X.

    Noise and dropout factors are given in their order.
    """
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    named = {"identity": lambda z: z, "logistic": torch.sigmoid, "tanh": torch.tanh}
    parts = {
        name: [torch.tensor(part, requires_grad=True) for part in network.parameters.parts[name]]
        for name in ("W", "b", "gamma", "beta")
    }
    disturbances = iter([(kind, torch.tensor(values)) for kind, values in disturbances])

    def disturbed(a, layers):
        for layer in layers:
            if isinstance(layer, (Dropout, GaussianNoise)):
                kind, values = next(disturbances)
                assert kind is type(layer)
                a = a * values if kind is Dropout else a + values
        return a

    x = torch.tensor(X, requires_grad=True)
    a = disturbed(x, network._on_input)
    for i, name in enumerate(network.activations):
        z = a @ parts["W"][i]
        if network.batch_norms:
            z = F.batch_norm(
                z, None, None, parts["gamma"][i], parts["beta"][i], training=True, eps=1e-5
            )
        else:
            z = z + parts["b"][i]
        steps = network._in_place[i]
        h = next(k for k, layer in enumerate(steps) if isinstance(layer, Activation))
        a = disturbed(z, steps[:h])
        a = disturbed(named[name](a) if name in named else getattr(F, name)(a), steps[h + 1 :])
    z = a @ parts["W"][-1] + parts["b"][-1]

    losses = losses_by_pytorch(network.loss, z, torch.tensor(y))
    loss = (losses if w is None else losses * torch.tensor(w)).mean()
    penalty = network.alpha / (2 * len(y)) * sum((W**2).sum() for W in parts["W"])
    (loss + penalty).backward()
    E = (loss / z.shape[1] if network.loss.name == "squared_error" else loss) + penalty
    gradient = [
        np.zeros(part.numel()) if part.grad is None else part.grad.numpy().ravel()
        for name in ("W", "b", "gamma", "beta")
        for part in parts[name]
    ]
    return E.item(), np.concatenate(gradient), x.grad.numpy()


def losses_by_pytorch(loss, z, y):
    """Return the loss of each row as the sum over its outputs."""
    import torch

    F = torch.nn.functional
    if loss.name in REGRESSION_LOSSES:
        return regression_rows.losses_by_pytorch(loss, z, y)
    if loss.name == "softmax":
        return F.cross_entropy(z, y, reduction="none", label_smoothing=loss.s)
    smoothed = (1 - loss.s) * y.double() + loss.s / 2
    return F.binary_cross_entropy_with_logits(z, smoothed, reduction="none").sum(dim=1)


# --- The gradient with regularisers ---

STRENGTHS = {
    "hidden": [(5,), (5, 4, 6)],
    "weighted": [False, True],
    "container": [np.asarray, csr_matrix],
    "alpha": [0.0, 0.7],
    "batch_norm": [False, True],
    "noise": [0.0, 0.5, "per layer"],
    "dropout": [0.0, 0.3, "per layer"],
    "input_noise": [0.0, 0.4],
    "input_dropout": [0.0, 0.3],
    "label_smoothing": [0.0, 0.2],
}


def regularised_cases():
    """Return four drawn combinations of strengths for each pair of activation and output."""
    rng = np.random.RandomState(0)
    cases = []
    for (activation, *output), _ in itertools.product(PAIRS, range(4)):
        case = {"activation": activation, "output": output}
        case |= {name: values[rng.randint(len(values))] for name, values in STRENGTHS.items()}
        case["label_smoothing"] = smoothing_of(output[0], case["label_smoothing"])
        cases.append(case)
    return cases


CASES = regularised_cases()
every_case = pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))


def test_the_cases_cover_all_pairs_of_strengths():
    for one, other in itertools.combinations(STRENGTHS, 2):
        for values in itertools.product(STRENGTHS[one], STRENGTHS[other]):
            assert any((case[one], case[other]) == values for case in CASES), (one, other, values)


@pytest.fixture
def regularised(case, monkeypatch):
    """Return a network of the case, its rows, and what it draws: the same in each evaluation."""
    options = {name: value for name, value in case.items() if name not in ("output", "container")}
    hidden, weighted = options.pop("hidden"), options.pop("weighted")
    for name, strengths in (("noise", (0.5, 0.0, 0.2)), ("dropout", (0.0, 0.5, 0.2))):
        if options[name] == "per layer":
            options[name] = strengths[: len(hidden)]
    (out, K), seen = case["output"], []
    X, y, w = some_rows(out, K, weighted)
    X = case["container"](X)

    hidden_forward = Activation.forward
    monkeypatch.setattr(
        Activation, "forward", lambda self, a: (seen.append(a.copy()), hidden_forward(self, a))
    )
    loss_gradient = LOSSES[out].loss_gradient
    monkeypatch.setattr(
        LOSSES[out],
        "loss_gradient",
        lambda self, z, y, w: (
            seen.append(distance_from_kinks(self, z, y)),
            loss_gradient(self, z, y, w),
        )[1],
    )
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        network = some_network(hidden, K, out=out, rng=rng, **options)
        network.theta[:] = rng.normal(size=network.theta.size)
        start = copy.deepcopy(rng.bit_generator.state)

        def evaluate(network=network, rng=rng, start=start):
            rng.bit_generator.state = start
            return network.loss_gradient(X, y, w)

        seen.clear()
        evaluate()
        # no step may carry a unit across a kink
        if min(np.abs(z).min() for z in seen) > 1000 * STEP:
            return network, (X, y, w), evaluate
    raise AssertionError("every network has a unit near a kink")


def parts_of(network, gradient):
    """Return the gradient cut into that of each layer's W, b, gamma and beta."""
    parts = network.parameters._cut(gradient)
    return [part.ravel() for name in ("W", "b", "gamma", "beta") for part in parts[name]]


def assert_same_gradient_of_each_part(network, analytic, expected, rtol):
    for ours, theirs in zip(*(parts_of(network, g) for g in (analytic, expected)), strict=True):
        # a shift below a batch normalisation changes nothing
        if np.abs(theirs).max() < 1e-9:
            assert np.abs(ours).max() < 1e-9
        else:
            assert_same_gradient(ours, theirs, rtol)


@every_case
def test_regularised_gradient_is_that_of_central_differences(regularised):
    network, _, evaluate = regularised
    evaluate()
    analytic = network.grad.copy()
    numeric = central_differences(lambda: objective_of(network, evaluate(), M), network.theta)
    assert_same_gradient_of_each_part(network, analytic, numeric, rtol=1e-6)


@every_case
def test_regularised_value_and_gradient_are_those_of_pytorch(regularised, monkeypatch):
    pytest.importorskip("torch")
    network, (X, y, w), evaluate = regularised
    drawn = []

    def record(cls, neutral):
        forward = cls.forward

        def recorded(self, a):
            # what the layer makes of zeros or ones is the noise or the factors
            probe = np.full_like(a, neutral)
            forward(copy.deepcopy(self), probe)
            if a.ndim == 1:  # the entries of a sparse matrix
                probe = csr_matrix((probe, X.indices, X.indptr), X.shape).toarray()
            drawn.append((cls, probe))
            forward(self, a)

        monkeypatch.setattr(cls, "forward", recorded)

    record(GaussianNoise, 0.0)
    record(Dropout, 1.0)
    value = evaluate()
    dense = X.toarray() if issparse(X) else X
    expected, expected_gradient, _ = value_and_gradients_of_pytorch(network, dense, y, w, drawn)
    assert value == pytest.approx(expected, rel=1e-12)
    assert_same_gradient_of_each_part(network, network.grad, expected_gradient, rtol=1e-10)


# --- Adversarial training ---


def by_its_definition(network, X, y, w, rho):
    """Return E and its gradient from two passes of `network`, which has no adversarial radius."""
    gradient_by_x = central_differences(lambda: network.loss_gradient(X, y, w), X.reshape(-1))
    g = gradient_by_x.reshape(X.shape)
    X_moved = X + rho * g / np.linalg.norm(g, axis=1, keepdims=True)
    values, gradients = [], []
    for rows in (X, X_moved):
        values.append(network.loss_gradient(rows, y, w))
        gradients.append(network.grad.copy())
    return np.mean(values), np.mean(gradients, axis=0)


@pytest.mark.parametrize("batch_norm", [False, True])
@dense_and_sparse
@with_and_without_weights
@every_output
@every_depth
@pytest.mark.parametrize("activation", ["tanh", "silu"])
def test_adversarial_gradient_is_the_mean_of_those_of_the_rows_and_the_moved_rows(
    activation, hidden, out, K, weighted, container, batch_norm
):
    X, y, w = some_rows(out, K, weighted)
    options = {"alpha": 0.7, "batch_norm": batch_norm, "label_smoothing": smoothing_of(out, 0.1)}
    plain = some_network(hidden, K, activation, out, **options)
    adversarial = some_network(hidden, K, activation, out, adversarial_radius=0.3, **options)
    expected, gradient = by_its_definition(plain, X.copy(), y, w, rho=0.3)
    given = container(X)
    assert adversarial.loss_gradient(given, y, w) == pytest.approx(expected, rel=1e-8)
    assert_same_gradient(adversarial.grad, gradient, rtol=1e-7)
    np.testing.assert_array_equal(given.toarray() if issparse(given) else given, X)


@pytest.mark.parametrize("batch_norm", [False, True])
@with_and_without_weights
@every_pair
def test_adversarial_value_and_gradient_are_those_of_pytorch(
    activation, out, K, weighted, batch_norm
):
    X, y, w = some_rows(out, K, weighted)
    options = {"alpha": 0.7, "batch_norm": batch_norm, "label_smoothing": smoothing_of(out, 0.1)}
    network = some_network((5, 4, 6), K, activation, out, adversarial_radius=0.3, **options)
    value, gradient, g = value_and_gradients_of_pytorch(network, X, y, w, [])
    X_moved = X + 0.3 * g / np.linalg.norm(g, axis=1, keepdims=True)
    value_moved, gradient_moved, _ = value_and_gradients_of_pytorch(network, X_moved, y, w, [])
    expected = (value + value_moved) / 2
    assert network.loss_gradient(X, y, w) == pytest.approx(expected, rel=1e-10)
    assert_same_gradient(network.grad, (gradient + gradient_moved) / 2, rtol=1e-10)


def test_moved_rows_have_a_higher_loss():
    X, y, _ = some_rows("softmax", 3)
    values = [
        some_network((5, 4), 3, adversarial_radius=rho).loss_gradient(X, y)
        for rho in (0, 0.1, 0.3, 1)
    ]
    assert values == sorted(values)


def test_disturbed_rows_are_moved_from_where_the_disturbance_left_them():
    X, y, w = some_rows("softmax", 3, weighted=True)
    options = {"input_noise": 0.4, "adversarial_radius": 0.3}
    network = some_network((5,), 3, rng=np.random.default_rng(0), **options)
    noise = 0.4 * np.random.default_rng(0).standard_normal(size=X.shape)
    expected, gradient = by_its_definition(some_network((5,), 3), X + noise, y, w, rho=0.3)
    assert network.loss_gradient(X, y, w) == pytest.approx(expected, rel=1e-8)
    assert_same_gradient(network.grad, gradient, rtol=1e-7)


@every_dtype
@pytest.mark.parametrize("scale", [1e-36, 1e-20, 1.0, 1e20])
def test_lengths_are_set_whatever_the_scale(scale, dtype):
    rows = np.array([[3, 0, -4], [0, 0, 0], [1, 1, 1]], dtype) * np.array(scale, dtype)
    set_lengths(rows, 2.0)
    expected = [[1.2, 0, -1.6], [0, 0, 0], [2 / np.sqrt(3)] * 3]
    np.testing.assert_allclose(rows, expected, rtol=1e-6)
    assert rows.dtype == dtype


@dense_and_sparse
def test_disturbances_leave_the_rows_as_they_are(container):
    X, y, _ = some_rows("softmax", 3)
    given, expected = container(X), X.copy()
    for options in ({"input_noise": 0.5}, {"input_dropout": 0.5}):
        network = some_network((5,), 3, rng=np.random.default_rng(0), **options)
        network.loss_gradient(given, y)
        np.testing.assert_array_equal(given.toarray() if issparse(given) else given, expected)


def test_strengths_of_zero_are_as_if_they_were_not_given():
    X, y, w = some_rows("softmax", 3, weighted=True)
    plain = some_network((5, 4), 3, alpha=0.7)
    rng = np.random.default_rng(0)
    zero = some_network(
        (5, 4), 3, alpha=0.7, noise=0.0, dropout=[0.0, 0.0], input_noise=0.0, input_dropout=0.0,
        label_smoothing=0.0, rng=rng,
    )  # fmt: skip
    assert zero.loss_gradient(X, y, w) == plain.loss_gradient(X, y, w)
    np.testing.assert_array_equal(zero.grad, plain.grad)
    assert rng.random() == np.random.default_rng(0).random()


def test_every_evaluation_draws_new_noise_and_new_dropout():
    X, y, _ = some_rows("softmax", 3)
    for options in (
        {"noise": 0.5},
        {"dropout": 0.5},
        {"input_noise": 0.5},
        {"input_dropout": 0.5},
    ):
        network = some_network((5,), 3, rng=np.random.default_rng(0), **options)
        assert network.loss_gradient(X, y) != network.loss_gradient(X, y)


def test_failing_gradient_check_prints_both_values():
    with pytest.raises(AssertionError, match=r"(?s)relative error .* 1 +\+2\.5\S* +\+2\.0"):
        assert_same_gradient(np.array([1.0, 2.5]), np.array([1.0, 2.0]))


def test_gradient_check_fails_on_nan():
    with pytest.raises(AssertionError):
        assert_same_gradient(np.array([np.nan]), np.array([1.0]))


def test_one_step_of_a_2_2_2_network_worked_by_hand():
    # one row x = (1, 2) of class 0; logistic hidden units, softmax output, eta = 0.5
    network = make_network((2, 2, 2), "logistic", "softmax")
    network.parameters.set_affine(
        [[[0.1, -0.3], [0.2, 0.4]], [[1.0, -1.0], [2.0, 0.0]]], [[0.5, -0.5], [0.0, 1.0]]
    )
    network.reserve(1)
    X, y = np.array([[1.0, 2.0]]), np.array([0])

    # z^1 = x W^1 + b^1 = (0.1 + 0.4 + 0.5, -0.3 + 0.8 - 0.5) = (1, 0)
    # a^1 = 1 / (1 + e^-z) = (0.731059, 0.5)
    # z^2 = a^1 W^2 + b^2 = (0.731059 + 2 * 0.5, -0.731059 + 0 + 1) = (1.731059, 0.268941)
    np.testing.assert_allclose(network.predictor().raw(X), [[1.731059, 0.268941]], atol=1e-6)

    # a^2 = (1 / (1 + e^-(1.731059 - 0.268941)), 1 - that) = (0.811856, 0.188144)
    # E = -log 0.811856 = 0.208432
    assert network.loss_gradient(X, y) == pytest.approx(0.208432, abs=1e-6)

    # delta^2 = a^2 - (1, 0) = (-0.188144, 0.188144) = db^2
    # dW^2 = a^1T delta^2: 0.731059 * 0.188144 = 0.137544, 0.5 * 0.188144 = 0.094072
    output = network.layers[1]
    np.testing.assert_allclose(output.db, [-0.188144, 0.188144], atol=1e-6)
    np.testing.assert_allclose(output.dW, [[-0.137544, 0.137544], [-0.094072, 0.094072]], atol=1e-6)

    # delta^2 W^2T = (-0.188144 - 0.188144, -2 * 0.188144 + 0) = (-0.376287, -0.376287)
    # h'(z^1) = a^1 (1 - a^1) = (0.196612, 0.25)
    # delta^1 = their product = (-0.073983, -0.094072) = db^1
    # dW^1 = x^T delta^1: the second row is twice the first, as x = (1, 2)
    hidden = network.layers[0]
    np.testing.assert_allclose(hidden.db, [-0.073983, -0.094072], atol=1e-6)
    np.testing.assert_allclose(
        hidden.dW, [[-0.073983, -0.094072], [-0.147965, -0.188144]], atol=1e-6
    )

    # theta <- theta - eta gradient
    optimizer = SGD(network.theta, network.n_weights, momentum=0.0, nesterovs_momentum=False)
    optimizer.step(network.theta, network.grad, 0.5)
    expected = [
        [[0.136991, -0.252964], [0.273983, 0.494072]],
        [[1.068772, -1.068772], [2.047036, -0.047036]],
        [0.536991, -0.452964],
        [0.094072, 0.905928],
    ]
    for part, expected_part in zip([*network.W, *network.b], expected, strict=True):
        np.testing.assert_allclose(part, expected_part, atol=1e-6)


# --- The parameters ---


@pytest.mark.parametrize("batch_norm", [False, True])
@every_depth
def test_the_layers_are_views_of_the_parameters_and_their_gradient(hidden, batch_norm):
    network = some_network(hidden, 3, batch_norm=batch_norm)
    parts, grads = network.parameters.parts, network.parameters.grads
    for i, layer in enumerate(network.layers):
        assert layer.W is network.W[i] is parts["W"][i]
        assert layer.dW is grads["W"][i]
        has_bias = not batch_norm or i == len(hidden)
        assert layer.b is (parts["b"][i] if has_bias else None)
        assert layer.db is (grads["b"][i] if has_bias else None)
    assert len(network.batch_norms) == (len(hidden) if batch_norm else 0)
    for i, norm in enumerate(network.batch_norms):
        for name in ("gamma", "beta", "mean", "var"):
            assert getattr(norm, name) is parts[name][i]
        assert norm.dgamma is grads["gamma"][i]
        assert norm.dbeta is grads["beta"][i]


@pytest.mark.parametrize("averaging", [False, True])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_same_seed_draws_the_same_weights_with_and_without_batch_normalisation(
    batch_norm, averaging
):
    plain = some_network((5, 4), 3)
    network = some_network((5, 4), 3, batch_norm=batch_norm, averaging=averaging)
    for W, expected in zip(network.W, plain.W, strict=True):
        np.testing.assert_array_equal(W, expected)
    for b, expected in zip(network.b[:-1], plain.b[:-1], strict=True):
        np.testing.assert_array_equal(b, 0 if batch_norm else expected)
    np.testing.assert_array_equal(network.b[-1], plain.b[-1])
    for vector in network.parameters.vectors[1:]:
        np.testing.assert_array_equal(vector, network.parameters.vectors[0])


def test_each_hidden_layer_has_its_own_activation():
    X, _, _ = some_rows("softmax", 3)
    network = some_network((5, 4), 3, ["relu", "tanh"])
    a = np.tanh(np.maximum(X @ network.W[0] + network.b[0], 0) @ network.W[1] + network.b[1])
    np.testing.assert_allclose(
        network.predictor().raw(X), a @ network.W[2] + network.b[2], rtol=1e-13
    )


# --- Prediction ---


def with_running_statistics(network, seed=0):
    """Give the network random parameters and running means."""
    rng = np.random.RandomState(seed)
    network.theta[:] = rng.normal(size=network.theta.size)
    for mean, var in zip(
        *(network.parameters.parts[name] for name in ("mean", "var")), strict=True
    ):
        mean[:], var[:] = rng.normal(size=mean.shape), rng.gamma(2, size=var.shape)
    return network


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize(
    ("chunk_rows", "container"),
    [
        (None, np.asarray),
        (1, csr_matrix),
        (3, np.asarray),
        (3, csr_matrix),
        (M, np.asarray),
        (100, csr_matrix),
    ],
)
@every_depth
@every_activation
def test_logits_are_the_last_pre_activations(activation, hidden, chunk_rows, batch_norm, container):
    network = with_running_statistics(some_network(hidden, 3, activation, batch_norm=batch_norm))
    X, _, _ = some_rows("softmax", 3)
    z = network.predictor().raw(container(X), chunk_rows)
    np.testing.assert_allclose(z, pre_activations(network, X)[-1], rtol=1e-10)


@dense_and_sparse
def test_prediction_knows_neither_noise_nor_dropout(container):
    X, _, _ = some_rows("softmax", 3)
    options = {"noise": 0.5, "dropout": 0.5, "input_noise": 0.5, "input_dropout": 0.5}
    network = some_network((5, 4), 3, rng=np.random.default_rng(0), **options)
    expected = some_network((5, 4), 3).predictor().raw(X)
    np.testing.assert_allclose(network.predictor().raw(container(X)), expected, rtol=1e-13)


@pytest.mark.parametrize("hidden", [(5,), (5, 4, 6)], ids=len)
def test_running_means_and_predictions_are_those_of_pytorch_after_the_same_batches(hidden):
    torch = pytest.importorskip("torch")
    network = with_running_statistics(some_network(hidden, 3, batch_norm=True))
    for mean, var in zip(
        *(network.parameters.parts[name] for name in ("mean", "var")), strict=True
    ):
        mean[:], var[:] = 0, 1
    parts, modules = network.parameters.parts, []
    for i, (W, b) in enumerate(zip(network.W, network.b, strict=True)):
        dense = torch.nn.Linear(*W.shape, bias=i == len(hidden)).double()
        dense.weight.data = torch.tensor(W.T)
        modules.append(dense)
        if i < len(hidden):
            norm = torch.nn.BatchNorm1d(W.shape[1]).double()
            norm.weight.data, norm.bias.data = (
                torch.tensor(parts[name][i]) for name in ("gamma", "beta")
            )
            modules += [norm, torch.nn.Tanh()]
        else:
            dense.bias.data = torch.tensor(b)
    theirs = torch.nn.Sequential(*modules)

    rng = np.random.RandomState(3)
    for m in (M, 5, 2, M):
        X = rng.normal(1, 2, size=(m, N_FEATURES))
        network.loss_gradient(X, rng.randint(3, size=m))
        theirs(torch.tensor(X))
    norms = [module for module in theirs if isinstance(module, torch.nn.BatchNorm1d)]
    for norm, mean, var in zip(norms, parts["mean"], parts["var"], strict=True):
        np.testing.assert_allclose(mean, norm.running_mean.numpy(), rtol=1e-10)
        np.testing.assert_allclose(var, norm.running_var.numpy(), rtol=1e-10)
    with torch.no_grad():
        expected = theirs.eval()(torch.tensor(X)).numpy()
    np.testing.assert_allclose(network.predictor().raw(X), expected, rtol=1e-10)


@dense_and_sparse
@every_activation
def test_population_statistics_normalise_prediction_as_a_batch_of_all_rows_does(
    activation, container
):
    network = with_running_statistics(some_network((5, 4, 6), 3, activation, batch_norm=True))
    X, y, _ = some_rows("softmax", 3)
    in_training = network.loss_gradient(X, y)
    network.update_batch_norm_statistics(container(X))
    predicted = LOSSES["softmax"]().loss_gradient(network.predictor().raw(X), y)
    assert predicted == pytest.approx(in_training, rel=1e-12)


def test_population_statistics_are_without_noise_and_dropout():
    options = {"noise": 0.5, "dropout": 0.5, "input_noise": 0.5, "input_dropout": 0.5}
    rng = np.random.default_rng(0)
    disturbed = some_network((5, 4), 3, batch_norm=True, rng=rng, **options)
    plain = some_network((5, 4), 3, batch_norm=True)
    X, _, _ = some_rows("softmax", 3)
    for network in (disturbed, plain):
        network.update_batch_norm_statistics(X)
    np.testing.assert_array_equal(disturbed.parameters.vectors, plain.parameters.vectors)
    assert rng.random() == np.random.default_rng(0).random()


def test_population_statistics_are_of_the_running_mean_of_the_parameters_if_there_is_one():
    network = some_network((5, 4), 3, batch_norm=True, averaging=True)
    mean_alone = some_network((5, 4), 3, batch_norm=True)
    X, _, _ = some_rows("softmax", 3)
    current = network.parameters.vectors[0].copy()
    network.parameters.vectors[1] *= 1.5
    mean_alone.parameters.vectors[0] = network.parameters.vectors[1]
    for n in (network, mean_alone):
        n.update_batch_norm_statistics(X)
    np.testing.assert_array_equal(network.parameters.vectors[0], current)
    np.testing.assert_array_equal(network.parameters.vectors[1], mean_alone.parameters.vectors[0])
    np.testing.assert_array_equal(network.predictor().raw(X), mean_alone.predictor().raw(X))


def test_logits_of_no_rows_are_empty():
    assert some_network((5,), 3).predictor().raw(np.empty((0, N_FEATURES))).shape == (0, 3)


def test_logits_touch_neither_the_gradient_nor_the_arrays_of_training():
    network = some_network((5, 4), 3)
    X, y, _ = some_rows("softmax", 3)
    network.loss_gradient(X, y)
    arrays = [network.theta, network.grad, *network._a, *network._delta]
    before = [array.copy() for array in arrays]
    z = network.predictor().raw(X[::-1])
    for array, kept in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, kept)
        assert not np.shares_memory(array, z)


@every_output
def test_a_batch_smaller_than_reserved_is_as_if_reserved_exactly(out, K):
    network = some_network((5, 4), K, out=out, alpha=0.7)
    X, y, w = some_rows(out, K, weighted=True)
    network.loss_gradient(X, y, w)
    value = network.loss_gradient(X[:3], y[:3], w[:3])
    gradient = network.grad.copy()
    network.reserve(3)
    assert network.loss_gradient(X[:3], y[:3], w[:3]) == value
    np.testing.assert_array_equal(network.grad, gradient)


@every_output
def test_loss_gradient_changes_neither_parameters_nor_data(out, K):
    network = some_network((5,), K, out=out, alpha=0.7)
    X, y, w = some_rows(out, K, weighted=True)
    arrays = [network.theta, X, y, w]
    before = [array.copy() for array in arrays]
    first = network.loss_gradient(X, y, w)
    gradient = network.grad.copy()
    assert network.loss_gradient(X, y, w) == first
    np.testing.assert_array_equal(network.grad, gradient)
    for array, kept in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, kept)


@every_output
def test_whole_weights_are_repeated_rows(out, K):
    X, y, _ = some_rows(out, K)
    times = np.array([2, 0, 1, 3, 1, 0, 0])
    assert times.mean() == 1
    weighted, repeated = (some_network((5,), K, out=out, alpha=0.7) for _ in range(2))
    value = weighted.loss_gradient(X, y, times.astype(float))
    index = np.repeat(np.arange(M), times)
    assert value == pytest.approx(repeated.loss_gradient(X[index], y[index]), rel=1e-13)
    np.testing.assert_allclose(weighted.grad, repeated.grad, rtol=1e-12, atol=1e-15)


def test_penalty_is_on_weights_only_and_divided_by_the_rows():
    X, y, _ = some_rows("softmax", 3)
    plain, penalised = some_network((5,), 3), some_network((5,), 3, alpha=0.7)
    penalty = penalised.loss_gradient(X, y) - plain.loss_gradient(X, y)
    assert penalty == pytest.approx(0.7 / (2 * M) * sum((W**2).sum() for W in plain.W))
    for layer, without in zip(penalised.layers, plain.layers, strict=True):
        np.testing.assert_allclose(layer.dW - without.dW, 0.7 / M * layer.W, rtol=1e-10)
        np.testing.assert_array_equal(layer.db, without.db)


@dense_and_sparse
@with_and_without_weights
@every_pair
@every_dtype
def test_every_number_has_the_dtype_of_the_network(dtype, activation, out, K, weighted, container):
    network = some_network((5, 4), K, activation, out, alpha=0.7, dtype=dtype)
    exact = some_network((5, 4), K, activation, out, alpha=0.7)
    X, y, w = some_rows(out, K, weighted)
    expected = exact.loss_gradient(X, y, w)
    X = container(X.astype(dtype))
    y = y.astype(dtype) if y.dtype.kind == "f" else y
    value = network.loss_gradient(X, y, None if w is None else w.astype(dtype))
    assert isinstance(value, float)
    arrays = [network.theta, network.grad, *network.W, *network.b, *network._a, *network._delta]
    assert all(array.dtype == dtype for array in [*arrays, network.predictor().raw(X)])
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    assert value == pytest.approx(expected, rel=tolerance)
    size = max(1, np.abs(exact.grad).max())
    np.testing.assert_allclose(network.grad, exact.grad, atol=size * tolerance)


@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
def test_products_in_pieces_change_the_order_of_sums_at_most(container):
    rng = np.random.default_rng(0)
    X, y = container(rng.normal(size=(37, 50))), rng.integers(3, size=37)
    results = []
    for in_pieces in (False, True):
        network = make_network((50, 20, 3), "tanh", "softmax", alpha=0.1, in_pieces=in_pieces)
        network.initialize("glorot_uniform", np.random.RandomState(0))
        network.reserve(37)
        results.append((network.loss_gradient(X, y), network.grad))
    (E, grad), (E_in_pieces, grad_in_pieces) = results
    assert E_in_pieces == pytest.approx(E, rel=1e-12)
    np.testing.assert_allclose(grad_in_pieces, grad, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_sparse_rows_give_the_gradient_of_dense_rows(batch_norm):
    rng = np.random.default_rng(0)
    X, y = (
        csr_matrix(rng.normal(size=(37, 50)) * (rng.random((37, 50)) < 0.2)),
        rng.integers(3, size=37),
    )
    network = make_network((50, 20, 3), "tanh", "softmax", alpha=0.1, batch_norm=batch_norm)
    network.initialize("glorot_uniform", np.random.RandomState(0))
    network.reserve(37)
    E, expected = network.loss_gradient(X.toarray(), y), network.grad.copy()
    rows = SparseRows(X, 37, np.dtype("float64")).take(np.arange(37))
    assert network.loss_gradient(rows, y) == pytest.approx(E, rel=1e-13)
    np.testing.assert_allclose(network.grad, expected, rtol=1e-10, atol=1e-15)


def test_sparse_rows_are_for_networks_that_take_x_as_it_is():
    hidden = make_network((5, 4, 3), "relu", "softmax")
    assert hidden.takes_sparse_rows
    assert not make_network((5, 3), "relu", "softmax").takes_sparse_rows
    for name in ("adversarial_radius", "input_noise", "input_dropout"):
        options = {name: 0.5, "rng": np.random.default_rng(0)}
        assert not make_network((5, 4, 3), "relu", "softmax", **options).takes_sparse_rows
