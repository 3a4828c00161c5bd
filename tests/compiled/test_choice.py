import copy
import itertools
import os
import subprocess
import sys
import threading

import joblib
import numpy as np
import pytest
from networks import X_train, small, y_train
from scipy.sparse import csr_array, csr_matrix
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from skmlp import NumpyMLPClassifier, NumpyMLPRegressor, explain_kernels
from skmlp._compiled import choice
from skmlp._compiled.choice import SWITCH, choose_kernels, gain, load_loops
from skmlp._engine.activations import ACTIVATIONS
from skmlp._engine.kernels import FAILURES, KERNELS
from skmlp._engine.losses.registry import REGRESSION_LOSSES
from skmlp._engine.sparse_rows import SparseRows
from skmlp._training.loop import Loop
from skmlp._training.optimizers import OPTIMIZERS

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.skipif(not load_loops(), reason="numba is not installed"),
]
LARGE = 50_000, 32, (784, 100, 10), "float32"
SMALL = 150, 150, (4, 100, 3), "float32"


@pytest.fixture
def switch(monkeypatch):
    return lambda value: monkeypatch.setenv(SWITCH, value)


def test_loops_are_used_where_an_epoch_pays_for_compiling(monkeypatch):
    monkeypatch.delenv(SWITCH, raising=False)
    assert choose_kernels(*LARGE).loops
    assert not choose_kernels(*SMALL).loops
    assert "long enough" in str(choose_kernels(*LARGE))
    assert "too short" in str(choose_kernels(*SMALL))


@pytest.mark.parametrize("kept", [False, True])
def test_a_training_that_is_continued_keeps_its_choice(kept, switch):
    switch("auto")
    for size in (LARGE, SMALL):
        assert bool(choose_kernels(*size, kept=kept).loops) == kept


def test_the_switch_decides(switch):
    switch("numpy")
    assert not choose_kernels(*LARGE, kept=True).loops
    switch("compiled")
    assert choose_kernels(*SMALL, kept=False).loops


def test_another_value_of_the_switch_is_refused_before_training(switch):
    switch("fast")
    model = small()
    with pytest.raises(ValueError, match=r"SKMLP_KERNELS must be one of .*; got 'fast'"):
        model.fit(X_train, y_train)
    assert not hasattr(model, "coefs_")


def test_more_work_gains_more():
    assert gain(2000, 32, (20, 100, 2), "float32") > gain(1000, 32, (20, 100, 2), "float32")
    assert gain(1000, 32, (20, 100, 2), "float64") > gain(1000, 32, (20, 100, 2), "float32")
    assert gain(1000, 32, (20, 200, 2), "float32") > gain(1000, 32, (20, 100, 2), "float32")
    assert gain(1000, 16, (20, 100, 2), "float32") > gain(1000, 32, (20, 100, 2), "float32")


def test_without_numba_numpy_is_used_and_the_reason_is_given(monkeypatch, switch):
    switch("compiled")
    monkeypatch.setattr(choice, "load_loops", load_loops.__wrapped__)
    monkeypatch.setitem(sys.modules, "skmlp._compiled.loops.all", None)
    monkeypatch.delitem(FAILURES, "import", raising=False)

    def missing(name):
        raise ModuleNotFoundError("No module named 'numba'")

    monkeypatch.setattr(choice, "import_module", missing)
    expected = "NumPy: numba is not installed (pip install skmlp[fast])"
    assert str(choose_kernels(*SMALL)) == explain_kernels() == expected
    model = small(max_iter=3).fit(X_train, y_train)
    assert model._state.compiled is False
    monkeypatch.undo()
    FAILURES.pop("import", None)


@pytest.mark.parametrize("name", ["numpy", "compiled"])
def test_the_explanation_tells_what_a_model_was_trained_with(name, switch):
    switch(name)
    model = small(max_iter=2).fit(X_train, y_train)
    used = {"numpy": "NumPy", "compiled": "compiled loops"}[name]
    assert explain_kernels(model).startswith(f"{used} in the last training of this model")
    assert explain_kernels().startswith(used)
    assert f"{SWITCH} is {name!r}" in explain_kernels()
    lbfgs = small(solver="lbfgs", max_iter=2).fit(X_train, y_train)
    assert explain_kernels(lbfgs) == "NumPy: the solver 'lbfgs' has no use for loops"


def test_the_explanation_blames_no_solver_that_has_not_trained_the_model(switch):
    switch("auto")
    model = small(solver="lbfgs", max_iter=2).fit(X_train, y_train).set_params(solver="adam")
    assert explain_kernels(model).startswith("NumPy in the last training of this model; now")
    twin = MLPClassifier(max_iter=2).fit(X_train, y_train)
    model = NumpyMLPClassifier.from_sklearn(twin)
    assert explain_kernels(model).startswith("NumPy in the last training of this model; now")


def test_only_fitted_networks_are_explained():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        explain_kernels(small())
    pipeline = make_pipeline(small(max_iter=2)).fit(X_train, y_train)
    with pytest.raises(TypeError, match="model is a Pipeline; give a NumpyMLPClassifier"):
        explain_kernels(pipeline)


def test_the_explanation_names_loops_that_were_given_up(monkeypatch, switch):
    switch("auto")
    monkeypatch.setitem(FAILURES, "relu", "TypeError: reason")
    assert "not for relu (TypeError: reason)" in explain_kernels()


def fitted(kernels, switch, **params):
    switch(kernels)
    return small(max_iter=8, **params).fit(X_train, y_train)


@pytest.mark.parametrize("solver", ["adam", "adamw", "nadam", "rmsprop", "sgd"])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"activation": "gelu", "dropout": 0.2, "averaging": 0.9},
        {"activation": "mish", "max_grad_norm": 0.5, "max_norm": 1.0, "label_smoothing": 0.1},
        {"activation": "tanh", "input_dropout": 0.1, "noise": 0.1, "batch_norm": True},
    ],
    ids=str,
)
def test_models_in_float64_are_those_of_numpy(params, solver, switch):
    ours = fitted("compiled", switch, solver=solver, **params)
    theirs = fitted("numpy", switch, solver=solver, **params)
    for loop, reference in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(loop, reference, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-10)


@pytest.mark.parametrize(
    "loss", ["squared_error", "absolute_error", "huber", "poisson", "gamma", "quantile"]
)
def test_regressors_in_float64_are_those_of_numpy(loss, switch):
    y = 1.0 + y_train + X_train[:, 0] ** 2
    predictions = []
    for kernels in ("compiled", "numpy"):
        switch(kernels)
        model = NumpyMLPRegressor(loss, (8,), max_iter=10, random_state=0)
        predictions.append(model.fit(X_train, y).predict(X_train))
    np.testing.assert_allclose(*predictions, rtol=1e-8)


def test_models_in_float32_are_those_of_numpy_but_for_rounding(switch):
    params = {"dtype": "float32"}
    ours, theirs = fitted("compiled", switch, **params), fitted("numpy", switch, **params)
    assert ours.coefs_[0].dtype == np.float32
    for loop, reference in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(loop, reference, atol=1e-4)


@pytest.mark.parametrize("container", [csr_matrix, csr_array])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"hidden_layer_sizes": ()},
        {"shuffle": False, "batch_size": 7, "early_stopping": True},
        {"batch_norm": True, "dropout": 0.2},
        {"input_noise": 0.1, "input_dropout": 0.2},
        {"adversarial_radius": 0.1},
        {"solver": "sgd", "refit": True, "early_stopping": True},
    ],
    ids=str,
)
def test_models_of_sparse_rows_are_those_of_numpy(params, container, switch):
    X = container(np.where(X_train > 0.5, X_train, 0))
    switch("compiled")
    ours = small(max_iter=8, **params).fit(X, y_train)
    switch("numpy")
    theirs = small(max_iter=8, **params).fit(X, y_train)
    for loop, reference in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(loop, reference, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-10)


def overlapping(name, arguments):
    """Return the pairs of arrays among a kernel's arguments that share memory."""
    arrays = [a for a in arguments if isinstance(a, np.ndarray)]
    pairs = itertools.combinations(arrays, 2)
    return [(name, a.shape, b.shape) for a, b in pairs if np.may_share_memory(a, b)]


@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
def test_arrays_of_a_kernel_do_not_overlap(container, switch, monkeypatch):
    calls, overlaps = set(), []

    def watched(name, reference):
        def run(*arguments):
            calls.add(name)
            overlaps.extend(overlapping(name, arguments))
            return reference(*arguments)

        return run

    loops = {name: watched(name, reference) for name, reference in KERNELS.items()}
    monkeypatch.setattr(choice, "load_loops", lambda: loops)
    switch("compiled")
    options = {
        "dropout": 0.2, "averaging": 0.9, "max_norm": 1.0, "max_grad_norm": 0.5,
        "max_iter": 2, "random_state": 0,
    }  # fmt: skip
    X, y = container(X_train), 1.0 + y_train
    for activation in ACTIVATIONS:
        NumpyMLPClassifier((8, 5), activation, **options).fit(X, y_train)
    for solver in OPTIMIZERS:
        NumpyMLPClassifier((8,), solver=solver, noise=0.1, **options).fit(X, y_train > 0)
    for loss in REGRESSION_LOSSES:
        NumpyMLPRegressor(loss, (8,), **options).fit(X, y)
    NumpyMLPRegressor("quantile", (8,), quantile=[0.1, 0.9], **options).fit(X, y)
    missing = set() if container is csr_matrix else {name for name in KERNELS if "sparse" in name}
    assert set(KERNELS) - calls == missing
    assert overlaps == []


def test_sparse_rows_are_taken_where_there_are_loops(switch, monkeypatch):
    taken, take = [], SparseRows.take

    def counted(self, rows):
        taken.append(len(rows))
        return take(self, rows)

    monkeypatch.setattr(SparseRows, "take", counted)
    for kernels in ("numpy", "compiled"):
        switch(kernels)
        small(max_iter=1).fit(csr_matrix(X_train), y_train)
        assert sum(taken) == {"numpy": 0, "compiled": len(X_train)}[kernels]


def test_calls_of_partial_fit_are_one_fit_bit_for_bit(switch):
    switch("compiled")
    params = {"hidden_layer_sizes": (8,), "shuffle": False, "random_state": 0, "tol": 0}
    whole = NumpyMLPClassifier(max_iter=5, **params).fit(X_train, y_train)
    stream = NumpyMLPClassifier(**params)
    for _ in range(5):
        stream.partial_fit(X_train, y_train, classes=[0, 1, 2])
    for ours, theirs in zip(stream.coefs_, whole.coefs_, strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("how", ["copy", "pickle"])
@pytest.mark.parametrize("kernels", ["compiled", "numpy"])
def test_a_model_keeps_its_choice_when_it_is_continued(kernels, how, switch, tmp_path):
    model = fitted(kernels, switch, warm_start=True)
    if how == "pickle":
        joblib.dump(model, tmp_path / "model")
        model = joblib.load(tmp_path / "model")
    else:
        model = copy.deepcopy(model)
    switch("auto")
    model.partial_fit(X_train, y_train)
    assert model._state.compiled == (kernels == "compiled")
    model.fit(X_train, y_train)
    assert model._state.compiled == (kernels == "compiled")
    model.set_params(warm_start=False).fit(X_train, y_train)
    assert model._state.compiled is False


def test_a_resumed_fit_keeps_the_choice_of_its_checkpoint(switch, tmp_path, monkeypatch):
    params = {"checkpoint_path": str(tmp_path / "c"), "tol": 0}
    whole = fitted("compiled", switch, tol=0)

    calls = []

    def killed(self):
        calls.append(1)
        if len(calls) == 4:
            raise RuntimeError("killed")
        return False

    monkeypatch.setattr(Loop, "must_end", killed)
    switch("compiled")
    with pytest.raises(RuntimeError, match="killed"):
        small(max_iter=8, **params).fit(X_train, y_train)
    monkeypatch.undo()
    monkeypatch.setenv(SWITCH, "auto")
    resumed = small(max_iter=8, **params).fit(X_train, y_train)
    assert resumed._state.compiled is True
    for ours, theirs in zip(resumed.coefs_, whole.coefs_, strict=True):
        assert np.array_equal(ours, theirs)


def test_threads_compile_and_train_side_by_side(switch):
    switch("compiled")
    expected = fitted("compiled", switch)
    models = [small(max_iter=8) for _ in range(4)]
    threads = [threading.Thread(target=model.fit, args=(X_train, y_train)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for model in models:
        for ours, theirs in zip(model.coefs_, expected.coefs_, strict=True):
            assert np.array_equal(ours, theirs)


PROGRAM = """
import os, sys
from sklearn.datasets import load_iris
from skmlp import NumpyMLPClassifier
X, y = load_iris(return_X_y=True)
{code}
"""


def run(code, **environment):
    env = {k: v for k, v in os.environ.items() if k != SWITCH} | environment
    program = PROGRAM.format(code=code)
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], env=env, capture_output=True, text=True
    )


def test_a_fit_of_iris_does_not_import_numba():
    code = "NumpyMLPClassifier().fit(X, y); print('numba' in sys.modules)"
    assert run(code).stdout.strip() == "False"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_forked_child_trains():
    code = """
model = NumpyMLPClassifier(max_iter=2).fit(X, y)
pid = os.fork()
if pid == 0:
    NumpyMLPClassifier(max_iter=2, solver="nadam").fit(X, y)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert run(code, **{SWITCH: "compiled"}).stdout.strip() == "7"


def test_where_numba_compiles_nothing_numpy_is_used():
    code = "from skmlp import explain_kernels; print(explain_kernels())"
    explained = run(code, NUMBA_DISABLE_JIT="1").stdout
    assert explained.startswith("NumPy: numba cannot be used (ImportError: NUMBA_DISABLE_JIT")


def test_the_installed_version_without_numba_trains_as_ever():
    code = """
sys.modules["numba"] = None
from skmlp import explain_kernels
print(NumpyMLPClassifier(max_iter=2).fit(X, y).n_iter_, explain_kernels())
"""
    done = run(code, **{SWITCH: "compiled"})
    assert done.stdout.startswith("2 NumPy: numba"), done.stderr


IMPORTING = """
import importlib.abc, os, sys, threading, time
from skmlp._compiled.choice import load_loops

importing = threading.Event()

class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "skmlp._compiled.loops.all":
            importing.set()
            time.sleep(1)

sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=load_loops)
thread.start()
importing.wait()
child = os.fork()
if child == 0:
    os._exit(9 if load_loops() else 1)
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(load_loops()) > 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_child_forked_while_another_thread_imports_the_loops_has_them_too():
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.split() == ["9", "True"], done.stderr
