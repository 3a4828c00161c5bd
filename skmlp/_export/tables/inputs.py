"""The inputs of the graph, and the numbers and the codes of words that are read from them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from skmlp._export.onnx_model import NUMBER, OnnxGraph, Value
from skmlp._export.tables.checks import has_text_as_numbers
from skmlp._export.tables.text_numbers import write_text_as_numbers

ML = "ai.onnx.ml"
_INT64, _STRING = 7, 8


class Read(NamedTuple):
    """What has been read from a table: names of values in the graph.

    Attributes
    ----------
    numbers : str or None
        Numbers in float32, of shape (n, n_numbers), NaN where missing. None if there are none.
    codes : str or None
        Codes of the words, of shape (n, n_words); the number of values if a word is not known. None
        if there are no words.
    words : list of str
        The words, of shape (n, 1) each.
    n_values : list of int
        Number of values of each column of words.
    """

    numbers: str | None
    codes: str | None
    words: list[str]
    n_values: list[int]


def column_names(estimator: Any) -> list[str]:
    """Return the names of the columns; x0, x1, ... if they have none."""
    names = getattr(estimator, "feature_names_in_", None)
    return [f"x{j}" for j in range(estimator.n_features_in_)] if names is None else [*names]


def is_matrix(estimator: Any) -> bool:
    """Return whether the estimator was fitted to a nameless array of numbers."""
    return not hasattr(estimator, "feature_names_in_") and all(
        reader.kind in ("number", "empty") for reader in estimator.reader_.readers_
    )


def input_values(estimator: Any) -> list[Value]:
    """Return the inputs: one for each column that was not empty, or X for a matrix."""
    number = NUMBER["float64"]
    if is_matrix(estimator):
        return [("X", number, ["N", estimator.n_features_in_])]
    return [
        (name, _STRING if reader.kind == "words" else number, ["N", 1])
        for reader, name in zip(estimator.reader_.readers_, column_names(estimator), strict=True)
        if reader.kind != "empty"
    ]


def write_reading(g: OnnxGraph, estimator: Any, missing: str) -> Read:
    """Write what reads the columns.

    Parameters
    ----------
    g : OnnxGraph
        The graph.
    estimator : TabularClassifier or TabularRegressor
        The fitted estimator.
    missing : str
        The text that stands for a missing entry.

    Returns
    -------
    read : Read
        What has been read.
    """
    named = [*zip(estimator.reader_.readers_, column_names(estimator), strict=True)]
    words = [(reader, name) for reader, name in named if reader.kind == "words"]
    readers = [r.numbers_ if r.kind == "words" else r for r, _ in named]
    readers = [reader for reader in readers if reader is not None and reader.kind == "number"]
    numbers = None
    if readers:
        numbers = _write_numbers(g, readers, _joined_numbers(g, estimator, named))
    codes = None
    if words:
        codes = g("Concat", *(_write_codes(g, *word, missing) for word in words), axis=1)
    n_values = [len(reader.counts_) for reader, _ in words]
    return Read(numbers, codes, [name for _, name in words], n_values)


def _joined_numbers(g: OnnxGraph, estimator: Any, named: Sequence[tuple[Any, str]]) -> str:
    """Write all columns of numbers side by side, in float64."""
    if is_matrix(estimator):
        known = [j for j, (reader, _) in enumerate(named) if reader.kind == "number"]
        return "X" if len(known) == len(named) else g("Gather", "X", np.array(known), axis=1)
    columns = [
        write_text_as_numbers(g, name) if reader.kind == "words" else name
        for reader, name in named
        if reader.kind == "number" or has_text_as_numbers(reader)
    ]
    return g("Concat", *columns, axis=1)


def _write_numbers(g: OnnxGraph, readers: Sequence[Any], x: str) -> str:
    """Write float32 numbers: infinities replaced, shifted, clipped."""
    g = g.in_precision("float64")
    low, high, shift = (
        np.array([[getattr(reader, name) for reader in readers]])
        for name in ("low_", "high_", "shift_")
    )
    x = g("Where", g("Equal", x, np.inf), high, x)
    x = g("Where", g("Equal", x, -np.inf), low, x)
    if shift.any():
        x = g("Sub", x, shift)
    largest = readers[0].largest  # comparisons leave NaN as it is, Clip need not
    x = g("Where", g("Greater", x, largest), largest, x)
    x = g("Where", g("Less", x, -largest), -largest, x)
    return g("Cast", x, to=NUMBER["float32"])


def _write_codes(g: OnnxGraph, reader: Any, name: str, missing: str) -> str:
    """Write the codes of a column of words, of shape (n, 1)."""
    n_values = len(reader.counts_)
    of_missing = reader.missing_code_ if reader.missing_code_ >= 0 else n_values
    return g(
        "LabelEncoder",
        name,
        domain=ML,
        keys_strings=[*reader.codes_, missing],
        values_int64s=[*reader.codes_.values(), of_missing],
        default_int64=n_values,
    )
