"""The choice between NumPy and compiled loops, and the words for it."""

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from skmlp._engine.kernels import FAILURES, NO_LOOPS, Loops

SWITCH = "SKMLP_KERNELS"
SWITCH_VALUES = "auto", "compiled", "numpy"
# what an epoch must gain; a fit of 200 epochs then gains more than loading the loops costs
LEAST_GAIN = 2e-3
# measured: what a loop saves of each call, of each parameter's step, and of each unit's activation
SECONDS_A_BATCH, SECONDS_A_PARAMETER, SECONDS_A_UNIT = 30e-6, 0.6e-9, 1e-9


class Choice(NamedTuple):
    """The loops that training uses, and why.

    Attributes
    ----------
    loops : dict of callables
        Compiled loops by the name of the kernel; empty for NumPy.
    reason : str
        Why, for the user.
    """

    loops: Loops
    reason: str

    def __str__(self) -> str:
        name = f"compiled loops (numba {_numba().__version__})" if self.loops else "NumPy"
        return f"{name}: {self.reason}"


def choose_kernels(
    n_rows: int,
    batch_size: int,
    layer_sizes: Sequence[int],
    dtype: npt.DTypeLike,
    kept: bool | None = None,
) -> Choice:
    """Return the loops with which a network is trained, by stochastic gradients.

    Whether loops pay is decided by the work of one epoch, so that one fit of many epochs and many
    calls of `partial_fit` decide alike.

    Parameters
    ----------
    n_rows, batch_size : int
        Rows of an epoch and of a batch.
    layer_sizes : sequence of int
        Number of inputs, of units of each hidden layer, and of outputs.
    dtype : dtype
        Precision of the network.
    kept : bool or None, default=None
        The choice of the training that is continued. If None, training begins.

    Raises
    ------
    ValueError
        If the environment variable `SKMLP_KERNELS` is none of its values.
    """
    switch = _switch()
    if switch == "numpy":
        return Choice(NO_LOOPS, f"{SWITCH} is {switch!r}")
    if switch == "auto" and kept is not None:
        reason = "as in the training that is continued"
    elif switch == "auto":
        kept = gain(n_rows, batch_size, layer_sizes, dtype) >= LEAST_GAIN
        reason = f"an epoch is {'long enough' if kept else 'too short'} to pay for compiling"
    else:
        kept, reason = True, f"{SWITCH} is {switch!r}"
    if not kept:
        return Choice(NO_LOOPS, reason)
    loops = load_loops()
    return Choice(loops, reason) if loops else Choice(NO_LOOPS, _why_there_are_none())


def gain(n_rows: int, batch_size: int, layer_sizes: Sequence[int], dtype: npt.DTypeLike) -> float:
    """Return roughly how many seconds of an epoch loops save."""
    n_parameters = sum(m * n + n for m, n in pairwise(layer_sizes))
    batches = n_rows / batch_size
    numbers = batches * n_parameters * SECONDS_A_PARAMETER
    numbers += n_rows * sum(layer_sizes[1:]) * SECONDS_A_UNIT
    return batches * SECONDS_A_BATCH + numbers * (np.dtype(dtype).itemsize / 4)


def explain_kernels(model: Any = None) -> str:
    """Return which kernels are in use, those of NumPy or compiled loops, and why.

    Compiled loops are used where numba is installed (``pip install skmlp[fast]``) and an epoch is
    long enough to pay for compiling. The environment variable `SKMLP_KERNELS` switches them: "auto"
    is the default, "numpy" never uses loops, and "compiled" uses loops in every training.

    Parameters
    ----------
    model : estimator or None, default=None
        A fitted network, to be told what its last training used. If None, what is possible in this
        process.

    Returns
    -------
    text : str

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If the model is no network of skmlp, but for example a pipeline.
    ValueError
        If `SKMLP_KERNELS` has another value.

    Examples
    --------
    >>> from skmlp import NumpyMLPClassifier, explain_kernels
    >>> print(explain_kernels())  # doctest: +SKIP
    compiled loops (numba 0.68.1): used where an epoch is long enough to pay for compiling
    """
    switch = _switch()
    if model is not None:
        compiled = _state_of(model).compiled
        used = "compiled loops" if compiled else "NumPy"
        if compiled is None and model.solver == "lbfgs":
            return f"{used}: the solver {model.solver!r} has no use for loops"
        return f"{used} in the last training of this model; now {explain_kernels()}"
    loops = NO_LOOPS if switch == "numpy" else load_loops()
    if not loops:
        reason = f"{SWITCH} is {switch!r}" if switch == "numpy" else _why_there_are_none()
        return str(Choice(NO_LOOPS, reason))
    reason = "used where an epoch is long enough to pay for compiling"
    if switch == "compiled":
        reason = f"{SWITCH} is {switch!r}"
    given_up = "".join(f"; not for {name} ({why})" for name, why in FAILURES.items())
    return f"{Choice(loops, reason)}{given_up}"


def _state_of(model: Any) -> Any:
    """Return the training state of a fitted network."""
    if not hasattr(model, "_state"):
        check_is_fitted(model)
        raise TypeError(
            f"model is a {type(model).__name__}; give a NumpyMLPClassifier or a NumpyMLPRegressor, "
            "such as the last step of a pipeline or a member of an ensemble."
        )
    return model._state


_loading = threading.RLock()
if hasattr(os, "register_at_fork"):
    # a child lacks the thread that imports, and would wait for its import forever
    os.register_at_fork(
        before=_loading.acquire,
        after_in_parent=_loading.release,
        after_in_child=_loading.release,
    )


@cache
def load_loops() -> Loops:
    """Return the loops; none if numba is not installed, or fails.

    While one thread imports them, a fork by another thread waits.
    """
    try:
        with _loading:
            loops: Loops = import_module("skmlp._compiled.loops.all").LOOPS
            with suppress(Exception):  # the first call imports the rest of numba
                loops["add_bias"](np.zeros((1, 1)), np.zeros(1))
    except Exception as error:
        FAILURES["import"] = f"{type(error).__name__}: {error}"
        return {}
    return loops


def _switch() -> str:
    value = os.environ.get(SWITCH, "auto")
    if value not in SWITCH_VALUES:
        raise ValueError(
            f"The environment variable {SWITCH} must be one of {', '.join(SWITCH_VALUES)}; "
            f"got {value!r}. Unset it, or set it to one of these."
        )
    return value


def _why_there_are_none() -> str:
    error = FAILURES.get("import", "")
    if "No module named 'numba'" in error:
        return "numba is not installed (pip install skmlp[fast])"
    return f"numba cannot be used ({error})"


def _numba() -> Any:
    return import_module("numba")
