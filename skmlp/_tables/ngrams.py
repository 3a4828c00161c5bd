"""Character n-grams of a column of text, and what they say about the target."""

from typing import Any, Self

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from scipy.special import log_softmax
from sklearn.feature_extraction.text import CountVectorizer

from skmlp._engine.types import FloatArray, IndexArray
from skmlp._tables.cross_fit import cross_fitted
from skmlp._tables.readers import Words
from skmlp._tables.target_codes import TargetCodes

_MAX_NGRAMS = 5000
_MIN_TEXTS = 5
# what follows in a long text costs more time than it is worth
_MAX_LENGTH = 200
_LARGEST = 8.0


class NgramReader:
    """Which character n-grams each text has: those of 1 to 4 characters within words.

    Attributes
    ----------
    vectorizer_ : CountVectorizer or None
        None if no n-gram occurs in at least five different texts.
    """

    max_length = _MAX_LENGTH

    def fit(self, words: Words) -> Self:
        """Choose n-grams by the different texts of the training rows."""
        vectorizer = CountVectorizer(
            analyzer="char_wb",
            ngram_range=(1, 4),
            binary=True,
            min_df=_MIN_TEXTS,
            max_features=_MAX_NGRAMS,
            dtype=np.float32,
        )
        texts = {_text(word) for word in words}
        try:
            self.vectorizer_ = vectorizer.fit(sorted(texts))
        except ValueError:  # nothing is frequent enough
            self.vectorizer_ = None
        return self

    def transform(self, words: Words) -> csr_matrix:
        """Return an indicator of each n-gram, of shape (n_samples, n_ngrams)."""
        if self.vectorizer_ is None:
            return csr_matrix((len(words), 0), dtype=np.float32)
        numbers: dict[str, int] = {}
        rows = [numbers.setdefault(_text(word), len(numbers)) for word in words]
        return self.vectorizer_.transform(numbers)[rows]


class NgramBayes:
    """Naive Bayes on indicators of n-grams: log-odds of each class, as features.

    The log-odds are multiplied by the factor with which they predict the classes best, without
    their own fold. It is 0 for text that says nothing, such as identifiers.

    References
    ----------
    P. Domingos, M. Pazzani, "On the optimality of the simple Bayesian classifier under zero-one
    loss", Machine Learning 29, 1997.
    """

    largest = _LARGEST

    def fit_transform(
        self, ngrams: csr_matrix, target: TargetCodes, folds: list[IndexArray]
    ) -> FloatArray:
        """Learn from the training rows, and return their features, each without its own fold.

        Parameters
        ----------
        ngrams : csr_matrix of shape (n_samples, n_ngrams)
            Indicators.
        target : TargetCodes
            Targets of the rows.
        folds : list of ndarray of int
            Folds of the rows.

        Returns
        -------
        features : ndarray of float32 of shape (n_samples, n_classes)
            Log-odds of each class.
        """
        classes = np.column_stack([target.classes, np.ones(len(target.weights))])
        weighted = (classes * target.weights[:, np.newaxis]).astype(np.float32)

        def totals_of(rows: IndexArray) -> FloatArray:
            counts = (ngrams[rows].T @ weighted[rows]).astype(np.float64)
            return np.vstack([counts, weighted[rows].sum(axis=0)])

        def values_of(rows: IndexArray, totals: FloatArray) -> FloatArray:
            return np.asarray(ngrams[rows] @ _evidence(totals))

        odds = cross_fitted(folds, totals_of, values_of)
        factor = _best_factor(odds, target)
        self.weights_ = factor * _evidence(totals_of(np.arange(len(classes))))
        return (factor * odds).clip(-self.largest, self.largest)

    def transform(self, ngrams: csr_matrix) -> FloatArray:
        """Return the features of other rows."""
        return np.asarray(ngrams @ self.weights_).clip(-self.largest, self.largest)


def _text(word: str | None) -> str:
    return "" if word is None else word[:_MAX_LENGTH]


def _evidence(totals: FloatArray) -> FloatArray:
    """Return log P(n-gram | class) - log P(n-gram | other classes), a row for each n-gram."""
    with_ngram, of_class = totals[:-1], totals[-1:]
    within, rows_within = with_ngram[:, :-1], of_class[:, :-1]
    beside, rows_beside = with_ngram[:, -1:] - within, of_class[:, -1:] - rows_within
    evidence = np.log((within + 1) / (rows_within + 2)) - np.log((beside + 1) / (rows_beside + 2))
    return evidence.astype(np.float32)


def _best_factor(odds: FloatArray, target: TargetCodes) -> np.float32:
    """Return the factor, from 0 to 1, with which log-odds have the least log loss."""
    classes, w = target.classes, target.weights
    if classes.shape[1] == 1:  # the second of two classes
        odds = np.column_stack([np.zeros(len(odds)), odds])
        classes = np.column_stack([1 - classes, classes])
    prior = np.log(np.average(classes, axis=0, weights=w).clip(1e-12))

    def log_loss(factor: float) -> float:
        log_proba = log_softmax(prior + factor * odds, axis=1)
        return -float(np.average((classes * log_proba).sum(axis=1), weights=w))

    best: Any = minimize_scalar(log_loss, bounds=(0, 1), method="bounded", options={"xatol": 1e-3})
    return np.float32(best.x if log_loss(best.x) < log_loss(0) else 0)
