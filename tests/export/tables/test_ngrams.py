"""Sums of the weights of n-grams, against the vectorizer of scikit-learn."""

import numpy as np
import pytest
from exported_tables import run_graph
from numpy.testing import assert_allclose

from skmlp._export.tables.ngrams import write_ngrams
from skmlp._tables.ngrams import NgramReader

TEXTS = [f"{a} {b}" for a in ("Ab", "BC d", "ça", "e") for b in ("ab", "x y", "d  e", "ça", "bcd")]
OTHERS = [
    "", " ", "\t\n", "ab", " AB ", "a\u00a0b", "a\u2003 b\x1cc", "ÇA", "\u212a", "zzz", "日本 ab",
    "😀ab", "ab" * 99 + " ça", "ab" * 100 + " ça", "a b", "d\x00e", "bc d d  e",
]  # fmt: skip


def words(texts):
    return np.array(texts, dtype=object)


def sums(reader, texts, missing=""):
    n_ngrams = len(reader.vectorizer_.vocabulary_)
    weights = np.random.RandomState(0).normal(size=(n_ngrams, 3)).astype(np.float32)
    expected = reader.transform(words(texts)) @ weights
    given = words([missing if text is None else text for text in texts])[:, np.newaxis]
    found = run_graph(lambda g: write_ngrams(g, "text", reader, weights, missing), {"text": given})
    return found, expected


@pytest.mark.parametrize("texts", [TEXTS, OTHERS, *([text] for text in OTHERS)], ids=repr)
def test_sums_are_those_of_the_n_grams_of_each_text(texts):
    reader = NgramReader().fit(words(TEXTS))
    found, expected = sums(reader, texts)
    assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_n_grams_were_found_and_are_not_all_alike():
    reader = NgramReader().fit(words(TEXTS))
    lengths = {len(ngram) for ngram in reader.vectorizer_.vocabulary_}
    assert lengths == {1, 2, 3, 4}
    assert len(np.unique(sums(reader, OTHERS)[0][:, 0].round(4))) > 10


@pytest.mark.parametrize("missing", ["", "ab"])
def test_missing_text_has_no_n_grams(missing):
    reader = NgramReader().fit(words(TEXTS))
    found, expected = sums(reader, [None, "e ça", None], missing)
    assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert (found[[0, 2]] == 0).all()


def test_a_space_may_be_the_only_n_gram():
    reader = NgramReader().fit(words(["a", "b", "c", "d", "e", "f"]))
    assert [*reader.vectorizer_.vocabulary_] == [" "]
    found, expected = sums(reader, ["a", "", "x y"])
    assert_allclose(found, expected, rtol=0, atol=1e-6)
