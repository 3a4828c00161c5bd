"""Networks of the engine from plain settings."""

import numpy as np

from skmlp._engine.losses.registry import LOSSES
from skmlp._engine.network import Network
from skmlp._engine.noise import Noise

NOISE = "noise", "dropout", "input_noise", "input_dropout", "rng"


def make_network(
    layer_sizes, activation, out, alpha=0.0, dtype="float64", label_smoothing=0.0, loss=None,
    **options,
):  # fmt: skip
    """Return a network with the loss, or that of the name, and with noise if options ask for it."""
    noise = Noise(**{name: options.pop(name) for name in NOISE if name in options})
    loss = loss or (LOSSES[out](label_smoothing) if label_smoothing else LOSSES[out]())
    return Network(layer_sizes, activation, loss, alpha, np.dtype(dtype), noise=noise, **options)
