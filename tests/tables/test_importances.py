import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skmlp import TabularClassifier, TabularRegressor
from skmlp._tables.importances import check_training_rows, held_out_importances
from skmlp._tables.table_reader import TableReader

RNG = np.random.RandomState(0)
N = 200
TABLE = pd.DataFrame(
    {"noise": RNG.normal(size=N), "size": RNG.normal(size=N), "word": RNG.choice([*"ab"], N)}
)
NUMBERS = TABLE["size"] + (TABLE["word"] == "a")
FOLDS = [np.arange(0, 80), np.arange(80, 120)]
SMALL = {"hidden_layer_sizes": (16,), "max_iter": 40, "learning_rate_init": 0.02}


def test_importances_are_losses_of_score_weighted_by_the_sizes_of_the_folds():
    reader = TableReader().fit(TABLE)

    def score(i, columns, rows):
        return (i + 1.0) * np.mean(columns.numbers[:, 1] == TABLE["size"].to_numpy("f4")[rows])

    found = held_out_importances(score, reader, reader.transform(TABLE), FOLDS, 3, 0)
    assert found.importances.shape == (3, 3)
    assert_allclose(found.importances_mean[[0, 2]], 0)
    # almost no entry stays where it was
    assert_allclose(found.importances_mean[1], (80 * 1 + 40 * 2) / 120, rtol=0.05)


@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_columns_that_tell_the_target_matter(kind):
    y = NUMBERS if kind is TabularRegressor else np.where(NUMBERS > 0.5, "yes", "no")
    model = kind(SMALL, n_members=2, random_state=0).fit(TABLE, y)
    found = model.held_out_importances(TABLE, y, n_repeats=2, random_state=0)
    assert found.importances_mean.argmax() == 1
    assert found.importances_mean[2] > found.importances_mean[0] + 0.02
    with pytest.raises(ValueError, match="Pass the table and the targets of fit"):
        model.held_out_importances(TABLE[:20], y[:20])
    with pytest.raises(ValueError, match="n_repeats must be an integer"):
        model.held_out_importances(TABLE, y, n_repeats=0)


def test_without_held_out_rows_there_are_no_importances():
    reader = TableReader().fit(TABLE)
    with pytest.raises(ValueError, match="No rows were held out"):
        held_out_importances(None, reader, reader.transform(TABLE), [np.arange(0)], 1, 0)


def test_rows_of_fit_are_needed():
    check_training_rows(120, FOLDS)
    with pytest.raises(ValueError, match="row 119 was held out"):
        check_training_rows(119, FOLDS)
