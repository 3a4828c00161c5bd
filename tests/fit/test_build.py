"""How parameters become a network, a solver, a generator and a stopping rule."""

import pickle
import warnings
from itertools import permutations

import numpy as np
import pytest
from networks import (
    DISTURBED,
    FROZEN,
    REGULARISED,
    SOLVERS,
    TARGETS,
    X,
    X_train,
    X_val,
    assert_identical_model,
    assert_same_model,
    forward,
    small,
    transformed,
    y,
    y_train,
    y_val,
)
from scipy import sparse
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from skmlp import NumpyMLPClassifier
from skmlp._engine.initializers import INITIALIZERS
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- Initial weights --------------------------------------------------------------------------


def test_every_weight_init_starts_elsewhere_and_trains():
    options = [*INITIALIZERS, 0.3]
    starts = []
    for option in options:
        frozen = small(weight_init=option, solver="sgd", learning_rate_init=1e-300, max_iter=1)
        starts.append(frozen.fit(X, y).coefs_[0])
        trained = small(weight_init=option, max_iter=150, learning_rate_init=0.02).fit(X, y)
        assert trained.loss_curve_[-1] < 0.5 * trained.loss_curve_[0]
    for i, start in enumerate(starts):
        for other in starts[i + 1 :]:
            assert not np.array_equal(start, other)


@pytest.mark.parametrize("s", [0.01, 2.0, 1])
def test_a_number_for_weight_init_is_the_standard_deviation(s):
    model = NumpyMLPClassifier(
        (300,), weight_init=s, solver="sgd", learning_rate_init=1e-300, max_iter=1, random_state=0
    )
    model.fit(np.repeat(X, 10, axis=1), y)
    for drawn in (model.coefs_[0].ravel(), model.intercepts_[0]):
        assert np.std(drawn) == pytest.approx(s, rel=5 / np.sqrt(2 * drawn.size))
        assert abs(np.mean(drawn)) < 5 * s / np.sqrt(drawn.size)


def test_no_hidden_layer_is_allowed():
    model = NumpyMLPClassifier((), solver="lbfgs", random_state=0).fit(X, y)
    assert [W.shape for W in model.coefs_] == [(4, 3)]
    assert model.n_layers_ == 2
    assert model.score(X, y) > 0.8


# --- Generators -------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_int_seed_is_reproducible(solver):
    assert_identical_model(small(solver=solver).fit(X, y), small(solver=solver).fit(X, y))
    other = small(solver=solver, random_state=1).fit(X, y)
    assert not np.array_equal(other.coefs_[0], small(solver=solver).fit(X, y).coefs_[0])


def test_no_seed_uses_the_global_generator():
    models = []
    for _ in range(2):
        np.random.seed(3)  # noqa: NPY002
        models.append(small(random_state=None).fit(X, y))
    assert_identical_model(*models)
    assert not np.array_equal(small(random_state=None).fit(X, y).coefs_[0], models[0].coefs_[0])


def test_an_int_seed_leaves_the_global_generator_alone():
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002
    small(early_stopping=True).fit(X, y)
    assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_generator_as_seed_advances(method):
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    rng = np.random.RandomState(0)
    first = getattr(small(random_state=rng), method)(X, y, **arguments)
    second = getattr(small(random_state=rng), method)(X, y, **arguments)
    assert first.random_state is rng
    assert_identical_model(first, getattr(small(random_state=0), method)(X, y, **arguments))
    assert not np.array_equal(first.coefs_[0], second.coefs_[0])


@pytest.mark.parametrize("shuffle", [False, True])
def test_each_partial_fit_shuffles_anew_if_at_all(shuffle):
    model = small(solver="sgd", batch_size=1, momentum=0, shuffle=shuffle)
    start = model.partial_fit(X, y, classes=[0, 1, 2]).coefs_, model.intercepts_
    ends = []
    for _ in range(2):
        model.coefs_, model.intercepts_ = start
        ends.append(model.partial_fit(X, y).coefs_[0])
    assert np.array_equal(*ends) != shuffle


@pytest.mark.parametrize("regularised", [DISTURBED, REGULARISED], ids=["disturbed", "all"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_int_seed_repeats_noise_and_dropout(regularised, dtype):
    params = {"dtype": dtype, "batch_size": 20, **regularised}
    first, again = (small(**params).fit(X, y) for _ in range(2))
    assert_identical_model(again, first)
    assert again.loss_curve_ == first.loss_curve_
    assert small(random_state=1, **params).fit(X, y).loss_curve_ != first.loss_curve_


# --- Regularisers -----------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "value"), REGULARISED.items(), ids=REGULARISED)
def test_every_regulariser_changes_training_and_its_default_does_not(name, value):
    params = {"solver": "sgd", "learning_rate_init": 0.1, "batch_size": 20}
    plain, off = small(**params).fit(X, y), NumpyMLPClassifier().get_params()[name]
    changed = small(**params, **{name: value}).fit(X, y)
    assert np.abs(changed.coefs_[0] - plain.coefs_[0]).max() > 1e-3
    assert_identical_model(small(**params, **{name: off}).fit(X, y), plain)


@pytest.mark.parametrize("hidden", [(6,), (6, 5)])
@pytest.mark.parametrize("name", ["activation", "dropout", "noise"])
def test_one_value_for_all_layers_is_a_sequence_of_it(name, hidden):
    value = "tanh" if name == "activation" else 0.2
    one = small(hidden_layer_sizes=hidden, **{name: value}).fit(X, y)
    for sequence in ([value] * len(hidden), (value,) * len(hidden), np.repeat(value, len(hidden))):
        each = small(hidden_layer_sizes=hidden, **{name: sequence}).fit(X, y)
        assert_identical_model(each, one)
        np.testing.assert_array_equal(each.predict_proba(X), one.predict_proba(X))


def test_layers_may_differ_in_activation_noise_and_dropout():
    sizes = {"hidden_layer_sizes": (6, 5)}
    for name, here, there in (
        ("activation", ["tanh", "relu"], ["relu", "tanh"]),
        ("dropout", [0.5, 0.0], [0.0, 0.5]),
        ("noise", [0.5, 0.0], [0.0, 0.5]),
    ):
        models = [small(**sizes, **{name: value}).fit(X, y) for value in (here, there)]
        assert not np.allclose(models[0].coefs_[0], models[1].coefs_[0])


@pytest.mark.parametrize("data", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_regularised_training_learns_and_predicts_the_same_each_time(solver, data):
    model = small(
        solver=solver, learning_rate_init=0.02, max_iter=60, hidden_layer_sizes=(20,), **REGULARISED
    ).fit(*data)
    proba = model.predict_proba(data[0])
    np.testing.assert_array_equal(model.predict_proba(data[0]), proba)
    frequencies = np.tile(np.mean(np.eye(3)[y], axis=0), (90, 1))
    if data[0] is X and len(model.classes_) == 3:
        assert log_loss(y, proba) < 0.8 * log_loss(y, frequencies)


@pytest.mark.parametrize("solver", SOLVERS)
def test_averaging_of_nothing_is_no_averaging(solver):
    assert_identical_model(
        small(solver=solver, averaging=0.0).fit(X, y), small(solver=solver).fit(X, y)
    )


def test_a_running_mean_is_smoother_than_what_it_follows():
    params = {"solver": "sgd", "learning_rate_init": 0.5, "batch_size": 5, "max_iter": 30}
    plain, averaged = (
        small(averaging=averaging, **params).fit(X_train, y_train, X_val=X_val, y_val=y_val)
        for averaging in (None, 0.99)
    )
    # the training is the same
    assert averaged.loss_curve_ == plain.loss_curve_
    jumps = [np.abs(np.diff(m.validation_loss_curve_[5:])).mean() for m in (plain, averaged)]
    assert jumps[1] < 0.5 * jumps[0]


@pytest.mark.parametrize("name", ["input_noise", "noise", "dropout", "adversarial_radius"])
def test_disturbed_sparse_rows_train_as_dense_ones(name):
    params = {name: 0.3, "batch_size": 20}
    dense = small(**params).fit(X, y)
    assert_same_model(small(**params).fit(sparse.csr_matrix(X), y), dense)


def test_weights_stay_within_their_largest_norm():
    for params in ({}, {"averaging": 0.9}):
        model = small(max_norm=0.5, learning_rate_init=0.1, max_iter=20, **params).fit(X, y)
        norms = np.concatenate([np.linalg.norm(W, axis=0) for W in model.coefs_])
        assert norms.max() <= 0.5 * (1 + 1e-12)
        assert (norms > 0.49).any()


def test_label_smoothing_makes_predictions_less_certain():
    params = {"solver": "lbfgs", "max_iter": 500, "alpha": 0, "hidden_layer_sizes": ()}
    separable = np.eye(3)[y]
    sure, smoothed = (
        small(label_smoothing=s, **params).fit(separable, y).predict_proba(separable)
        for s in (0.0, 0.3)
    )
    np.testing.assert_allclose(sure, np.eye(3)[y], atol=1e-2)
    np.testing.assert_allclose(smoothed, 0.7 * np.eye(3)[y] + 0.1, atol=1e-3)


def test_weight_decay_is_for_adamw_and_shrinks_weights():
    small_norm, large_norm = (
        np.linalg.norm(small(solver="adamw", weight_decay=decay, max_iter=50).fit(X, y).coefs_[0])
        for decay in (50.0, 0.0)
    )
    assert small_norm < 0.5 * large_norm
    assert_identical_model(small(weight_decay=50.0).fit(X, y), small().fit(X, y))


# --- Schedules --------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", ["adaptive", "invscaling"])
def test_adam_takes_the_schedules_of_mlpclassifier_as_constant_and_adamw_does_not(schedule):
    params = {"learning_rate": schedule, "tol": 10.0, "n_iter_no_change": 1, "max_iter": 8}
    with_patience = params | {"learning_rate": "constant"}
    for solver in ("adam", "adamw"):
        model = small(solver=solver, **params).fit(X, y)
        constant = small(solver=solver, **with_patience).fit(X, y)
        same = model.learning_rate_curve_ == constant.learning_rate_curve_
        assert same == (solver == "adam")


PLANNED = [name for name, schedule in SCHEDULES.items() if schedule.planned]


@pytest.mark.parametrize("solver", OPTIMIZERS)
@pytest.mark.parametrize("schedule", PLANNED)
def test_a_planned_schedule_runs_to_max_iter_without_a_warning(schedule, solver):
    params = {"learning_rate": schedule, "learning_rate_init": 0.02, "solver": solver}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # each epoch is a plateau
        model = small(max_iter=40, tol=10.0, n_iter_no_change=1, **params).fit(X, y)
    assert model.n_iter_ == model.best_epoch_ == 40
    assert model.learning_rate_curve_[-1] < 0.1 * max(model.learning_rate_curve_)


@pytest.mark.parametrize("schedule", PLANNED)
def test_early_stopping_ends_a_planned_schedule(schedule):
    model = small(
        learning_rate=schedule, early_stopping=True, max_iter=200, n_iter_no_change=3, tol=1.0
    ).fit(X, y)
    assert model.n_iter_ == 1 + 4


@pytest.mark.parametrize("solver", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_learning_rate_curve_is_that_of_the_schedule(schedule, solver):
    # 90 rows make 5 batches
    params = {"learning_rate": schedule, "warmup_epochs": 1.5, "learning_rate_init": 0.02}
    model = small(solver=solver, batch_size=20, tol=0, **params).fit(X, y)
    ignored = solver == "adam" and schedule in ("adaptive", "invscaling")
    rule = SCHEDULES["constant" if ignored else schedule](0.02, max_epochs=5, warmup_epochs=1.5)
    expected = []
    for epoch in range(5):
        expected.append(rule.rate(epoch + 4 / 5, 1 / 5))
        rule.epoch_end(90)
    assert model.learning_rate_curve_ == pytest.approx(expected, rel=1e-12)


# --- From one fit to the next -----------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [*permutations(SOLVERS, 2)])
def test_parameters_set_between_fits_take_effect(before, after):
    model = small(solver=before, activation="relu").fit(X, y)
    proba = model.predict_proba(X)
    model.set_params(solver=after, activation="tanh")
    # what is fitted goes on predicting with the activation it was trained with
    np.testing.assert_array_equal(model.predict_proba(X), proba)
    model.fit(X, y)
    assert_identical_model(model, small(solver=after, activation="tanh").fit(X, y))


def test_a_learning_rate_set_between_partial_fits_counts_when_it_does_for_mlpclassifier():
    models = [
        cls((6,), solver="sgd", random_state=0) for cls in (NumpyMLPClassifier, MLPClassifier)
    ]
    for model in models:
        model.partial_fit(X, y, classes=[0, 1, 2])
        model.set_params(learning_rate_init=0.1, shuffle=False).partial_fit(X, y)
    assert_same_model(*models)


def test_a_solver_set_between_partial_fits_starts_with_a_new_state():
    model = small(solver="sgd", shuffle=False).partial_fit(X, y, classes=[0, 1, 2])
    fresh = small(solver="adam", shuffle=False, warm_start=True, max_iter=1)
    fresh.partial_fit(X, y, classes=[0, 1, 2])
    fresh.coefs_, fresh.intercepts_ = model.coefs_, model.intercepts_
    assert_identical_model(model.set_params(solver="adam").partial_fit(X, y), fresh.fit(X, y))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("loaded", [False, True])
@transformed
def test_warm_start_goes_on_from_the_function_that_is_published(params, loaded, method):
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    model = small(hidden_layer_sizes=(6, 5), batch_size=20, warm_start=True, **params)
    getattr(model, method)(X, y, **arguments)
    # what a fit publishes is normalised over its own rows
    proba = model.fit(X, y).predict_proba(X)
    if loaded:
        model = pickle.loads(pickle.dumps(model))
    model.set_params(**FROZEN).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), proba, rtol=1e-9)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@transformed
def test_the_function_goes_on_where_they_are_switched_off(params, method):
    model = small(warm_start=True, batch_size=20, **params).fit(X, y)
    proba = model.predict_proba(X)
    model.set_params(**FROZEN, batch_norm=False, averaging=None)
    getattr(model, method)(X, y)
    np.testing.assert_allclose(model.predict_proba(X), proba, rtol=1e-9)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@transformed
def test_the_function_goes_on_where_they_are_switched_on(params, method):
    model = small(warm_start=True, batch_size=20).fit(X, y)
    proba = model.predict_proba(X)
    getattr(model.set_params(**FROZEN, **params), method)(X, y)
    np.testing.assert_allclose(model.predict_proba(X), forward(model, X), rtol=1e-10)
    if "batch_norm" not in params:
        np.testing.assert_allclose(model.predict_proba(X), proba, rtol=1e-9)


def test_another_score_starts_with_a_new_best():
    params = {"early_stopping": True, "warm_start": True, "max_iter": 30}
    model = small(learning_rate_init=0.02, **params).fit(X, y)
    assert model.best_validation_score_ == 1
    # no log loss is as high as that
    model.set_params(scoring="neg_log_loss").fit(X, y)
    assert model.best_epoch_ >= 1
