"""The validation set, the second training on all rows, and the threads of a fit."""

import numpy as np
import pytest
from networks import (
    DISTURBED,
    SOLVERS,
    TRANSFORMED,
    X,
    X_train,
    X_val,
    assert_identical_model,
    small,
    transformed,
    y,
    y_train,
    y_val,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_info, threadpool_limits

from skmlp._engine.network import Network
from skmlp._fit.epoch_table import EpochTable
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.solver import Solver

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- The validation set -----------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def limit_of_blas():
    """Leave BLAS the threads that the machine gives it."""


def test_a_given_validation_set_spares_the_split():
    model = small(early_stopping=True).fit(X_train, y_train, X_val=X_val, y_val=y_val)
    split = small(early_stopping=True, validation_fraction=0.2).fit(X_train, y_train)
    assert model.t_ == 60 * model.n_iter_
    assert split.t_ == 48 * split.n_iter_
    assert model.validation_scores_[-1] in [k / 30 for k in range(31)]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_validation_is_recorded_but_decides_only_with_early_stopping(early_stopping, solver):
    params = {"solver": solver, "max_iter": 30, "learning_rate_init": 0.05, "n_iter_no_change": 2}
    model = small(early_stopping=early_stopping, **params)
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)
    if early_stopping and solver in OPTIMIZERS:
        assert model.best_loss_ is None
        assert model.score(X_val, y_val) == model.best_validation_score_
    else:
        blind = small(**params).fit(X_train, y_train)
        assert_identical_model(model, blind)
        assert model.loss_curve_ == blind.loss_curve_
        assert model.best_loss_ == min(model.loss_curve_)
        assert blind.validation_scores_ is None
        assert blind.validation_loss_curve_ is None
        assert blind.best_validation_score_ is None


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_scale_of_sample_weights_changes_no_curve(solver):
    w = np.linspace(0.5, 2, 90)
    params = {"early_stopping": True, "alpha": 0, "solver": solver}
    model, scaled = small(**params).fit(X, y, w), small(**params).fit(X, y, 100 * w)
    assert scaled.loss_curve_ == pytest.approx(model.loss_curve_)
    if solver in OPTIMIZERS:
        assert scaled.validation_loss_curve_ == pytest.approx(model.validation_loss_curve_)
        assert scaled.validation_scores_ == pytest.approx(model.validation_scores_)


def test_early_stopping_ends_with_the_weights_of_the_best_epoch():
    params = {"learning_rate_init": 0.05, "batch_size": 10, "alpha": 0}
    noisy = np.random.RandomState(0).permutation(y_val)
    model = small(early_stopping=True, max_iter=300, n_iter_no_change=5, **params)
    model.fit(X_train, y_train, X_val=X_val, y_val=noisy)
    best = int(np.argmax(model.validation_scores_)) + 1
    assert best < model.n_iter_ < 300
    at_best = small(max_iter=best, **params).fit(X_train, y_train)
    assert_identical_model(model, at_best)


@transformed
def test_validation_is_of_what_is_published(params):
    model = small(batch_size=20, **params, **DISTURBED)
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    expected = log_loss(y_val, model.predict_proba(X_val))
    assert model.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-10)


@transformed
def test_early_stopping_publishes_the_best_epoch_of_what_is_published(params):
    model = small(
        batch_size=10, learning_rate_init=0.05, early_stopping=True, scoring="loss",
        n_iter_no_change=3, max_iter=100, **params,
    )  # fmt: skip
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    assert model.best_epoch_ < model.n_iter_ < 100
    expected = log_loss(y_val, model.predict_proba(X_val))
    assert min(model.validation_loss_curve_) == pytest.approx(expected, rel=1e-10)


# --- Refit ------------------------------------------------------------------------------------

REFIT = {"early_stopping": True, "refit": True, "shuffle": False, "scoring": "loss"}
SEARCH = {"batch_size": 10, "learning_rate_init": 0.1, "n_iter_no_change": 3, "max_iter": 100}


@pytest.mark.parametrize("weights", [None, np.linspace(0.1, 5, 90)], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    "params",
    [{"alpha": 0.5}, *TRANSFORMED.values(), {"solver": "sgd"}, {"learning_rate": "exponential"}],
    ids=str,
)
def test_refit_trains_on_all_rows_for_the_best_number_of_epochs(params, weights):
    noisy = np.where(np.arange(90) % 4, y, (y + 1) % 3)
    model = small(**SEARCH | REFIT | params).fit(X, noisy, weights)
    search = small(**SEARCH | REFIT | params | {"refit": False}).fit(X, noisy, weights)
    assert 0 < model.best_epoch_ < model.n_iter_ < 100
    for name in ("best_epoch_", "n_iter_", "loss_curve_", "validation_loss_curve_"):
        assert getattr(model, name) == getattr(search, name), name
    on_all = SEARCH | params | {"max_iter": model.best_epoch_, "shuffle": False, "tol": 0}
    expected = small(**(on_all | {"n_iter_no_change": np.inf})).fit(X, noisy, weights)
    assert_identical_model(model, expected)
    assert model.loss_ == expected.loss_
    assert model.t_ == search.t_ + expected.t_
    assert not np.array_equal(model.coefs_[0], search.coefs_[0])


def test_refit_with_shuffling_is_reproducible():
    params = SEARCH | REFIT | {"shuffle": True}
    assert_identical_model(*(small(**params).fit(X, y) for _ in range(2)))


def test_refit_repeats_the_rates_of_the_search(monkeypatch):
    rates, epoch_end = [], Solver.epoch_end

    def recorded(self, n_rows):
        rates.append((n_rows, self.learning_rate))
        epoch_end(self, n_rows)

    monkeypatch.setattr(Solver, "epoch_end", recorded)
    params = REFIT | {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.5}
    noisy = np.random.RandomState(0).permutation(y)
    model = small(batch_size=10, n_iter_no_change=1, max_iter=100, **params).fit(X, noisy)
    search = [rate for n_rows, rate in rates if n_rows == 81]
    again = [rate for n_rows, rate in rates if n_rows == 90]
    assert search == model.learning_rate_curve_
    assert again == search[: model.best_epoch_]
    assert len(set(again)) > 1


def test_refit_comes_after_max_iter_too():
    params = REFIT | {"max_iter": 3}
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        model = small(**params).fit(X, y)
    plain = small(max_iter=model.best_epoch_, shuffle=False).fit(X, y)
    assert_identical_model(model, plain)


def test_refit_has_no_effect_on_a_given_validation_set_nor_without_early_stopping():
    given = {"X_val": X_val, "y_val": y_val}
    for params in ({"early_stopping": True, "scoring": "loss"}, {}):
        models = [
            small(refit=refit, **SEARCH | params).fit(X_train, y_train, **given)
            for refit in (False, True)
        ]
        assert_identical_model(*models)
    assert_identical_model(small(refit=True).fit(X, y), small().fit(X, y))


def in_the_refit(monkeypatch, act):
    """Have `act` called within the first epoch of the refit, which is known by its batches."""
    loss_gradient, sizes = Network.loss_gradient, []

    def watched(self, X_batch, *args):
        sizes.append(X_batch.shape[0])
        # 81 rows make batches of 40, 40 and 1, and 90 rows of 40, 40 and 10
        if sizes[-3:] == [40, 40, 10]:
            act()
        return loss_gradient(self, X_batch, *args)

    monkeypatch.setattr(Network, "loss_gradient", watched)


@pytest.mark.parametrize("cause", ["interrupt", "max_time"])
def test_a_refit_that_is_not_completed_leaves_the_model_of_the_search(cause, monkeypatch):
    params = SEARCH | REFIT | {"batch_size": 40, "n_iter_no_change": 10}
    search = small(**params | {"refit": False}).fit(X, y)
    assert search.best_epoch_ > 1
    model = small(**params, max_time=1000.0)
    if cause == "interrupt":

        def interrupt():
            raise KeyboardInterrupt

        in_the_refit(monkeypatch, interrupt)
    else:
        now = [0.0]
        monkeypatch.setattr("time.perf_counter", lambda: now[0])
        in_the_refit(monkeypatch, lambda: now.__setitem__(0, 2000.0))
    said = {"interrupt": "interrupted", "max_time": "max_time=1000.0 seconds.*second training"}
    with pytest.warns(UserWarning, match=said[cause]):
        model.fit(X, y)
    assert_identical_model(model, search)
    assert model.best_epoch_ == search.best_epoch_


# --- Threads ----------------------------------------------------------------------------------


def blas_limits():
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return {library["filepath"]: library["num_threads"] for library in libraries}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("n_threads", "in_force"), [("auto", 1), (1, 1), (2, 2)])
def test_a_fit_of_a_small_network_uses_the_threads_asked_for(
    n_threads, in_force, solver, monkeypatch
):
    seen = []
    monkeypatch.setattr(EpochTable, "print_line", lambda *args: seen.append(blas_limits()))
    with threadpool_limits(2, user_api="blas"):
        before = blas_limits()
        model = small(solver=solver, max_iter=2, n_threads=n_threads).fit(X, y)
        assert [max(limits.values()) for limits in seen] == [in_force] * 2
        model.predict(X)
        assert blas_limits() == before


def test_a_failed_fit_restores_the_limits_of_its_caller():
    before = blas_limits()
    with pytest.raises(ValueError, match="diverged"):
        small(solver="sgd", learning_rate_init=1e300).fit(X, y)
    assert blas_limits() == before


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_number_of_threads_changes_a_small_model_in_no_bit(dtype):
    one, two = (small(n_threads=n, dtype=dtype).fit(X, y) for n in (1, 2))
    assert_identical_model(one, two)
