import numpy as np
import pytest
from gradients import STEP, assert_same_gradient, central_differences
from scipy.sparse import csr_matrix

from skmlp._activations import ACTIVATIONS
from skmlp._layers import Dense
from skmlp._losses import LOSSES
from skmlp._network import Network
from skmlp._optimizers import SGD

N_OUTPUTS = {"softmax": [3], "logistic": [1, 3]}
OUTPUTS = [(name, K) for name in LOSSES for K in N_OUTPUTS.get(name, [3])]
HIDDEN = [(), (5,), (5, 4, 6)]
M, N_FEATURES = 7, 4

every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)
every_output = pytest.mark.parametrize(("out", "K"), OUTPUTS)
every_depth = pytest.mark.parametrize("hidden", HIDDEN, ids=len)
every_alpha = pytest.mark.parametrize("alpha", [0, 0.7])
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
with_and_without_weights = pytest.mark.parametrize("weighted", [False, True])
dense_and_sparse = pytest.mark.parametrize("container", [np.asarray, csr_matrix])


def some_rows(out, K, weighted=False, m=M):
    rng = np.random.RandomState(1)
    X = rng.normal(size=(m, N_FEATURES)) * (rng.rand(m, N_FEATURES) < 0.7)
    y = rng.randint(K, size=m) if out == "softmax" else rng.rand(m, K) < 0.5
    w = rng.rand(m)
    return X, y, w / w.mean() if weighted else None


def some_network(hidden, K, activation="tanh", out="softmax", alpha=0.0, dtype="float64"):
    network = Network((N_FEATURES, *hidden, K), activation, out, alpha, np.dtype(dtype))
    network.initialize(0.8, np.random.RandomState(2))
    network.reserve(M)
    return network


def pre_activations(network, X):
    """Return z^1 .. z^L by the formula, without the arrays of training."""
    a, z = X, []
    for W, b in zip(network.W, network.b, strict=True):
        z.append(a @ W + b)
        a = z[-1].copy()
        network.h.forward(a)
    return z


@dense_and_sparse
@every_alpha
@with_and_without_weights
@every_depth
@every_output
@every_activation
def test_gradient_is_that_of_central_differences(
    activation, out, K, hidden, weighted, alpha, container
):
    network = some_network(hidden, K, activation, out, alpha)
    X, y, w = some_rows(out, K, weighted)
    # no step may carry a unit across the kink of relu
    assert all(np.abs(z).min() > 100 * STEP for z in pre_activations(network, X)[:-1])
    X = container(X)

    network.loss_gradient(X, y, w)
    analytic = network.grad.copy()
    # a layer of dead units would make its check empty
    assert all(layer.dW.any() and layer.db.any() for layer in network.layers)
    numeric = central_differences(lambda: network.loss_gradient(X, y, w), network.theta)
    assert_same_gradient(analytic, numeric, rtol=1e-7)


@dense_and_sparse
@every_alpha
@with_and_without_weights
@every_depth
@every_output
@every_activation
def test_value_and_gradient_are_those_of_pytorch(
    activation, out, K, hidden, weighted, alpha, container
):
    torch = pytest.importorskip("torch")
    h = {
        "identity": lambda z: z,
        "logistic": torch.sigmoid,
        "relu": torch.relu,
        "tanh": torch.tanh,
    }[activation]
    row_losses = {
        "softmax": lambda z, y: torch.nn.functional.cross_entropy(z, y, reduction="none"),
        "logistic": lambda z, y: torch.nn.functional.binary_cross_entropy_with_logits(
            z, y.double(), reduction="none"
        ).sum(dim=1),
    }[out]
    network = some_network(hidden, K, activation, out, alpha)
    X, y, w = some_rows(out, K, weighted)

    W = [torch.tensor(W_l, requires_grad=True) for W_l in network.W]
    b = [torch.tensor(b_l, requires_grad=True) for b_l in network.b]
    z = torch.tensor(X) @ W[0] + b[0]
    for W_l, b_l in zip(W[1:], b[1:], strict=True):
        z = h(z) @ W_l + b_l
    losses = row_losses(z, torch.tensor(y))
    losses = losses if w is None else losses * torch.tensor(w)
    expected = losses.mean() + alpha / (2 * M) * sum((W_l**2).sum() for W_l in W)
    expected.backward()

    value = network.loss_gradient(container(X), y, w)
    assert value == pytest.approx(expected.item(), rel=1e-12)
    expected_gradient = np.concatenate([p.grad.numpy().ravel() for p in [*W, *b]])
    assert_same_gradient(network.grad, expected_gradient, rtol=1e-12)


def test_failing_gradient_check_prints_both_values():
    with pytest.raises(AssertionError, match=r"(?s)relative error .* 1 +\+2\.5\S* +\+2\.0"):
        assert_same_gradient(np.array([1.0, 2.5]), np.array([1.0, 2.0]))


def test_gradient_check_fails_on_nan():
    with pytest.raises(AssertionError):
        assert_same_gradient(np.array([np.nan]), np.array([1.0]))


def test_one_step_of_a_2_2_2_network_worked_by_hand():
    # one row x = (1, 2) of class 0; logistic hidden units, softmax output, eta = 0.5
    network = Network((2, 2, 2), "logistic", "softmax", 0.0, np.dtype("float64"))
    network.set_parameters(
        [[[0.1, -0.3], [0.2, 0.4]], [[1.0, -1.0], [2.0, 0.0]]], [[0.5, -0.5], [0.0, 1.0]]
    )
    network.reserve(1)
    X, y = np.array([[1.0, 2.0]]), np.array([0])

    # z^1 = x W^1 + b^1 = (0.1 + 0.4 + 0.5, -0.3 + 0.8 - 0.5) = (1, 0)
    # a^1 = 1 / (1 + e^-z) = (0.731059, 0.5)
    # z^2 = a^1 W^2 + b^2 = (0.731059 + 2 * 0.5, -0.731059 + 0 + 1) = (1.731059, 0.268941)
    np.testing.assert_allclose(network.logits(X), [[1.731059, 0.268941]], atol=1e-6)

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
    SGD(network.theta, momentum=0.0, nesterov=False).step(network.theta, network.grad, 0.5)
    expected = [
        [[0.136991, -0.252964], [0.273983, 0.494072]],
        [[1.068772, -1.068772], [2.047036, -0.047036]],
        [0.536991, -0.452964],
        [0.094072, 0.905928],
    ]
    for part, expected_part in zip([*network.W, *network.b], expected, strict=True):
        np.testing.assert_allclose(part, expected_part, atol=1e-6)


@every_depth
def test_theta_is_all_weights_then_all_biases_and_the_layers_are_views(hidden):
    network = some_network(hidden, 3)
    parts = [*network.W, *network.b]
    np.testing.assert_array_equal(network.theta, np.concatenate([p.ravel() for p in parts]))
    assert network.n_weights == sum(W.size for W in network.W)
    network.theta[:] = np.arange(network.theta.size)
    np.testing.assert_array_equal(network.theta, np.concatenate([p.ravel() for p in parts]))
    network.grad[:] = 1
    for layer, W, b in zip(network.layers, network.W, network.b, strict=True):
        assert layer.W is W
        assert layer.b is b
        assert (layer.dW == 1).all()
        assert (layer.db == 1).all()


def test_set_parameters_copies():
    network = some_network((5,), 3)
    coefs, intercepts = [np.ones((4, 5)), np.ones((5, 3))], [np.ones(5), np.ones(3)]
    network.set_parameters(coefs, intercepts)
    network.theta += 1
    assert (network.theta == 2).all()
    assert all((part == 1).all() for part in [*coefs, *intercepts])


@dense_and_sparse
@pytest.mark.parametrize("chunk_rows", [None, 1, 3, M, 100])
@every_depth
@every_activation
def test_logits_are_the_last_pre_activations(activation, hidden, chunk_rows, container):
    network = some_network(hidden, 3, activation)
    X, _, _ = some_rows("softmax", 3)
    z = network.logits(container(X), chunk_rows)
    np.testing.assert_allclose(z, pre_activations(network, X)[-1], rtol=1e-12)


def test_logits_of_no_rows_are_empty():
    assert some_network((5,), 3).logits(np.empty((0, N_FEATURES))).shape == (0, 3)


def test_logits_touch_neither_the_gradient_nor_the_arrays_of_training():
    network = some_network((5, 4), 3)
    X, y, _ = some_rows("softmax", 3)
    network.loss_gradient(X, y)
    arrays = [network.theta, network.grad, *network._a, *network._delta]
    before = [array.copy() for array in arrays]
    z = network.logits(X[::-1])
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)
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
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


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
@every_output
@every_activation
@every_dtype
def test_every_number_has_the_dtype_of_the_network(dtype, activation, out, K, weighted, container):
    network = some_network((5, 4), K, activation, out, alpha=0.7, dtype=dtype)
    exact = some_network((5, 4), K, activation, out, alpha=0.7)
    X, y, w = some_rows(out, K, weighted)
    expected = exact.loss_gradient(X, y, w)
    X = container(X.astype(dtype))
    value = network.loss_gradient(X, y, None if w is None else w.astype(dtype))
    assert isinstance(value, float)
    arrays = [network.theta, network.grad, *network.W, *network.b, *network._a, *network._delta]
    assert all(array.dtype == dtype for array in [*arrays, network.logits(X)])
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    assert value == pytest.approx(expected, rel=tolerance)
    np.testing.assert_allclose(network.grad, exact.grad, atol=tolerance)


@dense_and_sparse
@every_dtype
def test_dense_layer_computes_its_formulas_in_place(dtype, container):
    rng = np.random.RandomState(0)
    a, delta, W, b = (rng.normal(size=shape) for shape in [(7, 4), (7, 3), (4, 3), (3,)])
    layer = Dense(W.astype(dtype), b.astype(dtype), np.empty_like(W, dtype), np.empty(3, dtype))
    buffers = dW, db = layer.dW, layer.db
    z, delta_below = np.empty((7, 3), dtype), np.empty((7, 4), dtype)
    layer.forward(container(a.astype(dtype)), z)
    layer.backward(container(a.astype(dtype)), delta.astype(dtype), delta_below)
    assert all(ours is given for ours, given in zip((layer.dW, layer.db), buffers, strict=True))
    assert z.dtype == delta_below.dtype == dW.dtype == db.dtype == dtype
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    np.testing.assert_allclose(z, a @ W + b, atol=tolerance)
    np.testing.assert_allclose(dW, a.T @ delta, atol=tolerance)
    np.testing.assert_allclose(db, delta.sum(axis=0), atol=tolerance)
    np.testing.assert_allclose(delta_below, delta @ W.T, atol=tolerance)


@dense_and_sparse
def test_lowest_layer_needs_no_delta_below(container):
    rng = np.random.RandomState(0)
    a, delta = rng.normal(size=(7, 4)), rng.normal(size=(7, 3))
    layer = Dense(np.ones((4, 3)), np.ones(3), np.empty((4, 3)), np.empty(3))
    layer.backward(container(a), delta, None)
    np.testing.assert_allclose(layer.dW, a.T @ delta, rtol=1e-13)
