"""NumPy arrays out of pickles that nobody vouches for: nothing that a pickle names is run."""

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


def load_notes(raw: bytes) -> Any:
    """Return what a pickle holds, with a note of each array in its place.

    Parameters
    ----------
    raw : bytes
        The pickle, of any protocol, of Python 2 or 3.

    Returns
    -------
    content : object
        Tuples, lists, strings, numbers; and notes, of which `build_array` makes arrays.

    Raises
    ------
    Exception
        Of nearly any kind, if the pickle is damaged, names anything that arrays do not need, or
        would take more memory or time than its size warrants.
    """
    _check_operations(raw)
    # Python 2 wrote bytes as strings; latin1 keeps each byte.
    return _ArrayUnpickler(BytesIO(raw), encoding="latin1").load()


class _PickledCall:
    """What a pickle asks for: a global by name, called with `args`, given `state`.

    It is a note of the request, not its fulfilment: the pickle gets hold of no function or class.
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
    """Finds notes, and no function or class."""

    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) not in _GLOBALS:
            raise ValueError(f"the pickle asks for {module}.{name}, only NumPy arrays are allowed")
        return _PickledCall(name)


def _check_operations(raw: bytes) -> None:
    """Refuse pickles that cost the unpickler more memory or time than their size warrants."""
    for count, (operation, argument, _) in enumerate(pickletools.genops(raw)):
        slot = argument if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") else 0
        if max(count, slot or 0) > OPERATIONS_MAX:
            raise ValueError(f"the pickle has over {OPERATIONS_MAX} operations or slots")
        # Arrays need neither, and to hash nested tuples that share parts can take for ever.
        if "DICT" in operation.name or "SET" in operation.name:
            raise ValueError("the pickle holds a dict or set, only NumPy arrays are allowed")


def build_array(name: str, note: Any) -> NDArray[Any]:
    """Build an array from what a pickle recorded, no larger than the bytes it carries.

    Parameters
    ----------
    name : str
        What the array is called in errors.
    note : object
        What should be the note of an array.

    Raises
    ------
    Exception
        Of nearly any kind, if it is none, or an array of other types than numbers.
    """
    if not isinstance(note, _PickledCall) or note.name not in ("_reconstruct", "_frombuffer"):
        raise ValueError(f"{name} is not a NumPy array")
    if note.name == "_reconstruct":
        _, shape, dtype, fortran, raw = note.state
        order = "F" if fortran else "C"
    else:
        raw, dtype, shape, order = note.args
    code, byte_order = dtype.args[0], dtype.state[1]
    if not (isinstance(code, str) and re.fullmatch("[iuf][1248]", code) and byte_order in _ORDERS):
        raise ValueError(f"{name} is not an array of integers, float32 or float64")
    if isinstance(raw, _PickledCall) and raw.name == "encode" and raw.args[1:] == ("latin1",):
        raw = raw.args[0]
    data = raw.encode("latin1") if isinstance(raw, str) else raw
    array = np.frombuffer(data, np.dtype(byte_order + code))
    return array.reshape(shape, order="F" if order == "F" else "C")
