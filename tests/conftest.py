import os

# fits of tests are too short to pay for compiling; without numba, NumPy runs all the same
os.environ.setdefault("SKMLP_KERNELS", "compiled")
# threads of boosted trees that wait in a loop would hold the cores of other tests
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
