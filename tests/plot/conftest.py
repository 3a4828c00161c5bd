import pytest
from display_models import X, fitted
from sklearn.neural_network import MLPClassifier


@pytest.fixture(autouse=True)
def figures():
    """Draw without a screen, at the size at which all must be readable."""
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    with plt.rc_context({"figure.figsize": (6, 4)}):
        yield
    plt.close("all")


@pytest.fixture(scope="module")
def plain():
    return fitted()


@pytest.fixture(scope="module")
def stopped():
    """A model whose best epoch is not its last."""
    model = fitted(early_stopping=True, max_iter=40, n_iter_no_change=3, learning_rate_init=0.03)
    assert 1 < model.best_epoch_ < model.n_iter_
    return model


@pytest.fixture(scope="module")
def sklearns():
    """The same of scikit-learn."""
    settings = {"early_stopping": True, "n_iter_no_change": 3, "learning_rate_init": 0.03}
    return fitted(MLPClassifier((6,), max_iter=40, random_state=0, **settings))


@pytest.fixture(scope="module")
def wide():
    return fitted(hidden_layer_sizes=(30,), max_iter=1)


@pytest.fixture(scope="module")
def judged():
    """A poor model's probabilities of all images."""
    return fitted(max_iter=10).predict_proba(X)
