import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.naive_bayes import BernoulliNB

from skmlp._tables.cross_fit import random_folds
from skmlp._tables.ngrams import NgramBayes, NgramReader
from skmlp._tables.target_codes import codes_of_classes

N = 300
RNG = np.random.RandomState(0)
CITIES = ["Berlin", "Bern", "Paris", "Parma"]
CLASSES = RNG.randint(0, 2, N)
TEXTS = np.array(
    [f"{CITIES[2 * k + RNG.randint(2)]} {RNG.randint(10**6)}" for k in CLASSES], dtype=object
)
FOLDS = random_folds(N, np.random.RandomState(0))
TARGET = codes_of_classes(CLASSES, 2, None)


def test_ngrams_are_indicators_of_parts_of_words():
    reader = NgramReader().fit(TEXTS)
    found = reader.transform(np.array(["ber", None, "ber"], dtype=object)).toarray()
    assert found.shape == (3, len(reader.vectorizer_.vocabulary_))
    assert found[0, reader.vectorizer_.vocabulary_["be"]] == 1
    assert_array_equal(found[1], 0)
    assert_array_equal(found[2], found[0])


def test_text_of_which_nothing_is_frequent_has_no_ngrams():
    reader = NgramReader().fit(np.array(["ab", "cd"], dtype=object))
    assert reader.vectorizer_ is None
    assert reader.transform(np.array(["ab"], dtype=object)).shape == (1, 0)


def test_log_odds_tell_new_texts_apart_as_naive_bayes_does():
    reader, bayes = NgramReader().fit(TEXTS), NgramBayes()
    ngrams = reader.transform(TEXTS)
    bayes.fit_transform(ngrams, TARGET, FOLDS)
    new = reader.transform(np.array(["Berlin 7", "Bern", "Paris", "Parma 123"], dtype=object))
    assert ((bayes.transform(new)[:, 0] > 0) == [False, False, True, True]).all()
    # what BernoulliNB says of n-grams that are there, up to the factor
    reference = BernoulliNB().fit(ngrams.toarray(), CLASSES).feature_log_prob_
    evidence = reference[1] - reference[0]
    factor = bayes.weights_[:, 0] @ evidence / (evidence @ evidence)
    assert_allclose(bayes.weights_[:, 0], factor * evidence, atol=1e-4)
    assert 0 < factor <= 1


def test_identifiers_add_no_noise():
    identifiers = np.array([f"{RNG.randint(10**9):09d}" for _ in range(N)], dtype=object)
    ngrams = NgramReader().fit(identifiers).transform(identifiers)
    bayes = NgramBayes()
    found = bayes.fit_transform(ngrams, TARGET, FOLDS)
    assert np.abs(found).mean() < 0.3


def test_a_rows_own_class_has_no_part_in_its_log_odds(monkeypatch):
    # but for the factor, which all rows share
    monkeypatch.setattr("skmlp._tables.ngrams._best_factor", lambda *args: np.float32(0.01))
    ngrams = NgramReader().fit(TEXTS).transform(TEXTS)
    changed = CLASSES.copy()
    changed[FOLDS[0]] = 1 - changed[FOLDS[0]]
    before = NgramBayes().fit_transform(ngrams, TARGET, FOLDS)
    after = NgramBayes().fit_transform(ngrams, codes_of_classes(changed, 2, None), FOLDS)
    assert_array_equal(after[FOLDS[0]], before[FOLDS[0]])
    assert not np.array_equal(after[FOLDS[1]], before[FOLDS[1]])


def test_several_classes_have_a_column_each():
    classes = RNG.randint(0, 3, N)
    ngrams = NgramReader().fit(TEXTS).transform(TEXTS)
    found = NgramBayes().fit_transform(ngrams, codes_of_classes(classes, 3, None), FOLDS)
    assert found.shape == (N, 3)
    assert found.dtype == np.float32
