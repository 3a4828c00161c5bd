import threading

import numpy as np
import pytest

from skmlp._engine import kernels
from skmlp._engine.kernels import KERNELS, kernel, using


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
    with using({"another": doubled_by_a_loop}):
        assert double(a) == "reference"


def test_a_loop_of_its_name_stands_in_for_as_long_as_the_context_lasts(double):
    with using({"double": doubled_by_a_loop}):
        assert double(np.ones(1)) == "loop"
        with using({}):
            assert double(np.ones(1)) == "reference"
        assert double(np.ones(1)) == "loop"
    assert double(np.ones(1)) == "reference"


def test_the_context_ends_with_an_error(double):
    with pytest.raises(KeyboardInterrupt), using({"double": doubled_by_a_loop}):
        raise KeyboardInterrupt
    assert double(np.ones(1)) == "reference"


def test_another_thread_has_its_own_choice(double):
    used = []
    thread = threading.Thread(target=lambda: used.append(double(np.ones(1))))
    with using({"double": doubled_by_a_loop}):
        thread.start()
        thread.join()
    assert used == ["reference"]


def test_a_loop_that_fails_is_given_up_for_good_and_the_reason_is_kept(double):
    def failing(a):
        raise TypeError("cannot be compiled")

    loops, a = {"double": failing}, np.ones(1)
    with using(loops):
        assert double(a) == "reference"
    assert a == 2
    assert loops == {}
    assert kernels.FAILURES == {"double": "TypeError: cannot be compiled"}


def test_an_interrupt_in_a_loop_is_not_taken_for_a_failure(double):
    def interrupted(a):
        raise KeyboardInterrupt

    loops = {"double": interrupted}
    with pytest.raises(KeyboardInterrupt), using(loops):
        double(np.ones(1))
    assert loops


def test_kernels_are_known_by_their_names_without_an_underscore():
    assert {"relu", "adam_step", "softmax_cross_entropy", "add_bias"} <= set(KERNELS)
    assert all(function.__name__.lstrip("_") == name for name, function in KERNELS.items())
