"""Display of the columns that matter to an estimator of tables."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import is_classifier
from sklearn.utils import check_array

from skmlp._plot.axes import import_pyplot, last_step
from skmlp._plot.image_grid import check_count

_LABELS = {True: "Rise of the log loss", False: "Fall of the score"}


class ImportancesDisplay:
    """Importances of the columns of a table as bars, the most important column at the top.

    Each bar is the mean over the repeats, and the thin line over its end the standard deviation to
    both sides. Create a display with :meth:`from_estimator` or :meth:`from_importances`. All
    parameters are stored as attributes.

    Parameters
    ----------
    importances : ndarray of shape (n_features, n_repeats)
        Importance of each column in each repeat.
    names : ndarray of shape (n_features,)
        Names of the columns.
    label : str, default="Importance"
        What the x axis shows.

    Attributes
    ----------
    ax_ : Axes
        Axes of the plot.
    figure_ : Figure
        Figure that contains the plot.
    bars_ : BarContainer
        Bars, the most important column first. Their `errorbar` has the standard deviations.
    columns_ : ndarray of int
        Position in the table of the column of each bar.

    See Also
    --------
    TabularClassifier.held_out_importances : The importances of a classifier.
    sklearn.inspection.permutation_importance : Importances by rows that no member was trained on.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmlp import ImportancesDisplay, TabularClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = TabularClassifier(n_members=2, random_state=0).fit(X, y)
    >>> display = ImportancesDisplay.from_estimator(model, X, y, random_state=0)
    >>> [text.get_text() for text in display.ax_.get_yticklabels()][0].startswith("petal")
    True
    """

    def __init__(
        self,
        importances: npt.NDArray[Any],
        *,
        names: npt.NDArray[Any],
        label: str = "Importance",
    ) -> None:
        self.importances = importances
        self.names = names
        self.label = label

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        n_repeats: int = 5,
        random_state: int | np.random.RandomState | None = None,
        n_columns: int | None = 20,
        ax: Any = None,
        bar_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Plot by how much held-out rows are predicted worse if a column is shuffled.

        Parameters
        ----------
        estimator : estimator
            Fitted :class:`~skmlp.TabularClassifier` or :class:`~skmlp.TabularRegressor`; or a
            Pipeline or a search that ends in one.
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            The table of `fit`.
        y : array-like of shape (n_samples,)
            The targets of `fit`.
        n_repeats : int, default=5
            How often each column is shuffled.
        random_state : int, RandomState instance or None, default=None
            Source of the orders.
        n_columns : int or None, default=20
            Maximum number of bars. If None, all columns are shown.
        ax : Axes, default=None
            Axes to draw on. If None, a new figure is created.
        bar_kw : dict, default=None
            Keyword arguments passed to matplotlib's `barh`, such as ``{"color": "0.5"}``.

        Returns
        -------
        display : ImportancesDisplay
            Display of the plotted importances.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the model has no held-out importances, if X or y is not that of `fit`, or if
            `n_columns` is less than 1.
        """
        import_pyplot(f"{cls.__name__}.from_estimator")
        check_count(n_columns, "n_columns")
        model, table = last_step(estimator, X)
        if not hasattr(model, "held_out_importances"):
            raise ValueError(
                f"{type(model).__name__} has no held_out_importances. Give a TabularClassifier or "
                "TabularRegressor, or pass the result of permutation_importance to "
                "from_importances."
            )
        found = model.held_out_importances(table, y, n_repeats=n_repeats, random_state=random_state)
        return cls.from_importances(
            found,
            getattr(model, "feature_names_in_", None),
            label=f"{_LABELS[is_classifier(model)]} on held-out rows",
            n_columns=n_columns,
            ax=ax,
            bar_kw=bar_kw,
        )

    @classmethod
    def from_importances(
        cls,
        importances: Any,
        names: Sequence[str] | npt.NDArray[Any] | None = None,
        *,
        label: str = "Importance",
        n_columns: int | None = 20,
        ax: Any = None,
        bar_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Plot given importances.

        Parameters
        ----------
        importances : array-like of shape (n_features, n_repeats), or Bunch
            Importance of each column in each repeat; or an object that has them as `importances`,
            such as the result of :func:`sklearn.inspection.permutation_importance`.
        names : array-like of str of shape (n_features,), default=None
            Names of the columns. If None, their positions.
        label : str, default="Importance"
            What the x axis shows.
        n_columns : int or None, default=20
            Maximum number of bars. If None, all columns are shown.
        ax : Axes, default=None
            Axes to draw on. If None, a new figure is created.
        bar_kw : dict, default=None
            Keyword arguments passed to matplotlib's `barh`, such as ``{"color": "0.5"}``.

        Returns
        -------
        display : ImportancesDisplay
            Display of the plotted importances.

        Raises
        ------
        ValueError
            If the importances are not a matrix of finite numbers, if there is not a name for each
            column, or if `n_columns` is less than 1.

        Examples
        --------
        >>> from skmlp import ImportancesDisplay
        >>> display = ImportancesDisplay.from_importances([[0.1, 0.2], [0.5, 0.4]], ["a", "b"])
        >>> display.columns_.tolist()
        [1, 0]
        """
        import_pyplot(f"{cls.__name__}.from_importances")
        values = getattr(importances, "importances", importances)
        values = check_array(values, dtype=np.float64, input_name="importances")
        if names is None:
            names = [f"column {j}" for j in range(len(values))]
        names = np.asarray(names, dtype=object)
        if names.shape != (len(values),):
            raise ValueError(
                f"names has shape {names.shape}, but there are importances of {len(values)} "
                "columns; give a name for each of them."
            )
        display = cls(values, names=names, label=label)
        return display.plot(n_columns=n_columns, ax=ax, bar_kw=bar_kw)

    def plot(
        self,
        *,
        n_columns: int | None = 20,
        ax: Any = None,
        bar_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the bars.

        Parameters
        ----------
        n_columns : int or None, default=20
            Maximum number of bars. If None, all columns are shown.
        ax : Axes, default=None
            Axes to draw on. If None, a new figure is created, as high as the bars need.
        bar_kw : dict, default=None
            Keyword arguments passed to matplotlib's `barh`, such as ``{"color": "0.5"}``.

        Returns
        -------
        self : object
            The display, with the attributes of the new plot.

        Raises
        ------
        ValueError
            If `n_columns` is less than 1.
        """
        plt = import_pyplot(f"{type(self).__name__}.plot")
        count = check_count(n_columns, "n_columns")
        mean = self.importances.mean(axis=1)
        self.columns_ = np.argsort(-mean, kind="stable")[:count]
        if ax is None:
            width, height = plt.rcParams["figure.figsize"]
            needed = 0.024 * plt.rcParams["font.size"] * len(self.columns_) + 0.8
            ax = plt.subplots(figsize=(width, max(height, needed)), layout="constrained")[1]
        self.ax_, self.figure_ = ax, ax.figure
        places = np.arange(len(self.columns_))
        style = {"color": "C0", "ecolor": "0.2", "error_kw": {"elinewidth": 1}} | (bar_kw or {})
        spread = self.importances.std(axis=1)[self.columns_]
        self.bars_ = ax.barh(places, mean[self.columns_], xerr=spread, **style)
        ax.set_yticks(places, [str(name) for name in self.names[self.columns_]])
        ax.invert_yaxis()  # the first at the top
        ax.axvline(0, color="0.2", linewidth=0.8)
        ax.set_xlabel(self.label)
        return self
