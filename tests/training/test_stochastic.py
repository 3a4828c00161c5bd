import math
import tracemalloc
import warnings

import numpy as np
import pytest
from engine_networks import make_network
from scipy.sparse import csr_matrix
from training_loops import make_loop, run_epoch, train

from skmlp import NumpyMLPClassifier
from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.network import Network
from skmlp._engine.predictor import Predictor
from skmlp._training.dataset import Dataset
from skmlp._training.early_stopping import StoppingRule
from skmlp._training.loop import Validation
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES
from skmlp._training.solver import Solver

DEFAULTS = NumpyMLPClassifier().get_params()
dense_and_sparse = pytest.mark.parametrize("container", [np.asarray, csr_matrix])
with_and_without_weights = pytest.mark.parametrize("weighted", [False, True])
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def some_rows(n=10, n_features=3, K=3, weighted=False, container=np.asarray, seed=0):
    rng = np.random.RandomState(seed)
    X, y, w = rng.normal(size=(n, n_features)), rng.randint(K, size=n), rng.rand(n)
    return Dataset(container(X), y, w / w.mean() if weighted else None)


def some_network(layer_sizes=(3, 5, 3), activation="tanh", dtype="float64", **options):
    alpha = options.pop("alpha", 0.01)
    network = make_network(layer_sizes, activation, "softmax", alpha, dtype, **options)
    network.initialize("glorot_uniform", np.random.RandomState(1))
    return network


def some_optimizer(network, name="adam"):
    optimizer = OPTIMIZERS[name]
    settings = {name: DEFAULTS[name] for name in optimizer.hyperparameters}
    return optimizer(network.theta, network.n_weights, **settings)


def some_solver(network, name="adam", rate=0.1, schedule="constant", **options):
    schedule = SCHEDULES[schedule](rate, max_epochs=50)
    return Solver(some_optimizer(network, name), schedule, **options)


# --- One epoch ---


@dense_and_sparse
@with_and_without_weights
@every_optimizer
def test_an_epoch_is_one_step_per_batch(name, weighted, container):
    rows = some_rows(weighted=weighted, container=container)
    order = np.random.RandomState(0).permutation(10)
    ours, by_hand = some_network(), some_network()
    optimizer = some_optimizer(by_hand, name)
    ours.reserve(4)
    loss, n_rows = run_epoch(ours, some_solver(ours, name), rows, 4, order)

    losses = []
    for batch in (order[:4], order[4:8], order[8:]):
        by_hand.reserve(len(batch))
        w = rows.w[batch] if weighted else None
        losses.append(by_hand.loss_gradient(rows.X[batch], rows.y[batch], w))
        optimizer.step(by_hand.theta, by_hand.grad, 0.1)
    assert loss == pytest.approx((4 * losses[0] + 4 * losses[1] + 2 * losses[2]) / 10, rel=1e-14)
    assert n_rows == 10
    np.testing.assert_allclose(ours.theta, by_hand.theta, rtol=1e-13)


def peak_of_a_later_epoch(network, solver, rows, order, batch_size):
    """Return the most memory, in bytes, that an epoch after the first takes on top."""
    network.reserve(batch_size)
    loop = make_loop(network)
    run_epoch(network, solver, rows, batch_size, order, loop=loop)
    tracemalloc.start()
    try:
        run_epoch(network, solver, rows, batch_size, order, loop=loop)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


REGULARISED = {
    "batch_norm": True,
    "noise": 0.1,
    "dropout": 0.1,
    "input_noise": 0.1,
    "input_dropout": 0.1,
    "adversarial_radius": 0.1,
    "label_smoothing": 0.1,
    "averaging": True,
    "rng": np.random.default_rng(0),
}
LIMITED = {"max_grad_norm": 0.1, "averaging": 0.9}


@pytest.mark.parametrize(
    ("name", "activation", "dtype", "options", "limits"),
    [
        *((name, "relu", "float32", {}, {}) for name in OPTIMIZERS),
        *(("adam", activation, "float32", {}, {}) for activation in ACTIVATIONS),
        ("adam", "relu", "float64", {}, {}),
        ("adam", "relu", "float32", REGULARISED, LIMITED),
        ("adam", "relu", "float64", REGULARISED, LIMITED),
    ],
    ids=lambda value: value if isinstance(value, str) else "with"[: len(value)],
)
def test_the_batch_loop_allocates_nothing_large(name, activation, dtype, options, limits):
    # a batch is 500 x 450 numbers, a layer as many, theta more than 202,500; NumPy's own buffers
    # are 8,192, and an activation may work in two blocks of 32,768
    batch_size, n_features, n_hidden, K = 500, 450, 450, 3
    smallest = n_features * n_hidden * np.dtype(dtype).itemsize
    rows = some_rows(1000, n_features, K, container=lambda X: X.astype(dtype))
    network = some_network((n_features, n_hidden, K), activation, dtype, **options)
    solver = some_solver(network, name, 1e-3, **limits)

    unshuffled = peak_of_a_later_epoch(network, solver, rows, None, batch_size)
    assert unshuffled < smallest / 2
    # a shuffled epoch has the one buffer into which it gathers its rows
    order = np.random.RandomState(0).permutation(1000)
    buffer = batch_size * n_features * np.dtype(dtype).itemsize
    shuffled = peak_of_a_later_epoch(network, solver, rows, order, batch_size)
    assert shuffled < buffer + smallest / 2


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
LINE = Dataset(
    np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([[False], [False], [True], [True]])
)


def train_on_a_line(values, **options):
    """Train W and b of one unit by the script, a step per epoch."""
    network = make_network((1, 1), "identity", "logistic")
    optimizer = options.pop("optimizer", None) or Script(values)
    max_epochs = options.setdefault("max_epochs", len(values))
    rule = options.pop("rule", None) or StoppingRule(patience=math.inf)
    schedule = SCHEDULES[options.pop("schedule", "constant")](0.125, max_epochs=max_epochs)
    solver = Solver(optimizer, schedule)
    options = {"batch_size": 4, "rng": None} | options
    history = train(network, solver, rule, LINE, **options)
    return network, history, solver


def test_monitoring_the_score_ends_with_the_parameters_of_the_best_epoch():
    # right in 2, 4, 3, 4 and 0 rows of 4: of equals, the first is the best
    values = [(0, -1), (1, 0), (1, 1.5), (2, 0), (-1, 0)]
    rule = StoppingRule("validation_score", patience=math.inf)
    network, history, _ = train_on_a_line(values, rule=rule, validation=Validation(LINE))
    assert history.validation_scores == [0.5, 1, 0.75, 1, 0]
    np.testing.assert_array_equal(network.theta, (1, 0))


def test_monitoring_the_score_keeps_the_initial_parameters_if_they_were_better_before():
    rule = StoppingRule("validation_score", patience=math.inf)
    rule.best = -0.9
    network, _, _ = train_on_a_line([(0, -1), (-1, 0)], rule=rule, validation=Validation(LINE))
    np.testing.assert_array_equal(network.theta, (0, 0))


def test_monitoring_the_loss_ends_with_the_parameters_of_the_last_epoch():
    # though the loss rises in the end
    network, history, _ = train_on_a_line([(1, 0), (-1, 0), (-2, 0)], validation=Validation(LINE))
    np.testing.assert_array_equal(network.theta, (-2, 0))
    assert history.loss_curve[2] > history.loss_curve[1]
    assert history.validation_scores == [1, 0, 0]


def test_curves_hold_the_loss_before_and_the_validation_after_each_epochs_steps():
    _, history, _ = train_on_a_line([(1, 0), (2, 0)], validation=Validation(LINE))

    def mean_loss(weight):
        return (math.log1p(math.exp(-weight)) + math.log1p(math.exp(-2 * weight))) / 2

    assert history.loss_curve == pytest.approx([math.log(2), mean_loss(1)], rel=1e-14)
    assert history.validation_loss_curve == pytest.approx([mean_loss(1), mean_loss(2)], rel=1e-14)
    assert history.loss == history.loss_curve[-1]


@pytest.mark.parametrize("ties_to_latest", [False, True])
def test_of_epochs_with_equal_scores_the_earlier_one_is_kept_unless_ties_go_to_the_latest(
    ties_to_latest,
):
    values = [(0, -1), (1, 0), (1, 1.5), (2, 0), (-1, 0)]
    rule = StoppingRule("validation_score", patience=math.inf, ties_to_latest=ties_to_latest)
    network, history, _ = train_on_a_line(values, rule=rule, validation=Validation(LINE))
    assert history.best_epoch == (4 if ties_to_latest else 2)
    np.testing.assert_array_equal(network.theta, values[history.best_epoch - 1])


def test_monitoring_the_validation_loss_ends_with_the_parameters_of_the_lowest():
    # all rows are right from the first epoch on, the third is the surest
    values = [(1, 0), (2, 0), (4, 0), (3, 0)]
    rule = StoppingRule("validation_loss", patience=math.inf)
    network, history, _ = train_on_a_line(values, rule=rule, validation=Validation(LINE))
    assert history.validation_scores == [1] * 4
    assert history.best_epoch == 1 + int(np.argmin(history.validation_loss_curve)) == 3
    np.testing.assert_array_equal(network.theta, (4, 0))


def test_a_score_of_ones_own_is_that_of_the_network_after_each_epoch():
    values = [(1, 0), (3, 0), (2, 0)]
    validation = Validation(LINE, score=lambda network: -float(network.theta[0]))
    rule = StoppingRule("validation_score", patience=math.inf)
    network, history, _ = train_on_a_line(values, rule=rule, validation=validation)
    assert history.validation_scores == [-1, -3, -2]
    np.testing.assert_array_equal(network.theta, (1, 0))


def test_best_epoch_is_the_last_one_where_no_validation_decides():
    assert train_on_a_line([(1, 0), (-1, 0)], validation=Validation(LINE))[1].best_epoch == 2


def test_best_epoch_is_0_where_the_parameters_from_before_are_kept():
    rule = StoppingRule("validation_score", patience=math.inf)
    rule.best = -0.9
    _, history, _ = train_on_a_line([(0, -1), (-1, 0)], rule=rule, validation=Validation(LINE))
    assert history.best_epoch == 0


def test_validation_and_the_best_parameters_are_of_the_running_mean():
    rows, held_out = some_rows(), some_rows(30, seed=1)
    network = some_network(averaging=True)
    means = []
    history = train(
        network, some_solver(network, averaging=0.9), StoppingRule("validation_loss"), rows,
        batch_size=4, max_epochs=6, rng=None, validation=Validation(held_out),
        on_epoch_end=lambda history: means.append(network.parameters.vectors.copy()),
    )  # fmt: skip
    plain = some_network()
    for vectors, expected in zip(means, history.validation_loss_curve, strict=True):
        assert not np.array_equal(*vectors)
        plain.theta[:] = vectors[1]
        z = plain.predictor().raw(held_out.X)
        assert plain.loss.loss_gradient(z, held_out.y) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_array_equal(network.parameters.vectors, means[history.best_epoch - 1])


@pytest.mark.parametrize("averaging", [None, 0.9])
@pytest.mark.parametrize("validated", [False, True])
def test_batch_normalisations_predict_by_the_population_given(validated, averaging):
    rows, held_out = some_rows(), some_rows(30, seed=1)
    network = some_network(batch_norm=True, averaging=averaging is not None)
    losses = []

    def on_epoch_end(history):
        losses.append(network.loss.loss_gradient(network.predictor().raw(held_out.X), held_out.y))

    history = train(
        network, some_solver(network, averaging=averaging), StoppingRule(), rows,
        batch_size=4, max_epochs=3, rng=None, population=rows.X,
        validation=Validation(held_out) if validated else None, on_epoch_end=on_epoch_end,
    )  # fmt: skip
    expected = network.predictor().raw(held_out.X)
    network.update_batch_norm_statistics(rows.X)
    np.testing.assert_array_equal(network.predictor().raw(held_out.X), expected)
    assert losses == history.validation_loss_curve or not validated


def test_without_a_population_batch_normalisations_keep_their_running_means():
    rows, network = some_rows(), some_network(batch_norm=True)
    by_hand = some_network(batch_norm=True)
    for trained in (network, by_hand):
        trained.reserve(4)
    train(network, some_solver(network), StoppingRule(), rows, batch_size=4, max_epochs=1, rng=None)
    run_epoch(by_hand, some_solver(by_hand), rows, 4, None)
    np.testing.assert_array_equal(network.parameters.vectors, by_hand.parameters.vectors)


def test_without_validation_rows_only_the_loss_is_recorded():
    _, history, _ = train_on_a_line([(1, 0), (2, 0)])
    assert len(history.loss_curve) == 2
    assert history.validation_loss_curve == history.validation_scores == []


def test_training_has_converged_when_patience_runs_out():
    # the loss recorded in epoch 1 is that of the initial parameters, the same as ever after
    rule = StoppingRule(tol=0.01, patience=2)
    _, history, solver = train_on_a_line([(0, 0)] * 10, rule=rule)
    assert solver.n_steps == len(history.loss_curve) == 1 + 3
    assert history.converged
    assert not history.interrupted


def test_training_has_not_converged_when_the_epochs_run_out():
    rule = StoppingRule(tol=0.01, patience=2)
    _, history, _ = train_on_a_line([(0, 0)] * 3, rule=rule)
    assert len(history.loss_curve) == 3
    assert not history.converged


def test_an_adaptive_rate_gets_new_patience_at_each_plateau_until_it_is_too_small():
    rule = StoppingRule(tol=0.01, patience=1)
    _, history, solver = train_on_a_line([(0, 0)] * 50, rule=rule, schedule="adaptive")
    # 0.125 / 5^8 = 3.2e-7 is the first rate below 1e-6: 8 cuts and the end, 2 epochs each
    assert len(history.loss_curve) == 1 + 2 * 9
    assert solver.schedule.learning_rate == pytest.approx(0.125 / 5**8)
    assert history.converged
    assert history.plateaus == [3, 5, 7, 9, 11, 13, 15, 17]


def test_an_epoch_is_told_of_before_it_begins_and_with_its_history_after_it():
    seen = []
    _, history, _ = train_on_a_line(
        [(1, 0), (2, 0), (3, 0)],
        validation=Validation(LINE),
        on_epoch_begin=lambda: seen.append("begin"),
        on_epoch_end=lambda h: seen.append((h, len(h.loss_curve), len(h.validation_scores))),
    )
    assert seen == [x for n in (1, 2, 3) for x in ("begin", (history, n, n))]


def test_training_stops_when_it_is_asked_to_at_the_end_of_an_epoch():
    network, history, _ = train_on_a_line(
        [(1, 0), (2, 0), (3, 0)], on_epoch_end=lambda h: len(h.loss_curve) == 2
    )
    assert len(history.loss_curve) == history.best_epoch == 2
    assert history.stopped
    assert history.converged
    np.testing.assert_array_equal(network.theta, (2, 0))


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


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_each_batch_has_the_rate_of_its_time_in_epochs(schedule):
    rates = []
    _, history, _ = train_on_a_line(
        [], optimizer=Recorder(rates), schedule=schedule, max_epochs=4, batch_size=1
    )
    by_hand = SCHEDULES[schedule](0.125, max_epochs=4)
    expected = []
    for epoch in range(4):
        expected += [by_hand.rate(epoch + i / 4, 1 / 4) for i in range(4)]
        by_hand.epoch_end(4)
    assert rates == expected
    assert history.learning_rate_curve == expected[3::4]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_plateau_of_the_loss_ends_no_schedule_that_is_planned_for_all_epochs(schedule):
    rule, planned = StoppingRule(tol=0.01, patience=2), SCHEDULES[schedule].planned
    _, history, _ = train_on_a_line([(0, 0)] * 40, rule=rule, schedule=schedule)
    assert (len(history.loss_curve) == 40) == planned
    assert history.converged


@pytest.mark.parametrize("schedule", [name for name in SCHEDULES if SCHEDULES[name].planned])
def test_validation_ends_a_planned_schedule(schedule):
    rule = StoppingRule("validation_loss", patience=2)
    _, history, _ = train_on_a_line(
        [(0, 0)] * 40, rule=rule, schedule=schedule, validation=Validation(LINE)
    )
    assert len(history.loss_curve) == 1 + 3
    assert history.converged


# --- The deadline ---


@pytest.fixture
def clock(monkeypatch):
    """Return a clock that stands still, and replace that of training by it."""
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    return now


class Slow(Script):
    """An optimizer whose steps take a second."""

    def __init__(self, values, clock):
        super().__init__(values)
        self.clock = clock

    def step(self, theta, grad, learning_rate):
        super().step(theta, grad, learning_rate)
        self.clock[0] += 1


# two steps in each epoch
@pytest.mark.parametrize(
    ("deadline", "n_steps"), [(-5.0, 1), (0.5, 1), (1.5, 2), (4.5, 5), (5.5, 6), (7.5, 8)]
)
def test_training_ends_with_the_first_batch_after_the_deadline(deadline, n_steps, clock):
    script = Slow([(i, 0) for i in range(1, 9)], clock)
    network, history, _ = train_on_a_line(
        [], optimizer=script, max_epochs=4, batch_size=2, deadline=deadline
    )
    assert script.n_steps == n_steps
    assert len(history.loss_curve) == math.ceil(n_steps / 2)
    assert history.n_rows == 2 * n_steps
    assert history.timed_out
    assert not history.converged
    assert not history.interrupted
    np.testing.assert_array_equal(network.theta, (n_steps, 0))


def test_training_that_ends_before_the_deadline_has_not_timed_out(clock):
    script = Slow([(i, 0) for i in range(1, 9)], clock)
    _, history, _ = train_on_a_line([], optimizer=script, max_epochs=4, batch_size=2, deadline=8.5)
    assert not history.timed_out
    assert len(history.loss_curve) == 4


def test_after_the_deadline_the_parameters_are_those_of_the_best_epoch(clock):
    script = Slow([(2, 0), (1, 0), (-1, 0), (-2, 0)], clock)
    rule = StoppingRule("validation_loss", patience=math.inf)
    network, history, _ = train_on_a_line(
        [], optimizer=script, rule=rule, max_epochs=4, validation=Validation(LINE), deadline=2.5
    )
    assert history.timed_out
    assert len(history.validation_loss_curve) == 3
    np.testing.assert_array_equal(network.theta, (2, 0))


def test_the_loss_of_an_epoch_cut_short_is_the_mean_over_its_rows(clock):
    rows, network = some_rows(), some_network()
    solver = some_solver(network, "sgd", 1e-300)
    network.reserve(4)
    expected = network.loss_gradient(rows.X[:4], rows.y[:4])
    clock[0] = 1.0
    assert run_epoch(network, solver, rows, 4, None, deadline=0.0) == (expected, 4)


@pytest.mark.parametrize("index", [None, np.array([1, 3, 4, 6, 7, 9])], ids=["all", "some"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_each_epoch_goes_on_shuffling_the_order_of_the_one_before(shuffle, index):
    rows = some_rows()
    rows = Dataset(rows.X, rows.y, None, index)
    ours, by_hand = some_network(), some_network()
    train(
        ours, some_solver(ours), StoppingRule(), rows, batch_size=4, max_epochs=3,
        rng=np.random.RandomState(3) if shuffle else None,
    )  # fmt: skip

    rng, solver = np.random.RandomState(3), some_solver(by_hand)
    order = np.arange(10) if index is None else index
    by_hand.reserve(4)
    for _ in range(3):
        order = order[rng.permutation(len(order))] if shuffle else order
        run_epoch(by_hand, solver, rows, 4, order)
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
                [], optimizer=script, max_epochs=7, batch_size=2, on_epoch_end=epochs.append
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
            network, some_solver(network, name, 1e300), StoppingRule(), some_rows(),
            batch_size=1, max_epochs=50, rng=None,
        )  # fmt: skip


# --- Interrupts ---


def interrupted_run(monitors, max_epochs=20, where=None, epoch=None):
    """Train; press Ctrl-C in the second "step" of that epoch, or in its "on_epoch_end"."""
    network = some_network()
    solver = some_solver(network, rate=0.01)
    step, n_steps = solver.optimizer.step, 0

    def interruptible_step(*args):
        nonlocal n_steps
        n_steps += 1
        if where == "step" and n_steps == 3 * (epoch - 1) + 2:
            raise KeyboardInterrupt
        step(*args)

    def on_epoch_end(history):
        if where == "on_epoch_end" and len(history.loss_curve) == epoch:
            raise KeyboardInterrupt

    solver.optimizer.step = interruptible_step
    history = train(
        network, solver, StoppingRule(monitors), some_rows(), batch_size=4, max_epochs=max_epochs,
        rng=np.random.RandomState(0), validation=Validation(some_rows(30, seed=1)),
        on_epoch_end=on_epoch_end,
    )  # fmt: skip
    return network, history


def test_an_interrupt_within_the_first_epoch_propagates():
    with pytest.raises(KeyboardInterrupt):
        interrupted_run("loss", where="step", epoch=1)


# within epoch 3, and when epoch 2 is just complete
@pytest.mark.parametrize(("where", "epoch"), [("step", 3), ("on_epoch_end", 2)])
@pytest.mark.parametrize("monitors", ["loss", "validation_loss", "validation_score"])
def test_a_later_interrupt_leaves_exactly_the_complete_epochs(where, epoch, monitors):
    network, history = interrupted_run(monitors, where=where, epoch=epoch)
    expected_network, expected = interrupted_run(monitors, max_epochs=2)
    np.testing.assert_array_equal(network.theta, expected_network.theta)
    assert history.interrupted
    assert not history.converged
    assert not expected.interrupted
    assert len(history.loss_curve) == len(history.validation_scores) == 2
    assert history.loss_curve == expected.loss_curve
    assert history.validation_loss_curve == expected.validation_loss_curve
    assert history.validation_scores == expected.validation_scores
    assert history.learning_rate_curve == expected.learning_rate_curve
    assert history.loss == expected.loss


def test_an_interrupt_while_the_population_is_taken_leaves_the_training_complete(monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(Network, "update_batch_norm_statistics", interrupted)
    network, rows = some_network(), some_rows()
    history = train(
        network, some_solver(network, rate=0.01), StoppingRule("loss"), rows, batch_size=4,
        max_epochs=2, rng=None, population=rows.X,
    )  # fmt: skip
    assert history.interrupted
    assert len(history.loss_curve) == 2


def test_an_interrupt_during_validation_undoes_the_epoch(monkeypatch):
    expected_network, expected = interrupted_run("loss", max_epochs=2)
    raw, n_calls = Predictor.raw, 0

    def interruptible_raw(*args):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 3:
            raise KeyboardInterrupt
        return raw(*args)

    monkeypatch.setattr(Predictor, "raw", interruptible_raw)
    network, history = interrupted_run("loss")
    np.testing.assert_array_equal(network.theta, expected_network.theta)
    assert history.loss_curve == expected.loss_curve
    assert history.validation_scores == expected.validation_scores
