"""Many at once: threads that predict or train, processes that fork. One seed, one result."""

import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_classification
from slow_cases import slow_but_for
from threadpoolctl import ThreadpoolController

from skmlp import NumpyMLPClassifier
from skmlp._training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_classification(
    n_samples=300, n_features=12, n_informative=6, n_classes=3, random_state=0
)
AT_ONCE = 8
METHODS = "predict", "predict_proba", "predict_log_proba", "decision_function"
SETTINGS = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1},
    "lbfgs": {"solver": "lbfgs"},
    "all": {
        "solver": "adamw",
        "batch_norm": True,
        "dropout": 0.1,
        "noise": 0.1,
        "averaging": 0.9,
        "early_stopping": True,
        "refit": True,
        "scoring": "loss",
    },
    "float32": {"dtype": "float32", "learning_rate": "one_cycle"},
    "two threads": {"n_threads": 2},
}
every_setting = pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)


@pytest.fixture(scope="module", autouse=True)
def limit_of_blas():
    """Leave BLAS the threads that the machine gives it."""


def new_model(params, seed=0):
    return NumpyMLPClassifier((20, 10), max_iter=6, random_state=seed, **{"n_threads": 1, **params})


def fitted(params, seed=0):
    return new_model(params, seed).fit(X, Y)


def learnt(model):
    """Return all that a model has learnt, to the bit."""
    arrays = [*model.coefs_, *model.intercepts_]
    return joblib.hash([arrays, model.loss_curve_, model.n_iter_, model.predict_proba(X)])


def in_threads(function, arguments):
    """Call the function on all arguments at the same time, each in a thread of its own."""
    barrier = threading.Barrier(len(arguments))

    def wait_and_call(argument):
        barrier.wait()
        return function(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(wait_and_call, arguments))


def blas_limits():
    return [info["num_threads"] for info in ThreadpoolController().info()]


# many at once


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_eight_threads_predict_with_one_model_as_one_thread_does(dtype):
    model = fitted({"dtype": dtype, "n_threads": "auto"})
    parts = [X[i::AT_ONCE] for i in range(AT_ONCE)]
    alone = [[getattr(model, method)(part) for method in METHODS] for part in parts]

    def predict_often(part):
        for _ in range(20):
            found = [getattr(model, method)(part) for method in METHODS]
        return found

    before = blas_limits()
    for found, expected in zip(in_threads(predict_often, parts), alone, strict=True):
        for a, b in zip(found, expected, strict=True):
            assert_array_equal(a, b)
    assert blas_limits() == before


@every_setting
def test_eight_models_that_train_in_eight_threads_learn_what_they_would_alone(params):
    seeds = range(AT_ONCE)
    alone = [learnt(fitted(params, seed)) for seed in seeds]
    before = blas_limits()
    together = in_threads(lambda seed: learnt(fitted(params, seed)), seeds)
    assert together == alone
    assert blas_limits() == before


def test_threads_may_train_and_predict_at_the_same_time_in_different_models():
    model = fitted({})
    expected = model.predict_proba(X)
    alone = learnt(fitted(SETTINGS["all"]))

    def train_or_predict(i):
        return learnt(fitted(SETTINGS["all"])) if i % 2 else model.predict_proba(X)

    for i, found in enumerate(in_threads(train_or_predict, range(AT_ONCE))):
        if i % 2:
            assert found == alone
        else:
            assert_array_equal(found, expected)


def test_a_failing_fit_beside_others_disturbs_none_of_them():
    alone = learnt(fitted({}))
    before = blas_limits()

    def fail_or_fit(i):
        if i % 2:
            return learnt(fitted({}))
        with pytest.raises(ValueError, match="NaN"):
            new_model({}).fit(np.full_like(X, np.nan), Y)
        return alone

    assert in_threads(fail_or_fit, range(AT_ONCE)) == [alone] * AT_ONCE
    assert blas_limits() == before


needs_fork = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="the system does not fork"
)
PARENT_TRAINS = """
import multiprocessing, os, sys, threading, warnings
import numpy as np
warnings.simplefilter("ignore")
from skmlp import NumpyMLPClassifier

def fit(n_threads):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(400, 300)), np.arange(400) % 3
    params = dict(batch_size=200, max_iter=2, random_state=0, n_threads=n_threads)
    return float(NumpyMLPClassifier((300,), **params).fit(X, y).loss_)
"""
FORK = {
    "os.fork": """
fit(2)
child = os.fork()
if not child:
    os._exit(0 if fit(2) > 0 and fit("auto") > 0 else 1)
assert os.waitpid(child, 0)[1] == 0
fit(2)
""",
    "while another thread is about to change the limits of BLAS": """
from skmlp import _threads
locked, go_on = threading.Event(), threading.Event()
def hold():
    with _threads.blas_threads(1, [], np.float64), _threads._lock:
        locked.set()
        go_on.wait()
worker = threading.Thread(target=hold)
worker.start()
locked.wait()
child = os.fork()
if not child:
    os._exit(0 if fit(1) > 0 and not _threads._entered else 1)
assert os.waitpid(child, 0)[1] == 0
go_on.set()
worker.join()
""",
    "while another thread trains": """
worker = threading.Thread(target=lambda: [fit(1) for _ in range(5)])
worker.start()
for _ in range(3):
    child = os.fork()
    if not child:
        os._exit(0 if fit(1) > 0 else 1)
    assert os.waitpid(child, 0)[1] == 0
worker.join()
""",
    "joblib multiprocessing": """
import joblib
expected = fit(1)
with joblib.parallel_backend("multiprocessing", n_jobs=2):
    found = joblib.Parallel()(joblib.delayed(fit)(n) for n in [1, 1, 1, 1])
assert found == [expected] * 4, found
""",
    "a pool of processes": """
fit("auto")
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert all(loss > 0 for loss in pool.map(fit, [1, 2, "auto", 1]))
""",
}


@needs_fork
@pytest.mark.parametrize("code", slow_but_for(["os.fork", "while another thread trains"], FORK))
def test_a_fork_after_the_import_and_after_a_fit_does_not_hang(code):
    run_python(PARENT_TRAINS + code)


def run_python(code, **environment):
    """Return what the code prints in a process of its own; one that hangs is ended."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


# same again


FIT_AND_PRINT = """
import sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, {folder!r})
from test_concurrency import SETTINGS, fitted, learnt
for name in SETTINGS:
    print(learnt(fitted(SETTINGS[name])))
"""


@pytest.mark.slow
def test_one_seed_gives_the_same_bits_in_another_process_whatever_its_hash_seed():
    here = [learnt(fitted(params)) for params in SETTINGS.values()]
    code = FIT_AND_PRINT.format(folder=os.path.dirname(__file__))
    for seed in ("0", "12345"):
        assert run_python(code, PYTHONHASHSEED=seed).split() == here


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_one_seed_gives_the_same_bits_for_every_n_jobs_and_backend(n_jobs, backend):
    here = [learnt(fitted(params)) for params in SETTINGS.values()]
    with joblib.parallel_backend(backend, n_jobs=n_jobs):
        jobs = (joblib.delayed(fitted)(params) for params in SETTINGS.values())
        models = joblib.Parallel()(jobs)
    assert [learnt(model) for model in models] == here


@every_setting
def test_one_seed_gives_the_same_bits_in_any_thread_and_again_and_again(params):
    here = learnt(fitted(params))
    model = new_model(params)
    assert [learnt(model.fit(X, Y)) for _ in range(2)] == [here] * 2
    assert in_threads(lambda _: learnt(fitted(params)), range(2)) == [here] * 2


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_calls_of_partial_fit_in_changing_threads_go_on_to_the_bit(solver):
    params = {"solver": solver, "dropout": 0.1}
    here, elsewhere = fitted(params), fitted(params)
    for _ in range(3):
        here.partial_fit(X, Y)
        (elsewhere,) = in_threads(lambda _: elsewhere.partial_fit(X, Y), [0])  # noqa: B023
    assert learnt(elsewhere) == learnt(here)


def test_other_thread_counts_change_no_more_than_rounding():
    rng = np.random.RandomState(0)
    wide, y = rng.normal(size=(600, 400)), np.arange(600) % 3
    models = [
        NumpyMLPClassifier((300,), batch_size=200, max_iter=5, random_state=0, n_threads=n).fit(
            wide, y
        )
        for n in (1, 2)
    ]
    one, two = (model.predict_proba(wide) for model in models)
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-9)
