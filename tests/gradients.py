"""A numerical check of analytic gradients."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

# near the cube root of the float64 precision, where rounding and truncation balance
STEP = 6e-6


def central_differences(
    f: Callable[[], float], x: NDArray[np.float64], step: float = STEP
) -> NDArray[np.float64]:
    """Return (f(x + h e_i) - f(x - h e_i)) / 2h for each i; f reads the 1-D array x itself."""
    gradient = np.empty_like(x)
    for i, x_i in enumerate(x.copy()):
        x[i] = x_i + step
        above = f()
        x[i] = x_i - step
        below = f()
        x[i] = x_i
        gradient[i] = (above - below) / (2 * step)
    return gradient


def assert_same_gradient(
    analytic: NDArray[np.float64], expected: NDArray[np.float64], rtol: float = 1e-7
) -> None:
    """Assert |analytic - expected| <= rtol |expected|, else print both values, worst ones first."""
    difference = np.abs(analytic - expected)
    error = np.linalg.norm(difference) / np.linalg.norm(expected)
    # written so that a NaN fails
    if not error <= rtol:
        worst = np.argsort(-difference)[:10]
        table = [f"{i:9d} {analytic[i]:+23.15e} {expected[i]:+23.15e}" for i in worst]
        raise AssertionError(
            f"relative error {error:.2e} > {rtol:.0e}\n"
            f"parameter {'analytic':>23} {'expected':>23}\n" + "\n".join(table)
        )
