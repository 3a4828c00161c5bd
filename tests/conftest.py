import os

# fits of tests are too short to pay for compiling; without numba, NumPy runs all the same
os.environ.setdefault("SKMLP_KERNELS", "compiled")
