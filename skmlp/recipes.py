"""Ready settings for `NumpyMLPClassifier`: plain dicts of its parameters.

>>> from skmlp import NumpyMLPClassifier, recipes
>>> model = NumpyMLPClassifier(**recipes.MNIST_FAST, random_state=0)
>>> longer = NumpyMLPClassifier(**recipes.MNIST | {"max_iter": 100}, random_state=0)
"""

__all__ = ["MNIST", "MNIST_FAST"]

MNIST = {
    "hidden_layer_sizes": (1000, 500, 250),
    "batch_norm": True,
    # Standard deviations: of the noise on pixels in [0, 1], and on each normalised hidden unit.
    "input_noise": 0.3,
    "noise": 0.5,
    "alpha": 0,
    "batch_size": 128,
    "learning_rate": "linear",
    "learning_rate_init": 0.002,
    "max_iter": 50,
    "averaging": 0.999,
}

MNIST_FAST = {
    "hidden_layer_sizes": (128,),
    "alpha": 0,
    "batch_size": 128,
    "learning_rate": "one_cycle",
    "learning_rate_init": 0.01,
    "max_iter": 5,
    "weight_init": "he_normal",
}
