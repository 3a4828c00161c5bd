import time

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss

from skmlp import TabularClassifier
from skmlp._tables.blended_ensemble import deadline_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
N = 400
CODES = RNG.randint(0, 60, N)
TABLE = pd.DataFrame({"size": RNG.normal(size=N), "word": [f"w{code}" for code in CODES]})
LABELS = np.where(TABLE["size"] + RNG.normal(size=60)[CODES] > RNG.normal(size=N), "a", "b")
SMALL = {"hidden_layer_sizes": (8,), "max_iter": 20, "learning_rate_init": 0.02}


def test_probabilities_are_the_mean_of_blended_members():
    model = TabularClassifier(SMALL, n_members=3, random_state=0).fit(TABLE, LABELS)
    ensemble = model.ensemble_
    rows = ensemble._rows(model.reader_.transform(TABLE))
    expected = []
    for member in ensemble.members_:
        network, trees = member.log_proba(rows)
        odds = np.exp(model.weights_[0] * network + model.weights_[1] * trees)
        expected.append(odds / odds.sum(axis=1, keepdims=True))
    assert_allclose(model.predict_proba(TABLE), np.mean(expected, axis=0), rtol=1e-5)


def test_values_of_many_valued_text_are_learnt():
    train, test = np.arange(300), np.arange(300, 400)
    losses = [
        log_loss(
            LABELS[test],
            TabularClassifier(SMALL, n_members=4, random_state=0)
            .fit(table.iloc[train], LABELS[train])
            .predict_proba(table.iloc[test]),
        )
        for table in (TABLE, TABLE[["size"]])
    ]
    assert losses[0] < losses[1] - 0.05


def test_a_deadline_is_some_seconds_from_now():
    assert deadline_of(None) is None
    assert deadline_of(10) == pytest.approx(time.time() + 10, abs=1)
