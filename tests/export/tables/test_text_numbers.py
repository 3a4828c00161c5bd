"""Numbers that ONNX models read from text."""

import numpy as np
import pytest
from exported_tables import run_graph
from numpy.testing import assert_array_equal

from skmlp._export.tables.text_numbers import write_text_as_numbers
from skmlp._tables.words import as_numbers

TEXT = [
    "1", "-2", "+3", "0.1", "1.", ".5", "1e5", "1.5E-3", " 7\t", "123456789012345678901234567890",
    "0.30000000000000004", "5e-99", "true", "FALSE", " True ",
    "", " ", "-", ".", "e5", "1e", "one", "1,5", "1 2", "0x10", "12a", "nan", "yes",
]  # fmt: skip


@pytest.mark.parametrize("opset", [20])
def test_text_reads_as_the_numbers_of_python(opset):
    text = np.array(TEXT, dtype=object)
    found = run_graph(lambda g: write_text_as_numbers(g, "text"), {"text": text[:, None]}, opset)
    assert_array_equal(found[:, 0], as_numbers(text), strict=True)


@pytest.mark.parametrize("text", ["1e400", "1e-400", "9" * 400, "inf", "1_000"])
def test_text_beyond_the_range_reads_as_no_number(text):
    column = np.array([[text]], dtype=object)
    assert np.isnan(run_graph(lambda g: write_text_as_numbers(g, "text"), {"text": column}, 20))
