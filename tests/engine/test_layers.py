import copy
import tracemalloc

import numpy as np
import pytest
from gradients import STEP, assert_same_gradient, central_differences
from scipy.sparse import csr_matrix
from scipy.stats import kstest

from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    GaussianNoise,
)
from skmlp._engine.linalg import affine, matmul

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
dense_and_sparse = pytest.mark.parametrize("container", [np.asarray, csr_matrix])


# --- Dense ---


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


@dense_and_sparse
def test_a_layer_without_bias_adds_none_and_has_no_gradient_of_it(container):
    rng = np.random.RandomState(0)
    a, delta, W = (rng.normal(size=shape) for shape in [(7, 4), (7, 3), (4, 3)])
    layer, z = Dense(W, None, np.empty((4, 3)), None), np.empty((7, 3))
    layer.forward(container(a), z)
    layer.backward(container(a), delta, None)
    np.testing.assert_allclose(z, a @ W, rtol=1e-13)
    np.testing.assert_allclose(layer.dW, a.T @ delta, rtol=1e-13)
    assert layer.db is None


@dense_and_sparse
@pytest.mark.parametrize("order", ["C", "F", None])
def test_products_are_written_into_arrays_of_any_order(order, container):
    rng = np.random.RandomState(0)
    A, B, b = rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), rng.normal(size=3)
    out = None if order is None else np.full((5, 3), np.nan, order=order)
    z = matmul(container(A), B, out)
    assert out is None or z is out
    np.testing.assert_allclose(z, A @ B, rtol=1e-13)
    np.testing.assert_allclose(affine(container(A), B, b, out), A @ B + b, rtol=1e-13)


@every_dtype
def test_longer_incoming_weights_are_scaled_to_the_largest_norm(dtype):
    W = np.array([[3.0, 0.3, 0.0], [4.0, 0.4, 0.0]], dtype)
    layer = Dense(W, np.array([9.0, 9.0, 9.0], dtype), np.empty_like(W), np.empty(3, dtype))
    layer.limit_norms(1.0)
    assert layer.W is W
    np.testing.assert_allclose(W, [[0.6, 0.3, 0.0], [0.8, 0.4, 0.0]], rtol=1e-6)
    np.testing.assert_array_equal(W[:, 1:], np.array([[0.3, 0.0], [0.4, 0.0]], dtype))
    np.testing.assert_array_equal(layer.b, 9)


def test_norms_are_limited_by_the_published_formula():
    W = np.random.RandomState(0).normal(size=(6, 40))
    layer = Dense(W.copy(), None, np.empty_like(W), None)
    layer.limit_norms(2.5)
    norms = np.linalg.norm(W, axis=0)
    assert norms.min() < 2.5 < norms.max()
    np.testing.assert_allclose(layer.W, W * np.minimum(1, 2.5 / norms), rtol=1e-13)


def test_weights_within_the_norm_change_in_no_bit():
    W = np.random.RandomState(0).normal(size=(6, 5))
    layer = Dense(W.copy(), None, np.empty_like(W), None)
    layer.limit_norms(np.linalg.norm(W, axis=0).max() * (1 + 1e-12))
    np.testing.assert_array_equal(layer.W, W)


# --- The gradient of every layer that works in place ---


def some_batch_norm(n_units, dtype="float64", seed=5):
    rng = np.random.RandomState(seed)
    gamma, beta = rng.normal(size=(2, n_units)).astype(dtype)
    mean, var, dgamma, dbeta = np.zeros((4, n_units), dtype)
    var += 1
    return BatchNorm(gamma, beta, mean, var, dgamma, dbeta)


IN_PLACE = {
    **{name: (lambda h=h: Activation(h)) for name, h in ACTIVATIONS.items()},
    "dropout": lambda: Dropout(0.4, np.random.default_rng(0)),
    "noise": lambda: GaussianNoise(0.7, np.random.default_rng(0)),
    "batch_norm": lambda: some_batch_norm(5),
}
every_layer = pytest.mark.parametrize("name", IN_PLACE)


def far_from_kinks(shape, seed=0):
    a = np.random.RandomState(seed).normal(size=shape)
    assert np.abs(a).min() > 100 * STEP
    return a


@pytest.mark.parametrize("m", [2, 7])
@every_layer
def test_backward_is_the_derivative_of_forward(name, m):
    layer, a = IN_PLACE[name](), far_from_kinks((m, 5))
    c = np.random.RandomState(1).normal(size=a.shape)

    def value():
        # a copy draws the same noise each time
        z = a.copy()
        copy.deepcopy(layer).forward(z)
        return float((c * z).sum())

    expected = central_differences(value, a.reshape(-1))
    z, delta = a.copy(), c.copy()
    layer.forward(z)
    layer.backward(z, delta)
    assert_same_gradient(delta.ravel(), expected, rtol=1e-6 if m == 2 else 1e-7)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_only_an_activation_that_needs_more_than_its_output_takes_a_second_array(name):
    layer, a = Activation(ACTIVATIONS[name]), far_from_kinks((7, 5))
    layer.forward(a)
    layer.backward(a, np.ones_like(a))
    assert (layer._buffer is not None) == ACTIVATIONS[name].keeps


@pytest.mark.parametrize("name", ["leaky_relu", "relu"])
def test_an_activation_with_biases_adds_them_first(name):
    a, b = far_from_kinks((7, 5)), np.arange(5.0) - 2.5
    with_biases, alone = a.copy(), a + b
    Activation(ACTIVATIONS[name], b).forward(with_biases)
    Activation(ACTIVATIONS[name]).forward(alone)
    np.testing.assert_array_equal(with_biases, alone)


@every_layer
def test_smaller_batches_after_larger_ones_are_as_if_alone(name):
    used, a = IN_PLACE[name](), far_from_kinks((7, 5))
    used.forward(a.copy())
    fresh = copy.deepcopy(used)
    fresh._buffer = None
    results = []
    for layer in (used, fresh):
        z, delta = a[:3].copy(), np.ones((3, 5))
        layer.forward(z)
        forward = z.copy()
        layer.backward(z, delta)
        results.append((forward, delta))
    for ours, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, expected)


@every_layer
def test_float32_stays_float32(name):
    layer = IN_PLACE[name]() if name != "batch_norm" else some_batch_norm(5, "float32")
    exact = IN_PLACE[name]() if name != "batch_norm" else some_batch_norm(5)
    a = far_from_kinks((7, 5))
    a_32, delta_32 = a.astype("float32"), np.ones((7, 5), "float32")
    layer.forward(a_32)
    forward_32 = a_32.copy()
    layer.backward(a_32, delta_32)
    for array in [v for v in vars(layer).values() if isinstance(v, np.ndarray)]:
        assert array.dtype == "float32"
    if name not in ("dropout", "noise"):  # whose draws differ between the precisions
        delta = np.ones((7, 5))
        exact.forward(a)
        np.testing.assert_allclose(forward_32, a, atol=2e-6)
        exact.backward(a, delta)
        np.testing.assert_allclose(delta_32, delta, atol=2e-5)


# --- Dropout ---


@every_dtype
@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_dropout_leaves_out_a_share_p_and_scales_what_is_kept(p, dtype):
    a = np.random.RandomState(0).uniform(1, 2, size=(200, 500)).astype(dtype)
    dropped, n = a.copy(), a.size
    Dropout(p, np.random.default_rng(0)).forward(dropped)
    kept = dropped != 0
    assert abs(kept.mean() - (1 - p)) < 5 * np.sqrt(p * (1 - p) / n)
    np.testing.assert_allclose(dropped[kept], a[kept] / (1 - p), rtol=1e-6)
    # so that the expectation stays
    assert dropped.mean() == pytest.approx(a.mean(), rel=5 * np.sqrt(p / (1 - p) * 2.4 / 2.25 / n))
    # units and rows are left out independently of each other
    for axis in (0, 1):
        spread = kept.mean(axis=axis).std()
        assert spread == pytest.approx(np.sqrt(p * (1 - p) / a.shape[axis]), rel=0.25)


def test_dropout_of_nothing_keeps_all():
    a = np.random.RandomState(0).normal(size=(20, 5))
    kept = a.copy()
    Dropout(0.0, np.random.default_rng(0)).forward(kept)
    np.testing.assert_array_equal(kept, a)


def test_dropout_gives_the_layer_below_back_its_output():
    a = np.random.RandomState(0).normal(size=(20, 5))
    dropped, delta = a.copy(), np.ones((20, 5))
    layer = Dropout(0.4, np.random.default_rng(0))
    layer.forward(dropped)
    layer.backward(dropped, delta)
    kept = delta != 0
    assert 0.3 < kept.mean() < 0.9
    np.testing.assert_allclose(delta[kept], 1 / 0.6, rtol=1e-14)
    np.testing.assert_allclose(dropped[kept], a[kept], rtol=1e-14)


def test_dropout_takes_the_entries_of_a_sparse_matrix():
    entries = np.ones(1000)
    Dropout(0.5, np.random.default_rng(0)).forward(entries)
    assert set(entries) == {0.0, 2.0}


@pytest.mark.parametrize("name", ["dropout", "noise"])
def test_each_forward_pass_draws_anew_and_the_same_generator_the_same(name):
    one, other = IN_PLACE[name](), IN_PLACE[name]()
    draws = [np.ones((10, 5)) for _ in range(4)]
    for layer, a in zip((one, one, other, other), draws, strict=True):
        layer.forward(a)
    assert not np.array_equal(draws[0], draws[1])
    np.testing.assert_array_equal(draws[:2], draws[2:])


# --- Noise ---


@every_dtype
@pytest.mark.parametrize("sigma", [0.1, 3.0])
def test_noise_is_normal_of_mean_0_with_its_standard_deviation(sigma, dtype):
    a = np.random.RandomState(0).normal(size=(100, 200)).astype(dtype)
    noisy = a.copy()
    GaussianNoise(sigma, np.random.default_rng(0)).forward(noisy)
    n = (noisy - a).ravel()
    assert kstest(n / sigma, "norm").pvalue > 0.01
    assert n.std() == pytest.approx(sigma, rel=5 / np.sqrt(2 * n.size))
    # the noise of a row says nothing of that of the next one, nor of the input
    rows = n.reshape(a.shape)
    assert abs(np.corrcoef(rows[:-1].ravel(), rows[1:].ravel())[0, 1]) < 5 / np.sqrt(n.size)
    assert abs(np.corrcoef(n, a.ravel())[0, 1]) < 5 / np.sqrt(n.size)


def test_noise_leaves_delta_as_it_is():
    a, delta = np.random.RandomState(0).normal(size=(2, 7, 5))
    layer, expected = GaussianNoise(0.5, np.random.default_rng(0)), delta.copy()
    layer.forward(a)
    layer.backward(a, delta)
    np.testing.assert_array_equal(delta, expected)


# --- Batch normalisation ---


def test_batch_norm_worked_by_hand():
    # a column (1, 2, 6): mean 3, variance (4 + 1 + 9) / 3 = 14 / 3; unbiased 7
    z = np.array([[1.0], [2.0], [6.0]])
    gamma, beta, mean, var, dgamma, dbeta = np.array([[2.0], [0.5], [10.0], [20.0], [0.0], [0.0]])
    layer = BatchNorm(gamma, beta, mean, var, dgamma, dbeta)
    layer.forward(z)
    std = np.sqrt(14 / 3 + 1e-5)
    np.testing.assert_allclose(z[:, 0], 2 * np.array([-2, -1, 3]) / std + 0.5, rtol=1e-14)
    # the running means follow by a tenth
    np.testing.assert_allclose([mean[0], var[0]], [9 + 0.3, 18 + 0.7], rtol=1e-14)
    delta = np.array([[1.0], [0.0], [0.0]])
    layer.backward(z, delta)
    assert dbeta[0] == 1
    assert dgamma[0] == pytest.approx(-2 / std)
    by_hand = 2 / std * (np.array([1, 0, 0]) - 1 / 3 - np.array([-2, -1, 3]) / std * (-2 / std) / 3)
    np.testing.assert_allclose(delta[:, 0], by_hand, rtol=1e-13)


@pytest.mark.parametrize("m", [2, 3, 50])
def test_batch_norm_is_that_of_pytorch_forward_and_backward(m):
    torch = pytest.importorskip("torch")
    layer, rng = some_batch_norm(5), np.random.RandomState(0)
    theirs = torch.nn.BatchNorm1d(5).double()
    theirs.weight.data, theirs.bias.data = torch.tensor(layer.gamma), torch.tensor(layer.beta)
    for _ in range(3):
        z, delta = rng.normal(3, 2, size=(m, 5)), rng.normal(size=(m, 5))
        z_theirs = torch.tensor(z, requires_grad=True)
        theirs.zero_grad()
        out = theirs(z_theirs)
        out.backward(torch.tensor(delta))
        layer.forward(z)
        np.testing.assert_allclose(z, out.detach().numpy(), rtol=1e-10, atol=1e-12)
        layer.backward(z, delta)
        np.testing.assert_allclose(delta, z_theirs.grad.numpy(), rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(layer.dgamma, theirs.weight.grad.numpy(), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(layer.dbeta, theirs.bias.grad.numpy(), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(layer.mean, theirs.running_mean.numpy(), rtol=1e-10)
        np.testing.assert_allclose(layer.var, theirs.running_var.numpy(), rtol=1e-10)


@pytest.mark.parametrize("m", [2, 7])
def test_gradient_of_scale_and_shift_is_that_of_central_differences(m):
    layer, rng = some_batch_norm(5), np.random.RandomState(0)
    a, c = rng.normal(size=(2, m, 5))

    def value():
        z = a.copy()
        layer.forward(z)
        return float((c * z).sum())

    for parameter, gradient in ((layer.gamma, layer.dgamma), (layer.beta, layer.dbeta)):
        expected = central_differences(value, parameter)
        z = a.copy()
        layer.forward(z)
        layer.backward(z, c.copy())
        assert_same_gradient(gradient, expected, rtol=1e-8)


def test_running_means_follow_a_batch_of_two_rows_too():
    layer = some_batch_norm(1)
    layer.forward(np.array([[1.0], [4.0]]))  # mean 2.5, unbiased variance 4.5; before 0 and 1
    assert (layer.mean[0], layer.var[0]) == pytest.approx((0.25, 0.9 + 0.45), rel=1e-14)


@every_dtype
def test_batch_norm_allocates_nothing_of_the_size_of_a_batch(dtype):
    layer, a, delta = some_batch_norm(50, dtype), *np.ones((2, 1000, 50), dtype)
    layer.forward(a)
    tracemalloc.start()
    layer.forward(a)
    layer.backward(a, delta)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < a.nbytes / 2


def test_a_batch_of_one_row_becomes_the_shift_and_leaves_the_running_means():
    layer = some_batch_norm(5)
    mean, var = layer.mean.copy(), layer.var.copy()
    z, delta = np.full((1, 5), 7.0), np.ones((1, 5))
    layer.forward(z)
    np.testing.assert_array_equal(z[0], layer.beta)
    np.testing.assert_array_equal([layer.mean, layer.var], [mean, var])
    layer.backward(z, delta)
    np.testing.assert_array_equal(delta, 0)
    np.testing.assert_array_equal(layer.dgamma, 0)
    np.testing.assert_array_equal(layer.dbeta, 1)


def test_a_unit_that_is_the_same_in_all_rows_stays_finite():
    layer = some_batch_norm(5)
    z, delta = np.full((7, 5), 1e6), np.ones((7, 5))
    layer.forward(z)
    np.testing.assert_allclose(z, np.tile(layer.beta, (7, 1)), atol=1e-6)
    layer.backward(z, delta)
    assert np.isfinite(delta).all()


@every_dtype
def test_the_variance_of_a_large_mean_is_not_lost(dtype):
    rng, layer = np.random.RandomState(0), some_batch_norm(5, dtype)
    spread = rng.normal(size=(50, 5))
    far = (spread + 1000).astype(dtype)
    expected = (far - far.mean(axis=0, dtype="float64")).astype(dtype)
    layer.forward(far)
    by_hand = layer.gamma * expected / np.sqrt(expected.var(axis=0) + 1e-5) + layer.beta
    np.testing.assert_allclose(far, by_hand, atol={"float32": 2e-3, "float64": 1e-10}[dtype])
