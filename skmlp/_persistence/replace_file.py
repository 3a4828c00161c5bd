"""Files that are written as a whole, beside the previous one, before they take its name."""

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager

_N_BYTES = 8


@contextmanager
def replacing(path: str) -> Iterator[str]:
    """Yield the name of a new, empty file in the folder of `path`, which at the end replaces it.

    The name cannot be foreseen and has the ending of `path`; no file of another program is opened.
    If what is done in between raises an error, the new file is removed and `path` stays as it was.

    Raises
    ------
    OSError
        If the file cannot be made or renamed.
    """
    temporary = _new_file(path)
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise


def check_writable(path: str) -> None:
    """Raise OSError if no file can be made in the folder of `path`."""
    os.remove(_new_file(path))


def remove_leftovers(path: str) -> None:
    """Remove what processes that were killed while they replaced `path` have left beside it."""
    folder, (stem, ending) = os.path.dirname(path) or ".", _parts(path)
    token = rf"\.[0-9a-f]{{{2 * _N_BYTES}}}\.tmp"
    pattern = re.compile(re.escape(stem) + token + re.escape(ending))
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if pattern.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                os.remove(entry.path)


def is_special(path: str) -> bool:
    """Return whether the path names something that is neither missing nor a regular file."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _new_file(path: str) -> str:
    """Make a file that was not there, and return its name."""
    stem, ending = _parts(path)
    name = f"{stem}.{secrets.token_hex(_N_BYTES)}.tmp{ending}"
    temporary = os.path.join(os.path.dirname(path), name)
    # the mode that other files get, which `tempfile` does not give
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    return temporary


def _parts(path: str) -> tuple[str, str]:
    return os.path.splitext(os.path.basename(path))
