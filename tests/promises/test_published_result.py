import os
import warnings

import numpy as np
import pytest

from skmlp import NumpyMLPClassifier
from skmlp.datasets import load_mnist

MNIST = os.environ.get("SKMLP_MNIST")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MNIST, reason="SKMLP_MNIST does not name the folder of the MNIST files"),
]


@pytest.fixture(scope="module")
def mnist():
    return load_mnist(MNIST)


@pytest.mark.parametrize("seed", range(5))
def test_logistic_network_with_plain_sgd_reaches_the_published_accuracy(mnist, seed):
    model = NumpyMLPClassifier(
        hidden_layer_sizes=(100,),
        activation="logistic",
        weight_init=0.01,
        solver="sgd",
        momentum=0,
        alpha=0,
        batch_size=32,
        learning_rate_init=0.01,
        max_iter=20,
        tol=0,
        n_iter_no_change=np.inf,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # 20 epochs were asked for
        model.fit(mnist.X_train, mnist.y_train)
    accuracy = model.score(mnist.X_test, mnist.y_test)
    assert model.n_iter_ == 20
    assert 0.914 <= accuracy <= 0.922
