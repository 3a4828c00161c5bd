"""Plots of the weights of a first layer, and of mistakes on images."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted

from skmlp._plot.axes import (
    _columns_of_text,
    _find_network,
    _grid,
    _is_axes,
    _not_a_network_message,
    _pyplot,
)


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
            Number of images in a row. None: as many as fill the figure.
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
        network = _find_network(estimator)
        if not hasattr(network, "coefs_"):
            raise ValueError(_not_a_network_message(network, "coefs_"))
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
        # the colour bar takes a fifth of the width
        share = 0.8 if colorbar else 1.0
        im_kw = scale | (im_kw or {})
        self.ax_, self.im_ = _show(plt, self.images, titles, ax, n_cols, im_kw, share)
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
            Number of images in a row. None: as many as fill the figure.
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
        if y_true.ndim != 1:
            raise ValueError(f"y has shape {y_true.shape}; mistakes need one label per row.")
        if X.ndim < 2:
            raise ValueError(f"X has shape {X.shape}; give a row, or an image, for each label.")
        check_consistent_length(X, y_true, proba)
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
        titles = [f"true: {t}\npredicted: {p} ({q:.3f})" for t, p, q in labels]
        self.ax_, self.im_ = _show(plt, self.images, titles, ax, n_cols, scale | (im_kw or {}))
        self.figure_ = self.ax_.flat[0].figure
        if not len(self.images):
            self.ax_.flat[0].text(0.5, 0.5, "No mistakes", ha="center", va="center")
        return self


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


def _show(
    plt: Any,
    images: npt.NDArray[Any],
    titles: list[str],
    ax: Any,
    n_cols: int | None,
    im_kw: dict[str, Any],
    share: float = 1.0,
) -> tuple[npt.NDArray[Any], list[Any]]:
    """Draw images in a grid; return its Axes and the images drawn.

    They have a `share` of the width for themselves.
    """
    axes = _grid_of_images(plt, images, titles, ax, n_cols, share)
    drawn = []
    for panel, image, title in zip(axes.flat, images, titles, strict=False):
        drawn.append(panel.imshow(image, **{"interpolation": "nearest"} | im_kw))
        panel.set_title(title, fontsize="small")
        panel.set(xticks=[], yticks=[])
    for panel in axes.flat[len(images) :]:
        panel.set_axis_off()
    return axes, drawn


def _grid_of_images(
    plt: Any,
    images: npt.NDArray[Any],
    titles: list[str],
    ax: Any,
    n_cols: int | None,
    share: float,
) -> npt.NDArray[Any]:
    """Return an Axes for each image, in rows and columns that fill the space with no overlap."""
    n = max(1, len(images))
    width, height = plt.rcParams["figure.figsize"]
    if _is_axes(ax):
        width, height = ax.get_window_extent().size / ax.figure.dpi
    if _count(n_cols, "n_cols") is None:
        ratio = share * width / height * images.shape[1] / images.shape[2]
        fit = _columns_of_text(plt, share * width, titles, extra=1)
        n_cols = min(math.ceil(math.sqrt(n * ratio)), fit)
    n_cols = min(n_cols or n, n)
    n_rows = math.ceil(n / n_cols)
    options = {}
    if ax is None:
        # a row needs its title, and room for an image
        n_lines = max((title.count("\n") + 1 for title in titles), default=1)
        lowest = 0.6 + 0.015 * plt.rcParams["font.size"] * n_lines
        options = {"figsize": (width, max(height, n_rows * lowest))}
    axes = _grid(plt, ax, n_rows, n_cols, **options)
    if axes.size < n:
        raise ValueError(f"ax has {axes.size} Axes, but there are {n} images; give one for each.")
    return axes
