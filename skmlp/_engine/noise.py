"""Noise and dropout: which layers training adds to the input and to each hidden layer."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from skmlp._engine.layers import Dropout, GaussianNoise

NoiseLayer = GaussianNoise | Dropout


class Noise(NamedTuple):
    """Strengths of noise and dropout.

    Attributes
    ----------
    noise, dropout : float or sequence of float, default=0.0
        Standard deviation of the noise on z^l and share of a^l that is left out, in all hidden
        layers, or in each.
    input_noise, input_dropout : float, default=0.0
        The same for the input X.
    rng : Generator or None, default=None
        Source of noise and dropout. If None, there is neither.
    """

    noise: float | Sequence[float] = 0.0
    dropout: float | Sequence[float] = 0.0
    input_noise: float = 0.0
    input_dropout: float = 0.0
    rng: np.random.Generator | None = None

    def on_input(self) -> list[NoiseLayer]:
        """Return the layers for the input."""
        return self._layers(self.input_noise, self.input_dropout)

    def on_hidden(self, n_hidden: int) -> list[tuple[list[NoiseLayer], list[NoiseLayer]]]:
        """Return the layers before and after the activation, for each hidden layer."""
        strengths = zip(
            per_layer(self.noise, n_hidden), per_layer(self.dropout, n_hidden), strict=True
        )
        return [(self._layers(noise, 0.0), self._layers(0.0, p)) for noise, p in strengths]

    def _layers(self, noise: float, dropout: float) -> list[NoiseLayer]:
        """Return the layers whose strength is not 0."""
        layers: list[NoiseLayer] = []
        if self.rng is not None:
            layers += [GaussianNoise(noise, self.rng)] if noise else []
            layers += [Dropout(dropout, self.rng)] if dropout else []
        return layers


def per_layer(value: Any, n_layers: int) -> list[Any]:
    """Return one value per layer, given one for all or a sequence whose last value is repeated."""
    if isinstance(value, str) or not np.iterable(value):
        return [value] * n_layers
    values = list(value)
    return [*values, *values[-1:] * n_layers][:n_layers]
