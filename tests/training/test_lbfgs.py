import math

import numpy as np
import pytest
from engine_networks import make_network
from scipy.optimize import linprog, minimize
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from training_loops import train, train_lbfgs

from skmlp._engine.losses.regression import AbsoluteError, Pinball, spread
from skmlp._training.dataset import Dataset
from skmlp._training.early_stopping import StoppingRule
from skmlp._training.loop import Validation
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES
from skmlp._training.solver import Solver

dense_and_sparse = pytest.mark.parametrize("container", [np.asarray, csr_matrix])
with_and_without_weights = pytest.mark.parametrize("weighted", [False, True])


def some_network(n_outputs, out, hidden=(), dtype="float64", **options):
    network = make_network((4, *hidden, n_outputs), "tanh", out, 0.7, dtype, **options)
    network.initialize("glorot_uniform", np.random.RandomState(1))
    return network


def dense(X):
    return X if isinstance(X, np.ndarray) else X.toarray()


def convex_problem(K, container=np.asarray, weighted=False):
    """Return rows of K overlapping classes, and a network without hidden layer."""
    rng = np.random.RandomState(0)
    y = rng.randint(K, size=120)
    X = rng.normal(size=(120, 4)) + np.eye(4)[y]
    w = rng.rand(120) if weighted else None
    encoded = (y == 1)[:, np.newaxis] if K == 2 else y
    rows = Dataset(container(X), encoded, None if w is None else w / w.mean())
    n_outputs, out = (1, "logistic") if K == 2 else (K, "softmax")
    return rows, some_network(n_outputs, out), y


@dense_and_sparse
@with_and_without_weights
@pytest.mark.parametrize("K", [2, 4])
def test_lbfgs_without_hidden_layer_is_logistic_regression(K, weighted, container):
    rows, network, y = convex_problem(K, container, weighted)
    theirs = LogisticRegression(C=1 / 0.7, tol=1e-10, max_iter=5000)
    theirs.fit(dense(rows.X), y, sample_weight=rows.w)
    optimum = convex_problem(K)[1]
    optimum.parameters.set_affine([theirs.coef_.T], [theirs.intercept_])
    optimum.reserve(len(rows))
    lowest = optimum.loss_gradient(rows.X, rows.y, rows.w)
    assert np.abs(optimum.grad).max() < 1e-6

    history = train_lbfgs(network, rows, max_iter=1000, max_fun=5000, tol=1e-9)
    assert history.converged
    assert history.loss_curve == sorted(history.loss_curve, reverse=True)
    # SciPy stops when the objective falls by less than 2e-9 of itself
    assert history.loss == pytest.approx(lowest, rel=1e-8)
    # and weights at a distance d from the optimum cost at least alpha d^2 / 2m more than it
    atol = math.sqrt(2 * 120 / 0.7 * 1e-8 * lowest)
    assert atol < 2e-3
    np.testing.assert_allclose(network.W[0], optimum.W[0], atol=atol)
    # softmax stays the same if all biases rise by one amount
    shift = 0 if K == 2 else (network.b[0] - optimum.b[0]).mean()
    np.testing.assert_allclose(network.b[0], optimum.b[0] + shift, atol=atol)


def test_lbfgs_reports_what_scipy_does():
    rows, network, _ = convex_problem(4)
    twin = convex_problem(4)[1]
    twin.reserve(len(rows))

    def objective(theta):
        twin.theta[:] = theta
        return twin.loss_gradient(rows.X, rows.y), twin.grad.copy()

    values = []
    expected = minimize(
        objective, twin.theta.copy(), jac=True, method="L-BFGS-B",
        callback=lambda theta: values.append(objective(theta)[0]), options={"gtol": 1e-6},
    )  # fmt: skip
    history = train_lbfgs(network, rows, max_iter=1000, max_fun=5000, tol=1e-6)
    np.testing.assert_allclose(network.theta, expected.x, rtol=1e-10)
    assert history.loss_curve == pytest.approx(values, rel=1e-12)
    assert len(history.loss_curve) == expected.nit
    assert history.loss == pytest.approx(expected.fun, rel=1e-14)
    assert history.loss == history.loss_curve[-1]
    assert history.message == expected.message
    assert history.converged == expected.success


def test_lbfgs_stops_at_max_iter_and_has_not_converged():
    rows, network, _ = convex_problem(4)
    history = train_lbfgs(network, rows, max_iter=3, max_fun=5000, tol=1e-9)
    assert len(history.loss_curve) == 3
    assert not history.converged
    assert "ITERATIONS" in history.message


def test_lbfgs_stops_at_max_fun_and_has_not_converged():
    rows, network, _ = convex_problem(4)
    history = train_lbfgs(network, rows, max_iter=1000, max_fun=3, tol=1e-9)
    assert len(history.loss_curve) <= 4
    assert not history.converged
    assert "EVALUATIONS" in history.message


def test_lbfgs_sees_only_the_rows_of_the_index():
    rows, network, _ = convex_problem(4, weighted=True)
    index = np.arange(0, 120, 2)
    some, twin = Dataset(rows.X, rows.y, rows.w, index), convex_problem(4)[1]
    history = train_lbfgs(network, some, max_iter=20, max_fun=100, tol=1e-9)
    expected = train_lbfgs(
        twin,
        Dataset(rows.X[index], rows.y[index], rows.w[index]),
        max_iter=20,
        max_fun=100,
        tol=1e-9,
    )
    assert history.loss_curve == expected.loss_curve
    np.testing.assert_array_equal(network.theta, twin.theta)


def test_lbfgs_validates_after_each_iteration():
    rows, network, _ = convex_problem(4)
    thetas = []
    history = train_lbfgs(
        network, rows, max_iter=5, max_fun=100, tol=1e-9, validation=Validation(rows),
        on_epoch_end=lambda history: thetas.append(network.theta.copy()),
    )  # fmt: skip
    penalties = [0.7 / (2 * 120) * np.sum(theta[: network.n_weights] ** 2) for theta in thetas]
    expected = np.subtract(history.loss_curve, penalties)
    np.testing.assert_allclose(history.validation_loss_curve, expected, rtol=1e-12)
    assert len(history.validation_scores) == 5


def test_lbfgs_in_float32_keeps_the_network_in_float32():
    rows, exact, _ = convex_problem(4)
    network = some_network(4, "softmax", dtype="float32")
    options = {"max_iter": 200, "max_fun": 500, "tol": 1e-4}
    history = train_lbfgs(network, Dataset(rows.X.astype("float32"), rows.y), **options)
    expected = train_lbfgs(exact, rows, **options)
    assert network.theta.dtype == network.grad.dtype == "float32"
    assert history.loss == pytest.approx(expected.loss, rel=1e-5)


def interrupted_lbfgs(interrupt, max_iter=50):
    """Run L-BFGS and press Ctrl-C in an evaluation; return also how many iterations ended."""
    rows, network, _ = convex_problem(4)
    loss_gradient, n_calls = network.loss_gradient, 0

    def interruptible(*args):
        nonlocal n_calls
        n_calls += 1
        if n_calls == interrupt:
            raise KeyboardInterrupt
        return loss_gradient(*args)

    network.loss_gradient = interruptible
    thetas = []
    history = train_lbfgs(
        network, rows, max_iter=max_iter, max_fun=500, tol=1e-9,
        on_epoch_end=lambda history: thetas.append(network.theta.copy()),
    )  # fmt: skip
    return network, history, thetas


def test_lbfgs_interrupted_before_the_first_iteration_is_complete_propagates():
    with pytest.raises(KeyboardInterrupt):
        interrupted_lbfgs(1)


def test_lbfgs_interrupted_later_leaves_exactly_the_complete_iterations():
    network, history, thetas = interrupted_lbfgs(8)
    n = len(thetas)
    assert n >= 2
    expected_network, expected, _ = interrupted_lbfgs(None, max_iter=n)
    assert history.interrupted
    assert not history.converged
    assert history.loss_curve == expected.loss_curve
    assert history.loss == expected.loss_curve[-1]
    np.testing.assert_array_equal(network.theta, thetas[-1])
    np.testing.assert_array_equal(network.theta, expected_network.theta)


def test_lbfgs_stops_with_an_error_when_a_parameter_is_not_finite():
    rows, network, _ = convex_problem(4)
    network.theta[0] = np.inf
    with pytest.raises(ValueError, match=r"non-finite .* in epoch \d+\. .*scale the features"):
        train_lbfgs(network, rows, max_iter=10, max_fun=100, tol=1e-9)


def test_lbfgs_stops_with_an_error_when_the_loss_is_not_finite():
    rows, network, _ = convex_problem(4)
    with pytest.raises(ValueError, match=r"non-finite .* in epoch 1\. .*scale the features"):
        train_lbfgs(network, Dataset(4e307 * rows.X, rows.y), max_iter=10, max_fun=100, tol=1e-9)
    assert np.isfinite(network.theta).all()


# --- Time ---


def test_lbfgs_ends_with_the_first_iteration_after_the_deadline(monkeypatch):
    rows, network, _ = convex_problem(4)
    now, thetas = [0.0], []

    def on_epoch_end(history):
        now[0] += 1
        thetas.append(network.theta.copy())

    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    options = {"max_iter": 50, "max_fun": 500, "tol": 1e-9}
    history = train_lbfgs(network, rows, deadline=2.5, on_epoch_end=on_epoch_end, **options)
    assert history.timed_out
    assert not history.converged
    assert len(history.loss_curve) == history.best_epoch == 3
    np.testing.assert_array_equal(network.theta, thetas[-1])
    twin = convex_problem(4)[1]
    expected = train_lbfgs(twin, rows, **(options | {"max_iter": 3}))
    assert history.loss_curve == expected.loss_curve
    np.testing.assert_array_equal(network.theta, twin.theta)


# --- Batch normalisation ---


def normalised_problem():
    rows, _, _ = convex_problem(4, weighted=True)
    return rows, some_network(4, "softmax", hidden=(5, 3), batch_norm=True)


def test_lbfgs_normalises_prediction_over_all_rows():
    rows, network = normalised_problem()
    history = train_lbfgs(network, rows, max_iter=20, max_fun=500, tol=1e-9)
    assert history.loss_curve[-1] < 0.7 * history.loss_curve[0]
    parts, a, m = network.parameters.parts, rows.X, len(rows)
    for i in range(2):
        z = a @ parts["W"][i]
        np.testing.assert_allclose(parts["mean"][i], z.mean(axis=0), rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(parts["var"][i], z.var(axis=0) * m / (m - 1), rtol=1e-8)
        z_hat = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5)
        a = np.tanh(parts["gamma"][i] * z_hat + parts["beta"][i])


def test_lbfgs_validates_with_the_normalisation_of_its_iteration():
    rows, network = normalised_problem()
    seen = []

    def on_epoch_end(history):
        z = network.predictor().raw(rows.X)
        seen.append(network.loss.loss_gradient(z, rows.y, rows.w))

    history = train_lbfgs(
        network, rows, max_iter=5, max_fun=100, tol=1e-9, validation=Validation(rows),
        on_epoch_end=on_epoch_end,
    )  # fmt: skip
    assert history.validation_loss_curve == seen
    # the iterations fall, and so does what they predict
    assert seen == sorted(seen, reverse=True)


# --- Losses with kinks ---

KINKED = {
    "median": AbsoluteError(),
    "quantile": Pinball(0.9),
    "quantiles": Pinball([0.9, 0.1, 0.5]),
}
every_kinked = pytest.mark.parametrize("name", KINKED)


def kinked_problem(name, hidden=(), alpha=0.0, n=80, dtype="float64", weighted=False):
    """Return rows of numbers, and a network whose loss has kinks."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, 4))
    y = (X @ [1.0, 2, 3, 0] + 1 + rng.standard_t(3, n))[:, np.newaxis]
    w = rng.rand(n)
    sizes = 4, *hidden, KINKED[name].n_columns(1)
    network = make_network(sizes, "tanh", None, alpha, dtype, loss=KINKED[name])
    network.initialize("glorot_uniform", np.random.RandomState(1))
    rows = Dataset(X.astype(dtype), y.astype(dtype), (w / w.mean()).astype(dtype))
    return rows if weighted else Dataset(rows.X, rows.y), network


def least_pinball_loss(rows, q):
    """Return the least weighted loss of a linear model, by linear programming."""
    n, d = rows.X.shape
    w = (np.ones(n) if rows.w is None else rows.w) / n
    # coefficients, intercept, and the two parts of y - prediction, which are at least 0
    cost = np.concatenate([np.zeros(d + 1), q * w, (1 - q) * w])
    equations = np.hstack([rows.X, np.ones((n, 1)), np.eye(n), -np.eye(n)])
    bounds = [(None, None)] * (d + 1) + [(0, None)] * (2 * n)
    return linprog(cost, A_eq=equations, b_eq=rows.y[:, 0], bounds=bounds).fun


LONG = {"max_iter": 5000, "max_fun": 50_000, "tol": 1e-6}


@with_and_without_weights
@pytest.mark.parametrize("name", ["median", "quantile"])
def test_lbfgs_without_hidden_layer_is_quantile_regression(name, weighted):
    rows, network = kinked_problem(name, weighted=weighted)
    history = train_lbfgs(network, rows, **LONG)
    assert history.converged
    least = 2 * least_pinball_loss(rows, 0.5) if name == "median" else least_pinball_loss(rows, 0.9)
    assert least * (1 - 1e-9) <= history.loss <= least * (1 + 2e-5)


@with_and_without_weights
def test_lbfgs_with_several_levels_is_a_quantile_regression_for_each(weighted):
    rows, network = kinked_problem("quantiles", weighted=weighted)
    history = train_lbfgs(network, rows, **LONG)
    assert history.converged
    least = sum(least_pinball_loss(rows, q) for q in network.loss.q)
    assert least * (1 - 1e-9) <= history.loss <= least * (1 + 5e-5)


@every_kinked
def test_lbfgs_reaches_a_lower_loss_than_a_long_training_by_adam(name):
    rows, network = kinked_problem(name, hidden=(10,), alpha=1e-3)
    history = train_lbfgs(network, rows, **LONG)
    twin = kinked_problem(name, hidden=(10,), alpha=1e-3)[1]
    adam = OPTIMIZERS["adam"](twin.theta, twin.n_weights, beta_1=0.9, beta_2=0.999, epsilon=1e-8)
    solver = Solver(adam, SCHEDULES["constant"](0.01, max_epochs=3000))
    theirs = train(
        twin, solver, StoppingRule(patience=math.inf), rows,
        batch_size=len(rows), max_epochs=3000, rng=np.random.RandomState(0),
    )  # fmt: skip
    assert history.loss < min(theirs.loss_curve)


def test_lbfgs_does_not_stop_at_a_kink_as_it_would_without_rounding():
    rows, network = kinked_problem("median", hidden=(10,), alpha=1e-3)
    twin = kinked_problem("median", hidden=(10,), alpha=1e-3)[1]
    twin.loss.smooth = True
    try:
        stalled = train_lbfgs(twin, rows, **LONG)
    finally:
        del twin.loss.smooth
    history = train_lbfgs(network, rows, **LONG)
    assert history.loss < 0.5 * stalled.loss


@every_kinked
def test_lbfgs_records_the_loss_with_its_kinks(name):
    rows, network = kinked_problem(name, hidden=(5,), alpha=0.7, weighted=True)
    expected = []

    def on_epoch_end(history):
        twin = kinked_problem(name, hidden=(5,), alpha=0.7)[1]
        twin.theta[:] = network.theta
        twin.reserve(len(rows))
        expected.append(twin.loss_gradient(rows.X, rows.y, rows.w))

    history = train_lbfgs(network, rows, **LONG | {"max_iter": 300}, on_epoch_end=on_epoch_end)
    assert len(expected) > 20
    assert history.loss_curve == pytest.approx(expected, rel=1e-13)
    assert history.loss == history.loss_curve[-1]
    # one width follows the other
    assert history.loss < history.loss_curve[len(expected) // 3]


@every_kinked
def test_lbfgs_leaves_the_loss_of_the_network_as_it_is(name):
    rows, network = kinked_problem(name)
    loss = network.loss
    train_lbfgs(network, rows, **LONG)
    assert network.loss is loss
    with pytest.raises(ValueError, match="non-finite"):
        train_lbfgs(network, Dataset(1e307 * rows.X, rows.y), **LONG)
    assert network.loss is loss


@pytest.mark.parametrize("max_iter", [1, 20, 60])
def test_max_iter_is_the_total_over_all_widths(max_iter):
    rows, network = kinked_problem("median", hidden=(10,))
    history = train_lbfgs(network, rows, **LONG | {"max_iter": max_iter})
    assert len(history.loss_curve) == max_iter
    assert not history.converged
    assert "ITERATIONS" in history.message


@pytest.mark.parametrize("max_fun", [3, 40, 80])
def test_max_fun_is_the_total_over_all_widths(max_fun):
    rows, network = kinked_problem("median", alpha=0.7)
    loss_gradient, rounded = network.loss_gradient, []

    def counted(*args):
        rounded.append(bool(np.any(network.loss.width)))
        return loss_gradient(*args)

    network.loss_gradient = counted
    history = train_lbfgs(network, rows, **LONG | {"max_fun": max_fun})
    # SciPy completes the line search in which the limit is reached
    assert sum(rounded) <= max_fun + 20
    assert not history.converged
    assert "EVALUATIONS" in history.message


@pytest.mark.parametrize("limit", ["max_iter", "max_fun"])
def test_a_limit_reached_exactly_at_the_end_of_a_width_has_not_converged(limit, monkeypatch):
    widths = "skmlp._training.lbfgs._WIDTHS"
    rows, network = kinked_problem("median")
    n_calls = 0
    loss_gradient = network.loss_gradient

    def counted(*args):
        nonlocal n_calls
        n_calls += bool(np.any(network.loss.width))
        return loss_gradient(*args)

    network.loss_gradient = counted
    with monkeypatch.context() as patch:
        patch.setattr(widths, [0.25])
        first = train_lbfgs(network, rows, **LONG)
    assert first.converged
    rows, network = kinked_problem("median")
    exactly = {"max_iter": len(first.loss_curve), "max_fun": n_calls}[limit]
    history = train_lbfgs(network, rows, **LONG | {limit: exactly})
    assert history.loss_curve == first.loss_curve
    assert not history.converged
    assert "LIMIT" in history.message


def test_a_listener_ends_all_widths():
    rows, network = kinked_problem("median", hidden=(10,))
    history = train_lbfgs(
        network, rows, **LONG, on_epoch_end=lambda history: len(history.loss_curve) == 70
    )
    assert len(history.loss_curve) == 70
    assert history.stopped
    assert history.converged


def test_the_deadline_ends_all_widths(monkeypatch):
    rows, network = kinked_problem("median", hidden=(10,))
    now = [0.0]

    def on_epoch_end(history):
        now[0] += 1

    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    history = train_lbfgs(network, rows, **LONG, deadline=59.5, on_epoch_end=on_epoch_end)
    assert history.timed_out
    assert not history.converged
    assert len(history.loss_curve) == 60


@every_kinked
def test_an_interrupt_at_a_later_width_leaves_exactly_the_complete_iterations(name):
    rows, network = kinked_problem(name, hidden=(3,), alpha=0.7)
    loss, thetas = network.loss, []
    loss_gradient = network.loss_gradient

    def interruptible(*args):
        width = np.max(network.loss.width)
        if 0 < width < 0.05 * spread(rows.y, None)[0]:
            raise KeyboardInterrupt
        return loss_gradient(*args)

    network.loss_gradient = interruptible
    history = train_lbfgs(
        network, rows, **LONG, on_epoch_end=lambda history: thetas.append(network.theta.copy())
    )
    assert history.interrupted
    assert not history.converged
    assert len(history.loss_curve) == len(thetas) > 10
    assert history.loss == history.loss_curve[-1]
    np.testing.assert_array_equal(network.theta, thetas[-1])
    assert network.loss is loss


@every_kinked
def test_lbfgs_with_rounded_kinks_in_float32_stays_there(name):
    rows, network = kinked_problem(name, dtype="float32", weighted=True)
    history = train_lbfgs(network, rows, **LONG | {"tol": 1e-4})
    exact_rows, exact = kinked_problem(name, weighted=True)
    expected = train_lbfgs(exact, exact_rows, **LONG)
    assert network.theta.dtype == network.grad.dtype == "float32"
    assert history.loss == pytest.approx(expected.loss, rel=1e-3)


@pytest.mark.parametrize("unit", [0.1, 1.0, 1e6])
def test_the_widths_follow_the_scale_of_the_targets(unit):
    rows, network = kinked_problem("median")
    expected = train_lbfgs(network, rows, **LONG).loss
    twin = kinked_problem("median")[1]
    twin.theta *= unit
    # the gradient of |r| by the parameters has no unit
    history = train_lbfgs(twin, Dataset(rows.X, unit * rows.y), **LONG | {"tol": 1e-9})
    assert history.loss == pytest.approx(unit * expected, rel=1e-4)
