"""The short entries to the estimators of tables."""

from typing import Any, Literal

import numpy as np

from skmlp._classifier import NumpyMLPClassifier
from skmlp._regressor import NumpyMLPRegressor
from skmlp._tabular_classifier import TabularClassifier
from skmlp._tabular_regressor import TabularRegressor


def make_tabular_classifier(
    random_state: int | np.random.RandomState | None = None,
    *,
    n_members: int | Literal["auto"] = "auto",
    n_jobs: int | None = None,
    **network: Any,
) -> TabularClassifier:
    """Return a classifier for the rows of a table, with settings that need no tuning.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Source of all randomness. Pass an int for reproducible results.
    n_members : int or "auto", default="auto"
        Number of members, to which the training time is proportional. If "auto", 8 for up to 2,000
        rows, 4 for more.
    n_jobs : int or None, default=None
        Number of members to train in parallel, as in joblib.
    **network
        Other parameters of :class:`TabularClassifier`, and parameters of
        :class:`~skmlp.NumpyMLPClassifier` that replace those in ``skmlp.recipes.TABULAR``, for
        example ``hidden_layer_sizes=(64, 64)``.

    Returns
    -------
    model : TabularClassifier
        The classifier, not fitted.

    Raises
    ------
    TypeError
        If there is no such parameter.

    See Also
    --------
    TabularClassifier : What the classifier does with a table.

    Examples
    --------
    >>> from skmlp import make_tabular_classifier
    >>> make_tabular_classifier(random_state=0, dropout=0.4)
    TabularClassifier(network={'dropout': 0.4}, random_state=0)
    """
    return _made(
        TabularClassifier, network, n_members=n_members, n_jobs=n_jobs, random_state=random_state
    )


def make_tabular_regressor(
    random_state: int | np.random.RandomState | None = None,
    *,
    n_members: int | Literal["auto"] = "auto",
    n_jobs: int | None = None,
    **network: Any,
) -> TabularRegressor:
    """Return a regressor for the rows of a table, with settings that need no tuning.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Source of all randomness. Pass an int for reproducible results.
    n_members : int or "auto", default="auto"
        Number of networks, to which the training time is proportional. If "auto", 8 for up to 2,000
        rows, 4 for more.
    n_jobs : int or None, default=None
        Number of networks to train in parallel, as in joblib.
    **network
        Other parameters of :class:`TabularRegressor`, and parameters of
        :class:`~skmlp.NumpyMLPRegressor` that replace those in
        ``skmlp.recipes.TABULAR_REGRESSION``, for example ``loss="quantile"`` with
        ``quantile=(0.05, 0.5, 0.95)``.

    Returns
    -------
    model : TabularRegressor
        The regressor, not fitted.

    Raises
    ------
    TypeError
        If there is no such parameter.

    See Also
    --------
    TabularRegressor : What the regressor does with a table.

    Examples
    --------
    >>> from skmlp import make_tabular_regressor
    >>> make_tabular_regressor(random_state=0, loss="poisson")
    TabularRegressor(network={'loss': 'poisson'}, random_state=0)
    """
    return _made(
        TabularRegressor, network, n_members=n_members, n_jobs=n_jobs, random_state=random_state
    )


def _made(kind: Any, given: dict[str, Any], **params: Any) -> Any:
    """Return an estimator of tables, with the parameters that are its own and its network's."""
    own = {name: given.pop(name) for name in kind._get_param_names() if name in given}
    network = NumpyMLPClassifier if kind is TabularClassifier else NumpyMLPRegressor
    network(**given)  # names that are not known are errors at once
    return kind(given or None, **params, **own)
