"""Small networks on handwritten digits, for the tests of the displays."""

import warnings

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from skmlp import NumpyMLPClassifier

X, Y = load_digits(return_X_y=True)
X, Y = X[:200] / 16, Y[:200]


def fitted(estimator=None, X=X, y=Y, **settings):
    if estimator is None:
        defaults = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
        estimator = NumpyMLPClassifier(**defaults | settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


def titles(display):
    return [ax.get_title() for ax in display.ax_.flat if ax.get_title()]
