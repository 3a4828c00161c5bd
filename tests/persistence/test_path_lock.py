"""One process at a time writes a file."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import skmlp
from skmlp._persistence.path_lock import PathInUse, lock_path, locked


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a file")


def test_a_lock_is_held_once_and_leaves_nothing(path):
    for _ in range(2):
        with locked(path), pytest.raises(PathInUse), locked(path):
            pass
        assert not os.listdir(os.path.dirname(path))


def test_an_error_gives_the_lock_free(path):
    with pytest.raises(KeyError), locked(path):
        raise KeyError
    with locked(path) as has_locks:
        assert has_locks


def test_locks_of_other_paths_are_others(path):
    with locked(path), locked(path + "2"):
        assert len(os.listdir(os.path.dirname(path))) == 2


def test_the_file_of_a_killed_process_locks_nothing(path):
    with open(lock_path(path), "wb"):
        pass
    with locked(path):
        pass
    assert not os.listdir(os.path.dirname(path))


def test_a_file_with_content_is_not_removed(path):
    with open(lock_path(path), "w") as file:
        file.write("precious")
    with locked(path):
        pass
    with open(lock_path(path)) as file:
        assert file.read() == "precious"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only POSIX has pipes with names")
def test_what_is_no_file_is_refused_at_once(path):
    os.mkfifo(lock_path(path))
    with pytest.raises((ValueError, OSError)), locked(path):
        pass


def test_file_systems_without_locks_have_none(path, monkeypatch):
    def fail(descriptor):
        raise OSError("not supported")

    monkeypatch.setattr("skmlp._persistence.path_lock._lock", fail)
    with locked(path) as one, locked(path) as other:
        assert not one
        assert not other


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are killed as POSIX does")
def test_another_process_holds_the_lock_until_it_is_killed(path):
    program = (
        "import sys, time\nfrom skmlp._persistence.path_lock import locked\n"
        "with locked(sys.argv[1]):\n    print('locked', flush=True)\n    time.sleep(600)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(skmlp.__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", program, path], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(PathInUse), locked(path):
            pass
        process.kill()
        process.wait()
    with locked(path) as has_locks:
        assert has_locks
    assert not os.listdir(os.path.dirname(path))
