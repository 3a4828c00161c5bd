import os

import pytest
from threadpoolctl import threadpool_limits

# fits of tests are too short to pay for compiling; without numba, NumPy runs all the same
os.environ.setdefault("SKMLP_KERNELS", "compiled")
# threads of boosted trees that wait in a loop would hold the cores of other tests
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture(scope="module", autouse=True)
def limit_of_blas():
    """Give BLAS one thread: on products as small as those of tests, a second one only waits.

    Modules that test threads have a fixture of this name, which changes nothing.
    """
    with threadpool_limits(1, "blas"):
        yield
