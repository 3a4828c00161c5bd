"""The methods of export."""

import subprocess
import sys

import pytest
from sklearn.exceptions import NotFittedError

from skmlp import NumpyMLPClassifier, NumpyMLPRegressor

LIST_IMPORTED = """
import sys
import skmlp
skmlp.NumpyMLPClassifier((3,), max_iter=1).fit([[0.0], [1.0]], [0, 1]).predict([[0.0]])
print(sorted({"onnx", "skl2onnx", "sklearn.neural_network"} & sys.modules.keys()))
"""


def test_what_only_exports_need_is_not_imported_before():
    command = [sys.executable, "-W", "ignore", "-c", LIST_IMPORTED]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("cls", [NumpyMLPClassifier, NumpyMLPRegressor])
def test_from_sklearn_is_a_method_of_the_class_and_of_models(cls):
    with pytest.raises(TypeError, match=rf"from_sklearn of {cls.__name__}"):
        cls.from_sklearn(None)
    with pytest.raises(TypeError, match=rf"from_sklearn of {cls.__name__}"):
        cls().from_sklearn(None)


def test_model_that_is_not_fitted_is_not_exported():
    for export in (NumpyMLPClassifier().to_sklearn, NumpyMLPClassifier().to_onnx):
        with pytest.raises(NotFittedError):
            export()
    for export in (NumpyMLPRegressor().to_sklearn, NumpyMLPRegressor().to_onnx):
        with pytest.raises(NotFittedError):
            export()
