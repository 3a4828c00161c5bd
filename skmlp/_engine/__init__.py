"""The network and its gradient: everything here computes with NumPy and SciPy alone."""
