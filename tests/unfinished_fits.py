"""Small fits that are given up in the middle, as if their process had ended."""

import pytest
from sklearn.datasets import make_classification

from skmlp import NumpyMLPClassifier
from skmlp._engine.network import Network

X, y = make_classification(n_samples=90, n_features=6, n_informative=4, n_classes=3, random_state=0)
SEARCH = {"early_stopping": True, "scoring": "loss", "n_iter_no_change": 3}
UNFINISHED = SEARCH | {"noise": 0.1, "refit": True}


def small(**params):
    params = {
        "batch_size": 20,
        "max_iter": 7,
        "learning_rate_init": 0.01,
        "random_state": 0,
    } | params
    return NumpyMLPClassifier((5, 4), n_threads=1, **params)


class Killed(Exception):
    """In place of the end of a process."""


def killed_in_batch(model, batch, *args, **kwargs):
    """Fit, and give up in the batch of that number, counted from 1; return how many there were."""
    loss_gradient, n_calls = Network.loss_gradient, 0

    def mortal(*args):
        nonlocal n_calls
        n_calls += 1
        if n_calls == batch:
            raise Killed
        return loss_gradient(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Network, "loss_gradient", mortal)
        try:
            model.fit(*args, **kwargs)
        except Killed:
            return n_calls
    assert batch is None, "there is no such batch"
    return n_calls
