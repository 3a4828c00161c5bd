"""How many threads BLAS may use: one for small matrix products, all where more of them pay.

Two threads on a small product, or on a machine whose other cores are busy, are far slower than one:
each waits for the other, for as long as the system lets something else run in its place.
"""

import contextlib
import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from types import TracebackType
from typing import Any, Literal, TypeVar

import joblib
import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from threadpoolctl import ThreadpoolController

SMALL = 2**23  # multiply-adds of a product below which threads cost more than they bring
CLEARLY_FASTER = 0.75  # of the time on one thread
ROUNDS = 8
ROUND_SECONDS = 1e-3
SHARE_OF_DECIDING = 0.05  # of the time of the work that is decided on
REVIEW_SECONDS = 1.0
LARGEST_INT = 2**31 - 1  # that BLAS, written in C, can be told
ARCHITECTURES_WITH_AVX512 = {"SkylakeX", "Cooperlake", "SapphireRapids"}  # as OpenBLAS names them

Product = tuple[int, int, int]
T = TypeVar("T")


def matmul_shapes(m: int, X: Any, weights: Sequence[npt.NDArray[Any]]) -> list[Product]:
    """Return the sizes (m, k, n) of the matrix products of m rows that BLAS computes."""
    return [(m, W.shape[0], W.shape[1]) for W in (weights[1:] if issparse(X) else weights)]


def usable_cores() -> int:
    """Return how many cores this process may use.

    That is the least of its affinity, its container's quota, `LOKY_MAX_CPU_COUNT`, and the limit on
    BLAS that its user, or the worker process it runs in, has set.
    """
    with _lock:
        limits = _callers_limits()
    return max(1, min([joblib.cpu_count(), *limits]))


class blas_threads:
    """Context in which BLAS uses the number of threads asked for; it yields that number.

    The limits that were in force before are restored at the end. They belong to the whole process:
    while several threads are in such a context, the lowest of their numbers is in force, and the
    last one to leave restores the limits which the first one met. Of contexts nested in one thread
    the innermost counts.

    Parameters
    ----------
    n_threads : int or "auto"
        The number; "auto" decides by the size of the products, the cores that are idle, and a short
        trial, and never takes more than `usable_cores`.
    products : sequence of (m, k, n)
        The matrix products of a batch, as m x k by k x n.
    dtype : dtype
        Of the matrices.
    repeats : int, default=1
        How often each product will be computed at most; "auto" tries threads only if that takes
        much longer than the trial.
    """

    def __init__(
        self,
        n_threads: int | Literal["auto"],
        products: Sequence[Product],
        dtype: npt.DTypeLike,
        repeats: int = 1,
    ) -> None:
        self.n_threads, self.products, self.repeats = n_threads, products, repeats
        self.dtype = np.dtype(dtype)
        self.n = 1 if n_threads == "auto" else min(int(n_threads), LARGEST_INT)
        self._next_review = math.inf

    def __enter__(self) -> int:
        self._thread = threading.get_ident()
        try:
            _enter(self)
            if self.n_threads == "auto" and self._may_pay():
                self._decide()
            return self.n
        except BaseException:
            _leave(self)
            raise

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _leave(self)

    def run(self, function: Callable[[], T]) -> T:
        """Return `function()`, called in this context.

        The limits are restored even if an interrupt, and one more, ends the restoring before its
        time, which a with statement cannot do.
        """
        try:
            try:
                with self:
                    return function()
            finally:
                self._leave_if_not_left()
        finally:
            self._leave_if_not_left()

    def _leave_if_not_left(self) -> None:
        if self in _entered or (_changed and not _entered):
            _leave(self)

    def review(self) -> int:
        """Decide anew if the last decision is old; return the number of threads.

        For long work, between two batches: another process may have come or gone. Costs next to
        nothing otherwise.
        """
        if time.perf_counter() > self._next_review:
            self._decide()
        return self.n

    def _may_pay(self) -> bool:
        sizes = [m * k * n for m, k, n in self.products]
        if max(sizes, default=0) < SMALL:
            return False
        trial = 2 * ROUNDS * ROUND_SECONDS
        return self.repeats * sum(sizes) * _seconds_each(self.dtype) > trial / SHARE_OF_DECIDING

    def _decide(self) -> None:
        start = time.perf_counter()
        self._use(1)
        cores = usable_cores() // _users()
        n = min(cores, idle_cores(at_least=cores)) if cores > 1 else 1
        if n > 1:
            self._use(fastest(n, self._trial()))
        end = time.perf_counter()
        self._next_review = end + max(REVIEW_SECONDS, (end - start) / SHARE_OF_DECIDING)

    def _use(self, n: int) -> None:
        self.n = n
        with _lock:
            _limit()

    def _trial(self) -> Callable[[int], float]:
        """Return a function that times the largest product on n threads."""
        m, k, n = max(self.products, key=math.prod)
        m = max(1, min(m, 8 * SMALL // (k * n)))
        a, W, z = (np.zeros(shape, self.dtype) for shape in ((m, k), (k, n), (m, n)))
        times = math.ceil(ROUND_SECONDS / (m * k * n * _seconds_each(self.dtype)))

        def seconds(n_threads: int) -> float:
            self._use(n_threads)
            start = time.perf_counter()
            for _ in range(times):
                np.dot(a, W, out=z)
            return time.perf_counter() - start

        return seconds


def fastest(n: int, seconds: Callable[[int], float]) -> int:
    """Return n if `seconds(n)` is clearly below `seconds(1)`, all times but one, else 1."""
    seconds(n)  # wakes the threads up
    one, n_slow = math.inf, 0
    for _ in range(ROUNDS):
        one = min(one, seconds(1))
        n_slow += seconds(n) > CLEARLY_FASTER * one
        if n_slow > 1:
            return 1
    return n


def idle_cores(at_least: int) -> int:
    """Return how many cores are free for this process just now, or `at_least` if so many are.

    Where the system does not tell (it does on Linux), all of them count as idle.
    """
    idle = 0
    for _ in range(3):  # something may have been running for a moment only
        idle = max(idle, (os.cpu_count() or 1) - _others_running())
        if idle >= at_least:
            return at_least
        time.sleep(2e-4)
    return max(1, idle)


def _others_running() -> int:
    """Return how many threads of other processes are running or waiting for a core."""
    try:
        with open("/proc/loadavg") as file:
            running = int(file.read().split()[3].split("/")[0])
        threads = os.listdir("/proc/self/task")
    except (OSError, ValueError, IndexError):
        return 0
    own = 0
    for thread in threads:
        with contextlib.suppress(OSError), open(f"/proc/self/task/{thread}/stat") as file:
            own += file.read().rpartition(")")[2].split()[0] == "R"
    return max(0, running - own)


def _seconds_each(dtype: np.dtype) -> float:
    """Return roughly how long a multiply-add takes on one thread; the order of magnitude serves."""
    return 5e-12 * dtype.itemsize


_lock = threading.RLock()
_entered: list[blas_threads] = []  # in order of entry
_saved: list[int] = []  # what the first of them met
_changed: list[bool] = []  # not empty where that is no longer in force


@cache
def _libraries() -> tuple[list[Any], ThreadpoolController]:
    """Return the controls of the BLAS libraries, and a controller of no library."""
    controller = ThreadpoolController()  # takes milliseconds
    blas = controller.select(user_api="blas").lib_controllers
    return blas, controller.select(user_api="none")


@cache
def blas_architecture() -> str | None:
    """Return for which processors the kernels of NumPy's BLAS were made, as the library names them.

    None if the library does not tell.
    """
    names = [getattr(lib, "architecture", None) for lib in _libraries()[0] if _multiplies(lib)]
    return names[0] if names else None


def _multiplies(lib: Any) -> bool:
    """Return whether the library computes NumPy's matrix products.

    SciPy may bring one of its own. Two pools of threads that both wait busily take the cores from
    each other, so that one stays at one thread.
    """
    return "scipy.libs" not in lib.filepath


def _callers_limits() -> list[int]:
    """Return the limits that apply outside of all contexts."""
    blas, _ = _libraries()
    return _saved if _entered else [lib.num_threads or 1 for lib in blas]


def _users() -> int:
    return len({context._thread for context in _entered})


def _enter(context: blas_threads) -> None:
    with _lock:
        if not _entered:
            _saved[:] = _callers_limits()
        _entered.append(context)
        _limit()


def _leave(context: blas_threads) -> None:
    with _lock:
        if context in _entered:
            _entered.remove(context)
        _limit()


def _after_fork() -> None:
    """Forget, in the child, the lock and the contexts of threads that only the parent has."""
    global _lock
    _lock = threading.RLock()
    own = threading.get_ident()
    _entered[:] = [context for context in _entered if context._thread == own]
    _limit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _limit() -> None:
    """Put the lowest number in force that a thread wants; the saved ones if none does."""
    if _entered:
        wanted = {context._thread: context.n for context in _entered}
        n = min(wanted.values())
        _put_in_force([n if _multiplies(lib) else 1 for lib in _libraries()[0]])
    elif _changed:
        _put_in_force(_saved)
        _changed.clear()


def _put_in_force(limits: Sequence[int]) -> None:
    blas, nothing = _libraries()
    changes = [
        (lib, limit) for lib, limit in zip(blas, limits, strict=True) if lib.num_threads != limit
    ]
    if changes:
        _changed[:] = [True]
        # the thread that sets a limit keeps hold of OpenBLAS (threadpoolctl 3.8) until it leaves
        # such a context; without one no other thread could restore the limit
        with nothing.limit():
            for lib, limit in changes:
                lib.set_num_threads(limit)
