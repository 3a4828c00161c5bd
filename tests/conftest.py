import gc
import os
from functools import partial

import pytest
from threadpoolctl import threadpool_limits

# fits of tests are too short to pay for compiling; without numba, NumPy runs all the same
os.environ.setdefault("SKMLP_KERNELS", "compiled")
# threads of boosted trees that wait in a loop would hold the cores of other tests
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Keep the tests, many thousands of objects, out of all searches for garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="module", autouse=True)
def limit_of_blas():
    """Give BLAS one thread: on products as small as those of tests, a second one only waits.

    Modules that test threads have a fixture of this name, which changes nothing.
    """
    with threadpool_limits(1, "blas"):
        yield


@pytest.fixture(scope="session")
def check(tmp_path_factory):
    """Return a function that runs mypy on a program; all calls share a cache."""
    pytest.importorskip("mypy")
    from type_checks import run_mypy  # imports skmlp, for which the variables above must be set

    return partial(run_mypy, tmp_path_factory.mktemp("types"))
