"""What a call of `fit` or `partial_fit` asks for."""

from typing import Any, NamedTuple

import numpy.typing as npt


class FitMode(NamedTuple):
    """How a call trains the model.

    Attributes
    ----------
    continues : bool, default=False
        Whether training starts from the parameters of the fitted model: with `warm_start`, or in
        every call of `partial_fit` but the first.
    partial : bool, default=False
        Whether the call is `partial_fit`: one epoch, without validation.
    """

    continues: bool = False
    partial: bool = False


NEW_FIT = FitMode()


class FitRequest(NamedTuple):
    """The arguments of `fit` or `partial_fit`, as the user passed them, and the mode.

    Attributes
    ----------
    X, y, sample_weight, X_val, y_val, sample_weight_val, classes
        As in these methods. If None, not given.
    mode : FitMode, default=NEW_FIT
        How the call trains the model.
    """

    X: Any
    y: Any
    sample_weight: npt.ArrayLike | None = None
    X_val: Any = None
    y_val: Any = None
    sample_weight_val: npt.ArrayLike | None = None
    classes: npt.ArrayLike | None = None
    mode: FitMode = NEW_FIT
