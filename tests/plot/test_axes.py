import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from display_models import X, Y, fitted
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier

from skmlp import (
    ImportancesDisplay,
    MistakesDisplay,
    NumpyMLPClassifier,
    PredictionIntervalDisplay,
    TrainingCurveDisplay,
    WeightsDisplay,
)

plt = pytest.importorskip("matplotlib.pyplot")


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
        (
            "PredictionIntervalDisplay.from_estimator",
            lambda m: PredictionIntervalDisplay.from_estimator(m, X, Y),
        ),
        (
            "PredictionIntervalDisplay.from_predictions",
            lambda _: PredictionIntervalDisplay.from_predictions([1], [0], [2]),
        ),
        (
            "PredictionIntervalDisplay.plot",
            lambda _: PredictionIntervalDisplay(Y, lower=Y, upper=Y).plot(),
        ),
        (
            "ImportancesDisplay.from_estimator",
            lambda m: ImportancesDisplay.from_estimator(m, X, Y),
        ),
        (
            "ImportancesDisplay.from_importances",
            lambda _: ImportancesDisplay.from_importances([[1]]),
        ),
        (
            "ImportancesDisplay.plot",
            lambda _: ImportancesDisplay(np.ones((1, 1)), names=np.array(["a"])).plot(),
        ),
    ],
)
def test_without_matplotlib_the_error_is_that_of_scikit_learn(name, draw, plain, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=f"^{name} requires matplotlib. You can install") as error:
        draw(plain)
    assert "pip install" in str(error.value)


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
    match = (
        f"{type(model).__name__} has no loss_curve_. Give a fitted NumpyMLPClassifier or "
        "NumpyMLPRegressor, or a Pipeline or a search"
    )
    with pytest.raises(ValueError, match=match):
        TrainingCurveDisplay.from_estimator(fitted(model))


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
    "importances": lambda _: ImportancesDisplay.from_importances(X[:2].T, n_columns=8),
    "intervals": lambda _: PredictionIntervalDisplay.from_predictions(Y, Y - 2, Y + 1, Y),
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
