"""Every combination of solver, schedule and regulariser trains, predicts, copies and resumes."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from skmlp import NumpyMLPClassifier
from skmlp._engine.activations import ACTIVATIONS
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:batch_size=.*is larger:UserWarning"),
]

N_CLASSES = {"binary": 2, "multiclass": 3}


def some_data(kind, dtype):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(40, 5)).astype(dtype)
    if kind == "multilabel":
        return X, (X[:, :3] > 0).astype(int)
    return X, np.arange(40) % N_CLASSES[kind]


def or_per_layer(values, n_layers):
    return st.one_of(values, st.lists(values, min_size=n_layers, max_size=n_layers))


@st.composite
def stochastic_settings(draw):
    hidden = draw(st.lists(st.integers(1, 6), max_size=3))
    n = len(hidden)
    return {
        "hidden_layer_sizes": hidden,
        "activation": draw(or_per_layer(st.sampled_from(sorted(ACTIVATIONS)), n)),
        "solver": draw(st.sampled_from(sorted(OPTIMIZERS))),
        "learning_rate": draw(st.sampled_from(sorted(SCHEDULES))),
        "warmup_epochs": draw(st.sampled_from([0, 0.5, 1, 5])),
        "batch_size": draw(st.sampled_from([2, 7, "auto", 100])),
        "alpha": draw(st.sampled_from([0.0, 1e-3])),
        "weight_decay": draw(st.sampled_from([0.0, 0.1])),
        "dropout": draw(or_per_layer(st.sampled_from([0.0, 0.5]), n)),
        "input_dropout": draw(st.sampled_from([0.0, 0.2])),
        "noise": draw(or_per_layer(st.sampled_from([0.0, 0.3]), n)),
        "input_noise": draw(st.sampled_from([0.0, 0.1])),
        "adversarial_radius": draw(st.sampled_from([0.0, 0.3])),
        "batch_norm": draw(st.booleans()),
        "label_smoothing": draw(st.sampled_from([0.0, 0.1])),
        "max_norm": draw(st.sampled_from([None, 1.0])),
        "max_grad_norm": draw(st.sampled_from([None, 0.5])),
        "averaging": draw(st.sampled_from([None, 0.0, 0.9])),
        "early_stopping": draw(st.booleans()),
        "scoring": draw(st.sampled_from([None, "loss"])),
        "rtol": draw(st.sampled_from([0.0, 0.01])),
        "shuffle": draw(st.booleans()),
        "max_iter": 3,
        "random_state": draw(st.integers(0, 3)),
    }


def assert_predicts(model, X):
    proba = model.predict_proba(X)
    assert np.isfinite(proba).all()
    if proba.ndim == 2 and model.predict(X).ndim == 1:
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
        labels = model.classes_[proba.argmax(axis=1)]
        ties = np.isclose(*np.sort(proba, axis=1)[:, -2:].T)
        assert (model.predict(X) == labels)[~ties].all()


def assert_same_model(a, b, X):
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))
    assert a.loss_curve_ == b.loss_curve_


@settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    parameters=stochastic_settings(),
    kind=st.sampled_from(["binary", "multiclass", "multilabel"]),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_every_combination_trains_predicts_copies_and_resumes(parameters, kind, dtype):
    X, y = some_data(kind, dtype)
    model = NumpyMLPClassifier(**parameters).fit(X, y)
    assert_predicts(model, X)
    assert all(W.dtype == dtype for W in [*model.coefs_, *model.intercepts_])
    assert math.isfinite(model.loss_)

    again = clone(model).fit(X, y)
    assert_same_model(model, again, X)
    copy = pickle.loads(pickle.dumps(model))
    assert_same_model(model, copy, X)

    for _ in range(2):
        model.partial_fit(X, y)
        copy = pickle.loads(pickle.dumps(copy.partial_fit(X, y)))
    assert_same_model(model, copy, X)
    assert_predicts(model, X)

    n_epochs = len(model.loss_curve_)
    model.set_params(warm_start=True).fit(X, y)
    assert_predicts(model, X)
    assert len(model.loss_curve_) == n_epochs + model.n_iter_


@settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    hidden=st.lists(st.integers(1, 6), max_size=3),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    batch_norm=st.booleans(),
    label_smoothing=st.sampled_from([0.0, 0.1]),
    kind=st.sampled_from(["binary", "multiclass", "multilabel"]),
)
def test_every_combination_for_lbfgs_trains_predicts_and_resumes(
    hidden, activation, batch_norm, label_smoothing, kind
):
    X, y = some_data(kind, "float64")
    model = NumpyMLPClassifier(
        hidden,
        activation,
        solver="lbfgs",
        batch_norm=batch_norm,
        label_smoothing=label_smoothing,
        max_iter=5,
        random_state=0,
    ).fit(X, y)
    assert_predicts(model, X)
    assert_same_model(model, pickle.loads(pickle.dumps(clone(model).fit(X, y))), X)
    loss = model.loss_
    model.set_params(warm_start=True, max_iter=20).fit(X, y)
    assert_predicts(model, X)
    assert model.loss_ <= loss * (1 + 1e-6) + 1e-12
