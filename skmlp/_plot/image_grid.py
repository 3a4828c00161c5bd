"""Grid of images: the common part of the displays of weights and of mistakes."""

import math
from abc import ABC, abstractmethod
from typing import Any, Self

import numpy.typing as npt

from skmlp._plot.axes import count_text_columns, import_pyplot, is_axes, make_axes_grid


class _ImageGridDisplay(ABC):
    """Base class of displays that draw one image in each panel of a grid.

    A subclass sets `images` and defines the titles and the colours.
    """

    images: npt.NDArray[Any]
    _text_without_images = "No images"

    @abstractmethod
    def _titles(self) -> list[str]:
        """Return the title of each image."""

    @abstractmethod
    def _default_im_kw(self) -> dict[str, Any]:
        """Return the keyword arguments of `imshow` that `im_kw` may override."""

    def plot(
        self, *, n_cols: int | None = None, ax: Any = None, im_kw: dict[str, Any] | None = None
    ) -> Self:
        """Draw the images.

        If there are no images, a text in the first panel says so.

        Parameters
        ----------
        n_cols : int, default=None
            Number of images in a row. If None, as many as fill the figure.
        ax : Axes or array-like of Axes, default=None
            At least one Axes for each image; or a single Axes, whose place the images share. If
            None, a new figure is created.
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
        self._draw(n_cols, ax, im_kw)
        return self

    def _draw(
        self, n_cols: int | None, ax: Any, im_kw: dict[str, Any] | None, width_share: float = 1.0
    ) -> None:
        """Draw the images in a grid that takes `width_share` of the width."""
        plt = import_pyplot(f"{type(self).__name__}.plot")
        titles = self._titles()
        im_kw = {"interpolation": "nearest"} | self._default_im_kw() | (im_kw or {})
        self.ax_ = _make_image_axes(plt, self.images, titles, ax, n_cols, width_share)
        self.figure_ = self.ax_.flat[0].figure
        self.im_ = []
        for panel, image, title in zip(self.ax_.flat, self.images, titles, strict=False):
            self.im_.append(panel.imshow(image, **im_kw))
            panel.set_title(title, fontsize="small")
            panel.set(xticks=[], yticks=[])
        for panel in self.ax_.flat[len(self.images) :]:
            panel.set_axis_off()
        if not len(self.images):
            self.ax_.flat[0].text(0.5, 0.5, self._text_without_images, ha="center", va="center")


def check_count(n: int | None, name: str) -> int | None:
    """Return `n`, a number of things to show or None for all; raise ValueError if below 1."""
    if n is not None and n < 1:
        raise ValueError(f"{name}={n!r} must be at least 1, or None for all.")
    return n


def find_image_shape(n_features: int, image_shape: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return the shape of an image with `n_features` pixel values.

    If `image_shape` is None, the image is a square.
    """
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


def _make_image_axes(
    plt: Any,
    images: npt.NDArray[Any],
    titles: list[str],
    ax: Any,
    n_cols: int | None,
    width_share: float,
) -> npt.NDArray[Any]:
    """Return an Axes for each image, in rows and columns that fill the space with no overlap."""
    n = max(1, len(images))
    width, height = plt.rcParams["figure.figsize"]
    if is_axes(ax):
        width, height = ax.get_window_extent().size / ax.figure.dpi
    if check_count(n_cols, "n_cols") is None:
        ratio = width_share * width / height * images.shape[1] / images.shape[2]
        fit = count_text_columns(plt, width_share * width, titles, extra=1)
        n_cols = min(math.ceil(math.sqrt(n * ratio)), fit)
    n_cols = min(n_cols or n, n)
    n_rows = math.ceil(n / n_cols)
    options = {}
    if ax is None:
        # a row needs its title, and room for an image
        n_lines = max((title.count("\n") + 1 for title in titles), default=1)
        lowest = 0.6 + 0.015 * plt.rcParams["font.size"] * n_lines
        options = {"figsize": (width, max(height, n_rows * lowest))}
    axes = make_axes_grid(plt, ax, n_rows, n_cols, **options)
    if axes.size < n:
        raise ValueError(f"ax has {axes.size} Axes, but there are {n} images; give one for each.")
    return axes
