import math
import tracemalloc
import warnings

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from skmlp._activations import ACTIVATIONS
from skmlp._network import Network
from skmlp._optimizers import OPTIMIZERS
from skmlp._schedules import SCHEDULES
from skmlp._training import (
    History,
    Rows,
    StoppingRule,
    minibatches,
    run_epoch,
    train,
    train_lbfgs,
)

SETTINGS = {
    "sgd": {"momentum": 0.9, "nesterov": True},
    "adam": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
}
dense_and_sparse = pytest.mark.parametrize("container", [np.asarray, csr_matrix])
with_and_without_weights = pytest.mark.parametrize("weighted", [False, True])
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def some_rows(n=10, n_features=3, K=3, weighted=False, container=np.asarray, seed=0):
    rng = np.random.RandomState(seed)
    X, y, w = rng.normal(size=(n, n_features)), rng.randint(K, size=n), rng.rand(n)
    return Rows(container(X), y, w / w.mean() if weighted else None)


def some_network(layer_sizes=(3, 5, 3), out="softmax", alpha=0.01, dtype="float64"):
    network = Network(layer_sizes, "tanh", out, alpha, np.dtype(dtype))
    network.initialize("glorot_uniform", np.random.RandomState(1))
    return network


def some_optimizer(network, name="adam"):
    return OPTIMIZERS[name](network.theta, **SETTINGS[name])


def dense(X):
    return X if isinstance(X, np.ndarray) else X.toarray()


# --- Rows and mini-batches ---


def test_rows_without_index_are_all_rows():
    rows = some_rows(weighted=True)
    assert len(rows) == 10
    assert rows.take() is rows
    assert rows.weights() is rows.w


@dense_and_sparse
@with_and_without_weights
def test_rows_with_index_are_those_in_that_order(weighted, container):
    rows = some_rows(weighted=weighted, container=container)
    index = np.array([7, 2, 2, 9])
    chosen = Rows(rows.X, rows.y, rows.w, index)
    assert len(chosen) == 4
    taken = chosen.take()
    assert taken.index is None
    np.testing.assert_array_equal(dense(taken.X), dense(rows.X)[[7, 2, 2, 9]])
    np.testing.assert_array_equal(taken.y, rows.y[[7, 2, 2, 9]])
    if weighted:
        np.testing.assert_array_equal(taken.w, rows.w[[7, 2, 2, 9]])
        np.testing.assert_array_equal(chosen.weights(), taken.w)
    else:
        assert taken.w is None
        assert chosen.weights() is None


def test_mean_weight_is_that_of_the_rows_meant():
    X, y, w = np.ones((3, 1)), np.zeros(3), np.array([1.0, 2.0, 6.0])
    assert Rows(X, y).mean_weight() == 1
    assert Rows(X, y, w).mean_weight() == 3
    assert Rows(X, y, w, np.array([1, 2])).mean_weight() == 4


def test_normalised_divides_the_weights_in_the_precision_asked_for():
    rows = Rows(np.ones((2, 1), "float32"), np.zeros(2), np.array([1.0, 4.0]), np.array([1]))
    normalised = rows.normalised(4.0, np.dtype("float32"))
    np.testing.assert_array_equal(normalised.w, [0.25, 1])
    assert normalised.w.dtype == "float32"
    np.testing.assert_array_equal(rows.w, [1, 4])
    assert normalised.X is rows.X
    assert normalised.index is rows.index


@pytest.mark.parametrize("order", [None, np.array([4, 0, 3, 1, 2])])
@pytest.mark.parametrize("narrow", ["uint8", "float16"])
def test_narrow_rows_are_converted_batch_by_batch(narrow, order):
    X = np.arange(10).reshape(5, 2).astype(narrow)
    batches = [
        batch.copy()
        for batch, _, _ in minibatches(Rows(X, np.arange(5)), 2, order, np.dtype("float32"))
    ]
    assert [batch.dtype for batch in batches] == ["float32"] * 3
    np.testing.assert_array_equal(np.vstack(batches), X if order is None else X[order])


def test_normalised_without_weights_is_the_same():
    rows = some_rows()
    assert rows.normalised(1.0, np.dtype("float32")) is rows


@dense_and_sparse
@with_and_without_weights
@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 5, 10, 12])
def test_minibatches_are_all_rows_once_in_the_given_order(
    batch_size, shuffled, weighted, container
):
    rows = some_rows(weighted=weighted, container=container)
    order = np.random.RandomState(0).permutation(10) if shuffled else None
    # the buffer is overwritten by the next batch, so each one is copied
    batches = [(dense(X).copy(), y, w) for X, y, w in minibatches(rows, batch_size, order)]
    full, rest = divmod(10, batch_size)
    assert [len(X) for X, _, _ in batches] == [batch_size] * full + [rest] * (rest > 0)
    expected = np.arange(10) if order is None else order
    X, y, w = zip(*batches, strict=True)
    np.testing.assert_array_equal(np.concatenate(X), dense(rows.X)[expected])
    np.testing.assert_array_equal(np.concatenate(y), rows.y[expected])
    if weighted:
        np.testing.assert_array_equal(np.concatenate(w), rows.w[expected])
    else:
        assert w == (None,) * len(batches)


def test_minibatches_of_an_index_leave_the_other_rows_out():
    rows = some_rows()
    index = np.array([8, 1, 5])
    chosen = Rows(rows.X, rows.y, None, index)
    y = [y for _, y, _ in minibatches(chosen, 2, index)]
    np.testing.assert_array_equal(np.concatenate(y), rows.y[index])


def test_unshuffled_dense_batches_are_views():
    rows = some_rows(weighted=True)
    for X, y, w in minibatches(rows, 4, None):
        assert np.shares_memory(X, rows.X)
        assert np.shares_memory(y, rows.y)
        assert np.shares_memory(w, rows.w)


def test_shuffled_dense_batches_share_one_buffer():
    rows = some_rows()
    before = rows.X.copy()
    batches = [X for X, _, _ in minibatches(rows, 4, np.arange(10)[::-1])]
    assert [len(X) for X in batches] == [4, 4, 2]
    assert len({X.__array_interface__["data"][0] for X in batches}) == 1
    assert not np.shares_memory(batches[0], rows.X)
    np.testing.assert_array_equal(rows.X, before)


@pytest.mark.parametrize("order", [None, np.arange(10)[::-1]], ids=["unshuffled", "shuffled"])
def test_sparse_batches_stay_csr_in_their_dtype(order):
    rows = some_rows(container=lambda X: csr_matrix(X.astype("float32")))
    for X, _, _ in minibatches(rows, 4, order):
        assert X.format == "csr"
        assert X.dtype == "float32"


# --- One epoch ---


@dense_and_sparse
@with_and_without_weights
@every_optimizer
def test_an_epoch_is_one_step_per_batch(name, weighted, container):
    rows = some_rows(weighted=weighted, container=container)
    order = np.random.RandomState(0).permutation(10)
    ours, by_hand = some_network(), some_network()
    our_optimizer, optimizer = some_optimizer(ours, name), some_optimizer(by_hand, name)
    ours.reserve(4)
    loss = run_epoch(ours, our_optimizer, 0.1, rows, 4, order)

    losses = []
    for batch in (order[:4], order[4:8], order[8:]):
        by_hand.reserve(len(batch))
        w = rows.w[batch] if weighted else None
        losses.append(by_hand.loss_gradient(rows.X[batch], rows.y[batch], w))
        optimizer.step(by_hand.theta, by_hand.grad, 0.1)
    assert loss == pytest.approx((4 * losses[0] + 4 * losses[1] + 2 * losses[2]) / 10, rel=1e-14)
    np.testing.assert_allclose(ours.theta, by_hand.theta, rtol=1e-13)


def peak_of_a_later_epoch(network, optimizer, rows, order, batch_size):
    """Return the most memory, in bytes, that an epoch after the first takes on top."""
    network.reserve(batch_size)
    run_epoch(network, optimizer, 1e-3, rows, batch_size, order)
    tracemalloc.start()
    try:
        run_epoch(network, optimizer, 1e-3, rows, batch_size, order)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@every_optimizer
def test_the_batch_loop_allocates_nothing_large(name, activation, dtype):
    # a batch is 250 x 400 numbers, a layer 250 x 300, theta 121,203; NumPy's own buffers 8,192
    batch_size, n_features, n_hidden, K = 250, 400, 300, 3
    smallest = batch_size * n_hidden * np.dtype(dtype).itemsize
    rows = some_rows(1000, n_features, K, container=lambda X: X.astype(dtype))
    network = Network((n_features, n_hidden, K), activation, "softmax", 0.1, np.dtype(dtype))
    network.initialize("glorot_uniform", np.random.RandomState(0))
    optimizer = some_optimizer(network, name)

    unshuffled = peak_of_a_later_epoch(network, optimizer, rows, None, batch_size)
    assert unshuffled < smallest / 5
    # a shuffled epoch has the one buffer into which it gathers its rows
    order = np.random.RandomState(0).permutation(1000)
    buffer = batch_size * n_features * np.dtype(dtype).itemsize
    shuffled = peak_of_a_later_epoch(network, optimizer, rows, order, batch_size)
    assert shuffled < buffer + smallest / 5


# --- Stopping ---


def exhausted_after_each_epoch(rule, history, curve, values):
    """Return (is the value the lowest so far, is patience exhausted) after each epoch."""
    ends = []
    for value in values:
        curve.append(value)
        ends.append((rule.update(history), rule.exhausted))
    return ends


def test_patience_with_the_loss_worked_by_hand():
    rule, history = StoppingRule(False, tol=0.25, patience=2), History()
    table = [
        # loss      lowest?  exhausted?
        (8.0, True, False),  # anything undercuts infinity
        (7.875, True, False),  # lowest, but by less than tol: 1 epoch without a fall
        (7.625, True, False),  # undercuts 7.875 by just tol: counts, 0 epochs
        (7.625, False, False),  # 1 epoch
        (9.0, False, False),  # 2 epochs
        (7.5, True, True),  # 3 epochs are more than are borne
        (7.25, True, False),  # undercuts 7.5 by tol: 0 epochs
    ]
    losses, lowest, exhausted = zip(*table, strict=True)
    ends = exhausted_after_each_epoch(rule, history, history.loss_curve, losses)
    assert ends == list(zip(lowest, exhausted, strict=True))
    assert rule.best == 7.25


def test_patience_with_the_score_worked_by_hand():
    rule, history = StoppingRule(True, tol=0.125, patience=1), History(loss_curve=[1.0])
    table = [
        # score     highest?  exhausted?
        (0.5, True, False),
        (0.5625, True, False),  # highest, but by less than tol: 1 epoch without a rise
        (0.6875, True, False),  # 0.5625 + tol: 0 epochs
        (0.25, False, False),  # 1 epoch
        (0.6875, False, True),  # as high as the highest is not higher: 2 epochs
    ]
    scores, highest, exhausted = zip(*table, strict=True)
    ends = exhausted_after_each_epoch(rule, history, history.validation_scores, scores)
    assert ends == list(zip(highest, exhausted, strict=True))
    assert rule.best == -0.6875


def test_infinite_patience_is_never_exhausted():
    rule, history = StoppingRule(False, patience=math.inf), History()
    ends = exhausted_after_each_epoch(rule, history, history.loss_curve, [1.0] * 100)
    assert not any(exhausted for _, exhausted in ends)


# --- Training ---


class Script:
    """An optimizer that sets the parameters to given values, one after the other."""

    dtype = np.dtype("float64")

    def __init__(self, values):
        self.values, self.n_steps = values, 0

    def step(self, theta, grad, learning_rate):
        value = self.values[self.n_steps]
        self.n_steps += 1
        if value is KeyboardInterrupt:
            raise KeyboardInterrupt
        theta[:] = value


# one feature, and yes where it is positive
LINE = Rows(np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([[False], [False], [True], [True]]))


def train_on_a_line(values, **options):
    """Train W and b of one unit by the script, a step per epoch."""
    network = Network((1, 1), "identity", "logistic", 0.0, np.dtype("float64"))
    optimizer = options.pop("optimizer", None) or Script(values)
    rule = options.pop("rule", None) or StoppingRule(False, patience=math.inf)
    schedule = SCHEDULES[options.pop("schedule", "constant")](0.125)
    options = {"batch_size": 4, "max_epochs": len(values), "rng": None} | options
    history = train(network, optimizer, schedule, rule, LINE, **options)
    return network, history, optimizer, schedule


def test_monitoring_the_score_ends_with_the_parameters_of_the_best_epoch():
    # right in 2, 4, 3, 4 and 0 rows of 4: of equals, the first is the best
    values = [(0, -1), (1, 0), (1, 1.5), (2, 0), (-1, 0)]
    rule = StoppingRule(True, patience=math.inf)
    network, history, _, _ = train_on_a_line(values, rule=rule, validation=LINE)
    assert history.validation_scores == [0.5, 1, 0.75, 1, 0]
    np.testing.assert_array_equal(network.theta, (1, 0))


def test_monitoring_the_score_keeps_the_initial_parameters_if_they_were_better_before():
    rule = StoppingRule(True, patience=math.inf)
    rule.best = -0.9
    network, _, _, _ = train_on_a_line([(0, -1), (-1, 0)], rule=rule, validation=LINE)
    np.testing.assert_array_equal(network.theta, (0, 0))


def test_monitoring_the_loss_ends_with_the_parameters_of_the_last_epoch():
    # though the loss rises in the end
    network, history, _, _ = train_on_a_line([(1, 0), (-1, 0), (-2, 0)], validation=LINE)
    np.testing.assert_array_equal(network.theta, (-2, 0))
    assert history.loss_curve[2] > history.loss_curve[1]
    assert history.validation_scores == [1, 0, 0]


def test_curves_hold_the_loss_before_and_the_validation_after_each_epochs_steps():
    _, history, _, _ = train_on_a_line([(1, 0), (2, 0)], validation=LINE)

    def mean_loss(weight):
        return (math.log1p(math.exp(-weight)) + math.log1p(math.exp(-2 * weight))) / 2

    assert history.loss_curve == pytest.approx([math.log(2), mean_loss(1)], rel=1e-14)
    assert history.validation_loss_curve == pytest.approx([mean_loss(1), mean_loss(2)], rel=1e-14)
    assert history.loss == history.loss_curve[-1]


def test_without_validation_rows_only_the_loss_is_recorded():
    _, history, _, _ = train_on_a_line([(1, 0), (2, 0)])
    assert len(history.loss_curve) == 2
    assert history.validation_loss_curve == history.validation_scores == []


def test_training_has_converged_when_patience_runs_out():
    # the loss recorded in epoch 1 is that of the initial parameters, the same as ever after
    rule = StoppingRule(False, tol=0.01, patience=2)
    _, history, optimizer, _ = train_on_a_line([(0, 0)] * 10, rule=rule)
    assert optimizer.n_steps == len(history.loss_curve) == 1 + 3
    assert history.converged
    assert not history.interrupted


def test_training_has_not_converged_when_the_epochs_run_out():
    rule = StoppingRule(False, tol=0.01, patience=2)
    _, history, _, _ = train_on_a_line([(0, 0)] * 3, rule=rule)
    assert len(history.loss_curve) == 3
    assert not history.converged


def test_an_adaptive_rate_gets_new_patience_at_each_plateau_until_it_is_too_small():
    rule = StoppingRule(False, tol=0.01, patience=1)
    _, history, _, schedule = train_on_a_line([(0, 0)] * 50, rule=rule, schedule="adaptive")
    # 0.125 / 5^8 = 3.2e-7 is the first rate below 1e-6: 8 cuts and the end, 2 epochs each
    assert len(history.loss_curve) == 1 + 2 * 9
    assert schedule.learning_rate == pytest.approx(0.125 / 5**8)
    assert history.converged


def test_on_epoch_sees_the_history_after_each_epoch():
    seen = []
    _, history, _, _ = train_on_a_line(
        [(1, 0), (2, 0), (3, 0)],
        validation=LINE,
        on_epoch=lambda h: seen.append((h, len(h.loss_curve), len(h.validation_scores))),
    )
    assert seen == [(history, 1, 1), (history, 2, 2), (history, 3, 3)]


class Recorder(Script):
    """An optimizer that takes no step and records the learning rates."""

    def step(self, theta, grad, learning_rate):
        self.values.append(learning_rate)


def test_every_step_of_an_epoch_has_the_rate_that_the_schedule_set_before():
    rates = []
    train_on_a_line(
        [], optimizer=Recorder(rates), schedule="invscaling", max_epochs=3, batch_size=2
    )
    expected = [0.125, 0.125 / math.sqrt(4 + 1), 0.125 / math.sqrt(8 + 1)]
    assert rates == pytest.approx(np.repeat(expected, 2), rel=1e-14)


@pytest.mark.parametrize("index", [None, np.array([1, 3, 4, 6, 7, 9])], ids=["all", "some"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_each_epoch_goes_on_shuffling_the_order_of_the_one_before(shuffle, index):
    rows = some_rows()
    rows = Rows(rows.X, rows.y, None, index)
    ours, by_hand = some_network(), some_network()
    train(
        ours, some_optimizer(ours), SCHEDULES["constant"](0.1), StoppingRule(False), rows,
        batch_size=4, max_epochs=3, rng=np.random.RandomState(3) if shuffle else None,
    )  # fmt: skip

    rng, optimizer = np.random.RandomState(3), some_optimizer(by_hand)
    order = np.arange(10) if index is None else index
    by_hand.reserve(4)
    for _ in range(3):
        order = order[rng.permutation(len(order))] if shuffle else order
        run_epoch(by_hand, optimizer, 0.1, rows, 4, order)
    np.testing.assert_array_equal(ours.theta, by_hand.theta)


# --- Divergence ---


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
@pytest.mark.parametrize("bad_step", [1, 3, 4, 5])
def test_the_first_loss_that_is_not_finite_stops_training_at_once(bad_step, bad):
    # two steps in each epoch
    script, epochs = Script([(1, 0)] * (bad_step - 1) + [(bad, 0)]), []
    epoch = (bad_step + 1) // 2
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises(ValueError, match=rf"epoch {epoch} at learning rate 0\.125\b"):
            train_on_a_line(
                [], optimizer=script, max_epochs=7, batch_size=2, on_epoch=epochs.append
            )
    assert script.n_steps == bad_step
    assert len(epochs) == epoch - 1


def test_a_parameter_that_is_not_finite_stops_training_after_the_epoch():
    # an infinite weight is right for certain on this line: the loss stays 0
    script = Script([(1, 0), (np.inf, 0), (np.inf, 0), (np.inf, 0)])
    with pytest.raises(ValueError, match=r"parameters in epoch 1 at learning rate 0\.125\b"):
        train_on_a_line([], optimizer=script, max_epochs=7, batch_size=2)
    assert script.n_steps == 2


@every_optimizer
def test_a_learning_rate_that_diverges_is_named(name):
    network = some_network()
    with pytest.raises(ValueError, match=r"epoch 1 at learning rate 1e\+300\b.*learning_rate_init"):
        train(
            network, some_optimizer(network, name), SCHEDULES["constant"](1e300),
            StoppingRule(False), some_rows(), batch_size=1, max_epochs=50, rng=None,
        )  # fmt: skip


# --- Interrupts ---


def interrupted_run(monitors_score, max_epochs=20, where=None, epoch=None):
    """Train; press Ctrl-C in the second "step" of that epoch, or in its "on_epoch"."""
    network = some_network()
    optimizer = some_optimizer(network)
    step, n_steps = optimizer.step, 0

    def interruptible_step(*args):
        nonlocal n_steps
        n_steps += 1
        if where == "step" and n_steps == 3 * (epoch - 1) + 2:
            raise KeyboardInterrupt
        step(*args)

    def on_epoch(history):
        if where == "on_epoch" and len(history.loss_curve) == epoch:
            raise KeyboardInterrupt

    optimizer.step = interruptible_step
    history = train(
        network, optimizer, SCHEDULES["constant"](0.01), StoppingRule(monitors_score),
        some_rows(), batch_size=4, max_epochs=max_epochs, rng=np.random.RandomState(0),
        validation=some_rows(30, seed=1), on_epoch=on_epoch,
    )  # fmt: skip
    return network, history


def test_an_interrupt_within_the_first_epoch_propagates():
    with pytest.raises(KeyboardInterrupt):
        interrupted_run(False, where="step", epoch=1)


# within epoch 3, and when epoch 2 is just complete
@pytest.mark.parametrize(("where", "epoch"), [("step", 3), ("on_epoch", 2)])
@pytest.mark.parametrize("monitors_score", [False, True])
def test_a_later_interrupt_leaves_exactly_the_complete_epochs(where, epoch, monitors_score):
    network, history = interrupted_run(monitors_score, where=where, epoch=epoch)
    expected_network, expected = interrupted_run(monitors_score, max_epochs=2)
    np.testing.assert_array_equal(network.theta, expected_network.theta)
    assert history.interrupted
    assert not history.converged
    assert not expected.interrupted
    assert len(history.loss_curve) == len(history.validation_scores) == 2
    assert history.loss_curve == expected.loss_curve
    assert history.validation_loss_curve == expected.validation_loss_curve
    assert history.validation_scores == expected.validation_scores
    assert history.loss == expected.loss


def test_an_interrupt_during_validation_undoes_the_epoch(monkeypatch):
    expected_network, expected = interrupted_run(False, max_epochs=2)
    logits, n_calls = Network.logits, 0

    def interruptible_logits(*args):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 3:
            raise KeyboardInterrupt
        return logits(*args)

    monkeypatch.setattr(Network, "logits", interruptible_logits)
    network, history = interrupted_run(False)
    np.testing.assert_array_equal(network.theta, expected_network.theta)
    assert history.loss_curve == expected.loss_curve
    assert history.validation_scores == expected.validation_scores


# --- L-BFGS ---


def convex_problem(K, container=np.asarray, weighted=False):
    """Return rows of K overlapping classes, and a network without hidden layer."""
    rng = np.random.RandomState(0)
    y = rng.randint(K, size=120)
    X = rng.normal(size=(120, 4)) + np.eye(4)[y]
    w = rng.rand(120) if weighted else None
    encoded = (y == 1)[:, np.newaxis] if K == 2 else y
    rows = Rows(container(X), encoded, None if w is None else w / w.mean())
    n_outputs, out = (1, "logistic") if K == 2 else (K, "softmax")
    return rows, some_network((4, n_outputs), out, alpha=0.7), y


@dense_and_sparse
@with_and_without_weights
@pytest.mark.parametrize("K", [2, 4])
def test_lbfgs_without_hidden_layer_is_logistic_regression(K, weighted, container):
    rows, network, y = convex_problem(K, container, weighted)
    theirs = LogisticRegression(C=1 / 0.7, tol=1e-10, max_iter=5000)
    theirs.fit(dense(rows.X), y, sample_weight=rows.w)
    optimum = convex_problem(K)[1]
    optimum.set_parameters([theirs.coef_.T], [theirs.intercept_])
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
    some, twin = Rows(rows.X, rows.y, rows.w, index), convex_problem(4)[1]
    history = train_lbfgs(network, some, max_iter=20, max_fun=100, tol=1e-9)
    expected = train_lbfgs(
        twin, Rows(rows.X[index], rows.y[index], rows.w[index]), max_iter=20, max_fun=100, tol=1e-9
    )
    assert history.loss_curve == expected.loss_curve
    np.testing.assert_array_equal(network.theta, twin.theta)


def test_lbfgs_validates_after_each_iteration():
    rows, network, _ = convex_problem(4)
    thetas = []
    history = train_lbfgs(
        network, rows, max_iter=5, max_fun=100, tol=1e-9, validation=rows,
        on_epoch=lambda history: thetas.append(network.theta.copy()),
    )  # fmt: skip
    penalties = [0.7 / (2 * 120) * np.sum(theta[: network.n_weights] ** 2) for theta in thetas]
    expected = np.subtract(history.loss_curve, penalties)
    np.testing.assert_allclose(history.validation_loss_curve, expected, rtol=1e-12)
    assert len(history.validation_scores) == 5


def test_lbfgs_in_float32_keeps_the_network_in_float32():
    rows, exact, _ = convex_problem(4)
    network = some_network((4, 4), alpha=0.7, dtype="float32")
    options = {"max_iter": 200, "max_fun": 500, "tol": 1e-4}
    history = train_lbfgs(network, Rows(rows.X.astype("float32"), rows.y), **options)
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
        on_epoch=lambda history: thetas.append(network.theta.copy()),
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
        train_lbfgs(network, Rows(4e307 * rows.X, rows.y), max_iter=10, max_fun=100, tol=1e-9)
    assert np.isfinite(network.theta).all()
