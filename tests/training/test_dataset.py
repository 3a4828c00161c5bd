from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from skmlp._engine.sparse_rows import SparseRows
from skmlp._training.dataset import Dataset, minibatches

dense_and_sparse = pytest.mark.parametrize("container", [np.asarray, csr_matrix])
with_and_without_weights = pytest.mark.parametrize("weighted", [False, True])


def some_rows(weighted=False, container=np.asarray):
    rng = np.random.RandomState(0)
    X, y, w = rng.normal(size=(10, 3)), rng.randint(3, size=10), rng.rand(10)
    return Dataset(container(X), y, w / w.mean() if weighted else None)


def dense(X):
    return X if isinstance(X, np.ndarray) else X.toarray()


def test_rows_without_index_are_all_rows():
    rows = some_rows(weighted=True)
    assert len(rows) == 10
    assert rows.gather() is rows
    assert rows.weights() is rows.w


@dense_and_sparse
@with_and_without_weights
def test_rows_with_index_are_those_in_that_order(weighted, container):
    rows = some_rows(weighted=weighted, container=container)
    index = np.array([7, 2, 2, 9])
    chosen = Dataset(rows.X, rows.y, rows.w, index)
    assert len(chosen) == 4
    taken = chosen.gather()
    assert taken.index is None
    np.testing.assert_array_equal(dense(taken.X), dense(rows.X)[[7, 2, 2, 9]])
    np.testing.assert_array_equal(taken.y, rows.y[[7, 2, 2, 9]])
    if weighted:
        np.testing.assert_array_equal(taken.w, rows.w[[7, 2, 2, 9]])
        np.testing.assert_array_equal(chosen.weights(), taken.w)
    else:
        assert taken.w is None
        assert chosen.weights() is None


def test_mean_weight_is_that_of_the_rows_meant():
    X, y, w = np.ones((3, 1)), np.zeros(3), np.array([1.0, 2.0, 6.0])
    assert Dataset(X, y).mean_weight() == 1
    assert Dataset(X, y, w).mean_weight() == 3
    assert Dataset(X, y, w, np.array([1, 2])).mean_weight() == 4


def test_normalised_divides_the_weights_in_the_precision_asked_for():
    rows = Dataset(np.ones((2, 1), "float32"), np.zeros(2), np.array([1.0, 4.0]), np.array([1]))
    normalised = rows.normalised(4.0, np.dtype("float32"))
    np.testing.assert_array_equal(normalised.w, [0.25, 1])
    assert normalised.w.dtype == "float32"
    np.testing.assert_array_equal(rows.w, [1, 4])
    assert normalised.X is rows.X
    assert normalised.index is rows.index


@pytest.mark.parametrize("n_rows", [1, 3, 5, 9])
@pytest.mark.parametrize("index", [None, np.array([9, 7, 5, 3, 1, 0])], ids=["all", "some"])
def test_a_sample_is_spread_over_the_rows_meant(index, n_rows):
    rows = some_rows(weighted=True)
    rows = Dataset(rows.X, rows.y, rows.w, index)
    sample, meant = rows.subsample(n_rows), np.arange(10) if index is None else index
    if len(meant) <= n_rows:
        assert sample is rows
        return
    assert n_rows / 2 <= len(sample) <= n_rows
    assert sample.X is rows.X
    # every k-th of them, from the first on
    gaps = np.diff(np.flatnonzero(np.isin(meant, sample.index)))
    assert sample.index[0] == meant[0]
    assert len(set(gaps)) <= 1


@pytest.mark.parametrize("order", [None, np.array([4, 0, 3, 1, 2])])
@pytest.mark.parametrize("narrow", ["uint8", "float16"])
def test_narrow_rows_are_converted_batch_by_batch(narrow, order):
    X = np.arange(10).reshape(5, 2).astype(narrow)
    batches = [
        batch.copy()
        for batch, _, _ in minibatches(Dataset(X, np.arange(5)), 2, order, np.dtype("float32"))
    ]
    assert [batch.dtype for batch in batches] == ["float32"] * 3
    np.testing.assert_array_equal(np.vstack(batches), X if order is None else X[order])


def test_normalised_without_weights_is_the_same():
    rows = some_rows()
    assert rows.normalised(1.0, np.dtype("float32")) is rows


@dense_and_sparse
@with_and_without_weights
@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 5, 10, 12])
def test_minibatches_are_all_rows_once_in_the_given_order(
    batch_size, shuffled, weighted, container
):
    rows = some_rows(weighted=weighted, container=container)
    order = np.random.RandomState(0).permutation(10) if shuffled else None
    # the buffer is overwritten by the next batch, so each one is copied
    batches = [(dense(X).copy(), y, w) for X, y, w in minibatches(rows, batch_size, order)]
    full, rest = divmod(10, batch_size)
    assert [len(X) for X, _, _ in batches] == [batch_size] * full + [rest] * (rest > 0)
    expected = np.arange(10) if order is None else order
    X, y, w = zip(*batches, strict=True)
    np.testing.assert_array_equal(np.concatenate(X), dense(rows.X)[expected])
    np.testing.assert_array_equal(np.concatenate(y), rows.y[expected])
    if weighted:
        np.testing.assert_array_equal(np.concatenate(w), rows.w[expected])
    else:
        assert w == (None,) * len(batches)


def test_minibatches_of_an_index_leave_the_other_rows_out():
    rows = some_rows()
    index = np.array([8, 1, 5])
    chosen = Dataset(rows.X, rows.y, None, index)
    y = [y for _, y, _ in minibatches(chosen, 2, index)]
    np.testing.assert_array_equal(np.concatenate(y), rows.y[index])


@pytest.mark.parametrize("order", [None, np.array([8, 1, 5, 2, 0, 9, 7, 3, 4, 6])])
@pytest.mark.parametrize("batch_size", [1, 4, 10])
def test_batches_in_sparse_rows_are_those_rows(batch_size, order):
    rows = replace(some_rows(container=csr_matrix), in_sparse_rows=True)
    found = []
    for X, _, _ in minibatches(rows, batch_size, order, np.dtype("float32")):
        assert isinstance(X, SparseRows)
        found.append(X.dot(np.eye(3, dtype="float32"), np.empty(X.shape, "float32")))
    expected = rows.X.toarray()[slice(None) if order is None else order]
    np.testing.assert_array_equal(np.concatenate(found), expected.astype("float32"), strict=True)


def test_unshuffled_dense_batches_are_views():
    rows = some_rows(weighted=True)
    for X, y, w in minibatches(rows, 4, None):
        assert np.shares_memory(X, rows.X)
        assert np.shares_memory(y, rows.y)
        assert np.shares_memory(w, rows.w)


def test_shuffled_dense_batches_share_one_buffer():
    rows = some_rows()
    before = rows.X.copy()
    batches = [X for X, _, _ in minibatches(rows, 4, np.arange(10)[::-1])]
    assert [len(X) for X in batches] == [4, 4, 2]
    assert len({X.__array_interface__["data"][0] for X in batches}) == 1
    assert not np.shares_memory(batches[0], rows.X)
    np.testing.assert_array_equal(rows.X, before)


@pytest.mark.parametrize("order", [None, np.arange(10)[::-1]], ids=["unshuffled", "shuffled"])
def test_sparse_batches_stay_csr_in_their_dtype(order):
    rows = some_rows(container=lambda X: csr_matrix(X.astype("float32")))
    for X, _, _ in minibatches(rows, 4, order):
        assert X.format == "csr"
        assert X.dtype == "float32"
