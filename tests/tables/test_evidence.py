import numpy as np
import pandas as pd

from skmlp._tables.evidence import EvidenceReader, LearntFeatures
from skmlp._tables.table_reader import TableReader
from skmlp._tables.target_codes import codes_of_classes

N = 600
RNG = np.random.RandomState(0)
CODES = RNG.randint(0, 40, N)
CLASSES = (RNG.uniform(size=N) < RNG.uniform(size=40)[CODES]).astype(int)
TABLE = pd.DataFrame(
    {
        "few": RNG.choice([*"abc"], N),
        "many": [f"value {code}" for code in CODES],
        "unique": [f"text {i}" for i in range(N)],
        "code": 7 * CODES,
        "size": RNG.normal(size=N),
    }
)
TARGET = codes_of_classes(CLASSES, 2, None)


def fitted():
    reader = TableReader().fit(TABLE)
    columns = reader.transform(TABLE)
    evidence = EvidenceReader().fit(columns, reader.counts_, TARGET, np.random.RandomState(0))
    return evidence, columns


def test_columns_are_chosen_by_what_they_hold():
    evidence, columns = fitted()
    assert evidence.many_ == [1]
    assert [*evidence.rare_] == [2]
    assert [*evidence.numbers_] == [0]
    found = evidence.transform(columns)
    assert found.codes.shape == (N, 2)
    assert [ngrams.shape[0] for ngrams in found.ngrams] == [N]
    assert found.take(np.arange(5)).ngrams[0].shape[0] == 5


def test_a_column_each_for_a_statistic_a_count_and_log_odds():
    evidence, columns = fitted()
    found, learnt = evidence.transform(columns), LearntFeatures()
    of_train = learnt.fit_transform(found, TARGET, np.random.RandomState(0))
    assert of_train.shape == (N, 5)
    assert of_train.dtype == np.float32
    new = learnt.transform(found.take(np.arange(3)))
    assert new.shape == (3, 5)
    # rows that took part in the statistics are told better by them than they should be
    leaky = np.corrcoef(learnt.transform(found)[:, 0], CLASSES)[0, 1]
    assert 0.2 < np.corrcoef(of_train[:, 0], CLASSES)[0, 1] < leaky


def test_a_table_of_numbers_has_no_such_features():
    table = TABLE[["size"]]
    reader = TableReader().fit(table)
    columns = reader.transform(table)
    evidence = EvidenceReader().fit(columns, reader.counts_, TARGET, np.random.RandomState(0))
    found = LearntFeatures().fit_transform(
        evidence.transform(columns), TARGET, np.random.RandomState(0)
    )
    assert found.shape == (N, 0)
