"""Warnings of networks that mean nothing to a user of tables."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from sklearn.exceptions import ConvergenceWarning


@contextmanager
def without_convergence_warnings() -> Iterator[None]:
    """Keep a network from warning that its training has not converged, or has learnt little.

    Features of tables are scaled already, early stopping chooses the epoch, and held-out rows say
    what a network is worth: there is nothing to be done about such a warning.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
