import threading

import numpy as np
import pytest

from skmlp._engine import kernels
from skmlp._engine.kernels import KERNELS, kernel, run_with


@pytest.fixture
def double(monkeypatch):
    """A kernel that is in the registry for the time of the test."""
    monkeypatch.setattr(kernels, "KERNELS", {})
    monkeypatch.setattr(kernels, "FAILURES", {})

    @kernel
    def _double(a):
        a *= 2
        return "reference"

    return _double


def doubled_by_a_loop(a):
    a *= 2
    return "loop"


def test_the_reference_runs_where_no_loop_is_in_use(double):
    a = np.ones(3)
    assert double(a) == "reference"
    assert (a == 2).all()
    assert run_with({"another": doubled_by_a_loop}, lambda: double(a)) == "reference"


def test_a_loop_of_its_name_stands_in_during_the_call(double):
    def calls():
        by_the_reference = run_with({}, lambda: double(np.ones(1)))
        return by_the_reference, double(np.ones(1))

    assert run_with({"double": doubled_by_a_loop}, calls) == ("reference", "loop")
    assert double(np.ones(1)) == "reference"


def test_the_loops_are_out_of_use_after_an_error(double):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_with({"double": doubled_by_a_loop}, interrupted)
    assert double(np.ones(1)) == "reference"


def test_another_thread_has_its_own_choice(double):
    used = []
    thread = threading.Thread(target=lambda: used.append(double(np.ones(1))))

    def start():
        thread.start()
        thread.join()

    run_with({"double": doubled_by_a_loop}, start)
    assert used == ["reference"]


def test_a_loop_that_fails_is_given_up_for_good_and_the_reason_is_kept(double):
    def failing(a):
        raise TypeError("cannot be compiled")

    loops, a = {"double": failing}, np.ones(1)
    assert run_with(loops, lambda: double(a)) == "reference"
    assert a == 2
    assert loops == {}
    assert kernels.FAILURES == {"double": "TypeError: cannot be compiled"}


def test_an_interrupt_in_a_loop_is_not_taken_for_a_failure(double):
    def interrupted(a):
        raise KeyboardInterrupt

    loops = {"double": interrupted}
    with pytest.raises(KeyboardInterrupt):
        run_with(loops, lambda: double(np.ones(1)))
    assert loops


def test_kernels_are_known_by_their_names_without_an_underscore():
    assert {"relu", "adam_step", "softmax_cross_entropy", "add_bias"} <= set(KERNELS)
    assert all(function.__name__.lstrip("_") == name for name, function in KERNELS.items())
