import subprocess
import sys
import warnings
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier

from skmlp import MistakesDisplay, NumpyMLPClassifier, TrainingCurveDisplay, WeightsDisplay

plt = pytest.importorskip("matplotlib.pyplot")

X, Y = load_digits(return_X_y=True)
X, Y = X[:200] / 16, Y[:200]


@pytest.fixture(autouse=True)
def figures():
    """Draw without a screen, at the size at which all must be readable."""
    plt.switch_backend("agg")
    with plt.rc_context({"figure.figsize": (6, 4)}):
        yield
    plt.close("all")


def fitted(estimator=None, X=X, y=Y, **settings):
    if estimator is None:
        defaults = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
        estimator = NumpyMLPClassifier(**defaults | settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


@pytest.fixture(scope="module")
def plain():
    return fitted()


@pytest.fixture(scope="module")
def stopped():
    """A model whose best epoch is not its last."""
    model = fitted(early_stopping=True, max_iter=40, n_iter_no_change=3, learning_rate_init=0.03)
    assert 1 < model.best_epoch_ < model.n_iter_
    return model


@pytest.fixture(scope="module")
def sklearns():
    """The same of scikit-learn."""
    settings = {"early_stopping": True, "n_iter_no_change": 3, "learning_rate_init": 0.03}
    return fitted(MLPClassifier((6,), max_iter=40, random_state=0, **settings))


def labels(legend):
    return [text.get_text() for text in legend.get_texts()]


def legend_of(display):
    (legend,) = display.figure_.legends
    return labels(legend)


def titles(display):
    return [ax.get_title() for ax in display.ax_.flat if ax.get_title()]


# --- learning curves


def test_lines_are_the_curves_over_the_epochs(stopped):
    lines = TrainingCurveDisplay.from_estimator(stopped).lines_[None]
    assert list(lines) == ["loss", "validation_loss", "validation_score"]
    curves = stopped.loss_curve_, stopped.validation_loss_curve_, stopped.validation_scores_
    for line, curve in zip(lines.values(), curves, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, stopped.n_iter_ + 1))
        np.testing.assert_array_equal(line.get_ydata(), curve)


def test_panels_have_labels_one_legend_and_the_epochs_in_common(stopped):
    display = TrainingCurveDisplay.from_estimator(stopped)
    loss, score = display.ax_
    assert [ax.get_ylabel() for ax in display.ax_] == ["Loss", "Validation accuracy"]
    assert [ax.get_xlabel() for ax in display.ax_] == ["Epoch", "Epoch"]
    assert legend_of(display) == ["Training", "Validation", f"Best epoch: {stopped.best_epoch_}"]
    assert loss.get_shared_x_axes().joined(loss, score)
    assert loss.figure is score.figure is display.figure_
    lines = display.lines_[None]
    training, *validation = [lines[key].get_color() for key in lines]
    assert validation == [validation[0]] * 2
    assert training != validation[0]
    assert all(tick == round(tick) for tick in loss.get_xticks())


def test_best_epoch_is_marked_on_the_validation_lines(stopped):
    display = TrainingCurveDisplay.from_estimator(stopped)
    best = stopped.best_epoch_
    marked = [(*mark.get_xdata(), *mark.get_ydata()) for mark in display.best_]
    curves = stopped.validation_loss_curve_, stopped.validation_scores_
    assert marked == [(best, curve[best - 1]) for curve in curves]
    assert [mark.axes for mark in display.best_] == list(display.ax_)


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


def test_without_a_validation_set_there_is_the_training_loss_alone(plain):
    display = TrainingCurveDisplay.from_estimator(plain)
    (ax,) = display.ax_
    assert ax.get_ylabel() == "Training loss"
    assert list(display.lines_[None]) == ["loss"]
    assert not display.best_
    assert not display.figure_.legends
    assert ax.get_legend() is None


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


def test_several_models_have_a_colour_each_and_dashed_training(stopped, sklearns, plain):
    models = {"one": stopped, "two": sklearns, "three": plain}
    display = TrainingCurveDisplay.from_estimator(models)
    lines = display.lines_
    assert list(lines) == list(models)
    colors = {name: {line.get_color() for line in lines[name].values()} for name in models}
    assert all(len(own) == 1 for own in colors.values())
    assert len(set().union(*colors.values())) == 3
    for name, model in models.items():
        np.testing.assert_array_equal(lines[name]["loss"].get_ydata(), model.loss_curve_)
        assert lines[name]["loss"].get_linestyle() == "--"
    assert lines["one"]["validation_loss"].get_linestyle() == "-"
    assert lines["one"]["validation_score"].get_linestyle() == "-"
    assert legend_of(display) == [*models, "Training", "Validation", "Best epoch"]
    assert [ax.get_ylabel() for ax in display.ax_] == ["Loss", "Validation accuracy"]


def test_training_is_solid_where_nothing_is_validated(plain):
    display = TrainingCurveDisplay.from_estimator({"one": plain, "two": plain})
    assert {line["loss"].get_linestyle() for line in display.lines_.values()} == {"-"}
    assert legend_of(display) == ["one", "two"]
    assert display.ax_[0].get_ylabel() == "Training loss"


def test_model_is_added_to_the_picture_of_another(stopped, plain):
    first = TrainingCurveDisplay.from_estimator({"one": stopped})
    second = TrainingCurveDisplay.from_estimator({"two": plain}, ax=first.ax_)
    assert list(second.ax_) == list(first.ax_)
    loss, _ = first.ax_
    assert first.lines_["one"]["loss"] in loss.lines
    assert second.lines_["two"]["loss"] in loss.lines
    assert first.lines_["one"]["loss"].get_color() != second.lines_["two"]["loss"].get_color()
    assert legend_of(first) == ["one", "two", "Training", "Validation", "Best epoch"]
    assert loss.get_ylabel() == "Loss"


def test_given_axes_are_drawn_on_with_a_legend_in_each(stopped):
    figure, axes = plt.subplots(2, 1)
    display = TrainingCurveDisplay.from_estimator(stopped, ax=axes)
    assert list(display.ax_) == list(axes)
    assert display.figure_ is figure
    best = f"Best epoch: {stopped.best_epoch_}"
    assert labels(axes[0].get_legend()) == ["Training", "Validation", best]
    assert labels(axes[1].get_legend()) == ["Validation", best]
    assert not figure.legends


def test_one_given_axes_is_shared_by_the_panels(stopped):
    figure, ax = plt.subplots()
    place = ax.get_position()
    display = TrainingCurveDisplay.from_estimator(stopped, ax=ax)
    assert len(display.ax_) == 2
    assert display.figure_ is figure
    assert not ax.axison
    for panel in display.ax_:
        assert place.x0 <= panel.get_position().x0 < panel.get_position().x1 <= place.x1


def test_one_given_axes_is_the_only_panel(plain):
    _, ax = plt.subplots()
    display = TrainingCurveDisplay.from_estimator(plain, ax=ax)
    assert list(display.ax_) == [ax]
    assert ax.axison


def test_axes_without_a_place_in_a_grid_are_refused(stopped):
    ax = plt.figure().add_axes([0.1, 0.1, 0.8, 0.8])
    with pytest.raises(ValueError, match=r"give an array of 2 Axes"):
        TrainingCurveDisplay.from_estimator(stopped, ax=ax)


def test_wrong_number_of_axes_is_refused(stopped):
    _, axes = plt.subplots(1, 3)
    with pytest.raises(ValueError, match=r"ax has 3 Axes, but loss and score need 2.*kind='loss'"):
        TrainingCurveDisplay.from_estimator(stopped, ax=axes)


@pytest.mark.parametrize(("kind", "label"), [("loss", "Loss"), ("score", "Validation accuracy")])
def test_kind_chooses_the_panel(stopped, kind, label):
    _, ax = plt.subplots()
    display = TrainingCurveDisplay.from_estimator(stopped, kind=kind, ax=ax)
    assert [ax.get_ylabel() for ax in display.ax_] == [label]
    assert all(key.endswith(kind) for key in display.lines_[None])


def test_score_that_was_not_recorded_is_refused_with_the_remedy(plain):
    with pytest.raises(ValueError, match=r"no score to draw.*early_stopping=True, or with X_val"):
        TrainingCurveDisplay.from_estimator(plain, kind="score")


def test_unknown_kind_is_refused(plain):
    with pytest.raises(ValueError, match="kind='accuracy' is none of"):
        TrainingCurveDisplay.from_estimator(plain, kind="accuracy")


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


def test_regressor_has_no_accuracy():
    model = fitted(
        MLPRegressor(hidden_layer_sizes=(6,), max_iter=2, early_stopping=True, random_state=0)
    )
    assert TrainingCurveDisplay.from_estimator(model).ax_[1].get_ylabel() == "Validation score"


def test_lbfgs_has_iterations():
    model = fitted(solver="lbfgs")
    assert TrainingCurveDisplay.from_estimator(model).ax_[0].get_xlabel() == "Iteration"


def test_single_epoch_is_a_visible_point():
    model = NumpyMLPClassifier((6,), random_state=0).partial_fit(X, Y, classes=range(10))
    line = TrainingCurveDisplay.from_estimator(model).lines_[None]["loss"]
    assert line.get_marker() == "."


def test_line_kw_reach_all_lines_under_any_name(stopped):
    line_kw = {"lw": 3, "ls": ":"}
    display = TrainingCurveDisplay.from_estimator({"one": stopped}, line_kw=line_kw)
    for line in display.lines_["one"].values():
        assert (line.get_linewidth(), line.get_linestyle()) == (3, ":")


def test_network_in_a_pipeline_or_found_by_a_search_is_drawn(stopped):
    pipeline = fitted(make_pipeline(MinMaxScaler(), NumpyMLPClassifier((6,), max_iter=3)))
    search = fitted(GridSearchCV(pipeline, {"numpymlpclassifier__max_iter": [2]}, cv=2))
    networks = pipeline[-1], search.best_estimator_[-1]
    for model, network in zip((pipeline, search), networks, strict=True):
        line = TrainingCurveDisplay.from_estimator(model).lines_[None]["loss"]
        np.testing.assert_array_equal(line.get_ydata(), network.loss_curve_)


@pytest.mark.parametrize(
    "model",
    [
        NumpyMLPClassifier(),
        make_pipeline(MinMaxScaler(), NumpyMLPClassifier()),
        GridSearchCV(NumpyMLPClassifier(), {}),
        {"one": NumpyMLPClassifier()},
    ],
    ids=["network", "pipeline", "search", "dict"],
)
def test_model_must_be_fitted(model):
    with pytest.raises(NotFittedError):
        TrainingCurveDisplay.from_estimator(model)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(),
        BaggingClassifier(NumpyMLPClassifier((2,), max_iter=1), n_estimators=1),
        GridSearchCV(NumpyMLPClassifier((2,), max_iter=1), {}, cv=2, refit=False),
        MLPClassifier((2,), solver="lbfgs", max_iter=1),
    ],
    ids=["no network", "ensemble", "no refit", "lbfgs of scikit-learn"],
)
def test_model_without_curves_is_refused_with_the_remedy(model):
    match = f"{type(model).__name__} has no loss_curve_. Give a fitted NumpyMLPClassifier, or a "
    with pytest.raises(ValueError, match=match):
        TrainingCurveDisplay.from_estimator(fitted(model))


def test_empty_dict_is_refused():
    with pytest.raises(ValueError, match="dict of models is empty"):
        TrainingCurveDisplay.from_estimator({})


CURVES = {
    "loss": [3.0, 2.0, 1.0],
    "validation_loss": [3.5, 2.5, 2.75],
    "score": [0.5, 0.7, 0.9],
    "validation_score": [0.4, 0.6, 0.5],
}


def test_curves_from_elsewhere_are_drawn():
    display = TrainingCurveDisplay.from_curves(**CURVES, best_epoch=2, score_name="ROC AUC")
    assert {key: list(line.get_ydata()) for key, line in display.lines_[None].items()} == CURVES
    assert [ax.get_ylabel() for ax in display.ax_] == ["Loss", "ROC AUC"]
    assert [mark.get_ydata()[0] for mark in display.best_] == [2.5, 0.6]
    assert legend_of(display) == ["Training", "Validation", "Best epoch: 2"]


def test_curves_with_a_name_are_added_to_those_before():
    first = TrainingCurveDisplay.from_curves(loss=[2, 1], name="one")
    TrainingCurveDisplay.from_curves(loss=pd.Series([3, 2]), name="two", ax=first.ax_)
    assert legend_of(first) == ["one", "two"]
    assert [list(line.get_ydata()) for line in first.ax_[0].lines] == [[2, 1], [3, 2]]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({}, "no curve to draw; give at least one of loss, validation_loss, score"),
        ({"loss": [[1, 2]]}, r"loss has shape \(1, 2\); a curve is one number for each epoch"),
        ({"score": []}, r"score has shape \(0,\)"),
        ({"loss": [1, 2], "best_epoch": 3}, "best_epoch=3 is none of the epochs 1 to 2"),
        ({"loss": [1, 2], "best_epoch": 0}, "best_epoch=0 is none of the epochs 1 to 2"),
    ],
)
def test_impossible_curves_are_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        TrainingCurveDisplay.from_curves(**arguments)


def test_display_can_be_drawn_again(stopped):
    display = TrainingCurveDisplay.from_estimator(stopped)
    before = display.figure_
    assert display.plot(kind="loss") is display
    assert display.figure_ is not before
    assert list(display.lines_[None]) == ["loss", "validation_loss"]


# --- weights


@pytest.fixture(scope="module")
def wide():
    return fitted(hidden_layer_sizes=(30,), max_iter=1)


def test_images_are_the_units_weights_the_longest_first(plain):
    display = WeightsDisplay.from_estimator(plain)
    W = plain.coefs_[0]
    norms = np.sqrt((W**2).sum(axis=0))
    assert list(norms[display.units]) == sorted(norms, reverse=True)
    for unit, image, drawn in zip(display.units, display.images, display.im_, strict=True):
        np.testing.assert_array_equal(image, W[:, unit].reshape(8, 8))
        np.testing.assert_array_equal(drawn.get_array(), image)
    assert titles(display) == [f"unit {unit}" for unit in display.units]


def test_units_can_stay_in_their_order(plain):
    display = WeightsDisplay.from_estimator(plain, order="index", n_units=4)
    assert list(display.units) == [0, 1, 2, 3]
    np.testing.assert_array_equal(display.images[3].ravel(), plain.coefs_[0][:, 3])


def test_all_units_have_one_symmetric_scale_without_interpolation(plain):
    display = WeightsDisplay.from_estimator(plain, n_units=2)
    largest = np.abs(plain.coefs_[0][:, display.units]).max()
    for image in display.im_:
        assert image.get_clim() == (-largest, largest)
        assert image.get_interpolation() == "nearest"
    assert display.colorbar_.ax.get_ylabel() == "Weight"


def test_weights_that_are_all_zero_are_drawn():
    zero = WeightsDisplay(np.zeros((1, 2, 2)), units=np.arange(1)).plot()
    assert zero.im_[0].get_clim() == (-1, 1)


def test_number_of_units_and_columns_can_be_chosen(plain):
    display = WeightsDisplay.from_estimator(plain, n_units=5, n_cols=3)
    assert display.ax_.shape == (2, 3)
    assert [ax.axison for ax in display.ax_.flat] == [True] * 5 + [False]
    assert len(WeightsDisplay.from_estimator(plain, n_units=None).images) == 6
    assert len(WeightsDisplay.from_estimator(plain, n_units=100).images) == 6


def test_colour_bar_leaves_less_room_for_columns(wide):
    beside, alone = (
        WeightsDisplay.from_estimator(wide, n_units=20, colorbar=colorbar)
        for colorbar in (True, False)
    )
    assert beside.ax_.shape[1] < alone.ax_.shape[1]


def test_shape_colours_and_colour_bar_can_be_chosen(plain):
    display = WeightsDisplay.from_estimator(
        plain, image_shape=(4, 16), colorbar=False, im_kw={"cmap": "PuOr", "vmax": 3}
    )
    assert display.images.shape == (6, 4, 16)
    assert display.colorbar_ is None
    assert display.im_[0].get_cmap().name == "PuOr"
    assert display.im_[0].get_clim()[1] == 3


@pytest.mark.parametrize("model", [MLPClassifier((4,), max_iter=1), make_pipeline(Perceptron())])
def test_weights_of_other_models(model):
    model = fitted(model)
    if isinstance(model, MLPClassifier):
        assert WeightsDisplay.from_estimator(model).images.shape == (4, 8, 8)
    else:
        with pytest.raises(ValueError, match=r"Perceptron has no coefs_\. Give a fitted"):
            WeightsDisplay.from_estimator(model)


def test_weights_need_a_fitted_model():
    with pytest.raises(NotFittedError):
        WeightsDisplay.from_estimator(NumpyMLPClassifier())


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"image_shape": (8, 9)}, r"image_shape=\(8, 9\) does not fit 64 features"),
        ({"image_shape": (64,)}, r"image_shape=\(64,\) does not fit"),
        ({"image_shape": (4, 4, 4)}, "image_shape has two numbers"),
        ({"n_units": 0}, "n_units=0 must be at least 1, or None for all"),
        ({"n_cols": 0}, "n_cols=0 must be at least 1"),
        ({"order": "size"}, "order='size' is neither 'norm' nor 'index'"),
    ],
)
def test_impossible_images_of_weights_are_refused(plain, arguments, match):
    with pytest.raises(ValueError, match=match):
        WeightsDisplay.from_estimator(plain, **arguments)


def test_features_that_make_no_square_ask_for_a_shape():
    model = fitted(X=X[:, :40])
    with pytest.raises(ValueError, match=r"The 40 features make no square image; give image_shape"):
        WeightsDisplay.from_estimator(model)
    assert WeightsDisplay.from_estimator(model, image_shape=(5, 8)).images.shape == (6, 5, 8)


# --- mistakes


@pytest.fixture(scope="module")
def judged():
    """A poor model's probabilities of all images."""
    return fitted(max_iter=10).predict_proba(X)


def by_hand(proba, y, classes):
    """Return (probability, true label, predicted label, row) of all mistakes."""
    found = []
    for row, (p, label) in enumerate(zip(proba, y, strict=True)):
        guess = classes[int(np.argmax(p))]
        if guess != label:
            found.append((max(p), label, guess, row))
    return sorted(found, key=lambda mistake: -mistake[0])


def test_mistakes_are_shown_the_most_confident_first(judged):
    display = MistakesDisplay.from_predictions(X, Y, judged, n_images=7)
    expected = by_hand(judged, Y, range(10))[:7]
    shown = zip(display.proba, display.y_true, display.y_pred, display.rows, strict=True)
    assert list(shown) == expected
    for image, drawn, row in zip(display.images, display.im_, display.rows, strict=True):
        np.testing.assert_array_equal(image, X[row].reshape(8, 8))
        np.testing.assert_array_equal(drawn.get_array(), image)
        assert drawn.get_interpolation() == "nearest"
    assert titles(display) == [f"true: {t}\npredicted: {g} ({p:.3f})" for p, t, g, _ in expected]
    assert len({drawn.get_clim() for drawn in display.im_}) == 1


def test_mistakes_of_an_estimator_are_those_of_its_probabilities():
    names = np.array([f"digit {y}" for y in Y])
    model = fitted(make_pipeline(MinMaxScaler(), NumpyMLPClassifier((6,), max_iter=10)), y=names)
    display = MistakesDisplay.from_estimator(model, X, names, n_images=3, im_kw={"cmap": "gray_r"})
    expected = by_hand(model.predict_proba(X), names, model.classes_)[:3]
    assert list(display.rows) == [mistake[-1] for mistake in expected]
    assert titles(display)[0].startswith("true: digit ")
    assert display.im_[0].get_cmap().name == "gray_r"


def test_none_shows_all_mistakes(judged):
    display = MistakesDisplay.from_predictions(
        X[:60], Y[:60], judged[:60], range(10), n_images=None
    )
    assert len(display.images) == len(by_hand(judged[:60], Y[:60], range(10)))


@pytest.mark.parametrize("kind", [csr_matrix, pd.DataFrame, lambda X: X.reshape(-1, 8, 8)])
def test_images_come_in_any_container(judged, kind):
    display = MistakesDisplay.from_predictions(kind(X), pd.Series(Y), judged, n_images=2)
    np.testing.assert_array_equal(display.images[1], X[display.rows[1]].reshape(8, 8))


def test_images_can_have_colours():
    pixels = np.random.RandomState(0).uniform(size=(3, 2 * 5 * 3))
    display = MistakesDisplay.from_predictions(
        pixels, [1, 0, 1], [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]], image_shape=(2, 5, 3)
    )
    assert list(display.rows) == [0, 2]
    np.testing.assert_array_equal(display.im_[1].get_array(), pixels[2].reshape(2, 5, 3))


def test_model_without_mistakes_is_said_to_have_none():
    display = MistakesDisplay.from_predictions(X, Y, np.eye(10)[Y])
    assert len(display.images) == 0
    assert [text.get_text() for text in display.ax_.flat[0].texts] == ["No mistakes"]


def test_given_axes_are_filled_and_the_rest_is_empty(judged):
    figure, axes = plt.subplots(2, 2)
    display = MistakesDisplay.from_predictions(X, Y, judged, n_images=3, ax=axes)
    assert display.figure_ is figure
    assert [ax.axison for ax in axes.flat] == [True, True, True, False]
    assert [image.axes for image in display.im_] == list(axes.flat[:3])


def test_one_given_axes_is_shared_by_the_images(judged):
    _, (left, right) = plt.subplots(1, 2)
    display = MistakesDisplay.from_predictions(X, Y, judged, n_images=4, ax=right)
    assert left.axison
    assert not right.axison
    assert all(ax.get_position().x0 >= right.get_position().x0 for ax in display.ax_.flat)


def test_too_few_axes_are_refused(judged):
    _, axes = plt.subplots(1, 2)
    with pytest.raises(ValueError, match="ax has 2 Axes, but there are 3 images"):
        MistakesDisplay.from_predictions(X, Y, judged, n_images=3, ax=axes)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"X": X[:, :40]}, r"The 40 features make no square image; give image_shape="),
        ({"X": X[:, 0]}, r"X has shape \(200,\); give a row, or an image, for each label"),
        ({"X": X[1:]}, "inconsistent numbers of samples"),
        ({"y_true": np.eye(10)[Y]}, r"y has shape \(200, 10\); mistakes need one label per row"),
        ({"y_true": Y.astype(str), "classes": range(10)}, "Mix of label input types"),
        ({"classes": range(9)}, r"proba has shape \(200, 10\), but there are 9 labels"),
        ({"proba": np.ones(200)}, r"proba has shape \(200,\), but there are 10 labels"),
        ({"n_images": 0}, "n_images=0 must be at least 1"),
        ({"image_shape": (7, 9)}, r"image_shape=\(7, 9\) does not fit 64 features"),
    ],
)
def test_impossible_mistakes_are_refused(judged, changed, match):
    arguments = {"X": X, "y_true": Y, "proba": judged}
    with pytest.raises(ValueError, match=match):
        MistakesDisplay.from_predictions(**arguments | changed)


def test_mistakes_need_a_fitted_model_with_probabilities():
    with pytest.raises(NotFittedError):
        MistakesDisplay.from_estimator(LogisticRegression(), X, Y)
    with pytest.raises(ValueError, match="Perceptron has no predict_proba"):
        MistakesDisplay.from_estimator(fitted(Perceptron()), X, Y)


# --- all of them


def test_importing_the_displays_does_not_import_matplotlib():
    names = "skmlp.WeightsDisplay, skmlp.TrainingCurveDisplay"
    code = f"import sys, skmlp; {names}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("TrainingCurveDisplay.from_estimator", lambda m: TrainingCurveDisplay.from_estimator(m)),
        ("TrainingCurveDisplay.from_curves", lambda _: TrainingCurveDisplay.from_curves(loss=[1])),
        ("TrainingCurveDisplay.plot", lambda _: TrainingCurveDisplay({None: {"loss": [1]}}).plot()),
        ("WeightsDisplay.from_estimator", lambda m: WeightsDisplay.from_estimator(m)),
        ("WeightsDisplay.plot", lambda _: WeightsDisplay(np.ones((1, 2, 2)), units=[0]).plot()),
        ("MistakesDisplay.from_estimator", lambda m: MistakesDisplay.from_estimator(m, X, Y)),
        (
            "MistakesDisplay.from_predictions",
            lambda m: MistakesDisplay.from_predictions(X, Y, m.predict_proba(X)),
        ),
    ],
)
def test_without_matplotlib_the_error_is_that_of_scikit_learn(name, draw, plain, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=f"^{name} requires matplotlib. You can install") as error:
        draw(plain)
    assert "pip install" in str(error.value)


LONG_NAMES = np.array([f"ankle boot {digit}" for digit in range(10)])

PICTURES = {
    "one model": lambda f: TrainingCurveDisplay.from_estimator(f("stopped")),
    "loss alone": lambda f: TrainingCurveDisplay.from_estimator(f("plain")),
    "several models": lambda f: TrainingCurveDisplay.from_estimator(
        {
            "hidden_layer_sizes=(100,)": f("stopped"),
            "MLPClassifier of scikit-learn": f("sklearns"),
            "dropout=0.3": f("plain"),
        }
    ),
    "weights": lambda f: WeightsDisplay.from_estimator(f("wide")),
    "all weights": lambda f: WeightsDisplay.from_estimator(f("wide"), n_units=None),
    "flat weights": lambda f: WeightsDisplay.from_estimator(f("wide"), image_shape=(4, 16)),
    "mistakes": lambda f: MistakesDisplay.from_predictions(X, Y, f("judged")),
    "many mistakes": lambda f: MistakesDisplay.from_predictions(X, Y, f("judged"), n_images=40),
    "long names": lambda f: MistakesDisplay.from_predictions(
        X, LONG_NAMES[Y], f("judged"), LONG_NAMES
    ),
}


@pytest.mark.parametrize("picture", PICTURES)
def test_nothing_overlaps_or_is_cut_off_at_6_by_4_inches(picture, request):
    figure = PICTURES[picture](request.getfixturevalue).figure_
    figure.draw_without_rendering()
    parts = [ax for ax in figure.axes if ax.axison] + figure.legends
    boxes = [part.get_tightbbox() for part in parts]
    for one, other in combinations(boxes, 2):
        overlap = np.minimum(one.max, other.max) - np.maximum(one.min, other.min)
        assert overlap.min() < 1, f"{one} overlaps {other}"
    for box in boxes:
        assert (box.min >= -1).all()
        assert (box.max <= figure.bbox.max + 1).all()
