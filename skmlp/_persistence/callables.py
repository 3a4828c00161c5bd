"""Checksums of what callables do, by which two of the same name are told apart.

A function is its code, its defaults and the values it encloses; other objects are their class, the
code of their methods and their attributes. What is found in none of these, such as the file that
a function reads, makes no difference. Bytecode differs between versions of Python.
"""

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence, Set
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

# deeper parts make no difference
_DEPTH = 8


def content_of(value: Any) -> str:
    """Return a checksum that is the same in each process for a callable that does the same."""
    text = _described(value, _DEPTH, set())
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def without_addresses(text: str) -> str:
    """Return the text of an object without its place in memory."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _described(value: Any, depth: int, seen: set[int]) -> str:
    """Return a text for the value and for what it consists of."""
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return repr(value)
    if depth == 0 or id(value) in seen:
        return type(value).__qualname__
    seen = seen | {id(value)}

    def parts(values: Any) -> str:
        return ", ".join(_described(part, depth - 1, seen) for part in values)

    if isinstance(value, CodeType):
        return f"code {value.co_code!r} {value.co_names} ({parts(value.co_consts)})"
    if isinstance(value, FunctionType):
        return f"{_name(value)} {parts(_parts_of_function(value))}"
    if isinstance(value, MethodType):
        return f"method {parts([value.__func__, value.__self__])}"
    if isinstance(value, functools.partial):
        return f"partial {parts([value.func, value.args, value.keywords])}"
    if isinstance(value, BuiltinFunctionType | ModuleType | np.ufunc):
        return without_addresses(repr(value))
    if isinstance(value, type):
        return _name(value)
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind != "O":
        return f"{value.dtype} {value.shape} {hashlib.blake2b(value.tobytes()).hexdigest()}"
    if isinstance(value, Mapping):
        return f"mapping {parts([*value.items()])}"
    if isinstance(value, Set):
        # of texts, whose order differs from process to process
        return f"set {sorted(_described(part, depth - 1, seen) for part in value)}"
    if isinstance(value, Sequence):
        return f"{type(value).__qualname__} ({parts(value)})"
    methods = [part for part in vars(type(value)).values() if isinstance(part, FunctionType)]
    return f"{_name(type(value))} {parts([methods, getattr(value, '__dict__', {})])}"


def _name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def _parts_of_function(function: FunctionType) -> list[Any]:
    """Return code, defaults, enclosed values, and the functions of its module that it names."""
    enclosed = []
    for cell in function.__closure__ or ():
        try:
            enclosed.append(cell.cell_contents)
        except ValueError:  # not yet assigned
            enclosed.append(None)
    named = [function.__globals__.get(name) for name in function.__code__.co_names]
    helpers = [
        part
        for part in named
        if isinstance(part, FunctionType) and part.__module__ == function.__module__
    ]
    return [function.__code__, function.__defaults__, function.__kwdefaults__, enclosed, helpers]
