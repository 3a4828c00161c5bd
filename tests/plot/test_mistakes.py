import numpy as np
import pandas as pd
import pytest
from display_models import X, Y, fitted, titles
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmlp import MistakesDisplay, NumpyMLPClassifier, NumpyMLPRegressor

pytest.importorskip("matplotlib.pyplot")


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


def test_a_regressor_is_refused_with_the_displays_for_it():
    model = fitted(NumpyMLPRegressor(hidden_layer_sizes=(2,), max_iter=1), X, Y)
    match = "NumpyMLPRegressor has no predict_proba.*PredictionErrorDisplay of scikit-learn, or Pre"
    with pytest.raises(ValueError, match=match):
        MistakesDisplay.from_estimator(model, X, Y)
