"""From what the user passes to the rows that are trained on."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split

from skmlp._compat import InvalidParameterError, check_sample_weight
from skmlp._data.inputs import (
    accepted_dtypes,
    all_or_nothing,
    check_hidden_layer_sizes,
    float_dtype,
    row_weights,
    split_rows,
)
from skmlp._data.targets import ClassificationTargets, ClassWeights
from skmlp._training.stochastic import Dataset

# --- All or nothing ---------------------------------------------------------------------------


class Thing(BaseEstimator):
    def __init__(self, a=1):
        self.a = a


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_a_failure_all_attributes_are_as_before(error):
    def change_and_fail(thing):
        with all_or_nothing(thing):
            thing.added_ = 1
            thing.changed_ = 2
            thing.a = "other"
            del thing.removed_
            raise error

    kept = [1]
    thing = Thing()
    thing.kept_, thing.removed_, thing.changed_ = kept, "old", 0.5
    with pytest.raises(error):
        change_and_fail(thing)
    assert vars(thing) == {"a": 1, "kept_": [1], "removed_": "old", "changed_": 0.5}
    assert thing.kept_ is kept


def test_without_a_failure_all_changes_stay():
    thing = Thing()
    with all_or_nothing(thing):
        thing.added_ = 1
    assert vars(thing) == {"a": 1, "added_": 1}


# --- Hidden layers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "sizes"),
    [
        (5, [5]),
        ((), []),
        ([], []),
        ((5, 3), [5, 3]),
        ([5, 3], [5, 3]),
        (np.array([5, 3]), [5, 3]),
        (np.int32(5), [5]),
        (range(1, 4), [1, 2, 3]),
        (pd.Series([4, 2]), [4, 2]),
    ],
)
def test_sizes_of_hidden_layers_become_a_list_of_ints(value, sizes):
    checked = check_hidden_layer_sizes(value)
    assert checked == sizes
    assert all(type(n) is int for n in checked)


@pytest.mark.parametrize("value", [0, -1, (5, 0), (-1,), 2.0, (2.0,), ("5",), (None,), [[5, 3]]])
def test_other_sizes_are_refused_with_their_value(value):
    with pytest.raises(
        InvalidParameterError, match="hidden_layer_sizes must be > 0, got"
    ) as caught:
        check_hidden_layer_sizes(value)
    assert f"got {value!r} instead" in str(caught.value)


# --- Precision --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("longdouble", "float64"),
        ("int8", "float64"),
        ("int64", "float64"),
        ("bool", "float64"),
        ("object", "float64"),
        (">f4", "float32"),
    ],
)
def test_narrow_floats_are_computed_in_float32_and_all_else_in_float64(dtype, expected):
    X = np.ones((3, 2), dtype=dtype)
    assert float_dtype(X) == expected
    assert float_dtype(pd.DataFrame(np.ones((3, 2))).astype(dtype)) == expected


def test_lists_are_computed_in_float64():
    assert float_dtype([[1.0, 2.0]]) == "float64"


def test_sparse_rows_have_a_precision_too():
    assert float_dtype(sparse.csr_matrix(np.ones((3, 2), np.float32))) == "float32"


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (("float16", "float32"), "float32"),
        (("float32", "float64"), "float64"),
        (("float32", "int8"), "float64"),
    ],
)
def test_one_wide_column_widens_a_frame(dtypes, expected):
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    assert float_dtype(frame.astype(dict(zip("ab", dtypes, strict=True)))) == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dense_bytes_and_half_floats_are_kept_and_sparse_ones_are_not(dtype):
    dtype = np.dtype(dtype)
    assert accepted_dtypes(np.ones((3, 2)), dtype) == [dtype, np.uint8, np.float16]
    assert accepted_dtypes(sparse.csr_matrix(np.ones((3, 2))), dtype) == [dtype]


# --- Weights ----------------------------------------------------------------------------------

Y = np.array([0, 0, 0, 1, 1, 2])
X = np.arange(12.0).reshape(6, 2)
ENCODER = ClassificationTargets(Y)


def weights(sample_weight, class_weight):
    w = None
    if sample_weight is not None:
        w = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    targets = ENCODER.encode(Y)
    class_weights = None
    if class_weight is not None:
        class_weights = ClassWeights(class_weight, ENCODER, targets, w)
    return row_weights(w, class_weights, targets)


def test_no_weights_are_none():
    assert weights(None, None) is None


@pytest.mark.parametrize(
    ("sample_weight", "class_weight", "expected"),
    [
        ([1, 2, 3, 4, 5, 6], None, [1, 2, 3, 4, 5, 6]),
        (2, None, [2, 2, 2, 2, 2, 2]),
        (None, {0: 1, 1: 10, 2: 100}, [1, 1, 1, 10, 10, 100]),
        ([1, 2, 3, 4, 5, 6], {0: 1, 1: 10, 2: 0}, [1, 2, 3, 40, 50, 0]),
        (None, "balanced", [2 / 3, 2 / 3, 2 / 3, 1, 1, 2]),
        # 4 of class 0, 4 of class 1, 1 of class 2: 9 in all, so 3 for each class
        ([4, 0, 0, 2, 2, 1], "balanced", [3, 0, 0, 1.5, 1.5, 3]),
    ],
)
def test_weights_of_rows_are_sample_weight_times_class_weight(
    sample_weight, class_weight, expected
):
    w = weights(sample_weight, class_weight)
    assert w.dtype == np.float64
    np.testing.assert_allclose(w, expected)


@pytest.mark.parametrize(
    ("sample_weight", "class_weight", "message"),
    [
        (None, {0: -1, 1: 2, 2: 2}, "finite, in sum too, and at least 0.*from -1 to 2"),
        (None, {0: np.inf, 1: 1, 2: 1}, "finite, in sum too, and at least 0.*to inf"),
        ([0] * 6, None, "zero"),
        ([1, 1, 1, 0, 0, 0], {0: 0, 1: 1, 2: 1}, "zero for all rows.*above 0 for at least one"),
        ([-1] + [1] * 5, None, "(?i)negative"),
        ([np.nan] + [1] * 5, None, "NaN"),
        ([1] * 5, None, r"\(5,\), expected \(6,\)"),
    ],
)
def test_weights_that_mean_nothing_are_refused(sample_weight, class_weight, message):
    with pytest.raises(ValueError, match=message):
        weights(sample_weight, class_weight)


# --- The split --------------------------------------------------------------------------------


def rows_of(y, weights=None, index=None):
    """Return rows whose only feature is their number, and the encoder of y."""
    encoder = ClassificationTargets(y)
    return Dataset(
        np.arange(float(len(y)))[:, np.newaxis], encoder.encode(y), weights, index
    ), encoder


def split(y, fraction, seed=0, **kwargs):
    rows, encoder = rows_of(y, **kwargs)
    train, val = split_rows(rows, encoder, fraction, np.random.RandomState(seed))
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
    rows, encoder = rows_of(np.arange(40) % 3)
    train, _ = split_rows(rows, encoder, 0.25, np.random.RandomState(0))
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
