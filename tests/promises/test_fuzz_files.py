"""Thousands of damaged files: each is valid all the same, or refused, in little time and memory.

Files of MNIST, checkpoints, and states of saved models.

The long run takes some minutes and prints what it counted:

    python -m pytest -m slow -s tests/promises/test_fuzz_files.py
"""

import collections
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import fuzz_models
import numpy as np
import pytest
from fuzz_files import CHANGES, changed, changed_inside
from mnist_files import SOURCES
from unfinished_fits import UNFINISHED, X, killed_in_batch, small, y

import skmlp
from skmlp._persistence.checkpoint_file import read_checkpoint
from skmlp.datasets import _mnist, load_mnist

ROWS = {"train": 2, "val": 1, "test": 1}
KINDS = [
    "idx",
    "idx gzipped",
    "npz like keras",
    "npz with validation",
    "npz byte/255 big-endian, columns first",
    "pickle Python 2",
    "pickle NumPy 1",
    "pickle byte/256 big-endian",
    "pickle protocol 0",
    "pickle protocol 2",
    "pickle protocol 4",
    "pickle protocol 5",
]
TRAININGS = {
    "checkpoint adam": UNFINISHED,
    "checkpoint nadam": UNFINISHED
    | {"solver": "nadam", "learning_rate": "exponential", "averaging": 0.9, "batch_norm": True},
    "checkpoint sgd": UNFINISHED | {"solver": "sgd", "learning_rate": "invscaling"},
}
SHORT, LONG = 30, 9_000
STATES_SHORT, STATES_LONG = 300, 20_000
MEBIBYTES_MORE = 64
SECONDS_AT_MOST = 60

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def tiny(monkeypatch):
    """Shrink MNIST to four images, so that headers are a good part of a file."""
    for part, rows in ROWS.items():
        monkeypatch.setattr(_mnist, f"N_{part.upper()}", rows)
    monkeypatch.setattr(_mnist, "PICKLE_BYTES_MAX", 2**20)
    rng = np.random.default_rng(0)
    made = {}
    for part, rows in ROWS.items():
        made[f"X_{part}"] = rng.integers(0, 256, (rows, 784)).astype(np.uint8)
        made[f"X_{part}"][:, :2] = 0, 255
        made[f"y_{part}"] = rng.integers(0, 10, rows)
    return made


@pytest.fixture
def no_hang():
    """End a test that takes for ever."""
    if hasattr(signal, "SIGALRM"):

        def give_up(signal_number, frame):
            raise TimeoutError(f"a file took more than {SECONDS_AT_MOST} seconds")

        before = signal.signal(signal.SIGALRM, give_up)
        yield lambda: signal.alarm(SECONDS_AT_MOST)
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    else:
        yield lambda: None


def assert_mnist(mnist):
    for part, rows in ROWS.items():
        X, y = mnist[f"X_{part}"], mnist[f"y_{part}"]
        assert (X.shape, X.dtype) == ((rows, 784), np.uint8)
        assert (y.shape, y.dtype) == ((rows,), np.int64)
        assert 0 <= y.min() <= y.max() <= 9


def outcome(path, victim):
    """Load the file; return what became of it."""
    try:
        mnist = load_mnist(path, dtype="uint8")
    except ValueError as error:
        message = str(error)
        assert str(victim) in message
        assert "Replace it with a fresh copy" in message
        assert "MemoryError" not in message
        assert len(message) < 1500
        return "refused"
    assert_mnist(mnist)
    return "valid"


def load_damaged(kind, tiny, folder, n, before_each):
    """Load n damaged files of a kind; return how many were valid, and how many refused."""
    path = SOURCES[kind](folder, tiny)
    victims = sorted(path.iterdir()) if path.is_dir() else [path]
    good = {victim: victim.read_bytes() for victim in victims}
    outcomes = collections.Counter()
    rng = random.Random(kind)
    for _ in range(n):
        victim = rng.choice(victims)
        victim.write_bytes(changed_inside(good[victim], rng))
        before_each()
        outcomes[outcome(path, victim)] += 1
        victim.write_bytes(good[victim])
    assert_mnist(load_mnist(path, dtype="uint8"))
    return outcomes


def load_damaged_checkpoints(params, folder, n, before_each):
    """Go on from n damaged checkpoints; return how many were valid, and how many refused."""
    path = folder / "fit.checkpoint"
    model = small(checkpoint_path=path, **params)
    killed_in_batch(model, 18, X, y)
    good, unfitted = path.read_bytes(), vars(model).copy()
    outcomes = collections.Counter()
    rng = random.Random("checkpoint")
    for _ in range(n):
        path.write_bytes(changed_inside(good, rng))
        before_each()
        assert_read_in_little_memory(path)
        start = time.process_time()
        outcomes[checkpoint_outcome(model, path, unfitted)] += 1
        assert time.process_time() - start < 1
        vars(model).clear()
        vars(model).update(unfitted)
    path.write_bytes(good)
    model.fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], small(**params).fit(X, y).coefs_[0])
    return outcomes


def assert_read_in_little_memory(path):
    """Read the file; its memory is at most ten times the file and 20 MB."""
    tracemalloc.start()
    try:
        with contextlib.suppress(ValueError):
            read_checkpoint(str(path))
        assert tracemalloc.get_traced_memory()[1] < 10 * path.stat().st_size + 20e6
    finally:
        tracemalloc.stop()


def checkpoint_outcome(model, path, unfitted):
    """Go on from the file; return what became of it."""
    damaged = path.read_bytes()
    try:
        model.fit(X, y)
    except ValueError as error:
        message = str(error)
        if message.startswith("Training diverged"):  # the file had such numbers, and all else right
            return "valid"
        assert "checkpoint_path=" in message
        assert "delete" in message
        assert "MemoryError" not in message
        assert vars(model) == unfitted
        assert path.read_bytes() == damaged or "training cannot go on" in message
        return "refused"
    assert np.isfinite(model.predict_proba(X)).all()
    return "valid"


def peak_mebibytes():
    resource = pytest.importorskip("resource")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_file_is_valid_all_the_same_or_refused(kind, tiny, tmp_path, no_hang):
    outcomes = load_damaged(kind, tiny, tmp_path, SHORT, no_hang)
    assert outcomes["refused"] > SHORT // 4


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_thousands_of_damaged_files_are_valid_or_refused_in_little_memory(
    kind, tiny, tmp_path, no_hang
):
    load_damaged(kind, tiny, tmp_path, SHORT, no_hang)
    before = peak_mebibytes()
    outcomes = load_damaged(kind, tiny, tmp_path, LONG, no_hang)
    more = peak_mebibytes() - before
    print(f"\n{kind}: {dict(outcomes)}, {more:.1f} MiB more")
    assert sum(outcomes.values()) == LONG
    assert more < MEBIBYTES_MORE


@pytest.fixture
def quick_fits(monkeypatch):
    """Spare the tests what guards against the end of the whole machine, and all compiling."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    # a damaged number of another type would have a loop compiled for that type
    monkeypatch.setenv("SKMLP_KERNELS", "numpy")


@pytest.mark.parametrize("params", TRAININGS.values(), ids=TRAININGS)
def test_damaged_checkpoint_is_valid_all_the_same_or_refused(params, tmp_path, no_hang, quick_fits):
    outcomes = load_damaged_checkpoints(params, tmp_path, 3 * SHORT, no_hang)
    assert outcomes["refused"] > 2 * SHORT


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("kind", TRAININGS)
def test_thousands_of_damaged_checkpoints_are_valid_or_refused_in_little_memory(
    kind, tmp_path, no_hang, quick_fits
):
    load_damaged_checkpoints(TRAININGS[kind], tmp_path, SHORT, no_hang)
    before = peak_mebibytes()
    outcomes = load_damaged_checkpoints(TRAININGS[kind], tmp_path, LONG // 3, no_hang)
    more = peak_mebibytes() - before
    print(f"\n{kind}: {dict(outcomes)}, {more:.1f} MiB more")
    assert sum(outcomes.values()) == LONG // 3
    assert more < MEBIBYTES_MORE


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_changes_some_bytes(change):
    raw, rng = bytes(range(100)) + b"(12, 784)", random.Random(0)
    assert any(change(raw, at, rng) != raw for at in range(20, 90))
    assert changed(b"", rng) == b""


@pytest.mark.parametrize(
    "n",
    [STATES_SHORT, pytest.param(STATES_LONG, marks=[pytest.mark.slow, pytest.mark.long])],
    ids=["short", "long"],
)
def test_changed_state_of_a_saved_model_is_valid_all_the_same_or_refused(n):
    # another process, whose crash would be counted; time and memory are bounded there
    done = subprocess.run(
        [sys.executable, fuzz_models.__file__, str(n), "0"],
        env=os.environ | {"PYTHONPATH": str(Path(skmlp.__file__).parents[1])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.returncode, f"exit code {done.returncode}: {done.stderr}"
    found = json.loads(done.stdout)
    print(f"\n{n} states of saved models: {found}")
    counts = found["counts"]
    assert counts["refused"] > n // 3
    assert counts["loaded"] > n // 30
    assert counts["trained"] > 0
    assert sum(number for what, number in counts.items() if "trained" not in what) == n
