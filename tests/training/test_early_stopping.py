"""The stopping rule: tolerances, patience, ties."""

import math

import numpy as np
import pytest
from networks import X, X_train, X_val, small, y, y_train, y_val

from skmlp._training.early_stopping import ReplayedPlateaus, StoppingRule
from skmlp._training.history import History

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CURVES = {
    "loss": "loss_curve",
    "validation_loss": "validation_loss_curve",
    "validation_score": "validation_scores",
}


def follow(rule, table):
    """Update the rule with the values; assert (is it the best so far, is patience exhausted)."""
    history = History(loss_curve=[1.0])
    for value, best, exhausted in table:
        getattr(history, CURVES[rule.monitors]).append(value)
        assert (rule.update(history), rule.exhausted) == (best, exhausted), value


def test_patience_with_the_loss_worked_by_hand():
    rule = StoppingRule(tol=0.25, patience=2)
    table = [
        # loss      lowest?  exhausted?
        (8.0, True, False),  # anything undercuts infinity
        (7.875, True, False),  # lowest, but by less than tol: 1 epoch without a fall
        (7.625, True, False),  # undercuts 7.875 by just tol: counts, 0 epochs
        (7.625, False, False),  # 1 epoch
        (9.0, False, False),  # 2 epochs
        (7.5, True, True),  # 3 epochs are more than the patience
        (7.25, True, False),  # undercuts 7.5 by tol: 0 epochs
    ]
    follow(rule, table)
    assert rule.best == 7.25


@pytest.mark.parametrize("ties_to_latest", [False, True])
def test_patience_with_the_score_worked_by_hand(ties_to_latest):
    rule = StoppingRule("validation_score", tol=0.125, patience=1, ties_to_latest=ties_to_latest)
    table = [
        # score     best?    exhausted?
        (0.5, True, False),
        (0.5625, True, False),  # highest, but by less than tol: 1 epoch without a rise
        (0.6875, True, False),  # 0.5625 + tol: 0 epochs
        (0.25, False, False),  # 1 epoch
        (0.6875, ties_to_latest, True),  # as high as the highest is no progress: 2 epochs
    ]
    follow(rule, table)
    assert rule.best == -0.6875


def test_patience_with_the_validation_loss_goes_by_that_and_not_by_the_training_loss():
    rule = StoppingRule("validation_loss", tol=0.25, patience=0)
    follow(rule, [(2.0, True, False), (1.75, True, False), (1.75, False, True)])
    assert rule.best == 1.75


@pytest.mark.parametrize(
    ("best", "margin"), [(8.0, 0.5), (2.0, 0.25), (-8.0, 0.5)], ids=["rtol", "tol", "negative"]
)
def test_the_larger_one_of_both_tolerances_holds(best, margin):
    # a sixteenth of 8 is 0.5, that of 2 is less than tol
    for fall, counts in [(margin, True), (0.875 * margin, False)]:
        rule = StoppingRule(tol=0.25, rtol=0.0625, patience=0)
        follow(rule, [(best, True, False), (best - fall, True, not counts)])


def test_without_tolerances_an_equal_value_still_counts_as_in_mlpclassifier():
    follow(StoppingRule(tol=0.0, patience=0), [(1.0, True, False), (1.0, False, False)])


def test_infinite_patience_is_never_exhausted():
    follow(StoppingRule(patience=math.inf), [(1.0, i == 0, False) for i in range(100)])


@pytest.mark.parametrize("monitors", CURVES)
def test_a_rule_knows_whether_it_needs_validation_rows(monitors):
    assert StoppingRule(monitors).monitors_validation == (monitors != "loss")


def test_known_plateaus_come_after_just_the_epochs_given():
    rule, history = ReplayedPlateaus([2, 5]), History()
    assert not rule.monitors_validation
    exhausted = []
    for loss in (1.0, 2.0, 0.5, 0.1, 0.0, 3.0):
        history.loss_curve.append(loss)
        rule.update(history)
        exhausted.append(rule.exhausted)
    assert exhausted == [False, True, False, False, True, False]


# --- The rule in a fit ------------------------------------------------------------------------


@pytest.mark.parametrize("rtol", [0.0, 0.05])
def test_rtol_is_a_share_of_the_best_value_so_far(rtol):
    model = small(max_iter=500, n_iter_no_change=2, tol=1e-9, rtol=rtol, learning_rate_init=0.01)
    model.fit(X, y)
    best, waited, ended = np.inf, 0, None
    for epoch, loss in enumerate(model.loss_curve_, 1):
        margin = max(1e-9, rtol * best) if np.isfinite(best) else 0
        waited = 0 if loss <= best - margin else waited + 1
        best, ended = min(best, loss), epoch if waited > 2 and ended is None else ended
    assert (ended or 500) == model.n_iter_
    assert (model.n_iter_ < 50) == (rtol > 0)


def test_early_stopping_waits_n_iter_no_change_epochs():
    model = small(early_stopping=True, max_iter=300, n_iter_no_change=5, tol=0.01)
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    best, waited = -np.inf, 0
    for score in model.validation_scores_:
        assert waited <= 5
        waited = 0 if score >= best + 0.01 else waited + 1
        best = max(best, score)
    assert waited == 6
