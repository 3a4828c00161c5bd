"""The losses by name; the parametrised tests take them from here."""

from typing import Any

from skmlp._engine.losses.classification import LogisticCrossEntropy, SoftmaxCrossEntropy

CLASSIFICATION_LOSSES: dict[str, type[SoftmaxCrossEntropy] | type[LogisticCrossEntropy]] = {
    loss.name: loss for loss in (LogisticCrossEntropy, SoftmaxCrossEntropy)
}
LOSSES: dict[str, type[Any]] = {**CLASSIFICATION_LOSSES}
