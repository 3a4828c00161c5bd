import numpy as np
import pytest
from loop_pairs import DTYPES, LAYOUTS, SHAPES, SPECIAL, assert_pair_agrees, loops, rows

from skmlp._engine.activations import ACTIVATIONS

NAMES = sorted(set(ACTIVATIONS) - {"identity"})
OF_SUMS = [name for name in NAMES if ACTIVATIONS[name].of_sum is not None]


def forward_name(name):
    return "tanh_forward" if name == "tanh" else name


def rtol(name, dtype):
    """Return the relative tolerance; SciPy's normal distribution loses digits far below 0."""
    return (100 if name == "gelu" else 16) * np.finfo(dtype).eps


@pytest.mark.parametrize("name", NAMES)
def test_every_activation_but_the_identity_has_both_loops(name):
    assert {forward_name(name), f"{name}_backward"} <= set(loops.LOOPS)


@pytest.mark.parametrize(("layout", "dtype"), LAYOUTS["C"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_loops_agree_with_the_activation_and_its_derivative(name, layout, shape, dtype):
    h = ACTIVATIONS[name]
    z = rows(shape, dtype, layout)
    kept = rows(shape, dtype, layout, seed=1) if h.keeps else None
    tolerance = {"rtol": rtol(name, dtype), "atol": np.finfo(dtype).tiny}
    assert_pair_agrees(forward_name(name), z, kept, **tolerance)
    a = z.copy(order="K") if layout != "strided" else z
    h.forward(a, kept)
    delta = rows(shape, dtype, layout, seed=2)
    # differences of numbers near 1 lose digits, in both
    atol = 8 * np.finfo(dtype).eps * max(1.0, np.abs(delta).max(initial=0))
    assert_pair_agrees(f"{name}_backward", a, kept, delta, compare=[2], atol=atol)


@pytest.mark.parametrize(("layout", "dtype"), LAYOUTS["C"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", OF_SUMS)
def test_loops_agree_with_the_activation_of_a_sum(name, layout, shape, dtype):
    z, b = rows(shape, dtype, layout), rows((1, shape[1]), dtype, seed=1)[0]
    assert_pair_agrees(f"{name}_of_sum", z, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_SUMS)
def test_loops_take_infinite_and_undefined_sums_as_the_activation_does(name, dtype):
    z = np.array([SPECIAL], dtype)
    assert_pair_agrees(f"{name}_of_sum", z, np.ones_like(z[0]))
    assert_pair_agrees(f"{name}_of_sum", z, -z[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_loops_take_infinities_and_nan_as_the_activation_does(name, dtype):
    z = np.array([SPECIAL], dtype)
    kept = np.zeros_like(z) if ACTIVATIONS[name].keeps else None
    tolerance = {"rtol": rtol(name, dtype), "atol": np.finfo(dtype).tiny}
    assert_pair_agrees(forward_name(name), z, kept, **tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_loop_of_the_slope_of_gelu_is_1_far_above_0(dtype):
    z = np.array([[25, 1e20, np.finfo(dtype).max]], dtype)
    kept, delta = np.zeros_like(z), np.ones_like(z)
    loops.LOOPS["gelu"](z, kept)
    loops.LOOPS["gelu_backward"](z, kept, delta)
    assert (delta == 1).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_the_loop_of_a_derivative_is_0_where_delta_is_0_and_dropout_has_cleared_a(name, dtype):
    z = rows((4, 5), dtype)
    kept = np.zeros_like(z) if ACTIVATIONS[name].keeps else None
    ACTIVATIONS[name].forward(z, kept)
    z[::2] = 0
    delta = rows((4, 5), dtype, seed=1)
    delta[::2] = 0
    loops.LOOPS[f"{name}_backward"](z, kept, delta)
    assert (delta[::2] == 0).all()
