"""What features that are learnt from targets are made of: codes of values, and n-grams."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from skmlp._engine.types import FloatArray, IndexArray
from skmlp._tables.cross_fit import folds_of
from skmlp._tables.ngrams import NgramBayes, NgramReader
from skmlp._tables.number_codes import code_columns, encode_numbers
from skmlp._tables.one_hot import MAX_VALUES, MIN_FREQUENCY
from skmlp._tables.table_reader import Columns
from skmlp._tables.target_codes import TargetCodes
from skmlp._tables.target_statistics import TargetStatistics

# text is read by its n-grams if this share of the rows has values that are rare
_RARE = 0.1


class Evidence(NamedTuple):
    """Values of some rows.

    Attributes
    ----------
    codes : ndarray of int32 of shape (n_samples, n_columns)
        Codes of values; -1 for those that are not known.
    ngrams : list of csr_matrix of shape (n_samples, n_ngrams)
        Indicators of n-grams, a matrix for each column of text.
    """

    codes: IndexArray
    ngrams: list[csr_matrix]

    def take(self, rows: IndexArray) -> "Evidence":
        """Return the values of some rows."""
        return Evidence(self.codes[rows], [ngrams[rows] for ngrams in self.ngrams])


class EvidenceReader:
    """Choice of the columns from which features are learnt by targets.

    Attributes
    ----------
    many_ : list of int
        Columns of words of more than 30 values.
    rare_ : dict
        Columns of words of which more than a tenth of the rows has values that occur once or twice,
        with their readers of n-grams.
    numbers_ : dict
        Columns of numbers that are codes, with the values of these.
    """

    def fit(
        self,
        columns: Columns,
        counts: Sequence[npt.NDArray[Any]],
        target: TargetCodes,
        rng: np.random.RandomState,
    ) -> Self:
        """Choose columns by the training rows.

        Parameters
        ----------
        columns : Columns
            The training rows.
        counts : sequence of ndarray of int
            Number of training rows with each value, for each column of words.
        target : TargetCodes
            Their targets.
        rng : RandomState
            Source of folds.

        Returns
        -------
        self : EvidenceReader
            The fitted reader.
        """
        n_rows = len(columns.codes)
        self.many_ = [
            j for j, n in enumerate(counts) if len(n) > MAX_VALUES and n[0] >= MIN_FREQUENCY
        ]
        rare = [n[n < MIN_FREQUENCY].sum() > _RARE * n_rows for n in counts]
        readers = {j: NgramReader().fit(columns.words[j]) for j in np.flatnonzero(rare).tolist()}
        self.rare_ = {j: reader for j, reader in readers.items() if reader.vectorizer_ is not None}
        values = code_columns(columns.numbers, target, folds_of(target.groups, n_rows, rng))
        self.numbers_ = {j: v for j, v in enumerate(values) if len(v) > 0}
        return self

    def transform(self, columns: Columns) -> Evidence:
        """Return the values of the chosen columns."""
        codes = [columns.codes[:, j] for j in self.many_]
        codes += [encode_numbers(columns.numbers[:, j], v) for j, v in self.numbers_.items()]
        ngrams = [reader.transform(columns.words[j]) for j, reader in self.rare_.items()]
        n_rows = len(columns.codes)
        return Evidence(
            np.stack(codes, axis=1) if codes else np.empty((n_rows, 0), np.int32), ngrams
        )


class LearntFeatures:
    """Features that are learnt from targets: statistics of values, naive Bayes on n-grams."""

    def fit_transform(
        self, evidence: Evidence, target: TargetCodes, rng: np.random.RandomState
    ) -> FloatArray:
        """Learn from the training rows, and return their features, each without its own target.

        Parameters
        ----------
        evidence : Evidence
            Values of the training rows.
        target : TargetCodes
            Their targets.
        rng : RandomState
            Source of the folds.

        Returns
        -------
        features : ndarray of float32 of shape (n_samples, n_features)
            The features.
        """
        n_rows = len(target.weights)
        folds = folds_of(target.groups, n_rows, rng)
        self.statistics_ = [TargetStatistics() for _ in evidence.codes.T]
        self.bayes_ = [NgramBayes() for _ in evidence.ngrams]
        parts = [
            part.fit_transform(codes, target, folds)
            for part, codes in zip(self.statistics_, evidence.codes.T, strict=True)
        ]
        parts += [
            part.fit_transform(ngrams, target, folds)
            for part, ngrams in zip(self.bayes_, evidence.ngrams, strict=True)
        ]
        return _joined(parts, n_rows)

    def transform(self, evidence: Evidence) -> FloatArray:
        """Return the features of other rows."""
        parts = [
            part.transform(codes)
            for part, codes in zip(self.statistics_, evidence.codes.T, strict=True)
        ]
        parts += [
            part.transform(ngrams)
            for part, ngrams in zip(self.bayes_, evidence.ngrams, strict=True)
        ]
        return _joined(parts, len(evidence.codes))


def _joined(parts: list[FloatArray], n_rows: int) -> FloatArray:
    empty = np.empty((n_rows, 0), np.float32)
    return np.hstack([empty, *parts]).astype(np.float32, copy=False)
