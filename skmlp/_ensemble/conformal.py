"""Order statistics of held-out scores: what a new score exceeds with a given probability."""

import math

import numpy as np

from skmlp._engine.types import FloatArray


def upper_bound(scores: FloatArray, level: float, w: FloatArray | None = None) -> float:
    """Return the k-th smallest of n scores, k = ceil((n + 1) level); infinity if k > n.

    A new score, exchangeable with these, is at most this with a probability of at least `level`.
    With weights, it is the least score for which the weights up to there are at least the share
    `level` of all weights, including a new one as small as the smallest. So a row of weight 2 is
    like two rows, and the scale of the weights does not count.

    V. Vovk, A. Gammerman, G. Shafer, "Algorithmic learning in a random world", Springer 2005.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Scores of held-out rows.
    level : float
        The probability, in (0, 1).
    w : ndarray of shape (n,) or None, default=None
        Weights of the scores, above 0. If None, all are the same.
    """
    w = np.ones(len(scores)) if w is None else w / w.max()  # a sum of these cannot overflow
    if len(scores) == 0:
        return math.inf
    order = np.argsort(scores, kind="stable")
    total = np.cumsum(w[order])
    needed = (total[-1] + w.min()) * level * (1 - 1e-12)  # rounding does not count
    k = np.searchsorted(total, needed)
    return float(scores[order[k]]) if k < len(scores) else math.inf


def quantile_bound(scores: FloatArray, level: float, w: FloatArray | None = None) -> float:
    """Return the order statistic for a level: rounded up from 1/2 on, below that rounded down.

    Both are rounded away from the middle; infinite if there are too few scores.
    """
    if level >= 0.5:
        return upper_bound(scores, level, w)
    return -upper_bound(-scores, 1 - level, w)


def needed_rank(n: int, level: float) -> int:
    """Return k = ceil((n + 1) level), where rounding does not count."""
    return math.ceil((n + 1) * level - 1e-9)


def needed_rows(level: float) -> int:
    """Return the least number of scores for which `upper_bound` is finite."""
    return max(math.ceil(level / (1 - level) - 1e-9), 1)
