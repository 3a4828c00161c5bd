import numpy as np
import pytest
from loop_pairs import DTYPES, LAYOUTS, assert_pair_agrees, loops, rows

from skmlp._engine.kernels import KERNELS

SHAPES = (1, 1), (1, 3), (2, 10), (33, 4), (200, 26), (0, 3)
ATOL = {"float32": 2e-7, "float64": 4e-16}
RTOL = {"float32": 4e-6, "float64": 1e-14}


def weights(m, dtype, weighted):
    return np.linspace(0.5, 2, m).astype(dtype) if weighted else None


@pytest.mark.parametrize("s", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("layout", "dtype"), LAYOUTS["F"])
@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropies(shape, layout, weighted, s, dtype):
    m, K = shape
    if m == 0:
        pytest.skip("a batch has rows")
    z, w = rows(shape, dtype, layout), weights(m, dtype, weighted)
    classes = np.arange(m) % K
    tolerance = {"rtol": RTOL[dtype], "atol": ATOL[dtype]}
    assert_pair_agrees("softmax_cross_entropy", z, classes, w, s, compare=[0], **tolerance)
    labels = np.random.default_rng(0).random(shape) < 0.4
    assert_pair_agrees("logistic_cross_entropy", z, labels, w, s, compare=[0], **tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cross_entropies_of_confident_rows_are_exact(dtype):
    z = np.array([[0, 300, -20], [5, 5, 5], [60, 0, -300], [1e4, -1e4, 0]], dtype, order="F")
    y = np.array([1, 2, 2, 1])
    tolerance = {"rtol": RTOL[dtype], "atol": 1e-37 if dtype == "float32" else 1e-300}
    assert_pair_agrees("softmax_cross_entropy", z, y, None, 0.0, compare=[], rtol=RTOL[dtype])
    labels = z > 1
    assert_pair_agrees("logistic_cross_entropy", z, labels, None, 0.0, compare=[0], **tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("name", ["softmax_cross_entropy", "logistic_cross_entropy"])
def test_a_loss_that_is_not_finite_is_seen(name, value, dtype):
    z = rows((4, 3), dtype, "F")
    z[1, 2] = value
    y = np.zeros(4, int) if name.startswith("softmax") else np.zeros((4, 3), bool)
    with np.errstate(invalid="ignore"):
        assert not np.isfinite(KERNELS[name](z.copy(order="F"), y, None, 0.0))
    assert not np.isfinite(loops.LOOPS[name](z, y, None, 0.0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_losses", [1, 3])
def test_weighted_mean(n_losses, weighted, dtype):
    losses, delta = rows((9, n_losses), dtype), rows((9, 3), dtype, "F", seed=1)
    w = weights(9, dtype, weighted)
    assert_pair_agrees(
        "weighted_mean", losses, delta, w, compare=[1], rtol=RTOL[dtype], atol=ATOL[dtype]
    )


@pytest.mark.parametrize(("layout", "dtype"), LAYOUTS["F"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "name", ["squared_error", "absolute_error", "huber", "poisson_deviance", "gamma_deviance"]
)
def test_losses_of_regression(name, shape, layout, dtype):
    z, y = rows(shape, dtype, layout), np.exp(rows(shape, dtype, seed=1, scale=1.0))
    if shape[0] > 1:
        z[1] = y[1]
    if name == "poisson_deviance":
        y[::2] = 0
    thresholds = [np.linspace(0.5, 2, shape[1]).astype(dtype)] if name == "huber" else []
    # differences lose digits, in both
    tolerance = {"rtol": 4 * RTOL[dtype], "atol": 40 * ATOL[dtype]}
    assert_pair_agrees(name, z, y, *thresholds, compare=[0], **tolerance)


@pytest.mark.parametrize(("layout", "dtype"), LAYOUTS["F"])
@pytest.mark.parametrize(("n_targets", "levels"), [(1, [0.3]), (1, [0.9, 0.1, 0.5]), (3, [0.3])])
def test_pinball_loss(n_targets, levels, layout, dtype):
    n_outputs = max(n_targets, len(levels))
    z, y = rows((9, n_outputs), dtype, layout), rows((9, n_targets), dtype, seed=1)
    z[1] = y[1]
    tolerance = {"rtol": RTOL[dtype], "atol": ATOL[dtype]}
    assert_pair_agrees("pinball", z, y, np.array(levels), compare=[0], **tolerance)
