import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skmlp import TabularClassifier, TabularRegressor

X = np.arange(120.0).reshape(60, 2) % 7
TARGETS = {TabularClassifier: np.arange(60) % 3, TabularRegressor: X[:, 0]}
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 2}
every_kind = pytest.mark.parametrize("kind", TARGETS)


@every_kind
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_fit_that_fails_leaves_the_earlier_model(kind):
    model = kind(SMALL, n_members=2, random_state=0).fit(X, TARGETS[kind])
    before = model.predict(X)
    with pytest.raises(ValueError, match="inconsistent"):
        model.fit(X[:, :1], TARGETS[kind][:50])
    assert model.n_features_in_ == 2
    assert_array_equal(model.predict(X), before)


@every_kind
def test_rows_cannot_be_predicted_before_fit(kind):
    with pytest.raises(ValueError, match="not fitted"):
        kind().predict(X)


@every_kind
@pytest.mark.parametrize(
    ("table", "message"),
    [({"a": [1], "b": [2]}, "X is a dict"), ([{"a": 1, "b": 2}], "list of dicts"), (5, "shape")],
)
@pytest.mark.filterwarnings("error")
def test_what_is_no_table_is_refused_before_names_are_read(kind, table, message):
    model = kind({**SMALL, "max_iter": 1}, n_members=1, random_state=0)
    model.fit(pd.DataFrame(X, columns=["a", "b"]), TARGETS[kind])
    with pytest.raises(ValueError, match=message):
        model.predict(table)


@every_kind
def test_rows_of_weight_zero_are_as_if_they_were_absent(kind):
    used, y = np.arange(60) % 4 > 0, TARGETS[kind]
    text = np.array([f"value {i * 7 % 35}" for i in range(60)], dtype=object)
    table = np.column_stack([X.astype(object), text])
    model = kind({**SMALL, "alpha": 0.1}, n_members=2, random_state=0)
    method = "predict"
    if kind is TabularClassifier:
        model.set_params(class_weight="balanced", trees={"max_iter": 5})
        method = "predict_proba"
    weighted, absent = (
        getattr(model.fit(*data), method)(table)
        for data in [(table, y, 1.0 * used), (table[used], y[used], np.ones(45))]
    )
    assert_array_equal(weighted, absent)
