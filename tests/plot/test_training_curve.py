from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from display_models import X, Y

from skmlp import NumpyMLPClassifier, TrainingCurveDisplay

matplotlib = pytest.importorskip("matplotlib")
plt = pytest.importorskip("matplotlib.pyplot")


def labels(legend):
    return [text.get_text() for text in legend.get_texts()]


def legend_of(display):
    (legend,) = display.figure_.legends
    return labels(legend)


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


def test_without_a_validation_set_there_is_the_training_loss_alone(plain):
    display = TrainingCurveDisplay.from_estimator(plain)
    (ax,) = display.ax_
    assert ax.get_ylabel() == "Training loss"
    assert list(display.lines_[None]) == ["loss"]
    assert not display.best_
    assert not display.figure_.legends
    assert ax.get_legend() is None


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


def test_single_epoch_is_a_visible_point():
    model = NumpyMLPClassifier((6,), random_state=0).partial_fit(X, Y, classes=range(10))
    line = TrainingCurveDisplay.from_estimator(model).lines_[None]["loss"]
    assert line.get_marker() == "."


def test_line_kw_reach_all_lines_under_any_name(stopped):
    line_kw = {"lw": 3, "ls": ":"}
    display = TrainingCurveDisplay.from_estimator({"one": stopped}, line_kw=line_kw)
    for line in display.lines_["one"].values():
        assert (line.get_linewidth(), line.get_linestyle()) == (3, ":")


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


def colors_of_models(n):
    names = [f"model {i}" for i in range(n)]
    display = TrainingCurveDisplay({name: {"loss": [1.0, 0.5]} for name in names}).plot()
    return [display.lines_[name]["loss"].get_color() for name in names]


def smallest_distance_for_deuteranopes(colors):
    """Return the smallest distance in CIELAB of two colours as seen without green cones."""
    # G. M. Machado et al., 2009: simulation of complete deuteranopia, for linear RGB
    deuteranopia = [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    rgb = np.array([matplotlib.colors.to_rgb(color) for color in colors])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = (linear @ np.transpose(deuteranopia)).clip(0, 1) @ np.transpose(to_xyz)
    f = np.cbrt(xyz / np.sum(to_xyz, axis=1))  # colours are bright enough for the cube root
    lab = np.column_stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])]
    )
    return min(np.linalg.norm(one - other) for one, other in combinations(lab, 2))


def test_colours_of_several_models_differ_for_people_who_do_not_see_green():
    assert smallest_distance_for_deuteranopes(colors_of_models(6)) > 10
    tab10 = [f"C{i}" for i in range(6)]
    assert smallest_distance_for_deuteranopes(tab10) < 10


def test_colours_that_users_have_chosen_are_kept():
    with plt.rc_context({"axes.prop_cycle": plt.cycler(color=["red", "green"])}):
        assert colors_of_models(2) == ["red", "green"]
