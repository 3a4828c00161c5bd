import os
import pickle
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import minimize_scalar
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import check_estimator

import skmlp
from skmlp import FoldEnsembleClassifier, NumpyMLPClassifier, make_tabular_classifier
from skmlp._engine.network import Network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
NETWORK = NumpyMLPClassifier(
    (8,),
    learning_rate_init=0.05,
    batch_size=10,
    max_iter=15,
    early_stopping=True,
    scoring="loss",
)
PACKAGE = Path(skmlp.__file__).parent
ENSEMBLE_CODE = (str(PACKAGE / "_fold_ensemble.py"), str(PACKAGE / "_ensemble"))
NAMES = np.array(["setosa", "versicolor", "virginica"])


def ensemble(n_estimators=4, random_state=0, **params):
    network = {name: params.pop(name) for name in [*params] if hasattr(NETWORK, name)}
    network = clone(NETWORK).set_params(**network)
    return FoldEnsembleClassifier(network, n_estimators, random_state=random_state, **params)


@pytest.fixture(scope="module")
def fitted():
    return ensemble().fit(X, y)


@pytest.mark.parametrize("early_stopping", [True, False])
def test_scikit_learns_checks(early_stopping):
    network = NumpyMLPClassifier(
        (16,), learning_rate_init=0.02, max_iter=100, early_stopping=early_stopping, scoring="loss"
    )
    # that weights are like repeated rows is checked with `cv`: random folds cannot hold to it
    results = check_estimator(FoldEnsembleClassifier(network, 2), on_fail=None, on_skip=None)

    def names(status):
        return {result["check_name"] for result in results if result["status"] == status}

    assert not [result for result in results if result["status"] == "failed"]
    assert names("xfail") == set()
    assert names("skipped") <= {"check_array_api_input"}  # runs only where SCIPY_ARRAY_API is set


def test_rare_classes_are_known_to_all_members():
    labels = y.astype(object)
    labels[:] = NAMES[y]
    labels[0], labels[1:3] = "once", "twice"
    model = ensemble(max_iter=2).fit(X, labels)
    assert model.classes_.tolist() == ["once", "setosa", "twice", "versicolor", "virginica"]
    for member, fold in zip(model.estimators_, model.held_out_, strict=True):
        assert_array_equal(member.classes_, model.classes_)
        assert 0 not in fold
    assert model.predict_proba(X).shape == (150, 5)


@pytest.mark.parametrize("labels", [[0, 1, 2], ["a", "b", "c"]])
def test_rows_that_no_fold_can_hold_are_trained_on_by_all(labels):
    model = ensemble(n_estimators=2, batch_size="auto").fit(X[::50], labels)
    assert [len(fold) for fold in model.held_out_] == [0, 0]
    assert model.temperature_ == 1
    assert model.predict(X[::50]).shape == (3,)


def test_each_member_is_the_network_trained_without_its_fold_and_stopped_by_it(fitted):
    for member, fold in zip(fitted.estimators_, fitted.held_out_, strict=True):
        rest = np.setdiff1d(np.arange(150), fold)
        alone = clone(NETWORK).set_params(random_state=member.random_state)
        alone.fit(X[rest], y[rest], X_val=X[fold], y_val=y[fold])
        assert_array_equal(alone.predict_proba(X), member.predict_proba(X))
        assert alone.best_epoch_ == np.argmin(alone.validation_loss_curve_) + 1


def test_every_row_is_held_out_once_a_round():
    model = ensemble(n_estimators=6, n_folds=3, max_iter=1).fit(X, y)
    for first in (0, 3):
        held_out = np.concatenate(model.held_out_[first : first + 3])
        assert_array_equal(np.sort(held_out), np.arange(150))
    assert set(model.held_out_[0]) != set(model.held_out_[3])


def test_probabilities_are_the_mean_of_the_members_at_the_temperature(fitted):
    T = fitted.temperature_
    powers = [member.predict_proba(X) ** (1 / T) for member in fitted.estimators_]
    expected = np.mean([p / p.sum(axis=1, keepdims=True) for p in powers], axis=0)
    assert_allclose(fitted.predict_proba(X), expected, rtol=1e-9)
    assert_allclose(np.exp(fitted.predict_log_proba(X)), expected, rtol=1e-9)
    assert_array_equal(fitted.predict(X), expected.argmax(axis=1))


@pytest.mark.parametrize("label_smoothing", [0, 0.3])
def test_temperature_minimises_the_log_loss_of_the_held_out_rows(label_smoothing):
    noisy_X, noisy_y = make_classification(300, flip_y=0.3, random_state=0)
    model = ensemble(label_smoothing=label_smoothing).fit(noisy_X, noisy_y)

    def held_out_loss(T):
        proba = np.empty((300, 2))
        for member, fold in zip(model.estimators_, model.held_out_, strict=True):
            p = member.predict_proba(noisy_X[fold]) ** (1 / T)
            proba[fold] = p / p.sum(axis=1, keepdims=True)
        return log_loss(noisy_y, proba)

    best = minimize_scalar(held_out_loss, bounds=(0.25, 2), method="bounded").x
    assert_allclose(model.temperature_, best, rtol=1e-3)


def test_what_overfits_is_made_less_sure_and_what_is_smoothed_surer():
    noise_X, noise_y = np.random.RandomState(0).normal(size=(200, 30)), np.arange(200) % 2
    network = {"scoring": None, "n_iter_no_change": np.inf, "max_iter": 40}
    assert ensemble(**network).fit(noise_X, noise_y).temperature_ > 1.5
    assert ensemble(label_smoothing=0.4).fit(X, y).temperature_ < 0.8


def test_temperature_stays_within_its_bounds():
    labels = np.random.RandomState(0).randint(2, size=40)
    rows = np.random.RandomState(1).normal(size=(40, 5))
    model = ensemble(scoring=None, max_iter=300, n_iter_no_change=np.inf).fit(rows, labels)
    assert 0.25 <= model.temperature_ <= 2


def test_without_early_stopping_every_member_sees_all_rows():
    model = ensemble(early_stopping=False).fit(X, y)
    assert model.temperature_ == 1
    assert [member.t_ for member in model.estimators_] == [15 * 150] * 4
    assert [len(fold) for fold in model.held_out_] == [0] * 4
    assert len({member.random_state for member in model.estimators_}) == 4


@pytest.mark.parametrize(("n_rows", "n_members", "n_held_out"), [(2000, 8, 500), (2001, 4, 200)])
def test_few_rows_get_more_members_and_larger_folds(n_rows, n_members, n_held_out):
    rows = np.random.RandomState(0).normal(size=(n_rows, 2))
    model = ensemble("auto", max_iter=1, batch_size=500).fit(rows, rows[:, 0] > 0)
    assert len(model.estimators_) == n_members
    assert abs(len(model.held_out_[0]) - n_held_out) <= 1


def test_the_same_seed_gives_the_same_model_and_another_one_another(fitted):
    assert_array_equal(ensemble().fit(X, y).predict_proba(X), fitted.predict_proba(X))
    other = ensemble(random_state=1).fit(X, y)
    assert not np.allclose(other.predict_proba(X), fitted.predict_proba(X))


def test_jobs_change_nothing(fitted):
    parallel = ensemble(n_jobs=2).fit(X, y)
    assert_array_equal(parallel.predict_proba(X), fitted.predict_proba(X))


def test_labels_of_text_are_numbers_by_another_name(fitted):
    named = ensemble().fit(X, NAMES[y])
    assert_array_equal(named.predict_proba(X), fitted.predict_proba(X))
    assert_array_equal(named.predict(X), NAMES[fitted.predict(X)])


def test_it_clones_and_pickles(fitted):
    assert_array_equal(clone(fitted).fit(X, y).predict_proba(X), fitted.predict_proba(X))
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))


def test_its_parameters_can_be_searched():
    grid = {"estimator__max_iter": [1, 15], "n_estimators": [2]}
    search = GridSearchCV(ensemble(), grid, cv=2).fit(X, y)
    assert search.best_params_["estimator__max_iter"] == 15


def test_rows_of_weight_zero_are_left_out():
    w = np.ones(150)
    w[::3] = 0
    weighted = ensemble().fit(X, y, sample_weight=w)
    assert not set(np.concatenate(weighted.held_out_)) & set(range(0, 150, 3))
    left = np.flatnonzero(w)
    assert_allclose(
        weighted.predict_proba(X), ensemble().fit(X[left], y[left]).predict_proba(X), rtol=1e-9
    )


def test_weights_move_the_predictions():
    w = np.where(y == 2, 50.0, 1.0)
    heavy = ensemble().fit(X, y, sample_weight=w).predict_proba(X)[:, 2].mean()
    assert heavy > ensemble().fit(X, y).predict_proba(X)[:, 2].mean() + 0.01


@pytest.mark.parametrize("convert", [sparse.csr_array, sparse.csc_array])
def test_sparse_rows_are_learnt_like_dense_ones(convert, fitted):
    model = ensemble().fit(convert(X), y)
    assert_allclose(model.predict_proba(convert(X)), fitted.predict_proba(X), rtol=1e-6)


def test_names_of_features_are_kept_and_checked(fitted):
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = ensemble().fit(frame, y)
    assert model.feature_names_in_.tolist() == list("abcd")
    assert_array_equal(model.predict_proba(frame), fitted.predict_proba(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["b", "a", "c", "d"]])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_estimators": 0}, "n_estimators"),
        ({"n_estimators": "many"}, "n_estimators"),
        ({"n_folds": 1}, "n_folds"),
        ({"n_jobs": "all"}, "n_jobs"),
        ({"max_iter": 0}, "max_iter"),
    ],
)
def test_a_bad_parameter_is_named_and_changes_nothing(params, message, fitted):
    model = pickle.loads(pickle.dumps(fitted))
    bad = {name if hasattr(model, name) else f"estimator__{name}": v for name, v in params.items()}
    model.set_params(**bad)
    with pytest.raises(ValueError, match=message):
        model.fit(X[:, :2], y)
    assert model.n_features_in_ == 4
    assert_array_equal(model.predict_proba(X), fitted.predict_proba(X))


def test_only_the_network_of_this_package_can_be_a_member():
    from sklearn.neural_network import MLPClassifier

    with pytest.raises(ValueError, match="estimator"):
        FoldEnsembleClassifier(MLPClassifier()).fit(X, y)


def test_weights_that_are_all_zero_are_refused():
    with pytest.raises(ValueError, match=r"[Ss]ample.weight"):
        ensemble().fit(X, y, sample_weight=np.zeros(150))


# --- Trust ---


def test_a_checkpoint_that_all_networks_would_share_is_refused(tmp_path):
    model = ensemble()
    model.estimator.set_params(checkpoint_path=tmp_path / "fit.checkpoint")
    with pytest.raises(ValueError, match=r"checkpoint_path=.* would share\. Set it to None"):
        model.fit(X, y)
    assert not hasattr(model, "estimators_")


def test_an_interrupt_ends_the_whole_ensemble_and_leaves_it_as_it_was(monkeypatch):
    model = ensemble().fit(X, y)
    before, n_calls, loss_gradient = vars(model).copy(), [], Network.loss_gradient

    def interruptible(*args):
        n_calls.append(1)
        if len(n_calls) == 9:
            raise KeyboardInterrupt
        return loss_gradient(*args)

    monkeypatch.setattr(Network, "loss_gradient", interruptible)
    model.estimator.set_params(batch_size=50)
    with pytest.warns(UserWarning, match="interrupted"), pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert len(n_calls) == 9
    assert vars(model) == before


@contextmanager
def interrupting(line, occurrence):
    """Send SIGINT when a line of the ensemble's code runs for the n-th time; count all lines."""
    runs = Counter()

    def count(frame, event, arg):
        if event == "line":
            here = Path(frame.f_code.co_filename).name, frame.f_lineno
            runs[here] += 1
            if here == line and runs[here] == occurrence:
                signal.raise_signal(signal.SIGINT)
        return count

    def trace(frame, event, arg):
        return count if frame.f_code.co_filename.startswith(ENSEMBLE_CODE) else None

    # where tests run in the background, SIGINT is ignored
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield runs
    finally:
        sys.settrace(before)
        signal.signal(signal.SIGINT, handler)


def test_an_interrupt_at_any_line_ends_the_fit_and_leaves_the_old_ensemble_or_the_new_one():
    # between two networks, in the temperature, after the last network
    model = ensemble(2, max_iter=2, batch_size=50).fit(X[:100], y[:100])
    before, expected = vars(model).copy(), clone(model)
    with interrupting(None, 0) as runs:
        expected.fit(X, y)
    assert {name for name, _ in runs} >= {"_fold_ensemble.py", "members.py", "calibration.py"}
    for line, n in runs.items():
        for occurrence in {1, n}:
            with pytest.raises(KeyboardInterrupt), interrupting(line, occurrence):
                model.fit(X, y)
            if model.estimators_ is not before["estimators_"]:
                assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
                vars(model).update(before)
            assert vars(model).keys() == before.keys()
            assert all(vars(model)[name] is value for name, value in before.items())


INTERRUPTED_IN_PROCESSES = """
import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
from sklearn.datasets import load_iris
from skmlp import FoldEnsembleClassifier, NumpyMLPClassifier

X, y = load_iris(return_X_y=True)
network = NumpyMLPClassifier((4,), max_iter=2)
model = FoldEnsembleClassifier(network, 3, n_jobs=2, random_state=0).fit(X, y)
before = vars(model).copy()
network.set_params(max_iter=10**9, tol=0, n_iter_no_change=10**9, verbose=1)
try:
    model.fit(X, y)
except KeyboardInterrupt:
    same = all(vars(model)[name] is value for name, value in before.items())
    print("\\ninterrupted", same and vars(model).keys() == before.keys())
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Windows has no groups of processes to interrupt")
@pytest.mark.parametrize(
    "send", [pytest.param("killpg", id="all"), pytest.param("kill", id="main")]
)
def test_an_interrupt_ends_training_in_processes_at_once(send):
    command = [sys.executable, "-W", "ignore", "-c", INTERRUPTED_IN_PROCESSES]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=PACKAGE.parent, text=True, start_new_session=True
    )
    try:
        while not process.stdout.readline().startswith("    epoch"):
            assert process.poll() is None
        getattr(os, send)(process.pid, signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert "\ninterrupted True" in rest


@pytest.mark.parametrize("make", [ensemble, make_tabular_classifier])
def test_an_interrupt_ends_a_search_over_ensembles(make, monkeypatch):
    n_calls, loss_gradient = [], Network.loss_gradient

    def interruptible(*args):
        n_calls.append(1)
        if len(n_calls) == 200:
            raise KeyboardInterrupt
        return loss_gradient(*args)

    monkeypatch.setattr(Network, "loss_gradient", interruptible)
    model = make(random_state=0)
    name = "estimator__alpha" if make is ensemble else "network__alpha"
    search = GridSearchCV(model, {name: [0.0, 0.1]}, cv=2)
    with pytest.warns(UserWarning, match="interrupted"), pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    assert len(n_calls) == 200
    assert not hasattr(search, "cv_results_")


@pytest.mark.parametrize("dtype", ["Int64", "boolean", object])
def test_labels_keep_their_values_and_their_type(dtype):
    values = [False, True] if dtype == "boolean" else [2**53, 2**53 + 1]
    labels = pd.Series([values[int(row == 0)] for row in y], dtype=dtype)
    model = ensemble(n_estimators=2).fit(X, labels)
    assert model.classes_.tolist() == values
    assert model.classes_.dtype == (bool if dtype == "boolean" else np.int64)
    assert model.score(X, labels.to_numpy(dtype=model.classes_.dtype)) > 0.9
    assert_allclose(
        model.predict_proba(X), ensemble(n_estimators=2).fit(X, y == 0).predict_proba(X)
    )


@pytest.mark.parametrize("name", ["X", "y", "sample_weight"])
def test_masked_values_are_refused(name):
    data = {"X": X, "y": y, "sample_weight": np.ones(150)}
    masked = np.ma.array(data[name], mask=data[name] == data[name].max())
    with pytest.raises(ValueError, match=f"{name} is a masked array"):
        ensemble(n_estimators=2).fit(**data | {name: masked})


def test_masked_rows_are_refused_in_predictions(fitted):
    with pytest.raises(ValueError, match="X is a masked array"):
        fitted.predict(np.ma.array(X, mask=X > 2))


def test_missing_labels_and_labels_of_several_types_are_refused_with_the_remedy():
    labels = y.astype(object)
    labels[7] = None
    with pytest.raises(ValueError, match=r"row 7.*Leave out the rows without"):
        ensemble().fit(X, labels)
    labels[7] = "two"
    with pytest.raises(ValueError, match=r"object array with values of type int, str\. "):
        ensemble().fit(X, labels)


def test_equal_weights_of_any_size_give_the_same_temperature():
    model = ensemble(n_estimators=12)
    model.estimator.set_params(alpha=0)
    expected = model.fit(X, y).temperature_
    with np.errstate(all="raise"):
        found = model.fit(X, y, sample_weight=np.full(len(y), 1e306)).temperature_
    assert found == pytest.approx(expected, rel=1e-6)


def test_more_folds_than_rows_hold_out_a_row_each():
    model = ensemble(n_folds=10**400, n_estimators=2).fit(X, y)
    assert [len(rows) for rows in model.held_out_] == [1, 1]
