"""Fitted estimators of tables, and what their ONNX models must agree with."""

import functools

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmlp import TabularClassifier, TabularRegressor
from skmlp._export.onnx_model import OnnxGraph, model_proto

N = 240
FLOAT, INT64, STRING, DOUBLE = 1, 7, 8, 11
FAST = {
    "network": {"hidden_layer_sizes": (8,), "max_iter": 4},
    "n_members": 2,
    "random_state": 0,
}
FEW_TREES = {"max_iter": 12, "max_leaf_nodes": 6, "min_samples_leaf": 5}
NAMES = "anna", "Bob", "carla maria", "DORA", "émile", "fritz"
STREETS = "high street", "Low Road", "market  place", "mill lane"


def table(n=N, seed=0):
    """Return a frame with each kind of column that can be exported."""
    rng = np.random.RandomState(seed)
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "counts": rng.poisson(2, n),
            "old": rng.rand(n) > 0.5,
            "gaps": np.where(rng.rand(n) > 0.2, rng.exponential(size=n), np.nan),
            "far": 1e15 + rng.randint(0, 40, n),
            "constant": 1.0,
            "empty": np.nan,
            "colour": rng.choice(["red", "green", "blue", "rare " + str(seed)], n),
            "flag": pd.Categorical(rng.randint(0, 3, n)),
            "town": [f"town {k}" for k in np.minimum(rng.geometric(0.04, n), 60)],
            "price": [f" {x:.2f}" if x > 0.1 else "none" for x in rng.rand(n)],
            "code": 7.0 * rng.randint(0, 40, n),
        }
    )
    names, streets = rng.choice(NAMES, n), rng.choice(STREETS, n)
    frame["address"] = [
        f"{a} {k}, {b}" for a, b, k in zip(names, streets, rng.randint(0, 99, n), strict=True)
    ]
    frame["colour"] = frame["colour"].astype(object).where(rng.rand(n) > 0.1, None)
    return frame


def rows_to_predict():
    """Return rows with values that the estimators have not seen, and with missing ones."""
    frame = table(90, seed=1)
    frame.loc[:4, "size"] = [np.inf, -np.inf, 1e300, np.nan, 0.0]
    frame.loc[:1, "gaps"] = [np.inf, -1e30]
    frame.loc[:5, "colour"] = ["violet", None, "red", "Red", "green", "blue"]
    frame["flag"] = frame["flag"].astype(object)
    frame.loc[:2, "flag"] = [7, None, 1]
    frame.loc[:2, "town"] = [None, "nowhere", "town 1"]
    frame.loc[:5, "price"] = ["12", "1e2", "-.5", None, "twelve", "TRUE"]
    frame.loc[:5, "code"] = [3.5, np.nan, 1e6, 0.0, -7.0, np.inf]
    frame.loc[:5, "address"] = [
        None,
        "a\t B\u00a0c  \n d",
        "ANNA 1, HIGH STREET",
        " ",
        "x" * 190 + " anna 1, mill lane",
        "日本 émile 😀",
    ]
    return frame


def classes(frame, n_classes=2):
    """Return labels that depend on several columns."""
    score = frame["size"] + frame["address"].str.contains("anna") + frame["code"] % 3
    score += frame["colour"].eq("red") + frame["town"].eq("town 1")
    return pd.qcut(score.to_numpy(), n_classes, labels=False)


@functools.cache
def fitted_classifier(n_classes=2, **params):
    frame = table()
    y = np.array(["low", "middle", "high", "top"])[classes(frame, n_classes)]
    model = TabularClassifier(**{**FAST, "trees": FEW_TREES, **params}) if params else None
    model = model or TabularClassifier(**FAST, trees=FEW_TREES)
    return model.fit(frame, y)


def fitted_regressor(y, network=None):
    settings = {**FAST, "network": {**FAST["network"], **(network or {})}}
    return TabularRegressor(**settings).fit(table(), y)


def feeds(frame, missing=""):
    """Return the columns as a user passes them to the ONNX model of an estimator of `table`."""
    found = {}
    for name in frame.columns.drop("empty", errors="ignore"):
        column = frame[name]
        if name in {"colour", "flag", "town", "price", "address"}:
            text = [missing if pd.isna(value) else str(value) for value in column]
            found[name] = np.array(text, dtype=object)[:, np.newaxis]
        else:
            found[name] = column.to_numpy(np.float64)[:, np.newaxis]
    return found


def session(proto):
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def assert_classifies_alike(proto, model, frame, inputs):
    label, proba = session(proto).run(["label", "probabilities"], inputs)
    assert_allclose(proba, model.predict_proba(frame), rtol=0, atol=2e-6)
    assert_array_equal(label, model.predict(frame))


def assert_predicts_alike(proto, model, frame, inputs):
    (prediction,) = session(proto).run(["prediction"], inputs)
    expected = model.predict(frame)
    scale = np.abs(expected).max()
    assert prediction.dtype == np.float64
    assert_allclose(prediction.reshape(expected.shape), expected, rtol=0, atol=3e-6 * scale)


def run_graph(write, inputs, opset=17):
    """Return what a function writes into an empty graph, for inputs by name."""
    pytest.importorskip("onnx")
    types = {"f": FLOAT, "d": DOUBLE, "l": INT64, "O": STRING}
    g = OnnxGraph(np.dtype(np.float32), inputs)
    output = write(g)
    domains = {"": opset, "ai.onnx.ml": 3, "com.microsoft": 1}
    described = [(name, types[x.dtype.char], ["N", *x.shape[1:]]) for name, x in inputs.items()]
    proto = model_proto(g, "graph", described, [], domains)
    # the type of the output is found by the runtime
    proto.graph.output.add().name = output
    (found,) = session(proto).run([output], inputs)
    return found
