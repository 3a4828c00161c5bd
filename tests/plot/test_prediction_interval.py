import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from display_models import fitted
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPRegressor, PredictionIntervalDisplay

plt = pytest.importorskip("matplotlib.pyplot")

X, Y = load_diabetes(return_X_y=True)
LEVELS = 0.95, 0.5, 0.05
Y_TRUE = np.array([3.0, 1.0, 2.0, 9.0])
LOWER = np.array([2.0, 1.0, 2.5, 0.0])
UPPER = np.array([4.0, 3.0, 5.0, 8.0])
Y_PRED = np.array([3.0, 2.5, 4.0, 1.0])


class WithIntervals(RegressorMixin, BaseEstimator):
    """A regressor whose intervals have half the width that the coverage says."""

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return X[:, 0]

    def predict_interval(self, X, coverage=0.5):
        return X[:, 0] - coverage, X[:, 0] + coverage


def quantiles(levels=LEVELS):
    return NumpyMLPRegressor(
        "quantile", (6,), quantile=levels, standardize_target=True, max_iter=5, random_state=0
    )


def from_predictions(**changed):
    arguments = {"y_true": Y_TRUE, "lower": LOWER, "upper": UPPER, "y_pred": Y_PRED}
    return PredictionIntervalDisplay.from_predictions(**arguments | changed)


def bars(display):
    """Return x, lower and upper of the bars that are drawn."""
    segments = np.array(display.intervals_.get_segments())
    assert_array_equal(segments[:, 0, 0], segments[:, 1, 0])
    return segments[:, 0, 0], segments[:, 0, 1], segments[:, 1, 1]


def labels(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_rows_are_sorted_by_prediction():
    display = from_predictions()
    order = [3, 1, 0, 2]
    x, lower, upper = bars(display)
    assert_array_equal(x, range(4))
    assert_array_equal(lower, LOWER[order])
    assert_array_equal(upper, UPPER[order])
    assert_array_equal(display.line_.get_ydata(), Y_PRED[order])
    assert display.ax_.get_xlabel() == "Rows, sorted by prediction"
    assert display.ax_.get_ylabel() == "Values"


def test_true_values_are_inside_or_outside_and_an_end_is_inside():
    display = from_predictions()
    assert_array_equal(display.inside_.get_offsets(), [[1, 1], [2, 3]])
    assert_array_equal(display.outside_.get_offsets(), [[0, 9], [3, 2]])
    assert display.coverage == 0.5
    assert display.mean_width == (2 + 2 + 2.5 + 8) / 4
    expected = ["Interval", "Prediction", "Actual, inside: 50.0%", "Actual, outside: 50.0%"]
    assert labels(display) == expected


def test_predicted_values_on_the_x_axis():
    display = from_predictions(kind="actual_vs_predicted")
    x, lower, _ = bars(display)
    assert_array_equal(x, np.sort(Y_PRED))
    assert_array_equal(lower, LOWER[[3, 1, 0, 2]])
    assert_array_equal(display.line_.get_xdata(), [1, 4])
    assert_array_equal(display.line_.get_ydata(), [1, 4])
    assert display.ax_.get_xlabel() == "Predicted values"
    assert display.ax_.get_ylabel() == "Actual values"


def test_without_predictions_the_middle_of_the_interval_takes_their_place():
    display = from_predictions(y_pred=None)
    assert display.line_ is None
    assert_array_equal(bars(display)[1], LOWER[[1, 0, 2, 3]])
    drawn = from_predictions(y_pred=None, kind="actual_vs_predicted")
    assert_array_equal(bars(drawn)[0], [2, 3, 3.75, 4])
    assert drawn.ax_.get_xlabel() == "Middle of the interval"


def test_few_rows_are_drawn_evenly_and_all_are_counted():
    y = np.arange(1001.0)
    display = from_predictions(y_true=y, lower=y - 1, upper=y + (y < 500), y_pred=y, n_rows=5)
    assert_array_equal(bars(display)[0], [0, 250, 500, 750, 1000])
    assert display.coverage == 1
    everything = from_predictions(y_true=y, lower=y, upper=y, y_pred=y, n_rows=None)
    assert len(bars(everything)[0]) == 1001


def test_quantiles_in_any_order_are_an_interval_and_a_prediction():
    model = fitted(quantiles(), X, Y)
    display = PredictionIntervalDisplay.from_estimator(model, X, Y)
    predicted = model.predict(X)
    assert_array_equal(display.lower, predicted[:, 2])
    assert_array_equal(display.y_pred, predicted[:, 1])
    assert_array_equal(display.upper, predicted[:, 0])


def test_two_quantiles_have_no_prediction():
    display = PredictionIntervalDisplay.from_estimator(fitted(quantiles((0.1, 0.9)), X, Y), X, Y)
    assert display.y_pred is None


def test_levels_of_quantiles_are_their_coverage():
    with pytest.raises(ValueError, match=r"coverage=0.8 was given, but NumpyMLPRegressor predicts"):
        PredictionIntervalDisplay.from_estimator(fitted(quantiles(), X, Y), X, Y, coverage=0.8)


@pytest.mark.parametrize(("coverage", "half"), [(None, 0.9), (0.5, 0.5)])
def test_coverage_is_passed_to_predict_interval(coverage, half):
    model = WithIntervals().fit(X, Y)
    display = PredictionIntervalDisplay.from_estimator(model, X, Y, coverage=coverage)
    assert_allclose(display.lower, X[:, 0] - half)
    assert_allclose(display.upper, X[:, 0] + half)
    assert_array_equal(display.y_pred, X[:, 0])


@pytest.mark.parametrize(("coverage", "half"), [(None, 2), (0.5, 0.5)])
def test_coverage_comes_before_quantiles(coverage, half):
    class WithBoth(WithIntervals):
        def predict(self, X):
            return X[:, 0, np.newaxis] + np.array([2, -2, 0])

    model = WithBoth().fit(X, Y)
    display = PredictionIntervalDisplay.from_estimator(model, X, Y, coverage=coverage)
    assert_allclose(display.upper, X[:, 0] + half)
    assert_array_equal(display.y_pred, X[:, 0])


def test_pipelines_and_searches_transform_the_rows():
    pipeline = make_pipeline(StandardScaler(), WithIntervals())
    search = GridSearchCV(pipeline, {"standardscaler__with_mean": [True]}, cv=2).fit(X, Y)
    scaled = StandardScaler().fit_transform(X)
    for model in (pipeline.fit(X, Y), search, make_pipeline(search).fit(X, Y)):
        display = PredictionIntervalDisplay.from_estimator(model, X, Y)
        assert_allclose(display.upper, scaled[:, 0] + 0.9)
    model = fitted(make_pipeline(StandardScaler(), quantiles()), X, Y)
    display = PredictionIntervalDisplay.from_estimator(model, X, Y)
    assert_array_equal(display.lower, model.predict(X)[:, 2])


@pytest.mark.parametrize("model", [LinearRegression(), make_pipeline(LinearRegression())])
def test_model_without_intervals_is_refused_with_the_remedy(model):
    match = r"LinearRegression predicts one number for each row.*Use FoldEnsembleRegressor, or Nump"
    with pytest.raises(ValueError, match=match):
        PredictionIntervalDisplay.from_estimator(model.fit(X, Y), X, Y)


def test_model_must_be_fitted():
    with pytest.raises(NotFittedError):
        PredictionIntervalDisplay.from_estimator(quantiles(), X, Y)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"lower": UPPER, "upper": LOWER}, "In row 0 lower is above upper"),
        ({"y_true": np.ones((4, 2))}, r"y_true has shape \(4, 2\); a display shows one target"),
        ({"upper": np.full(4, np.inf)}, "Input upper contains infinity"),
        ({"y_pred": np.full(4, np.nan)}, "Input y_pred contains NaN"),
        ({"y_true": Y_TRUE[1:]}, "inconsistent numbers of samples"),
        ({"kind": "residuals"}, "kind='residuals' is neither 'sorted' nor 'actual_vs_predicted'"),
        ({"n_rows": 0}, "n_rows=0 must be at least 1"),
    ],
)
def test_impossible_intervals_are_refused(changed, match):
    with pytest.raises(ValueError, match=match):
        from_predictions(**changed)


def test_several_targets_are_refused_before_anything_is_predicted():
    model = fitted(NumpyMLPRegressor(hidden_layer_sizes=(), max_iter=2), X, np.c_[Y, Y])
    with pytest.raises(ValueError, match="y has shape"):
        PredictionIntervalDisplay.from_estimator(model, X, np.c_[Y, Y])


def test_columns_and_series_are_taken_as_they_are():
    display = from_predictions(
        y_true=pd.Series(Y_TRUE, index=[7, 5, 3, 1]), lower=LOWER.tolist(), upper=UPPER[:, None]
    )
    assert display.coverage == 0.5


def test_axes_and_styles_of_the_user():
    figure, ax = plt.subplots()
    display = from_predictions(
        ax=ax,
        interval_kw={"color": "red", "linewidth": 3},
        line_kw={"lw": 2, "ls": ":"},
        scatter_kw={"s": 40, "color": "green"},
    )
    assert (display.ax_, display.figure_) == (ax, figure)
    assert display.intervals_.get_linewidth() == 3
    assert (display.line_.get_linewidth(), display.line_.get_linestyle()) == (2, ":")
    assert display.inside_.get_sizes() == 40
    green = mpl.colors.to_rgba("green")
    assert_allclose(display.outside_.get_facecolor()[0], green)


def test_display_can_be_drawn_again():
    display = from_predictions()
    before = display.figure_
    assert display.plot(kind="actual_vs_predicted") is display
    assert display.figure_ is not before
