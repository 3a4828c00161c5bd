"""Plots of a training, of the weights of a first layer, and of mistakes on images."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted

# what is recorded of each epoch: the attribute of a fitted network, and the set it is measured on
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
        networks = {name: _network_of(model) for name, model in models.items()}
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
        given = dict(
            zip(_ATTRIBUTES, (loss, validation_loss, score, validation_score), strict=True)
        )
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
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        # of a label that occurs more than once, the first
        handles = dict(reversed(list(zip(*ax.get_legend_handles_labels()[::-1], strict=True))))
        if sum(len(line.get_xdata()) > 0 for line in ax.lines) > 1:
            ax.legend(handles.values(), handles.keys(), fontsize="small")

    def _plot_model(
        self, ax: Any, name: str | None, keys: Iterable[str], both: bool, line_kw: dict[str, Any]
    ) -> None:
        """Draw the lines of one model, and the mark of its best epoch on the last of them."""
        from matplotlib.cbook import normalize_kwargs
        from matplotlib.lines import Line2D

        curves, lines = self.curves[name], self.lines_[name]
        keys = [key for key in keys if key in curves]
        for key in keys:
            style: dict[str, Any] = {"marker": "." if len(curves[key]) == 1 else None}
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


class WeightsDisplay:
    """The weights of a first layer as images, one for each unit.

    Red weights are positive, blue ones negative, white ones 0, on one scale for all units. Create
    it with :meth:`from_estimator`. All parameters are stored as attributes.

    Parameters
    ----------
    images : ndarray of shape (n_units, height, width)
        The weights of each unit.
    units : ndarray of shape (n_units,)
        The units' numbers, from 0.

    Attributes
    ----------
    ax_ : ndarray of Axes
        The panels, in a grid.
    figure_ : Figure
        Their figure.
    im_ : list of AxesImage
        The images, in the order of `images`.
    colorbar_ : Colorbar or None
        The colour bar of all images.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmlp import NumpyMLPClassifier, WeightsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = NumpyMLPClassifier((12,), tol=0.01, random_state=0).fit(X / 16, y)
    >>> display = WeightsDisplay.from_estimator(model)
    >>> display.images.shape
    (12, 8, 8)
    """

    def __init__(self, images: npt.NDArray[Any], *, units: npt.NDArray[Any]) -> None:
        self.images = images
        self.units = units

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        image_shape: tuple[int, int] | None = None,
        n_units: int | None = 20,
        order: str = "norm",
        n_cols: int | None = None,
        ax: Any = None,
        colorbar: bool = True,
        im_kw: dict[str, Any] | None = None,
    ) -> "WeightsDisplay":
        """Plot the first layer's weights of a fitted model.

        Parameters
        ----------
        estimator : estimator
            A fitted :class:`~skmlp.NumpyMLPClassifier` or
            :class:`~sklearn.neural_network.MLPClassifier`, or a Pipeline or a search that ends in
            one. What its other steps make of the features must be pixels too.
        image_shape : tuple (height, width), default=None
            How the features make an image. None: a square.
        n_units : int or None, default=20
            Largest number of units to show. None: all.
        order : {"norm", "index"}, default="norm"
            Whether the units with the longest weight vectors come first, or those with the lowest
            numbers.
        n_cols : int, default=None
            Number of images in a row. None: about 3 columns to 2 rows.
        ax : Axes or array-like of Axes, default=None
            An Axes for each image at least; or one Axes, whose place they share. None: a new
            figure.
        colorbar : bool, default=True
            Whether to draw the colour bar.
        im_kw : dict, default=None
            Keywords for matplotlib's `imshow`.

        Returns
        -------
        display : WeightsDisplay

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the features do not make an image, or the model has no weights.
        """
        _pyplot(f"{cls.__name__}.from_estimator")
        network = _network_of(estimator)
        if not hasattr(network, "coefs_"):
            raise ValueError(_needs_a_network(network, "coefs_"))
        if order not in ("norm", "index"):
            raise ValueError(f"order={order!r} is neither 'norm' nor 'index'.")
        W = network.coefs_[0]
        units = np.arange(W.shape[1])
        if order == "norm":
            units = np.argsort(-np.linalg.norm(W, axis=0), kind="stable")
        units = units[: _count(n_units, "n_units")]
        shape = _image_shape(W.shape[0], image_shape)
        if len(shape) == 3:
            raise ValueError("Weights have signs, and so no colours: image_shape has two numbers.")
        display = cls(W.T[units].reshape(-1, *shape), units=units)
        return display.plot(n_cols=n_cols, ax=ax, colorbar=colorbar, im_kw=im_kw)

    def plot(
        self,
        *,
        n_cols: int | None = None,
        ax: Any = None,
        colorbar: bool = True,
        im_kw: dict[str, Any] | None = None,
    ) -> "WeightsDisplay":
        """Draw the images.

        Parameters
        ----------
        n_cols, ax, colorbar, im_kw
            As in :meth:`from_estimator`.

        Returns
        -------
        display : WeightsDisplay
        """
        plt = _pyplot(f"{type(self).__name__}.plot")
        largest = np.abs(self.images).max() or 1.0
        scale = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
        titles = [f"unit {unit}" for unit in self.units]
        self.ax_, self.im_ = _show(plt, self.images, titles, ax, n_cols, scale | (im_kw or {}))
        self.figure_ = self.ax_.flat[0].figure
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = self.figure_.colorbar(self.im_[0], ax=self.ax_, label="Weight")
        return self


class MistakesDisplay:
    """The images that a model is most wrong about, with their labels.

    Above each image stand its true label, the predicted one, and the probability that the model
    gave to the latter. Create it with :meth:`from_estimator` or :meth:`from_predictions`. All
    parameters are stored as attributes.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width) or (n_images, height, width, n_channels)
        The images.
    y_true, y_pred : ndarray of shape (n_images,)
        Their true and predicted labels.
    proba : ndarray of shape (n_images,)
        The probabilities of the predicted labels.
    rows : ndarray of shape (n_images,)
        The images' row numbers in X.

    Attributes
    ----------
    ax_ : ndarray of Axes
        The panels, in a grid.
    figure_ : Figure
        Their figure.
    im_ : list of AxesImage
        The images, in the order of `images`.

    See Also
    --------
    sklearn.metrics.ConfusionMatrixDisplay : How often each label is taken for each other one.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from skmlp import MistakesDisplay, NumpyMLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    >>> model = NumpyMLPClassifier(tol=0.01, random_state=0).fit(X_train, y_train)
    >>> display = MistakesDisplay.from_estimator(model, X_test, y_test, n_images=6)
    >>> display.images.shape
    (6, 8, 8)
    >>> bool((display.y_true == display.y_pred).any())
    False
    """

    def __init__(
        self,
        images: npt.NDArray[Any],
        *,
        y_true: npt.NDArray[Any],
        y_pred: npt.NDArray[Any],
        proba: npt.NDArray[Any],
        rows: npt.NDArray[Any],
    ) -> None:
        self.images = images
        self.y_true, self.y_pred = y_true, y_pred
        self.proba = proba
        self.rows = rows

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: npt.ArrayLike,
        *,
        image_shape: tuple[int, ...] | None = None,
        n_images: int | None = 12,
        n_cols: int | None = None,
        ax: Any = None,
        im_kw: dict[str, Any] | None = None,
    ) -> "MistakesDisplay":
        """Plot the most confident mistakes of a fitted classifier.

        Parameters
        ----------
        estimator : estimator
            Any fitted classifier that has `predict_proba`.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The images, a row each.
        y : array-like of shape (n_samples,)
            Their true labels.
        image_shape : tuple (height, width) or (height, width, n_channels), default=None
            How the features make an image. None: a square.
        n_images : int or None, default=12
            Largest number of images to show. None: all mistakes.
        n_cols : int, default=None
            Number of images in a row. None: about 3 columns to 2 rows.
        ax : Axes or array-like of Axes, default=None
            An Axes for each image at least; or one Axes, whose place they share. None: a new
            figure.
        im_kw : dict, default=None
            Keywords for matplotlib's `imshow`, such as ``{"cmap": "gray_r"}``.

        Returns
        -------
        display : MistakesDisplay

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the features do not make an image, or a row has more than one label.
        """
        _pyplot(f"{cls.__name__}.from_estimator")
        check_is_fitted(estimator)
        if not hasattr(estimator, "predict_proba"):
            raise ValueError(
                f"{type(estimator).__name__} has no predict_proba; give a classifier that has."
            )
        return cls.from_predictions(
            X,
            y,
            estimator.predict_proba(X),
            estimator.classes_,
            image_shape=image_shape,
            n_images=n_images,
            n_cols=n_cols,
            ax=ax,
            im_kw=im_kw,
        )

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        y_true: npt.ArrayLike,
        proba: npt.ArrayLike,
        classes: npt.ArrayLike | None = None,
        *,
        image_shape: tuple[int, ...] | None = None,
        n_images: int | None = 12,
        n_cols: int | None = None,
        ax: Any = None,
        im_kw: dict[str, Any] | None = None,
    ) -> "MistakesDisplay":
        """Plot the most confident mistakes, given the probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The images, a row each; or an array of images.
        y_true : array-like of shape (n_samples,)
            Their true labels.
        proba : array-like of shape (n_samples, n_classes)
            The probability of each class, as from `predict_proba`.
        classes : array-like of shape (n_classes,), default=None
            The labels of the columns of `proba`. None: those in `y_true`, sorted.
        image_shape, n_images, n_cols, ax, im_kw
            As in :meth:`from_estimator`.

        Returns
        -------
        display : MistakesDisplay

        Raises
        ------
        ValueError
            If the features do not make an image, a row has more than one label, or the labels do
            not go with `proba`.
        """
        _pyplot(f"{cls.__name__}.from_predictions")
        X = X.tocsr() if issparse(X) else np.asarray(X)
        y_true, proba = np.asarray(y_true), np.asarray(proba)
        check_consistent_length(X, y_true, proba)
        if y_true.ndim != 1:
            raise ValueError(f"y has shape {y_true.shape}; mistakes need one label per row.")
        classes = np.unique(y_true) if classes is None else np.asarray(classes)
        if proba.shape[1:] != classes.shape:
            raise ValueError(
                f"proba has shape {proba.shape}, but there are {len(classes)} labels; it needs a "
                "column for each of classes."
            )
        unique_labels(y_true, classes)  # raises if some are strings, others numbers
        y_pred, confidence = classes[proba.argmax(axis=1)], proba.max(axis=1)
        wrong = np.flatnonzero(y_pred != y_true)
        wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
        rows = wrong[: _count(n_images, "n_images")]
        shape = X.shape[1:] if X.ndim > 2 else _image_shape(X.shape[1], image_shape)
        pixels = X[rows].toarray() if issparse(X) else X[rows]
        display = cls(
            pixels.reshape(-1, *shape),
            y_true=y_true[rows],
            y_pred=y_pred[rows],
            proba=confidence[rows],
            rows=rows,
        )
        return display.plot(n_cols=n_cols, ax=ax, im_kw=im_kw)

    def plot(
        self, *, n_cols: int | None = None, ax: Any = None, im_kw: dict[str, Any] | None = None
    ) -> "MistakesDisplay":
        """Draw the images; if there is no mistake, a line that says so.

        Parameters
        ----------
        n_cols, ax, im_kw
            As in :meth:`from_estimator`.

        Returns
        -------
        display : MistakesDisplay
        """
        plt = _pyplot(f"{type(self).__name__}.plot")
        scale = {"cmap": "gray"}
        if self.images.size:
            scale |= {"vmin": self.images.min(), "vmax": self.images.max()}
        labels = zip(self.y_true, self.y_pred, self.proba, strict=True)
        titles = [f"true: {t}\npredicted: {p}\nprobability: {q:.3f}" for t, p, q in labels]
        self.ax_, self.im_ = _show(plt, self.images, titles, ax, n_cols, scale | (im_kw or {}))
        self.figure_ = self.ax_.flat[0].figure
        if not len(self.images):
            self.ax_.flat[0].text(0.5, 0.5, "No mistakes", ha="center", va="center")
        return self


def _pyplot(caller: str) -> Any:
    """Return pyplot; if matplotlib is missing, the error names the caller."""
    from sklearn.utils._optional_dependencies import check_matplotlib_support

    check_matplotlib_support(caller)
    import matplotlib.pyplot as plt

    return plt


def _network_of(estimator: Any) -> Any:
    """Return the network that a fitted estimator is, ends in, or has found."""
    check_is_fitted(estimator)
    if hasattr(estimator, "best_estimator_"):
        return _network_of(estimator.best_estimator_)
    if isinstance(estimator, Pipeline):
        return _network_of(estimator[-1])
    return estimator


def _needs_a_network(estimator: Any, attribute: str) -> str:
    return (
        f"{type(estimator).__name__} has no {attribute}. Give a fitted NumpyMLPClassifier, or a "
        "Pipeline or a search with refit=True that ends in one."
    )


def _recorded_by(network: Any) -> dict[str, Any]:
    """Return the curves of a fitted network, and its best epoch if early stopping chose one."""
    if not hasattr(network, "loss_curve_"):
        hint = " MLPClassifier records nothing with solver='lbfgs'."
        raise ValueError(_needs_a_network(network, "loss_curve_") + hint)
    recorded = {key: getattr(network, name, None) for key, name in _ATTRIBUTES.items() if name}
    curves: dict[str, Any] = {key: _curve(key, c) for key, c in recorded.items() if c is not None}
    if network.best_loss_ is None:
        if hasattr(network, "best_epoch_"):
            # counted from the last call on, while the curves hold those before too
            best = len(network.loss_curve_) - network.n_iter_ + network.best_epoch_
        else:
            best = int(np.argmax(network.validation_scores_)) + 1
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
    scorings = {getattr(network, "scoring", None) for network in networks}
    scoring = scorings.pop()
    if scorings or callable(scoring):
        return "score"
    return "accuracy" if scoring in (None, "loss") else scoring


def _step_name(networks: Iterable[Any]) -> str:
    return "Iteration" if all(network.solver == "lbfgs" for network in networks) else "Epoch"


def _count(n: int | None, name: str) -> int | None:
    if n is not None and n < 1:
        raise ValueError(f"{name}={n!r} must be at least 1, or None for all.")
    return n


def _image_shape(n_features: int, image_shape: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return the shape of an image of that many features."""
    if image_shape is None:
        side = math.isqrt(n_features)
        if side**2 != n_features:
            raise ValueError(
                f"The {n_features} features make no square image; give image_shape=(height, width)."
            )
        return side, side
    shape = tuple(image_shape)
    if len(shape) not in (2, 3) or math.prod(shape) != n_features:
        raise ValueError(
            f"image_shape={image_shape!r} does not fit {n_features} features; give (height, width) "
            "with that product."
        )
    return shape


def _is_axes(ax: Any) -> bool:
    from matplotlib.axes import Axes

    return isinstance(ax, Axes)


def _grid(plt: Any, ax: Any, n_rows: int, n_cols: int, **options: Any) -> npt.NDArray[Any]:
    """Return a grid of Axes: in a new figure, in the place of the one given, or those given."""
    if ax is None:
        return plt.subplots(n_rows, n_cols, squeeze=False, layout="constrained", **options)[1]
    if not _is_axes(ax):
        return np.atleast_1d(np.asarray(ax, dtype=object))
    if n_rows * n_cols == 1:
        return np.array([[ax]])
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            f"This ax has no place in a grid of subplots; give an array of {n_rows * n_cols} Axes, "
            "or an ax made by plt.subplots()."
        )
    ax.set_axis_off()
    return place.subgridspec(n_rows, n_cols).subplots(squeeze=False, **options)


def _show(
    plt: Any,
    images: npt.NDArray[Any],
    titles: list[str],
    ax: Any,
    n_cols: int | None,
    im_kw: dict[str, Any],
) -> tuple[npt.NDArray[Any], list[Any]]:
    """Draw images in a grid; return its Axes and the images drawn."""
    n = max(1, len(images))
    if n_cols is None:
        n_cols = max(1, round(math.sqrt(1.5 * n * images.shape[1] / images.shape[2])))
    n_cols = min(_count(n_cols, "n_cols") or n, n)
    axes = _grid(plt, ax, math.ceil(n / n_cols), n_cols)
    if axes.size < n:
        raise ValueError(f"ax has {axes.size} Axes, but there are {n} images; give one for each.")
    drawn = []
    for panel, image, title in zip(axes.flat, images, titles, strict=False):
        drawn.append(panel.imshow(image, **{"interpolation": "nearest"} | im_kw))
        panel.set_title(title, fontsize="small")
        panel.set(xticks=[], yticks=[])
    for panel in axes.flat[len(images) :]:
        panel.set_axis_off()
    return axes, drawn
