"""A project of a user, which trains, searches, inspects and saves models, has no type errors."""

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import (
    FoldEnsembleClassifier,
    FoldEnsembleRegressor,
    HiddenLayerTransformer,
    NumpyMLPClassifier,
    NumpyMLPRegressor,
    PredictionIntervalDisplay,
    TabularClassifier,
    TabularRegressor,
    TrainingCurveDisplay,
    make_tabular_classifier,
    recipes,
)
from skmlp.preprocessing import RobustSmoothScaler


def train(X: NDArray[np.float64], y: NDArray[np.int64]) -> NumpyMLPClassifier:
    network = NumpyMLPClassifier(**recipes.MNIST_FAST, random_state=0)
    network.set_params(max_iter=3)
    network.partial_fit(X, y)
    return network.fit(X, y)


def lengths(network: NumpyMLPClassifier | NumpyMLPRegressor) -> list[float]:
    return [float(np.linalg.norm(W)) for W in network.coefs_]


def search(X: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    pipeline = Pipeline([("scale", StandardScaler()), ("net", NumpyMLPClassifier((20,)))])
    grid = GridSearchCV(pipeline, {"net__alpha": [1e-4, 1e-2]}, cv=2).fit(X, y)
    best: NumpyMLPClassifier = grid.best_estimator_["net"]
    return float(best.score(X, y)) + best.n_iter_


def regress(X: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    network = NumpyMLPRegressor(
        loss="quantile",
        quantile=[0.1, 0.9],
        hidden_layer_sizes=(50, 20),
        activation=["relu", "tanh"],
        standardize_target=True,
        early_stopping=True,
        scoring="loss",
        learning_rate="one_cycle",
        max_time=None,
    )
    model = make_pipeline(RobustSmoothScaler(), network).fit(X, y)
    ensemble = FoldEnsembleRegressor(NumpyMLPRegressor(max_iter=5), cv=3).fit(X, y)
    lower, upper = ensemble.predict_interval(X, coverage=0.9)
    mean, std = ensemble.predict(X, return_std=True)
    PredictionIntervalDisplay.from_estimator(ensemble, X, y).ax_.set_title("intervals")
    return np.asarray(upper - lower + std + mean + model.predict(X)[:, 0])


def table(frame: Any) -> None:
    model = TabularClassifier(random_state=0, class_weight="balanced", max_time=60.0)
    fitted = model.fit(frame.drop(columns="y"), frame["y"])
    p = fitted.predict_proba(frame.drop(columns="y"))
    print(p.shape, fitted.classes_)
    TabularRegressor().fit(frame[["a"]], frame["y"]).predict(frame[["a"]])
    make_tabular_classifier(random_state=1).fit(frame[["a"]], frame["y"])


def look(X: NDArray[np.float64], y: NDArray[np.int64]) -> None:
    network = train(X, y)
    display = TrainingCurveDisplay.from_estimator({"a": network}, kind="loss")
    display.ax_[0].set_yscale("log")
    features = HiddenLayerTransformer(network, layer=0).fit(X, y).transform(X)
    print(features.shape, network.loss_curve_[-1], network.best_loss_, network.intercepts_[0].shape)
    print(network.input_gradient(X[:2]).shape, network.to_sklearn().n_layers_)
    network.to_onnx("model.onnx")
    FoldEnsembleClassifier(NumpyMLPClassifier(), cv=5).fit(X, y).predict_proba(X)


def main() -> None:
    X, y = load_digits(return_X_y=True)
    parts = train_test_split(X / 16, y, random_state=0)
    X_train, X_test, y_train, y_test = (np.asarray(part) for part in parts)
    network = train(X_train, y_train)
    classes = network.predict(X_test)
    print((classes == y_test).mean(), network.predict_proba(X_test).sum(axis=1), lengths(network))
    print(search(X_train, y_train))

"""


@pytest.mark.parametrize("options", [[], ["--strict"]], ids=["default", "strict"])
def test_project_of_a_user_has_no_type_errors(check, options):
    assert check(PROGRAM, *options).stdout == "Success: no issues found in 1 source file\n"


def test_what_fit_and_predict_return_is_known(check):
    revealed = check(
        """
from skmlp import NumpyMLPClassifier, NumpyMLPRegressor, TabularClassifier
reveal_type(NumpyMLPClassifier().fit([[1]], [1]))
reveal_type(NumpyMLPRegressor().fit([[1]], [1]))
reveal_type(TabularClassifier().fit([[1]], [1]))
reveal_type(NumpyMLPClassifier().fit([[1]], [1]).predict_proba([[1]]))
"""
    ).stdout
    types = [line.split('"')[1] for line in revealed.splitlines() if "Revealed" in line]
    assert [name.rpartition(".")[2] for name in types[:3]] == [
        "NumpyMLPClassifier",
        "NumpyMLPRegressor",
        "TabularClassifier",
    ]
    assert types[3].startswith("numpy.ndarray")


def test_wrong_use_is_a_type_error(check):
    uses = [
        'NumpyMLPClassifier(hidden_layer_sizes="a")',
        'NumpyMLPClassifier(activation="rellu")',
        'NumpyMLPClassifier(alpha="0.1")',
        "NumpyMLPClassifier(layers=3)",
        'NumpyMLPRegressor("mse")',
        'NumpyMLPRegressor(class_weight="balanced")',
        "NumpyMLPClassifier().fit([[1]])",
        "NumpyMLPClassifier().to_onnx(3)",
        'TabularClassifier(trees="no")',
        'TabularClassifier(n_members="4")',
    ]
    names = "NumpyMLPClassifier, NumpyMLPRegressor, TabularClassifier"
    output = check("\n".join([f"from skmlp import {names}", *uses])).stdout.splitlines()
    refused = {int(line.split(":")[1]) - 2 for line in output if ": error:" in line}
    assert [use for i, use in enumerate(uses) if i not in refused] == []
