"""Which layers of noise and dropout a network has."""

import numpy as np
import pytest

from skmlp._engine.layers import Dropout, GaussianNoise
from skmlp._engine.noise import Noise, per_layer


@pytest.mark.parametrize(
    ("value", "n_layers", "expected"),
    [
        ("tanh", 2, ["tanh", "tanh"]),
        (0.5, 3, [0.5, 0.5, 0.5]),
        (0.5, 0, []),
        (("relu", "tanh"), 2, ["relu", "tanh"]),
        ([0.1, 0.2], 3, [0.1, 0.2, 0.2]),
        ([], 0, []),
    ],
)
def test_one_value_is_for_all_layers_and_the_last_of_many_goes_on(value, n_layers, expected):
    assert per_layer(value, n_layers) == expected


def strengths(layers):
    """Return what the layers are, and how strong."""
    return [
        (type(layer), layer.sigma if isinstance(layer, GaussianNoise) else layer.p)
        for layer in layers
    ]


def test_noise_comes_before_the_activation_and_dropout_after_it_where_they_are_not_0():
    noise = Noise([0.1, 0.0], [0.0, 0.2], 0.3, 0.4, np.random.default_rng(0))
    assert strengths(noise.on_input()) == [(GaussianNoise, 0.3), (Dropout, 0.4)]
    assert [tuple(map(strengths, sides)) for sides in noise.on_hidden(2)] == [
        ([(GaussianNoise, 0.1)], []),
        ([], [(Dropout, 0.2)]),
    ]


def test_one_strength_is_that_of_all_hidden_layers():
    noise = Noise(0.1, 0.2, rng=np.random.default_rng(0))
    sides = [tuple(map(strengths, sides)) for sides in noise.on_hidden(3)]
    assert sides == [([(GaussianNoise, 0.1)], [(Dropout, 0.2)])] * 3
    assert noise.on_input() == []


def test_without_a_generator_there_is_no_noise():
    assert Noise(0.1, 0.2, 0.3, 0.4).on_hidden(1) == [([], [])]
    assert Noise(0.1, 0.2, 0.3, 0.4).on_input() == []
