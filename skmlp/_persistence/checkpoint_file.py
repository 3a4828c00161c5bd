"""The file of a checkpoint: plain values and arrays, written completely or not at all.

    magic and format number | BLAKE2b of what follows | length of the header | header | arrays
    8 bytes                   32                        8, little-endian       JSON

The header has the tree of values, in which an array is ``{"$array": its number}``, and the dtype
and shape of each array. The arrays follow one another, little-endian. Reading a file executes no
code, and allocates no more memory than the size of the file justifies.
"""

import contextlib
import hashlib
import json
import math
import os
import re
import stat
from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._persistence.replace_file import remove_leftovers, replacing
from skmlp._persistence.validate import shortened

_MAGIC = b"SKMLPCK"
_FORMAT = 1
_DIGEST, _LENGTH = 32, 8
_START = len(_MAGIC) + 1 + _DIGEST + _LENGTH
_NONBLOCK, _BINARY = getattr(os, "O_NONBLOCK", 0), getattr(os, "O_BINARY", 0)
_DTYPES = {"<f4", "<f8", "<i4", "<i8", "<u4", "<u8"}
_N_AXES_MAX = 8
# headers up to this size are read whatever they say
_LONG_TEXT = 100
_SMALL_HEADER, _BYTES_ALWAYS = 2**17, 2**24
# the memory that a value takes at most, by the character that it has in JSON
_BYTES_OF = {b",": 48, b'"': 96, b"[": 256, b"{": 512, b":": 160}

Tree = Any
"""None, bool, int, float, str, array, or a list or dict of such."""


def write_checkpoint(path: str, tree: Tree) -> None:
    """Write the tree. Whatever happens, the file is the previous one or the new one.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    arrays: list[npt.NDArray[Any]] = []
    plain = _without_arrays(tree, arrays)
    described = [[array.dtype.str, array.shape] for array in arrays]
    header = json.dumps({"tree": plain, "arrays": described}).encode()
    parts: list[Any] = [len(header).to_bytes(_LENGTH, "little"), header, *map(_bytes_of, arrays)]
    digest = hashlib.blake2b(digest_size=_DIGEST)
    for part in parts:
        digest.update(part)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(_MAGIC + bytes([_FORMAT]) + digest.digest())
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(os.path.dirname(path) or ".")


def read_checkpoint(path: str) -> Tree:
    """Read a file and return the tree that was written.

    Raises
    ------
    ValueError
        If the file is not a checkpoint, has another format, is damaged or cut off.
    """
    # a pipe would never end
    with open(os.open(path, os.O_RDONLY | _NONBLOCK | _BINARY), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise damaged(path, "it is no regular file")
        # a large file of another kind is not read to its end
        if file.read(len(_MAGIC)) != _MAGIC:
            raise damaged(path, "it does not begin like one")
        if file.read(1) != bytes([_FORMAT]):
            raise damaged(path, "it has the format of another version of skmlp")
        digest, rest = file.read(_DIGEST), memoryview(file.read())
    if hashlib.blake2b(rest, digest_size=_DIGEST).digest() != digest:
        raise damaged(path, "its checksum is wrong")
    try:
        return _decode(rest)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise damaged(path, f"its content is not as it must be ({error})") from error


def remove_checkpoint(path: str) -> None:
    """Remove the file, and the temporary files that killed fits have left."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
    remove_leftovers(path)


def _decode(content: memoryview) -> Tree:
    """Return the tree, given the length of the header, the header and the arrays."""
    stop = _LENGTH + int.from_bytes(content[:_LENGTH], "little")
    header = json.loads(_checked_header(bytes(content[_LENGTH:stop])))
    arrays = []
    for dtype, shape in header["arrays"]:
        if dtype not in _DTYPES or not _is_shape(shape, len(content)):
            raise ValueError(f"an array of dtype {shortened(dtype)} and shape {shortened(shape)}")
        start, n = stop, math.prod(shape)
        stop += n * np.dtype(dtype).itemsize
        if stop > len(content):
            raise ValueError(f"no room for an array of shape {shape!r}")
        array = np.frombuffer(content[start:stop], dtype).reshape(shape)
        arrays.append(array.astype(np.dtype(dtype).newbyteorder("=")))
    if stop != len(content):
        raise ValueError("bytes after the last array")
    return _with_arrays(header["tree"], arrays)


def _checked_header(header: bytes) -> bytes:
    """Return the header, if what it says takes little more memory than the header itself.

    Raises
    ------
    ValueError
        If it does not: curves of numbers have a comma every few bytes, but no file that a fit
        writes consists of brackets and braces.
    """
    if len(header) <= _SMALL_HEADER:
        return header
    if not header.isascii():
        raise ValueError("the header has other characters than ASCII")
    n_bytes, most = _bytes_needed(header), 7 * len(header) + _BYTES_ALWAYS
    if n_bytes > most and header.count(b'"') * _BYTES_OF[b'"'] < most:
        # what stands in a text needs no more than the text
        for text in re.finditer(rb'"(?:[^"\\]|\\.)*+"', header):
            if text.end() - text.start() > _LONG_TEXT:
                n_bytes -= _bytes_needed(text[0])
    if n_bytes > most:
        raise ValueError("the header consists of too many parts")
    return header


def _bytes_needed(text: bytes) -> int:
    """Return the memory that the values in a text of JSON take at most."""
    return sum(text.count(mark) * n for mark, n in _BYTES_OF.items())


def _is_shape(shape: Any, n_max: int) -> bool:
    """Return whether an array in so many bytes can have this shape."""
    is_list = isinstance(shape, list) and len(shape) <= _N_AXES_MAX
    return is_list and all(type(n) is int and 0 <= n <= n_max for n in shape)


def _without_arrays(tree: Tree, arrays: list[npt.NDArray[Any]]) -> Tree:
    """Return the tree without arrays, as JSON needs it; append its arrays to the list."""
    if isinstance(tree, dict):
        return {str(key): _without_arrays(value, arrays) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_without_arrays(value, arrays) for value in tree]
    if isinstance(tree, np.generic):
        return tree.item()
    if not isinstance(tree, np.ndarray):
        return tree
    arrays.append(tree.astype(tree.dtype.newbyteorder("<"), order="C", copy=False))
    return {"$array": len(arrays) - 1}


def _with_arrays(tree: Tree, arrays: list[npt.NDArray[Any]]) -> Tree:
    """Return the tree with its arrays, which are put in place."""
    if isinstance(tree, list):
        for i, value in enumerate(tree):
            tree[i] = _with_arrays(value, arrays)
    elif isinstance(tree, dict):
        if "$array" in tree:
            number = tree["$array"]
            if type(number) is not int or not 0 <= number < len(arrays):
                raise ValueError(f"there is no array {shortened(number)}")
            return arrays[number]
        for key, value in tree.items():
            tree[key] = _with_arrays(value, arrays)
    return tree


def _bytes_of(array: npt.NDArray[Any]) -> memoryview:
    """Return the array's bytes, not copied."""
    return array.reshape(-1).view(np.uint8).data


def _sync_folder(folder: str) -> None:
    """Write the folder's entries to disk, where the system lets folders be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def damaged(path: str, what: str) -> ValueError:
    """Return the error for a file that is not a readable checkpoint."""
    return ValueError(
        f"checkpoint_path={path!r} is no checkpoint that can be read: {what}. Give the path of "
        "another file, or delete this one to fit from the start."
    )
