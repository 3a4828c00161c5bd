"""Display of the weights of a first layer."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from skmlp._plot.axes import find_network, import_pyplot, not_a_network_message
from skmlp._plot.image_grid import _ImageGridDisplay, check_count, find_image_shape


class WeightsDisplay(_ImageGridDisplay):
    """Weights of the first layer as images, one for each unit.

    Positive weights are red, negative weights blue and zeros white, on one scale for all units.
    Create a display with :meth:`from_estimator`. All parameters are stored as attributes.

    Parameters
    ----------
    images : ndarray of shape (n_units, height, width)
        Weights of each unit.
    units : ndarray of shape (n_units,)
        Indices of the units in the layer, from 0.

    Attributes
    ----------
    ax_ : ndarray of Axes
        Axes of the panels, in a grid.
    figure_ : Figure
        Figure that contains the panels.
    im_ : list of AxesImage
        Drawn images, in the order of `images`.
    colorbar_ : Colorbar or None
        Colour bar of all images. None if `colorbar=False`.

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
    ) -> Self:
        """Plot the weights of the first layer of a fitted model.

        Parameters
        ----------
        estimator : estimator
            Fitted :class:`~skmlp.NumpyMLPClassifier` or :class:`~skmlp.NumpyMLPRegressor`, or one
            of scikit-learn's :class:`~sklearn.neural_network.MLPClassifier` and
            :class:`~sklearn.neural_network.MLPRegressor`, or a Pipeline or a search that ends in
            one. In a Pipeline, the features that the last step receives must be pixels.
        image_shape : tuple (height, width), default=None
            Shape of the image that the features form. If None, a square.
        n_units : int or None, default=20
            Maximum number of units to show. If None, all units are shown.
        order : {"norm", "index"}, default="norm"
            Order of the units: by decreasing Euclidean norm of their weights, or by index.
        n_cols : int, default=None
            Number of images in a row. If None, as many as fill the figure.
        ax : Axes or array-like of Axes, default=None
            At least one Axes for each image; or a single Axes, whose place the images share. If
            None, a new figure is created.
        colorbar : bool, default=True
            Whether to draw the colour bar.
        im_kw : dict, default=None
            Keyword arguments passed to matplotlib's `imshow`.

        Returns
        -------
        display : WeightsDisplay
            Display of the plotted weights.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the features do not form an image, the model has no weights, another parameter is
            out of its range, or there are fewer Axes than images.
        """
        import_pyplot(f"{cls.__name__}.from_estimator")
        network = find_network(estimator)
        if not hasattr(network, "coefs_"):
            raise ValueError(not_a_network_message(network, "coefs_"))
        if order not in ("norm", "index"):
            raise ValueError(f"order={order!r} is neither 'norm' nor 'index'.")
        W = network.coefs_[0]
        units = np.arange(W.shape[1])
        if order == "norm":
            units = np.argsort(-np.linalg.norm(W, axis=0), kind="stable")
        units = units[: check_count(n_units, "n_units")]
        shape = find_image_shape(W.shape[0], image_shape)
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
    ) -> Self:
        """Draw the images.

        Parameters
        ----------
        n_cols : int, default=None
            Number of images in a row. If None, as many as fill the figure.
        ax : Axes or array-like of Axes, default=None
            At least one Axes for each image; or a single Axes, whose place the images share. If
            None, a new figure is created.
        colorbar : bool, default=True
            Whether to draw the colour bar.
        im_kw : dict, default=None
            Keyword arguments passed to matplotlib's `imshow`.

        Returns
        -------
        self : object
            The display, with the attributes of the new plot.

        Raises
        ------
        ValueError
            If `n_cols` is less than 1, or there are fewer Axes than images.
        """
        # the colour bar takes a fifth of the width
        self._draw(n_cols, ax, im_kw, width_share=0.8 if colorbar else 1.0)
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = self.figure_.colorbar(self.im_[0], ax=self.ax_, label="Weight")
        return self

    def _titles(self) -> list[str]:
        return [f"unit {unit}" for unit in self.units]

    def _default_im_kw(self) -> dict[str, Any]:
        largest = np.abs(self.images).max() or 1.0
        return {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
