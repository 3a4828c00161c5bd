from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import Bunch

from skmlp import ImportancesDisplay, TabularClassifier, TabularRegressor

plt = pytest.importorskip("matplotlib.pyplot")

RNG = np.random.RandomState(0)
TABLE = pd.DataFrame({"noise": RNG.normal(size=120), "size": RNG.normal(size=120)})
LABELS = np.where(TABLE["size"] > 0, "yes", "no")
VALUES = np.array([[0.1, 0.3], [-0.2, 0.0], [0.5, 0.9]])
SETTINGS = {"n_members": 2, "random_state": 0}
SMALL = {"hidden_layer_sizes": (8,), "max_iter": 10, "learning_rate_init": 0.02}


def ticks(display):
    return [text.get_text() for text in display.ax_.get_yticklabels()]


@pytest.fixture(scope="module")
def classifier():
    return TabularClassifier(SMALL, trees=False, **SETTINGS).fit(TABLE, LABELS)


def test_bars_are_means_and_their_lines_standard_deviations():
    display = ImportancesDisplay.from_importances(VALUES, ["a", "b", "c"], label="Loss")
    assert ticks(display) == ["c", "a", "b"]
    assert_array_equal(display.columns_, [2, 0, 1])
    assert_allclose([bar.get_width() for bar in display.bars_], [0.7, 0.2, -0.1])
    lines = display.bars_.errorbar.lines[2][0].get_segments()
    assert_allclose([line[:, 0] for line in lines], [[0.5, 0.9], [0.1, 0.3], [-0.2, 0]], atol=1e-12)
    assert display.ax_.get_xlabel() == "Loss"
    top, bottom = (display.bars_[i].get_window_extent().y0 for i in (0, 2))
    assert top > bottom


def test_the_result_of_permutation_importance_is_taken_as_it_is():
    display = ImportancesDisplay.from_importances(Bunch(importances=VALUES))
    assert_array_equal(display.importances, VALUES)
    assert ticks(display) == ["column 2", "column 0", "column 1"]


def test_only_the_most_important_columns_are_drawn():
    display = ImportancesDisplay.from_importances(VALUES, n_columns=2)
    assert_array_equal(display.columns_, [2, 0])
    assert len(display.plot(n_columns=None).bars_) == 3
    assert len(display.importances) == 3


def test_many_columns_get_a_higher_figure():
    display = ImportancesDisplay.from_importances(np.ones((60, 2)), n_columns=None)
    display.figure_.draw_without_rendering()
    boxes = [text.get_window_extent() for text in display.ax_.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 for upper, lower in pairwise(boxes))


def test_importances_of_an_estimator_are_those_of_its_held_out_rows(classifier):
    display = ImportancesDisplay.from_estimator(
        classifier, TABLE, LABELS, n_repeats=3, random_state=1
    )
    expected = classifier.held_out_importances(TABLE, LABELS, n_repeats=3, random_state=1)
    assert_array_equal(display.importances, expected.importances)
    assert ticks(display) == ["size", "noise"]
    assert display.ax_.get_xlabel() == "Rise of the log loss on held-out rows"


def test_importances_of_a_regressor_are_falls_of_its_score():
    model = TabularRegressor(SMALL, **SETTINGS).fit(TABLE.to_numpy(), TABLE["size"])
    display = ImportancesDisplay.from_estimator(model, TABLE.to_numpy(), TABLE["size"])
    assert ticks(display)[0] == "column 1"
    assert display.ax_.get_xlabel() == "Fall of the score on held-out rows"


def test_pipelines_and_searches_transform_the_table():
    pipeline = make_pipeline(
        FunctionTransformer(lambda X: X[["size"]]),
        TabularClassifier(SMALL, trees=False, **SETTINGS),
    )
    search = GridSearchCV(pipeline, {"tabularclassifier__n_members": [2]}, cv=2)
    display = ImportancesDisplay.from_estimator(search.fit(TABLE, LABELS), TABLE, LABELS)
    assert ticks(display) == ["size"]


def test_a_model_without_importances_is_refused_with_the_remedy():
    model = LinearRegression().fit(TABLE, TABLE["size"])
    with pytest.raises(ValueError, match="LinearRegression has no held_out_importances"):
        ImportancesDisplay.from_estimator(model, TABLE, LABELS)


def test_the_model_must_be_fitted():
    with pytest.raises(NotFittedError):
        ImportancesDisplay.from_estimator(TabularClassifier(), TABLE, LABELS)


@pytest.mark.parametrize(
    ("importances", "changed", "match"),
    [
        (VALUES, {"names": ["a"]}, r"names has shape \(1,\), but there are importances of 3"),
        (VALUES, {"n_columns": 0}, "n_columns=0 must be at least 1"),
        (VALUES[0], {}, "Expected 2D array"),
        (VALUES * np.nan, {}, "Input importances contains NaN"),
    ],
)
def test_impossible_importances_are_refused(importances, changed, match):
    with pytest.raises(ValueError, match=match):
        ImportancesDisplay.from_importances(importances, **changed)


def test_axes_and_styles_of_the_user():
    figure, ax = plt.subplots()
    display = ImportancesDisplay.from_importances(VALUES, ax=ax, bar_kw={"color": "green"})
    assert (display.ax_, display.figure_) == (ax, figure)
    assert display.bars_[0].get_facecolor() == mpl.colors.to_rgba("green")
