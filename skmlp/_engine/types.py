"""Names for the arrays that the engine passes around."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
"""Real numbers in the precision of the network, float32 or float64."""

IndexArray: TypeAlias = npt.NDArray[np.intp]
"""Row numbers or class numbers."""

Targets: TypeAlias = npt.NDArray[Any]
"""Encoded labels: class numbers of shape (m,), or booleans of shape (m, n_outputs)."""

Matrix: TypeAlias = Any
"""A dense array, a SciPy sparse matrix in CSR format, or `SparseRows`, of shape (m, n)."""
