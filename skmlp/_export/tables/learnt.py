"""The features that are learnt from targets, of all members side by side."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from skmlp._engine.types import FloatArray, IndexArray
from skmlp._export.onnx_model import OnnxGraph
from skmlp._export.tables.inputs import ML, Read
from skmlp._export.tables.ngrams import write_ngrams


class Learnt(NamedTuple):
    """Features of all members in the graph.

    Attributes
    ----------
    features : str or None
        Name of the features, of shape (n, n_members * n_features). None if there are none.
    of_member : list of ndarray of int
        The columns that are each member's.
    """

    features: str | None
    of_member: list[IndexArray]


def write_learnt_features(
    g: OnnxGraph, evidence: Any, members: Sequence[Any], read: Read, missing: str
) -> Learnt:
    """Write the features that are learnt from targets.

    Parameters
    ----------
    g : OnnxGraph
        The graph, in float32.
    evidence : EvidenceReader
        Which columns the features are learnt from.
    members : sequence of LearntFeatures
        What each member has learnt.
    read : Read
        What has been read from the table.
    missing : str
        The text that stands for a missing entry.

    Returns
    -------
    learnt : Learnt
        The features.
    """
    parts, widths = [], []
    for i, (codes, n_values) in enumerate(_codes(g, evidence, read)):
        tables = [_table(member.statistics_[i].table_, n_values) for member in members]
        parts.append(g("Gather", np.hstack(tables), codes, axis=0))
        widths.append(tables[0].shape[1])
    for i, (j, reader) in enumerate(evidence.rare_.items()):
        bayes = [member.bayes_[i] for member in members]
        weights = np.hstack([part.weights_ for part in bayes])
        odds = write_ngrams(g, read.words[j], reader, weights, missing)
        largest = bayes[0].largest
        parts.append(g("Min", g("Max", odds, -largest), largest))
        widths.append(bayes[0].weights_.shape[1])
    if not parts:
        return Learnt(None, [np.empty(0, np.int64) for _ in members])
    starts = len(members) * np.cumsum([0, *widths[:-1]])
    of_member = [
        np.concatenate(
            [start + m * n + np.arange(n) for start, n in zip(starts, widths, strict=True)]
        )
        for m in range(len(members))
    ]
    return Learnt(g("Concat", *parts, axis=1), of_member)


def _codes(g: OnnxGraph, evidence: Any, read: Read) -> list[tuple[str, int]]:
    """Write the codes of each column of values, of shape (n,), with the number of values."""
    found = []
    for j in evidence.many_:
        column = g("Gather", str(read.codes), np.array([j]), axis=1)
        found.append((g("Reshape", column, np.array([-1])), read.n_values[j]))
    for j, values in evidence.numbers_.items():
        column = g("Gather", str(read.numbers), np.array([j]), axis=1)
        codes = g(
            "LabelEncoder",
            g("Reshape", column, np.array([-1])),
            domain=ML,
            keys_floats=values.tolist(),
            values_int64s=[*range(len(values))],
            default_int64=len(values),
        )
        found.append((codes, len(values)))
    return found


def _table(table: FloatArray, n_values: int) -> FloatArray:
    """Return the statistics by code, those of values that are not known last."""
    rows = np.arange(1, n_values + 1)
    return table[[*np.where(rows < len(table), rows, 0), 0]]
