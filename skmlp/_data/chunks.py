"""How many rows are in memory at once, and what matrix products they come to."""

from collections.abc import Sequence

from scipy.sparse import issparse
from sklearn import get_config

from skmlp._engine.types import FloatArray, Matrix

# larger chunks of rows gain no speed, but cost memory
_CHUNK_MIB = 16


def rows_per_chunk(weights: Sequence[FloatArray]) -> int:
    """Return how many rows may be in memory at once: their input, and two hidden layers."""
    widest = max((W.shape[1] for W in weights[:-1]), default=0)
    row_bytes = (weights[0].shape[0] + 2 * widest) * weights[0].itemsize
    return max(1, int(min(get_config()["working_memory"], _CHUNK_MIB) * 2**20) // row_bytes)


def products(m: int, X: Matrix, weights: Sequence[FloatArray]) -> list[tuple[int, int, int]]:
    """Return the sizes (m, k, n) of the matrix products of m rows that BLAS computes."""
    return [(m, W.shape[0], W.shape[1]) for W in (weights[1:] if issparse(X) else weights)]
