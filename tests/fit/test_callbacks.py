import pickle
import threading
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import (
    FoldEnsembleClassifier,
    HiddenLayerTransformer,
    NumpyMLPClassifier,
    make_tabular_classifier,
    make_tabular_regressor,
)

callback = pytest.importorskip("sklearn.callback")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)


class Recorder:
    """Keeps what it is told; asks for a stop after an epoch."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.calls, self.models, self.inputs = [], [], []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.calls.append(("begin", context.task_name, context.task_id))
        self.inputs.append((X, y, metadata))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.calls.append(("end", context.task_name, context.task_id))
        self.models.append(fitted_estimator)
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after


def network(**parameters):
    return NumpyMLPClassifier((5,), max_iter=4, random_state=0, **parameters)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_each_epoch_is_a_task_of_the_fit(solver):
    recorder = Recorder()
    network(solver=solver).set_callbacks(recorder).fit(X, Y)
    epochs = [(when, "epoch", i) for i in range(4) for when in ("begin", "end")]
    assert recorder.calls == ["setup", ("begin", "fit", 0), *epochs, ("end", "fit", 0), "teardown"]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_training_stops_when_a_callback_says_so_without_a_warning(solver):
    model = network(solver=solver).set_callbacks(Recorder(stop_after=2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y)
    assert model.n_iter_ == len(model.loss_curve_) == 2
    expected = network(solver=solver).set_params(max_iter=2).fit(X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize(
    "parameters",
    [{}, {"averaging": 0.9, "batch_norm": True}, {"solver": "lbfgs"}],
    ids=["plain", "averaged", "lbfgs"],
)
def test_callbacks_get_the_model_as_of_that_epoch_with_weights_of_its_own(parameters):
    recorder = Recorder()
    model = network(**parameters).set_callbacks(recorder).fit(X, Y)
    *epochs, last = recorder.models
    assert [len(epoch.loss_curve_) for epoch in epochs] == [1, 2, 3, 4]
    assert not np.shares_memory(epochs[0].coefs_[0], epochs[1].coefs_[0])
    assert (epochs[0].coefs_[0] != epochs[1].coefs_[0]).any()
    np.testing.assert_array_equal(last.predict_proba(X), model.predict_proba(X))
    if "averaging" not in parameters:
        np.testing.assert_array_equal(epochs[-1].predict_proba(X), model.predict_proba(X))


def test_callbacks_get_what_the_user_gave():
    pd = pytest.importorskip("pandas")
    frame, labels = pd.DataFrame(X, columns=list("abcd")), pd.Series(Y)
    weights = np.ones(len(Y))
    recorder, monitor = Recorder(), callback.ScoringMonitor(scoring="accuracy")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "X (does not have|has) .*feature names")
        network().set_callbacks(recorder, monitor).fit(frame, labels, weights)
    for given, y, metadata in recorder.inputs:
        assert given is frame
        assert y is labels
        assert metadata["sample_weight"] is weights


def test_a_model_carries_no_trace_of_callbacks_unless_the_user_set_some():
    plain = network().fit(X, Y)
    unset = network().set_callbacks(Recorder()).set_callbacks().fit(X, Y)
    assert vars(plain).keys() == vars(unset).keys()
    assert not any("callback" in name for name in vars(plain))
    assert len(pickle.dumps(plain)) == len(pickle.dumps(unset))
    assert "_skl_callbacks" in vars(clone(network().set_callbacks(Recorder())))


def test_callbacks_are_torn_down_when_the_fit_fails_and_the_model_stays():
    recorder = Recorder()
    model = network().fit(X, Y).set_callbacks(recorder)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full_like(X, np.nan), Y)
    assert recorder.calls[-1] == "teardown"
    assert not any("callback_fit" in name for name in vars(model))
    np.testing.assert_array_equal(model.predict_proba(X), before)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_every_record_of_a_pipeline_in_a_grid_search_is_there(n_jobs, capsys):
    pytest.importorskip("rich")
    # a monitor belongs to the estimator it scores, a progress bar to the outermost one
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = make_pipeline(StandardScaler(), network().set_callbacks(monitor))
    grid = {"numpymlpclassifier__alpha": [0.0, 0.1]}
    search = GridSearchCV(model, grid, cv=3, n_jobs=n_jobs)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None)).fit(X, Y)
    logs = monitor.get_logs(select="all")
    records = [record for log in logs for record in log.data if record["task_name"] == "epoch"]
    assert all(record["estimator_name"] == "NumpyMLPClassifier" for record in records)
    assert len(records) == 4 * (2 * 3 + 1)
    assert len({record["task_id_path"] for record in records}) == len(records)
    assert all(0 < record["accuracy"] <= 1 for record in records)
    assert "NumpyMLPClassifier" in capsys.readouterr().out


# --- Meta-estimators ---


class Outermost(Recorder):
    """Is passed on to all networks, as a progress bar is."""

    max_propagation_depth = None


def ensemble(n_estimators=2, **parameters):
    return FoldEnsembleClassifier(network(), n_estimators, random_state=0, **parameters)


def hidden():
    return HiddenLayerTransformer(network())


def of_network(task_id):
    """Return what callbacks of the network are told of one of its clones."""
    epochs = [(when, "epoch", i) for i in range(4) for when in ("begin", "end")]
    return [("begin", "fit", task_id), *epochs, ("end", "fit", task_id)]


@pytest.mark.parametrize(("make", "n_networks"), [(ensemble, 2), (hidden, 1)])
def test_callbacks_of_a_meta_estimator_are_passed_on_to_its_networks(make, n_networks):
    recorder = Outermost()
    make().set_callbacks(recorder).fit(X, Y)
    networks = [call for i in range(n_networks) for call in of_network(i)]
    expected = ["setup", ("begin", "fit", 0), *networks, ("end", "fit", 0), "teardown"]
    assert recorder.calls == expected


@pytest.mark.parametrize(("make", "n_networks"), [(ensemble, 2), (hidden, 1)])
def test_callbacks_of_the_meta_estimator_alone_are_told_of_its_networks(make, n_networks):
    recorder = Recorder()
    model = make().set_callbacks(recorder).fit(X, Y)
    networks = [(when, "network", i) for i in range(n_networks) for when in ("begin", "end")]
    expected = ["setup", ("begin", "fit", 0), *networks, ("end", "fit", 0), "teardown"]
    assert recorder.calls == expected
    ask = "predict_proba" if make is ensemble else "transform"
    assert_array_equal(getattr(recorder.models[-1], ask)(X), getattr(model, ask)(X))


@pytest.mark.parametrize(("make", "n_networks"), [(ensemble, 2), (hidden, 1)])
def test_callbacks_of_the_network_are_set_up_and_torn_down_for_each_clone(make, n_networks):
    recorder, meta = Recorder(), make()
    meta.estimator.set_callbacks(recorder)
    meta.fit(X, Y)
    clones = [["setup", *of_network(i), "teardown"] for i in range(n_networks)]
    assert recorder.calls == [call for calls in clones for call in calls]


def test_callbacks_of_an_ensemble_get_what_the_user_gave():
    pd = pytest.importorskip("pandas")
    frame, labels, weights = pd.DataFrame(X, columns=list("abcd")), pd.Series(Y), np.ones(len(Y))
    recorder = Recorder()
    ensemble().set_callbacks(recorder).fit(frame, labels, weights)
    given, y, metadata = recorder.inputs[0]
    assert given is frame
    assert y is labels
    assert metadata["sample_weight"] is weights


@pytest.mark.parametrize("make", [ensemble, hidden])
def test_callbacks_change_no_result_and_leave_no_trace(make):
    plain, told = make().fit(X, Y), make().set_callbacks(Outermost()).fit(X, Y)
    ask = "predict_proba" if make is ensemble else "transform"
    assert_array_equal(getattr(plain, ask)(X), getattr(told, ask)(X))
    assert vars(plain).keys() == vars(told).keys() - {"_skl_callbacks"}
    members = told.estimators_ if make is ensemble else [told.estimator_]
    assert not any("callback" in name for member in members for name in vars(member))


@pytest.mark.parametrize("make", [ensemble, hidden])
def test_callbacks_of_a_meta_estimator_are_torn_down_when_its_fit_fails(make):
    recorder, inner = Outermost(), Recorder()
    model = make().fit(X, Y).set_callbacks(recorder)
    model.estimator.set_callbacks(inner).set_params(learning_rate_init=1e300)
    before = vars(model).copy()
    with pytest.raises(ValueError, match="diverged"):
        model.fit(X, Y)
    assert recorder.calls[-1] == inner.calls[-1] == "teardown"
    assert vars(model) == before


@pytest.mark.parametrize("make", [ensemble, hidden])
def test_a_progress_bar_of_the_network_itself_is_refused_with_the_remedy(make):
    model = make()
    model.estimator.set_callbacks(Outermost())
    with pytest.raises(TypeError, match="Register them directly on the meta-estimator"):
        model.fit(X, Y)


@pytest.mark.parametrize("callbacks_of", ["transformer", "network"])
def test_callbacks_are_not_told_of_a_frozen_network(callbacks_of):
    frozen = network().fit(X, Y)
    recorder = Outermost()
    model = HiddenLayerTransformer(FrozenEstimator(frozen))
    (model if callbacks_of == "transformer" else frozen).set_callbacks(recorder)
    model.fit(X)
    whole = ["setup", ("begin", "fit", 0), ("end", "fit", 0), "teardown"]
    assert recorder.calls == (whole if callbacks_of == "transformer" else [])
    assert not hasattr(frozen, "_parent_callback_ctx")


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_progress_bar_spans_all_networks_and_ends_its_thread(n_jobs, capsys):
    pytest.importorskip("rich")
    before = {thread for thread in threading.enumerate() if "Monitor" in type(thread).__name__}
    ensemble(3, n_jobs=n_jobs).set_callbacks(callback.ProgressBar()).fit(X, Y)
    shown = capsys.readouterr().out
    assert "FoldEnsembleClassifier - fit" in shown
    for i in range(3):
        assert f"NumpyMLPClassifier - fit #{i}" in shown
    after = {thread for thread in threading.enumerate() if "Monitor" in type(thread).__name__}
    assert after == before


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_every_record_of_an_ensemble_is_there_and_its_members_share_the_monitor(n_jobs):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = ensemble(n_jobs=n_jobs)
    model.estimator.set_callbacks(monitor)
    model.fit(X, Y)
    (log,) = monitor.get_logs(select="all")
    epochs = [record["task_id_path"] for record in log.data if record["task_name"] == "epoch"]
    assert log.estimator_name == "FoldEnsembleClassifier"
    assert epochs == [(0, i, epoch) for i in range(2) for epoch in range(4)]
    assert all(member._skl_callbacks == [monitor] for member in model.estimators_)


@pytest.mark.parametrize("make", [make_tabular_classifier, make_tabular_regressor])
def test_each_member_of_a_table_is_a_task(make):
    recorder = Recorder()
    model = make(0, n_members=3, max_iter=2, hidden_layer_sizes=(5,)).set_callbacks(recorder)
    model.fit(X, Y if make is make_tabular_classifier else X[:, 0])
    tasks = [call[0::2] for call in recorder.calls if call[1] == "network"]
    assert tasks == [(when, i) for i in range(3) for when in ("begin", "end")]


def test_a_progress_bar_of_the_tabular_classifier_shows_its_networks(capsys):
    pytest.importorskip("rich")
    bar = callback.ProgressBar(max_propagation_depth=None)
    model = make_tabular_classifier(0, n_members=2, max_iter=2, hidden_layer_sizes=(5,))
    model.set_callbacks(bar).fit(X, Y)
    shown = capsys.readouterr().out
    assert "TabularClassifier - fit" in shown
    assert "TabularClassifier - network | NumpyMLPClassifier - fit #1" in shown
