"""Hints for parameters and values that other libraries use, or that are easily confused."""

from collections.abc import Callable
from functools import wraps
from numbers import Real
from typing import Any, ParamSpec

from skmlp._compat import InvalidParameterError

P = ParamSpec("P")

_NAMES = {
    "batchsize": "batch_size",
    "epochs": "max_iter",
    "hidden_layers": "hidden_layer_sizes",
    "l2": "alpha",
    "lr": "learning_rate_init",
    "max_epochs": "max_iter",
    "n_epochs": "max_iter",
    "optimizer": "solver",
    "patience": "n_iter_no_change",
    "validation_split": "validation_fraction",
}
_VALUES = {
    ("activation", "leakyrelu"): "leaky_relu",
    ("activation", "linear"): "identity",
    ("activation", "none"): "identity",
    ("activation", "sigmoid"): "logistic",
    ("activation", "swish"): "silu",
    ("batch_size", None): "auto",
    ("hidden_layer_sizes", None): (),
    ("learning_rate", "onecycle"): "one_cycle",
    ("loss", "huber_loss"): "huber",
    ("loss", "l1"): "absolute_error",
    ("loss", "l2"): "squared_error",
    ("loss", "mae"): "absolute_error",
    ("loss", "mean_absolute_error"): "absolute_error",
    ("loss", "mean_squared_error"): "squared_error",
    ("loss", "mse"): "squared_error",
    ("loss", "pinball"): "quantile",
    ("loss", "quantile_loss"): "quantile",
    ("loss", "rmse"): "squared_error",
    ("loss", "smooth_l1"): "huber",
    ("loss", "squared_loss"): "squared_error",
    ("solver", "l-bfgs"): "lbfgs",
}


def hint_at_names(init: Callable[P, None]) -> Callable[P, None]:
    """Decorate a constructor: a keyword of another library raises TypeError that names ours."""

    @wraps(init)
    def constructor(*args: P.args, **kwargs: P.kwargs) -> None:
        for name in kwargs.keys() & _NAMES.keys():
            raise TypeError(
                f"{type(args[0]).__name__} has no parameter {name!r}. Use {_NAMES[name]!r}."
            )
        init(*args, **kwargs)

    return constructor


def with_hint(error: InvalidParameterError, params: dict[str, Any]) -> InvalidParameterError:
    """Return the error, with a hint if the value of its parameter is known from elsewhere."""
    for name, value in params.items():
        if f"'{name}' parameter" not in str(error):
            continue
        if name == "learning_rate" and isinstance(value, Real):
            return InvalidParameterError(
                f"{error} The rate itself is another parameter: learning_rate_init={value!r}."
            )
        if name == "loss" and not isinstance(value, str | None):
            return InvalidParameterError(
                f"{error} The first parameter is loss; pass the layers by name: "
                f"hidden_layer_sizes={value!r}."
            )
        key = name, value.lower() if isinstance(value, str) else value
        if isinstance(value, str | None) and key in _VALUES:
            return InvalidParameterError(f"{error} Use {name}={_VALUES[key]!r}.")
    return error
