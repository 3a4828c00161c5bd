"""Backpropagation: the forward and the backward pass through all layers.

    z^l     = a^{l-1} W^l + b^l                     a^l = h(z^l)
    dW^l    = a^{l-1}T delta^l                      db^l = 1^T delta^l
    delta^l = (delta^{l+1} W^{l+1}T) * h'(z^l)

Both passes take L dense layers and, for each, the layers that follow it in place: those between
z^l and a^l for a hidden layer, none for the output.
"""

from collections.abc import Sequence

from skmlp._engine.layers import Dense, ForwardInPlace, InPlace
from skmlp._engine.types import FloatArray, Matrix


def forward(
    layers: Sequence[Dense], in_place: Sequence[Sequence[ForwardInPlace]], a: Sequence[Matrix]
) -> None:
    """Fill a[1], ..., a[L] with a^1, ..., a^{L-1} and z^L, given a[0] = X."""
    for layer, steps, below, z in zip(layers, in_place, a, a[1:], strict=False):
        layer.forward(below, z)
        for step in steps:
            step.forward(z)


def backward(
    layers: Sequence[Dense],
    in_place: Sequence[Sequence[InPlace]],
    a: Sequence[Matrix],
    delta: Sequence[FloatArray],
    dx: FloatArray | None = None,
) -> None:
    """Write the gradient of every layer, given delta^L in delta[L - 1].

    The arrays a[1], ..., a[L - 1] are used up, and delta[0], ..., delta[L - 2] are overwritten. If
    `dx` is given, the derivative by X, delta^1 W^1T, is written there.
    """
    for i in range(len(layers) - 1, 0, -1):
        layers[i].backward(a[i], delta[i], delta[i - 1])
        for step in reversed(in_place[i - 1]):
            step.backward(a[i], delta[i - 1])
    layers[0].backward(a[0], delta[0], dx)
