import inspect
import re

import pytest
from display_models import X, Y, fitted

from skmlp import MistakesDisplay, WeightsDisplay

plt = pytest.importorskip("matplotlib.pyplot")


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


def test_features_that_make_no_square_ask_for_a_shape():
    model = fitted(X=X[:, :40])
    with pytest.raises(ValueError, match=r"The 40 features make no square image; give image_shape"):
        WeightsDisplay.from_estimator(model)
    assert WeightsDisplay.from_estimator(model, image_shape=(5, 8)).images.shape == (6, 5, 8)


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


def test_images_can_be_drawn_again(plain):
    display = WeightsDisplay.from_estimator(plain)
    before = display.figure_
    assert display.plot(n_cols=1) is display
    assert display.figure_ is not before
    assert display.ax_.shape == (6, 1)
    assert len(display.im_) == 6


@pytest.mark.parametrize("display", [MistakesDisplay, WeightsDisplay])
def test_docstring_of_plot_names_every_parameter(display):
    doc = inspect.getdoc(display.plot)
    assert doc.split("\n")[0].endswith(".")
    assert re.findall(r"^(\w+) : ", doc, re.MULTILINE) == [
        *[name for name in inspect.signature(display.plot).parameters if name != "self"],
        "self",  # what is returned
    ]
