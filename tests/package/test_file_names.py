"""The names of this package that files contain: a change of one makes stored files unreadable."""

import pickle
import pickletools

import pandas as pd
import pytest
from sklearn.datasets import load_iris

from skmlp import (
    FoldEnsembleClassifier,
    FoldEnsembleRegressor,
    HiddenLayerTransformer,
    NumpyMLPClassifier,
    NumpyMLPRegressor,
    make_tabular_classifier,
    make_tabular_regressor,
)
from skmlp.preprocessing import columns_of_kind, none_for_missing

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
TABLE = pd.DataFrame({"length": X[:, 0], "long": X[:, 0] > 5, "side": [*"ab"] * 75})
CLASSIFIER = "skmlp._classifier.NumpyMLPClassifier"
ENSEMBLE = "skmlp._fold_ensemble.FoldEnsembleClassifier"
REGRESSOR = "skmlp._regressor.NumpyMLPRegressor"
REGRESSOR_ENSEMBLE = "skmlp._fold_ensemble_regressor.FoldEnsembleRegressor"
CLASSIFIER_OF_TABLES = "skmlp._tabular_classifier.TabularClassifier"
REGRESSOR_OF_TABLES = "skmlp._tabular_regressor.TabularRegressor"
TRANSFORMER = "skmlp._hidden_layer.HiddenLayerTransformer"
OF_BOTH_TABLES = {
    "skmlp._tables.evidence.EvidenceReader",
    "skmlp._tables.evidence.LearntFeatures",
    "skmlp._tables.features.PlainFeatures",
    "skmlp._tables.numeric.NumericFeatures",
    "skmlp._tables.one_hot.OneHot",
    "skmlp._tables.readers.NumberReader",
    "skmlp._tables.readers.WordReader",
    "skmlp._tables.table_reader.TableReader",
    "skmlp.preprocessing.CosineEmbedding",
    "skmlp.preprocessing.RobustSmoothScaler",
}
OF_ITS_ENSEMBLE = {
    "skmlp._tables.blended_ensemble.BlendedEnsemble",
    "skmlp._tables.members.Member",
    "skmlp._tables.packed_trees.PackedTrees",
    "skmlp._tables.tree_columns.DenseCategories",
    "skmlp._tables.tree_columns.TreeColumns",
}


def network(**params):
    return NumpyMLPClassifier((3,), max_iter=2, random_state=0, **params)


def regressor(loss="squared_error", **params):
    return NumpyMLPRegressor(loss, (3,), max_iter=2, random_state=0, **params)


FITTED = {
    "classifier": (lambda: network().fit(X, y), {CLASSIFIER}),
    "classifier with early stopping": (
        lambda: network(early_stopping=True, warm_start=True, solver="sgd").fit(X, y),
        {CLASSIFIER},
    ),
    "classifier after partial_fit": (
        lambda: network(batch_norm=True, averaging=0.9).partial_fit(X, y, classes=[0, 1, 2]),
        {CLASSIFIER},
    ),
    "ensemble": (
        lambda: FoldEnsembleClassifier(network(early_stopping=True), 2).fit(X, y),
        {CLASSIFIER, ENSEMBLE},
    ),
    "regressor": (
        lambda: regressor("quantile", quantile=(0.1, 0.9), standardize_target=True).fit(X, y),
        {REGRESSOR},
    ),
    "regressor after partial_fit": (
        lambda: regressor("huber", standardize_target=True).partial_fit(X, X[:, :2]),
        {REGRESSOR},
    ),
    "ensemble of regressors": (
        lambda: FoldEnsembleRegressor(regressor(early_stopping=True), 2).fit(X, X[:, 0]),
        {REGRESSOR, REGRESSOR_ENSEMBLE},
    ),
    "regressor of tables": (
        lambda: make_tabular_regressor(0, n_members=2, max_iter=2).fit(TABLE, X[:, 2]),
        {REGRESSOR, REGRESSOR_ENSEMBLE, REGRESSOR_OF_TABLES, *OF_BOTH_TABLES},
    ),
    "transformer": (
        lambda: HiddenLayerTransformer(network()).fit(X, y),
        {CLASSIFIER, TRANSFORMER},
    ),
    "classifier of tables": (
        lambda: make_tabular_classifier(0, n_members=2, max_iter=2).fit(TABLE, y),
        {CLASSIFIER, CLASSIFIER_OF_TABLES, *OF_BOTH_TABLES, *OF_ITS_ENSEMBLE},
    ),
}
every_model = pytest.mark.parametrize(("make", "names"), FITTED.values(), ids=FITTED)


def names_in_pickle(data):
    """Return the dotted names that a pickle looks up: arguments of GLOBAL and STACK_GLOBAL."""
    names, memo, strings, pushed = set(), {}, [], False
    for operation, argument, _ in pickletools.genops(data):
        if operation.name == "GLOBAL":
            names.add(argument.replace(" ", "."))
        elif operation.name == "STACK_GLOBAL":
            names.add(".".join(strings[-2:]))
        elif operation.name == "MEMOIZE":
            memo[len(memo)] = strings[-1] if pushed else None
        elif operation.name in ("BINGET", "LONG_BINGET") and memo.get(argument):
            strings.append(memo[argument])
        pushed = "UNICODE" in operation.name
        if pushed:
            strings.append(argument)
    return names


def of_skmlp(names):
    return {name for name in names if name.split(".")[0] == "skmlp"}


@every_model
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_names_exactly_these_of_the_package(make, names, protocol):
    assert of_skmlp(names_in_pickle(pickle.dumps(make(), protocol))) == names


@every_model
def test_skops_file_names_exactly_these_of_the_package(make, names):
    skops = pytest.importorskip("skops.io")
    assert of_skmlp(skops.get_untrusted_types(data=skops.dumps(make()))) == names


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_names_are_read_from_every_protocol(protocol):
    things = [columns_of_kind, "text", NumpyMLPClassifier, none_for_missing, NumpyMLPClassifier]
    assert names_in_pickle(pickle.dumps(things, protocol)) == {
        CLASSIFIER,
        "skmlp.preprocessing.columns_of_kind",
        "skmlp.preprocessing.none_for_missing",
    }
