"""Regressors of tables as ONNX models."""

import numpy as np
import pytest
from exported_tables import assert_predicts_alike, feeds, fitted_regressor, rows_to_predict, table
from sklearn.exceptions import NotFittedError

from skmlp import TabularRegressor

pytest.importorskip("onnx")

FRAME = table()
NUMBERS = FRAME["size"].to_numpy() + FRAME["address"].str.contains("anna") + FRAME["code"] % 5
KINDS = {
    "one": (NUMBERS, {}),
    "large": (1e6 + NUMBERS, {}),
    "two": (np.column_stack([NUMBERS, FRAME["counts"]]), {}),
    "poisson": (np.exp(NUMBERS / 4), {"loss": "poisson"}),
    "level": (NUMBERS, {"loss": "quantile", "quantile": 0.7}),
    "levels": (NUMBERS, {"loss": "quantile", "quantile": (0.9, 0.1, 0.5)}),
    "float64": (NUMBERS, {"dtype": "float64"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_predicts_tables_like_the_estimator(kind):
    model, frame = fitted_regressor(*KINDS[kind]), rows_to_predict()
    proto = model.to_onnx()
    assert_predicts_alike(proto, model, frame, feeds(frame))
    assert_predicts_alike(proto, model, frame[:1], feeds(frame[:1]))
    n_columns = {"two": 2, "levels": 3}.get(kind, 1)
    (output,) = proto.graph.output
    assert output.type.tensor_type.shape.dim[1].dim_value == n_columns


def test_the_model_is_saved_as_it_is_returned(tmp_path):
    import onnx

    proto = fitted_regressor(NUMBERS).to_onnx(str(tmp_path / "model.onnx"))
    assert onnx.load(tmp_path / "model.onnx") == proto
    onnx.checker.check_model(proto)


def test_an_estimator_that_is_not_fitted_is_not_exported():
    with pytest.raises(NotFittedError):
        TabularRegressor().to_onnx()
