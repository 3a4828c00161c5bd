"""Display of the mistakes of a classifier on images."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.base import is_regressor
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted

from skmlp._plot.axes import import_pyplot
from skmlp._plot.image_grid import _ImageGridDisplay, check_count, find_image_shape


class MistakesDisplay(_ImageGridDisplay):
    """Misclassified images with their labels, the most confident mistakes first.

    The title of an image shows its true label, its predicted label, and the predicted probability
    of the latter. Create a display with :meth:`from_estimator` or :meth:`from_predictions`. All
    parameters are stored as attributes.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width) or (n_images, height, width, n_channels)
        Misclassified images.
    y_true, y_pred : ndarray of shape (n_images,)
        True and predicted label of each image.
    proba : ndarray of shape (n_images,)
        Probability of the predicted label of each image.
    rows : ndarray of shape (n_images,)
        Row of each image in X, from 0.

    Attributes
    ----------
    ax_ : ndarray of Axes
        Axes of the panels, in a grid.
    figure_ : Figure
        Figure that contains the panels.
    im_ : list of AxesImage
        Drawn images, in the order of `images`.

    See Also
    --------
    sklearn.metrics.ConfusionMatrixDisplay : How often each label is predicted as each other label.

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

    _text_without_images = "No mistakes"

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
    ) -> Self:
        """Plot the most confident mistakes of a fitted classifier.

        Parameters
        ----------
        estimator : estimator
            Any fitted classifier that has `predict_proba`.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Images, one in each row.
        y : array-like of shape (n_samples,)
            True labels.
        image_shape : tuple (height, width) or (height, width, n_channels), default=None
            Shape of the image that the features form. If None, a square.
        n_images : int or None, default=12
            Maximum number of images to show. If None, all mistakes are shown.
        n_cols : int, default=None
            Number of images in a row. If None, as many as fill the figure.
        ax : Axes or array-like of Axes, default=None
            At least one Axes for each image; or a single Axes, whose place the images share. If
            None, a new figure is created.
        im_kw : dict, default=None
            Keyword arguments passed to matplotlib's `imshow`, such as ``{"cmap": "gray_r"}``.

        Returns
        -------
        display : MistakesDisplay
            Display of the plotted mistakes.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the features do not form an image, a row has more than one label, the classifier has
            no `predict_proba`, or there are fewer Axes than images.
        """
        import_pyplot(f"{cls.__name__}.from_estimator")
        check_is_fitted(estimator)
        if not hasattr(estimator, "predict_proba"):
            message = (
                f"{type(estimator).__name__} has no predict_proba; give a classifier that has."
            )
            if is_regressor(estimator):
                message += (
                    " For a regressor use PredictionErrorDisplay of scikit-learn, or "
                    "PredictionIntervalDisplay."
                )
            raise ValueError(message)
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
    ) -> Self:
        """Plot the most confident mistakes, given the predicted probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or array of images
            Images, one in each row; or an array of images, of shape (n_samples, height, width) or
            (n_samples, height, width, n_channels).
        y_true : array-like of shape (n_samples,)
            True labels.
        proba : array-like of shape (n_samples, n_classes)
            Probability of each class, such as the output of `predict_proba`.
        classes : array-like of shape (n_classes,), default=None
            Label of each column of `proba`. If None, the labels in `y_true`, sorted.
        image_shape : tuple (height, width) or (height, width, n_channels), default=None
            Shape of the image that the features form. If None, a square. Ignored if `X` is an
            array of images.
        n_images : int or None, default=12
            Maximum number of images to show. If None, all mistakes are shown.
        n_cols : int, default=None
            Number of images in a row. If None, as many as fill the figure.
        ax : Axes or array-like of Axes, default=None
            At least one Axes for each image; or a single Axes, whose place the images share. If
            None, a new figure is created.
        im_kw : dict, default=None
            Keyword arguments passed to matplotlib's `imshow`, such as ``{"cmap": "gray_r"}``.

        Returns
        -------
        display : MistakesDisplay
            Display of the plotted mistakes.

        Raises
        ------
        ValueError
            If the features do not form an image, a row has more than one label, the labels do not
            match the columns of `proba`, or there are fewer Axes than images.
        """
        import_pyplot(f"{cls.__name__}.from_predictions")
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
        rows = wrong[: check_count(n_images, "n_images")]
        shape = X.shape[1:] if X.ndim > 2 else find_image_shape(X.shape[1], image_shape)
        pixels = X[rows].toarray() if issparse(X) else X[rows]
        display = cls(
            pixels.reshape(-1, *shape),
            y_true=y_true[rows],
            y_pred=y_pred[rows],
            proba=confidence[rows],
            rows=rows,
        )
        return display.plot(n_cols=n_cols, ax=ax, im_kw=im_kw)

    def _titles(self) -> list[str]:
        labels = zip(self.y_true, self.y_pred, self.proba, strict=True)
        return [f"true: {t}\npredicted: {p} ({q:.3f})" for t, p, q in labels]

    def _default_im_kw(self) -> dict[str, Any]:
        if not self.images.size:
            return {"cmap": "gray"}
        return {"cmap": "gray", "vmin": self.images.min(), "vmax": self.images.max()}
