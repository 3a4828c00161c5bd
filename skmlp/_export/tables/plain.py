"""The features that are not learnt from targets."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray
from skmlp._export.onnx_model import NUMBER, OnnxGraph
from skmlp._export.tables.inputs import Read

_FLOAT32 = NUMBER["float32"]
_LARGEST_Z = 1e9
_STEPS = 64, 32, 16, 8, 4, 2, 1


def write_plain_features(g: OnnxGraph, plain: Any, read: Read) -> str:
    """Write the features of numbers, and the indicators of words.

    Parameters
    ----------
    g : OnnxGraph
        The graph, in float32.
    plain : PlainFeatures
        The fitted transformer.
    read : Read
        What has been read from the table.

    Returns
    -------
    features : str
        Name of the features, of shape (n, n_features).
    """
    parts = []
    if read.numbers is not None:
        parts += _numeric(g, plain.numeric_, read.numbers)
    if read.codes is not None:
        parts += _indicators(g, plain.one_hot_, read.codes)
    return g("Concat", *parts, axis=1) if parts else _zero(g, read)


def _numeric(g: OnnxGraph, numeric: Any, numbers: str) -> list[str]:
    parts = []
    if len(numeric.missing_):
        missing = g("IsNaN", _columns(g, numbers, numeric.missing_))
        parts.append(g("Cast", missing, to=_FLOAT32))
    if len(numeric.binary_):
        two = _columns(g, numbers, numeric.binary_)
        two = g("Where", g("IsNaN", two), numeric.median_[np.newaxis], two)
        width = (numeric.high_ - numeric.low_)[np.newaxis]
        scaled = g("Div", g("Sub", two, numeric.low_[np.newaxis]), width)
        parts.append(g("Min", g("Max", scaled, 0), 1))
    if len(numeric.numeric_):
        parts += _embedded(g, numeric, _columns(g, numbers, numeric.numeric_))
    return parts


def _embedded(g: OnnxGraph, numeric: Any, numbers: str) -> list[str]:
    """Write the scaled numbers and their cosines."""
    missing = g("IsNaN", numbers)
    z = g("Sub", numbers, numeric.scaler_.center_[np.newaxis])
    z = g("Where", missing, 0, g("Mul", z, numeric.scaler_.factor_[np.newaxis]))
    z = g("Min", g("Max", z, -_LARGEST_Z), _LARGEST_Z)
    third = g("Div", z, 3)
    scaled = g("Div", z, g("Sqrt", g("Add", g("Mul", third, third), 1)))
    x = scaled
    if numeric.by_rank:
        double = g.in_precision("float64")
        rank = double("Where", missing, 0.5, _ranks(g, numeric.knots_, numbers))
        x = g("Cast", double("Sub", double("Mul", rank, 6), 3), to=_FLOAT32)
    return [scaled, _cosines(g, x, numeric.embedding_._n_terms)]


def _cosines(g: OnnxGraph, x: str, n_terms: int) -> str:
    """Write cos(k u) / k for u = pi (x + 3) / 6, the terms of each column side by side."""
    u = g("Div", g("Mul", g("Add", x, 3), np.pi), 6)
    k = np.arange(1, n_terms + 1, dtype=np.float32)
    angles = g("Mul", g("Unsqueeze", u, np.array([2])), k)
    return g("Flatten", g("Div", g("Cos", angles), k), axis=1)


def _ranks(g: OnnxGraph, knots: FloatArray, numbers: str) -> str:
    """Write the interpolation of the knots' ranks, found by bisection, in float64.

    Parameters
    ----------
    g : OnnxGraph
        The graph.
    knots : ndarray of shape (n_knots, n_columns)
        Quantiles of each column.
    numbers : str
        Name of the numbers, of shape (n, n_columns).
    """
    n_knots, n_columns = knots.shape
    padded = np.full((n_columns, 2 * _STEPS[0]), np.inf, np.float32)
    padded[:, :n_knots] = knots.T
    x = g("Where", g("IsNaN", numbers), knots[:1], numbers)
    at: Any = padded.shape[1] * np.arange(n_columns)[np.newaxis]
    for step in _STEPS:
        candidate = g("Add", at, np.array([[step]]))
        is_below = g("GreaterOrEqual", x, g("Gather", padded.ravel(), candidate))
        at = g("Where", is_below, candidate, at)
    left = knots.T.astype(np.float64)
    ranks = np.broadcast_to(np.linspace(0, 1, n_knots), left.shape)
    rise, run = np.diff(ranks, append=1), np.diff(left, append=np.inf)
    slopes = np.divide(rise, run, out=np.zeros_like(run), where=run > 0)
    g = g.in_precision("float64")
    x = g("Cast", x, to=NUMBER["float64"])
    start, slope, rank = (
        g("Gather", _padded(table, padded.shape[1]), at) for table in (left, slopes, ranks)
    )
    beyond = g("Max", g("Sub", x, start), 0)  # numbers below the first knot have its rank
    return g("Add", g("Mul", beyond, slope), rank)


def _padded(table: FloatArray, length: int) -> FloatArray:
    return np.pad(table, ((0, 0), (0, length - table.shape[1]))).ravel()


def _indicators(g: OnnxGraph, one_hot: Any, codes: str) -> list[str]:
    """Write an indicator for each frequent value, and for the others."""
    n_frequent, has_others = one_hot.n_frequent_, one_hot.has_others_
    sizes = [k + others for k, others in zip(n_frequent, has_others, strict=True)]
    if sum(sizes) == 0:
        return []
    of_column = np.repeat(np.arange(len(sizes)), sizes)
    values = np.concatenate([np.arange(size) for size in sizes])[np.newaxis]
    known = g("Min", codes, np.array([n_frequent]))
    equal = g("Equal", g("Gather", known, of_column, axis=1), values)
    return [g("Cast", equal, to=_FLOAT32)]


def _zero(g: OnnxGraph, read: Read) -> str:
    """Write a feature that is 0 for all rows."""
    if read.codes is not None:
        never = g("Equal", _columns(g, read.codes, [0]), np.array([[-1]]))
    else:
        never = g("Greater", _columns(g, str(read.numbers), [0]), np.inf)
    return g("Cast", never, to=_FLOAT32)


def _columns(g: OnnxGraph, values: str, which: Sequence[int] | npt.NDArray[Any]) -> str:
    return g("Gather", values, np.asarray(which, dtype=np.int64), axis=1)
