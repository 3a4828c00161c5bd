"""The validation split."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from skmlp._data.split import split_dataset
from skmlp._data.targets import ClassificationTargets
from skmlp._training.dataset import Dataset


def rows_of(y, weights=None, index=None):
    """Return rows whose only feature is their number, and the targets of y."""
    targets = ClassificationTargets(y)
    return Dataset(
        np.arange(float(len(y)))[:, np.newaxis], targets.encode(y), weights, index
    ), targets


def split(y, fraction, seed=0, **kwargs):
    rows, targets = rows_of(y, **kwargs)
    classes = targets.stratification(rows.y)
    train, val = split_dataset(rows, classes, fraction, np.random.RandomState(seed))
    return train, val, val.X[:, 0].astype(int)


def test_a_split_parts_the_rows():
    w = np.arange(40.0)
    train, val, numbers = split(np.arange(40) % 3, 0.25, weights=w)
    assert sorted([*train.index, *numbers]) == list(range(40))
    assert len(train) == 30
    assert len(val) == 10
    assert val.index is None
    np.testing.assert_array_equal(val.w, w[numbers])
    np.testing.assert_array_equal(val.y, numbers % 3)
    np.testing.assert_array_equal(train.gather().y, train.index % 3)


def test_a_split_copies_no_training_rows():
    rows, _ = rows_of(np.arange(40) % 3)
    train, _ = split_dataset(rows, rows.y, 0.25, np.random.RandomState(0))
    assert train.X is rows.X
    assert train.y is rows.y


def test_only_rows_that_count_are_split():
    index = np.arange(0, 40, 2)
    train, _, numbers = split(np.arange(40) % 3, 0.25, index=index)
    assert sorted([*train.index, *numbers]) == index.tolist()
    assert len(numbers) == 5


@pytest.mark.parametrize("n_classes", [2, 4])
def test_a_split_keeps_the_shares_of_the_classes(n_classes):
    sizes = 20 * 2 ** np.arange(n_classes)
    y = np.repeat(np.arange(n_classes), sizes)
    for seed in range(5):
        _, _, numbers = split(y, 0.25, seed)
        assert np.bincount(y[numbers]).tolist() == (sizes // 4).tolist()


@pytest.mark.parametrize(
    ("y", "fraction"),
    [
        ([0] * 20 + [1] * 20, 0.1),
        ([0] * 20 + [1] * 20 + [2] * 10, 0.2),
        ([0] * 5 + [1] * 2, 0.3),
    ],
)
def test_a_split_is_the_stratified_one_of_scikit_learn(y, fraction):
    y = np.array(y)
    train, _, numbers = split(y, fraction, seed=3)
    n_val = max(2, int(np.ceil(fraction * len(y))))
    expected = train_test_split(
        np.arange(len(y)), test_size=n_val, stratify=y, random_state=np.random.RandomState(3)
    )
    assert [*train.index] == [*expected[0]]
    assert [*numbers] == [*expected[1]]


@pytest.mark.parametrize(
    ("y", "fraction"),
    [
        pytest.param([0] * 30 + [1], 0.2, id="a class of one row"),
        pytest.param([*range(10)] * 2, 0.2, id="fewer validation rows than classes"),
        pytest.param([*range(10)] * 2, 0.8, id="fewer training rows than classes"),
        pytest.param(np.tile([[1, 0], [0, 1]], (10, 1)), 0.2, id="multilabel"),
    ],
)
def test_where_classes_cannot_be_kept_apart_the_split_is_a_plain_one(y, fraction):
    y = np.array(y)
    train, _, numbers = split(y, fraction, seed=3)
    expected = train_test_split(
        np.arange(len(y)),
        test_size=int(np.ceil(fraction * len(y))),
        random_state=np.random.RandomState(3),
    )
    assert [*train.index] == [*expected[0]]
    assert [*numbers] == [*expected[1]]


@pytest.mark.parametrize(("n", "fraction", "n_val"), [(3, 0.01, 2), (10, 0.11, 2), (10, 0.21, 3)])
def test_the_validation_set_has_at_least_two_rows_and_is_rounded_up(n, fraction, n_val):
    train, val, _ = split(np.zeros(n, dtype=int), fraction)
    assert (len(train), len(val)) == (n - n_val, n_val)


@pytest.mark.parametrize(
    ("n", "fraction", "missing"),
    [(20, 0, "validation"), (1, 0.1, "training"), (2, 0.1, "training"), (20, 0.99, "training")],
)
def test_too_few_rows_to_split_are_refused_with_the_remedy(n, fraction, missing):
    message = rf"validation_fraction={fraction} of n_samples={n} leaves no {missing} rows.*X_val"
    with pytest.raises(ValueError, match=message):
        split(np.zeros(n, dtype=int), fraction)


def test_equal_generators_split_equally_and_others_do_not():
    y = np.arange(40) % 3
    assert [*split(y, 0.25, seed=1)[2]] == [*split(y, 0.25, seed=1)[2]]
    assert [*split(y, 0.25, seed=1)[2]] != [*split(y, 0.25, seed=2)[2]]
