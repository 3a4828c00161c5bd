import numpy as np
import pytest
from gradients import assert_same_gradient, central_differences

from skmlp._engine.losses.links import EXP, IDENTITY, LINKS

every_link = pytest.mark.parametrize("name", LINKS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def some_raw_output():
    return np.random.RandomState(0).normal(0, 2, (7, 3))


def output_layer():
    """Return activations below the output layer, its W and b, and a shift and a scale."""
    rng = np.random.RandomState(1)
    shift, scale = rng.normal(0, 10, 3), rng.gamma(2, size=3)
    return rng.normal(size=(7, 4)), rng.normal(size=(4, 3)), rng.normal(size=3), shift, scale


@every_link
def test_links_are_found_by_their_names_in_order(name):
    assert LINKS[name].name == name
    assert list(LINKS) == sorted(LINKS)


def test_formulas():
    z = some_raw_output()
    np.testing.assert_array_equal(IDENTITY.inverse(z), z)
    np.testing.assert_allclose(EXP.inverse(z), np.exp(z), rtol=1e-15)


@every_link
def test_the_link_undoes_its_inverse_and_leaves_its_argument_alone(name):
    z = some_raw_output()
    before = z.copy()
    a = LINKS[name].inverse(z)
    np.testing.assert_allclose(LINKS[name].link(a), z, rtol=1e-13)
    np.testing.assert_array_equal(z, before)


@every_link
def test_the_derivative_is_that_of_central_differences(name):
    z, link = some_raw_output(), LINKS[name]
    numeric = central_differences(lambda: link.inverse(z).sum(), z.reshape(-1))
    assert_same_gradient(link.derivative(link.inverse(z)).ravel(), numeric, rtol=1e-9)


@every_link
def test_folding_gives_predictions_in_other_units(name):
    x, W, b, shift, scale = output_layer()
    link = LINKS[name]
    shift = shift if link.shifts else np.zeros(3)
    W_user, b_user = link.fold(W, b, shift, scale)
    folded = link.inverse(x @ W_user + b_user)
    np.testing.assert_allclose(folded, scale * link.inverse(x @ W + b) + shift, rtol=1e-12)


@every_link
def test_unfolding_undoes_folding(name):
    _, W, b, shift, scale = output_layer()
    link = LINKS[name]
    shift = shift if link.shifts else np.zeros(3)
    kept = W.copy(), b.copy()
    W_own, b_own = link.unfold(*link.fold(W, b, shift, scale), shift, scale)
    np.testing.assert_allclose(W_own, W, rtol=1e-14)
    np.testing.assert_allclose(b_own, b, rtol=1e-12)
    for array, before in zip((W, b), kept, strict=True):
        np.testing.assert_array_equal(array, before)


@every_dtype
def test_exponentials_are_rounded_neither_to_zero_nor_to_infinity(dtype):
    z = np.array([-np.finfo(dtype).max, -1e4, 0, 1e4, np.finfo(dtype).max], dtype)
    with np.errstate(all="raise"):
        a = EXP.inverse(z)
    info = np.finfo(dtype)
    np.testing.assert_array_equal(a, np.array([info.tiny, info.tiny, 1, info.max, info.max]))
    assert a.dtype == dtype


@every_dtype
def test_the_logarithm_of_zero_is_that_of_the_smallest_number(dtype):
    with np.errstate(all="raise"):
        z = EXP.link(np.array([0, 1], dtype))
    np.testing.assert_allclose(z, [np.log(np.finfo(dtype).tiny), 0])
    assert z.dtype == dtype


@every_dtype
@every_link
def test_links_keep_the_precision(name, dtype):
    z = some_raw_output().astype(dtype)
    link = LINKS[name]
    a = link.inverse(z)
    assert a.dtype == link.link(a).dtype == link.derivative(a).dtype == dtype
