"""Where NumpyMLPClassifier differs from MLPClassifier on purpose, and how."""

import copy
import inspect
import pickle
import warnings

import numpy as np
import pytest
import sklearn.model_selection
import sklearn.neural_network._multilayer_perceptron as sklearn_mlp
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit, log_softmax
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network._stochastic_optimizers import BaseOptimizer

from skmlp import NumpyMLPClassifier
from skmlp._engine.network import Network
from skmlp._fit.epoch_table import EpochTable
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WEIGHTS_IN_FIT = "sample_weight" in inspect.signature(MLPClassifier.fit).parameters
X, Y = make_classification(
    n_samples=100, n_features=8, n_informative=6, n_classes=3, flip_y=0.2, random_state=0
)
BINARY = np.minimum(Y, 1)
WEIGHTS = np.random.RandomState(0).uniform(0.2, 4, len(Y))
# every solver and every schedule, together once with each other's plainest
COMBINATIONS = [
    *((solver, "constant") for solver in OPTIMIZERS),
    *(("sgd", schedule) for schedule in SCHEDULES if schedule != "constant"),
    ("adamw", "one_cycle"),
]
REGULARISED = {
    "batch_norm": True,
    "noise": 0.1,
    "dropout": [0.1, 0.0],
    "input_noise": 0.1,
    "input_dropout": 0.1,
    "adversarial_radius": 0.1,
    "label_smoothing": 0.1,
    "averaging": 0.9,
    "max_norm": 1.0,
    "max_grad_norm": 1.0,
    "warmup_epochs": 0.5,
}
PLAIN_SGD = {"hidden_layer_sizes": (), "solver": "sgd", "momentum": 0, "shuffle": False}


def weights_of(model):
    return np.concatenate([array.ravel() for array in [*model.coefs_, *model.intercepts_]])


def assert_same_weights(one, other):
    assert_array_equal(weights_of(one), weights_of(other))


def logistic_sgd(model, X, y, w, mean_weight, alpha):
    """One epoch of mini-batches on w_i loss_i / (m mean) + alpha / (2 m mean) |W|^2, by hand."""
    W, b = model.coefs_[0][:, 0].copy(), model.intercepts_[0][0]
    for start in range(0, len(y), model.batch_size):
        batch = slice(start, start + model.batch_size)
        m = len(y[batch])
        delta = w[batch] * (expit(X[batch] @ W + b) - y[batch]) / (m * mean_weight)
        dW, db = X[batch].T @ delta + alpha / (m * mean_weight) * W, delta.sum()
        W, b = W - model.learning_rate_init * dW, b - model.learning_rate_init * db
    return np.append(W, b)


# 1. Sample weights


@pytest.mark.parametrize("alpha", [0, 0.5])
@pytest.mark.parametrize("batch_size", [1, 7])
def test_difference_01_a_batch_is_normalised_by_its_rows_times_the_mean_weight(batch_size, alpha):
    params = {"batch_size": batch_size, "learning_rate_init": 0.1, "alpha": alpha, **PLAIN_SGD}
    model = NumpyMLPClassifier(random_state=0, max_iter=1, **params).fit(X, BINARY, WEIGHTS)
    # a vanishing rate leaves the initial parameters
    start = NumpyMLPClassifier(random_state=0, max_iter=1, **params)
    start.set_params(learning_rate_init=1e-300).fit(X, BINARY)
    start.set_params(learning_rate_init=0.1)
    by_hand = logistic_sgd(start, X, BINARY, WEIGHTS, WEIGHTS.mean(), alpha)
    assert_allclose(weights_of(model), by_hand, rtol=1e-10)


def test_difference_01_partial_fit_divides_by_the_mean_weight_of_all_rows_so_far():
    model = NumpyMLPClassifier(
        batch_size=7, learning_rate_init=0.1, alpha=0.5, random_state=0, **PLAIN_SGD
    )
    parts = [slice(0, 30), slice(30, 90), slice(90, 100)]
    model.partial_fit(X[parts[0]], BINARY[parts[0]], WEIGHTS[parts[0]], classes=[0, 1])
    for part in parts[1:]:
        mean = WEIGHTS[: part.stop].mean()
        by_hand = logistic_sgd(model, X[part], BINARY[part], WEIGHTS[part], mean, 0.5)
        model.partial_fit(X[part], BINARY[part], WEIGHTS[part])
        assert_allclose(weights_of(model), by_hand, rtol=1e-10)


def test_difference_01_unweighted_rows_count_as_weight_one_in_the_running_mean():
    one, other = (
        NumpyMLPClassifier(batch_size=20, random_state=0).partial_fit(
            X, Y, sample_weight=first, classes=[0, 1, 2]
        )
        for first in (None, np.ones(len(Y)))
    )
    assert_allclose(
        weights_of(one.partial_fit(X, Y, WEIGHTS)),
        weights_of(other.partial_fit(X, Y, WEIGHTS)),
        rtol=1e-12,
    )


@pytest.mark.parametrize("solver", [*OPTIMIZERS, "lbfgs"])
def test_difference_01_the_unit_of_weights_and_penalty_does_not_matter(solver):
    params = {"solver": solver, "batch_size": 16, "max_iter": 5, "random_state": 0}
    one = NumpyMLPClassifier(alpha=0.5, **params).fit(X, Y, WEIGHTS)
    other = NumpyMLPClassifier(alpha=4.0, **params).fit(X, Y, 8 * WEIGHTS)
    assert_same_weights(one, other)


def test_difference_01_weights_matter_in_batches_of_one_row():
    params = {"batch_size": 1, "alpha": 0, "max_iter": 3, "random_state": 0}
    ours = [NumpyMLPClassifier(**params).fit(X, Y, w) for w in (None, WEIGHTS)]
    assert abs(weights_of(ours[0]) - weights_of(ours[1])).max() > 1e-3
    if WEIGHTS_IN_FIT:
        theirs = [MLPClassifier(**params).fit(X, Y, w) for w in (None, WEIGHTS)]
        assert_allclose(weights_of(theirs[0]), weights_of(theirs[1]), rtol=0, atol=1e-10)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("layout", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("solver", [*OPTIMIZERS, "lbfgs"])
def test_difference_01_rows_of_weight_zero_are_as_if_they_were_not_there(
    solver, layout, early_stopping
):
    params = {"solver": solver, "batch_size": 4, "max_iter": 3, "random_state": 0}
    w = WEIGHTS.copy()
    # two batches of nothing else, and some single rows
    w[:8] = w[::9] = 0
    model, without = (NumpyMLPClassifier(early_stopping=early_stopping, **params) for _ in range(2))
    model.fit(layout(X), Y, w)
    without.fit(layout(X[w > 0]), Y[w > 0], w[w > 0])
    assert_same_weights(model, without)
    assert model.loss_curve_ == without.loss_curve_
    assert model.t_ == without.t_


@pytest.mark.parametrize("shuffle", [False, True])
def test_difference_01_rows_of_weight_zero_are_as_if_not_there_in_partial_fit(shuffle):
    w = WEIGHTS.copy()
    w[:8] = w[::9] = 0
    model, without = (
        NumpyMLPClassifier(batch_size=4, shuffle=shuffle, random_state=0) for _ in range(2)
    )
    for _ in range(3):
        model.partial_fit(X, Y, w, classes=[0, 1, 2])
        without.partial_fit(X[w > 0], Y[w > 0], w[w > 0], classes=[0, 1, 2])
    assert_same_weights(model, without)


if WEIGHTS_IN_FIT:

    def test_difference_01_a_batch_of_weight_zero_breaks_mlpclassifier():
        w = WEIGHTS.copy()
        w[:8] = 0
        model = MLPClassifier(batch_size=4, shuffle=False, max_iter=3, random_state=0)
        with pytest.raises(ZeroDivisionError, match="Weights sum to zero"):
            model.fit(X, Y, w)


# 2. and 3. The validation split


@pytest.fixture
def validation_sets(monkeypatch):
    """Record what `train_test_split` holds out: rows there, row numbers here."""
    held_out = []

    def record(split):
        def recorded(*args, **kwargs):
            parts = split(*args, **kwargs)
            held_out.append(parts[1])
            return parts

        return recorded

    for module in (sklearn_mlp, sklearn.model_selection):
        monkeypatch.setattr(module, "train_test_split", record(module.train_test_split))
    return held_out


def numbers_of_rows(rows):
    return [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in rows]


def test_difference_02_the_validation_split_is_stratified_for_many_classes(validation_sets):
    y = np.arange(100) % 10
    params = {"early_stopping": True, "validation_fraction": 0.2, "max_iter": 1, "random_state": 0}
    NumpyMLPClassifier(**params).fit(X, y)
    MLPClassifier(**params).fit(X, y)
    ours, theirs = validation_sets[0], numbers_of_rows(validation_sets[1])
    assert np.bincount(y[ours]).tolist() == [2] * 10
    assert len(theirs) == 20
    assert np.bincount(y[theirs], minlength=10).tolist() != [2] * 10


@pytest.mark.parametrize("y", [np.arange(100) == 0, np.arange(100) % 40], ids=["lone", "many"])
def test_difference_02_where_no_stratified_split_exists_an_unstratified_one_serves(
    y, validation_sets
):
    NumpyMLPClassifier(early_stopping=True, max_iter=1, random_state=0).fit(X, y)
    assert len(validation_sets[0]) == 10


@pytest.mark.parametrize("seed", [0, np.random.RandomState(0), None], ids=["int", "rng", "None"])
def test_difference_03_warm_start_keeps_the_validation_split(seed, validation_sets):
    model = NumpyMLPClassifier(
        early_stopping=True, warm_start=True, max_iter=2, random_state=copy.deepcopy(seed)
    )
    for _ in range(3):
        model.fit(X, Y)
    pickle.loads(pickle.dumps(model)).fit(X, Y)
    assert len(validation_sets) == 4
    for again in validation_sets[1:]:
        assert_array_equal(again, validation_sets[0])


def test_difference_03_mlpclassifier_draws_a_new_split(validation_sets):
    model = MLPClassifier(early_stopping=True, warm_start=True, max_iter=2, random_state=0)
    model.fit(X, Y).fit(X, Y)
    first, second = (set(numbers_of_rows(rows)) for rows in validation_sets)
    assert first != second


# 4. partial_fit goes on


@pytest.mark.parametrize("through", [lambda model: model, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize(
    "params",
    [{"solver": solver, "learning_rate": schedule} for solver, schedule in COMBINATIONS]
    + [{"solver": "sgd", "nesterovs_momentum": False}],
    ids=str,
)
def test_difference_04_n_calls_of_partial_fit_are_a_fit_of_n_epochs(params, weights, through):
    if params.get("learning_rate") == "adaptive":
        # every epoch but the first is a plateau, each two divide the rate
        params = params | {"tol": 10.0, "n_iter_no_change": 1}
    common = {
        # a planned schedule is that of `max_iter` epochs
        "max_iter": 6,
        "shuffle": False,
        "batch_size": 16,
        "learning_rate_init": 0.02,
        "random_state": 0,
    }
    fitted = NumpyMLPClassifier(**common, **params).fit(X, Y, weights)
    model = NumpyMLPClassifier(**common, **params)
    for _ in range(6):
        model = through(model).partial_fit(X, Y, weights, classes=[0, 1, 2])
    assert len(fitted.loss_curve_) == 6
    assert_same_weights(model, fitted)
    assert model.loss_curve_ == fitted.loss_curve_
    assert model.t_ == fitted.t_
    assert model.best_loss_ == fitted.best_loss_


@pytest.mark.parametrize("cls", [NumpyMLPClassifier, MLPClassifier])
def test_difference_04_partial_fit_shuffles_anew_with_an_int_seed(cls):
    by_number, by_generator = (
        cls(batch_size=16, random_state=seed) for seed in (0, np.random.RandomState(0))
    )
    for call in range(4):
        for model in (by_number, by_generator):
            model.partial_fit(X, Y, classes=[0, 1, 2])
        goes_on = np.array_equal(weights_of(by_number), weights_of(by_generator))
        assert goes_on == (cls is NumpyMLPClassifier or call == 0)


# 5. Divergence


@pytest.mark.parametrize(
    ("solver", "rate", "late"), [("sgd", 1e80, False), ("adam", 1e200, False), ("sgd", 1e3, True)]
)
def test_difference_05_the_first_non_finite_loss_ends_the_fit(solver, rate, late, monkeypatch):
    values = []
    loss_gradient = Network.loss_gradient

    def recorded(*args):
        values.append(loss_gradient(*args))
        return values[-1]

    monkeypatch.setattr(Network, "loss_gradient", recorded)
    model = NumpyMLPClassifier(
        activation="identity",
        solver=solver,
        learning_rate_init=rate,
        batch_size=25,
        max_iter=500,
        random_state=0,
    )
    with pytest.raises(ValueError, match="diverged") as error:
        model.fit(X, Y)
    assert 1 < len(values) < 500 * 4
    assert np.isfinite(values[:-1]).all()
    assert not np.isfinite(values[-1])
    epoch = (len(values) - 1) // 4 + 1
    assert (epoch > 2) == late
    assert f"epoch {epoch} " in str(error.value)
    assert f"learning rate {rate:g}" in str(error.value)
    assert "lower learning_rate_init" in str(error.value)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_difference_05_mlpclassifier_runs_to_the_end():
    model = MLPClassifier(
        solver="sgd", learning_rate_init=1e80, batch_size=25, max_iter=50, random_state=0
    )
    with pytest.raises(ValueError, match="non-finite"):
        model.fit(X, Y)
    assert model.n_iter_ == 50


# 6. Log-probabilities


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_difference_06_log_probabilities_of_confident_rows_are_finite_and_exact(kind):
    y = {"binary": BINARY, "multiclass": Y, "multilabel": np.eye(3, dtype=int)[Y]}[kind]
    theirs, ours = (
        cls((), solver="lbfgs", alpha=1.0, random_state=0).fit(X, y)
        for cls in (MLPClassifier, NumpyMLPClassifier)
    )
    far = X * 1e4
    z = ours.logits(far)
    assert abs(z).max() > 1e4
    if kind == "binary":
        exact = np.column_stack([-np.logaddexp(0, z), -np.logaddexp(0, -z)])
    else:
        exact = log_softmax(z, axis=1) if kind == "multiclass" else -np.logaddexp(0, -z)
    log_proba = ours.predict_log_proba(far)
    assert np.isfinite(log_proba).all()
    assert_allclose(log_proba, exact, rtol=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert np.isneginf(theirs.predict_log_proba(far)).any()


@pytest.mark.parametrize("cls", [NumpyMLPClassifier, MLPClassifier])
def test_difference_06_the_loss_of_confident_wrong_rows_is_not_clipped(cls):
    X_one, y_one = np.array([[1e4], [1e4], [-1e4], [-1e4]]), np.array([1, 1, 0, 0])
    model = cls((), solver="sgd", batch_size=4, alpha=0, max_iter=1, random_state=0)
    model.set_params(learning_rate_init=1e-300).fit(X_one, y_one)
    slope, bias = model.coefs_[0][0, 0], model.intercepts_[0][0]
    if slope > 0:
        model.fit(X_one, 1 - y_one)
        exact = 1e4 * slope
    else:
        exact = -1e4 * slope
    assert abs(bias) < exact
    if cls is NumpyMLPClassifier:
        assert model.loss_ == pytest.approx(exact, rel=1e-12)
    else:
        assert model.loss_ < 40 < exact


# 7. float32


def arrays_in(state):
    state = state.__getstate__().values()
    return [value for value in state if isinstance(value, np.ndarray)]


@pytest.mark.parametrize("layout", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("regularised", [{}, REGULARISED], ids=["plain", "regularised"])
@pytest.mark.parametrize(("solver", "schedule"), COMBINATIONS)
def test_difference_07_float32_stays_float32(
    solver, schedule, regularised, weights, layout, monkeypatch
):
    seen = []
    step, loss_gradient = OPTIMIZERS[solver].step, Network.loss_gradient

    def recorded_step(self, theta, grad, learning_rate):
        step(self, theta, grad, learning_rate)
        seen.extend([theta.dtype, grad.dtype, *(array.dtype for array in arrays_in(self))])

    def recorded_loss_gradient(self, X, y, w=None):
        seen.extend([X.dtype, X.dtype if w is None else w.dtype])
        return loss_gradient(self, X, y, w)

    monkeypatch.setattr(OPTIMIZERS[solver], "step", recorded_step)
    monkeypatch.setattr(Network, "loss_gradient", recorded_loss_gradient)
    model = NumpyMLPClassifier(
        (6, 4),
        solver=solver,
        learning_rate=schedule,
        batch_size=16,
        max_iter=2,
        warm_start=True,
        **regularised,
    )
    data = layout(X.astype(np.float32))
    model.fit(data, Y, weights).fit(data, Y, weights).partial_fit(data, Y, weights)
    assert set(seen) == {np.dtype(np.float32)}
    assert {array.dtype for array in [*model.coefs_, *model.intercepts_]} == {np.dtype(np.float32)}
    assert len(arrays_in(model._state.solver.optimizer)) >= 1
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        assert getattr(model, method)(data).dtype == np.float32
    loaded = pickle.loads(pickle.dumps(model)).partial_fit(data, Y, weights)
    arrays = arrays_in(loaded._state.solver.optimizer)
    if regularised:
        arrays += [loaded._state.vectors, loaded._state.normalisations]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_difference_07_lbfgs_model_of_float32_is_float32():
    model = NumpyMLPClassifier(solver="lbfgs", max_iter=5).fit(X.astype(np.float32), Y)
    assert {array.dtype for array in [*model.coefs_, *model.intercepts_]} == {np.dtype(np.float32)}
    assert model.predict_proba(X.astype(np.float32)).dtype == np.float32


# 8. Size of a fitted model


def test_difference_08_a_fitted_model_carries_its_weights_and_no_optimizer_state():
    rng = np.random.RandomState(0)
    wide, y = rng.normal(size=(100, 400)), np.arange(100) % 10
    theirs, ours = (
        cls((200,), max_iter=2, random_state=0).fit(wide, y)
        for cls in (MLPClassifier, NumpyMLPClassifier)
    )
    size = weights_of(ours).nbytes
    assert len(pickle.dumps(ours)) <= 1.05 * size + 20_000
    assert len(pickle.dumps(theirs)) > 3.5 * size
    assert ours._state.solver is None


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_difference_08_the_solvers_state_stays_where_training_is_to_go_on(solver):
    def state_of(model):
        kept, loaded = model._state.solver, pickle.loads(pickle.dumps(model))._state.solver
        assert (kept is None) == (loaded is None)
        if kept is not None:
            states = (arrays_in(solver.optimizer) for solver in (kept, loaded))
            for ours, theirs in zip(*states, strict=True):
                assert_array_equal(ours, theirs)
        return kept

    model = NumpyMLPClassifier(solver=solver, max_iter=2, random_state=0)
    assert state_of(model.fit(X, Y)) is None
    assert state_of(model.partial_fit(X, Y)) is not None
    assert state_of(model.fit(X, Y)) is None
    assert state_of(model.set_params(warm_start=True).fit(X, Y)) is not None


# 9. Interrupts


def interrupt(monkeypatch, cls, method, call):
    """Raise KeyboardInterrupt in the given call of the method, counted from 1."""
    calls = []
    original = getattr(cls, method)

    def interrupted(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return original(self, *args, **kwargs)

    monkeypatch.setattr(cls, method, interrupted)


def fitted_attributes(model):
    return {name: value for name, value in vars(model).items() if name.endswith("_")}


@pytest.mark.parametrize("solver", [*OPTIMIZERS, "lbfgs"])
def test_difference_09_interrupt_in_the_first_epoch_leaves_an_unfitted_model(solver, monkeypatch):
    model = NumpyMLPClassifier(solver=solver, batch_size=25, random_state=0)
    interrupt(monkeypatch, Network, "loss_gradient", 1 if solver == "lbfgs" else 3)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert not fitted_attributes(model)
    with pytest.raises(NotFittedError):
        model.predict(X)


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_difference_09_interrupt_in_the_first_epoch_leaves_the_model_before(
    method, warm_start, monkeypatch
):
    model = NumpyMLPClassifier(batch_size=25, max_iter=3, random_state=0, warm_start=warm_start)
    model.fit(X, Y).partial_fit(X, Y)
    before = pickle.dumps(model)
    interrupt(monkeypatch, Network, "loss_gradient", 3)
    with pytest.raises(KeyboardInterrupt):
        getattr(model, method)(X, Y)
    assert pickle.dumps(model) == before


@pytest.mark.parametrize("place", ["loss_gradient", "print_line"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_difference_09_later_interrupt_keeps_the_last_complete_epoch(
    solver, early_stopping, place, monkeypatch
):
    params = {
        "solver": solver,
        "early_stopping": early_stopping,
        "batch_size": 30,
        "learning_rate_init": 0.01,
        "random_state": 0,
    }
    three = NumpyMLPClassifier(max_iter=3, **params).fit(X, Y)
    model = NumpyMLPClassifier(max_iter=50, **params)
    if place == "print_line":
        # the third epoch is complete when it is reported
        interrupt(monkeypatch, EpochTable, "print_line", 3)
    else:
        batches = 3 if early_stopping else 4
        interrupt(monkeypatch, Network, "loss_gradient", 3 * batches + 2)
    with pytest.warns(UserWarning, match="interrupted") as warned:
        model.fit(X, Y)
    assert len(warned) == 1
    assert model.n_iter_ == 3
    assert_same_weights(model, three)
    published = fitted_attributes(three)
    assert fitted_attributes(model).keys() == published.keys()
    for name in published.keys() - {"coefs_", "intercepts_"}:
        assert_array_equal(getattr(model, name), published[name], err_msg=name)


def test_difference_09_later_interrupt_of_lbfgs_keeps_the_last_complete_iteration(monkeypatch):
    three = NumpyMLPClassifier(solver="lbfgs", max_iter=3, random_state=0).fit(X, Y)
    model = NumpyMLPClassifier(solver="lbfgs", max_iter=50, random_state=0)
    interrupt(monkeypatch, EpochTable, "print_line", 3)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, Y)
    assert model.n_iter_ == 3
    assert_same_weights(model, three)
    assert model.loss_curve_ == three.loss_curve_
    assert model.loss_ == three.loss_


def test_difference_09_mlpclassifier_is_half_fitted(monkeypatch):
    interrupt(monkeypatch, BaseOptimizer, "update_params", 3)
    model = MLPClassifier(batch_size=25, random_state=0)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, Y)
    assert model.n_iter_ == 0
    assert not hasattr(model, "loss_")
    assert model.predict(X).shape == Y.shape


# 10. The weight penalty


@pytest.mark.parametrize("batch_size", [100, 40, 1])
@pytest.mark.parametrize("alpha", [1.0, 30.0])
@pytest.mark.parametrize("solver", ["adam", "lbfgs", "sgd"])
def test_difference_10_alpha_is_no_difference(solver, alpha, batch_size):
    theirs, ours = (
        cls(
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate_init=0.001,
            max_iter=5,
            random_state=0,
        ).fit(X, Y)
        for cls in (MLPClassifier, NumpyMLPClassifier)
    )
    assert_allclose(weights_of(ours), weights_of(theirs), rtol=0, atol=1e-9)
    if solver != "lbfgs":
        assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)


def test_difference_10_alpha_is_over_the_rows_of_the_batch():
    # a vanishing rate leaves the parameters, so that the loss is of one and the same network
    losses = {}
    for batch_size in (100, 25):
        for alpha in (0, 6.0):
            model = NumpyMLPClassifier(
                alpha=alpha,
                batch_size=batch_size,
                learning_rate_init=1e-300,
                solver="sgd",
                max_iter=1,
                random_state=0,
            ).fit(X, Y)
            losses[batch_size, alpha] = model.loss_
    squares = sum((W**2).sum() for W in model.coefs_)
    for batch_size in (100, 25):
        penalty = losses[batch_size, 6.0] - losses[batch_size, 0]
        assert penalty == pytest.approx(6.0 / (2 * batch_size) * squares)


# 11. Warm start


def test_difference_11_a_warm_start_has_its_patience_anew():
    params = {"tol": 1.0, "n_iter_no_change": 7, "max_iter": 5, "warm_start": True}
    theirs, ours = (
        cls(random_state=1, **params).fit(X, Y).fit(X, Y)
        for cls in (MLPClassifier, NumpyMLPClassifier)
    )
    # patience is for 7 epochs, of which their first fit has used 4
    assert theirs.n_iter_ == 4
    assert ours.n_iter_ == 5


def inverted_digits():
    digits, labels = load_digits(return_X_y=True)
    return digits / 16, 1 - digits / 16, labels


def test_difference_11_a_converged_model_learns_from_other_rows():
    digits, inverted, labels = inverted_digits()
    params = {"max_iter": 400, "tol": 1e-3, "learning_rate_init": 0.01, "random_state": 0}
    theirs, ours = (
        cls((30,), warm_start=True, **params).fit(digits, labels).fit(inverted, labels)
        for cls in (MLPClassifier, NumpyMLPClassifier)
    )
    assert theirs.n_iter_ == 1
    assert theirs.score(inverted, labels) < 0.2
    assert ours.score(inverted, labels) > 0.8


def test_difference_11_early_stopping_measures_the_value_to_beat_on_the_rows_of_each_call():
    digits, _, labels = inverted_digits()
    params = {"early_stopping": True, "warm_start": True, "max_iter": 300, "random_state": 0}
    theirs, ours = (
        cls((50,), **params).fit(digits[:200], labels[:200])
        for cls in (MLPClassifier, NumpyMLPClassifier)
    )
    for model in (theirs, ours):
        model.fit(digits[:900], labels[:900])
    assert theirs.n_iter_ == 1
    assert theirs.score(digits[900:], labels[900:]) < 0.6
    assert ours.score(digits[900:], labels[900:]) > 0.8


def test_difference_11_a_fit_that_makes_the_model_worse_keeps_it():
    digits, _, labels = inverted_digits()
    model = NumpyMLPClassifier(
        (50,), early_stopping=True, scoring="loss", warm_start=True, random_state=0, max_iter=100
    ).fit(digits, labels)
    before, proba = model.best_validation_score_, model.predict_proba(digits)
    model.set_params(learning_rate_init=3.0).fit(digits, labels)
    assert model.best_epoch_ == 0
    assert model.best_validation_score_ == before
    assert_array_equal(model.predict_proba(digits), proba)
