"""Warnings of networks that mean nothing to a user of tables."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from sklearn.exceptions import ConvergenceWarning

_MESSAGES = (
    r"batch_size=\d+ is larger than the training set",
    "[Xy]_val is of another scale than",
)


@contextmanager
def without_training_warnings() -> Iterator[None]:
    """Keep a network from warning that its training has not converged, or has learnt little.

    Features of tables are scaled already, early stopping chooses the epoch, and held-out rows say
    what a network is worth: there is nothing to be done about such a warning. Nor about held-out
    rows of another scale, nor about batches of the recipe that have more rows than a splitter, or
    groups, leave for training: these are made smaller.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for message in _MESSAGES:
            warnings.filterwarnings("ignore", message)
        yield
