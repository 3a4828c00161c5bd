import pytest

from skmlp._schedules import SCHEDULES

every_schedule = pytest.mark.parametrize("name", SCHEDULES)


@every_schedule
def test_the_first_epoch_has_the_initial_rate(name):
    assert SCHEDULES[name](0.2, 0.5).learning_rate == 0.2


@every_schedule
def test_rows_are_counted_once_an_epoch(name):
    schedule = SCHEDULES[name](0.2, 0.5, t=7)
    schedule.epoch_end(10)
    schedule.epoch_end(5)
    assert schedule.t == 22


@pytest.mark.parametrize("name", set(SCHEDULES) - {"invscaling"})
def test_only_inverse_scaling_depends_on_the_rows_seen(name):
    schedule = SCHEDULES[name](0.2)
    schedule.epoch_end(1000)
    assert schedule.learning_rate == 0.2


@pytest.mark.parametrize("name", set(SCHEDULES) - {"adaptive"})
def test_only_adaptive_survives_a_plateau(name):
    schedule = SCHEDULES[name](0.2)
    assert schedule.plateau() is False
    assert schedule.learning_rate == 0.2


def test_inverse_scaling_divides_by_a_power_of_the_rows_seen():
    schedule = SCHEDULES["invscaling"](0.2, power_t=0.5)
    rates = []
    for _ in range(3):
        schedule.epoch_end(8)
        rates.append(schedule.learning_rate)
    # after 8, 16 and 24 rows: 0.2 / sqrt(9), 0.2 / sqrt(17), 0.2 / sqrt(25)
    assert rates == pytest.approx([0.0666666667, 0.0485071250, 0.04], rel=1e-8)


def test_inverse_scaling_goes_on_from_the_rows_seen_before():
    schedule = SCHEDULES["invscaling"](0.2, power_t=2.0, t=3)
    schedule.epoch_end(1)
    # 0.2 / 5^2
    assert schedule.learning_rate == pytest.approx(0.008, rel=1e-14)


def test_adaptive_divides_by_five_and_stops_at_a_millionth():
    schedule = SCHEDULES["adaptive"](1e-4)
    rates = []
    while schedule.plateau():
        rates.append(schedule.learning_rate)
    # 8e-7 is the first rate that is not above 1e-6
    assert rates == pytest.approx([2e-5, 4e-6, 8e-7], rel=1e-12)
    assert schedule.learning_rate == rates[-1]


def test_adaptive_stops_at_exactly_a_millionth():
    schedule = SCHEDULES["adaptive"](1e-6)
    assert schedule.plateau() is False
    assert schedule.learning_rate == 1e-6
