"""Settings of both models by the size of the table."""

from typing import Any

from skmlp.recipes import TABULAR

FEW_ROWS = 2000
_MORE_ROWS = {"hidden_layer_sizes": (128, 128, 128), "batch_size": 64, "dropout": 0.2}
_TREES = {
    "max_iter": 400,
    "max_features": 0.3,
    "min_samples_leaf": 20,
    "l2_regularization": 1.0,
}
# an iteration trains a tree for each class
_MAX_TREES = 800


def network_settings(n_rows: int) -> dict[str, Any]:
    """Return the parameters of the networks for a number of rows."""
    return {**TABULAR} if n_rows <= FEW_ROWS else {**TABULAR, **_MORE_ROWS}


def tree_settings(n_rows: int, n_classes: int) -> dict[str, Any]:
    """Return the parameters of the boosted trees for a number of rows and classes."""
    few = n_rows <= FEW_ROWS
    size = {"learning_rate": 0.1, "max_leaf_nodes": 8} if few else {"learning_rate": 0.08}
    settings = {**_TREES, **size}
    if n_classes > 2:
        settings["max_iter"] = min(400, max(_MAX_TREES // n_classes, 20))
        settings["learning_rate"] = 0.15
    return settings
