import pytest

from skmlp import NumpyMLPClassifier
from skmlp._tables.recipe import network_settings, tree_settings


@pytest.mark.parametrize("n_rows", [100, 2000, 2001])
def test_settings_are_parameters_of_the_models(n_rows):
    from sklearn.ensemble import HistGradientBoostingClassifier

    NumpyMLPClassifier(**network_settings(n_rows))
    HistGradientBoostingClassifier(**tree_settings(n_rows, 2))


def test_more_rows_get_larger_batches_and_trees():
    few, more = network_settings(2000), network_settings(2001)
    assert more["batch_size"] > few["batch_size"]
    assert "max_leaf_nodes" in tree_settings(2000, 2)
    assert "max_leaf_nodes" not in tree_settings(2001, 2)


@pytest.mark.parametrize(("n_classes", "largest"), [(2, 400), (4, 200), (20, 40), (100, 20)])
def test_many_classes_get_fewer_iterations(n_classes, largest):
    assert tree_settings(5000, n_classes)["max_iter"] == largest
