import pytest

from skmlp import NumpyMLPClassifier
from skmlp._tables.recipe import (
    cosines_by_rank,
    network_settings,
    regression_settings,
    tree_settings,
    with_fitting_batches,
)


@pytest.mark.parametrize("n_rows", [100, 2000, 2001])
def test_settings_are_parameters_of_the_models(n_rows):
    from sklearn.ensemble import HistGradientBoostingClassifier

    NumpyMLPClassifier(**network_settings(n_rows, 2))
    HistGradientBoostingClassifier(**tree_settings(n_rows, 2))


def test_more_rows_get_larger_batches_and_trees():
    few, more = network_settings(2000, 2), network_settings(2001, 2)
    assert more["batch_size"] > few["batch_size"]
    assert "max_leaf_nodes" in tree_settings(2000, 2)
    assert "max_leaf_nodes" not in tree_settings(2001, 2)


@pytest.mark.parametrize("n_rows", [2000, 2001])
def test_fast_networks_have_fewer_epochs_and_are_the_same_otherwise(n_rows):
    fast, default = network_settings(n_rows, 2, fast=True), network_settings(n_rows, 2)
    assert fast["max_iter"] < default["max_iter"]
    assert fast | {"max_iter": default["max_iter"]} == default
    assert regression_settings(fast=True)["max_iter"] < regression_settings()["max_iter"]


def test_fast_trees_take_larger_steps_where_there_are_more_rows():
    assert tree_settings(2000, 2, fast=True) == tree_settings(2000, 2)
    for n_classes in (2, 10):
        fast, default = tree_settings(2001, n_classes, fast=True), tree_settings(2001, n_classes)
        assert fast["learning_rate"] == 2 * default["learning_rate"]
        assert fast["max_iter"] == min(200, default["max_iter"])


@pytest.mark.parametrize(("n_classes", "largest"), [(2, 400), (4, 125), (20, 25)])
def test_many_classes_get_fewer_iterations(n_classes, largest):
    assert tree_settings(5000, n_classes)["max_iter"] == largest


def test_very_many_classes_get_no_trees():
    assert tree_settings(5000, 21) is None


def test_many_classes_in_many_rows_get_larger_networks_and_cosines_of_numbers():
    few, many = network_settings(5000, 2), network_settings(5000, 11)
    assert sum(many["hidden_layer_sizes"]) > sum(few["hidden_layer_sizes"])
    assert [cosines_by_rank(*size) for size in [(5000, 2), (5000, 11), (2000, 2)]] == [
        True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(("n_rows", "size"), [(1, 1), (30, 15), (64, 32), (1000, 32)])
def test_batches_are_no_larger_than_what_members_are_trained_on(n_rows, size):
    assert with_fitting_batches({"batch_size": 32, "alpha": 1}, n_rows) == {
        "batch_size": size,
        "alpha": 1,
    }
