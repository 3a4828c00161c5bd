"""Kernels: the passes over arrays that a compiled loop of the same name may stand in for.

A kernel is a NumPy function, the reference. `run_with` puts loops in its place, for one thread and
for one call.
"""

import threading
from collections.abc import Callable, MutableMapping
from functools import wraps
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

KERNELS: dict[str, Callable[..., Any]] = {}
"""The references by name."""

Loops = MutableMapping[str, Callable[..., Any]]
"""Loops by the name of the kernel; those that fail are taken out."""

NO_LOOPS: Loops = {}

FAILURES: dict[str, str] = {}
"""Why loops of this process were given up, by the name of the kernel."""


class _InUse(threading.local):
    loops: Loops = NO_LOOPS


_in_use = _InUse()


def kernel(reference: F) -> F:
    """Let a loop of this name run in place of the function, where one is in use.

    Kernels are called with positional arguments; arrays among these do not overlap.

    A loop raises an error only where it cannot be compiled, before an array is changed. The
    reference runs then, and from there on.
    """
    name = reference.__name__.lstrip("_")
    KERNELS[name] = reference

    @wraps(reference)
    def run(*args: Any) -> Any:
        loop = _in_use.loops.get(name)
        if loop is None:
            return reference(*args)
        try:
            return loop(*args)
        except Exception as error:
            FAILURES[name] = f"{type(error).__name__}: {error}"
            _in_use.loops.pop(name, None)
            return reference(*args)

    return cast(F, run)


def run_with(loops: Loops, function: Callable[[], T]) -> T:
    """Return `function()`, run with the loops in place of their kernels in this thread.

    The loops are out of use at the end even if an interrupt comes while they are put out of use,
    which a context manager cannot promise.
    """
    before = _in_use.loops
    try:
        try:
            _in_use.loops = loops
            return function()
        finally:
            _in_use.loops = before
    finally:
        _in_use.loops = before
