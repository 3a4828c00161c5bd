"""The deadline of a training."""

import warnings

import numpy as np
import pytest
from networks import X, X_train, X_val, assert_identical_model, small, y, y_train, y_val
from sklearn.exceptions import ConvergenceWarning

from skmlp._engine.network import Network
from skmlp._training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def slow_batches(monkeypatch):
    """Let each evaluation of the loss take a second, by a clock of its own."""
    now, loss_gradient = [0.0], Network.loss_gradient

    def slow(*args):
        now[0] += 1
        return loss_gradient(*args)

    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    monkeypatch.setattr(Network, "loss_gradient", slow)


# 90 rows make 3 batches of 30
@pytest.mark.parametrize(("max_time", "n_batches"), [(1e-9, 1), (2.5, 3), (4.5, 5), (1000, 15)])
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_max_time_ends_training_to_the_batch(solver, max_time, n_batches, slow_batches):
    expected = f"max_time={max_time} seconds" if n_batches < 15 else "max_iter=5 epochs"
    with pytest.warns(ConvergenceWarning, match=expected) as caught:
        model = small(solver=solver, batch_size=30, max_time=max_time).fit(X, y)
    assert [w.filename for w in caught] == [__file__]
    assert model.t_ == 30 * n_batches
    assert model.n_iter_ == -(-n_batches // 3)
    assert len(model.loss_curve_) == model.n_iter_


def test_max_time_ends_partial_fit_without_a_warning(slow_batches):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = small(batch_size=30, max_time=1.5).partial_fit(X, y, classes=[0, 1, 2])
    assert model.t_ == 60


def test_max_time_ends_lbfgs_with_the_iteration(slow_batches):
    with pytest.warns(ConvergenceWarning, match="max_time=3.5 seconds"):
        model = small(solver="lbfgs", max_time=3.5, max_iter=50).fit(X, y)
    assert 1 <= model.n_iter_ < 5
    few = small(solver="lbfgs", max_iter=model.n_iter_).fit(X, y)
    assert model.loss_curve_ == few.loss_curve_


def test_after_max_time_early_stopping_has_the_best_epoch_so_far(slow_batches):
    params = {"batch_size": 10, "learning_rate_init": 0.1, "scoring": "loss"}
    noisy = np.random.RandomState(0).permutation(y_val)
    with pytest.warns(ConvergenceWarning, match="max_time"):
        model = small(
            early_stopping=True, n_iter_no_change=100, max_iter=100, max_time=100.0, **params
        ).fit(X_train, y_train, X_val=X_val, y_val=noisy)
    assert model.best_epoch_ < model.n_iter_ == 17
    plain = small(**params, max_iter=model.best_epoch_).fit(X_train, y_train)
    assert_identical_model(model, plain)
