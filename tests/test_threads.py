import os
import random
import subprocess
import sys
import threading

import joblib
import numpy as np
import pytest
import scipy.linalg.blas  # noqa: F401  (its BLAS must be loaded, to be limited)
from threadpoolctl import ThreadpoolController, threadpool_limits

from skmlp import _threads
from skmlp._threads import blas_threads, fastest, idle_cores, usable_cores

SMALL = [(32, 784, 32), (32, 32, 10)]
LARGE = [(128, 784, 512), (128, 512, 512), (128, 512, 10)]
MANY = 10_000

BLAS = ThreadpoolController().select(user_api="blas")
pytestmark = pytest.mark.skipif(not len(BLAS), reason="threadpoolctl knows no BLAS here")


@pytest.fixture(scope="module", autouse=True)
def limit_of_blas():
    """Leave BLAS the threads that the machine gives it."""


def limits():
    return [library.num_threads for library in BLAS.lib_controllers]


def all_limits(n):
    return [n] * len(BLAS)


def in_context(n):
    """Return the limits that n threads mean: SciPy's own BLAS stays at one."""
    own = ["scipy.libs" in library.filepath for library in BLAS.lib_controllers]
    return [1 if scipys else n for scipys in own]


def put_in_force(numbers):
    # leaving the empty context lets other threads set limits, too
    with BLAS.select(user_api="none").limit():
        for library, number in zip(BLAS.lib_controllers, numbers, strict=True):
            library.set_num_threads(number)


@pytest.fixture(autouse=True)
def callers_limit():
    """Four threads, whatever the machine; and the same afterwards."""
    before = limits()
    put_in_force(all_limits(4))
    yield
    after = limits()
    put_in_force(before)
    assert after == all_limits(4)


@pytest.fixture
def four_idle_cores(monkeypatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 4)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(_threads, "_others_running", lambda: 0)


@pytest.fixture
def threads_pay(monkeypatch, four_idle_cores):
    monkeypatch.setattr(_threads, "fastest", lambda n, seconds: n)


def large(n_threads="auto"):
    return blas_threads(n_threads, LARGE, np.float32, repeats=MANY)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_an_int_is_in_force_inside_and_the_callers_limit_afterwards(n):
    with blas_threads(n, SMALL, np.float64) as yielded:
        assert yielded == n
        assert limits() == in_context(n)
    assert limits() == all_limits(4)


def test_the_callers_limit_is_restored_after_an_exception():
    with pytest.raises(KeyError), blas_threads(1, SMALL, np.float64):
        raise KeyError
    assert limits() == all_limits(4)


def test_an_interrupt_during_the_trial_leaves_nothing_behind(monkeypatch, four_idle_cores):
    def interrupted(n, seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(_threads, "fastest", interrupted)
    with pytest.raises(KeyboardInterrupt), large():
        pass
    assert limits() == all_limits(4)


def test_an_interrupt_while_the_limit_is_set_leaves_nothing_behind(monkeypatch):
    limit, n_calls = _threads._limit, []

    def interrupted():
        limit()
        n_calls.append(1)
        if len(n_calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(_threads, "_limit", interrupted)
    with pytest.raises(KeyboardInterrupt), blas_threads(1, LARGE, np.float32):
        pass
    assert limits() == all_limits(4)
    assert not _threads._entered


def test_each_library_gets_its_own_limit_back():
    uneven = [3, *all_limits(4)[1:]]
    put_in_force(uneven)
    with blas_threads(1, SMALL, np.float64):
        assert limits() == in_context(1)
    assert limits() == uneven
    put_in_force(all_limits(4))


def test_two_pools_do_not_fight_scipys_own_stays_at_one_thread():
    own = [library for library in BLAS.lib_controllers if "scipy.libs" in library.filepath]
    with blas_threads(3, SMALL, np.float64):
        assert [library.num_threads for library in own] == [1] * len(own)
        assert max(limits()) == 3


@pytest.mark.parametrize(("outer", "inner"), [(1, 2), (2, 1), (2, 2)])
def test_of_nested_contexts_the_innermost_counts(outer, inner):
    with blas_threads(outer, SMALL, np.float64):
        with blas_threads(inner, SMALL, np.float64):
            assert limits() == in_context(inner)
        assert limits() == in_context(outer)


def test_a_nested_auto_sees_the_callers_limit_not_the_outer_contexts(threads_pay):
    with blas_threads(1, SMALL, np.float64), large() as n:
        assert n == 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_auto_gives_small_products_one_thread(threads_pay, dtype):
    with blas_threads("auto", SMALL, dtype, repeats=10**9) as n:
        assert n == 1
        assert limits() == in_context(1)


def test_auto_gives_large_products_all_cores_if_that_pays(threads_pay):
    with large() as n:
        assert n == 4
        assert limits() == in_context(4)


def test_auto_does_not_try_threads_for_work_that_is_soon_done(threads_pay):
    with blas_threads("auto", LARGE, np.float32, repeats=1) as n:
        assert n == 1


def test_auto_honours_the_callers_limit(threads_pay):
    with threadpool_limits(2, user_api="blas"):
        assert usable_cores() == 2
        with large() as n:
            assert n == 2
    with threadpool_limits(1, user_api="blas"):
        assert usable_cores() == 1
        with large() as n:
            assert n == 1


def test_auto_takes_only_idle_cores(monkeypatch, threads_pay):
    for others, expected in [(1, 3), (3, 1), (9, 1)]:
        monkeypatch.setattr(_threads, "_others_running", lambda others=others: others)
        with large() as n:
            assert n == expected


def test_what_runs_for_a_moment_only_does_not_count(monkeypatch, four_idle_cores):
    others = iter([2, 0])
    monkeypatch.setattr(_threads, "_others_running", lambda: next(others))
    assert idle_cores(at_least=4) == 4


def test_where_the_system_does_not_tell_all_cores_count_as_idle(monkeypatch):
    def missing(*args):
        raise FileNotFoundError("/proc/loadavg")

    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr("builtins.open", missing)
    assert idle_cores(at_least=9) == 4


def test_a_process_of_another_that_computes_is_seen():
    if not os.path.exists("/proc/loadavg"):
        pytest.skip("the system does not tell")
    busy = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=-1
    )
    try:
        busy.stdout.readline()
        assert _threads._others_running() >= 1
    finally:
        busy.kill()
        busy.communicate()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ({1: [1.0] * 8, 4: [0.9] + [0.3] * 8}, 4),
        ({1: [1.0] * 8, 4: [0.9] * 9}, 1),
        ({1: [1.0] * 8, 4: [0.3] * 8 + [20.0]}, 4),
        ({1: [1.0] * 8, 4: [0.3] * 7 + [20.0] * 2}, 1),
        ({1: [1.0] + [9.0] * 7, 4: [0.3] * 2 + [0.8] * 7}, 1),
    ],
    ids=["clearly faster", "hardly faster", "slow once", "slow twice", "one thread was disturbed"],
)
def test_threads_must_be_clearly_faster_all_times_but_one(seconds, expected):
    times = {n: iter(values) for n, values in seconds.items()}
    assert fastest(4, lambda n: next(times[n])) == expected


def test_the_trial_computes_on_the_number_of_threads_it_times(monkeypatch, four_idle_cores):
    seen = []

    def two_trials(n, seconds):
        for tried in (n, 1):
            assert seconds(tried) > 0
            seen.append((tried, limits()))
        return 1

    monkeypatch.setattr(_threads, "fastest", two_trials)
    with large() as n:
        assert n == 1
        assert limits() == in_context(1)
    assert seen == [(4, in_context(4)), (1, in_context(1))]


def test_review_follows_what_other_processes_do(monkeypatch, threads_pay):
    now = [0.0]
    others = [0]
    monkeypatch.setattr(_threads.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(_threads, "_others_running", lambda: others[0])
    context = large()
    with context:
        others[0] = 4
        assert context.review() == 4
        now[0] += 1.5
        assert context.review() == 1
        assert limits() == in_context(1)
        others[0] = 0
        now[0] += 1.5
        assert context.review() == 4
        assert limits() == in_context(4)


@pytest.mark.parametrize("n_threads", ["auto", 2])
def test_review_changes_nothing_where_nothing_is_to_decide(monkeypatch, threads_pay, n_threads):
    now = [0.0]
    monkeypatch.setattr(_threads.time, "perf_counter", lambda: now[0])
    context = blas_threads(n_threads, SMALL, np.float64)
    with context as n:
        now[0] += 1e9
        assert context.review() == n


@pytest.mark.parametrize("seed", range(5))
def test_eight_threads_that_leave_in_any_order_restore_the_callers_limit(seed):
    numbers = [1, 2, 3, 1, 2, 3, 2, 3]
    barrier = threading.Barrier(len(numbers) + 1)
    may_leave = [threading.Event() for _ in numbers]
    has_left = [threading.Event() for _ in numbers]

    def work(i):
        with blas_threads(numbers[i], SMALL, np.float64):
            barrier.wait()
            may_leave[i].wait()
        has_left[i].set()
        barrier.wait()  # stays alive, as the threads of a pool do

    workers = [threading.Thread(target=work, args=(i,)) for i in range(len(numbers))]
    for worker in workers:
        worker.start()
    barrier.wait()
    assert limits() == in_context(1)
    remaining = list(range(len(numbers)))
    for i in random.Random(seed).sample(remaining, len(remaining)):
        may_leave[i].set()
        has_left[i].wait()
        remaining.remove(i)
        wanted = [numbers[j] for j in remaining]
        assert limits() == (in_context(min(wanted)) if wanted else all_limits(4))
    barrier.wait()
    for worker in workers:
        worker.join()


def test_auto_shares_the_cores_between_threads(threads_pay):
    def other():
        with large() as n:
            numbers.append(n)

    numbers = []
    with large() as n:
        worker = threading.Thread(target=other)
        worker.start()
        worker.join()
    assert (n, numbers) == (4, [2])


def run_alone(code, **environment):
    """Return what the code prints in a process of its own, without this one's limits."""
    clean = {k: v for k, v in os.environ.items() if not k.endswith(("_THREADS", "_CPU_COUNT"))}
    path = os.pathsep.join(sys.path)
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, "PYTHONPATH": path, **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return result.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_usable_cores_follow_the_affinity():
    code = (
        "import os, skmlp._threads as t; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]);"
        "print(t.usable_cores())"
    )
    assert run_alone(code) == "1"


@pytest.mark.parametrize("variable", ["OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT"])
def test_usable_cores_follow_the_environment(variable):
    code = "import skmlp._threads as t; print(t.usable_cores())"
    assert run_alone(code, **{variable: "1"}) == "1"


@pytest.mark.slow
def test_each_worker_of_joblib_sees_its_own_share():
    code = (
        "import joblib, skmlp._threads as t; cores = joblib.cpu_count();"
        "found = joblib.Parallel(n_jobs=2)(joblib.delayed(t.usable_cores)() for _ in range(4));"
        "assert set(found) == {max(1, cores // 2)}, (found, cores); print('shared')"
    )
    assert run_alone(code) == "shared"


def test_without_a_blas_that_can_be_told_nothing_is_changed(monkeypatch):
    nothing = BLAS.select(user_api="none")
    monkeypatch.setattr(_threads, "_libraries", lambda: ([], nothing))
    with blas_threads("auto", SMALL, np.float64) as n:
        assert n == 1
        assert limits() == all_limits(4)
    assert usable_cores() == joblib.cpu_count()


def test_the_architecture_is_that_of_the_library_that_multiplies_for_numpy():
    named = {lib["architecture"] for lib in BLAS.info() if "scipy.libs" not in lib["filepath"]}
    assert _threads.blas_architecture() in named
