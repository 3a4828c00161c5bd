"""Ready settings for the networks, as dicts of their parameters.

>>> from skmlp import NumpyMLPClassifier, recipes
>>> model = NumpyMLPClassifier(**recipes.MNIST_FAST, random_state=0)
>>> wider = NumpyMLPClassifier(**recipes.MNIST_FAST | {"hidden_layer_sizes": (256,)})

MNIST
    Best accuracy on handwritten digits and similar data: 0.9918, 0.9923 and 0.9916 of the test
    images with the seeds 0, 1 and 2, in 13 CPU minutes each.
    Adversarial training follows T. Miyato et al., "Distributional smoothing with virtual
    adversarial training", ICLR 2016. Noise is added to normalised hidden units as in A. Rasmus et
    al., "Semi-supervised learning with ladder networks", NIPS 2015.
MNIST_FAST
    Good accuracy in a short time: 0.9819 of the test images, and at least 0.9814 with each of five
    seeds, in 1.6 CPU seconds. The learning rate rises and falls once, after L. N. Smith,
    N. Topin, "Super-convergence: Very fast training of neural networks using large learning
    rates", 2019.
TABULAR
    Settings of each network of `TabularClassifier` for few rows, for features as the classifier
    makes them. docs/tabular.md compares the results with other classifiers.
TABULAR_REGRESSION
    Settings of each network of `TabularRegressor`, for features as the regressor makes them.
    docs/tabular.md compares the results with other regressors.

MNIST and MNIST_FAST were trained on the 60,000 training images of MNIST without augmentation, with
pixels in [0, 1], on one thread. They do not use which pixels are neighbours. The settings were
chosen on the last 10,000 of these images, after training on the first 50,000.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypedDict

from skmlp._choices import (
    ActivationName,
    Dtype,
    LearningRate,
    RegressionLossName,
    Solver,
    WeightInit,
)

__all__ = ["MNIST", "MNIST_FAST", "TABULAR", "TABULAR_REGRESSION"]


class _CommonParameters(TypedDict, total=False):
    """Parameters of both networks that a recipe can set."""

    hidden_layer_sizes: int | Sequence[int]
    activation: ActivationName | Sequence[ActivationName]
    solver: Solver
    alpha: float
    batch_size: int | Literal["auto"]
    learning_rate: LearningRate
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    tol: float
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    weight_init: WeightInit | float
    dtype: Dtype | None
    weight_decay: float
    max_grad_norm: float | None
    max_norm: float | None
    warmup_epochs: float
    learning_rate_decay: float
    averaging: float | None
    batch_norm: bool
    dropout: float | Sequence[float]
    input_dropout: float
    noise: float | Sequence[float]
    input_noise: float
    adversarial_radius: float
    scoring: str | Callable[..., float] | None
    refit: bool
    rtol: float


class NetworkParameters(_CommonParameters, total=False):
    """Parameters of `NumpyMLPClassifier` that a recipe can set.

    Change these parameters with ``recipe | {...}``. The parameters of a single run, such as
    `random_state` and `verbose`, are not included: pass them to the classifier after the recipe.
    """

    label_smoothing: float


class RegressionParameters(_CommonParameters, total=False):
    """Parameters of `NumpyMLPRegressor` that a recipe can set.

    As :class:`NetworkParameters` for `NumpyMLPClassifier`.
    """

    loss: RegressionLossName
    delta: float
    quantile: float | Sequence[float]
    standardize_target: bool


MNIST: NetworkParameters = {
    "hidden_layer_sizes": (1000, 500, 250),
    "batch_norm": True,
    # each image is also moved by 2 in the worst direction; the norm of an image is about 9
    "adversarial_radius": 2.0,
    # standard deviation, relative to normalised units
    "noise": 0.4,
    "label_smoothing": 0.1,
    # the settings above regularise in place of the penalty
    "alpha": 0,
    "batch_size": 128,
    "learning_rate": "linear",
    "learning_rate_init": 0.002,
    "max_iter": 40,
    "averaging": 0.999,
}

MNIST_FAST: NetworkParameters = {
    "hidden_layer_sizes": (128,),
    "label_smoothing": 0.1,
    # four epochs are too few to overfit
    "alpha": 0,
    "batch_size": 128,
    # ten times the default rate at the peak; too large for the whole training
    "learning_rate": "one_cycle",
    "learning_rate_init": 0.01,
    "max_iter": 4,
    # averages over about 100 of the 1,876 steps
    "beta_2": 0.99,
}

TABULAR: NetworkParameters = {
    "hidden_layer_sizes": (192, 192),
    "activation": "silu",
    "weight_init": "he_normal",
    "solver": "adamw",
    # many small steps, because many tables have few rows
    "batch_size": 32,
    "learning_rate": "cosine",
    "learning_rate_init": 0.004,
    "max_iter": 30,
    # for small data one of the first epochs is the best; averages over about 100 steps are good
    # models even then, while the learning rate is still high
    "averaging": 0.99,
    "early_stopping": True,
    "scoring": "loss",
    "n_iter_no_change": 8,
    "input_noise": 0.05,
    "dropout": 0.25,
    "label_smoothing": 0.05,
    "dtype": "float32",
}

TABULAR_REGRESSION: RegressionParameters = {
    "hidden_layer_sizes": (128, 128, 128),
    "activation": "silu",
    "weight_init": "he_normal",
    "standardize_target": True,
    "solver": "adamw",
    "batch_size": 32,
    "learning_rate": "cosine",
    # slow and long, without noise and dropout: many targets are nearly exact functions of the
    # features; where they are not, early stopping ends the training after a few epochs
    "learning_rate_init": 0.002,
    "max_iter": 100,
    "averaging": 0.99,
    "early_stopping": True,
    "scoring": "loss",
    "n_iter_no_change": 25,
    "dtype": "float32",
}
