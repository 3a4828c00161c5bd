"""Kernels of the engine as compiled loops: used where numba is installed and they pay."""
