"""Networks and pipelines converted by skl2onnx."""

import numpy as np
import pytest
from exported_networks import (
    CLOSE,
    LABELS,
    MIXED,
    NUMBERS,
    X,
    assert_onnx_agrees,
    every_dtype,
    every_kind,
    fitted,
    rows,
    run,
)
from exported_regressors import (
    KINDS,
    TARGETS,
    assert_close,
    every_regression,
    fitted_regressor,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import skmlp
from skmlp import NumpyMLPClassifier, NumpyMLPRegressor
from skmlp._engine.activations import ACTIVATIONS
from skmlp._export.onnx_graph import FIRST_OPSET

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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


# --- Raw scores, and what asks for them -------------------------------------------------------


def skl2onnx_scores(model, R):
    """Return the scores as skl2onnx expects them: for two classes, one column for each."""
    scores = model.decision_function(R)
    return np.column_stack([-scores, scores]) if scores.ndim == 1 else scores


@every_dtype
@every_kind
@pytest.mark.parametrize("spread", [1, 100])
def test_raw_scores_are_those_of_the_decision_function(skl2onnx, kind, dtype, spread):
    model, R = fitted(kind, dtype=dtype), rows(dtype, spread)
    options = {"zipmap": False, "raw_scores": True}
    label, scores = run(skl2onnx.to_onnx(model, R[:1], options=options), R)
    assert_array_equal(label, model.predict(R))
    assert scores.dtype == dtype
    tolerance = {"float32": 1e-4, "float64": 1e-11}[dtype]
    assert_allclose(scores, skl2onnx_scores(model, R), rtol=tolerance, atol=tolerance)


def test_raw_scores_of_a_pipeline_are_those_of_its_last_step(skl2onnx):
    model, R = scaled(StandardScaler(), "multiclass", "float64"), rows("float64", 1)
    options = {id(model[-1]): {"zipmap": False, "raw_scores": True}}
    scores = run(skl2onnx.to_onnx(model, R[:1], options=options), R)[1]
    assert_allclose(scores, model.decision_function(R), rtol=1e-10)


@every_dtype
@pytest.mark.parametrize("opset", [FIRST_OPSET, 15, 18, 20])
def test_raw_scores_are_understood_in_every_opset(skl2onnx, opset, dtype):
    model, R = fitted("multiclass", dtype=dtype), rows(dtype)
    options = {"zipmap": False, "raw_scores": True}
    proto = skl2onnx.to_onnx(model, R[:1], options=options, target_opset=opset)
    expected = model.decision_function(R)
    assert_allclose(run(proto, R)[1], expected, rtol=1e-4, atol=1e-5)


def around_a_pipeline(network):
    return CalibratedClassifierCV(make_pipeline(StandardScaler(), network), cv=2)


def around_nested_pipelines(network):
    inner = make_pipeline(StandardScaler(), network)
    return CalibratedClassifierCV(make_pipeline(MinMaxScaler(), inner), cv=2)


META_ESTIMATORS = {
    "calibrated": lambda network: CalibratedClassifierCV(network, cv=2),
    "calibrated by one": lambda network: CalibratedClassifierCV(network, cv=2, ensemble=False),
    "calibrated pipeline": around_a_pipeline,
    "calibrated nested pipelines": around_nested_pipelines,
    "calibrated in a pipeline": lambda network: make_pipeline(
        StandardScaler(), CalibratedClassifierCV(network, cv=2)
    ),
    "bagging": lambda network: BaggingClassifier(network, n_estimators=2, random_state=0),
    "one against the rest": OneVsRestClassifier,
    "stacking": lambda network: StackingClassifier([("mlp", network)], cv=2),
}


@pytest.mark.parametrize("kind", ["binary", "two strings", "multiclass", "strings"])
@pytest.mark.parametrize("form", META_ESTIMATORS.values(), ids=META_ESTIMATORS)
def test_meta_estimators_around_the_network_convert(skl2onnx, form, kind):
    network = NumpyMLPClassifier((9, 5), max_iter=30, learning_rate_init=0.03, random_state=0)
    model, R = form(network).fit(X.astype("float32"), LABELS[kind]), rows("float32")
    label, proba = run(skl2onnx.to_onnx(model, R[:1], options={"zipmap": False}), R)
    assert_allclose(proba, model.predict_proba(R), rtol=0, atol=1e-4)
    sure = np.abs(np.diff(np.sort(proba, axis=1)[:, -2:], axis=1)[:, 0]) > 1e-4
    assert_array_equal(label.ravel()[sure], model.predict(R)[sure])


def test_stacking_on_scores_converts(skl2onnx):
    network = NumpyMLPClassifier((9, 5), max_iter=10, random_state=0)
    model = StackingClassifier([("mlp", network)], cv=2, stack_method="decision_function")
    model.fit(X.astype("float32"), LABELS["multiclass"])
    R = rows("float32")
    _, proba = run(skl2onnx.to_onnx(model, R[:1], options={"zipmap": False}), R)
    assert_allclose(proba, model.predict_proba(R), rtol=0, atol=1e-4)


def test_calibration_of_several_labels_converts(skl2onnx):
    network = NumpyMLPClassifier((9, 5), max_iter=10, random_state=0)
    model = MultiOutputClassifier(CalibratedClassifierCV(network, cv=2))
    model.fit(X.astype("float32"), LABELS["multilabel"])
    R = rows("float32")
    _, proba = run(skl2onnx.to_onnx(model, R[:1], options={"zipmap": False}), R, None)
    assert_allclose(np.array(proba), model.predict_proba(R), rtol=0, atol=1e-4)


def test_isotonic_calibration_which_skl2onnx_converts_wrongly_is_warned_of_once(skl2onnx):
    network = NumpyMLPClassifier((9, 5), max_iter=10, random_state=0)
    for base in (network, make_pipeline(StandardScaler(), network)):
        model = CalibratedClassifierCV(base, method="isotonic", cv=2)
        model.fit(X.astype("float32"), LABELS["multiclass"])
        with pytest.warns(UserWarning, match="isotonic.*step function.*sigmoid") as caught:
            skl2onnx.to_onnx(model, X[:1].astype("float32"))
        assert sum("isotonic" in str(w.message) for w in caught) == 1


# --- Regression -------------------------------------------------------------------------------


def assert_converted_predicts(skl2onnx, model, n_columns, R, **options):
    (prediction,) = run(skl2onnx.to_onnx(model, R[:1], **options), R, None)
    assert prediction.shape == (len(R), n_columns)
    expected = model.predict(R)
    dtype = "float64" if R.dtype == np.float64 else "float32"
    # the rounding of scalers and of meta-estimators is there as well
    assert prediction.dtype == dtype
    tolerance = {"float32": 1e-4, "float64": 1e-9}[dtype]
    scale = np.abs(expected).max()
    assert_allclose(prediction.reshape(expected.shape), expected, rtol=0, atol=tolerance * scale)


@every_dtype
@every_regression
def test_pipeline_of_a_regressor_converts(skl2onnx, kind, dtype):
    name, params = KINDS[kind]
    network = NumpyMLPRegressor(hidden_layer_sizes=(9, 5), max_iter=10, random_state=0, **params)
    model = make_pipeline(StandardScaler(), network).fit(X.astype(dtype), TARGETS[name])
    assert_converted_predicts(skl2onnx, model, model[-1].n_outputs_, rows(dtype, spread=1))


@every_dtype
@every_regression
@pytest.mark.parametrize("opset", [FIRST_OPSET, 15, 18, 20])
def test_regressor_converts_in_every_opset(skl2onnx, kind, dtype, opset):
    model, R = fitted_regressor(kind, dtype=dtype), rows(dtype)
    (prediction,) = run(skl2onnx.to_onnx(model, R[:1], target_opset=opset), R, None)
    expected = model.predict(R)
    assert_close(prediction.reshape(expected.shape), expected, dtype)


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_regressor_on_whole_numbers_converts(skl2onnx, dtype):
    R = (np.abs(3 * X) % 4).astype(dtype)
    model = NumpyMLPRegressor(hidden_layer_sizes=(5,), max_iter=5, random_state=0)
    assert_converted_predicts(skl2onnx, model.fit(R, TARGETS["two"]), 2, R)


def test_opset_too_old_for_a_regressor_is_refused_by_the_converter(skl2onnx):
    with pytest.raises(ValueError, match=r"target_opset.*NumpyMLPRegressor"):
        skl2onnx.to_onnx(fitted_regressor(), X[:1], target_opset=FIRST_OPSET - 1)


ONE_COLUMN = ["squared_error", "absolute_error", "poisson", "gamma", "quantile"]
REGRESSION_META_ESTIMATORS = {
    "voting": lambda network: VotingRegressor([("mlp", network), ("again", clone(network))]),
    "voting pipeline": lambda network: VotingRegressor(
        [("mlp", make_pipeline(StandardScaler(), network))]
    ),
    "stacking": lambda network: StackingRegressor([("mlp", network)], cv=2),
    "stacking with features": lambda network: StackingRegressor(
        [("mlp", network)], cv=2, passthrough=True
    ),
    "bagging": lambda network: BaggingRegressor(network, n_estimators=2, random_state=0),
    "boosting": lambda network: AdaBoostRegressor(network, n_estimators=2, random_state=0),
    "search": lambda network: GridSearchCV(network, {"alpha": [1e-4]}, cv=2),
}


@every_dtype
@pytest.mark.parametrize("kind", ONE_COLUMN)
@pytest.mark.parametrize(
    "form", REGRESSION_META_ESTIMATORS.values(), ids=REGRESSION_META_ESTIMATORS
)
def test_meta_estimators_around_the_regressor_convert(skl2onnx, form, kind, dtype):
    name, params = KINDS[kind]
    network = NumpyMLPRegressor(hidden_layer_sizes=(9,), max_iter=10, random_state=0, **params)
    model = form(network).fit(X.astype(dtype), TARGETS[name])
    assert_converted_predicts(skl2onnx, model, 1, rows(dtype))


@every_dtype
@pytest.mark.parametrize("kind", ["two outputs", "standardised", "huber", "two rates"])
def test_a_regressor_for_each_column_converts(skl2onnx, kind, dtype):
    name, params = KINDS[kind]
    network = NumpyMLPRegressor(hidden_layer_sizes=(9,), max_iter=10, random_state=0, **params)
    model = MultiOutputRegressor(network).fit(X.astype(dtype), TARGETS[name])
    assert_converted_predicts(skl2onnx, model, 2, rows(dtype))


@pytest.mark.parametrize("kind", ["two outputs", "levels"])
def test_bagging_which_skl2onnx_converts_for_one_column_only_is_warned_of(skl2onnx, kind):
    name, params = KINDS[kind]
    network = NumpyMLPRegressor(hidden_layer_sizes=(9,), max_iter=5, random_state=0, **params)
    model = BaggingRegressor(network, n_estimators=2, random_state=0).fit(X, TARGETS[name])
    with pytest.warns(UserWarning, match=r"BaggingRegressor.*Reshape") as caught:
        proto = skl2onnx.to_onnx(model, X[:1])
    assert sum("Reshape" in str(w.message) for w in caught) == 1
    (prediction,) = run(proto, X, None)
    expected = model.predict(X)
    assert_close(prediction.reshape(expected.shape), expected, "float64")
