"""Models saved as skops files."""

import copy
import functools
import pickle

import odd_frames
import pandas as pd
import pytest
from exported_networks import LABELS, MIXED, NUMBERS, X, fitted, trained_on
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPClassifier, TabularClassifier, TabularRegressor
from skmlp._training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TRUSTED = ["skmlp._classifier.NumpyMLPClassifier"]
SHARED = {
    "plain": fitted,
    "warm_start": lambda: fitted(warm_start=True, early_stopping=True),
    "lbfgs": lambda: fitted(solver="lbfgs"),
    "partial_fit": trained_on,
    "all": lambda: trained_on(batch_norm=True, averaging=0.9, dropout=0.1, noise=0.1),
    "schedule": lambda: trained_on(solver="sgd", learning_rate="one_cycle", warm_start=True),
    "mixed": lambda: fitted(activation=MIXED),
    "early_stopping": lambda: fitted(early_stopping=True, scoring="roc_auc_ovr", refit=True),
    **{kind: functools.partial(fitted, kind) for kind in LABELS},
}


@pytest.mark.parametrize("made", SHARED.values(), ids=SHARED)
def test_skops_loads_with_one_trusted_type_and_refuses_without(made, tmp_path):
    skops = pytest.importorskip("skops.io")
    from skops.io.exceptions import UntrustedTypesFoundException

    model, path = made(), tmp_path / "model.skops"
    skops.dump(model, path)
    assert skops.get_untrusted_types(file=path) == TRUSTED
    with pytest.raises(UntrustedTypesFoundException):
        skops.load(path)
    loaded = skops.load(path, trusted=TRUSTED)
    assert_array_equal(loaded.predict(X), model.predict(X), strict=True)
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded.get_params() == model.get_params()


def test_skops_file_holds_no_callbacks():
    skops, callback = pytest.importorskip("skops.io"), pytest.importorskip("sklearn.callback")
    model = NumpyMLPClassifier((4,), max_iter=2)
    model.set_callbacks(callback.ScoringMonitor(scoring="accuracy"))
    file = skops.dumps(model.fit(X, NUMBERS))
    assert skops.get_untrusted_types(data=file) == TRUSTED


@pytest.mark.parametrize("kind", ["strings", "multilabel"])
def test_skops_round_trip_of_a_pipeline_on_a_table(kind):
    skops = pytest.importorskip("skops.io")
    table = pd.DataFrame(X, columns=list("abcdef"))
    model = make_pipeline(StandardScaler(), NumpyMLPClassifier((4,), max_iter=2, random_state=0))
    model.set_output(transform="pandas").fit(table, LABELS[kind])
    loaded = skops.loads(skops.dumps(model), trusted=TRUSTED)
    assert_array_equal(loaded.predict_proba(table), model.predict_proba(table))
    assert_array_equal(loaded[-1].feature_names_in_, table.columns)


@pytest.mark.parametrize("cls", [TabularClassifier, TabularRegressor])
def test_skops_file_of_an_estimator_of_tables_trusts_types_of_skmlp_only(cls):
    skops = pytest.importorskip("skops.io")
    frame = pd.DataFrame(
        {name: getattr(odd_frames, name) for name in ("WORDS", "TIMES", "NUMBERS")}
    )
    frame["clock"], frame["span"], frame["none"] = odd_frames.CLOCKS, odd_frames.SPANS, None
    frame["text"] = [f"{word} {row}" for row, word in enumerate(odd_frames.WORDS)]
    network = {"hidden_layer_sizes": (3,), "max_iter": 2}
    model = cls(network, n_members=2, random_state=0).fit(frame, odd_frames.ROWS % 3)
    file = skops.dumps(model)
    types = skops.get_untrusted_types(data=file)
    assert {name.split(".")[0] for name in types} == {"skmlp"}
    loaded = skops.loads(file, trusted=types)
    assert_array_equal(loaded.predict(frame), model.predict(frame), strict=True)
    for method in ("predict_proba", "predict_interval"):
        if hasattr(model, method):
            assert_array_equal(getattr(loaded, method)(frame), getattr(model, method)(frame))


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_skops_file_holds_no_optimizer_state(solver):
    skops = pytest.importorskip("skops.io")
    model = copy.deepcopy(fitted(hidden=(600,), solver=solver, max_iter=2))
    fresh, fresh_pickle = len(skops.dumps(model)), len(pickle.dumps(model))
    model.partial_fit(X, LABELS["multiclass"])
    assert len(pickle.dumps(model)) > 1.8 * fresh_pickle
    assert len(skops.dumps(model)) < 1.02 * fresh


@pytest.mark.parametrize("params", [{}, {"batch_norm": True}, {"dropout": 0.1}], ids=str)
def test_model_from_skops_trains_on_as_one_whose_solver_starts_anew(params):
    skops = pytest.importorskip("skops.io")
    model = copy.deepcopy(fitted(**params))
    loaded = skops.loads(skops.dumps(model), trusted=TRUSTED)
    for m in (model, loaded):
        for _ in range(2):
            m.partial_fit(X, LABELS["multiclass"])
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded.loss_curve_ == model.loss_curve_
