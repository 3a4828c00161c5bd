"""Settings of both models by the size of the table."""

from typing import Any

from skmlp.recipes import TABULAR, TABULAR_REGRESSION

FEW_ROWS = 2000
_MORE_ROWS = {
    "hidden_layer_sizes": (128, 128, 128),
    "batch_size": 64,
    "dropout": 0.2,
}
# many classes in many rows are told apart by details
MANY_CLASSES = 10
_MORE_CLASSES = {
    "hidden_layer_sizes": (256, 256, 256),
    "batch_size": 64,
    "dropout": 0.1,
    "max_iter": 40,
    "n_iter_no_change": 12,
}
_TREES = {
    "max_iter": 400,
    "max_features": 0.3,
    "min_samples_leaf": 20,
    "l2_regularization": 1.0,
}
# quality="fast", which takes about a third of the time
FAST_MEMBERS = 2
_FAST = {"max_iter": 20}
_FAST_FOR_MORE_ROWS = {"max_iter": 8}
_FAST_MAX_ITERATIONS = 200
_FAST_REGRESSION = {"max_iter": 50, "n_iter_no_change": 12}
# an iteration trains a tree for each class
_MAX_TREES = 500
_MAX_CLASSES = 20


def network_settings(n_rows: int, n_classes: int, *, fast: bool = False) -> dict[str, Any]:
    """Return the parameters of a classifier's networks for a number of rows and classes."""
    if n_rows <= FEW_ROWS:
        return {**TABULAR, **(_FAST if fast else {})}
    of_size = _MORE_ROWS if n_classes <= MANY_CLASSES else _MORE_CLASSES
    return {**TABULAR, **of_size, **(_FAST_FOR_MORE_ROWS if fast else {})}


def regression_settings(*, fast: bool = False) -> dict[str, Any]:
    """Return the parameters of a regressor's networks."""
    return {**TABULAR_REGRESSION, **(_FAST_REGRESSION if fast else {})}


def cosines_by_rank(n_rows: int, n_classes: int) -> bool:
    """Return whether the cosines of numbers are of their ranks."""
    return n_rows > FEW_ROWS and n_classes <= MANY_CLASSES


def tree_settings(n_rows: int, n_classes: int, *, fast: bool = False) -> dict[str, Any] | None:
    """Return the parameters of the boosted trees for a number of rows and classes.

    With more than 20 classes there are none: they would take far longer than the networks.
    """
    if n_classes > _MAX_CLASSES:
        return None
    few = n_rows <= FEW_ROWS
    size = {"learning_rate": 0.1, "max_leaf_nodes": 8} if few else {"learning_rate": 0.08}
    settings = {**_TREES, **size}
    if n_classes > 2:
        settings["max_iter"] = min(400, _MAX_TREES // n_classes)
        settings["learning_rate"] = 0.15
    if fast and not few:  # for few rows, trees take little of the time
        settings["max_iter"] = min(settings["max_iter"], _FAST_MAX_ITERATIONS)
        settings["learning_rate"] *= 2
    return settings


def with_fitting_batches(settings: dict[str, Any], n_rows: int) -> dict[str, Any]:
    """Return settings with batches of at most half the rows, which every member is trained on."""
    return {**settings, "batch_size": min(settings["batch_size"], max(n_rows // 2, 1))}
