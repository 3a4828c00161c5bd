"""Reader of NumPy arrays in untrusted pickles, which calls nothing that a pickle names."""

import pickle
import pickletools
import re
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Six arrays take about 450 pickle operations.
OPERATIONS_MAX = 1_000

_GLOBALS = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
    ("_codecs", "encode"),
}
_ORDERS = ("<", ">", "|")


def load_content(raw: bytes) -> Any:
    """Return the content of a pickle, with a record of calls in the place of each array.

    Parameters
    ----------
    raw : bytes
        Pickle of any protocol, written by Python 2 or 3.

    Returns
    -------
    content : object
        Tuples, lists, strings and numbers, and the records from which `build_array` builds arrays.

    Raises
    ------
    Exception
        An exception of nearly any type, if the pickle is damaged, names a function or class that
        arrays do not need, or would take more memory or time than its size warrants.
    """
    _check_operations(raw)
    # Python 2 wrote bytes as strings; latin1 keeps each byte.
    return _ArrayUnpickler(BytesIO(raw), encoding="latin1").load()


class _PickledCall:
    """Record of a call in a pickle: name of the function or class, its arguments and state.

    Nothing is called: the pickle gets this record instead of the function or class.
    """

    def __init__(self, name: str, args: tuple[Any, ...] = ()) -> None:
        self.name = name
        self.args = args
        self.state: Any = None

    def __call__(self, *args: Any) -> "_PickledCall":
        return _PickledCall(self.name, args)

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickler that finds records of calls in the place of functions and classes."""

    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) not in _GLOBALS:
            raise ValueError(f"the pickle asks for {module}.{name}, only NumPy arrays are allowed")
        return _PickledCall(name)


def _check_operations(raw: bytes) -> None:
    """Raise ValueError if unpickling would take more memory or time than the size warrants."""
    for count, (operation, argument, _) in enumerate(pickletools.genops(raw)):
        slot = argument if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") else 0
        if max(count, slot or 0) > OPERATIONS_MAX:
            raise ValueError(f"the pickle has over {OPERATIONS_MAX} operations or slots")
        # Arrays need neither, and hashing nested tuples that share parts may never end.
        if "DICT" in operation.name or "SET" in operation.name:
            raise ValueError("the pickle holds a dict or set, only NumPy arrays are allowed")


def build_array(name: str, call: Any) -> NDArray[Any]:
    """Return an array built from a recorded call; only the bytes in the pickle take memory.

    Parameters
    ----------
    name : str
        Name of the array in error messages.
    call : object
        Recorded call, part of the result of `load_content`.

    Returns
    -------
    array : ndarray
        Array of integers, float32 or float64; it may be read-only.

    Raises
    ------
    Exception
        An exception of nearly any type, if `call` does not build an array of numbers.
    """
    if not isinstance(call, _PickledCall) or call.name not in ("_reconstruct", "_frombuffer"):
        raise ValueError(f"{name} is not a NumPy array")
    if call.name == "_reconstruct":
        _, shape, dtype, fortran, raw = call.state
        order = "F" if fortran else "C"
    else:
        raw, dtype, shape, order = call.args
    code, byte_order = dtype.args[0], dtype.state[1]
    if not (isinstance(code, str) and re.fullmatch("[iuf][1248]", code) and byte_order in _ORDERS):
        raise ValueError(f"{name} is not an array of integers, float32 or float64")
    if isinstance(raw, _PickledCall) and raw.name == "encode" and raw.args[1:] == ("latin1",):
        raw = raw.args[0]
    data = raw.encode("latin1") if isinstance(raw, str) else raw
    array = np.frombuffer(data, np.dtype(byte_order + code))
    return array.reshape(shape, order="F" if order == "F" else "C")
