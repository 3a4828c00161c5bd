"""Display of loss and score over the epochs of training."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from skmlp._plot.axes import (
    count_text_columns,
    find_network,
    import_pyplot,
    is_axes,
    make_axes_grid,
    use_safe_colors,
)
from skmlp._plot.recorded_curves import (
    check_curves,
    common_score_name,
    common_step_name,
    recorded_curves,
)

_SETS = {
    "loss": "Training",
    "validation_loss": "Validation",
    "score": "Training",
    "validation_score": "Validation",
}
_PANELS = {"loss": ("loss", "validation_loss"), "score": ("score", "validation_score")}
_COLORS = {"Training": "C0", "Validation": "C1"}
_NEUTRAL = "0.35"
_LEGEND = "skmlp.TrainingCurveDisplay"


class TrainingCurveDisplay:
    """Loss and score over the epochs of training.

    Create a display with :meth:`from_estimator` or :meth:`from_curves`. All parameters are stored
    as attributes.

    Parameters
    ----------
    curves : dict of {str or None: dict}
        Curves of each model, by the name of the model. The keys of the inner dicts are "loss",
        "validation_loss", "score" and "validation_score", each with an array of one number per
        epoch, and "best_epoch", counted from 1. At least one curve is needed, all other keys are
        optional. The name of a single model may be None.
    score_name : str, default="score"
        Name of the score, for the label of the y axis.
    step_name : str, default="Epoch"
        Label of the x axis: the unit that the entries of the curves are counted in.

    Attributes
    ----------
    ax_ : ndarray of Axes, of shape (n_panels,)
        Axes of the panels: the loss, then the score.
    figure_ : Figure
        Figure that contains the panels.
    lines_ : dict of {str or None: dict of {str: Line2D}}
        Drawn lines, with the same keys as `curves`.
    best_ : list of Line2D
        Markers of the best epochs.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores over the number of training samples.

    Notes
    -----
    A logarithmic axis shows best how a loss falls, as in the example. No loss of skmlp is negative.

    The losses of a regressor with ``standardize_target=True`` are in standardised units. They can
    be compared with those of other models with the same `loss` and ``standardize_target=True``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from skmlp import NumpyMLPClassifier, TrainingCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = NumpyMLPClassifier(early_stopping=True, max_iter=500, random_state=0)
    >>> model = model.fit(scale(X), y)
    >>> display = TrainingCurveDisplay.from_estimator(model)
    >>> [ax.get_ylabel() for ax in display.ax_]
    ['Loss', 'Validation accuracy']
    >>> display.ax_[0].set_yscale("log")
    """

    def __init__(
        self,
        curves: Mapping[str | None, Mapping[str, Any]],
        *,
        score_name: str = "score",
        step_name: str = "Epoch",
    ) -> None:
        self.curves = curves
        self.score_name = score_name
        self.step_name = step_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        score_name: str | None = None,
        kind: str = "both",
        ax: Any = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Plot the curves that one or several fitted models have recorded.

        Only recorded curves are drawn: without a validation set, the training loss alone. The best
        epoch is marked if early stopping has chosen one.

        Parameters
        ----------
        estimator : estimator or dict of {str: estimator}
            Fitted :class:`~skmlp.NumpyMLPClassifier` or :class:`~skmlp.NumpyMLPRegressor`, or one
            of scikit-learn's :class:`~sklearn.neural_network.MLPClassifier` and
            :class:`~sklearn.neural_network.MLPRegressor`, or a Pipeline or a search (such as
            GridSearchCV) that ends in one. If a dict of names and models, all models are drawn
            into one plot.
        score_name : str, default=None
            Name of the score. If None, `scoring` of the models. By default that is the accuracy
            of classifiers, and R^2 or D^2 of regressors, according to `loss`. If the models have
            different scores, "score".
        kind : {"both", "loss", "score"}, default="both"
            Panels to draw. "both" leaves out the score if no score was recorded.
        ax : Axes or array-like of Axes, default=None
            One Axes for each panel, such as `ax_` of another display; or a single Axes, whose place
            the panels share. If None, a new figure is created.
        line_kw : dict, default=None
            Keyword arguments passed to matplotlib's `plot` for all lines.

        Returns
        -------
        display : TrainingCurveDisplay
            Display of the plotted curves.

        Raises
        ------
        NotFittedError
            If a model is not fitted.
        ValueError
            If a model has recorded no curves, the dict is empty, `kind` is unknown or was not
            recorded, or the number of Axes is not the number of panels.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from skmlp import NumpyMLPClassifier, TrainingCurveDisplay
        >>> X, y = load_iris(return_X_y=True)
        >>> models = {
        ...     solver: NumpyMLPClassifier(
        ...         (8,), solver=solver, max_iter=1000, tol=1e-3, random_state=0
        ...     )
        ...     for solver in ("adam", "rmsprop")
        ... }
        >>> for model in models.values():
        ...     _ = model.fit(scale(X), y)
        >>> display = TrainingCurveDisplay.from_estimator(models)
        >>> display.lines_["adam"]["loss"].get_label()
        'adam'
        """
        import_pyplot(f"{cls.__name__}.from_estimator")
        models = estimator if isinstance(estimator, Mapping) else {None: estimator}
        if not models:
            raise ValueError("The dict of models is empty; give at least one fitted model.")
        networks = {name: find_network(model) for name, model in models.items()}
        display = cls(
            {name: recorded_curves(network) for name, network in networks.items()},
            score_name=common_score_name(networks.values()) if score_name is None else score_name,
            step_name=common_step_name(networks.values()),
        )
        return display.plot(kind=kind, ax=ax, line_kw=line_kw)

    @classmethod
    def from_curves(
        cls,
        *,
        loss: npt.ArrayLike | None = None,
        validation_loss: npt.ArrayLike | None = None,
        score: npt.ArrayLike | None = None,
        validation_score: npt.ArrayLike | None = None,
        best_epoch: int | None = None,
        name: str | None = None,
        score_name: str = "score",
        kind: str = "both",
        ax: Any = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Plot given curves of one model, such as those of another library.

        Parameters
        ----------
        loss, validation_loss, score, validation_score : array-like of float, default=None
            One number for each epoch, measured on the training set or on the validation set. At
            least one curve is needed.
        best_epoch : int, default=None
            Epoch to mark, counted from 1. If None, no epoch is marked.
        name : str, default=None
            Name of the model. To draw several named models into one plot, pass `ax_` of the first
            display as `ax` for the others.
        score_name : str, default="score"
            Name of the score.
        kind : {"both", "loss", "score"}, default="both"
            Panels to draw. "both" leaves out a panel without curves.
        ax : Axes or array-like of Axes, default=None
            One Axes for each panel, such as `ax_` of another display; or a single Axes, whose place
            the panels share. If None, a new figure is created.
        line_kw : dict, default=None
            Keyword arguments passed to matplotlib's `plot` for all lines.

        Returns
        -------
        display : TrainingCurveDisplay
            Display of the plotted curves.

        Raises
        ------
        ValueError
            If there is no curve, a curve is empty or not one-dimensional, `best_epoch` is not an
            epoch of the curves, `kind` is unknown or has no curve, or the number of Axes is not
            the number of panels.

        Examples
        --------
        >>> from skmlp import TrainingCurveDisplay
        >>> display = TrainingCurveDisplay.from_curves(
        ...     loss=[0.9, 0.5, 0.4], score=[0.6, 0.8, 0.9], validation_score=[0.6, 0.8, 0.7],
        ...     best_epoch=2, score_name="accuracy",
        ... )
        >>> display.lines_[None]["loss"].get_ydata().tolist()
        [0.9, 0.5, 0.4]
        """
        import_pyplot(f"{cls.__name__}.from_curves")
        given = {
            "loss": loss,
            "validation_loss": validation_loss,
            "score": score,
            "validation_score": validation_score,
        }
        curves = check_curves(given)
        if not curves:
            raise ValueError(f"There is no curve to draw; give at least one of {', '.join(given)}.")
        if best_epoch is not None:
            last = max(len(curve) for curve in curves.values())
            if not 1 <= best_epoch <= last:
                raise ValueError(
                    f"best_epoch={best_epoch!r} is none of the epochs 1 to {last} of the curves."
                )
            curves["best_epoch"] = best_epoch
        display = cls({name: curves}, score_name=score_name)
        return display.plot(kind=kind, ax=ax, line_kw=line_kw)

    def plot(
        self, *, kind: str = "both", ax: Any = None, line_kw: dict[str, Any] | None = None
    ) -> Self:
        """Draw the curves.

        A single model without a name has one colour for each set. Models with names have one colour
        each, of a palette for people with colour-blindness unless matplotlib's cycle of colours was
        changed; if both sets are drawn, the lines of the training set are dashed.

        Parameters
        ----------
        kind : {"both", "loss", "score"}, default="both"
            Panels to draw. "both" leaves out a panel without curves.
        ax : Axes or array-like of Axes, default=None
            One Axes for each panel, such as `ax_` of another display; or a single Axes, whose place
            the panels share. If None, a new figure is created.
        line_kw : dict, default=None
            Keyword arguments passed to matplotlib's `plot` for all lines.

        Returns
        -------
        self : object
            The display, with the attributes of the new plot.

        Raises
        ------
        ValueError
            If `kind` is unknown or has no curve, or the number of Axes is not the number of panels.
        """
        plt = import_pyplot(f"{type(self).__name__}.plot")
        panels = self._panels(kind, both=not is_axes(ax) and np.size(ax) == 2)
        axes = make_axes_grid(plt, ax, 1, len(panels), sharex=True).ravel()
        if len(axes) != len(panels):
            raise ValueError(
                f"ax has {len(axes)} Axes, but {' and '.join(panels)} need {len(panels)}; give as "
                "many, or choose with kind='loss' or kind='score'."
            )
        self.lines_: dict[str | None, dict[str, Any]] = {name: {} for name in self.curves}
        self.best_: list[Any] = []
        for quantity, panel in zip(panels, axes, strict=True):
            use_safe_colors(plt, panel)
            self._plot_panel(panel, quantity, line_kw or {})
        self.ax_, self.figure_ = axes, axes[0].figure
        _legend(plt, axes, is_new=ax is None, least=2 if None in self.curves else 1)
        return self

    def _panels(self, kind: str, both: bool) -> list[str]:
        """Return the panels to draw, of "loss" and "score"."""
        if kind not in ("both", *_PANELS):
            raise ValueError(f"kind={kind!r} is none of 'both', 'loss' and 'score'.")
        known = [quantity for quantity in _PANELS if self._sets(quantity)]
        if kind == "both":
            return list(_PANELS) if both else known
        if kind not in known:
            raise ValueError(
                f"There is no {kind} to draw. Scores are recorded on a validation set: fit with "
                "early_stopping=True, or with X_val and y_val."
            )
        return [kind]

    def _sets(self, quantity: str) -> list[str]:
        """Return the sets, "Training" and "Validation", on which any model was measured."""
        keys = _PANELS[quantity]
        return [_SETS[key] for key in keys if any(key in c for c in self.curves.values())]

    def _plot_panel(self, ax: Any, quantity: str, line_kw: dict[str, Any]) -> None:
        """Draw the curves of all models in one panel, the loss or the score."""
        from matplotlib.ticker import MaxNLocator

        sets = self._sets(quantity)
        if not sets:
            return
        label = "loss" if quantity == "loss" else self.score_name
        if len(sets) == 1 and not ax.lines:
            label = f"{sets[0]} {label}"
        for name in self.curves:
            self._plot_model(ax, name, _PANELS[quantity], len(sets) == 2, line_kw)
        if None not in self.curves:
            self._explain_styles(ax, sets)
        ax.set(xlabel=self.step_name, ylabel=label[:1].upper() + label[1:])
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))

    def _plot_model(
        self, ax: Any, name: str | None, keys: Iterable[str], both: bool, line_kw: dict[str, Any]
    ) -> None:
        """Draw the lines of one model, and the marker of the best epoch on the last line."""
        from matplotlib.cbook import normalize_kwargs
        from matplotlib.lines import Line2D

        curves, lines = self.curves[name], self.lines_[name]
        keys = [key for key in keys if key in curves]
        for key in keys:
            style: dict[str, Any] = {"marker": "." if np.isfinite(curves[key]).sum() == 1 else None}
            if name is None:
                style |= {"label": _SETS[key], "color": _COLORS[_SETS[key]]}
            else:
                style["label"] = name if key == keys[-1] else None
                style["linestyle"] = "--" if both and _SETS[key] == "Training" else "-"
                # if None, matplotlib takes the next colour of the cycle
                style["color"] = next((line.get_color() for line in lines.values()), None)
            epochs = np.arange(1, len(curves[key]) + 1)
            style |= normalize_kwargs(line_kw, Line2D)
            (lines[key],) = ax.plot(epochs, curves[key], **style)
        best = curves.get("best_epoch")
        if keys and best is not None and best <= len(curves[keys[-1]]):
            label = f"Best epoch: {best}" if name is None else None
            color, value = lines[keys[-1]].get_color(), curves[keys[-1]][best - 1]
            self.best_ += ax.plot([best], [value], "o", color=color, label=label)

    def _explain_styles(self, ax: Any, sets: list[str]) -> None:
        """Add the line styles that all models share to the legend."""
        if len(sets) == 2:
            for label, style in zip(sets, ("--", "-"), strict=True):
                ax.plot([], [], style, color=_NEUTRAL, label=label)
        if any("best_epoch" in curves for curves in self.curves.values()):
            ax.plot([], [], "o", color=_NEUTRAL, label="Best epoch")


def _legend(plt: Any, axes: npt.NDArray[Any], is_new: bool, least: int) -> None:
    """Add a legend: below all panels if the figure is new or has one there, else in each panel.

    A legend with fewer than `least` entries is left out.
    """
    figure = axes[0].figure
    below = [legend for legend in figure.legends if legend.get_gid() == _LEGEND]
    for legend in below:
        legend.remove()
    if not (is_new or below):
        for panel in axes:
            if len(handles := _handles([panel])) >= least:
                panel.legend(handles.values(), handles.keys(), fontsize="small")
    elif len(handles := _handles(axes)) >= least:
        fit = count_text_columns(plt, figure.get_figwidth(), handles, extra=6)
        n_rows = math.ceil(len(handles) / fit)
        figure.legend(
            handles.values(),
            handles.keys(),
            fontsize="small",
            loc="outside lower center",
            ncols=math.ceil(len(handles) / n_rows),
        ).set_gid(_LEGEND)


def _handles(panels: Iterable[Any]) -> dict[str, Any]:
    """Return the drawn lines by label, each label once; those that explain a style come last."""
    handles: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    return dict(sorted(handles.items(), key=lambda item: item[1].get_color() == _NEUTRAL))
