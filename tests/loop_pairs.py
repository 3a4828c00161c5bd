"""Comparison of a compiled loop with its kernel, the NumPy function of the same name."""

import numpy as np
import pytest

from skmlp._engine.kernels import KERNELS

loops = pytest.importorskip("skmlp._compiled.loops.all", reason="numba is not installed")
DTYPES = "float32", "float64"
SHAPES = (1, 1), (1, 7), (3, 5), (32, 1), (33, 130), (0, 4)
# that of the engine in both precisions, and one more: each combination has to be compiled
LAYOUTS = {
    layout: [(layout, "float32"), (layout, "float64"), ("strided", "float64")] for layout in "CF"
}
SPECIAL = np.inf, -np.inf, np.nan, 0.0, -0.0, 1e30, -1e30, 1e-30


def rows(shape, dtype, layout="C", seed=0, scale=3.0):
    """Return normal numbers in rows or columns that lie together, or in every second column."""
    m, n = shape
    values = np.random.default_rng(seed).normal(scale=scale, size=shape).astype(dtype)
    if layout == "F":
        return np.asfortranarray(values)
    if layout == "strided":
        wide = np.zeros((m, 2 * n), dtype)
        wide[:, ::2] = values
        return wide[:, ::2]
    return values


def copies(arguments):
    """Return copies of the arrays among the arguments, in the same memory layout."""
    result = []
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            base = argument if argument.base is None else argument.base
            if base.ndim == argument.ndim and base.shape != argument.shape:
                copied = base.copy()[:, ::2]
            else:
                copied = argument.copy(order="K")
            result.append(copied)
        else:
            result.append(argument)
    return result


def assert_pair_agrees(name, *arguments, compare=None, rtol=None, atol=0.0):
    """Run kernel and loop on copies; compare what they return and the arrays they change.

    The numbers in `compare` are those of the arguments to be compared; the others are used up.
    """
    dtype = next(a.dtype for a in arguments if isinstance(a, np.ndarray) and a.dtype.kind == "f")
    rtol = rtol or 16 * np.finfo(dtype).eps
    ours, theirs = copies(arguments), copies(arguments)
    with np.errstate(all="ignore"):
        returned = loops.LOOPS[name](*ours), KERNELS[name](*theirs)
    compare = range(len(arguments)) if compare is None else compare
    pairs = [(ours[i], theirs[i]) for i in compare]
    for loop, reference in [*pairs, returned]:
        if isinstance(reference, np.ndarray):
            assert loop.dtype == reference.dtype
        if reference is not None and not isinstance(reference, str):
            np.testing.assert_allclose(loop, reference, rtol=rtol, atol=atol, err_msg=name)
