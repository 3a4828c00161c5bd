"""Numbers that are read from text."""

import numpy as np

from skmlp._export.onnx_model import NUMBER, OnnxGraph

# of at most 200 digits and exponents below 100, so that the number is neither infinite nor denormal
_NUMBER = r"\s*[+-]?([0-9]{1,200}(\.[0-9]{0,200})?|\.[0-9]{1,200})([eE][+-]?[0-9]{1,2})?\s*"
_TRUTH = {r"(?i)\s*true\s*": 1.0, r"(?i)\s*false\s*": 0.0}


def write_text_as_numbers(g: OnnxGraph, text: str) -> str:
    """Write the numbers that text reads as, in float64; NaN if it reads as none.

    Decimal numbers are read, with or without an exponent, and "true" and "false" as 1 and 0.
    """
    g = g.in_precision("float64")
    is_number = g("RegexFullMatch", text, pattern=_NUMBER)
    number = g("Cast", g("Where", is_number, text, np.array(["0"], object)), to=NUMBER["float64"])
    number = g("Where", is_number, number, np.nan)
    for pattern, value in _TRUTH.items():
        number = g("Where", g("RegexFullMatch", text, pattern=pattern), value, number)
    return number
