"""Types of the parameters that take one of a few strings, for annotations."""

from typing import Literal, TypeAlias

Solver: TypeAlias = Literal["lbfgs", "sgd", "adam", "adamw", "nadam", "rmsprop"]
"""Values of `solver`: "lbfgs", or a stochastic solver."""

LearningRate: TypeAlias = Literal[
    "constant", "invscaling", "adaptive", "exponential", "linear", "cosine", "one_cycle"
]
"""Values of `learning_rate`: schedules of the stochastic solvers."""

ActivationName: TypeAlias = Literal[
    "identity",
    "logistic",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "softplus",
    "mish",
]
"""Values of `activation`, for all hidden layers or for one of them."""

RegressionLossName: TypeAlias = Literal[
    "squared_error", "absolute_error", "huber", "poisson", "gamma", "quantile"
]
"""Values of `loss` of the regressor."""

WeightInit: TypeAlias = Literal[
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_normal"
]
"""Values of `weight_init` that name a distribution."""

Dtype: TypeAlias = Literal["float32", "float64"]
"""Values of `dtype`, apart from None."""
