import copy
import functools
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix, issparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import skmlp
from skmlp import NumpyMLPClassifier
from skmlp._engine.activations import ACTIVATIONS
from skmlp._export.onnx_graph import FIRST_OPSET, ONNX_ACTIVATIONS, onnx_labels
from skmlp._training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IN_SKLEARN = ["identity", "logistic", "relu", "tanh"]
NOT_IN_SKLEARN = sorted({*ACTIVATIONS} - {*IN_SKLEARN})
MIXED = ("gelu", "tanh")
ONE_LAYER_OF_EACH = tuple(ACTIVATIONS)
# a dozen roundings in float32; in float64 the polynomial of gelu has the largest error
CLOSE = {"float32": {"rtol": 0, "atol": 1e-6}, "float64": {"rtol": 0, "atol": 1e-11}}

RNG = np.random.RandomState(0)
X = RNG.normal(size=(150, 6))
NUMBERS = np.digitize(X[:, 0] + X[:, 1], [-1, 0, 1])
LABELS = {
    "binary": NUMBERS % 2,
    "booleans": NUMBERS > 1,
    "two strings": np.where(NUMBERS > 1, "yes", "no"),
    "multiclass": 10 * NUMBERS - 7,
    "floats": NUMBERS.astype(float),
    "strings": np.array(["a", "bb", "ccc", "é"])[NUMBERS],
    "objects": np.array(["a", "bb", "ccc", "é"], dtype=object)[NUMBERS],
    "multilabel": (X[:, :3] > 0.3).astype(int),
}
STRINGS = {"two strings", "strings", "objects"}

every_kind = pytest.mark.parametrize("kind", LABELS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@functools.cache
def fitted(kind="multiclass", activation="relu", dtype="float64", hidden=(9, 5), **params):
    defaults = {"max_iter": 10, "learning_rate_init": 0.03, "random_state": 0}
    model = NumpyMLPClassifier(hidden, activation, dtype=dtype, **{**defaults, **params})
    return model.fit(X, LABELS[kind])


def rows(dtype, spread=2):
    return (spread * np.random.RandomState(1).normal(size=(400, 6))).astype(dtype)


def assert_same_predictions(exported, model, dtype):
    R = rows(dtype)
    assert_array_equal(exported.predict(R), model.predict(R), strict=True)
    assert_allclose(exported.predict_proba(R), model.predict_proba(R), **CLOSE[dtype])


def run(proto, X, outputs=("label", "probabilities")):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(outputs, {"X": X})


def assert_onnx_agrees(proto, model, X, dtype):
    label, proba = run(proto, X)
    assert_array_equal(label, model.predict(X))
    assert proba.dtype == dtype
    assert_allclose(proba, model.predict_proba(X), **CLOSE[dtype])


# scikit-learn


@every_dtype
@every_kind
@pytest.mark.parametrize("activation", IN_SKLEARN)
def test_exported_mlp_classifier_predicts_the_same(activation, kind, dtype):
    model = fitted(kind, activation, dtype)
    exported = model.to_sklearn()
    assert type(exported) is MLPClassifier
    assert_same_predictions(exported, model, dtype)
    assert exported.score(X, LABELS[kind]) == model.score(X, LABELS[kind])


@pytest.mark.parametrize(
    "params",
    [
        {"hidden": ()},
        {"hidden": 7},
        {"activation": ("tanh", "tanh")},
        {"batch_norm": True, "dropout": 0.1},
        {"averaging": 0.9, "solver": "adamw"},
        {"solver": "lbfgs"},
        {"early_stopping": True, "scoring": "loss", "refit": True},
    ],
    ids=str,
)
def test_model_of_any_training_exports_to_sklearn(params):
    model = fitted(**params)
    assert_same_predictions(model.to_sklearn(), model, "float64")


@pytest.mark.parametrize("activation", [*NOT_IN_SKLEARN, MIXED, ("relu", "tanh")], ids=str)
def test_activation_unknown_to_sklearn_is_refused_by_name_with_the_remedy(activation):
    names = [activation] if isinstance(activation, str) else activation
    with pytest.raises(ValueError, match="to_onnx") as refused:
        fitted(activation=activation).to_sklearn()
    assert all(name in str(refused.value) for name in names)


def test_single_class_is_refused():
    model = NumpyMLPClassifier((3,), max_iter=1).fit(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match="one class"):
        model.to_sklearn()


@pytest.mark.parametrize("early_stopping", [False, True])
def test_exported_model_has_every_attribute_of_a_fitted_mlp_classifier(early_stopping):
    params = {"max_iter": 3, "early_stopping": early_stopping, "random_state": 0}
    table = pd.DataFrame(X, columns=list("abcdef"))
    y = LABELS["multiclass"]
    model = NumpyMLPClassifier((4,), **params).fit(table, y)
    exported, theirs = model.to_sklearn(), MLPClassifier((4,), **params).fit(table, y)
    public = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
    assert public <= vars(exported).keys()
    for name in public:
        assert joblib.hash(getattr(exported, name)) == joblib.hash(getattr(model, name)), name
    assert_array_equal(exported.predict(table), model.predict(table))


def test_exported_model_shares_the_parameters():
    params = {
        "hidden_layer_sizes": [8, 3],
        "activation": "tanh",
        "solver": "sgd",
        "learning_rate": "invscaling",
        "alpha": 0.01,
        "momentum": 0.5,
        "batch_size": 16,
        "max_iter": 2,
        "random_state": 3,
    }
    exported = NumpyMLPClassifier(**params, batch_norm=True).fit(X, NUMBERS).to_sklearn()
    assert exported.get_params() == MLPClassifier(**params).get_params()


@pytest.mark.parametrize("solver", [*OPTIMIZERS, "lbfgs"])
@pytest.mark.parametrize("learning_rate", ["adaptive", "cosine"])
def test_exported_model_has_parameters_that_its_class_accepts(solver, learning_rate):
    model = fitted(solver=solver, learning_rate=learning_rate, max_iter=2)
    clone(model.to_sklearn()).fit(X, NUMBERS)


def test_what_was_set_after_the_fit_does_not_change_what_is_exported():
    model = copy.deepcopy(fitted(activation="tanh")).set_params(activation="gelu")
    assert_same_predictions(model.to_sklearn(), model, "float64")


def test_exported_model_trains_on_apart_from_the_original():
    rng = np.random.RandomState(0)
    model = NumpyMLPClassifier((4,), max_iter=2, random_state=rng).fit(X, NUMBERS)
    before = copy.deepcopy(model)
    exported = model.to_sklearn()
    loss = exported.partial_fit(X, NUMBERS).loss_curve_
    assert len(loss) == 3
    assert joblib.hash(vars(model)) == joblib.hash(vars(before))


def test_sparse_indicator_matrix_gives_sparse_predictions():
    model = NumpyMLPClassifier((4,), max_iter=2).fit(X, csr_matrix(LABELS["multilabel"]))
    ours, theirs = model.predict(X), model.to_sklearn().predict(X)
    assert issparse(ours)
    assert issparse(theirs)
    assert_array_equal(theirs.toarray(), ours.toarray())


LOAD_AND_PREDICT = """
import pickle, sys
sys.modules["skmlp"] = None
model, X = pickle.load(open(sys.argv[1], "rb"))
pickle.dump((model.predict(X), model.predict_proba(X)), open(sys.argv[2], "wb"))
"""


def test_exported_model_is_loaded_and_predicts_without_skmlp(tmp_path):
    model = make_pipeline(StandardScaler(), NumpyMLPClassifier((4,), max_iter=2, random_state=0))
    model.fit(X, LABELS["strings"])
    exported = copy.copy(model).set_params(numpymlpclassifier=model[-1].to_sklearn())
    saved, predicted = tmp_path / "model", tmp_path / "predicted"
    saved.write_bytes(pickle.dumps((exported, X)))
    command = [sys.executable, "-c", LOAD_AND_PREDICT, saved, predicted]
    subprocess.run(command, cwd=tmp_path, check=True)
    labels, proba = pickle.loads(predicted.read_bytes())
    assert_array_equal(labels, model.predict(X))
    assert_allclose(proba, model.predict_proba(X), **CLOSE["float64"])


# ONNX


def test_there_is_a_builder_for_every_activation():
    assert sorted(ONNX_ACTIVATIONS) == sorted(ACTIVATIONS)


@every_dtype
@every_kind
@pytest.mark.parametrize("activation", [*ACTIVATIONS, MIXED], ids=str)
def test_onnx_predicts_the_same(activation, kind, dtype):
    onnx = pytest.importorskip("onnx")
    model = fitted(kind, activation, dtype)
    proto = model.to_onnx()
    onnx.checker.check_model(proto, full_check=True)
    assert_onnx_agrees(proto, model, rows(dtype), dtype)


@every_dtype
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_onnx_activation_is_exact_far_out(name, dtype):
    """A network of one unit each, whose logits are a = h(z) and 0."""
    pytest.importorskip("onnx")
    z = np.linspace(-60, 60, 24001, dtype=dtype)[:, np.newaxis]
    a = z.copy()
    ACTIVATIONS[name].forward(a, np.empty_like(a))
    model = NumpyMLPClassifier((1,), name, dtype=dtype, max_iter=1).fit(z[::99], z[::99, 0] > 0)
    model.coefs_ = [np.ones((1, 1), dtype), np.ones((1, 1), dtype)]
    model.intercepts_ = [np.zeros(1, dtype), np.zeros(1, dtype)]
    _, proba = run(model.to_onnx(), z)
    expected = 1 / (1 + np.exp(-a[:, 0].astype("float64")))
    assert_allclose(proba[:, 1], expected, rtol=0, atol={"float32": 3e-7, "float64": 1e-12}[dtype])


@pytest.mark.parametrize("opset", [FIRST_OPSET, 15, 18, 20])
@every_dtype
def test_every_activation_is_understood_in_every_opset(opset, dtype):
    pytest.importorskip("onnx")
    model = fitted("strings", ONE_LAYER_OF_EACH, dtype, hidden=(5,) * len(ONE_LAYER_OF_EACH))
    proto = model.to_onnx(opset=opset)
    assert [(imported.domain, imported.version) for imported in proto.opset_import] == [("", opset)]
    assert_onnx_agrees(proto, model, rows(dtype), dtype)


@pytest.mark.parametrize("params", [{"hidden": ()}, {"batch_norm": True}], ids=str)
@every_dtype
def test_onnx_of_linear_and_normalised_networks_predicts_the_same(params, dtype):
    pytest.importorskip("onnx")
    model = fitted(dtype=dtype, **params)
    assert_onnx_agrees(model.to_onnx(), model, rows(dtype), dtype)


@every_kind
def test_onnx_says_what_goes_in_and_comes_out(kind):
    onnx = pytest.importorskip("onnx")
    proto = fitted(kind, dtype="float32").to_onnx()
    types = onnx.TensorProto
    n_classes = {"multilabel": 3}.get(kind, len(np.unique(LABELS[kind])))
    label = types.STRING if kind in STRINGS else types.INT64
    described = {
        value.name: (
            value.type.tensor_type.elem_type,
            [d.dim_value or d.dim_param for d in value.type.tensor_type.shape.dim],
        )
        for value in [*proto.graph.input, *proto.graph.output]
    }
    assert described == {
        "X": (types.FLOAT, ["N", 6]),
        "label": (label, ["N", 3] if kind == "multilabel" else ["N"]),
        "probabilities": (types.FLOAT, ["N", n_classes]),
    }
    assert (proto.producer_name, proto.producer_version) == ("skmlp", skmlp.__version__)


@every_kind
@pytest.mark.parametrize("n", [1, 7])
def test_onnx_takes_any_number_of_rows(n, kind):
    pytest.importorskip("onnx")
    model = fitted(kind)
    assert_onnx_agrees(model.to_onnx(), model, X[:n], "float64")


def test_onnx_has_a_single_class():
    pytest.importorskip("onnx")
    model = NumpyMLPClassifier((3,), max_iter=1).fit(X, np.full(len(X), 4))
    assert_onnx_agrees(model.to_onnx(), model, X, "float64")


@pytest.mark.parametrize("as_path", [Path, str])
def test_onnx_is_saved_as_it_is_returned(as_path, tmp_path):
    onnx = pytest.importorskip("onnx")
    proto = fitted().to_onnx(as_path(tmp_path / "model.onnx"))
    assert onnx.load(tmp_path / "model.onnx") == proto == fitted().to_onnx()


@every_kind
def test_float64_model_can_be_exported_in_float32(kind):
    pytest.importorskip("onnx")
    model = fitted(kind)
    label, proba = run(model.to_onnx(dtype="float32"), X.astype("float32"))
    assert_array_equal(label, model.predict(X))
    assert proba.dtype == "float32"
    assert_allclose(proba, model.predict_proba(X), **CLOSE["float32"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"opset": FIRST_OPSET - 1}, "opset"),
        ({"opset": 999}, "opset"),
        ({"dtype": "float16"}, "dtype"),
        ({"dtype": int}, "dtype"),
    ],
    ids=str,
)
def test_option_out_of_range_is_refused(params, message):
    pytest.importorskip("onnx")
    with pytest.raises(ValueError, match=message):
        fitted().to_onnx(**params)


@pytest.mark.parametrize(
    "classes", [np.array([b"a", b"b"]), np.array([1, 2**63], dtype=np.uint64)], ids=str
)
def test_labels_that_onnx_does_not_have_are_refused(classes):
    with pytest.raises(ValueError, match="integers or strings"):
        onnx_labels(classes)


def test_model_that_is_not_fitted_is_not_exported():
    for export in (NumpyMLPClassifier().to_sklearn, NumpyMLPClassifier().to_onnx):
        with pytest.raises(NotFittedError):
            export()


@pytest.mark.parametrize("package", ["onnx", "skl2onnx"])
def test_missing_package_is_named_with_its_extra(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    export = {"onnx": fitted().to_onnx, "skl2onnx": skmlp.register_skl2onnx}[package]
    with pytest.raises(ImportError, match=rf"package {package}: pip install skmlp\[onnx\]"):
        export()


# skl2onnx


@pytest.fixture
def skl2onnx():
    module = pytest.importorskip("skl2onnx")
    skmlp.register_skl2onnx()
    return module


def scaled(scaler, kind, dtype, **params):
    network = NumpyMLPClassifier((9, 5), max_iter=10, learning_rate_init=0.03, random_state=0)
    return make_pipeline(scaler, network.set_params(**params)).fit(X.astype(dtype), LABELS[kind])


@every_dtype
@every_kind
@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()], ids=str)
def test_pipeline_converts(skl2onnx, scaler, kind, dtype):
    model, R = scaled(clone(scaler), kind, dtype), rows(dtype, spread=1)
    proto = skl2onnx.to_onnx(model, R[:1], options={"zipmap": False})
    assert_onnx_agrees(proto, model, R, dtype)


@every_dtype
@pytest.mark.parametrize("activation", [*ACTIVATIONS, MIXED], ids=str)
def test_every_activation_converts(skl2onnx, activation, dtype):
    model = fitted("strings", activation, dtype)
    proto = skl2onnx.to_onnx(model, rows(dtype)[:1], options={"zipmap": False})
    assert_onnx_agrees(proto, model, rows(dtype), dtype)


@every_kind
def test_converted_pipeline_gives_a_dict_per_row_where_zipmap_is_on(skl2onnx, kind):
    model, R = scaled(StandardScaler(), kind, "float32"), rows("float32", spread=1)
    outputs = ["output_label", "output_probability"]
    label, dicts = run(skl2onnx.to_onnx(model, R[:1]), R, outputs)
    assert_array_equal(label, model.predict(R))
    assert all(sorted(row) == model.classes_.tolist() for row in dicts)
    proba = [[row[label] for label in model.classes_] for row in dicts]
    assert_allclose(proba, model.predict_proba(R), **CLOSE["float32"])


@every_kind
def test_converted_pipeline_gives_a_column_per_class_where_zipmap_is_columns(skl2onnx, kind):
    model, R = scaled(StandardScaler(), kind, "float32"), rows("float32", spread=1)
    proto = skl2onnx.to_onnx(model, R[:1], options={"zipmap": "columns"})
    _, *columns = run(proto, R, None)
    proba = np.column_stack(columns)
    assert_allclose(proba, model.predict_proba(R), **CLOSE["float32"])


@every_kind
def test_converted_network_gives_numbers_of_classes_where_labels_are_left_out(skl2onnx, kind):
    model, R = fitted(kind, dtype="float32"), rows("float32")
    options = {id(model): {"zipmap": False, "nocl": True}}
    label, proba = run(skl2onnx.to_onnx(model, R[:1], options=options), R)
    expected = model.predict(R)
    if kind != "multilabel":
        expected = np.searchsorted(model.classes_, expected)
    assert_array_equal(label, expected)
    assert_allclose(proba, model.predict_proba(R), **CLOSE["float32"])


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_network_on_whole_numbers_converts(skl2onnx, dtype):
    R = (np.abs(3 * X) % 4).astype(dtype)
    model = NumpyMLPClassifier((5,), max_iter=5, random_state=0).fit(R, NUMBERS)
    label, proba = run(skl2onnx.to_onnx(model, R[:1], options={"zipmap": False}), R)
    assert_array_equal(label, model.predict(R))
    assert_allclose(proba, model.predict_proba(R), **CLOSE["float32"])


@pytest.mark.filterwarnings("error")
def test_registering_again_is_harmless(skl2onnx):
    skmlp.register_skl2onnx()
    proto = skl2onnx.to_onnx(fitted(), X[:1], options={"zipmap": False})
    assert_onnx_agrees(proto, fitted(), X, "float64")


def test_opset_too_old_is_refused_by_the_converter(skl2onnx):
    with pytest.raises(ValueError, match="target_opset"):
        skl2onnx.to_onnx(fitted(), X[:1], target_opset=FIRST_OPSET - 1)


# skops

TRUSTED = ["skmlp._classifier.NumpyMLPClassifier"]


@functools.cache
def trained_on(**params):
    """A model that carries all that training needs to go on."""
    model = NumpyMLPClassifier((9, 5), max_iter=3, **{"random_state": 0, **params})
    return model.fit(X, NUMBERS).partial_fit(X, NUMBERS)


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


# joblib, memory-mapped


@pytest.mark.parametrize("params", [{}, {"batch_norm": True, "averaging": 0.9}], ids=str)
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_memory_mapped_model_with_its_solver_predicts_exports_and_trains_on(
    solver, params, tmp_path
):
    model = copy.deepcopy(trained_on(solver=solver, **params))
    joblib.dump(model, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    assert isinstance(mapped.coefs_[0], np.memmap)
    assert_array_equal(mapped.predict_proba(X), model.predict_proba(X))
    exported = mapped.to_sklearn()
    assert type(exported.coefs_[0]) is np.ndarray
    assert_same_predictions(exported, model, "float64")
    for m in (mapped, model):
        m.partial_fit(X, NUMBERS)
    assert_array_equal(mapped.predict_proba(X), model.predict_proba(X))
    exported.partial_fit(X, NUMBERS)
