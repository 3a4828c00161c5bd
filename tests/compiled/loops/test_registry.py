import os
import subprocess
import sys

import numpy as np
import pytest
from loop_pairs import loops

from skmlp._compiled.loops import registry
from skmlp._engine.kernels import KERNELS


def test_each_kernel_has_a_loop_and_each_loop_its_kernel():
    assert set(loops.LOOPS) == set(KERNELS)


def test_where_no_folder_can_be_written_to_a_loop_is_compiled_all_the_same(monkeypatch):
    njit, cached = registry.njit, []

    def without_folder(cache=False, **options):
        cached.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(registry, "njit", without_folder)
    monkeypatch.setattr(registry, "LOOPS", {})

    @registry.loop
    def twice(a):
        for i in range(len(a)):
            a[i] *= 2

    a = np.ones(3)
    registry.LOOPS["twice"](a)
    assert (a == 2).all()
    assert cached == [True, False]


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Return an empty folder in which numba keeps loops."""
    monkeypatch.setattr(registry.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(registry, "LOOPS", {})
    return tmp_path


def compile_total():
    """Enter a loop as a new process would."""

    @registry.loop
    def total(a, w):
        result = 0.0
        for i in range(len(a)):
            result += a[i] if w is None else a[i] * w[i]
        return result


def total(*arguments):
    return registry.LOOPS["total"](*arguments)


def test_a_loop_whose_file_has_the_code_for_other_types_is_compiled_anew(folder):
    a, w = np.ones(3), np.array([0.0, 0.0, 2.0])
    compile_total()
    assert (total(a, None), total(a, w)) == (3, 2)
    without_w, with_w = sorted(folder.rglob("*.nbc"))
    with_w.write_bytes(without_w.read_bytes())
    compile_total()
    assert (total(a, w), total(a, None), total(a, w)) == (2, 3, 2)


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_loop_whose_file_is_damaged_is_compiled_anew(kind, folder):
    compile_total()
    total(np.ones(3), None)
    (file,) = folder.rglob(f"*.{kind}")
    file.write_bytes(file.read_bytes()[:40])
    compile_total()
    assert total(np.ones(3), None) == 3


def test_a_loop_that_cannot_be_written_to_disk_is_compiled_all_the_same(folder):
    compile_total()
    for path in folder.iterdir():
        path.rmdir()
        path.write_text("in place of the folder")
    assert total(np.ones(3), None) == 3


def test_a_loop_on_disk_is_loaded_until_a_module_of_loops_changes(folder, monkeypatch):
    hits = []
    for digest in ("before", "before", "after"):
        monkeypatch.setattr(registry, "_DIGEST", digest)
        compile_total()
        total(np.ones(3), None)
        hits.append(len(registry.LOOPS["total"].stats.cache_hits))
    assert hits == [0, 1, 0]


def test_the_digest_changes_with_each_module(tmp_path):
    digests = set()
    for text in ("a", "b"):
        (tmp_path / "activations.py").write_text("loops")
        (tmp_path / "elementary.py").write_text(text)
        digests.add(registry.digest(tmp_path))
    assert len(digests) == 2


PROGRAM = """
import os, threading
from numba.core.compiler_lock import global_compiler_lock
from sklearn.datasets import load_iris
from skmlp import NumpyMLPClassifier
from skmlp._compiled.loops.all import LOOPS

held, forked = threading.Event(), threading.Event()

def compile_for_long():
    with global_compiler_lock:
        held.set()
        forked.wait()

thread = threading.Thread(target=compile_for_long)
thread.start()
held.wait()
pid = os.fork()
if pid == 0:
    X, y = load_iris(return_X_y=True)
    NumpyMLPClassifier(max_iter=2, solver="nadam").fit(X, y)
    os._exit(9 if not LOOPS else 1)
forked.set()
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), len(LOOPS) > 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_child_forked_while_another_thread_compiles_trains_with_numpy():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        env=os.environ | {"SKMLP_KERNELS": "compiled"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() == ["9", "True"], done.stderr


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_a_loop_says_what_it_does(name):
    assert loops.LOOPS[name].__doc__
