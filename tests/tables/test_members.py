import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from sklearn.datasets import load_iris

from skmlp import NumpyMLPClassifier
from skmlp._ensemble.splits import Split
from skmlp._tables.evidence import Evidence
from skmlp._tables.members import Plan, Rows, Targets, fit_members
from skmlp._tables.target_codes import codes_of_classes

X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)).astype(np.float32)
NETWORK = NumpyMLPClassifier(
    (4,), max_iter=5, learning_rate_init=0.05, early_stopping=True, scoring="loss"
)
TREES = {"max_iter": 5}
ROWS = Rows(X, X, Evidence(np.empty((150, 0), np.int32), []))
TARGETS = Targets(y, y, codes_of_classes(y, 3, None), None)
SPLITS = [Split(np.arange(i, 150, 2), np.arange(1 - i, 150, 2)) for i in range(2)]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def members(trees=TREES, n_jobs=None):
    plan = Plan(NETWORK, trees, None)
    return fit_members(plan, ROWS, TARGETS, SPLITS, np.array([3, 4]), n_jobs, None)


def test_a_member_predicts_by_both_models():
    for member in members():
        log_proba = member.log_proba(ROWS)
        assert log_proba.shape == (2, 150, 3)
        assert_allclose(logsumexp(log_proba, axis=2), 0, atol=1e-5)


def test_without_trees_a_member_predicts_by_its_network():
    assert members(None)[0].log_proba(ROWS).shape == (1, 150, 3)


def test_a_few_rows_and_a_loaded_member_are_predicted_alike():
    for member in members():
        expected = member.log_proba(ROWS)
        few = ROWS.take(np.arange(3))
        assert_allclose(member.log_proba(few), expected[:, :3], rtol=1e-5)
        loaded = pickle.loads(pickle.dumps(member))
        assert_array_equal(loaded.log_proba(few), member.log_proba(few))


def test_a_saved_member_does_not_repeat_its_trees():
    member = members({"max_iter": 40})[0]
    alone = len(pickle.dumps(member.trees_)) + len(pickle.dumps(member.network_))
    assert len(pickle.dumps(member)) < 1.2 * alone


def test_jobs_do_not_change_the_members():
    for one, other in zip(members(), members(n_jobs=2), strict=True):
        assert_array_equal(one.log_proba(ROWS), other.log_proba(ROWS))


def test_a_member_is_stopped_by_the_rows_that_it_holds_out():
    first = members()[0]
    changed = TARGETS._replace(numbers=np.where(np.arange(150) % 2, 2 - y, y), labels=2 - y)
    plan = Plan(NETWORK, TREES, None)
    trees = fit_members(plan, ROWS, changed, SPLITS, np.array([3, 4]), None, None)[0].trees_
    assert trees.n_iter_ < first.trees_.n_iter_
