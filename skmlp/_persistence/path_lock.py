"""Locks of paths: one process at a time writes a file, and a killed one holds no lock."""

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# what systems answer where another process holds the lock; any other error: there are no locks
_HELD = BlockingIOError, PermissionError

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class PathInUse(ValueError):
    """Another fit, in this process or another one, holds the lock."""


@contextmanager
def locked(path: str) -> Iterator[bool]:
    """Hold the lock of `path`; yield whether the file system has locks.

    The lock is an empty file beside the path, which is removed at the end. The operating system
    gives the lock free when a process ends, however that is, so that the file alone locks nothing.

    Raises
    ------
    PathInUse
        If the lock is held.
    OSError
        If the file cannot be made.
    """
    name = lock_path(path)
    descriptor, is_locked = _acquire(name)
    try:
        yield is_locked
    finally:
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                os.close(descriptor)
                os.remove(name)
            else:
                # removed while it is locked, so that nobody locks what has no name
                if os.fstat(descriptor).st_size == 0:
                    os.remove(name)
        if sys.platform != "win32":
            os.close(descriptor)


def lock_path(path: str) -> str:
    """Return the name of the file that is locked."""
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.skmlp-lock")


def _acquire(name: str) -> tuple[int, bool]:
    """Return the open, locked file, and whether it could be locked."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    while True:
        descriptor = os.open(name, flags, 0o666)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise ValueError(f"{name!r} must be no file, or the lock of a fit.")
            try:
                _lock(descriptor)
            except _HELD as error:
                raise PathInUse(name) from error
            except OSError:
                return descriptor, False
            with contextlib.suppress(FileNotFoundError):
                # the holder before may have removed the file since it was opened
                if os.path.samestat(found, os.stat(name)):
                    return descriptor, True
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
