import numpy as np
import pytest
from display_models import X, Y, fitted
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.neural_network import MLPRegressor

from skmlp import NumpyMLPClassifier, NumpyMLPRegressor, TrainingCurveDisplay

pytest.importorskip("matplotlib.pyplot")


def test_best_epoch_is_counted_over_the_curves_of_all_calls():
    model = NumpyMLPClassifier((6,), random_state=0, early_stopping=True, warm_start=True)
    model = fitted(model.set_params(max_iter=4))
    model = fitted(model.set_params(max_iter=3))
    (mark, _) = TrainingCurveDisplay.from_estimator(model).best_
    assert len(model.loss_curve_) == 7
    assert mark.get_xdata() == [4 + model.best_epoch_]


def test_validation_that_came_later_is_drawn_at_its_own_epochs():
    model = fitted(warm_start=True, max_iter=4)
    model = fitted(model.set_params(early_stopping=True, max_iter=3))
    display = TrainingCurveDisplay.from_estimator(model)
    drawn = display.lines_[None]["validation_score"].get_ydata()
    np.testing.assert_array_equal(drawn[:4], [np.nan] * 4)
    np.testing.assert_array_equal(drawn, model.validation_scores_)
    assert np.isfinite(drawn[4:]).all()
    assert [mark.get_xdata()[0] for mark in display.best_] == [4 + model.best_epoch_] * 2


def test_model_that_went_back_to_before_its_first_epoch_has_no_mark(stopped):
    assert not TrainingCurveDisplay.from_estimator(with_best_epoch(stopped, 0)).best_


def with_best_epoch(model, epoch):
    changed = NumpyMLPClassifier()
    vars(changed).update(vars(model), best_epoch_=epoch)
    return changed


def test_without_early_stopping_no_epoch_is_the_best():
    model = NumpyMLPClassifier((6,), max_iter=3, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
    display = TrainingCurveDisplay.from_estimator(model)
    assert list(display.lines_[None]) == ["loss", "validation_loss", "validation_score"]
    assert not display.best_


def test_model_of_scikit_learn_is_drawn_too(sklearns):
    display = TrainingCurveDisplay.from_estimator(sklearns)
    lines = display.lines_[None]
    assert list(lines) == ["loss", "validation_score"]
    np.testing.assert_array_equal(lines["loss"].get_ydata(), sklearns.loss_curve_)
    np.testing.assert_array_equal(
        lines["validation_score"].get_ydata(), sklearns.validation_scores_
    )
    _, mark = display.best_
    assert mark.get_ydata() == [sklearns.best_validation_score_]
    assert [ax.get_ylabel() for ax in display.ax_] == ["Training loss", "Validation accuracy"]


@pytest.mark.parametrize(
    ("scoring", "label"),
    [
        (None, "accuracy"),
        ("loss", "accuracy"),
        ("balanced_accuracy", "balanced_accuracy"),
        (make_scorer(accuracy_score), "score"),
    ],
)
def test_score_is_named_by_scoring(scoring, label):
    model = fitted(early_stopping=True, max_iter=2, scoring=scoring)
    _, ax = TrainingCurveDisplay.from_estimator(model).ax_
    assert ax.get_ylabel() == f"Validation {label}"


def test_different_scores_are_scores(stopped):
    other = fitted(early_stopping=True, max_iter=2, scoring="balanced_accuracy")
    models = {"one": stopped, "two": other}
    assert TrainingCurveDisplay.from_estimator(models).ax_[1].get_ylabel() == "Validation score"
    named = TrainingCurveDisplay.from_estimator(models, score_name="share")
    assert named.ax_[1].get_ylabel() == "Validation share"


@pytest.mark.parametrize(
    ("model", "label"),
    [
        (MLPRegressor(hidden_layer_sizes=(6,)), "$R^2$"),
        (NumpyMLPRegressor(hidden_layer_sizes=(6,)), "$R^2$"),
        (NumpyMLPRegressor("poisson", (6,)), "$R^2$"),
        (NumpyMLPRegressor("gamma", (6,)), "$D^2$"),
        (NumpyMLPRegressor("huber", (6,), scoring="loss"), "$D^2$"),
        (NumpyMLPRegressor("quantile", (6,), quantile=(0.1, 0.9)), "$D^2$"),
        (
            NumpyMLPRegressor("huber", (6,), scoring="neg_mean_absolute_error"),
            "neg_mean_absolute_error",
        ),
    ],
)
def test_score_of_a_regressor_is_named_by_its_loss_and_scoring(model, label):
    model = fitted(model.set_params(max_iter=2, early_stopping=True, random_state=0), X, Y + 1.0)
    assert TrainingCurveDisplay.from_estimator(model).ax_[1].get_ylabel() == f"Validation {label}"


def test_regressors_with_the_same_score_have_its_name():
    models = {
        loss: fitted(
            NumpyMLPRegressor(loss, (6,), early_stopping=True, max_iter=2, random_state=0), X, Y
        )
        for loss in ("huber", "absolute_error", "squared_error")
    }
    assert TrainingCurveDisplay.from_estimator(models).ax_[1].get_ylabel() == "Validation score"
    del models["squared_error"]
    assert TrainingCurveDisplay.from_estimator(models).ax_[1].get_ylabel() == "Validation $D^2$"


def test_lbfgs_has_iterations():
    model = fitted(solver="lbfgs")
    assert TrainingCurveDisplay.from_estimator(model).ax_[0].get_xlabel() == "Iteration"
