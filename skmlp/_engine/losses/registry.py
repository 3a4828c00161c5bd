"""The losses by name; the parametrised tests take them from here."""

from skmlp._engine.losses.classification import LogisticCrossEntropy, SoftmaxCrossEntropy

LOSSES: dict[str, type[SoftmaxCrossEntropy] | type[LogisticCrossEntropy]] = {
    loss.name: loss for loss in (SoftmaxCrossEntropy, LogisticCrossEntropy)
}
