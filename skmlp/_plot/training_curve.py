"""A plot of loss and score over the epochs of a training."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import is_classifier

from skmlp._plot.axes import (
    _columns_of_text,
    _find_network,
    _grid,
    _is_axes,
    _not_a_network_message,
    _pyplot,
)

_ATTRIBUTES = {
    "loss": "loss_curve_",
    "validation_loss": "validation_loss_curve_",
    "score": None,
    "validation_score": "validation_scores_",
}
_SETS = {"loss": "Training", "validation_loss": "Validation"} | {
    "score": "Training",
    "validation_score": "Validation",
}
_PANELS = {"loss": ("loss", "validation_loss"), "score": ("score", "validation_score")}
_COLORS = {"Training": "C0", "Validation": "C1"}
_NEUTRAL = "0.35"
_LEGEND = "skmlp.TrainingCurveDisplay"


class TrainingCurveDisplay:
    """Loss and score over the epochs of a training.

    Create it with :meth:`from_estimator` or :meth:`from_curves`. All parameters are stored as
    attributes.

    Parameters
    ----------
    curves : dict of {str or None: dict}
        For each model its name and what is known of it: "loss", "validation_loss", "score" and
        "validation_score", each an array with a number per epoch, and "best_epoch", counted from 1.
        All but one of the five may be missing. The name of a single model may be None.
    score_name : str, default="score"
        What the score is, for the label of its axis.
    step_name : str, default="Epoch"
        What the entries of the curves are numbered by.

    Attributes
    ----------
    ax_ : ndarray of Axes, of shape (n_panels,)
        The panels: loss, then score.
    figure_ : Figure
        Their figure.
    lines_ : dict of {str or None: dict of {str: Line2D}}
        The lines, under the same keys as `curves`.
    best_ : list of Line2D
        The marks of the best epochs.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores over the number of training rows.

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
    ) -> "TrainingCurveDisplay":
        """Plot what one or several fitted models have recorded.

        What was not recorded is not drawn: without a validation set there is the training loss
        alone. The best epoch is marked where early stopping has chosen one.

        Parameters
        ----------
        estimator : estimator or dict of {str: estimator}
            A fitted :class:`~skmlp.NumpyMLPClassifier` or
            :class:`~sklearn.neural_network.MLPClassifier`, or a Pipeline or a search (such as
            GridSearchCV) that ends in one. Several, by name, are drawn into one picture.
        score_name : str, default=None
            What the score is. None: the models' `scoring`, or accuracy.
        kind : {"both", "loss", "score"}, default="both"
            Which panels to draw; "both" leaves out the score if there is none.
        ax : Axes or array-like of Axes, default=None
            A panel for each of loss and score, such as another display's `ax_`; or one Axes, whose
            place they share. None: a new figure.
        line_kw : dict, default=None
            Keywords for matplotlib's `plot`, for all lines.

        Returns
        -------
        display : TrainingCurveDisplay

        Raises
        ------
        NotFittedError
            If a model is not fitted.
        ValueError
            If a model has recorded nothing.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skmlp import NumpyMLPClassifier, TrainingCurveDisplay
        >>> X, y = load_iris(return_X_y=True)
        >>> models = {
        ...     f"{solver}": NumpyMLPClassifier((8,), solver=solver, max_iter=1000, tol=1e-3)
        ...     for solver in ("adam", "rmsprop")
        ... }
        >>> for model in models.values():
        ...     _ = model.fit(X, y)
        >>> display = TrainingCurveDisplay.from_estimator(models)
        >>> display.lines_["adam"]["loss"].get_label()
        'adam'
        """
        _pyplot(f"{cls.__name__}.from_estimator")
        models = estimator if isinstance(estimator, Mapping) else {None: estimator}
        if not models:
            raise ValueError("The dict of models is empty; give at least one fitted model.")
        networks = {name: _find_network(model) for name, model in models.items()}
        display = cls(
            {name: _recorded_by(network) for name, network in networks.items()},
            score_name=_score_name(networks.values()) if score_name is None else score_name,
            step_name=_step_name(networks.values()),
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
    ) -> "TrainingCurveDisplay":
        """Plot the curves of one model, wherever they come from.

        Parameters
        ----------
        loss, validation_loss, score, validation_score : array-like of float, default=None
            A number for each epoch, on the training or on the validation set. At least one of them
            is needed.
        best_epoch : int, default=None
            Number of the epoch to mark, from 1.
        name : str, default=None
            Name of the model. With names, several models can be drawn one after the other, each
            with the `ax_` of the display before.
        score_name : str, default="score"
            What the score is.
        kind, ax, line_kw
            As in :meth:`from_estimator`.

        Returns
        -------
        display : TrainingCurveDisplay

        Raises
        ------
        ValueError
            If there is no curve, a curve is no sequence of numbers, or `best_epoch` is beyond the
            last epoch.

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
        _pyplot(f"{cls.__name__}.from_curves")
        measured = loss, validation_loss, score, validation_score
        given = dict(zip(_ATTRIBUTES, measured, strict=True))
        curves: dict[str, Any] = {
            key: _curve(key, curve) for key, curve in given.items() if curve is not None
        }
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
    ) -> "TrainingCurveDisplay":
        """Draw the curves.

        One model has a colour for each set. Several, or one with a name, have a colour each; where
        both sets are drawn, training is dashed.

        Parameters
        ----------
        kind, ax, line_kw
            As in :meth:`from_estimator`.

        Returns
        -------
        display : TrainingCurveDisplay
        """
        plt = _pyplot(f"{type(self).__name__}.plot")
        panels = self._panels(kind, both=not _is_axes(ax) and np.size(ax) == 2)
        axes = _grid(plt, ax, 1, len(panels), sharex=True).ravel()
        if len(axes) != len(panels):
            raise ValueError(
                f"ax has {len(axes)} Axes, but {' and '.join(panels)} need {len(panels)}; give as "
                "many, or choose with kind='loss' or kind='score'."
            )
        self.lines_: dict[str | None, dict[str, Any]] = {name: {} for name in self.curves}
        self.best_: list[Any] = []
        for quantity, panel in zip(panels, axes, strict=True):
            self._plot_panel(panel, quantity, line_kw or {})
        self.ax_, self.figure_ = axes, axes[0].figure
        _legend(plt, axes, is_new=ax is None, least=2 if None in self.curves else 1)
        return self

    def _panels(self, kind: str, both: bool) -> list[str]:
        """Return which of loss and score are to be drawn."""
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
        """Return the sets on which any model has been measured."""
        keys = _PANELS[quantity]
        return [_SETS[key] for key in keys if any(key in c for c in self.curves.values())]

    def _plot_panel(self, ax: Any, quantity: str, line_kw: dict[str, Any]) -> None:
        """Draw the loss or the score of all models."""
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
        """Draw the lines of one model, and the mark of its best epoch on the last of them."""
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
                # None: the next one of the cycle
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
        """Add to the legend what is the same for all models."""
        if len(sets) == 2:
            for label, style in zip(sets, ("--", "-"), strict=True):
                ax.plot([], [], style, color=_NEUTRAL, label=label)
        if any("best_epoch" in curves for curves in self.curves.values()):
            ax.plot([], [], "o", color=_NEUTRAL, label="Best epoch")


def _recorded_by(network: Any) -> dict[str, Any]:
    """Return the curves of a fitted network, and its best epoch if early stopping chose one."""
    if not hasattr(network, "loss_curve_"):
        hint = " MLPClassifier records nothing with solver='lbfgs'."
        raise ValueError(_not_a_network_message(network, "loss_curve_") + hint)
    recorded = {key: getattr(network, name, None) for key, name in _ATTRIBUTES.items() if name}
    curves: dict[str, Any] = {key: _curve(key, c) for key, c in recorded.items() if c is not None}
    if network.best_loss_ is None:
        # the last call was validated: what a curve lacks are epochs of calls before
        n = len(network.loss_curve_)
        for key, curve in curves.items():
            curves[key] = np.pad(curve, (n - len(curve), 0), constant_values=np.nan)
        if hasattr(network, "best_epoch_"):
            # counted from the last call on, while the curves hold those before too
            best = n - network.n_iter_ + network.best_epoch_
        else:
            best = int(np.nanargmax(curves["validation_score"])) + 1
        if best > 0:
            curves["best_epoch"] = best
    return curves


def _curve(key: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    curve = np.asarray(values, dtype=np.float64)
    if curve.ndim != 1 or not len(curve):
        raise ValueError(f"{key} has shape {curve.shape}; a curve is one number for each epoch.")
    return curve


def _score_name(networks: Iterable[Any]) -> str:
    """Return what the networks' validation scores are, if that is the same for all."""
    names = {_name_of_score(network) for network in networks}
    return names.pop() if len(names) == 1 else "score"


def _name_of_score(network: Any) -> str:
    scoring = getattr(network, "scoring", None)
    if callable(scoring) or not is_classifier(network):
        return "score"
    return "accuracy" if scoring in (None, "loss") else scoring


def _step_name(networks: Iterable[Any]) -> str:
    return "Iteration" if all(network.solver == "lbfgs" for network in networks) else "Epoch"


def _legend(plt: Any, axes: npt.NDArray[Any], is_new: bool, least: int) -> None:
    """Explain the lines: below all panels in a figure of our own, else within each panel.

    With fewer than `least` lines there is nothing to explain.
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
        fit = _columns_of_text(plt, figure.get_figwidth(), handles, extra=6)
        n_rows = math.ceil(len(handles) / fit)
        figure.legend(
            handles.values(),
            handles.keys(),
            fontsize="small",
            loc="outside lower center",
            ncols=math.ceil(len(handles) / n_rows),
        ).set_gid(_LEGEND)


def _handles(panels: Iterable[Any]) -> dict[str, Any]:
    """Return what is drawn in the panels by label, each label once, styles last."""
    handles: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    return dict(sorted(handles.items(), key=lambda item: item[1].get_color() == _NEUTRAL))
