import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris

from skmlp import NumpyMLPClassifier
from skmlp._engine.network import Network
from skmlp._ensemble.members import fit_members

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
W = 0.5 + np.arange(150) % 3
FOLDS = [np.arange(0, 150, 5), np.arange(1, 150, 5)]
NONE = np.arange(0)
NETWORK = NumpyMLPClassifier(
    (5,), learning_rate_init=0.02, batch_size=20, max_iter=4, early_stopping=True, scoring="loss"
)


def assert_same(member, other):
    assert all(map(np.array_equal, member.coefs_, other.coefs_))
    assert all(map(np.array_equal, member.intercepts_, other.intercepts_))


@pytest.mark.parametrize("w", [None, W], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_member_is_the_clone_trained_without_its_fold_and_stopped_by_it(w, n_jobs):
    members = fit_members(NETWORK, X, y, w, FOLDS, [7, 8], n_jobs)
    assert len(members) == 2
    for member, fold, seed in zip(members, FOLDS, [7, 8], strict=True):
        rest = np.setdiff1d(np.arange(150), fold)
        alone = clone(NETWORK).set_params(random_state=seed)
        weights = None if w is None else w[rest]
        alone.fit(X[rest], y[rest], sample_weight=weights, X_val=X[fold], y_val=y[fold])
        assert member.random_state == seed
        assert_same(member, alone)


def test_member_without_a_fold_trains_on_all_rows_without_early_stopping():
    (member,) = fit_members(NETWORK, X, y, None, [NONE], [3], None)
    assert member.early_stopping is False
    assert_same(member, clone(NETWORK).set_params(early_stopping=False, random_state=3).fit(X, y))


def test_rows_of_weight_zero_are_not_used():
    w = np.ones(150)
    w[10:30] = 0
    fold = np.arange(30, 60)
    (member,) = fit_members(NETWORK, X, y, w, [fold], [0], None)
    (expected,) = fit_members(
        NETWORK, np.delete(X, np.s_[10:30], axis=0), np.delete(y, np.s_[10:30]), None,
        [fold - 20], [0], None,
    )  # fmt: skip
    assert_same(member, expected)


def test_sparse_rows_are_divided_like_dense_ones():
    dense, csr = (
        fit_members(NETWORK, rows, y, None, FOLDS[:1], [0], None)[0]
        for rows in (X, sparse.csr_array(X))
    )
    for W_dense, W_csr in zip(dense.coefs_, csr.coefs_, strict=True):
        np.testing.assert_allclose(W_csr, W_dense, rtol=1e-9)


def test_the_network_itself_is_not_fitted():
    network = clone(NETWORK)
    before = network.get_params()
    fit_members(network, X, y, None, FOLDS[:1], [0], None)
    assert not hasattr(network, "coefs_")
    assert network.get_params() == before


def test_parameters_of_the_network_are_validated():
    with pytest.raises(ValueError, match="max_iter"):
        fit_members(clone(NETWORK).set_params(max_iter=0), X, y, None, FOLDS, [0, 1], None)


def test_each_fold_needs_a_seed():
    with pytest.raises(ValueError, match="shorter"):
        fit_members(NETWORK, X, y, None, FOLDS, [0], None)


def test_an_interrupt_of_one_member_ends_all(monkeypatch):
    calls, loss_gradient = [], Network.loss_gradient

    def interruptible(*args):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return loss_gradient(*args)

    monkeypatch.setattr(Network, "loss_gradient", interruptible)
    with pytest.warns(UserWarning, match="interrupted"), pytest.raises(KeyboardInterrupt):
        fit_members(NETWORK, X, y, None, FOLDS, [0, 1], None)
    assert len(calls) == 8


def test_held_out_rows_of_a_member_do_not_train_it():
    fold = FOLDS[0]
    changed = y.copy()
    changed[fold] = 2 - changed[fold]
    last_epoch = clone(NETWORK).set_params(max_iter=1)
    member, other = (
        fit_members(last_epoch, X, labels, None, [fold], [0], None)[0] for labels in (y, changed)
    )
    assert_array_equal(member.loss_curve_, other.loss_curve_)
    assert member.validation_loss_curve_ != other.validation_loss_curve_


def test_members_train_on_the_rows_they_are_given():
    train = [np.arange(40, 120), np.arange(150)[::2]]
    members = fit_members(NETWORK, X, y, None, FOLDS, [7, 8], None, None, train)
    for member, rows, fold, seed in zip(members, train, FOLDS, [7, 8], strict=True):
        alone = clone(NETWORK).set_params(random_state=seed)
        assert_same(member, alone.fit(X[rows], y[rows], X_val=X[fold], y_val=y[fold]))


def test_a_network_without_early_stopping_is_not_stopped_by_its_fold():
    network = clone(NETWORK).set_params(early_stopping=False, scoring=None)
    (member,) = fit_members(network, X, y, None, FOLDS[:1], [3], None)
    rest = np.setdiff1d(np.arange(150), FOLDS[0])
    assert_same(member, clone(network).set_params(random_state=3).fit(X[rest], y[rest]))
    assert member.validation_scores_ is None


def test_weights_can_count_in_early_stopping():
    (member,) = fit_members(NETWORK, X, y, W, FOLDS[:1], [7], None, weighs_stopping=True)
    fold, rest = FOLDS[0], np.setdiff1d(np.arange(150), FOLDS[0])
    alone = clone(NETWORK).set_params(random_state=7)
    alone.fit(X[rest], y[rest], W[rest], X_val=X[fold], y_val=y[fold], sample_weight_val=W[fold])
    assert_same(member, alone)
    assert member.validation_loss_curve_ == alone.validation_loss_curve_
