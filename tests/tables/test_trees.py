import time

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

from skmlp._tables.trees import fit_trees, tree_log_proba

SETTINGS = {"max_iter": 100, "max_leaf_nodes": 8, "learning_rate": 0.3, "random_state": 0}


def data(n_classes):
    X, y = make_classification(
        600, n_informative=6, n_classes=n_classes, flip_y=0.2, random_state=0
    )
    return X[:400], y[:400], X[400:], y[400:]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_iteration_with_the_least_validation_loss_is_the_last(n_classes):
    X, y, X_val, y_val = data(n_classes)
    trees = fit_trees(SETTINGS, X, y, None, (X_val, y_val, None))
    reference = HistGradientBoostingClassifier(**SETTINGS, early_stopping=False).fit(X, y)
    losses = [log_loss(y_val, p) for p in reference.staged_predict_proba(X_val)]
    best = int(np.argmin(losses))
    assert trees.n_iter_ == best + 1 < 100
    expected = [*reference.staged_predict_proba(X_val)][best]
    assert_allclose(np.exp(tree_log_proba(trees, X_val)), expected, rtol=1e-6)


def test_training_ends_some_way_after_the_best_iteration():
    X, y, X_val, y_val = data(2)
    settings = SETTINGS | {"max_iter": 10**6}
    start = time.perf_counter()
    assert fit_trees(settings, X, y, None, (X_val, y_val, None)).n_iter_ < 200
    assert time.perf_counter() - start < 10


def test_training_ends_when_its_time_is_over():
    X, y, _, _ = data(2)
    settings = SETTINGS | {"learning_rate": 1e-3, "max_iter": 300}
    assert fit_trees(settings, X, y, None, (X, y, None), deadline=time.time()).n_iter_ == 40


def test_weights_of_validation_rows_decide_too():
    X, y, X_val, y_val = data(2)
    rows = np.arange(50)
    w = np.isin(np.arange(len(y_val)), rows).astype(float)
    weighted = fit_trees(SETTINGS, X, y, None, (X_val, y_val, w))
    assert (
        weighted.n_iter_ == fit_trees(SETTINGS, X, y, None, (X_val[:50], y_val[:50], None)).n_iter_
    )


def test_without_validation_rows_a_hundred_iterations_are_kept():
    X, y, _, _ = data(2)
    assert fit_trees(SETTINGS | {"max_iter": 400}, X, y, None, None).n_iter_ == 100


@pytest.mark.parametrize("stops", [True, False])
def test_categories_without_gaps_are_predicted_as_by_the_encoder_of_the_trees(stops):
    rng = np.random.RandomState(0)
    X = np.column_stack([rng.randint(0, 9, 500), rng.normal(size=500)])
    X[::7, 0] = np.nan
    y = (rng.permutation(10)[np.nan_to_num(X[:, 0], nan=9).astype(int)] + X[:, 1] > 5).astype(int)
    settings = SETTINGS | {"max_iter": 20, "categorical_features": [True, False]}
    trees = fit_trees(settings, X, y, None, (X, y, None) if stops else None)
    settings["max_iter"] = trees.n_iter_
    reference = HistGradientBoostingClassifier(**settings, early_stopping=False).fit(X, y)
    assert_allclose(np.exp(tree_log_proba(trees, X)), reference.predict_proba(X), rtol=1e-6)
