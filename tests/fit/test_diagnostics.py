"""What a fit warns of."""

import math
import warnings

import numpy as np
import pytest
from engine_networks import make_network
from networks import SOLVERS, TARGETS, X, X_multi, Y_multi, assert_identical_model, small, y
from sklearn.exceptions import ConvergenceWarning

from skmlp._fit.diagnostics import barely_beats_baseline
from skmlp._training.dataset import Dataset
from skmlp._training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_a_batch_larger_than_the_data_warns_and_is_all_of_it():
    message = "batch_size=1000 is larger than the training set"
    with pytest.warns(UserWarning, match=message) as caught:
        model = small(batch_size=1000).fit(X, y)
    assert_identical_model(model, small(batch_size=90).fit(X, y))
    assert {w.filename for w in caught if "batch_size" in str(w.message)} == {__file__}


# --- How training ended -----------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_convergence_warning_when_max_iter_is_reached_and_only_then(solver):
    with pytest.warns(ConvergenceWarning, match="(?i)max_iter") as caught:
        small(solver=solver, max_iter=2).fit(X, y)
    assert [w.filename for w in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = small(solver=solver, max_iter=5000, tol=1e-3, alpha=0.1, learning_rate_init=0.05)
        model.fit(X, y)
    assert model.n_iter_ < 5000


@pytest.mark.parametrize("limit", [{"max_iter": 2}, {"max_time": 1e-6}])
@pytest.mark.parametrize("scoring", [None, "loss"])
def test_a_fit_that_trains_twice_warns_once(limit, scoring):
    model = small(early_stopping=True, scoring=scoring, refit=True, **limit)
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(X, y)
    assert len(caught) == 1


def test_partial_fit_never_warns_of_convergence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small().partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y)


# --- Nothing learnt ---------------------------------------------------------------------------

HARDLY = "standstill.*hardly better than the frequencies.*StandardScaler.*learning_rate_init"


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", OPTIMIZERS)
@pytest.mark.parametrize("data", TARGETS.values(), ids=TARGETS)
def test_a_standstill_that_has_learnt_nothing_is_warned_of(data, solver, early_stopping):
    inputs, labels = np.zeros_like(data[0]), data[1]
    with pytest.warns(ConvergenceWarning, match=HARDLY) as caught:
        small(solver=solver, early_stopping=early_stopping, max_iter=2000, tol=1e-2).fit(
            inputs, labels
        )
    assert [w.filename for w in caught] == [__file__]


def test_a_rate_too_low_for_the_tolerance_is_warned_of():
    with pytest.warns(ConvergenceWarning, match=HARDLY):
        small(learning_rate_init=1e-7, max_iter=2000, tol=0.1).fit(X, y)


def test_dead_units_are_warned_of():
    far = X - 1e3  # beyond the kink of every unit whose weights are positive in sum
    model = small(hidden_layer_sizes=(1,), weight_init=1.0, max_iter=5000, random_state=0)
    with pytest.warns(ConvergenceWarning, match=HARDLY):
        model.set_params(learning_rate_init=0.1).fit(far, y)


def test_what_has_been_learnt_is_not_warned_of_however_it_ended():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        params = {"max_iter": 5000, "tol": 1e-3, "learning_rate_init": 0.05}
        small(**params).fit(X, y)
        small(early_stopping=True, **params).fit(X, y)
        small(class_weight="balanced", **params).fit(X[:60], y[:60] == 0, np.linspace(1, 9, 60))
        small(label_smoothing=0.3, **params).fit(X, y)
        small(**params).fit(X_multi, Y_multi)
        # one class alone leaves nothing to learn
        small(**params).fit(X, np.zeros(90))
        small(**params).partial_fit(np.zeros_like(X), y, classes=[0, 1, 2])


# --- Parameters without effect -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"scoring": "accuracy"}, "scoring='accuracy' has no effect without a validation set"),
        ({"scoring": "loss"}, "scoring='loss' has no effect without a validation set"),
        ({"refit": True}, "refit=True has no effect without early stopping"),
        (
            {"scoring": "loss", "early_stopping": True, "solver": "lbfgs"},
            "scoring='loss' has no effect .* with a stochastic solver",
        ),
    ],
)
def test_parameters_for_a_validation_set_warn_if_there_is_none(params, message):
    with pytest.warns(UserWarning, match=message) as caught:
        small(**params).fit(X, y)
    assert {w.filename for w in caught if "no effect" in str(w.message)} == {__file__}


def test_refit_with_a_validation_set_of_ones_own_warns():
    with pytest.warns(UserWarning, match="refit=True has no effect with X_val"):
        small(refit=True, early_stopping=True).fit(X, y, X_val=X, y_val=y)


@pytest.mark.parametrize(
    ("params", "own_set"),
    [
        ({"scoring": "loss", "early_stopping": True, "refit": True}, False),
        ({"scoring": "accuracy"}, True),
        ({"scoring": "accuracy", "early_stopping": True}, True),
        ({}, False),
    ],
)
def test_parameters_that_have_an_effect_do_not_warn(params, own_set):
    validation = {"X_val": X, "y_val": y} if own_set else {}
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*no effect")
        small(**params).fit(X, y, **validation)


def test_partial_fit_does_not_warn_of_what_fit_would_use():
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*no effect")
        small(scoring="loss", refit=True).partial_fit(X, y, classes=np.unique(y))


# --- The limit to raise ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "limit"),
    [
        ({"max_iter": 2}, "max_iter"),
        ({"max_iter": 500, "max_time": 1e-6}, "max_time"),
        ({"solver": "lbfgs", "max_iter": 2}, "max_iter"),
        ({"solver": "lbfgs", "max_iter": 500, "max_fun": 2, "tol": 1e-9}, "max_fun"),
    ],
)
def test_the_warning_names_the_limit_that_was_reached(params, limit):
    with pytest.warns(ConvergenceWarning, match=rf"Increase {limit},"):
        small(**params).fit(X, y)


def test_epochs_without_patience_are_planned_and_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = small(max_iter=3, n_iter_no_change=np.inf).fit(X, y)
    assert model.n_iter_ == 3


# --- Learning nothing --------------------------------------------------------------------------


def shares(n_yes, n=8):
    """Return rows of which so many are yes, and a network of one bias."""
    y = (np.arange(n) < n_yes)[:, np.newaxis]
    return Dataset(np.zeros((n, 1)), y), make_network((1, 1), "relu", "logistic")


def test_predicting_the_frequencies_is_to_have_hardly_learnt():
    rows, network = shares(6)
    network.b[0][:] = math.log(3)  # a = 3 / 4
    assert barely_beats_baseline(network, rows)


def test_predicting_worse_than_the_frequencies_is_to_have_hardly_learnt():
    rows, network = shares(6)
    network.b[0][:] = -5.0
    assert barely_beats_baseline(network, rows)


def test_a_loss_clearly_below_the_entropy_is_to_have_learnt():
    rows, network = shares(6)
    network.W[0][:] = 1.0
    assert not barely_beats_baseline(network, Dataset(2.0 * rows.y - 1, rows.y))


def test_rows_count_by_their_weights():
    rows, network = shares(4)
    network.W[0][:] = 2.0
    wrong = np.arange(8) % 2 == 0
    X = np.where(wrong[:, np.newaxis], 1 - 2.0 * rows.y, 2.0 * rows.y - 1)
    light = np.where(wrong, 1e-3, 1.0)
    assert barely_beats_baseline(network, Dataset(X, rows.y))
    for scale in (1.0, 100.0):
        assert not barely_beats_baseline(network, Dataset(X, rows.y, scale * light))
        assert barely_beats_baseline(network, Dataset(X, rows.y, scale * light[::-1]))


def test_one_class_alone_leaves_nothing_to_learn():
    rows, network = shares(8)
    assert not barely_beats_baseline(network, rows)


@pytest.mark.parametrize("index", [None, np.arange(0, 60, 2)], ids=["all", "some"])
def test_it_is_judged_by_rows_from_all_over_the_selected_ones(index):
    network = make_network((1, 1), "relu", "logistic")
    network.W[0][:] = 2.0
    X = np.where(np.arange(60) % 3, 1.0, -1.0)[:, np.newaxis]
    # right in one half, the first one or the second, and wrong in the other, which is worse
    first_half = np.arange(60)[:, np.newaxis] < 30
    for yes in ((X > 0) == first_half, (X > 0) != first_half):
        assert barely_beats_baseline(network, Dataset(X, yes, None, index), n_rows=8)
    assert not barely_beats_baseline(network, Dataset(X, X > 0, None, index), n_rows=8)
    if index is not None:
        # what the other rows say does not matter
        yes = (X > 0) == np.isin(np.arange(60), index)[:, np.newaxis]
        assert not barely_beats_baseline(network, Dataset(X, yes, None, index), n_rows=8)
