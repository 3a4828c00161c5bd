"""Ctrl-C at any line of a fit, once or twice: a whole model, and BLAS and kernels as they were.

The long run interrupts at every line, and again at each of the calls that follow:

    python -m pytest -m slow -s tests/promises/test_interrupts.py
"""

import contextlib
import os
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import skmlp
from skmlp import NumpyMLPClassifier, _threads
from skmlp._engine import kernels

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # a second interrupt may end the clean-up of a generator, which Python reports
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

FOLDER = os.path.dirname(skmlp.__file__) + os.sep
X = np.random.RandomState(0).normal(size=(60, 4))
y = np.arange(60) % 3
METHODS = {
    "fit": lambda model: model.fit(X, y),
    "fit by L-BFGS": lambda model: model.fit(X, y),
    "partial_fit": lambda model: model.partial_fit(X, y),
}


@pytest.fixture(scope="module", autouse=True)
def limit_of_blas():
    """Leave BLAS the threads that the machine gives it."""


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(2):
        yield


def fitted_before(method):
    model = NumpyMLPClassifier((5,), max_iter=2, random_state=0, n_threads=1, early_stopping=True)
    model.fit(X, y)
    if method == "fit by L-BFGS":
        model.set_params(solver="lbfgs", early_stopping=False)
    # what is fitted anew can be told by its shape
    return model if method == "partial_fit" else model.set_params(hidden_layer_sizes=(7,))


def is_ours(frame):
    return frame.f_code.co_filename.startswith(FOLDER)


def lines_of(method):
    """Return the lines of this package that the method runs, in order."""
    lines = {}

    def trace(frame, event, arg):
        if not is_ours(frame):
            return None
        if event == "line":
            lines.setdefault((frame.f_code.co_filename, frame.f_lineno))
        return trace

    model = fitted_before(method)
    tracer = sys.gettrace()  # that of a measurement of coverage
    sys.settrace(trace)
    try:
        METHODS[method](model)
    finally:
        sys.settrace(tracer)
    return list(lines)


def interrupted(method, line, second=None):
    """Interrupt at the line, and at the call or return of that number after it; tell the number."""
    model = fitted_before(method)
    before, is_hit, n_after = dict(vars(model)), False, 0

    def trace(frame, event, arg):
        nonlocal is_hit
        if not is_ours(frame):
            return None
        if event == "line" and not is_hit and (frame.f_code.co_filename, frame.f_lineno) == line:
            is_hit = True
            raise KeyboardInterrupt
        return trace

    def profile(frame, event, arg):
        nonlocal n_after
        if is_hit and is_ours(frame) and event in ("call", "return"):
            n_after += 1
            if n_after == second:
                raise KeyboardInterrupt

    limits = [library["num_threads"] for library in threadpool_info()]
    tracer = sys.gettrace()
    sys.setprofile(profile)
    sys.settrace(trace)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            METHODS[method](model)
    finally:
        sys.settrace(tracer)
        sys.setprofile(None)
    assert [library["num_threads"] for library in threadpool_info()] == limits
    assert not _threads._entered
    assert kernels._in_use.loops is kernels.NO_LOOPS
    check_is_whole(model, before, method)
    return n_after


def check_is_whole(model, before, method):
    """Check that the model is the one before, or the new one with all its attributes."""
    now = vars(model)
    is_the_one_before = now.keys() == before.keys() and all(
        now[name] is value for name, value in before.items()
    )
    if not is_the_one_before:
        new = vars(METHODS[method](fitted_before(method)))
        assert now.keys() == new.keys()
        shapes = [[W.shape for W in attributes["coefs_"]] for attributes in (now, new)]
        assert shapes[0] == shapes[1]
    assert len(model.predict(X)) == 60


@pytest.mark.parametrize("method", METHODS)
def test_an_interrupt_at_some_lines_leaves_a_whole_model_the_limits_and_the_kernels(method):
    lines = lines_of(method)
    assert len(lines) > 300
    # every line by which loops come into use and out of use, and some others
    for line in {*lines[::25], *(line for line in lines if line[0] == kernels.__file__)}:
        interrupted(method, line)
        interrupted(method, line, second=2)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("method", METHODS)
def test_an_interrupt_at_every_line_and_a_second_one_leave_a_whole_model_and_the_limits(method):
    lines, n_runs = lines_of(method), 0
    for i, line in enumerate(lines):
        n_after = interrupted(method, line)
        seconds = range(1, min(n_after, 8) + 1) if i % 10 == 0 else [1 + i % 3]
        for second in seconds:
            interrupted(method, line, second)
        n_runs += 1 + len(seconds)
    print(f"{method}: {len(lines)} lines, {n_runs} fits interrupted")
