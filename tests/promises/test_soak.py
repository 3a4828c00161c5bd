"""Ten thousand calls of `partial_fit`: nothing grows but the curves, by an entry per call."""

import gc
import pickle
import sys
import tracemalloc

import numpy as np
import pytest

from skmlp import NumpyMLPClassifier

CALLS = 10_000
CURVES = "loss_curve_", "learning_rate_curve_"
SETTINGS = {
    "adam": {},
    "all": {
        "solver": "nadam",
        "batch_norm": True,
        "averaging": 0.99,
        "dropout": 0.1,
        "noise": 0.1,
        "learning_rate": "invscaling",
        "max_norm": 2.0,
    },
}


def pickle_size_without_curves(model):
    state = model.__reduce_ex__(5)[2]
    return len(pickle.dumps({name: state[name] for name in state if name not in CURVES}))


def curve_bytes(model):
    curves = [getattr(model, name) for name in CURVES]
    return sum(sys.getsizeof(c) + len(c) * sys.getsizeof(1.0) for c in curves)


def soak(params, calls, first):
    """Return by how many bytes memory, and the pickle, grew after the first calls, curves aside."""
    rng = np.random.RandomState(0)
    parts = [(rng.normal(size=(8, 4)), np.arange(8) % 3) for _ in range(5)]
    model = NumpyMLPClassifier((6,), random_state=0, **params)
    tracemalloc.start()
    try:
        for i in range(calls):
            X, y = parts[i % 5]
            model.partial_fit(X, y, classes=[0, 1, 2])
            if i + 1 == first:
                gc.collect()
                memory = tracemalloc.get_traced_memory()[0] - curve_bytes(model)
                pickled = pickle_size_without_curves(model)
        gc.collect()
        more_memory = tracemalloc.get_traced_memory()[0] - curve_bytes(model) - memory
    finally:
        tracemalloc.stop()
    more_pickled = pickle_size_without_curves(model) - pickled
    assert [len(getattr(model, name)) for name in CURVES] == [calls] * 2
    per_call = len(pickle.dumps([model.loss_curve_, model.learning_rate_curve_])) / calls
    print(
        f"\n{calls} calls: memory {more_memory:+d} bytes, pickle {more_pickled:+d} bytes, "
        f"curves {per_call:.1f} bytes per call"
    )
    assert per_call < 25
    return more_memory, more_pickled


@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
def test_a_few_hundred_calls_of_partial_fit_leave_nothing_but_curves_behind(params):
    more_memory, more_pickled = soak(params, 300, first=100)
    assert more_memory < 50_000
    assert abs(more_pickled) < 200


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
def test_ten_thousand_calls_of_partial_fit_leave_nothing_but_curves_behind(params):
    more_memory, more_pickled = soak(params, CALLS, first=CALLS // 10)
    assert more_memory < 100_000
    assert abs(more_pickled) < 200
