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
