"""The loops by name: each does what the kernel of the same name in the engine does."""

import os
from collections.abc import Callable
from typing import Any

from numba import config, njit
from numba.core.compiler_lock import global_compiler_lock

if config.DISABLE_JIT:
    raise ImportError("NUMBA_DISABLE_JIT is set, with which loops would be slower than NumPy")

LOOPS: dict[str, Callable[..., Any]] = {}


def loop(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile the function at its first call for each precision; enter it into `LOOPS`.

    Sums may be taken in another order, and products and sums rounded once for both; infinities and
    nan are what they are. Other threads may run meanwhile. What is compiled is kept on disk, where
    a folder can be written to.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"contract", "reassoc"},
    }
    try:
        compiled = njit(cache=True, **options)(function)
    except RuntimeError:  # no folder can be written to
        compiled = njit(**options)(function)
    LOOPS[function.__name__] = compiled
    return function


def _after_fork() -> None:
    """Give up all loops, in the child, if another thread of the parent was compiling just then.

    The child has no such thread, which alone could release numba's lock.
    """
    lock = global_compiler_lock._lock
    if lock.acquire(blocking=False):
        lock.release()
    else:
        LOOPS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
