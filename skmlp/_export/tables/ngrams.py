"""Character n-grams of text, and the sums of their weights."""

import functools
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from skmlp._engine.types import FloatArray
from skmlp._export.onnx_model import NUMBER, OnnxGraph

ONNXRUNTIME = "com.microsoft"
_SPACE = 0
_UNKNOWN = -1


def write_ngrams(g: OnnxGraph, text: str, reader: Any, weights: FloatArray, missing: str) -> str:
    """Write the sums of the weights of all n-grams that each text has.

    The n-grams do not reach beyond a word and the space on its sides. So they are those of the
    whole text with a space on its sides, however many spaces are between its words: n-grams with a
    space inside are none of the vocabulary. Only whether a text has a word at all, and so the
    n-gram of a single space, is found in another way.

    Parameters
    ----------
    g : OnnxGraph
        The graph, in float32.
    text : str
        Name of the text, of shape (n, 1).
    reader : NgramReader
        The fitted reader of n-grams.
    weights : ndarray of shape (n_ngrams, n_sums)
        Weights of the n-grams.
    missing : str
        The text that stands for a missing entry, which has no n-grams.

    Returns
    -------
    sums : str
        Name of the sums, of shape (n, n_sums).
    """
    vocabulary = dict(reader.vectorizer_.vocabulary_)
    of_space = vocabulary.pop(" ", None)
    codes = {" ": _SPACE, **{c: i for i, c in enumerate(_letters(vocabulary), start=1)}}
    characters = _characters(g, text, codes, reader.max_length)
    sums = []
    if vocabulary:
        ngrams = sorted(vocabulary, key=lambda ngram: (len(ngram), ngram))
        has_ngram = g("Min", _counts(g, characters, ngrams, codes), 1)
        sums.append(g("MatMul", has_ngram, weights[[vocabulary[ngram] for ngram in ngrams]]))
    if of_space is not None:
        is_letter = g("Not", g("Equal", characters, np.array([[_SPACE]])))
        n_letters = g("ReduceSum", g("Cast", is_letter, to=NUMBER["float32"]), np.array([1]))
        sums.append(g("Mul", g("Min", n_letters, 1), weights[[of_space]]))
    total = sums[0] if len(sums) == 1 else g("Add", *sums)
    return g("Mul", total, _is_there(g, text, missing)) if missing else total


def _letters(ngrams: Iterable[str]) -> list[str]:
    return sorted({letter for ngram in ngrams for letter in ngram} - {" "})


def _characters(g: OnnxGraph, text: str, codes: dict[str, int], max_length: int) -> str:
    """Write the code of each character, with a space before and after the text."""
    letters = g(
        "Tokenizer",
        text,
        domain=ONNXRUNTIME,
        mark=0,
        mincharnum=1,
        pad_value=" ",
        separators=[""],
    )
    forms = {c: codes[lower] for c, lower in _lower_case().items() if lower in codes}
    forms |= {**codes, **dict.fromkeys(_spaces(), _SPACE)}
    found = g(
        "LabelEncoder",
        letters,
        domain="ai.onnx.ml",
        keys_strings=[*forms],
        values_int64s=[*forms.values()],
        default_int64=_UNKNOWN,
    )
    found = g("Reshape", found, np.array([0, -1]))
    found = g("Slice", found, np.array([0]), np.array([max_length]), np.array([1]))
    return g("Pad", found, np.array([0, 1, 0, 1]))


def _counts(g: OnnxGraph, characters: str, ngrams: list[str], codes: dict[str, int]) -> str:
    """Write how often each n-gram occurs; the n-grams are sorted by length."""
    lengths = [len(ngram) for ngram in ngrams]
    longest = lengths[-1]
    starts = [sum(n for n in lengths if n < length) for length in range(1, longest + 1)]
    return g(
        "TfIdfVectorizer",
        characters,
        mode="TF",
        min_gram_length=1,
        max_gram_length=longest,
        max_skip_count=0,
        ngram_counts=starts,
        ngram_indexes=[*range(len(ngrams))],
        pool_int64s=[codes[letter] for ngram in ngrams for letter in ngram],
    )


def _is_there(g: OnnxGraph, text: str, missing: str) -> str:
    return g(
        "LabelEncoder",
        text,
        domain="ai.onnx.ml",
        keys_strings=[missing],
        values_floats=[0.0],
        default_float=1.0,
    )


@functools.cache
def _lower_case() -> dict[str, str]:
    """Return the characters that are another one in lower case."""
    letters = map(chr, range(sys.maxunicode + 1))
    return {c: lower for c in letters if (lower := c.lower()) != c and len(lower) == 1}


@functools.cache
def _spaces() -> list[str]:
    return [c for c in map(chr, range(sys.maxunicode + 1)) if c.isspace()]
