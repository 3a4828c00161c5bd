"""The loops by name: each does what the kernel of the same name in the engine does."""

import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from numba import config, njit
from numba.core.compiler import Compiler
from numba.core.compiler_lock import global_compiler_lock

if config.DISABLE_JIT:
    raise ImportError("NUMBA_DISABLE_JIT is set, with which loops would be slower than NumPy")

LOOPS: dict[str, Callable[..., Any]] = {}


def digest(folder: Path) -> str:
    """Return a text that changes with the modules in the folder."""
    files = sorted(folder.glob("*.py"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]


_DIGEST = digest(Path(__file__).parent)


class _WithoutOverlap(Compiler):
    """Compiles a function whose arrays do not overlap, so that passes need not check whether."""

    def define_pipelines(self) -> Any:
        """Return the steps of compilation."""
        self.state.flags.noalias = True
        return super().define_pipelines()


_OPTIONS: dict[str, Any] = {
    "pipeline_class": _WithoutOverlap,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc"},
}


def loop(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile the function at its first call for each precision; enter it into `LOOPS`.

    Sums may be taken in another order, and products and sums rounded once for both; infinities and
    nan are what they are. Arrays must not overlap. Other threads may run meanwhile. What is
    compiled is kept on disk, where a folder can be written to.
    """
    # names the files: numba looks for changes in the module of the function, not in `elementary`
    function.__qualname__ += f"_{_DIGEST}"
    try:
        kept = njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # no folder can be written to
        kept = njit(**_OPTIONS)(function)
    else:
        kept.compile = _without_bad_files(kept)
    LOOPS[function.__name__] = kept
    return function


def helper(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a part that several loops share, as the loops are."""
    compiled: Callable[..., Any] = njit(**_OPTIONS)(function)
    return compiled


def _without_bad_files(kept: Any) -> Callable[[Any], Any]:
    """Return the method that compiles a loop for given types, or loads it from disk.

    A file may be damaged, or hold the code for other types, as two processes that write at the same
    time can leave it. Then, and where files cannot be written, the loop is compiled without them.
    """
    load_or_compile = kept.compile

    def compile_for(types: Any) -> Any:
        with suppress(Exception):
            code = load_or_compile(types)
            if types in kept.overloads:
                return code
        fresh = LOOPS[kept.__name__] = njit(**_OPTIONS)(kept.py_func)
        return fresh.compile(types)

    return compile_for


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
