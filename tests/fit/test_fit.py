"""A fit as a whole: all or nothing, interrupts, and fits that go on."""

import math
import pickle

import pytest
from networks import SOLVERS, X, assert_identical_model, small, y
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning

from skmlp._engine.network import Network
from skmlp._fit.fit import all_or_nothing
from skmlp._training.early_stopping import StoppingRule
from skmlp._training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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


# --- Interrupts -------------------------------------------------------------------------------


def test_lbfgs_with_batch_norm_survives_an_interrupt_in_its_last_pass_over_the_rows(monkeypatch):
    n_calls, loss_gradient = [], Network.loss_gradient

    def counted(*args, interrupt=math.inf):
        n_calls.append(1)
        if len(n_calls) == interrupt:
            raise KeyboardInterrupt
        return loss_gradient(*args)

    model = small(solver="lbfgs", batch_norm=True, max_iter=5)
    monkeypatch.setattr(Network, "loss_gradient", counted)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    last = len(n_calls)
    n_calls.clear()
    monkeypatch.setattr(Network, "loss_gradient", lambda *args: counted(*args, interrupt=last))
    with pytest.warns(UserWarning, match="interrupted"):
        interrupted = clone(model).fit(X, y)
    assert len(n_calls) == last
    assert interrupted.loss_curve_ == model.loss_curve_


def test_an_interrupt_while_it_is_asked_whether_the_model_has_learnt_loses_nothing(monkeypatch):
    asked = []

    def interrupted(*args):
        asked.append(1)
        raise KeyboardInterrupt

    expected = small(max_iter=300, tol=0.1).fit(X, y)
    monkeypatch.setattr("skmlp._fit.fit.barely_beats_baseline", interrupted)
    model = small(max_iter=300, tol=0.1).fit(X, y)
    assert asked
    assert model.loss_curve_ == expected.loss_curve_


def test_an_interrupt_as_the_refit_begins_leaves_the_search(monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("skmlp._persistence.checkpoint.Checkpoint.record_search", interrupted)
    with pytest.warns(UserWarning, match="interrupted after 4 complete epochs"):
        model = small(early_stopping=True, refit=True, max_iter=4).fit(X, y)
    assert model.n_iter_ == 4


def test_after_an_interrupt_the_stopping_rule_goes_by_the_epochs_that_are_left(monkeypatch):
    update, n_calls = StoppingRule.update, []

    def interrupted(self, history):
        best = update(self, history)
        n_calls.append(1)
        if len(n_calls) == 4:
            raise KeyboardInterrupt
        return best

    monkeypatch.setattr(StoppingRule, "update", interrupted)
    model = small(warm_start=True, early_stopping=True, scoring="loss", max_iter=9)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y)
    assert model.n_iter_ == 3
    assert model._state.rule.best == min(model.validation_loss_curve_)
    assert model.t_ == 3 * (len(y) - round(len(y) / 10))


# --- Fits that go on --------------------------------------------------------------------------


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_partial_fit_is_one_epoch_a_call(solver):
    model = small(solver=solver)
    for call in range(1, 4):
        model.partial_fit(X, y, classes=[0, 1, 2])
        assert model.n_iter_ == 1
        assert len(model.loss_curve_) == call
        assert model.loss_ == model.loss_curve_[-1]
        assert model.t_ == 90 * call
    assert model.best_loss_ == min(model.loss_curve_)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_partial_fits_without_shuffling_are_one_fit(solver, early_stopping):
    whole = small(solver=solver, shuffle=False, max_iter=4, batch_size=16).fit(X, y)
    model = small(solver=solver, shuffle=False, batch_size=16, early_stopping=early_stopping)
    for _ in range(4):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert_identical_model(model, whole)
    assert model.loss_curve_ == whole.loss_curve_
    assert model.validation_scores_ is None


def test_partial_fit_goes_on_after_fit():
    model = small(shuffle=False).fit(X, y)
    before = model.loss_curve_.copy()
    model.partial_fit(X, y)
    assert model.loss_curve_[:-1] == before
    assert model.loss_curve_[-1] < before[-1]


@pytest.mark.parametrize("solver", SOLVERS)
def test_warm_start_goes_on_where_training_ended(solver):
    model = small(solver=solver, warm_start=True).fit(X, y)
    curve, t = model.loss_curve_, model.t_
    model.fit(X, y)
    assert model.loss_curve_[: len(curve)] == curve
    assert len(model.loss_curve_) == len(curve) + model.n_iter_
    assert model.loss_curve_[-1] < curve[-1]
    assert model.t_ == t + (90 * model.n_iter_ if solver in OPTIMIZERS else 0)


@pytest.mark.parametrize("solver", SOLVERS)
def test_without_warm_start_each_fit_starts_anew(solver):
    model = small(solver=solver).fit(X, y)
    again = pickle.loads(pickle.dumps(model)).fit(X, y)
    assert_identical_model(again, model)
    assert again.loss_curve_ == model.loss_curve_
    other = make_blobs(40, n_features=7, centers=5, random_state=0)
    assert_identical_model(model.fit(*other), small(solver=solver).fit(*other))
