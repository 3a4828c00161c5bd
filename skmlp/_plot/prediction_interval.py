"""Display of the prediction intervals of a regressor, beside the true values."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skmlp._plot.axes import import_pyplot, last_step
from skmlp._plot.image_grid import check_count

_KINDS = ("sorted", "actual_vs_predicted")
_COLORS = {"interval": "0.75", "line": "0.2", "inside": "C0", "outside": "C3"}


class PredictionIntervalDisplay:
    """Prediction intervals as bars, with the true values inside and outside.

    Create a display with :meth:`from_estimator` or :meth:`from_predictions`. All parameters are
    stored as attributes.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,)
        True target values.
    lower, upper : ndarray of shape (n_samples,)
        Ends of the interval of each row.
    y_pred : ndarray of shape (n_samples,), default=None
        Predicted values, such as the median or the mean. If None, the middle of each interval is
        used as the position on the x axis, and no predictions are drawn.

    Attributes
    ----------
    coverage : float
        Share of the true values that are inside their interval, over all rows.
    mean_width : float
        Mean of `upper` - `lower`, over all rows.
    ax_ : Axes
        Axes of the plot.
    figure_ : Figure
        Figure that contains the plot.
    intervals_ : LineCollection
        Bars from `lower` to `upper`.
    line_ : Line2D or None
        Predicted values of the sorted rows; or the diagonal, on which the predicted value is the
        true one. None if the rows are sorted and `y_pred` is None.
    inside_, outside_ : PathCollection
        True values inside and outside their interval.

    See Also
    --------
    sklearn.metrics.PredictionErrorDisplay : Predicted values and residuals of a regressor.
    FoldEnsembleRegressor : Regressor whose intervals are corrected on held-out rows.

    Notes
    -----
    Judge intervals on rows that the model was not trained on, by two numbers: `coverage` should be
    as high as promised, and `mean_width` as small as possible.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skmlp import NumpyMLPRegressor, PredictionIntervalDisplay
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     *load_diabetes(return_X_y=True), random_state=0
    ... )
    >>> network = NumpyMLPRegressor(
    ...     "quantile", quantile=(0.05, 0.5, 0.95), standardize_target=True, tol=0.01,
    ...     random_state=0,
    ... )
    >>> model = make_pipeline(StandardScaler(), network).fit(X_train, y_train)
    >>> display = PredictionIntervalDisplay.from_estimator(model, X_test, y_test)
    >>> 0.7 < display.coverage < 1
    True
    """

    def __init__(
        self,
        y_true: npt.NDArray[Any],
        *,
        lower: npt.NDArray[Any],
        upper: npt.NDArray[Any],
        y_pred: npt.NDArray[Any] | None = None,
    ) -> None:
        self.y_true = y_true
        self.lower, self.upper = lower, upper
        self.y_pred = y_pred

    @property
    def coverage(self) -> float:
        """Share of the true values that are inside their interval."""
        return float(self._inside().mean())

    @property
    def mean_width(self) -> float:
        """Mean width of the intervals."""
        return float(np.mean(self.upper - self.lower))

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: npt.ArrayLike,
        *,
        coverage: float | None = None,
        kind: str = "sorted",
        n_rows: int | None = 200,
        ax: Any = None,
        interval_kw: dict[str, Any] | None = None,
        line_kw: dict[str, Any] | None = None,
        scatter_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Plot the intervals that a fitted regressor predicts.

        Parameters
        ----------
        estimator : estimator
            Fitted regressor that has `predict_interval`, such as
            :class:`~skmlp.FoldEnsembleRegressor`, or whose `predict` returns several quantiles of
            one target, such as :class:`~skmlp.NumpyMLPRegressor` with ``loss="quantile"``; or a
            Pipeline or a search that ends in one. Of several quantiles the interval is from the
            lowest to the highest, and the prediction is the middle one if their number is odd.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, which the model was not trained on.
        y : array-like of shape (n_samples,)
            True target values.
        coverage : float, default=None
            Coverage of the intervals, passed to `predict_interval`. If None, 0.9, or for an
            estimator that predicts several quantiles the interval between the outer ones. Only for
            an estimator that has `predict_interval`.
        kind : {"sorted", "actual_vs_predicted"}, default="sorted"
            What the x axis shows: the rows, sorted by prediction; or the predicted values.
        n_rows : int or None, default=200
            Maximum number of rows to draw, which are evenly spaced in the order of the
            predictions. If None, all rows are drawn.
        ax : Axes, default=None
            Axes to draw on. If None, a new figure is created.
        interval_kw, line_kw, scatter_kw : dict, default=None
            Keyword arguments passed to matplotlib's `vlines`, `plot` and `scatter`, for the
            intervals, the line, and the true values.

        Returns
        -------
        display : PredictionIntervalDisplay
            Display of the plotted intervals.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the model predicts no intervals, or another argument is not valid, as in
            :meth:`from_predictions`.
        """
        import_pyplot(f"{cls.__name__}.from_estimator")
        check_is_fitted(estimator)
        _check_one_target(y, "y")
        lower, upper, y_pred = _predicted_intervals(estimator, X, coverage)
        return cls.from_predictions(
            y,
            lower,
            upper,
            y_pred,
            kind=kind,
            n_rows=n_rows,
            ax=ax,
            interval_kw=interval_kw,
            line_kw=line_kw,
            scatter_kw=scatter_kw,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: npt.ArrayLike,
        lower: npt.ArrayLike,
        upper: npt.ArrayLike,
        y_pred: npt.ArrayLike | None = None,
        *,
        kind: str = "sorted",
        n_rows: int | None = 200,
        ax: Any = None,
        interval_kw: dict[str, Any] | None = None,
        line_kw: dict[str, Any] | None = None,
        scatter_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Plot given intervals, such as those of another library.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True target values.
        lower, upper : array-like of shape (n_samples,)
            Ends of the interval of each row.
        y_pred : array-like of shape (n_samples,), default=None
            Predicted values, such as the median or the mean. If None, the middle of each interval
            is used as the position on the x axis, and no predictions are drawn.
        kind : {"sorted", "actual_vs_predicted"}, default="sorted"
            What the x axis shows: the rows, sorted by prediction; or the predicted values.
        n_rows : int or None, default=200
            Maximum number of rows to draw, which are evenly spaced in the order of the
            predictions. If None, all rows are drawn.
        ax : Axes, default=None
            Axes to draw on. If None, a new figure is created.
        interval_kw, line_kw, scatter_kw : dict, default=None
            Keyword arguments passed to matplotlib's `vlines`, `plot` and `scatter`, for the
            intervals, the line, and the true values.

        Returns
        -------
        display : PredictionIntervalDisplay
            Display of the plotted intervals.

        Raises
        ------
        ValueError
            If an argument is not one finite number for each row, a lower end is above the upper
            end, `kind` is unknown, or `n_rows` is less than 1.

        Examples
        --------
        >>> from skmlp import PredictionIntervalDisplay
        >>> display = PredictionIntervalDisplay.from_predictions(
        ...     [1, 2, 3, 4], lower=[0, 1, 1, 1], upper=[2, 3, 4, 3]
        ... )
        >>> display.coverage, display.mean_width
        (0.75, 2.25)
        """
        import_pyplot(f"{cls.__name__}.from_predictions")
        given = {"y_true": y_true, "lower": lower, "upper": upper}
        if y_pred is not None:
            given["y_pred"] = y_pred
        values = {name: _check_one_target(value, name) for name, value in given.items()}
        check_consistent_length(*values.values())
        crossed = np.flatnonzero(values["lower"] > values["upper"])
        if len(crossed):
            raise ValueError(
                f"In row {crossed[0]} lower is above upper; give the lower end of each interval "
                "first."
            )
        return cls(**values).plot(
            kind=kind,
            n_rows=n_rows,
            ax=ax,
            interval_kw=interval_kw,
            line_kw=line_kw,
            scatter_kw=scatter_kw,
        )

    def plot(
        self,
        *,
        kind: str = "sorted",
        n_rows: int | None = 200,
        ax: Any = None,
        interval_kw: dict[str, Any] | None = None,
        line_kw: dict[str, Any] | None = None,
        scatter_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the intervals.

        Parameters
        ----------
        kind : {"sorted", "actual_vs_predicted"}, default="sorted"
            What the x axis shows: the rows, sorted by prediction; or the predicted values.
        n_rows : int or None, default=200
            Maximum number of rows to draw, which are evenly spaced in the order of the
            predictions. If None, all rows are drawn.
        ax : Axes, default=None
            Axes to draw on. If None, a new figure is created.
        interval_kw, line_kw, scatter_kw : dict, default=None
            Keyword arguments passed to matplotlib's `vlines`, `plot` and `scatter`, for the
            intervals, the line, and the true values.

        Returns
        -------
        self : object
            The display, with the attributes of the new plot.

        Raises
        ------
        ValueError
            If `kind` is unknown, or `n_rows` is less than 1.
        """
        plt = import_pyplot(f"{type(self).__name__}.plot")
        if kind not in _KINDS:
            raise ValueError(f"kind={kind!r} is neither 'sorted' nor 'actual_vs_predicted'.")
        centre = (self.lower + self.upper) / 2 if self.y_pred is None else self.y_pred
        rows = np.argsort(centre, kind="stable")
        count = min(check_count(n_rows, "n_rows") or len(rows), len(rows))
        places = np.linspace(0, len(rows) - 1, count).round().astype(int)
        rows = rows[places]
        x = places if kind == "sorted" else centre[rows]
        if ax is None:
            ax = plt.subplots(layout="constrained")[1]
        self.ax_, self.figure_ = ax, ax.figure
        style = {"color": _COLORS["interval"], "label": "Interval"} | (interval_kw or {})
        self.intervals_ = ax.vlines(x, self.lower[rows], self.upper[rows], **style)
        self.line_ = self._plot_line(x, rows, kind, line_kw or {})
        self._plot_true_values(x, rows, scatter_kw or {})
        ax.legend(fontsize="small")
        return self

    def _plot_line(self, x: Any, rows: Any, kind: str, line_kw: dict[str, Any]) -> Any:
        """Draw the sorted predictions, or the diagonal; name the axes."""
        from matplotlib.cbook import normalize_kwargs
        from matplotlib.lines import Line2D

        style = {"color": _COLORS["line"], "linewidth": 1}
        given = normalize_kwargs(line_kw, Line2D)
        if kind == "actual_vs_predicted":
            middle = "Predicted values" if self.y_pred is not None else "Middle of the interval"
            self.ax_.set(xlabel=middle, ylabel="Actual values")
            style |= {"linestyle": "--"}
            return self.ax_.plot(x[[0, -1]], x[[0, -1]], **style | given)[0]
        self.ax_.set(xlabel="Rows, sorted by prediction", ylabel="Values")
        if self.y_pred is None:
            return None
        return self.ax_.plot(x, self.y_pred[rows], **style | {"label": "Prediction"} | given)[0]

    def _plot_true_values(self, x: Any, rows: Any, scatter_kw: dict[str, Any]) -> None:
        """Draw the true values in two colours, with the shares of all rows in the legend."""
        inside, share = self._inside()[rows], self.coverage
        drawn = []
        for name, mask, part in (("inside", inside, share), ("outside", ~inside, 1 - share)):
            style = {"color": _COLORS[name], "label": f"Actual, {name}: {part:.1%}"}
            style |= {"s": 12, "zorder": 3} | scatter_kw
            drawn.append(self.ax_.scatter(x[mask], self.y_true[rows][mask], **style))
        self.inside_, self.outside_ = drawn

    def _inside(self) -> npt.NDArray[np.bool_]:
        return (self.lower <= self.y_true) & (self.y_true <= self.upper)


def _predicted_intervals(
    estimator: Any, X: Any, coverage: float | None
) -> tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike | None]:
    """Return the ends of the interval of each row and the predictions, None if there are none."""
    predicted = np.asarray(estimator.predict(X))
    levels = np.sort(predicted, axis=1) if predicted.ndim == 2 else predicted[:, np.newaxis]
    n_levels = levels.shape[1]
    middle = levels[:, n_levels // 2] if n_levels % 2 else None
    if n_levels > 1 and coverage is None:
        return levels[:, 0], levels[:, -1], middle
    model, rows = last_step(estimator, X)
    if hasattr(model, "predict_interval"):
        coverage = 0.9 if coverage is None else coverage
        return *model.predict_interval(rows, coverage=coverage), middle
    if n_levels > 1:
        raise ValueError(
            f"coverage={coverage!r} was given, but {type(model).__name__} predicts {n_levels} "
            "quantiles, whose levels decide on the interval; leave coverage out."
        )
    raise ValueError(
        f"{type(model).__name__} predicts one number for each row, and has no predict_interval. "
        "Use FoldEnsembleRegressor, or NumpyMLPRegressor with loss='quantile' and several levels, "
        "such as quantile=(0.05, 0.5, 0.95)."
    )


def _check_one_target(values: Any, name: str) -> npt.NDArray[Any]:
    """Return one finite number for each row."""
    values = check_array(values, ensure_2d=False, dtype=np.float64, input_name=name)
    if values.ndim == 2 and values.shape[1] == 1:
        return values[:, 0]
    if values.ndim != 1:
        raise ValueError(
            f"{name} has shape {values.shape}; a display shows one target, with one number for "
            "each row. Draw a display for each target."
        )
    return values
