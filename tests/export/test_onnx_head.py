"""The outputs of the ONNX graph."""

import numpy as np
import pytest

from skmlp._export.onnx_head import onnx_labels


@pytest.mark.parametrize(
    "classes", [np.array([b"a", b"b"]), np.array([1, 2**63], dtype=np.uint64)], ids=str
)
def test_labels_that_onnx_does_not_have_are_refused(classes):
    with pytest.raises(ValueError, match="integers or strings"):
        onnx_labels(classes)
