from itertools import pairwise

import numpy as np
import pytest

from skmlp._engine.parameters import Parameters

SIZES = [(4, 3), (4, 5, 3), (4, 5, 2, 3)]
EPSILON = 1e-5
every_depth = pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: len(sizes) - 2)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
with_and_without_batch_norm = pytest.mark.parametrize("batch_norm", [False, True])
with_and_without_averaging = pytest.mark.parametrize("averaging", [False, True])


def some_parameters(sizes, batch_norm=False, averaging=False, dtype="float64", seed=0):
    """Return random parameters, of which the variances are positive."""
    parameters = Parameters(sizes, batch_norm, averaging, np.dtype(dtype))
    rng = np.random.RandomState(seed)
    parameters.vectors[...] = rng.normal(size=parameters.vectors.shape)
    for row in range(len(parameters.vectors)):
        for var in parameters.views(row)["var"]:
            var[...] = rng.gamma(2, size=var.shape)
    if batch_norm:
        # as in training, where beta does their work
        for b in parameters.parts["b"][:-1]:
            b[...] = 0
    return parameters


def outputs(parameters, a, row=-1):
    """Return z^L by the formulas, with h = tanh and the normalisations applied one by one."""
    parts = parameters.views(row)
    n_hidden = len(parts["W"]) - 1
    for i, (W, b) in enumerate(zip(parts["W"], parts["b"], strict=True)):
        z = a @ W
        if i < len(parts["gamma"]):
            z_hat = (z - parts["mean"][i]) / np.sqrt(parts["var"][i] + EPSILON)
            z = parts["gamma"][i] * z_hat + parts["beta"][i]
        else:
            z = z + b
        a = np.tanh(z) if i < n_hidden else z
    return a


def affine_outputs(W, b, a):
    for W_l, b_l in zip(W[:-1], b[:-1], strict=True):
        a = np.tanh(a @ W_l + b_l)
    return a @ W[-1] + b[-1]


A = np.random.RandomState(1).normal(size=(10, 4))


# --- The vectors ---


@with_and_without_averaging
@with_and_without_batch_norm
@every_dtype
@every_depth
def test_parts_are_views_of_one_vector_in_their_order(sizes, dtype, batch_norm, averaging):
    parameters = Parameters(sizes, batch_norm, averaging, np.dtype(dtype))
    vector, parts = parameters.vectors[0], parameters.parts
    vector[...] = np.arange(vector.size)
    names = ["W", "b", *(["gamma", "beta", "mean", "var"] if batch_norm else [])]
    in_order = [part.ravel() for name in names for part in parts[name]]
    np.testing.assert_array_equal(np.concatenate(in_order), vector)
    assert [W.shape for W in parts["W"]] == [*pairwise(sizes)]
    assert [b.shape for b in parts["b"]] == [(n,) for n in sizes[1:]]
    for name in ("gamma", "beta", "mean", "var"):
        hidden = sizes[1:-1] if batch_norm else []
        assert [part.shape for part in parts[name]] == [(n,) for n in hidden]
    assert parameters.n_weights == sum(W.size for W in parts["W"])
    assert parameters.vectors.shape[0] == 1 + averaging
    assert parameters.vectors.dtype == parameters.grad.dtype == dtype


@with_and_without_averaging
@with_and_without_batch_norm
@every_depth
def test_what_is_trained_is_all_but_the_running_means(sizes, batch_norm, averaging):
    parameters = Parameters(sizes, batch_norm, averaging, np.dtype("float64"))
    assert np.shares_memory(parameters.theta, parameters.vectors[0])
    n_running = 2 * sum(sizes[1:-1]) if batch_norm else 0
    assert parameters.theta.size == parameters.grad.size == parameters.vectors.shape[1] - n_running
    parameters.theta[...] = 1
    parameters.grad[...] = np.arange(parameters.grad.size)
    for name in ("W", "b", "gamma", "beta"):
        assert all((part == 1).all() for part in parameters.parts[name])
    in_order = [
        part.ravel() for name in ("W", "b", "gamma", "beta") for part in parameters.grads[name]
    ]
    np.testing.assert_array_equal(np.concatenate(in_order), parameters.grad)
    assert parameters.grads["mean"] == parameters.grads["var"] == []


def test_normalisations_are_the_identity_at_first():
    parts = Parameters((4, 5, 3), True, False, np.dtype("float64")).parts
    for name, value in {"W": 0, "b": 0, "gamma": 1, "beta": 0, "mean": 0, "var": 1}.items():
        assert all((part == value).all() for part in parts[name]), name


# --- What predicts ---


@with_and_without_averaging
@with_and_without_batch_norm
@every_dtype
@every_depth
def test_affine_computes_what_the_layers_do(sizes, dtype, batch_norm, averaging):
    parameters = some_parameters(sizes, batch_norm, averaging, dtype)
    W, b = parameters.affine()
    assert all(array.dtype == dtype for array in [*W, *b])
    expected = outputs(parameters, A.astype(dtype))
    tolerance = {"float32": 1e-4, "float64": 1e-11}[dtype]
    np.testing.assert_allclose(affine_outputs(W, b, A), expected, rtol=tolerance, atol=tolerance)


@with_and_without_batch_norm
def test_affine_leaves_the_parameters_as_they_are(batch_norm):
    parameters = some_parameters((4, 5, 3), batch_norm)
    before = parameters.vectors.copy()
    parameters.affine()
    np.testing.assert_array_equal(parameters.vectors, before)


@with_and_without_batch_norm
def test_where_there_is_a_running_mean_it_is_what_predicts(batch_norm):
    parameters = some_parameters((4, 5, 3), batch_norm, averaging=True)
    z = affine_outputs(*parameters.affine(), A)
    np.testing.assert_allclose(z, outputs(parameters, A, row=1), rtol=1e-10)
    assert not np.allclose(z, outputs(parameters, A, row=0))


# --- From what predicts back to the parameters ---


def scale_of_zero(parameters):
    for row in range(len(parameters.vectors)):
        for gamma in parameters.views(row)["gamma"]:
            gamma[::2] = 0


@pytest.mark.parametrize("change", [lambda parameters: None, scale_of_zero], ids=["any", "zero"])
@with_and_without_averaging
@with_and_without_batch_norm
@every_depth
def test_set_affine_gives_the_function_back(sizes, batch_norm, averaging, change):
    before = some_parameters(sizes, batch_norm, averaging)
    change(before)
    after = some_parameters(sizes, batch_norm, averaging, seed=9)
    normalisations = before.normalisations() if batch_norm else None
    after.set_affine(*before.affine(), normalisations)
    expected = outputs(before, A)
    for row in range(1 + averaging):
        np.testing.assert_allclose(outputs(after, A, row), expected, rtol=1e-10)
    for ours, theirs in zip(after.affine(), before.affine(), strict=True):
        for array, expected_array in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(array, expected_array, rtol=1e-10, atol=1e-14)
    if batch_norm:
        np.testing.assert_array_equal(after.normalisations(), before.normalisations())


@with_and_without_averaging
@every_depth
def test_without_normalisations_they_start_as_the_identity_and_the_function_is_kept(
    sizes, averaging
):
    plain = some_parameters(sizes)
    normalised = Parameters(sizes, True, averaging, np.dtype("float64"))
    normalised.set_affine(*plain.affine())
    np.testing.assert_allclose(outputs(normalised, A), outputs(plain, A), rtol=1e-12)
    for i, b in enumerate(plain.parts["b"][:-1]):
        np.testing.assert_array_equal(normalised.parts["gamma"][i], 1)
        np.testing.assert_array_equal(normalised.parts["beta"][i], b)
        np.testing.assert_array_equal(normalised.parts["b"][i], 0)


def test_the_function_of_normalised_layers_goes_on_without_them():
    normalised = some_parameters((4, 5, 2, 3), batch_norm=True)
    plain = Parameters((4, 5, 2, 3), False, False, np.dtype("float64"))
    plain.set_affine(*normalised.affine(), normalised.normalisations())
    np.testing.assert_allclose(outputs(plain, A), outputs(normalised, A), rtol=1e-10)


@with_and_without_batch_norm
def test_set_affine_copies(batch_norm):
    parameters = Parameters((4, 5, 3), batch_norm, True, np.dtype("float64"))
    coefs, intercepts = [np.ones((4, 5)), np.ones((5, 3))], [np.ones(5), np.ones(3)]
    parameters.set_affine(coefs, intercepts)
    parameters.vectors[...] = 2
    assert all((part == 1).all() for part in [*coefs, *intercepts])


def test_normalisations_are_a_copy_of_what_predicts():
    parameters = some_parameters((4, 5, 3), batch_norm=True, averaging=True)
    parts = parameters.views(1)
    expected = np.concatenate([parts[name][0] for name in ("gamma", "beta", "mean", "var")])
    normalisations = parameters.normalisations()
    np.testing.assert_array_equal(normalisations, expected)
    assert not np.shares_memory(normalisations, parameters.vectors)
