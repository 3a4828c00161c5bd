import numpy as np
import pytest
from gradients import STEP
from scipy.special import erfc

from skmlp._engine.activations import ACTIVATIONS

SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
FORMULAS = {
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "gelu": lambda z: z * erfc(-z / np.sqrt(2)) / 2,
    "identity": lambda z: z,
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "logistic": lambda z: np.exp(-np.logaddexp(0, -z)),
    "mish": lambda z: z * np.tanh(np.logaddexp(0, z)),
    "relu": lambda z: np.where(z > 0, z, 0),
    "selu": lambda z: SCALE * np.where(z > 0, z, ALPHA * np.expm1(np.minimum(z, 0))),
    "silu": lambda z: z * np.exp(-np.logaddexp(0, -z)),
    "softplus": lambda z: np.logaddexp(0, z),
    "tanh": lambda z: np.sinh(np.clip(z, -50, 50)) / np.cosh(np.clip(z, -50, 50)),
}
# (h(0), h'(0)); at a kink the slope that the code takes
AT_ZERO = {
    "elu": (0, 1),
    "gelu": (0, 1 / 2),
    "identity": (0, 1),
    "leaky_relu": (0, 0.01),
    "logistic": (1 / 2, 1 / 4),
    "mish": (0, 3 / 5),
    "relu": (0, 0),
    "selu": (0, SCALE),
    "silu": (0, 1 / 2),
    "softplus": (np.log(2), 1 / 2),
    "tanh": (0, 1),
}
PARTS = {
    "first rows": np.s_[:5],
    "columns": np.s_[:, 2:6],
    "every other": np.s_[::2, ::3],
}
PRECISION = {"float32": 1e-6, "float64": 1e-14}

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)
every_dtype = pytest.mark.parametrize("dtype", PRECISION)


def some_z(dtype="float64"):
    z = np.random.RandomState(0).normal(0, 3, (50, 7)).astype(dtype)
    # the finite differences below must not straddle a kink, which is at 0
    assert np.abs(z).min() > 100 * STEP
    return z


def some_delta(z):
    return np.random.RandomState(1).normal(size=z.shape).astype(z.dtype)


def room_to_keep(name, z):
    """Return what `forward` may fill, or None; a NaN gives away what is read but not written."""
    return np.full_like(z, np.nan) if ACTIVATIONS[name].keeps else None


def both_directions(name, z, delta):
    """Return h(z) and delta * h'(z), and leave z and delta alone."""
    a, kept, delta = z.copy(), room_to_keep(name, z), delta.copy()
    ACTIVATIONS[name].forward(a, kept)
    value = a.copy()
    ACTIVATIONS[name].backward(a, kept, delta)
    return value, delta


def value_and_slope(name, z):
    return both_directions(name, z, np.ones_like(z))


def assert_close(actual, expected, tolerance):
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["leaky_relu", "relu"])
def test_the_kernel_of_a_sum_adds_the_biases_and_applies_the_function(name):
    rng = np.random.RandomState(0)
    z, b = rng.normal(size=(5, 3)), rng.normal(size=3)
    a, kept = z + b, room_to_keep(name, z)
    ACTIVATIONS[name].forward(a, kept)
    ACTIVATIONS[name].of_sum(z, b)
    np.testing.assert_array_equal(z, a)


def test_registry_is_sorted():
    assert list(ACTIVATIONS) == sorted(ACTIVATIONS)


@every_activation
@every_dtype
def test_forward_is_the_formula_in_digits_of_small_values_too(name, dtype):
    z = np.linspace(-9, 45, 542).reshape(2, -1).astype(dtype)
    expected = FORMULAS[name](z.astype(float))
    with np.errstate(all="raise"):
        ACTIVATIONS[name].forward(z, room_to_keep(name, z))
    # no absolute tolerance: small values on the left count, too, where z^2 rounding errors add up
    # in gelu, here and in the formula
    rtol = {"float32": 1e-6, "float64": 1e-13}[dtype]
    np.testing.assert_allclose(z, expected, rtol=rtol, atol=0)


@every_activation
@every_dtype
def test_value_and_slope_at_zero(name, dtype):
    value, slope = value_and_slope(name, np.zeros((2, 3), dtype))
    np.testing.assert_allclose(value, AT_ZERO[name][0], rtol=PRECISION[dtype], atol=0)
    np.testing.assert_allclose(slope, AT_ZERO[name][1], rtol=PRECISION[dtype], atol=0)


@every_activation
@every_dtype
def test_backward_multiplies_by_the_derivative(name, dtype):
    z = some_z()
    above, _ = value_and_slope(name, z + STEP)
    below, _ = value_and_slope(name, z - STEP)
    derivative = (above - below) / (2 * STEP)
    delta = some_delta(z)
    _, product = both_directions(name, z.astype(dtype), delta.astype(dtype))
    assert_close(product, delta * derivative, {"float32": 2e-6, "float64": 1e-9}[dtype])


@every_activation
def test_both_directions_are_those_of_torch(name):
    torch = pytest.importorskip("torch")
    functions = {"identity": torch.clone, "logistic": torch.sigmoid}
    theirs = functions.get(name) or getattr(torch.nn.functional, name)
    z = np.linspace(-18, 18, 362).reshape(2, -1)
    delta = some_delta(z)
    value, product = both_directions(name, z, delta)
    z_tensor = torch.tensor(z, requires_grad=True)
    expected = theirs(z_tensor)
    expected.backward(torch.from_numpy(delta))
    assert_close(value, expected.detach().numpy(), 1e-13)
    assert_close(product, z_tensor.grad.numpy(), 1e-12)


@every_activation
def test_float32_is_float64_rounded(name):
    z = np.linspace(-30, 30, 602).reshape(2, -1).astype("float32")
    delta = some_delta(z)
    value, product = both_directions(name, z, delta)
    expected = both_directions(name, z.astype("float64"), delta.astype("float64"))
    assert_close(value, expected[0], 1e-6)
    assert_close(product, expected[1], 2e-6)


@every_activation
@every_dtype
def test_huge_inputs_take_value_and_slope_of_the_formula_without_a_warning(name, dtype):
    size = np.geomspace(50, 1e4, 40)
    z = np.stack([-size, size]).astype(dtype)
    # underflow to 0 is right
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, slope = value_and_slope(name, z)
    z = z.astype(float)
    assert_close(value, FORMULAS[name](z), PRECISION[dtype])
    # straight as far as the precision goes
    expected_slope = (FORMULAS[name](z + 1) - FORMULAS[name](z - 1)) / 2
    assert_close(slope, expected_slope, {"float32": 1e-6, "float64": 1e-11}[dtype])


@every_activation
@every_dtype
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_parts_of_larger_arrays_are_overwritten_in_place(name, dtype, part):
    h, z = ACTIVATIONS[name], some_z(dtype)
    delta, kept = some_delta(z), room_to_keep(name, z)
    kept_part = kept[part] if h.keeps else None
    outside = np.ones(z.shape, bool)
    outside[part] = False
    z_before, delta_before = z.copy(), delta.copy()
    value, product = both_directions(name, z[part].copy(), delta[part].copy())

    assert h.forward(z[part], kept_part) is None
    assert_close(z[part], value, PRECISION[dtype])
    np.testing.assert_array_equal(z[outside], z_before[outside])
    assert h.backward(z[part], kept_part, delta[part]) is None
    assert_close(delta[part], product, PRECISION[dtype])
    np.testing.assert_array_equal(z[outside], z_before[outside])
    np.testing.assert_array_equal(delta[outside], delta_before[outside])
    assert z.dtype == delta.dtype == dtype
    if h.keeps:
        assert np.isnan(kept[outside]).all()
        assert kept.dtype == dtype


@every_activation
@pytest.mark.parametrize("shape", [(90, 900), (2, 40_000), (1, 1), (0, 5)])
def test_arrays_of_any_size_are_overwritten_to_the_end(name, shape):
    z = np.random.RandomState(0).normal(size=shape).astype("float32")
    value, slope = value_and_slope(name, z)
    assert_close(value, FORMULAS[name](z.astype(float)), PRECISION["float32"])
    # the slopes of the same numbers in one short row after the other
    expected = [value_and_slope(name, row[np.newaxis])[1][0] for row in z[:, :1000]]
    assert_close(slope[:, :1000], np.reshape(expected, slope[:, :1000].shape), 1e-6)


@every_activation
def test_backward_needs_no_a_where_delta_is_zero(name):
    z, h = some_z(), ACTIVATIONS[name]
    delta, dropped = some_delta(z), np.random.RandomState(2).rand(*z.shape) < 0.5
    delta[dropped] = 0
    _, expected = both_directions(name, z, delta)

    a, kept = z.copy(), room_to_keep(name, z)
    h.forward(a, kept)
    a[dropped] = 0
    with np.errstate(all="raise"):
        h.backward(a, kept, delta)
    np.testing.assert_array_equal(delta[dropped], 0)
    np.testing.assert_array_equal(delta, expected)


def test_selu_keeps_mean_0_and_variance_1_of_a_standard_normal():
    z, step = np.linspace(-12, 12, 240_001, retstep=True)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    value, _ = value_and_slope("selu", z[np.newaxis])
    assert step * (value[0] @ density) == pytest.approx(0, abs=1e-8)
    assert step * (value[0] ** 2 @ density) == pytest.approx(1, abs=1e-8)
