import copy
import pickle

import numpy as np
import pytest

from skmlp._training.schedules import SCHEDULES

ETA_0, T = 0.2, 10
PLANNED = [name for name, schedule in SCHEDULES.items() if schedule.planned]
every_schedule = pytest.mark.parametrize("name", SCHEDULES)
every_planned_schedule = pytest.mark.parametrize("name", PLANNED)
every_warmup = pytest.mark.parametrize("warmup_epochs", [0, 0.3, 2, 9.5])
# epochs and batches per epoch
every_length = pytest.mark.parametrize(
    ("n_epochs", "n_batches"), [(1, 10), (3, 7), (10, 1), (4, 25)]
)


def make(name, learning_rate_init=ETA_0, max_epochs=T, **settings):
    return SCHEDULES[name](learning_rate_init, max_epochs=max_epochs, **settings)


def run(schedule, n_epochs, n_batches, start=0):
    """Return the rate of each batch."""
    rates = []
    for epoch in range(start, start + n_epochs):
        rates += [schedule.rate(epoch + i / n_batches, 1 / n_batches) for i in range(n_batches)]
        schedule.epoch_end(32 * n_batches)
    return rates


def test_registry_is_sorted():
    assert list(SCHEDULES) == sorted(SCHEDULES)


# --- Properties of every schedule ---


@every_warmup
@every_schedule
def test_rates_are_finite_and_never_above_the_initial_one(name, warmup_epochs):
    for n_batches in (1, 3, 50):
        schedule = make(name, warmup_epochs=warmup_epochs)
        rates = run(schedule, 3 * T, n_batches)
        while schedule.plateau():
            rates.append(schedule.rate(3 * T, 1 / n_batches))
        assert np.isfinite(rates).all()
        assert min(rates) >= 0
        assert max(rates) <= ETA_0
        assert all(type(rate) is float for rate in rates)


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"one_cycle"}))
def test_without_warmup_the_first_epoch_starts_at_the_initial_rate(name):
    assert make(name).rate(0, 0.01) == ETA_0


@every_schedule
def test_warmup_rises_without_a_jump_from_nearly_zero_to_the_initial_rate(name):
    w, n_batches = 2, 200
    dt = 1 / n_batches
    schedule = make(name, warmup_epochs=w)
    rates = [schedule.rate(i * dt, dt) for i in range(int(2.5 * n_batches))]
    n_rising = w * n_batches
    assert 0 < rates[0] <= ETA_0 * max(dt / w, 1 / 25)
    assert (np.diff(rates[:n_rising]) > 0).all()
    assert rates[n_rising - 1] == pytest.approx(ETA_0, rel=1e-12)
    # a cosine is at most pi / 2 times as steep as a line
    assert np.abs(np.diff(rates)).max() <= ETA_0 * np.pi / 2 / (n_rising - 1)


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"one_cycle"}))
def test_warmup_is_a_factor_that_reaches_one_at_its_end(name):
    schedule = make(name, warmup_epochs=0.5)
    # batches of 1 / 8 epoch, of which the fourth ends with the warm-up
    rates = [schedule.rate(i / 8, 1 / 8) for i in range(4)]
    assert rates == [ETA_0 / 4, ETA_0 / 2, ETA_0 * 3 / 4, ETA_0]


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"one_cycle"}))
def test_warmup_shorter_than_a_batch_changes_nothing(name):
    assert make(name, warmup_epochs=0.1).rate(0, 0.2) == ETA_0


@every_schedule
def test_only_planned_schedules_depend_on_the_number_of_epochs(name):
    short, long = (run(make(name, max_epochs=n), 5, 4) for n in (5, 50))
    assert (short != long) == SCHEDULES[name].planned


def test_cosine_linear_and_one_cycle_are_planned():
    assert PLANNED == ["cosine", "linear", "one_cycle"]


@every_warmup
@every_planned_schedule
def test_planned_schedules_end_near_zero_and_stay_there(name, warmup_epochs):
    schedule = make(name, warmup_epochs=warmup_epochs)
    dt = 0.001
    assert 0 < schedule.rate(T - dt, dt) <= ETA_0 * max(dt / (T - warmup_epochs), 1 / 25e4) * 1.001
    end = schedule.rate(T, dt)
    assert 0 <= end <= ETA_0 / 25e4
    assert [schedule.rate(t, dt) for t in (T + 0.5, T + 1, 10 * T)] == [end] * 3


@every_planned_schedule
def test_planned_schedules_fall_once_the_warmup_is_over(name):
    rates = run(make(name, warmup_epochs=1.5), T, 20)[30:]
    assert (np.diff(rates) < 0).all()


@every_schedule
def test_rows_are_counted_once_an_epoch(name):
    schedule = make(name, n_rows_seen=7)
    schedule.epoch_end(10)
    schedule.epoch_end(5)
    assert schedule.n_rows_seen == 22


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"invscaling"}))
def test_only_inverse_scaling_depends_on_the_rows_seen(name):
    schedule = make(name)
    before = schedule.rate(2.5, 0.1)
    schedule.epoch_end(1000)
    assert schedule.rate(2.5, 0.1) == before


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"adaptive"}))
def test_only_adaptive_survives_a_plateau(name):
    schedule = make(name)
    before = schedule.rate(2.5, 0.1)
    assert schedule.plateau() is False
    assert schedule.rate(2.5, 0.1) == before


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
@every_schedule
def test_a_copy_goes_on_as_the_original(name, duplicate):
    schedule = make(name, warmup_epochs=3.2, n_rows_seen=5)
    run(schedule, 3, 4)
    schedule.plateau()
    twin = duplicate(schedule)
    assert vars(twin) == vars(schedule)
    assert run(twin, T, 4, start=3) == run(schedule, T, 4, start=3)


# --- Each by its formula, worked out by hand ---


def test_constant_stays():
    assert run(make("constant"), 3, 2) == [ETA_0] * 6


def test_inverse_scaling_divides_by_a_power_of_the_rows_seen():
    schedule = make("invscaling", power_t=0.5)
    rates = []
    for epoch in range(4):
        rates.append(schedule.rate(epoch, 1))
        schedule.epoch_end(8)
    # after 0, 8, 16 and 24 rows: 0.2, 0.2 / sqrt(9), 0.2 / sqrt(17), 0.2 / sqrt(25)
    assert rates == pytest.approx([0.2, 0.0666666667, 0.0485071250, 0.04], rel=1e-8)


def test_inverse_scaling_goes_on_from_the_rows_seen_before():
    schedule = make("invscaling", power_t=2.0, n_rows_seen=3)
    schedule.epoch_end(1)
    # 0.2 / 5^2
    assert schedule.rate(1, 1) == schedule.learning_rate == pytest.approx(0.008, rel=1e-14)


def test_inverse_scaling_by_a_power_that_overflows_ends_at_rate_0():
    schedule = make("invscaling", power_t=1e3)
    with np.errstate(over="ignore"):
        schedule.epoch_end(10**6)
    assert schedule.rate(1, 1) == schedule.learning_rate == 0


def test_adaptive_divides_by_five_and_stops_at_a_millionth():
    schedule = make("adaptive", 1e-4)
    rates = []
    while schedule.plateau():
        rates.append(schedule.rate(1, 1))
    # 8e-7 is the first rate that is not above 1e-6
    assert rates == pytest.approx([2e-5, 4e-6, 8e-7], rel=1e-12)
    assert schedule.learning_rate == rates[-1]


def test_adaptive_stops_at_exactly_a_millionth():
    schedule = make("adaptive", 1e-6)
    assert schedule.plateau() is False
    assert schedule.learning_rate == 1e-6


def test_a_plateau_during_the_warmup_lowers_the_full_rate():
    schedule = make("adaptive", warmup_epochs=4)
    schedule.plateau()
    # a fifth of 0.2, three quarters of the way up
    assert schedule.rate(2, 1) == pytest.approx(0.03, rel=1e-14)


def test_exponential_takes_a_factor_per_epoch():
    rates = run(make("exponential", learning_rate_decay=0.5), 3, 2)
    assert rates == [0.2, 0.2, 0.1, 0.1, 0.05, 0.05]


def test_exponential_counts_epochs_from_the_end_of_the_warmup():
    rates = run(make("exponential", learning_rate_decay=0.5, warmup_epochs=1.5), 4, 2)
    # thirds up to 1.5 epochs, halved after 2.5 and 3.5
    expected = [0.2 / 3, 0.4 / 3, 0.2, 0.2, 0.2, 0.1, 0.1, 0.05]
    assert rates == pytest.approx(expected, rel=1e-14)


def test_linear_falls_to_zero():
    schedule = make("linear")
    rates = [schedule.rate(t, 0.25) for t in (0, 2.5, 5, 10, 12)]
    assert rates == pytest.approx([0.2, 0.15, 0.1, 0, 0], abs=1e-16)


def test_linear_falls_from_the_end_of_the_warmup():
    schedule = make("linear", warmup_epochs=2)
    rates = [schedule.rate(t, 0.5) for t in (0, 1, 1.5, 2, 4, 8)]
    # a quarter, three quarters, all of it; then 1, 3/4 and 1/4
    assert rates == pytest.approx([0.05, 0.15, 0.2, 0.2, 0.15, 0.05], abs=1e-16)


def test_cosine_falls_to_zero():
    schedule = make("cosine", max_epochs=12)
    rates = [schedule.rate(t, 0.25) for t in (0, 3, 4, 6, 8, 12)]
    # 0.1 (1 + cos p), p = 0, 45, 60, 90, 120 and 180 degrees
    expected = [0.2, 0.1 + 0.1 / np.sqrt(2), 0.15, 0.1, 0.05, 0]
    assert rates == pytest.approx(expected, abs=1e-16)


def test_cosine_falls_from_the_end_of_the_warmup():
    schedule = make("cosine", max_epochs=8, warmup_epochs=2)
    rates = [schedule.rate(t, 0.5) for t in (0, 1.5, 2, 4, 5, 6, 8)]
    assert rates == pytest.approx([0.05, 0.2, 0.2, 0.15, 0.1, 0.05, 0], abs=1e-16)


def test_one_cycle_rises_to_its_peak_and_falls_for_longer():
    rates = run(make("one_cycle"), T, 1)
    # the rise from 0.008 is over at batch 2, the fall to 8e-7 at batch 9
    assert rates[:3] == pytest.approx([0.008, 0.104, 0.2], rel=1e-14)
    # after 1/7, 2/7, ... of the way from 0.2 to 8e-7, along a cosine
    degrees = np.arange(1, 8) * 180 / 7
    fall = 8e-7 + 0.1999992 * (1 + np.cos(np.radians(degrees))) / 2
    assert rates[3:] == pytest.approx(fall, rel=1e-12)


def test_one_cycle_takes_the_warmup_as_its_rise():
    rates = run(make("one_cycle", warmup_epochs=5), T, 1)
    # cosine at 0, 45, 90, 135 and 180 degrees
    rise = 0.008 + 0.192 * (1 - np.cos(np.radians([0, 45, 90, 135, 180]))) / 2
    assert rates[:5] == pytest.approx(rise, rel=1e-14)
    assert max(rates[5:]) < 0.2
    assert rates[-1] == pytest.approx(8e-7, rel=1e-12)


def test_one_cycle_with_a_rise_of_one_batch_starts_at_its_peak():
    rates = run(make("one_cycle", warmup_epochs=1), T, 1)
    assert rates[0] == 0.2
    assert (np.diff(rates) < 0).all()


def test_one_cycle_with_nothing_but_a_rise_ends_at_its_peak():
    rates = run(make("one_cycle", warmup_epochs=T), T, 1)
    assert rates[0] == pytest.approx(0.008, rel=1e-14)
    assert rates[-1] == 0.2


def test_a_warmup_longer_than_training_rises_to_its_end():
    for name in PLANNED:
        assert (np.diff(run(make(name, warmup_epochs=T + 1), T, 3)) > 0).all(), name


# --- PyTorch's, step by step ---


def rates_of_torch(make_scheduler, n_steps):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=ETA_0)
    scheduler = make_scheduler(torch.optim.lr_scheduler, optimizer)
    rates = []
    for _ in range(n_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def assert_same_rates(actual, expected):
    assert len(actual) == len(expected)
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14)


@every_length
def test_cosine_is_that_of_pytorch(n_epochs, n_batches):
    n_steps = n_epochs * n_batches
    actual = run(make("cosine", max_epochs=n_epochs), n_epochs, n_batches)
    expected = rates_of_torch(lambda lr, sgd: lr.CosineAnnealingLR(sgd, n_steps), n_steps)
    assert_same_rates(actual, expected)


@every_length
def test_linear_is_that_of_pytorch(n_epochs, n_batches):
    n_steps = n_epochs * n_batches
    actual = run(make("linear", max_epochs=n_epochs), n_epochs, n_batches)
    expected = rates_of_torch(lambda lr, sgd: lr.LinearLR(sgd, 1.0, 0.0, n_steps), n_steps)
    assert_same_rates(actual, expected)


def test_exponential_is_that_of_pytorch_stepped_once_an_epoch():
    actual = run(make("exponential", learning_rate_decay=0.9), 30, 3)
    expected = rates_of_torch(lambda lr, sgd: lr.ExponentialLR(sgd, 0.9), 30)
    assert_same_rates(actual, np.repeat(expected, 3))


# PyTorch divides by zero where a phase has no length, as with a rise of one batch
@pytest.mark.parametrize("warmup_epochs", [0, 0.4, 0.7])
@every_length
def test_one_cycle_is_that_of_pytorch(n_epochs, n_batches, warmup_epochs):
    n_steps = n_epochs * n_batches
    rise = warmup_epochs / n_epochs or 0.3
    schedule = make("one_cycle", max_epochs=n_epochs, warmup_epochs=warmup_epochs)
    expected = rates_of_torch(
        lambda lr, sgd: lr.OneCycleLR(
            sgd, ETA_0, total_steps=n_steps, pct_start=rise, cycle_momentum=False
        ),
        n_steps,
    )
    assert_same_rates(run(schedule, n_epochs, n_batches), expected)


def test_warmup_is_that_of_pytorch():
    actual = run(make("constant", warmup_epochs=3), 5, 10)
    expected = rates_of_torch(lambda lr, sgd: lr.LinearLR(sgd, 1 / 30, 1.0, 29), 50)
    assert_same_rates(actual, expected)
