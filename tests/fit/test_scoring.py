"""The score that early stopping goes by."""

import pickle
import warnings

import numpy as np
import pytest
from networks import (
    FRAME,
    SOLVERS,
    TARGETS,
    X,
    X_train,
    X_val,
    assert_identical_model,
    small,
    y,
    y_train,
    y_val,
)
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer, log_loss

from skmlp import NumpyMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WORDS = np.array(["no", "yes", "perhaps"])[y]
STOPPING = {"early_stopping": True, "n_iter_no_change": 3, "max_iter": 60, "batch_size": 10}


def stopped(*rows, weights=None, **params):
    """Return a model stopped early by validation on the last rows; on noisy ones, so that it is."""
    inputs, labels = rows or (X, y)
    model = small(**STOPPING | {"learning_rate_init": 0.05} | params)
    val = slice(60, 90)
    noisy = np.random.RandomState(0).permutation(labels[val])
    return model.fit(inputs[:60], labels[:60], weights, X_val=inputs[val], y_val=noisy), noisy


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("kind", "data"), TARGETS.items(), ids=TARGETS)
def test_validation_curves_are_log_loss_and_accuracy_of_the_model_after_each_epoch(
    kind, data, solver
):
    inputs, labels = data
    held_out = inputs[:30], labels[:30]
    curves = small(solver=solver, alpha=1.0).fit(
        inputs[30:], labels[30:], X_val=held_out[0], y_val=held_out[1]
    )
    for n_epochs in range(1, 4):
        model = small(solver=solver, alpha=1.0, max_iter=n_epochs).fit(inputs[30:], labels[30:])
        proba = model.predict_proba(held_out[0])
        if kind == "multilabel":
            expected = sum(log_loss(held_out[1][:, k], proba[:, k]) for k in range(3))
        else:
            expected = log_loss(held_out[1], proba)
        assert curves.validation_loss_curve_[n_epochs - 1] == pytest.approx(expected, rel=1e-9)
        assert curves.validation_scores_[n_epochs - 1] == pytest.approx(model.score(*held_out))


def test_scoring_by_the_loss_keeps_the_epoch_of_the_lowest_validation_loss():
    model, _ = stopped(scoring="loss")
    assert model.best_epoch_ == 1 + np.argmin(model.validation_loss_curve_) < model.n_iter_
    assert model.n_iter_ < 60
    plain = {"batch_size": 10, "learning_rate_init": 0.05, "max_iter": model.best_epoch_}
    assert_identical_model(model, small(**plain).fit(X[:60], y[:60]))
    # beside the loss, accuracy is recorded
    assert set(model.validation_scores_) <= {k / 30 for k in range(31)}
    assert model.best_loss_ is None


def test_scoring_by_the_loss_or_by_its_scorer_is_the_same():
    by_loss, _ = stopped(scoring="loss")
    by_name, _ = stopped(scoring="neg_log_loss")
    assert_identical_model(by_name, by_loss)
    assert by_name.best_epoch_ == by_loss.best_epoch_
    np.testing.assert_allclose(
        by_name.validation_scores_, -np.array(by_name.validation_loss_curve_)
    )
    assert by_name.best_validation_score_ == max(by_name.validation_scores_)


@pytest.mark.parametrize("scoring", ["f1_macro", "balanced_accuracy", "roc_auc_ovr"])
def test_validation_scores_are_those_of_the_named_scorer_after_each_epoch(scoring):
    model, noisy = stopped(X, WORDS, scoring=scoring)
    assert 4 < model.n_iter_ < 60
    scorer = get_scorer(scoring)
    for n_epochs in (1, 3, model.best_epoch_):
        plain = small(batch_size=10, learning_rate_init=0.05, max_iter=n_epochs)
        expected = scorer(plain.fit(X[:60], WORDS[:60]), X[60:], noisy)
        assert model.validation_scores_[n_epochs - 1] == pytest.approx(expected, rel=1e-12)
    assert scorer(model, X[60:], noisy) == model.best_validation_score_


def test_a_callable_scorer_sees_the_model_of_each_epoch_and_the_labels_as_given():
    seen = []

    def scorer(model, X_val, y_val):
        assert isinstance(model, NumpyMLPClassifier)
        seen.append((model.predict_proba(X_val), X_val, y_val))
        return model.score(X_val, y_val)

    model, noisy = stopped(X, WORDS, scoring=scorer)
    assert len(seen) == model.n_iter_
    for _, X_seen, y_seen in seen:
        np.testing.assert_array_equal(X_seen, X[60:])
        np.testing.assert_array_equal(y_seen, noisy)
    np.testing.assert_array_equal(seen[model.best_epoch_ - 1][0], model.predict_proba(X[60:]))
    by_accuracy, _ = stopped(X, WORDS)
    assert model.validation_scores_ == by_accuracy.validation_scores_


@pytest.mark.parametrize("kind", ["binary", "multilabel", "sparse multilabel"])
def test_scorers_take_every_kind_of_labels(kind):
    inputs, labels = TARGETS[kind.split()[-1]]
    if kind == "sparse multilabel":
        labels = sparse.csr_matrix(labels)
    scoring = "f1" if kind == "binary" else "f1_samples"
    model = small(scoring=scoring, early_stopping=True).fit(inputs, labels)
    assert len(model.validation_scores_) == model.n_iter_
    assert all(0 <= score <= 1 for score in model.validation_scores_)


def test_scorers_weigh_the_validation_rows_as_accuracy_does():
    w = np.linspace(0.1, 5, 90)
    params = {
        "early_stopping": True,
        "class_weight": {0: 1, 1: 3, 2: 0.5},
        "batch_size": 10,
        "learning_rate_init": 0.02,
    }
    by_name = small(scoring="accuracy", **params).fit(X, y, w)
    by_default = small(**params).fit(X, y, w)
    np.testing.assert_allclose(by_name.validation_scores_, by_default.validation_scores_)
    # no share of nine rows
    assert {*by_name.validation_scores_} - {k / 9 for k in range(10)}


def test_a_scorer_that_takes_no_weights_is_given_none():
    w = np.linspace(0.1, 5, 90)
    model = small(scoring=lambda model, X_val, y_val: 0.5, early_stopping=True).fit(X, y, w)
    assert set(model.validation_scores_) == {0.5}


@pytest.mark.parametrize("given", [False, True], ids=["split", "given"])
@pytest.mark.parametrize("scoring", [None, "loss", "f1_macro"])
def test_frames_are_scored_without_a_warning(scoring, given):
    validation = {"X_val": FRAME[60:], "y_val": y[60:]} if given else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = small(scoring=scoring, early_stopping=True).fit(FRAME, y, **validation)
        model.predict(FRAME)
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    arrays = {"X_val": X[60:], "y_val": y[60:]} if given else {}
    expected = small(scoring=scoring, early_stopping=True).fit(X, y, **arrays)
    assert model.validation_scores_ == expected.validation_scores_


def test_of_epochs_with_equal_scores_the_later_one_is_kept_if_scoring_is_given():
    by_default, by_name = (
        small(early_stopping=True, scoring=scoring, learning_rate_init=0.02, max_iter=100).fit(
            X_train, y_train, X_val=X_val, y_val=y_val
        )
        for scoring in (None, "accuracy")
    )
    scores = np.array(by_name.validation_scores_)
    np.testing.assert_allclose(by_default.validation_scores_, scores)
    first, *_, last = 1 + np.flatnonzero(scores == scores.max())
    assert first < last
    assert (by_default.best_epoch_, by_name.best_epoch_) == (first, last)


@pytest.mark.parametrize("solver", SOLVERS)
def test_without_early_stopping_the_score_is_recorded_and_decides_nothing(solver):
    model = small(solver=solver, scoring="f1_macro").fit(X_train, y_train, X_val=X_val, y_val=y_val)
    assert_identical_model(model, small(solver=solver).fit(X_train, y_train))
    expected = get_scorer("f1_macro")(model, X_val, y_val)
    assert model.validation_scores_[-1] == pytest.approx(expected)
    assert len(model.validation_scores_) == model.n_iter_ == model.best_epoch_


def test_a_fitted_model_pickles_without_its_scorer_having_left_a_trace():
    plain, scored = (small(early_stopping=True, scoring=s).fit(X, y) for s in ("loss", "f1_macro"))
    assert vars(plain).keys() == vars(scored).keys()
    pickle.loads(pickle.dumps(scored)).predict(X)
