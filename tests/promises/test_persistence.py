import copy
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification

from skmlp import NumpyMLPClassifier
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_classification(
    n_samples=120, n_features=10, n_informative=6, n_classes=3, random_state=0
)
PARAMS = {"hidden_layer_sizes": (15, 5), "batch_size": 32, "max_iter": 4}
REGULARISED = {
    "solver": "adamw",
    "batch_norm": True,
    "noise": 0.1,
    "dropout": [0.1, 0.2],
    "input_noise": 0.1,
    "input_dropout": 0.1,
    "adversarial_radius": 0.1,
    "label_smoothing": 0.1,
    "averaging": 0.9,
    "max_norm": 1.0,
    "max_grad_norm": 1.0,
    "warmup_epochs": 1.5,
}
SOLVERS = [
    *({"solver": solver} for solver in OPTIMIZERS),
    *(
        {"solver": "sgd", "learning_rate": schedule}
        for schedule in SCHEDULES
        if schedule != "constant"
    ),
    REGULARISED,
    {"solver": "sgd", "averaging": 0.9, "dropout": 0.2},
]


def described(params):
    return "regularised" if params is REGULARISED else "-".join(map(str, params.values()))


every_solver = pytest.mark.parametrize("params", SOLVERS, ids=described)


def seeds():
    return [7, np.random.RandomState(7), None]


def through_pickle(model):
    return pickle.loads(pickle.dumps(model))


def assert_identical(one, other):
    assert vars(one).keys() == vars(other).keys()
    # the hash is of all arrays and objects inside, bit for bit
    for name in vars(one):
        assert joblib.hash(getattr(one, name)) == joblib.hash(getattr(other, name)), name
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        assert_array_equal(getattr(one, method)(X), getattr(other, method)(X))


def bytes_of_weights(model):
    return sum(array.nbytes for array in [*model.coefs_, *model.intercepts_])


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("solver", [*OPTIMIZERS, "lbfgs"])
def test_pickle_is_little_more_than_the_weights(solver, dtype, early_stopping):
    rng = np.random.RandomState(0)
    model = NumpyMLPClassifier(
        (200,), solver=solver, dtype=dtype, early_stopping=early_stopping, max_iter=3
    )
    model.fit(rng.normal(size=(100, 784)), np.arange(100) % 10)
    assert bytes_of_weights(model) > 20 * 20_000
    assert len(pickle.dumps(model)) <= 1.05 * bytes_of_weights(model) + 20_000


@pytest.mark.parametrize("dump", [{}, {"compress": 3}], ids=["plain", "compressed"])
@pytest.mark.parametrize("solver", [*OPTIMIZERS, "lbfgs"])
def test_joblib_round_trip_predicts_bit_for_bit_the_same(tmp_path, solver, dump):
    model = NumpyMLPClassifier(solver=solver, random_state=0, **PARAMS).fit(X, Y)
    joblib.dump(model, tmp_path / "model.joblib", **dump)
    assert_identical(joblib.load(tmp_path / "model.joblib"), model)


def test_memory_mapped_model_predicts_and_trains_on(tmp_path):
    model = NumpyMLPClassifier(random_state=0, **PARAMS).fit(X, Y)
    joblib.dump(model, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    assert isinstance(mapped.coefs_[0], np.memmap)
    assert_array_equal(mapped.predict_proba(X), model.predict_proba(X))
    for m in (mapped, model):
        m.partial_fit(X, Y)
    assert_array_equal(mapped.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("seed", seeds(), ids=["int", "RandomState", "None"])
@every_solver
def test_save_and_load_changes_nothing_for_partial_fit_after_fit(params, seed):
    shuffle = seed is not None
    if seed is None:
        # the noise of what follows a fit is new, from the global generator
        params = params | {"noise": 0, "dropout": 0, "input_noise": 0, "input_dropout": 0}
    model = NumpyMLPClassifier(
        random_state=copy.deepcopy(seed), shuffle=shuffle, **params, **PARAMS
    )
    model.fit(X, Y)
    loaded = through_pickle(model)
    for _ in range(3):
        model.partial_fit(X, Y)
        loaded = through_pickle(loaded.partial_fit(X, Y))
    assert len(model.loss_curve_) == 7
    assert_identical(loaded, model)


@pytest.mark.parametrize("seed", seeds(), ids=["int", "RandomState", "None"])
@every_solver
def test_save_and_load_changes_nothing_between_calls_of_partial_fit(params, seed):
    shuffle = seed is not None
    # patience of two epochs, so that an adaptive rate falls meanwhile
    model = NumpyMLPClassifier(
        random_state=copy.deepcopy(seed),
        shuffle=shuffle,
        tol=10.0,
        n_iter_no_change=2,
        **params,
        **PARAMS,
    )
    model.partial_fit(X[:80], Y[:80], classes=range(3))
    loaded = through_pickle(model)
    for part in (slice(40, 120), slice(0, 70), slice(60, 120)):
        w = np.linspace(0.5, 3, len(Y[part]))
        model.partial_fit(X[part], Y[part], sample_weight=w)
        loaded = through_pickle(loaded.partial_fit(X[part], Y[part], sample_weight=w))
    assert_identical(loaded, model)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("seed", seeds()[:2], ids=["int", "RandomState"])
@pytest.mark.parametrize(
    "params",
    [*SOLVERS, {"solver": "lbfgs"}, {"solver": "lbfgs", "batch_norm": True}],
    ids=described,
)
def test_loaded_warm_start_model_goes_on_as_the_original(params, seed, early_stopping):
    model = NumpyMLPClassifier(
        random_state=copy.deepcopy(seed),
        warm_start=True,
        early_stopping=early_stopping,
        **params,
        **PARAMS,
    ).fit(X, Y)
    loaded = through_pickle(model)
    for _ in range(2):
        model.fit(X, Y)
        loaded = through_pickle(loaded.fit(X, Y))
    if params["solver"] != "lbfgs":
        assert len(model.loss_curve_) == 12
        model.partial_fit(X, Y)
        loaded.partial_fit(X, Y)
    assert_identical(loaded, model)


@every_solver
def test_deep_copy_trains_on_as_the_original_and_apart_from_it(params):
    model = NumpyMLPClassifier(random_state=0, **params, **PARAMS)
    model.partial_fit(X, Y, classes=range(3))
    copied, untouched = copy.deepcopy(model), copy.deepcopy(model)
    model.partial_fit(X, Y)
    assert_identical(copied, untouched)
    assert_identical(copied.partial_fit(X, Y), model)


def test_clone_has_the_parameters_and_nothing_fitted():
    params = {
        "class_weight": {0: 1.0, 1: 2.0, 2: 1.0},
        "weight_init": 0.01,
        "dtype": "float32",
        "random_state": 0,
        **PARAMS,
    }
    model = NumpyMLPClassifier(**params).fit(X, Y)
    cloned = clone(model)
    assert cloned.get_params() == model.get_params()
    assert vars(cloned).keys() == model.get_params().keys()
    assert_identical(cloned.fit(X, Y), model)


def nan_in_features(model):
    model.fit(np.full_like(X, np.nan), Y)


def nan_in_features_of_partial_fit(model):
    model.partial_fit(np.full_like(X, np.nan), Y)


def other_features(model):
    model.fit(X[:, :4], Y[:-1])


def fewer_features_in_partial_fit(model):
    model.partial_fit(X[:, :4], Y)


def unseen_class(model):
    model.partial_fit(X, Y + 1)


def one_sided_validation_set(model):
    model.fit(X, Y, X_val=X)


def negative_weights(model):
    model.partial_fit(X, Y, sample_weight=-np.ones(len(Y)))


def divergence_in_fit(model):
    model.fit(1.7e308 * np.sign(X), Y)


def divergence_in_partial_fit(model):
    model.partial_fit(1.7e308 * np.sign(X), Y)


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize(
    "params", [*({"solver": s} for s in OPTIMIZERS), REGULARISED], ids=described
)
@pytest.mark.parametrize(
    "failure",
    [
        nan_in_features,
        nan_in_features_of_partial_fit,
        other_features,
        fewer_features_in_partial_fit,
        unseen_class,
        one_sided_validation_set,
        negative_weights,
        divergence_in_fit,
        divergence_in_partial_fit,
    ],
)
def test_failed_training_leaves_the_model_bit_for_bit_as_it_was(failure, params, warm_start):
    model = NumpyMLPClassifier(
        random_state=0, warm_start=warm_start, early_stopping=warm_start, **params, **PARAMS
    )
    model.fit(X, Y).partial_fit(X, Y)
    before = copy.deepcopy(model)
    expected = "diverged" if "divergence" in failure.__name__ else None
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=expected):
        failure(model)
    assert_identical(model, before)
    assert_identical(model.partial_fit(X, Y), before.partial_fit(X, Y))
