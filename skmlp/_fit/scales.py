"""Whether the features are of one scale, as networks want them."""

import numpy as np
from scipy.sparse import issparse

from skmlp._training.dataset import Dataset

# "a thousand times another's", as far as a sample of the rows can tell
_FACTOR = 500

# sampled: rows at most, and numbers at most
_N_ROWS, _N_NUMBERS = 1000, 10**7


def unscaled_columns(rows: Dataset) -> tuple[int, int] | None:
    """Return the columns of the widest and of the narrowest range, if these are far apart.

    The range is the largest value less the smallest one: unlike the standard deviation it is the
    same for indicators and for counts of things that are rare. Constant columns do not count, nor
    those that vary by no more than rounding errors, nor do sparse rows, which are rarely scaled.
    """
    if issparse(rows.X):
        return None
    n_rows = min(_N_ROWS, max(2, _N_NUMBERS // rows.X.shape[1]))
    X = rows.subsample(n_rows).gather().X
    with np.errstate(over="ignore"):
        ranges = X.max(axis=0).astype(np.float64) - X.min(axis=0)
    widest = int(ranges.argmax())
    precision = np.finfo(np.float64 if X.dtype == np.float64 else np.float32).eps
    varies = ranges > 16 * precision * ranges[widest]
    narrowest = int(np.where(varies, ranges, np.inf).argmin())
    if not ranges[widest] > _FACTOR * ranges[narrowest]:
        return None
    return widest, narrowest
