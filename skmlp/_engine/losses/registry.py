"""The losses by name; the parametrised tests take them from here."""

from typing import Any

from skmlp._engine.losses.classification import LogisticCrossEntropy, SoftmaxCrossEntropy
from skmlp._engine.losses.regression import (
    AbsoluteError,
    GammaDeviance,
    Huber,
    Pinball,
    PoissonDeviance,
    SquaredError,
)

CLASSIFICATION_LOSSES: dict[str, type[SoftmaxCrossEntropy] | type[LogisticCrossEntropy]] = {
    loss.name: loss for loss in (LogisticCrossEntropy, SoftmaxCrossEntropy)
}
REGRESSION_LOSSES: dict[str, type[Any]] = {
    loss.name: loss
    for loss in (AbsoluteError, GammaDeviance, Huber, PoissonDeviance, Pinball, SquaredError)
}
LOSSES: dict[str, type[Any]] = {**CLASSIFICATION_LOSSES, **REGRESSION_LOSSES}
