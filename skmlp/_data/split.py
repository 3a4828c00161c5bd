"""The validation split of early stopping."""

import math
from dataclasses import replace

import numpy as np

from skmlp._engine.types import Targets
from skmlp._training.dataset import Dataset


def split_dataset(
    data: Dataset, classes: Targets | None, fraction: float, rng: np.random.RandomState
) -> tuple[Dataset, Dataset]:
    """Split a dataset into training and validation rows.

    The split is stratified by class if every class has two rows and each side has room for all
    classes. Rows are not copied, only their indices.

    Parameters
    ----------
    data : Dataset
        The rows to split.
    classes : ndarray of shape (n, ...) or None
        The class of each row of `data.X`. If None, the split is not stratified.
    fraction : float
        Share of the rows for validation.
    rng : RandomState
        Generator that shuffles the rows.

    Returns
    -------
    train, val : Dataset

    Raises
    ------
    ValueError
        If there are too few rows for a validation set of two.
    """
    from sklearn.model_selection import train_test_split  # takes longer to import than all else

    n = len(data)
    n_val = max(2, math.ceil(fraction * n))
    if fraction == 0 or n - n_val < 1:
        raise ValueError(
            f"The validation set is too small: validation_fraction={fraction} of n_samples={n} "
            f"leaves no {'validation' if fraction == 0 else 'training'} rows. Give a fraction "
            "between 0 and 1, more rows, or a validation set of your own (X_val, y_val)."
        )
    index = np.arange(n) if data.index is None else data.index
    stratify = None
    if classes is not None:
        labels, counts = np.unique(classes[index], return_counts=True)
        if counts.min() >= 2 and min(n_val, n - n_val) >= len(labels):
            stratify = classes[index]
    train, val = train_test_split(index, test_size=n_val, random_state=rng, stratify=stratify)
    return replace(data, index=train), replace(data, index=val).gather()
