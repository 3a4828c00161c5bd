"""scikit-learn's meta-estimators give the same results around either classifier."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_blobs, make_multilabel_classification
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from skmlp import NumpyMLPClassifier

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # the weights of AdaBoostClassifier sum to 1
    pytest.mark.filterwarnings("ignore:The mean of the weights:UserWarning"),
]

X, y = make_blobs(150, n_features=4, centers=3, cluster_std=3.0, random_state=1)
X = StandardScaler().fit_transform(X)
BINARY = (y == 0).astype(int)
UNLABELLED = np.where(np.arange(150) % 3, y, -1)
SEVERAL = make_multilabel_classification(150, n_features=4, n_classes=3, random_state=0)
LINEAR = LogisticRegression()


def with_both(function):
    return [
        function(cls((8,), learning_rate_init=0.02, max_iter=25, random_state=0))
        for cls in (MLPClassifier, NumpyMLPClassifier)
    ]


PROBABILITIES = {
    "pipeline": (lambda mlp: make_pipeline(StandardScaler(), mlp), X, y),
    "bagging": (lambda mlp: BaggingClassifier(mlp, 3, max_samples=0.5, random_state=0), X, y),
    "voting": (
        lambda mlp: VotingClassifier([("mlp", mlp), ("linear", LINEAR)], voting="soft"),
        X,
        y,
    ),
    "stacking": (lambda mlp: StackingClassifier([("mlp", mlp), ("l", LINEAR)], mlp, cv=3), X, y),
    "passthrough": (lambda mlp: StackingClassifier([("mlp", mlp)], passthrough=True, cv=3), X, y),
    "one-vs-rest": (OneVsRestClassifier, X, y),
    "one-vs-rest, labels": (OneVsRestClassifier, *SEVERAL),
    "chain": (ClassifierChain, *SEVERAL),
    "chain of probabilities": (
        lambda mlp: ClassifierChain(mlp, chain_method="predict_proba", cv=3),
        *SEVERAL,
    ),
    "several columns": (MultiOutputClassifier, *SEVERAL),
    "self-training": (SelfTrainingClassifier, X, UNLABELLED),
    "grid search": (lambda mlp: GridSearchCV(mlp, {"alpha": [1e-4, 1.0]}, cv=3), X, y),
    "fixed threshold": (lambda mlp: FixedThresholdClassifier(mlp, threshold=0.3), X, BINARY),
    "tuned threshold": (lambda mlp: TunedThresholdClassifierCV(mlp, cv=3), X, BINARY),
}
if "sample_weight" in inspect.signature(MLPClassifier.fit).parameters:
    PROBABILITIES["adaboost"] = (
        lambda mlp: AdaBoostClassifier(mlp, n_estimators=3, random_state=0),
        X,
        y,
    )


@pytest.mark.parametrize("name", PROBABILITIES)
def test_probabilities_and_predictions_are_those_with_mlpclassifier(name):
    wrap, inputs, labels = PROBABILITIES[name]
    theirs, ours = with_both(lambda mlp: wrap(mlp).fit(inputs, labels))
    assert_allclose(ours.predict_proba(inputs), theirs.predict_proba(inputs), atol=1e-8)
    assert_array_equal(ours.predict(inputs), theirs.predict(inputs))


RESULTS = {
    "accuracy": lambda mlp: cross_val_score(mlp, X, y, cv=3),
    "area": lambda mlp: cross_val_score(mlp, X, BINARY, cv=3, scoring="roc_auc"),
    "area of several classes": lambda mlp: cross_val_score(mlp, X, y, cv=3, scoring="roc_auc_ovr"),
    "average precision": lambda mlp: cross_val_score(
        mlp, X, BINARY, cv=3, scoring="average_precision"
    ),
    "log loss": lambda mlp: cross_val_score(mlp, X, y, cv=3, scoring="neg_log_loss"),
    "log-probabilities": lambda mlp: cross_val_predict(mlp, X, y, cv=3, method="predict_log_proba"),
    "importances": lambda mlp: (
        permutation_importance(mlp.fit(X, y), X, y, n_repeats=3, random_state=0).importances
    ),
    "partial dependence": lambda mlp: partial_dependence(mlp.fit(X, y), X, [0]).average,
    "selected features": lambda mlp: (
        SequentialFeatureSelector(mlp, n_features_to_select=2, cv=3).fit(X, y).get_support()
    ),
}


@pytest.mark.parametrize("name", RESULTS)
def test_scores_and_inspections_are_those_with_mlpclassifier(name):
    theirs, ours = with_both(RESULTS[name])
    assert np.shape(ours) == np.shape(theirs)
    assert_allclose(ours, theirs, atol=1e-8)


@pytest.mark.parametrize(
    "wrap",
    [OneVsOneClassifier, lambda mlp: OutputCodeClassifier(mlp, random_state=0)],
    ids=["one-vs-one", "output code"],
)
def test_voting_by_decision_function_changes_few_predictions(wrap):
    theirs, ours = with_both(lambda mlp: wrap(mlp).fit(X, y).predict(X))
    assert (ours != theirs).mean() < 0.05
