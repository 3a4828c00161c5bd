import numpy as np
import pytest
from display_models import fitted, titles
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Perceptron
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from skmlp import NumpyMLPClassifier, NumpyMLPRegressor, WeightsDisplay

pytest.importorskip("matplotlib.pyplot")


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


def test_weights_of_a_regressor():
    model = fitted(NumpyMLPRegressor(hidden_layer_sizes=(4,), max_iter=1))
    assert WeightsDisplay.from_estimator(model).images.shape == (4, 8, 8)
